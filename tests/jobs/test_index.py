"""The index follows the jobs a few seconds behind, costs what changes, and can always be rebuilt."""

import contextlib
import errno
import json
import os
import threading
from pathlib import Path

import pytest
from tinydb import Query, TinyDB

from pdfocr_watcher.jobs import index as index_module
from pdfocr_watcher.jobs import index_storage
from pdfocr_watcher.jobs.index import JobIndex, document_id, entry_of, read_entries
from pdfocr_watcher.jobs.model import Outputs, Stage, Status

FOLDER = Path("/srv/outbox/letter")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "index.json"


@pytest.fixture
def job(make_status):
    """The status of the nth job."""

    def make(number, status=Status.COMPLETED, **values):
        return make_status(job_id=f"20261123T{number:06d}Z-0000000a", status=status, **values)

    return make


def ids(entries):
    return [int(entry["job_id"][9:15]) for entry in entries]


def on_disk(path):
    with TinyDB(path) as database:
        return [entry["job_id"] for entry in database.table("jobs")]


def fill(path, job, count):
    """An index on disk with so many finished jobs, closed in good order."""
    index = JobIndex(path, 100_000)
    index.rebuild(lambda: [entry_of(job(number), FOLDER) for number in range(count)])
    index.flush(force=True)


def test_what_is_put_is_there_at_once_and_on_disk_after_a_flush(path, job, clock):
    index = JobIndex(path, 10, clock)
    assert index.entries() == []
    assert read_entries(path) is None
    index.put(job(2), FOLDER)
    index.put(job(1), FOLDER)
    assert ids(index.entries()) == [1, 2]
    assert not path.exists()
    index.flush()
    assert ids(read_entries(path)) == [1, 2]
    assert ids(index.entries()) == [1, 2]


def test_an_entry_is_the_status_without_its_bulk(make_status):
    status = make_status(outputs=Outputs(), stage=Stage.DONE, processed_pages=3)
    entry = entry_of(status, FOLDER)
    assert entry["failed_pages"] == 0
    assert entry["folder"] == str(FOLDER)
    assert (entry["status"], entry["processed_pages"]) == ("pending", 3)
    assert not {"outputs", "worker", "schema_version"} & entry.keys()
    json.dumps(entry)


def test_any_program_can_open_the_file_with_tinydb(path, job):
    fill(path, job, 3)
    with TinyDB(path) as database:
        table = database.table("jobs")
        found = table.search(Query().job_id == job(1).job_id)
        assert [entry["folder"] for entry in found] == [str(FOLDER)]
        assert table.get(doc_id=document_id(job(1).job_id)) == found[0]


def test_document_ids_sort_as_job_ids_do():
    moments, uniques = ("20261123T125045Z", "20270101T000000Z"), ("00000000", "ffffffff")
    job_ids = [f"{moment}-{unique}" for moment in moments for unique in uniques]
    assert [document_id(job_id) for job_id in job_ids] == sorted({document_id(job_id) for job_id in job_ids})


def test_a_job_that_is_put_again_or_dropped_is_there_once_or_not_at_all(path, job, clock):
    index = JobIndex(path, 10, clock)
    for flush in (False, True):
        index.put(job(1, Status.PENDING), FOLDER)
        index.put(job(2), FOLDER)
        if flush:
            index.flush()
        index.put(job(1, Status.FAILED), FOLDER)
        index.drop(job(2).job_id)
        index.drop(job(3).job_id)
        assert [entry["status"] for entry in index.entries()] == ["failed"]
        index.flush()
        assert [entry["status"] for entry in read_entries(path)] == ["failed"]
    index.flush(force=True)
    assert on_disk(path) == [job(1).job_id]


def test_between_two_rewrites_a_flush_writes_what_changed_and_nothing_else(path, job, clock, monkeypatch):
    """The promise of a flat cost, in bytes and calls: they are the same with 10 jobs kept and with 3,000."""
    written, calls = {}, []
    for count in (10, 3000):
        fill(path, job, count)
        index = JobIndex(path, 100_000, clock)
        index.put(job(0), FOLDER)
        index.flush()  # the first one after a start replaces the file
        calls.clear()
        monkeypatch.setattr(index_storage, "_json", lambda value: calls.append(value) or json.dumps(value).encode())
        monkeypatch.setattr(index._table, "_update_table", lambda _: pytest.fail("TinyDB went through all documents"))
        file, journal = path.stat(), path.with_suffix(".journal")
        before = journal.stat().st_size
        for number in (1, 2, 3):
            index.put(job(number), FOLDER)
        index.flush()
        index.flush()
        assert path.stat().st_ino == file.st_ino
        written[count] = (len(calls), journal.stat().st_size - before)
        monkeypatch.undo()
    assert written[10] == written[3000]
    assert written[10][0] == 3


