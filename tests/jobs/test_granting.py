"""Real users, real modes, real ACLs: who could read the PDF may read the result, and nobody else."""

import os
import subprocess
from pathlib import Path

import pytest

from pdfocr_watcher.jobs import granting, steps
from pdfocr_watcher.jobs.delivery import deliver, make_safe
from pdfocr_watcher.jobs.granting import (
    close_to_others,
    is_exposed,
    note_dropped,
    read_dropped,
    rights_in_inbox,
    write_mirror,
)
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.ownership import Dropped, GroupRule, OwnerRule, Policy
from pdfocr_watcher.jobs.rights import Rights, rights_of
from pdfocr_watcher.jobs.steps import Point, Step
from tests.needs import needs_programs
from tests.users import ALICE, BOB, CAROL, OFFICE, folder_of, give, needs_root, rights

FILES = ("output.mmd", "output_det.mmd", "output_layouts.pdf", "status.json", "input.pdf", "images/0_0.jpg")


@pytest.fixture(autouse=True)
def _as_root():
    needs_root()


@pytest.fixture
def root(in_sight):
    """A folder with inbox/ that all may drop into, outbox/ and failed/ that all may look into, and jobs/."""
    for name, mode in (("inbox", 0o1777), ("outbox", 0o755), ("failed", 0o755), ("jobs", 0o755)):
        (in_sight / name).mkdir()
        (in_sight / name).chmod(mode)
    return in_sight


@pytest.fixture
def work(root, make_status, make_job):
    """Claim what lies at a path of the inbox, and do what a daemon does up to the delivery."""

    def do(path, *, ended=Status.COMPLETED, copied=False):
        dropped = rights_in_inbox(root / "inbox", path)
        status = make_status(source=path, status=ended, stage=Stage.DONE)
        folder = make_job(root / "jobs", status, None)
        close_to_others(folder.path, dropped)
        note_dropped(folder.path, dropped)
        source, target = root / "inbox" / path, folder.input(status.filename)
        if copied:
            target.write_bytes(source.read_bytes())
            source.unlink()
        else:
            source.rename(target)
        folder.images.mkdir()
        for name in FILES[:3] + FILES[5:]:
            (folder.path / name).write_text(name)
        return folder, status

    return do


@pytest.fixture
def result_of(root, work):
    def do(path, policy=None, **values):
        folder, status = work(path, **values)
        return deliver(folder, status, root / "outbox", root / "failed", policy=policy or Policy())

    return do


def drop(path: Path, user, mode=0o644, gid=None) -> None:
    path.write_bytes(b"%PDF-")
    give(path, user, mode, gid)


def all_rights(result: Path) -> set[tuple[int, int, str]]:
    return {rights(result / name) for name in FILES}


@pytest.mark.parametrize("copied", [False, True], ids=["renamed", "copied"])
def test_a_result_belongs_to_who_dropped_the_pdf(root, result_of, copied):
    drop(root / "inbox" / "letter.pdf", ALICE)
    result = result_of("letter.pdf", copied=copied)
    assert rights(result) == rights(result / "images") == (ALICE.uid, ALICE.uid, "755")
    assert all_rights(result) == {(ALICE.uid, ALICE.uid, "644")}
    assert sorted(os.listdir(result)) == sorted({name.partition("/")[0] for name in FILES})
    assert BOB.can_read(result / "output.mmd")
    assert not BOB.can_remove(result / "output.mmd")
    assert ALICE.can_remove(result / "output.mmd")


def test_a_private_pdf_gives_a_private_result(root, result_of):
    drop(root / "inbox" / "letter.pdf", ALICE, 0o600)
    result = result_of("letter.pdf")
    assert rights(result) == (ALICE.uid, ALICE.uid, "700")
    assert all_rights(result) == {(ALICE.uid, ALICE.uid, "600")}
    assert not BOB.can_read(result)
    assert ALICE.can_read(result / "images")


