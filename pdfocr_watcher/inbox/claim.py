"""A settled file becomes a job: the folder with its pending status first, then the file is moved in.

At every instant the PDF is in the inbox or in its job folder; between the two there is one rename. To another file
system the file is copied: under a private name in its own folder, so that no other host with the same inbox has it
too, and its source is removed only once the copy was verified. So is a file with several names (hard links): who
has another one could change it after it was judged. A file that turns out to be another than was judged, or to be
written still, gets its name back. What a crash leaves half-way is mended by `jobs.claim_note` and `jobs.recovery`.

No link is followed, and nothing outside the inbox is touched, whatever happens there meanwhile (`jobs.descent`).
"""

import contextlib
import errno
import os
import stat
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from pdfocr_watcher.inbox.lease import has_writer
from pdfocr_watcher.inbox.sweep import Signature
from pdfocr_watcher.jobs.claim_note import ClaimNote, finish_claim
from pdfocr_watcher.jobs.descent import descend
from pdfocr_watcher.jobs.durable import (
    is_regular_file,
    make_folder,
    remove_file,
    remove_folder,
    rename,
    rename_to_free_name,
    sync_folder,
)
from pdfocr_watcher.jobs.folder import JobFolder, displayable, result_folder
from pdfocr_watcher.jobs.granting import DROPPED_NAME, close_to_others, note_dropped, rights_in_inbox
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status, new_job_id
from pdfocr_watcher.jobs.moving import copy_verified
from pdfocr_watcher.jobs.settings import JobSettings
from pdfocr_watcher.jobs.status_file import STATUS_NAME, write_status

#: Gone, exchanged for something else, or held by a writer that shares it with nobody (a Windows client's open file).
_NOT_NOW = frozenset({
    errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EBUSY, errno.EACCES, errno.EPERM, errno.ESTALE, errno.ETXTBSY,
})  # fmt: skip
_ID_TRIES = 100


@dataclass(frozen=True, slots=True)
class Claim:
    """A file that became a job.

    Attributes:
        status: its pending status, as it is on disk.
        folder: its folder in jobs/.
        settled: whether the file is as it was judged and no writer has it open; if not, it must come to rest
            again before its pages are read.
    """

    status: JobStatus
    folder: JobFolder
    settled: bool


