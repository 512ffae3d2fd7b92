"""What cannot be read is failed with its reason, what is none of ours stays where it is, and the daemon goes on."""

import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from PIL import Image

from tests import pdfs
from tests.conftest import MakeSite
from tests.end_to_end.documents import with_endless_page
from tests.end_to_end.harness import Site


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (40, 40), 200).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True)
class _Bad:
    name: str
    content: bytes
    code: str


_BAD = (
    _Bad("picture.pdf", _png(), "not_a_pdf"),
    _Bad("letter.pdf", pdfs.not_a_pdf(), "not_a_pdf"),
    _Bad("empty.pdf", b"", "empty_file"),
    _Bad("locked.pdf", pdfs.encrypted(), "pdf_encrypted"),
    _Bad("damaged.pdf", pdfs.damaged(), "pdf_damaged"),
    _Bad("no pages.pdf", pdfs.no_pages(), "pdf_no_pages"),
    _Bad("header only.pdf", b"%PDF-1.7\n", "pdf_damaged"),
)


@pytest.fixture(scope="module")
def bad_site(quick_site: Site) -> Iterator[Site]:
    """The site after everything bad was dropped at once."""
    for bad in _BAD:
        quick_site.drop(bad.name, bad.content, into="bad")
    yield quick_site
    quick_site.drop("after all that.pdf", pdfs.born_digital())
    assert quick_site.result("after all that.pdf").status["status"] == "completed"


@pytest.mark.parametrize("bad", _BAD, ids=[bad.name for bad in _BAD])
def test_it_is_failed_with_a_code_and_words(bad_site: Site, bad: _Bad) -> None:
    job = bad_site.result(f"bad/{bad.name}")
    assert (job.status["status"], job.status["error_code"]) == ("failed", bad.code)
    assert job.status["error_message"].count(".") >= 2, "the cause and what to do"
    assert job.folder.parent == bad_site.failed / "bad"
    assert (job.folder / "input.pdf").read_bytes() == bad.content
    assert job.status["completed_at"] is not None
    assert job.status["outputs"] is None
    assert not (bad_site.inbox / "bad" / bad.name).exists()


def test_an_empty_file_is_waited_for(make_site: MakeSite) -> None:
    """A copy over a network begins with an empty file."""
    site = make_site({"inbox": {"unmarked_settle_seconds": 6.0}})
    site.start()
    path = site.drop("late.pdf", b"")
    time.sleep(0.6)
    assert path.exists()
    path.write_bytes(pdfs.born_digital())
    assert site.result("late.pdf").status["status"] == "completed"


def test_a_document_that_only_its_owner_may_print_is_read(quick_site: Site) -> None:
    quick_site.drop("owner.pdf", pdfs.owner_locked())
    assert quick_site.result("owner.pdf").status["status"] == "completed"


def test_half_a_document_ends(quick_site: Site) -> None:
    """What is left of it may be repaired or not, but it does not stay for ever."""
    quick_site.drop("half.pdf", pdfs.truncated())
    job = quick_site.result("half.pdf")
    if job.status["status"] == "failed":
        assert job.status["error_code"] == "pdf_damaged"
    else:
        assert job.status["total_pages"] >= 1


def test_other_files_are_not_touched(quick_site: Site) -> None:
    text = quick_site.drop("notes.txt", b"Not for you.")
    picture = quick_site.drop("scan.png", _png(), into="pictures")
    link = quick_site.inbox / "link.pdf"
    link.symlink_to(quick_site.config)
    pipe = quick_site.inbox / "pipe.pdf"
    os.mkfifo(pipe)
    time.sleep(1.0)
    assert text.read_bytes() == b"Not for you."
    assert picture.read_bytes() == _png()
    assert link.is_symlink()
    assert pipe.is_fifo()
    quick_site.drop("beside them.pdf", pdfs.born_digital())
    assert quick_site.result("beside them.pdf").status["status"] == "completed"
    link.unlink()
    pipe.unlink()


def test_a_page_that_cannot_be_rendered_costs_only_itself(make_site: MakeSite) -> None:
    site = make_site({"render": {"timeout_seconds": 3, "dpi": 60}, "job": {"page_attempts": 1}})
    site.start()
    site.drop("one bad page.pdf", with_endless_page(3, endless=2))
    job = site.result("one bad page.pdf")
    assert job.status["status"] == "completed"
    assert (job.status["total_pages"], job.status["processed_pages"]) == (3, 3)
    (failed,) = job.status["failed_pages"]
    assert (failed["page"], failed["code"]) == (2, "render_timeout")
    pages = job.text().split("<--- Page Split --->")
    assert ["Page 2 could not be read" in page for page in pages] == [False, True, False, False]


def test_a_document_of_bad_pages_is_failed_with_what_there_is(make_site: MakeSite) -> None:
    site = make_site({"render": {"timeout_seconds": 3, "dpi": 60}, "job": {"page_attempts": 1, "min_page_success": 1}})
    site.start()
    site.drop("too bad.pdf", with_endless_page(2, endless=1))
    job = site.result("too bad.pdf")
    assert (job.status["status"], job.status["error_code"]) == ("failed", "too_few_pages")
    assert "Page 1 could not be read" in job.text()


def test_limits_are_kept(make_site: MakeSite) -> None:
    site = make_site({"job": {"max_pages": 2, "max_bytes": 20_000}})
    site.start()
    site.drop("three.pdf", pdfs.born_digital(3))
    site.drop("large.pdf", pdfs.born_digital() + b"%" * 20_000)
    assert site.result("three.pdf").status["error_code"] == "too_many_pages"
    assert site.result("large.pdf").status["error_code"] == "file_too_large"
