"""A document seen as a whole: what its pages say about each other."""

from dataclasses import replace

import pytest

from pdfocr_watcher.analysis.document_view import Survey
from pdfocr_watcher.document.model import Block, Box, FailedPage, Label, Page
from tests.analysis.typeset import prose

#: A4 at 100 dpi; a line of 11 points is 15 pixels high.
WIDTH, HEIGHT, DPI = 827, 1169, 100.0
BODY = 11.0


def size(points):
    return points / 72 * DPI / HEIGHT


def placed(label, content, top, points=BODY, left=100, right=900, lines=1):
    bottom = min(999, top + round(999 * size(points) * (1 + 1.3 * (lines - 1))))
    return Block(label, (Box(left, top, right, bottom),), content, 0.9, size(points))


def text(content, top, points=BODY, **more):
    return placed(Label.TEXT, content, top, points, **more)


def body(index, lines=20):
    """A paragraph of which no two pages have a word in common."""
    return text(" ".join(prose(lines, f"p{index}x")) + ".", 200, lines=lines)


def heading(content, top, points):
    return placed(Label.SUB_TITLE, f"## {content}", top, points)


def make_document(*pages):
    return [Page(index, WIDTH, HEIGHT, DPI, tuple(blocks)) for index, blocks in enumerate(pages)]


def seen(pages):
    survey = Survey()
    for page in pages:
        if isinstance(page, Page):
            survey.add(page)
    view = survey.view()
    return [view.page(page) for page in pages if isinstance(page, Page)]


def read(pages, *, running_titles=False):
    survey = Survey()
    for page in pages:
        if isinstance(page, Page):
            survey.add(page)
    return list(survey.view().reading(pages, running_titles=running_titles))


def labels_of(pages, position=0):
    return [page.blocks[position].label for page in pages]


