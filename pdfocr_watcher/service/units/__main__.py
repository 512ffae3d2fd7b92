"""Rewrite `systemd/` in the repository."""

from pathlib import Path

from pdfocr_watcher.service.units import repository_files

if __name__ == "__main__":
    for path, text in repository_files().items():
        file = Path(__file__).parents[3] / "systemd" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
