"""How does the message set of an agency claim stand in JSON, and which agency records does it mean?

A message set is an ordered list of objects, one for each record after PG01::

    {"record": "PG02", "item_type": "P", "product_code_qualifier_1": "FDP", "product_code_number_1": "53LY-01"}

Keys are the field keys of the layout (:data:`schemas.catair.RECORDS`); every value is a string. Rules:

- numbers are written with their point (``"12.5"``) and brought to the digits of the wire, where the point is implied;
  nothing is rounded: more decimals than the field has are a fault;
- days are ISO dates (``"2026-11-23"``), times HHMM, codes all their digits;
- text that is in the characters of its field stays as it is; other text is transliterated
  (:mod:`schemas.text`), which is told as a change;
- PG01 is written from the claim itself, and PG00 (substitution) refers to what a claim cannot define: both are refused;
- order, parents and counts are those of the usage map ``PGA``; the one product (PG02 ``P``) stands first;
- a code that is not in its field's list is a warning where the list is complete (:mod:`schemas.catair.codes`), never
  a fault: CBP and agencies add codes.

Every fault has the path of the value: ``lines[0].pga[1].message_set[3].product_code_number_1``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field, WithJsonSchema

from schemas.catair.classes import first_outside
from schemas.catair.codes import code_lists
from schemas.catair.diagnosis import Value, written
from schemas.catair.layouts import RECORDS, FieldDef, RecordDef
from schemas.catair.problems import PlacedProblem
from schemas.catair.records import Record
from schemas.catair.usage import usage_maps
from schemas.errors import FormatError, Problem
from schemas.text import Transliteration, to_wire

MESSAGE_RECORDS: Final[Mapping[str, RecordDef]] = {
    name: one
    for name, one in sorted(RECORDS.items())
    if one.identifier.startswith("PG") and name not in ("PG00", "PG01")
}
"""The layouts that may stand in a message set."""

MOST_RECORDS: Final = 9999
"""Records of one message set that are taken; CBP prints no limit."""

SOURCE: Final = "CBP CATAIR PGA Message Set rev 29"

_NUMBER: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DECIDES_PLACE: Final = frozenset({"record", "item_type", "packaging_qualifier"})
"""Keys by which the usage map places a record; with a fault in one of them its order cannot be judged."""
_REFUSED: Final = {
    "PG01": ("The PG01 is written from the claim itself.", "Give its values as agency, program, processing and so on."),
    "PG00": ("A claim cannot define substitutions.", "Write the records out in their place."),
    "OI": ("The OI is written from the description of the line.", "Leave it out."),
}
_ORDER_REMEDIES: Final = {
    "X34": "Take it out of the message set.",
    "X35": "Put it where the message set has its place.",
    "X36": "Keep as many as are allowed.",
    "X37": "Put the missing record before it, or move it after the record it belongs to.",
}


@dataclass(frozen=True, slots=True)
class MessageSet:
    """What a list says: its records, every fault and warning, and what was written in other characters than given."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    changes: tuple[Transliteration, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep it from being filed."""
        return tuple(one for one in self.problems if one.severity == "error")


def read_message_set(items: object, path: str, disclaimer: str | None = None) -> MessageSet:
    """The records of a message set at ``path``; never raises for its content.

    ``disclaimer`` is that of the claim: with one the product is not mandatory. Values with a fault are left out.
    """
    if not isinstance(items, list):
        fault = Problem("not_a_list", path, "The message set must be a list of records.", "Write a JSON array.", SOURCE)
        return MessageSet((), (fault,), ())
    if len(items) > MOST_RECORDS:
        text = f"The message set has {len(items)} records; {MOST_RECORDS} are taken."
        return MessageSet((), (Problem("too_many", path, text, "Split the line.", SOURCE),), ())
    problems: list[Problem] = []
    changes: list[Transliteration] = []
    placed: list[tuple[int, Record]] = []
    whole = True
    for index, item in enumerate(items):
        where = f"{path}[{index}]"
        record, faults = _read_record(item, where, changes)
        problems += faults
        if record is not None:
            placed.append((index, record))
        decisive = {where, *(f"{where}.{key}" for key in _DECIDES_PLACE)}
        whole = whole and not any(fault.path in decisive for fault in faults if fault.severity == "error")
    if whole:
        problems += _order_faults(placed, path, disclaimer)
    return MessageSet(tuple(record for _, record in placed), tuple(problems), tuple(changes))


