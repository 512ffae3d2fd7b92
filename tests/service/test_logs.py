"""Log lines: JSON for a journal, words for a person on a terminal, whoever of us or of the libraries writes them."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from pdfocr_watcher.config.choices import LogFormat, LogLevel
from pdfocr_watcher.service.logs import configure_logging


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def leave_no_trace() -> Iterator[None]:
    """Logging is the process's own: give it back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=handlers, level=level, force=True)


def _lines(stream: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines() -> None:
    stream = io.StringIO()
    configure_logging(LogFormat.JSON, LogLevel.INFO, stream)
    structlog.get_logger().bind(job_id="j").info("job.pending", source="Grüße\n漢字.pdf")
    (line,) = _lines(stream)
    assert (line["event"], line["level"], line["job_id"]) == ("job.pending", "info", "j")
    assert line["source"] == "Grüße\n漢字.pdf"
    assert line["timestamp"].endswith("Z")


def test_auto_is_json_where_nobody_reads_along() -> None:
    stream, terminal = io.StringIO(), _Terminal()
    configure_logging(LogFormat.AUTO, LogLevel.INFO, stream)
    structlog.get_logger().info("daemon.starting")
    assert _lines(stream)[0]["event"] == "daemon.starting"
    configure_logging(LogFormat.AUTO, LogLevel.INFO, terminal)
    structlog.get_logger().info("daemon.starting")
    assert "daemon.starting" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")


def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    configure_logging(LogFormat.JSON, LogLevel.WARNING, stream)
    structlog.get_logger().info("unimportant")
    structlog.get_logger().warning("important")
    assert [line["event"] for line in _lines(stream)] == ["important"]


def test_an_exception_stays_on_its_line() -> None:
    stream = io.StringIO()
    configure_logging(LogFormat.JSON, LogLevel.INFO, stream)
    try:
        raise ValueError("no such luck")
    except ValueError:
        structlog.get_logger().exception("defect")
    (line,) = _lines(stream)
    assert "ValueError: no such luck" in line["exception"]


def test_what_a_library_says_is_a_json_line_too() -> None:
    stream = io.StringIO()
    configure_logging(LogFormat.JSON, LogLevel.INFO, stream)
    logging.getLogger("watchdog.observers").warning("the thread is %s", "inactive")
    logging.getLogger("watchdog.observers").info("chatter")
    (line,) = _lines(stream)
    assert line["level"] == "warning"
    assert "the thread is inactive" in json.dumps(line)
    assert "watchdog.observers" in json.dumps(line)


@pytest.mark.skipif(sys.stderr is None, reason="there is no standard error")
def test_a_name_that_is_no_text_can_be_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """Names in the inbox may have any bytes; standard error writes what it cannot encode as an escape."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=sys.__stderr__.errors if sys.__stderr__ else None)
    configure_logging(LogFormat.JSON, LogLevel.INFO, stream)
    structlog.get_logger().info("inbox.left", source="caf\udce9.txt")
    stream.seek(0)
    assert json.loads(stream.read())["source"] == "caf\udce9.txt"
    assert capsys.readouterr().err == ""
