"""Language data are found where systems put them, and languages by whatever they are called."""

from itertools import pairwise

import pytest

from pdfocr_watcher.engines.scripts import FOREIGN, SCRIPTS, code_of, is_foreign, known_names, main_script
from pdfocr_watcher.engines.tessdata import find_tessdata, has_script_detection, installed_codes, installed_languages
from pdfocr_watcher.errors import ErrorCode, PdfocrError


def install(folder, *codes):
    folder.mkdir(parents=True, exist_ok=True)
    for code in codes:
        (folder / f"{code}.traineddata").touch()
    return folder


def test_the_system_s_data_are_found_the_newest_first(tmp_path):
    assert find_tessdata("", {}, tmp_path) is None
    install(tmp_path / "usr/share/tesseract-ocr/4.00/tessdata", "eng")
    newest = install(tmp_path / "usr/share/tesseract-ocr/5/tessdata", "eng", "rus", "osd")
    (tmp_path / "usr/share/tesseract-ocr/6/tessdata").mkdir(parents=True)
    assert find_tessdata("", {}, tmp_path) == newest
    assert installed_languages(newest) == ("eng", "rus")
    assert has_script_detection(newest)


def test_a_folder_that_is_named_goes_first(tmp_path):
    install(tmp_path / "usr/share/tessdata", "eng")
    named = install(tmp_path / "mine" / "tessdata", "kor")
    assert find_tessdata("", {"TESSDATA_PREFIX": str(named)}, tmp_path) == named
    assert find_tessdata("", {"TESSDATA_PREFIX": str(named.parent)}, tmp_path) == named
    assert find_tessdata("/elsewhere", {"TESSDATA_PREFIX": str(named)}, tmp_path).as_posix() == "/elsewhere"


def test_no_folder_has_no_language(tmp_path):
    assert installed_languages(None) == installed_languages(tmp_path / "gone") == ()
    assert not has_script_detection(None)


@pytest.mark.parametrize("name", ["rus", "ru", "Russian", " RUS "])
def test_a_language_has_several_names(name, tmp_path):
    assert code_of(name) == "rus"
    assert installed_codes([name, "rus"], install(tmp_path / "d", "rus")) == ("rus",)


def test_own_data_may_be_called_anything(tmp_path):
    assert installed_codes(["ledger"], install(tmp_path / "d", "ledger")) == ("ledger",)


def test_what_is_missing_is_named_with_its_packages(tmp_path):
    with pytest.raises(PdfocrError, match="apt-get install tesseract-ocr-ell tesseract-ocr-chi-sim") as raised:
        installed_codes(["greek", "eng", "zh"], install(tmp_path / "d", "eng"))
    assert raised.value.code is ErrorCode.ENGINE_UNAVAILABLE


def test_names_are_of_one_language_each():
    codes = [code for script in SCRIPTS for code in script.languages]
    assert len(codes) == len(set(codes))
    assert all(name == "auto" or code_of(name) in codes for name in known_names())


def test_what_pp_ocr_reads_is_not_foreign():
    assert [name for name in ("auto", "en", "deu", "ja", "zh", "frk", "ru", "th") if is_foreign(name)] == [
        "frk",
        "ru",
        "th",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Привет, world", "Cyrillic"),
        ("hello, мир", None),
        ("שלום", "Hebrew"),
        ("안녕", "Hangul"),
        ("漢字", None),
        ("", None),
    ],
)
def test_the_script_is_that_of_most_letters(text, name):
    script = main_script(text)
    assert (script.name if script else None) == name


def test_scripts_share_no_letter():
    ranges = sorted(part for script in FOREIGN for part in script.ranges)
    assert all(last < first for (_, last), (first, _) in pairwise(ranges))
