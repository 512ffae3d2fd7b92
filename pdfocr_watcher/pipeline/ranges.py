"""A range of pages becomes rasters: by one renderer, and by the other where that one fails.

What becomes of the rasters, and of the pages that none came of, is decided in `pipeline.process`.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import structlog

from pdfocr_watcher.config.model import Render
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.probe import refusal
from pdfocr_watcher.jobs.steps import Step, step
from pdfocr_watcher.pipeline.active import ActiveJob
from pdfocr_watcher.pipeline.rendering import Rasterizer, TextLayers, effective_dpi, layer_path
from pdfocr_watcher.pipeline.scheduler import contiguous

_log = structlog.get_logger(__name__)

#: Each further page of a turn has this share of a page's time limit: most pages are quick, and one that is not is
#: rendered again alone.
_FURTHER_PAGE = 0.1


class RangeRenderer:
    """Renders ranges of pages in threads.

    Args:
        settings: resolution and limits.
        max_seconds: time that renderers may work on one job, all together.
        rasterizers: who renders; the second is tried where the first failed.
        threads: where the waiting for renderers is done.
        layers: who tells the text layers of the pages; None where they are not wanted.
    """

    def __init__(
        self,
        settings: Render,
        max_seconds: float,
        rasterizers: tuple[Rasterizer, ...],
        threads: ThreadPoolExecutor,
        layers: TextLayers | None = None,
    ) -> None:
        self._settings = settings
        self._max_seconds = max_seconds
        self._rasterizers = rasterizers
        self._threads = threads
        self._layers = layers

    def text_layer(self, raster: Path) -> str:
        """Where the text layer of a rendered page lies, if it has one; empty where they are not wanted."""
        return str(layer_path(raster)) if self._layers is not None else ""

    def resolution(self, job: ActiveJob, index: int) -> float:
        """Dots per inch at which a page is rendered: lower than configured where it would be too large."""
        return effective_dpi(job.sizes[index], self._settings.dpi, self._settings.max_pixels)

    async def rasterize(self, job: ActiveJob, pages: range, dpi: float) -> tuple[dict[int, Path], PdfocrError | None]:
        """The rasters that came of some pages, and why others did not.

        What one renderer cannot do may be no trouble to the other: several pages are given to each in turn, a
        single one to another at each try. RENDER_BUDGET says that the job has had all the time that it may have.
        """
        if job.render_seconds >= self._max_seconds:
            return {}, PdfocrError(ErrorCode.RENDER_BUDGET, f"({self._max_seconds:g} s)")
        rasterizers = self._rasterizers
        if len(pages) == 1:
            rasterizers = (rasterizers[job.tries.get(pages[0], 0) % len(rasterizers)],)
        rendered: dict[int, Path] = {}
        error: PdfocrError | None = None
        for rasterizer in rasterizers:
            for run in contiguous(index for index in pages if index not in rendered):
                came, error = await self._render_run(job, rasterizer, run, dpi)
                rendered |= came
            if error is not None and error.code in {ErrorCode.RENDER_TIMEOUT, ErrorCode.STORAGE_FAILED}:
                break
        return rendered, error

    async def _render_run(
        self, job: ActiveJob, rasterizer: Rasterizer, pages: range, dpi: float
    ) -> tuple[dict[int, Path], PdfocrError | None]:
        attempt = job.tries.get(pages[0], 0)
        folder = job.folder.rasters / f"{pages[0]:04d}-{len(pages)}-{rasterizer.name}-{attempt}"

        def work() -> dict[int, Path]:
            job.folder.rasters.mkdir(exist_ok=True)
            folder.mkdir(exist_ok=True)
            pdf = job.folder.input(job.status.filename)
            limit = self._settings.timeout_seconds * (1 + (len(pages) - 1) * _FURTHER_PAGE)
            with step(Step.RENDER, folder):
                rendered = rasterizer.render(pdf, pages, dpi, folder, limit)
            if self._layers is not None:
                self._layers.tell(pdf, rendered)
            return rendered

        begun = monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work), None
        except PdfocrError as error:
            return {}, error
        except OSError as error:
            return {}, PdfocrError(ErrorCode.STORAGE_FAILED, refusal(error, job.folder.path.parent))
        except Exception as error:  # noqa: BLE001 - whatever it is, it costs these pages and not their slots
            _log.exception("render.defect", job_id=job.job_id)
            return {}, PdfocrError(ErrorCode.INTERNAL, f"{type(error).__name__}: {error}")
        finally:
            job.render_seconds += monotonic() - begun
