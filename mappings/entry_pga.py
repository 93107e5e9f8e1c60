"""What is a partner government agency told about one line? OI, then for each claim a PG01 and its message set.

- A disclaimer is the claim's own or, where the claim has no message set, the one that a waiver of the rule book
  justifies (the decision names it). A claim with neither is a problem: data that an agency wants is never left out.
- The message set is written as given, in its order. A prior notice confirmation number that no record of the message
  set says is filed as a record of its own (``schemas/data/claims.toml``), with a note of how sure its place is; on a
  claim that is only disclaimed it has no place, which is noted too.
- A disclaimer that contradicts the message set beside it is a problem (:func:`schemas.claims.disclaimed_with_data`).
- A manufacturer (PG19 ``MF``) other than that of the entry is filed as given, with a note that the two differ.
- PG01s of one agency stand together, numbered anew for each agency (CBP CATAIR PGA Message Set r29).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mappings.decision import Disclaimer
from mappings.notes import NoteKind, Wire
from schemas.catair.layouts import RECORDS
from schemas.catair.records import Record, Value, rec
from schemas.claims import PG01_KEYS, YES, disclaimed_with_data, filed_keys, with_filed_keys
from schemas.message_set import field_value, read_message_set
from schemas.shipment import Line, Party, PgaClaim
from schemas.text import transliterate

_SOURCE: Final = "CBP CATAIR PGA Message Set r29, PG01"
_MANUFACTURER: Final = "MF"
_NAME_LENGTH: Final = RECORDS["PG19"].keys["entity_name"].length


def claim_records(line: Line, path: str, described: str, waived: Sequence[Disclaimer], wire: Wire) -> list[Record]:
    """OI, PG01s and message sets of a line, nothing where it has no claim.

    ``described`` is the line's description on the wire, ``waived`` what the decision's waivers disclaim.
    """
    if not line.pga:
        return []
    records = [rec("OI", commercial_description=described)]
    agencies = list(dict.fromkeys(claim.agency for claim in line.pga))
    numbers = dict.fromkeys(agencies, 0)
    for index, claim in sorted(enumerate(line.pga), key=lambda one: agencies.index(one[1].agency)):
        where = f"{path}.pga[{index}]"
        code: str | None = claim.disclaimer
        if code is None and not claim.message_set:
            code = next((one.code for one in waived if one.path == where), None)
        if code is None and not claim.message_set:
            wire.problem(
                "pga_message_set",
                where,
                f"{claim.agency} needs its message set for this line, or a disclaimer.",
                "Give the message set, or a disclaimer if one is lawful.",
                _SOURCE,
            )
            continue
        if claim.program is None:
            what = "message set" if claim.message_set else "disclaimer"
            wire.problem(
                "missing",
                f"{where}.program",
                f"A {what} for {claim.agency} must name the agency's program.",
                "Give the program code.",
                f"{_SOURCE} 11-13",
            )
            continue
        doubt = disclaimed_with_data(claim.model_dump(), where)
        if doubt is not None and doubt.severity == "error":
            wire.problems.append(doubt)
            continue
        numbers[claim.agency] += 1
        records.append(_head(claim, numbers[claim.agency], code, where, wire))
        records += _message_set(claim, code, where, wire)
    return records


def note_makers(line: Line, path: str, maker: tuple[Party, str], record: str, wire: Wire) -> None:
    """Note each manufacturer of a claim that is not the one whom the entry names in ``record``.

    ``maker`` is that party with its path. Names are compared as CBP sees them, as far as a PG19 has room; a claim that
    names the entry's manufacturer among others (of components) agrees.
    """
    party, where = maker
    entered = transliterate(party.name)[:_NAME_LENGTH]
    for index, claim in enumerate(line.pga):
        named = [
            (f"{path}.pga[{index}].message_set[{at}].entity_name", one.get("entity_name", ""))
            for at, one in enumerate(claim.message_set)
            if one.get("record") == "PG19" and one.get("entity_role_code", "").upper() == _MANUFACTURER
        ]
        named = [(at, name) for at, name in named if name]
        if any(transliterate(name)[:_NAME_LENGTH] == entered for _, name in named):
            continue
        for at, name in named:
            text = (
                f"{record} MF names another one ({where}). If this one made the goods, it is the line's manufacturer."
            )
            wire.note("differs", at, text, name, party.name)


def _head(claim: PgaClaim, number: int, disclaimer: str | None, path: str, wire: Wire) -> Record:
    """The PG01 of a claim."""
    given = claim.model_dump(include={"product_id"})["product_id"] or {}
    said: dict[str, Any] = {
        "program": claim.program,
        "processing": claim.processing,
        "image_submitted": YES if claim.image_submitted else None,
        "confidential": YES if claim.confidential else None,
        "product_id.qualifier": given.get("qualifier"),
        "product_id.number": given.get("number"),
        "intended_use_code": claim.intended_use_code,
        "intended_use_description": claim.intended_use_description,
        "disclaimer": disclaimer,
    }
    values = {field: _value("PG01", field, said[key], f"{path}.{key}", wire) for key, field in PG01_KEYS.items()}
    return rec("PG01", pga_line_number=number, government_agency_code=claim.agency, **values)


def _message_set(claim: PgaClaim, disclaimer: str | None, path: str, wire: Wire) -> list[Record]:
    """The records after the PG01."""
    filed = {
        row.key: _value(row.record, row.field, getattr(claim, row.key), f"{path}.{row.key}", wire)
        for row in filed_keys()
        if getattr(claim, row.key) is not None
    }
    if not claim.message_set:
        for key, value in filed.items():
            wire.note("left_out", f"{path}.{key}", "A disclaimed claim has no record for it.", str(value))
        return []
    read = read_message_set(claim.message_set, f"{path}.message_set", disclaimer)
    wire.problems.extend(read.errors)
    for change in read.changes:
        wire.note("transliterated", change.path, "Written in CBP's characters.", change.before, change.after)
    records, added = with_filed_keys(filed, read.records)
    for row in added:
        kind: NoteKind = "derived" if row.mark == "seen" else "unconfirmed"
        wire.note(kind, f"{path}.{row.key}", f"Filed as {row.record}: {row.source}.", "", str(filed[row.key]))
    return records


def _value(layout: str, field: str, value: str | None, path: str, wire: Wire) -> Value | None:
    """A value of the claim in CBP's characters, ``None`` where it has none or cannot stand there."""
    if value is None:
        return None
    found, faults, change = field_value(RECORDS[layout].keys[field], layout, value, path)
    wire.problems.extend(faults)
    if change is not None:
        wire.note("transliterated", change.path, "Written in CBP's characters.", change.before, change.after)
    return found
