"""How a command changes jobs: it asks the daemon that holds the folders, or does it itself, holding them meanwhile."""

import time
from collections.abc import Callable
from contextlib import ExitStack

from pdfocr_watcher.config.model import Folders
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.lock import JobsLock, RootLock
from pdfocr_watcher.jobs.requests import PATIENCE, Request, take_answer, withdraw

_INTERVAL = 0.1


def change_jobs(folders: Folders, ask: Callable[[], Request], here: Callable[[], str]) -> str:
    """Have something done by whoever may do it.

    Args:
        folders: where the jobs lie.
        ask: puts a request for the daemon.
        here: does the same in this process; called while it holds the daemon's locks.

    Returns:
        What was done.

    Raises:
        PdfocrError: it cannot be done, or whoever holds the folders did not answer in time (DAEMON_SILENT).
        OSError: a file system refused.
    """
    request: Request | None = None
    deadline = time.monotonic() + PATIENCE
    while True:
        # Tried again and again: the holder may be another command, which never answers, or a daemon that ends.
        with ExitStack() as held:
            if _hold(folders, held):
                if request is not None:
                    withdraw(folders.jobs, request)
                return here()
        request = request or ask()
        if (answer := take_answer(folders.jobs, request)) is not None:
            answer.raise_failure()
            return answer.detail
        if time.monotonic() >= deadline:
            withdraw(folders.jobs, request)
            raise PdfocrError(ErrorCode.DAEMON_SILENT, f"It had {PATIENCE:g} s.")
        time.sleep(_INTERVAL)


def _hold(folders: Folders, held: ExitStack) -> bool:
    """Take the locks until `held` is closed; False if somebody else holds the jobs."""
    try:
        held.enter_context(JobsLock(folders.jobs))
    except PdfocrError as error:
        if error.code is ErrorCode.ALREADY_RUNNING:
            return False
        raise
    held.enter_context(RootLock(folders.root))
    return True
