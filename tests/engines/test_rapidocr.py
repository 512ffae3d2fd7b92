"""The embedded engine reads what is on a page, wherever the page has its edges, and says nothing else."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import rapidocr
from PIL import Image, ImageDraw, ImageFont

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.document.model import Label
from pdfocr_watcher.engines import rapidocr as module
from pdfocr_watcher.engines.policy import ReadingPolicy
from pdfocr_watcher.engines.rapidocr import RapidOcrEngine
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.weights.catalogue import QUICK

TEXT = "The quick brown fox jumps over the lazy dog"


@pytest.fixture(scope="module")
def engine() -> Iterator[RapidOcrEngine]:
    return RapidOcrEngine(threads=1)


def page(*texts: str, size=(1000, 700), mode="RGB", em=32, at=(80, 80), pitch=64) -> Image.Image:
    """Black on white, one text below the other."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for index, text in enumerate(texts):
        draw.text((at[0], at[1] + pitch * index), text, fill="black", font=ImageFont.load_default(em))
    return image.convert(mode)


def said(lines: list[Line]) -> list[str]:
    return [line.text for line in sorted(lines, key=lambda line: line.top)]


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "RGBA", "CMYK", "P"])
def test_words_stay_apart_in_every_mode(engine, mode):
    assert said(engine.read_lines(page(TEXT, "a second line of text", mode=mode))) == [TEXT, "a second line of text"]


def test_boxes_lie_around_the_text(engine):
    (line,) = engine.read_lines(page(TEXT))
    left, top, right, bottom = ImageDraw.Draw(Image.new("1", (1, 1))).textbbox(
        (80, 80), TEXT, font=ImageFont.load_default(32)
    )
    assert (line.left, line.top, line.right, line.bottom) == pytest.approx((left, top, right, bottom), abs=12)
    assert line.confidence > 0.9


def test_words_know_where_they_stand(engine):
    (line,) = engine.read_lines(page(TEXT))
    assert " ".join(word.text for word in line.words) == TEXT
    font = ImageFont.load_default(32)
    for index, word in enumerate(line.words):
        before = " ".join(TEXT.split()[:index])
        left = 80 + font.getlength(before + " " if before else "")
        assert (word.left, word.right) == pytest.approx((left, left + font.getlength(word.text)), abs=14)


def test_a_page_without_text_has_no_lines(engine):
    assert engine.read_lines(Image.new("RGB", (800, 600), "white")) == []
    assert engine.recognize(Image.new("L", (800, 600), 0)).blocks == ()


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (1, 2000), (2000, 1), (9, 9), (31, 31), (33, 5), (12, 9000)])
@pytest.mark.parametrize("colour", ["white", "black"])
def test_tiny_and_thread_like_images_are_read_as_nothing(engine, size, colour):
    assert engine.read_lines(Image.new("RGB", size, colour)) == []


def test_text_that_touches_the_edges_of_a_small_image_is_read(engine):
    font = ImageFont.load_default(32)
    box = tuple(round(value) for value in font.getbbox("Small label"))
    image = page("Small label", size=(box[2] + 4, box[3] + 4), at=(2, 0))
    (line,) = engine.read_lines(image)
    assert line.text == "Small label"
    assert line.left >= 0
    assert line.right <= image.width


def test_a_long_receipt_is_read_to_its_end_and_no_line_twice(engine):
    texts = [f"Item number {number} costs {number}.50" for number in range(100, 160)]
    read = said(engine.read_lines(page(*texts, size=(600, 4100))))
    assert read == texts


def test_a_slightly_turned_line_is_levelled(engine):
    turned = page(TEXT).rotate(4, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC)
    assert said(engine.read_lines(turned)) == [TEXT]


def test_text_turned_by_a_quarter_is_read(engine):
    turned = page("Turned in the margin", size=(500, 200)).transpose(Image.Transpose.ROTATE_270)
    (line,) = engine.read_lines(turned)
    assert line.height > line.width
    assert not line.words


def test_blocks_are_made_of_the_lines(engine):
    (block,) = engine.recognize(page("A paragraph of text that runs", "over two lines and ends.", pitch=42)).blocks
    assert block.label is Label.TEXT
    assert block.content == "A paragraph of text that runs over two lines and ends."


def test_it_says_who_it_is(engine):
    assert engine.info.name == "rapidocr"
    assert engine.info.model == "PP-OCRv6_small"
    assert re.fullmatch(r"3\.\d+\.\d+", engine.info.version)


def test_it_is_silent():
    # In a process of its own: the library holds on to the stream that it finds when it is imported.
    program = (
        "from PIL import Image; from pdfocr_watcher.engines.registry import Setup, create_engine; "
        "create_engine('rapidocr', Setup()).recognize(Image.new('RGB', (300, 200), 'white'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_missing_weights_make_it_unavailable(monkeypatch):
    monkeypatch.setattr(module, "RECOGNITION_WEIGHTS", "missing.onnx")
    with pytest.raises(PdfocrError, match=r"missing\.onnx") as raised:
        RapidOcrEngine()
    assert raised.value.code is ErrorCode.ENGINE_UNAVAILABLE


def test_weights_that_do_not_load_make_it_unavailable(monkeypatch, tmp_path):
    (tmp_path / "models").mkdir()
    for name in (module.DETECTION_WEIGHTS, module.RECOGNITION_WEIGHTS):
        (tmp_path / "models" / name).write_bytes(b"no network")
    monkeypatch.setattr(rapidocr, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(PdfocrError, match="does not start") as raised:
        RapidOcrEngine()
    assert raised.value.code is ErrorCode.ENGINE_UNAVAILABLE


def test_the_quick_networks_read_clean_print_and_say_where_words_stand(weights):
    engine = RapidOcrEngine(1, ReadingPolicy.FAST, weights)
    assert engine.info.model == "PP-OCRv6_tiny"
    (line,) = engine.read_lines(page(TEXT))
    assert line.text == TEXT
    assert [word.text for word in line.words] == TEXT.split()
    font = ImageFont.load_default(32)
    for index, word in enumerate(line.words):
        left = 80 + font.getlength(" ".join([*TEXT.split()[:index], ""]) if index else "")
        assert (word.left, word.right) == pytest.approx((left, left + font.getlength(word.text)), abs=14)


def test_what_the_quick_networks_cannot_read_is_read_by_the_careful_ones(engine, weights):
    faint = page(TEXT, em=14).effect_spread(2)
    balanced = RapidOcrEngine(1, ReadingPolicy.BALANCED, weights)
    assert balanced.info.model == "PP-OCRv6_tiny+small"
    quick = said(RapidOcrEngine(1, ReadingPolicy.FAST, weights).read_lines(faint))
    assert said(balanced.read_lines(faint)) == said(engine.read_lines(faint)) != quick


@pytest.mark.parametrize("policy", [ReadingPolicy.FAST, ReadingPolicy.BALANCED])
def test_without_quick_networks_every_page_is_read_accurately(policy, tmp_path):
    for folder in (None, tmp_path):
        engine = RapidOcrEngine(1, policy, folder)
        assert engine.info.model == "PP-OCRv6_small"
        assert said(engine.read_lines(page(TEXT))) == [TEXT]


def test_quick_networks_that_do_not_load_are_done_without(tmp_path, capsys):
    for one in QUICK:
        (tmp_path / one.file).write_bytes(b"\0" * one.size)
    engine = RapidOcrEngine(1, ReadingPolicy.BALANCED, tmp_path)
    assert engine.info.model == "PP-OCRv6_small"
    assert "quick networks" in capsys.readouterr().err
