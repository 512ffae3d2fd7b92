"""A checkpoint gives back the page that was put in, and one that cannot be trusted is none."""

import errno
import json
import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdfocr_watcher.document.figures import figure_crops
from pdfocr_watcher.document.model import GRID, Block, Box, FailedPage, Label, Page, TextLine
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs import checkpoint
from pdfocr_watcher.jobs.checkpoint import Checkpoint, read_checkpoint, write_failed_page, write_page
from pdfocr_watcher.jobs.folder import JobFolder

grid = st.integers(0, GRID)
boxes = st.builds(lambda x, y: Box(min(x), min(y), max(x), max(y)), st.tuples(grid, grid), st.tuples(grid, grid))
blocks = st.builds(
    Block,
    label=st.sampled_from(Label),
    boxes=st.lists(boxes, max_size=3).map(tuple),
    content=st.text(st.characters(exclude_categories=("Cs",))),
    confidence=st.none() | st.floats(0, 1),
    uncertain=st.none() | st.just(Label.TABLE),
)
texts = st.text(st.characters(exclude_categories=("Cs",)))
pixels = st.integers(-5, 20_000)
lines = st.builds(
    TextLine,
    box=st.tuples(pixels, pixels, pixels, pixels),
    text=texts,
    confidence=st.floats(0, 1),
    words=st.lists(st.tuples(pixels, pixels, texts), max_size=3).map(tuple),
)
pages = st.builds(
    Page,
    index=st.integers(0, 30_000),
    width=st.integers(1, 20_000),
    height=st.integers(1, 20_000),
    dpi=st.floats(36, 1200),
    blocks=st.lists(blocks, max_size=6).map(tuple),
    lines=st.lists(lines, max_size=3).map(tuple),
)

FIGURE = Block(Label.IMAGE, (Box(0, 0, 10, 10), Box(0, 20, 10, 30)), "")
PAGE = Page(2, 100, 100, 72.0, (FIGURE,))
FIGURES = {"2_0.jpg": b"first", "2_1.jpg": b"second"}


