"""Which lines of a page are read by the words of its language, and what becomes of the others."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter

from pdfocr_watcher.engines.cascade import FoundLine
from pdfocr_watcher.engines.policy import HARD_LINE, HARD_LINE_OF_IT, HARD_PAGE, HOPELESS_LINE, MIN_LATIN, hard_lines
from pdfocr_watcher.engines.rapidocr import RapidOcrEngine
from pdfocr_watcher.engines.raster import Raster, upright
from pdfocr_watcher.engines.recognition import LineReading
from pdfocr_watcher.engines.word_guide import MAX_LINES, SLANTS, WordGuide
from tests.engines import written

CHARACTERS = ("", *"abcdefghijklmnopqrstuvwxyz", " ")
PAGE = np.full((400, 600, 3), 255, dtype=np.uint8)
WILL = (
    "Je laisse en toute propriété à ma femme tous les",
    "biens meubles et immeubles qui pourront composer ma",
    "succession sans exception ni réserve et je veux que",
    "mon fils ait la maison avec le jardin dans laquelle",
    "nous avons vécu depuis notre mariage et que ma fille",
    "ait les livres de mon père qui sont encore chez elle",
)
ENGLISH = (
    "I give to my wife all that is mine at the time of",
    "my death without any exception and I want my son to",
    "have the house with the garden in which we have been",
    "living since the day of our marriage, and my daughter",
    "is to have the books of my father which are still in",
    "her house, and no other person may ask for them again",
)
FRENCH = "je laisse tous les biens que je puis avoir à ma femme et à mon fils dans la maison"


@dataclass
class Network:
    """Says of every line that it may be `femne` or `femme`, and is surest of lines of one width."""

    surest: int = 0
    widths: list[int] = field(default_factory=list)
    characters: tuple[str, ...] = CHARACTERS

    def read(self, picture: Raster) -> LineReading:
        return LineReading("femne", 0.8 if picture.shape[1] == self.surest else 0.6, (0.0,), 1.0)

    def scores(self, picture: Raster) -> tuple[np.ndarray, float]:
        self.widths.append(picture.shape[1])
        scores = np.full((6, len(CHARACTERS)), 1e-6, dtype=np.float32)
        for row, column in zip(scores, ("f", "e", "nm", "", "m", "e"), strict=True):
            for character, share in zip(column or ("",), (0.6, 0.4), strict=False):
                row[CHARACTERS.index(character)] = share
        return scores, 1.0


def found(text: str, confidence: float, top: int = 0, *, turned: bool = False) -> FoundLine:
    quad = np.array([(10, top), (210, top), (210, top + 40), (10, top + 40)], dtype=np.float32)
    letters = tuple(map(float, range(len(text.replace(" ", "")))))
    return FoundLine(quad, LineReading(text, confidence, letters, float(len(text))), 40.0, turned)


def texts(lines: list[FoundLine]) -> list[str]:
    return [line.reading.text for line in lines]


def test_hard_lines_of_a_page_in_a_known_language_are_read_again(weights):
    lines = [found(FRENCH, 0.99), found("ma pauvre femne", 0.7, 50), found("ma pauvre femne", 0.7, 100, turned=True)]
    guide = WordGuide(Network(), weights)
    assert texts(guide.reread(PAGE, lines)) == [FRENCH, "femme", "ma pauvre femne"]
    assert lines[1].reading.text == "ma pauvre femne", "what it is given stays"


def test_a_page_without_hard_lines_asks_nothing(weights):
    network = Network()
    lines = [found(FRENCH, 0.99), found(FRENCH, 0.96)]
    assert WordGuide(network, weights).reread(PAGE, lines) == lines
    assert network.widths == []


@pytest.mark.parametrize(
    "language", ["", "Kto tam na tym brzegu stoi i patrzy na rzekę, ten nie wie, dokąd płynie woda"]
)
def test_a_page_in_no_known_language_stays_as_it_is(weights, language):
    lines = [found(language, 0.99), found("ma pauvre femne", 0.7, 50)]
    assert texts(WordGuide(Network(), weights).reread(PAGE, lines)) == texts(lines)


def test_without_its_list_a_page_stays_as_it_is(tmp_path):
    lines = [found(FRENCH, 0.99), found("ma pauvre femne", 0.7, 50)]
    assert texts(WordGuide(Network(), tmp_path).reread(PAGE, lines)) == texts(lines)


def test_a_damaged_list_is_told_once_and_done_without(weights, tmp_path, capfd):
    size = (weights / "words-fr.json.gz").stat().st_size
    (tmp_path / "words-fr.json.gz").write_bytes(b"0" * size)
    guide = WordGuide(Network(), tmp_path)
    lines = [found(FRENCH, 0.99), found("ma pauvre femne", 0.7, 50)]
    for _ in range(2):
        assert texts(guide.reread(PAGE, lines)) == texts(lines)
    assert capfd.readouterr().err.count("words-fr.json.gz") == 1


@pytest.mark.parametrize("slant", SLANTS)
def test_lines_are_set_upright_by_the_slant_that_is_read_most_surely(weights, slant):
    network = Network(surest=200 + int(slant * 40))
    lines = [found(FRENCH, 0.99), found("ma pauvre femne", 0.7, 50)]
    again = WordGuide(network, weights).reread(PAGE, lines)[1].reading
    assert network.widths == [network.surest]
    # The picture became wider, and its middle moved to the right by half of that.
    share = 6 / network.surest
    assert again.extent == pytest.approx(200 * share)
    assert again.columns[0] == pytest.approx(-slant * 20 * share)


def test_no_more_lines_are_read_again_than_time_allows(weights):
    lines = [found(FRENCH, 0.99), *[found("avec cette femne", 0.7, 50)] * (MAX_LINES + 3)]
    assert texts(WordGuide(Network(), weights).reread(PAGE, lines)).count("avec cette femne") == 3


def test_a_slanted_stroke_becomes_upright():
    line = np.full((40, 200, 3), 240, dtype=np.uint8)
    cv2.line(line, (100, 39), (124, 0), (10, 10, 10), 3)
    strokes = np.nonzero((upright(line, 0.6) < 100).any(axis=(0, 2)))[0]
    assert np.ptp(strokes) <= 6
    assert upright(line, 0.6)[0, -1].tolist() == [240, 240, 240]


def reading(confidence: float, text: str = "x" * 20) -> LineReading:
    return LineReading(text, confidence, tuple(map(float, range(len(text)))), float(len(text)))


def test_more_lines_are_hard_on_a_page_that_is_hard_as_a_whole():
    between = (HARD_LINE + HARD_LINE_OF_IT) / 2
    assert hard_lines([reading(between), reading(0.99), reading(0.99)]) == []
    assert hard_lines([reading(between), reading(0.6)]) == [0, 1]
    assert hard_lines([reading(HARD_LINE - 0.01), *[reading(0.99)] * 5]) == [0]
    assert hard_lines([reading(HOPELESS_LINE - 0.01), reading(HOPELESS_LINE)]) == [1]
    assert HARD_LINE < HARD_PAGE < HARD_LINE_OF_IT


@pytest.mark.parametrize("text", ["1914 12 07 33 1,50", "Приложение номер", "x" * (MIN_LATIN - 1), ""])
def test_what_has_few_latin_letters_is_no_line_for_words(text):
    assert hard_lines([reading(0.6, text)]) == []


def bad_copy(texts: tuple[str, ...]) -> Image.Image:
    """Lines that lean, out of focus, and with much noise."""
    clean = written.page(texts, size=(1300, 600)).convert("L")
    leaning = clean.transform(
        clean.size, Image.Transform.AFFINE, (1, 0.35, -100, 0, 1, 0), Image.Resampling.BICUBIC, fillcolor="white"
    )
    blurred = np.asarray(leaning.filter(ImageFilter.GaussianBlur(3.0)), dtype=float)
    noise = np.random.default_rng(3).normal(0, 30, blurred.shape)
    return Image.fromarray((blurred * 0.8 + 40 + noise).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("texts", [ENGLISH, WILL], ids=["English", "French"])
def test_of_a_bad_copy_nearly_all_words_are_read(weights, texts):
    page, words = bad_copy(texts), {word for text in texts for word in text.split()}

    def right(engine: RapidOcrEngine) -> int:
        return sum(word in words for line in engine.read_lines(page) for word in line.text.split())

    without, helped = (right(RapidOcrEngine(weights=weights, word_lists=use)) for use in (False, True))
    assert helped > 1.15 * without
    assert helped > 0.9 * sum(len(text.split()) for text in texts)


def test_the_engine_uses_the_lists_unless_it_is_told_not_to(weights):
    assert RapidOcrEngine(weights=weights)._cascade._guide is not None
    assert RapidOcrEngine(weights=weights, word_lists=False)._cascade._guide is None
