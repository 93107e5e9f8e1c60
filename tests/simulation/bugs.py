"""Would the auditor notice? Deliberate faults of the gateway, one of each kind, to be entered for a run.

Each is put in at a seam of the real code, so that everything around it goes on working: a gateway with such a fault
looks healthy from inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from unittest.mock import patch

from sqlalchemy import Connection, false, select, update

from filings import (
    archive,
    awaited,
    events,
    matching,
    outbox,
    planning,
    receiving,
    retelling,
    retrying,
    said_again,
    sending,
    staging,
)
from filings.amendments import forbids
from filings.control_numbers import ENTRY_LAST, allocate, entry_sequence
from filings.lifecycle import SHIPMENT, Cell, ShipmentInput, ShipmentState, reading
from filings.outbox import Draft
from filings.progress import Step, advance_transmission
from filings.store import tables as t
from filings.uuid7 import uuid7
from gateway.transports import PreparedTransmission
from gateway.workers.sender import Sender
from schemas.entry_number import make_entry_number

Bug = Callable[[], Any]


@contextmanager
def loses_what_came_in() -> Iterator[None]:
    """Answers of CBP are receipted before they are kept, and every third one is not."""
    real, count = receiving.receive, iter(range(10**9))

    def receive(conn: Connection, inbound: receiving.Inbound, now: datetime) -> str | None:
        return uuid7() if next(count) % 3 == 2 else real(conn, inbound, now)

    with patch.object(receiving, "receive", receive):
        yield


@contextmanager
def loses_a_row() -> Iterator[None]:
    """A row is answered as staged, and is not."""
    real = staging.stage

    def stage(conn: Connection, *given: Any, **named: Any) -> list[staging.StageResult]:
        results = real(conn, *given, **named)
        accepted = [one for one in results if one.accepted]
        if len(accepted) > 1:
            last = t.shipments.c.shipment_id == accepted[-1].shipment_id
            conn.execute(t.day_ledger.delete())
            conn.execute(t.shipments.delete().where(last))
        return results

    with patch.object(staging, "stage", stage):
        yield


@contextmanager
def files_twice_after_doubt() -> Iterator[None]:
    """What is in doubt is filed again under a new entry number, to be on the safe side."""
    real = sending.undelivered

    def undelivered(conn: Connection, attempt: sending.Attempt, problems: Any, **named: Any) -> None:
        real(conn, attempt, problems, **named)
        row = conn.execute(select(t.transmissions).where(t.transmissions.c.id == attempt.transmission_id)).one()
        if row.application != "SE" or not named["in_doubt"] or row.name.endswith("-again"):
            return
        kept = archive.read(conn, row.archive_position)
        assert kept is not None
        (number,) = allocate(conn, entry_sequence("XYZ"), 1, last=ENTRY_LAST)
        fresh = str(make_entry_number("XYZ", number))
        lines = kept.entry.body.decode().splitlines()
        at = next(place for place, line in enumerate(lines) if line.startswith("SE10"))
        lines[at] = f"{lines[at][:5]}{fresh[:3]}  {fresh[3:]}{lines[at][18:]}"
        conn.execute(update(t.filings).where(t.filings.c.kind == "entry").values(entry_number=fresh))
        payload = "".join(f"{line}\n" for line in lines).encode().replace(row.correlation.encode(), b"B999999999")
        draft = Draft(
            uuid7(),
            f"{row.name}-again",
            "SE",
            "B999999999",
            "B999999999",
            row.content_type,
            payload,
            row.trip_number,
            (),
        )
        outbox.queue(conn, row.partner, row.channel, [draft], attempt.now)

    with patch.object(sending, "undelivered", undelivered):
        yield


@contextmanager
def accepts_on_delivery() -> Iterator[None]:
    """The partner's receipt is taken for CBP's acceptance."""
    real = advance_transmission

    def advance(conn: Connection, row: Any, step: Step, now: datetime) -> None:
        real(conn, row, step, now)
        if step is Step.SENT:
            table = t.transmission_filings.c
            carried = select(table.filing_id).where(table.transmission_id == row.id)
            conn.execute(update(t.filings).where(t.filings.c.id.in_(carried)).values(state="accepted"))

    with patch.object(sending, "advance_transmission", advance):
        yield


@contextmanager
def releases_on_acceptance() -> Iterator[None]:
    """A shipment whose declarations are on file is taken to be released."""
    released = {ShipmentInput.ON_FILE: Cell(ShipmentState.RELEASED)}
    with ExitStack() as patches:
        for state in (ShipmentState.STAGED, ShipmentState.FILED):
            patches.enter_context(patch.dict(SHIPMENT[state], released))
        yield


@contextmanager
def overhears_revocations() -> Iterator[None]:
    """A release that is taken back stays a release."""
    deaf = {meaning: what for meaning, what in reading._INPUTS.items() if not meaning.startswith("release_")}
    with patch.object(reading, "_INPUTS", deaf):
        yield


def _sequences(change: Callable[[int], int]) -> Callable[[], Any]:
    @contextmanager
    def bug() -> Iterator[None]:
        real = events._last_sequences

        def last(conn: Connection, streams: Any) -> dict[str, int]:
            return {stream: change(number) if number == 2 else number for stream, number in real(conn, streams).items()}

        with patch.object(events, "_last_sequences", last):
            yield

    return bug


def _without_entries(what: str) -> Callable[[], Any]:
    @contextmanager
    def bug() -> Iterator[None]:
        real = archive.append

        def append(conn: Connection, entries: Any) -> range:
            return real(conn, [entry for entry in entries if not entry.name.startswith(what)])

        with patch.object(archive, "append", append):
            yield

    return bug


@contextmanager
def changes_the_archive() -> Iterator[None]:
    """The head of the archive is not brought up to date with the third entry."""
    real = archive.append

    def append(conn: Connection, entries: Any) -> range:
        before = conn.execute(select(t.archive_head)).one()
        added = real(conn, entries)
        if before.size > 3:
            conn.execute(update(t.archive_head).values(root=before.root))
        return added

    with patch.object(archive, "append", append):
        yield


@contextmanager
def reuses_control_numbers() -> Iterator[None]:
    """Two messages that follow each other take one interchange number."""

    def pairs(conn: Connection, name: str, count: int = 1, **named: Any) -> list[int]:
        drawn = allocate(conn, name, count, **named)
        return [(number + 1) // 2 for number in drawn] if name.startswith("interchange:") else drawn

    with patch.object(planning, "allocate", pairs):
        yield


@contextmanager
def signs_anew() -> Iterator[None]:
    """A repetition is signed and enveloped again, under the old message id."""
    real = Sender._prepared

    async def prepared(self: Sender, transport: Any, outgoing: sending.Outgoing) -> PreparedTransmission | None:
        made = await real(self, transport, outgoing)
        if made is None or outgoing.prepared is None:
            return made
        file = sending.Outgoing(**{name: getattr(outgoing, name) for name in outgoing.__slots__})
        again: PreparedTransmission = transport.prepare(file, message_id=made.message_id, at=self._wall())
        return again

    with patch.object(Sender, "_prepared", prepared):
        yield


@contextmanager
def does_not_wait_for_answers() -> Iterator[None]:
    """The next message about a manifest goes although the one before has no answer."""
    with patch.object(awaited, "_behind_a_message", lambda _out: false()):
        yield


@contextmanager
def completes_what_is_to_go_again() -> Iterator[None]:
    """The last message of a manifest goes although an earlier one, over which CBP's system failed, is to go again."""
    with patch.object(awaited, "owed", lambda _transmission: false()):
        yield


