"""Rows are joined so that words neither run together nor stay broken."""

import pytest

from pdfocr_watcher.analysis.joining import continues, healed_words, hyphenated, join, with_hyphens


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
        (["d-", "dimensional"], "d-dimensional"),
        (["ab-", "cd-", "ef"], "abcdef"),
        (["pre-", "and post-war"], "pre- and post-war"),
        (["Ein-", "und Ausgang"], "Ein- und Ausgang"),
        (["thou-", "sand"], "thousand"),
        (["the state-of-", "the-art"], "the state-of-the-art"),
        (["his mother-in-", "law"], "his mother-in-law"),
        (["a well-estab-", "lished one"], "a well-established one"),
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


def test_a_word_that_is_known_to_have_a_hyphen_keeps_it_at_the_end_of_a_row():
    known = hyphenated("Their co-operation, and Co-Operation elsewhere; self\u2010evident, not 10-12 nor a - b.")
    assert known == {"co-operation", "self-evident"}
    assert join(["the co-", "operation of"], known) == "the co-operation of"
    assert join(["the impor-", "tant"], known) == "the important"


def test_words_that_lost_their_hyphen_get_it_back_when_they_are_known_to_have_one():
    rows = ["the co-", "operation of impor-", "tant Anglo-", "Saxon men"]
    healed = healed_words(rows)
    assert healed == ("co-operation", "impor-tant")
    assert with_hyphens(join(rows), healed, {"co-operation"}) == "the co-operation of important Anglo-Saxon men"
