"""The sample configuration file and the reference page, both made from the configuration model.

Nothing is written to disk here; `python -m pdfocr_watcher.config` does that.
"""

from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from pydantic.fields import FieldInfo

from pdfocr_watcher.config.changing import RELOADABLE
from pdfocr_watcher.config.load import FILE_VARIABLE, SEARCHED
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.config.settings import PREFIX, variable
from pdfocr_watcher.config.words import (
    choices,
    first_line,
    free_sections,
    is_free,
    item_type,
    kind,
    limits,
    one_of,
    sections,
)

_WIDTH = 100

_SAMPLE_HEAD = """\
# Configuration of pdfocr-watcher. Every key stands here with its default: change what you need, leave out the rest.
# What the keys take and how the environment goes over them: docs/configuration.md. Check a change with
# `pdfocr-watcher config --check`.
"""

_RELOADABLE = "\n".join(
    f"- {', '.join(f'`{section}.{key}`' for key in keys)}"
    for section in sections()
    if (keys := [key for key in sections()[section].model_fields if (section, key) in RELOADABLE])
)

_PAGE_HEAD = f"""\
# Configuration

<!-- Made from pdfocr_watcher/config/model.py by `python -m pdfocr_watcher.config`; edit that, not this. -->

One YAML file sets everything. Every key has a default, so an empty file is a whole configuration;
[config.yaml](../config.yaml) shows all keys with their defaults. `pdfocr-watcher init DIR` makes a folder with such a
file, `pdfocr-watcher config --check` tries one.

## Which file

The first of these that is named or there:

1. the file that the command line names;
2. the file that the environment variable `{FILE_VARIABLE}` names;
3. {" and ".join(f"`{path}`" for path in SEARCHED)}, in this order.

## What goes over what

An environment variable goes over the file, and the file over the default. The variable of a key is
`{PREFIX}SECTION__KEY`, with two underscores between the parts; after the prefix `{PREFIX}`
upper and lower case are the same. Its value is read like a value in the file:

```sh
{variable("render", "dpi")}=300
{variable("inbox", "ignore")}='["*.part", "*.tmp"]'
{variable("engine")}=rapidocr
```

A variable may also set several keys of a section, `{variable("render")}='{{dpi: 300, workers: 2}}'`; the variable of a
single key goes over it.

## Paths

`folders.root` starts at the folder that the configuration file lies in; the other folders start at `folders.root`.
Absolute paths stay as they are, and `~` is the home folder. `inbox`, `jobs`, `outbox` and `failed` must be four folders
beside each other: none may be another, lie inside another, or hold `root` or the program's own code.

## Keys that must fit together

- `render.range_pages` is at most `render.queue_pages`;
- `render.max_pixels` times three bytes is at most `render.memory_bytes`;
- `inbox.settle_seconds` is at most `inbox.unmarked_settle_seconds`;
- the patterns of `inbox.ignore` are for single names: none is empty or has a `/`;
- `engine.profile` names a profile that ships or one of `profiles`;
- `engine.name: vllm-server` needs `servers.urls`, each named once, which begin with `http://` or `https://`.

## Changing it while the daemon runs

On SIGHUP (`systemctl reload pdfocr-watcher`) the file is read again. These keys are in force at once; all others wait
for a restart, and are named in the log and in `config_notes` of health.json:

{_RELOADABLE}

## Mistakes

A configuration with a mistake is not used, not even in part: the command ends with exit status 78 and names every
mistake on a line of its own, with the file and the line, or the variable, and the name that was probably meant:

```
config.yaml:7: inbox.settle_secnds: unknown key; did you mean "inbox.settle_seconds"?
config.yaml:12: render.dpi: must be a whole number, not 'high'.
```

Text that begins with `*`, `&`, `@`, `%` or another special character needs quotes, as always in YAML.
"""


def sample_yaml(config: Config | None = None) -> str:
    """A configuration file with every key and a line that explains it.

    Args:
        config: the values to write; the defaults if there is none.

    Returns:
        YAML that loads to exactly these values.
    """
    parts = [_SAMPLE_HEAD]
    for name, model in sections().items():
        lines = [f"\n# {first_line(model)}", f"{name}:"]
        values = getattr(config or Config(), name)
        for key, field in model.model_fields.items():
            lines += [f"  # {field.description}", *_setting(key, getattr(values, key))]
        parts.append("\n".join(lines) + "\n")
    for name in free_sections():
        value = getattr(config or Config(), name)
        parts.append(f"\n# {Config.model_fields[name].description}\n{_block(name, value)}")
    return "".join(parts)


def reference_markdown() -> str:
    """The reference page: how a configuration is found and read, then a table of the keys of each section."""
    parts = [_PAGE_HEAD]
    for name, model in sections().items():
        rows = [
            f"| `{key}` | {_cell(_takes(field))} | {_cell(_default(field))} | {_cell(field.description or '')} |"
            for key, field in model.model_fields.items()
        ]
        head = ["| key | takes | default | what it does |", "|---|---|---|---|"]
        parts.append("\n".join([f"\n## `{name}`", "", first_line(model), "", *head, *rows]) + "\n")
    parts += [f"\n## `{name}`\n\n{_free_section(name)}\n" for name in free_sections()]
    return "".join(parts)


def _free_section(name: str) -> str:
    """What is said of a section whose keys are names: its description, with a link to the page that it names."""
    return (Config.model_fields[name].description or "").replace("docs/models.md", "[models.md](models.md)")


def _block(name: str, value: dict[str, Any]) -> str:
    """A section of any depth."""
    dumped: str = yaml.safe_dump({name: value}, allow_unicode=True, sort_keys=False, width=_WIDTH)
    return dumped


def _setting(key: str, value: Any) -> list[str]:
    """The lines that set a key: one, or several for a list that is too long for one."""
    if not isinstance(value, tuple):
        return [f"  {key}: {_scalar(value)}"]
    items = [str(item) if isinstance(item, StrEnum) else _quoted(item) for item in value]
    line = f"  {key}: [{', '.join(items)}]"
    if len(line) <= _WIDTH:
        return [line]
    lines = [f"  {key}: ["]
    row = "   "
    for item in items:
        if len(row) + len(item) + 2 > _WIDTH:
            lines.append(row)
            row = "   "
        row += f" {item},"
    return [*lines, row, "  ]"]


def _scalar(value: Any) -> str:
    """A value as YAML: numbers plain, text without quotes where it stays the same text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        return str(yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1 << 30)).strip()
    text = f"{value:%H:%M}" if isinstance(value, time) else str(value)
    # A chosen word is read as it is written, so that even `null` needs no quotes.
    return text if isinstance(value, StrEnum) or _stays(text) else _quoted(text)


def _stays(text: str) -> bool:
    """Whether any reader of YAML takes the bare text for this very text, not for a number, a date or a comment."""
    try:
        return bool(yaml.safe_load(f"key: {text}") == {"key": text})
    except (yaml.YAMLError, ValueError):
        return False


def _quoted(text: str) -> str:
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=1 << 30).rstrip("\n")


def _takes(field: FieldInfo) -> str:
    """The type, choices and limits of a key."""
    annotation = field.annotation
    items = item_type(annotation)
    if names := choices(annotation) or choices(items):
        return ("list of " if items else "") + one_of(tuple(f"`{name}`" for name in names))
    if items is not None:
        return "list of texts"
    if is_free(annotation):
        return "keys and values"
    words = kind(annotation).removeprefix("a ")
    return f"{words}, {limits(field)}" if limits(field) else words


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{value}`" if isinstance(value, Path) else f"`{_scalar(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
