"""What holds for a daemon on real CIFS and NFS mounts; run inside the guest, by `test_guest_mounts.py` and nobody else.

The server, its other clients and the daemon's mount are all on the guest's loopback interface, with the options that
docs/smb.md gives. A file is dropped on the server's own disk, or by another client's mount.
"""

import errno
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.lock import JobsLock
from tests.end_to_end.harness import Daemon, Job, Site, wait_for
from tests.pdfs import born_digital
from tests.shares.recipe import blocks
from tests.shares.samba import HOST, PASSWORD, Samba
from tests.shares.windows import Computer

pytestmark = pytest.mark.guest

#: The guest is emulated: everything takes long.
LIMIT = 240.0
SETTINGS = {
    "inbox": {
        "poll_interval": 1.0,
        "rescan_interval": 3.0,
        "settle_seconds": 3.0,
        "unmarked_settle_seconds": 60.0,
        "sweep_timeout_seconds": 30.0,
    },
    # Nothing of what is tried here depends on these.
    "render": {"timeout_seconds": 600.0},
    "engine": {"start_timeout_seconds": 600.0, "page_timeout_seconds": 600.0},
}
#: Longer than a file must rest, far shorter than one without an end must: a guest that is starved is late.
PAUSE = 5.0


def mount_options(kind: str) -> str:
    """The options of the page for a kind of mount."""
    (line,) = [line for line in blocks("fstab")[0].splitlines() if f" {kind} " in line]
    options = line.split()[3].split(",")
    own = ("credentials=", "uid=", "gid=", "_netdev")
    return ",".join(option for option in options if not option.startswith(own))


def _mount(kind: str, what: str, where: Path, options: str) -> None:
    where.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", kind, what, where, "-o", options], capture_output=True, check=False)
    if mounted.returncode != 0:
        kernel = subprocess.run(["dmesg"], capture_output=True, check=False).stdout.decode()
        pytest.fail(f"{mounted.stderr.decode()}\n{kernel[-2000:]}")


class Cifs:
    """A share of smbd, and mounts of it."""

    kind = "cifs"

    def __init__(self, base: Path) -> None:
        self.disk = base / "served"
        self.disk.mkdir(parents=True)
        self.samba = Samba(base / "samba", self.disk)

    def start(self) -> None:
        self.samba.start()

    def stop(self) -> None:
        self.samba.kill()

    def close(self) -> None:
        self.stop()

    def mount(self, where: Path) -> None:
        """Mount it once more; `nosharesock` makes it a client of its own."""
        options = (
            f"{mount_options('cifs')},port={self.samba.port},username={self.samba.user},password={PASSWORD},nosharesock"
        )
        _mount("cifs", f"//{HOST}/{self.samba.share}", where, options)


class Nfs:
    """A folder that the kernel's NFS server exports, and mounts of it."""

    kind = "nfs4"

    def __init__(self, base: Path) -> None:
        self.disk = base / "served"
        self.disk.mkdir(parents=True)
        self._mounts = 0
        Path("/var/lib/nfs/v4recovery").mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd"], check=True)
        options = "rw,no_root_squash,fsid=0,insecure,no_subtree_check"
        subprocess.run(["exportfs", "-o", options, f"{HOST}:{self.disk}"], check=True)
        self._mountd = subprocess.Popen(["rpc.mountd", "--foreground", "--no-nfs-version", "3"])

    def start(self) -> None:
        # Short times for the grace and the lease, or nobody may open a file for a minute and a half after a start.
        subprocess.run(["rpc.nfsd", "-N", "3", "-H", HOST, "-L", "10", "-G", "10", "4"], check=True)

    def stop(self) -> None:
        subprocess.run(["rpc.nfsd", "0"], check=True)

    def close(self) -> None:
        self.stop()
        self._mountd.kill()
        self._mountd.wait(LIMIT)

    def mount(self, where: Path) -> None:
        """Mount it once more, as another client.

        Two mounts of one machine are one client to the server, which then lends the second what the first writes
        (a delegation) and never calls it back: what one of them does the other would not see for long. With
        another minor version they are two.
        """
        self._mounts += 1
        _mount("nfs4", f"{HOST}:/", where, f"{mount_options('nfs4')},vers=4.{3 - self._mounts},nosharecache")


class Away:
    """A daemon on a mount, what the server has on its disk, and another client's mount."""

    def __init__(self, base: Path, make: Callable[[Path], Cifs | Nfs]) -> None:
        self.server = make(base / "server")
        for name in ("inbox", "outbox", "failed"):
            (self.server.disk / name).mkdir()
        self.server.start()
        self.mine, self.others = base / "mine", base / "others"
        self.server.mount(self.mine)
        self.server.mount(self.others)
        folders = {name: str(self.mine / name) for name in ("inbox", "outbox", "failed")}
        # Where the jobs lie is local, and so is what the daemon says of itself.
        self.site = Site(base / "site", {**SETTINGS, "folders": folders})
        self.daemon: Daemon = self.site.start()

    def close(self) -> None:
        """End the daemon, then the mounts, and only then their server."""
        self.site.close()
        for mount in (self.mine, self.others):
            subprocess.run(["umount", "--lazy", mount], check=True)
        self.server.close()

    def taken(self, name: str) -> list[Job]:
        """The jobs that a file has become, in work or done; others may still be under way."""
        return [job for job in self.site.in_work() if job.status["source"] == name] + self.site.results(name)

    def logged(self, event: str) -> list[dict[str, object]]:
        return [line for line in self.daemon.logged() if line["event"] == event]


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    """A real disk for the servers: what lies in memory has no leases to give, or no extended attributes."""
    folder = Path("/run/disk")
    folder.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-F", "/dev/vda"], check=True)
    subprocess.run(["mount", "/dev/vda", folder], check=True)
    return folder


