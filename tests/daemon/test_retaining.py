"""The daily round: once a day at its time, whatever the clock does, and never because the clock is wrong."""

import asyncio
import time as clock
from datetime import UTC, datetime, time, timedelta

import pytest
from structlog.testing import capture_logs

from pdfocr_watcher.config.choices import FolderKey
from pdfocr_watcher.config.model import Config, Folders, FolderSettings, Retention
from pdfocr_watcher.daemon.changes import purge_without_daemon
from pdfocr_watcher.daemon.retaining import NOTE_NAME, Retaining, ages_of, next_round
from pdfocr_watcher.jobs.folder import result_folder
from pdfocr_watcher.jobs.index import JobIndex, read_entries
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.retention import Ages, Place, Purged
from pdfocr_watcher.jobs.settings import JobSettings
from pdfocr_watcher.jobs.status_file import write_status
from tests.pipeline.doubles import pending_status, until

DAY = timedelta(days=1)
START = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def zone(monkeypatch):
    """The machine's time zone: UTC, unless the test says otherwise."""

    def use(name):
        monkeypatch.setenv("TZ", name)
        clock.tzset()

    use("UTC")
    yield use
    monkeypatch.undo()
    clock.tzset()


@pytest.fixture
def config(tmp_path):
    names = {name: tmp_path / name for name in ("inbox", "jobs", "outbox", "failed")}
    for folder in names.values():
        folder.mkdir()
    folders = Folders(root=tmp_path, **names)
    retention = Retention(completed_days=30, failed_days=60)
    return Config(folders=folders, retention=retention, folder_settings=FolderSettings(allow=(FolderKey.RETENTION,)))


class Watchman:
    """A daemon's clock and its rounds, without waiting."""

    def __init__(self, config):
        self.now = START
        self.purged = []
        self.last = None
        self.retaining = Retaining(config, self._purge, lambda: self.now)

    async def _purge(self, places, _ages):
        self.purged += places
        return Purged(tuple(map(str, places)))

    async def look(self, after=timedelta()):
        """Look at the clock some time later; whether there was a round."""
        self.now += after
        with capture_logs() as lines:
            self.last = await self.retaining.look(self.last)
        return [line["event"] for line in lines]


@pytest.fixture
def watchman(config):
    return Watchman(config)


def put(config, number=1, ended=START - 40 * DAY, ending=Status.COMPLETED):
    """A result in its place."""
    status = pending_status(number).model_copy(
        update={"status": ending, "stage": Stage.DONE, "completed_at": ended, "updated_at": ended}
    )
    root = config.folders.outbox if ending is Status.COMPLETED else config.folders.failed
    folder = result_folder(root, status)
    folder.mkdir(parents=True)
    write_status(folder, status)
    return status, folder


ROUND = ["retention.removed"]


def test_zero_days_are_for_ever(config):
    assert ages_of(config) == Ages(30 * DAY, 60 * DAY, own=True)
    assert ages_of(Config()) == Ages(None, None)


async def test_days_of_a_jobs_own_are_kept_to_in_the_daily_round(config, watchman):
    status, folder = put(config, ended=START - 10 * DAY)
    write_status(folder, status.model_copy(update={"settings": JobSettings(completed_days=9)}))
    put(config, 2, ended=START - 10 * DAY)
    await watchman.look()
    assert await watchman.look(DAY) == ROUND
    assert [str(place) for place in watchman.purged] == [folder.name]


@pytest.mark.parametrize(
    ("zone_name", "last", "at", "expected"),
    [
        ("UTC", "2027-03-01T12:00+00:00", "03:30", "2027-03-02T03:30+00:00"),
        ("UTC", "2027-03-01T03:29+00:00", "03:30", "2027-03-01T03:30+00:00"),
        ("UTC", "2027-03-01T03:30+00:00", "03:30", "2027-03-02T03:30+00:00"),
        ("UTC", "2027-12-31T23:59+00:00", "00:00", "2028-01-01T00:00+00:00"),
        ("JST-9", "2027-03-01T23:00+00:00", "07:00", "2027-03-02T22:00+00:00"),
        ("JST-9", "2027-03-01T20:00+00:00", "07:00", "2027-03-01T22:00+00:00"),
        ("HST10", "2027-03-02T05:00+00:00", "23:00", "2027-03-02T09:00+00:00"),
        # The clocks go from 02:00 to 03:00 on 28 March, and from 03:00 to 02:00 on 31 October.
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2027-03-27T12:00+00:00", "03:30", "2027-03-28T01:30+00:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2027-03-27T12:00+00:00", "02:30", "2027-03-28T00:30+00:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2027-03-28T00:30+00:00", "02:30", "2027-03-29T00:30+00:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2027-10-30T12:00+00:00", "02:30", "2027-10-31T00:30+00:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2027-10-31T00:30+00:00", "02:30", "2027-11-01T01:30+00:00"),
    ],
)
def test_a_round_is_once_a_day_by_the_clock_on_the_wall(zone, zone_name, last, at, expected):
    zone(zone_name)
    found = next_round(datetime.fromisoformat(last), time.fromisoformat(at))
    assert found == datetime.fromisoformat(expected)


async def test_the_first_round_of_all_is_at_its_time_and_then_each_day_has_one(watchman):
    assert await watchman.look() == []
    assert await watchman.look(timedelta(hours=15)) == []
    assert await watchman.look(timedelta(minutes=31)) == ROUND
    assert await watchman.look(timedelta(minutes=1)) == []
    assert await watchman.look(timedelta(hours=23, minutes=57)) == []
    assert await watchman.look(timedelta(minutes=1)) == ROUND


