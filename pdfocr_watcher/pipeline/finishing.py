"""All pages of a job are done with: its outputs are put together, and it is decided how it ended.

Before and after that the job is the pipeline's.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.model import Output, Outputs
from pdfocr_watcher.pipeline.active import ActiveJob, Now
from pdfocr_watcher.pipeline.reader import Reader
from pdfocr_watcher.pipeline.storage import Storage
from pdfocr_watcher.pipeline.tasks import Assembled, AssembleTask

_log = structlog.get_logger(__name__)

#: Seconds that putting the results together may take, for a job and for each of its pages.
_ASSEMBLY_SECONDS = (120.0, 2.0)
#: The most that the searchable PDF may take of a worker, in seconds: others wait meanwhile.
_SEARCHABLE_SECONDS = 900.0
#: What is said of a task whose worker had to be replaced.
_WORKER_LOST = frozenset({ErrorCode.ENGINE_CRASHED, ErrorCode.ENGINE_OUT_OF_MEMORY, ErrorCode.ENGINE_TIMEOUT})
#: So often a worker may be lost over the results of one job.
_MOST_LOST = 2


class Finisher:
    """Has workers put outputs together.

    Args:
        reader: who has the workers.
        storage: the jobs folder.
        trouble: waits until a step that the file system refused may be tried again; cancels a job that is gone.
        outputs: what is wanted beside the Markdown and the figures, where a job's settings do not say.
        min_page_success: the share of pages that must be read for the job to count as completed.
        now: the clock of the status files.
    """

    def __init__(
        self,
        reader: Reader,
        storage: Storage,
        trouble: Callable[[ActiveJob, Exception], Awaitable[None]],
        outputs: tuple[Output, ...],
        min_page_success: float,
        now: Now,
    ) -> None:
        self._reader = reader
        self._storage = storage
        self._trouble = trouble
        self._outputs = outputs
        self._min_page_success = min_page_success
        self._now = now

    async def finish(self, job: ActiveJob) -> PdfocrError | None:
        """Put the outputs together; why the job failed, None if it is completed."""
        total = len(job.sizes)
        try:
            made = await self._assemble(job, total)
        except PdfocrError as error:
            if error.code is ErrorCode.ASSEMBLY_FAILED:
                return error
            return PdfocrError(ErrorCode.ASSEMBLY_FAILED, error.message)
        for output, reason in made.left_out.items():
            _log.info("output.left_out", job_id=job.job_id, output=output, reason=reason)
        job.change(self._now(), outputs=Outputs.of(made.written, made.images, made.left_out))
        read = total - len(job.status.failed_pages)
        if read < self._min_page_success * total:
            return PdfocrError(ErrorCode.TOO_FEW_PAGES, f"{read} of {total} were read.")
        return None

    async def _assemble(self, job: ActiveJob, total: int) -> Assembled:
        """Have a worker put the outputs together, again and again while the file system refuses."""
        fixed, per_page = _ASSEMBLY_SECONDS
        # For the searchable PDF, which needs a hundredth of a second a page, and as much for all else.
        seconds = min(_SEARCHABLE_SECONDS, (fixed + per_page * total) / 2)
        left_out: dict[Output, str] = {}
        asked = job.settings.outputs
        wanted = self._outputs if asked is None else tuple(map(Output, asked))
        task = AssembleTask(str(job.folder.path), total, wanted, seconds)
        lost = 0
        while True:
            try:
                reply = await self._reader.call(task, fixed + per_page * total, urgent=True)
            except PdfocrError as failed:
                error = await self._storage.suspect(failed, job.input)
                if error.code in _WORKER_LOST and lost < _MOST_LOST:
                    lost += 1  # once may be somebody else's doing, as when memory runs out
                    if lost == _MOST_LOST and Output.SEARCHABLE_PDF in task.outputs:  # the one with a stranger's file
                        left_out = {Output.SEARCHABLE_PDF: error.message}
                        task = replace(task, outputs=tuple(name for name in task.outputs if name not in left_out))
                elif error.code is ErrorCode.STORAGE_FAILED and not job.cancelled:
                    await self._trouble(job, error)
                else:
                    raise error from failed
            else:
                made = Assembled.of(reply)
                return replace(made, left_out={**made.left_out, **left_out})
