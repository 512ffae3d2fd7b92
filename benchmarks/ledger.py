"""What was dropped and what came of it: every drop must have exactly one result, with the bytes that were dropped.

The PDFs are made here, no two of the same content; dropping them and looking for results is done here, too.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Any

import pikepdf

from benchmarks.documents import text_pdf

#: Below the inbox; kept in the results' paths.
_FOLDERS = ("", "letters", "post/of today")
#: Seconds after which a slow writer writes the second half of its file.
_SLOWLY = 3.0
#: Seconds that a failed document is left where it is.
_FAILED_STAY = 5.0


class Kind(StrEnum):
    """What a dropped file is."""

    LETTER = "letter"
    BOOK = "book"
    SLOW = "slow"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    ENCRYPTED = "encrypted"
    TEXT = "text"
    ENDLESS = "endless"

    @property
    def good(self) -> bool:
        """Whether every page of it can be read."""
        return self in {Kind.LETTER, Kind.BOOK, Kind.SLOW}


#: How often each kind comes.
_WEIGHTS = {
    Kind.LETTER: 800,
    Kind.BOOK: 30,
    Kind.SLOW: 40,
    Kind.TRUNCATED: 30,
    Kind.DAMAGED: 30,
    Kind.ENCRYPTED: 30,
    Kind.TEXT: 30,
    Kind.ENDLESS: 2,
}


@dataclass(slots=True)
class Drop:
    """A file that was dropped.

    Attributes:
        kind: what it is.
        sha256: of its content.
        results: how many came of it.
        deleted: whether a person asked for its removal; it may have a result or none then.
        dropped_at: when it was complete, by the monotonic clock.
    """

    kind: Kind
    sha256: str
    results: int = 0
    deleted: bool = False
    dropped_at: float = field(default_factory=monotonic)


class Ledger:
    """Drops files into an inbox and checks off what becomes of them.

    Args:
        root: the daemon's root, with `inbox`, `outbox` and `failed`.
        jobs: where its jobs lie.
        chance: what decides about kinds and names.
    """

    def __init__(self, root: Path, jobs: Path, chance: random.Random) -> None:
        self._root = root
        self._jobs = jobs
        self._chance = chance
        self._number = 0
        self._slow: list[tuple[float, Path, bytes]] = []
        self.drops: dict[str, Drop] = {}
        self.outcomes: Counter[str] = Counter()
        self.disturbed: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.slowest = 0.0
        self._failed: dict[Path, float] = {}
        (root / "staged").mkdir(parents=True, exist_ok=True)

    @property
    def open(self) -> list[str]:
        """The sources that have no result yet."""
        return [source for source, drop in self.drops.items() if not (drop.results or drop.deleted)]

    def drop(self) -> None:
        """Drop one file."""
        kind = self._chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        self._number += 1
        content = _content(kind, self._number)
        source = str(Path(self._chance.choice(_FOLDERS), f"{self._number:06d} {kind}.pdf"))
        target = self._root / "inbox" / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if kind is Kind.SLOW:
            target.write_bytes(content[: len(content) // 2])
            self._slow.append((monotonic() + _SLOWLY, target, content[len(content) // 2 :]))
        else:
            staged = self._root / "staged" / target.name
            staged.write_bytes(content)
            staged.rename(target)
        self.drops[source] = Drop(kind, hashlib.sha256(content).hexdigest())

    def write_on(self, *, at_once: bool = False) -> None:
        """Let the slow writers whose time has come write the rest of their files."""
        now = monotonic()
        for due, target, rest in [*self._slow]:
            if due <= now or at_once:
                with target.open("ab") as file:
                    file.write(rest)
                self._slow.remove((due, target, rest))

    def results(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The results that are delivered, and whose jobs are gone from the jobs folder."""
        for name in ("outbox", "failed"):
            for folder, below, files in os.walk(self._root / name):
                below[:] = [entry for entry in below if not entry.startswith(".")]
                if "status.json" not in files:
                    continue
                status = json.loads(Path(folder, "status.json").read_bytes())
                if not (self._jobs / status["job_id"]).exists():
                    yield Path(folder), status

    def take_results(self, *, all_of_them: bool = False) -> None:
        """Check off what is delivered; failed documents stay for a while, so that a person can try them again."""
        for folder, status in list(self.results()):
            seen = self._failed.setdefault(folder, monotonic())
            if status["status"] != "failed" or all_of_them or monotonic() - seen > _FAILED_STAY:
                self._check_off(folder, status)
                del self._failed[folder]

    def _check_off(self, folder: Path, status: dict[str, Any]) -> None:
        """Check a result against its drop, and remove it."""
        drop = self.drops.get(status["source"])
        if drop is None:
            self.wrong.append(f"nobody dropped {status['source']}")
        else:
            drop.results += 1
            self.slowest = max(self.slowest, monotonic() - drop.dropped_at)
            self._check(folder, status, drop)
        shutil.rmtree(folder)

    def _check(self, folder: Path, status: dict[str, Any], drop: Drop) -> None:
        source, outcome = status["source"], status["error_code"] or status["status"]
        self.outcomes[f"{drop.kind}: {outcome}"] += 1
        if drop.results > 1:
            self.wrong.append(f"{source} has {drop.results} results")
        with contextlib.suppress(OSError):
            if hashlib.sha256((folder / "input.pdf").read_bytes()).hexdigest() == drop.sha256:
                if drop.kind.good and (outcome != "completed" or status["failed_pages"]):
                    codes = {page["code"] for page in status["failed_pages"]} or {outcome}
                    self.disturbed.update(codes)
                if outcome == "completed" and not (folder / "output.mmd").exists():
                    self.wrong.append(f"{source} is completed without a text")
                return
        self.wrong.append(f"the PDF of {source} is not the one that was dropped")


