"""Why does a shipment stand where it does? One sentence for the board, for dispatch's events, for a filing.

CBP's last words, where CBP's word stands in the way; the rule that overtook it, where that does; what a broker must
settle, where it is ours to settle. Only what is in force is a reason: a refusal while the shipment stands refused, the
last one of each declaration; a hold until CBP ends it; a release taken back until the next word. What is wrong with a
whole manifest comes before what is wrong with a bill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, select

from filings.lifecycle import FilingState, ShipmentFacts, kept_for
from filings.store import tables as t

REFUSING: Final = ("rejected", "syntax_rejected")
"""Meanings of outcomes by which CBP refuses what was declared."""
KEEPING: Final = ("held", "exam", "documents_required")
"""Meanings of outcomes by which goods are kept until CBP ends that."""
TAKEN_BACK: Final = ("release_suspended", "release_revoked")
"""Meanings of outcomes that are states of a shipment, until CBP says another word."""
OURS: Final = frozenset({"in_review", "handed_off", "refused", "staged"})
"""States that CBP has no part in: what it said before is over."""
SILENT: Final = OURS | {"on_file", "released", "cancelled"}
"""States in which nothing that CBP said stands in the way."""
EMPTY_WORDS: Final = frozenset({("SX", "01"), "BILL REJECTED"})
"""Statements that only repeat that something was refused; beside them stands why."""
SUMMARY: Final = ("355", "K3")
"""Where a 355 sums up how many bills were refused."""
MOST: Final = 3
"""Statements of one kind that a sentence repeats."""
STANDS: Final = {
    "filed": "CBP has not answered everything that was sent for it.",
    "in_doubt": "It is not known whether CBP has what was sent for it; the same bytes go again by themselves.",
    "cancelling": (
        "Its entry is cancelled, or CBP decides on that, and its bill stands on the manifest. Once CBP has decided, "
        "take the bill off (gateway cancel {trip} --shipment {shipment} --reason TEXT --reason-code CC), or amend the "
        "shipment."
    ),
    "delinked": "Its bill is on file with CBP, and off this trip.",
    "cancelled": "It is cancelled: it must not be aboard.",
}
"""States of which the reason of the pathway says nothing."""
LEFT_ON_MANIFEST: Final = (
    "Its entry is cancelled, and its bill stands on the manifest of a truck that is there, which cannot be amended any "
    "more. Settle it with CBP's officers at the port: goods that are aboard go back or need another entry; if they did "
    "not come, say so there."
)
"""On a shipment for which :func:`left_on_manifest` is true."""
OFF_THE_TRUCK: Final = "It must come off the truck."


class Refusal(NamedTuple):
    """What CBP said of a whole manifest: in which answer, and its words, which may be none."""

    answer: str
    words: tuple[str, ...]


def reasons(conn: Connection, rows: Sequence[Row[Any]]) -> dict[str, str]:
    """The sentence on each shipment, by its key; empty where there is nothing to say."""
    asked = [row for row in rows if row.state not in SILENT]
    said = _said(conn, asked)
    of_manifests = refusals_of(conn, {row.manifest_filing_id for row in asked if _refused_whole(row)} - {None})
    return {row.key: _reason(row, _words(row, said.get(row.key, ()), of_manifests)) for row in rows}


def refusals_of(conn: Connection, manifests: Iterable[str]) -> dict[str, Refusal]:
    """What CBP refused of manifests as a whole, by filing, in its last answer that refused; not their bills.

    Of a manifest that CBP holds as preliminary nothing: what it took of that is on file.
    """
    table = t.outcomes
    query = (
        select(*_WORDS)
        .join(t.filings, t.filings.c.id == table.c.filing_id)
        .join(t.trips, t.trips.c.trip_number == t.filings.c.trip_number)
        .where(
            table.c.filing_id.in_(sorted(manifests)),
            table.c.shipment_key.is_(None),
            table.c.meaning.in_(REFUSING),
            t.filings.c.state == FilingState.REJECTED.value,
            t.trips.c.held_as.is_(None),
        )
        .order_by(table.c.id)
    )
    last: dict[str, list[Row[Any]]] = {}
    for one in conn.execute(query):
        known = last.setdefault(one.filing_id, [])
        if known and known[0].transmission_id != one.transmission_id:
            known.clear()
        known.append(one)
    return {
        filing: Refusal(said[0].transmission_id, tuple(dict.fromkeys(_told(one) for one in said if not _empty(one))))
        for filing, said in last.items()
    }


def last_words(conn: Connection, filing: Row[Any]) -> str:
    """What CBP said last of a filing; of a manifest that it refused as a whole what is wrong, not how many bills."""
    if filing.kind == "manifest" and filing.state == FilingState.REJECTED.value:
        refused = refusals_of(conn, [filing.id]).get(filing.id)
        if refused is not None and refused.words:
            return "; ".join(refused.words[:MOST])
    said = filing.last_outcome or {}
    return " ".join(str(said[name]) for name in ("source", "code", "text") if said.get(name))


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


def _reason(row: Row[Any], said: Sequence[str]) -> str:
    if row.lapse is not None:
        return lapsed_why(row.lapse, row.trip_number)
    if left_on_manifest(row):
        return LEFT_ON_MANIFEST
    if said:
        return "; ".join(said)
    if row.state == "rejected":
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


def _said(conn: Connection, rows: Sequence[Row[Any]]) -> dict[str, list[Row[Any]]]:
    """What CBP said that may stand in the way of shipments, in the order in which we heard it."""
    said: dict[str, list[Row[Any]]] = {}
    table = t.outcomes
    query = (
        select(table.c.shipment_key, *_WORDS)
        .where(
            table.c.shipment_key.in_([row.key for row in rows]),
            table.c.meaning.in_((*REFUSING, *KEEPING, *TAKEN_BACK)),
        )
        .order_by(table.c.id)
    )
    for one in conn.execute(query):
        said.setdefault(one.shipment_key, []).append(one)
    return said


_WORDS: Final = tuple(
    t.outcomes.c[name]
    for name in ("filing_id", "transmission_id", "source", "meaning", "code", "text", "field_path", "place")
)


def _words(row: Row[Any], said: Sequence[Row[Any]], of_manifests: Mapping[str, Refusal]) -> list[str]:
    """CBP's words that are in force of a shipment: those on its whole manifest, then the last on itself."""
    whole = of_manifests.get(row.manifest_filing_id) if _refused_whole(row) else None
    kept = kept_for(ShipmentFacts.from_dict(row.facts)) if any(one.meaning in KEEPING for one in said) else frozenset()
    open_words = {(what.value, source, code) for what, _, source, code in kept}
    last = {one.filing_id: one.transmission_id for one in said if one.meaning in REFUSING}
    if whole is not None:
        last[row.manifest_filing_id] = whole.answer
    stands = {
        filing: last.get(filing)
        for filing, state in ((row.manifest_filing_id, row.manifest_state), (row.entry_filing_id, row.entry_state))
        if row.state == "rejected" and state == FilingState.REJECTED.value
    }
    in_force = [
        one
        for one in said
        if (one.meaning in REFUSING and stands.get(one.filing_id) == one.transmission_id)
        or (one.meaning, one.source, one.code or "") in open_words
        or (one.meaning in TAKEN_BACK and one.meaning == row.state)
    ]
    own = list(dict.fromkeys(_told(one) for one in in_force if not _empty(one)))
    return [*(whole.words[:MOST] if whole is not None else ()), *own[-MOST:]]


def _refused_whole(row: Row[Any]) -> bool:
    """Whether the manifest of a shipment may have been refused as a whole."""
    return bool(row.state == "rejected" and row.manifest_state == FilingState.REJECTED.value)


def _empty(said: Row[Any]) -> bool:
    """Whether a statement only repeats that something was refused, or sums up how many were."""
    repeats = (said.source, said.code) in EMPTY_WORDS or (said.text or "").strip("X ") in EMPTY_WORDS
    return repeats or (said.source, said.place) == SUMMARY


def _told(said: Row[Any]) -> str:
    field = f" (field {said.field_path})" if said.field_path else ""
    words = f"CBP {said.source} {said.code or ''}".rstrip()
    return f"{words}: {said.text or 'no text'}{field}"


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
