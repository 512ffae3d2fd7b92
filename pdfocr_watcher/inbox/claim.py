"""A settled file becomes a job: the folder with its pending status first, then the file is moved in.

At every instant the PDF is in the inbox or in its job folder; between the two there is one rename, or a copy
whose source is removed only once it was verified. What a crash leaves half-way is mended by `jobs.recovery`.
"""

import contextlib
import errno
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from pdfocr_watcher.inbox.lease import has_writer
from pdfocr_watcher.inbox.sweep import Signature
from pdfocr_watcher.jobs.durable import (
    copy_verified,
    is_regular_file,
    make_folder,
    remove_file,
    remove_folder,
    rename,
    sync_folder,
)
from pdfocr_watcher.jobs.folder import JobFolder, displayable, result_folder
from pdfocr_watcher.jobs.granting import close_to_others, note_dropped, rights_in_inbox
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status, new_job_id
from pdfocr_watcher.jobs.recovery import CopyNote, finish_claim
from pdfocr_watcher.jobs.status_file import write_status

_ID_TRIES = 100
#: Gone, exchanged, or held by a writer that shares it with nobody (a Windows client's open file).
_NOT_TO_BE_HAD = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EBUSY, errno.EACCES, errno.EPERM, errno.ESTALE, errno.ETXTBSY}
)


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
        keep_private: whether a job's folder is closed to those who could not read the PDF.
    """

    inbox: Path
    jobs: Path
    outbox: Path
    failed: Path
    keep_private: bool = True

    def claim(self, path: str, signature: Signature, now: datetime, sha256: str | None = None) -> Claim | None:
        """Claim a file.

        Args:
            path: the file, relative to the inbox.
            signature: what it was when it was judged.
            now: the time for the job's id and status.
            sha256: of its content, if that is known already.

        Returns:
            The claim, or None if the file is no longer there or is held by its writer; it is untouched then.

        Raises:
            OSError: the jobs folder refused; the file is still in the inbox.
        """
        try:
            dropped = rights_in_inbox(self.inbox, path)
        except OSError as error:
            if error.errno in _NOT_TO_BE_HAD:
                return None
            raise
        status = self._new_status(path, signature, now, sha256)
        folder = JobFolder(self.jobs / status.job_id)
        source, target = self.inbox / path, folder.input(status.filename)
        make_folder(folder.path)
        try:
            if self.keep_private:
                close_to_others(folder.path, dropped)
            note_dropped(folder.path, dropped)
            write_status(folder.path, status)
            sync_folder(self.jobs)
            settled = self._move(source, target, signature, folder)
        except BaseException:
            self._discard(folder, target)
            raise
        if settled is None:
            self._discard(folder, target)
            return None
        return Claim(status, folder, settled)

    def _new_status(self, path: str, signature: Signature, now: datetime, sha256: str | None) -> JobStatus:
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
            )
            taken = (result_folder(root, status).exists() for root in (self.outbox, self.failed))
            if not any(taken):
                return status
        raise OSError(errno.EEXIST, "no free result name", source)

    def _move(self, source: Path, target: Path, signature: Signature, folder: JobFolder) -> bool | None:
        """Move the file in; whether it is still what was judged, None if it could not be had."""
        try:
            try:
                rename(source, target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                return self._copy(source, target, signature, folder)
        except OSError as error:
            if error.errno in _NOT_TO_BE_HAD:
                return None
            raise
        try:
            sync_folder(folder.path)
            sync_folder(source.parent)
            found = Signature.of(target.lstat())
        except OSError:
            # The file is ours by now: whatever the trouble is, the job must not be forgotten.
            return False
        return found == signature and has_writer(target) is not True

    @staticmethod
    def _copy(source: Path, target: Path, signature: Signature, folder: JobFolder) -> bool | None:
        if Signature.of(source.lstat()) != signature:
            return None
        note = CopyNote(str(source), signature.device, signature.inode, signature.size, signature.mtime_ns)
        note.write(folder)
        copy_verified(source, target)
        try:
            unchanged = note.still_there()
        except OSError:
            # The inbox went away under us: the file is still there, and is judged anew when it is back.
            remove_file(target)
            raise
        if not unchanged:
            # It changed while it was copied: the copy is worth nothing.
            remove_file(target)
            return None
        try:
            finish_claim(folder)
        except OSError:
            if os.path.lexists(source):
                # A copy may not stay beside its source, or the drop would be done twice.
                remove_file(target)
                raise
        return True

    @staticmethod
    def _discard(folder: JobFolder, target: Path) -> None:
        """Remove the folder of a claim that came to nothing, never one that holds the file."""
        with contextlib.suppress(OSError):
            if not is_regular_file(target):
                remove_folder(folder.path)


def at_rest(folder: JobFolder, filename: str) -> Signature | None:
    """The signature of a claimed file; None while a writer has it open.

    Raises:
        OSError: it cannot be looked at.
    """
    target = folder.input(filename)
    signature = Signature.of(os.lstat(target))
    return None if has_writer(target) is True else signature
