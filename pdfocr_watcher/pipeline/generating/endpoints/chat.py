"""What a server is asked for a page and what its answer means: OpenAI's chat completions with the fields of vLLM.

Values only; `endpoint` sends them. Seen with vLLM: `vllm_xargs` with lists from 0.11.1 on, `repetition_detection` from
0.17 on; servers without them ignore both without a word.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pdfocr_watcher.config.model import RepetitionGuard
from pdfocr_watcher.engines.generation import FinishReason, Generation, GenerationRequest, Sampling
from pdfocr_watcher.engines.profiles import ServerMessage
from pdfocr_watcher.engines.vllm.recipe import DETECTION_ALONE

#: Stands for the picture's address in a request; no text that JSON quotes can be taken for it.
_PICTURE = "data:\0"
#: Characters of a server's message that are told on.
_MESSAGE = 300
#: A server that shuts down ends its pages with this; what it wrote so far is no answer.
_ABORTED = "abort"
#: What of a request a server's refusal may be about, and the words by which it is known.
_OPTIONAL = {
    "vllm_xargs": ("vllm_xargs", "ngram", "n-gram", "logits processor", "logits_processor", "extra_args"),
    "repetition_detection": ("repetition_detection", "max_pattern_size", "min_pattern_size", "min_count"),
    "max_tokens": ("max_tokens", "max_completion_tokens", "max_model_len", "context length"),
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server was found to have and to take.

    Attributes:
        model: the name that it has for the model.
        max_model_len: tokens of a page there, picture and text together.
        guard: what it has against texts that repeat themselves; `auto` does not occur.
        whitelist: the tokens that its no-repeat rule never forbids, by its tokenizer.
        max_tokens: more must not be asked for; None where it refused none yet.
    """

    model: str
    max_model_len: int
    guard: RepetitionGuard = RepetitionGuard.NONE
    whitelist: tuple[int, ...] = ()
    max_tokens: int | None = None


def fields_of(request: GenerationRequest, dialect: Dialect, message: ServerMessage) -> dict[str, Any]:
    """The fields of a request, with a mark where the picture goes.

    `max_tokens` is left out where a page could not have so many beside its picture: vLLM refuses a request whose
    question and answer together are longer than the model allows, and writes as much as fits if it is not told.
    """
    sampling = request.sampling
    picture = {"type": "image_url", "image_url": {"url": _PICTURE}}
    text = message.text_for(request.prompt)
    parts = [picture, *([{"type": "text", "text": text}] if text else [])]
    content = parts if message.picture_first else parts[::-1]
    system = [{"role": "system", "content": message.system}] if message.system is not None else []
    fields: dict[str, Any] = {
        "messages": [*system, {"role": "user", "content": content}],
        "model": dialect.model,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "repetition_penalty": sampling.repetition_penalty,
        "skip_special_tokens": False,
        "stream": False,
    }
    limits = (dialect.max_model_len - 1, dialect.max_tokens)
    if all(limit is None or sampling.max_tokens <= limit for limit in limits):
        fields["max_tokens"] = sampling.max_tokens
    return fields | guard_fields(sampling, dialect)


def guard_fields(sampling: Sampling, dialect: Dialect) -> dict[str, Any]:
    """What keeps the text from repeating itself without end; nothing where the model needs nothing."""
    if sampling.ngram_size is None:
        return {}
    if dialect.guard is RepetitionGuard.NGRAM:
        arguments: dict[str, Any] = {"ngram_size": sampling.ngram_size, "window_size": sampling.window_size}
        if dialect.whitelist:
            arguments["whitelist_token_ids"] = list(dialect.whitelist)
        return {"vllm_xargs": arguments}
    if dialect.guard is RepetitionGuard.DETECTION:
        return {"repetition_detection": dict(DETECTION_ALONE)}
    return {}


def around_picture(fields: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The body of a request before and after the picture, which stands there as `image/png;base64,...`."""
    mark = json.dumps(_PICTURE)
    before, _, after = json.dumps(fields, ensure_ascii=False).partition(mark)
    before, after = f'{before}"data:', f'"{after}'
    return before.encode(), after.encode()


def without(dialect: Dialect, fields: Mapping[str, Any], message: str) -> Dialect | None:
    """The dialect of a server that refused a request for one of the fields that may be missing.

    Args:
        dialect: what it was thought to take.
        fields: what it was sent.
        message: what it said.

    Returns:
        None where it refused it for anything else.
    """
    said = message.lower()
    named = next(
        (name for name, words in _OPTIONAL.items() if name in fields and any(word in said for word in words)), None
    )
    match named:
        case "vllm_xargs":
            return replace(dialect, guard=RepetitionGuard.DETECTION)
        case "repetition_detection":
            return replace(dialect, guard=RepetitionGuard.NONE)
        case "max_tokens":
            return replace(dialect, max_tokens=fields["max_tokens"] - 1)
    return None


def read_answer(body: bytes) -> Generation | None:
    """What the model wrote, by the body of an answer; None if the server was stopped while it wrote.

    Raises:
        ValueError: it is no answer.
    """
    try:
        answer = json.loads(body)
        choice = answer["choices"][0]
        text = choice["message"].get("content")
        reason = choice.get("finish_reason")
        usage = answer.get("usage") or {}
        counts = [int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")]
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("it is not what a chat completion looks like") from error
    if text is not None and not isinstance(text, str):
        raise ValueError("its content is no text")
    if reason == _ABORTED:
        return None
    known = isinstance(reason, str) and reason in set(FinishReason)
    # Half of a pair of surrogates can be said in JSON, but not be written to a file.
    whole = (text or "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return Generation(whole, FinishReason(reason) if known else FinishReason.OTHER, *counts)


def message_of(body: bytes) -> str:
    """What a server says in the body of an error, in one bounded line; empty if it says nothing."""
    text = body.decode("utf-8", errors="replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        said = "" if text.lstrip().startswith("<") else text  # a load balancer's page tells less than its status
    else:
        said = _said(data)
    line = " ".join(said.split())
    return line if len(line) <= _MESSAGE else line[: _MESSAGE - 3] + "..."


def _said(data: Any) -> str:
    """The message in an error's JSON, wherever the kind of server puts it."""
    while isinstance(data, dict):
        data = next((data[name] for name in ("error", "message", "detail") if data.get(name)), "")
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
