"""What is still under way in a store, and what has been answered?"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, select

from filings.store import tables as t

ANSWERED: Final = ("accepted", "rejected")


def open_work(conn: Connection, *, packages: bool = False) -> dict[str, int]:
    """The first kind of what waits: trips to plan, files without an answer, files to read; empty when nothing does.

    With ``packages`` also the handoff packages, for which nothing at CBP waits. It is asked often: of what is not
    counted the run need not wait for the answer.
    """
    done = ("done",) if packages else ("handoffs", "done")
    sent = t.transmissions.c.direction == "out"
    counts = {
        "trips to plan": select(func.count()).where(t.trips.c.filed_at.is_not(None), t.trips.c.plan_stage.not_in(done)),
        "files without an answer": select(func.count()).where(sent, t.transmissions.c.answered_at.is_(None)),
        "files to read": select(func.count()).where(~sent, t.transmissions.c.state == "received"),
    }
    for name, query in counts.items():
        if number := int(conn.execute(query).scalar_one()):
            return {name: number}
    return {}


def unanswered(conn: Connection, trip_number: str) -> dict[str, int]:
    """Shipments of one trip of which CBP's answer to bill or entry is not recorded yet; empty when all are."""
    table = t.shipments.c
    waiting = table.manifest_state.not_in(ANSWERED) | table.entry_state.not_in((*ANSWERED, "none"))
    query = select(func.count()).select_from(t.shipments).where(table.trip_number == trip_number, waiting)
    number = int(conn.execute(query).scalar_one())
    return {trip_number: number} if number else {}


def seconds_at_cbp(conn: Connection, trip_number: str) -> float:
    """From the last receipt for a message of a trip until the last of CBP's answers about it came in."""
    table, answer = t.transmissions, t.transmissions.alias("answer")
    sent = select(func.max(table.c.delivered_at)).where(
        table.c.direction == "out", table.c.trip_number == trip_number, table.c.delivered_at.is_not(None)
    )
    came = (
        select(func.max(answer.c.created_at))
        .join(t.outcomes, t.outcomes.c.transmission_id == answer.c.id)
        .where(t.outcomes.c.trip_number == trip_number, t.outcomes.c.source.in_(("355", "SX")))
    )
    first, last = conn.execute(sent).scalar_one(), conn.execute(came).scalar_one()
    return max((last - first).total_seconds(), 0.0) if first and last else 0.0


def counted(conn: Connection) -> tuple[int, int]:
    """Shipments of which CBP has taken the bill, and of which it has refused it."""
    column = t.shipments.c.manifest_state
    found = {state: int(count) for state, count in conn.execute(select(column, func.count()).group_by(column))}
    return found.get(ANSWERED[0], 0), found.get(ANSWERED[1], 0)
