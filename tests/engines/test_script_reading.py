"""Pages of scripts that PP-OCR does not know are read by Tesseract, and no other page is changed by that."""

import pytest

from pdfocr_watcher.engines.rapidocr import RapidOcrEngine
from pdfocr_watcher.engines.script_reading import AnyScriptEngine
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from tests.engines.drawn import PARAGRAPH
from tests.engines.written import ARABIC, ENGLISH, GREEK, KOREAN, MICRO_HEI, RUSSIAN, UKRAINIAN, page
from tests.needs import needs_languages


@pytest.fixture(scope="module")
def rapidocr():
    return RapidOcrEngine(threads=1)


@pytest.fixture(scope="module")
def data():
    return needs_languages("eng", "rus", "ukr", "ell", "ara", "kor", "osd")


@pytest.fixture(scope="module")
def engine(rapidocr, data):
    return AnyScriptEngine(rapidocr, data, ("auto",))


def words(reading):
    return [word.strip(".,،") for block in reading.blocks for word in block.content.split()]


def share_read(reading, texts):
    wanted = [word.strip(".,،") for text in texts for word in text.split()]
    return sum(word in words(reading) for word in wanted) / len(wanted)


@pytest.mark.parametrize(("texts", "language"), [(RUSSIAN, "rus"), (UKRAINIAN, "ukr"), (GREEK, "ell"), (ARABIC, "ara")])
def test_a_page_is_read_in_its_language(engine, texts, language):
    reading = engine.recognize(page(texts))
    assert share_read(reading, texts) > 0.8
    assert reading.notes["reader"].split()[-1] == f"{language}+eng"


def test_korean_is_read(engine):
    reading = engine.recognize(page(KOREAN, font=MICRO_HEI))
    assert share_read(reading, KOREAN) > 0.7


def test_a_latin_page_is_what_it_was(engine, rapidocr):
    image = page(PARAGRAPH)
    engine = AnyScriptEngine(rapidocr, engine._folder, ("auto",))
    assert engine.read_lines(image) == rapidocr.read_lines(image)
    assert engine._second is None  # Tesseract is not even loaded
    assert engine.recognize(image).notes == {"reader": f"rapidocr {rapidocr.info.version}"}


def test_on_a_mixed_page_each_line_has_its_reader(engine, rapidocr):
    image = page((*ENGLISH, *ENGLISH, *RUSSIAN))
    reading = engine.recognize(image)
    assert share_read(reading, RUSSIAN) > 0.8
    by_itself = {line.text for line in rapidocr.read_lines(image) if line.confidence > 0.97}
    assert by_itself <= {line.text for line in reading.lines}
    assert len(by_itself) == len(ENGLISH)


def test_what_nobody_reads_stays_as_it_was(rapidocr, data):
    image = page(GREEK)
    engine = AnyScriptEngine(rapidocr, data, ("russian",))
    assert engine.read_lines(image) == rapidocr.read_lines(image)


def test_a_page_may_be_said_to_be_of_a_language(engine, rapidocr):
    image = page(RUSSIAN)
    assert engine.recognize(image, ("greek", "en")).lines == tuple(rapidocr.read_lines(image))
    assert engine.recognize(image, ("en",)).lines == tuple(rapidocr.read_lines(image))
    assert share_read(engine.recognize(image, ("ru",)), RUSSIAN) > 0.8


def test_a_language_that_is_missing_is_named_with_its_package(rapidocr, tmp_path):
    with pytest.raises(PdfocrError, match="apt-get install tesseract-ocr-tha") as raised:
        AnyScriptEngine(rapidocr, tmp_path, ("thai", "en"))
    assert raised.value.code is ErrorCode.ENGINE_UNAVAILABLE


def test_latin_languages_need_no_data(rapidocr):
    assert AnyScriptEngine(rapidocr, None, ("german", "en")).read_lines(page(ENGLISH))


def test_a_page_that_could_not_be_read_says_what_would_help(rapidocr, data, tmp_path):
    assert "tesseract-ocr-rus" in AnyScriptEngine(rapidocr, None, ("auto",)).recognize(page(RUSSIAN)).notes["remark"]
    for code in ("osd", "ara"):
        (tmp_path / f"{code}.traineddata").symlink_to(data / f"{code}.traineddata")
    texts = [text for _ in range(4) for text in GREEK]
    remark = AnyScriptEngine(rapidocr, tmp_path, ("auto",)).recognize(page(texts)).notes["remark"]
    assert "looks Greek" in remark
    assert "apt-get install tesseract-ocr-ell" in remark


def test_damaged_data_cost_nothing_of_what_is_read_without_them(rapidocr, tmp_path):
    (tmp_path / "rus.traineddata").write_bytes(b"no network")
    image = page(GREEK)
    reading = AnyScriptEngine(rapidocr, tmp_path, ("auto",)).recognize(image)
    assert reading.lines == tuple(rapidocr.read_lines(image))
    assert "Tesseract does not load rus" in reading.notes["remark"]


def test_nothing_is_said_of_a_page_that_was_read(engine):
    assert "remark" not in engine.recognize(page(RUSSIAN)).notes
    assert "remark" not in engine.recognize(page(())).notes
