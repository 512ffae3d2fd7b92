"""The index of jobs: a TinyDB document a job, derived from the status files and rebuilt from them at any time.

TinyDB goes through all documents at every change and rewrites its whole file. Here changes are collected; a flush
appends them to a journal, and TinyDB's file is replaced so seldom that the cost of a job does not grow with the
number of jobs kept. A reader puts the two together (`read_entries`).
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

from tinydb import TinyDB
from tinydb.table import Document

from pdfocr_watcher.jobs.index_storage import AtomicStorage, ChangeLog, Entry, read_changes
from pdfocr_watcher.jobs.model import JobStatus, Status

__all__ = ["INDEX_NAME", "Entry", "JobIndex", "document_id", "entry_of", "read_entries"]

INDEX_NAME = "index.json"
_TABLE = "jobs"
_JOURNAL_SUFFIX = ".journal"
#: Replacing TinyDB's file may take this share of the time: 3 ms every 3 s with a hundred jobs, 0.1 s every 100 s
#: with ten thousand.
_DUTY = 0.001
#: It is replaced earlier when the journal has more changes than this and than twice the jobs that the file holds.
_JOURNAL_CHANGES = 1000

Clock = Callable[[], float]


def entry_of(status: JobStatus, folder: Path) -> Entry:
    """What the index keeps of a job: its status without the bulky parts, and its folder."""
    data: Entry = json.loads(status.model_dump_json(exclude={"outputs", "failed_pages", "worker", "schema_version"}))
    return {**data, "failed_pages": len(status.failed_pages), "folder": str(folder)}


def document_id(job_id: str) -> int:
    """The TinyDB document id of a job: a number that sorts as job ids do."""
    moment, _, unique = job_id.partition("-")
    return (int(moment.strip("Z").replace("T", "")) << 32) + int(unique, 16)


class JobIndex:
    """The index that a daemon keeps. One writer; thread-safe.

    Args:
        path: TinyDB's file, index.json.
        max_jobs: finished jobs that are kept; the oldest fall out first.
        clock: seconds, never going back.
        mode: the rights of its files, less what the umask takes: they name every job.
    """

    def __init__(self, path: Path, max_jobs: int, clock: Clock = time.monotonic, *, mode: int = 0o640) -> None:
        database = TinyDB(path, storage=AtomicStorage, mode=mode)
        self._storage = cast(AtomicStorage, database.storage)
        self._table = database.table(_TABLE)
        self._journal = ChangeLog(path.with_suffix(_JOURNAL_SUFFIX), mode)
        self._max_jobs = max_jobs
        self._clock = clock
        self._lock = threading.Lock()  # of what `put` and `drop` touch: held for a moment only
        self._saving = threading.Lock()  # of the files and the table
        self._rebuilding = threading.Lock()
        self._changes: dict[str, Entry | None] = {}  # not yet in any file
        self._journalled: dict[str, Entry | None] = {}  # in the journal, not yet in the table
        self._during_rebuild: dict[str, Entry | None] | None = None
        self._journal_length = 0
        self._not_before = 0.0
        #: Whether an index was there at the start, readable and closed in good order; if not, rebuild it.
        self.found = self._storage.found and not self._journal.found
        self._complete = self.found

    def open(self) -> None:
        """Say on disk that the index is in use, before the first change: a crash loses some; blocking.

        The journal's being there is what says so. Where it cannot be made, the next flush tries again.
        """
        with self._saving, contextlib.suppress(OSError):
            self._journal.open()

    def put(self, status: JobStatus, folder: Path) -> None:
        """Note a job's status, to be written at the next flush."""
        self._note(status.job_id, entry_of(status, folder))

    def drop(self, job_id: str) -> None:
        """Forget a job."""
        self._note(job_id, None)

    def _note(self, job_id: str, entry: Entry | None) -> None:
        with self._lock:
            self._changes[job_id] = entry
            if self._during_rebuild is not None:
                self._during_rebuild[job_id] = entry

    def rebuild(self, read: Callable[[], Iterable[Entry]]) -> int:
        """Throw away what is there and take what is read instead; what is put meanwhile is newer and is kept.

        Returns:
            How many jobs the index holds then.

        Raises:
            OSError: the file system refused.
        """
        with self._rebuilding:
            with self._lock:
                self._during_rebuild = {}
            try:
                entries: dict[str, Entry | None] = {entry["job_id"]: entry for entry in read()}
                with self._saving:
                    with self._lock:
                        entries.update(self._during_rebuild)
                        self._changes = {}
                    self._table.truncate()
                    self._journalled = entries
                    self._rewrite()
                    self._complete = True
                    return len(self._table)
            finally:
                with self._lock:
                    self._during_rebuild = None

    def entries(self) -> list[Entry]:
        """All entries, oldest first, those not yet flushed included."""
        with self._saving:
            merged: dict[str, Entry | None] = {entry["job_id"]: dict(entry) for entry in self._table}
            merged.update(self._journalled)
            with self._lock:  # whoever notes a change waits for no more than this
                merged.update(self._changes)
        return _present(merged)

    def flush(self, *, force: bool = False) -> None:
        """Write what has changed: to the journal, and into TinyDB's file if the time for it has come.

        Args:
            force: bring TinyDB's file up to date and close the index, as at the end of a daemon.

        Raises:
            OSError: the file system refused; the changes are kept for the next time.
        """
        with self._saving:
            with self._lock:
                changes, self._changes = self._changes, {}
            try:
                if changes and not force:
                    self._journal.append(changes)
                    self._journal_length += len(changes)
            except OSError:
                with self._lock:
                    self._changes = {**changes, **self._changes}
                raise
            self._journalled.update(changes)
            if self._journalled and (force or self._rewrite_due()):
                self._rewrite()
            if force and self._complete:
                with self._lock:
                    if not self._changes:
                        self._journal.close()

    def _rewrite_due(self) -> bool:
        enough = max(_JOURNAL_CHANGES, 2 * len(self._table))
        return self._clock() >= self._not_before or self._journal_length > enough

    def _rewrite(self) -> None:
        """Bring TinyDB's file up to date and empty the journal, in this order: a reader never misses a change."""
        began = time.perf_counter()
        self._journal.open()
        self._apply(self._journalled)
        self._storage.save()
        self._journalled = {}
        self._journal.clear()
        self._journal_length = 0
        self._not_before = self._clock() + (time.perf_counter() - began) / _DUTY

    def _apply(self, changes: Mapping[str, Entry | None]) -> None:
        ids = [number for number in map(document_id, changes) if self._table.contains(doc_id=number)]
        self._table.remove(doc_ids=ids)
        documents = [Document(entry, document_id(job_id)) for job_id, entry in changes.items() if entry is not None]
        self._table.insert_multiple(documents)
        if len(self._table) > self._max_jobs:
            finished = sorted(entry.doc_id for entry in self._table if Status(entry["status"]).finished)
            self._table.remove(doc_ids=finished[: max(0, len(finished) - self._max_jobs)])


def read_entries(path: Path) -> list[Entry] | None:
    """The entries of an index, oldest first, for a reader that is not the daemon; None if there is none."""
    # The journal first: it is emptied only once the file has what was in it.
    changes = read_changes(path.with_suffix(_JOURNAL_SUFFIX))
    storage = AtomicStorage(path)
    if not storage.found:
        return None
    table = (storage.read() or {}).get(_TABLE, {})
    return _present({**{entry["job_id"]: entry for entry in table.values()}, **changes})


def _present(entries: Mapping[str, Entry | None]) -> list[Entry]:
    return [entry for _, entry in sorted(entries.items()) if entry is not None]
