"""status.json while a document is being read, by a reader who looks as often as the machine lets him."""

import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.conftest import MakeSite
from tests.end_to_end.documents import with_endless_page
from tests.end_to_end.harness import ONE_BY_ONE, Job, Site, shipped_schema
from tests.pdfs import born_digital

#: A second is promised; the rest is for a machine that has other things to do.
_FRESH_SECONDS = 2.0


@dataclass
class _Reader(threading.Thread):
    """Reads a job's status file without a pause until the job has left the jobs folder."""

    path: Path
    looks: int = 0
    seen: list[dict[str, Any]] = field(default_factory=list)
    oldest: float = 0.0
    trouble: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        last = b""
        try:
            while True:
                now = datetime.now(UTC)
                data = self.path.read_bytes()
                self.looks += 1
                if data != last:
                    last = data
                    self.seen.append(json.loads(data))
                status = self.seen[-1]
                if status["status"] == "processing":
                    age = (now - datetime.fromisoformat(status["updated_at"])).total_seconds()
                    self.oldest = max(self.oldest, age)
        except FileNotFoundError:
            return
        except BaseException as error:  # noqa: BLE001 - the test raises it in its own thread
            self.trouble = error

    __hash__ = threading.Thread.__hash__


def _watched(site: Site, name: str, content: bytes) -> tuple[_Reader, Job]:
    """Drop a document and read its status until it is done."""
    site.drop(name, content)
    while not (jobs := site.in_work()):
        time.sleep(0.001)
    reader = _Reader(jobs[0].folder / "status.json")
    reader.start()
    job = site.result(name)
    reader.join(10)
    assert not reader.is_alive()
    if reader.trouble is not None:
        raise reader.trouble
    return reader, job


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[_Reader, Job]:
    """Thirty pages, one after the other, and all that could be read of them meanwhile."""
    site = Site(tmp_path_factory.mktemp("progress") / "site", ONE_BY_ONE)
    try:
        site.start()
        return _watched(site, "thirty.pdf", born_digital(30))
    finally:
        site.close()


def test_every_look_finds_a_whole_and_valid_status(watched: tuple[_Reader, Job]) -> None:
    reader, _job = watched
    assert reader.looks > 1000
    schema, formats = shipped_schema("status.schema.json"), jsonschema.FormatChecker()
    validator = jsonschema.Draft202012Validator(schema, format_checker=formats)
    for status in reader.seen:
        validator.validate(status)


def test_pages_are_counted_one_by_one_and_never_back(watched: tuple[_Reader, Job]) -> None:
    reader, job = watched
    counts = [status["processed_pages"] for status in reader.seen]
    assert counts == sorted(counts)
    assert job.status["processed_pages"] == 30
    # The latest progress is written, so under load one may be skipped, but not many.
    assert len(set(counts)) >= 25
    assert max(after - before for before, after in itertools.pairwise(counts)) <= 3


def test_the_status_is_never_much_more_than_a_second_old(watched: tuple[_Reader, Job]) -> None:
    reader, _job = watched
    assert reader.oldest < _FRESH_SECONDS
    moments = [status["updated_at"] for status in reader.seen]
    assert moments == sorted(moments)


def test_the_life_of_a_job_is_told_in_order(watched: tuple[_Reader, Job]) -> None:
    reader, job = watched
    told = [*(status["status"] for status in reader.seen), job.status["status"]]
    order = ["pending", "processing", "completed"]
    assert sorted(told, key=order.index) == told
    assert "processing" in told
    assert {status["total_pages"] for status in reader.seen if status["processed_pages"]} == {30}
    assert any(status["eta_seconds"] for status in reader.seen)
    assert all(status["worker"]["pid"] for status in reader.seen if status["status"] == "processing")


def test_a_page_that_takes_long_does_not_make_the_status_old(make_site: MakeSite) -> None:
    site = make_site({"render": {"timeout_seconds": 3, "dpi": 60}, "job": {"page_attempts": 1}})
    site.start()
    reader, job = _watched(site, "long.pdf", with_endless_page(1, endless=1))
    assert [page["code"] for page in job.status["failed_pages"]] == ["render_timeout"]
    assert reader.oldest < _FRESH_SECONDS
    assert len({status["updated_at"] for status in reader.seen}) >= 4
