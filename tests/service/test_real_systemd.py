"""A real systemd has the service: installed, started, at work in its hardening, restarted, reloaded, stopped, removed.

It runs in a machine of its own, see `machine`, which the tests share.
"""

import json
import shutil
import stat

import pytest

from pdfocr_watcher.pipeline.rendering import find_protection
from tests.end_to_end.harness import wait_for
from tests.pdfs import born_digital
from tests.service.machine import PROGRAM, booted_machine

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

_UNIT = "pdfocr-watcher.service"
_COMMAND = f"{PROGRAM}/bin/pdfocr-watcher"
_CONFIG = "/etc/pdfocr-watcher/config.yaml"
_SETTINGS = """
folders: {root: /var/lib/pdfocr-watcher}
engine: {name: rapidocr, threads: 2}
inbox: {settle_seconds: 0.2, rescan_interval: 1, min_free_bytes: 0}
render: {sandbox: required, dpi: 120}
service: {health_interval: 0.5}
"""
#: Signs of life are wanted sooner than in life.
_SOONER = "[Service]\nWatchdogSec=3\nRestartSec=200ms\n"


@pytest.fixture(scope="session")
def booted(tmp_path_factory):
    """The machine, with nothing of the service in it."""
    with booted_machine(tmp_path_factory.mktemp("machine")) as machine:
        (machine.root / "etc/pdfocr-watcher").mkdir()
        yield machine


@pytest.fixture
def machine(booted):
    """The machine with the service installed and running, whatever the test before did."""
    _configure(booted, _SETTINGS)
    booted.run(_COMMAND, "install-service", "--config", _CONFIG)
    _drop_in(booted, _SOONER)
    booted.run("systemctl", "reset-failed", _UNIT, check=False)
    booted.run("systemctl", "start", _UNIT)
    return booted


def _configure(machine, text):
    (machine.root / _CONFIG.lstrip("/")).write_text(text)


def _restarts(machine):
    return int(machine.shows(_UNIT, "NRestarts")[0])


def _drop_in(machine, text):
    folder = machine.root / f"etc/systemd/system/{_UNIT}.d"
    folder.mkdir(exist_ok=True)
    (folder / "90-test.conf").write_text(text)
    machine.run("systemctl", "daemon-reload")


def _health(machine):
    return json.loads((machine.root / "var/lib/pdfocr-watcher/health.json").read_text())


def _result(machine, name):
    """Drop a PDF, and wait for its result."""
    root = machine.root / "var/lib/pdfocr-watcher"
    inbox = root / "inbox"
    (inbox / f".{name}").write_bytes(born_digital(2))
    (inbox / f".{name}").rename(inbox / name)
    places, stem = (root / "outbox", root / "failed"), name.removesuffix(".pdf")
    return wait_for(
        lambda: next((found for place in places for found in place.glob(f"{stem}.*/")), None), f"a result of {name}"
    )


def test_it_is_active_once_its_engine_has_loaded_and_says_what_it_does(machine):
    assert machine.shows(_UNIT, "ActiveState", "SubState", "NotifyAccess") == ["active", "running", "main"]
    (line,) = machine.shows(_UNIT, "StatusText")
    assert "engine rapidocr is ready" in line
    assert _health(machine)["state"] == "running"


@pytest.mark.skipif(bool(find_protection().missing), reason="this system has no Landlock or no seccomp")
def test_a_document_is_read_within_all_restrictions(machine):
    """With `render.sandbox: required`: the renderers' own confinement works inside the unit's."""
    result = _result(machine, "letter.pdf")
    status = json.loads((result / "status.json").read_text())
    assert (status["status"], status["failed_pages"]) == ("completed", [])
    assert "quick brown fox" in (result / "output.mmd").read_text()
    assert stat.S_IMODE(result.stat().st_mode) == 0o2770  # as the outbox, which is its group's
    log = machine.logged(_UNIT)
    assert "sandbox" not in log
    assert "WARNING" not in log


def test_it_sees_and_may_no_more_than_it_needs(machine):
    """Told from inside: a command in the same restrictions, by the unit's own lines."""
    pid = str(machine.pid(_UNIT))
    status = dict(
        line.split(":\t", 1) for line in machine.run("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line
    )
    assert (status["NoNewPrivs"], status["Seccomp"], status["CapBnd"]) == ("1", "2", "0" * 16)
    inside = ("nsenter", "-t", pid, "-m", "-n", "--")
    assert "Read-only file system" in machine.run(*inside, "touch", "/usr/x", "/etc/x", check=False)
    assert machine.run(*inside, "ls", "/root", "/home", check=False).count("\n") <= 3
    assert machine.run(*inside, "cat", "/proc/net/dev").count("\n") == 3  # the loopback device and two lines of heading
    assert status["Uid"].split()[0] == machine.run("id", "-u", "pdfocr").strip() != "0"


def test_a_daemon_that_is_killed_is_started_again_and_goes_on(machine):
    restarts = _restarts(machine)
    machine.run("kill", "-9", str(machine.pid(_UNIT)))
    machine.wait_until(_UNIT, ActiveState="active", NRestarts=str(restarts + 1))
    assert (_result(machine, "after-a-kill.pdf") / "output.mmd").exists()


def test_a_daemon_that_hangs_is_ended_and_started_again(machine):
    restarts = _restarts(machine)
    machine.run("kill", "-STOP", str(machine.pid(_UNIT)))
    machine.wait_until(_UNIT, ActiveState="active", NRestarts=str(restarts + 1))
    log = machine.logged(_UNIT)
    assert "Watchdog timeout" in log
    assert "Fatal Python error: Aborted" in log  # and where it hung
    assert (_result(machine, "after-a-hang.pdf") / "output.mmd").exists()


def test_a_change_of_the_configuration_is_taken_up_without_a_restart(machine):
    before = machine.pid(_UNIT)
    _configure(machine, _SETTINGS + "job: {max_pages: 1}\noutput: {jpeg_quality: 50}\n")
    machine.run("systemctl", "reload", _UNIT)
    wait_for(lambda: _health(machine)["config_notes"], "what waits for a restart")
    assert machine.pid(_UNIT) == before
    result = _result(machine, "too-long.pdf")
    assert json.loads((result / "status.json").read_text())["error_code"] == "too_many_pages"
    assert machine.pid(_UNIT) == before
    _configure(machine, _SETTINGS)
    machine.run("systemctl", "reload", _UNIT)
    wait_for(lambda: not _health(machine)["config_notes"], "a configuration that is in force")


def test_old_results_go_by_the_timers_service_beside_the_running_daemon(machine):
    folder = _result(machine, "old.pdf")
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps({**status, "completed_at": "2026-01-02T00:00:00.000Z"}))
    _configure(machine, _SETTINGS + "retention: {completed_days: 30}\n")
    machine.run("systemctl", "start", "pdfocr-watcher-purge.service")
    assert not folder.exists()
    assert "1 result, " in machine.logged("pdfocr-watcher-purge.service")


