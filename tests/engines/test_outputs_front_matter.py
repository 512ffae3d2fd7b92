"""olmOCR's front matter says how the page lies; what stands behind it is the page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.document.model import Block, Label
from pdfocr_watcher.document.reading import Reading
from pdfocr_watcher.engines.outputs.front_matter import MAX_CHARACTERS, read_front_matter

UPRIGHT = (
    "---\nprimary_language: en\nis_rotation_valid: True\nrotation_correction: 0\n"
    "is_table: False\nis_diagram: False\n---\n"
)


def turned(correction: object, valid: object = "False") -> str:
    return UPRIGHT.replace("True", str(valid)).replace("correction: 0", f"correction: {correction}")


def test_the_front_matter_is_no_text():
    assert read_front_matter(f"{UPRIGHT}# December 19, 1932\n\nDear Binkley:\n") == Reading(
        (Block(Label.TITLE, (), "# December 19, 1932"), Block(Label.TEXT, (), "Dear Binkley:"))
    )


@pytest.mark.parametrize(("correction", "clockwise"), [(90, 270), (180, 180), (270, 90), (0, 0)])
def test_the_turn_is_told_clockwise(correction, clockwise):
    # olmOCR's pipeline turns by `rotation_correction` with Pillow's transpose, counter-clockwise.
    assert read_front_matter(f"{turned(correction)}garbled") == Reading(
        (Block(Label.TEXT, (), "garbled"),), rotation=clockwise
    )


@pytest.mark.parametrize(
    "header",
    [
        turned(90, "True"),
        turned(45),
        turned("ninety"),
        turned("true"),
        turned("[90]"),
        turned(90, "'False'"),
        turned(90, "null"),
        "---\nrotation_correction: 90\n---\n",
        "---\nis_rotation_valid: false\n---\n",
    ],
)
def test_a_turn_that_is_not_asked_for_clearly_is_none(header):
    assert read_front_matter(f"{header}a") == Reading((Block(Label.TEXT, (), "a"),))


@pytest.mark.parametrize("body", ["", "\n", "null", " null \n"])
def test_a_page_without_text_says_nothing(body):
    assert read_front_matter(UPRIGHT + body) == Reading()


def test_a_text_without_front_matter_is_markdown():
    assert read_front_matter("# A\n\nb").blocks == (Block(Label.TITLE, (), "# A"), Block(Label.TEXT, (), "b"))
    assert read_front_matter("") == Reading()


def test_blanks_and_windows_line_ends_do_not_hide_a_front_matter():
    assert read_front_matter("\n " + UPRIGHT.replace("\n", "\r\n") + "a\r\n") == Reading((Block(Label.TEXT, (), "a"),))


@pytest.mark.parametrize("text", ["---\nA letter\n---\nDear", "---\n\nA: b\n\n---", "---\n- one\n---", "---\n---\na"])
def test_what_stands_between_rules_on_a_page_is_text(text):
    said = " ".join(block.content for block in read_front_matter(text).blocks)
    assert "".join(filter(str.isalpha, said)) == "".join(filter(str.isalpha, text))


def test_a_front_matter_that_was_cut_off_is_text_and_turns_nothing():
    reading = read_front_matter(turned(90)[:60])
    assert "".join(block.content for block in reading.blocks).startswith("---primary_language: en")
    assert reading.rotation == 0


@pytest.mark.parametrize(
    "header",
    [
        "primary_language: " + "[" * 950 + "]" * 950,
        "primary_language: [" * 300,
        "primary_language: 2024-99-99",
        "primary_language: " + "9" * 1900,
        "? [a]\n: b",
        "primary_language: *a",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "primary_language: 'en",
        "\tprimary_language: en",
    ],
)
def test_yaml_that_is_hostile_or_broken_turns_nothing(header):
    reading = read_front_matter(f"---\n{header}\n---\nbehind")
    assert reading.blocks[-1].content.endswith("behind")
    assert reading.rotation == 0


def test_nothing_in_a_front_matter_is_run(tmp_path):
    target = tmp_path / "made"
    reading = read_front_matter(f"---\nprimary_language: !!python/object/apply:os.mkdir ['{target}']\n---\nbehind")
    assert not target.exists()
    assert reading.malformed == 1
    assert reading.blocks[-1].content == "behind"


def test_a_long_front_matter_is_none():
    text = f"---\nprimary_language: {'e' * MAX_CHARACTERS}\n---\nbehind"
    assert "primary_language" in read_front_matter(text).blocks[0].content + read_front_matter(text).blocks[1].content


PIECES = ["---", "\n", "---\n", "primary_language: en\n", "is_rotation_valid: False\n", "rotation_correction: 90\n",
          ": ", "&a", "*a", "!!", "[", "{", "'", "#", "word", " "]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=20).map("".join))
def test_any_text_is_read(text):
    assert read_front_matter(text).rotation in {0, 90, 180, 270}


@pytest.mark.parametrize("piece", ["---\n", "a: [", "*", "&a ", "\n"])
def test_a_megabyte_of_anything_is_read(piece):
    read_front_matter("---\n" + piece * (1_000_000 // len(piece)))
