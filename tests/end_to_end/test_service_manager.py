"""The daemon under a service manager that only listens; a real systemd is in `tests/service/test_real_systemd.py`."""

import os
import signal

import psutil
import pytest

from tests.end_to_end.harness import wait_for
from tests.pdfs import born_digital
from tests.service.manager import Manager


@pytest.fixture
def manager(in_sight):
    manager = Manager(in_sight / "notify")
    yield manager
    manager.close()


def _start(site, manager):
    return site.start({**os.environ, "NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "600000"})


def test_it_says_that_it_is_ready_that_it_lives_what_it_does_and_that_it_ends(site, manager):
    daemon = _start(site, manager)
    manager.wait_for("READY=1")
    manager.wait_for("WATCHDOG=1", 3)
    site.drop("letter.pdf", born_digital(2))
    site.result("letter.pdf")
    wait_for(lambda: any("engine null is ready" in line for line in manager.listen()), "a line for people")
    assert daemon.stop() == 0
    heard = manager.listen()
    assert heard.count("READY=1") == 1
    assert heard.index("READY=1") < heard.index("STOPPING=1")


def test_no_process_that_it_starts_can_speak_for_it(site, manager):
    daemon = _start(site, manager)
    manager.wait_for("READY=1")
    children = daemon.descendants()
    assert children
    assert not any(manager.address in child.environ().values() for child in children)


def test_a_loop_that_hangs_gives_no_sign_of_life_and_says_where_it_hung(site, manager):
    daemon = _start(site, manager)
    manager.wait_for("WATCHDOG=1", 2)
    daemon.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: psutil.Process(daemon.process.pid).status() == psutil.STATUS_STOPPED, "a daemon that stands still")
    before = len(manager.listen())
    with pytest.raises(AssertionError, match="not within"):
        wait_for(lambda: len(manager.listen()) > before, "a sign of life", 1.0)
    daemon.process.send_signal(signal.SIGABRT)  # as systemd does then
    daemon.process.send_signal(signal.SIGCONT)
    assert daemon.wait() == -signal.SIGABRT
    log = daemon.log.read_text()
    assert "Fatal Python error: Aborted" in log
    assert "daemon/app.py" in log or "asyncio/base_events.py" in log
