"""A real smbd on the loopback interface, run from the recipe of docs/smb.md, with nothing of the machine's own Samba.

Its users are users that every Linux system has; who is allowed in is written into its own password file.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.end_to_end.harness import wait_for
from tests.needs import needs_programs
from tests.shares.recipe import adapted, blocks, share_name

HOST = "127.0.0.1"
PASSWORD = "only-for-the-tests"  # noqa: S105 - it opens a share that lives for seconds, on the loopback interface
_STOP_SECONDS = 10.0


class Samba:
    """A file server with one share.

    Args:
        base: an empty folder for all that it keeps.
        folder: what is shared.
        more: blocks of smb.conf, each with its section, that go after the recipe's.
    """

    def __init__(self, base: Path, folder: Path, more: tuple[str, ...] = ()) -> None:
        needs_programs(smbd="samba", smbclient="smbclient")
        if os.geteuid() != 0:
            pytest.skip("smbd acts for several users, which takes root")
        self.share = share_name()
        self.user = _some_user()
        self.port = _free_port()
        self.base = base
        self.conf = base / "smb.conf"
        base.mkdir()
        self.conf.write_text(self._configuration(folder) + "".join(more), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run(
            ["smbpasswd", "-c", self.conf, "-s", "-a", self.user],
            input=f"{PASSWORD}\n{PASSWORD}\n".encode(),
            check=True,
            capture_output=True,
        )

    def _configuration(self, folder: Path) -> str:
        # Its sockets lie there, whose paths may have 107 characters: with more it ends without a word.
        short = Path(tempfile.mkdtemp(prefix="smb-"))
        weakref.finalize(self, shutil.rmtree, short, ignore_errors=True)
        own = []
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
            (short / name).mkdir(mode=0o700 if name == "private" else 0o755)
            suffix = "dir" if name in {"private", "ncalrpc"} else "directory"
            own.append(f"{name} {suffix} = {short / name}")
        own += [
            f"smb ports = {self.port}",
            "interfaces = lo",
            "bind interfaces only = yes",
            "disable netbios = yes",
            f"log file = {self.base}/smbd.log",
            f"passdb backend = tdbsam:{short}/private/passdb.tdb",
        ]
        me = pwd.getpwuid(os.geteuid()).pw_name
        # As in the recipe: everything that comes over the share belongs to the user that the daemon runs as.
        people = {"path": str(folder), "valid users": self.user, "force user": me, "force group": str(me)}
        return adapted(blocks("ini")[0], people, {"global": own})

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.base / "smbd.out").open("ab") as output:
            self._process = subprocess.Popen(
                ["smbd", "--foreground", "--no-process-group", "--configfile", self.conf],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_for(self._answers, f"an smbd that answers; {self.base / 'smbd.log'}")

    def kill(self) -> None:
        """End it and every process that serves a client, without a word to the clients."""
        if self._process is None:
            return
        # Each client is served by a child in a session of its own; none may outlive the test.
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children(recursive=True)
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.send_signal(signal.SIGKILL)
            psutil.wait_procs(children, timeout=_STOP_SECONDS)
        self._process.kill()
        self._process.wait(_STOP_SECONDS)
        self._process = None

    def smbclient(self, *commands: str, check: bool = True) -> str:
        """Run commands of smbclient(1), in one session; what it said."""
        ran = subprocess.run(
            [
                "smbclient", f"//{HOST}/{self.share}", PASSWORD, "--port", str(self.port), "--user", self.user,
                "--configfile", self.conf, "--command", "; ".join(commands),
            ],
            capture_output=True,
            check=False,
            timeout=60,
        )  # fmt: skip
        said = (ran.stdout + ran.stderr).decode(errors="replace")
        assert not check or (ran.returncode == 0 and "NT_STATUS" not in said), said
        return said

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.base / "smbd.out").read_text(errors="replace")
        try:
            with socket.create_connection((HOST, self.port), timeout=1):
                return True
        except OSError:
            time.sleep(0.05)
            return False


def _some_user() -> str:
    """A user of this system who is nobody's account; a password file may only name users that there are."""
    for name in ("daemon", "bin", "games"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    pytest.skip("none of the users that every Debian system has is here")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
