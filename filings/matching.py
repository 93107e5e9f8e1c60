"""What is each statement of CBP about, and who is told?

An answer names what it answers by our control numbers or user data, by trip, by bill or by entry; a 355 only by its
trip, and only what is wrong. So a trip has one unanswered 309 at a time, and what a 355 does not name stands as its
trip does. What matches nothing is kept and raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from filings import archive
from filings.alerts import Alert
from filings.lifecycle import FilingInput, FilingState, Statement, proves_arrival
from filings.lifecycle.evidence import KINDS
from filings.progress import CHUNK, Known, Moves, arrive, by_column, filings_of, load, move_filing, speaks_for, tell
from filings.store import tables as t
from filings.uuid7 import uuid7
from mappings.outcomes import Outcome, ResponseReading

PLACES: Final = 1_000_000
"""Statements in one file at most; with the sender's running number it orders the statements of one minute."""
GONE: Final = ("sending", "in_doubt", "delivered")
"""States of a transmission that the partner may have."""
_TRANSMISSION: Final = frozenset({"TA1", "997", "X1"})
"""Sources that answer a whole transmission."""
_OF_ENTRIES: Final = frozenset({"SX", "SO"})
"""Sources that speak of one entry by its number."""
_ANSWERS: Final = frozenset(
    "syntax_accepted syntax_rejected accepted accepted_with_warning rejected under_review cancelled".split()
)


def find_sent(conn: Connection, names: Mapping[str, Any]) -> Row[Any] | None:
    """The transmission an answer names, by the control numbers or the user data it repeats."""
    for column, value in (
        ("control_number", names.get("group_control") or names.get("interchange_control")),
        ("correlation", names.get("user_data") or names.get("reference")),
    ):
        if not value:
            continue
        wanted = str(int(value)) if column == "control_number" and str(value).isdigit() else str(value)
        query = (
            select(t.transmissions)
            .where(t.transmissions.c.direction == "out", t.transmissions.c[column] == wanted)
            .order_by(t.transmissions.c.id.desc())
            .limit(1)
        )
        found = conn.execute(query).first()
        if found is not None:
            return found
    return None


def unanswered_309(conn: Connection, trip_number: str) -> Row[Any] | None:
    """The one 309 of a trip that has left and waits for its 355; the answer itself does not say which."""
    waiting = (one for one in _messages(conn, trip_number) if one.answered_at is None and one.state in GONE)
    return next(waiting, None)


def awaits_answer(conn: Connection, trip_number: str) -> bool:
    """Whether some 309 of the trip, sent or still to be sent, has no answer of CBP's yet."""
    return any(one.answered_at is None and one.state != "refused" for one in _messages(conn, trip_number))


def _messages(conn: Connection, trip_number: str) -> Sequence[Row[Any]]:
    """The 309s of a trip in their order."""
    query = (
        select(t.transmissions)
        .where(
            t.transmissions.c.direction == "out",
            t.transmissions.c.application == "309",
            t.transmissions.c.trip_number == trip_number,
        )
        .order_by(t.transmissions.c.id)
    )
    return conn.execute(query).all()


def answered_bytes(conn: Connection, reading: ResponseReading) -> bytes | None:
    """What this answer refuses, as it was sent: with it each fault finds its shipment, line and party."""
    for outcome in reading.outcomes:
        if outcome.meaning not in ("rejected", "syntax_rejected"):
            continue
        if outcome.source == "355":
            sent = unanswered_309(conn, outcome.trip_number)
        else:
            sent = find_sent(conn, outcome.correlation)
        kept = archive.read(conn, sent.archive_position) if sent is not None else None
        return kept.entry.body if kept is not None else None
    return None


