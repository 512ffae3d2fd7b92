"""Links in the inbox: none is followed in or out, also where a folder becomes one while the daemon looks."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Site, wait_for
from tests.pdfs import born_digital


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is nobody's business, with a PDF in it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.pdf").write_bytes(born_digital(2))
    return folder


def _untouched(outside: Path, site: Site) -> None:
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"secret.pdf": born_digital(2)}
    assert (outside / "secret.pdf").stat().st_nlink == 1
    assert all(job.status["total_pages"] == 1 for job in site.results())


def test_links_stay_where_they_are_and_what_they_point_to_too(site: Site, outside: Path) -> None:
    links = {
        "file.pdf": outside / "secret.pdf",
        "folder": outside,
        "dangling.pdf": Path("nowhere"),
        "loop": site.inbox,
        "itself.pdf": site.inbox / "itself.pdf",
    }
    for name, target in links.items():
        (site.inbox / name).symlink_to(target)
    site.start()
    site.drop("letter.pdf", born_digital())
    site.result("letter.pdf")
    # Dropped later: a link that takes the place of a file that was there.
    (site.inbox / "exchanged.pdf").write_bytes(born_digital(1))
    (site.inbox / "exchanged.pdf").unlink()
    (site.inbox / "exchanged.pdf").symlink_to(outside / "secret.pdf")
    site.drop("last.pdf", born_digital())
    site.result("last.pdf")
    time.sleep(1.0)
    _untouched(outside, site)
    assert {path.name for path in site.inbox.iterdir()} == {*links, "exchanged.pdf"}
    assert all(path.is_symlink() for path in site.inbox.iterdir())
    assert len(site.results()) == 2


@contextmanager
def _swapping(folder: Path, outside: Path) -> Iterator[None]:
    """Exchange a folder for a link and back, as fast as that goes."""
    away, link = folder.with_name(".away"), folder.with_name(".link")
    link.symlink_to(outside)
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            folder.rename(away)
            link.rename(folder)
            time.sleep(0.0005)
            folder.rename(link)
            away.rename(folder)
            time.sleep(0.0005)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("where", ["one file system", pytest.param("another", marks=pytest.mark.long)])
def test_a_folder_that_is_exchanged_for_a_link_and_back_all_the_time(
    make_site: MakeSite, elsewhere: Path, outside: Path, where: str
) -> None:
    """The link leads to a file of the same name; only the inbox's own files are ever taken."""
    folders = {} if where == "one file system" else {"inbox": str(elsewhere / "inbox")}
    site = make_site({"folders": folders, "inbox": {"settle_seconds": 0.05, "rescan_interval": 0.1}})
    folder = site.inbox / "office"
    folder.mkdir()
    site.start()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with _swapping(folder, outside):
        for number in range(40):
            staged = site.inbox / f".staged-{number}"
            staged.write_bytes(born_digital(1))
            # Into the folder itself, whatever it is called at the moment.
            os.replace(staged, "secret.pdf", dst_dir_fd=descriptor)
            time.sleep(0.05)
    os.close(descriptor)
    wait_for(lambda: not list(folder.glob("*.pdf")) and not site.in_work(), "what is there is done")
    assert site.results()
    _untouched(outside, site)
