"""One walk through the inbox: what lies there now, each file with the signature by which a change is noticed.

The walk is blocking and belongs into a thread. It opens folders only, never a file, follows no symbolic
link, and judges nothing but names; whether a file is complete is decided in `inbox.stability`, and what is
in it in `inbox.admission`.
"""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pdfocr_watcher.inbox.ignore import IgnoreRules
from pdfocr_watcher.jobs.claim_note import is_private_name

#: The settings of a folder: never claimed, and told apart from what is.
SETTINGS_NAME = ".pdfocr.yaml"

#: Deeper folders are reported, not entered.
MAX_DEPTH = 32
#: More files than this are left for a later sweep, so that memory stays bounded.
MAX_FILES = 200_000

#: Said of one file, but true of the whole file server: what it has is not known, and nothing of it may count as gone.
_AWAY = frozenset({
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ENOTCONN, errno.ESHUTDOWN,
    errno.ETIMEDOUT, errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED,
})  # fmt: skip

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class OddKind(StrEnum):
    """What lies in the inbox and is neither a regular file nor a folder."""

    SYMLINK = "symlink"
    FIFO = "fifo"
    SOCKET = "socket"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which folder or file it is, whatever its name: a re-made or unmounted inbox has another one."""

    device: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Identity":
        """The identity in the result of a stat call."""
        return cls(status.st_dev, status.st_ino)


@dataclass(frozen=True, slots=True)
class Signature:
    """What two looks at a file are compared by.

    Attributes:
        device: the file system's number.
        inode: the file's number on it.
        size: bytes, holes included.
        mtime_ns: the time of the last change as the file system tells it; only ever compared for equality,
            for a copy may set it to any date.
        blocks: allocated units of 512 bytes.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    blocks: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Signature":
        """The signature in the result of a stat call."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_blocks)


@dataclass(frozen=True, slots=True)
class Odd:
    """Something that is never opened: its path relative to the inbox, and what it is."""

    path: str
    kind: OddKind


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of the inbox that could not be looked at: its path relative to the inbox, and the errno."""

    path: str
    errno: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one walk found.

    Attributes:
        identity: which folder was walked.
        files: regular files that are not ignored, by their path relative to the inbox with `/` between the
            parts; names that are not valid text carry surrogates (PEP 383).
        odd: links, pipes, sockets and devices.
        unread: what could not be looked at; the files below it are missing from `files`.
        too_deep: folders that were not entered.
        settings: what is called `SETTINGS_NAME`, by the folder's path (empty for the inbox); it need not be a file.
        claimed: files that have the private name of a claim by copy, of this host or another: nobody's to take.
        truncated: whether files were left out because there were too many.
    """

    identity: Identity
    files: dict[str, Signature]
    settings: dict[str, Signature] = field(default_factory=dict)
    odd: tuple[Odd, ...] = ()
    unread: tuple[Unread, ...] = ()
    too_deep: tuple[str, ...] = ()
    claimed: tuple[str, ...] = ()
    truncated: bool = False


def sweep(root: Path, ignore: Sequence[str], *, max_depth: int = MAX_DEPTH, max_files: int = MAX_FILES) -> Sweep:
    """Walk through the inbox once.

    Args:
        root: the inbox; it may itself be a symbolic link.
        ignore: shell patterns of names that are not looked at (see `inbox.ignore`).
        max_depth: levels of sub-folders that are entered.
        max_files: files after which the walk ends.

    Raises:
        OSError: the inbox itself cannot be opened or listed to its end, or its file server went away meanwhile.
    """
    walk = _Walk(root, IgnoreRules.of(ignore), max_depth, max_files)
    return walk.run()


@dataclass(slots=True)
class _Folder:
    """A folder to be read: its path with a trailing slash (empty for the inbox), its level, and which it is."""

    prefix: str
    depth: int
    identity: Identity


@dataclass(slots=True)
class _Walk:
    root: Path
    rules: IgnoreRules
    max_depth: int
    max_files: int
    files: dict[str, Signature] = field(default_factory=dict)
    settings: dict[str, Signature] = field(default_factory=dict)
    odd: list[Odd] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    too_deep: list[str] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    truncated: bool = False
    waiting: list[_Folder] = field(default_factory=list)

    def run(self) -> Sweep:
        descriptor = os.open(self.root, _FOLDER)
        try:
            identity = Identity.of(os.fstat(descriptor))
            self._read(_Folder("", 0, identity), descriptor)
        finally:
            os.close(descriptor)
        while self.waiting and not self.truncated:
            self._enter(self.waiting.pop())
        return Sweep(
            identity,
            self.files,
            self.settings,
            tuple(self.odd),
            tuple(self.unread),
            tuple(self.too_deep),
            tuple(self.claimed),
            truncated=self.truncated,
        )

    def _enter(self, folder: _Folder) -> None:
        """Read a sub-folder; whatever goes wrong there costs only itself."""
        path = folder.prefix.rstrip("/")
        try:
            descriptor = os.open(os.path.join(self.root, path), _FOLDER | os.O_NOFOLLOW)  # noqa: PTH118 - Path is slow
        except OSError as error:
            self._note(path, error)
            return
        try:
            # O_NOFOLLOW guards the last part of the path only; that it is the very folder which was listed
            # shows that no part above it was exchanged for a link that leads out of the inbox.
            if Identity.of(os.fstat(descriptor)) != folder.identity:
                self.unread.append(Unread(path, errno.ESTALE))
                return
            self._read(folder, descriptor)
        except OSError as error:
            self._note(path, error)
        finally:
            os.close(descriptor)

    def _read(self, folder: _Folder, descriptor: int) -> None:
        """Take up the entries of one opened folder."""
        empty: list[str] = []
        partial_of: set[str] = set()
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if is_private_name(entry.name):
                    self.claimed.append(folder.prefix + entry.name)
                    continue
                if entry.name == SETTINGS_NAME:
                    self._take_settings(folder, entry)
                    continue
                if self.rules.match(entry.name):
                    partial_of.add(entry.name.rpartition(".")[0])
                    continue
                if len(self.files) + len(self.settings) >= self.max_files:
                    self.truncated = True
                    break
                path = folder.prefix + entry.name
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError as error:
                    self._note(path, error)
                    continue
                self._take(path, status, folder.depth)
                if status.st_size == 0:
                    empty.append(entry.name)
        # A browser holds the name of a download with an empty file while it writes NAME.part beside it.
        for name in partial_of.intersection(empty):
            self.files.pop(folder.prefix + name, None)

    def _take_settings(self, folder: _Folder, entry: "os.DirEntry[str]") -> None:
        try:
            self.settings[folder.prefix.rstrip("/")] = Signature.of(entry.stat(follow_symlinks=False))
        except OSError as error:
            self._note(folder.prefix + entry.name, error)

    def _take(self, path: str, status: os.stat_result, depth: int) -> None:
        mode = status.st_mode
        if stat.S_ISREG(mode):
            self.files[path] = Signature.of(status)
        elif not stat.S_ISDIR(mode):
            self.odd.append(Odd(path, _odd_kind(mode)))
        elif depth >= self.max_depth:
            self.too_deep.append(path)
        else:
            self.waiting.append(_Folder(path + "/", depth + 1, Identity.of(status)))

    def _note(self, path: str, error: OSError) -> None:
        if error.errno in _AWAY:
            raise error
        # A name that vanished between two calls is no fault: it was claimed, renamed or deleted.
        if error.errno not in {errno.ENOENT, errno.ENOTDIR}:
            self.unread.append(Unread(path, error.errno or errno.EIO))


def _odd_kind(mode: int) -> OddKind:
    if stat.S_ISLNK(mode):
        return OddKind.SYMLINK
    if stat.S_ISFIFO(mode):
        return OddKind.FIFO
    return OddKind.SOCKET if stat.S_ISSOCK(mode) else OddKind.DEVICE
