"""The real daemon for several people: as root, and as a user without rights in an office's group."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.harness import ONE_BY_ONE, QUICK, Site, wait_for
from tests.needs import needs_programs
from tests.pdfs import born_digital
from tests.users import ALICE, BOB, CAROL, OFFICE, SERVICE, User, folder_of, give, needs_root, rights

_LETTER = born_digital()


@pytest.fixture(autouse=True)
def _as_root() -> None:
    needs_root()


@pytest.fixture
def site(in_sight: Path) -> Iterator[Site]:
    site = Site(in_sight / "site", ONE_BY_ONE)
    yield site
    site.close()


def _drop(site: Site, path: str, user: User, mode: int = 0o644, content: bytes = _LETTER) -> None:
    staged = site.base / path.replace("/", "-")
    staged.write_bytes(content)
    give(staged, user, mode)
    staged.rename(site.inbox / path)


def test_as_root_it_serves_everybody_and_tells_nobody_of_the_others(site: Site) -> None:
    site.inbox.chmod(0o1777)
    folder_of(site.inbox / "alice", ALICE, 0o700)
    folder_of(site.inbox / "office", CAROL, 0o2770, OFFICE)
    long = born_digital(20)
    _drop(site, "alice/dismissal of bob.pdf", ALICE, content=long)
    _drop(site, "office/plan.pdf", CAROL, 0o660)
    os.chown(site.inbox / "office/plan.pdf", CAROL.uid, OFFICE)
    _drop(site, "everybody.pdf", BOB)
    site.start()
    working = wait_for(lambda: [job for job in site.in_work() if job.status["total_pages"] == 20], "the long job")
    assert not BOB.can_read(working[0].folder / "status.json")
    for source, owner, readers, strangers in (
        ("everybody.pdf", BOB, (ALICE, BOB, CAROL), ()),
        ("office/plan.pdf", CAROL, (CAROL, User(61_010, (OFFICE,))), (ALICE, BOB)),
        ("alice/dismissal of bob.pdf", ALICE, (ALICE,), (BOB, CAROL)),
    ):
        job = site.result(source)
        assert rights(job.folder)[0] == owner.uid
        texts = [path for path in job.folder.rglob("*") if path.is_file()]
        assert len(texts) > 3
        assert [path for path in texts if rights(path)[0] != owner.uid] == []
        assert all(reader.can_read(path) for reader in readers for path in texts)
        assert not any(stranger.can_read(path) for stranger in strangers for path in texts)
    for folder in (site.root, site.outbox, site.jobs, site.outbox / "alice"):
        assert b"dismissal" not in BOB.run("ls", "-R", folder).stdout
    seen = [path for path in site.root.rglob("*") if path.is_file() and BOB.can_read(path)]
    assert not any(b"dismissal" in path.read_bytes() for path in seen)
    assert site.root / "health.json" in seen
    assert ALICE.can_remove(site.result("alice/dismissal of bob.pdf").folder)
    site.stop()


def _once(root: Path) -> None:
    """Work off the inbox as the service's user, who may read all files: the program may lie in root's home."""
    identity = [f"--reuid={SERVICE.uid}", f"--regid={SERVICE.uid}", f"--groups={SERVICE.groups[0]}"]
    capability = [f"--{kind}-caps=-all,+dac_read_search" for kind in ("inh", "ambient")]
    program = [sys.executable, "-m", "pdfocr_watcher", "once", "--config", root / "config.yaml"]
    environment = {**os.environ, "HOME": "/nonexistent", "TMPDIR": "/tmp"}  # noqa: S108 - pytest's is closed to others
    command = ["setpriv", *identity, *capability, *program]
    ran = subprocess.run(command, env=environment, cwd=root, capture_output=True, check=False, umask=0o022)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture
def office(in_sight: Path) -> Path:
    """Folders as docs/permissions.md says for an office's group, the daemon a user without rights."""
    root = folder_of(in_sight / "ocr", SERVICE, 0o755)
    (root / "config.yaml").write_text(yaml.safe_dump(QUICK))
    for name in ("inbox", "outbox", "failed"):
        folder_of(root / name, SERVICE, 0o2770, OFFICE)
    folder_of(root / "jobs", SERVICE, 0o2750, OFFICE)
    return root


def test_an_offices_group_shares_what_a_user_without_rights_makes(office: Path) -> None:
    dropped = CAROL.run("cp", _letter(office), office / "inbox" / "plan.pdf")
    assert dropped.returncode == 0, dropped.stderr
    _once(office)
    (result,) = (office / "outbox").iterdir()
    assert rights(result) == (SERVICE.uid, OFFICE, "2770")
    assert rights(result / "output.mmd") == (SERVICE.uid, OFFICE, "660")
    assert not BOB.can_read(result / "output.mmd")
    member = User(61_010, (OFFICE,))
    assert member.can_read(result / "output.mmd")
    assert not BOB.can_read(office / "index.json")
    assert member.can_remove(result)


def _letter(root: Path) -> Path:
    letter = root.parent / "letter.pdf"
    letter.write_bytes(_LETTER)
    letter.chmod(0o644)
    return letter


def test_a_private_folder_that_lets_the_daemon_in_by_name_gets_its_results_back(office: Path) -> None:
    """Who may not give files away lets in by name whom they belong to."""
    needs_programs(setfacl="acl")
    alice = folder_of(office / "inbox" / "alice", ALICE, 0o700)
    subprocess.run(["setfacl", "-m", f"u:{SERVICE.uid}:rwx,d:u:{SERVICE.uid}:rwx", alice], check=True)
    (office / "inbox").chmod(0o2775)
    (office / "outbox").chmod(0o2775)
    assert ALICE.run("cp", _letter(office), alice / "secret.pdf").returncode == 0
    _once(office)
    (result,) = (office / "outbox" / "alice").iterdir()
    assert ALICE.can_read(result / "output.mmd")
    assert not BOB.can_read(office / "outbox" / "alice")
    assert not CAROL.can_read(office / "outbox" / "alice")
    assert not CAROL.can_read(result / "output.mmd")
    assert ALICE.can_remove(result)
