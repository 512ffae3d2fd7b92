"""The words of a text layer become the lines that a reader sees."""

import random
import time

import pytest

from pdfocr_watcher.analysis.layer_lines import letters_of, lines_of, without_shadows
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.text_layer import LayerWord

EM = 20.0


def typeset(text: str, left: float = 100, top: float = 100, em: float = EM, gap: float = 0.3) -> list[LayerWord]:
    """Words side by side, each character half an em wide."""
    words = []
    for token in text.split():
        right = left + em / 2 * len(token)
        words.append(LayerWord(left, top, right, top + em, token, em))
        left = right + gap * em
    return words


def lines(*words: LayerWord) -> list[Line]:
    return [line for line, _ in lines_of(words)]


def texts(*words: LayerWord) -> list[str]:
    return [line.text for line in sorted(lines(*words), key=lambda line: (line.top, line.left))]


def test_words_of_one_height_are_a_line_with_its_words():
    words = typeset("the quick brown fox")
    (line,) = lines(*words)
    assert line.text == "the quick brown fox"
    assert [(word.left, word.right, word.text) for word in line.words] == [(w.left, w.right, w.text) for w in words]
    assert line.left < 100 < words[-1].right < line.right, "with a margin, as an engine gives it"
    assert line.top < 100
    assert line.bottom > 120


def test_the_order_of_the_content_does_not_matter():
    words = [*typeset("first line of text"), *typeset("second line of text", top=124)]
    random.Random(7).shuffle(words)  # noqa: S311 - the same each time
    assert texts(*words) == ["first line of text", "second line of text"]


def test_columns_and_cells_are_lines_of_their_own():
    left, right = typeset("left column"), typeset("right column", left=400)
    assert texts(*left, *right) == ["left column", "right column"]
    assert texts(*typeset("12 34 56", gap=1.5)) == ["12", "34", "56"]


def test_a_raised_figure_stays_in_its_line():
    words = typeset("see note")
    raised = LayerWord(words[-1].right + 1, 98, words[-1].right + 7, 110, "3", 12, glued=True)
    assert texts(*words, raised, *typeset("here", left=raised.right + 6)) == ["see note3 here"]


def test_a_word_that_its_font_parts_is_one_word():
    first, second = typeset("Af ter", gap=0.05)
    glued = LayerWord(second.left, second.top, second.right, second.bottom, second.text, EM, glued=True)
    (line,) = lines(first, glued)
    assert (line.text, len(line.words)) == ("After", 1)


def test_an_initial_begins_its_word_and_its_line_is_no_higher():
    initial = LayerWord(100, 98, 135, 168, "O", 80)
    first, *others = typeset("ver the hills", left=138)
    first = LayerWord(first.left, first.top, first.right, first.bottom, first.text, EM, glued=True)
    second = typeset("and far away", left=138, top=124)
    upper, lower = sorted(lines(initial, first, *others, *second), key=lambda line: line.top)
    assert (upper.text, lower.text) == ("Over the hills", "and far away")
    assert upper.height == pytest.approx(lower.height, rel=0.3)
    assert upper.words[0].text == "Over"


def test_han_is_joined_without_blanks():
    assert texts(*typeset("漢字 仮名", gap=0.2)) == ["漢字仮名"]


def test_a_script_from_right_to_left_keeps_the_order_of_its_content():
    words = typeset("ספר טוב מאוד")
    mirrored = [LayerWord(1000 - w.right, w.top, 1000 - w.left, w.bottom, w.text, EM) for w in words]
    (line,) = lines(*mirrored)
    assert line.text == "ספר טוב מאוד"
    assert line.words == (), "nobody splits it from left to right"


@pytest.mark.parametrize("angle", [90.0, 270.0])
def test_a_line_up_the_side_is_one_line_that_is_never_split(angle):
    downwards = [
        LayerWord(50, 100 + 60 * n, 70, 150 + 60 * n, word, EM, angle) for n, word in enumerate(["a", "b", "c"])
    ]
    (line,) = lines(*downwards, *())
    assert (line.text, line.words) == ("a b c", ())
    assert line.height > 170


def test_a_watermark_does_not_join_the_text():
    words = [*typeset("plain text"), LayerWord(90, 80, 300, 290, "DRAFT", 60, 315.0)]
    assert sorted(texts(*words)) == ["DRAFT", "plain text"]


def test_shadows_go_and_contradictions_are_told():
    words = typeset("bold word")
    shadow = [LayerWord(w.left + 1, w.top + 1, w.right + 1, w.bottom + 1, w.text, EM) for w in words]
    other = LayerWord(words[1].left, words[1].top, words[1].right, words[1].bottom, "lies", EM)
    kept, contested = without_shadows([*words, *shadow, other])
    assert [word.text for word in kept] == ["bold", "word", "lies"]
    assert contested == {1, 2}


def test_letters_are_what_is_compared():
    assert letters_of("  The “Cat” — no. 7! ") == "thecatno7"


def test_every_word_is_in_exactly_one_line():
    chance = random.Random(3)  # noqa: S311 - the same each time
    words = [
        LayerWord(x, y, x + chance.uniform(1, 90), y + chance.uniform(4, 40), "x", 12, chance.choice([0, 0, 90, 41]))
        for x, y in ((chance.uniform(0, 900), chance.uniform(0, 900)) for _ in range(300))
    ]
    members = [index for _, group in lines_of(words) for index in group]
    assert sorted(members) == list(range(300))


@pytest.mark.parametrize(("spread", "height"), [(0.0, 12), (0.001, 12), (1.0, 12), (1.0, 2000)])
def test_five_thousand_words_take_seconds_wherever_they_stand(spread, height):
    chance = random.Random(1)  # noqa: S311 - the same each time
    places = [(100 + spread * chance.uniform(0, 4000), 100 + spread * chance.uniform(0, 4000)) for _ in range(5_000)]
    words = [LayerWord(x, y, x + 30, y + height, f"w{number}", 12) for number, (x, y) in enumerate(places)]
    begun = time.process_time()
    kept, _ = without_shadows(words)
    assert len(lines_of(kept)) > 0
    assert time.process_time() - begun < 10
