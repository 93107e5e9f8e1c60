"""By what was a shipment decided, and who did what to its trip since? From the decision kept and from the archive.

The rules of a decision are shown with the words and citations of the rule book that it names, as that was kept when it
was first used (:mod:`filings.rule_books`): not with those of today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection, Row, or_, select

from filings import archive, rule_books
from filings.shown import EASTERN, instant_text, lapse_of, local_text
from filings.store import tables as t
from mappings.rule_changes import MEASURED

MOST: Final = 200
"""Acts and judgements of a trip that a timeline shows, the latest."""
_ENTRIES: Final = t.archive_entries


def decided_by(
    conn: Connection,
    decision: Mapping[str, Any],
    lapse: Mapping[str, Any] | None = None,
    judged_at: datetime | None = None,
) -> dict[str, Any]:
    """A decision as a person must be able to defend it: pathway, rules, law, instant, severities, what was refused.

    Each of the ``rules`` says in ``finding`` what it did to this shipment (:data:`FINDINGS`), and in ``text`` what that
    means for it: a limit that is not passed says so.

    ``decided_for`` is the arrival it was made for, ``judged_for`` the one for which the law was applied last: that of
    the board (``judged_at`` of the trip), for a trip is judged again when its arrival changes and when it arrives.
    """
    arrival = datetime.fromisoformat(decision["arrival"])
    version = decision["rule_book_version"]
    return {
        "pathway": decision["pathway"],
        "entry_type": decision["entry_type"] or None,
        "rules": _cited(conn, decision, arrival),
        "citations": decision["citations"],
        "reasons": decision["reasons"],
        "rule_book_version": version,
        "decided_for": decision["arrival"],
        "judged_for": decision["arrival"] if judged_at is None else instant_text(judged_at),
        "judged_for_eastern": (judged_at or arrival).astimezone(EASTERN).isoformat(),
        "severities": decision.get("severities", {}),
        "refused": decision["refused"],
        "lapse": lapse_of(lapse),
    }


FINDINGS: Final = ("closes", "not_passed", "met", "applies")
"""What a rule did to a shipment: closed pathways to it, set a limit that it keeps, wanted what it has, held of it."""


def _cited(conn: Connection, decision: Mapping[str, Any], arrival: datetime) -> list[dict[str, Any]]:
    book = rule_books.read(conn, decision["rule_book_version"])
    rows = {row["id"]: row for row in (book["rules"] if book else ()) if _in_force(row, arrival)}
    return [{"id": one, **_found(rows.get(one, {}), one, decision["refused"])} for one in decision["rules"]]


def _found(rule: Mapping[str, Any], name: str, refused: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A rule with what it did: the sentence of a limit in the book is that of its breach, which need not have been."""
    found = {one: rule.get(one) for one in ("kind", "citation", "text", "status")}
    closing = [one for one in refused if one["rule"] == name]
    if closing:
        text = " ".join(dict.fromkeys(str(one["text"]) for one in closing))
        return {**found, "text": text, "finding": "closes", "closes": [one["pathway"] for one in closing]}
    if rule.get("kind") == "threshold":
        limit = f"{Decimal(rule['limit']):,}"
        text = f"The {MEASURED[rule['measure']]} is not above {limit} dollars: this limit is not passed."
        return {**found, "text": text, "finding": "not_passed", "closes": []}
    return {**found, "finding": "met" if rule.get("kind") == "require" else "applies", "closes": []}


def _in_force(row: Mapping[str, Any], arrival: datetime) -> bool:
    begin, end = datetime.fromisoformat(row["valid_from"]), row["valid_to"]
    return begin <= arrival and (end is None or arrival < datetime.fromisoformat(end))


# ----------------------------------------------------------------------------------------- what was done


