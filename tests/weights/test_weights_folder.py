"""The weights are looked for where the user's data lies, then where the machine's does."""

from pathlib import Path

import pytest

from pdfocr_watcher.weights import folder as module
from pdfocr_watcher.weights.folder import weights_folder
from pdfocr_watcher.weights.installing import install


@pytest.fixture
def home(wheels, tmp_path):
    del wheels
    return {"HOME": str(tmp_path / "home")}


def test_a_user_gets_them_below_the_home_folder_and_root_for_all(home):
    assert weights_folder("", home, root=False) == Path(home["HOME"]) / ".local/share/pdfocr-watcher/models"
    assert weights_folder("", home, root=True) == module.MACHINE


def test_the_xdg_variable_is_followed(home, tmp_path):
    environ = {**home, "XDG_DATA_HOME": str(tmp_path / "data")}
    assert weights_folder("", environ, root=False) == tmp_path / "data" / "pdfocr-watcher/models"


def test_what_root_installed_is_found_by_a_service(home, wheels):
    list(install(module.MACHINE, wheels))
    assert weights_folder("", home, root=False) == module.MACHINE


def test_those_of_the_user_come_first(home, wheels):
    own = weights_folder("", home, root=False)
    list(install(module.MACHINE, wheels))
    list(install(own, wheels))
    assert weights_folder("", home, root=False) == weights_folder("", home, root=True) == own


def test_a_configured_folder_goes_over_all(home, wheels):
    list(install(module.MACHINE, wheels))
    assert weights_folder("/srv/models", home, root=True) == Path("/srv/models")
    assert weights_folder("~/models", home, root=False) == Path(home["HOME"]) / "models"


def test_without_a_home_there_is_a_folder_all_the_same(home):
    del home
    assert weights_folder("", {}, root=False).is_absolute()
