"""What the pages for administrators tell root to type does what they say, word for word, on a machine with systemd."""

import re

import pytest

from tests.end_to_end.harness import wait_for
from tests.needs import needs_programs
from tests.pages import ROOT, commands
from tests.pdfs import born_digital
from tests.service.machine import booted_machine

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

_INDENTED = re.compile(r"^    (\w.*)$", re.MULTILINE)
#: The machine has no network, and has the program already; the same is done over the network in the quick start's test.
_DONE_BEFORE = ("/usr/bin/python3 -m venv ", "/opt/pdfocr-watcher/bin/pip ", "pdfocr-watcher models install")
_ROOTS_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.fixture
def machine(tmp_path):
    with booted_machine(tmp_path) as machine:
        yield machine


def _type(machine, lines, given=b""):
    """Have root type them; all that is said."""
    return "".join(
        machine.run("env", _ROOTS_PATH, "sh", "-ec", line, given=given)
        for line in lines
        if not line.startswith(_DONE_BEFORE)
    )


def _drop(machine, inbox, name, user="root"):
    """Have a user drop a PDF."""
    text = f"cat > {inbox}/.part && mv {inbox}/.part {inbox}/{name}"
    machine.run("runuser", "-u", user, "--", "sh", "-ec", text, given=born_digital(1))


def _result(machine, outbox, stem):
    """Wait for the result of a PDF."""
    folder = machine.root / outbox.lstrip("/")
    return wait_for(lambda: next(folder.glob(f"{stem}.*/output.mmd"), None), f"a result of {stem}.pdf in {outbox}", 120)


def test_the_page_on_systemd(machine):
    install, service, people, look, reload, elsewhere, instance, purge = commands("docs/systemd.md")
    _type(machine, [*install, *service])
    assert machine.shows("pdfocr-watcher.service", "ActiveState", "UnitFileState") == ["active", "enabled"]

    machine.run("useradd", "--create-home", "ann")
    _type(machine, people)
    _drop(machine, "/var/lib/pdfocr-watcher/inbox", "letter.pdf", user="ann")
    result = _result(machine, "/var/lib/pdfocr-watcher/outbox", "letter")
    seen = machine.run("runuser", "-u", "ann", "--", "cat", f"/{result.relative_to(machine.root)}")
    assert "quick brown fox" in seen

    status, journal, listing = look
    assert "active (running)" in _type(machine, [status])
    assert "job.completed" in _type(machine, [f"timeout 3 {journal} -n all || test $? = 124"])
    assert "letter.pdf" in _type(machine, [listing])

    before = machine.pid("pdfocr-watcher.service")
    _type(machine, reload)
    assert machine.pid("pdfocr-watcher.service") == before

    _type(machine, [*elsewhere, "systemctl restart pdfocr-watcher"])
    _drop(machine, "/srv/ocr/inbox", "elsewhere.pdf")
    assert _result(machine, "/srv/ocr/outbox", "elsewhere")

    (machine.root / "etc/pdfocr-watcher/letters.yaml").write_text("folders: {root: /var/lib/letters}\n")
    _type(machine, instance)
    assert machine.shows("pdfocr-watcher@letters.service", "ActiveState", "UnitFileState") == ["active", "enabled"]

    _type(machine, purge)
    assert machine.shows("pdfocr-watcher-purge.timer", "ActiveState", "UnitFileState") == ["active", "enabled"]


def test_the_pages_on_people_and_their_rights(machine):
    needs_programs(smbpasswd="samba", setfacl="acl")
    share = commands("docs/smb.md")[0]
    for person in ("anna", "ann"):
        machine.run("useradd", person)
    _type(machine, share, given=b"secret\nsecret\n")
    assert machine.run("pdbedit", "-L").startswith("anna:")
    assert machine.run("stat", "-c", "%U:%G %a", "/srv/ocr/share/inbox", "/srv/ocr/jobs").split("\n")[:2] == [
        "pdfocr:ocr 2770",
        "pdfocr:pdfocr 700",
    ]

    machine.run("mkdir", "/etc/pdfocr-watcher")
    (passwords,) = commands("docs/passwords.md")
    _type(machine, passwords)
    assert machine.run("stat", "-c", "%U:%G %a %s", "/etc/pdfocr-watcher/passwords").strip() == "root:pdfocr 640 0"

    group, init, change, private, acl = _INDENTED.findall((ROOT / "docs/permissions.md").read_text(encoding="utf-8"))
    machine.run("rm", "-r", "/srv/ocr")
    machine.run("useradd", "ocr", "--no-user-group")
    machine.run("install", "-d", "-o", "ocr", "/srv/ocr")
    _type(
        machine,
        [group, f"runuser -u ocr -- {init.replace('pdfocr-watcher', '/opt/pdfocr-watcher/bin/pdfocr-watcher')}"],
    )
    _type(machine, [f"cd /srv/ocr && {change}", private, acl])
    assert machine.run("stat", "-c", "%G %a", "/srv/ocr/inbox", "/srv/ocr/jobs").split("\n")[:2] == [
        "office 2770",
        "office 2750",
    ]
    assert "user:ocr:rwx" in machine.run("getfacl", "-c", "/srv/ocr/inbox/ann")


def test_the_packages_that_are_named_are_those_of_the_system(machine):
    pages = ("docs/quickstart.md", "docs/languages.md")
    packages = [line for page in pages for block in commands(page) for line in block if line.startswith("apt-get ")]
    assert len(packages) == 2
    assert "0 newly installed" in _type(machine, packages)
