"""What is each statement of CBP about, and who is told?

An answer names what it answers by our control numbers or user data, by trip, by bill or by entry; a 355 only by its
trip, and only what is wrong (:mod:`filings.awaited`). What a 355 does not name stands as its trip does. A status that
decides on a request of ours is about the newest version that CBP was told of, unless it was told before. What matches
nothing is kept and raised; so is a 355 that cannot be understood, or that may be about several messages which have had
their answer: it moves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from filings.alerts import Alert
from filings.answered import NOT_UNDERSTOOD, SOME_REFUSED, mark_answered, mark_what_is_answered, settles_manifest
from filings.awaited import OF_A_FILE, Message, carried_by, find_sent, message_of
from filings.lifecycle import (
    REQUEST_PAPERS,
    TAKEN,
    FilingInput,
    FilingState,
    Statement,
    decides,
    proves_arrival,
)
from filings.lifecycle.evidence import KINDS
from filings.lifecycle.filing import CONTRADICTION, UNEXPECTED_ANSWER
from filings.moves import Moves, filing_alert, move_filing
from filings.progress import CHUNK, Known, arrive, by_column, filings_of, going_again, load, speaks_for, tell
from filings.store import tables as t
from filings.uuid7 import uuid7
from filings.verdicts import manifest_deleted
from filings.versions import actions_of, said_of
from filings.wording import MANIFEST_SETS
from mappings.outcomes import Outcome, ResponseReading

PLACES: Final = 1_000_000
"""Statements in one file at most; with the sender's running number it orders the statements of one minute."""
ENDING: Final = ("D", "3")
"""What is sent for a version that ends its filing: an entry cancelled, a manifest deleted."""
_OF_ENTRIES: Final = frozenset({"SX", "SO", "C1"})
"""Sources that speak of one entry by its number."""
_ANSWERING: Final = frozenset({"SX", "C1"})
"""Sources that answer a declaration, or our question after it."""
_ANSWERS: Final = frozenset(
    "syntax_accepted syntax_rejected accepted accepted_with_warning rejected try_again known_before already_on_file "
    "not_on_file under_review cancelled".split()
)
_UNPROCESSED: Final = frozenset({"syntax_rejected", "try_again"})
"""Answers to a whole transmission after which nothing else will answer it."""
_RECEIVED: Final = frozenset({"syntax_accepted", "known_before"})
"""Answers that say only that CBP has a transmission."""
_TAKEN: Final = frozenset({"accepted", "accepted_with_warning"})
_REFUSALS: Final = frozenset({"rejected", "syntax_rejected"})
EARLIER: Final = 0
"""The version of what is about an earlier one, whichever that was."""
HELD_AS: Final = ("complete", "preliminary", "deleted")
"""What a 355 says that CBP holds a manifest as; another word (amended) leaves that as it was."""
WHOLE: Final = "W"
"""Type of a complete manifest: with some of its bills refused it is preliminary, whatever its summary calls it."""