class Matcher:
    """Finds what each outcome of one file is about, and tells it."""

    def __init__(self, conn: Connection, row: Row[Any], reading: ResponseReading, moves: Moves, now: datetime) -> None:
        self.conn = conn
        self.row = row
        self.reading = reading
        self.moves = moves
        self.now = now
        self.rows: list[dict[str, Any]] = []
        self._versions: dict[str, int | None] = {}
        outcomes = reading.outcomes
        by_scn = by_column(conn, "scn", {one.scn for one in outcomes if one.scn})
        by_entry = by_column(conn, "entry_number", {one.entry_number for one in outcomes if one.entry_number})
        self.keys: list[str | None] = []
        for one in outcomes:
            places = [by_scn.get(one.scn, []), by_entry.get(one.entry_number, [])]
            if one.scope == "entry":
                places.reverse()
            self.keys.append(next((keys[0] for keys in places if keys), None))
        self.known = load(conn, [key for key in self.keys if key])
        wanted = {one.row.entry_filing_id for one in self.known.values()} | {
            one.row.manifest_filing_id for one in self.known.values()
        }
        self.filings = {one.id: one for one in filings_of(conn, [identifier for identifier in wanted if identifier])}
        self.replaced = self._replaced_entries({one.entry_number for one in outcomes if one.source in _OF_ENTRIES})
        self.trips = self._trip_manifests({one.trip_number for one in outcomes if one.trip_number})

    def _replaced_entries(self, numbers: set[str]) -> dict[str, Row[Any]]:
        """Entries of ours, by number, that another one has taken the place of: their shipments go by that one."""
        found: dict[str, Row[Any]] = {}
        wanted = sorted(numbers - {""})
        for start in range(0, len(wanted), CHUNK):
            query = (
                select(t.filings)
                .join(t.shipments, t.shipments.c.key == t.filings.c.shipment_key)
                .where(
                    t.filings.c.kind == "entry",
                    t.filings.c.entry_number.in_(wanted[start : start + CHUNK]),
                    t.shipments.c.entry_filing_id.is_distinct_from(t.filings.c.id),
                )
            )
            found |= {row.entry_number: row for row in self.conn.execute(query)}
        return found

    def _trip_manifests(self, numbers: set[str]) -> dict[str, Row[Any]]:
        query = select(t.filings).where(t.filings.c.kind == "manifest", t.filings.c.trip_number.in_(sorted(numbers)))
        return {row.trip_number: row for row in self.conn.execute(query)}

    def run(self) -> None:
        """Every outcome of the file, in its order."""
        unmatched: list[Outcome] = []
        for order, (outcome, key) in enumerate(zip(self.reading.outcomes, self.keys, strict=True)):
            if outcome.source in _TRANSMISSION or outcome.scope == "transmission":
                found = self._answer_to_transmission(outcome, key)
            elif outcome.source in _OF_ENTRIES and outcome.entry_number in self.replaced:
                found = self._about_replaced(outcome, self.replaced[outcome.entry_number])
            elif key is not None:
                found = self._about_shipment(outcome, self.known[key], order)
            else:
                found = outcome.scope == "trip" and self._about_trip(outcome)
            if not found:
                unmatched.append(outcome)
                self._keep(outcome, None, None)
        self._answered()
        if unmatched:
            first = unmatched[0]
            about = first.scn or first.entry_number or first.trip_number or "nothing named"
            what = f"{len(unmatched)} statements that match nothing of ours ({about})"
            text = f"{self.row.name} ({self.reading.kind}) has {what}."
            self.moves.alerts.append(Alert("answer_matches_nothing", text, "warning", transmission_id=self.row.id))

    def _about_shipment(self, outcome: Outcome, known: Known, order: int) -> bool:
        version = self._answered_version(outcome.trip_number) if outcome.source == "355" else None
        said = Statement.of(outcome, received_at=self.now, order=self._order(order), version=version)
        tell(known, said, self.moves, self.now)
        entry = self.filings.get(known.row.entry_filing_id or "")
        manifest = self.filings.get(known.row.manifest_filing_id or "")
        about = entry if outcome.source in ("SX", "SO") else manifest
        if entry is not None and entry.kind == "entry" and outcome.source == "SX" and outcome.meaning in _ANSWERS:
            move_filing(entry, FilingInput(outcome.meaning), self.moves, self.now, outcome.as_dict())
        self._keep(outcome, about.id if about is not None else None, known.row.key, known.row.trip_number)
        if proves_arrival(outcome.source, outcome.meaning):
            arrive(self.conn, known.row.trip_number, outcome.occurred_at or self.now, self.moves)
        return True

    def _about_replaced(self, outcome: Outcome, filing: Row[Any]) -> bool:
        """An entry that another one has replaced: its cancellation is followed, the shipment no longer goes by it."""
        meaning = outcome.meaning
        cancelling = outcome.correlation.get("action") == "D"
        if cancelling and meaning in ("accepted", "accepted_with_warning"):
            meaning = FilingInput.CANCELLED.value
        if meaning == FilingInput.CANCELLED.value or (cancelling and meaning in _ANSWERS):
            move_filing(filing, FilingInput(meaning), self.moves, self.now, outcome.as_dict())
        if cancelling and meaning == "rejected":
            text = f"CBP does not cancel entry {outcome.entry_number}, which another one replaces: {outcome.text}."
            self.moves.alerts.append(
                Alert("cancellation_refused", text, "warning", trip_number=filing.trip_number, filing_id=filing.id)
            )
        self._keep(outcome, filing.id, filing.shipment_key, filing.trip_number)
        return True

    def _answered_version(self, trip_number: str) -> int | None:
        """The version of the manifest that the 355 in hand answers; ``None`` when nothing waits for one."""
        if trip_number not in self._versions:
            sent = unanswered_309(self.conn, trip_number)
            carried = self._carried(sent) if sent is not None else ()
            self._versions[trip_number] = max((one.version for one in carried), default=None)
        return self._versions[trip_number]

    def _order(self, place: int) -> int:
        """What sorts CBP's statements of one minute: its own running number, never the order in which they reached us.

        A CATAIR batch has no such number; there the natural course decides.
        """
        number = self.reading.control.get("interchange_control")
        return int(number) * PLACES + place + 1 if isinstance(number, int) else 0

    def _about_trip(self, outcome: Outcome) -> bool:
        manifest = self.trips.get(outcome.trip_number)
        if manifest is None:
            return False
        if outcome.source == "355" and outcome.meaning in _ANSWERS:
            version = self._answered_version(outcome.trip_number)
            if self._settles_manifest(outcome, manifest):
                told = outcome.as_dict()
                move_filing(manifest, FilingInput(outcome.meaning), self.moves, self.now, told, version=version)
            self._rest_of_manifest(outcome)
        if proves_arrival(outcome.source, outcome.meaning):
            arrive(self.conn, outcome.trip_number, outcome.occurred_at or self.now, self.moves)
        self._keep(outcome, manifest.id, None, outcome.trip_number)
        return True

    def _settles_manifest(self, outcome: Outcome, manifest: Row[Any]) -> bool:
        """A manifest in several messages is on file when all of them are; one that is refused refuses it."""
        messages = _messages(self.conn, outcome.trip_number)
        if len(messages) < 2 or outcome.meaning == "rejected":
            return True
        open_ones = [one for one in messages if one.answered_at is None]
        return len(open_ones) <= 1 and manifest.state != FilingState.REJECTED

    def _rest_of_manifest(self, outcome: Outcome) -> None:
        """A 355 names only what is wrong: the other bills of the message it answers stand as the trip does."""
        sent = unanswered_309(self.conn, outcome.trip_number)
        if sent is None:
            return
        named = {one.scn for one in self.reading.outcomes if one.scn and one.meaning in _ANSWERS}
        keys = [one.shipment_key for one in self._carried(sent) if one.shipment_key]
        known = self._load(keys)
        saved = outcome.meaning == "rejected" and outcome.correlation.get("saved_rest")
        meaning = "accepted" if saved else outcome.meaning  # some bills were refused; the others are on file
        version = self._answered_version(outcome.trip_number)
        told = Statement(meaning, "355", outcome.occurred_at or self.now, outcome.code, version=version)
        for one in known:
            if one.row.scn not in named:
                tell(one, told, self.moves, self.now)

    def _carried(self, sent: Row[Any]) -> Sequence[Any]:
        """What a transmission carries: filings and shipments."""
        table = t.transmission_filings
        columns = (table.c.filing_id, table.c.shipment_key, table.c.version)
        query = select(*columns).where(t.transmission_filings.c.transmission_id == sent.id)
        return self.conn.execute(query.order_by(t.transmission_filings.c.position)).all()

    def _load(self, keys: Sequence[str]) -> list[Known]:
        """Shipments as this file has moved them so far."""
        self.known |= load(self.conn, [key for key in keys if key not in self.known])
        return [self.known[key] for key in keys]

    def _answer_to_transmission(self, outcome: Outcome, key: str | None) -> bool:
        sent = find_sent(self.conn, outcome.correlation)
        if sent is None:
            return False
        carried = self._carried(sent)
        filings = {one.filing_id: one.version for one in carried}
        if outcome.meaning in _ANSWERS:
            source, kind = ("997", KINDS[0]) if sent.application == "309" else ("X1", KINDS[1])
            about = [one for one in carried if one.shipment_key]
            for one, of in zip(self._load([one.shipment_key for one in about]), about, strict=True):
                if speaks_for(one, of.filing_id, kind):
                    at = outcome.occurred_at or self.now
                    told = Statement(outcome.meaning, source, at, outcome.code, version=of.version)
                    tell(one, told, self.moves, self.now)
            for filing in filings_of(self.conn, filings):
                told_of = filings[filing.id]
                move_filing(
                    filing, FilingInput(outcome.meaning), self.moves, self.now, outcome.as_dict(), version=told_of
                )
            if outcome.meaning == "syntax_rejected":
                self._mark_answered(sent.id)
        self._keep(outcome, next(iter(filings)) if len(filings) == 1 else None, key, sent.trip_number)
        return True

    def _answered(self) -> None:
        """Mark the transmissions that this file answers, so that the next 309 of a trip may go."""
        if self.reading.kind.startswith("355"):
            for number in {one.trip_number for one in self.reading.outcomes if one.trip_number}:
                sent = unanswered_309(self.conn, number)
                if sent is not None:
                    self._mark_answered(sent.id)
        reference = self.reading.control.get("user_data")
        if reference and any(one.source == "SX" for one in self.reading.outcomes):
            self.conn.execute(
                update(t.transmissions)
                .where(
                    t.transmissions.c.direction == "out",
                    t.transmissions.c.correlation == str(reference),
                    t.transmissions.c.answered_at.is_(None),
                )
                .values(answered_at=self.now)
            )

    def _mark_answered(self, identifier: str) -> None:
        self.conn.execute(
            update(t.transmissions).where(t.transmissions.c.id == identifier).values(answered_at=self.now)
        )

    def _keep(self, outcome: Outcome, filing: str | None, key: str | None, trip_number: str | None = None) -> None:
        self.rows.append(
            {
                "id": uuid7(),
                "filing_id": filing,
                "shipment_key": key,
                "trip_number": trip_number,
                "transmission_id": self.row.id,
                "source": outcome.source,
                "scope": outcome.scope,
                "meaning": outcome.meaning,
                "code": outcome.code[:40] or None,
                "text": outcome.text or None,
                "place": outcome.place[:255] or None,
                "field_path": outcome.field_path[:255] or None,
                "occurred_at": outcome.occurred_at,
                "recorded_at": self.now,
                "document": outcome.as_dict(),
            }
        )
