"""How do rows of the store look to people and programs? The JSON-ready values that every list and board is made of.

Instants are ISO 8601 in UTC. Lists are paged by an opaque cursor (the last id seen).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, select

from filings.store import tables as t
from schemas.errors import Problem
from schemas.identifiers import land_ports

EASTERN: Final = ZoneInfo("America/New_York")
"""The zone of the law, and of a port that is not known."""


PENDING: Final = ("queued", "sent", "in_doubt", "under_review")
"""States of declarations that CBP has not answered; what is cancelled is not waited for."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; ``next`` is the cursor of the following part, or ``None`` at the end."""

    items: tuple[dict[str, Any], ...]
    next: str | None

    def as_dict(self) -> dict[str, Any]:
        """The JSON answer."""
        return {"items": list(self.items), "next": self.next}


def instant_text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def zone_of(port: str) -> ZoneInfo:
    """The zone of a port of arrival; Eastern time for one that is not known."""
    known = land_ports().get(port)
    return ZoneInfo(known.timezone) if known else EASTERN


def local_text(at: datetime, zone: ZoneInfo) -> str:
    """An instant by the minute on the clock of ``zone``, with its name: what a person reads."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"


def page_of(rows: Sequence[Row[Any]], limit: int, cursor: str, shown: Callable[[Row[Any]], dict[str, Any]]) -> Page:
    more = len(rows) > limit
    kept = rows[:limit]
    return Page(tuple(shown(row) for row in kept), str(getattr(kept[-1], cursor)) if more else None)


def shipment_of(row: Row[Any]) -> dict[str, Any]:
    decision = row.decision or {}
    return {
        "shipment_id": row.shipment_id,
        "shipment_control_number": row.scn,
        "position": row.position,
        "state": row.state,
        "since": instant_text(row.state_since),
        "pathway": row.pathway,
        "entry_type": row.entry_type or None,
        "entry_number": row.entry_number,
        "manifest": row.manifest_state,
        "entry": row.entry_state,
        "lapse": lapse_of(row.lapse),
        "reasons": decision.get("reasons", []),
        "needs": decision.get("needs", []),
        "filing_id": row.entry_filing_id or row.manifest_filing_id,
    }


def lapse_of(lapse: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Why a shipment's pathway has lapsed and what is offered, without the whole decision; ``None`` if it has not."""
    if lapse is None:
        return None
    return {name: value for name, value in lapse.items() if name != "decision"}


def counted(conn: Connection, column: Any, trip_number: str, *more: Any) -> dict[str, int]:
    query = select(column, func.count()).where(t.shipments.c.trip_number == trip_number, *more).group_by(column)
    return {str(value): int(count) for value, count in conn.execute(query) if value is not None}


def answered(states: Mapping[str, int]) -> dict[str, int]:
    """Declarations by CBP's answer. Where a person there decides on a change, what was accepted stands until then."""
    return {
        "accepted": states.get("accepted", 0) + states.get("requested", 0),
        "rejected": states.get("rejected", 0),
        "pending": sum(states.get(state, 0) for state in PENDING),
    }


def no_cursor(cursor: str) -> Problem:
    """The fault of asking for the part after something that was never on the list."""
    text = f"{cursor[:40]!r} is not a cursor of this list."
    return Problem("cursor_unknown", "cursor", text, "Use the `next` of the answer before.")
