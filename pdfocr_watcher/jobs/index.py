"""The index of jobs: a TinyDB document a job, derived from the status files and rebuilt from them at any time.

TinyDB writes its file in place and goes through all documents at every change. Here changes are collected
and put in together, and the file is replaced whole, a few seconds behind the truth: the cost of a job does
not grow with the number of jobs kept.
"""

import json
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document

from pdfocr_watcher.jobs.durable import write_durably
from pdfocr_watcher.jobs.model import JobStatus, Status

INDEX_NAME = "index.json"
_TABLE = "jobs"
#: The index may take this share of the time at most: a large one is written less often.
_DUTY = 0.02

Entry = dict[str, Any]


class AtomicStorage(Storage):
    """A TinyDB storage that keeps the data in memory and replaces the file whole when told to."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        A missing or unreadable one is an empty index: it is derived, and the caller rebuilds it.
        """
        self._path = path
        self.found = False
        self._data: dict[str, dict[str, Any]] | None = None
        try:
            data = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return
        if isinstance(data, dict) and all(isinstance(table, dict) for table in data.values()):
            self._data, self.found = data, True

    def read(self) -> dict[str, dict[str, Any]] | None:
        """What TinyDB works on; None for a new index."""
        return self._data

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Take what TinyDB gives; the file changes at the next `save`."""
        self._data = data

    def save(self) -> None:
        """Replace the file.

        Raises:
            OSError: the file system refused; the earlier file is still there.
        """
        write_durably(self._path, json.dumps(self._data or {}, ensure_ascii=False, separators=(",", ":")).encode())


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
        path: the file, index.json.
        max_jobs: finished jobs that are kept; the oldest fall out first.
    """

    def __init__(self, path: Path, max_jobs: int) -> None:
        database = TinyDB(path, storage=AtomicStorage)
        self._storage = cast(AtomicStorage, database.storage)
        self._table = database.table(_TABLE)
        self._max_jobs = max_jobs
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._changes: dict[str, Entry | None] = {}
        self._not_before = 0.0

    @property
    def found(self) -> bool:
        """Whether a readable index was there at the start."""
        return self._storage.found

    def put(self, status: JobStatus, folder: Path) -> None:
        """Note a job's status, to be written at the next flush."""
        with self._lock:
            self._changes[status.job_id] = entry_of(status, folder)

    def drop(self, job_id: str) -> None:
        """Forget a job."""
        with self._lock:
            self._changes[job_id] = None

    def replace_all(self, entries: Iterable[Entry]) -> None:
        """Throw away what is there and take these entries instead."""
        with self._saving, self._lock:
            self._changes.clear()
            self._table.truncate()
            self._table.insert_multiple(Document(entry, document_id(entry["job_id"])) for entry in entries)
            self._trim()
            self._storage.save()

    def entries(self) -> list[Entry]:
        """All entries, oldest first, those not yet flushed included."""
        with self._saving, self._lock:
            merged: dict[str, Entry | None] = {entry["job_id"]: dict(entry) for entry in self._table}
            merged.update(self._changes)
        return [merged[job_id] or {} for job_id in sorted(merged) if merged[job_id] is not None]

    def flush(self, *, force: bool = False) -> None:
        """Write what has changed, if the time for it has come.

        Args:
            force: write now.

        Raises:
            OSError: the file system refused; the changes are kept for the next time.
        """
        began = time.monotonic()
        if not force and began < self._not_before:
            return
        with self._saving:
            with self._lock:
                changes, self._changes = self._changes, {}
            if not changes:
                return
            try:
                self._apply(changes)
                self._storage.save()
            except OSError:
                with self._lock:
                    self._changes = {**changes, **self._changes}
                raise
        spent = time.monotonic() - began
        self._not_before = began + spent / _DUTY

    def _apply(self, changes: Mapping[str, Entry | None]) -> None:
        ids = [number for number in map(document_id, changes) if self._table.contains(doc_id=number)]
        self._table.remove(doc_ids=ids)
        documents = [Document(entry, document_id(job_id)) for job_id, entry in changes.items() if entry is not None]
        self._table.insert_multiple(documents)
        self._trim()

    def _trim(self) -> None:
        if len(self._table) <= self._max_jobs:
            return
        finished = sorted(entry.doc_id for entry in self._table if Status(entry["status"]).finished)
        self._table.remove(doc_ids=finished[: max(0, len(finished) - self._max_jobs)])


def read_entries(path: Path) -> list[Entry] | None:
    """The entries of an index file, oldest first, for a reader that is not the daemon; None if there is none."""
    storage = AtomicStorage(path)
    if not storage.found:
        return None
    table = (storage.read() or {}).get(_TABLE, {})
    return [table[number] for number in sorted(table, key=int)]
