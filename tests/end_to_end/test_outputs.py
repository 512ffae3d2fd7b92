"""A result holds what the contract names, no more and no less, with every engine."""

import json
from datetime import datetime
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pikepdf
import pypdfium2
import pytest

from pdfocr_watcher.jobs.index import read_entries
from tests.end_to_end.harness import Job, Site, shipped_schema, wait_for
from tests.end_to_end.markup import (
    files_below,
    linked_images,
    marked_boxes,
    pages_of,
    without_markers,
    without_running_titles,
)
from tests.pdfs import born_digital, image_only, page_of_size, with_figure

_FILES = {
    "status.json", "input.pdf", "output.mmd", "output_det.mmd", "output_layouts.pdf", "output.json", "report.html",
}  # fmt: skip


@pytest.fixture(scope="module")
def empty_result(quick_site: Site) -> Job:
    """Five pages, as the engine that reads nothing leaves them."""
    quick_site.drop("five.pdf", born_digital(5), into="outputs")
    return quick_site.result("outputs/five.pdf")


@pytest.fixture(scope="module")
def read_result(reading_site: Site) -> Job:
    """Two pages, read."""
    reading_site.drop("two.pdf", born_digital(2), into="outputs")
    return reading_site.result("outputs/two.pdf")


@pytest.fixture(params=["empty_result", "read_result"])
def result(request: pytest.FixtureRequest) -> Job:
    """A result of each engine."""
    job: Job = request.getfixturevalue(request.param)
    return job


def test_it_holds_the_named_files_and_no_others(result: Job) -> None:
    pictures = {f"report/{index:04d}.jpg" for index in range(result.status["total_pages"])}
    searchable = {"output_searchable.pdf"} if result.status["engine"]["name"] == "rapidocr" else set()
    assert files_below(result.folder) == _FILES | pictures | searchable
    assert (result.folder / "images").is_dir()


def test_output_json_is_valid_and_has_the_pages_of_the_input(result: Job) -> None:
    document = json.loads(result.text("output.json"))
    jsonschema.validate(document, shipped_schema("output.schema.json"))
    assert len(document["pages"]) == document["total_pages"] == result.status["total_pages"]


def test_the_searchable_pdf_has_the_words_of_a_scan_in_their_place(reading_site: Site) -> None:
    reading_site.drop("scan.pdf", image_only(), into="outputs")
    job = reading_site.result("outputs/scan.pdf")
    with pypdfium2.PdfDocument(job.folder / job.status["outputs"]["searchable_pdf"]) as pdf:
        text = pdf[0].get_textpage()
        said = text.get_text_range()
        assert "committee met on Tuesday" in said
        left, bottom, _, top = text.get_charbox(said.index("committee"), loose=True)
    assert (left, 841.89 - top) == pytest.approx((58 + 33, 58 + 21), abs=12), "behind `The `, in the second line"
    assert top - bottom == pytest.approx(15, abs=7)


def test_its_status_is_valid_and_says_how_it_went(result: Job) -> None:
    status = result.status
    jsonschema.validate(status, shipped_schema("status.schema.json"), format_checker=jsonschema.FormatChecker())
    assert (status["status"], status["stage"], status["attempts"]) == ("completed", "done", 1)
    assert status["processed_pages"] == status["total_pages"]
    assert (status["error_code"], status["error_message"], status["worker"]) == (None, None, None)
    moments = [datetime.fromisoformat(status[name]) for name in ("created_at", "started_at", "completed_at")]
    assert moments == sorted(moments)
    assert all(status[name].endswith("Z") for name in ("created_at", "updated_at"))
    assert status["bytes"] == (result.folder / "input.pdf").stat().st_size
    outputs = status["outputs"]
    for name in ("markdown", "markdown_det", "layouts", "images", "document", "report"):
        assert (result.folder / outputs[name]).exists()


def test_there_is_a_page_split_after_every_page(result: Job) -> None:
    for name in ("output.mmd", "output_det.mmd"):
        assert len(pages_of(result.text(name))) == result.status["total_pages"]


def test_the_text_with_markup_is_the_text_once_the_markup_is_removed(result: Job) -> None:
    assert without_markers(without_running_titles(result.text("output_det.mmd"))) == result.text()


def test_the_layout_pdf_has_the_pages_of_the_input(result: Job) -> None:
    with (
        pikepdf.open(result.folder / "input.pdf") as given,
        pikepdf.open(result.folder / "output_layouts.pdf") as drawn,
    ):
        assert _sizes(drawn) == [pytest.approx(size, abs=2) for size in _sizes(given)]
        assert drawn.check_pdf_syntax() == []


def test_layout_pages_keep_odd_sizes(quick_site: Site) -> None:
    for number, size in enumerate(((200, 100), (100, 300), (842, 1191))):
        quick_site.drop(f"sized {number}.pdf", page_of_size(*size))
        job = quick_site.result(f"sized {number}.pdf")
        with pikepdf.open(job.folder / "output_layouts.pdf") as drawn:
            assert _sizes(drawn) == [pytest.approx(size, abs=2)]


def test_the_engine_is_named(empty_result: Job, read_result: Job) -> None:
    assert empty_result.status["engine"]["name"] == "null"
    assert read_result.status["engine"]["name"] == "rapidocr"
    assert read_result.status["engine"]["model"].startswith("PP-OCR")


def test_every_block_has_a_box_on_the_grid(read_result: Job) -> None:
    blocks = marked_boxes(read_result.text("output_det.mmd"))
    assert len(blocks) >= 4, "a heading and a paragraph on each page"
    for _label, boxes in blocks:
        for left, top, right, bottom in boxes:
            assert 0 <= left < right <= 999
            assert 0 <= top < bottom <= 999


def test_figures_links_and_files_agree(reading_site: Site) -> None:
    reading_site.drop("figure.pdf", with_figure(), into="outputs")
    job = reading_site.result("outputs/figure.pdf")
    assert job.status["status"] == "completed"
    links = linked_images(job.text())
    assert set(links) == {name for name in files_below(job.folder) if name.startswith("images/")}
    assert len(links) == len(set(links)) == job.status["outputs"]["image_count"]
    assert sum(label == "image" for label, _ in marked_boxes(job.text("output_det.mmd"))) == len(links)


def test_the_index_and_health_follow(quick_site: Site, empty_result: Job) -> None:
    def indexed() -> bool:
        entries = read_entries(quick_site.root / "index.json") or []
        mine = [entry for entry in entries if entry["job_id"] == empty_result.job_id]
        return [(entry["status"], Path(entry["folder"])) for entry in mine] == [("completed", empty_result.folder)]

    wait_for(indexed, "it is in the index")
    health = quick_site.health()
    jsonschema.validate(health, shipped_schema("health.schema.json"))
    assert (health["state"], health["engine"], health["engine_state"]) == ("running", "null", "ready")
    assert health["pages_done"] >= 5


def _sizes(pdf: pikepdf.Pdf) -> list[tuple[float, float]]:
    return [(float(page.mediabox[2]), float(page.mediabox[3])) for page in pdf.pages]
