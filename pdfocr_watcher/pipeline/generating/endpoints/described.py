"""What a server says about itself: the models that it serves, its version, its tokens. Values only."""

import json
from typing import Any


def served_models(body: bytes) -> dict[str, int | None]:
    """The models of /v1/models, and the most tokens of a page of each where it is told; adapters are left out.

    Raises:
        ValueError: this is no such list.
    """
    try:
        models = [model for model in json.loads(body)["data"] if not model.get("parent")]
        return {str(model["id"]): _whole(model.get("max_model_len")) for model in models}
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("no list of models") from error


def version_of(body: bytes) -> str:
    """The version of /version; empty where it tells none."""
    version = _field(body, "version")
    return version[:64] if isinstance(version, str) else ""


def token_ids(body: bytes) -> tuple[int, ...]:
    """The tokens of /tokenize; none where it tells none."""
    tokens = _field(body, "tokens")
    return tuple(tokens) if isinstance(tokens, list) and all(type(token) is int for token in tokens) else ()


def _field(body: bytes, name: str) -> Any:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return data.get(name) if isinstance(data, dict) else None


def _whole(number: Any) -> int | None:
    return number if type(number) is int and number > 0 else None
