"""How the index is kept in files: TinyDB's file, replaced whole, and a journal of what changed since.

What is in an entry, and when which file is written, is decided in `jobs.index`.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinydb.storages import Storage

from pdfocr_watcher.jobs.durable import remove_file, sync_folder, write_durably

Entry = dict[str, Any]
_Tables = dict[str, dict[str, Any]]


class AtomicStorage(Storage):
    """A TinyDB storage that keeps the data in memory and replaces the file whole when told to."""

    def __init__(self, path: Path, mode: int = 0o666) -> None:
        """Read the file.

        A missing or unreadable one is an empty index: it is derived, and the caller rebuilds it.

        Args:
            path: the file.
            mode: its rights, less what the umask takes.
        """
        self._path = path
        self._mode = mode
        self._data = _tables(path)
        self.found = self._data is not None

    def read(self) -> _Tables | None:
        """What TinyDB works on; None for a new index."""
        return self._data

    def write(self, data: _Tables) -> None:
        """Take what TinyDB gives; the file changes at the next `save`."""
        self._data = data

    def save(self) -> None:
        """Replace the file.

        Raises:
            OSError: the file system refused; the earlier file is still there.
        """
        write_durably(self._path, _json(self._data or {}), mode=self._mode)


class ChangeLog:
    """The journal beside the index: what changed since TinyDB's file was written, appended.

    It costs what the change costs, however large the index is. It is there exactly while an index is in use: one
    that is found at a start says that the index was not closed in good order, and may lack the last changes.
    """

    def __init__(self, path: Path, mode: int = 0o666) -> None:
        self._path = path
        self._mode = mode
        self._open = False
        self.found = os.path.lexists(path)

    def open(self) -> None:
        """Put it there, its name durable, before the first change.

        Raises:
            OSError: the file system refused.
        """
        if not self._open:
            os.close(self._descriptor(os.O_APPEND))
            sync_folder(self._path.parent)
            self._open = True

    def append(self, changes: Mapping[str, Entry | None]) -> None:
        """Note changes, None for a job that is gone; readers see them at once, a power cut may take them.

        Raises:
            OSError: the file system refused; what was written of it is passed over by readers.
        """
        self.open()
        lines = [_json({"job_id": job_id, "entry": entry}) for job_id, entry in changes.items()]
        with os.fdopen(self._descriptor(os.O_APPEND), "ab", buffering=0) as file:
            # A line that was broken off before ends here.
            file.write(b"\n" + b"\n".join(lines) + b"\n")

    def clear(self) -> None:
        """Empty it: TinyDB's file has it all.

        Raises:
            OSError: the file system refused.
        """
        os.close(self._descriptor(os.O_TRUNC))

    def _descriptor(self, how: int) -> int:
        # It lies where people may put things: a link would lead anywhere.
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | how, self._mode)

    def close(self) -> None:
        """Take it away: the index is closed in good order.

        Raises:
            OSError: the file system refused.
        """
        remove_file(self._path, missing_ok=True)
        self._open = False
        sync_folder(self._path.parent)


def read_changes(path: Path) -> dict[str, Entry | None]:
    """What a journal says; what is not valid in it is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return {}
    changes: dict[str, Entry | None] = {}
    for line in filter(None, lines):
        try:
            change = json.loads(line)
            entry = change["entry"]
            if entry is None or _is_entry(entry):
                changes[change["job_id"]] = entry
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return changes


def _json(value: object) -> bytes:
    # ASCII with \\u escapes: a folder whose name is no UTF-8 survives as lone surrogates.
    return json.dumps(value, separators=(",", ":")).encode()


def _tables(path: Path) -> _Tables | None:
    """The content of TinyDB's file; None if it is not one of ours."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    for table in data.values():
        if not isinstance(table, dict):
            return None
        if not all(number.isdecimal() and _is_entry(entry) for number, entry in table.items()):
            return None
    return data


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and {"job_id", "status", "folder"} <= entry.keys()
