r"""Broken markup costs a box, never a word, and it is counted."""

import pytest

from pdfocr_watcher.document.grounding_markers import MAX_BOXES, read_boxes
from pdfocr_watcher.document.grounding_reader import read_grounding
from pdfocr_watcher.document.model import Block, Box, Label
from pdfocr_watcher.document.reading import Reading

TEXT = "<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n"
BOX = (Box(1, 2, 3, 4),)


# Cut off in the middle of a marker, wherever that is.


def test_a_marker_that_was_cut_off_in_its_closing_tag_is_no_text():
    cut = f"{TEXT}Some text content here.\n\n<|ref|>image<|/ref|><|det|>[[480, 270, 860, 930]<"
    assert read_grounding(cut) == Reading((Block(Label.TEXT, BOX, "Some text content here."),), 1)


@pytest.mark.parametrize("length", range(1, len("<|ref|>image<|/ref|><|det|>[[480, 270, 860, 930]]<|/det|>")))
def test_a_marker_that_was_cut_off_anywhere_is_no_text(length):
    marker = "<|ref|>image<|/ref|><|det|>[[480, 270, 860, 930]]<|/det|>"
    reading = read_grounding(f"{TEXT}said\n\n{marker[:length]}")
    if length <= 2:  # nobody knows what this was to be
        assert reading == Reading((Block(Label.TEXT, BOX, f"said\n\n{marker[:length]}"),))
    else:
        assert reading == Reading((Block(Label.TEXT, BOX, "said"),), 1)


@pytest.mark.parametrize("cut", ["<|ref|>ima", "<|ref|>", "<|re", "<|ref|>image<|/r", "<|ref|>image<|/ref|>"])
def test_a_page_that_is_only_a_piece_of_a_marker_says_nothing(cut):
    assert read_grounding(cut) == Reading((), 1)


# Markers of which something is missing.


@pytest.mark.parametrize(
    "marker",
    [
        "<|ref|>table<|/ref|><|det|>[[1, 2, 3, 4]]",  # the end of the box
        "<|ref|>table<|/ref|><|det|>[[1, 2, 3",  # more of it
        "<|ref|>table<|/ref|><|det|>",
        "<|ref|>table<|/ref|>",  # the box
        "<|ref|>table",  # the end of the label
        "<|ref|>table<|det|>[[1, 2, 3, 4]]<|/det|>",
        "<|ref|>table<|/ref|><|det|><|/det|>",  # the coordinates
        "<|ref|>table<|/ref|><|det|>[]<|/det|>",
        "<|ref|>table<|/ref|><|det|>[[]]<|/det|>",
        "<|ref|>table<|/ref|><|det|>the upper left<|/det|>",
    ],
)
def test_a_marker_without_all_of_its_parts_gives_its_label_and_no_box(marker):
    assert read_grounding(f"{TEXT}a\n\n{marker}\n<table><tr><td>b</td></tr></table>\n\n{TEXT}c") == Reading(
        (
            Block(Label.TEXT, BOX, "a"),
            Block(Label.TABLE, (), "<table><tr><td>b</td></tr></table>"),
            Block(Label.TEXT, BOX, "c"),
        ),
        1,
    )


def test_a_box_without_a_label_is_dropped_and_the_text_behind_it_kept():
    assert read_grounding(f"{TEXT}a\n\n<|det|>[[1, 2, 3, 4]]<|/det|>\nb") == Reading(
        (Block(Label.TEXT, BOX, "a"), Block(Label.TEXT, (), "b")), 1
    )


def test_a_table_whose_marker_is_broken_still_gets_its_content_from_behind_the_caption():
    assert read_grounding(
        "<|ref|>table<|/ref|><|det|>[[1, 2, 3]]<|/det|>\n"
        "<|ref|>table_caption<|/ref|><|det|>[[5, 6, 7, 8]]<|/det|>\nTable 1\n\n<table><tr><td>a</td></tr></table>"
    ) == Reading(
        (
            Block(Label.TABLE_CAPTION, (Box(5, 6, 7, 8),), "Table 1"),
            Block(Label.TABLE, (), "<table><tr><td>a</td></tr></table>"),
        ),
        1,
    )


def test_of_nested_markers_the_inner_one_counts():
    assert read_grounding(f"<|ref|>text <|ref|>title<|/ref|><|det|>[[5, 6, 7, 8]]<|/det|>\nA\n{TEXT}b") == Reading(
        (Block(Label.TITLE, (Box(5, 6, 7, 8),), "# A"), Block(Label.TEXT, BOX, "b")), 1
    )
    assert read_grounding(
        f"<|ref|>text<|/ref|><|det|>[[1, 2, <|ref|>title<|/ref|><|det|>[[5, 6, 7, 8]]<|/det|>\nA\n{TEXT}b"
    ) == Reading((Block(Label.TITLE, (Box(5, 6, 7, 8),), "# A"), Block(Label.TEXT, BOX, "b")), 1)


