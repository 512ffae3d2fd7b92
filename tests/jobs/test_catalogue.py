"""Jobs are found where they lie, by every name that a person may have for them."""

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.catalogue import entries_from_disk, find_job, jobs_in_work, results
from pdfocr_watcher.jobs.folder import result_folder
from pdfocr_watcher.jobs.model import Status
from pdfocr_watcher.jobs.status_file import STATUS_NAME, write_status


def job_id(number):
    return f"20261123T{number:06d}Z-{number:08x}"


@pytest.fixture
def roots(tmp_path):
    return tmp_path / "jobs", tmp_path / "outbox", tmp_path / "failed"


@pytest.fixture
def disk(roots, make_status, make_job):
    """Jobs 1 and 2 in work, 3 and 4 completed, 5 failed; 1 and 3 have the same source."""
    jobs, outbox, failed = roots
    make_job(jobs, make_status(job_id=job_id(2), source="b.pdf"))
    make_job(jobs, make_status(job_id=job_id(1), source="sub/a.pdf"))
    for number, root, source in ((3, outbox, "sub/a.pdf"), (4, outbox, "d.pdf"), (5, failed, "sub/deep/e.pdf")):
        ended = Status.FAILED if root == failed else Status.COMPLETED
        status = make_status(job_id=job_id(number), source=source, status=ended)
        folder = result_folder(root, status)
        folder.mkdir(parents=True)
        write_status(folder, status)
    return roots


def test_jobs_in_work_come_oldest_first(disk):
    jobs = disk[0]
    for name in (".lock", ".requests", "notes", ".pdfocr-x.1-1.tmp", job_id(8)):
        (jobs / name).mkdir()
    (jobs / job_id(9)).touch()
    assert [found.status.job_id for found in jobs_in_work(jobs)] == [job_id(1), job_id(2)]


def test_folders_that_are_not_there_hold_no_jobs(roots):
    assert list(jobs_in_work(roots[0])) == list(results(roots[1])) == entries_from_disk(*roots) == []


def test_results_are_found_in_sub_folders_and_nothing_else_is_one(disk, make_status):
    _, outbox, _ = disk
    broken = outbox / "broken.00000007"
    broken.mkdir()
    (broken / STATUS_NAME).write_bytes(b"{")
    half = outbox / ".pdfocr-half.tmp"
    half.mkdir()
    write_status(half, make_status(job_id=job_id(6)))
    assert sorted(found.status.job_id for found in results(outbox)) == [job_id(3), job_id(4)]


def test_one_folder_that_cannot_be_read_does_not_hide_the_others(disk):
    jobs, outbox, _ = disk
    for folder in (jobs / job_id(0), outbox / "bad.00000000"):
        (folder / STATUS_NAME).mkdir(parents=True)
    assert [found.status.job_id for found in jobs_in_work(jobs)] == [job_id(1), job_id(2)]
    assert len(entries_from_disk(*disk)) == 5


def test_the_index_from_disk_has_every_job_once_oldest_first(disk, make_status, make_job):
    jobs, outbox, _ = disk
    # A delivery between the two looks: the job is seen in both places, and the result is where it is.
    make_job(jobs, make_status(job_id=job_id(4), source="d.pdf", status=Status.COMPLETED))
    entries = entries_from_disk(*disk)
    assert [entry["job_id"] for entry in entries] == [job_id(number) for number in (1, 2, 3, 4, 5)]
    assert entries[3]["folder"] == str(outbox / "d.00000004")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (job_id(1), 1),
        (job_id(5), 5),
        ("00000002", 2),
        ("00000004", 4),
        ("b.pdf", 2),
        ("e.pdf", 5),
        ("sub/deep/e.pdf", 5),
        ("a.pdf", 3),
        ("sub/a.pdf", 3),
    ],
)
def test_a_job_answers_to_its_ids_and_names_and_of_several_the_newest_is_meant(disk, name, number):
    found = find_job(name, *disk)
    assert found.status.job_id == job_id(number)
    assert (found.folder / STATUS_NAME).is_file()


def test_an_id_goes_before_a_file_that_is_called_like_it(disk, make_status, make_job):
    make_job(disk[0], make_status(job_id=job_id(9), source="00000004"))
    assert find_job("00000004", *disk).status.job_id == job_id(4)


@pytest.mark.parametrize("name", ["", "z.pdf", job_id(7), "..", "../outbox", "/", "00000007", "deep/e.pdf"])
def test_a_name_that_nothing_answers_to_is_an_error(disk, name):
    with pytest.raises(PdfocrError) as caught:
        find_job(name, *disk)
    assert caught.value.code is ErrorCode.JOB_NOT_FOUND
