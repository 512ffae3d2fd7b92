"""Two daemons: on the same jobs or the same root the second is refused, and only a living one stands for the first."""

import contextlib
import os
import signal
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from pdfocr_watcher.jobs.lock import LOCK_NAME
from tests.end_to_end.documents import with_endless_page
from tests.end_to_end.harness import Daemon, Site, read_json, wait_for
from tests.pdfs import born_digital


def _start_another(site: Site, **folders: Path) -> Daemon:
    """Start a daemon of which some folders lie elsewhere."""
    names = {f"PDFOCR_WATCHER__FOLDERS__{name.upper()}": str(path) for name, path in folders.items()}
    return site.start({**os.environ, **names}, ready=False)


def test_one_root_is_for_one_daemon_wherever_the_jobs_lie(site: Site) -> None:
    """Or the two would overwrite each other's health.json and index."""
    first = site.start()
    second = _start_another(site, jobs=site.base / "jobs-elsewhere")
    assert second.wait() == 75
    said = second.log.read_text()
    assert f"process {first.process.pid} on " in said
    assert "folders.root" in said
    assert site.health()["pid"] == first.process.pid


def test_jobs_are_for_one_daemon_wherever_the_root_lies(site: Site) -> None:
    first = site.start()
    (root := site.base / "another-root").mkdir()
    second = _start_another(site, root=root, inbox=site.inbox, jobs=site.jobs, outbox=site.outbox, failed=site.failed)
    assert second.wait() == 75
    assert f"process {first.process.pid} on " in second.log.read_text()
    assert list(root.iterdir()) == []


def test_an_inbox_and_an_outbox_may_be_shared(site: Site) -> None:
    site.start()
    (root := site.base / "another-root").mkdir()
    second = _start_another(site, root=root, inbox=site.inbox, outbox=site.outbox, failed=site.failed)
    wait_for(lambda: (read_json(root / "health.json") or {}).get("state") == "running", "both run")
    for number in range(20):
        site.drop(f"{number}.pdf", born_digital())
    jobs = site.all_results(None, 20)
    assert len({job.status["source"] for job in jobs}) == 20
    assert second.stop() == 0


def test_a_lock_whose_file_was_removed_keeps_the_second_out_all_the_same(site: Site) -> None:
    first = site.start()
    for folder in (site.jobs, site.root):
        (folder / LOCK_NAME).unlink()
    second = site.start(ready=False)
    assert second.wait() == 75
    assert first.process.poll() is None


def test_what_a_killed_daemon_leaves_running_does_not_hold_its_locks(site: Site) -> None:
    """Its worker and its renderer hang, so that they outlive it for as long as they can."""
    daemon = site.start()
    site.drop("endless.pdf", with_endless_page(1, endless=1))
    wait_for(lambda: len(daemon.descendants()) >= 2, "a worker and a renderer")
    left = daemon.descendants()
    held = {path.readlink() for process in left for path in Path(f"/proc/{process.pid}/fd").iterdir()}
    assert held
    assert held.isdisjoint({site.jobs, site.root, site.jobs / LOCK_NAME, site.root / LOCK_NAME})
    for process in left:
        process.suspend()
    os.kill(daemon.process.pid, signal.SIGKILL)
    daemon.wait()
    try:
        site.start()
    finally:
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
