"""Writers as they come: slow, absent-minded, in pieces. What they drop is done once, and as it was in the end."""

import mmap
import os
import random
import threading
import time

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Site, wait_for
from tests.pdfs import born_digital

#: A writer's pauses lie around this.
_SETTLE = 0.4
_DOCUMENT = born_digital(3)
#: Of the pauses; one will do in every run.
_SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2, 3))]


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory):
    """A daemon that waits as long as writers pause, and longer for what has no end."""
    settings = {"inbox": {"settle_seconds": _SETTLE, "unmarked_settle_seconds": 6.0}}
    site = Site(tmp_path_factory.mktemp("patient") / "site", settings)
    site.start()
    yield site
    site.close()


def _pieces(content: bytes, count: int) -> list[bytes]:
    size = len(content) // count + 1
    return [content[start : start + size] for start in range(0, len(content), size)]


def _done(site: Site, name: str, content: bytes = _DOCUMENT) -> None:
    """Wait for the one result, and see that it is of the whole file."""
    job = site.result(name)
    assert (job.folder / "input.pdf").read_bytes() == content
    assert job.status["status"] == "completed"
    assert not (site.inbox / name).exists()


@pytest.mark.parametrize("seed", _SEEDS)
def test_slow_pieces_with_pauses_near_the_settling_time_by_a_writer_who_holds_the_file(
    patient: Site, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same pauses in every run
    name = f"held {seed}.pdf"
    with (patient.inbox / name).open("wb", buffering=0) as file:
        for piece in _pieces(_DOCUMENT, 6):
            file.write(piece)
            time.sleep(_SETTLE * chance.uniform(0.8, 1.6))
            assert patient.in_work() == []
        # The end-of-file marker is there by now, and the file at rest: only the writer keeps it.
        time.sleep(3 * _SETTLE)
        assert patient.in_work() == []
        assert patient.results(name) == []
    _done(patient, name)


@pytest.mark.parametrize("seed", _SEEDS)
def test_slow_pieces_by_a_writer_who_closes_the_file_between_them(patient: Site, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same pauses in every run
    name = f"closed {seed}.pdf"
    for piece in _pieces(_DOCUMENT, 6):
        with (patient.inbox / name).open("ab") as file:
            file.write(piece)
        time.sleep(_SETTLE * chance.uniform(0.8, 1.6))
    _done(patient, name)


def test_a_scanner_that_makes_an_empty_file_and_comes_back_later(patient: Site) -> None:
    path = patient.inbox / "scan.pdf"
    path.touch()
    time.sleep(5 * _SETTLE)
    assert path.stat().st_size == 0, "nobody touched it"
    path.write_bytes(_DOCUMENT)
    _done(patient, "scan.pdf")


def test_a_file_that_is_renamed_into_place(patient: Site) -> None:
    hidden = patient.inbox / ".writing"
    hidden.write_bytes(_DOCUMENT)
    hidden.rename(patient.inbox / "renamed.pdf")
    _done(patient, "renamed.pdf")


@pytest.mark.parametrize("how", ["truncated and written", "renamed over", "deleted and made again"])
def test_an_overwrite_while_it_settles(patient: Site, how: str) -> None:
    path = patient.inbox / f"{how}.pdf"
    path.write_bytes(born_digital(1))
    time.sleep(_SETTLE / 2)
    if how == "truncated and written":
        path.write_bytes(_DOCUMENT)
    elif how == "renamed over":
        hidden = patient.inbox / ".over"
        hidden.write_bytes(_DOCUMENT)
        hidden.replace(path)
    else:
        path.unlink()
        path.write_bytes(_DOCUMENT)
    _done(patient, path.name)


@pytest.mark.parametrize("offset", [-20 * 365 * 86400, 3600], ids=str)
def test_a_copy_that_keeps_its_date_or_comes_from_a_clock_that_differs(patient: Site, offset: int) -> None:
    """The date is set at the end, as Windows does, and lies anywhere."""
    path = patient.inbox / f"dated {offset}.pdf"
    when = time.time() + offset
    with path.open("wb", buffering=0) as file:
        for piece in _pieces(_DOCUMENT, 3):
            file.write(piece)
            os.utime(path, (when, when))
            time.sleep(_SETTLE * 0.8)
    os.utime(path, (when, when))
    _done(patient, path.name)


def test_a_writer_who_maps_the_file(patient: Site) -> None:
    path = patient.inbox / "mapped.pdf"
    with path.open("w+b") as file:
        file.truncate(len(_DOCUMENT))
        memory = mmap.mmap(file.fileno(), 0)
    # The descriptor is closed; only the map is open for writing.
    for start in range(0, len(_DOCUMENT), len(_DOCUMENT) // 3 + 1):
        piece = _DOCUMENT[start : start + len(_DOCUMENT) // 3 + 1]
        memory[start : start + len(piece)] = piece
        memory.flush()
        time.sleep(_SETTLE * 1.5)
        assert patient.in_work() == []
        assert path.exists()
    memory.close()
    _done(patient, path.name)


def test_a_file_that_has_its_final_size_before_its_data(patient: Site) -> None:
    """As Windows does: the size is set first; nobody holds the file, as it looks from another machine."""
    path = patient.inbox / "sized.pdf"
    path.touch()
    os.truncate(path, len(_DOCUMENT))
    assert path.stat().st_blocks == 0
    time.sleep(4 * _SETTLE)
    assert path.exists()
    half = len(_DOCUMENT) // 2
    for start in (0, half):
        with path.open("r+b") as file:
            file.seek(start)
            file.write(_DOCUMENT[start : start + half + 1])
        time.sleep(_SETTLE * 0.9)
    _done(patient, path.name)


def test_a_file_that_is_deleted_while_it_settles(patient: Site) -> None:
    path = patient.inbox / "gone.pdf"
    path.write_bytes(_DOCUMENT)
    time.sleep(_SETTLE / 2)
    path.unlink()
    (patient.inbox / "gone not.pdf").write_bytes(_DOCUMENT)
    _done(patient, "gone not.pdf")
    assert patient.results("gone.pdf") == []


def test_a_file_that_is_deleted_again_and_again_while_it_is_claimed(patient: Site) -> None:
    """Whichever comes first: it is done, or it is gone; never an error, never a job that is stuck."""
    names = [f"race {number}.pdf" for number in range(20)]
    deleted = set()
    for name in names:
        (patient.inbox / name).write_bytes(_DOCUMENT)

    def delete() -> None:
        time.sleep(_SETTLE * 0.95)
        for name in names:
            try:
                (patient.inbox / name).unlink()
            except FileNotFoundError:
                continue
            deleted.add(name)
            time.sleep(0.01)

    thread = threading.Thread(target=delete)
    thread.start()
    thread.join()
    for name in names:
        if name not in deleted:
            _done(patient, name)
    wait_for(lambda: not patient.in_work(), "no job is stuck")
    assert {job.status["source"] for job in patient.results()}.isdisjoint(deleted)


def test_of_a_file_with_a_second_name_what_was_claimed_is_done_whatever_becomes_of_the_other(
    make_site: MakeSite,
) -> None:
    site = make_site()
    linked = site.base / "the other name.pdf"
    linked.write_bytes(_DOCUMENT)
    os.link(linked, site.inbox / "letter.pdf")
    site.start()
    # What changes while it is copied is put back; its copy is believed once it has gone from the inbox.
    wait_for(lambda: not any(site.inbox.iterdir()), "it is claimed")
    with linked.open("r+b") as file:
        file.write(b"no longer a PDF")
    _done(site, "letter.pdf")


def test_a_file_whose_second_name_is_still_written_is_waited_for(patient: Site) -> None:
    other = patient.base / "still written.pdf"
    with other.open("wb", buffering=0) as file:
        file.write(_DOCUMENT[:-10])
        os.link(other, patient.inbox / "linked.pdf")
        time.sleep(4 * _SETTLE)
        assert patient.in_work() == []
        file.write(_DOCUMENT[-10:])
        time.sleep(2 * _SETTLE)
        assert patient.in_work() == []
    _done(patient, "linked.pdf")