@contextmanager
def hides_doubt() -> Iterator[None]:
    """A lost receipt is noted at the file and told to nobody."""
    with patch.object(sending, "doubt", lambda _conn, _row, _now: None):
        yield


@contextmanager
def forgets_to_try_again() -> Iterator[None]:
    """What CBP could not process stays where it is."""
    with patch.object(retrying, "due", lambda _conn, _now, _before: []):
        yield


@contextmanager
def reads_without_applying() -> Iterator[None]:
    """Every fourth file of CBP's is marked as read, and nothing else is done with it."""
    real, count = receiving.apply, iter(range(10**9))

    def apply(conn: Connection, identifier: str, *given: Any) -> bool:
        if next(count) % 4 != 3:
            return real(conn, identifier, *given)
        done = update(t.transmissions).where(t.transmissions.c.id == identifier)
        conn.execute(done.values(state="processed"))
        return True

    with patch.object(receiving, "apply", apply):
        yield


@contextmanager
def patches_while_an_answer_is_out() -> Iterator[None]:
    """A patch that says nothing to CBP, as far as is known, is taken at any time."""
    allows: Callable[..., tuple[()]] = lambda *_given, **_named: ()  # noqa: E731 - two seams of one kind
    with patch.object(forbids, "_of_unsaid", allows), patch.object(forbids, "_of_asked_for", allows):
        yield


