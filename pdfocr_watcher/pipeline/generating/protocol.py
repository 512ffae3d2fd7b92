"""The lines that go between the daemon and the process that holds a generative engine. JSON, one object a line.

To the process: `{"number", "picture", "prompt", "sampling"}` asks, `{"cancel": number}` takes back. From it, at first
`{"ready": true, "engine", "figures", "notes"}` or `{"ready": false, "code", "detail"}`; then, in any order, answers
`{"number", "ok": true, "text", ...}` or `{"number", "ok": false, "code", "detail"}`, `{"beat": {"running", "tokens"}}`
every second, and at last perhaps `{"gone": detail}`: the engine is no more.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import FinishReason, Generation, GenerationRequest, Sampling
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.wire import message

#: Bytes of a line that may be a message; a page of text has a thousandth of that.
LINE_BYTES = 1 << 22
#: Seconds between two beats.
BEAT_INTERVAL = 1.0
#: Characters of a failure's detail that are told; a library may put a whole page into its message.
_DETAIL_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine has loaded.

    Attributes:
        info: which it is.
        figures: with what it really runs, by vLLM's names.
        notes: what is not as it was asked for, in sentences.
    """

    info: EngineInfo
    figures: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request."""

    number: int
    outcome: Generation | PdfocrError


@dataclass(frozen=True, slots=True)
class Beat:
    """The process lives.

    Attributes:
        running: requests that it has in hand.
        tokens: all tokens that were written since it started; None where that is not known.
    """

    running: int
    tokens: int | None


@dataclass(frozen=True, slots=True)
class Gone:
    """The engine in the process has died."""

    detail: str


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"


def request_line(number: int, request: GenerationRequest) -> bytes:
    """Ask for a page; its answer carries the same number."""
    picture = str(request.picture)
    return _line({"number": number, "picture": picture, "prompt": request.prompt, "sampling": asdict(request.sampling)})


def cancel_line(number: int) -> bytes:
    """Take a request back."""
    return _line({"cancel": number})


def read_request(line: bytes) -> tuple[int, GenerationRequest | None]:
    """What a line to the process says: the number of a request, and the request; None to take it back.

    Raises:
        Exception: one of `wire.NO_MESSAGE`, it is no such line.
    """
    said = message(line)
    if "cancel" in said:
        return int(said["cancel"]), None
    sampling = Sampling(**said["sampling"])
    return int(said["number"]), GenerationRequest(Path(said["picture"]), said["prompt"], sampling)


def ready_line(ready: Ready) -> bytes:
    """Say that the engine has loaded."""
    return _line({"ready": True, "engine": asdict(ready.info), "figures": ready.figures, "notes": ready.notes})


def refusal_line(failure: PdfocrError) -> bytes:
    """Say that it has not."""
    return _line({"ready": False, "code": failure.code, "detail": failure.detail[:_DETAIL_LENGTH]})


def answer_line(answer: Answer) -> bytes:
    """Answer a request."""
    outcome = answer.outcome
    if isinstance(outcome, Generation):
        line = _line({"number": answer.number, "ok": True, **asdict(outcome)})
        if len(line) <= LINE_BYTES:
            return line
        outcome = PdfocrError(ErrorCode.ENGINE_FAILED, f"The text of the page has {len(outcome.text)} characters.")
    detail = outcome.detail[:_DETAIL_LENGTH]
    return _line({"number": answer.number, "ok": False, "code": outcome.code, "detail": detail})


def beat_line(beat: Beat) -> bytes:
    """Say that the process lives."""
    return _line({"beat": asdict(beat)})


def gone_line(detail: str) -> bytes:
    """Say that the engine has died."""
    return _line({"gone": detail[:_DETAIL_LENGTH]})


def read_start(line: bytes) -> Ready | PdfocrError:
    """What the first line from the process says: the engine is ready, or why it is not.

    Raises:
        Exception: one of `wire.NO_MESSAGE`, it is no such line.
    """
    said = message(line)
    if said["ready"] is not True:
        return _failure(said)
    info = EngineInfo(**{name: str(said["engine"][name]) for name in ("name", "model", "version")})
    return Ready(info, dict(said.get("figures", {})), tuple(map(str, said.get("notes", ()))))


def read_line(line: bytes) -> Answer | Beat | Gone:
    """What a later line from the process says.

    Raises:
        Exception: one of `wire.NO_MESSAGE`, it is no such line.
    """
    said = message(line)
    if "beat" in said:
        tokens = said["beat"]["tokens"]
        return Beat(_count(said["beat"]["running"]), None if tokens is None else _count(tokens))
    if "gone" in said:
        return Gone(str(said["gone"]))
    number = _count(said["number"])
    if said["ok"] is not True:
        return Answer(number, _failure(said))
    text = said["text"]
    if not isinstance(text, str):
        raise TypeError("no text")
    generation = Generation(
        # Half of a character, as JSON allows it, could not be written to any file.
        text=text.encode(errors="replace").decode(),
        finish_reason=FinishReason(said["finish_reason"]),
        prompt_tokens=_count(said["prompt_tokens"]),
        completion_tokens=_count(said["completion_tokens"]),
    )
    return Answer(number, generation)


def _failure(said: dict[str, Any]) -> PdfocrError:
    return PdfocrError(ErrorCode(said["code"]), str(said["detail"]))


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("no count")
    return value
