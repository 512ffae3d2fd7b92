"""What a server is asked for a page and what its answer means: OpenAI's chat completions with the fields of vLLM.

Values only; `endpoint` sends them. Seen with vLLM: `vllm_xargs` with lists from 0.11.1 on, `repetition_detection` from
0.17 on; servers without them ignore both without a word.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pdfocr_watcher.engines.generation import FinishReason, Generation, GenerationRequest
from pdfocr_watcher.engines.profiles import ServerMessage
from pdfocr_watcher.engines.vllm.recipe import Guard, sampling_arguments

#: Stands for the picture in the text of a request.
_PICTURE = "@picture@"
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
#: What a field is there for.
_GUARD_OF = {"vllm_xargs": Guard.NGRAM, "repetition_detection": Guard.DETECTION}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server was found to have and to take.

    Attributes:
        model: the name that it has for the model.
        max_model_len: tokens of a page there, picture and text together.
        guards: what it has against texts that repeat themselves.
        whitelist: the tokens that its no-repeat rule never forbids, by its tokenizer.
        max_tokens: more must not be asked for; None where it refused none yet.
    """

    model: str
    max_model_len: int
    guards: tuple[Guard, ...] = ()
    whitelist: tuple[int, ...] = ()
    max_tokens: int | None = None

    @property
    def guarded_by(self) -> str:
        """What it has against texts that repeat themselves, in words."""
        return " and ".join(self.guards) or "nothing"


def fields_of(request: GenerationRequest, message: ServerMessage, dialect: Dialect) -> dict[str, Any]:
    """The fields of a request, with a mark where the picture goes.

    `max_tokens` is left out where a page could not have so many beside its picture: vLLM refuses a request for more
    tokens than the model allows in all, and writes as much as fits if it is not told.

    Args:
        request: what is asked.
        message: how the model is asked by a server.
        dialect: what the server takes.
    """
    content: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": _PICTURE}}]
    if text := message.text_for(request.prompt):
        content.insert(1 if message.picture_first else 0, {"type": "text", "text": text})
    system = [{"role": "system", "content": message.system}] if message.system is not None else []
    sampling = sampling_arguments(request.sampling, dialect.guards, dialect.whitelist)
    if "extra_args" in sampling:
        sampling["vllm_xargs"] = sampling.pop("extra_args")
    limits = (dialect.max_model_len - 1, dialect.max_tokens)
    if any(limit is not None and sampling["max_tokens"] > limit for limit in limits):
        del sampling["max_tokens"]
    messages = [*system, {"role": "user", "content": content}]
    return {"messages": messages, "model": dialect.model, "stream": False, **sampling}


def around_picture(fields: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The body of a request before and after the picture, which stands there as `image/png;base64,...`."""
    # With its quotation marks the picture's mark cannot be part of a text, where they would be escaped.
    before, _, after = json.dumps(fields, ensure_ascii=False).partition(json.dumps(_PICTURE))
    return f'{before}"data:'.encode(), f'"{after}'.encode()


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
    if named == "max_tokens":
        return replace(dialect, max_tokens=fields["max_tokens"] - 1)
    if named is not None:
        return replace(dialect, guards=tuple(guard for guard in dialect.guards if guard is not _GUARD_OF[named]))
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