def test_a_private_sub_folder_leaks_neither_texts_nor_names(root, result_of):
    folder_of(root / "inbox" / "alice", ALICE, 0o700)
    drop(root / "inbox" / "alice" / "dismissal of bob.pdf", ALICE)
    result = result_of("alice/dismissal of bob.pdf")
    assert rights(root / "outbox" / "alice") == (ALICE.uid, ALICE.uid, "700")
    assert not BOB.can_read(root / "outbox" / "alice")
    assert not BOB.can_read(result / "output.mmd")
    assert ALICE.can_read(result / "output.mmd")
    assert ALICE.can_remove(result)


def test_what_a_group_shares_its_members_may_read_change_and_remove(root, result_of):
    folder_of(root / "inbox" / "office", CAROL, 0o2770, OFFICE)
    drop(root / "inbox" / "office" / "a.pdf", CAROL, 0o660, OFFICE)
    result = result_of("office/a.pdf")
    assert rights(root / "outbox" / "office") == (CAROL.uid, OFFICE, "2770")
    assert rights(result) == (CAROL.uid, OFFICE, "2770")
    assert all_rights(result) == {(CAROL.uid, OFFICE, "660")}
    member = type(CAROL)(61_010, (OFFICE,))
    assert not BOB.can_read(result / "output.mmd")
    assert member.can_read(result / "output.mmd")
    assert member.can_remove(result)


def test_a_private_folder_stays_private_below_one_of_the_outbox_that_is_not(root, result_of):
    folder_of(root / "inbox" / "alice", ALICE, 0o700)
    folder_of(root / "outbox" / "alice", ALICE, 0o755)
    drop(root / "inbox" / "alice" / "a.pdf", ALICE)
    result = result_of("alice/a.pdf")
    assert result.parent == root / "outbox" / "alice"
    assert not BOB.can_read(result)


def test_a_stranger_cannot_lie_in_wait_with_a_folder_of_the_name(root, result_of):
    """Its owner could rename and remove what comes to lie in it."""
    (root / "outbox").chmod(0o1777)
    folder_of(root / "inbox" / "alice", ALICE, 0o700)
    folder_of(root / "outbox" / "alice", BOB, 0o755)
    drop(root / "inbox" / "alice" / "a.pdf", ALICE)
    result = result_of("alice/a.pdf")
    assert result.parent == root / "outbox" / "alice_"
    assert rights(result.parent) == (ALICE.uid, ALICE.uid, "700")


def test_where_every_folder_looks_like_a_strangers_there_is_no_new_one_for_each_result(root, work, monkeypatch):
    """A file server that gives all that root makes to nobody, as NFS does."""
    monkeypatch.setattr(granting, "give_rights", lambda descriptor, _rights: os.fchown(descriptor, 65_534, 65_534))
    folder_of(root / "inbox" / "alice", ALICE, 0o700)
    for number in range(6):
        drop(root / "inbox" / "alice" / f"{number}.pdf", ALICE)
        folder, status = work(f"alice/{number}.pdf")
        status = status.model_copy(update={"job_id": f"20261123T125045Z-0000000{number}"})
        deliver(folder, status, root / "outbox", root / "failed")
    assert len(os.listdir(root / "outbox")) <= 4


def test_a_set_group_id_outbox_gives_its_group_and_its_mode(root, result_of):
    os.chown(root / "outbox", 0, OFFICE)
    (root / "outbox").chmod(0o2770)
    drop(root / "inbox" / "a.pdf", ALICE, 0o644)
    result = result_of("a.pdf")
    assert rights(result) == (ALICE.uid, OFFICE, "2770")
    assert all_rights(result) == {(ALICE.uid, OFFICE, "660")}
    assert CAROL.can_read(result / "output.mmd")
    assert CAROL.can_remove(result)


