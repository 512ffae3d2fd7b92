"""The worker process: reads pages with its engine and puts results together, one task at a time.

Tasks come as JSON lines on standard input, answers go as JSON lines with the task's number to standard output;
everything that a library prints goes to standard error. Rasters and checkpoints pass through the job's folder, never
through the pipe. The process ends with its daemon.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from pdfocr_watcher.engines.base import Engine, EngineInfo
from pdfocr_watcher.engines.policy import ReadingPolicy
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.registry import Setup, create_engine
from pdfocr_watcher.engines.scripts import AUTO
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import Output
from pdfocr_watcher.jobs.probe import refusal
from pdfocr_watcher.jobs.steps import Step, step
from pdfocr_watcher.pipeline.assembly import assemble
from pdfocr_watcher.pipeline.child import end_with_parent, ignore_stops, offer_first, protocol_channels
from pdfocr_watcher.pipeline.page_work import keep_page, prepare_page, read_page
from pdfocr_watcher.pipeline.rendering import keep_raster_memory
from pdfocr_watcher.pipeline.searchable import SearchLimits
from pdfocr_watcher.pipeline.tasks import Answer, AssembleTask, KeepTask, PageTask, PrepareTask, Task, task_of

#: Characters of a failure's detail that are told; a library may put a whole page into its message.
_DETAIL_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is started with.

    Attributes:
        engine: the engine's name; not "auto".
        threads: threads that read one page.
        layout_dpi: resolution of the layout pictures.
        jpeg_quality: of figures and layout pictures.
        straighten: whether pages that are turned or askew are made upright.
        weights: the folder with the weights that `models install` brings; empty for none.
        profile: for a model that reads elsewhere, its profile as JSON types; None where the engine is in the worker.
        languages: those of the pages, by any name that `engines.scripts` knows; `auto` to tell them from the pages.
        tessdata: the folder with Tesseract's language data; empty for where the system has it.
        policy: how carefully pages are read, a `ReadingPolicy`.
        word_lists: whether hard lines are read by the words of their language as well.
        only_text_layer: whether pages that have a text layer are read by nothing else.
        running_titles: whether running titles and page numbers are in output.mmd too.
        variants: other profiles by which it may be asked, by name.
        sandbox: what confines the process that makes the searchable PDF, as `render.sandbox` has it.
        pdf_memory_bytes: the most memory that this process may use.
    """

    engine: str
    threads: int
    layout_dpi: int
    jpeg_quality: int
    straighten: bool = True
    weights: str = ""
    profile: Mapping[str, Any] | None = None
    languages: tuple[str, ...] = (AUTO,)
    tessdata: str = ""
    policy: str = ReadingPolicy.ACCURATE
    word_lists: bool = True
    only_text_layer: bool = False
    running_titles: bool = False
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sandbox: str = "auto"
    pdf_memory_bytes: int = 1_000_000_000

    def to_json(self) -> str:
        """As the worker's only argument."""
        return json.dumps(asdict(self))


class Hand:
    """Does tasks, one after the other.

    Args:
        settings: how.
        engine: who reads; None where a model elsewhere does.
    """

    def __init__(self, settings: WorkerSettings, engine: Engine | None) -> None:
        self._settings = settings
        profiles = {**settings.variants, "": settings.profile} if settings.profile is not None else {}
        self._profiles = {name: Profile.model_validate(data) for name, data in profiles.items()}
        self._engine = engine

    def answer(self, line: bytes) -> Answer:
        """Do what a line asks for; every failure becomes an answer."""
        number, task = task_of(line)
        try:
            return {"number": number, "ok": True, **self._do(task)}
        except PdfocrError as error:
            failure = error
        except OSError as error:
            failure = PdfocrError(ErrorCode.STORAGE_FAILED, refusal(error, Path(task.job).parent))
        except Exception as error:  # noqa: BLE001 - one page's trouble must not end the worker
            failure = PdfocrError(ErrorCode.INTERNAL, f"{type(error).__name__}: {error}")
        return {"number": number, "ok": False, "code": failure.code, "detail": failure.detail[:_DETAIL_LENGTH]}

    def _do(self, task: Task) -> Answer:
        settings = self._settings
        layout = (settings.layout_dpi, settings.jpeg_quality)
        match task:
            case AssembleTask():
                with step(Step.ASSEMBLE, Path(task.job)):
                    wanted = frozenset(map(Output, task.outputs))
                    limits = SearchLimits(task.seconds, settings.pdf_memory_bytes, settings.sandbox)
                    titles = settings.running_titles
                    return assemble(
                        JobFolder(Path(task.job)), task.total, wanted, limits, running_titles=titles
                    ).to_answer()
            case KeepTask() if task.profile in self._profiles:
                return keep_page(task, self._profiles[task.profile], *layout)
            case PrepareTask() if task.profile in self._profiles:
                return prepare_page(task, self._profiles[task.profile], upright=settings.straighten)
            case PageTask() if self._engine is not None:
                only = settings.only_text_layer
                return read_page(task, self._engine, *layout, upright=settings.straighten, only_text_layer=only)
        raise PdfocrError(ErrorCode.INTERNAL, f"This worker does no {type(task).__name__}.")


def _use_one_thread() -> None:
    """Keep OpenCV from starting a thread for every core; an engine that is given more threads says so after this."""
    import cv2  # noqa: PLC0415 - the daemon, which imports this module for its values, needs none of it

    cv2.setNumThreads(1)


def serve(settings: WorkerSettings, lines: BinaryIO, send: Callable[[Answer], None]) -> None:
    """Load the engine, say so, and answer until the input ends."""
    try:
        engine = None
        if settings.profile is None:
            weights = Path(settings.weights) if settings.weights else None
            setup = Setup(
                settings.threads,
                weights,
                ReadingPolicy(settings.policy),
                tuple(settings.languages),
                settings.tessdata,
                settings.word_lists,
            )
            engine = create_engine(settings.engine, setup)
    except PdfocrError as error:
        send({"ready": False, "code": error.code, "detail": error.detail})
        return
    # A model that is elsewhere says itself who it is.
    info = engine.info if engine is not None else EngineInfo(settings.engine, "", "")
    send({"ready": True, "engine": asdict(info)})
    hand = Hand(settings, engine)
    for line in lines:
        send(hand.answer(line))


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
