"""What it means that a server did not answer. Values and decisions only: nothing is sent here."""

import math
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

import httpx

#: Seconds of rest that a server may ask for, the least and the most.
_REST = (1.0, 60.0)
#: How deep a cause may lie under an error of httpx.
_DEPTH = 8


class FaultKind(StrEnum):
    """What is wrong, by what has to be done."""

    #: It was not reached: the request costs nothing anywhere.
    UNREACHED = "unreached"
    #: It has too much to do, and says so.
    BUSY = "busy"
    #: It was lost with the request in hand.
    LOST = "lost"
    #: A load balancer before it did not wait as long as the page took.
    GATEWAY = "gateway"
    #: What came is no answer, or tells of a defect of the server.
    BROKEN = "broken"
    #: It wants a key, or another one.
    LOCKED = "locked"
    #: Its certificate is not trusted, or it speaks no TLS.
    UNTRUSTED = "untrusted"
    #: It serves another model.
    NO_MODEL = "no_model"
    #: It is not a server of this kind.
    FOREIGN = "foreign"


#: Only a person can mend these.
MISSET = frozenset({FaultKind.LOCKED, FaultKind.UNTRUSTED, FaultKind.NO_MODEL, FaultKind.FOREIGN})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a server, or was.

    Attributes:
        kind: what is wrong.
        reason: the same for people, with what to do where it is known; no sentence.
        rest: seconds for which the server wants to be left alone; None if it did not say.
    """

    kind: FaultKind
    reason: str
    rest: float | None = None


class UnansweredError(Exception):
    """A server did not do what it was asked; the request may be asked elsewhere.

    Args:
        fault: why.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


class RefusedError(Exception):
    """The server refuses this request, and any other server would.

    Args:
        status: the HTTP status.
        message: what it says.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: the HTTP status.
        headers: as they came.
        body: all of it, or its begin where it is no answer.
    """

    status: int
    headers: httpx.Headers
    body: bytes


def fault_of_reply(reply: Reply, message: str, now: datetime | None = None) -> Fault | None:
    """What is wrong with a server that gave a reply other than 200.

    Args:
        reply: what came.
        message: what its body says.
        now: the time, for a Retry-After that names one.

    Returns:
        None where nothing is wrong with it, but with what it was asked.
    """
    told = f"HTTP {reply.status}" + (f": {message}" if message else "")
    kind: FaultKind | None = None
    match reply.status:
        case 401 | 403:
            kind, told = FaultKind.LOCKED, f"it wants another key ({told}): see servers.api_key_file"
        case 404 if "model" in message.lower():
            kind = FaultKind.NO_MODEL
        case 404 | 405 | 410 | 426:
            kind, told = FaultKind.FOREIGN, f"it is no OpenAI-compatible server ({told}): see servers.urls"
        case status if 300 <= status < 400:  # noqa: PLR2004 - redirections
            place = reply.headers.get("location", "")
            told = f"HTTP {status}" + (f" to {_without_password(place)}" if place else "")
            kind, told = FaultKind.FOREIGN, f"it sends requests elsewhere ({told}): see servers.urls"
        case 408 | 425 | 429 | 503:
            kind = FaultKind.BUSY
        case 502:
            kind = FaultKind.LOST
        case 504:
            kind = FaultKind.GATEWAY
        case status if status >= 500 or status < 300:  # noqa: PLR2004 - errors of the server; no answer is 200 alone
            kind = FaultKind.BROKEN
    if kind is None:
        return None
    return Fault(kind, told, _rest(reply.headers.get("retry-after", ""), now or datetime.now(UTC)))


def fault_of_error(error: httpx.HTTPError) -> Fault:
    """What an error of the connection says."""
    told = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return Fault(FaultKind.UNREACHED, f"no connection: {told}")
    if isinstance(error, httpx.ConnectError):
        distrust = _cause(error)
        if isinstance(distrust, ssl.SSLCertVerificationError):
            return Fault(
                FaultKind.UNTRUSTED, f"its certificate is not trusted ({distrust.verify_message}): see servers.ca_file"
            )
        if isinstance(distrust, ssl.SSLError):
            return Fault(FaultKind.UNTRUSTED, f"no TLS with it ({distrust.reason}): see servers.urls, servers.ca_file")
        return Fault(FaultKind.UNREACHED, f"no connection: {told}")
    return Fault(FaultKind.LOST, f"connection lost: {told}")


def _cause(error: BaseException) -> BaseException | None:
    """The TLS error that an error comes from, if it comes from one."""
    cause: BaseException | None = error
    for _ in range(_DEPTH):
        if cause is None or isinstance(cause, ssl.SSLError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _rest(retry_after: str, now: datetime) -> float | None:
    """Seconds that a Retry-After means, a number or a date, within bounds; None if it means nothing."""
    least, most = _REST
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
        except (ValueError, TypeError, IndexError):
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, least), most) if not math.isnan(seconds) else None


def _without_password(url: str) -> str:
    """An address that somebody else named, as far as it may be told."""
    head, at, rest = url.partition("@")
    scheme = head.partition("//")[0]
    return (f"{scheme}//{rest}" if at else url).partition("?")[0][:200]