def test_the_file_is_replaced_when_its_cost_is_a_thousandth_of_the_time(path, job, clock, monkeypatch):
    moments = iter((10.0, 10.1, 20.0, 20.1))
    monkeypatch.setattr(index_module.time, "perf_counter", lambda: next(moments))
    index = JobIndex(path, 10, clock)
    index.put(job(1), FOLDER)
    index.flush()
    assert on_disk(path) == [job(1).job_id]
    clock.now += 99
    index.put(job(2), FOLDER)
    index.flush()
    assert on_disk(path) == [job(1).job_id]
    assert ids(read_entries(path)) == [1, 2]
    clock.now += 1.5
    index.flush()
    assert on_disk(path) == [job(1).job_id, job(2).job_id]
    assert path.with_suffix(".journal").read_bytes() == b""


def test_the_journal_does_not_grow_for_ever(path, job, clock):
    index = JobIndex(path, 10, clock)
    index.put(job(0), FOLDER)
    index.flush()
    longest = 0
    for number in range(1, 2500):  # no time passes
        index.put(job(number % 7), FOLDER)
        index.flush()
        longest = max(longest, len(path.with_suffix(".journal").read_bytes().splitlines()))
    assert 1000 < longest < 2 * 1000 + 10


def test_the_oldest_finished_jobs_fall_out_first_and_no_other(path, job, clock):
    index = JobIndex(path, 3, clock)
    for number in range(10):
        index.put(job(number, Status.PENDING if number in {0, 4} else Status.FAILED), FOLDER)
    index.flush()
    assert ids(index.entries()) == [0, 4, 7, 8, 9]
    assert ids(read_entries(path)) == [0, 4, 7, 8, 9]


def test_a_rebuild_throws_away_what_was_there(path, job, clock):
    index = JobIndex(path, 10, clock)
    index.put(job(1), FOLDER)
    index.flush()
    index.put(job(2), FOLDER)
    assert index.rebuild(lambda: [entry_of(job(3), FOLDER), entry_of(job(4), FOLDER)]) == 2
    for entries in (index.entries(), read_entries(path)):
        assert ids(entries) == [3, 4]
    index.rebuild(list)
    assert read_entries(path) == []


def test_what_is_put_while_a_rebuild_reads_the_disk_is_not_forgotten(path, job, clock):
    index = JobIndex(path, 10, clock)

    def read():
        yield entry_of(job(1, Status.PROCESSING), FOLDER)
        yield entry_of(job(2), FOLDER)
        index.put(job(1, Status.COMPLETED), FOLDER)
        index.drop(job(2).job_id)
        index.put(job(3), FOLDER)
        index.flush()
        index.put(job(4), FOLDER)

    index.rebuild(read)
    assert [(entry["job_id"][14], entry["status"]) for entry in index.entries()] == [
        ("1", "completed"), ("3", "completed"), ("4", "completed"),
    ]  # fmt: skip
    assert ids(read_entries(path)) == [1, 3, 4]


def test_an_index_is_sound_only_if_it_was_closed_in_good_order(path, job, clock):
    index = JobIndex(path, 10, clock)
    assert not index.found
    index.rebuild(lambda: [entry_of(job(1), FOLDER)])
    assert not JobIndex(path, 10).found, "still in use, or its daemon was killed"
    index.flush(force=True)
    assert os.listdir(path.parent) == ["index.json"]
    again = JobIndex(path, 10, clock)
    assert again.found
    assert ids(again.entries()) == [1]
    again.open()
    again.put(job(2), FOLDER)  # nothing is flushed: the crash
    assert not JobIndex(path, 10).found


def test_an_index_that_was_to_be_rebuilt_and_was_not_is_not_called_sound(path, job, clock):
    index = JobIndex(path, 10, clock)
    index.put(job(1), FOLDER)
    index.flush(force=True)  # the daemon is stopped before the rebuild is through
    assert not JobIndex(path, 10).found


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"7", b"\xff", b'{"jobs": []}', b'{"jobs": {"x": {}}}', b'{"jobs": {"1": 7}}',
        b'{"jobs": {"1": {"job_id": "x"}}}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_file_that_is_no_index_is_an_empty_one(path, job, clock, content):
    path.write_bytes(content)
    assert read_entries(path) is None
    index = JobIndex(path, 10, clock)
    assert not index.found
    assert index.entries() == []
    index.put(job(1), FOLDER)
    index.flush()
    assert ids(read_entries(path)) == [1]


