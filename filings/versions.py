"""What became of each version of a filing, and what does CBP have on file?

Every content that a filing has had is a row of ``filing_versions``. The first needs none until the filing is changed:
until then its content is that of the shipment. What CBP has on file of a shipment or a trip is kept in ``declared``
from the first change on, beside the content that waits for CBP's answer: taken, it takes the other's place; refused, it
is dropped, and what was on file stays so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, bindparam, case, func, insert, select, update

from filings.store import tables as t

VersionState = Literal["pending", "accepted", "partly_accepted", "refused", "requested", "not_sent", "withdrawn"]
"""``not_sent``: it says nothing else to CBP than the version before. ``withdrawn``: CBP never had it."""
Subject = tuple[str, int, str]
"""Filing, version, and what of it: a shipment's key, or the filing's own id for what it says of the trip."""
CHUNK: Final = 400


@dataclass(frozen=True, slots=True)
class VersionMove:
    """What CBP's answer makes of one version of a filing."""

    filing_id: str
    version: int
    state: VersionState
    outcome: dict[str, Any]
    manifest: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """A further version of a filing, to be kept; ``action`` is what is sent for it (A, R, U, D, Y, 3, Z), if anything.

    ``difference`` is field by field, ``patch`` what the person sent.
    """

    filing_id: str
    version: int
    content: Mapping[str, Any]
    made_at: datetime
    made_by: str
    reason: str | None = None
    reason_code: str | None = None
    amendment_id: str | None = None
    action: str | None = None
    state: VersionState = "pending"
    difference: Sequence[Mapping[str, Any]] | None = None
    patch: Any = None


def keep(conn: Connection, versions: Sequence[Version]) -> None:
    """Keep versions; one that is kept already stays as it is."""
    wanted = {(one.filing_id, one.version): one for one in versions}
    table = t.filing_versions
    ids = sorted({filing for filing, _ in wanted})
    for start in range(0, len(ids), CHUNK):
        query = select(table.c.filing_id, table.c.version).where(table.c.filing_id.in_(ids[start : start + CHUNK]))
        for filing, number in conn.execute(query):
            wanted.pop((filing, number), None)
    rows = [
        {
            "filing_id": one.filing_id,
            "version": one.version,
            "content": dict(one.content),
            "made_at": one.made_at,
            "made_by": one.made_by,
            "reason": one.reason,
            "reason_code": one.reason_code,
            "amendment_id": one.amendment_id,
            "action": one.action,
            "state": one.state,
            "difference": None if one.difference is None else [dict(change) for change in one.difference],
            "patch": one.patch,
        }
        for one in wanted.values()
    ]
    if rows:
        conn.execute(insert(table), rows)


@dataclass(frozen=True, slots=True)
class Pending:
    """A content that is about to be declared. ``before`` is what CBP has on file until it takes ``after``.

    Either is ``None`` where CBP has nothing, or is to have nothing any more.
    """

    filing_id: str
    subject: str
    version: int
    after: Mapping[str, Any] | None
    before: Mapping[str, Any] | None
    before_version: int = 1


def declare(conn: Connection, pending: Sequence[Pending]) -> None:
    """Keep what CBP has on file, where that is not kept yet, and what waits for its answer."""
    table = t.declared
    wanted = {(one.filing_id, one.subject): one for one in pending}
    ids = sorted({filing for filing, _ in wanted})
    known: set[tuple[str, str]] = set()
    for start in range(0, len(ids), CHUNK):
        query = select(table.c.filing_id, table.c.subject).where(table.c.filing_id.in_(ids[start : start + CHUNK]))
        known |= {(row.filing_id, row.subject) for row in conn.execute(query)}
    fresh = [
        {
            "filing_id": one.filing_id,
            "subject": one.subject,
            "version": one.before_version,
            "content": None if one.before is None else dict(one.before),
            "pending_version": one.version,
            "pending": None if one.after is None else dict(one.after),
        }
        for place, one in wanted.items()
        if place not in known
    ]
    if fresh:
        conn.execute(insert(table), fresh)
    again = [
        {
            "of": one.filing_id,
            "about": one.subject,
            "new_version": one.version,
            "new_content": None if one.after is None else dict(one.after),
        }
        for place, one in wanted.items()
        if place in known
    ]
    if again:
        this = (table.c.filing_id == bindparam("of")) & (table.c.subject == bindparam("about"))
        values: dict[str, Any] = {"pending_version": bindparam("new_version"), "pending": bindparam("new_content")}
        conn.execute(update(table).where(this).values(values), again)


