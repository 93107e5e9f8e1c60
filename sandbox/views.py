"""What do the books hold? Pages of manifests, shipments, entries and day totals, one of each by its name, and the
whole at a glance.

A listing is a row of :data:`LISTINGS`: another table of the books becomes visible by one row more. Amounts are whole
dollars as filed; instants are UTC.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.cbp import Cbp
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.markers import from_text
from sandbox.store import Store
from sandbox.truck.trip_reader import zone_of

_SHOWN_MANIFESTS: Final = 200
_RELEASED: Final = "case {0}.state when 'RELEASED' then {0}.released_at end as released_at"
"""When it was released, of what is: a release that was taken back is none."""
_JSON: Final = frozenset({"body", "shipments", "entries", "bills"})


@dataclass(frozen=True, slots=True)
class Listing:
    """One table of the books as the outside sees it.

    ``sql`` selects ``row`` (grows with time), the columns shown, and ``key``; ``filters`` are columns that a question
    may name.
    """

    name: str
    holds: str
    sql: str
    key: str
    filters: tuple[str, ...]


LISTINGS: Final = (
    Listing(
        "manifests",
        "manifests with the number of their shipments by state",
        "select m.id as row, m.trip, m.arrival_date, m.port, m.eta, m.state, m.filed_at, m.arrived_at, m.stopped_at,"
        " m.scac,"
        " m.partner, (select json_group_object(state, n) from (select state, count(*) as n from bill"
        " where manifest_id = m.id group by state)) as shipments from manifest m",
        "trip",
        ("trip", "state", "port", "partner", "arrival_date"),
    ),
    Listing(
        "shipments",
        "bills of lading: shipments as manifested",
        "select b.rowid as row, b.scn as shipment_control_number, b.state, b.kind, b.quantity, b.unit,"
        f" b.consignee_name, b.value, b.marks, b.over_limit, b.hold, {_RELEASED.format('b')}, m.trip, m.port,"
        " m.state as manifest_state, (select json_group_array(number) from entry_bill where scn = b.scn) as entries"
        " from bill b join manifest m on m.id = b.manifest_id",
        "shipment_control_number",
        ("shipment_control_number", "state", "trip", "kind", "hold", "consignee_name"),
    ),
    Listing(
        "entries",
        "cargo release entries",
        "select e.rowid as row, e.number, e.type, e.state, e.filed_at, e.value, e.day, e.marks, e.matched,"
        f" e.over_limit, {_RELEASED.format('e')}, e.partner, (select json_group_array(scn)"
        " from entry_bill where number = e.number) as shipments from entry e",
        "number",
        ("number", "state", "type", "day", "partner"),
    ),
    Listing(
        "summaries",
        "entry summaries",
        "select rowid as row, number, type, state, port, reference as broker_reference, importer, major, minor,"
        " print_date, filed_at, partner from summary",
        "number",
        ("number", "state", "type", "importer", "partner"),
    ),
    Listing(
        "importers",
        "importers of record that the books hold",
        "select rowid as row, number, type, name, active_from, active_until from importer",
        "number",
        ("number", "type"),
    ),
    Listing(
        "bonds",
        "bonds that the books hold",
        "select rowid as row, number, importer, type, surety, amount, entry, active_from, active_until from bond",
        "number",
        ("number", "importer", "type", "surety", "entry"),
    ),
    Listing(
        "day-totals",
        "what each consignee has had on a day under the day's limit",
        "select min(place) as row, consignee, day, printf('%d.%02d', sum(cents) / 100, sum(cents) % 100) as total,"
        " count(*) as parts, json_group_array(reference) as shipments from"
        " (select row_number() over (order by day, consignee, reference) as place, * from day_value)"
        " group by consignee, day",
        "consignee",
        ("consignee", "day"),
    ),
)


def listing(name: str) -> Listing:
    """A listing by its name; raises :class:`KeyError`."""
    return {one.name: one for one in LISTINGS}[name]


def page(store: Store, one: Listing, filters: Mapping[str, str], *, after: int = 0, limit: int = 100) -> dict[str, Any]:
    """A page of a listing: ``items``, and ``next`` for the page behind it (``None``: there is none)."""
    where = "".join(f" and {name} = ?" for name in filters)
    rows = store.rows(
        f"select * from ({one.sql}) where row > ?{where} order by row limit ?", after, *filters.values(), limit + 1
    )
    shown = rows[:limit]
    items = [_item(r) for r in shown]
    if one.name == "shipments":
        items = [_told(each) for each in items]
    return {"items": items, "next": shown[-1]["row"] if len(rows) > limit else None}


def shipment(store: Store, scn: str) -> dict[str, Any] | None:
    """What is known of a shipment, also when only an entry names it; ``None``: nothing."""
    row = store.row(
        "select b.state, b.kind, b.quantity, b.unit, b.consignee_name, b.value, b.marks, b.over_limit,"
        f" b.hold, {_RELEASED.format('b')}, m.trip, m.state as manifest_state"
        " from bill b join manifest m on m.id = b.manifest_id where b.scn = ?",
        scn,
    )
    entries = store.rows(
        "select e.number, e.type, e.state from entry_bill x join entry e on e.number = x.number where x.scn = ?"
        " order by e.rowid",
        scn,
    )
    if row is None and not entries:
        return None
    document: dict[str, Any] = {"shipment_control_number": scn, "entries": [dict(e) for e in entries]}
    return document | (_told(dict(row)) if row is not None else {})


def trip(store: Store, number: str) -> dict[str, Any] | None:
    """The manifest of a trip, the last arrival date first; ``None``: there is none."""
    rows = page(store, listing("manifests"), {"trip": number})["items"]
    newest: dict[str, Any] | None = max(rows, key=lambda one: str(one["arrival_date"]), default=None)
    return newest


def entry(store: Store, number: str) -> dict[str, Any] | None:
    """An entry with what was filed of it; ``None``: it is not on file."""
    rows = page(store, listing("entries"), {"number": number})["items"]
    if not rows:
        return None
    body = store.row("select body from entry where number = ?", number)
    found: dict[str, Any] = rows[0]
    return found | {"filed": json.loads(body["body"]) if body is not None else {}}


def state(cbp: Cbp, clock: Clock, faults: Faults) -> dict[str, Any]:
    """The whole at a glance: clock, rules in force, manifests, counts, what is due next."""
    store, now = cbp.store, clock.now()
    manifests = page_backwards(store, _SHOWN_MANIFESTS)
    due = cbp.next_due()
    return {
        "clock": clock.as_dict(),
        "rules_in_force": [{"id": r.id, "citation": r.citation} for r in cbp.book.in_force(now)],
        "manifests": manifests,
        "shipments": _counts(store, "bill"),
        "entries": _counts(store, "entry"),
        "files": {
            "received": store.count("select count(*) from received where repeats is null"),
            "repeated": store.count("select count(*) from received where repeats is not null"),
            "unread": store.count("select count(*) from received where digested_at is null"),
            "waiting": store.count("select count(*) from answer where state = 'pending'"),
            "sent": store.count("select count(*) from answer where state = 'sent'"),
            "dropped": store.count("select count(*) from answer where state = 'dropped'"),
        },
        "next_due": due.isoformat() if due is not None else None,
        "faults": faults.as_dict(),
    }


def page_backwards(store: Store, most: int) -> list[dict[str, Any]]:
    """The newest manifests, newest first."""
    rows = store.rows(f"select * from ({listing('manifests').sql}) order by row desc limit ?", most)
    return [_item(r) | {"zone": zone_of(r["port"]).key} for r in rows]


def _counts(store: Store, table: str) -> dict[str, int]:
    return {r["state"]: r["n"] for r in store.rows(f"select state, count(*) as n from {table} group by state")}


def _told(item: dict[str, Any]) -> dict[str, Any]:
    """A shipment with whether its filer hears of what becomes of it: SILENT is in the books and never told."""
    return item | {"told": "SILENT" not in from_text(item["marks"])}


def _item(row: sqlite3.Row) -> dict[str, Any]:
    return {k: json.loads(row[k]) if k in _JSON else row[k] for k in row.keys() if k != "row"}  # noqa: SIM118 - a Row is no dict
