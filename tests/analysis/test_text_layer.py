"""What a renderer's file says of a text layer is checked, normalised, and placed on the raster."""

import json
import math

import pytest

from pdfocr_watcher.analysis.text_layer import MAX_BYTES, MAX_WORDS, UNKNOWN, normalised, parse_layer, placed


def layer_file(*words: list[object], width: object = 100.0, height: object = 200.0) -> bytes:
    return json.dumps({"width": width, "height": height, "words": list(words)}).encode()


WORD = ["word", 10, 20, 30, 25, 4, 0, False]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        b"null",
        b"7",
        b'{"width":1,"height":1}',
        layer_file(),
        layer_file(WORD, width=0),
        layer_file(WORD, width="wide"),
        layer_file(WORD, height=math.inf),
        layer_file(WORD, height=math.nan),
        layer_file(WORD, [*WORD, 1]),
        layer_file(WORD, WORD[:-1]),
        layer_file([7, *WORD[1:]]),
        layer_file(["word", None, 20, 30, 25, 4, 0, False]),
        layer_file(["word", math.nan, 20, 30, 25, 4, 0, False]),
        layer_file(["word", 10**400, 20, 30, 25, 4, 0, False]),
        layer_file(["word", 30, 20, 10, 25, 4, 0, False]),
        layer_file([*WORD[:5], 0, 0, False]),
        layer_file(["\x00\u200b", *WORD[1:]]),
        layer_file(*[WORD] * (MAX_WORDS + 1)),
        layer_file(WORD) + b" " * MAX_BYTES,
    ],
)
def test_what_is_no_layer_is_none(data):
    assert parse_layer(data) is None


def test_a_layer_is_read():
    layer = parse_layer(layer_file(WORD, ["glued", 31, 20, 40, 25, 4, 450, True]))
    assert layer is not None
    first, second = layer.words
    assert (first.left, first.top, first.right, first.bottom, first.text, first.angle) == (10, 20, 30, 25, "word", 0)
    assert (second.angle, second.glued) == (90, True)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("e\ufb03cient", "efficient"),
        ("\ufefftext\u200b\x07", "text"),
        ("co\u00adoperate", "cooperate"),
        ("hyphen\u00ad", "hyphen-"),
        ("\uf0b7", "•"),
        ("\ue123\u0378", UNKNOWN * 2),
        ("\u202eevil", "evil"),
        ("cafe\u0301", "café"),
        ("\ufedf\ufe8e", "\u0644\u0627"),
        ("m\u00b2", "m\u00b2"),
        ("漢字", "漢字"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    ],
)
def test_a_word_is_what_a_reader_sees(written, seen):
    assert normalised(written) == seen


def place(word: list[object], size: tuple[int, int], turn: int = 0, skew: float = 0.0):
    layer = parse_layer(layer_file(word))
    assert layer is not None
    return placed(layer, size, turn, skew)


@pytest.mark.parametrize(
    ("turn", "size", "box"),
    [
        (0, (200, 400), (20, 40, 60, 50)),
        (90, (400, 200), (350, 20, 360, 60)),
        (180, (200, 400), (140, 350, 180, 360)),
        (270, (400, 200), (40, 140, 50, 180)),
    ],
)
def test_a_word_stands_on_the_raster_where_it_is_seen(turn, size, box):
    (word,) = place(WORD, size, turn)
    assert (word.left, word.top, word.right, word.bottom) == box
    assert word.angle == turn


def test_a_word_goes_with_a_page_that_is_made_level():
    (word,) = place([*WORD[:6], 357, False], (200, 400), skew=3.0)
    x, y = 40 - 100, 45 - 200
    sine, cosine = math.sin(math.radians(3)), math.cos(math.radians(3))
    assert (word.left + word.right) / 2 == pytest.approx(100 + x * cosine - y * sine)
    assert word.middle == pytest.approx(200 + x * sine + y * cosine)
    assert (word.width, word.height, word.angle) == (pytest.approx(40), pytest.approx(10), 0)


def test_words_outside_of_the_page_are_left_out_and_those_on_its_edge_end_there():
    assert place(["far", 1e30, 20, 2e30, 25, 4, 0, False], (200, 400)) == ()
    assert place(["out", -50, 20, -10, 25, 4, 0, False], (200, 400)) == ()
    (word,) = place(["edge", -5, 20, 30, 25, 4, 0, False], (200, 400))
    assert (word.left, word.right) == (0, 60)


def test_a_page_of_another_shape_than_its_raster_has_no_words():
    assert place(WORD, (200, 380)) == ()
    assert len(place(WORD, (201, 401))) == 1, "every started pixel counts"
