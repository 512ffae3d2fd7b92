"""The published JSON Schema of health.json is that of the model, and real files are what it says."""

import json
from datetime import UTC, datetime

import jsonschema
import pytest

from pdfocr_watcher.service.health import (
    HEALTH_NAME,
    SCHEMA_FILE,
    DaemonState,
    Health,
    health_schema_json,
    read_health,
    write_health,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def health():
    return Health(
        state=DaemonState.PAUSED,
        reason="Only 3 bytes are free.",
        heartbeat=NOW,
        started_at=NOW,
        engine="null",
        engine_state="ready",
        jobs_waiting=1,
        jobs_in_work=2,
        files_in_inbox=3,
        pages_done=4,
        free_bytes=5,
        events_lost=6,
    )


def test_the_published_schema_is_that_of_the_model():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == health_schema_json(), (
        "run python -m pdfocr_watcher.service.health"
    )


def test_a_real_file_is_what_the_schema_says(tmp_path, health):
    write_health(tmp_path, health)
    data = json.loads((tmp_path / HEALTH_NAME).read_bytes())
    schema = json.loads(health_schema_json())
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(data)
    assert data["heartbeat"] == "2026-11-23T12:00:00.000Z"
    assert list(data) == list(schema["properties"])
    for change in ({"state": "dozing"}, {"pages_done": -1}, {"heartbeat": "noon"}, {"surprise": 1}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**data, **change})
    assert read_health(tmp_path) == health


def test_the_schema_says_nothing_of_the_machine_that_wrote_it(health):
    schema = json.loads(health_schema_json())
    assert not any("default" in field for field in schema["properties"].values())
    assert health.host not in health_schema_json() or len(health.host) < 4
