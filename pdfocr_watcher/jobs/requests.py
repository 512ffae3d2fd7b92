"""What the command line asks of a running daemon, as files: there is no API.

A request is a file in jobs/.requests/; the daemon does what it says and puts the answer beside it. Only the
holder of the lock on the jobs folder changes jobs, so a command that finds no daemon does the work itself.
"""

import contextlib
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.durable import is_temporary, make_folder, read_file, remove_file, write_file
from pdfocr_watcher.jobs.model import Status
from pdfocr_watcher.jobs.retention import Place

_FOLDER = ".requests"
_ASKED = ".request.json"
_ANSWERED = ".answer.json"
#: Seconds that a command waits for the answer.
PATIENCE = 30.0
#: Room for a batch of places to be purged.
_MOST_BYTES = 4 << 20
#: More requests than this at a time are left lying; the daemon takes them at its next look.
_AT_A_TIME = 100


class Verb(StrEnum):
    """What can be asked."""

    #: Work on a failed job again.
    RETRY = "retry"
    #: Remove a job and all its files.
    DELETE = "delete"
    #: Remove results that are old enough.
    PURGE = "purge"
    #: Rebuild the index.
    REINDEX = "reindex"


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked of the daemon.

    Attributes:
        token: names the request and its answer.
        verb: what is asked.
        job_id: of which job; empty for `purge` and `reindex`.
        places: which results to purge.
        age: how long ago their job must have ended to be purged; None where only the jobs' own settings may say.
        own: whether jobs whose own settings say less go sooner.
    """

    token: str
    verb: Verb
    job_id: str = ""
    places: tuple[Place, ...] = ()
    age: timedelta | None = timedelta()
    own: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request.

    Attributes:
        code: the failure, None if it was done.
        detail: the failure's particulars, or what was done.
    """

    code: ErrorCode | None
    detail: str

    def raise_failure(self) -> None:
        """Raise the failure, if it is one.

        Raises:
            PdfocrError: the request was refused.
        """
        if self.code is not None:
            raise PdfocrError(self.code, self.detail)


def ask(
    jobs: Path,
    verb: Verb,
    job_id: str = "",
    places: Iterable[Place] = (),
    age: timedelta | None = timedelta(),
    *,
    own: bool = False,
) -> Request:
    """Put a request where the daemon finds it.

    Args:
        jobs: the jobs folder.
        verb: what is asked.
        job_id: see `Request`, as the others.
        places: at most `retention.BATCH`, so that the daemon answers soon.
        age: for `places`.
        own: for `places`.

    Raises:
        OSError: the jobs folder cannot be written.
    """
    request = Request(secrets.token_hex(8), verb, job_id, tuple(places), age, own)
    data = {**asdict(request), "age": None if age is None else age.total_seconds()}
    folder = jobs / _FOLDER
    make_folder(folder, exist_ok=True)
    write_file(folder / f"{request.token}{_ASKED}", json.dumps(data).encode())
    return request


def take_answer(jobs: Path, request: Request) -> Answer | None:
    """The answer to a request, which is taken away; None while there is none."""
    path = jobs / _FOLDER / f"{request.token}{_ANSWERED}"
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    remove_file(path, missing_ok=True)
    return Answer(ErrorCode(data["code"]) if data["code"] else None, data["detail"])


def withdraw(jobs: Path, request: Request) -> None:
    """Take a request back that was not answered in time; an answer that comes just now is not wanted either."""
    for ending in (_ASKED, _ANSWERED):
        remove_file(jobs / _FOLDER / f"{request.token}{ending}", missing_ok=True)


def pending_requests(jobs: Path) -> list[Request]:
    """The requests that wait for an answer; files that are none are removed, or passed over if they cannot be."""
    found = []
    for path in sorted((jobs / _FOLDER).glob(f"*{_ASKED}"))[:_AT_A_TIME]:
        try:
            content = json.loads(read_file(path, _MOST_BYTES) or b"")
            found.append(_request(path.name.removesuffix(_ASKED), content))
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            with contextlib.suppress(OSError):
                remove_file(path, missing_ok=True)
    return found


def _request(token: str, data: dict[str, Any]) -> Request:
    places = tuple(Place(Status(place["ending"]), tuple(map(str, place["parts"]))) for place in data["places"])
    age = None if data["age"] is None else timedelta(seconds=data["age"])
    verb, own = Verb(data["verb"]), data["own"] is True
    if verb is Verb.PURGE and age is None and not own:
        raise ValueError("a purge without an age")
    return Request(token, verb, str(data["job_id"]), places, age, own)


def give_answer(jobs: Path, request: Request, answer: Answer) -> None:
    """Answer a request.

    Raises:
        OSError: the jobs folder cannot be written.
    """
    folder = jobs / _FOLDER
    write_file(folder / f"{request.token}{_ANSWERED}", json.dumps(asdict(answer)).encode())
    remove_file(folder / f"{request.token}{_ASKED}", missing_ok=True)


def forget_old(jobs: Path) -> None:
    """Remove what earlier commands left and nobody waits for any more.

    What was asked while the last daemon ended and this one began is not old: it is still waited for.
    """
    for path in list((jobs / _FOLDER).glob("*")):
        if path.name.endswith((_ASKED, _ANSWERED)) or is_temporary(path.name):
            with contextlib.suppress(OSError):
                # A file of the far future is of a clock that was set back since.
                if abs(time.time() - path.stat().st_mtime) > PATIENCE:
                    remove_file(path, missing_ok=True)
