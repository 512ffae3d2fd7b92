"""A folder below another is reached without following a link, and held whatever becomes of its name."""

import os
from pathlib import PurePosixPath

import pytest

from pdfocr_watcher.jobs.descent import GONE, descend


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root" / "a" / "b").mkdir(parents=True)
    (tmp_path / "outside" / "b").mkdir(parents=True)
    return tmp_path / "root"


def way_to(root, path):
    return descend(root, PurePosixPath(path).parts)


@pytest.mark.parametrize("path", ["", ".", "a", "a/b"])
def test_it_is_the_very_folder(root, path):
    with way_to(root, path) as way:
        assert way.here.samefile(root / path)


def test_the_root_may_be_a_link(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    with way_to(tmp_path / "link", "a/b") as way:
        assert way.here.samefile(root / "a/b")


@pytest.mark.parametrize("part", ["a", "a/b"])
def test_a_part_that_is_a_link_counts_as_gone(root, tmp_path, part):
    (root / part).rename(tmp_path / "moved")
    (root / part).symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="directory") as caught, way_to(root, "a/b"):
        pass
    assert caught.value.errno in GONE


@pytest.mark.parametrize("path", ["missing", "a/missing/b", "file"])
def test_what_is_not_there_or_no_folder_counts_as_gone(root, path):
    (root / "file").touch()
    with pytest.raises(OSError, match="directory") as caught, way_to(root, path):
        pass
    assert caught.value.errno in GONE


@pytest.mark.parametrize("path", ["..", "a/../..", "/etc", "//etc", "a/.."])
def test_no_path_leads_out(root, path):
    with pytest.raises(OSError, match="out of its root"), way_to(root, path):
        pass


def test_what_is_done_in_it_is_done_there_though_another_takes_its_name(root, tmp_path):
    with way_to(root, "a/b") as way:
        (root / "a").rename(tmp_path / "moved")
        (root / "a").symlink_to(tmp_path / "outside")
        (way.here / "new.pdf").touch()
    assert (tmp_path / "moved/b/new.pdf").exists()
    assert os.listdir(tmp_path / "outside/b") == []


def test_no_descriptor_is_left_open(root):
    before = len(os.listdir("/proc/self/fd"))
    for path in ("a/b", "a/missing", ".."):
        try:
            with way_to(root, path):
                pass
        except OSError:
            continue
    assert len(os.listdir("/proc/self/fd")) == before
