"""Other people on the machine: numbers are enough, nobody needs an account. Only root can act for them."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a uid, a group of their own of the same number, and other groups."""

    uid: int
    groups: tuple[int, ...] = ()

    def run(self, *command: str | Path, **options: object) -> subprocess.CompletedProcess[bytes]:
        """Run a command as this user."""
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            [*map(str, command)],
            user=self.uid,
            group=self.uid,
            extra_groups=list(self.groups),
            capture_output=True,
            check=False,
            **{"umask": 0o022, **options},
        )

    def can_read(self, path: Path) -> bool:
        """Whether they can read a file, or list a folder."""
        return self.run("ls" if path.is_dir() else "cat", path).returncode == 0

    def can_remove(self, path: Path) -> bool:
        """Remove it as they would; whether it is gone."""
        self.run("rm", "-rf", path)
        return not os.path.lexists(path)


OFFICE = 61_000
ALICE, BOB, CAROL = User(61_001), User(61_002), User(61_003, (OFFICE,))
#: Somebody without rights who runs the daemon, and is in the office's group.
SERVICE = User(61_009, (OFFICE,))


def needs_root() -> None:
    """Skip the test unless it may act for others."""
    if os.geteuid() != 0:
        pytest.skip("only root can act for other users")


def give(path: Path, user: User, mode: int, gid: int | None = None) -> Path:
    """Give a file or folder to somebody."""
    os.chown(path, user.uid, user.uid if gid is None else gid)
    path.chmod(mode)
    return path


def folder_of(path: Path, user: User, mode: int, gid: int | None = None) -> Path:
    """Make a folder of somebody's."""
    path.mkdir()
    return give(path, user, mode, gid)


def rights(path: Path) -> tuple[int, int, str]:
    """Owner, group and mode, as `stat` says them."""
    found = path.lstat()
    return found.st_uid, found.st_gid, f"{found.st_mode & 0o7777:o}"
