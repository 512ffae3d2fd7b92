"""A finished job folder becomes a result, complete and by one rename; a failed one can be taken back."""

import contextlib
import errno
import itertools
import os
import re
import time
from datetime import datetime
from pathlib import Path

from pdfocr_watcher.jobs.checkpoint import read_checkpoint
from pdfocr_watcher.jobs.descent import GONE, Descent, descend
from pdfocr_watcher.jobs.durable import (
    TEMPORARY_PREFIX,
    is_dying,
    is_regular_file,
    is_temporary,
    make_folders,
    read_file,
    remove_file,
    remove_folder,
    remove_tree,
    sha256_of,
    sync_file,
    sync_folder,
)
from pdfocr_watcher.jobs.folder import CLAIM_NAME, JobFolder, result_name, subfolders
from pdfocr_watcher.jobs.granting import (
    DROPPED_NAME,
    enter_subfolder,
    grant_result,
    is_exposed,
    read_dropped,
    take_over,
)
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.moving import move_folder
from pdfocr_watcher.jobs.ownership import Policy
from pdfocr_watcher.jobs.recovery import resumed
from pdfocr_watcher.jobs.rights import Rights
from pdfocr_watcher.jobs.status_file import STATUS_NAME, read_status, write_status

#: What the folders of results are called (see `folder.result_name`).
_RESULT = re.compile(r".*[.][0-9a-f]{8}_*", re.DOTALL)
#: Nobody removes any more what has not changed for so long.
_UNTOUCHED_SECONDS = 3600.0
#: What the daemon tells itself in a job's folder.
_NOTES = frozenset({CLAIM_NAME, DROPPED_NAME})
_DEFAULT = Policy()
#: What is said of a stranger's folder or link: what is there is not what we put there.
_NOT_A_RESULT = GONE | {errno.EACCES}
#: Folders of strangers that are gone past.
_STRANGERS = 3


def deliver(
    folder: JobFolder, status: JobStatus, outbox: Path, failed: Path, mark: str = "", policy: Policy = _DEFAULT
) -> Path:
    """Move a finished job to the outbox or the failed folder, with the rights that its result shall have.

    Its status.json already says how it ended. Called again after a crash or an error it finishes what was begun:
    a result that is already there is not made twice.

    Args:
        folder: the job's folder.
        status: its final status.
        outbox: where results lie.
        failed: where failed jobs lie.
        mark: this run of the daemon, for what is temporary there (see `remove_broken_off`).
        policy: whose the results are and who may read them.

    Returns:
        The result's folder.

    Raises:
        OSError: a file system refused; the job is whole in its folder or in its result's, and this may be called
            again.
    """
    root = outbox if status.status is Status.COMPLETED else failed
    name = result_name(status)
    make_folders(root)
    make_safe(folder)
    with Descent(root) as way:
        try:
            for part, namesake in _with_namesakes(folder, status):
                _go_down(way, part, namesake, policy)
            while os.path.lexists(target := way.here / name):
                if _is_delivered(folder, status, way, name):
                    _forget(folder, way.here)
                    return way.path / name
                # Somebody else's folder has the name: it is left alone, and ours gets a longer one.
                name = f"{name}_"
            if status.started_at is None and (refused := folder.found_input()) is not None:
                sync_file(refused)  # what was begun was synced when it was opened
            folder.remove_leftovers()
            if status.status is Status.COMPLETED:
                folder.remove_work()
            dropped = read_dropped(folder.path)
            move_folder(folder.path, target, mark, lambda tree: grant_result(tree, way.here, dropped, policy))
        except OSError as error:
            # The path to work with means nothing to a person.
            if str(error.filename or "").startswith(str(way.here)):
                raise OSError(error.errno, error.strerror, str(way.path / name)) from error
            raise
        return way.path / name


def _is_delivered(folder: JobFolder, status: JobStatus, way: Descent, name: str) -> bool:
    """Whether a folder with a result's name is the job's result.

    While the job's own folder is there, who may write in the outbox could have it removed by making a folder of that
    name: it goes only for one that has its very status and its very PDF.
    """
    try:
        with descend(way.here, (name,)) as there:
            if os.path.lexists(folder.path):
                return _same(folder, JobFolder(there.here))
            return (found := read_status(there.here)) is not None and found.job_id == status.job_id
    except OSError as error:
        if error.errno in _NOT_A_RESULT:
            return False
        raise


def _same(own: JobFolder, other: JobFolder) -> bool:
    status, pdf = own.path / STATUS_NAME, own.found_input()
    size = status.lstat().st_size
    if read_file(other.path / STATUS_NAME, size) != read_file(status, size):
        return False
    if pdf is None:
        return True
    copy = other.path / pdf.name
    same_size = is_regular_file(copy) and copy.lstat().st_size == pdf.lstat().st_size
    return same_size and sha256_of(copy) == sha256_of(pdf)


