"""metrics.prom: the daemon's figures in Prometheus' text format, for the textfile collector of node_exporter.

A scrape reads a file that is some seconds old, so the time of writing is a metric itself. Names and units are those
that Prometheus recommends (https://prometheus.io/docs/practices/naming/). Nothing of any document is in it.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from pdfocr_watcher.jobs.durable import write_file
from pdfocr_watcher.service.health import DaemonState, Health

METRICS_NAME = "metrics.prom"
#: node_exporter runs as a user of its own.
_MODE = 0o644
_ENGINE_STATES = ("loading", "ready", "unreachable", "failed")


@dataclass(frozen=True, slots=True)
class Figures:
    """What the metrics say beside health.json; all is counted since the start of the daemon.

    Attributes:
        completed, failed: jobs that were delivered.
        page_failures: pages that could not be read, by the code of the reason.
        bounds: upper ends of the classes of seconds a page.
        page_counts: pages in each class, and last those beyond.
        page_seconds: seconds that all of these took together.
    """

    completed: int = 0
    failed: int = 0
    page_failures: Mapping[str, int] = field(default_factory=dict)
    bounds: Sequence[float] = ()
    page_counts: Sequence[int] = (0,)
    page_seconds: float = 0.0


class _Collected(Collector):
    """The metrics of one moment."""

    def __init__(self, health: Health, figures: Figures) -> None:
        self._health = health
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        yield from _of_the_daemon(self._health)
        yield from _of_the_queue(self._health, self._figures)
        yield from _of_pages(self._health, self._figures)


def metrics_text(health: Health, figures: Figures) -> bytes:
    """The content of metrics.prom."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(health, figures))
    return generate_latest(registry)


def write_metrics(path: Path, health: Health, figures: Figures) -> None:
    """Write the metrics whole.

    Raises:
        OSError: the file system refused.
    """
    write_file(path, metrics_text(health, figures), mode=_MODE, umask=False)


def _of_the_daemon(health: Health) -> Iterator[Metric]:
    info = InfoMetricFamily("pdfocr", "What runs.")
    info.add_metric([], {"version": health.version, "engine": health.engine, "model": health.engine_model or ""})
    yield info
    yield _one_of("pdfocr_state", "What the daemon does: 1 for the state that it is in.", DaemonState, health.state)
    about = "How the engine is: 1 for the state that it is in."
    yield _one_of("pdfocr_engine_state", about, _ENGINE_STATES, health.engine_state)
    yield _gauge("pdfocr_heartbeat_timestamp_seconds", "When these figures were written.", health.heartbeat.timestamp())
    yield _gauge("pdfocr_start_time_seconds", "When the daemon started.", health.started_at.timestamp())
    yield _gauge("pdfocr_free_bytes", "Free space where the jobs lie.", health.free_bytes)
    lost = CounterMetricFamily("pdfocr_events_lost", "File events lost; a sweep made up for it.")
    lost.add_metric([], health.events_lost)
    yield lost
    if health.last_error is not None:
        last = GaugeMetricFamily(
            "pdfocr_last_error_timestamp_seconds",
            "When something went wrong last, and with which code.",
            labels=["code"],
        )
        last.add_metric([health.last_error.code], health.last_error.at.timestamp())
        yield last


def _of_the_queue(health: Health, figures: Figures) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("pdfocr_jobs", "Jobs in the index by status; some seconds behind.", labels=["status"])
    for status, count in health.jobs.model_dump().items():
        jobs.add_metric([status], count)
    yield jobs
    finished = CounterMetricFamily("pdfocr_jobs_finished", "Jobs delivered, by how they ended.", labels=["status"])
    finished.add_metric(["completed"], figures.completed)
    finished.add_metric(["failed"], figures.failed)
    yield finished
    yield _gauge("pdfocr_jobs_waiting", "Claimed jobs of which no page was begun.", health.jobs_waiting)
    yield _gauge("pdfocr_jobs_in_work", "Jobs of which a page was begun.", health.jobs_in_work)
    yield _gauge("pdfocr_inbox_files", "Files in the inbox that are to be claimed.", health.files_in_inbox)
    about = "How long the job or file that waits longest has waited; 0 if nothing waits."
    yield _gauge("pdfocr_oldest_waiting_seconds", about, health.oldest_waiting_seconds or 0.0)


def _of_pages(health: Health, figures: Figures) -> Iterator[Metric]:
    pages = CounterMetricFamily("pdfocr_pages", "Pages done with, those that could not be read included.")
    pages.add_metric([], health.pages_done)
    yield pages
    failures = CounterMetricFamily("pdfocr_page_failures", "Pages that could not be read, by code.", labels=["code"])
    for code, count in sorted(figures.page_failures.items()):
        failures.add_metric([code], count)
    yield failures
    about = "From when a page's picture was ready until it was read, its wait for the engine included."
    seconds = HistogramMetricFamily("pdfocr_page_seconds", about)
    ends = [*map(str, figures.bounds), "+Inf"]
    buckets = list(zip(ends, map(float, itertools.accumulate(figures.page_counts)), strict=True))
    seconds.add_metric([], buckets, figures.page_seconds)
    yield seconds


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _one_of(name: str, about: str, states: Sequence[str] | type[DaemonState], state: str) -> Metric:
    found = GaugeMetricFamily(name, about, labels=["state"])
    for each in states:
        found.add_metric([str(each)], float(each == state))
    return found
