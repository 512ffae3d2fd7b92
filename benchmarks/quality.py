"""How well the program reads real documents: a set of PDFs with their truths goes through it, and is scored by kind.

A set is a folder with MANIFEST.tsv (columns `file`, `pages`, `what`, `truth`), the PDFs it names, and truth/. The
scorer is a program of its own, called as `SCORER SET RESULTS --present --json FILE`, so that others' results can be
scored alike.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.daemon import Daemon, Settings, moment
from benchmarks.processes import cpu_of
from benchmarks.report import print_machine, print_table, print_target

#: What the manifest says of a document, and the kind that it is counted among; the first that fits.
_KINDS = (
    ("olmOCR-bench", "pages with unit tests"),
    ("government page(s) with tables", "tables, born digital"),
    ("single table", "tables, small pictures"),
    ("table page", "tables, scanned"),
    ("book scan", "old books"),
    ("typewritten", "typewritten"),
    ("handwriting", "handwriting"),
    ("Fraktur", "Fraktur"),
    ("magazine", "magazines"),
    ("same page", "turned and skewed"),
    ("/Rotate", "turned and skewed"),
    ("Cyrillic", "other scripts"),
    ("Korean", "other scripts"),
    ("Arabic", "other scripts"),
    ("Chinese", "Chinese"),
    ("image-only raster", "scanned print"),
    ("blank", "blank pages"),
)
_OTHER = "other"
_COLUMNS = ("wordF1", "edit", "order", "table", "unit", "blank")
#: What is to be reached on the public set, and of which figure.
_TARGETS = (("wordF1", 0.93), ("edit", 0.90), ("order", 0.99), ("table", 0.75))
_UNIT_TESTS = 50
_PAGES_A_MINUTE = 60.0
_GIVE_UP = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF of the set.

    Attributes:
        path: where it lies.
        pages: how many it has.
        kind: what it is counted among.
    """

    path: Path
    pages: int
    kind: str


def kind_of(what: str) -> str:
    """The kind of a document of which the manifest says `what`."""
    return next((kind for words, kind in _KINDS if words in what), _OTHER)


def documents_of(folder: Path, max_pages: int) -> list[Document]:
    """The documents of a set that have a truth and no more than `max_pages` pages."""
    with (folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = []
    for row in rows:
        pages = int(row["pages"]) if row["pages"].isdigit() else 0
        if row["truth"] != "none" and 0 < pages <= max_pages:
            found.append(Document(folder / row["file"], pages, kind_of(row["what"])))
    return found


def settings_of(assignments: Iterable[str]) -> Settings:
    """The sections of a configuration from `section.key=value`; a value is JSON, or text where it is none."""
    settings: Settings = {}
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        section, _, key = name.partition(".")
        value: Any = text
        with suppress(ValueError):
            value = json.loads(text)
        settings.setdefault(section, {})[key] = value
    return settings


def measure(given: argparse.Namespace, folder: Path) -> None:
    """Read the set, score it and print the tables."""
    documents = documents_of(given.set, given.max_pages)
    assert documents, f"no document with a truth in {given.set}"
    daemon = Daemon(folder / "daemon", settings_of(given.setting))
    daemon.drop(daemon.stage([document.path for document in documents]))
    before = cpu_of(os.getpid()).reaped
    daemon.start("once")
    daemon.wait(_GIVE_UP)
    spent = cpu_of(os.getpid()).reaped - before
    results, statuses = _collect(daemon, given.keep or folder / "results")
    scores = _scores(given.scorer, given.set, results)
    _print_kinds(documents, scores["docs"])
    pages = sum(status["processed_pages"] for status in statuses)
    begun = min(moment(status["started_at"]) for status in statuses if status["started_at"])
    seconds = max(moment(status["completed_at"]) for status in statuses) - begun
    print(f"\n{len(documents)} documents, {pages} pages, {spent / pages:.2f} s of processor time a page, all included")
    for status in statuses:
        if status["status"] != "completed" or status["failed_pages"]:
            print(f"{status['filename']}: {status['status']}, {status['error_code']}, {status['failed_pages']}")
    for figure, target in _TARGETS:
        if figure in scores["mean"]:
            print_target(figure, scores["mean"][figure], ">=", target)
    if scores["unit"]:
        passed, total = (sum(part) for part in zip(*scores["unit"].values(), strict=True))
        print_target(f"unit tests passed of {total}", passed, ">=", _UNIT_TESTS)
    print_target("pages a minute by the clock", 60 * pages / seconds, ">=", _PAGES_A_MINUTE)


def _collect(daemon: Daemon, target: Path) -> tuple[Path, list[dict[str, Any]]]:
    """Put each result where the scorer looks for it, in a folder of the document's name; and their statuses."""
    statuses = []
    for folder in daemon.results():
        status = json.loads((folder / "status.json").read_bytes())
        statuses.append(status)
        kept = target / Path(status["filename"]).stem
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept)
    return target, statuses


def _scores(scorer: Path, folder: Path, results: Path) -> dict[str, Any]:
    """What the scorer says of the results."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [sys.executable, str(scorer), str(folder), str(results), "--present", "--json", file.name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        scores: dict[str, Any] = json.loads(Path(file.name).read_bytes())
    return scores


def _print_kinds(documents: Sequence[Document], scores: Mapping[str, Mapping[str, float]]) -> None:
    """A row for each kind, with the mean of each figure over the documents that have it."""
    kinds: defaultdict[str, list[Mapping[str, float]]] = defaultdict(list)
    for document in documents:
        if document.path.stem in scores:
            kinds[document.kind].append(scores[document.path.stem])
    rows = [_row(kind, found) for kind, found in sorted(kinds.items())]
    everything = [score for found in kinds.values() for score in found]
    print_table(("kind", "documents", *_COLUMNS), [*rows, _row("all", everything)])


def _row(name: str, scores: Sequence[Mapping[str, float]]) -> list[str]:
    cells = []
    for column in _COLUMNS:
        values = [score[column] for score in scores if column in score]
        cells.append(f"{mean(values):.3f}" if values else "-")
    return [name, str(len(scores)), *cells]


def main() -> None:
    """Run what the command line asks for."""
    corpus = Path(os.environ.get("PDFOCR_CORPUS", ""))
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("set", type=Path, nargs="?", default=corpus / "public", help="default: $PDFOCR_CORPUS/public")
    parser.add_argument(
        "--scorer", type=Path, default=corpus.parent / "score.py", help="default: $PDFOCR_CORPUS/../score.py"
    )
    parser.add_argument("--setting", action="append", default=[], metavar="SECTION.KEY=VALUE", help="of config.yaml")
    parser.add_argument("--max-pages", type=int, default=10, help="longer documents are left out")
    parser.add_argument("--keep", type=Path, help="keep the results here, one folder a document")
    parser.add_argument("--folder", type=Path, help="work here; default: the temporary folder")
    given = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="quality-", dir=given.folder) as name:
        measure(given, Path(name))


if __name__ == "__main__":
    main()
