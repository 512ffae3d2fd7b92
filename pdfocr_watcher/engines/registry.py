"""Which engines there are, by name. Nothing heavy is imported before an engine is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pdfocr_watcher.engines.base import Engine, LineEngine
from pdfocr_watcher.engines.null import NullEngine
from pdfocr_watcher.engines.policy import ReadingPolicy
from pdfocr_watcher.engines.scripts import AUTO
from pdfocr_watcher.engines.tessdata import find_tessdata
from pdfocr_watcher.engines.vllm.found import find_vllm
from pdfocr_watcher.errors import ErrorCode, PdfocrError


@dataclass(frozen=True, slots=True)
class Setup:
    """What an engine is made with.

    Attributes:
        threads: threads that read one page, at least 1.
        weights: the folder with the weights that `models install` brings; None for rules alone, and for nothing but the
            engine's own networks.
        policy: how carefully it reads, where it has a choice.
        languages: of the pages, by any name that `scripts` knows; `auto` to tell them from the pages.
        tessdata: the folder with Tesseract's language data; empty for where the system has it.
        word_lists: whether lines that are hard to read are read by the words of their language as well.
    """

    threads: int = 1
    weights: Path | None = None
    policy: ReadingPolicy = ReadingPolicy.ACCURATE
    languages: tuple[str, ...] = (AUTO,)
    tessdata: str = ""
    word_lists: bool = True


def _null(setup: Setup) -> Engine:
    del setup
    return NullEngine()


def _rapidocr(setup: Setup) -> Engine:
    from pdfocr_watcher.engines.rapidocr import RapidOcrEngine  # noqa: PLC0415 - loads ONNX Runtime and OpenCV
    from pdfocr_watcher.engines.script_reading import AnyScriptEngine  # noqa: PLC0415 - the same

    first = RapidOcrEngine(setup.threads, setup.policy, setup.weights, word_lists=setup.word_lists)
    return AnyScriptEngine(first, find_tessdata(setup.tessdata), setup.languages)


def _tesseract(setup: Setup) -> Engine:
    from pdfocr_watcher.engines.tesseract import TesseractEngine  # noqa: PLC0415 - loads the library

    return TesseractEngine(find_tessdata(setup.tessdata), setup.languages)


#: From an engine's name to what makes it.
ENGINES: MappingProxyType[str, Callable[[Setup], Engine]] = MappingProxyType(
    {"rapidocr": _rapidocr, "tesseract": _tesseract, "null": _null}
)

#: The engines that are a model which writes; they read many pages at a time, in a process or on machines of their own.
GENERATIVE = frozenset({"vllm", "vllm-server"})

#: What `auto` stands for where there is no GPU.
EMBEDDED = "rapidocr"


def resolve_engine(name: str) -> str:
    """The name of an engine, `auto` being turned into the best there is.

    Raises:
        PdfocrError: `engine_unavailable` where there is no engine of this name.
    """
    resolved = name
    if name == "auto":
        resolved = "vllm" if find_vllm().usable else EMBEDDED
    if resolved not in ENGINES and resolved not in GENERATIVE:
        known = ", ".join(["auto", *ENGINES, *sorted(GENERATIVE)])
        raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"There is no engine {name!r}; there are {known}.")
    return resolved


def create_engine(name: str, setup: Setup) -> Engine:
    """Load an engine, ready to read.

    Args:
        name: an engine's name, or `auto`.
        setup: what it is made with, as far as it has a use for it.

    Raises:
        PdfocrError: `engine_unavailable` where there is no such engine, its library is missing or its model does
            not load.
    """
    resolved = resolve_engine(name)
    if resolved in GENERATIVE:
        raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"{resolved} reads in a process of its own, not in a worker.")
    try:
        engine = ENGINES[resolved](setup)
    except PdfocrError:
        raise
    except Exception as error:
        # Whatever a library raises while it is imported or loads its weights, the engine cannot be had.
        raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"{resolved}: {type(error).__name__}: {error}") from error
    if isinstance(engine, LineEngine):
        engine.use_weights(setup.weights, setup.threads)
    return engine
