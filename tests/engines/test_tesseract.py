"""Tesseract reads a page in the languages that there are, in the order in which it is read."""

import os
import subprocess
import sys

import pytest
from PIL import Image

from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.engines.registry import Setup, create_engine
from pdfocr_watcher.engines.tesseract import TesseractEngine
from pdfocr_watcher.engines.tesseract_library import Tesseract
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from tests.engines.written import ARABIC, ENGLISH, KOREAN, MICRO_HEI, RUSSIAN, page
from tests.needs import needs_languages


@pytest.fixture(scope="module")
def data():
    return needs_languages("eng", "rus", "ara")


@pytest.fixture(scope="module")
def library(data):
    return Tesseract(data)


def test_lines_come_with_their_words_and_places(library):
    lines = library.read_page(page(ENGLISH), ("eng",))
    assert [line.text for line in lines] == list(ENGLISH)
    for number, line in enumerate(lines):
        assert " ".join(word.text for word in line.words) == line.text
        assert line.left == pytest.approx(120, abs=10)
        assert line.top == pytest.approx(126 + 72 * number, abs=12)
        assert line.confidence > 0.8


def test_arabic_is_in_the_order_in_which_it_is_read(library):
    line = library.read_page(page(ARABIC), ("ara",))[0]
    assert line.text == ARABIC[0]
    assert line.words[-1].text == ARABIC[0].split()[0]  # words go by their places, from the left


def test_blanks_are_where_they_stand(data):
    del data
    library = Tesseract(needs_languages("kor"))
    (line,) = library.read_page(page(KOREAN[:1], font=MICRO_HEI), ("kor",))
    assert line.text == KOREAN[0]


def test_parts_of_a_page_are_read_alone(library):
    regions = [Region(100, 110, 1200, 170), Region(100, 500, 1200, 560), Region(5, 5, 7, 7)]
    first, second, third = library.read_regions(page(RUSSIAN), regions, ("rus",))
    assert first is not None
    assert first.text == RUSSIAN[0]
    assert (first.left, first.bottom) == (100, 170)
    assert second is None
    assert third is None


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "RGBA", "CMYK", "P"])
def test_pages_of_every_mode_are_read(library, mode):
    assert library.read_page(page(ENGLISH[:1]).convert(mode), ("eng",))[0].text == ENGLISH[0]


@pytest.mark.parametrize("size", [(1, 1), (5, 900), (40, 40), (40_000, 30)])
def test_pages_of_any_shape_say_nothing_where_nothing_is(library, size):
    assert library.read_page(Image.new("L", size, 255), ("eng",)) == []


def test_the_engine_reads_in_the_languages_that_it_is_given(data):
    engine = TesseractEngine(data, ("russian", "en"))
    assert engine.info.model == "rus+eng"
    reading = engine.recognize(page((*RUSSIAN, *ENGLISH)))
    assert [line.text for line in reading.lines][:3] == list(RUSSIAN)
    assert reading.lines[-1].text == ENGLISH[-1]
    assert engine.recognize(page(ENGLISH), ("eng",)).notes["reader"].endswith(" eng")


def test_by_itself_it_finds_the_language(data):
    engine = TesseractEngine(data, ("auto",))
    assert [line.text for line in engine.read_lines(page(ENGLISH))] == list(ENGLISH)
    reading = engine.recognize(page(RUSSIAN))
    assert [line.text for line in reading.lines] == list(RUSSIAN)
    assert reading.notes["reader"].endswith(" rus+eng")


def test_without_data_it_cannot_be_had(tmp_path):
    with pytest.raises(PdfocrError, match=r"apt-get install tesseract-ocr-eng.*docs/languages.md") as raised:
        create_engine("tesseract", Setup(tessdata=str(tmp_path)))
    assert raised.value.code is ErrorCode.ENGINE_UNAVAILABLE


def test_damaged_data_are_named(tmp_path):
    (tmp_path / "eng.traineddata").write_bytes(b"no network")
    with pytest.raises(PdfocrError, match="eng") as raised:
        create_engine("tesseract", Setup(tessdata=str(tmp_path)))
    assert raised.value.code is ErrorCode.ENGINE_UNAVAILABLE


def test_its_threads_are_kept_to_one():
    program = "import pdfocr_watcher.engines.tesseract_library, os; print(os.environ['OMP_THREAD_LIMIT'])"
    environ = {name: value for name, value in os.environ.items() if name != "OMP_THREAD_LIMIT"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "1"
