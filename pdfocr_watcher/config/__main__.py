"""Writes config.yaml and docs/configuration.md, made from the model, into the current directory."""

from pathlib import Path

from pdfocr_watcher.config.reference import reference_markdown, sample_yaml


def write_reference(folder: Path) -> None:
    """Write both files, over what is there."""
    (folder / "config.yaml").write_text(sample_yaml(), encoding="utf-8")
    page = folder / "docs" / "configuration.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(reference_markdown(), encoding="utf-8")


if __name__ == "__main__":
    write_reference(Path())
