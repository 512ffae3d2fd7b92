"""When a page is looked at again, and in which language, decided on values."""

from dataclasses import replace

import pytest

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.engines.script_trials import choose_languages, doubtful_lines

ALL = ("ara", "ell", "eng", "frk", "rus", "ukr")


def line(text="some words of a line", confidence=0.99, width=600):
    return Line(0, 0, width, 30, text=text, confidence=confidence)


def tried(answers):
    """A trial that reads as it is told, by the first language; everything else is not read."""
    asked = []

    def trial(regions, codes):
        asked.append(codes[0])
        text, confidence = answers.get(codes[0], ("", 0.0))
        return [replace(line(text, confidence)) if text else None for _ in regions]

    return trial, asked


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ([line()] * 20, 0),
        ([line()] * 20 + [line(confidence=0.8)], 0),
        ([line()] * 20 + [line(confidence=0.8)] * 2, 2),
        ([line()] * 90 + [line(confidence=0.8)] * 3, 0),
        ([line()] * 20 + [line("Country", 0.8, width=70)] * 6, 0),
        ([line(confidence=0.8)], 1),
        ([line()] * 20 + [line("IV", 0.6, width=40)] * 5, 0),
        ([line("", 0.0)] * 3, 3),
        ([line(". ,", 0.99)] * 3, 3),
        ([line()] * 5 + [line("", 0.0, width=40)] * 4, 0),
        ([], 0),
    ],
    ids=[
        "sure",
        "one smudge",
        "two lines",
        "some of very many",
        "labels of a figure",
        "a single line",
        "short ones",
        "unread ones",
        "hardly read ones",
        "dots",
        "nothing",
    ],
)
def test_a_page_is_in_doubt_by_its_lines(lines, count):
    assert len(doubtful_lines(lines)) == count


def test_the_script_that_is_read_surely_is_taken_with_english_beside():
    trial, _ = tried({"rus": ("Комитет собрался", 0.5), "ell": ("Η επιτροπή συνεδρίασε", 0.9)})
    choice = choose_languages([line(confidence=0.7)], ALL, trial)
    assert (choice.script.name, choice.languages) == ("Greek", ("ell", "eng"))


def test_of_a_script_s_languages_the_surest_is_taken():
    trial, _ = tried({"rus": ("Комітет зібрався", 0.8), "ukr": ("Комітет зібрався", 0.95)})
    assert choose_languages([line(confidence=0.7)], ALL, trial).languages == ("ukr", "eng")
    assert choose_languages([line(confidence=0.7)], ("rus",), trial).languages == ("rus",)


def test_what_the_page_looks_like_is_tried_first():
    trial, asked = tried({"ara": ("اجتمعت اللجنة", 0.9), "rus": ("Комитет собрался", 0.9)})
    assert choose_languages([line(confidence=0.7)], ALL, trial, "Arabic").languages == ("ara", "eng")
    assert set(asked) == {"ara"}
    assert choose_languages([line(confidence=0.7)], ALL, trial, "Thai").languages == ("rus", "eng"), "it may be wrong"


@pytest.mark.parametrize("looks", ["Latin", "Han", "Cyrillic_of_old"])
def test_nothing_is_tried_on_a_page_that_looks_as_if_nobody_else_read_it(looks):
    trial, asked = tried({"rus": ("Комитет собрался", 0.9)})
    assert choose_languages([line(confidence=0.7)], ALL, trial, looks) is None
    assert asked == []


def test_lines_of_which_nothing_is_read_say_nothing_against_a_script():
    def trial(regions, codes):
        short = [region for region in regions if region.width < 600]
        return [replace(line("اجتمعت اللجنة", 0.9)) if codes[0] == "ara" and one in short else None for one in regions]

    lines = [line(confidence=0.7), line(confidence=0.7), line(confidence=0.7, width=500)]
    assert choose_languages(lines, ALL, trial).languages == ("ara", "eng")


@pytest.mark.parametrize(
    ("text", "confidence"),
    [("The committee met", 0.95), ("Комитет собрался", 0.6), ("Это", 0.95), ("12.5 + 7 = 19.5", 0.99)],
    ids=["other letters", "unsure", "too few letters", "no letters"],
)
def test_what_says_nothing_of_a_script_chooses_nothing(text, confidence):
    trial, asked = tried({"rus": (text, confidence)})
    assert choose_languages([line(confidence=0.7)], ALL, trial) is None
    assert list(dict.fromkeys(asked)) == ["rus", "ell", "ara", "frk"]


def test_fraktur_is_told_from_other_latin_print_by_its_long_s():
    trial, _ = tried({"frk": ("Was iſt Aufklärung, und was iſt ſie nicht", 0.9)})
    assert choose_languages([line(confidence=0.9)], ALL, trial).languages == ("frk",)
    trial, _ = tried({"frk": ("The committee met on Tuesday", 0.95)})
    assert choose_languages([line(confidence=0.9)], ALL, trial) is None
