"""What a CIFS or NFS mount answers where a local disk would not: each answer means later, and none a failed file.

The answers are those of the table in docs/smb.md. They are given in the kernel's place to the real intake; on real
mounts it is tried in `tests/shares/guest`.
"""

import asyncio
import errno
import functools
import os
from datetime import UTC, datetime

import pytest

from pdfocr_watcher.config.model import Inbox
from pdfocr_watcher.inbox.claim import Claimer
from pdfocr_watcher.inbox.intake import Intake
from pdfocr_watcher.inbox.sweep import sweep

PDF = b"%PDF-1.4\nnothing to see\n%%EOF\n"
LIMIT = 30
#: A server that is away, and connections that broke.
AWAY = (errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOTCONN, errno.ETIMEDOUT, errno.ECONNRESET)


class Desk:
    """An intake, and what it claimed."""

    def __init__(self, root):
        self.claims = []
        folders = {name: root / name for name in ("inbox", "jobs", "outbox", "failed")}
        for folder in folders.values():
            folder.mkdir()
        self.inbox, self.jobs = folders["inbox"], folders["jobs"]
        settings = Inbox(settle_seconds=0.1, unmarked_settle_seconds=0.3, rescan_interval=0.2)
        claimer = Claimer(**folders, unfinished=set())
        self.intake = Intake(self.inbox, settings, 10_000, claimer, lambda: None, self.take, lambda: datetime.now(UTC))

    async def take(self, claim, refusal):
        self.claims.append((claim.status.source, refusal and refusal.code, claim.settled))


class Mount:
    """Answers so many calls about one name with an error, then as the kernel does."""

    def __init__(self, monkeypatch, calls, number, times):
        self.left, self.asked = times, 0
        self._number = number
        for call in calls:
            monkeypatch.setattr(os, call, functools.partial(self._answer, getattr(os, call)))

    def _answer(self, real, path, *arguments, **keywords):
        if str(path).endswith("letter.pdf") and self.left > 0:
            self.left -= 1
            self.asked += 1
            raise OSError(self._number, os.strerror(self._number), path)
        return real(path, *arguments, **keywords)


@pytest.fixture
async def desk(tmp_path):
    desk = Desk(tmp_path)
    running = asyncio.create_task(desk.intake.run())
    yield desk
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - what is waited for lies on the disk
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "number", [errno.EBUSY, errno.ETXTBSY, errno.EACCES, errno.ENOENT, errno.ESTALE, errno.EIO, *AWAY]
)
@pytest.mark.parametrize("calls", [("rename", "replace"), ("open",)], ids=["rename", "open"])
async def test_a_file_that_cannot_be_had_now_is_taken_later_and_once(desk, monkeypatch, calls, number):
    mount = Mount(monkeypatch, calls, number, times=2)
    (desk.inbox / "letter.pdf").write_bytes(PDF)
    await until(lambda: mount.asked == 1)
    assert desk.claims == []
    assert (desk.inbox / "letter.pdf").read_bytes() == PDF
    await until(lambda: desk.claims)
    assert mount.asked == 2
    assert desk.claims == [("letter.pdf", None, True)]
    (job,) = desk.jobs.glob("2*")
    assert (job / "input.pdf").read_bytes() == PDF
    assert desk.intake.unreachable is None


async def test_a_name_that_was_free_a_moment_ago_is_asked_again(desk, monkeypatch):
    """A client remembers for a second that there was no such file, though the folder lists it: ENOENT, once."""
    mount = Mount(monkeypatch, ("open",), errno.ENOENT, times=1)
    (desk.inbox / "letter.pdf").write_bytes(PDF)
    await until(lambda: desk.claims)
    assert mount.asked == 1
    assert desk.claims == [("letter.pdf", None, True)]


@pytest.mark.parametrize("number", AWAY)
async def test_a_server_that_is_away_is_an_unreachable_inbox_and_no_empty_one(desk, monkeypatch, number):
    """The listing may come from the cache while every question about a file fails: nothing is known of any then."""
    (desk.inbox / "other.txt").write_text("stays")
    await until(lambda: desk.intake.left == ["other.txt"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", _listing_of_a_lost_server(number))
        with pytest.raises(OSError) as raised:
            sweep(desk.inbox, ())
        assert raised.value.errno == number
        await until(lambda: desk.intake.unreachable)
        assert os.strerror(number) in desk.intake.unreachable
        assert desk.intake.left == ["other.txt"]
    (desk.inbox / "letter.pdf").write_bytes(PDF)
    await until(lambda: desk.claims)
    assert desk.intake.unreachable is None
    assert desk.claims == [("letter.pdf", None, True)]


def _listing_of_a_lost_server(number):
    real = os.scandir

    class Entry:
        def __init__(self, name):
            self.name = name

        def stat(self, **_options):
            raise OSError(number, os.strerror(number), self.name)

    class Entries:
        def __init__(self, folder):
            with real(folder) as entries:
                self._names = [entry.name for entry in entries]

        def __enter__(self):
            return iter([Entry(name) for name in self._names])

        def __exit__(self, *_):
            pass

    return Entries
