"""Pages of all jobs share the engine fairly: letters overtake books, and books are never starved."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from pdfocr_watcher.pipeline.scheduler import Scheduler

RANGE = 8


class Desk:
    """Does the turns of a scheduler, one at a time: opens the jobs that have yet to be opened."""

    def __init__(self, scheduler):
        self.scheduler = scheduler
        self.pages_of = {}
        self.given = []
        self.opened = []

    def add(self, job, pages):
        self.pages_of[job] = pages
        self.scheduler.add(job)

    def turn(self):
        turn = self.scheduler.next()
        if turn is None:
            return None
        if turn.pages:
            self.given.append((turn.job_id, turn.pages))
        else:
            self.opened.append(turn.job_id)
            self.scheduler.opened(turn.job_id, list(range(self.pages_of[turn.job_id])))
        return turn

    def turns(self, count=100_000):
        for _ in range(count):
            if self.turn() is None:
                return

    def count(self, job):
        return sum(len(pages) for name, pages in self.given if name == job)

    def done(self, job):
        return self.count(job) == self.pages_of[job]


def test_a_job_is_opened_before_its_pages_are_given():
    scheduler = Scheduler(RANGE)
    scheduler.add("letter")

    first = scheduler.next()
    assert (first.job_id, list(first.pages)) == ("letter", [])
    assert scheduler.next() is None

    scheduler.opened("letter", [0, 1, 2])
    second = scheduler.next()
    assert (second.job_id, second.pages) == ("letter", range(3))
    assert scheduler.next() is None


def test_an_empty_scheduler_has_nothing_to_do():
    assert Scheduler(RANGE).next() is None


def test_a_document_is_given_in_ranges_from_its_first_page_to_its_last():
    desk = Desk(Scheduler(RANGE))
    desk.add("paper", 20)
    desk.turns()
    assert [pages for _, pages in desk.given] == [range(8), range(8, 16), range(16, 20)]


def test_only_pages_that_are_missing_are_given():
    scheduler = Scheduler(RANGE)
    scheduler.add("resumed")
    scheduler.next()
    scheduler.opened("resumed", [2, 3, 7])
    assert [scheduler.next().pages for _ in range(2)] == [range(2, 4), range(7, 8)]


def test_a_range_begins_anew_where_the_resolution_changes():
    scheduler = Scheduler(RANGE)
    scheduler.add("mixed")
    scheduler.next()
    scheduler.opened("mixed", list(range(6)), frozenset({2, 3}))
    assert [scheduler.next().pages for _ in range(3)] == [range(2), range(2, 3), range(3, 6)]


def test_a_letter_overtakes_a_book():
    desk = Desk(Scheduler(RANGE))
    desk.add("book", 1000)
    desk.turns(40)
    before = desk.count("book")
    assert 0 < before < 1000

    desk.add("letter", 1)
    while not desk.done("letter"):
        desk.turn()

    assert desk.count("book") - before <= 2 * RANGE


def test_a_letter_does_not_wait_for_books_that_came_in_a_heap_before_it():
    desk = Desk(Scheduler(RANGE))
    for number in range(50):
        desk.add(f"book {number}", 1000)
    desk.turns(50 * 3 + 400)
    before = len(desk.given)

    desk.add("letter", 1)
    while not desk.done("letter"):
        desk.turn()

    assert len(desk.given) - before <= 4


def test_a_stream_of_letters_never_stops_a_book():
    desk = Desk(Scheduler(RANGE))
    desk.add("book", 400)
    number = 0
    while not desk.done("book"):
        number += 2
        assert number < 1000
        desk.add(f"letter {number}", 1)
        desk.add(f"letter {number + 1}", 1)
        desk.turn()
    # every second turn is the book's, whatever arrives, once its first pages took turns with eight letters
    assert number <= 2 * (2 * 400 / RANGE + 3 * 8)


def test_a_stream_of_documents_that_cannot_be_opened_never_stops_a_book():
    desk = Desk(Scheduler(RANGE))
    desk.add("book", 80)
    for number in range(200):
        desk.scheduler.add(f"damaged {number}")
        desk.scheduler.add(f"damaged again {number}")
        turn = desk.scheduler.next()
        if turn.pages:
            desk.given.append((turn.job_id, turn.pages))
        elif turn.job_id == "book":
            desk.scheduler.opened("book", list(range(80)))
        else:
            desk.scheduler.remove(turn.job_id)
    assert desk.done("book")


def test_the_oldest_long_jobs_take_turns_and_the_others_wait_for_one_of_them_to_end():
    desk = Desk(Scheduler(RANGE, quantum_pages=16, long_jobs=3))
    for number in range(6):
        desk.add(f"book {number}", 400)
    turns = []
    while (turn := desk.turn()) is not None:
        if not turn.quick:
            turns.append(turn.job_id)

    left = Counter(turns)
    begun = set()
    three = []
    for job in turns:
        begun.add(job)
        running = {name for name in begun if left[name]}
        assert len(running) <= 3
        if running == {"book 0", "book 1", "book 2"}:
            three.append(job)
        left[job] -= 1
    assert len(three) > 10
    assert all(len(set(three[n : n + 3])) == 3 for n in range(len(three) - 2))
    assert list(dict.fromkeys(turns)) == [f"book {number}" for number in range(6)]


def test_a_page_that_is_tried_again_comes_alone_and_before_the_other_pages():
    desk = Desk(Scheduler(RANGE))
    desk.add("book", 1000)
    desk.turns(20)
    desk.scheduler.again("book", 3)
    desk.turn()
    assert desk.given[-1] == ("book", range(3, 4))


def test_the_last_page_of_a_job_does_not_wait_behind_books_when_it_is_tried_again():
    desk = Desk(Scheduler(RANGE))
    desk.add("paper", 40)
    desk.turns()
    for number in range(20):
        desk.add(f"book {number}", 1000)
    desk.turns(100)

    desk.scheduler.again("paper", 39)
    desk.turns(4)

    assert ("paper", range(39, 40)) in desk.given[-4:]


def test_a_whole_range_that_is_tried_again_does_not_wait_behind_books():
    desk = Desk(Scheduler(RANGE))
    desk.add("paper", 16)
    desk.turns()
    for number in range(20):
        desk.add(f"book {number}", 1000)
    desk.turns(100)
    before = len(desk.given)

    for page in range(8, 16):
        desk.scheduler.again("paper", page)
    while desk.count("paper") < 16 + 8:
        desk.turn()
        assert len(desk.given) - before <= 4 * 8 + 2


def test_a_long_job_whose_pages_are_tried_again_keeps_its_place_among_the_oldest():
    desk = Desk(Scheduler(RANGE, long_jobs=2))
    for number in range(5):
        desk.add(f"book {number}", 400)
    while desk.count("book 0") < 200:
        desk.turn()
    for page in (5, 9):
        desk.scheduler.again("book 0", page)
    desk.turns()
    finished = {job: max(n for n, (name, _) in enumerate(desk.given) if name == job) for job in desk.pages_of}
    assert finished["book 0"] < min(finished[f"book {n}"] for n in (2, 3, 4))


def test_of_many_waiting_jobs_the_first_is_done_before_the_last_is_opened():
    desk = Desk(Scheduler(RANGE))
    for number in range(500):
        desk.add(f"letter {number}", 2)
    while not desk.done("letter 0"):
        desk.turn()
    # an opened job holds memory and counts as begun
    assert len(desk.opened) <= 20


def test_a_removed_job_is_given_no_more_in_whichever_queue_it_stood():
    for turns in (0, 1, 2, 30):
        desk = Desk(Scheduler(RANGE))
        desk.add("gone", 1000)
        desk.add("stays", 1000)
        desk.turns(turns)
        before = desk.count("gone")

        desk.scheduler.remove("gone")
        assert "gone" not in desk.scheduler
        assert len(desk.scheduler) == 1
        desk.turns()

        assert desk.count("gone") == before
        assert desk.done("stays")


def test_what_is_said_of_a_removed_job_afterwards_is_ignored():
    scheduler = Scheduler(RANGE)
    scheduler.add("gone")
    scheduler.next()
    scheduler.remove("gone")

    scheduler.opened("gone", [0, 1])
    scheduler.again("gone", 0)
    scheduler.remove("gone")
    scheduler.remove("never there")

    assert scheduler.next() is None


def test_a_job_that_could_not_be_opened_is_opened_again_when_added_again():
    scheduler = Scheduler(RANGE)
    scheduler.add("letter")
    scheduler.next()
    scheduler.add("letter")
    assert scheduler.next().job_id == "letter"
    assert scheduler.next() is None


def test_a_job_that_is_added_twice_is_there_once():
    scheduler = Scheduler(RANGE)
    scheduler.add("letter")
    scheduler.add("letter")
    assert len(scheduler) == 1
    assert scheduler.next() is not None
    assert scheduler.next() is None


def test_the_first_pages_of_a_job_are_quick_and_those_of_a_long_one_are_not():
    desk = Desk(Scheduler(RANGE, quantum_pages=16))
    desk.add("book", 40)
    turns = []
    while (turn := desk.turn()) is not None:
        turns.append((len(turn.pages), turn.quick))
    assert turns == [(0, True), (8, True), (8, True), (8, False), (8, False), (8, False)]


class SchedulerMachine(RuleBasedStateMachine):
    """Whatever happens to the jobs in whatever order, each page is given exactly as often as it is waited for."""

    jobs = Bundle("jobs")
    opening = Bundle("opening")

    def __init__(self):
        super().__init__()
        self.scheduler = Scheduler(4, quantum_pages=6, long_jobs=2)
        self.number = 0
        #: By job, the pages that are to be given, each as often as it stands there; None before it was opened.
        self.waiting = {}
        self.breaks = {}
        self.to_open = set()
        self.being_opened = set()
        self.given = {}

    @rule(target=jobs)
    def add(self):
        self.number += 1
        job = f"job {self.number}"
        self.waiting[job] = None
        self.to_open.add(job)
        self.given[job] = []
        self.scheduler.add(job)
        return job

    @rule(pages=st.sets(st.integers(0, 40)), breaks=st.frozensets(st.integers(1, 40)), data=st.data())
    @precondition(lambda self: self.being_opened)
    def opened(self, pages, breaks, data):
        job = data.draw(st.sampled_from(sorted(self.being_opened)))
        self.being_opened.discard(job)
        self.scheduler.opened(job, sorted(pages), breaks)
        if job in self.waiting:
            self.waiting[job] = sorted(pages)
            self.breaks[job] = breaks

    @rule()
    def next(self):
        turn = self.scheduler.next()
        if turn is None:
            assert not self.to_open
            assert not any(self.waiting.values())
            return
        if not turn.pages:
            assert turn.job_id in self.to_open
            self.to_open.discard(turn.job_id)
            self.being_opened.add(turn.job_id)
            return
        assert len(turn.pages) <= 4
        assert not any(page in self.breaks[turn.job_id] for page in turn.pages[1:])
        for page in turn.pages:
            self.waiting[turn.job_id].remove(page)
            self.given[turn.job_id].append(page)

    @rule(data=st.data())
    @precondition(lambda self: any(self.given[job] for job in self.waiting))
    def again(self, data):
        job = data.draw(st.sampled_from(sorted(job for job in self.waiting if self.given[job])))
        page = data.draw(st.sampled_from(self.given[job]))
        self.given[job].remove(page)
        self.waiting[job].append(page)
        self.scheduler.again(job, page)

    @rule(job=consumes(jobs))
    def remove(self, job):
        self.scheduler.remove(job)
        del self.waiting[job]
        self.to_open.discard(job)
        self.being_opened.discard(job)

    @invariant()
    def it_knows_the_jobs_that_there_are(self):
        assert len(self.scheduler) == len(self.waiting)
        assert all(job in self.scheduler for job in self.waiting)

    def teardown(self):
        for _ in range(10_000):
            if not (self.to_open or any(self.waiting.values())):
                break
            self.next()
        assert self.scheduler.next() is None


SchedulerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestEveryPageIsGivenOnce = SchedulerMachine.TestCase
