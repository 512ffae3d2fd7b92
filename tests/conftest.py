"""Sites with the real daemon, for the rooms that are tested from outside."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import READING, Site

MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    """Make a set of folders with a configuration; whatever was started on it is ended with the test."""
    sites: list[Site] = []

    def make(settings: Mapping[str, Mapping[str, Any]] | None = None) -> Site:
        site = Site(tmp_path / f"site-{len(sites)}", settings)
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A set of folders on which nothing runs yet, with short waits and the engine that reads nothing."""
    return make_site()


@pytest.fixture(scope="session")
def quick_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose daemon serves all tests that only drop files of names of their own and look at the results."""
    site = Site(tmp_path_factory.mktemp("quick") / "site")
    site.start()
    yield site
    site.close()


@pytest.fixture(scope="session")
def reading_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same with the embedded engine, for the tests that look at what was read."""
    site = Site(tmp_path_factory.mktemp("reading") / "site", READING)
    site.start()
    yield site
    site.close()