@pytest.fixture
def folder(tmp_path):
    return JobFolder(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(pages)
def test_a_page_comes_back_as_it_went_in(folder, page):
    write_page(folder, page, b"jpeg", {crop.filename: b"jpeg" for crop in figure_crops(page)})
    assert read_checkpoint(folder.checkpoint(page.index)) == Checkpoint(page, None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(st.integers(0, 30_000), st.sampled_from(ErrorCode), st.text(st.characters(exclude_categories=("Cs",))))
def test_a_failed_page_comes_back_as_it_went_in(folder, index, code, message):
    failed = FailedPage(index, code.value, message)
    write_failed_page(folder, failed)
    assert read_checkpoint(folder.checkpoint(index)) == Checkpoint(None, failed)


def test_a_lone_surrogate_that_an_engine_said_costs_one_character_and_not_the_page(folder):
    write_page(folder, Page(0, 9, 9, 72.0, (Block(Label.TEXT, (), "a\udcffb"),)), b"jpeg", {})
    assert read_checkpoint(folder.checkpoint(0)).page.blocks[0].content == "a\ufffdb"
    write_failed_page(folder, FailedPage(1, ErrorCode.ENGINE_FAILED, "said \ud800"))
    assert read_checkpoint(folder.checkpoint(1)).failed.message == "said \ufffd"


def test_everything_that_a_page_needs_lies_there_and_the_json_comes_last(folder, monkeypatch, names_below):
    order = []
    write, sync = checkpoint.write_file, checkpoint.sync_folder
    monkeypatch.setattr(checkpoint, "write_file", lambda path, data: (order.append(path.name), write(path, data)))
    monkeypatch.setattr(checkpoint, "sync_folder", lambda path: (order.append(path.name), sync(path)))
    write_page(folder, PAGE, b"jpeg", FIGURES)
    top = folder.path.name
    assert order == [
        top, "2_0.jpg", "2_1.jpg", "images",
        top, "0002.jpg", "0002.json", "pages",
    ]  # fmt: skip
    assert names_below(folder.path) == [
        "images", "images/2_0.jpg", "images/2_1.jpg", "pages", "pages/0002.jpg", "pages/0002.json",
    ]  # fmt: skip
    order.clear()
    write_page(folder, replace(PAGE, index=3, blocks=()), b"jpeg", {})
    assert order == ["0003.jpg", "0003.json", "pages"]


@pytest.mark.parametrize("missing", ["images/2_0.jpg", "images/2_1.jpg", "pages/0002.jpg"])
def test_a_page_whose_picture_or_figure_is_missing_is_read_again(folder, missing):
    write_page(folder, PAGE, b"jpeg", FIGURES)
    assert read_checkpoint(folder.checkpoint(2)) is not None
    (folder.path / missing).unlink()
    assert read_checkpoint(folder.checkpoint(2)) is None


def test_figures_of_an_earlier_reading_do_not_stay(folder):
    """A crash between the figures and the checkpoint, then another reading that sees fewer figures."""
    folder.images.mkdir()
    for name in ("2_0.jpg", "2_1.jpg", "2_2.jpg", "2_3.jpg", "20_0.jpg", "1_0.jpg"):
        (folder.images / name).touch()
    write_page(folder, PAGE, b"jpeg", FIGURES)
    assert sorted(os.listdir(folder.images)) == ["1_0.jpg", "20_0.jpg", "2_0.jpg", "2_1.jpg"]
    write_failed_page(folder, FailedPage(2, ErrorCode.ENGINE_FAILED, ""))
    assert sorted(os.listdir(folder.images)) == ["1_0.jpg", "20_0.jpg"]
    assert read_checkpoint(folder.checkpoint(2)).failed is not None


def good():
    return {"schema_version": 1, "page": PAGE.to_dict()}


def changed(**page):
    return {"schema_version": 1, "page": {**PAGE.to_dict(), **page}}


def failed(**values):
    return {"schema_version": 1, "failed": {"index": 2, "code": "internal", "message": "", **values}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"null",
        b"7",
        b'"text"',
        b"{}",
        {**good(), "schema_version": 2},
        {"schema_version": 1},
        {"schema_version": 1, "page": None},
        {"schema_version": 1, "page": []},
        changed(index=3),
        changed(index=None),
        changed(width=float("inf")),
        changed(blocks=None),
        changed(blocks=[7]),
        changed(blocks=[{"label": "nonsense", "boxes": [], "content": "", "confidence": None}]),
        changed(blocks=[{"label": "text", "boxes": [[1, 2, 3]], "content": "", "confidence": None}]),
        changed(blocks=[{"label": "text", "boxes": [[9, 2, 3, 4]], "content": "", "confidence": None}]),
        changed(blocks=[{"label": "text", "boxes": [["a", "b", "c", "d"]], "content": "", "confidence": None}]),
        failed(index=3),
        failed(index="x"),
        failed(code="bad_luck"),
        {"schema_version": 1, "failed": {"index": 2}},
        {"schema_version": 1, "failed": None},
    ],
)
def test_what_is_no_valid_checkpoint_is_none(folder, content):
    write_page(folder, PAGE, b"jpeg", FIGURES)
    path = folder.checkpoint(2)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    assert read_checkpoint(path) is None
    path.write_text(json.dumps(good()))
    assert read_checkpoint(path) == Checkpoint(PAGE, None)


def test_a_checkpoint_that_cannot_be_read_is_an_error(folder):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(folder.checkpoint(0))


def test_a_job_that_was_deleted_is_not_made_again_by_its_last_page(tmp_path):
    gone = JobFolder(tmp_path / "gone")
    for write in (
        lambda: write_page(gone, PAGE, b"jpeg", FIGURES),
        lambda: write_page(gone, replace(PAGE, blocks=()), b"jpeg", {}),
        lambda: write_failed_page(gone, FailedPage(0, ErrorCode.INTERNAL, "")),
    ):
        with pytest.raises(FileNotFoundError) as caught:
            write()
        assert caught.value.errno == errno.ENOENT
    assert os.listdir(tmp_path) == []