@pytest.fixture(scope="module", params=[Cifs, Nfs], ids=["cifs", "nfs"])
def away(request: pytest.FixtureRequest, disk: Path) -> Iterator[Away]:
    away = Away(disk / request.param.kind, request.param)
    yield away
    away.close()


def assert_done_once(away: Away, name: str, content: bytes) -> None:
    job = away.site.result(name, LIMIT)
    # The first thing to know if anything is wrong: whether it is all that was sent.
    assert (job.folder / "input.pdf").read_bytes() == content, job.status
    assert job.status["status"] == "completed", job.status
    served = away.server.disk / job.folder.relative_to(away.mine)
    assert (served / "input.pdf").read_bytes() == content
    assert not (away.server.disk / "inbox" / name).exists()
    assert len(away.site.results(name)) == 1


def test_the_mount_is_as_the_page_says(away: Away) -> None:
    """Not the daemon's doing: what it has to do without."""
    cifs = away.server.kind == "cifs"
    if cifs:
        with pytest.raises(OSError) as refused:
            (away.mine / "inbox/link").symlink_to("nowhere")
        assert refused.value.errno in {errno.EOPNOTSUPP, errno.EPERM}
    plain = away.mine / "inbox/mode.part"
    plain.touch()
    plain.chmod(0o600)
    assert (plain.stat().st_mode & 0o777 == 0o600) is not cifs
    plain.unlink()


def test_it_polls_and_says_so(away: Away) -> None:
    (watching,) = wait_for(lambda: away.logged("inbox.watching"), "how it watches", LIMIT)
    assert watching["how"] == "polling"


def test_what_is_dropped_on_the_servers_own_disk_is_found(away: Away) -> None:
    content = born_digital(2)
    (away.server.disk / "inbox/Büro").mkdir()
    (away.server.disk / "inbox/Büro/at the server.pdf").write_bytes(content)
    assert_done_once(away, "Büro/at the server.pdf", content)


def test_what_another_client_writes_in_pieces_is_taken_when_it_is_whole(away: Away) -> None:
    content = born_digital(3)
    third = len(content) // 3 + 1
    with (away.others / "inbox/pieces.pdf").open("wb", buffering=0) as file:
        for start in range(0, len(content), third):
            file.write(content[start : start + third])
            os.fsync(file.fileno())
            time.sleep(PAUSE)
            if start + third < len(content):
                assert not away.taken("pieces.pdf")
    assert_done_once(away, "pieces.pdf", content)


def test_a_file_that_another_client_replaces_while_it_rests_is_taken_as_it_is_last(away: Away) -> None:
    first, last = born_digital(1), born_digital(4)
    (away.others / "inbox/replaced.pdf").write_bytes(first)
    time.sleep(SETTINGS["inbox"]["settle_seconds"] / 2)
    (away.others / "inbox/new.part").write_bytes(last)
    (away.others / "inbox/new.part").replace(away.others / "inbox/replaced.pdf")
    assert_done_once(away, "replaced.pdf", last)


def test_a_file_that_another_client_shares_with_nobody_is_taken_later(away: Away) -> None:
    if not isinstance(away.server, Cifs):
        pytest.skip("only SMB has share modes")
    content, computer = born_digital(2), Computer(away.server.samba)
    # It is whole, and its writer keeps it.
    with computer.begun_copy("inbox/kept.pdf", len(content)) as file:
        file.write(content)
        time.sleep(4 * PAUSE)
        assert not away.taken("kept.pdf")
        assert away.site.health()["state"] == "running"
    assert_done_once(away, "kept.pdf", content)
    # A viewer lets others read it, and not delete it: it can be copied, and not be taken away.
    (away.server.disk / "inbox/viewed.part").write_bytes(content)
    with computer.open("inbox/viewed.part", sharing="r"):
        (away.server.disk / "inbox/viewed.part").rename(away.server.disk / "inbox/viewed.pdf")
        time.sleep(4 * PAUSE)
        assert not away.taken("viewed.pdf")
    assert_done_once(away, "viewed.pdf", content)
    computer.leave()


def test_a_lock_is_held_against_another_client(away: Away) -> None:
    (away.server.disk / "locked").mkdir()
    with JobsLock(away.mine / "locked"), pytest.raises(PdfocrError) as refused:
        JobsLock(away.others / "locked").acquire()
    assert refused.value.code is ErrorCode.ALREADY_RUNNING


def test_a_server_that_goes_away_and_comes_back_costs_nothing(away: Away) -> None:
    """The last test of its mount: a file rests when the server is stopped, and others were done before."""
    before = {job.job_id for job in away.site.results()}
    assert before
    content = born_digital(3)
    (away.others / "inbox/outage.pdf").write_bytes(content)
    away.server.stop()
    wait_for(lambda: away.site.health()["state"] == "unreachable", "that it notices", LIMIT)
    assert away.daemon.process.poll() is None
    assert re.search(r"\w", str(away.site.health()["reason"]))
    away.server.start()
    wait_for(lambda: away.site.health()["state"] == "running", "that it goes on", LIMIT)
    assert_done_once(away, "outage.pdf", content)
    time.sleep(2 * PAUSE)
    assert {job.job_id for job in away.site.results()} - before == {away.site.result("outage.pdf").job_id}
    assert not away.site.in_work()