class TestRunningTitles:
    def test_a_line_at_the_same_place_of_three_pages_is_a_header(self):
        pages = make_document(*([text("The Natural History", 40), body(i)] for i in range(3)))
        assert labels_of(seen(pages)) == [Label.HEADER] * 3

    def test_it_is_a_footer_at_the_foot(self):
        pages = make_document(*([body(i), text("Ministry of Ways, draft", 960)] for i in range(3)))
        assert labels_of(seen(pages), 1) == [Label.FOOTER] * 3

    def test_what_an_engine_misread_is_the_same_line(self):
        read_as = ["The Natural History", "The Natura1 History", "The Natural Hlstory", "Tne Natural History"]
        pages = make_document(*([text(line, 40 + i % 2), body(i)] for i, line in enumerate(read_as)))
        assert labels_of(seen(pages)) == [Label.HEADER] * 4

    def test_left_and_right_pages_have_titles_of_their_own(self):
        titles = ["The Natural History", "Of Quadrupeds"]
        pages = make_document(*([text(titles[i % 2], 40), body(i)] for i in range(6)))
        assert labels_of(seen(pages)) == [Label.HEADER] * 6

    def test_a_title_that_changes_with_the_chapter_is_one_also_where_it_is_there_once(self):
        titles = ["Of Bears", "Of Bears", "Of Bears", "Of Wolves", "Of Cats", "Of Cats", "Of Cats"]
        pages = make_document(*([text(title, 40), body(i)] for i, title in enumerate(titles)))
        assert labels_of(seen(pages)) == [Label.HEADER] * 7

    @pytest.mark.parametrize(
        "number",
        [
            lambda i: str(i + 7),
            lambda i: f"Page {i + 1} of 5",
            lambda i: f"2-{i + 3}",
            lambda i: ["iv", "v", "vi", "vii", "viii"][i],
        ],
    )
    def test_numbers_that_count_up_with_the_pages_are_page_numbers(self, number):
        pages = make_document(*([body(i), text(number(i), 960, left=480, right=520)] for i in range(5)))
        assert labels_of(seen(pages), 1) == [Label.PAGE_NUMBER] * 5

    def test_numbers_that_do_not_count_up_are_text(self):
        pages = make_document(*([body(i), text(str(number), 960)] for i, number in enumerate([17, 1984, 3, 250])))
        assert labels_of(seen(pages), 1) == [Label.TEXT] * 4

    def test_blocks_of_a_model_that_gives_no_boxes_are_found_by_their_order(self):
        def block(content):
            return Block(Label.TEXT, (), content)

        pages = make_document(
            *([block("The Natural History"), block(" ".join(prose(9, f"p{i}x"))), block(str(i + 40))] for i in range(4))
        )
        assert labels_of(seen(pages)) == [Label.HEADER] * 4
        assert labels_of(seen(pages), 2) == [Label.PAGE_NUMBER] * 4

    def test_lines_of_the_text_are_text_where_no_two_are_alike(self):
        lines = [
            "Of bears much is known.",
            "Wolves hunt by night",
            "a cat has its pride",
            "and so on",
            "Hay is dear",
            "Oh!",
        ]
        pages = make_document(*([text(line, 90), body(i)] for i, line in enumerate(lines)))
        assert labels_of(seen(pages)) == [Label.TEXT] * 6

    def test_a_line_within_the_text_is_text_however_often_it_is_there(self):
        pages = make_document(*([body(i, 5), text("Questions", 500), text("Answers", 600)] for i in range(6)))
        assert labels_of(seen(pages), 1) == [Label.TEXT] * 6

    def test_headings_that_are_counted_are_headings(self):
        pages = make_document(*([heading(f"Lesson {i + 1}", 40, 20), body(i)] for i in range(6)))
        assert Label.HEADER not in labels_of(seen(pages))

    def test_a_title_on_every_slide_is_a_heading_where_it_is_there_first(self):
        pages = make_document(*([heading("Department of Ways", 40, 20), body(i)] for i in range(6)))
        first, *others = labels_of(seen(pages))
        assert first in {Label.TITLE, Label.SUB_TITLE}
        assert others == [Label.HEADER] * 5

    def test_a_document_of_one_page_has_none_but_what_its_engine_is_sure_of(self):
        (page,) = make_document([text("Dear Sir,", 40), body(0), placed(Label.PAGE_NUMBER, "12", 960)])
        assert [block.label for block in seen([page])[0].blocks] == [Label.TEXT, Label.TEXT, Label.PAGE_NUMBER]

    def test_a_letterhead_is_content_and_where_it_is_repeated_only_the_first_one(self):
        def head():
            return [
                placed(Label.HEADER, "Miller and Sons", 30),
                placed(Label.HEADER, "12 Mill Lane", 50),
                placed(Label.HEADER, "Phone: 555 0100", 70),
            ]

        pages = make_document(*([*head(), body(i)] for i in range(3)))
        assert labels_of(seen(pages)) == [Label.TEXT, Label.HEADER, Label.HEADER]

    def test_output_mmd_is_without_them_unless_it_is_asked_for(self):
        pages = make_document(*([text("The Natural History", 40), body(i)] for i in range(3)))
        assert [len(page.blocks) for page in read(pages)] == [1] * 3
        assert [len(page.blocks) for page in read(pages, running_titles=True)] == [2] * 3

    def test_a_page_that_failed_keeps_its_place_and_the_numbers_count_over_it(self):
        pages = make_document(*([body(i), text(str(i + 1), 960)] for i in range(5)))
        pages[2] = FailedPage(2, "render_failed", "no picture came")
        assert labels_of(seen(pages), 1) == [Label.PAGE_NUMBER] * 4
        assert [page.index for page in read(pages)] == [0, 1, 2, 3, 4]


