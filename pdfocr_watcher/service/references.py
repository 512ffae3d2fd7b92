"""The pages of docs/ that are made from the program's own tables: failures, status.json, health.json.

`python -m pdfocr_watcher.service.references` writes them into the current directory's docs/.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from pdfocr_watcher.errors import FAILURES
from pdfocr_watcher.jobs.model import JobStatus
from pdfocr_watcher.service.health import Health

_MADE = "<!-- Made by `python -m pdfocr_watcher.service.references` from {source}; edit that, not this. -->"

_TROUBLE = """\
# Troubleshooting

{made}

What went wrong has a code: `error_code` in status.json, `code` of a page in its `failed_pages`, and `code` in the log.
`pdfocr-watcher status JOB` shows it with its message, `pdfocr-watcher doctor` looks at the installation,
`pdfocr-watcher retry JOB` tries a failed job again once the cause is gone. A command that fails ends with the number in
the last column (the numbers of sysexits.h).

| code | what it means | what to do | exit status |
|---|---|---|---|
"""

_FILES = """\
# Files for programs: status.json and health.json

{made}

Both are JSON in UTF-8 and replaced as a whole, so a reader never meets half a file. Moments are RFC 3339 in UTC with
milliseconds. Fields may be added within `schema_version` 1; none goes or changes its meaning.
"""


def troubleshooting_page() -> str:
    """docs/troubleshooting.md: a row for each code."""
    rows = [
        f"| `{code.value}` | {_cell(failure.cause)} | {_cell(failure.advice)} | {failure.exit_status} |\n"
        for code, failure in FAILURES.items()
    ]
    return _TROUBLE.format(made=_MADE.format(source="pdfocr_watcher/errors.py")) + "".join(rows)


def files_page() -> str:
    """docs/files.md: the fields of status.json and health.json."""
    sources = "pdfocr_watcher/jobs/model.py and service/health.py"
    parts = [_FILES.format(made=_MADE.format(source=sources))]
    parts += _fields("status.json", "status.schema.json", "In each job's folder and in its result's.", JobStatus)
    parts += _fields("health.json", "health.schema.json", "In the root, rewritten every few seconds.", Health)
    return "\n".join(parts)


#: From a page's name to what makes it.
PAGES = MappingProxyType({"troubleshooting.md": troubleshooting_page, "files.md": files_page})


def _fields(name: str, schema_file: str, where: str, model: type[BaseModel]) -> Iterator[str]:
    """The section of one file: a table of its fields, then one of each value inside."""
    schema = model.model_json_schema(mode="serialization")
    yield f"## {name}\n\n{where} [Schema](../pdfocr_watcher/schemas/{schema_file}).\n"
    yield _table(schema["properties"])
    for inner, definition in sorted(schema.get("$defs", {}).items()):
        if "properties" in definition:
            yield f"### {inner}\n\n{definition.get('description', '')}\n"
            yield _table(definition["properties"])
        elif inner != "ErrorCode":
            values = ", ".join(f"`{value}`" for value in definition["enum"])
            yield f"### {inner}\n\n{definition.get('description', '')} One of {values}.\n"


def _table(properties: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        f"| `{name}` | {_kind(field)} | {_cell(field.get('description', ''))} |\n" for name, field in properties.items()
    ]
    return "| field | type | |\n|---|---|---|\n" + "".join(rows)


def _kind(field: Mapping[str, Any]) -> str:
    """What a field holds, in a word or two."""
    if "anyOf" in field:
        return " or ".join(_kind(one) for one in field["anyOf"])
    if "$ref" in field:
        name = str(field["$ref"]).rpartition("/")[2]
        return "[error code](troubleshooting.md)" if name == "ErrorCode" else f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}"
    if field.get("format") == "date-time":
        return "moment"
    return str(field.get("type", "any"))


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def write_pages(folder: Path) -> None:
    """Write all pages into a folder, over what is there."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write_pages(Path("docs"))