def test_what_begins_a_line_like_a_marker_and_is_none_is_kept_and_counted():
    said = "<|ref|> marks a reference\n<|/ref|> ends it\n<|det|> is a box"
    assert read_grounding(TEXT + said) == Reading((Block(Label.TEXT, BOX, said),), 1)


def test_a_marker_need_not_begin_a_line_if_label_and_box_are_sound():
    assert read_grounding(f"{TEXT}a <|ref|>title<|/ref|><|det|>[[5, 6, 7, 8]]<|/det|> B") == Reading(
        (Block(Label.TEXT, BOX, "a"), Block(Label.TITLE, (Box(5, 6, 7, 8),), "# B"))
    )


# Boxes.


@pytest.mark.parametrize(
    ("written", "boxes"),
    [
        ("[[1, 2, 3, 4]]", BOX),
        ("[[1,2,3,4]]", BOX),
        (" [ [ 1 , 2 , 3 , 4 ] ] ", BOX),
        ("\n[[1, 2,\n3, 4]]\n", BOX),
        ("[[1, 2, 3, 4], [5, 6, 7, 8]]", (*BOX, Box(5, 6, 7, 8))),
        ("[[0, 0, 999, 999]]", (Box(0, 0, 999, 999),)),
        ("[[007, 08, 3_0, 4]]", None),
        ("[[5, 5, 5, 90]]", (Box(5, 5, 5, 90),)),  # no width: a box, though nothing is cut out
        ("[[0, 0, 1000, 1003]]", (Box(0, 0, 999, 999),)),  # slightly beyond the edge
        ("[[-1, -20, 500, 1048]]", (Box(0, 0, 500, 999),)),
    ],
)
def test_sound_boxes_are_taken(written, boxes):
    if boxes is None:
        assert read_boxes(written) == ((), 1)
    else:
        assert read_boxes(written) == (boxes, 0)


@pytest.mark.parametrize(
    "written", ["[[3, 4, 1, 2]]", "[[1, 4, 3, 2]]", "[[3, 2, 1, 4]]", "[1, 2, 3, 4]", "[ 1,2,3,4 ]"]
)
def test_corners_in_the_wrong_order_and_a_missing_bracket_are_mended_and_counted(written):
    assert read_boxes(written) == (BOX, 1)


@pytest.mark.parametrize(
    "written",
    [
        "[[1, 2, 3]]",
        "[[1, 2, 3, 4, 5]]",
        "[[1, 2, 3, 4, 5, 6, 7, 8]]",
        "[[1, 2, 3, x]]",
        "[[1, 2, 3, 4.5]]",
        "[[0.1, 0.2, 0.3, 0.4]]",
        "[[1e2, 2, 3, 4]]",
        "[[1, 2, 3, 1e999]]",
        "[[1, 2, 3, None]]",
        "[[1, 2, 3, 0x10]]",
        "[[1, 2, 3, ٤]]",
        "[[1 2 3 4]]",
        "[[1, 2, , 4]]",
        "[[1, 2, 3, 4,]]",
        "[[1, 2, 3, 4],]",
        "[[1, 2, 3, 4] [5, 6, 7, 8]]",
        "[[1, 2, 3, 4]",
        "[1, 2, 3, 4]]",
        "[[[1, 2, 3, 4]]]",
        "[(1, 2, 3, 4)]",
        "[[1, 2, 3, 4]] and more",
        "[[1, 2, 3, 2000]]",
        "[[-300, 2, 3, 4]]",
        "[[1, 2, 3, 99999999999999999999999999]]",
        f"[[1, 2, 3, {'9' * 5000}]]",
        "[[1, 2, 3, 4]]; import os",
        "__import__('os').system('true')",
        "[]",
        "[[]]",
        "[",
        "]",
        "",
    ],
)
def test_what_is_not_four_whole_numbers_on_the_page_is_dropped_and_counted(written):
    assert read_boxes(written) == ((), 1)
    assert read_grounding(f"<|ref|>text<|/ref|><|det|>{written}<|/det|>\nsaid") == Reading(
        (Block(Label.TEXT, (), "said"),), 1
    )


def test_a_bad_box_among_others_costs_only_itself():
    written = "[[1, 2, 3, 4], [5, 6, 7], [9, 9, 8, 8], [5, 6, 7, 5000], [0, 0, 1000, 9]]"
    assert read_boxes(written) == ((*BOX, Box(8, 8, 9, 9), Box(0, 0, 999, 9)), 3)


def test_far_too_many_boxes_are_cut_to_a_limit_and_counted_once():
    boxes, malformed = read_boxes(f"[{', '.join(['[1, 2, 3, 4]'] * 5_000)}]")
    assert (len(boxes), malformed) == (MAX_BOXES, 1)
    assert len(read_boxes(f"[{', '.join(['[1, 2, 3, 4]'] * MAX_BOXES)}]")[0]) == MAX_BOXES


def test_boxes_that_overlap_or_are_the_same_are_all_kept():
    assert read_boxes("[[1, 2, 3, 4], [1, 2, 3, 4], [0, 0, 9, 9]]") == ((*BOX, *BOX, Box(0, 0, 9, 9)), 0)