def test_a_sticky_outbox_gives_nobody_the_right_to_others_things(root, result_of):
    (root / "outbox").chmod(0o1777)
    drop(root / "inbox" / "a.pdf", ALICE)
    result = result_of("a.pdf")
    assert rights(result) == (ALICE.uid, ALICE.uid, "755")
    assert not BOB.can_remove(result)
    assert ALICE.can_remove(result)


@pytest.mark.parametrize(
    ("policy", "folder"),
    [
        (Policy(owner=OwnerRule.DAEMON), (0, ALICE.uid, "755")),
        (Policy(owner=OwnerRule.DAEMON, group=GroupRule.DAEMON), (0, 0, "755")),
        (Policy(group=OFFICE, mode=0o2770), (ALICE.uid, OFFICE, "2770")),
        (Policy(mode=0o700), (ALICE.uid, ALICE.uid, "700")),
    ],
)
def test_the_configuration_may_say_otherwise(root, result_of, policy, folder):
    drop(root / "inbox" / "a.pdf", ALICE)
    result = result_of("a.pdf", policy)
    assert rights(result) == folder
    assert all_rights(result) == {(*folder[:2], f"{int(folder[2], 8) & 0o666:o}")}


def test_what_is_private_may_be_given_to_the_outbox_readers_by_configuration(root, result_of):
    folder_of(root / "inbox" / "alice", ALICE, 0o700)
    drop(root / "inbox" / "alice" / "a.pdf", ALICE, 0o600)
    result = result_of("alice/a.pdf", Policy(keep_private=False))
    assert BOB.can_read(result / "output.mmd")


def test_a_job_in_work_is_open_to_who_could_read_the_pdf(root, work):
    drop(root / "inbox" / "a.pdf", ALICE)
    folder, _ = work("a.pdf")
    assert BOB.can_read(folder.path / "status.json")
    assert not BOB.can_remove(folder.path / "status.json")
    assert not ALICE.can_remove(folder.path / "status.json"), "only the daemon changes a job"


def test_a_default_acl_of_the_jobs_folder_lets_nobody_change_a_job(root, work):
    needs_programs(setfacl="acl")
    _set_acl(root / "jobs", f"d:g:{OFFICE}:rwx", f"d:u:{BOB.uid}:rwx")
    drop(root / "inbox" / "a.pdf", ALICE)
    folder, _ = work("a.pdf")
    assert BOB.can_read(folder.path / "status.json")
    assert not BOB.can_remove(folder.path / "status.json")
    assert not is_exposed(folder.path)


def test_a_job_in_work_is_closed_to_who_could_not(root, work):
    folder_of(root / "inbox" / "office", CAROL, 0o2770, OFFICE)
    drop(root / "inbox" / "office" / "a.pdf", CAROL, 0o664, OFFICE)
    folder, _ = work("office/a.pdf")
    assert not BOB.can_read(folder.path)
    assert not BOB.can_read(folder.path / "status.json")
    assert CAROL.can_read(folder.path / "status.json")
    assert not CAROL.can_remove(folder.path / "status.json")


def _acl(path: Path) -> list[str]:
    listed = subprocess.run(["getfacl", "-cpnE", path], capture_output=True, check=True, text=True).stdout
    return sorted(filter(None, listed.splitlines()))


def _set_acl(path: Path, *entries: str) -> None:
    for entry in entries:
        subprocess.run(["setfacl", "-m", entry, path], check=True)


@pytest.mark.parametrize(
    "entries",
    [
        (f"d:g:{OFFICE}:rwx",),
        (f"d:g:{OFFICE}:rwx", f"d:u:{BOB.uid}:r-x", "d:o::---"),
        ("d:g::rwx",),
        (f"d:g:{OFFICE}:rwx", "d:m::r-x"),
    ],
)
def test_an_inherited_acl_is_what_the_file_system_itself_would_give(root, result_of, entries):
    """What is moved inherits nothing by itself; the result looks as if it had been made in its place."""
    needs_programs(setfacl="acl", getfacl="acl")
    _set_acl(root / "outbox", *entries)
    drop(root / "inbox" / "a.pdf", ALICE)
    result = result_of("a.pdf")
    model = root / "outbox" / "model"
    model.mkdir(0o777)
    os.close(os.open(model / "file", os.O_CREAT | os.O_WRONLY, 0o666))
    assert _acl(result) == _acl(model)
    assert _acl(result / "images") == _acl(model)
    assert {tuple(_acl(result / name)) for name in FILES} == {tuple(_acl(model / "file"))}


