"""Checkpoints become outputs: the same bytes every time, every page in its place, one page in memory."""

import io
import os

import pikepdf
import pytest
from PIL import Image

from pdfocr_watcher.document.grounding import page_grounding
from pdfocr_watcher.document.layouts import layout_picture
from pdfocr_watcher.document.markdown import PAGE_SPLIT, page_markdown
from pdfocr_watcher.document.model import Block, Box, FailedPage, Label, Page
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import write_failed_page, write_page
from pdfocr_watcher.jobs.durable import is_temporary, temporary_name
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.pipeline import assembly
from pdfocr_watcher.pipeline.assembly import assemble


def page(index, level=1, width=200, height=300, dpi=100.0):
    blocks = (
        Block(
            Label.TITLE if level == 1 else Label.SUB_TITLE, (Box(10, 10, 900, 60),), f"{'#' * level} Sheet {index + 1}"
        ),
        Block(Label.IMAGE, (Box(100, 200, 500, 600),), ""),
    )
    return Page(index, width, height, dpi, blocks)


def checkpoint(folder, one):
    image = Image.new("RGB", (one.width, one.height), (one.index * 40 % 256, 90, 200))
    buffer = io.BytesIO()
    image.crop((0, 0, 20, 20)).save(buffer, "JPEG")
    write_page(folder, one, layout_picture(image, one, 100, 80), {f"{one.index}_0.jpg": buffer.getvalue()})


def failed(index):
    return FailedPage(index, "render_failed", "no picture came")


@pytest.fixture
def make_folder(tmp_path):
    def make(name="job", pages=(0, 1, 2), failures=()):
        folder = JobFolder(tmp_path / name)
        folder.path.mkdir()
        for index in pages:
            checkpoint(folder, page(index))
        for index in failures:
            write_failed_page(folder, failed(index))
        return folder

    return make


def contents(folder):
    return {
        name: (folder.path / name).read_bytes() for name in ("output.mmd", "output_det.mmd", "output_layouts.pdf")
    } | {f"images/{name}": (folder.images / name).read_bytes() for name in os.listdir(folder.images)}


def page_sizes(folder):
    with pikepdf.open(folder.layouts) as pdf:
        return [tuple(float(side) for side in sheet.mediabox[2:]) for sheet in pdf.pages]


def test_the_texts_hold_every_page_in_order_and_the_figures_are_counted(make_folder):
    folder = make_folder()
    assert assemble(folder, 3) == 3
    as_seen = [page(0), page(1, level=2), page(2, level=2)]
    assert folder.markdown.read_text() == "".join(map(page_markdown, as_seen))
    assert folder.grounding.read_text() == "".join(map(page_grounding, as_seen))
    assert page_sizes(folder) == [(144, 216)] * 3


def test_the_same_checkpoints_give_the_same_bytes_whoever_wrote_them_and_in_which_order(make_folder):
    first, second = make_folder("one", (0, 1, 2), (3,)), make_folder("two", (2, 0, 1), (3,))
    assemble(first, 4)
    assemble(second, 4)
    assert contents(first) == contents(second)


def test_putting_together_again_changes_nothing(make_folder):
    folder = make_folder()
    assemble(folder, 3)
    before = contents(folder)
    assert assemble(folder, 3) == 3
    assert contents(folder) == before


def test_a_first_page_that_failed_has_its_place_in_every_output_as_an_a4_page(make_folder):
    folder = make_folder(pages=(1,), failures=(0,))
    assemble(folder, 2)
    for text in (folder.markdown.read_text(), folder.grounding.read_text()):
        first, second, end = text.split(PAGE_SPLIT)
        assert "Page 1 could not be read" in first
        assert "render_failed" in first
        assert "Sheet 2" in second
        assert end == ""
    (a4, other) = page_sizes(folder)
    assert a4 == pytest.approx((595.28, 841.89), abs=0.01)
    assert other == (144, 216)


def test_a_later_page_that_failed_is_as_large_as_the_one_before_it(make_folder):
    folder = make_folder(pages=(0, 2), failures=(1,))
    assemble(folder, 3)
    assert page_sizes(folder) == [(144, 216)] * 3


