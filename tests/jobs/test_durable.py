"""Files and folders appear whole, at once and for good, or not at all."""

import errno
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pdfocr_watcher.jobs import moving
from pdfocr_watcher.jobs.durable import (
    is_regular_file,
    is_temporary,
    make_folders,
    remove_folder,
    sha256_of,
    sync_folder,
    temporary_name,
    truncated,
    write_durably,
    write_file,
)
from pdfocr_watcher.jobs.moving import copy_verified, move_folder


@pytest.fixture
def calls(monkeypatch):
    """The calls that decide what a power cut leaves, in their order, by what they were done to."""
    log = []
    fsync, rename, unlink, replace = os.fsync, Path.rename, Path.unlink, Path.replace

    def named(descriptor):
        return Path(f"/proc/self/fd/{descriptor}").readlink().name

    def log_fsync(descriptor):
        log.append(("fsync", "temporary" if is_temporary(named(descriptor)) else named(descriptor)))
        fsync(descriptor)

    def log_rename(real):
        def do(source, target):
            log.append(("rename", Path(target).name if not is_temporary(Path(target).name) else "temporary"))
            return real(source, target)

        return do

    def log_unlink(path, *, missing_ok=False):
        log.append(("unlink", path.name))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(os, "fsync", log_fsync)
    monkeypatch.setattr(Path, "rename", log_rename(rename))
    monkeypatch.setattr(Path, "replace", log_rename(replace))
    monkeypatch.setattr(Path, "unlink", log_unlink)
    return log


def fail(number):
    def refuse(*_arguments, **_values):
        raise OSError(number, os.strerror(number))

    return refuse


