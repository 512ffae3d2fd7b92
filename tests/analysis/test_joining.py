"""Rows are joined so that words neither run together nor stay broken."""

import pytest

from pdfocr_watcher.analysis.joining import continues, join


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (["two", "words"], "two words"),
        (["impor-", "tant"], "important"),
        (["impor\u00ad", "tant"], "important"),
        (["impor\u2010", "tant"], "important"),
        (["Wör-", "ter"], "Wörter"),
        (["the Anglo-", "Saxon"], "the Anglo-Saxon"),
        (["pages 10-", "12"], "pages 10-12"),
        (["he said -", "then left"], "he said - then left"),
        (["-", "dash"], "- dash"),
        (["1998 -", "2000"], "1998 - 2000"),
        (["使用手", "册。"], "使用手册。"),
        (["使用", "apt"], "使用 apt"),
        (["apt", "使用"], "apt 使用"),
        (["カタ", "カナ"], "カタカナ"),
        (["한국어", "문서"], "한국어 문서"),
        (["a-", "b-", "c"], "abc"),
    ],
)
def test_join(rows, text):
    assert join(rows) == text


def test_nothing_joined_is_nothing():
    assert join([]) == ""


def test_a_broken_word_continues_only_in_lower_case():
    assert continues("demo-", "cracy")
    assert not continues("demo-", "Cracy")
    assert not continues("demo", "cracy")
    assert not continues("3-", "fold")