def _content(kind: Kind, number: int) -> bytes:
    """A PDF, or what passes for one, that is different for each number."""
    make = _MAKERS.get(kind)
    return make(number) if make is not None else text_pdf(1 + number % 3, number)


def _truncated(number: int) -> bytes:
    whole = text_pdf(5, number)
    return whole[: len(whole) * 3 // 5]


def _damaged(number: int) -> bytes:
    return b"%%PDF-1.4\n%d\n" % number + b"this is not an object\n" * 200 + b"startxref\n7\n%%EOF\n"


def _encrypted(pdf: bytes) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.save(buffer, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    return buffer.getvalue()


def _endless(pdf: bytes) -> bytes:
    """The same with a first page that no renderer finishes: a shading that runs a long program for each sample."""
    program = b"{ add " + b"dup mul 0.31 add sin abs 57 mul " * 20_000 + b"sin abs }"
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        function = opened.make_stream(program, FunctionType=4, Domain=[0, 1, 0, 1], Range=[0, 1])
        shading = pikepdf.Dictionary(
            ShadingType=1, ColorSpace=pikepdf.Name.DeviceGray, Function=function, Matrix=[500, 0, 0, 700, 0, 0]
        )
        page = opened.pages[0]
        page.Resources = pikepdf.Dictionary(Shading=pikepdf.Dictionary(Endless=opened.make_indirect(shading)))
        page.Contents = opened.make_stream(b"/Endless sh")
        opened.save(buffer)
    return buffer.getvalue()


#: Kinds that are more than a few pages of text.
_MAKERS: dict[Kind, Callable[[int], bytes]] = {
    Kind.BOOK: lambda number: text_pdf(50, number),
    Kind.TRUNCATED: _truncated,
    Kind.DAMAGED: _damaged,
    Kind.ENCRYPTED: lambda number: _encrypted(text_pdf(1, number)),
    Kind.TEXT: lambda number: b"Dear harbour board, this is letter %d and not a PDF.\n" % number,
    Kind.ENDLESS: lambda number: _endless(text_pdf(2, number)),
}
