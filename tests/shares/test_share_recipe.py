"""The recipe of docs/smb.md itself: Samba takes it without a word, and its users and modules do what the page says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from pdfocr_watcher.config.load import load_config
from pdfocr_watcher.inbox.lease import has_writer
from tests.pdfs import born_digital
from tests.shares.conftest import MakeOffice, Office
from tests.shares.recipe import blocks


def test_samba_knows_every_setting(office: Office) -> None:
    checked = subprocess.run(
        ["testparm", "--suppress-prompt", office.samba.conf], capture_output=True, check=True, timeout=30
    )
    said = checked.stderr.decode()
    assert not re.search(r"unknown|ignor|invalid|warning|error", said, re.IGNORECASE), said


def test_the_page_configures_the_daemon_with_keys_that_there_are(tmp_path: Path) -> None:
    texts = blocks("yaml")
    assert texts
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        config = load_config(path, {})
        assert not config.folders.jobs.is_relative_to(config.folders.root), "the jobs are not shared"


def test_only_the_daemons_own_user_can_tell_that_somebody_writes(office: Office) -> None:
    """Why the recipe gives every file that is dropped to one user: a lease is for the owner of a file, or for root."""
    name = "written.pdf.part"
    with office.computer().begun_copy(f"inbox/{name}", 1000, "rwd"):
        path = office.site.inbox / name
        assert has_writer(path) is True
        # By a relative path, for another user may not pass through the folders above.
        before = Path.cwd()
        os.chdir(path.parent)
        path.chmod(0o666)
        os.seteuid(12345)
        try:
            assert has_writer(Path(name)) is None
        finally:
            os.seteuid(0)
            os.chdir(before)
    path.unlink()


def test_the_additions_for_macs_keep_their_names(make_office: MakeOffice) -> None:
    if not any(Path("/usr/lib").glob("*/samba/vfs/fruit.so")):
        pytest.skip("no module fruit; apt-get install samba-vfs-modules")
    office = make_office(None, tuple(blocks("ini")[1:]))
    computer = office.computer()
    # What a Mac sends for a colon and a question mark, which SMB has no other way to say.
    shown, stored = "Wo\uf022 hier\uf025.pdf", "Wo: hier?.pdf"
    computer.copy(f"inbox/{shown}", born_digital())
    job = office.site.result(stored)
    assert (job.status["status"], job.status["filename"]) == ("completed", stored)
    (folder,) = computer.names("outbox")
    assert computer.read(f"outbox/{folder}/input.pdf") == born_digital()
