"""How does a layout become two functions, one that reads its records and one that writes them?

Each layout is turned once into source code of its own: one regular expression that takes exactly the canonical
form of a record (:mod:`schemas.catair.classes`), and around it only what this layout's fields need. Both functions
answer None for what is not canonical; then the record is looked at field by field, slowly and with words
(:mod:`schemas.catair.diagnosis`). Nothing is checked less here than there: what these take is what those
would find nothing wrong with.

The code is made from the tables of this package alone; keys, constants and widths are written into it as
Python literals. For ``SE60`` it looks like this::

    def read(line):
        found = match(line)
        if found is None: return None
        a0, a1, a2, = found.groups()
        values = {'hts_number': a0.rstrip()}
        if a1 is not None: values['line_item_value'] = int(a1)
        …
        return values
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from schemas.catair.classes import from_date, record_pattern, to_date
from schemas.catair.diagnosis import Value
from schemas.catair.layouts import FieldDef, RecordDef

Read = Callable[[str], dict[str, Value] | None]
Write = Callable[[Mapping[str, Value]], str | None]

_EDGES: Final = frozenset({"", " "})
"""The last character of a text that may not be written: none, or one that cannot be told from fill."""


def compile_record(record: RecordDef) -> tuple[Read, Write]:
    """The two functions of a layout."""
    known: dict[str, Any] = {
        "match": record_pattern(record).fullmatch,
        "to_date": to_date,
        "from_date": from_date,
        "date": date,
        "edges": _EDGES,
    }
    exec("\n".join([*_reading(record), *_writing(record)]), known)  # noqa: S102 - made from our own tables
    return known["read"], known["write"]


def _reading(record: RecordDef) -> list[str]:
    keyed = [one for one in record.fields if one.key]
    code = ["def read(line):", " found = match(line)", " if found is None: return None"]
    if keyed:
        code.append(" " + "".join(f"a{place}, " for place in range(len(keyed))) + "= found.groups()")
    leading = 0
    while leading < len(keyed) and keyed[leading].required and keyed[leading].kind != "date":
        leading += 1
    first = ", ".join(f"{one.key!r}: {_read_value(one, f'a{place}')}" for place, one in enumerate(keyed[:leading]))
    code.append(f" values = {{{first}}}")
    for place, one in enumerate(keyed[leading:], leading):
        name, indent = f"a{place}", " "
        if not one.required:
            code.append(f" if {name} is not None:")
            indent = "  "
        if one.kind == "date":
            code.append(f"{indent}{name} = to_date({name})")
            code.append(f"{indent}if {name} is None: return None")
        value = name if one.kind == "date" else _read_value(one, name)
        code.append(f"{indent}values[{one.key!r}] = {value}")
    code.append(" return values")
    return code


def _read_value(one: FieldDef, name: str) -> str:
    if one.kind == "number":
        return f"int({name})"
    if one.kind in ("code", "time") or one.length == 1:
        return name
    return f"{name}.lstrip()" if one.align == "right" else f"{name}.rstrip()"


def _writing(record: RecordDef) -> list[str]:
    code = ["def write(values):", " get = values.get", " used = 0"]
    parts: list[str] = []
    for place, one in enumerate(record.fields):
        if one.key:
            name = f"a{place}"
            code.append(f" {name} = get({one.key!r})")
            code.append(f" if {name} is None: {name} = {' ' * one.length!r}")
            code += _write_value(one, name)
            code.append(" else: return None")
            parts.append(f"f'{{{name}}}'")
        else:
            parts.append(repr(one.value or " " * one.length))
    code.append(f" line = ({' '.join(parts)})")
    code.append(" if used != len(values) or match(line) is None: return None")
    code.append(" return line")
    return code


def _write_value(one: FieldDef, name: str) -> list[str]:
    if one.kind == "number":
        return [f" elif type({name}) is int:", f"  {name} = '%0{one.length}d' % {name}", "  used += 1"]
    if one.kind == "date":
        return [f" elif type({name}) is date:", f"  {name} = from_date({name}, {one.length})", "  used += 1"]
    edge = f"{name}[-1:] not in edges"
    if one.align == "right":
        return [
            f" elif type({name}) is str and {edge} and {name}[0] != ' ':",
            f"  {name} = {name}.rjust({one.length})",
            "  used += 1",
        ]
    return [f" elif type({name}) is str and {edge}:", f"  {name} = {name}.ljust({one.length})", "  used += 1"]
