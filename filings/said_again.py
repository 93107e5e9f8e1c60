"""Has CBP said this 355 before, about another message than the one that waits?

A 355 names only its trip, so one that comes again in a new envelope, while another message about the manifest waits for
its answer, or is to go again, looks like the answer to that. Rules: only what is word for word what an earlier 355 of
the trip said is ever taken for a repetition, and of that only what cannot be the answer, or may as well not be:

- It repeats M10 and P4 of another message, and not those of the message that waits. (That a 355 repeats both is
  known of rail and deduced for trucks; where CBP repeats neither of them as they were sent, this says nothing.)
- Or CBP wrote its envelope before that of the 997 to the waiting message: both instants are of CBP's one clock, whose
  zone is not confirmed, and no clock of ours is asked. (Where that clock is set back, by an hour in autumn if it is a
  local one, such an answer is raised, and not taken.)

Such a 355 moves nothing and is raised, and the message waits on. Everything else that comes while a message waits is
its answer, for the answers to two amendments of one kind are the same word for word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from filings import archive
from filings.alerts import Alert
from filings.awaited import GONE, message_of, messages_of
from filings.store import tables as t
from mappings.outcomes import Outcome, ResponseReading
from mappings.outcomes_head import echo_of


def said_again(conn: Connection, reading: ResponseReading) -> Row[Any] | None:
    """The message about a manifest that waits on, if the 355 in hand was said before and is not its answer."""
    verdict = next((one for one in reading.outcomes if one.source == "355" and one.place == "K3"), None)
    if verdict is None or not verdict.correlation.get("said"):
        return None
    found = message_of(conn, reading, verdict.trip_number)
    waiting = found.sent
    left = [one for one in messages_of(conn, verdict.trip_number) if one.state in GONE]
    if waiting is None or not found.waits or len(left) == 1:
        return None
    if not any(one.get("said") == verdict.correlation["said"] for one in _told(conn, waiting.trip_number, "355", "K3")):
        return None
    if _of_another_one(conn, verdict, waiting, left) or _too_early(conn, verdict, waiting):
        return waiting
    return None


def raised(file: Row[Any], waiting: Row[Any]) -> Alert:
    """A person may know whether CBP has answered the message that waits."""
    text = (
        f"CBP says of trip {waiting.trip_number} once more what it has said before ({file.name}); that is not taken "
        f"for the answer to {waiting.name}, which waits on."
    )
    detail = {"answer": file.id, "message": waiting.id}
    named = {"trip_number": waiting.trip_number, "transmission_id": waiting.id}
    return Alert("answer_said_again", text, "warning", detail, **named)


def _told(conn: Connection, trip_number: str, source: str, place: str) -> list[dict[str, Any]]:
    """What files of CBP about the manifest of a trip were tied to, one for each of that kind."""
    manifest = select(t.filings.c.id).where(t.filings.c.kind == "manifest", t.filings.c.trip_number == trip_number)
    table = t.outcomes
    query = select(table.c.document).where(
        table.c.filing_id.in_(manifest), table.c.source == source, table.c.place == place
    )
    return [document["correlation"] for document in conn.execute(query).scalars()]


def _of_another_one(conn: Connection, verdict: Outcome, waiting: Row[Any], left: Sequence[Row[Any]]) -> bool:
    """Whether it repeats the head of another message, and not that of the one that waits."""
    echo = verdict.correlation["echo"]
    if not echo or _echo(conn, waiting) in ("", echo):
        return False
    return any(_echo(conn, one) == echo for one in left if one.id != waiting.id)


def _echo(conn: Connection, sent: Row[Any]) -> str:
    kept = archive.read(conn, sent.archive_position)
    return echo_of(kept.entry.body) if kept is not None else ""


def _too_early(conn: Connection, verdict: Outcome, waiting: Row[Any]) -> bool:
    """Whether CBP wrote it before it wrote that it could read the message that waits."""
    written = _written(verdict.correlation)
    read = [
        _written(one)
        for one in _told(conn, waiting.trip_number, "997", "GS")
        if str(one.get("group_control")) == waiting.control_number
    ]
    return written is not None and any(one is not None and written < one for one in read)


def _written(correlation: Mapping[str, Any]) -> datetime | None:
    text = correlation.get("envelope", {}).get("written_at")
    return datetime.fromisoformat(text) if text else None
