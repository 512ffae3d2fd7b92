"""Claiming: at every instant the PDF is in the inbox or in its job folder, and never in both for good."""

import contextlib
import errno
import itertools
import mmap
import os
import shutil
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pdfocr_watcher.daemon.recovering import mend, recover
from pdfocr_watcher.inbox import claim as claim_module
from pdfocr_watcher.inbox.claim import Claimer, at_rest
from pdfocr_watcher.inbox.sweep import Signature
from pdfocr_watcher.jobs import steps
from pdfocr_watcher.jobs.claim_note import ClaimNote
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.status_file import read_status
from pdfocr_watcher.jobs.steps import Point, Step
from tests.needs import needs_programs

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CONTENT = b"%PDF-1.4\n" + bytes(range(256)) * 5000 + b"\n%%EOF\n"
#: Files that two hosts race for.
ROUNDS = 150


@pytest.fixture
def claimer(tmp_path):
    folders = {name: tmp_path / name for name in ("inbox", "jobs", "outbox", "failed")}
    for folder in folders.values():
        folder.mkdir()
    return Claimer(**folders, unfinished=set())


@pytest.fixture
def elsewhere(claimer):
    """A claimer whose inbox lies on another file system than its jobs."""
    shared = Path(tempfile.mkdtemp(dir="/dev/shm"))
    if shared.stat().st_dev == claimer.jobs.stat().st_dev:
        pytest.skip("no other file system of its own here")
    yield Claimer(shared, claimer.jobs, claimer.outbox, claimer.failed, set())
    shutil.rmtree(shared)


def drop(claimer, name="letter.pdf", content=CONTENT):
    path = claimer.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Signature.of(path.lstat())


@pytest.mark.parametrize("keep_private", [True, False])
@pytest.mark.parametrize("opened_by", ["umask", "default ACL"])
def test_a_claim_by_copy_is_finished_whatever_the_umask_or_a_default_acl_allows(elsewhere, keep_private, opened_by):
    """A job's folder that others could write to would have its note taken for a forgery, and the PDF stay hidden."""
    elsewhere.jobs.chmod(0o755)
    if opened_by == "default ACL":
        needs_programs(setfacl="acl")
        subprocess.run(["setfacl", "-m", "d:g:61000:rwx", elsewhere.jobs], check=True)

    class Crash(BaseException):
        pass

    def crash(kind, side, path):
        if (kind, side) == (Step.RENAME, Point.AFTER) and path.name.startswith(".pdfocr-2"):
            raise Crash

    signature = drop(elsewhere)
    before = os.umask(0o002)
    steps.watcher = crash
    try:
        with pytest.raises(Crash):
            replace(elsewhere, keep_private=keep_private).claim("letter.pdf", signature, NOW)
    finally:
        steps.watcher = None
        os.umask(before)
    (job_id,) = recover(elsewhere.jobs, 3, NOW).unfinished
    mend(JobFolder(elsewhere.jobs / job_id), 3, NOW)
    assert os.listdir(elsewhere.inbox) == ["letter.pdf"]


