"""Which changes of a configuration are taken up by a daemon that runs."""

from pdfocr_watcher.config.changing import RELOADABLE, change
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.config.words import fields


def _config(**sections):
    return Config.model_validate(sections)


def test_every_key_that_can_be_changed_is_a_key():
    assert {(section, key) for section, key, _ in fields()} >= RELOADABLE


def test_what_may_change_is_applied_and_the_rest_waits_and_stays():
    running = _config(service={"log_level": "info"}, render={"dpi": 200})
    done = change(running, _config(service={"log_level": "debug"}, render={"dpi": 300}, retention={"failed_days": 3}))
    assert done.applied == ("retention.failed_days", "service.log_level")
    assert done.waiting == ("render.dpi",)
    assert done.config == _config(service={"log_level": "debug"}, render={"dpi": 200}, retention={"failed_days": 3})


def test_what_waits_is_named_at_every_reload_until_it_is_taken_back():
    running = _config()
    again = change(running, _config(render={"dpi": 300})).config
    assert change(again, _config(render={"dpi": 300})).waiting == ("render.dpi",)
    assert change(again, _config()).waiting == ()


def test_a_profile_of_ones_own_waits_for_a_restart():
    assert change(_config(), _config(profiles={"mine": {"like": "olmocr"}})).waiting == ("profiles",)


def test_a_file_that_says_the_same_changes_nothing():
    running = _config(inbox={"on_duplicate": "skip"})
    done = change(running, running.model_copy(deep=True))
    assert (done.config, done.applied, done.waiting) == (running, (), ())
