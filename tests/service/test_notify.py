"""What is said to a service manager arrives as the protocol wants it, whatever the manager does."""

import os
import uuid

import pytest

from pdfocr_watcher.service.notify import Notifier
from tests.service.manager import Manager


@pytest.fixture(params=["path", "abstract"])
def manager(request, in_sight):
    name = f"@pdfocr-{uuid.uuid4().hex}" if request.param == "abstract" else in_sight / "notify"
    manager = Manager(name)
    yield manager
    manager.close()


def test_everything_arrives_in_the_words_of_the_protocol(manager):
    notifier = Notifier.taken_from({"NOTIFY_SOCKET": manager.address})
    notifier.status("Reading\n of 3\tjobs.")
    notifier.extend(2.5)
    notifier.ready()
    notifier.alive()
    notifier.stopping()
    assert manager.listen() == [
        "STATUS=Reading of 3 jobs.",
        "EXTEND_TIMEOUT_USEC=2500000",
        "READY=1",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_a_reload_is_told_with_the_time_that_newer_managers_ask_for(manager):
    Notifier(manager.address).reloading()
    said, moment = manager.listen()
    assert said == "RELOADING=1"
    name, _, microseconds = moment.partition("=")
    assert name == "MONOTONIC_USEC"
    assert int(microseconds) > 0


def test_the_environment_forgets_the_manager_so_that_no_child_speaks_for_the_daemon():
    environment = {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid()), "HOME": "/"}
    notifier = Notifier.taken_from(environment)
    assert environment == {"HOME": "/"}
    assert notifier.listened_to
    assert notifier.watchdog == 30.0


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "-5"},
    ],
)
def test_a_watchdog_that_is_not_meant_for_this_process_is_none(environment):
    assert Notifier.taken_from(environment).watchdog is None


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative"])
def test_without_a_manager_that_can_be_spoken_to_nothing_is_said(address):
    notifier = Notifier(address)
    assert not notifier.listened_to
    notifier.ready()


def test_a_manager_that_is_gone_or_does_not_listen_holds_nothing_up(manager):
    notifier = Notifier(manager.address)
    for _ in range(10_000):  # more than any queue takes
        notifier.alive()
    assert len(manager.listen()) < 10_000
    manager.close()
    notifier.alive()
