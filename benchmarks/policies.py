"""What the embedded engine's policies cost, and how well each reads: `python -m benchmarks.policies PDFS TRUTHS`.

TRUTHS holds NAME.txt for PDFS/NAME.pdf: plain text, pages separated by form feeds. The policies take turns page by
page in one process of one thread, each with layout and tables: whatever else the machine does disturbs them alike.
"""

import argparse
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from time import process_time

from pdf2image import convert_from_path
from PIL import Image

from benchmarks.report import print_machine, print_table
from pdfocr_watcher.engines.base import Engine
from pdfocr_watcher.engines.orientation import find_uprighting
from pdfocr_watcher.engines.policy import ReadingPolicy
from pdfocr_watcher.engines.registry import Setup, create_engine
from pdfocr_watcher.engines.uprighting import straighten
from pdfocr_watcher.weights.folder import folder_in_force

_DPI = 200
_WORD = re.compile(r"[^\W_]+(?:['.,-][^\W_]+)*")
_MARKUP = re.compile(r"<[^<>]{1,99}>|!\[|\]\(")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one policy made of one page.

    Attributes:
        score: harmonic mean of precision and recall of its words, whatever their order, 0..1.
        cpu: processor time, in seconds.
    """

    score: float
    cpu: float


def word_score(truth: str, read: str) -> float:
    """Harmonic mean of precision and recall of words, case and order left aside; 1 where both have none."""
    wanted, got = (Counter(_WORD.findall(_MARKUP.sub(" ", text).casefold())) for text in (truth, read))
    total = wanted.total() + got.total()
    return 2 * (wanted & got).total() / total if total else 1.0


def pages_of(pdfs: Path, truths: Path, limit: int) -> Iterator[tuple[str, Image.Image, str]]:
    """Name, raster (upright) and truth of the first pages of every document that has a truth for each."""
    for path in sorted(pdfs.glob("*.pdf")):
        truth = truths / f"{path.stem}.txt"
        if not truth.is_file():
            continue
        texts = truth.read_text(encoding="utf-8").split("\f")
        rasters = convert_from_path(path, _DPI, last_page=min(limit, len(texts)), use_cropbox=True)
        for number, (raster, text) in enumerate(zip(rasters, texts, strict=False), start=1):
            yield f"{path.stem} {number}", straighten(raster, find_uprighting(raster)), text


def measure(engine: Engine, raster: Image.Image, truth: str) -> Measured:
    """Have a page read once."""
    before = process_time()
    blocks = engine.recognize(raster).blocks
    spent = process_time() - before
    return Measured(word_score(truth, "\n".join(block.content for block in blocks)), spent)


def rows_of(results: Mapping[ReadingPolicy, Sequence[Measured]]) -> Iterator[tuple[str, str, str, str]]:
    """A row of the table for each policy."""
    slowest = fmean(one.cpu for one in results[ReadingPolicy.ACCURATE])
    for policy, measured in results.items():
        cpu = fmean(one.cpu for one in measured)
        yield policy.value, f"{fmean(one.score for one in measured):.4f}", f"{cpu:.2f}", f"{slowest / cpu:.2f}"


def main() -> None:
    """Measure, and print what each policy reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("truths", type=Path)
    parser.add_argument("--pages", type=int, default=2, help="of each document, at most")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="the documents of these names alone")
    asked = parser.parse_args()
    print_machine()
    weights = folder_in_force("")
    engines = {policy: create_engine("rapidocr", Setup(1, weights, policy)) for policy in ReadingPolicy}
    for policy, engine in engines.items():
        print(f"{policy.value}: {engine.info.model}")
    results: dict[ReadingPolicy, list[Measured]] = {policy: [] for policy in ReadingPolicy}
    for name, raster, truth in pages_of(asked.pdfs, asked.truths, asked.pages):
        if asked.only and name.rpartition(" ")[0] not in asked.only:
            continue
        for policy, engine in engines.items():
            results[policy].append(measure(engine, raster, truth))
        print(name, *(f"{one[-1].score:.3f} in {one[-1].cpu:.2f} s" for one in results.values()), flush=True)
    if not results[ReadingPolicy.ACCURATE]:
        raise SystemExit("no document has a truth")
    print_table(("policy", "word F1", "s of processor time a page", "times as fast"), list(rows_of(results)))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
