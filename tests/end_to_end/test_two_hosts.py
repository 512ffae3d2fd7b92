"""Two daemons with jobs and results of their own and one inbox, as two hosts with one share: each file is done once."""

from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Site, temporary_files, wait_for
from tests.pdfs import born_digital

_DOCUMENT = born_digital(1)


def _drop(site: Site, number: int) -> str:
    """Drop a small PDF that differs from all others; its path in the inbox."""
    folder = f"{number % 7}" if number % 3 == 0 else ""
    name = f"{number} {'x' * (number % 5 * 50)}.pdf"
    site.drop(name, _DOCUMENT + b"%% %d\n" % number, into=folder)
    return str(Path(folder) / name)


def _race(sites: list[Site], count: int) -> None:
    """Drop files while both work, and hold what came out against what was dropped."""
    for site in sites:
        site.start()
    dropped = [_drop(sites[0], number) for number in range(count)]
    wait_for(lambda: sum(len(site.results()) for site in sites) >= count, f"{count} results", 60 + count)
    results = [job for site in sites for job in site.results()]
    assert Counter(job.status["source"] for job in results) == Counter(dropped)
    assert {job.status["status"] for job in results} == {"completed"}
    assert len({(job.folder / "input.pdf").read_bytes() for job in results}) == count
    for site in sites:
        site.stop()
        assert site.in_work() == []
        assert temporary_files(site.root) == []
    assert [path for path in sites[0].inbox.rglob("*") if not path.is_dir()] == []


@pytest.mark.parametrize(
    ("jobs_on", "count"),
    [
        ("another file system", 40),
        *(
            pytest.param(jobs_on, 400, marks=[pytest.mark.long, pytest.mark.timeout(600)])
            for jobs_on in ("another file system", "the inbox's", "one here and one there")
        ),
    ],
)
def test_each_file_is_done_once(make_site: MakeSite, elsewhere: Path, tmp_path: Path, jobs_on: str, count: int) -> None:
    inbox = elsewhere / "inbox"
    near, far = elsewhere, tmp_path
    places = {"another file system": [far, far], "the inbox's": [near, near], "one here and one there": [near, far]}
    sites = [
        make_site({"folders": {"inbox": str(inbox), "jobs": str(place / f"jobs-{number}")}})
        for number, place in enumerate(places[jobs_on])
    ]
    devices = {place.stat().st_dev for place in places[jobs_on]}
    assert (inbox.stat().st_dev in devices) == (jobs_on != "another file system")
    _race(sites, count)
    if jobs_on != "one here and one there":  # where a rename races with a copy, the copy may always lose
        assert all(site.results() for site in sites), "both had their share"


def test_a_file_that_a_host_left_half_claimed_is_seen_and_can_be_given_back(
    make_site: MakeSite, elsewhere: Path
) -> None:
    """Its host never comes back: nobody takes the file, and a person can, by its name."""
    site = make_site({"folders": {"inbox": str(elsewhere / "inbox")}, "inbox": {"ignore": ["*.part"]}})
    private = site.drop(".pdfocr-20260102T030405Z-3f9a1c2b-letter.pdf", _DOCUMENT)
    site.start()
    site.drop("other.pdf", _DOCUMENT)
    site.result("other.pdf")
    assert private.exists()
    private.rename(private.with_name("letter.pdf"))
    assert site.result("letter.pdf").status["status"] == "completed"
