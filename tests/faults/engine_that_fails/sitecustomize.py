"""An engine that does what a page's shade of gray says.

On the PYTHONPATH of a daemon, so that Python itself imports it there. It takes the null engine's place in the worker
processes alone. What the shades mean stands in `tests.faults.shades`.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

#: A folder of the test's: `broken` in it keeps the engine from loading; children tell their numbers there.
_FOLDER = Path(os.environ.get("PDFOCR_ENGINE_THAT_FAILS", "/nonexistent"))
_kept: list[bytes] = []


def _eat() -> None:
    while True:
        _kept.append(os.urandom(1) * 20_000_000)
        time.sleep(0.01)


def _loop() -> None:
    while True:
        pass


def _fork() -> None:
    child = os.fork()
    if child == 0:
        time.sleep(600)
    (_FOLDER / "child").write_text(str(child))
    os._exit(3)


_DEEDS: tuple[Callable[[], object], ...] = (
    lambda: os.kill(os.getpid(), signal.SIGKILL),
    lambda: os._exit(3),
    _loop,
    lambda: os.kill(os.getpid(), signal.SIGSTOP),
    _eat,
    lambda: _kept.append(b"x" * 60_000_000),
    lambda: os.write(2, b"a warning of a library " * 200_000),
    _fork,
    lambda: time.sleep(1),
)


def _install() -> None:
    from pdfocr_watcher.engines import registry  # noqa: PLC0415 - only in a worker
    from pdfocr_watcher.engines.null import NullEngine  # noqa: PLC0415

    class EngineThatFails(NullEngine):
        def recognize(self, image, languages=()):
            shade = round(image.convert("L").getpixel((image.width // 2, image.height // 2)) / 20)
            if shade < len(_DEEDS):
                _DEEDS[shade]()
            return super().recognize(image, languages)

    def create(setup: registry.Setup) -> EngineThatFails:
        del setup
        if (_FOLDER / "broken").exists():
            raise RuntimeError("the weights are gone")
        return EngineThatFails()

    registry.ENGINES = MappingProxyType({"null": create})


if "pdfocr_watcher.pipeline.worker" in sys.orig_argv:
    with contextlib.suppress(ImportError):
        _install()
