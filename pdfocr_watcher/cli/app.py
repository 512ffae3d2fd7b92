"""The command line: one command a module function, thin; what they do is in the rooms below.

Only what every command needs is imported here, so that `submit` and `status` answer within a second.
"""

import atexit
import faulthandler
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Never

import typer

from pdfocr_watcher import __version__
from pdfocr_watcher.cli import jobs as job_commands
from pdfocr_watcher.cli import models as model_commands
from pdfocr_watcher.cli import monitoring as monitoring_commands
from pdfocr_watcher.cli import service as service_commands
from pdfocr_watcher.cli import setup as setup_commands
from pdfocr_watcher.cli.context import ConfigOption, load
from pdfocr_watcher.errors import FAILURES, ErrorCode, PdfocrError
from pdfocr_watcher.jobs.naming import printable

app = typer.Typer(
    name="pdfocr-watcher",
    help="Turns a folder into an OCR service: drop a PDF into the inbox, find its Markdown in the outbox.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pdfocr-watcher {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""


@app.command(epilog="Example: `pdfocr-watcher run --config /srv/ocr/config.yaml`")
def run(config: ConfigOption = None) -> None:
    """Watch the inbox and work until told to stop (SIGTERM or Ctrl-C)."""
    _daemon(config, once=False)


@app.command(epilog="Example: `pdfocr-watcher once --config /srv/ocr/config.yaml && echo all done`")
def once(config: ConfigOption = None) -> None:
    """Work off what is in the inbox, then exit: 0 if all succeeded, 1 if not."""
    _daemon(config, once=True)


def _daemon(config_path: Path | None, *, once: bool) -> Never:
    """Run the daemon in this process and end it."""
    import asyncio  # noqa: PLC0415 - see the module's docstring

    from pdfocr_watcher.daemon.app import Daemon  # noqa: PLC0415
    from pdfocr_watcher.service.logs import configure_logging  # noqa: PLC0415
    from pdfocr_watcher.service.notify import Notifier  # noqa: PLC0415 - the same

    notifier = Notifier.taken_from(os.environ)
    config = load(config_path)
    configure_logging(config.service.log_format, config.service.log_level)
    # Whoever finds the daemon hanging ends it by SIGABRT, as systemd does, and is told where it hung.
    faulthandler.enable()
    # On a terminal a hang-up means that the terminal has gone.
    read = None if once or os.isatty(0) else partial(load, config_path)

    async def work() -> int:
        daemon = Daemon(config, once=once, notifier=notifier, read=read)
        status = await daemon.run()
        if once:
            done = daemon.deliveries
            typer.echo(f"{done.completed} completed, {done.failed} failed.")
            for result in done.latest:
                typer.echo(str(result))
        return status

    try:
        status = asyncio.run(work())
    except PdfocrError as error:
        status = _say(error)
    except OSError as error:
        status = _say(PdfocrError(ErrorCode.STORAGE_FAILED, f"{error}."))
    sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()  # noqa: SLF001 - temporary folders are removed; os._exit would leave them
    # Not sys.exit: it would wait for threads that may hang on a dead mount.
    os._exit(status)


job_commands.register(app)
monitoring_commands.register(app)
setup_commands.register(app)
model_commands.register(app)
service_commands.register(app)


def main() -> None:
    """Run the command line; every failure of ours ends in a message and its exit status."""
    try:
        app(standalone_mode=True)
    except PdfocrError as error:
        sys.exit(_say(error))
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`): nothing more is to be said, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit(_say(PdfocrError(ErrorCode.STORAGE_FAILED, f"{error}.")))


def _say(error: PdfocrError) -> int:
    """Tell a person about a failure; the exit status that belongs to it."""
    failure = FAILURES[error.code]
    typer.echo(f"pdfocr-watcher: {error.code}: {failure.cause}", err=True)
    for line in filter(None, (error.detail, failure.advice)):
        for part in line.split("\n"):  # a configuration's mistakes come a line each
            typer.echo(f"  {printable(part)}", err=True)
    return failure.exit_status
