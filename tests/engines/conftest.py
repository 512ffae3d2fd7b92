"""The weights of the layout model and the table model, where they are installed."""

import os
from pathlib import Path

import pytest

from pdfocr_watcher.weights.catalogue import all_weights
from pdfocr_watcher.weights.folder import State, folder_in_force, state_of


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder that PDFOCR_MODELS names, or where `models install` put them; the test is skipped without."""
    named = os.environ.get("PDFOCR_MODELS")
    folder = Path(named) if named else folder_in_force("")
    missing = [one.file for one in all_weights() if state_of(folder, one) is not State.GOOD]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} in {folder}; `pdfocr-watcher models install` gets them")
    return folder