def settle(
    conn: Connection,
    moves: Sequence[VersionMove],
    taken: Collection[Subject],
    refused: Collection[Subject],
    now: datetime,
) -> None:
    """Write what CBP's answers made of versions and of the contents that waited for them."""
    if moves:
        known = _known(conn, [one.filing_id for one in moves])
        rows: dict[tuple[str, int], dict[str, Any]] = {}
        for one in moves:
            place = (one.filing_id, one.version)
            before = rows[place]["new_state"] if place in rows else known.get(place)
            rows[place] = {
                "of": one.filing_id,
                "number": one.version,
                "new_state": _following(before, one),
                "new_outcome": one.outcome,
            }
        table = t.filing_versions
        statement = update(table).where(table.c.filing_id == bindparam("of"), table.c.version == bindparam("number"))
        values: dict[str, Any] = {
            "state": bindparam("new_state"),
            "outcome": bindparam("new_outcome"),
            # CBP saying the same once more does not move the instant of its word
            "settled_at": case(
                (table.c.state == bindparam("new_state"), func.coalesce(table.c.settled_at, now)), else_=now
            ),
        }
        conn.execute(statement.values(values), list(rows.values()))
    waiting = (
        (t.declared.c.filing_id == bindparam("of"))
        & (t.declared.c.subject == bindparam("about"))
        & (t.declared.c.pending_version == bindparam("number"))
    )
    dropped = {"pending": None, "pending_version": None}
    if taken:
        follows = {"content": t.declared.c.pending, "version": t.declared.c.pending_version, **dropped}
        conn.execute(update(t.declared).where(waiting).values(follows), _places(taken))
    if left := set(refused) - set(taken):
        conn.execute(update(t.declared).where(waiting).values(dropped), _places(left))


def _places(subjects: Collection[Subject]) -> list[dict[str, Any]]:
    return [{"of": filing, "number": number, "about": about} for filing, number, about in sorted(subjects)]


def _known(conn: Connection, filings: Sequence[str]) -> dict[tuple[str, int], str]:
    table = t.filing_versions
    ids = sorted(set(filings))
    found: dict[tuple[str, int], str] = {}
    for start in range(0, len(ids), CHUNK):
        query = select(table.c.filing_id, table.c.version, table.c.state).where(
            table.c.filing_id.in_(ids[start : start + CHUNK])
        )
        found |= {(row.filing_id, row.version): row.state for row in conn.execute(query)}
    return found


def _following(before: str | None, move: VersionMove) -> VersionState:
    """A manifest's messages may be answered differently; an entry that was taken is not refused any more."""
    pair = {before, move.state}
    if move.manifest and pair & {"accepted", "partly_accepted"} and pair & {"refused", "partly_accepted"}:
        return "partly_accepted"
    if before == "accepted" and move.state in ("refused", "requested"):
        return "accepted"
    return "refused" if before == "refused" and move.state == "requested" else move.state


NOT_SAID: Final = ("not_sent", "withdrawn")
"""States of versions of which CBP was told nothing, so that no answer is about them."""


def said_of(conn: Connection, filings: Collection[Row[Any]]) -> dict[str, int]:
    """The newest version of each filing that was said to CBP, by filing: what an answer is about that names none."""
    table = t.filing_versions
    found = {one.id: 1 for one in filings}
    ids = sorted(one.id for one in filings if one.version > 1)
    for start in range(0, len(ids), CHUNK):
        query = select(table.c.filing_id, func.max(table.c.version).label("newest")).where(
            table.c.filing_id.in_(ids[start : start + CHUNK]), table.c.state.not_in(NOT_SAID)
        )
        found |= {one.filing_id: one.newest for one in conn.execute(query.group_by(table.c.filing_id))}
    return found


def actions_of(conn: Connection, filings: Collection[str]) -> dict[tuple[str, int], str]:
    """What was sent for the versions of these filings, by filing and version."""
    table = t.filing_versions
    ids = sorted(filings)
    found: dict[tuple[str, int], str] = {}
    for start in range(0, len(ids), CHUNK):
        query = select(table.c.filing_id, table.c.version, table.c.action).where(
            table.c.filing_id.in_(ids[start : start + CHUNK]), table.c.action.is_not(None)
        )
        found |= {(row.filing_id, row.version): row.action for row in conn.execute(query)}
    return found
