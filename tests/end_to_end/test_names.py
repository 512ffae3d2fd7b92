"""Every name that can lie in an inbox: done under its true name, or left alone for a reason; the result is safe."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest

from pdfocr_watcher.jobs.folder import displayable
from tests.conftest import MakeSite
from tests.end_to_end.harness import Site, wait_for
from tests.pdfs import born_digital

_CORPUS = "PDFOCR_CORPUS"
_LETTER = born_digital()
_LONG = "ü" * 125
#: Names of PDFs that are done.
DONE = (
    b"plain.pdf", b"with space.pdf", b"UPPER.PDF", b"upper.pdf", b"Mixed.PdF", b"report.pdf.pdf", b"a.b.c.tar.pdf",
    "Caf\u00e9.pdf".encode(), "Cafe\u0301.pdf".encode(), "中文文件名.pdf".encode(), "🧾📄.pdf".encode(),
    f"{_LONG}.pdf".encode(), b"a" * 251 + b".pdf", b"  both ends  .pdf", b"line\nbreak.pdf", b"tab\there.pdf",
    b"\x1b[31mred\x1b]0;title\x07.pdf", "c1\u009b31m.pdf".encode(), "fdp\u202eexe.pdf".encode(), b"-rf.pdf",
    b"--help.pdf", b"semi;colon&amp$(touch pwned)`id`.pdf", b"quote'\"quote.pdf", b"back\\slash.pdf",
    b"star*?[x].pdf", b"q: <what>|.pdf", b"%2e%2e%2fetc.pdf", b"[red]markup[b].pdf", b"CON.pdf",
    b"nul.PDF", b"com1.x.pdf", "samba\uf022.pdf".encode(), "slash\u2215like\uff0f.pdf".encode(),
    b"not utf-8 \xff\xe9.pdf",
    b"sub/dir/deep.pdf", b"sub/plain.pdf", b"CON/in.pdf", b"dot. /in.pdf", b"Docs/in.pdf", b"docs/in.pdf",
    b"q?/in.pdf", b"\xff\xfe/in.pdf", b"x/a%2f/in.pdf", b"1999.3f9a1c2b/in.pdf",
)  # fmt: skip
#: Names that are left alone: hidden, temporary, or no PDF's.
LEFT = (
    b".hidden.pdf", b".pdf", b"..%00.pdf", b"..pdf", b"report", b"report.txt", b"trailing.pdf ", b"plain.md",
    b"output.mmd", b"download.pdf.part", b"~$lock.pdf",
)  # fmt: skip


def _tell(raw: bytes) -> str:
    return displayable(os.fsdecode(raw))


def _check_folders(site: Site, folder: Path) -> None:
    """What a result's path must be: below its root, and to be seen and opened from every system."""
    names = folder.relative_to(site.outbox).parts
    assert ".." not in names
    for name in names:
        assert not PureWindowsPath(name).is_reserved(), name
        assert not re.search(r'[<>:"|?*\\\x00-\x1f\x7f-\x9f\ue000-\uf8ff\u202a-\u202e]', name), name
        assert name == name.strip(" .")
        assert len(name.encode()) <= 255
    assert folder.resolve().is_relative_to(site.outbox.resolve())


def _drop_all(site: Site, raws: tuple[bytes, ...]) -> None:
    for raw in raws:
        folder, _, name = raw.rpartition(b"/")
        site.drop(name, _LETTER, into=folder)


def test_every_name_is_done_once_or_left_alone(site: Site) -> None:
    _drop_all(site, DONE)
    _drop_all(site, LEFT)
    daemon = site.start()
    results = site.all_results(None, len(DONE), limit=180)
    assert sorted(job.status["source"] for job in results) == sorted(map(_tell, DONE))
    for job in results:
        assert job.status["status"] == "completed"
        assert job.status["filename"] == job.status["source"].rpartition("/")[2]
        assert (job.folder / "input.pdf").read_bytes() == _LETTER
        _check_folders(site, job.folder)
    folded = [str(job.folder.relative_to(site.outbox)).casefold() for job in results]
    assert len(set(folded)) == len(folded), "also where upper and lower case are one"
    assert set(LEFT) <= set(os.listdir(os.fsencode(site.inbox)))
    assert not (site.root / "pwned").exists()
    assert daemon.process.poll() is None
    lines = daemon.log.read_bytes().decode()
    assert len(lines.splitlines()) == len(daemon.logged()), "one event is one line"
    assert not set(lines) & set("\x1b\x07\x9b\u202e")
    _check_commands(site)
    site.stop()


def _check_commands(site: Site) -> None:
    """The command line names what was dropped and obeys nothing of it."""
    command = [sys.executable, "-m", "pdfocr_watcher"]
    options = ["--config", str(site.config)]
    listed = subprocess.run([*command, "list", *options, "--limit", "100"], capture_output=True, check=True)
    assert b"\x1b" not in listed.stdout
    assert b"\\x1b[31mred" in listed.stdout.replace(b"\n", b"").replace(b" ", b"")
    as_json = subprocess.run([*command, "list", "--json", *options], capture_output=True, check=True).stdout.decode()
    assert "line\nbreak.pdf" in {entry["filename"] for entry in json.loads(as_json)}
    assert not set(as_json) & set("\x1b\x9b\u202e")
    shown = subprocess.run([*command, "status", *options, "--", "-rf.pdf"], capture_output=True, check=True)
    assert b"-rf.pdf" in shown.stdout
    shown = subprocess.run([*command, "status", "c1\x9b31m.pdf", *options], capture_output=True, check=True)
    assert "\x9b" not in shown.stdout.decode()


@pytest.mark.corpus
def test_every_name_of_the_corpus(make_site: MakeSite) -> None:
    listed = Path(os.environ.get(_CORPUS, "")) / "hostile" / "filenames.json"
    if not listed.is_file():
        pytest.skip(f"{_CORPUS} names no folder with {listed}")
    entries = [entry for entry in json.loads(listed.read_text())["entries"] if entry["kind"] == "file"]
    raws = tuple(bytes.fromhex(entry["hex"]) for entry in entries)
    left = {raw for raw in raws if not raw.lower().endswith(b".pdf") or raw.split(b"/")[-1].startswith((b".", b"~$"))}
    site = make_site()
    _drop_all(site, raws)
    for entry in entries:
        if "mode" in entry:
            (site.inbox / entry["name"]).chmod(int(entry["mode"], 8))
    site.start()
    if os.geteuid() != 0:
        left |= {bytes.fromhex(entry["hex"]) for entry in entries if "mode" in entry}
    results = site.all_results(None, len(set(raws) - left), limit=180)
    assert sorted(job.status["source"] for job in results) == sorted(_tell(raw) for raw in set(raws) - left)
    for job in results:
        _check_folders(site, job.folder)
    wait_for(lambda: site.in_work() == [], "nothing in work")
    site.stop()
