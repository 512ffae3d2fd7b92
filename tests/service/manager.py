"""A service manager that only listens: the socket of sd_notify(3), as systemd makes it."""

import socket
from pathlib import Path

from tests.end_to_end.harness import wait_for


class Manager:
    """Hears what a service says.

    Args:
        address: a path, or `@` and an abstract name.
    """

    def __init__(self, address: str | Path) -> None:
        self.address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self.address[1:]}" if self.address.startswith("@") else self.address)
        self._socket.setblocking(False)
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        """All lines that were said so far, in their order."""
        while True:
            try:
                self.heard += self._socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return self.heard

    def wait_for(self, line: str, count: int = 1) -> list[str]:
        """Listen until a line was said so often; all lines up to now."""
        wait_for(lambda: self.listen().count(line) >= count, f"{count} times {line}; heard {self.heard[-5:]}")
        return self.heard

    def close(self) -> None:
        self._socket.close()
