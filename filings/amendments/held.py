"""What stands in the store about a trip that is to be amended, and about the shipments that are asked for?

Reads only. What CBP has on file of a shipment or trip is what ``declared`` keeps; before the first change nothing is
kept there, and what is on file is what the shipment and the trip say, if CBP has taken it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from sqlalchemy import Connection, Row, select

from filings.amendments.steps import Content, Old, standing_of
from filings.lifecycle import FilingState, ShipmentFacts
from filings.progress import filings_of
from filings.store import tables as t
from filings.trips import load_trip
from mappings.decision import PathwayDecision
from schemas.errors import NotFound, Problem
from schemas.shipment import Shipment
from schemas.trip import Trip, read_trip

CHUNK: Final = 400
OF_THE_TRIP: Final = ("port_of_arrival", "estimated_arrival", "equipment")
"""What bills and entries say of the trip; a content keeps it with the shipment."""
OUT: Final = ("refused", "cancelled", "delinked")
"""States of shipments that are not on the truck."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a name means: the trip, its manifest filing, and one of its shipments if one is meant."""

    trip_number: str
    shipment_key: str | None


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What was last asked for and has no answer of CBP's; ``content`` is ``None`` if nothing is to be on file."""

    content: Content | None


@dataclass(frozen=True, slots=True)
class HeldShipment:
    """One shipment with what its filing and CBP's file say, and what was asked for of its bill and its entry."""

    row: Row[Any]
    facts: ShipmentFacts
    entry: Row[Any] | None
    old: Old
    bill_asked: AskedFor | None = None
    entry_asked: AskedFor | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A trip with its manifest filing (``None`` if nothing of it was declared) and what CBP has of the trip itself."""

    trip: Row[Any]
    manifest: Row[Any] | None
    on_file: Trip
    """The trip as CBP has it on file."""

    @property
    def refused_whole(self) -> bool:
        """Whether CBP has refused the manifest and has nothing of it."""
        manifest = self.manifest
        if manifest is None or manifest.accepted_version is not None or self.trip.held_as is not None:
            return False
        return bool(manifest.state == FilingState.REJECTED.value)


def target_of(conn: Connection, name: str) -> Target:
    """What an id, control number, entry number or trip number means; raises :class:`NotFound`."""
    plain = name.replace("-", "").upper()
    shipments, filings = t.shipments, t.filings
    by_scn = (
        select(shipments.c.trip_number, shipments.c.key)
        .where(shipments.c.scn == name)
        .order_by(shipments.c.created_at.desc())
    )
    if (row := conn.execute(by_scn.limit(1)).first()) is not None:
        return Target(row.trip_number, row.key)
    for column, value in (("id", name), ("entry_number", plain)):
        query = select(filings).where(filings.c[column] == value).order_by(filings.c.id.desc()).limit(1)
        if (row := conn.execute(query).first()) is not None:
            return Target(row.trip_number, row.shipment_key)
    if conn.execute(select(t.trips.c.trip_number).where(t.trips.c.trip_number == name)).first() is not None:
        return Target(name, None)
    text = f"There is no filing {name}."
    raise NotFound(Problem("filing_unknown", "filing_id", text, "Look it up with its trip, SCN or entry number."))


def held(conn: Connection, trip_number: str, *, lock: bool = False) -> Held:
    """The trip as it stands."""
    row = load_trip(conn, trip_number, lock=lock)
    mine = (t.filings.c.trip_number == trip_number) & (t.filings.c.kind == "manifest")
    query = select(t.filings).where(mine)
    manifest = conn.execute(query.with_for_update() if lock else query).first()
    document = row.document
    if manifest is not None:
        about = (t.declared.c.filing_id == manifest.id) & (t.declared.c.subject == manifest.id)
        kept = conn.execute(select(t.declared.c.content).where(about)).scalar()
        document = kept["trip"] if kept is not None else document
    return Held(row, manifest, read_trip(document))


def rows_of(conn: Connection, trip_number: str, keys: Collection[str] | None = None) -> list[Row[Any]]:
    """Shipments of a trip in manifest order: those of the keys, or all that are carried."""
    table = t.shipments
    query = select(table).where(table.c.trip_number == trip_number).order_by(table.c.position)
    if keys is None:
        return list(conn.execute(query.where(table.c.state.not_in(OUT))).all())
    wanted = sorted(keys)
    found: list[Row[Any]] = []
    for start in range(0, len(wanted), CHUNK):
        found += conn.execute(query.where(table.c.key.in_(wanted[start : start + CHUNK]))).all()
    return sorted(found, key=lambda row: row.position)


def named(conn: Connection, trip_number: str, names: Sequence[str]) -> dict[str, str]:
    """Keys of a trip's shipments by the id or control number they are called by; those not there are left out."""
    table = t.shipments
    found: dict[str, str] = {}
    for start in range(0, len(names), CHUNK):
        some = names[start : start + CHUNK]
        query = select(table.c.key, table.c.shipment_id, table.c.scn).where(
            table.c.trip_number == trip_number, table.c.shipment_id.in_(some) | table.c.scn.in_(some)
        )
        for row in conn.execute(query):
            found |= {name: row.key for name in (row.scn, row.shipment_id) if name in some}
    return found


