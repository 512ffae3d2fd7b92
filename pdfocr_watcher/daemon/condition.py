"""How the daemon is: whether it may claim, whether it is through, and what health.json says. It changes nothing."""

from collections.abc import Sized
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.deliveries import Deliveries
from pdfocr_watcher.daemon.space import Space
from pdfocr_watcher.daemon.taking_up import TakingUp
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.inbox.intake import Intake
from pdfocr_watcher.jobs.model import JobStatus, Status
from pdfocr_watcher.jobs.overview import Overview
from pdfocr_watcher.pipeline.active import utc_now
from pdfocr_watcher.pipeline.process import Pipeline
from pdfocr_watcher.pipeline.reader import EngineState, Reader
from pdfocr_watcher.pipeline.storage import Storage
from pdfocr_watcher.pipeline.throughput import BOUNDS
from pdfocr_watcher.service.health import DaemonState, Health, JobCounts, LastError, PagesPerMinute
from pdfocr_watcher.service.metrics import Figures


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How the daemon is at one moment.

    Attributes:
        health: what health.json says.
        figures: what the metrics say beside it.
        jobs: the jobs in hand.
        overview: what the index says of all jobs.
    """

    health: Health
    figures: Figures
    jobs: tuple[JobStatus, ...]
    overview: Overview


class Condition:
    """Looks at the rooms of a daemon.

    Args:
        config: the limits.
        engine: the engine's name.
        reader, pipeline, deliveries, space, source, settling, taking_up: what is looked at; `source` is the inbox as a
            folder that must be writable. The intake comes later, see `watch`.
    """

    def __init__(
        self,
        config: Config,
        engine: str,
        reader: Reader,
        pipeline: Pipeline,
        deliveries: Deliveries,
        space: Space,
        source: Storage,
        settling: Sized,
        taking_up: TakingUp,
    ) -> None:
        self._config = config
        self._engine = engine
        self._reader = reader
        self._pipeline = pipeline
        self._deliveries = deliveries
        self._space = space
        self._source = source
        self._settling = settling
        self._taking_up = taking_up
        self._intake: Intake | None = None
        self._started_at = utc_now()
        #: When the engine was last neither failed nor out of reach, by `monotonic`; whether it was ever ready.
        self._well_at = monotonic()
        self._was_ready = False
        #: The engine's last failure, and whether it still was one at the last look.
        self._engine_error: LastError | None = None
        self._engine_was_failed = False

    def configure(self, config: Config) -> None:
        """Go by these limits from now on."""
        self._config = config

    def watch(self, intake: Intake) -> None:
        """Look at the inbox too; it is made last, for it asks whether it may claim."""
        self._intake = intake

    def hold(self) -> str | None:
        """Why nothing may be claimed now; None if something may."""
        most = self._config.inbox.max_waiting_jobs
        not_begun = len(self._settling) + len(self._taking_up.unfinished)
        claimed = not_begun + len(self._pipeline.jobs) + self._deliveries.waiting
        if claimed >= most:
            return f"{claimed} jobs wait already, and inbox.max_waiting_jobs is {most}."
        # What cannot be delivered stays where the jobs lie: no more of it is begun.
        return self._space.shortage or self._source.closed_because or self._deliveries.blocked

    @property
    def through(self) -> bool:
        """Whether nothing is left to do."""
        return self._intake is not None and self._intake.quiet and not self._busy and not self._taking_up.unfinished

    @property
    def stuck(self) -> PdfocrError | None:
        """Why who waits for the end of the work would wait for ever; None if not."""
        if self._reader.state not in {EngineState.UNREACHABLE, EngineState.FAILED}:
            self._well_at = monotonic()
            self._was_ready |= self._reader.state is EngineState.READY
        # One that has worked, or is on another machine, may come back.
        hopeless = self._reader.state is EngineState.FAILED and not self._was_ready
        if hopeless or monotonic() - self._well_at >= self._config.engine.start_timeout_seconds:
            return self._reader.failure
        if self._intake is None:
            return None
        if self._intake.unreachable is not None:
            detail = f"{self._config.folders.inbox}: {self._intake.unreachable}"
            return PdfocrError(ErrorCode.FOLDER_UNUSABLE, detail)
        if self._intake.swept.is_set() and not self._busy and (reason := self.hold() or self._taking_up.trouble):
            return PdfocrError(ErrorCode.STORAGE_FAILED, reason)
        return None

    @property
    def _busy(self) -> bool:
        return bool(len(self._settling) or self._pipeline.busy or self._deliveries.waiting)

    def snapshot(self, state: DaemonState, overview: Overview, config_notes: tuple[str, ...] = ()) -> Snapshot:
        """How the daemon is now; see `health`."""
        throughput, deliveries = self._pipeline.throughput, self._deliveries
        seconds = throughput.page_seconds
        figures = Figures(
            deliveries.completed,
            deliveries.failed,
            {code.value: count for code, count in throughput.failures.items()},
            BOUNDS,
            seconds.counts,
            seconds.total,
        )
        jobs = tuple(job.status for job in self._pipeline.jobs.values())
        return Snapshot(self.health(state, overview, config_notes), figures, jobs, overview)

    def health(self, state: DaemonState, overview: Overview, config_notes: tuple[str, ...] = ()) -> Health:
        """What health.json says.

        Args:
            state: what the daemon does; one that runs may be paused, or have lost sight of its inbox.
            overview: what the index says.
            config_notes: what of the changed configuration is not in force.
        """
        now = utc_now()
        reason = None
        if state is DaemonState.STARTING:
            reason = self._pipeline.trouble
        elif state is DaemonState.RUNNING:
            state, reason = self._running()
        jobs = [job.status for job in self._pipeline.jobs.values()]
        in_work = sum(status.status is Status.PROCESSING for status in jobs)
        throughput = self._pipeline.throughput
        return Health(
            state=state,
            reason=reason,
            heartbeat=now,
            started_at=self._started_at,
            engine=self._engine,
            engine_state=self._reader.state,
            engine_model=self._reader.info.model if self._reader.info is not None else None,
            engine_notes=self._reader.notes,
            config_notes=config_notes,
            jobs_waiting=len(jobs) - in_work,
            jobs_in_work=in_work,
            files_in_inbox=self._intake.waiting if self._intake else 0,
            oldest_waiting_seconds=self._longest_wait(jobs, now),
            jobs=JobCounts(**{status.value: count for status, count in overview.counts.items()}),
            pages_done=throughput.pages,
            pages_per_minute=PagesPerMinute(
                last_minute=round(throughput.per_minute(monotonic(), 1), 2),
                last_15_minutes=round(throughput.per_minute(monotonic(), 15), 2),
            ),
            last_error=self._last_error(overview, now),
            free_bytes=self._space.free_bytes or 0,
            events_lost=self._intake.events_lost if self._intake else 0,
        )

    def _longest_wait(self, jobs: list[JobStatus], now: datetime) -> float | None:
        claimed = min((status.created_at for status in jobs if status.status is Status.PENDING), default=None)
        waits = [max(0.0, (now - claimed).total_seconds())] if claimed is not None else []
        if self._intake is not None and (seen := self._intake.longest_wait) is not None:
            waits.append(seen)
        return round(max(waits), 1) if waits else None

    def _last_error(self, overview: Overview, now: datetime) -> LastError | None:
        failure = self._reader.failure
        if failure is not None and not self._engine_was_failed:
            self._engine_error = LastError.of(failure.code, now)
        self._engine_was_failed = failure is not None
        errors = [self._engine_error] if self._engine_error is not None else []
        if (page := self._pipeline.throughput.last_failure) is not None:
            errors.append(LastError.of(page.code, page.at, page.job_id))
        errors += [
            LastError.of(job.error_code, job.completed_at, job.job_id)
            for job in overview.failed[:1]
            if job.error_code is not None
        ]
        return max(errors, key=lambda error: error.at, default=None)

    def _running(self) -> tuple[DaemonState, str | None]:
        if self._intake is not None and self._intake.unreachable is not None:
            return DaemonState.UNREACHABLE, self._intake.unreachable
        reason = self.hold() or self._pipeline.trouble or self._deliveries.trouble or self._taking_up.trouble
        if reason is None and self._reader.failure is not None:
            reason = str(self._reader.failure)
        return (DaemonState.PAUSED if reason else DaemonState.RUNNING), reason
