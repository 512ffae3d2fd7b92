"""Whether a folder holds all that vLLM needs of a model, looked at without vLLM: for `doctor`, before a long start.

Nothing is loaded and nothing is fetched. That the numbers are the right ones cannot be seen; that none is missing can.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pdfocr_watcher.engines.profiles import Parser, Profile
from pdfocr_watcher.engines.vllm.tokenizer_file import ADDED, SETTINGS, tokens_of
from pdfocr_watcher.engines.vllm.weight_file import NotWholeError, is_pointer, read_weights

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
#: One of these groups must be there whole.
_TOKENIZERS = (("tokenizer.json",), ("tokenizer.model",), ("vocab.json", "merges.txt"), ("tekken.json",))
#: Of these, the ones whose tokens can be read.
_VOCABULARIES = frozenset({"tokenizer.json", "vocab.json"})
#: What the boxes of a page are marked with.
_MARKUP = ("<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>")
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
#: Files of weights that hold Python objects; vLLM loads them, but nothing can be said of them from outside.
_OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth")
_JSON_BYTES = 50_000_000
#: Files that are named one by one in a message.
_NAMED = 3


class Gravity(StrEnum):
    """How much something that was found matters."""

    GOOD = "good"
    #: It may work; there is something to know.
    ADVICE = "advice"
    #: It cannot work.
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing about a model's folder.

    Attributes:
        gravity: how much it matters.
        text: a phrase without a full stop; what to do about it, where something is wrong.
    """

    gravity: Gravity
    text: str


def cached_folder(model: str, environment: Mapping[str, str]) -> Path | None:
    """Where the cache of the Hugging Face hub has a model, None where it has none.

    Args:
        model: its name on the hub, `owner/name`.
        environment: the variables that say where the cache lies.
    """
    home = Path(environment.get("HOME", "~")).expanduser()
    cache = Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "huggingface"
    hub = Path(environment.get("HF_HUB_CACHE") or Path(environment.get("HF_HOME") or cache) / "hub")
    kept = hub / f"models--{model.replace('/', '--')}"
    try:
        commit = (kept / "refs" / "main").read_text(encoding="ascii").strip()
        folder = kept / "snapshots" / commit
        return folder if commit and folder.is_dir() else None
    except (OSError, ValueError):
        return None


def look_at_model(folder: Path, profile: Profile, *, trust_remote_code: bool = False) -> list[Remark]:
    """Look whether a model lies in a folder as vLLM needs it.

    Args:
        folder: where the weights were copied to.
        profile: the model that they should be of.
        trust_remote_code: whether Python code of the folder's would be run.

    Returns:
        What was found, at least one remark; only good ones where nothing is missing.
    """
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is not there"
        return [Remark(Gravity.MISSING, f"{folder} {what}: name the folder of the weights in engine.model")]
    try:
        return [
            *_config(folder, profile, trusted=trust_remote_code),
            *_tokenizer(folder, profile),
            *_processor(folder, profile),
            *_weights(folder),
        ]
    except OSError as error:
        return [Remark(Gravity.MISSING, f"{error.filename or folder} cannot be read: {error.strerror or error}")]


def _config(folder: Path, profile: Profile, *, trusted: bool) -> Iterator[Remark]:
    config = _json(folder / CONFIG)
    if isinstance(config, str):
        yield Remark(Gravity.MISSING, config)
        return
    found = config.get("architectures")
    names = [str(name) for name in found] if isinstance(found, list) else []
    if not names:
        yield Remark(Gravity.ADVICE, f"{CONFIG} names no architecture")
    elif profile.architectures and not set(names) & set(profile.architectures):
        text = (
            f"{CONFIG} is of {_listed(names)}, and the profile {profile.name} is for {_listed(profile.architectures)}: "
            "set engine.profile, or name another folder in engine.model"
        )
        yield Remark(Gravity.MISSING, text)
    else:
        yield Remark(Gravity.GOOD, f"{_listed(names)} in {folder}")
    yield from _code(folder, config, trusted=trusted)


def _code(folder: Path, config: Mapping[str, Any], *, trusted: bool) -> Iterator[Remark]:
    """The model's own Python code, which is run only where that is allowed."""
    mapped = config.get("auto_map")
    if not isinstance(mapped, dict):
        return
    # `module.Class`, or `owner/name--module.Class` for code that lies elsewhere on the hub
    classes = [str(part) for value in mapped.values() for part in (value if isinstance(value, list) else [value])]
    modules = sorted({f"{name.rpartition('--')[2].partition('.')[0]}.py" for name in classes if name != "None"})
    if not trusted:
        text = (
            f"it comes with code of its own ({_listed(modules)}), which is not run: vLLM has its own for most models. "
            "If it refuses to load, read the code, then set vllm.trust_remote_code: true"
        )
        yield Remark(Gravity.ADVICE, text)
    elif missing := [name for name in modules if not (folder / name).is_file()]:
        yield Remark(Gravity.MISSING, f"{_listed(missing)}, the model's own code, is not there")


def _tokenizer(folder: Path, profile: Profile) -> Iterator[Remark]:
    group = next((group for group in _TOKENIZERS if all((folder / name).is_file() for name in group)), None)
    if group is None:
        wanted = " or ".join(" with ".join(group) for group in _TOKENIZERS[:3])
        yield Remark(Gravity.MISSING, f"there is no tokenizer ({wanted})")
        return
    tokens: frozenset[str] = frozenset()
    for name in group:
        fault, found = _tokens(folder / name)
        tokens |= found
        if fault:
            yield Remark(Gravity.MISSING, fault)
            return
    if tokens:
        for name in (ADDED, SETTINGS):
            if (folder / name).is_file():
                tokens |= _tokens(folder / name)[1]
        yield from _needed(profile, tokens)


