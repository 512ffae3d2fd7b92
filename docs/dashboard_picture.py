"""Draws docs/dashboard.png: the dashboard with made-up jobs, as headless Chromium shows it.

`python docs/dashboard_picture.py` from the top of the repository; it needs `chromium` on the path.
"""

import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from pdfocr_watcher.errors import FAILURES, ErrorCode
from pdfocr_watcher.jobs.model import Stage
from pdfocr_watcher.service.dashboard.board import Board, Card
from pdfocr_watcher.service.dashboard.page import page
from pdfocr_watcher.service.health import DaemonState, Health, JobCounts, PagesPerMinute

_PICTURE = Path(__file__).with_name("dashboard.png")
_OUTPUTS = {"markdown": "output.mmd", "layouts": "output_layouts.pdf", "images": "images"}
#: So few colours make a small file.
_COLOURS = 200


def sample(now: datetime) -> Board:
    """A service in the middle of its work."""
    health = Health(
        state=DaemonState.RUNNING,
        heartbeat=now,
        started_at=now - timedelta(days=3, hours=5),
        version="0.1.0",
        host="scanserver",
        engine="rapidocr",
        engine_state="ready",
        engine_model="PP-OCRv6",
        jobs_waiting=7,
        jobs_in_work=3,
        files_in_inbox=2,
        oldest_waiting_seconds=260,
        jobs=JobCounts(pending=7, processing=3, completed=1284, failed=6),
        pages_done=18_422,
        pages_per_minute=PagesPerMinute(last_minute=41.5, last_15_minutes=38.9),
        free_bytes=412_300_000_000,
        events_lost=0,
    )
    return Board(
        health,
        5.0,
        (
            _working("3f9a1c2b", "library/The Voyage of the Beagle.pdf", Stage.RECOGNIZING, 212, 524, 470.0, now),
            _working("8d20e7f1", "accounts/2026/Invoice 4711.pdf", Stage.RECOGNIZING, 2, 3, 2.0, now),
            _working("b56f0a93", "Grundbuchauszug Müller.pdf", Stage.RENDERING, 0, 18, None, now),
        ),
        tuple(
            Card(f"x-{job}", name, Stage.QUEUED, now - timedelta(seconds=age))
            for job, name, age in (
                ("51c9ab04", "minutes/Board meeting 12.pdf", 260),
                ("e2a7730d", "minutes/Board meeting 13.pdf", 259),
                ("07bd4f68", "契約書 2026.pdf", 94),
            )
        ),
        (
            _finished("c4410b7e", "accounts/2026/Invoice 4710.pdf", 3, 0, 2, now - timedelta(minutes=1)),
            _finished("19fe52d8", "Letter from the council.pdf", 1, 0, 0, now - timedelta(minutes=2)),
            _finished("aa03d9c5", "library/On the Origin of Species.pdf", 502, 2, 31, now - timedelta(minutes=19)),
        ),
        (
            Card(
                "x-6e81f2b0",
                "scans/scan_0007.pdf",
                Stage.DONE,
                now - timedelta(minutes=47),
                error_code=ErrorCode.PDF_ENCRYPTED,
                error_message=f"{FAILURES[ErrorCode.PDF_ENCRYPTED].cause} {FAILURES[ErrorCode.PDF_ENCRYPTED].advice}",
                folder="../failed/scans/scan_0007.6e81f2b0",
            ),
        ),
    )


def _working(job: str, name: str, stage: Stage, done: int, total: int, eta: float | None, now: datetime) -> Card:
    return Card(f"x-{job}", name, stage, now, total, done, eta_seconds=eta)


def _finished(job: str, name: str, pages: int, failed: int, figures: int, ended: datetime) -> Card:
    folder = f"../outbox/{job}"
    outputs = {key: f"{folder}/{path}" for key, path in _OUTPUTS.items()}
    return Card(
        f"x-{job}", name, Stage.DONE, ended, pages, pages, failed, folder=folder, outputs=outputs, image_count=figures
    )


def photograph(html: Path, picture: Path, width: int, height: int) -> None:
    """Have Chromium draw a page."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
            f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--screenshot={picture}", html.as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def main() -> None:
    """Draw the picture; with two arguments, of a page that there is already, so many pixels wide."""
    if len(sys.argv) > 2:  # noqa: PLR2004 - the page and the width
        photograph(Path(sys.argv[1]).absolute(), Path("dashboard.png").absolute(), int(sys.argv[2]), 2000)
        return
    with tempfile.TemporaryDirectory() as folder:
        html = Path(folder) / "index.html"
        html.write_bytes(page(sample(datetime.now(UTC))))
        photograph(html, _PICTURE, 1100, 1160)
    with Image.open(_PICTURE) as picture:
        picture.convert("RGB").quantize(_COLOURS).save(_PICTURE, optimize=True)


if __name__ == "__main__":
    main()