def test_a_share_that_is_mounted_while_it_runs_is_seen(machine):
    """As after a server was away: the unit's own view of the file system takes over what the host mounts."""
    inbox = "/var/lib/pdfocr-watcher/inbox"
    machine.run("mount", "-t", "tmpfs", "-o", "mode=2770,gid=pdfocr", "share", inbox)
    try:
        machine.run("sh", "-c", f"cat > {inbox}/.part && mv {inbox}/.part {inbox}/mounted.pdf", given=born_digital(1))
        outbox = machine.root / "var/lib/pdfocr-watcher/outbox"
        wait_for(lambda: list(outbox.glob("mounted.*/output.mmd")), "a result of what lay on the share")
    finally:
        machine.run("systemctl", "stop", _UNIT)
        machine.run("umount", inbox)
        (machine.root / "var/lib/pdfocr-watcher/jobs/.inbox-mount").unlink()


def test_a_stop_is_in_good_order_and_in_time_also_in_the_middle_of_a_book(machine):
    inbox = machine.root / "var/lib/pdfocr-watcher/inbox"
    (inbox / "book.pdf").write_bytes(born_digital(60))
    wait_for(lambda: _health(machine)["jobs_in_work"] == 1, "a book in work")
    machine.run("systemctl", "stop", _UNIT)
    assert machine.shows(_UNIT, "ActiveState", "Result") == ["inactive", "success"]
    (job,) = (machine.root / "var/lib/pdfocr-watcher/jobs").glob("2*/status.json")
    assert json.loads(job.read_text())["status"] == "pending"
    assert "daemon.stopped" in machine.logged(_UNIT)
    shutil.rmtree(job.parent)


def test_a_configuration_with_a_mistake_is_not_tried_again_and_again(machine):
    machine.run("systemctl", "stop", _UNIT)
    _configure(machine, "inbox: {on_duplicate: perhaps}\n")
    machine.run("systemctl", "start", _UNIT, check=False)
    assert machine.shows(_UNIT, "ActiveState", "ExecMainStatus", "NRestarts") == ["failed", "78", "0"]
    assert "inbox.on_duplicate" in machine.logged(_UNIT)


def test_results_are_given_to_who_dropped_the_pdfs_by_a_daemon_that_is_not_root(machine):
    machine.run(_COMMAND, "install-service", "--config", _CONFIG, "--droppers")
    machine.run("useradd", "--create-home", "ann")
    inbox = "/var/lib/pdfocr-watcher/inbox/ann"
    machine.run("install", "-d", "-o", "ann", "-g", "ann", "-m", "700", inbox)
    (machine.root / "var/lib/pdfocr-watcher/inbox/ann/mine.pdf").write_bytes(born_digital(1))
    machine.run("chown", "ann:ann", f"{inbox}/mine.pdf")
    machine.run("chmod", "600", f"{inbox}/mine.pdf")
    machine.run("systemctl", "restart", _UNIT)
    outbox = machine.root / "var/lib/pdfocr-watcher/outbox/ann"
    folder = wait_for(lambda: next(iter(outbox.glob("mine.*/")), None), "a result for Ann", 120)
    owners = machine.run("stat", "-c", "%U %a", f"/var/lib/pdfocr-watcher/outbox/ann/{folder.name}/output.mmd")
    assert owners.split()[0] == "ann"
    assert int(owners.split()[1], 8) & 0o077 == 0
    machine.run("systemctl", "stop", _UNIT)  # its rights end with it


def test_the_service_is_removed_and_the_results_stay(machine):
    result = _result(machine, "kept.pdf")
    machine.run("systemctl", "enable", _UNIT)
    machine.run(_COMMAND, "uninstall-service")
    assert machine.shows(_UNIT, "ActiveState") == ["inactive"]
    left = [path.name for path in (machine.root / "etc/systemd/system").rglob("*pdfocr*")]
    assert left == [f"{_UNIT}.d"]  # with what was put there by hand
    assert (result / "output.mmd").exists()
