"""How is a CATAIR file shown to a person, record by record and field by field?

Everything here is plain JSON: str, int, bool, list, dict. Fillers are shown only when something
stands in them. The password of an A record is never shown; with ``mask`` personal data are not either
(:mod:`schemas.catair.masking`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from schemas.catair.codes import code_text
from schemas.catair.frames import Batch, CatairFile, PlacedRecord
from schemas.catair.layouts import RECORDS, FieldDef
from schemas.catair.masking import hidden_values, masked_field, masked_path, masked_sentence
from schemas.catair.problems import PlacedProblem
from schemas.catair.reading import read_batches
from schemas.errors import SEND_AGAIN
from schemas.personal import hidden, personal


def annotate(file: CatairFile | bytes, *, mask: bool = False) -> list[dict[str, Any]]:
    """Every record of a file, in order.

    Each is ``{"number", "offset", "layout", "name", "source", "fields", "problems"}``; each field
    ``{"start", "length", "key", "name", "value", "meaning"}``, where ``value`` is JSON-able (dates as
    ISO text) and ``meaning`` the text of a known code or else the field's description; and ``text`` where it
    says of this value what it means: the text of its code, or a number with the point that is not written.
    """
    read = read_batches(file) if isinstance(file, bytes) else file
    return [describe_record(placed, mask=mask) for placed in read.records]


def inspect_document(data: bytes, *, mask: bool = False) -> dict[str, Any]:
    """The records, errors and warnings of these bytes as one document.

    One message per batch: ``type`` is the application code or ``rejection``, ``control_number`` the
    transmitter's user data text (CATAIR has no control number). ``errors`` carry code, position,
    path and text; warnings stand in ``warnings``.
    """
    read = read_batches(data)
    shown = {placed.number: describe_record(placed, mask=mask) for placed in read.records}
    starts = [batch.first_record for batch in read.batches]
    ends = [*starts, len(read.records) + 1][1:]
    messages = []
    for batch, start, end in zip(read.batches, starts, ends, strict=True):
        messages.append(batch_head(batch) | {"records": [shown[number] for number in range(start, end)]})
    values = {placed.number: hidden_values(placed, mask=mask) for placed in read.records if placed.problems}
    from_cbp = bool(read.batches) and not any(batch.outgoing for batch in read.batches)
    told = [
        (one, describe_problem(one, values.get(one.record, ()), mask=mask, from_cbp=from_cbp)) for one in read.problems
    ]
    return {
        "format": "catair",
        "messages": messages,
        "errors": [shown for one, shown in told if one.severity == "error"],
        "warnings": [shown for one, shown in told if one.severity != "error"],
    }


def batch_head(batch: Batch) -> dict[str, Any]:
    """What a batch is: ``type``, ``control_number``, ``direction``, ``transactions``."""
    control = batch.header.record.text("transmitter_s_user_data_text") if batch.header else ""
    return {
        "type": "rejection" if batch.rejected else batch.application,
        "control_number": control,
        "direction": "in" if batch.outgoing else "out",
        "transactions": len(batch.transactions),
    }


def describe_problem(
    one: PlacedProblem, values: Sequence[str] = (), *, mask: bool = False, from_cbp: bool = False
) -> dict[str, str]:
    """A problem as it is listed; ``values`` are the texts of its record that are not shown.

    ``from_cbp``: it stands in a message that CBP sent, where nothing is ours to mend.
    """
    text = masked_sentence(one, values) if mask or personal().secret_field(*_split(one.path)) else one.text
    return {
        "code": one.code,
        "kind": "format",
        "position": one.position,
        "path": masked_path(one.path) if mask else one.path,
        "text": text,
        "remedy": SEND_AGAIN if from_cbp else one.remedy,
        "reference": one.reference,
    }


def _split(path: str) -> tuple[str, str]:
    layout, _, key = path.rpartition(".")
    return layout, key


def describe_record(placed: PlacedRecord, *, mask: bool = False) -> dict[str, Any]:
    """One record as JSON-able data (see :func:`annotate`)."""
    defined = RECORDS.get(placed.layout)
    values = hidden_values(placed, mask=mask) if placed.problems else ()
    if defined is None:
        text = placed.line.rstrip(" ")
        shown: dict[str, Any] = {
            "start": 1,
            "length": 80,
            "key": "text",
            "name": "Text",
            "value": hidden(text) if mask else text,
            "meaning": "",
        }
        fields = [shown]
    else:
        fields = [found for one in defined.fields if (found := _field(one, placed, mask=mask)) is not None]
    return {
        "number": placed.number,
        "offset": placed.offset,
        "layout": defined.id if defined else "",
        "name": defined.name if defined else "not laid out",
        "source": defined.source if defined else "",
        "fields": fields,
        "problems": [
            describe_problem(one, values, mask=mask, from_cbp=defined is not None and defined.direction == "out")
            for one in placed.problems
        ],
    }


def _field(one: FieldDef, placed: PlacedRecord, *, mask: bool) -> dict[str, Any] | None:
    raw = placed.line[one.start - 1 : one.end]
    if not one.key and not one.value and not raw.strip(" "):
        return None
    value: Any = placed.record.values.get(one.key) if one.key else raw.rstrip(" ")
    if isinstance(value, date):
        value = value.isoformat()
    elif value is None and raw.strip(" "):
        value = raw
    text = ""
    if one.codes and isinstance(value, str):
        text = code_text(one.codes, value)
    elif one.decimals and isinstance(value, int):
        text = f"{Decimal(value).scaleb(-one.decimals):f}"
    meaning = text if text and one.codes else one.meaning
    if value is not None and one.key and personal().secret_field(placed.layout, one.key):
        value = "*" * len(str(value))
    elif value is not None and mask and (shown := masked_field(one, placed)) is not None:
        value, meaning, text = shown, one.meaning, ""
    field = {
        "start": one.start,
        "length": one.length,
        "key": one.key,
        "name": one.name,
        "value": value,
        "meaning": meaning,
    }
    return field | {"text": text} if text else field
