"""What is said to the service manager, by the protocol of sd_notify(3): datagrams of `KEY=value` lines to a socket.

When what is said is decided in `progress` and `daemon.reporting`.
"""

import contextlib
import os
import socket
from collections.abc import MutableMapping
from time import CLOCK_MONOTONIC, clock_gettime_ns

_ADDRESS, _WATCHDOG, _WATCHDOG_PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
_MICROSECONDS = 1_000_000


class Notifier:
    """Speaks to the service manager; without one it says nothing.

    Args:
        address: a path, or `@` and an abstract name; empty for nobody.
        watchdog: seconds within which the manager wants a sign of life; None if it wants none.
    """

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        self.watchdog = watchdog
        #: Whether there is anybody to speak to.
        self.listened_to = address.startswith(("@", "/"))
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    @classmethod
    def taken_from(cls, environment: MutableMapping[str, str]) -> "Notifier":
        """The one that the environment names, which forgets it: no child is to speak for the daemon.

        Args:
            environment: `NOTIFY_SOCKET`, and `WATCHDOG_USEC` if it is meant for this process (`WATCHDOG_PID`).
        """
        address, microseconds, pid = (environment.pop(name, "") for name in (_ADDRESS, _WATCHDOG, _WATCHDOG_PID))
        mine = not pid or pid == str(os.getpid())
        wanted = mine and microseconds.isascii() and microseconds.isdecimal() and int(microseconds) > 0
        return cls(address, int(microseconds) / _MICROSECONDS if wanted else None)

    def ready(self) -> None:
        """The service works."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for people, such as `systemctl status` shows."""
        self._send(f"STATUS={' '.join(text.split())}")

    def alive(self) -> None:
        """The service makes progress."""
        self._send("WATCHDOG=1")

    def extend(self, seconds: float) -> None:
        """The start or the stop may take so many seconds more, from now on."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * _MICROSECONDS)}")

    def reloading(self) -> None:
        """The configuration is being read again; `ready` ends that."""
        # The time tells systemd 253 and later which of several reloads this one is.
        self._send(f"RELOADING=1\nMONOTONIC_USEC={clock_gettime_ns(CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The service ends."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self.listened_to:
            return
        # A full queue or a manager that restarts: the next sign is seconds away.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as way,
        ):
            way.sendto(message.encode(), self._address)
