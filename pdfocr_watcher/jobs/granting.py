"""Rights carried out: noted at the claim, given to a job's folder, to its result, and to the folders above that.

What they are is decided in `jobs.ownership`. No link is followed: who may write to a share may put one anywhere.
"""

import contextlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pdfocr_watcher.jobs.descent import Descent
from pdfocr_watcher.jobs.durable import (
    is_regular_file,
    make_folder,
    read_file,
    remove_file,
    remove_tree,
    sync_folder,
    write_file,
)
from pdfocr_watcher.jobs.ownership import (
    Dropped,
    Granted,
    Policy,
    may_hold,
    result_rights,
    subfolder_rights,
    this_process,
    working_rights,
)
from pdfocr_watcher.jobs.rights import ENTER, READ, Entry, Rights, Tag, give_rights, rights_of
from pdfocr_watcher.jobs.steps import Step, step

#: Where the rights of what was dropped are noted in a job's folder, until its result has its own.
DROPPED_NAME = "dropped.json"
#: Bytes that the note may have; rights with long lists of users have a few thousand.
MOST_NOTED = 1_000_000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ANY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
#: A result has one level of folders in it; what somebody put deeper is left as it is.
_DEPTH = 4
_OURS_ALONE = 0o700
#: Also ours alone, as nobody can make use of the right to write in a folder that they cannot enter; but exposed still
#: (see `is_exposed`), so that a taking over that was broken off is begun again.
_BEING_TAKEN_OVER = 0o722


def rights_in_inbox(inbox: Path, path: str) -> Dropped:
    """The rights of a file in the inbox, and of the sub-folders that lead to it.

    Args:
        inbox: the inbox.
        path: the file, relative to it.

    Raises:
        OSError: it is gone, or cannot be looked at.
    """
    *names, name = path.split("/")
    folders = []
    with Descent(inbox) as way:
        for part in names:
            way.enter(part)
            folders.append(rights_of(way.here))
        descriptor = os.open(way.here / name, _ANY)
        try:
            return Dropped(rights_of(Path(f"/proc/self/fd/{descriptor}")), tuple(folders))
        finally:
            os.close(descriptor)


def note_dropped(folder: Path, dropped: Dropped) -> None:
    """Note the rights of what was dropped in the job's folder; durable with the folder's next sync.

    Raises:
        OSError: the file system refused.
    """
    write_file(folder / DROPPED_NAME, json.dumps(asdict(dropped)).encode())


def read_dropped(folder: Path) -> Dropped:
    """The rights of what was dropped.

    Where there is no note any more they are those of the claimed file and of the job's folder itself, which lets in
    nobody who could not read the PDF.

    Raises:
        OSError: the folder cannot be read.
    """
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        # In a result it may be anybody's file.
        data = json.loads(read_file(folder / DROPPED_NAME, MOST_NOTED) or b"")
        return Dropped(_rights(data["file"]), tuple(map(_rights, data["folders"])))
    return _rights_there(folder)


def _rights_there(folder: Path) -> Dropped:
    own = rights_of(folder)
    for name in sorted(os.listdir(folder)):
        if name.startswith("input") and is_regular_file(folder / name):
            return Dropped(rights_of(folder / name), (own,))
    return Dropped(own, (own,))


def _rights(data: Mapping[str, Any]) -> Rights:
    acls = (
        tuple(Entry(Tag(entry["tag"]), int(entry["who"]), int(entry["allowed"])) for entry in data[name])
        for name in ("acl", "default")
    )
    return Rights(int(data["uid"]), int(data["gid"]), int(data["mode"]), *acls)


def all_may_know(folder: Path, place: Rights, wanted: int) -> bool:
    """Whether everybody could read a job's PDF who is let in where something is told of it.

    Args:
        folder: the job's folder, or its result.
        place: the rights of the file or folder where it is told.
        wanted: what a reader of that needs, the sum of READ and ENTER.

    Raises:
        FileNotFoundError: the job is no longer there.
        OSError: its folder cannot be read.
    """
    dropped = read_dropped(folder)
    others = not place.lets_in_others(wanted) or dropped.readable_by_others()
    return others and (not place.lets_in_group(place.gid, wanted) or dropped.readable_by_group(place.gid))


def write_mirror(folder: Path, mirror: Path, names: tuple[str, str], data: bytes) -> None:
    """Write a copy of a job's status where the status of all jobs is to be seen.

    Where not everybody who may look there could read the PDF, it does not bear the PDF's name, and only who dropped
    the PDF may read it, if the daemon may give it to them.

    Args:
        folder: the job's folder.
        mirror: where the copy goes.
        names: what it is called with the PDF's name, and without.
        data: the copy.

    Raises:
        FileNotFoundError: the job is no longer there.
        OSError: the file system refused.
    """
    if all_may_know(folder, rights_of(mirror), READ | ENTER):
        write_file(mirror / names[0], data)
        return
    write_file(mirror / names[1], data, mode=0o600)
    if this_process().gives:
        os.chown(mirror / names[1], read_dropped(folder).file.uid, -1, follow_symlinks=False)


def close_to_others(folder: Path, dropped: Dropped) -> None:
    """Take from a job's folder, before anything is in it, what the dropped PDF's readers do not need.

    Raises:
        OSError: the file system failed.
    """
    descriptor = os.open(folder, _FOLDER)
    try:
        made = rights_of(descriptor)
        wanted = working_rights(this_process(), made, dropped)
        if wanted != made:
            give_rights(descriptor, wanted)
    finally:
        os.close(descriptor)


