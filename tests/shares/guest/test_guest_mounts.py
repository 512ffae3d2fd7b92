"""The daemon on real CIFS and NFS mounts, in a virtual machine: `pytest -m guest`, some minutes, for root."""

import os
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.needs import needs_programs
from tests.shares.guest.machine import OUTSIDE, Machine

pytestmark = pytest.mark.guest

_ROOT = Path(__file__).parents[3]
_LIMIT = 1500.0


@pytest.mark.timeout(_LIMIT + 120)
def test_the_daemon_on_real_mounts(tmp_path: Path) -> None:
    needs_programs(
        **{"mount.cifs": "cifs-utils", "mount.nfs4": "nfs-common", "rpc.nfsd": "nfs-kernel-server"}, smbd="samba"
    )
    if os.geteuid() != 0:
        pytest.skip("the virtual machine shows its host's files to root alone")
    machine = Machine(tmp_path / "machine")
    command = [
        sys.executable, "-m", "pytest", "-m", "guest", "-p", "no:cacheprovider", "-v",
        "--timeout=600", "--maxfail=3",
        f"--junitxml={OUTSIDE}/report.xml", str(Path(__file__).with_name("mounted.py")),
    ]  # fmt: skip
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PDFOCR_TEST_LIMIT": "240",
    }
    console = machine.run(["sh", "-c", f"cd {_ROOT} && exec {' '.join(command)}"], environment, _LIMIT)
    log = machine.outside / "log"
    said = f"{console[-2000:]}\n{log.read_text(errors='replace')[-20000:] if log.exists() else ''}"
    report = machine.outside / "report.xml"
    assert report.exists(), said
    suite = ET.parse(report).getroot().find("testsuite")  # noqa: S314 - written by our own command
    assert suite is not None
    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert counts["tests"] > counts["skipped"], said
    assert (counts["failures"], counts["errors"]) == (0, 0), said
