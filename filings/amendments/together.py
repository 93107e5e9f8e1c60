"""What else did the same amendment change? The other filings that were made, changed or ended with a version of one.

Reads only. An address that is corrected changes the bill on the manifest and the entry: two filings, two messages, two
answers. Looking at one of them, a person must see the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, literal, select

from filings.store import tables as t

SHOWN: Final = 50
"""Other filings named at one version; the seals of a truck stand under every bill and entry of it."""


def first_amendment(conn: Connection, filing: Row[Any]) -> str | None:
    """The amendment by which a filing was made, if it was not made when its trip was filed."""
    items, amendments = t.amendment_items, t.amendments
    query = (
        select(items.c.amendment_id)
        .join(amendments, amendments.c.id == items.c.amendment_id)
        .where(amendments.c.trip_number == filing.trip_number, items.c.new_filing_id == filing.id)
        .order_by(items.c.amendment_id)
    )
    return conn.execute(query.limit(1)).scalar()


def together(conn: Connection, filing: Row[Any], amendments: Sequence[str]) -> Mapping[str, list[dict[str, Any]]]:
    """By amendment, every other filing of which it made a version: the manifest, then those of the same shipment."""
    found: dict[str, dict[str, Row[Any]]] = defaultdict(dict)
    for row in (*_changed(conn, filing, amendments), *_made(conn, filing, amendments)):
        found[row.amendment_id].setdefault(row.id, row)
    mine = filing.shipment_key
    listed = {
        amendment: sorted(others.values(), key=lambda one: (one.kind != "manifest", one.shipment_key != mine, one.id))
        for amendment, others in found.items()
    }
    names = _messages(conn, {one.id for others in listed.values() for one in others[:SHOWN]})
    return {amendment: [_other(one, names) for one in others] for amendment, others in listed.items()}


def _other(row: Row[Any], names: Mapping[tuple[str, int], list[str]]) -> dict[str, Any]:
    return {
        "filing_id": row.id,
        "kind": row.kind,
        "entry_number": row.entry_number,
        "shipment_control_number": row.scn,
        "filing_state": row.filing_state,
        "version": row.version,
        "action": row.action,
        "state": row.state,
        "messages": names.get((row.id, row.version), []),
    }


_FILING: Final = (
    *(t.filings.c[name] for name in ("id", "kind", "entry_number", "scn", "shipment_key")),
    t.filings.c.state.label("filing_state"),
)


def _changed(conn: Connection, filing: Row[Any], amendments: Sequence[str]) -> Sequence[Row[Any]]:
    """Filings that were there and have a version by one of the amendments."""
    version = t.filing_versions
    query: Select[Any] = (
        select(*_FILING, version.c.amendment_id, version.c.version, version.c.action, version.c.state)
        .join(version, version.c.filing_id == t.filings.c.id)
        .where(t.filings.c.trip_number == filing.trip_number, t.filings.c.id != filing.id)
        .where(version.c.amendment_id.in_(amendments))
    )
    return conn.execute(query).all()


def _made(conn: Connection, filing: Row[Any], amendments: Sequence[str]) -> Sequence[Row[Any]]:
    """Filings that were made by one of the amendments, at their first version."""
    items, version = t.amendment_items, t.filing_versions
    first = (version.c.filing_id == t.filings.c.id) & (version.c.version == 1)
    query: Select[Any] = (
        select(*_FILING, items.c.amendment_id, literal(1).label("version"), version.c.action, version.c.state)
        .join(items, items.c.new_filing_id == t.filings.c.id)
        .outerjoin(version, first)
        .where(items.c.amendment_id.in_(amendments), t.filings.c.id != filing.id)
    )
    return conn.execute(query).all()


def _messages(conn: Connection, filings: Collection[str]) -> Mapping[tuple[str, int], list[str]]:
    """Names of the files that carried each version."""
    table, carried = t.transmissions, t.transmission_filings
    query = (
        select(carried.c.filing_id, carried.c.version, table.c.id, table.c.name)
        .join(table, carried.c.transmission_id == table.c.id)
        .where(carried.c.filing_id.in_(filings))
        .distinct()
        .order_by(table.c.id)
    )
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for row in conn.execute(query):
        found[row.filing_id, row.version].append(row.name)
    return found
