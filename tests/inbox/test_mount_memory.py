"""An inbox on a mount that is not there looks like an empty folder; what it was is remembered, over restarts too."""

from types import SimpleNamespace

import pytest

from pdfocr_watcher.inbox import mount_memory
from pdfocr_watcher.inbox.mount_memory import MEMORY_NAME, MountMemory
from pdfocr_watcher.jobs import mounts
from pdfocr_watcher.jobs.mounts import Mount, dropped

ROOT = Mount(1, 0, "/", "ext4")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An inbox, a jobs folder, and the mounts that there are, to be changed."""

    inbox, jobs = tmp_path / "share" / "inbox", tmp_path / "jobs"
    inbox.mkdir(parents=True)
    jobs.mkdir()
    places = SimpleNamespace(inbox=inbox, jobs=jobs, points=[], file=jobs / MEMORY_NAME)
    places.memory = lambda: MountMemory(inbox, jobs)

    def table():
        return (ROOT, *(Mount(number, 1, str(point), "cifs") for number, point in enumerate(places.points, 2)))

    monkeypatch.setattr(mounts, "table", table)
    return places


@pytest.mark.parametrize("point", ["inbox", "above it"])
def test_a_mount_that_was_dropped_is_noticed_and_so_is_its_return(places, point):
    mount = places.inbox if point == "inbox" else places.inbox.parent
    places.points = [mount]
    memory = places.memory()
    assert memory.missing() is None
    places.points = []
    for one in (memory, places.memory()):  # the same daemon, and one that was started anew
        assert str(mount) in one.missing()
        assert str(places.file) in one.missing()
    places.points = [mount]
    assert memory.missing() is None


def test_a_plain_folder_is_never_missing_and_nothing_is_kept_of_it(places):
    memory = places.memory()
    assert memory.missing() is None
    assert not places.file.exists()


def test_a_folder_that_became_a_mount_is_remembered(places):
    memory = places.memory()
    assert memory.missing() is None
    places.points = [places.inbox]
    assert memory.missing() is None
    assert places.file.read_text() == f"{places.inbox}\n"


def test_who_removes_the_file_means_a_plain_folder(places):
    places.points = [places.inbox]
    memory = places.memory()
    memory.missing()
    places.points = []
    assert memory.missing()
    places.file.unlink()
    assert memory.missing() is None
    assert not places.file.exists()


def test_an_inbox_that_was_configured_elsewhere_is_another(places, tmp_path):
    places.points = [places.inbox]
    places.memory().missing()
    places.points = []
    (tmp_path / "other").mkdir()
    assert MountMemory(tmp_path / "other", places.jobs).missing() is None
    assert not places.file.exists()


def test_a_link_that_is_re_pointed_is_another_inbox(places, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(places.inbox)
    places.points = [places.inbox]
    memory = MountMemory(link, places.jobs)
    memory.missing()
    (tmp_path / "other").mkdir()
    link.unlink()
    link.symlink_to(tmp_path / "other")
    assert memory.missing() is None


def test_where_the_jobs_lie_on_the_same_mount_nothing_is_kept(places, tmp_path):
    """They would be gone with it."""
    places.points = [tmp_path]
    assert places.memory().missing() is None
    assert not places.file.exists()


def test_a_jobs_folder_that_refuses_is_no_trouble(places, monkeypatch):
    def refuse(*_):
        raise OSError(30, "read-only file system")

    monkeypatch.setattr(mount_memory, "write_durably", refuse)
    places.points = [places.inbox]
    memory = places.memory()
    assert memory.missing() is None
    assert not places.file.exists()


def test_a_name_with_odd_bytes_is_remembered(places):
    odd = places.inbox / "caf\udce9 \n"
    odd.mkdir()
    places.points = [odd]
    MountMemory(odd, places.jobs).missing()
    places.points = []
    assert MountMemory(odd, places.jobs).missing()


@pytest.mark.parametrize(
    ("table", "point", "path", "expected"),
    [
        ([ROOT], "/mnt/share", "/mnt/share/inbox", True),
        ([ROOT, Mount(2, 1, "/mnt", "ext4")], "/mnt/share", "/mnt/share/inbox", True),
        ([ROOT, Mount(2, 1, "/mnt/share", "cifs")], "/mnt/share", "/mnt/share/inbox", False),
        ([ROOT, Mount(2, 1, "/mnt/share/inbox", "cifs")], "/mnt/share", "/mnt/share/inbox", False),
        ([ROOT], "/mnt/share", "/srv/inbox", False),
        ([ROOT], "/mnt/share", "/mnt/shared/inbox", False),
        ([ROOT], "", "/srv/inbox", False),
        ([ROOT], "/", "/srv/inbox", False),
        ([], "/mnt/share", "/mnt/share/inbox", False),
    ],
)
def test_a_mount_is_dropped_where_the_folder_below_it_serves_now(table, point, path, expected):
    assert dropped(table, point, path) is expected
