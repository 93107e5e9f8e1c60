"""Has CBP said this 355 before, about another message than the one that waits?

A 355 names only its trip, so one that comes again in a new envelope, while another message about the manifest waits for
its answer, or is to go again, looks like the answer to that. Rules: only what is word for word what an earlier 355 of
the trip said is ever taken for a repetition, and while a message waits only what is known not to be its answer:

- It repeats M10 and P4 of another message, and not those of the message that waits. (That a 355 repeats both is
  known of rail and deduced for trucks; where CBP repeats neither of them as they were sent, this says nothing.)
- Or CBP wrote its envelope before that of the first 997 to the waiting message: both instants are of CBP's clocks,
  whose zone is not confirmed, and no clock of ours is asked. While there is no such 997: before so much time had passed
  since it wrote the earlier 355 as passed here from its coming in until the message could leave, less
  :data:`TOLERANCE`. Two clocks of CBP's may differ, so this counts only until we have asked for the answer
  (:mod:`filings.asking`): what is said again after that is the answer.

Such a 355 moves nothing and is raised, and the message waits on. Everything else that comes while a message waits is
its answer, for the answers to two messages of one kind are the same word for word: a repetition that is dated anew, or
comes within these minutes, cannot be told from it. CBP's true answer is one word more then, and raised if it differs.

While no message waits, what was said before says nothing new: not of a bill, and not of how CBP holds the manifest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from filings import archive
from filings.alerts import Alert
from filings.awaited import GONE, message_of, messages_of
from filings.store import tables as t
from mappings.outcomes import Outcome, ResponseReading
from mappings.outcomes_head import echo_of

TOLERANCE: Final = timedelta(minutes=2)
"""One minute for what ISA10 does not say (it has no seconds), another one for a clock that is set meanwhile."""
_Told = tuple[dict[str, Any], datetime]


@dataclass(frozen=True, slots=True)
class Repetition:
    """What was said before; ``waiting`` is the message about a manifest that waits on, if one does."""

    waiting: Row[Any] | None = None


def said_again(conn: Connection, reading: ResponseReading) -> Repetition | None:
    """Whether the 355 in hand was said before, and answers nothing that waits."""
    verdict = next((one for one in reading.outcomes if one.source == "355" and one.place == "K3"), None)
    if verdict is None or not verdict.correlation.get("said"):
        return None
    told = _told(conn, verdict.trip_number, "355", "K3")
    before = [(tie, came_in) for tie, came_in in told if tie.get("said") == verdict.correlation["said"]]
    if not before:
        return None
    found = message_of(conn, reading, verdict.trip_number)
    if not found.waits:
        return Repetition()
    left = [one for one in messages_of(conn, verdict.trip_number) if one.state in GONE]
    waiting = found.sent
    if waiting is None or len(left) == 1:
        return None
    if _of_another_one(conn, verdict, waiting, left):
        return Repetition(waiting)
    early = _too_early(conn, verdict, waiting, left, before) and not _asked_for(conn, waiting)
    return Repetition(waiting) if early else None


def _asked_for(conn: Connection, waiting: Row[Any]) -> bool:
    """Whether we have asked for the answer to a message since it was made."""
    asked, carried = t.inquiries, t.transmission_filings
    mine = select(carried.c.filing_id).where(carried.c.transmission_id == waiting.id)
    query = select(asked.c.id).where(asked.c.filing_id.in_(mine), asked.c.asked_at >= waiting.created_at)
    return conn.execute(query.limit(1)).first() is not None


def raised(file: Row[Any], waiting: Row[Any]) -> Alert:
    """A person may know whether CBP has answered the message that waits."""
    text = (
        f"CBP says of trip {waiting.trip_number} once more what it has said before ({file.name}); that is not taken "
        f"for the answer to {waiting.name}, which waits on."
    )
    detail = {"answer": file.id, "message": waiting.id}
    named = {"trip_number": waiting.trip_number, "transmission_id": waiting.id}
    return Alert("answer_said_again", text, "warning", detail, **named)


def _told(conn: Connection, trip_number: str, source: str, place: str) -> list[_Told]:
    """What files of CBP about the manifest of a trip were tied to, one for each of that kind, and when it came in."""
    manifest = select(t.filings.c.id).where(t.filings.c.kind == "manifest", t.filings.c.trip_number == trip_number)
    table = t.outcomes
    query = (
        select(table.c.document, t.transmissions.c.created_at)
        .join(t.transmissions, t.transmissions.c.id == table.c.transmission_id)
        .where(table.c.filing_id.in_(manifest), table.c.source == source, table.c.place == place)
    )
    return [(row.document["correlation"], row.created_at) for row in conn.execute(query)]


def _of_another_one(conn: Connection, verdict: Outcome, waiting: Row[Any], left: Sequence[Row[Any]]) -> bool:
    """Whether it repeats the head of another message, and not that of the one that waits."""
    echo = verdict.correlation["echo"]
    if not echo or _echo(conn, waiting) in ("", echo):
        return False
    return any(_echo(conn, one) == echo for one in left if one.id != waiting.id)


def _echo(conn: Connection, sent: Row[Any]) -> str:
    kept = archive.read(conn, sent.archive_position)
    return echo_of(kept.entry.body) if kept is not None else ""


def _too_early(
    conn: Connection, verdict: Outcome, waiting: Row[Any], left: Sequence[Row[Any]], before: Sequence[_Told]
) -> bool:
    """Whether CBP wrote it before it had the message that waits."""
    written = _written(verdict.correlation)
    if written is None:
        return False
    told = _told(conn, waiting.trip_number, "997", "GS")
    dated = (_written(tie) for tie, _at in told if str(tie.get("group_control")) == waiting.control_number)
    read = [one for one in dated if one is not None]
    if read:
        return written < min(read)
    # it left when it was there and all before it had their answer; those stand in the order in which they left
    answered = (one.answered_at for one in left if one.id < waiting.id and one.answered_at is not None)
    could_leave = max([waiting.created_at, *answered])
    earlier = [(_written(tie), came_in) for tie, came_in in before]
    return any(at is not None and written <= at + (could_leave - came_in) - TOLERANCE for at, came_in in earlier)


def _written(correlation: Mapping[str, Any]) -> datetime | None:
    text = correlation.get("envelope", {}).get("written_at")
    return datetime.fromisoformat(text) if text else None
