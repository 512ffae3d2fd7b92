"""The JSON Schemas that ship in the package, made from the models whose files they describe."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

#: Where they lie.
FOLDER = Path(__file__).parent / "schemas"


def published_schema(model: type[BaseModel], file: str) -> dict[str, Any]:
    """The schema of a file that the program writes.

    Args:
        model: what the file holds.
        file: its name.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(mode="serialization"),
        "title": f"{file} of pdfocr-watcher, schema_version 1",
    }


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=2) + "\n"
