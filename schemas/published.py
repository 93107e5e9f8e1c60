"""Which JSON Schemas are published, and are the files current?

``python -m schemas.published`` writes ``shipment.schema.json`` and ``trip.schema.json`` beside this
module from the models; a test compares them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from schemas.shipment import Shipment
from schemas.trip import Trip

FOLDER = Path(__file__).parent
PUBLISHED: dict[str, type[BaseModel]] = {"shipment.schema.json": Shipment, "trip.schema.json": Trip}


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a model, as it is published."""
    schema = model.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def rendered(model: type[BaseModel]) -> str:
    """The text of the published file."""
    return json.dumps(schema_of(model), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all published schemas."""
    for name, model in PUBLISHED.items():
        (FOLDER / name).write_text(rendered(model), encoding="utf-8")
        sys.stderr.write(f"wrote {FOLDER / name}\n")


if __name__ == "__main__":
    main()
