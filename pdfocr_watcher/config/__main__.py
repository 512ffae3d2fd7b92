"""Writes config.yaml and docs/configuration.md, and the list in docs/models.md, into the current directory."""

from pathlib import Path

from pdfocr_watcher.config.profile_page import with_profiles
from pdfocr_watcher.config.reference import reference_markdown, sample_yaml


def write_reference(folder: Path) -> None:
    """Write both files, over what is there; of docs/models.md, where it is, only the part that is made."""
    (folder / "config.yaml").write_text(sample_yaml(), encoding="utf-8")
    page = folder / "docs" / "configuration.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(reference_markdown(), encoding="utf-8")
    models = folder / "docs" / "models.md"
    if models.exists():
        models.write_text(with_profiles(models.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write_reference(Path())
