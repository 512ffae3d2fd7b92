"""The dashboard on disk: which jobs it shows, what of them everybody may know who may read it, and where they lie.

How it looks is `service.dashboard`. All of this touches folders that may hang, and runs in a thread of its own.
"""

import contextlib
import heapq
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.config.permissions import file_mode, policy_of
from pdfocr_watcher.daemon.condition import Snapshot
from pdfocr_watcher.jobs.catalogue import status_in
from pdfocr_watcher.jobs.durable import make_folders, write_file
from pdfocr_watcher.jobs.folder import DASHBOARD_NAME, SHOWN_NAME
from pdfocr_watcher.jobs.granting import all_may_know
from pdfocr_watcher.jobs.model import JobStatus, Outputs, Stage, Status
from pdfocr_watcher.jobs.overview import Ended
from pdfocr_watcher.jobs.rights import READ, Rights, rights_of
from pdfocr_watcher.service.dashboard.board import Board, Card
from pdfocr_watcher.service.dashboard.links import below, link_to
from pdfocr_watcher.service.dashboard.page import page

#: Jobs that are shown of each kind that has not ended.
_IN_WORK, _WAITING = 25, 15
_Found = tuple[bool, Outputs | None]


def dashboard_file(config: Config) -> Path:
    """Where the dashboard is written."""
    return config.folders.root / SHOWN_NAME / DASHBOARD_NAME


class Showing:
    """Writes the dashboard; blocking, one thread.

    Args:
        config: where the jobs lie, and who may read the dashboard.
    """

    def __init__(self, config: Config) -> None:
        self._folders = config.folders
        self._interval = config.service.health_interval
        self._file = dashboard_file(config)
        self._mode = file_mode(config.permissions.index_mode)
        policy = policy_of(config.permissions)
        self._group = policy.group if isinstance(policy.group, int) else None
        self._keep_private = policy.keep_private
        self._readers: Rights | None = None
        #: Whether a job may be named, and its outputs once it has ended; of those that were shown last.
        self._known: dict[Path, _Found] = {}

    def configure(self, config: Config) -> None:
        """Say from now on how often it is written by this; where, and for whom, stays."""
        self._interval = config.service.health_interval

    def write(self, snapshot: Snapshot) -> None:
        """Write it whole.

        Raises:
            OSError: the file system refused.
        """
        make_folders(self._file.parent)
        if self._readers is None:  # only a page that we have written says who will read it
            self._write(Board(snapshot.health, self._interval))
            self._readers = rights_of(self._file)
        self._write(self._board(snapshot, self._readers))

    def _write(self, board: Board) -> None:
        write_file(self._file, page(board), mode=self._mode, group=self._group)

    def _board(self, snapshot: Snapshot, readers: Rights) -> Board:
        begun = [status for status in snapshot.jobs if status.status is Status.PROCESSING]
        waiting = [status for status in snapshot.jobs if status.status is Status.PENDING]
        earlier, self._known = self._known, {}
        return Board(
            snapshot.health,
            self._interval,
            tuple(self._in_hand(_oldest(begun, _IN_WORK), readers, earlier)),
            tuple(self._in_hand(_oldest(waiting, _WAITING), readers, earlier)),
            tuple(self._ended(snapshot.overview.completed, readers, earlier)),
            tuple(self._ended(snapshot.overview.failed, readers, earlier)),
        )

    def _in_hand(self, jobs: Iterable[JobStatus], readers: Rights, earlier: dict[Path, _Found]) -> Iterator[Card]:
        for status in jobs:
            folder = self._folders.jobs / status.job_id
            if (found := self._look(folder, readers, earlier)) is None:
                continue
            yield Card(
                status.job_id,
                status.source if found[0] else None,
                status.stage,
                status.created_at,
                status.total_pages,
                status.processed_pages,
                len(status.failed_pages),
                status.eta_seconds,
            )

    def _ended(self, jobs: Iterable[Ended], readers: Rights, earlier: dict[Path, _Found]) -> Iterator[Card]:
        for job in jobs:
            if (found := self._look(job.folder, readers, earlier)) is None:
                continue
            named, outputs = found
            link = link_to(job.folder, self._file.parent, self._folders.root) if named else None
            yield Card(
                job.job_id,
                job.source if named else None,
                Stage.DONE,
                job.completed_at,
                job.total_pages,
                failed_pages=job.failed_pages,
                error_code=job.error_code,
                error_message=job.error_message if named else None,
                folder=link,
                outputs=_links(link, outputs),
                image_count=outputs.image_count if outputs is not None else 0,
            )

    def _look(self, folder: Path, readers: Rights, earlier: dict[Path, _Found]) -> _Found | None:
        """Whether a job may be named, and its outputs; None if it is gone, or nothing can be said of it."""
        with contextlib.suppress(OSError, ValueError):  # the index lies on a share: a name may be none
            os.lstat(folder)
            if folder in earlier:
                self._known[folder] = earlier[folder]
                return earlier[folder]
            named = not self._keep_private or all_may_know(folder, readers, READ)
            if (status := status_in(folder)) is None:  # perhaps not for long
                return named, None
            self._known[folder] = named, status.outputs
            return named, status.outputs
        return None


def _oldest(jobs: Iterable[JobStatus], most: int) -> list[JobStatus]:
    return heapq.nsmallest(most, jobs, key=lambda status: status.job_id)


def _links(folder: str | None, outputs: Outputs | None) -> dict[str, str]:
    """Links to the outputs that a status file names, whichever they are; it may say anything."""
    if folder is None or outputs is None:
        return {}
    named = ((key, below(folder, value)) for key, value in outputs.model_dump().items() if isinstance(value, str))
    return {key: link for key, link in named if link is not None}