@contextmanager
def files_again_what_was_taken() -> Iterator[None]:
    """A manifest over which CBP's system failed goes again, also when CBP has taken the same bytes meanwhile."""

    def message_of(conn: Connection, _reading: Any, trip_number: str) -> awaited.Message:
        left = [one for one in awaited.messages_of(conn, trip_number) if one.state in awaited.GONE]
        waiting = next((one for one in left if one.answered_at is None), None)
        return awaited.Message() if waiting is None else awaited._message(conn, waiting, waits=True)

    real = retrying._still_waiting

    def still_waiting(conn: Connection, sent: Any, entries: Any) -> list[Any]:
        return list(awaited.carried_by(conn, sent.id)) if sent.application == "309" else real(conn, sent, entries)

    with ExitStack() as patches:
        for module in (matching, retelling):
            patches.enter_context(patch.object(module, "message_of", message_of))
        patches.enter_context(patch.object(retrying, "_still_waiting", still_waiting))
        yield


@contextmanager
def takes_what_is_said_again_for_an_answer() -> Iterator[None]:
    """A 355 in a new envelope is the answer to whatever waits, also when CBP has said it before."""
    with patch.object(said_again, "said_again", lambda _conn, _reading: None):
        yield


@dataclass(frozen=True, slots=True)
class Deliberate:
    """A fault, and the promises of which it may break one."""

    bug: Bug
    breaks: frozenset[str]
    first: int = 0
    """The seed to begin with: what it needs to show is rare."""


def _breaking(bug: Bug, *promises: str, first: int = 0) -> Deliberate:
    return Deliberate(bug, frozenset(promises), first)


_LOST, _FORCE = "no acknowledged input is lost", "at most one declaration in force"
_AHEAD, _ORDER, _ARCHIVE = "no state is ahead of the evidence", "events are in order", "the archive is complete"
_BOOKS: Final = "our books are CBP's"
_NUMBERS, _BYTES, _SETTLES = "no control number is used again", "bytes are resent unchanged", "everything settles"

BUGS: Final[Mapping[str, Deliberate]] = {
    "loses what came in": _breaking(loses_what_came_in, _LOST),
    "loses a row": _breaking(loses_a_row, _LOST),
    "files twice after doubt": _breaking(files_twice_after_doubt, _FORCE),
    "accepts on delivery": _breaking(accepts_on_delivery, _AHEAD),
    "releases on acceptance": _breaking(releases_on_acceptance, _AHEAD),
    "overhears revocations": _breaking(overhears_revocations, _AHEAD),
    "skips an event": _breaking(_sequences(lambda number: number + 1), _ORDER),
    "repeats an event": _breaking(_sequences(lambda number: number - 1), "no worker fails"),
    "drops receipts": _breaking(_without_entries("receipt for "), _ARCHIVE),
    "drops decisions": _breaking(_without_entries("pathways of "), _ARCHIVE),
    "drops acts": _breaking(_without_entries("file_trip"), _ARCHIVE),
    "changes the archive": _breaking(changes_the_archive, _ARCHIVE),
    "reuses control numbers": _breaking(reuses_control_numbers, _NUMBERS),
    "signs anew": _breaking(signs_anew, _BYTES),
    "does not wait for answers": _breaking(does_not_wait_for_answers, "one unanswered 309 per trip"),
    "hides doubt": _breaking(hides_doubt, "doubt is shown"),
    "forgets to try again": _breaking(forgets_to_try_again, _SETTLES),
    "reads without applying": _breaking(reads_without_applying, _SETTLES, _BOOKS),
    "patches while an answer is out": _breaking(patches_while_an_answer_is_out, _SETTLES, _BOOKS),
    "files again what was taken": _breaking(files_again_what_was_taken, _SETTLES, _BOOKS, first=110),
    "completes what is to go again": _breaking(completes_what_is_to_go_again, _BOOKS, first=100),
    "takes what is said again for an answer": _breaking(
        takes_what_is_said_again_for_an_answer, _SETTLES, _BOOKS, first=210
    ),
}
