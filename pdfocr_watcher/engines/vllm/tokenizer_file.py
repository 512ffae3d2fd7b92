"""Which tokens a model's tokenizer has, read from its files without the library that uses them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

#: Files with tokens that were added later, beside the tokenizer's own; neither has to be there.
ADDED, SETTINGS = "added_tokens.json", "tokenizer_config.json"


def tokens_of(name: str, content: Mapping[str, Any]) -> frozenset[str]:
    """The tokens that one file names; none where it is not written as it should be, or is of another kind.

    Args:
        name: the file's, such as `tokenizer.json`, `vocab.json`, `ADDED` or `SETTINGS`.
        content: what it holds.
    """
    match name:
        case "tokenizer.json":
            return frozenset([*_vocabulary(content.get("model")), *_added(content.get("added_tokens"))])
        case "tokenizer_config.json":
            decoder = content.get("added_tokens_decoder")
            return frozenset(_added(list(decoder.values()))) if isinstance(decoder, dict) else frozenset()
        case "vocab.json" | "added_tokens.json":
            return frozenset(content)
    return frozenset()


def _vocabulary(model: object) -> Iterator[str]:
    """Those of the model of words: a number for each, or a list of each with its likelihood."""
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict):
        yield from vocabulary
    elif isinstance(vocabulary, list):
        yield from (str(entry[0]) for entry in vocabulary if isinstance(entry, list) and entry)


def _added(entries: object) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(content := entry.get("content"), str):
            yield content