async def test_a_round_that_was_missed_is_made_up_for_after_the_next_start(config, watchman):
    await watchman.look()
    later = Watchman(config)
    later.last = watchman.last
    assert await later.look(timedelta(days=1)) == ROUND
    assert await later.look() == []


async def test_ages_that_are_given_while_the_daemon_runs_are_kept_to_from_then_on(config, monkeypatch):
    monkeypatch.setattr("pdfocr_watcher.daemon.retaining._INTERVAL", 0.01)
    put(config)
    none = {"retention": Retention(), "folder_settings": FolderSettings(allow=())}
    watchman = Watchman(config.model_copy(update=none))
    running = asyncio.create_task(watchman.retaining.run())
    await asyncio.sleep(0.05)
    assert not (config.folders.jobs / NOTE_NAME).exists()
    watchman.retaining.configure(config)
    await until((config.folders.jobs / NOTE_NAME).exists)
    watchman.now += DAY
    await until(lambda: watchman.purged)
    running.cancel()


@pytest.mark.parametrize("jump", [timedelta(days=11), timedelta(days=365 * 72)])
async def test_a_clock_that_jumps_ahead_removes_nothing(config, watchman, jump):
    put(config)
    await watchman.look()
    assert await watchman.look(jump) == ["retention.clock_jumped"]
    assert watchman.purged == []
    # It is put right: nothing was removed, and the days go on.
    assert await watchman.look(DAY / 2 - jump) == []
    assert await watchman.look(DAY) == ROUND
    assert len(watchman.purged) == 1


async def test_a_pause_that_was_meant_costs_one_round(watchman):
    await watchman.look()
    assert await watchman.look(timedelta(days=40)) == ["retention.clock_jumped"]
    assert await watchman.look(DAY) == ROUND


async def test_a_clock_that_is_set_back_is_followed(watchman):
    await watchman.look()
    assert await watchman.look(-timedelta(days=3650)) == []
    assert await watchman.look(DAY) == ROUND


async def test_all_that_is_due_goes_a_few_at_a_time(config, watchman, monkeypatch):
    monkeypatch.setattr("pdfocr_watcher.daemon.retaining.BATCH", 3)
    sizes = []
    real = watchman.retaining._purge

    async def counted(places, ages):
        sizes.append(len(places))
        return await real(places, ages)

    watchman.retaining._purge = counted
    for number in range(1, 8):
        put(config, number)
    put(config, 8, START - 20 * DAY)
    put(config, 9, START - 40 * DAY, Status.FAILED)
    put(config, 10, START - 70 * DAY, Status.FAILED)
    await watchman.look()
    await watchman.look(DAY)
    assert sizes == [3, 3, 2]
    assert {place.parts[0] for place in watchman.purged} == {f"letter.{number:08x}" for number in (*range(1, 8), 10)}


async def test_what_stays_is_logged_but_not_without_end(config, watchman):
    for number in range(1, 60):
        put(config, number)

    async def refuse(places, _ages):
        return Purged(kept=tuple(map(str, places)))

    watchman.retaining._purge = refuse
    await watchman.look()
    lines = await watchman.look(DAY)
    assert (lines.count("retention.kept"), lines[-1]) == (20, "retention.removed")


async def running(retaining, seconds=0.3, **options):
    """Let it run for a moment."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await retaining.run(**options)


async def test_the_last_round_is_remembered_from_daemon_to_daemon(config, watchman):
    await running(watchman.retaining)
    assert (config.folders.jobs / NOTE_NAME).exists()
    put(config)
    next_day = Watchman(config)
    next_day.now += DAY
    await running(next_day.retaining)
    assert len(next_day.purged) == 1
    same_day = Watchman(config)
    same_day.now += DAY
    await running(same_day.retaining)
    assert same_day.purged == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"last_round": 3}', b'{"last_round": "2027-03-01"}'])
async def test_a_note_that_says_nothing_is_none(config, watchman, content):
    put(config)
    (config.folders.jobs / NOTE_NAME).write_bytes(content)
    await running(watchman.retaining)
    assert watchman.purged == []


async def test_a_note_that_cannot_be_written_stops_nothing(config, watchman):
    (config.folders.jobs / NOTE_NAME).mkdir()
    assert await watchman.look() == ["retention.note_refused"]
    assert await watchman.look(DAY) == [*ROUND, "retention.note_refused"]


async def test_where_everything_is_kept_and_with_once_nothing_is_ever_looked_at(config):
    put(config)
    note = config.folders.jobs / NOTE_NAME
    note.write_text('{"last_round": "2027-02-28T00:00:00+00:00"}')
    kept = Watchman(config.model_copy(update={"retention": Retention()}))
    only_once = Watchman(config)
    await running(kept.retaining)
    await running(only_once.retaining, once=True)
    assert kept.purged == only_once.purged == []
    await running(Watchman(config).retaining)
    assert "2027-03-01" in note.read_text()


def test_without_a_daemon_the_index_follows_and_is_rebuilt_where_there_is_none(config):
    index = config.folders.root / "index.json"
    _, old = put(config, 1)
    put(config, 2, START)
    ages, places = Ages(30 * DAY, None), [Place(Status.COMPLETED, ("letter.00000001",))]
    assert len(purge_without_daemon(config, places, ages, START).job_ids) == 1
    assert not old.exists()
    assert [entry["job_id"][-1] for entry in read_entries(index)] == ["2"]

    status, folder = put(config, 1)
    opened = JobIndex(index, 100)
    opened.put(status, folder)
    opened.flush(force=True)
    assert len(purge_without_daemon(config, places, ages, START).job_ids) == 1
    assert [entry["job_id"][-1] for entry in read_entries(index)] == ["2"]