@pytest.mark.parametrize("where", ["claimer", "elsewhere"])
class TestWherever:
    def test_nobody_else_can_write_into_the_jobs_folder_from_the_first_instant(self, where, request, monkeypatch):
        """Else a crash would leave a note there that cannot be believed."""
        claimer = request.getfixturevalue(where)
        made = []

        def watch(step, point, path):
            if (step, point) == (Step.MAKE_FOLDER, Point.AFTER):
                made.append(path.stat().st_mode)

        monkeypatch.setattr(steps, "watcher", watch)
        before = os.umask(0)
        try:
            claimer.claim("letter.pdf", drop(claimer), NOW)
        finally:
            os.umask(before)
        assert made[0] & 0o022 == 0

    def test_the_file_becomes_a_pending_job(self, where, request):
        claimer = request.getfixturevalue(where)
        claim = claimer.claim("office/letter.pdf", drop(claimer, "office/letter.pdf"), NOW)
        assert claim.settled
        assert not (claimer.inbox / "office/letter.pdf").exists()
        assert claim.folder.input("letter.pdf").read_bytes() == CONTENT
        status = read_status(claim.folder.path)
        assert status == claim.status
        assert (status.status, status.stage, status.attempts) == (Status.PENDING, Stage.QUEUED, 0)
        assert (status.filename, status.source, status.bytes) == ("letter.pdf", "office/letter.pdf", len(CONTENT))
        assert sorted(os.listdir(claim.folder.path)) == ["dropped.json", "input.pdf", "status.json"]

    def test_a_file_that_has_gone_leaves_nothing(self, where, request):
        claimer = request.getfixturevalue(where)
        signature = drop(claimer)
        (claimer.inbox / "letter.pdf").unlink()
        try:
            assert claimer.claim("letter.pdf", signature, NOW) is None
        except FileNotFoundError:
            pytest.fail("a file that has gone is no error")
        assert os.listdir(claimer.jobs) == []

    def test_the_same_name_twice_makes_two_jobs(self, where, request):
        claimer = request.getfixturevalue(where)
        first = claimer.claim("letter.pdf", drop(claimer), NOW)
        second = claimer.claim("letter.pdf", drop(claimer), NOW)
        assert first.status.job_id != second.status.job_id
        assert len(os.listdir(claimer.jobs)) == 2

    def test_a_name_whose_bytes_are_no_text_is_claimed_and_shown(self, where, request):
        claimer = request.getfixturevalue(where)
        name = os.fsdecode(b"caf\xe9.pdf")
        claim = claimer.claim(name, drop(claimer, name), NOW)
        assert claim.status.filename == "caf\\xe9.pdf"
        assert not (claimer.inbox / name).exists()
        assert read_status(claim.folder.path) == claim.status

    def test_a_jobs_folder_that_refuses_leaves_the_file_where_it_is(self, where, request, monkeypatch):
        claimer = request.getfixturevalue(where)
        signature = drop(claimer)

        def full(*_arguments, **_options):
            raise OSError(errno.ENOSPC, "no space left on device")

        monkeypatch.setattr(claim_module, "write_status", full)
        with pytest.raises(OSError, match="no space"):
            claimer.claim("letter.pdf", signature, NOW)
        assert (claimer.inbox / "letter.pdf").read_bytes() == CONTENT
        assert os.listdir(claimer.jobs) == []


def test_a_result_name_that_is_taken_is_not_given_again(claimer, monkeypatch):
    ids = iter(["20260102T030405Z-aaaaaaaa", "20260102T030405Z-bbbbbbbb"])
    monkeypatch.setattr(claim_module, "new_job_id", lambda _now: next(ids))
    (claimer.outbox / "letter.aaaaaaaa").mkdir()
    assert claimer.claim("letter.pdf", drop(claimer), NOW).status.job_id.endswith("bbbbbbbb")


