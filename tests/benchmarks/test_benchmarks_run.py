"""Every benchmark runs to its end on the real program, with the smallest sizes; its figures mean nothing then."""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from benchmarks import many

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="the bare side is pdftoppm"),
]

_REPOSITORY = Path(__file__).parents[2]


def run(folder: Path, name: str, *arguments: str, limit: float = 300) -> str:
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments, "--folder", str(folder)]
    done = subprocess.run(command, cwd=_REPOSITORY, capture_output=True, text=True, timeout=limit, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "machine: " in done.stdout
    assert "versions: " in done.stdout
    assert not os.listdir(folder), "it leaves nothing behind"
    return done.stdout


def scan_of(text: str) -> bytes:
    """A page with one line of text, as a picture."""
    page = Image.new("L", (1240, 600), 250)
    ImageDraw.Draw(page).text((120, 200), text, fill=20, font=ImageFont.load_default(44))
    buffer = io.BytesIO()
    page.save(buffer, "PDF", resolution=150)
    return buffer.getvalue()


def test_overhead_compares_the_null_engine_with_pdftoppm(tmp_path):
    printed = run(tmp_path, "overhead", "--engine", "null", "--documents", "2", "--pages", "2", "--rounds", "1")
    assert "bare pdftoppm" in printed
    assert "null: daemon / bare pdftoppm, pages per second: " in printed


def test_overhead_reads_given_documents(tmp_path_factory, tmp_path):
    from benchmarks.documents import make_documents  # noqa: PLC0415 - the folder is a package only from the repository

    given = tmp_path_factory.mktemp("given")
    make_documents(given, 1, 2)
    (given / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing\n%%EOF\n")
    printed = run(tmp_path, "overhead", "--engine", "null", "--pdfs", str(given), "--rounds", "1")
    assert "left out: broken.pdf" in printed
    assert "1 documents, 2 pages" in printed


def test_latency_watches_drops_and_submits(tmp_path):
    printed = run(tmp_path, "latency", "--drops", "1", "--submits", "1", "--settle", "0.2")
    assert "settled to pending on disk" in printed
    assert "submit, the whole process" in printed


def test_memory_counts_the_rasters_alive(tmp_path):
    arguments = ("--engine", "null", "--short-pages", "1", "--pages", "6", "--queue-pages", "8")
    printed = run(tmp_path, "memory", *arguments)
    assert "peak memory of 6 pages / of 1" in printed
    assert "rasters alive at a time" in printed


def test_many_finds_every_content_once(tmp_path):
    printed = run(tmp_path, "many", "--files", "5")
    assert "dropped 5, completed 5, twice 0, missing 0, left over 0" in printed


def test_many_tells_of_jobs_that_end_within_the_same_millisecond(capsys):
    moment = "2026-11-30T07:00:00.000Z"
    many._print(5, 0.0, [dict.fromkeys(("created_at", "started_at", "completed_at"), moment)] * 5)
    assert "the second: 0 (target" in capsys.readouterr().out


def test_starvation_counts_the_time_without_a_page(tmp_path):
    printed = run(tmp_path, "starvation", "--documents", "2", "--pages", "2", "--rate", "20")
    assert "4 pages" in printed
    assert "a GPU of 20 pages/s, time without a page: " in printed


_SCORER = """
import csv, json, pathlib, sys
folder, results = map(pathlib.Path, sys.argv[1:3])
docs = {}
for row in csv.DictReader((folder / "MANIFEST.tsv").open(), delimiter="\\t"):
    name = pathlib.Path(row["file"]).stem
    read = results / name / "output.mmd"
    if read.exists():
        docs[name] = {"wordF1": float((folder / "truth" / (name + ".txt")).read_text() in read.read_text())}
scores = {"docs": docs, "mean": {"wordF1": sum(d["wordF1"] for d in docs.values()) / len(docs)}, "unit": {}}
pathlib.Path(sys.argv[5]).write_text(json.dumps(scores))
"""


def test_quality_scores_what_the_program_made_of_a_set_by_kind(tmp_path_factory, tmp_path):
    given = tmp_path_factory.mktemp("set")
    (given / "pdfs").mkdir()
    (given / "truth").mkdir()
    (given / "MANIFEST.tsv").write_text(
        "file\tpages\twhat\ttruth\n"
        "pdfs/minutes.pdf\t1\tEnglish book scan\ttext: human\n"
        "pdfs/long.pdf\t99\tEnglish book scan\ttext: human\n"
        "pdfs/unknown.pdf\t1\tEnglish book scan\tnone\n"
    )
    (given / "pdfs" / "minutes.pdf").write_bytes(scan_of("Minutes of the harbour committee"))
    (given / "truth" / "minutes.txt").write_text("Minutes of the harbour committee")
    (given / "score.py").write_text(_SCORER)
    printed = run(tmp_path, "quality", str(given), "--scorer", str(given / "score.py"), "--setting", "engine.threads=1")
    assert "1 documents, 1 pages" in printed
    assert re.search(r"^old books +1 +1\.000 ", printed, re.MULTILINE), printed
    assert "wordF1: 1 (target >= 0.93: reached)" in printed


@pytest.mark.long
@pytest.mark.timeout(600)
def test_soak_finds_every_drop_once_and_nothing_that_grows(tmp_path):
    printed = run(tmp_path, "soak", "--minutes", "1", limit=540)
    assert "missing 0, wrong 0, left over 0, temporary files 0" in printed
    assert "as it should be" in printed


@pytest.mark.long
def test_policies_reads_what_has_a_truth_by_each_of_them(tmp_path):
    from benchmarks.documents import make_documents  # noqa: PLC0415 - as above

    make_documents(tmp_path, 2, 1)
    (tmp_path / "text-00.txt").write_text("Report 0, page 1\fa page that the document does not have")
    command = [sys.executable, "-m", "benchmarks.policies", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=_REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^text-00 1 0\.\d+ in ", done.stdout, re.MULTILINE)
    assert "scan-01" not in done.stdout
    assert re.search(r"^accurate +0\.\d{4} +\d+\.\d\d +1\.00$", done.stdout, re.MULTILINE)
