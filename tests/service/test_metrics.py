"""metrics.prom: what Prometheus reads of it is how the daemon is, and what is published to go with it fits."""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.service.health import DaemonState, JobCounts, LastError
from pdfocr_watcher.service.metrics import Figures, metrics_text, write_metrics

_DOCS = Path(__file__).parents[2] / "docs"
_MOMENT = datetime(2026, 11, 23, 11, 59, tzinfo=UTC)
_FIGURES = Figures(5, 2, {"render_failed": 3}, (0.5, 1.0, 60.0), (4, 0, 2, 1), 130.5)
_NAME = re.compile(r"\bpdfocr_[a-z_]+[a-z]\b")


@pytest.fixture
def health(make_health):
    error = LastError.of(ErrorCode.PDF_DAMAGED, _MOMENT)
    jobs = JobCounts(pending=3, processing=1, completed=900, failed=4)
    values = {"engine_model": 'a "model"\\\n', "last_error": error, "jobs": jobs, "oldest_waiting_seconds": 61.5}
    return make_health(state=DaemonState.PAUSED, reason="No space.", **values)


def _samples(text):
    """Each sample's value, by its name and labels as they are written."""
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_the_figures_are_those_of_the_daemon(health):
    found = _samples(metrics_text(health, _FIGURES))
    wanted = {
        "pdfocr_heartbeat_timestamp_seconds": health.heartbeat.timestamp(),
        "pdfocr_start_time_seconds": health.started_at.timestamp(),
        "pdfocr_pages_total": 17,
        "pdfocr_page_failures_total{code=render_failed}": 3,
        "pdfocr_jobs{status=completed}": 900,
        "pdfocr_jobs{status=pending}": 3,
        "pdfocr_jobs_finished_total{status=completed}": 5,
        "pdfocr_jobs_finished_total{status=failed}": 2,
        "pdfocr_jobs_waiting": 3,
        "pdfocr_jobs_in_work": 1,
        "pdfocr_inbox_files": 2,
        "pdfocr_oldest_waiting_seconds": 61.5,
        "pdfocr_free_bytes": 10**12,
        "pdfocr_last_error_timestamp_seconds{code=pdf_damaged}": _MOMENT.timestamp(),
        "pdfocr_state{state=paused}": 1,
        "pdfocr_state{state=running}": 0,
        "pdfocr_engine_state{state=ready}": 1,
    }
    assert {name: found[name] for name in wanted} == wanted


def test_the_histogram_counts_up_to_all_pages(health):
    found = _samples(metrics_text(health, _FIGURES))
    buckets = {name: value for name, value in found.items() if name.startswith("pdfocr_page_seconds")}
    assert buckets == {
        "pdfocr_page_seconds_bucket{le=0.5}": 4,
        "pdfocr_page_seconds_bucket{le=1.0}": 4,
        "pdfocr_page_seconds_bucket{le=60.0}": 6,
        "pdfocr_page_seconds_bucket{le=+Inf}": 7,
        "pdfocr_page_seconds_count": 7,
        "pdfocr_page_seconds_sum": 130.5,
    }


def test_exactly_one_state_is_the_present_one(make_health):
    for state in DaemonState:
        found = _samples(metrics_text(make_health(state=state), Figures()))
        assert [name for name, value in found.items() if "_state{" in name and value] == [
            f"pdfocr_state{{state={state}}}",
            "pdfocr_engine_state{state=ready}",
        ]


def test_a_daemon_that_has_done_nothing_has_metrics(make_health):
    found = _samples(metrics_text(make_health(pages_done=0), Figures()))
    assert (found["pdfocr_pages_total"], found["pdfocr_page_seconds_count"]) == (0, 0)


def test_everybody_may_read_them_and_nobody_sees_half(tmp_path, health):
    path = tmp_path / "pdfocr.prom"
    before = os.umask(0o077)
    try:
        write_metrics(path, health, Figures())
        write_metrics(path, health, _FIGURES)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.read_bytes() == metrics_text(health, _FIGURES)
    assert os.listdir(tmp_path) == ["pdfocr.prom"]


@pytest.mark.parametrize("name", ["monitoring.md", "monitoring/alerts.yml", "monitoring/grafana.json"])
def test_every_metric_that_the_documentation_names_exists(health, name):
    found = {sample.partition("{")[0] for sample in _samples(metrics_text(health, _FIGURES))}
    text = (_DOCS / name).read_text(encoding="utf-8")
    named = set(_NAME.findall(text.replace("pdfocr_watcher", "")))
    assert named - found <= {"pdfocr_page_seconds"}, "the histogram has its name in three parts"
    assert len(named) > 8


def test_every_metric_is_documented(health):
    documented = (_DOCS / "monitoring.md").read_text(encoding="utf-8")
    families = text_string_to_metric_families(metrics_text(health, _FIGURES).decode())
    names = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    assert {name for name in names if f"`{name}" not in documented} == set()


def test_the_grafana_dashboard_is_one():
    board = json.loads((_DOCS / "monitoring" / "grafana.json").read_text(encoding="utf-8"))
    assert {variable["name"] for variable in board["templating"]["list"]} == {"datasource", "instance"}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(target["expr"] for panel in board["panels"] for target in panel["targets"])
