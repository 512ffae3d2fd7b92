"""A machine of its own with a real systemd: systemd-nspawn over an overlay of this one, with the program in /opt.

Nothing of this machine's services is started there, it has no network, and what is written there is gone with it.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import pdfocr_watcher
from tests.end_to_end.harness import wait_for
from tests.needs import needs_mounts, needs_programs

PROGRAM = Path("/opt/pdfocr-watcher")
#: The system's Python of the same version as the tests', for which their packages were made.
SYSTEM_PYTHON = Path(f"/usr/bin/python3.{sys.version_info.minor}")
_TARGET = """[Unit]
Requires=basic.target dbus.socket
After=basic.target
AllowIsolate=yes
"""
#: nspawn's own filter forbids these, as one of its own sandbox would; an ordinary machine has them.
_LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"


class Machine:
    """One machine; it runs from `start` to `stop`.

    Args:
        base: an empty folder of the test's own.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self.root = base / "merged"
        self._process: subprocess.Popen[bytes] | None = None
        self._mounted: list[Path] = []

    def start(self) -> None:
        """Put the machine together and boot it."""
        memory = self._base / "memory"
        memory.mkdir()
        self._mount(memory, "-t", "tmpfs", "-o", "size=2g", "tmpfs")
        self._overlay(Path("/"), memory / "system", self.root)
        self._put_program(memory)
        (self.root / "etc/machine-id").write_text("")
        # Nothing that was installed here for other tests is to be in the way.
        for folder in ("etc/systemd/system", "etc/sysusers.d", "etc/tmpfiles.d"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "etc/systemd/system/test.target").write_text(_TARGET)
        command = [
            *("systemd-nspawn", "-q", "-D", self.root, "-M", f"pdfocr-{uuid.uuid4().hex[:8]}", "--register=no"),
            *("--keep-unit", "--private-network", "--link-journal=no", "-b", "--console=pipe"),
            *("--kill-signal=SIGRTMIN+3", f"--system-call-filter={_LANDLOCK}", "systemd.unit=test.target"),
        ]
        self.log = self._base / "console.log"
        with self.log.open("wb") as stream:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        wait_for(self._is_up, f"a systemd that answers; {self.log}")

    def stop(self) -> None:
        """Switch it off."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for folder in reversed(self._mounted):
            subprocess.run(["umount", "-l", folder], check=False)

    def run(self, *command: str, check: bool = True, given: bytes = b"") -> str:
        """Run a command there, as root, that is given something to read; what it says."""
        inside = ["nsenter", "-t", str(self._leader()), "-m", "-p", "-u", "-i", "-n", "-C", "--", *command]
        values = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/root"}
        ended = subprocess.run(inside, input=given, capture_output=True, check=False, timeout=120, env=values)
        said = (ended.stdout + ended.stderr).decode()
        assert not check or ended.returncode == 0, f"{command}: {said}"
        return said

    def shows(self, unit: str, *names: str) -> list[str]:
        """Properties of a unit."""
        told = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names))
        found = dict(line.partition("=")[::2] for line in told.splitlines())
        return [found[name] for name in names]

    def logged(self, unit: str) -> str:
        """The journal of a unit."""
        return self.run("journalctl", "-u", unit, "-o", "cat", "--no-pager")

    def pid(self, unit: str) -> int:
        """The main process of a unit, by its number in the machine."""
        return int(self.shows(unit, "MainPID")[0])

    def wait_until(self, unit: str, limit: float = 60.0, **wanted: str) -> None:
        """Wait until a unit's properties are so."""
        wait_for(lambda: self.shows(unit, *wanted) == list(wanted.values()), f"{unit}: {wanted}", limit)

    def _put_program(self, memory: Path) -> None:
        """The environment that the tests run in, as if it had been made in /opt with the program installed in it."""
        venv = self.root / PROGRAM.relative_to("/")
        self._overlay(Path(sys.prefix), memory / "program", venv)
        (packages,) = venv.glob("lib/python3*/site-packages")
        source = Path(pdfocr_watcher.__file__).parent
        shutil.rmtree(packages / "pdfocr_watcher", ignore_errors=True)
        shutil.copytree(source, packages / "pdfocr_watcher", ignore=shutil.ignore_patterns("__pycache__"))
        # The tests' own Python may lie at somebody's home, where no service sees it.
        for name in ("python", "python3", SYSTEM_PYTHON.name):
            (venv / "bin" / name).unlink(missing_ok=True)
            (venv / "bin" / name).symlink_to(SYSTEM_PYTHON)
        (venv / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
        command = venv / "bin" / "pdfocr-watcher"
        command.unlink(missing_ok=True)
        command.write_text(f"#!{PROGRAM}/bin/python\nfrom pdfocr_watcher.cli.app import main\nmain()\n")
        command.chmod(0o755)

    def _overlay(self, lower: Path, upper: Path, at: Path) -> None:
        for folder in (upper / "upper", upper / "work", at):
            folder.mkdir(parents=True, exist_ok=True)
        layers = f"lowerdir={lower},upperdir={upper / 'upper'},workdir={upper / 'work'}"
        self._mount(at, "-t", "overlay", "-o", layers, "overlay")

    def _mount(self, at: Path, *arguments: str) -> None:
        subprocess.run(["mount", *arguments, at], check=True)
        self._mounted.append(at)

    def _leader(self) -> int:
        """Its first process, by its number here; the first child of nspawn, after one that only prepares it."""
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text(errors="replace")
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def _is_up(self) -> bool:
        return self.run("systemctl", "is-active", "test.target", check=False).strip() == "active"


@contextlib.contextmanager
def booted_machine(base: Path) -> Iterator[Machine]:
    """A machine that runs, with nothing of the service in it; the test is skipped where there can be none."""
    needs_programs(**{"systemd-nspawn": "systemd-container", "pdftoppm": "poppler-utils"})
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if not SYSTEM_PYTHON.exists():
        pytest.skip(f"the tests run with another Python than the system's: no {SYSTEM_PYTHON}")
    needs_mounts(base)
    machine = Machine(base)
    try:
        machine.start()
        yield machine
    finally:
        machine.stop()