def test_a_file_is_on_disk_before_it_has_its_name_and_its_name_is_made_durable(tmp_path, calls):
    write_durably(tmp_path / "a.json", b"new")
    assert calls == [("fsync", "temporary"), ("rename", "a.json"), ("fsync", tmp_path.name)]
    assert (tmp_path / "a.json").read_bytes() == b"new"


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_what_fails_leaves_the_earlier_file_and_no_temporary_one(tmp_path, monkeypatch, call):
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    if call == "fsync":
        monkeypatch.setattr(os, "fsync", fail(errno.EIO))
    else:
        monkeypatch.setattr(Path, "replace", fail(errno.EROFS))
    with pytest.raises(OSError, match=r"error|Read-only"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_full_disk_leaves_the_earlier_file_and_no_temporary_one(tmp_path, mount):
    disk = mount(tmp_path / "disk", size="64k")
    write_durably(disk / "a.json", b"old")
    source = tmp_path / "large.pdf"
    source.write_bytes(b"x" * 200_000)
    for write in (lambda: write_file(disk / "a.json", b"x" * 200_000), lambda: copy_verified(source, disk / "in.pdf")):
        with pytest.raises(OSError, match="No space") as caught:
            write()
        assert caught.value.errno == errno.ENOSPC
        assert os.listdir(disk) == ["a.json"]
        assert (disk / "a.json").read_bytes() == b"old"


def test_a_limit_on_file_sizes_leaves_no_temporary_file(tmp_path):
    """The same without the right to mount: the system refuses in the middle of the write."""
    script = """
        import os, resource, signal, sys
        from pathlib import Path
        from pdfocr_watcher.jobs.durable import write_file
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
        try:
            write_file(Path(sys.argv[1]) / "a.json", b"x" * 200_000)
        except OSError as error:
            print(error.errno, os.listdir(sys.argv[1]))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), tmp_path], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"{errno.EFBIG} []\n"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 50_000


@pytest.mark.parametrize("letter", ["a", "ä", "漢", "😀"])
def test_the_longest_names_can_be_written_copied_and_removed(tmp_path, letter):
    name = letter * (255 // len(letter.encode()))
    write_durably(tmp_path / name, b"1")
    copy_verified(tmp_path / name, tmp_path / f"{name[:-1]}")
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    remove_folder(tmp_path / name)
    assert os.listdir(tmp_path) == [name[:-1]]


def test_temporary_names_differ_are_known_as_such_and_are_hidden(tmp_path):
    names = {temporary_name(tmp_path / "a").name for _ in range(100)}
    assert len(names) == 100
    assert all(is_temporary(name) and name.startswith(".") and len(name) < 255 for name in names)
    assert not any(map(is_temporary, ("a.tmp", ".pdfocr-a", "status.json", ".tmp", ".hidden")))


def test_a_name_is_never_cut_inside_a_character():
    assert truncated("ää", 3) == "ä"
    assert truncated("abc", 3) == "abc"
    assert truncated("a\udcff", 9) == "a"


def test_a_copy_is_read_back_and_made_durable_before_it_has_its_name(tmp_path, calls):
    source = tmp_path / "source.pdf"
    source.write_bytes(b"content" * 500_000)
    assert copy_verified(source, tmp_path / "input.pdf") == hashlib.sha256(b"content" * 500_000).hexdigest()
    assert calls == [("fsync", "temporary"), ("rename", "input.pdf"), ("fsync", tmp_path.name)]
    assert sha256_of(tmp_path / "input.pdf") == sha256_of(source)


def test_a_copy_that_reads_back_differently_is_refused(tmp_path, monkeypatch):
    source = tmp_path / "source.pdf"
    source.write_bytes(b"content")
    monkeypatch.setattr(moving, "sha256_of", lambda _: "0" * 64)
    with pytest.raises(OSError, match="differs") as caught:
        copy_verified(source, tmp_path / "input.pdf")
    assert caught.value.errno == errno.EIO
    assert os.listdir(tmp_path) == ["source.pdf"]


def test_a_link_in_the_place_of_a_file_is_not_copied(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "a.pdf").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic") as caught:
        copy_verified(tmp_path / "a.pdf", tmp_path / "input.pdf")
    assert caught.value.errno == errno.ELOOP
    assert sorted(os.listdir(tmp_path)) == ["a.pdf", "secret"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_knows_no_fsync_of_a_folder_is_no_trouble(tmp_path, monkeypatch, number):
    monkeypatch.setattr(os, "fsync", fail(number))
    sync_folder(tmp_path)


def test_any_other_refusal_of_an_fsync_is_heard_and_no_descriptor_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", fail(errno.EIO))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="error"):
        sync_folder(tmp_path)
    assert os.listdir("/proc/self/fd") == before


def test_whether_a_file_is_there_is_never_guessed(tmp_path, monkeypatch):
    (tmp_path / "a").touch()
    (tmp_path / "link").symlink_to("a")
    assert is_regular_file(tmp_path / "a")
    for name in ("link", ".", "missing", "a/below"):
        assert not is_regular_file(tmp_path / name), name
    monkeypatch.setattr(os, "lstat", fail(errno.EIO))
    with pytest.raises(OSError, match="error"):
        is_regular_file(tmp_path / "a")


def make_tree(folder):
    (folder / "images").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "status.json").write_bytes(b"{}")
    (folder / "images" / "0_0.jpg").write_bytes(b"jpeg")
    return folder


TREE = ["empty", "images", "images/0_0.jpg", "status.json"]


def test_a_folder_moves_by_one_rename_and_both_names_are_made_durable(tmp_path, names_below, calls):
    source = make_tree(tmp_path / "jobs" / "a")
    target = tmp_path / "outbox" / "deep" / "a.1"
    calls.clear()
    move_folder(source, target)
    assert calls[-3:] == [("rename", "a.1"), ("fsync", "deep"), ("fsync", "jobs")]
    assert names_below(target) == TREE
    assert not source.exists()


def test_a_folder_moves_to_another_file_system_and_appears_there_by_one_rename(tmp_path, elsewhere, names_below, calls):
    source = make_tree(tmp_path / "jobs" / "a")
    target = elsewhere / "outbox" / "a.1"
    move_folder(source, target)
    assert names_below(target) == TREE
    assert (target / "images/0_0.jpg").read_bytes() == b"jpeg"
    assert names_below(tmp_path) == ["jobs"]
    assert os.listdir(target.parent) == ["a.1"]
    # The files and the folders below the temporary name, then the rename, its folder, and only then the source.
    shown = [call for call in calls if call[1] in {"a.1", "outbox", "jobs", "temporary"}]
    renamed = shown.index(("rename", "a.1"), 1)
    assert shown[renamed:] == [
        ("rename", "a.1"), ("fsync", "outbox"), ("rename", "temporary"), ("fsync", "jobs"),
    ]  # fmt: skip
    before = calls[: len(calls) - len(shown[renamed:])]
    for name in ("status.json", "0_0.jpg", "images", "empty", "temporary"):
        assert ("fsync", name) in before, name


def test_two_folders_with_names_alike_do_not_meet_on_their_way_elsewhere(tmp_path, elsewhere, monkeypatch):
    """The temporary names of two targets differ, however long their common beginning is."""
    beginning = "a long title that many a scanner gives to each of its documents " * 3
    used = []
    real = moving._copy_folder
    monkeypatch.setattr(moving, "_copy_folder", lambda source, to, levels: (used.append(to), real(source, to, levels)))
    for end in ("1", "2"):
        move_folder(make_tree(tmp_path / end), elsewhere / f"{beginning}.{end}")
    assert len({path for path in used if is_temporary(path.name)}) == 2
    assert sorted(os.listdir(elsewhere)) == [f"{beginning}.1", f"{beginning}.2"]


def test_what_an_earlier_try_left_elsewhere_is_replaced(tmp_path, elsewhere, monkeypatch, names_below):
    source, target = make_tree(tmp_path / "a"), elsewhere / "a.1"
    real = moving._copy_and_read_back
    monkeypatch.setattr(moving, "_copy_and_read_back", fail(errno.ENOSPC))
    with pytest.raises(OSError, match="No space"):
        move_folder(source, target)
    assert not target.exists()
    assert names_below(source) == TREE
    (left,) = os.listdir(elsewhere)
    assert is_temporary(left)
    (elsewhere / left / "from an earlier try").touch()
    monkeypatch.setattr(moving, "_copy_and_read_back", real)
    move_folder(source, target)
    assert os.listdir(elsewhere) == ["a.1"]
    assert names_below(target) == TREE


def test_nothing_that_exists_is_replaced(tmp_path, names_below):
    source = make_tree(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("empty", "dangling"):
        with pytest.raises(FileExistsError):
            move_folder(source, tmp_path / name)
    assert names_below(source) == TREE


def test_links_and_pipes_are_not_carried_elsewhere(tmp_path, elsewhere, names_below):
    source = make_tree(tmp_path / "a")
    (source / "link").symlink_to("/etc/passwd")
    os.mkfifo(source / "pipe")
    move_folder(source, elsewhere / "a.1")
    assert names_below(elsewhere / "a.1") == TREE


def test_a_folder_that_is_removed_is_never_seen_half_empty(tmp_path, monkeypatch):
    folder = make_tree(tmp_path / "a")
    monkeypatch.setattr(shutil, "rmtree", fail(errno.EIO))  # the crash
    with pytest.raises(OSError, match="error"):
        remove_folder(folder)
    (left,) = os.listdir(tmp_path)
    assert is_temporary(left)


def test_missing_folders_are_made_and_each_name_is_made_durable(tmp_path, calls):
    make_folders(tmp_path / "a" / "b" / "c")
    assert calls == [("fsync", tmp_path.name), ("fsync", "a"), ("fsync", "b")]
    calls.clear()
    make_folders(tmp_path / "a" / "b" / "c")
    assert calls == []
