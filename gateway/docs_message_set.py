"""What can stand in the message set of an agency claim? The page made from the record layouts."""

from __future__ import annotations

from typing import Final

from schemas.catair.layouts import FieldDef
from schemas.claims import PG01_KEYS, filed_keys
from schemas.message_set import MESSAGE_RECORDS

_HEAD: Final = """\
# Message sets

Written by `python -m gateway.docs` from the tables of `schemas/catair` and `schemas/data/claims.toml`.

What a claim is, with an example: [claims.md](claims.md). Every value is a JSON string. *number* means digits with a
point where there are decimals, *day* an ISO date, *time* HHMM, *digits* a code of exactly that many digits, *text* up
to that many characters of the wire. A field in **bold** is mandatory. Lists named here are in [codes.md](codes.md).

"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## Keys of a claim\n\n| key | record | field | mark |\n|---|---|---|---|\n"]
    parts += [f"| `{key}` | PG01 | `{field}` | seen |\n" for key, field in PG01_KEYS.items()]
    parts += [f"| `{row.key}` | {row.record} | `{row.field}` | {row.mark}: {row.source} |\n" for row in filed_keys()]
    for name, record in MESSAGE_RECORDS.items():
        parts.append(f"\n## {name} {record.name}\n\nUse: {record.use}. {record.source}.\n\n")
        rows = [_row(one) for one in record.fields if one.key]
        head = "| field | columns | value | meaning |\n|---|---|---|---|\n"
        parts.append(head + "".join(rows) if rows else "It has no fields.\n")
    return "".join(parts)


def _row(one: FieldDef) -> str:
    name = f"**`{one.key}`**" if one.required else f"`{one.key}`"
    told = [one.name, one.meaning, f"list `{one.codes}`" if one.codes else ""]
    meaning = "; ".join(part for part in told if part).replace("|", "\\|")
    return f"| {name} | {one.start}-{one.end} | {_value(one)} | {meaning} |\n"


def _value(one: FieldDef) -> str:
    if one.kind == "number":
        places = f", {one.decimals} decimals" if one.decimals else ""
        return f"number, {one.length - one.decimals} digits{places}"
    return {"date": "day", "time": "time", "code": f"digits {one.length}"}.get(one.kind, f"text {one.length}")
