"""A file is due when it has rested, by the clock it is given and what sweeps saw: no sleeping here."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.inbox.stability import MAX_PAUSE, Readiness, Settled, StabilityTracker
from pdfocr_watcher.inbox.sweep import Signature

PLAIN = Signature(device=1, inode=7, size=50_000, mtime_ns=10**18, blocks=104)
EMPTY = dataclasses.replace(PLAIN, size=0, blocks=0)


@pytest.fixture
def tracker():
    return StabilityTracker(settle_seconds=2.0, unmarked_settle_seconds=30.0)


def due(tracker, now, **files):
    """What is due of `a=signature, b=...`, as {path: readiness}."""
    return {settled.path: settled.readiness for settled in tracker.observe(now, files)}


def test_a_file_is_due_after_it_has_rested(tracker):
    assert due(tracker, 100.0, a=PLAIN) == {}
    assert due(tracker, 101.9, a=PLAIN) == {}
    assert due(tracker, 102.0, a=PLAIN) == {"a": Readiness.RESTED}


@pytest.mark.parametrize("field", ["device", "inode", "size", "mtime_ns", "blocks"])
def test_any_change_starts_the_rest_anew(tracker, field):
    changed = dataclasses.replace(PLAIN, **{field: getattr(PLAIN, field) - 1})
    due(tracker, 0.0, a=PLAIN)
    assert due(tracker, 1.9, a=changed) == {}
    assert due(tracker, 3.8, a=changed) == {}
    assert due(tracker, 3.9, a=changed) == {"a": Readiness.RESTED}


@pytest.mark.parametrize("mtime_ns", [0, -(10**18), 1, 4 * 10**18])
def test_the_modification_time_says_nothing_about_the_rest(tracker, mtime_ns):
    odd = dataclasses.replace(PLAIN, mtime_ns=mtime_ns)
    assert due(tracker, 0.0, a=odd) == {}
    assert due(tracker, 1.0, a=odd) == {}
    assert due(tracker, 2.0, a=odd) == {"a": Readiness.RESTED}


def test_a_change_back_to_what_it_was_is_a_change(tracker):
    due(tracker, 0.0, a=PLAIN)
    due(tracker, 1.0, a=EMPTY)
    due(tracker, 1.5, a=PLAIN)
    assert due(tracker, 3.0, a=PLAIN) == {}


def test_an_empty_file_is_never_complete_and_is_empty_after_the_longer_wait(tracker):
    due(tracker, 0.0, a=EMPTY)
    assert due(tracker, 29.9, a=EMPTY) == {}
    assert due(tracker, 30.0, a=EMPTY) == {"a": Readiness.EMPTY}


def test_a_file_without_a_marker_waits_longer_and_is_not_looked_into_meanwhile(tracker):
    due(tracker, 0.0, a=PLAIN)
    (settled,) = tracker.observe(2.0, {"a": PLAIN})
    tracker.looked(settled, complete=False)
    for now in (4.0, 10.0, 29.9):
        assert due(tracker, now, a=PLAIN) == {}
    assert tracker.next_due(29.9) == pytest.approx(0.1)
    assert due(tracker, 30.0, a=PLAIN) == {"a": Readiness.UNMARKED}


def test_a_file_seen_rarely_need_not_wait_again_for_a_rest_that_it_already_had(tracker):
    due(tracker, 0.0, a=PLAIN)
    (settled,) = tracker.observe(100.0, {"a": PLAIN})
    tracker.looked(settled, complete=False)
    assert tracker.next_due(100.0) == 0.0
    assert due(tracker, 100.0, a=PLAIN) == {"a": Readiness.UNMARKED}


def test_what_a_look_said_holds_for_that_signature_only(tracker):
    due(tracker, 0.0, a=PLAIN)
    (settled,) = tracker.observe(2.0, {"a": PLAIN})
    tracker.looked(settled, complete=False)
    grown = dataclasses.replace(PLAIN, size=60_000)
    assert due(tracker, 3.0, a=grown) == {}
    assert due(tracker, 5.0, a=grown) == {"a": Readiness.RESTED}


def test_a_look_that_comes_back_after_the_file_changed_says_nothing(tracker):
    due(tracker, 0.0, a=PLAIN)
    (settled,) = tracker.observe(2.0, {"a": PLAIN})
    grown = dataclasses.replace(PLAIN, size=60_000)
    due(tracker, 3.0, a=grown)
    tracker.looked(settled, complete=False)
    tracker.dismiss(settled)
    tracker.put_off(settled)
    assert due(tracker, 5.0, a=grown) == {"a": Readiness.RESTED}


def test_a_complete_file_stays_due_until_it_was_claimed(tracker):
    due(tracker, 0.0, a=PLAIN)
    (settled,) = tracker.observe(2.0, {"a": PLAIN})
    tracker.looked(settled, complete=True)
    assert due(tracker, 3.9, a=PLAIN) == {}
    assert due(tracker, 4.0, a=PLAIN) == {"a": Readiness.MARKED}
    assert due(tracker, 6.0, a=PLAIN) == {"a": Readiness.MARKED}
    assert due(tracker, 8.0) == {}
    assert len(tracker) == 0


def test_a_judgement_that_failed_half_way_is_asked_for_again(tracker):
    due(tracker, 0.0, a=PLAIN)
    assert due(tracker, 2.0, a=PLAIN) == {"a": Readiness.RESTED}
    assert tracker.next_due(2.5) == 1.5
    assert due(tracker, 4.0, a=PLAIN) == {"a": Readiness.RESTED}


def test_a_dismissed_file_is_not_reported_again_unless_it_changes(tracker):
    due(tracker, 0.0, a=PLAIN)
    (settled,) = tracker.observe(2.0, {"a": PLAIN})
    tracker.dismiss(settled)
    assert due(tracker, 10_000.0, a=PLAIN) == {}
    assert tracker.next_due(10_000.0) is None
    touched = dataclasses.replace(PLAIN, mtime_ns=5)
    due(tracker, 10_001.0, a=touched)
    assert due(tracker, 10_003.0, a=touched) == {"a": Readiness.RESTED}


def test_a_file_that_cannot_be_read_is_tried_at_growing_pauses(tracker):
    due(tracker, 0.0, a=PLAIN)
    now, pauses = 2.0, []
    for _ in range(8):
        (settled,) = tracker.observe(now, {"a": PLAIN})
        tracker.put_off(settled)
        wait = tracker.next_due(now)
        pauses.append(wait)
        now += wait
    assert pauses == [4.0, 8.0, 16.0, 32.0, MAX_PAUSE, MAX_PAUSE, MAX_PAUSE, MAX_PAUSE]

    (settled,) = tracker.observe(now, {"a": PLAIN})
    tracker.looked(settled, complete=True)
    assert tracker.next_due(now) == 2.0


def test_a_forgotten_file_begins_anew(tracker):
    due(tracker, 0.0, a=PLAIN)
    tracker.forget("a")
    tracker.forget("never seen")
    assert due(tracker, 2.0, a=PLAIN) == {}
    assert due(tracker, 4.0, a=PLAIN) == {"a": Readiness.RESTED}


def test_a_file_that_vanished_and_came_back_begins_anew(tracker):
    due(tracker, 0.0, a=PLAIN)
    due(tracker, 1.0)
    due(tracker, 1.5, a=PLAIN)
    assert due(tracker, 3.0, a=PLAIN) == {}


def test_the_next_look_is_due_with_the_first_file_that_has_rested(tracker):
    assert tracker.next_due(0.0) is None
    due(tracker, 0.0, a=PLAIN)
    due(tracker, 1.5, a=PLAIN, b=PLAIN, c=EMPTY)
    assert tracker.next_due(1.5) == 0.5
    assert tracker.next_due(9.0) == 0.0


def test_who_waited_longest_comes_first_and_older_files_before_newer(tracker):
    old = dataclasses.replace(PLAIN, mtime_ns=1)
    due(tracker, 0.0, z=PLAIN, y=old)
    due(tracker, 1.0, z=PLAIN, y=old, a=old)
    reported = [settled.path for settled in tracker.observe(3.0, {"a": old, "z": PLAIN, "y": old})]
    assert reported == ["y", "z", "a"]


def test_the_report_names_the_signature_it_holds_for(tracker):
    due(tracker, 0.0, a=PLAIN)
    assert tracker.observe(2.0, {"a": PLAIN}) == [Settled("a", PLAIN, Readiness.RESTED)]


def test_the_longer_wait_is_never_the_shorter_one():
    tracker = StabilityTracker(settle_seconds=10.0, unmarked_settle_seconds=1.0)
    due(tracker, 0.0, a=EMPTY)
    assert due(tracker, 9.0, a=EMPTY) == {}
    assert due(tracker, 10.0, a=EMPTY) == {"a": Readiness.EMPTY}


signatures = st.builds(
    Signature,
    device=st.just(1),
    inode=st.integers(1, 2),
    size=st.integers(0, 2),
    mtime_ns=st.integers(0, 1),
    blocks=st.integers(0, 1),
)
sweeps = st.lists(
    st.tuples(st.floats(0.0, 5.0), st.dictionaries(st.sampled_from("abc"), signatures)), min_size=1, max_size=40
)


@given(sweeps, st.lists(st.sampled_from(["looked yes", "looked no", "put off", "dismiss", "nothing"]), min_size=1))
def test_whatever_happens_nothing_is_reported_before_its_rest_and_nothing_is_kept_of_what_is_gone(history, answers):
    tracker = StabilityTracker(settle_seconds=2.0, unmarked_settle_seconds=6.0)
    now = 0.0
    since = {}
    turn = 0
    for step, files in history:
        now += step
        since = {
            path: since[path] if path in since and since[path][1] == signature else (now, signature)
            for path, signature in files.items()
        }
        for settled in tracker.observe(now, files):
            rest = now - since[settled.path][0]
            assert files[settled.path] == settled.signature
            assert rest >= (2.0 if settled.readiness in {Readiness.RESTED, Readiness.MARKED} else 6.0) - 1e-9
            assert (settled.readiness is Readiness.EMPTY) == (settled.signature.size == 0)
            answer = answers[turn % len(answers)]
            turn += 1
            if answer.startswith("looked"):
                tracker.looked(settled, complete=answer.endswith("yes"))
            elif answer == "put off":
                tracker.put_off(settled)
            elif answer == "dismiss":
                tracker.dismiss(settled)
        assert len(tracker) == len(files)
        wait = tracker.next_due(now)
        assert wait is None or 0.0 <= wait <= MAX_PAUSE


def test_after_an_interruption_all_rest_begins_anew_but_what_was_dismissed_stays_so(tracker):
    due(tracker, 0.0, a=PLAIN, b=PLAIN)
    for settled in tracker.observe(2.0, {"a": PLAIN, "b": PLAIN}):
        if settled.path == "b":
            tracker.dismiss(settled)
    tracker.interrupted()
    assert tracker.next_due(100.0) is None
    assert due(tracker, 100.0, a=PLAIN, b=PLAIN) == {}
    assert due(tracker, 102.0, a=PLAIN, b=PLAIN) == {"a": Readiness.RESTED}
    assert due(tracker, 200.0, b=PLAIN) == {}


def test_a_scanner_that_comes_back_after_half_a_minute_is_waited_for(tracker):
    """Its empty file is due as empty after the longer wait only, and each sign of life begins that anew."""
    due(tracker, 0.0, scan=EMPTY)
    assert due(tracker, 29.0, scan=EMPTY) == {}
    touched = dataclasses.replace(EMPTY, mtime_ns=EMPTY.mtime_ns + 1)
    assert due(tracker, 29.5, scan=touched) == {}
    assert due(tracker, 59.0, scan=touched) == {}
    assert due(tracker, 59.4, scan=PLAIN) == {}
    assert due(tracker, 61.4, scan=PLAIN) == {"scan": Readiness.RESTED}


def test_the_longest_wait_is_that_of_the_file_seen_first_whatever_happened_to_it_since(tracker):
    assert tracker.longest_wait(0.0) is None
    due(tracker, 10.0, a=PLAIN)
    due(tracker, 15.0, a=EMPTY, b=PLAIN)
    assert tracker.longest_wait(40.0) == 30.0
    tracker.dismiss(Settled("a", EMPTY, Readiness.EMPTY))
    assert tracker.longest_wait(40.0) == 25.0, "what stays for good waits for nothing"
    tracker.forget("b")
    assert tracker.longest_wait(40.0) is None