def test_who_an_acl_lets_into_the_outbox_is_not_let_into_what_is_private(root, result_of):
    needs_programs(setfacl="acl", getfacl="acl")
    _set_acl(root / "outbox", f"d:g:{OFFICE}:rwx", f"d:u:{BOB.uid}:r-x")
    drop(root / "inbox" / "a.pdf", ALICE, 0o600)
    result = result_of("a.pdf")
    assert not BOB.can_read(result / "output.mmd")
    assert not CAROL.can_read(result / "output.mmd")
    assert ALICE.can_read(result / "output.mmd")


def test_who_an_acl_lets_into_a_private_folder_is_let_into_its_results(root, result_of):
    needs_programs(setfacl="acl", getfacl="acl")
    folder = folder_of(root / "inbox" / "alice", ALICE, 0o700)
    _set_acl(folder, f"u:{BOB.uid}:rwx", f"d:u:{BOB.uid}:rwx")
    assert ALICE.run("sh", "-c", f"printf %s %PDF- > {folder}/a.pdf", umask=0o077).returncode == 0
    result = result_of("alice/a.pdf")
    assert BOB.can_read(result / "output.mmd")
    assert not CAROL.can_read(result / "output.mmd")
    assert not CAROL.can_read(root / "outbox" / "alice")


def test_a_result_on_another_file_system_never_is_more_open_on_its_way(root, work, elsewhere, monkeypatch):
    elsewhere.chmod(0o755)
    (elsewhere / "outbox").mkdir()
    drop(root / "inbox" / "a.pdf", ALICE, 0o600)
    folder, status = work("a.pdf")
    seen = []

    def look(_step, _point, _path):
        texts = [path for path in elsewhere.rglob("output.mmd") if BOB.can_read(path)]
        seen.append(texts)

    monkeypatch.setattr(steps, "watcher", look)
    result = deliver(folder, status, elsewhere / "outbox", root / "failed")
    assert len(seen) > 20
    assert not any(seen)
    assert rights(result) == (ALICE.uid, ALICE.uid, "700")
    assert ALICE.can_read(result / "output.mmd")


class Crash(BaseException):
    """The daemon is killed."""


@pytest.mark.parametrize("point", [Point.BEFORE, Point.AFTER])
@pytest.mark.parametrize("step", [Step.GRANT, Step.RENAME, Step.MAKE_FOLDER, Step.REMOVE_FILE])
def test_after_a_crash_on_the_way_the_rights_are_those_of_an_undisturbed_delivery(root, work, monkeypatch, step, point):
    folder_of(root / "inbox" / "alice", ALICE, 0o700)
    drop(root / "inbox" / "alice" / "a.pdf", ALICE)
    folder, status = work("alice/a.pdf")

    def crash(kind, side, _path):
        if (kind, side) == (step, point):
            raise Crash

    monkeypatch.setattr(steps, "watcher", crash)
    with pytest.raises(Crash):
        deliver(folder, status, root / "outbox", root / "failed")
    monkeypatch.setattr(steps, "watcher", None)
    if folder.path.exists():
        make_safe(folder)  # as the next start does
        assert rights(folder.path)[0] == 0
    result = deliver(folder, status, root / "outbox", root / "failed")
    assert rights(result.parent) == rights(result) == (ALICE.uid, ALICE.uid, "700")
    assert {uid for uid, _, _ in all_rights(result)} == {ALICE.uid}
    assert not BOB.can_read(result / "output.mmd")
    assert sorted(os.listdir(result)) == sorted({name.partition("/")[0] for name in FILES})