def grant_result(tree: Path, parent: Path, dropped: Dropped, policy: Policy) -> None:
    """Give a result its rights, its own folder last, and take the note of them out of it.

    Called again after a crash it comes to the same.

    Args:
        tree: the result, not yet in its place.
        parent: the folder that it will appear in.
        dropped: who dropped the PDF, and who could read it.
        policy: what the configuration says.

    Raises:
        OSError: the file system failed.
    """
    granted = result_rights(policy, this_process(), dropped, rights_of(parent))
    descriptor = os.open(tree, _FOLDER)
    try:
        with step(Step.GRANT, tree):
            _grant(descriptor, granted, _DEPTH)
    finally:
        os.close(descriptor)
    remove_file(tree / DROPPED_NAME, missing_ok=True)


def _grant(folder: int, granted: Granted, depth: int) -> None:
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        try:
            descriptor = os.open(name, _FOLDER if is_folder else _FILE, dir_fd=folder)
        except OSError:
            continue  # a link, or something that only its owner may open: its rights are its owner's business
        try:
            status = os.fstat(descriptor)
            if is_folder and depth:
                _grant(descriptor, granted, depth - 1)
            # A file with two names is somebody's elsewhere too: its rights there are not ours to change.
            elif stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                give_rights(descriptor, granted.file)
        finally:
            os.close(descriptor)
    give_rights(folder, granted.folder)


def enter_subfolder(way: Descent, name: str, namesake: Rights | None, policy: Policy) -> bool:
    """Go into a sub-folder of the outbox or the failed folder; made where it is missing, with its namesake's rights.

    Args:
        way: where it lies.
        name: its name.
        namesake: the rights of the inbox's sub-folder of that name; None if they are not known.
        policy: what the configuration says.

    Returns:
        Whether that was possible; not, if the name is a link's or a file's, or the folder a stranger's.

    Raises:
        OSError: the file system refused.
    """
    daemon = this_process()
    parent = rights_of(way.here)
    if namesake is None or not policy.keep_private:
        dropped = Dropped(namesake or parent)
        wanted = result_rights(policy, daemon, dropped, parent).folder
    else:
        wanted = subfolder_rights(policy, daemon, namesake)
    place = way.here / name
    made = not os.path.lexists(place)
    if made:
        make_folder(place, exist_ok=True, mode=_OURS_ALONE)
    try:
        descriptor = os.open(place, _FOLDER)
    except NotADirectoryError:
        return False
    except PermissionError:
        return _entered(way, name)  # it may be entered without being listed
    try:
        found = rights_of(descriptor)
        if made or _just_made(descriptor, found, daemon.uid):
            give_rights(descriptor, wanted)
            sync_folder(way.here)
        elif namesake is not None and policy.keep_private and not may_hold(found, wanted, parent, daemon):
            return False
    finally:
        os.close(descriptor)
    return _entered(way, name)


def _entered(way: Descent, name: str) -> bool:
    try:
        way.enter(name)
    except NotADirectoryError:
        return False
    return True


def _just_made(folder: int, rights: Rights, uid: int) -> bool:
    """Whether a crash came between the making of a folder and the giving of its rights."""
    return rights.uid == uid and rights.mode & 0o777 == _OURS_ALONE and not os.listdir(folder)


def is_exposed(folder: Path) -> bool:
    """Whether more people may change what is in a job's folder than may in the jobs folder itself.

    It is so when its result's rights were given already. Where a mount shows the same rights for everything, nobody
    can tell, and it is not.

    Raises:
        OSError: it cannot be looked at.
    """
    found, around = os.lstat(folder), folder.parent.stat()
    return found.st_uid not in {os.geteuid(), around.st_uid} or bool(found.st_mode & ~around.st_mode & 0o022)


def take_over(folder: Path, notes: Iterable[str]) -> None:
    """Make a folder that was other people's the daemon's alone, and take out of it what they may have put there.

    Its rights are noted, so that its result lets in nobody whom it does not let in now.

    Args:
        folder: where it lies now: among the jobs, where nobody else may change names.
        notes: files by which the daemon tells itself what to do; none that is there is to be believed.

    Raises:
        OSError: the file system refused.
    """
    daemon = this_process()
    ours = Rights(daemon.uid, daemon.gid, _OURS_ALONE)
    dropped = _rights_there(folder)
    descriptor = os.open(folder, _FOLDER)
    try:
        give_rights(descriptor, replace(ours, mode=_BEING_TAKEN_OVER))
        for name in os.listdir(folder):
            if name in notes:
                remove_file(folder / name)
            else:
                _clean(folder / name, ours)
        note_dropped(folder, dropped)
        give_rights(descriptor, ours)
    finally:
        os.close(descriptor)


def _clean(path: Path, ours: Rights) -> None:
    mode = os.lstat(path).st_mode
    if stat.S_ISDIR(mode):
        descriptor = os.open(path, _FOLDER)
        try:
            give_rights(descriptor, ours)
        finally:
            os.close(descriptor)
        for name in os.listdir(path):
            inner = path / name
            if stat.S_ISDIR(os.lstat(inner).st_mode):
                remove_tree(inner)
            elif not is_regular_file(inner):
                remove_file(inner)
    elif not stat.S_ISREG(mode):
        remove_file(path)
