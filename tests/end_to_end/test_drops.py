"""Whatever way a PDF comes into the inbox, and whatever its name: it becomes one result, byte for byte the same PDF."""

import os
import re
import time
from pathlib import PurePosixPath

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.documents import ODD_NAMES
from tests.end_to_end.harness import Site
from tests.pdfs import born_digital


@pytest.fixture(scope="module")
def odd_results(quick_site: Site) -> Site:
    """The site after all odd names were dropped at once."""
    for number, name in enumerate(ODD_NAMES):
        quick_site.drop(name, _marked(number))
    return quick_site


def _marked(number: int) -> bytes:
    """A small PDF that differs from all others."""
    return born_digital(1) + b"%% %d\n" % number


@pytest.mark.parametrize(("number", "name"), list(enumerate(ODD_NAMES)), ids=[ascii(name)[:24] for name in ODD_NAMES])
def test_an_odd_name_is_kept(odd_results: Site, number: int, name: str) -> None:
    job = odd_results.result(name)
    assert job.status["status"] == "completed"
    assert job.status["filename"] == name
    short = job.job_id.rpartition("-")[2]
    # What Windows cannot show is replaced, what is too long is cut; the true name is in the status.
    shown = re.sub(r'["*?\\\n]', "_", PurePosixPath(name).stem).strip().encode()[:120].decode(errors="ignore")
    assert job.folder == odd_results.outbox / f"{shown.strip()}.{short}"
    assert (job.folder / "input.pdf").read_bytes() == _marked(number)
    assert not (odd_results.inbox / name).exists()


def test_a_name_that_is_no_utf8_is_shown_with_escapes(quick_site: Site) -> None:
    quick_site.drop(b"caf\xe9.pdf", born_digital(), into=b"bo\xeete")
    job = quick_site.result("bo\\xeete/caf\\xe9.pdf")
    assert job.status["status"] == "completed"
    assert job.folder.relative_to(quick_site.outbox).parts[0] == "bo_xeete"
    assert os.listdir(os.fsencode(quick_site.inbox) + b"/bo\xeete") == []


def test_the_longest_names_that_a_file_system_takes(quick_site: Site) -> None:
    names = ["x" * 251 + ".pdf", "漢" * 83 + ".pdf", "😀" * 62 + ".pdf"]
    for name in names:
        assert len(name.encode()) > 250
        quick_site.drop(name, born_digital())
    for name in names:
        job = quick_site.result(name)
        assert job.status["filename"] == name
        assert name.startswith(job.folder.name.rpartition(".")[0])


def test_sub_folders_are_kept_in_the_results_path(quick_site: Site) -> None:
    quick_site.drop("letter.pdf", born_digital(), into="invoices/2026/märz")
    job = quick_site.result("invoices/2026/märz/letter.pdf")
    assert job.folder.parent == quick_site.outbox / "invoices/2026/märz"
    assert job.status["filename"] == "letter.pdf"


def test_what_lay_there_before_the_start_is_done(site: Site) -> None:
    site.drop("early.pdf", born_digital())
    site.drop("earlier.pdf", born_digital(), into="below")
    site.start()
    assert site.result("early.pdf").status["status"] == "completed"
    assert site.result("below/earlier.pdf").status["status"] == "completed"


def test_the_same_name_dropped_twice_gives_two_results(quick_site: Site) -> None:
    first, second = born_digital(1), born_digital(2)
    quick_site.drop("twice.pdf", first)
    quick_site.all_results("twice.pdf", 1)
    quick_site.drop("twice.pdf", second)
    found = quick_site.all_results("twice.pdf", 2)
    assert sorted(job.status["total_pages"] for job in found) == [1, 2]
    assert {(job.folder / "input.pdf").read_bytes() for job in found} == {first, second}


def test_the_same_content_twice_is_done_twice_and_said(quick_site: Site) -> None:
    content = born_digital(1, text="Only here and in its twin.")
    quick_site.drop("one.pdf", content)
    one = quick_site.result("one.pdf")
    quick_site.drop("other.pdf", content)
    other = quick_site.result("other.pdf")
    assert other.status["status"] == "completed"
    assert other.status["sha256"] == one.status["sha256"]
    assert other.status["duplicate_of"] == one.job_id


def test_ten_at_once(quick_site: Site) -> None:
    for number in range(10):
        quick_site.drop(f"{number}.pdf", born_digital(number % 3 + 1), into="ten")
    for number in range(10):
        job = quick_site.result(f"ten/{number}.pdf")
        assert (job.status["status"], job.status["total_pages"]) == ("completed", number % 3 + 1)
    assert len({job.job_id for job in quick_site.results()}) == len(quick_site.results())


def test_a_file_written_slowly_is_taken_when_it_is_whole(make_site: MakeSite) -> None:
    site = make_site({"inbox": {"settle_seconds": 0.3}})
    site.start()
    content = born_digital(4)
    size = len(content) // 8 + 1
    with (site.inbox / "slow.pdf").open("wb", buffering=0) as file:
        for start in range(0, len(content), size):
            file.write(content[start : start + size])
            time.sleep(0.15)
            assert not site.in_work()
    job = site.result("slow.pdf")
    assert (job.status["status"], job.status["total_pages"]) == ("completed", 4)
    assert (job.folder / "input.pdf").read_bytes() == content


def test_a_file_written_in_pieces_with_long_pauses_is_taken_when_it_is_whole(make_site: MakeSite) -> None:
    """The writer closes the file between the pieces, each pause being longer than the settling time."""
    site = make_site({"inbox": {"settle_seconds": 0.1, "unmarked_settle_seconds": 5.0}})
    site.start()
    content = born_digital(3)
    path = site.inbox / "pieces.pdf"
    for start in range(0, len(content), len(content) // 3 + 1):
        with path.open("ab") as file:
            file.write(content[start : start + len(content) // 3 + 1])
        time.sleep(0.5)
        if start + len(content) // 3 + 1 < len(content):
            assert path.exists()
    job = site.result("pieces.pdf")
    assert (job.status["status"], job.status["total_pages"]) == ("completed", 3)


def test_a_copy_under_a_temporary_name_is_taken_once_it_has_its_own(quick_site: Site) -> None:
    temporary = quick_site.drop("download.pdf.part", born_digital())
    time.sleep(0.5)
    assert temporary.exists()
    temporary.rename(temporary.with_suffix(""))
    assert quick_site.result("download.pdf").status["status"] == "completed"