@pytest.mark.parametrize("where", ["claimer", "elsewhere"])
class TestNotWhatWasJudged:
    """What turns out to be another file, or unfinished, stays in the inbox or goes back there."""

    def test_a_file_that_was_exchanged_before_the_claim_is_not_touched(self, where, request):
        claimer = request.getfixturevalue(where)
        signature = drop(claimer)
        drop(claimer, content=CONTENT[:5000])
        assert claimer.claim("letter.pdf", signature, NOW) is None
        assert contents(claimer) == {"letter.pdf": CONTENT[:5000]}
        assert os.listdir(claimer.jobs) == []

    def test_a_file_of_the_same_size_and_time_but_another_number_is_another(self, where, request):
        claimer = request.getfixturevalue(where)
        signature = drop(claimer)
        other = claimer.inbox / "other.pdf"
        other.write_bytes(CONTENT[::-1])
        os.utime(other, ns=(0, signature.mtime_ns))
        other.replace(claimer.inbox / "letter.pdf")
        assert claimer.claim("letter.pdf", signature, NOW) is None
        assert contents(claimer) == {"letter.pdf": CONTENT[::-1]}

    @pytest.mark.parametrize("what", ["file", "link", "folder"])
    def test_what_took_the_name_in_the_last_instant_goes_back(self, where, request, what, monkeypatch):
        claimer = request.getfixturevalue(where)
        signature = drop(claimer)
        source = claimer.inbox / "letter.pdf"

        def exchange():
            source.unlink()
            if what == "file":
                source.write_bytes(b"%PDF-1.4 another")
            elif what == "link":
                source.symlink_to("/etc/hostname")
            else:
                (source / "below").mkdir(parents=True)

        before(monkeypatch, Step.RENAME, exchange, "input.pdf", ".pdfocr-2")
        assert claimer.claim("letter.pdf", signature, NOW) is None
        assert os.listdir(claimer.inbox) == ["letter.pdf"]
        found = "link" if source.is_symlink() else "folder" if (source / "below").is_dir() else "file"
        assert found == what
        assert os.listdir(claimer.jobs) == []
        assert claimer.unfinished == set()

    def test_a_file_that_a_writer_still_holds_goes_back_and_he_writes_on(self, where, request):
        claimer = request.getfixturevalue(where)
        signature = drop(claimer)
        with subprocess.Popen(
            ["/bin/sh", "-c", 'exec 3>>"$1"; echo open; read _; printf more >&3', "sh", claimer.inbox / "letter.pdf"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as writer:
            writer.stdout.readline()
            assert claimer.claim("letter.pdf", signature, NOW) is None
            writer.stdin.write(b"done\n")
        assert contents(claimer) == {"letter.pdf": CONTENT + b"more"}
        assert os.listdir(claimer.jobs) == []

    def test_a_file_that_somebody_has_mapped_to_write_goes_back(self, where, request):
        claimer = request.getfixturevalue(where)
        signature = drop(claimer)
        path = claimer.inbox / "letter.pdf"
        descriptor = os.open(path, os.O_RDWR)
        memory = mmap.mmap(descriptor, 0)
        os.close(descriptor)
        assert claimer.claim("letter.pdf", signature, NOW) is None
        memory.close()
        assert claimer.claim("letter.pdf", Signature.of(path.lstat()), NOW).settled

    def test_a_new_file_of_the_name_is_not_overwritten_when_the_claimed_one_goes_back(
        self, where, request, monkeypatch
    ):
        claimer = request.getfixturevalue(where)
        signature = drop(claimer)

        def write_into_it_and_drop_another():
            (moved,) = [*claimer.jobs.glob("*/input.pdf"), *claimer.inbox.glob(".pdfocr-*")]
            with moved.open("ab") as file:
                file.write(b"more")
            drop(claimer, content=b"%PDF-1.4 another")

        after(monkeypatch, Step.RENAME, write_into_it_and_drop_another, "input.pdf", ".pdfocr-2")
        claim = claimer.claim("letter.pdf", signature, NOW)
        if where == "claimer":  # it cannot go back under its name, and its job waits until it has come to rest
            assert not claim.settled
            assert claim.folder.input("letter.pdf").read_bytes() == CONTENT + b"more"
            assert contents(claimer) == {"letter.pdf": b"%PDF-1.4 another"}
        else:
            assert claim is None
            assert set(contents(claimer).values()) == {b"%PDF-1.4 another", CONTENT + b"more"}


def contents(claimer):
    """What lies in the inbox, by name."""
    return {path.name: path.read_bytes() for path in claimer.inbox.iterdir()}


def act(monkeypatch, point, step, action, *beginnings):
    """Do something once, on one side of the first step of this kind that is about such a name."""
    done = []

    def watch(taken, side, path):
        if not done and (taken, side) == (step, point) and path.name.startswith(beginnings):
            done.append(path)
            action()

    monkeypatch.setattr(steps, "watcher", watch)


def before(monkeypatch, *values):
    act(monkeypatch, Point.BEFORE, *values)


def after(monkeypatch, *values):
    act(monkeypatch, Point.AFTER, *values)


@pytest.mark.parametrize("where", ["claimer", "elsewhere"])
def test_of_a_file_with_several_names_the_job_has_its_own_copy(where, request):
    claimer = request.getfixturevalue(where)
    drop(claimer)
    other = claimer.inbox / "other name.txt"
    os.link(claimer.inbox / "letter.pdf", other)
    claim = claimer.claim("letter.pdf", Signature.of(other.lstat()), NOW)
    with other.open("r+b") as file:
        file.write(b"changed!")
    assert claim.settled
    assert claim.folder.input("letter.pdf").read_bytes() == CONTENT
    assert os.listdir(claimer.inbox) == ["other name.txt"]


def test_a_name_that_was_added_in_the_last_instant_is_seen(claimer, monkeypatch, tmp_path):
    signature = drop(claimer)
    source, other = claimer.inbox / "letter.pdf", tmp_path / "other.pdf"
    before(monkeypatch, Step.RENAME, lambda: os.link(source, other), "input.pdf")
    assert claimer.claim("letter.pdf", signature, NOW) is None
    assert contents(claimer) == {"letter.pdf": CONTENT}


@pytest.mark.parametrize("where", ["claimer", "elsewhere"])
@pytest.mark.parametrize("depth", ["office", "office/2026", "office/2026/11"])
@pytest.mark.parametrize("when", ["before", "in"])
def test_a_sub_folder_that_becomes_a_link_leads_nowhere(where, depth, when, request, tmp_path, monkeypatch):
    claimer = request.getfixturevalue(where)
    path = "office/2026/11/letter.pdf"
    signature = drop(claimer, path)
    moved = tmp_path / "moved"
    decoy = tmp_path / "outside" / Path(path).relative_to(depth)
    decoy.parent.mkdir(parents=True)
    decoy.write_bytes(b"%PDF-1.4 secret")

    def swap():
        shutil.move(claimer.inbox / depth, moved)
        (claimer.inbox / depth).symlink_to(tmp_path / "outside")

    if when == "before":
        swap()
        assert claimer.claim(path, signature, NOW) is None
        assert (moved / Path(path).relative_to(depth)).read_bytes() == CONTENT
    else:
        # The folder is held open by then: the file that was judged is taken, wherever the folder has gone.
        before(monkeypatch, Step.RENAME, swap, "input.pdf", ".pdfocr-2")
        claim = claimer.claim(path, signature, NOW)
        assert claim is None or claim.folder.input("letter.pdf").read_bytes() == CONTENT
    assert decoy.read_bytes() == b"%PDF-1.4 secret"
    assert claimer.unfinished == set()


def test_a_link_in_the_inbox_is_never_claimed(claimer, tmp_path):
    outside = tmp_path / "outside.pdf"
    outside.write_bytes(CONTENT)
    (claimer.inbox / "letter.pdf").symlink_to(outside)
    assert claimer.claim("letter.pdf", Signature.of(outside.lstat()), NOW) is None
    assert claimer.claim("letter.pdf", Signature.of((claimer.inbox / "letter.pdf").lstat()), NOW) is None
    assert outside.read_bytes() == CONTENT


@pytest.mark.parametrize("where", ["claimer", "elsewhere"])
@pytest.mark.parametrize("point", Point)
def test_a_file_that_is_deleted_while_it_is_claimed(where, point, request, monkeypatch):
    claimer = request.getfixturevalue(where)
    signature = drop(claimer)

    def delete():
        for path in claimer.inbox.iterdir():
            path.unlink()

    act(monkeypatch, point, Step.RENAME, delete, "input.pdf", ".pdfocr-2")
    claim = claimer.claim("letter.pdf", signature, NOW)
    if claim is None:
        assert os.listdir(claimer.jobs) == []
    else:
        assert claim.folder.input("letter.pdf").read_bytes() == CONTENT
    assert claimer.unfinished == set()


@pytest.mark.parametrize("where", ["claimer", "elsewhere"])
def test_a_rename_whose_answer_was_lost_counts(where, request, monkeypatch):
    """NFS asks again, and the server, which has done it, says that there is no such file."""
    claimer = request.getfixturevalue(where)
    signature = drop(claimer)
    real = claim_module.rename

    def rename_twice(source, target):
        real(source, target)
        real(source, target)

    monkeypatch.setattr(claim_module, "rename", rename_twice)
    claim = claimer.claim("letter.pdf", signature, NOW)
    assert claim.settled
    assert claim.folder.input("letter.pdf").read_bytes() == CONTENT
    assert os.listdir(claimer.inbox) == []


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EACCES, errno.ESTALE])
@pytest.mark.parametrize("where", ["claimer", "elsewhere"])
def test_a_file_that_a_server_keeps_back_is_for_later(where, number, request, monkeypatch):
    """CIFS says EBUSY while a writer has it open that shares it with nobody."""
    claimer = request.getfixturevalue(where)
    signature = drop(claimer)

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(claim_module, "rename", refuse)
    assert claimer.claim("letter.pdf", signature, NOW) is None
    assert contents(claimer) == {"letter.pdf": CONTENT}
    assert os.listdir(claimer.jobs) == []


