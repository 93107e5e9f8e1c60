"""How are thousands of rows written that have become the same?

What one message does to a shipment it does to most of its truckload. Rows that get equal values are written by one
statement that names their keys, not by one statement each: a server carries out what it is given row by row one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, Connection, bindparam, update

from filings.store.one_of import one_of

AT_ONCE: Final = 2_000
"""Keys in one statement."""
FEW: Final = 4
"""So few rows alike are written with the others, row by row."""


def write_alike(conn: Connection, key: Column[Any], rows: Mapping[str, Mapping[str, Any]], **same: Any) -> None:
    """Update the row of each key with its values; all rows name the same columns, ``same`` are those of every row.

    A JSON document is alike when it is one object, not only an equal one: give equal ones as one object.
    """
    groups: defaultdict[tuple[Any, ...], list[str]] = defaultdict(list)
    for of, values in rows.items():
        groups[tuple(id(value) if isinstance(value, dict) else value for value in values.values())].append(of)
    alone: list[dict[str, Any]] = []
    for keys in groups.values():
        values = rows[keys[0]]
        if len(keys) <= FEW:
            alone += ({"of_row": of} | {f"new_{name}": one for name, one in rows[of].items()} for of in keys)
            continue
        for start in range(0, len(keys), AT_ONCE):
            named = one_of(key, keys[start : start + AT_ONCE])
            conn.execute(update(key.table).where(named).values(**values, **same))
    if alone:
        statement = update(key.table).where(key == bindparam("of_row"))
        values = {name: bindparam(f"new_{name}") for name in next(iter(rows.values()))}
        conn.execute(statement.values(**values, **same), alone)