def _tokens(path: Path) -> tuple[str, frozenset[str]]:
    """What is wrong with a file of the tokenizer, empty for nothing, and the tokens that can be read from it."""
    if is_pointer(path):
        return f"{path.name} is a Git LFS pointer, not the file: `git lfs pull`", frozenset()
    if path.suffix != ".json":
        empty = path.is_file() and not path.stat().st_size
        return (f"{path.name} is empty: copy it again" if empty else ""), frozenset()
    content = _json(path)
    if isinstance(content, str):
        return content, frozenset()
    tokens = tokens_of(path.name, content)
    bare = path.name in _VOCABULARIES and not tokens
    return (f"{path.name} holds no tokens: copy it again" if bare else ""), tokens


def _needed(profile: Profile, tokens: frozenset[str]) -> Iterator[Remark]:
    """What the profile counts on, and the tokenizer does not have."""
    if profile.parser is Parser.GROUNDING and (lacking := [tag for tag in _MARKUP if tag not in tokens]):
        text = (
            f"the tokenizer has no {_listed(lacking)}, with which the profile {profile.name} expects its boxes to be "
            "marked: is it that model's?"
        )
        yield Remark(Gravity.ADVICE, text)
    if lacking := [token for token in profile.whitelist if token not in tokens]:
        text = (
            f"the tokenizer has no {_listed(lacking)}: the rule against repetition makes no exception for that, which "
            "can break tables with many empty cells"
        )
        yield Remark(Gravity.ADVICE, text)


def _processor(folder: Path, profile: Profile) -> Iterator[Remark]:
    if any((folder / name).is_file() for name in _PROCESSORS):
        return
    if any(picture.tile for picture in profile.modes.values()):
        return  # vLLM brings that processor itself
    yield Remark(Gravity.MISSING, f"there is neither {' nor '.join(_PROCESSORS)}, which say how pictures are prepared")


def _weights(folder: Path) -> Iterator[Remark]:
    index: dict[str, Any] | str | None = _json(folder / INDEX) if _is_there(folder / INDEX) else None
    if isinstance(index, str):
        yield Remark(Gravity.MISSING, index)
        return
    wanted = _wanted(index)
    names = sorted(wanted) if wanted else sorted(path.name for path in folder.glob("*.safetensors"))
    if not names:
        yield _without_safetensors(folder, indexed=index is not None)
        return
    absent = [name for name in names if not _is_there(folder / name)]
    if absent:
        yield Remark(
            Gravity.MISSING, f"{len(absent)} of {len(names)} files of weights are not there: {_listed(absent)}"
        )
    size, faults = 0, False
    for name in names:
        if name in absent:
            continue
        try:
            weights = read_weights(folder / name)
        except NotWholeError as error:
            yield Remark(Gravity.MISSING, f"{name} {error}")
            faults = True
            continue
        size += weights.size
        if lacking := wanted.get(name, frozenset()) - weights.tensors:
            yield Remark(Gravity.MISSING, f"{name} lacks {len(lacking)} tensors that {INDEX} says it has")
            faults = True
    if not absent and not faults:
        files = "1 file" if len(names) == 1 else f"{len(names)} files"
        yield Remark(Gravity.GOOD, f"{size / 1e9:.2f} GB of weights in {files}, none cut off")


def _wanted(index: Mapping[str, Any] | None) -> dict[str, frozenset[str]]:
    """The tensors that each file should have, by the index; empty where there is none."""
    mapped = index.get("weight_map") if index else None
    wanted: dict[str, set[str]] = {}
    if isinstance(mapped, dict):
        for tensor, file in mapped.items():
            wanted.setdefault(Path(str(file)).name, set()).add(tensor)
    return {file: frozenset(tensors) for file, tensors in wanted.items()}


def _without_safetensors(folder: Path, *, indexed: bool) -> Remark:
    if indexed:
        return Remark(Gravity.MISSING, f"{INDEX} names no file of weights")
    others = sorted({path.name for pattern in _OTHER_WEIGHTS for path in folder.glob(pattern)})
    if others:
        text = f"the weights are in {_listed(others)}; whether they are whole cannot be seen, .safetensors are better"
        return Remark(Gravity.ADVICE, text)
    return Remark(Gravity.MISSING, "there are no weights (*.safetensors)")


def _json(path: Path) -> dict[str, Any] | str:
    """A file's content, or what is wrong with it."""
    if not _is_there(path):
        return f"{path.name} is not there: {path.parent} is not the folder of a model, or the copy is not whole"
    if is_pointer(path):
        return f"{path.name} is a Git LFS pointer, not the file: `git lfs pull`"
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_JSON_BYTES))
    except (ValueError, RecursionError):
        return f"{path.name} is not valid JSON: copy it again"
    return content if isinstance(content, dict) else f"{path.name} holds no settings: copy it again"


def _is_there(path: Path) -> bool:
    """Whether there is a file; a link to nothing, as a cache that was copied without its blobs has, is none."""
    return path.is_file()


def _listed(names: Any) -> str:
    """Some names, the first of many."""
    listed = list(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more
