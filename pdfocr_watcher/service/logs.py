"""Log lines: structlog to standard error, for a person on a terminal or as JSON for a journal.

One event a change of state, with the job's id bound. No text of a document is ever logged.
"""

import json
import logging
import sys
from typing import Any, TextIO

import structlog

from pdfocr_watcher.config.choices import LogFormat, LogLevel
from pdfocr_watcher.jobs.naming import printable, printable_json


class _Threshold:
    """Lets lines pass from a level on, which may change while the process runs."""

    def __init__(self) -> None:
        self.level = logging.INFO

    def __call__(self, logger: object, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """Drop a line that is less severe."""
        del logger
        if structlog.processors.NAME_TO_LEVEL[name] < self.level:
            raise structlog.DropEvent
        return event


_threshold = _Threshold()


def set_level(level: LogLevel) -> None:
    """Write lines of ours from this level on, whatever loggers there are already."""
    _threshold.level = logging.getLevelNamesMapping()[level.value.upper()]


def configure_logging(log_format: LogFormat, level: LogLevel, stream: TextIO = sys.stderr) -> None:
    """Set up logging for the process; libraries that use `logging` are heard from warnings on.

    Args:
        log_format: console, JSON, or by whether `stream` is a terminal.
        level: the least severe line of ours that is written.
        stream: where the lines go.
    """
    json_lines = log_format is LogFormat.JSON or (log_format is LogFormat.AUTO and not stream.isatty())
    renderer: structlog.typing.Processor
    if json_lines:
        renderer = structlog.processors.JSONRenderer(_json, ensure_ascii=False)
        time_format = structlog.processors.TimeStamper(fmt="iso", utc=True)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=24)
        time_format = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
    set_level(level)
    shared: list[structlog.typing.Processor] = [structlog.processors.add_log_level, time_format]
    exceptions = structlog.processors.format_exc_info if json_lines else _printable
    structlog.configure(
        processors=[_threshold, *shared, exceptions, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(stream)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, exceptions, renderer],
        )
    )
    logging.basicConfig(handlers=[libraries], level=logging.WARNING, force=True)


def _json(event: structlog.typing.EventDict, **settings: Any) -> str:
    """One line of JSON that a terminal shows as it is."""
    return printable_json(json.dumps(event, **settings))


def _printable(logger: object, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Names are other people's: none may forge a line or move the cursor. Exceptions the renderer formats itself."""
    del logger, name
    return {key: printable(value) if isinstance(value, str) else value for key, value in event.items()}
