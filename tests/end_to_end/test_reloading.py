"""The configuration is changed while the daemon runs."""

import signal

import yaml

from tests.end_to_end.harness import wait_for
from tests.pdfs import born_digital


def _rewrite(site, daemon, **sections):
    """Change the configuration and have it read again."""
    settings = yaml.safe_load(site.config.read_text())
    for section, values in sections.items():
        settings.setdefault(section, {}).update(values)
    site.config.write_text(yaml.safe_dump(settings))
    before = len(_said(daemon))
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(_said(daemon)) > before, "a reload that is told")
    return _said(daemon)[-1]


def _said(daemon):
    return [line for line in daemon.logged() if line["event"] in {"config.reloaded", "config.refused"}]


def test_what_may_change_is_in_force_at_once_and_the_rest_is_named(site):
    daemon = site.start()
    site.drop("first.pdf", born_digital(1))
    site.result("first.pdf")
    said = _rewrite(
        site,
        daemon,
        inbox={"on_duplicate": "skip", "not_pdf": "leave"},
        job={"max_pages": 2},
        render={"dpi": 72},
        service={"log_level": "error"},
    )
    assert said["applied"] == ["inbox.not_pdf", "inbox.on_duplicate", "job.max_pages", "service.log_level"]
    assert said["restart_needed"] == ["render.dpi"]
    site.drop("again.pdf", born_digital(1))
    assert site.result("again.pdf").status["error_code"] == "duplicate_skipped"
    site.drop("long.pdf", born_digital(3))
    assert site.result("long.pdf").status["error_code"] == "too_many_pages"
    wait_for(lambda: site.health()["config_notes"] == ["render.dpi was changed and waits for a restart."], "a note")
    events = [line["event"] for line in daemon.logged()]
    assert events.index("config.reloaded") == len(events) - 1  # what was less than an error is no longer told
    assert daemon.stop() == 0


def test_files_that_were_left_or_not_looked_at_are_judged_by_what_is_in_force_now(make_site):
    site = make_site({"inbox": {"not_pdf": "leave", "ignore": ["*.draft.pdf"]}})
    daemon = site.start()
    site.drop("rubbish.pdf", b"no PDF at all")
    site.drop("letter.draft.pdf", born_digital(1))
    wait_for(lambda: any(line["event"] == "inbox.left" for line in daemon.logged()), "a file that is left")
    _rewrite(site, daemon, inbox={"not_pdf": "fail", "ignore": []})
    assert site.result("rubbish.pdf").status["error_code"] == "not_a_pdf"
    assert site.result("letter.draft.pdf").status["status"] == "completed"


def test_a_limit_of_the_size_and_the_waits_are_in_force_at_once(site):
    daemon = site.start()
    _rewrite(site, daemon, job={"max_bytes": 100}, service={"health_interval": 1000.0})
    site.drop("large.pdf", born_digital(1))
    assert site.result("large.pdf").status["error_code"] == "file_too_large"
    _rewrite(site, daemon, inbox={"min_free_bytes": 10**18}, service={"health_interval": 0.1})
    wait_for(lambda: "min_free_bytes" in (site.health()["reason"] or ""), "a daemon that claims nothing", 15)


def test_a_file_with_a_mistake_changes_nothing_and_is_told(site):
    daemon = site.start()
    said = _rewrite(site, daemon, inbox={"on_duplicate": "perhaps"}, job={"max_pages": 1})
    assert said["event"] == "config.refused"
    assert "inbox.on_duplicate" in said["detail"]
    (note,) = wait_for(lambda: site.health()["config_notes"], "a note")
    assert "the old one is in force" in note
    site.drop("two.pdf", born_digital(2))
    assert site.result("two.pdf").status["status"] == "completed"
    said = _rewrite(site, daemon, inbox={"on_duplicate": "process"})
    assert said["applied"] == ["job.max_pages"]
    wait_for(lambda: site.health()["config_notes"] == [], "no note")