def make_safe(folder: JobFolder) -> None:
    """Take a job's folder back that a crash left between the giving of its result's rights and the rename.

    Raises:
        OSError: the file system refused.
    """
    if os.path.lexists(folder.path) and is_exposed(folder.path):
        take_over(folder.path, _NOTES)


def _forget(folder: JobFolder, delivered_to: Path) -> None:
    """Finish a delivery that came as far as the rename."""
    sync_folder(delivered_to)
    if os.path.lexists(folder.path):
        remove_folder(folder.path)
    sync_folder(folder.path.parent)


def _with_namesakes(folder: JobFolder, status: JobStatus) -> list[tuple[str, Rights | None]]:
    """The sub-folders of the result, each with the rights of its namesake in the inbox, if they are known."""
    names = subfolders(status)
    try:
        known = read_dropped(folder.path).folders
    except FileNotFoundError:  # it is delivered already
        known = ()
    if known and len(known) != len(names):  # what is left is how far the job's own folder lets in
        known = known[-1:] * len(names)
    return list(zip(names, known or [None] * len(names), strict=True))


def _go_down(way: Descent, name: str, namesake: Rights | None, policy: Policy) -> None:
    """Go into a sub-folder, or into the first one of a longer name that is none of a result, a link or a stranger's.

    Somebody drops a result's whole folder into the inbox: the new result must not come to lie inside the old one,
    where it would be deleted with it. A way past that was taken once is taken again when the old one is gone, or
    what was delivered there would not be found and be delivered twice.
    """
    for tries in itertools.count(1):
        # Where a file server gives all that we make to somebody else, each folder of ours looks like a stranger's.
        known = namesake if tries <= _STRANGERS else None
        if not _is_result(way.here / name) and enter_subfolder(way, name, known, policy):
            return
        name = f"{name}_"


def _is_result(folder: Path) -> bool:
    if not _RESULT.fullmatch(folder.name):
        return False
    return os.path.lexists(folder / STATUS_NAME) or folder.with_name(f"{folder.name}_").is_dir()


def remove_broken_off(root: Path, owner: str, mark: str) -> None:
    """Remove what earlier runs of this daemon left of deliveries, and anybody of removals, long ago; blocking.

    Args:
        root: the outbox or the failed folder; other daemons may be delivering there at this moment.
        owner: how the marks of this daemon's runs begin.
        mark: the present run, which may be delivering too.
    """
    ours, present = (f"{TEMPORARY_PREFIX}{begin}-" for begin in (owner, mark))
    for folder, names, _ in os.walk(root):
        for name in filter(is_temporary, names):
            path = Path(folder) / name
            left = not name.startswith(present) if name.startswith(ours) else is_dying(name) and _untouched(path)
            if left:
                remove_tree(path, worthless=True)
        names[:] = [name for name in names if not (_RESULT.fullmatch(name) or is_temporary(name))]


def _untouched(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.lstat().st_mtime > _UNTOUCHED_SECONDS
    return False


def take_back(result: Path, root: Path, jobs: Path, status: JobStatus, now: datetime) -> tuple[JobFolder, JobStatus]:
    """Move a failed job back among the jobs in work; its failed pages are forgotten, so that they are read again.

    A crash before the new status is written leaves a failed job in jobs/, which the next start delivers again.

    Args:
        result: the job's folder now.
        root: the failed folder, below which it lies.
        jobs: the jobs folder.
        status: the job's status.
        now: the time for its new one.

    Returns:
        The job's folder and its new, pending status.

    Raises:
        OSError: a file system refused; the job lies in one of the two places, whole.
    """
    folder = JobFolder(jobs / status.job_id)
    with descend(root, result.relative_to(root).parts[:-1]) as way:
        move_folder(way.here / result.name, folder.path)
    take_over(folder.path, _NOTES)
    for index in folder.checkpointed():
        checkpoint = read_checkpoint(folder.checkpoint(index))
        if checkpoint is None or checkpoint.failed is not None:
            remove_file(folder.checkpoint(index))
    if folder.pages.is_dir():
        sync_folder(folder.pages)
    again = resumed(
        status.model_copy(update={"attempts": 0, "fruitless_attempts": 0, "failed_pages": ()}),
        len(folder.checkpointed()),
    )
    again = again.model_copy(update={"stage": Stage.QUEUED, "outputs": None, "hook": None, "updated_at": now})
    write_status(folder.path, again)
    return folder, again


def remove_result(result: Path, root: Path) -> None:
    """Remove a job's folder below the outbox or the failed folder; no link on the way to it is followed.

    Raises:
        OSError: a file system refused, or a link is in the way.
    """
    with descend(root, result.relative_to(root).parts[:-1]) as way:
        remove_folder(way.here / result.name)