class Crash(BaseException):
    """The end of the process: nothing is done after it, not even cleaning up."""


class Crashing:
    """Ends everything at the n-th crash point; the dead change nothing any more."""

    def __init__(self, number):
        self.left = number
        self.point = None

    def __call__(self, step, point, path):
        self.left -= 1
        if self.left <= 0:
            self.point = self.point or f"{point} {step} {path.name}"
            raise Crash


@pytest.mark.parametrize("changed", [False, True], ids=["", "and the file has changed"])
@pytest.mark.parametrize("where", ["claimer", "elsewhere"])
def test_a_crash_at_any_point_of_a_claim_leaves_the_file_in_one_place(where, changed, request, monkeypatch):
    claimer = request.getfixturevalue(where)
    points = []
    for number in itertools.count(1):
        signature = drop(claimer)
        watcher = Crashing(number)

        def watch(step, point, path, watcher=watcher):
            if changed and (step, point) == (Step.RENAME, Point.AFTER) and path.name.startswith(("input", ".pdfocr-2")):
                os.utime(path, ns=(0, 1))
            watcher(step, point, path)

        monkeypatch.setattr(steps, "watcher", watch)
        with contextlib.suppress(Crash):
            claimer.claim("letter.pdf", signature, NOW)
        monkeypatch.setattr(steps, "watcher", None)
        found = recover(claimer.jobs, 3, NOW)
        mended = [mend(JobFolder(claimer.jobs / name), 3, NOW) for name in found.unfinished]
        jobs = [*found.jobs, *filter(None, mended)]
        places = [*contents(claimer).items(), *((job.job_id, job.folder.input("x.pdf").read_bytes()) for job in jobs)]
        assert [content for _, content in places] == [CONTENT], (watcher.point, places)
        assert not os.listdir(claimer.inbox) or os.listdir(claimer.inbox) == ["letter.pdf"], watcher.point
        assert len(os.listdir(claimer.jobs)) == len(jobs), watcher.point
        if watcher.point is None:
            break
        points.append(watcher.point)
        shutil.rmtree(claimer.jobs)
        claimer.jobs.mkdir()
        (claimer.inbox / "letter.pdf").unlink(missing_ok=True)
    assert len(points) > (15 if where == "claimer" else 30), points