class Matcher:
    """Finds what each outcome of one file is about, and tells it."""

    def __init__(self, conn: Connection, row: Row[Any], reading: ResponseReading, moves: Moves, now: datetime) -> None:
        self.conn = conn
        self.row = row
        self.reading = reading
        self.moves = moves
        self.now = now
        self.rows: list[dict[str, Any]] = []
        self._arrivals: dict[str, datetime] = {}
        self._messages: dict[str, Message] = {}
        self._batches: dict[str, dict[str, int]] = {}
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
        changed = (*self.filings.values(), *self.replaced.values(), *self.trips.values())
        self.actions = actions_of(conn, {one.id for one in changed if one.version > 1})
        self._said = said_of(conn, changed)

    def _newest(self, filing: Row[Any]) -> int:
        """The newest version of a filing that was said to CBP."""
        if filing.id not in self._said:
            self._said |= said_of(self.conn, [filing])
        return self._said[filing.id]

    def _action(self, filing: Row[Any]) -> str:
        """What was sent for the newest version of a filing that was said to CBP."""
        return self.actions.get((filing.id, self._newest(filing)), "")

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
            if outcome.source in OF_A_FILE or outcome.scope == "transmission":
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
        mark_what_is_answered(self.conn, self.reading, self._message, self.now)
        for trip_number, at in sorted(self._arrivals.items()):
            arrive(self.conn, trip_number, at, self.moves)
        if unmatched:
            first = unmatched[0]
            about = first.scn or first.entry_number or first.trip_number or "nothing named"
            what = f"{len(unmatched)} statements that match nothing of ours ({about})"
            text = f"{self.row.name} ({self.reading.kind}) has {what}."
            self.moves.alerts.append(Alert("answer_matches_nothing", text, "warning", transmission_id=self.row.id))

    def _about_shipment(self, outcome: Outcome, known: Known, order: int) -> bool:
        entry = self.filings.get(known.row.entry_filing_id or "")
        manifest = self.filings.get(known.row.manifest_filing_id or "")
        about = entry if outcome.source in _OF_ENTRIES else manifest
        version = self._version_of(outcome, about)
        said = Statement.of(outcome, received_at=self.now, order=self._order(order), version=version)
        of_entry = entry.id if entry is not None and outcome.source in _ANSWERING else None
        tell(known, said, self.moves, self.now, raised_of=of_entry)
        if entry is not None and entry.kind == "entry" and outcome.source in _OF_ENTRIES:
            self._about_entry(outcome, entry, version)
        if manifest is not None and outcome.source == "355" and version:
            self._about_bill(manifest.id, version, known.row.key, outcome.meaning)
        self._keep(outcome, about.id if about is not None else None, known.row.key, known.row.trip_number)
        self._note_arrival(outcome, known.row.trip_number)
        return True

    def _note_arrival(self, outcome: Outcome, trip_number: str) -> None:
        """The truck is there, if the outcome says or proves so; once for all that the file says of its trip."""
        if proves_arrival(outcome.source, outcome.meaning):
            at = outcome.occurred_at or self.now
            self._arrivals[trip_number] = min(at, self._arrivals.get(trip_number, at))

    def _about_bill(self, manifest: str, version: int, key: str, meaning: str) -> None:
        """What CBP said of one bill of a version is what it has on file of its shipment, or is not."""
        subjects = self.moves.refused if meaning in _REFUSALS else self.moves.taken
        if version > 1 and meaning in _REFUSALS | _TAKEN:
            subjects.add((manifest, version, key))

    def _about_entry(self, outcome: Outcome, entry: Row[Any], version: int | None) -> None:
        """An entry of ours: an answer to what we sent, or a decision on what we asked for."""
        answers = outcome.source in _ANSWERING and outcome.meaning in _ANSWERS
        what = FilingInput(outcome.meaning) if answers else None
        verdict = decides(outcome.source, outcome.meaning, outcome.code)
        newest, ends = self._newest(entry), self._action(entry) in ENDING
        if ends and verdict in TAKEN:
            verdict = None  # a correction is granted that was asked for before the cancellation
        if verdict is not None and (version in (None, newest) or verdict is FilingInput.CANCELLED):
            what = verdict
        if what is not None and version in (None, newest):
            said, more = outcome.as_dict(), outcome.source in _ANSWERING
            move_filing(entry, what, self.moves, self.now, said, ends=ends, version=newest, once_more=more)
        if outcome.source == "SO" and outcome.code in REQUEST_PAPERS:
            text = (
                f"CBP wants papers before it decides on what was asked for entry {entry.entry_number}: {outcome.text}."
            )
            detail = {"document_type": outcome.correlation.get("document_type"), "code": outcome.code}
            named = {"trip_number": entry.trip_number, "filing_id": entry.id}
            self.moves.alerts.append(Alert("papers_for_request", text, "warning", detail, **named))

    def _version_of(self, outcome: Outcome, about: Row[Any] | None) -> int | None:
        """Which version of a filing an answer is about; ``None`` where the answer does not say."""
        if outcome.source == "355":
            return self._message(outcome.trip_number).version
        if about is None or self._newest(about) == 1:
            return None
        if outcome.source == "SX":
            repeated = outcome.correlation.get("action") in (None, "", self._action(about))
            return self._batch(outcome).get(about.id, self._newest(about) if repeated else 1)
        if decides(outcome.source, outcome.meaning, outcome.code) is not None and self._said_before(outcome, about.id):
            return EARLIER
        return None

    def _said_before(self, outcome: Outcome, filing: str) -> bool:
        """Whether CBP has told this decision before: then it is about what had been asked for by then.

        No clock is asked: that of CBP and ours may differ.
        """
        table = t.outcomes
        same = (table.c.filing_id == filing) & (table.c.source == outcome.source) & (table.c.code == outcome.code)
        same &= table.c.occurred_at == outcome.occurred_at
        if any(
            (one["filing_id"], one["source"], one["code"], one["occurred_at"])
            == (filing, outcome.source, outcome.code, outcome.occurred_at)
            for one in self.rows
        ):
            return True
        return self.conn.execute(select(table.c.id).where(same).limit(1)).first() is not None

    def _batch(self, outcome: Outcome) -> dict[str, int]:
        """The versions that the batch carried which this answers, by filing."""
        name = str(outcome.correlation.get("user_data") or "")
        if name not in self._batches:
            sent = find_sent(self.conn, {"user_data": name}) if name else None
            carried = carried_by(self.conn, sent.id) if sent is not None else ()
            self._batches[name] = {one.filing_id: one.version for one in carried}
        return self._batches[name]

    def _about_replaced(self, outcome: Outcome, filing: Row[Any]) -> bool:
        """An entry that another one has replaced: its cancellation is followed, the shipment no longer goes by it."""
        version = self._version_of(outcome, filing)
        cancelling = outcome.correlation.get("action") == "D" or outcome.source == "SO"
        if cancelling and (outcome.source == "SO" or version in (None, self._newest(filing))):
            self._about_entry(outcome, filing, version)
        self._keep(outcome, filing.id, filing.shipment_key, filing.trip_number)
        return True

    def _message(self, trip_number: str) -> Message:
        """The message about the manifest of a trip that the 355 in hand answers."""
        if trip_number not in self._messages:
            self._messages[trip_number] = message_of(self.conn, self.reading, trip_number)
        return self._messages[trip_number]

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
            self._about_manifest(outcome, manifest)
        elif outcome.source == "355" and outcome.meaning == NOT_UNDERSTOOD:
            self.moves.alerts.append(filing_alert(UNEXPECTED_ANSWER, manifest, outcome.as_dict()))
        self._note_arrival(outcome, outcome.trip_number)
        self._keep(outcome, manifest.id, None, outcome.trip_number)
        return True

    def _about_manifest(self, outcome: Outcome, manifest: Row[Any]) -> None:
        """An answer to a message about the manifest; a completion that is refused leaves it as it was."""
        answered, newest = self._message(outcome.trip_number), self._newest(manifest)
        version, sent = answered.version, answered.sent
        if answered.several:
            self._about_several(outcome, manifest)
            return
        completing = sent is not None and sent.application == "353"
        if completing and outcome.meaning in _REFUSALS:
            text = f"CBP does not complete the manifest of trip {outcome.trip_number}: {outcome.text}."
            named = {"trip_number": manifest.trip_number, "filing_id": manifest.id}
            self.moves.alerts.append(Alert("completion_refused", text, "warning", **named))
        elif version in (None, newest) and settles_manifest(self.conn, outcome, manifest, sent):
            ends = version is not None and self._action(manifest) in ENDING
            said, what = outcome.as_dict(), FilingInput(outcome.meaning)
            more = sent is not None and sent.answered_at is not None
            move_filing(manifest, what, self.moves, self.now, said, ends=ends, version=newest, once_more=more)
        elif sent is not None and sent.answered_at is not None and manifest.state == FilingState.REJECTED:
            self.moves.alerts.append(filing_alert(CONTRADICTION, manifest, outcome.as_dict()))
        self._rest_of_manifest(outcome, manifest)
        self._note_held_as(outcome, completing=completing)

    def _about_several(self, outcome: Outcome, manifest: Row[Any]) -> None:
        """One more word, and it cannot be known on which of several messages: if it is another word, a person asks."""
        agrees = _TAKEN if manifest.state == FilingState.ACCEPTED else _REFUSALS
        if outcome.meaning not in agrees | {"try_again", "known_before", "already_on_file"}:
            self.moves.alerts.append(filing_alert(CONTRADICTION, manifest, outcome.as_dict()))

    def _note_held_as(self, outcome: Outcome, *, completing: bool) -> None:
        """What CBP holds the manifest as from now on."""
        number, taken = outcome.trip_number, outcome.meaning in _TAKEN
        word = str(outcome.correlation.get("manifest_state") or "").lower()
        refuses = outcome.meaning in ("rejected", "already_on_file")
        saved = refuses and bool(outcome.correlation.get("saved_rest"))
        fell_back = saved and outcome.correlation.get("manifest_type") == WHOLE
        remarks = (one for one in self.reading.outcomes if one.trip_number == number and one.scope == "trip")
        if fell_back or any(one.meaning == "warning" and "PRELIM" in one.text.upper() for one in remarks):
            held_as = "preliminary"
        elif completing and taken:
            held_as = "complete"
        elif word in HELD_AS and (taken or (saved and word == "preliminary")):
            held_as = word
        else:
            return
        self.conn.execute(update(t.trips).where(t.trips.c.trip_number == number).values(held_as=held_as))
        self.moves.trips.add(number)
        if held_as == "deleted":
            manifest_deleted(self.conn, number, self.now)

    def _rest_of_manifest(self, outcome: Outcome, manifest: Row[Any]) -> None:
        """A 355 names only what is wrong: the other bills of the message it answers stand as the trip does."""
        answered = self._message(outcome.trip_number)
        sent, version = answered.sent, answered.version
        if sent is None:
            return
        named = {one.scn for one in self.reading.outcomes if one.scn and one.meaning in _ANSWERS}
        keys = [one.shipment_key for one in carried_by(self.conn, sent.id) if one.shipment_key]
        known = self._load(keys)
        saved = outcome.meaning in (*SOME_REFUSED, "already_on_file") and outcome.correlation.get("saved_rest")
        meaning = "accepted" if saved else outcome.meaning  # some bills were refused; the others are on file
        told = Statement(meaning, "355", outcome.occurred_at or self.now, outcome.code, version=version)
        for one in known:
            if one.row.scn not in named:
                tell(one, told, self.moves, self.now, raised_of=manifest.id)
                self._about_bill(manifest.id, version or 1, one.row.key, meaning)

    def _load(self, keys: Sequence[str]) -> list[Known]:
        """Shipments as this file has moved them so far."""
        self.known |= load(self.conn, [key for key in keys if key not in self.known])
        return [self.known[key] for key in keys]

    def _answer_to_transmission(self, outcome: Outcome, key: str | None) -> bool:
        sent = find_sent(self.conn, outcome.correlation)
        if sent is None:
            return False
        carried = carried_by(self.conn, sent.id)
        filings = {one.filing_id: one.version for one in carried}
        if outcome.meaning in _RECEIVED:  # what CBP's system has failed over goes again all the same
            again = going_again(self.conn, sent.id)
            carried = [one for one in carried if one.filing_id not in again]
        if outcome.meaning in _ANSWERS:
            source, kind = ("997", KINDS[0]) if sent.application in MANIFEST_SETS else ("X1", KINDS[1])
            about = [one for one in carried if one.shipment_key]
            for one, of in zip(self._load([one.shipment_key for one in about]), about, strict=True):
                if speaks_for(one, of.filing_id, kind):
                    at = outcome.occurred_at or self.now
                    told = Statement(outcome.meaning, source, at, outcome.code, version=of.version)
                    tell(one, told, self.moves, self.now, raised_of=of.filing_id)
                if kind == KINDS[0]:
                    self._about_bill(of.filing_id, of.version, one.row.key, outcome.meaning)
            for filing in filings_of(self.conn, {one.filing_id for one in carried}):
                newest = self._newest(filing)
                if filings[filing.id] == newest:
                    said, what = outcome.as_dict(), FilingInput(outcome.meaning)
                    move_filing(filing, what, self.moves, self.now, said, version=newest)
            if outcome.meaning in _UNPROCESSED:
                mark_answered(self.conn, sent.id, self.now)
        self._keep(outcome, next(iter(filings)) if len(filings) == 1 else None, key, sent.trip_number)
        return True

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