def test_a_crash_in_the_middle_of_a_rewrite_leaves_the_earlier_file_and_the_journal(path, job, clock, monkeypatch):
    fill(path, job, 3)
    earlier = path.read_bytes()
    index = JobIndex(path, 10, clock)
    index.put(job(7), FOLDER)

    class Crash(BaseException):
        pass

    def crash(*_):
        raise Crash

    monkeypatch.setattr(os, "fsync", crash)
    index._journal._open = True
    with pytest.raises(Crash):
        index.flush()
    monkeypatch.undo()
    assert path.read_bytes() == earlier
    assert ids(read_entries(path)) == [0, 1, 2, 7]
    assert not JobIndex(path, 10).found


def test_a_full_disk_loses_no_change(path, job, clock, mount):
    disk = mount(path.parent / "disk", size="128k")
    path = disk / "index.json"
    index = JobIndex(path, 1000, clock)
    index.put(job(0), FOLDER)
    index.flush()
    with (disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(b"x" * 4096):
            pass
    for number in range(1, 40):
        index.put(job(number), FOLDER)
    with pytest.raises(OSError, match="No space") as caught:
        index.flush()
    assert caught.value.errno == errno.ENOSPC
    index.put(job(40), FOLDER)
    assert ids(index.entries()) == list(range(41))
    assert read_entries(path)[0]["job_id"] == job(0).job_id
    (disk / "ballast").unlink()
    index.flush()
    assert ids(read_entries(path)) == list(range(41))
    index.rebuild(index.entries)
    index.flush(force=True)
    assert ids(read_entries(path)) == list(range(41))


def test_a_disk_that_refuses_does_not_keep_a_status_from_being_noted(path, job, clock, monkeypatch):
    monkeypatch.setattr(index_storage, "sync_folder", lambda _: (_ for _ in ()).throw(OSError(errno.EROFS, "no")))
    index = JobIndex(path, 10, clock)
    index.put(job(1), FOLDER)
    with pytest.raises(OSError, match="no"):
        index.flush()
    monkeypatch.undo()
    index.flush()
    assert ids(read_entries(path)) == [1]


def test_a_journal_line_that_was_broken_off_costs_only_itself(path, job, clock):
    fill(path, job, 1)
    index = JobIndex(path, 10, clock)
    index.put(job(1), FOLDER)
    index.flush()
    journal = path.with_suffix(".journal")
    for rubbish in (b'{"job_id": "2026', b"7\n", b'{"job_id": "x", "entry": 7}\n', b'{"entry": null}\n', b"\xff"):
        with journal.open("ab") as file:
            file.write(rubbish)
        index.put(job(2), FOLDER)
        index.flush()
        assert ids(read_entries(path)) == [0, 1, 2]


def test_a_folder_whose_name_is_no_utf_8_survives(path, job, clock):
    folder = Path(os.fsdecode(b"/srv/\xff/\xc3\xa4"))
    index = JobIndex(path, 10, clock)
    index.put(job(1), folder)
    index.flush()
    index.put(job(2), folder)
    index.flush()
    assert [entry["folder"] for entry in read_entries(path)] == [str(folder)] * 2


def test_a_reader_that_polls_as_fast_as_it_can_sees_every_job_once_it_was_flushed(path, job, monkeypatch):
    monkeypatch.setattr(index_module, "_JOURNAL_CHANGES", 3)
    fill(path, job, 2)
    index = JobIndex(path, 10_000)
    flushed, stop, seen = 0, threading.Event(), []

    def poll():
        while not stop.is_set():
            least = flushed
            entries = read_entries(path)
            seen.append(entries is not None and len(entries) >= least)

    reader = threading.Thread(target=poll)
    reader.start()
    for number in range(2, 300):
        index.put(job(number), FOLDER)
        index.flush()
        flushed = number
    stop.set()
    reader.join()
    assert len(seen) > 20
    assert all(seen)


def test_threads_that_put_drop_flush_and_read_do_not_lose_a_job(path, job):
    index = JobIndex(path, 10_000)

    def work(thread):
        for number in range(thread * 100, thread * 100 + 100):
            index.put(job(number), FOLDER)
            if number % 10 == 0:
                index.flush()
            if number % 20 == 1:
                index.entries()
            if number % 5 == 0:
                index.drop(job(number).job_id)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index.flush(force=True)
    expected = [number for number in range(400) if number % 5]
    assert ids(index.entries()) == ids(read_entries(path)) == expected
