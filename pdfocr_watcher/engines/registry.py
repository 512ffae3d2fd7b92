"""Which engines there are, by name. Nothing heavy is imported before an engine is asked for."""

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from pdfocr_watcher.engines.base import Engine, LineEngine
from pdfocr_watcher.engines.null import NullEngine
from pdfocr_watcher.errors import ErrorCode, PdfocrError


def _null(threads: int) -> Engine:
    del threads
    return NullEngine()


def _rapidocr(threads: int) -> Engine:
    from pdfocr_watcher.engines.rapidocr import RapidOcrEngine  # noqa: PLC0415 - loads ONNX Runtime and OpenCV

    return RapidOcrEngine(threads)


#: From an engine's name to what makes it, given the number of threads that read one page.
ENGINES: MappingProxyType[str, Callable[[int], Engine]] = MappingProxyType({"rapidocr": _rapidocr, "null": _null})

#: What `auto` stands for.
BEST = "rapidocr"


def resolve_engine(name: str) -> str:
    """The name of an engine, `auto` being turned into the best there is.

    Raises:
        PdfocrError: `engine_unavailable` where there is no engine of this name.
    """
    resolved = BEST if name == "auto" else name
    if resolved not in ENGINES:
        known = ", ".join(["auto", *ENGINES])
        raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"There is no engine {name!r}; there are {known}.")
    return resolved


def create_engine(name: str, threads: int, weights: Path | None = None) -> Engine:
    """Load an engine, ready to read.

    Args:
        name: an engine's name, or `auto`.
        threads: threads that read one page, at least 1.
        weights: the folder with the weights for layout and tables, of which an engine of lines makes use; None for
            rules alone.

    Raises:
        PdfocrError: `engine_unavailable` where there is no such engine, its library is missing or its model does
            not load.
    """
    resolved = resolve_engine(name)
    try:
        engine = ENGINES[resolved](threads)
    except PdfocrError:
        raise
    except Exception as error:
        # Whatever a library raises while it is imported or loads its weights, the engine cannot be had.
        raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"{resolved}: {type(error).__name__}: {error}") from error
    if isinstance(engine, LineEngine):
        engine.use_weights(weights, threads)
    return engine
