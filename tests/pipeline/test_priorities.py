"""Jobs of high priority go first, and no other one starves or waits for a book's end."""

from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.jobs.settings import Priority
from pdfocr_watcher.pipeline.priorities import PriorityScheduler

RANGE = 8
LOW, NORMAL, HIGH = Priority.LOW, Priority.NORMAL, Priority.HIGH


class Desk:
    """Does the turns of a scheduler, one at a time."""

    def __init__(self):
        self.scheduler = PriorityScheduler(RANGE)
        self.pages_of = {}
        self.given = []

    def add(self, job, pages, priority=NORMAL):
        self.pages_of[job] = pages
        self.scheduler.add(job, priority)

    def turn(self):
        turn = self.scheduler.next()
        if turn is not None and not turn.pages:
            self.scheduler.opened(turn.job_id, list(range(self.pages_of[turn.job_id])))
        elif turn is not None:
            self.given.append((turn.job_id, len(turn.pages)))
        return turn

    def turns(self, count=100_000):
        for _ in range(count):
            if self.turn() is None:
                return

    def pages(self, job):
        return sum(pages for name, pages in self.given if name == job)

    def turns_until_done(self, job):
        for count in range(1, 10_000):
            self.turn()
            if self.pages(job) == self.pages_of[job]:
                return count
        raise AssertionError(job)


def test_of_two_letters_the_more_urgent_one_is_read_first():
    desk = Desk()
    for job, priority in (("low", LOW), ("normal", NORMAL), ("high", HIGH)):
        desk.add(job, 1, priority)
    desk.turns()
    assert [job for job, _ in desk.given] == ["high", "normal", "low"]


def test_books_share_the_pages_by_their_priority():
    desk = Desk()
    for job, priority in (("low", LOW), ("normal", NORMAL), ("high", HIGH)):
        desk.add(job, 100_000, priority)
    desk.turns(2100)
    total = sum(pages for _, pages in desk.given)
    shares = [desk.pages(job) / total * 21 for job in ("high", "normal", "low")]
    assert [round(share) for share in shares] == [16, 4, 1]


def test_a_letter_of_any_priority_overtakes_a_book_of_any_other():
    for book in Priority:
        for letter in Priority:
            desk = Desk()
            desk.add("book", 10_000, book)
            desk.turns(200)
            desk.add("letter", 1, letter)
            assert desk.turns_until_done("letter") <= 40, (book, letter)


def test_a_stream_of_urgent_letters_does_not_stop_a_book_of_low_priority():
    desk = Desk()
    desk.add("book", 200, LOW)
    for number in range(4000):
        desk.add(f"letter {number}", 1, HIGH)
        desk.turn()
        desk.turn()
    assert desk.pages("book") == 200


def test_who_comes_back_from_a_rest_has_saved_nothing_up():
    desk = Desk()
    desk.add("early", 1, HIGH)
    desk.turns()
    desk.add("book", 10_000, NORMAL)
    desk.turns(1000)
    desk.add("other book", 10_000, LOW)
    before = desk.pages("book")
    desk.turns(100)
    assert desk.pages("book") - before > desk.pages("other book") > 0


def test_one_priority_alone_behaves_like_one_queue():
    desk = Desk()
    desk.add("paper", 20)
    desk.turns()
    assert [pages for _, pages in desk.given] == [8, 8, 4]
    assert len(desk.scheduler) == 1
    assert "paper" in desk.scheduler
    desk.scheduler.again("paper", 3)
    assert desk.scheduler.next().pages == range(3, 4)
    desk.scheduler.remove("paper")
    assert len(desk.scheduler) == 0
    assert desk.scheduler.next() is None


def test_a_job_that_is_put_back_keeps_its_priority():
    desk = Desk()
    desk.add("high", 10_000, HIGH)
    desk.add("normal", 10_000)
    desk.scheduler.next()
    desk.scheduler.add("high")
    desk.turns(100)
    assert desk.pages("high") > 3 * desk.pages("normal") > 0


@given(st.lists(st.tuples(st.sampled_from(Priority), st.integers(1, 60), st.integers(0, 5)), min_size=1, max_size=30))
def test_every_page_is_given_once(jobs):
    desk = Desk()
    for number, (priority, pages, turns) in enumerate(jobs):
        desk.add(str(number), pages, priority)
        desk.turns(turns)
    desk.turns()
    assert {job: desk.pages(job) for job in desk.pages_of} == desk.pages_of