class TestHeadings:
    def levels(self, pages):
        return [(b.level, b.content) for page in seen(pages) for b in page.blocks if b.level is not None]

    def test_there_is_one_title_and_headings_of_a_size_are_of_one_level_whatever_their_pages_say(self):
        pages = make_document(
            [placed(Label.TITLE, "# Of Ways", 80, 30), body(0), heading("Roads", 700, 20)],
            [placed(Label.TITLE, "# Rivers", 100, 20.3), body(1), heading("Their Depth", 700, 14)],
            [heading("Rails", 100, 19.8), body(2)],
        )
        assert self.levels(pages) == [
            (1, "# Of Ways"),
            (2, "## Roads"),
            (2, "## Rivers"),
            (3, "### Their Depth"),
            (2, "## Rails"),
        ]

    def test_lone_headings_that_were_measured_a_little_off_are_of_one_level(self):
        pages = make_document(
            [body(0)], [heading("What you find there", 500, 13)], [heading("A figure", 500, 16), body(1)]
        )
        assert [level for level, _ in self.levels(pages)] == [2, 2]

    def test_labels_follow_the_levels(self):
        pages = make_document(
            [placed(Label.TITLE, "# Of Ways", 80, 22), body(0)], [placed(Label.TITLE, "# Rivers", 100, 15), body(1)]
        )
        assert labels_of(seen(pages)) == [Label.TITLE, Label.SUB_TITLE]

    def test_a_heading_that_outdoes_the_others_at_the_top_of_the_first_page_is_the_title(self):
        pages = make_document([heading("Of Ways", 80, 16), body(0), heading("Roads", 700, 13)])
        assert self.levels(pages) == [(1, "# Of Ways"), (2, "## Roads")]

    @pytest.mark.parametrize("beginning", ["Abstract", "1. Introduction", "Zusammenfassung:"])
    def test_what_stands_over_the_beginning_of_a_paper_is_its_title_though_it_is_hardly_larger(self, beginning):
        pages = make_document(
            [heading("Of Ways", 80, 12), heading(beginning, 150, 12), body(0), heading("2. Roads", 700, 13)]
        )
        assert [level for level, _ in self.levels(pages)] == [1, 2, 2]

    def test_what_stands_below_text_or_over_no_beginning_is_no_title(self):
        preface, abstract = heading("Preface", 500, 12), heading("Abstract", 700, 12)
        assert 1 not in dict(self.levels(make_document([body(0, lines=4), preface, abstract])))
        assert 1 not in dict(self.levels(make_document([heading("Of Ways", 80, 12), body(0), preface])))
        assert 1 not in dict(
            self.levels(make_document([heading("Abstract", 80, 12), body(0), heading("Summary", 700, 12)]))
        )
        assert 1 not in dict(self.levels(make_document([heading("1. Ways", 80, 12), body(0), abstract])))

    def test_a_heading_in_the_middle_of_things_is_no_title(self):
        pages = make_document([body(0), heading("Roads", 700, 16)])
        assert self.levels(pages) == [(2, "## Roads")]

    def test_a_numbered_section_below_it_is_no_part_of_the_title(self):
        pages = make_document([placed(Label.TITLE, "# Of Ways", 80, 22), heading("1. Purpose", 130, 22), body(0)])
        assert [level for level, _ in self.levels(pages)] == [1, 2]

    def test_a_larger_logo_at_the_foot_of_the_page_is_not_the_title(self):
        logo = placed(Label.TITLE, "# Ways Ltd.", 900, 30)
        pages = make_document([placed(Label.TITLE, "# Of Ways", 80, 22), body(0), logo])
        assert self.levels(pages) == [(1, "# Of Ways"), (2, "## Ways Ltd.")]

    def test_numbers_say_how_deep_a_heading_is_whatever_its_size(self):
        pages = make_document(
            [
                placed(Label.TITLE, "# Of Ways", 80, 22),
                body(0),
                heading("1 Roads", 700, 13),
                heading("1.1 Stone", 750, 13),
            ],
            [heading("1.1.1 Their Age", 100, 13), body(1), heading("2. Rivers", 700, 13)],
        )
        assert [level for level, _ in self.levels(pages)] == [1, 2, 3, 4, 2]

    def test_a_size_of_numbered_headings_is_that_of_the_others_of_this_size(self):
        pages = make_document(
            [heading("Preface", 100, 16), body(0), heading("1.1 Stone", 700, 13), heading("Sources", 750, 13)],
            [heading("1 Roads", 100, 16), body(1), heading("1.2 Sand", 700, 13)],
        )
        assert (3, "### Sources") in self.levels(pages)

    def test_headings_that_are_counted_with_a_word_are_of_one_level_however_they_were_measured(self):
        pages = make_document(
            *(
                [heading(f"Article {number}", 100, points), body(i)]
                for i, (number, points) in enumerate([("I", 16), ("II", 16), ("III", 13)])
            )
        )
        assert [level for level, _ in self.levels(pages)] == [2, 2, 2]

    def test_the_levels_of_a_model_without_sizes_stay_but_for_a_second_title(self):
        def block(label, content):
            return Block(label, (), content)

        pages = make_document(
            [block(Label.TITLE, "# Of Ways"), block(Label.TEXT, "a"), block(Label.SUB_TITLE, "### Stone")],
            [block(Label.TITLE, "# Rivers"), block(Label.TEXT, "b")],
        )
        assert self.levels(pages) == [(1, "# Of Ways"), (3, "### Stone"), (2, "## Rivers")]


