"""Checkpoints become outputs: the same bytes every time, every page in its place, one page in memory."""

import io
import json
import os
from dataclasses import replace

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from pdfocr_watcher.document import report
from pdfocr_watcher.document.grounding import page_grounding
from pdfocr_watcher.document.layouts import layout_picture
from pdfocr_watcher.document.markdown import PAGE_SPLIT, page_markdown
from pdfocr_watcher.document.model import Block, Box, FailedPage, Label, Page, TextLine
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import write_failed_page, write_page
from pdfocr_watcher.jobs.durable import is_temporary, temporary_name
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import Output
from pdfocr_watcher.pipeline import assembly, page_outputs
from pdfocr_watcher.pipeline.assembly import assemble
from tests.pdfs import damaged, owner_locked, page_of_size


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
        name: (folder.path / name).read_bytes()
        for name in ("output.mmd", "output_det.mmd", "output_layouts.pdf", "output.json", "report.html")
    } | {f"images/{name}": (folder.images / name).read_bytes() for name in os.listdir(folder.images)}


def page_sizes(folder):
    with pikepdf.open(folder.layouts) as pdf:
        return [tuple(float(side) for side in sheet.mediabox[2:]) for sheet in pdf.pages]


def test_the_texts_hold_every_page_in_order_and_the_figures_are_counted(make_folder):
    folder = make_folder()
    assert assemble(folder, 3).images == 3
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
    assert assemble(folder, 3).images == 3
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
    assert assemble(folder, 2).images == 1
    assert "](images/1_0.jpg)" in folder.markdown.read_text()
    assert os.listdir(folder.images) == ["1_0.jpg"]


def test_there_is_an_images_folder_though_there_is_no_figure(make_folder):
    folder = make_folder(pages=(), failures=(0,))
    assert assemble(folder, 1).images == 0
    assert os.listdir(folder.images) == []


def test_a_figure_whose_writing_was_broken_off_is_not_counted(make_folder):
    folder = make_folder(pages=(0,))
    temporary_name(folder.images / "0_1.jpg").write_bytes(b"half a")
    assert assemble(folder, 1).images == 1


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
    assert pictures == ["read", "taken"] * 6 + ["read"] * 6


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


def test_only_what_is_wanted_is_written_and_an_earlier_one_is_removed(make_folder):
    folder = make_folder()
    assemble(folder, 3)
    made = assemble(folder, 3, {Output.DOCUMENT})
    assert (made.written, made.left_out) == ((Output.DOCUMENT,), {})
    assert sorted(os.listdir(folder.path)) == ["images", "output.json", "output.mmd", "pages", "rasters"]


def test_the_report_shows_the_pictures_of_the_pages_that_were_read(make_folder):
    folder = make_folder(pages=(0, 2), failures=(1,))
    assemble(folder, 3, {Output.REPORT})
    assert sorted(os.listdir(folder.report_pages)) == ["0000.jpg", "0002.jpg"]
    assert (folder.report_pages / "0002.jpg").read_bytes() == folder.layout_picture(2).read_bytes()


def test_a_long_report_has_parts(make_folder, monkeypatch):
    monkeypatch.setattr(report, "PART_PAGES", 2)
    monkeypatch.setattr(page_outputs, "PART_PAGES", 2)
    folder = make_folder(pages=range(3))
    assemble(folder, 3, {Output.REPORT})
    first, second = folder.output(Output.REPORT).read_text(), (folder.report_pages / "0002.html").read_text()
    assert 'href="report/0002.html"' in first
    assert 'src="report/0001.jpg"' in first
    assert 'href="../report.html"' in second
    assert 'src="0002.jpg"' in second
    assert 'src="../images/2_0.jpg"' in second


def test_output_json_tells_of_all_pages(make_folder):
    folder = make_folder(pages=(0, 2), failures=(1,))
    assemble(folder, 3, {Output.DOCUMENT})
    pages = json.loads(folder.output(Output.DOCUMENT).read_text())["pages"]
    assert [(one["number"], one["failed"] is None) for one in pages] == [(1, True), (2, False), (3, True)]


def test_output_json_and_the_report_see_the_document_as_a_whole(make_folder):
    folder = make_folder(pages=())
    for index in range(3):
        one = running_page(index)
        heading = Block(Label.TITLE, (Box(100, 60, 900, 90),), f"# Part {index}", size=0.02)
        blocks = [replace(block, label=Label.TEXT) if block.content == "Of Ways" else block for block in one.blocks]
        checkpoint(folder, replace(one, blocks=(blocks[0], heading, *blocks[1:])))
    assemble(folder, 3, {Output.DOCUMENT, Output.REPORT})
    pages = json.loads(folder.output(Output.DOCUMENT).read_text())["pages"]
    assert [one["blocks"][0]["label"] for one in pages] == ["header"] * 3
    levels = [one["blocks"][1]["level"] for one in pages]
    assert None not in levels
    assert f"<h{levels[2] + 1}>Part 2</h{levels[2] + 1}>" in folder.output(Output.REPORT).read_text()


def lined(folder, original):
    one = replace(
        page(0, width=833, height=1250, dpi=150.0),
        lines=(TextLine((300, 400, 500, 440), "Minutes of the harbour board", 0.9),),
    )
    checkpoint(folder, one)
    folder.input("a.pdf").write_bytes(original)


def test_the_searchable_pdf_is_written_where_lines_are_known(make_folder):
    folder = make_folder(pages=())
    lined(folder, page_of_size(400, 600))
    assert assemble(folder, 1, {Output.SEARCHABLE_PDF}).written == (Output.SEARCHABLE_PDF,)
    with pypdfium2.PdfDocument(folder.output(Output.SEARCHABLE_PDF)) as pdf:
        assert "harbour" in pdf[0].get_textpage().get_text_range()
    assert os.listdir(folder.rasters) == []


@pytest.mark.parametrize(
    ("original", "reason"), [(owner_locked(), "encrypted"), (damaged(), "damaged"), (None, "there")]
)
def test_a_searchable_pdf_that_cannot_be_made_is_left_out_with_a_reason(make_folder, original, reason):
    folder = make_folder(pages=())
    lined(folder, original or b"")
    if original is None:
        folder.input("a.pdf").unlink()
    made = assemble(folder, 1)
    assert reason in made.left_out[Output.SEARCHABLE_PDF]
    assert Output.SEARCHABLE_PDF not in made.written
    assert not folder.output(Output.SEARCHABLE_PDF).exists()


def test_there_is_no_searchable_pdf_without_lines(make_folder):
    made = assemble(make_folder(), 3)
    assert "no lines" in made.left_out[Output.SEARCHABLE_PDF]
