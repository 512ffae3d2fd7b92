"""The engine that reads nothing, at once: for testing and timing everything else."""

from PIL import Image

from pdfocr_watcher import __version__
from pdfocr_watcher.engines.base import Engine, EngineInfo, Reading


class NullEngine(Engine):
    """Finds no block on any page."""

    sees = False

    @property
    def info(self) -> EngineInfo:
        """Named as the configuration names it; there is no model."""
        return EngineInfo(name="null", model="none", version=__version__)

    def recognize(self, image: Image.Image, languages: tuple[str, ...] = ()) -> Reading:
        """Nothing, whatever the page."""
        del image, languages
        return Reading(())
