"""Computers that use the share as Windows does: share modes, the way Explorer copies, and a connection that breaks.

Each has a connection of its own, so that the server tells them apart. What they should see stands in the tests.
"""

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import smbclient
from smbclient._io import SMBFileTransaction, set_info
from smbprotocol.connection import Connection
from smbprotocol.file_info import FileAttributes, FileBasicInformation

from tests.shares.samba import HOST, PASSWORD, Samba

#: Explorer gives the copy the date of its source.
OLD_DATE = datetime(2009, 8, 7, 6, 5, 4, tzinfo=UTC)
_SECONDS_SINCE_1601 = 11_644_473_600
#: What others may do meanwhile: nothing, read, or read and write and delete. Explorer says nothing.
SHARE_MODES = (None, "r", "rwd")


class Computer:
    """One client of a file server."""

    def __init__(self, samba: Samba) -> None:
        self._root = rf"\\{HOST}\{samba.share}"
        self._connection = Connection(uuid.uuid4(), HOST, samba.port)
        self._connection.connect(timeout=30)
        self._how: dict[str, Any] = {
            "username": samba.user,
            "password": PASSWORD,
            "port": samba.port,
            "connection_cache": {f"{HOST}:{samba.port}": self._connection},
        }
        smbclient.register_session(HOST, **self._how)
        self._open: list[Any] = []

    def path(self, name: str) -> str:
        """A name below the share, with `/` between its parts, as Windows writes it."""
        return "\\".join([self._root, *name.split("/")])

    def open(self, name: str, mode: str = "rb", sharing: str | None = "r") -> Any:
        """Open a file without a buffer; `sharing` is one of `SHARE_MODES`."""
        file = smbclient.open_file(self.path(name), mode, buffering=0, share_access=sharing, **self._how)
        self._open.append(file)
        return file

    def read(self, name: str) -> bytes:
        """The content of a file, letting others do with it what they like."""
        with self.open(name, sharing="rwd") as file:
            return bytes(file.readall())

    def names(self, name: str) -> list[str]:
        """What Explorer shows of a folder: not what is hidden."""
        entries = smbclient.scandir(self.path(name), **self._how)
        hidden = FileAttributes.FILE_ATTRIBUTE_HIDDEN
        return [entry.name for entry in entries if not entry.smb_info.file_attributes & hidden]

    def rename(self, name: str, other: str) -> None:
        """Give a file or a folder another name or place."""
        smbclient.rename(self.path(name), self.path(other), **self._how)

    def remove(self, name: str) -> None:
        """Delete a file."""
        smbclient.remove(self.path(name), **self._how)

    def remove_tree(self, name: str) -> None:
        """Delete a folder as Explorer does, one file after the other."""
        for entry in list(smbclient.scandir(self.path(name), **self._how)):
            remove = self.remove_tree if entry.is_dir() else self.remove
            remove(f"{name}/{entry.name}")
        smbclient.rmdir(self.path(name), **self._how)

    def make_folder(self, name: str) -> None:
        """Make a folder and those above it."""
        smbclient.makedirs(self.path(name), exist_ok=True, **self._how)

    @contextlib.contextmanager
    def begun_copy(self, name: str, size: int, sharing: str | None = None) -> Iterator[Any]:
        """What Explorer does before the first byte: an empty file, closed, opened again and given its final size."""
        self.open(name, "wb", sharing).close()
        file = self.open(name, "r+b", sharing)
        file.truncate(size)
        yield file
        # Through the same handle: by its path the server would date it anew when the writer closes it.
        times = FileBasicInformation()
        times["last_write_time"] = int((OLD_DATE.timestamp() + _SECONDS_SINCE_1601) * 10_000_000)
        with SMBFileTransaction(file) as transaction:
            set_info(transaction, times)
        file.close()

    def copy(
        self,
        name: str,
        content: bytes,
        sharing: str | None = None,
        *,
        pieces: int = 3,
        pause: float = 0.0,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Copy a file as Explorer does.

        Args:
            name: of the file on the share.
            content: what is in it.
            sharing: what others may do with it meanwhile.
            pieces: how often something is written.
            pause: seconds before each piece.
            meanwhile: called before each piece, after the pause.
        """
        length = len(content) // pieces + 1
        with self.begun_copy(name, len(content), sharing) as file:
            for start in range(0, len(content), length):
                time.sleep(pause)
                meanwhile()
                file.seek(start)
                file.write(content[start : start + length])

    def vanish(self) -> None:
        """Break the connection as a computer does that loses its power: no file is closed, nobody says goodbye."""
        self._connection.disconnect(close=False)
        for file in self._open:
            file.fd._connected = False

    def leave(self) -> None:
        """Close what is open and say goodbye."""
        with contextlib.suppress(OSError, ValueError):
            for file in self._open:
                file.close()
            self._connection.disconnect()
        self.vanish()