def test_figures_keep_the_number_of_their_page_when_an_earlier_page_failed(make_folder):
    folder = make_folder(pages=(1,), failures=(0,))
    assert assemble(folder, 2) == 1
    assert "](images/1_0.jpg)" in folder.markdown.read_text()
    assert os.listdir(folder.images) == ["1_0.jpg"]


def test_there_is_an_images_folder_though_there_is_no_figure(make_folder):
    folder = make_folder(pages=(), failures=(0,))
    assert assemble(folder, 1) == 0
    assert os.listdir(folder.images) == []


def test_a_figure_whose_writing_was_broken_off_is_not_counted(make_folder):
    folder = make_folder(pages=(0,))
    temporary_name(folder.images / "0_1.jpg").write_bytes(b"half a")
    assert assemble(folder, 1) == 1


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_text('{"schema_version": 1')])
def test_a_page_without_a_valid_checkpoint_is_named(make_folder, spoil):
    folder = make_folder()
    spoil(folder.checkpoint(1))
    with pytest.raises(PdfocrError) as caught:
        assemble(folder, 3)
    assert caught.value.code is ErrorCode.ASSEMBLY_FAILED
    assert "Page 2" in caught.value.detail


def test_a_page_without_its_picture_is_named_and_not_taken_for_a_disk_that_refuses(make_folder):
    folder = make_folder()
    folder.layout_picture(1).unlink()
    with pytest.raises(PdfocrError) as caught:
        assemble(folder, 3)
    assert caught.value.code is ErrorCode.ASSEMBLY_FAILED
    assert "Page 2" in caught.value.detail


def test_an_output_that_was_there_stays_until_the_new_one_is_whole(make_folder):
    folder = make_folder()
    assemble(folder, 3)
    before = contents(folder)
    folder.checkpoint(2).unlink()
    with pytest.raises(PdfocrError):
        assemble(folder, 3)
    assert contents(folder) == before
    folder.remove_leftovers()
    assert not any(is_temporary(name) for name in os.listdir(folder.path))


def test_a_folder_that_refuses_is_an_error_of_the_file_system(make_folder):
    folder = make_folder()
    folder.markdown.mkdir()
    with pytest.raises(OSError, match="directory"):
        assemble(folder, 3)


def test_no_more_than_two_pages_are_in_memory_at_a_time(make_folder, monkeypatch):
    folder = make_folder(pages=range(6))
    events = []
    read, write = assembly.read_checkpoint, assembly.write_layouts_pdf

    def reading(path):
        events.append("read")
        return read(path)

    def written(page):
        events.append("written")
        return page_markdown(page)

    def taken(pictures):
        for picture in pictures:
            events.append("taken")
            yield picture

    monkeypatch.setattr(assembly, "read_checkpoint", reading)
    monkeypatch.setattr(assembly, "page_markdown", written)
    monkeypatch.setattr(assembly, "write_layouts_pdf", lambda pictures, target: write(taken(pictures), target))

    assemble(folder, 6)

    seen, texts, pictures = events[:6], events[6:18], events[18:]
    assert seen == ["read"] * 6
    assert texts == ["read", *["read", "written"] * 5, "written"]
    assert pictures == ["read", "taken"] * 6


def running_page(index):
    blocks = (
        Block(Label.HEADER, (Box(100, 20, 400, 40),), "Of Ways"),
        Block(Label.TEXT, (Box(100, 100, 900, 400),), f"On page {index} they went on along the river and"),
        Block(Label.TEXT, (Box(100, 450, 900, 900),), "came to a town of which no more is known."),
        Block(Label.PAGE_NUMBER, (Box(480, 950, 520, 970),), str(index + 1)),
    )
    return Page(index, 200, 300, 100.0, blocks)


@pytest.mark.parametrize("wanted", [False, True])
def test_running_titles_and_page_numbers_are_in_the_markdown_only_if_that_is_asked_for(make_folder, wanted):
    folder = make_folder(pages=())
    for index in range(3):
        checkpoint(folder, running_page(index))
    assemble(folder, 3, running_titles=wanted)
    assert ("Of Ways" in folder.markdown.read_text()) is wanted
    assert folder.markdown.read_text().count(PAGE_SPLIT) == 3
    assert folder.grounding.read_text().count("<|ref|>header<|/ref|>") == 3
    assert folder.grounding.read_text().count("<|ref|>page_number<|/ref|>") == 3