def message_set_json(records: Iterable[Record]) -> list[dict[str, str]]:
    """The JSON list of these records, which :func:`read_message_set` reads back as the same."""
    return [
        {"record": record.layout} | {key: _shown(RECORDS[record.layout].keys[key], value) for key, value in given}
        for record, given in ((record, record.values.items()) for record in records)
    ]


def field_value(
    one: FieldDef, layout: str, value: object, path: str
) -> tuple[Value | None, tuple[Problem, ...], Transliteration | None]:
    """A JSON value as that of a field: the value or what is wrong with it, and how it was written otherwise."""
    if not isinstance(value, str):
        remedy = f'Write it as a JSON string, for example "{_example(one)}".'
        return None, (_fault("not_text", path, f"{one.name} must be text.", remedy, layout),), None
    change: Transliteration | None = None
    result: Value
    if one.kind == "number":
        found = _number(one, layout, value, path)
        if isinstance(found, Problem):
            return None, (found,), None
        result = found
    elif one.kind == "date":
        day = _day(value)
        if day is None:
            text = f"{one.name} is not a date: {value[:60]!r}."
            return None, (_fault("not_a_date", path, text, "Write a real day as YYYY-MM-DD.", layout),), None
        result = day
    else:
        result = value
        if one.kind == "text" and first_outside(value, one.accepts) is not None:
            try:
                result, change = to_wire(value, path)
            except FormatError as error:
                return None, error.problems, None
    faults: list[PlacedProblem] = []
    written(one, result, layout, faults)
    if faults:
        return None, tuple(_fault(each.code, path, each.text, each.remedy, layout) for each in faults), None
    return result, (), change


def _read_record(item: object, path: str, changes: list[Transliteration]) -> tuple[Record | None, list[Problem]]:
    """One object of the list; ``None`` where it cannot be told which record it is."""
    if not isinstance(item, Mapping):
        return None, [_fault("not_an_object", path, "This must be an object.", "Write a JSON object.")]
    name = item.get("record")
    defined = MESSAGE_RECORDS.get(name) if isinstance(name, str) else None
    if defined is None:
        return None, [_unknown_record(name, f"{path}.record")]
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    for key, value in item.items():
        where = f"{path}.{key}"
        one = defined.keys.get(key) if isinstance(key, str) else None
        if one is not None:
            found, faults, change = field_value(one, defined.id, value, where)
            problems += faults
            if found is not None:
                values[one.key] = found
                problems += _unknown_code(one, defined.id, found, where)
            if change is not None:
                changes.append(change)
        elif key != "record":
            known = f"Fields: {', '.join(defined.keys)}." if defined.keys else "It has no fields."
            problems.append(_fault("unknown_field", where, f"{defined.id} has no field {key!r}.", known, defined.id))
    problems += [
        _fault("missing", f"{path}.{one.key}", f"{defined.id} needs {one.name}.", "Add it.", defined.id)
        for one in defined.fields
        if one.required and one.key and one.key not in item
    ]
    return Record(defined.id, values), problems


def _unknown_code(one: FieldDef, layout: str, value: Value, path: str) -> Iterator[Problem]:
    """What is to be said of a value that its field's list does not have."""
    if layout == "PG02" and one.key == "item_type":
        if value not in ("P", "C"):  # the one code that decides where records belong
            remedy = "Use P (product) or C (component)."
            yield _fault("unknown_code", path, f"{value!r} is no item type.", remedy, layout)
        return
    known = code_lists()[one.codes] if one.codes else None
    if known is None or not known.complete or value in known.standing():
        return
    gone = "no longer stands" if value in known.codes else "is not"
    text = f"{one.name} {value!r} {gone} in the list {known.name}, version {known.version} of {known.as_of}."
    remedy = "Check it; keep it only where CBP or the agency names it elsewhere."
    yield Problem("unknown_code", path, text, remedy, known.source, "warning")


def _order_faults(placed: Sequence[tuple[int, Record]], path: str, disclaimer: str | None) -> Iterator[Problem]:
    """What the order, the parents and the counts of the records break; one fault for each record."""
    told: set[int] = set()
    products = [index for index, record in placed if record.values.get("item_type") == "P" and record.layout == "PG02"]
    first = placed[0] if placed else None
    if disclaimer is None and (first is None or not products or first[0] != products[0]):
        where = path if first is None or products else f"{path}[{first[0]}]"
        text = "The message set must begin with the product, a PG02 with item type P."
        yield _fault("product_missing", where, text, "Put the PG02 of the product first.", "PG02")
        return
    for index in products[1:]:
        told.add(index)
        text = "There is a second product; a claim has one PG02 with item type P."
        remedy = "Make it a component (C), or give the other product a claim of its own."
        yield _fault("second_product", f"{path}[{index}].item_type", text, remedy, "PG02")
    head = Record("PG01", {} if disclaimer is None else {"disclaimer": disclaimer})
    before = (Record("OI", {}), head)
    for fault in usage_maps()["PGA"].check((*before, *(record for _, record in placed))):
        at = fault.index - len(before)
        if at < 0 or placed[at][0] in told:
            continue
        index, record = placed[at]
        told.add(index)
        text = fault.text if record.layout in fault.text else f"{record.layout}: {fault.text}"
        yield _fault(f"order_{fault.code}", f"{path}[{index}]", text, _ORDER_REMEDIES[fault.code], record.layout)


