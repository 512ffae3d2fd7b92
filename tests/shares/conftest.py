"""An office: the daemon's folders shared by a real file server, and the computers that use them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import Site
from tests.shares.samba import Samba
from tests.shares.windows import Computer

MakeOffice = Callable[..., "Office"]


class Office:
    """A site as docs/smb.md advises it: its root is shared, its jobs lie beside that, and a daemon works on it.

    Args:
        base: an empty folder.
        settings: sections that go over those of a site.
        more: blocks of smb.conf that go after the recipe's.
    """

    def __init__(
        self, base: Path, settings: Mapping[str, Mapping[str, Any]] | None = None, more: tuple[str, ...] = ()
    ) -> None:
        self._computers: list[Computer] = []
        self.site = Site(base / "site", {"folders": {"jobs": str(base / "jobs")}, **(settings or {})})
        for folder in (self.site.inbox, self.site.outbox, self.site.failed):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o2770)
        self.samba = Samba(base / "samba", self.site.root, more)
        self.samba.start()
        self.daemon = self.site.start()

    def computer(self) -> Computer:
        """Another client."""
        computer = Computer(self.samba)
        self._computers.append(computer)
        return computer

    def close(self) -> None:
        """End everything."""
        for computer in self._computers:
            computer.leave()
        self.samba.kill()
        self.site.close()


@pytest.fixture
def make_office(tmp_path: Path) -> Iterator[MakeOffice]:
    """Make an office with settings of its own; it is closed with the test."""
    offices: list[Office] = []

    def make(*arguments: Any) -> Office:
        office = Office(tmp_path / f"office-{len(offices)}", *arguments)
        offices.append(office)
        return office

    yield make
    for office in offices:
        office.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One office for all tests of a module that only drop files of names of their own."""
    office = Office(tmp_path_factory.mktemp("office") / "office")
    yield office
    office.close()