class TestParagraphs:
    def words(self, count, prefix):
        return " ".join(prose(count, prefix))

    def test_a_paragraph_that_breaks_off_at_the_end_of_a_page_is_whole_on_the_page_where_it_begins(self):
        begun, rest = self.words(8, "a") + " and so it was impor-", "tant to them. " + self.words(5, "b")
        pages = make_document([text(begun, 500, lines=9)], [text(rest, 60, lines=6), body(1)])
        first, second = read(pages)
        assert "so it was important to them." in first.blocks[0].content
        assert [block.content for block in second.blocks] == [body(1).content]

    def test_running_titles_figures_and_footnotes_do_not_part_it(self):
        begun, rest = self.words(8, "a") + " they went on", "to the river. " + self.words(5, "b")
        pages = make_document(
            [text(begun, 500, lines=9), text("1 See the map.", 850, 9), placed(Label.PAGE_NUMBER, "1", 960)],
            [
                placed(Label.HEADER, "Of Ways", 30),
                Block(Label.IMAGE, (Box(100, 60, 900, 300),), ""),
                text(rest, 320, lines=6),
                body(1),
            ],
        )
        first, second = read(pages)
        assert first.blocks[0].content == f"{begun} {rest}"
        assert [block.label for block in second.blocks] == [Label.IMAGE, Label.TEXT]

    @pytest.mark.parametrize(
        ("end", "begin", "points"),
        [
            ("they came to an end.", "then another one began", BODY),
            ("they came to", "The Next Town and more", BODY),
            ("they came to", "the small print of it", BODY * 0.8),
            ("as follows:", "then another one began", BODY),
        ],
    )
    def test_what_is_not_sure_stays_as_it_is(self, end, begin, points):
        pages = make_document(
            [text(f"{self.words(8, 'a')} {end}", 500, lines=9)],
            [text(f"{begin} {self.words(5, 'b')}", 60, points, lines=6), body(1)],
        )
        assert [page.blocks for page in read(pages)] == [page.blocks for page in seen(pages)]

    def test_a_hyphen_at_the_end_of_a_line_stays_where_the_document_has_the_word_with_it_elsewhere(self):
        broken = text("Their cooperation was important.", 200)
        broken = replace(broken, healed=("co-operation", "impor-tant"))
        pages = make_document([broken], [text("No co-operation without a road.", 200)])
        assert read(pages)[0].blocks[0].content == "Their co-operation was important."
        assert read(pages[:1])[0].blocks[0].content == "Their cooperation was important."

    def test_a_heading_parts_it(self):
        pages = make_document(
            [text(self.words(8, "a") + " they went on", 500, lines=9)],
            [heading("Rivers", 60, 16), text("to the river. " + self.words(5, "b"), 100, lines=6), body(1)],
        )
        assert [len(page.blocks) for page in read(pages)] == [1, 3]

    def test_a_page_that_is_one_paragraph_keeps_it(self):
        pages = make_document(*([text(f"on {self.words(20, f'p{i}')} and", 60, lines=30)] for i in range(4)))
        assert [len(page.blocks) for page in read(pages)] == [1] * 4

    def test_no_paragraph_goes_on_over_a_page_that_failed(self):
        pages = make_document(
            [text(self.words(8, "a") + " they went on", 500, lines=9)], [], [text("to the river.", 60), body(1)]
        )
        pages[1] = FailedPage(1, "render_failed", "no picture came")
        assert [len(page.blocks) for page in read(pages) if isinstance(page, Page)] == [1, 2]

    def test_a_paragraph_goes_on_in_the_next_column_behind_a_figure(self):
        begun, rest = self.words(8, "a") + " they went on", "to the river. " + self.words(5, "b")
        pages = make_document(
            [
                text(begun, 500, lines=9, left=100, right=480),
                Block(Label.IMAGE, (Box(520, 60, 900, 300),), ""),
                text(rest, 320, lines=6, left=520, right=900),
            ]
        )
        (page,) = read(pages)
        assert [block.content for block in page.blocks] == [f"{begun} {rest}", ""]

    def test_blocks_below_each_other_that_an_engine_parted_stay_parted(self):
        pages = make_document(
            [
                text(self.words(8, "a") + " they went on", 300, lines=9),
                text("to the river. " + self.words(5, "b"), 600, lines=6),
            ]
        )
        assert len(read(pages)[0].blocks) == 2

    def test_but_not_within_a_word(self):
        begun, rest = text("We focus our research on improv-", 300), text("ing what there is.", 320)
        assert [block.content for block in read(make_document([begun, rest]))[0].blocks] == [
            "We focus our research on improving what there is."
        ]

    def test_a_page_as_the_document_sees_it_has_its_blocks_where_they_were_read(self):
        pages = make_document(
            [text(self.words(8, "a") + " they went on", 500, lines=9)],
            [text("to the river. " + self.words(5, "b"), 60, lines=6), body(1)],
        )
        assert seen(pages) == pages
