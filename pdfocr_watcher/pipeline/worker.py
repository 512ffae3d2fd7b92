"""The worker process: reads pages with its engine and puts results together, one task at a time.

Tasks come as JSON lines on standard input, answers go as JSON lines with the task's number to standard output;
everything that a library prints goes to standard error. Rasters and checkpoints pass through the job's folder, never
through the pipe. The process ends with its daemon.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pdfocr_watcher.document.figures import figure_crops, save_crop
from pdfocr_watcher.document.layouts import layout_picture
from pdfocr_watcher.document.model import Page
from pdfocr_watcher.engines.base import Engine
from pdfocr_watcher.engines.registry import create_engine
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import write_page
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.probe import refusal
from pdfocr_watcher.jobs.steps import Step, step
from pdfocr_watcher.pipeline.assembly import assemble
from pdfocr_watcher.pipeline.child import end_with_parent, ignore_stops, offer_first, protocol_channels
from pdfocr_watcher.pipeline.rendering import keep_raster_memory, load_raster

#: Characters of a failure's detail that are told; a library may put a whole page into its message.
_DETAIL_LENGTH = 2000

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is started with.

    Attributes:
        engine: the engine's name; not "auto".
        threads: threads that read one page.
        layout_dpi: resolution of the layout pictures.
        jpeg_quality: of figures and layout pictures.
    """

    engine: str
    threads: int
    layout_dpi: int
    jpeg_quality: int

    def to_json(self) -> str:
        """As the worker's only argument."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class PageTask:
    """Read a page and checkpoint it; the raster is removed.

    Attributes:
        job: the job's folder.
        index: the page, counted from 0.
        raster: the page's picture, PPM.
        dpi: the resolution at which it was rendered.
    """

    job: str
    index: int
    raster: str
    dpi: float


@dataclass(frozen=True, slots=True)
class AssembleTask:
    """Put the outputs together.

    Attributes:
        job: the job's folder.
        total: the document's pages.
    """

    job: str
    total: int


Task = PageTask | AssembleTask


def task_line(task: Task, number: int) -> bytes:
    """A task as it goes through the pipe; its answer carries the same number."""
    return json.dumps({"number": number, "task": type(task).__name__, **asdict(task)}).encode() + b"\n"


def read_page(task: PageTask, engine: Engine, settings: WorkerSettings) -> Answer:
    """Read a page, draw its layout picture, cut its figures, checkpoint it.

    Raises:
        PdfocrError: the engine failed (ENGINE_FAILED).
        OSError: the raster cannot be read or the checkpoint not be written.
    """
    raster = Path(task.raster)
    image = load_raster(raster)
    try:
        with step(Step.RECOGNIZE, raster):
            blocks = engine.recognize(image)
    except Exception as error:
        raise PdfocrError(ErrorCode.ENGINE_FAILED, f"{type(error).__name__}: {error}") from error
    page = Page(task.index, image.width, image.height, task.dpi, blocks)
    picture = layout_picture(image, page, settings.layout_dpi, settings.jpeg_quality)
    figures = {crop.filename: save_crop(image, crop, settings.jpeg_quality) for crop in figure_crops(page)}
    write_page(JobFolder(Path(task.job)), page, picture, figures)
    raster.unlink(missing_ok=True)
    return {}


def answer(line: bytes, engine: Engine, settings: WorkerSettings) -> Answer:
    """Do what a line asks for; every failure becomes an answer."""
    data = json.loads(line)
    number, kind = data.pop("number"), data.pop("task")
    try:
        if kind == PageTask.__name__:
            return {"number": number, "ok": True, **read_page(PageTask(**data), engine, settings)}
        assembly = AssembleTask(**data)
        with step(Step.ASSEMBLE, Path(assembly.job)):
            return {"number": number, "ok": True, "images": assemble(JobFolder(Path(assembly.job)), assembly.total)}
    except PdfocrError as error:
        failure = error
    except OSError as error:
        failure = PdfocrError(ErrorCode.STORAGE_FAILED, refusal(error, Path(data["job"]).parent))
    except Exception as error:  # noqa: BLE001 - one page's trouble must not end the worker
        failure = PdfocrError(ErrorCode.INTERNAL, f"{type(error).__name__}: {error}")
    return {"number": number, "ok": False, "code": failure.code, "detail": failure.detail[:_DETAIL_LENGTH]}


def _use_one_thread() -> None:
    """Keep OpenCV from starting a thread for every core; an engine that is given more threads says so after this."""
    import cv2  # noqa: PLC0415 - the daemon, which imports this module for its values, needs none of it

    cv2.setNumThreads(1)


def serve(settings: WorkerSettings, lines: BinaryIO, send: Callable[[Answer], None]) -> None:
    """Load the engine, say so, and answer until the input ends."""
    try:
        engine = create_engine(settings.engine, settings.threads)
    except PdfocrError as error:
        send({"ready": False, "code": error.code, "detail": error.detail})
        return
    send({"ready": True, "engine": asdict(engine.info)})
    for line in lines:
        send(answer(line, engine, settings))


def main() -> None:
    """Run as `python -m pdfocr_watcher.pipeline.worker SETTINGS DAEMON_PID`."""
    ignore_stops()
    end_with_parent(int(sys.argv[2]))
    offer_first()
    tasks, answers = protocol_channels()
    keep_raster_memory()
    _use_one_thread()

    def send(message: Answer) -> None:
        answers.write(json.dumps(message).encode() + b"\n")
        answers.flush()

    try:
        serve(WorkerSettings(**json.loads(sys.argv[1])), tasks, send)
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