def acts(conn: Connection, trip_number: str, shipment_id: str | None, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Decisions and human acts on a trip as steps of a timeline, those that are about the shipment if one is named."""
    named = [_ENTRIES.c.name == name for name in _TOLD]
    decisions = _ENTRIES.c.kind == archive.EntryKind.DECISION.value
    query = (
        select(_ENTRIES.c.position, _ENTRIES.c.recorded_at)
        .where(_ENTRIES.c.trip_number == trip_number, or_(decisions, *named))
        .order_by(_ENTRIES.c.position.desc())
        .limit(MOST)
    )
    steps: list[dict[str, Any]] = []
    for found in reversed(conn.execute(query).all()):
        kept = archive.read(conn, found.position)
        if kept is not None:
            steps += [_step(found, kept.entry, *told) for told in _told(kept.entry, shipment_id, zone)]
    return steps


def _step(found: Row[Any], entry: archive.Entry, what: str, text: str) -> dict[str, Any]:
    at = instant_text(found.recorded_at)
    return {"at": at, "what": what, "text": text, "actor": entry.actor, "archive_position": found.position}


def _told(entry: archive.Entry, shipment_id: str | None, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    if entry.kind is archive.EntryKind.DECISION:
        yield from _judgement(entry, shipment_id, zone)
        return
    text = _TOLD[entry.name](orjson.loads(entry.body), shipment_id, zone)
    if text:
        yield _WHAT[entry.name], text


def _judgement(entry: archive.Entry, shipment_id: str | None, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    if shipment_id is None:
        yield "judged", entry.name
        return
    again = entry.name.startswith("judged again")
    lines = entry.body.split(b"\n")
    wanted = b'"shipment_id":' + orjson.dumps(shipment_id)
    line = next((orjson.loads(one) for one in lines if wanted in one), None)
    if line is None:
        return
    if not again:
        by = ", ".join(line["rules"])
        yield "decided", f"{line['pathway']}, judged for {_local(line['arrival'], zone)}" + (f", by {by}" if by else "")
        return
    when = f"judged again for {_local(orjson.loads(lines[0])['judged_for'], zone)}"
    if line["change"] == "lapsed":
        offered = line["decision"]["pathway"]
        why = f"no longer lawful as {line['in_force']}: {line['text']} ({line['rule']})"
        yield "lapsed", f"{when}: {why} Offered: {offered}"
        return
    yield "judged_again", f"{when}: {line['in_force']} may stand"


def _local(text: str, zone: ZoneInfo) -> str:
    return local_text(datetime.fromisoformat(text), zone)


def _arrival_changed(body: Mapping[str, Any], _shipment: str | None, zone: ZoneInfo) -> str:
    return f"expected at {_local(body['arrival'], zone)}, not at {_local(body['before'], zone)}"


def _refiled(body: Mapping[str, Any], shipment_id: str | None, _zone: ZoneInfo) -> str:
    shown = body["refiling"]
    if shipment_id is None:
        return f"{shown['lapsed']} lapsed shipments filed anew"
    mine = next((one for one in shown["shipments"] if one["shipment_id"] == shipment_id), None)
    return "" if mine is None else f"from {mine['from']} to {mine['to']}: {'; '.join(mine['does'])}"


def _filed(_body: Mapping[str, Any], _shipment: str | None, _zone: ZoneInfo) -> str:
    return "the filing of the trip was asked for"


def _amended(body: Mapping[str, Any], shipment_id: str | None, _zone: ZoneInfo) -> str:
    changes = [one for one in body["difference"] if one.get("shipment_id") in (None, shipment_id) or not shipment_id]
    if not changes:
        return ""
    told = "; ".join(f"{one['name']}: {_shown(one['old'])} → {_shown(one['new'])}" for one in changes[:MOST_CHANGES])
    more = f"; and {len(changes) - MOST_CHANGES} more" if len(changes) > MOST_CHANGES else ""
    why = ", ".join(part for part in (body["reason_code"], body["reason"]) if part)
    return told + more + (f" ({why})" if why else "")


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)


MOST_CHANGES: Final = 6
"""Fields of one amendment that a timeline names; the filing's versions have all of them."""

_Telling = Callable[[Mapping[str, Any], str | None, ZoneInfo], str]
_TOLD: Final[Mapping[str, _Telling]] = {
    "file_trip": _filed,
    "change_arrival": _arrival_changed,
    "refile_trip": _refiled,
    "amend_filing": _amended,
    "cancel_filing": _amended,
}
_WHAT: Final[Mapping[str, str]] = {
    "file_trip": "filing_requested",
    "change_arrival": "arrival_changed",
    "refile_trip": "refiled",
    "amend_filing": "amended",
    "cancel_filing": "cancellation_asked",
}
