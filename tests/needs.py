"""What some tests need of the machine: where it is missing they are skipped, and say what to install or to allow.

Nothing is started here; the tests that need a server or a file system start their own.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pdfocr_watcher.engines.scripts import package_of
from pdfocr_watcher.engines.tessdata import find_tessdata

#: Set where everything is said to be installed, as `.ci/run` does: a program that is missing fails its tests there.
_ALL_INSTALLED = "PDFOCR_TEST_ALL_INSTALLED"


def needs_programs(**packages: str) -> None:
    """Skip the test unless each program is installed; fail it where all are said to be.

    Args:
        packages: the Debian package of each program.
    """
    missing = {program: package for program, package in packages.items() if shutil.which(program) is None}
    if missing:
        programs, names = " and ".join(missing), " ".join(missing.values())
        (pytest.fail if os.environ.get(_ALL_INSTALLED) else pytest.skip)(
            f"{programs} not installed; apt-get install {names}"
        )


def needs_mounts(folder: Path) -> None:
    """Skip the test unless file systems can be mounted here: that takes root and a sandbox that allows it."""
    probe = folder / "mount-probe"
    probe.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", probe], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"file systems cannot be mounted here: {mounted.stderr.decode(errors='replace').strip()}")
    subprocess.run(["umount", probe], check=True)


def needs_fuse() -> None:
    """Skip the test unless a file system in user space can be mounted here."""
    needs_programs(fusermount3="fuse3")
    if not Path("/dev/fuse").exists():
        pytest.skip("no /dev/fuse here")


def needs_languages(*codes: str) -> Path:
    """Skip the test, or fail where all have to be run, unless Tesseract's data of languages and DejaVu are here.

    Returns:
        The folder with the data.
    """
    folder = find_tessdata()
    packages = [package_of(code) for code in codes if not folder or not (folder / f"{code}.traineddata").exists()]
    if not Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf").exists():
        packages.append("fonts-dejavu-core")
    if packages:
        text = f"apt-get install {' '.join(packages)}"
        if os.environ.get(_ALL_INSTALLED):
            pytest.fail(text)
        pytest.skip(text)
    assert folder is not None
    return folder