@pytest.mark.parametrize("layout", ["both elsewhere", "one here, one elsewhere", "both here"])
def test_two_hosts_never_both_claim_a_file(layout, elsewhere, claimer, tmp_path):
    """Each file is offered to both at the same instant, some hundred times."""
    inbox = claimer.inbox if layout == "both here" else elsewhere.inbox
    hosts = []
    for number, here in enumerate({"both elsewhere": (0, 0), "both here": (1, 1)}.get(layout, (0, 1))):
        base = (inbox.parent if layout == "both here" else inbox / ".jobs") if here else tmp_path
        folders = [base / f"{name}{number}" for name in ("jobs", "outbox", "failed")]
        for folder in folders:
            folder.mkdir(parents=True)
        hosts.append(Claimer(inbox, *folders, set()))
    wins = []
    barrier = threading.Barrier(2, timeout=60)

    def work(host):
        for number in range(ROUNDS):
            name = f"{number}.pdf"
            signature = Signature.of((inbox / name).lstat())
            barrier.wait()
            claim = host.claim(name, signature, NOW)
            if claim is not None:
                assert claim.settled
                wins.append((number, claim.folder.input(name).read_bytes()))
            barrier.wait()

    for number in range(ROUNDS):
        (inbox / f"{number}.pdf").write_bytes(b"%%PDF %d" % number)
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(work, host) for host in hosts]:
            done.result()
    assert sorted(wins) == [(number, b"%%PDF %d" % number) for number in range(ROUNDS)]
    assert [name for name in os.listdir(inbox) if name != ".jobs"] == []
    assert [len(host.unfinished) for host in hosts] == [0, 0]