def test_a_note_of_rights_that_was_put_into_a_granted_folder_opens_nothing(root, work):
    """Whoever calls `deliver`, the rights of the sub-folders are not read before the folder is the daemon's again."""
    folder_of(root / "inbox" / "alice", ALICE, 0o700)
    drop(root / "inbox" / "alice" / "a.pdf", ALICE, 0o600)
    folder, status = work("alice/a.pdf")
    give(folder.path, BOB, 0o700)
    note_dropped(folder.path, Dropped(Rights(BOB.uid, BOB.uid, 0o777), (Rights(BOB.uid, BOB.uid, 0o777),)))
    deliver(folder, status, root / "outbox", root / "failed")
    assert rights(root / "outbox" / "alice")[2] == "700"


def test_a_hard_link_does_not_change_the_rights_of_its_other_name(root, result_of):
    drop(root / "kept.pdf", ALICE, 0o644)
    os.link(root / "kept.pdf", root / "inbox" / "a.pdf")
    result = result_of("a.pdf", Policy(mode=0o700))
    assert rights(result / "output.mmd") == (ALICE.uid, ALICE.uid, "600")
    assert rights(root / "kept.pdf") == (ALICE.uid, ALICE.uid, "644")


def test_rights_are_read_as_they_were_written(root):
    needs_programs(setfacl="acl", getfacl="acl")
    _set_acl(root / "outbox", f"u:{BOB.uid}:r-x", f"d:g:{OFFICE}:rwx")
    found = rights_of(root / "outbox")
    assert isinstance(found, Rights)
    assert found.lets_in_user(BOB.uid, 5)
    assert not found.lets_in_user(BOB.uid, 2)
    assert {(entry.who, entry.allowed) for entry in found.default if entry.who} == {(OFFICE, 7)}


@pytest.mark.parametrize(
    ("mirror_mode", "file_mode", "named"),
    [(0o755, 0o644, True), (0o755, 0o640, False), (0o700, 0o600, True), (0o2750, 0o640, True)],
)
def test_a_mirror_bears_the_name_of_the_pdf_where_its_readers_are_the_pdfs(root, work, mirror_mode, file_mode, named):
    mirror = folder_of(root / "status", ALICE, mirror_mode, OFFICE)
    os.chown(mirror, 0, OFFICE)
    mirror.chmod(mirror_mode)
    drop(root / "inbox" / "secret plan.pdf", ALICE, file_mode, OFFICE)
    folder, _ = work("secret plan.pdf")
    write_mirror(folder.path, mirror, ("secret plan.json", "document.json"), b"{}")
    assert os.listdir(mirror) == ["secret plan.json" if named else "document.json"]
    if not named:
        assert rights(mirror / "document.json") == (ALICE.uid, OFFICE if mirror_mode & 0o2000 else 0, "600")
        assert not BOB.can_read(mirror / "document.json")
        assert ALICE.can_read(mirror / "document.json")


@pytest.mark.parametrize("trap", ["pipe", "link", "endless", "beyond all numbers"])
def test_a_note_that_somebody_put_into_a_result_is_no_note(tmp_path, trap):
    note = tmp_path / granting.DROPPED_NAME
    (tmp_path / "input.pdf").write_bytes(b"%PDF")
    match trap:
        case "pipe":
            os.mkfifo(note)
        case "link":
            note.symlink_to("/dev/zero")
        case "endless":
            note.touch()
            os.truncate(note, 10**12)
        case "beyond all numbers":
            note.write_text('{"file": {"uid": Infinity, "gid": 0, "mode": 0, "acl": [], "default": []}, "folders": []}')
    assert read_dropped(tmp_path).file == rights_of(tmp_path / "input.pdf")
