"""A hook is a list: a program that others cannot change, and its arguments."""

import pytest


def test_a_command_is_a_list(load, mistakes):
    hooks = load("hooks:\n  completed: [mail, -s, done]\n").hooks
    assert (hooks.completed, hooks.failed) == (("mail", "-s", "done"), ())
    assert mistakes("hooks:\n  completed: mail -s done\n") == [
        "config.yaml:2: hooks.completed: must be a list, such as [a, b], not 'mail -s done'"
    ]


@pytest.mark.parametrize(
    ("program", "trouble"),
    [
        ("''", "the first item must be a program, not empty"),
        ("scripts/mail", "'scripts/mail' must begin with /, or be a name that PATH leads to"),
    ],
)
def test_a_program_is_named_so_that_it_can_be_found(mistakes, program, trouble):
    assert mistakes(f"hooks:\n  failed: [{program}]\n") == [f"config.yaml:2: hooks.failed: {trouble}"]


def test_a_program_may_not_lie_where_others_can_change_it(mistakes, tmp_path):
    (said,) = mistakes(f"hooks:\n  failed: [{tmp_path}/outbox/run.sh]\n")
    assert said.endswith("lies in folders.outbox, where others may change it")