def _number(one: FieldDef, layout: str, value: str, path: str) -> int | Problem:
    """The digits of the wire, the point left out; or the fault."""
    if not _NUMBER.fullmatch(value):
        text = f"{one.name} is not a number: {value[:60]!r}."
        return _fault("not_a_number", path, text, f'Write digits, for example "{_example(one)}".', layout)
    whole, _, part = value.partition(".")
    if len(part) > one.decimals:
        takes = f"{one.decimals} decimals" if one.decimals else "whole numbers only"
        text = f"{one.name} takes {takes}, not {value!r}."
        return _fault("too_many_decimals", path, text, "Round it by hand; nothing is rounded for you.", layout)
    digits = int(whole + part.ljust(one.decimals, "0"))
    if len(str(digits)) > one.length:
        most = str(Decimal("9" * one.length).scaleb(-one.decimals))
        return _fault("out_of_range", path, f"{one.name} takes 0 to {most}, not {value}.", "Check it.", layout)
    return digits


def _day(value: str) -> date | None:
    if not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None  # no such day in the calendar


def _shown(one: FieldDef, value: Value) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return f"{Decimal(value).scaleb(-one.decimals):f}"
    return value


def _example(one: FieldDef) -> str:
    if one.kind == "number":
        return "12." + "50".ljust(one.decimals, "0")[: one.decimals] if one.decimals else "12"
    return {"date": "2026-11-23", "time": "1630", "code": "1" * one.length}.get(one.kind, "A")


def _unknown_record(name: object, path: str) -> Problem:
    if isinstance(name, str) and name in _REFUSED:
        text, remedy = _REFUSED[name]
        return _fault("record_not_here", path, text, remedy)
    what = f"{name[:20]!r} is" if isinstance(name, str) else "This is"
    known = ", ".join(MESSAGE_RECORDS)
    return _fault("unknown_record", path, f"{what} not a record of a message set.", f"Use one of: {known}.")


def _fault(code: str, path: str, text: str, remedy: str, layout: str = "") -> Problem:
    return Problem(code, path, text, remedy, RECORDS[layout].source if layout else SOURCE)


# ---------------------------------------------------------------- the published shape


def _field_schema(one: FieldDef) -> dict[str, Any]:
    about = f"{one.name}, columns {one.start}-{one.end}"
    schema: dict[str, Any] = {"type": "string", "description": f"{about}: {one.meaning}" if one.meaning else about}
    if one.kind == "number":
        digits = one.length - one.decimals
        part = rf"(\.[0-9]{{1,{one.decimals}}})?" if one.decimals else ""
        return schema | {"pattern": f"^0*[0-9]{{1,{digits}}}{part}$"}
    if one.kind == "date":
        return schema | {"format": "date"}
    if one.kind in ("code", "time"):
        return schema | {"pattern": f"^[0-9]{{{one.length}}}$"}
    return schema | {"minLength": 1}


def record_schema(defined: RecordDef) -> dict[str, Any]:
    """The JSON Schema of one object of a message set. Texts have no greatest length: ß becomes two letters."""
    required = [one.key for one in defined.fields if one.required and one.key]
    return {
        "title": f"{defined.id} {defined.name}",
        "type": "object",
        "properties": {
            "record": {"type": "string", "const": defined.id},
            **{one.key: _field_schema(one) for one in defined.fields if one.key},
        },
        "required": ["record", *required],
        "additionalProperties": False,
    }


MessageSetField = Annotated[
    list[dict[str, str]],
    Field(max_length=MOST_RECORDS),
    WithJsonSchema(
        {
            "type": "array",
            "maxItems": MOST_RECORDS,
            "items": {"anyOf": [record_schema(one) for one in MESSAGE_RECORDS.values()]},
        }
    ),
]
"""The field of a claim. Only its outer shape is checked here; :func:`read_message_set` looks into it."""