def shipments_of(conn: Connection, on: Held, rows: Sequence[Row[Any]]) -> list[HeldShipment]:
    """The shipments with what CBP has on file of them."""
    entries = {one.id: one for one in filings_of(conn, {row.entry_filing_id or "" for row in rows} - {""}, lock=False)}
    kept = _declared(conn, {*entries, *([on.manifest.id] if on.manifest is not None else [])})
    return [_shipment(on, row, entries.get(row.entry_filing_id or ""), kept) for row in rows]


def _declared(conn: Connection, filings: Collection[str]) -> dict[tuple[str, str], Row[Any]]:
    table = t.declared
    ids = sorted(filings)
    found: dict[tuple[str, str], Row[Any]] = {}
    for start in range(0, len(ids), CHUNK):
        for row in conn.execute(select(table).where(table.c.filing_id.in_(ids[start : start + CHUNK]))):
            found[row.filing_id, row.subject] = row
    return found


def _shipment(
    on: Held, row: Row[Any], entry: Row[Any] | None, kept: Mapping[tuple[str, str], Row[Any]]
) -> HeldShipment:
    facts = ShipmentFacts.from_dict(row.facts or None)
    bill = facts.declarations.get("manifest")
    place = (on.manifest.id, row.key) if on.manifest is not None else ("", row.key)
    on_file = bill is not None and bill.in_force
    bill_content = _content(on, row, kept.get(place), there=on_file)
    entry_content: Content | None = None
    entry_kept: Row[Any] | None = None
    if entry is not None:
        taken = entry.accepted_version is not None or entry.kind == "handoff"
        entry_kept = kept.get((entry.id, row.key))
        entry_content = _content(on, row, entry_kept, there=taken)
    old = Old(
        bill_content,
        bill is not None and bill.off,
        cast("Literal['', 'entry', 'handoff']", entry.kind if entry is not None else ""),
        FilingState(entry.state) if entry is not None else None,
        entry_content,
        (entry.entry_number if entry is not None else "") or "",
        (entry.entry_type if entry is not None else "") or "",
        standing_of(facts, on.trip.arrived_at),
        row.pathway or "review",
    )
    return HeldShipment(row, facts, entry, old, _asked_for(on, kept.get(place)), _asked_for(on, entry_kept))


def _content(on: Held, row: Row[Any], kept: Row[Any] | None, *, there: bool) -> Content | None:
    """What CBP has on file of one shipment; ``None`` where that is nothing."""
    if kept is not None:
        return _of_kept(on, kept.content)
    return content_of(row.document, row.decision, on.trip.document) if there else None


def _of_kept(on: Held, content: Mapping[str, Any] | None) -> Content | None:
    if content is None:
        return None
    return content_of(content["shipment"], content["decision"], {**on.trip.document, **content.get("trip", {})})


def _asked_for(on: Held, kept: Row[Any] | None) -> AskedFor | None:
    """What waits for CBP's answer, if anything does."""
    if kept is None or kept.pending_version is None:
        return None
    return AskedFor(_of_kept(on, kept.pending))


def content_of(shipment: Mapping[str, Any], decision: Mapping[str, Any], trip: Mapping[str, Any]) -> Content:
    """A content from documents."""
    return Content(Shipment.model_validate(shipment), PathwayDecision.from_dict(decision), read_trip(trip))


def trip_part(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a content keeps of the trip."""
    return {name: document[name] for name in OF_THE_TRIP if name in document}
