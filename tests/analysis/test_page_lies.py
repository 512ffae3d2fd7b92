"""How the letters of a page tell the way its lines run, their slope, and which way up they stand."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pdfocr_watcher.analysis.ascenders import Votes, count_votes
from pdfocr_watcher.analysis.letters import find_letters, horizontal_share, ink_share, join_words
from pdfocr_watcher.analysis.skew import measure_skew

TEXT = "Every quick brown fox that jumps will find the lazy dog"


def page(text=TEXT, lines=12, slope=0.0):
    """Gray lines of text, off level clockwise by so many degrees."""
    image = Image.new("L", (900, 700), 255)
    draw = ImageDraw.Draw(image)
    for line in range(lines):
        draw.text((90, 80 + 44 * line), text, fill=0, font=ImageFont.load_default(24))
    return np.asarray(image.rotate(-slope, Image.Resampling.BICUBIC, fillcolor=255))


def share(gray):
    letters = find_letters(gray)
    return horizontal_share(join_words(letters), join_words(letters.laid()))


def votes(gray):
    letters = find_letters(gray)
    return count_votes(letters.mask, join_words(letters).boxes)


def test_letters_are_found_and_rules_and_pictures_are_not():
    gray = page(lines=1).copy()
    letters = find_letters(gray)
    assert letters.count == pytest.approx(len(TEXT.replace(" ", "")), abs=4)
    assert letters.size == pytest.approx(14, abs=4)
    gray[600:603, 50:850] = 0
    gray[300:500, 100:400] = 90
    drawn = find_letters(gray)
    assert drawn.count == letters.count
    assert drawn.ink > letters.ink


def test_a_blank_page_has_no_letters():
    letters = find_letters(np.full((300, 200), 255, dtype=np.uint8))
    assert (letters.count, letters.size, letters.ink) == (0, 0.0, 0)
    words = join_words(letters)
    assert len(words.boxes) == 0
    assert horizontal_share(words, words) == 0.5
    assert ink_share(letters, words) == 0.0
    assert count_votes(letters.mask, words.boxes) == Votes(0, 0)
    assert measure_skew(letters.mask).sharpness == 0.0


def test_more_specks_than_sixteen_bits_can_count_are_no_letters():
    specks = np.full((800, 800), 255, dtype=np.uint8)
    specks[::2, ::2] = 0
    assert find_letters(specks).count == 0


def test_lines_run_across_the_page_or_down_it():
    assert share(page()) > 0.8
    assert share(np.ascontiguousarray(np.rot90(page()))) < 0.2


@pytest.mark.parametrize("slope", [-9.0, 9.0])
def test_lines_run_across_a_page_that_is_skewed(slope):
    assert share(page(slope=slope)) > 0.7


def test_the_words_have_the_ink_of_a_page_without_pictures():
    letters = find_letters(page())
    assert ink_share(letters, join_words(letters)) > 0.8


def test_ascenders_tell_upright_from_upside_down():
    assert votes(page()).surety > 3
    assert votes(np.ascontiguousarray(page()[::-1, ::-1])).surety < -3


def test_capitals_and_figures_tell_neither():
    assert abs(votes(page("ALL OF THIS IS SET IN CAPITALS 2345")).surety) < 3


@pytest.mark.parametrize("slope", [-9.7, -3.3, -0.45, 0.0, 0.7, 5.15, 9.8])
def test_the_slope_is_told_to_a_tenth_of_a_degree(slope):
    skew = measure_skew(find_letters(page(slope=slope)).mask)
    assert skew.degrees == pytest.approx(slope, abs=0.1)
    assert skew.sharpness > 6


def test_noise_has_no_sharp_slope():
    noise = (np.random.default_rng(1).random((700, 900)) < 0.05).astype(np.uint8)
    assert measure_skew(noise).sharpness < 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (20, 7)])
def test_slopes_of_slivers_are_measured_without_complaint(shape):
    assert abs(measure_skew(np.ones(shape, dtype=np.uint8)).degrees) <= 11
