"""Why does a shipment stand where it does? One sentence for the board, for dispatch's events, for a filing.

CBP's last words, where CBP's word stands in the way; the rule that overtook it, where that does; what a broker must
settle, where it is ours to settle. What CBP once refused says nothing of a shipment that has gone another way since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from filings.store import tables as t

STOPPING: Final = (
    "rejected",
    "syntax_rejected",
    "held",
    "exam",
    "documents_required",
    "release_suspended",
    "release_revoked",
)
"""Meanings of outcomes that keep goods from crossing."""
OURS: Final = frozenset({"in_review", "handed_off", "refused", "staged"})
"""States that CBP has no part in: what it said before is over."""
EMPTY_WORDS: Final = frozenset({("SX", "01"), "BILL REJECTED"})
"""Statements that only repeat that something was refused; beside them stands why."""
STANDS: Final = {
    "filed": "CBP has not answered everything that was sent for it.",
    "in_doubt": "It is not known whether CBP has what was sent for it; the same bytes go again by themselves.",
    "cancelling": (
        "Its entry is cancelled, or CBP decides on that, and its bill stands on the manifest. Once CBP has decided, "
        "take the bill off (gateway cancel {trip} --shipment {shipment} --reason TEXT), or amend the shipment."
    ),
    "delinked": "Its bill is on file with CBP, and off this trip.",
}
"""States of which the reason of the pathway says nothing."""
LEFT_ON_MANIFEST: Final = (
    "Its entry is cancelled, and its bill stands on the manifest of a truck that is there, which cannot be amended any "
    "more. Settle it with CBP's officers at the port: goods that are aboard go back or need another entry; if they did "
    "not come, say so there."
)
"""On a shipment for which :func:`left_on_manifest` is true."""
OFF_THE_TRUCK: Final = "It must come off the truck."


def reasons(conn: Connection, rows: Sequence[Row[Any]]) -> dict[str, str]:
    """The sentence on each shipment, by its key; empty where there is nothing to say."""
    said = _said(conn, [row.key for row in rows if row.state not in OURS])
    return {row.key: _reason(row, said.get(row.key)) for row in rows}


def rule_of(row: Row[Any]) -> str | None:
    """The rule that keeps a shipment off the truck, where it is a rule that does."""
    if row.lapse is not None:
        return row.lapse["rule"] or None
    if row.state not in OURS:
        return None
    return next(iter((row.decision or {}).get("rules", ())), None)


def left_on_manifest(row: Row[Any]) -> bool:
    """Whether only the entry of a shipment is cancelled: before its truck is there such a one is ``cancelling``."""
    return bool(row.state == "cancelled" and row.entry_state == "cancelled" and row.manifest_state == "accepted")


def _reason(row: Row[Any], said: Mapping[str, None] | None) -> str:
    if row.lapse is not None:
        return lapsed_why(row.lapse, row.trip_number)
    if left_on_manifest(row):
        return LEFT_ON_MANIFEST
    if said:
        return "; ".join(list(said)[-3:])
    if said is not None:
        return "CBP refused it without saying more."
    if row.state == "handed_off":
        return "The licensed broker's entry must be on file before the truck arrives."
    if row.state in STANDS:
        return STANDS[row.state].format(trip=row.trip_number, shipment=row.shipment_id)
    decision = row.decision or {}
    needs = [need["text"] for need in decision.get("needs", ()) if need.get("severity", "error") == "error"]
    why = str((needs or decision.get("reasons") or [""])[0])
    if row.state != "in_review" or row.manifest_filing_id is None:
        return why  # what was in review from the beginning was never declared to be aboard
    rule = rule_of(row)
    return " ".join(part for part in (why, f"({rule})" if rule and rule not in why else "", OFF_THE_TRUCK) if part)


def _said(conn: Connection, keys: Sequence[str]) -> dict[str, dict[str, None]]:
    said: dict[str, dict[str, None]] = {}
    table = t.outcomes
    query = (
        select(table.c.shipment_key, table.c.source, table.c.code, table.c.text, table.c.field_path)
        .where(table.c.shipment_key.in_(keys), table.c.meaning.in_(STOPPING))
        .order_by(table.c.id)
    )
    for one in conn.execute(query):
        if (one.source, one.code) in EMPTY_WORDS or (one.text or "").strip("X ") in EMPTY_WORDS:
            said.setdefault(one.shipment_key, {})
            continue
        field = f" (field {one.field_path})" if one.field_path else ""
        words = f"CBP {one.source} {one.code or ''}".rstrip()
        said.setdefault(one.shipment_key, {})[f"{words}: {one.text or 'no text'}{field}"] = None
    return said


def lapsed_why(lapse: Mapping[str, Any], trip_number: str) -> str:
    """The sentence on a lapsed shipment: the rule, what is offered, and the command by which a broker mends it."""
    offered = lapse["pathway"] + (f" (entry type {lapse['entry_type']})" if lapse["entry_type"] else "")
    if lapse["pathway"] in ("formal", "review"):
        offered += ": it must come off the truck"
    rule = f" ({lapse['rule']})" if lapse["rule"] else ""
    return (
        f"No longer lawful as {lapse['from']}: {lapse['text']}{rule} "
        f"Offered: {offered}. A broker mends it with: gateway refile {trip_number}"
    )
