"""Somebody who drops PDFs without end, in the ways in which people and programs do, and keeps a ledger of them.

Each file is told from all others by its last line, which no renderer looks at: what comes of it is what comes of the
document that it was made from. What must have become of the files is the tests' to say.
"""

import os
import random
import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.pdfs import born_digital

#: By their number of pages, less one.
DOCUMENTS = tuple(born_digital(pages) for pages in range(1, 7))

_FOLDERS = ("", "a", "a/b", "with space", "übung")
_LABEL = re.compile(rb"\n% drop ([0-9]+)\n\Z")
#: Names that come again and again, as a scanner gives them.
_NAMES = 4
_PIECES = 4


@dataclass(frozen=True, slots=True)
class Drop:
    """A file that was dropped whole.

    Attributes:
        number: its entry in the ledger.
        source: its path relative to the inbox.
        document: which of `DOCUMENTS` it was made from.
        way: how it came.
    """

    number: int
    source: str
    document: int
    way: str

    @property
    def content(self) -> bytes:
        return labelled(self.document, self.number)


def labelled(document: int, number: int) -> bytes:
    """A document as the file of a drop."""
    return DOCUMENTS[document] + b"\n%% drop %d\n" % number


def number_of(content: bytes) -> int | None:
    """Which drop a file is; None for anything else."""
    match = _LABEL.search(content[-40:])
    return int(match[1]) if match else None


class Dropper:
    """Drops files in a thread of its own until it is told to stop.

    Args:
        inbox: where they go.
        draw: decides on names, ways and waits.
        wanted: whether another file may come now.
    """

    def __init__(self, inbox: Path, draw: random.Random, wanted: Callable[[], bool]) -> None:
        self._inbox = inbox
        self._staging = inbox.with_name(f"{inbox.name}-dropper")
        self._staging.mkdir()
        self._draw = draw
        self._wanted = wanted
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dropper")
        self._ways: tuple[Callable[[Path, bytes], None], ...] = (self._by_rename, self._in_pieces, self._by_copy)
        #: What was dropped, in order.
        self.ledger: list[Drop] = []
        #: What ended it before its time.
        self.failure: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the file in hand be the last one."""
        self._enough.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure

    def drop(self) -> None:
        """Drop a file; it is in the ledger once it is whole."""
        number = len(self.ledger)
        folder = self._inbox / self._draw.choice(_FOLDERS)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"scan {self._draw.randrange(_NAMES)}.pdf"
        if os.path.lexists(path):  # nobody took the earlier one yet
            path = folder / f"scan again {number}.pdf"
        way = self._draw.choice(self._ways)
        source = path.relative_to(self._inbox).as_posix()
        drop = Drop(number, source, self._draw.randrange(len(DOCUMENTS)), way.__name__.strip("_"))
        way(path, drop.content)
        self.ledger.append(drop)

    def _run(self) -> None:
        try:
            while not self._enough.wait(self._draw.uniform(0.0, 0.3)):
                if self._wanted():
                    self.drop()
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            self.failure = error

    def _by_rename(self, path: Path, content: bytes) -> None:
        (self._staging / "next").write_bytes(content)
        (self._staging / "next").rename(path)

    def _in_pieces(self, path: Path, content: bytes) -> None:
        """Slower than a file may rest before it is looked into."""
        size = -(-len(content) // _PIECES)
        with path.open("wb") as file:
            for start in range(0, len(content), size):
                file.write(content[start : start + size])
                file.flush()
                self._enough.wait(self._draw.uniform(0.0, 0.3))

    def _by_copy(self, path: Path, content: bytes) -> None:
        (self._staging / "original").write_bytes(content)
        shutil.copyfile(self._staging / "original", path)
