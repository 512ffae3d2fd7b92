"""How a job's status is read from and written to disk: always whole, always valid; and its published schema.

`python -m pdfocr_watcher.jobs.status_file` rewrites the schema file from the model.
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pdfocr_watcher.jobs.durable import read_file, write_durably, write_file
from pdfocr_watcher.jobs.model import JobStatus
from pdfocr_watcher.json_schema import FOLDER, published_schema, schema_text

STATUS_NAME = "status.json"
#: Room for twenty thousand failed pages, each with its reason.
_MOST_BYTES = 32 << 20
#: The JSON Schema of status.json, as it ships.
SCHEMA_FILE = FOLDER / "status.schema.json"


def write_status(folder: Path, status: JobStatus, *, name_too: bool = True) -> None:
    """Write a status as `folder`/status.json.

    Args:
        folder: the job's folder.
        status: what to write.
        name_too: make the rename durable too. Progress inside one status does not need that: after a power
            cut an older, equally valid progress is read, and the checkpoints say the rest.

    Raises:
        OSError: the file system refused; the earlier status is still there.
    """
    write = write_durably if name_too else write_file
    write(folder / STATUS_NAME, status_json(status))


def status_json(status: JobStatus) -> bytes:
    """The bytes of status.json."""
    return status.model_dump_json(indent=2).encode() + b"\n"


def read_status(folder: Path) -> JobStatus | None:
    """The status in a folder; None where there is none, or none that is valid.

    People may change what lies in the outbox: a link, a pipe or a file of any size is no status.

    Raises:
        OSError: the file cannot be read, for another reason than that it is not there.
    """
    try:
        content = read_file(folder / STATUS_NAME, _MOST_BYTES)
        return None if content is None else JobStatus.model_validate_json(content)
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None


def status_schema() -> dict[str, Any]:
    """The JSON Schema of status.json, as it ships in the package."""
    return published_schema(JobStatus, STATUS_NAME)


def status_schema_json() -> str:
    """The schema as the text of its file."""
    return schema_text(status_schema())


if __name__ == "__main__":
    SCHEMA_FILE.write_text(status_schema_json(), encoding="utf-8")
