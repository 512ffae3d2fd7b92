"""What a worker process does with one page: read it; or prepare it for a model elsewhere, and keep what that wrote.

A page that lies on its side, upside down or askew is made upright first, so that its boxes, figures and layout picture
are on the page as a reader sees it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from pdfocr_watcher.document.figures import figure_crops, save_crop
from pdfocr_watcher.document.layouts import layout_picture
from pdfocr_watcher.document.model import Block, Page, TextLine
from pdfocr_watcher.engines.base import Engine, LineEngine, Reading
from pdfocr_watcher.engines.preparing import fit, prepare
from pdfocr_watcher.engines.profiles import Parser, Profile
from pdfocr_watcher.engines.uprighting import Uprighting, straighten
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import write_page
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.steps import Step, step
from pdfocr_watcher.pipeline.rendering import load_raster, read_layer
from pdfocr_watcher.pipeline.tasks import Answer, KeepTask, PageTask, PrepareTask


def read_page(
    task: PageTask, engine: Engine, layout_dpi: int, quality: int, *, upright: bool, only_text_layer: bool = False
) -> Answer:
    """Read a page, draw its layout picture, cut its figures, checkpoint it.

    Args:
        task: the page.
        engine: who reads it.
        layout_dpi: resolution of the layout picture.
        quality: JPEG quality of picture and figures.
        upright: whether a page that is turned or askew is made upright.
        only_text_layer: whether a page that may be read by its text layer is read by nothing else.

    Returns:
        `remark`, if the engine has one (see `PageTask`).

    Raises:
        PdfocrError: the engine failed (ENGINE_FAILED), or there is no text layer (TEXT_LAYER_MISSING).
        OSError: the raster or the text layer cannot be read, or the checkpoint not be written.
    """
    raster = Path(task.raster)
    image: Image.Image = load_raster(raster)
    layer = read_layer(Path(task.text_layer)) if task.text_layer else None
    reading: dict[str, Any] = {}
    try:
        with step(Step.RECOGNIZE, raster):
            if upright and engine.sees:
                image, reading = _straightened(image)
            uprighting = Uprighting(reading.get("turn", 0), reading.get("skew", 0.0))
            languages = tuple(task.languages)
            read = _read(engine, image, layer, uprighting, only_text_layer=only_text_layer, languages=languages)
    except Exception as error:
        if isinstance(error, PdfocrError) and error.code is ErrorCode.TEXT_LAYER_MISSING:
            raise
        raise PdfocrError(ErrorCode.ENGINE_FAILED, f"{type(error).__name__}: {error}") from error
    lines = tuple(line.recorded() for line in read.lines)
    _checkpoint(task, image, read.blocks, layout_dpi, quality, {**reading, **read.notes}, lines)
    return {"remark": read.notes["remark"]} if "remark" in read.notes else {}


def _read(
    engine: Engine,
    image: Image.Image,
    layer: bytes | None,
    uprighting: Uprighting,
    *,
    only_text_layer: bool,
    languages: tuple[str, ...],
) -> Reading:
    if layer is None or not isinstance(engine, LineEngine):
        return engine.recognize(image, languages)
    from pdfocr_watcher.engines.layer_reading import read_with_layer  # noqa: PLC0415 - see prepare_page

    return read_with_layer(engine, image, layer, uprighting, only=only_text_layer, languages=languages)


def prepare_page(task: PrepareTask, profile: Profile, *, upright: bool) -> Answer:
    """Make the picture that a model is to read; it lies beside the raster.

    Returns:
        `picture`, its path; `turn` and `skew`, how the page was made upright.

    Raises:
        OSError: the raster cannot be read or the picture not be written.
    """
    from pdfocr_watcher.engines.orientation import find_uprighting  # noqa: PLC0415 - NumPy

    raster = Path(task.raster)
    image: Image.Image = load_raster(raster)
    if task.turn is not None and task.skew is not None:
        uprighting = Uprighting(task.turn, task.skew)
    else:
        uprighting = find_uprighting(image) if upright else Uprighting()
    image = straighten(image, uprighting)
    wanted = profile.modes[task.mode]
    picture = raster.with_name(f"{raster.name}.{task.mode}.{wanted.format}")
    picture.write_bytes(prepare(image, wanted))
    return {"picture": str(picture), "turn": uprighting.turn, "skew": uprighting.skew}


def keep_page(task: KeepTask, profile: Profile, layout_dpi: int, quality: int) -> Answer:
    """Make blocks of what a model wrote, draw the layout picture, cut the figures, checkpoint the page.

    Returns:
        `kept`; False where that was to be done for a blank page only and the page is none, or for an upright one and
        the model says that it is to be turned by `turn` degrees.

    Raises:
        OSError: the raster cannot be read or the checkpoint not be written.
    """
    from pdfocr_watcher.engines.blankness import blank  # noqa: PLC0415 - see prepare_page
    from pdfocr_watcher.engines.outputs import read_output  # noqa: PLC0415 - the same

    image: Image.Image = load_raster(Path(task.raster))
    image = straighten(image, Uprighting(task.turn, task.skew))
    if task.if_blank and not blank(image):
        return {"kept": False}
    place = fit(*image.size, profile.modes[task.mode])
    output = read_output(Parser(task.parser), task.text, place.width, place.height)
    if task.if_upright and output.rotation:
        return {"kept": False, "turn": output.rotation}
    blocks = [replace(block, boxes=tuple(map(place.on_page, block.boxes))) for block in output.blocks]
    reading = {"turn": task.turn, "skew": task.skew, "malformed": output.malformed, "tries": list(task.tries)}
    _checkpoint(task, image, blocks, layout_dpi, quality, reading)
    return {"kept": True}


def _straightened(image: Image.Image) -> tuple[Image.Image, dict[str, Any]]:
    from pdfocr_watcher.engines.orientation import find_uprighting  # noqa: PLC0415 - see prepare_page

    uprighting = find_uprighting(image)
    return straighten(image, uprighting), {"turn": uprighting.turn, "skew": uprighting.skew}


def _checkpoint(
    task: PageTask | KeepTask,
    image: Image.Image,
    blocks: Sequence[Block],
    layout_dpi: int,
    quality: int,
    reading: Mapping[str, Any],
    lines: tuple[TextLine, ...] = (),
) -> None:
    page = Page(task.index, image.width, image.height, task.dpi, tuple(blocks), lines)
    picture = layout_picture(image, page, layout_dpi, quality)
    figures = {crop.filename: save_crop(image, crop, quality) for crop in figure_crops(page)}
    write_page(JobFolder(Path(task.job)), page, picture, figures, reading)
    Path(task.raster).unlink(missing_ok=True)
