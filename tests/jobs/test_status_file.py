"""status.json is whole and valid at every instant, and is what its published schema says."""

import errno
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import jsonschema
import pytest

import pdfocr_watcher
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs import durable
from pdfocr_watcher.jobs.model import EngineStatus, FailedPageStatus, Outputs, Stage, Status, Worker
from pdfocr_watcher.jobs.status_file import (
    SCHEMA_FILE,
    STATUS_NAME,
    read_status,
    status_schema_json,
    write_status,
)

TOP = Path(__file__).parents[2]

#: Reads a file as fast as it can for 1.5 s, and on until it has seen enough or 30 s have passed; then says how often
#: and how many different contents it saw.
READER = """
import json, sys
from time import monotonic
seen, count = set(), 0
began = monotonic()
print("reading", flush=True)
while (spent := monotonic() - began) < 1.5 or (spent < 30 and (count <= 50 or len(seen) <= 5)):
    with open(sys.argv[1], "rb") as file:
        content = file.read()
    assert content.endswith(b"}\\n"), content
    seen.add(json.loads(content)["processed_pages"])
    count += 1
print(count, len(seen))
"""


@pytest.fixture
def full_status(make_status):
    now = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    return make_status(
        status=Status.FAILED,
        stage=Stage.DONE,
        source="büro/a b.pdf",
        sha256="0f" * 32,
        total_pages=3,
        processed_pages=3,
        failed_pages=tuple(
            FailedPageStatus(page=page, code=ErrorCode.RENDER_FAILED, message="x" * 2000) for page in (1, 2, 3)
        ),
        started_at=now,
        completed_at=now,
        attempts=2,
        engine=EngineStatus(name="null", model="none", version="1"),
        eta_seconds=1.5,
        worker=Worker(host="here", pid=7),
        duplicate_of="20261123T125044Z-00000000",
        error_code=ErrorCode.TOO_FEW_PAGES,
        error_message="Too many.",
        outputs=Outputs(image_count=2),
    )


def validator():
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_a_reader_that_polls_as_fast_as_it_can_never_sees_half_a_file(tmp_path, full_status):
    write_status(tmp_path, full_status)
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, tmp_path / STATUS_NAME],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout.readline() == "reading\n"
    end = monotonic() + 60  # it ends before by itself
    written = 0
    while monotonic() < end and reader.poll() is None:
        written += 1
        pages = full_status.failed_pages * (written % 5)  # shorter and longer than the one before
        write_status(
            tmp_path,
            full_status.model_copy(update={"processed_pages": written, "failed_pages": pages}),
            name_too=written % 2 == 0,
        )
    output, error = reader.communicate(timeout=30)
    assert reader.returncode == 0, error
    reads, different = map(int, output.split())
    assert reads > 50
    assert different > 5, "the reader and the writer did not run at the same time"
    assert os.listdir(tmp_path) == [STATUS_NAME]


def test_what_was_written_is_read_again(tmp_path, full_status):
    write_status(tmp_path, full_status)
    assert read_status(tmp_path) == full_status


def test_the_smallest_and_the_fullest_status_are_what_the_schema_says(tmp_path, make_status, full_status):
    for status in (make_status(), full_status):
        write_status(tmp_path, status)
        validator().validate(json.loads((tmp_path / STATUS_NAME).read_bytes()))


def test_every_field_is_always_there(tmp_path, make_status):
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert sorted(schema["required"]) == sorted(schema["properties"])
    write_status(tmp_path, make_status())
    assert list(json.loads((tmp_path / STATUS_NAME).read_bytes())) == list(schema["properties"])


@pytest.mark.parametrize(
    "change",
    [
        {"status": "done"},
        {"stage": "sleeping"},
        {"schema_version": 2},
        {"updated_at": "2026-11-23T12:50:45Z"},
        {"updated_at": "2026-11-23 12:50:45.000"},
        {"completed_at": "2026-11-23T12:50:45.000+01:00"},
        {"processed_pages": -1},
        {"job_id": "x"},
        {"error_code": "bad_luck"},
        {"failed_pages": [{"page": 0, "code": "internal", "message": ""}]},
        {"surprise": 1},
        {"sha256": "abc"},
    ],
)
def test_the_schema_refuses_what_is_no_status(make_status, change):
    data = json.loads(make_status().model_dump_json())
    validator().validate(data)
    with pytest.raises(jsonschema.ValidationError):
        validator().validate({**data, **change})


def test_the_published_schema_is_that_of_the_model():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == status_schema_json(), (
        "run python -m pdfocr_watcher.jobs.status_file"
    )


def test_the_module_writes_the_schema(tmp_path):
    copy = tmp_path / "pdfocr_watcher"
    subprocess.run(["cp", "-r", TOP / "pdfocr_watcher", copy], check=True)
    target = copy / "schemas" / SCHEMA_FILE.name
    target.write_text("{}")
    subprocess.run([sys.executable, "-m", "pdfocr_watcher.jobs.status_file"], cwd=tmp_path, check=True)
    assert target.read_text(encoding="utf-8") == status_schema_json()


def test_the_schemas_lie_inside_the_package_and_are_not_ignored():
    """The wheel holds the package's folder but for what git ignores."""
    package = Path(pdfocr_watcher.__file__).parent
    assert SCHEMA_FILE.is_relative_to(package)
    names = sorted(path.name for path in SCHEMA_FILE.parent.iterdir())
    assert names == ["health.schema.json", "output.schema.json", "status.schema.json"]
    if (TOP / ".git").exists():
        ignored = subprocess.run(["git", "check-ignore", "-q", SCHEMA_FILE], cwd=TOP, check=False)
        assert ignored.returncode == 1


def test_no_status_and_one_that_is_none_are_no_status(tmp_path):
    assert read_status(tmp_path) is None
    assert read_status(tmp_path / "missing") is None
    for content in (b"", b"{}", b"{", b"null", b"\xff\xfe", b"[" * 100_000):
        (tmp_path / STATUS_NAME).write_bytes(content)
        assert read_status(tmp_path) is None
        assert read_status(tmp_path / STATUS_NAME) is None


def test_a_status_that_cannot_be_read_is_an_error_and_not_a_missing_one(tmp_path, make_status, monkeypatch):
    write_status(tmp_path, make_status())

    def fail(*_arguments):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(durable.os, "read", fail)
    with pytest.raises(OSError, match="Input/output"):
        read_status(tmp_path)


@pytest.mark.parametrize("name_too", [True, False])
def test_progress_saves_the_fsync_of_the_folder_and_a_new_status_does_not(tmp_path, make_status, monkeypatch, name_too):
    synced = []
    monkeypatch.setattr(durable, "sync_folder", synced.append)
    write_status(tmp_path, make_status(), name_too=name_too)
    assert synced == ([tmp_path] if name_too else [])
