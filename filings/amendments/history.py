"""What has a filing said, version by version: who changed it, when, why, in what, by which messages, with what answer?

Reads only. A filing that was never changed has one version, which is made up from what it was filed with.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from filings.amendments.together import SHOWN, first_amendment, together
from filings.lifecycle import FilingState
from filings.matching import ENDING
from filings.shown import instant_text
from filings.standing import Decided
from filings.store import tables as t

_OF_FIRST: Final = {
    FilingState.ACCEPTED.value: "accepted",
    FilingState.READY.value: "accepted",
    FilingState.HANDED_OVER.value: "accepted",
    FilingState.REJECTED.value: "refused",
    FilingState.CANCELLED.value: "withdrawn",
}
"""What became of the only version of a filing, by its state; of any other it is pending."""


_DECIDED: Final = ("accepted", "partly_accepted", "refused")
"""States of a version that CBP has answered for good."""


def versions_of(conn: Connection, filing: Row[Any]) -> list[dict[str, Any]]:
    """Every version of a filing, the first first."""
    table = t.filing_versions
    query = select(table).where(table.c.filing_id == filing.id).order_by(table.c.version)
    kept = conn.execute(query).all()
    sent = _messages(conn, filing.id)
    found = [_version(filing, one, sent) for one in kept] or [_only(conn, filing, sent)]
    if found[0]["amendment_id"] is None:
        found[0]["amendment_id"] = first_amendment(conn, filing)
    others = together(conn, filing, [one["amendment_id"] for one in found if one["amendment_id"]])
    for one in found:
        also = others.get(one["amendment_id"], [])
        one |= {"also_changed": also[:SHOWN], "also_changed_count": len(also)}
    return found


def _version(filing: Row[Any], one: Row[Any], sent: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    outcome = one.outcome
    return {
        "version": one.version,
        "state": one.state,
        "in_force": one.version == filing.accepted_version,
        "amendment_id": one.amendment_id,
        "action": one.action,
        "made_at": instant_text(one.made_at),
        "made_by": one.made_by,
        "reason": one.reason,
        "reason_code": one.reason_code,
        "difference": one.difference,
        "patch": one.patch,
        "content": one.content,
        "messages": sent.get(one.version, []),
        "outcome": None if outcome is None else {name: outcome.get(name) for name in ("source", "code", "text")},
        "settled_at": instant_text(one.settled_at),
    }


def decisions_of(conn: Connection, filing: Row[Any]) -> list[Decided]:
    """What CBP decided on the changes of a filing, the first first; one that it has not answered is not among them."""
    table = t.filing_versions
    answered = table.c.settled_at.is_not(None) & table.c.outcome.is_not(None) & table.c.state.in_(_DECIDED)
    query = select(table).where(table.c.filing_id == filing.id, table.c.version > 1, answered).order_by(table.c.version)
    return [
        Decided(
            one.version,
            one.state != "refused",
            one.settled_at,
            str(one.outcome.get("source") or ""),
            str(one.outcome.get("code") or ""),
            one.action in ENDING,
            in_part=one.state == "partly_accepted",
        )
        for one in conn.execute(query)
    ]


def _only(conn: Connection, filing: Row[Any], sent: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if filing.shipment_key:
        columns = (t.shipments.c.document, t.shipments.c.decision)
        row = conn.execute(select(*columns).where(t.shipments.c.key == filing.shipment_key)).one()
        content = {"shipment": row.document, "decision": row.decision}
    else:
        document = select(t.trips.c.document).where(t.trips.c.trip_number == filing.trip_number)
        bills = select(t.shipments.c.scn).where(t.shipments.c.manifest_filing_id == filing.id)
        content = {
            "trip": conn.execute(document).scalar_one(),
            "bills": list(conn.execute(bills.order_by(t.shipments.c.position)).scalars()),
        }
    outcome = filing.last_outcome
    return {
        "version": 1,
        "state": _OF_FIRST.get(filing.state, "pending"),
        "in_force": filing.accepted_version == 1,
        "amendment_id": None,
        "action": None,
        "made_at": instant_text(filing.created_at),
        "made_by": "gateway",
        "reason": None,
        "reason_code": None,
        "difference": None,
        "patch": None,
        "content": content,
        "messages": sent.get(1, []),
        "outcome": None if outcome is None else {name: outcome.get(name) for name in ("source", "code", "text")},
        "settled_at": None,
    }


def _messages(conn: Connection, filing: str) -> dict[int, list[dict[str, Any]]]:
    """The messages that carried each version."""
    table, carried = t.transmissions, t.transmission_filings
    columns = ("id", "name", "application", "control_number", "state", "payload_digest", "archive_position")
    query = (
        select(carried.c.version, *(table.c[name] for name in columns), table.c.delivered_at, table.c.answered_at)
        .join(carried, carried.c.transmission_id == table.c.id)
        .where(carried.c.filing_id == filing)
        .distinct()
        .order_by(table.c.id)
    )
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in conn.execute(query):
        found[row.version].append(
            {name: getattr(row, name) for name in columns}
            | {"delivered_at": instant_text(row.delivered_at), "answered_at": instant_text(row.answered_at)}
        )
    return found