class TestByCopy:
    def test_a_file_that_changes_while_it_is_copied_stays_in_the_inbox(self, elsewhere, monkeypatch):
        signature = drop(elsewhere)
        copy = claim_module.copy_verified

        def copy_slowly(source, target):
            digest = copy(source, target)
            with source.open("ab") as file:
                file.write(b"more")
            return digest

        monkeypatch.setattr(claim_module, "copy_verified", copy_slowly)
        assert elsewhere.claim("letter.pdf", signature, NOW) is None
        assert contents(elsewhere) == {"letter.pdf": CONTENT + b"more"}
        assert os.listdir(elsewhere.jobs) == []

    def test_a_job_that_is_removed_while_its_file_is_copied_gives_it_back(self, elsewhere, monkeypatch):
        signature = drop(elsewhere)
        copy = claim_module.copy_verified

        def remove_first(source, target):
            shutil.rmtree(target.parent)
            copy(source, target)

        monkeypatch.setattr(claim_module, "copy_verified", remove_first)
        assert elsewhere.claim("letter.pdf", signature, NOW) is None
        assert contents(elsewhere) == {"letter.pdf": CONTENT}

    def test_a_file_that_is_written_still_after_a_crash_is_not_taken(self, elsewhere, monkeypatch):
        """The copy was whole, but whoever holds the file open has more to write."""
        signature = drop(elsewhere)
        copy = claim_module.copy_verified

        def crash_afterwards(source, target):
            copy(source, target)
            raise Crash

        monkeypatch.setattr(claim_module, "copy_verified", crash_afterwards)
        with contextlib.suppress(Crash):
            elsewhere.claim("letter.pdf", signature, NOW)
        (job_id,) = recover(elsewhere.jobs, 3, NOW).unfinished
        (private,) = os.listdir(elsewhere.inbox)
        with (elsewhere.inbox / private).open("ab") as writer:
            with pytest.raises(OSError, match="somebody writes"):
                mend(JobFolder(elsewhere.jobs / job_id), 3, NOW)
            writer.write(b"the rest")
        assert mend(JobFolder(elsewhere.jobs / job_id), 3, NOW) is None
        assert contents(elsewhere) == {"letter.pdf": CONTENT + b"the rest"}

    def test_a_disk_that_is_full_gives_the_file_back(self, elsewhere, monkeypatch):
        signature = drop(elsewhere)

        def full(*_):
            raise OSError(errno.ENOSPC, "no space left on device")

        monkeypatch.setattr(claim_module, "copy_verified", full)
        with pytest.raises(OSError, match="no space"):
            elsewhere.claim("letter.pdf", signature, NOW)
        assert contents(elsewhere) == {"letter.pdf": CONTENT}
        assert os.listdir(elsewhere.jobs) == []
        assert elsewhere.unfinished == set()

    def test_a_source_that_may_not_be_removed_goes_back(self, elsewhere, monkeypatch):
        signature = drop(elsewhere)

        def refused(_):
            raise PermissionError(errno.EROFS, "read-only file system")

        monkeypatch.setattr(claim_module, "remove_file", refused)
        with pytest.raises(PermissionError):
            elsewhere.claim("letter.pdf", signature, NOW)
        assert contents(elsewhere) == {"letter.pdf": CONTENT}
        assert os.listdir(elsewhere.jobs) == []

    def test_a_source_that_is_removed_counts_though_its_folder_could_not_be_synced(self, elsewhere, monkeypatch):
        signature = drop(elsewhere)
        real, calls = claim_module.sync_folder, []

        def fail_at_last(folder):
            calls.append(folder)
            if len(calls) == 3:  # the jobs folder, the private name, the removal
                raise OSError(errno.EIO, "input/output error")
            real(folder)

        monkeypatch.setattr(claim_module, "sync_folder", fail_at_last)
        claim = elsewhere.claim("letter.pdf", signature, NOW)
        assert len(calls) == 3
        assert claim.folder.input("letter.pdf").read_bytes() == CONTENT
        assert os.listdir(elsewhere.inbox) == []
        assert ClaimNote.read(claim.folder) is None

    def test_an_inbox_that_goes_away_meanwhile_leaves_a_claim_that_can_be_finished(self, elsewhere, monkeypatch):
        signature = drop(elsewhere)
        away = elsewhere.inbox.with_name(f"{elsewhere.inbox.name}-away")

        def vanish(*_):
            elsewhere.inbox.rename(away)
            raise OSError(errno.EIO, "input/output error")

        monkeypatch.setattr(claim_module, "copy_verified", vanish)
        try:
            with pytest.raises(OSError, match="not there"):
                elsewhere.claim("letter.pdf", signature, NOW)
        finally:
            away.rename(elsewhere.inbox)
        (job_id,) = elsewhere.unfinished
        assert [name.startswith(".pdfocr-") for name in os.listdir(elsewhere.inbox)] == [True]
        assert mend(JobFolder(elsewhere.jobs / job_id), 3, NOW) is None
        assert contents(elsewhere) == {"letter.pdf": CONTENT}

    def test_the_longest_name(self, elsewhere):
        name = "ä" * 125 + ".pdf"
        claim = elsewhere.claim(name, drop(elsewhere, name), NOW)
        assert claim.settled
        assert claim.folder.input(name).read_bytes() == CONTENT


def test_a_claimed_file_is_at_rest_when_nobody_writes_it(claimer):
    claim = claimer.claim("letter.pdf", drop(claimer), NOW)
    with claim.folder.input("letter.pdf").open("ab"):
        assert at_rest(claim.folder, "letter.pdf") is None
    assert at_rest(claim.folder, "letter.pdf").size == len(CONTENT)
