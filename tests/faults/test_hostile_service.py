"""The sandbox inside a hardened service: what systemd forbids such a unit is forbidden here to the whole daemon.

`NoNewPrivileges`, an empty `CapabilityBoundingSet`, `MemoryDenyWriteExecute` and `SystemCallFilter=@system-service
landlock_create_ruleset landlock_add_rule landlock_restrict_self` without `@privileged` and `@resources`.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pdfocr_watcher.pipeline.rendering import find_protection
from tests.conftest import MakeSite
from tests.needs import needs_programs
from tests.pdfs import born_digital

_HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
_LANDLOCK = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}

_HARDENED = """
import ctypes, os, sys
from pdfocr_watcher.pipeline.rendering.sandbox import kernel, seccomp
kernel.prctl(65, 1)  # no memory that is writable and executable
kernel.forbid_new_privileges()
steps = [(0x20, 0, 0, 0)]
for number in map(int, sys.argv[1].split(",")):
    steps += [(0x15, 0, 1, number), (0x06, 0, 0, 0x7FFF0000)]
steps.append((0x06, 0, 0, 0x00050001))
instructions = (seccomp._Instruction * len(steps))(*(seccomp._Instruction(*step) for step in steps))
kernel.prctl(22, 2, ctypes.byref(seccomp._Program(len(steps), instructions)))
os.execv(sys.executable, [sys.executable, "-m", "pdfocr_watcher", *sys.argv[2:]])
"""


def _members(name: str) -> set[str]:
    """The system calls of one of systemd's sets."""
    told = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    found: set[str] = set()
    for line in map(str.strip, told.stdout.splitlines()[1:]):
        if line.startswith("@"):
            found |= _members(line)
        elif line and not line.startswith("#"):
            found.add(line)
    return found


@pytest.mark.skipif(bool(find_protection().missing), reason="this system has no Landlock or no seccomp")
def test_renderers_are_confined_in_a_hardened_service_too(make_site: MakeSite) -> None:
    programs = {"systemd-analyze": "systemd", "setpriv": "util-linux", "pdftoppm": "poppler-utils"}
    needs_programs(**programs)
    if not _HEADER.exists():
        pytest.skip("no list of x86_64's system calls; apt-get install linux-libc-dev")
    numbers = dict(re.findall(r"#define __NR_(\w+)\s+(\d+)", _HEADER.read_text()))
    allowed = (_members("@system-service") | _LANDLOCK) - _members("@privileged") - _members("@resources")
    site = make_site({"render": {"sandbox": "required"}})
    site.drop("letter.pdf", born_digital(3))
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", sys.executable, "-c", _HARDENED]
    filtered = ",".join(numbers[name] for name in sorted(allowed) if name in numbers)
    ended = subprocess.run(
        [*command, filtered, "once", "--config", site.config], capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (job,) = site.results()
    assert (job.status["status"], job.status["failed_pages"]) == ("completed", [])
    assert "sandbox.incomplete" not in ended.stdout + ended.stderr
