"""How is a CATAIR file shown to a person, record by record and field by field?

Everything here is plain JSON: str, int, bool, list, dict. Fillers are shown only when something
stands in them. The password of an A record is never shown.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from schemas.catair.codes import code_text
from schemas.catair.frames import Batch, CatairFile, PlacedRecord
from schemas.catair.layouts import RECORDS, FieldDef
from schemas.catair.problems import PlacedProblem
from schemas.catair.reading import read_batches

SECRET = frozenset({"communication_password"})


def annotate(file: CatairFile | bytes) -> list[dict[str, Any]]:
    """Every record of a file, in order.

    Each is ``{"number", "offset", "layout", "name", "source", "fields", "problems"}``; each field
    ``{"start", "length", "key", "name", "value", "meaning"}``, where ``value`` is JSON-able (dates as
    ISO text) and ``meaning`` the text of a known code or else the field's description.
    """
    read = read_batches(file) if isinstance(file, bytes) else file
    return [_record(placed) for placed in read.records]


def inspect_document(data: bytes) -> dict[str, Any]:
    """The document of ``gateway inspect --json`` for these bytes.

    One message per batch: ``type`` is the application code or ``rejection``, ``control_number`` the
    transmitter's user data text (CATAIR has no control number). ``errors`` carry code, position,
    path and text; warnings stand in ``warnings``.
    """
    read = read_batches(data)
    shown = {placed.number: _record(placed) for placed in read.records}
    starts = [batch.first_record for batch in read.batches]
    ends = [*starts, len(read.records) + 1][1:]
    messages = []
    for batch, start, end in zip(read.batches, starts, ends, strict=True):
        messages.append(_message(batch, [shown[number] for number in range(start, end)]))
    return {
        "format": "catair",
        "messages": messages,
        "errors": [_problem(one) for one in read.problems if one.severity == "error"],
        "warnings": [_problem(one) for one in read.problems if one.severity != "error"],
    }


def _message(batch: Batch, records: list[dict[str, Any]]) -> dict[str, Any]:
    control = batch.header.record.text("transmitter_s_user_data_text") if batch.header else ""
    return {
        "type": "rejection" if batch.rejected else batch.application,
        "control_number": control,
        "direction": "in" if batch.outgoing else "out",
        "transactions": len(batch.transactions),
        "records": records,
    }


def _problem(one: PlacedProblem) -> dict[str, str]:
    return {
        "code": one.code,
        "position": one.position,
        "path": one.path,
        "text": one.text,
        "remedy": one.remedy,
        "reference": one.reference,
    }


def _record(placed: PlacedRecord) -> dict[str, Any]:
    defined = RECORDS.get(placed.layout)
    problems = [_problem(one) for one in placed.problems]
    if defined is None:
        shown: dict[str, Any] = {
            "start": 1,
            "length": 80,
            "key": "text",
            "name": "Text",
            "value": placed.line.rstrip(" "),
            "meaning": "",
        }
        return {
            "number": placed.number,
            "offset": placed.offset,
            "layout": "",
            "name": "not laid out",
            "source": "",
            "fields": [shown],
            "problems": problems,
        }
    return {
        "number": placed.number,
        "offset": placed.offset,
        "layout": defined.id,
        "name": defined.name,
        "source": defined.source,
        "fields": [found for one in defined.fields if (found := _field(one, placed)) is not None],
        "problems": problems,
    }


def _field(one: FieldDef, placed: PlacedRecord) -> dict[str, Any] | None:
    raw = placed.line[one.start - 1 : one.end]
    if not one.key and not one.value and not raw.strip(" "):
        return None
    value: Any = placed.record.values.get(one.key) if one.key else raw.rstrip(" ")
    if isinstance(value, date):
        value = value.isoformat()
    elif value is None and raw.strip(" "):
        value = raw
    meaning = one.meaning
    if one.codes and isinstance(value, str):
        meaning = code_text(one.codes, value) or one.meaning
    if one.key in SECRET and value is not None:
        value = "*" * len(str(value))
    return {
        "start": one.start,
        "length": one.length,
        "key": one.key,
        "name": one.name,
        "value": value,
        "meaning": meaning,
    }