@dataclass(frozen=True, slots=True)
class Claimer:
    """Claims files out of an inbox; blocking, called in a thread.

    Attributes:
        inbox: where the files are.
        jobs: where the job folders are made.
        outbox, failed: where results will lie, so that no two jobs have the same result's name.
        unfinished: the ids of claims that could be neither finished nor undone, because the inbox or the jobs
            folder went away meanwhile; to be tried again by the caller (see `jobs.claim_note.finish_claim`).
        keep_private: whether a job's folder is closed to those who could not read the PDF.
    """

    inbox: Path
    jobs: Path
    outbox: Path
    failed: Path
    unfinished: set[str]
    keep_private: bool = field(default=True, kw_only=True)

    def claim(
        self,
        path: str,
        signature: Signature,
        now: datetime,
        sha256: str | None = None,
        settings: JobSettings | None = None,
    ) -> Claim | None:
        """Claim a file.

        Args:
            path: the file, relative to the inbox.
            signature: what it was when it was judged.
            now: the time for the job's id and status.
            sha256: of its content, if that is known already.
            settings: those of its folder, which hold for the job from now on.

        Returns:
            The claim, or None if the file is no longer there, is not what was judged, or is held by its writer; it
            is in the inbox then.

        Raises:
            OSError: the jobs folder or the inbox refused; the file is still in the inbox, or its claim is among the
                unfinished.
        """
        try:
            dropped = rights_in_inbox(self.inbox, path)
        except OSError as error:
            if error.errno in _NOT_NOW:
                return None
            raise
        status = self._new_status(path, signature, now, sha256, settings)
        folder = JobFolder(self.jobs / status.job_id)
        # For nobody else to write to from the first instant, whatever the umask and a default ACL say.
        make_folder(folder.path, mode=0o755)
        try:
            if self.keep_private:
                close_to_others(folder.path, dropped)
            note_dropped(folder.path, dropped)
            write_status(folder.path, status)
            sync_folder(self.jobs)
            settled = self._move_in(path, signature, folder, folder.input(status.filename))
        except BaseException:
            self._discard(folder)
            raise
        if settled is None:
            self._discard(folder)
            return None
        return Claim(status, folder, settled)

    def _new_status(
        self, path: str, signature: Signature, now: datetime, sha256: str | None, settings: JobSettings | None
    ) -> JobStatus:
        """A pending status whose result's name is free."""
        source = displayable(path)
        for _ in range(_ID_TRIES):
            status = JobStatus(
                job_id=new_job_id(now),
                status=Status.PENDING,
                stage=Stage.QUEUED,
                filename=PurePosixPath(source).name,
                source=source,
                sha256=sha256,
                bytes=signature.size,
                created_at=now,
                updated_at=now,
                settings=settings,
            )
            taken = (result_folder(root, status).exists() for root in (self.outbox, self.failed))
            if not any(taken):
                return status
        raise OSError(errno.EEXIST, "no free result name", source)

    def _move_in(self, path: str, signature: Signature, folder: JobFolder, target: Path) -> bool | None:
        """Move the file in.

        Returns:
            Whether it is what was judged and at rest; None if it is not ours.
        """
        inside = PurePosixPath(path)
        with contextlib.ExitStack() as stack:
            try:
                source = stack.enter_context(descend(self.inbox, inside.parent.parts)).here / inside.name
                status = source.lstat()
                if Signature.of(status) != signature or not stat.S_ISREG(status.st_mode):
                    return None
                if status.st_nlink == 1:
                    _take(source, target)
                    return _judge_again(source, target, signature)
            except OSError as error:
                if error.errno in _NOT_NOW:
                    return None
                if error.errno != errno.EXDEV:
                    raise
            return self._copy_in(source, path, signature, folder, target)

    def _copy_in(self, source: Path, path: str, signature: Signature, folder: JobFolder, target: Path) -> bool | None:
        """Copy the file in, by way of its private name, and remove it."""
        note = ClaimNote.of(self.inbox, path, folder.path.name)
        private = source.with_name(note.private)
        note.write(folder)
        taken = False
        try:
            _take(source, private)
            taken = True
            # Were the name not durable before the copy is, a power cut could leave the file in both places.
            sync_folder(private.parent)
            whole = _is_as_judged(private, signature)
            if whole:
                copy_verified(private, target)
                whole = _is_as_judged(private, signature)
            if whole:
                remove_file(private)
                sync_folder(private.parent)
                remove_file(folder.claim_note)
                return True
        except OSError as error:
            finish_claim(folder, note, keep_copy=False, search=taken)
            if is_regular_file(target):
                return True  # the file was removed, and only then something refused
            if error.errno in _NOT_NOW:
                return None
            raise
        finish_claim(folder, note, keep_copy=False)
        return None

    def _discard(self, folder: JobFolder) -> None:
        """Remove the folder of a claim that came to nothing, never one that holds the file or says where it is."""
        try:
            if set(os.listdir(folder.path)) <= {STATUS_NAME, DROPPED_NAME}:
                remove_folder(folder.path)
                return
        except OSError:
            pass
        self.unfinished.add(folder.path.name)


def _take(source: Path, target: Path) -> None:
    """Rename a file; a file server whose answer was lost says at the repetition that there is none.

    Raises:
        OSError: it was not renamed.
    """
    try:
        rename(source, target)
    except FileNotFoundError:
        if not is_regular_file(target):
            raise


def _is_as_judged(path: Path, signature: Signature) -> bool:
    """Whether a file that was renamed is still what was judged, and nobody writes it or has it open to write.

    Its number is not compared: some file systems make it from the name.
    """
    # In this order: who had it open for writing and has closed it meanwhile has changed its time.
    written = has_writer(path) is True
    found = path.lstat()
    same = (found.st_size, found.st_mtime_ns) == (signature.size, signature.mtime_ns)
    return same and stat.S_ISREG(found.st_mode) and not written


def _judge_again(source: Path, target: Path, signature: Signature) -> bool | None:
    """Look at a file that was renamed into its job's folder, and give it back if it is not what was judged.

    Returns:
        True if it is; None if it has its name in the inbox again; False if that could not be done.
    """
    try:
        sync_folder(target.parent)
        sync_folder(source.parent)
        if _is_as_judged(target, signature) and target.lstat().st_nlink == 1:
            return True
        rename_to_free_name(target, source)
    except OSError:
        # The file is ours by now: whatever the trouble is, the job must not be forgotten.
        if is_regular_file(target):
            return False
        raise
    sync_folder(source.parent)
    sync_folder(target.parent)
    return None


def at_rest(folder: JobFolder, filename: str) -> Signature | None:
    """The signature of a claimed file; None while a writer has it open.

    Raises:
        OSError: it cannot be looked at.
    """
    target = folder.input(filename)
    signature = Signature.of(os.lstat(target))
    return None if has_writer(target) is True else signature
