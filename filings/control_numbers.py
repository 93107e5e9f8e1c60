"""Which number may be used next, and which is taken?

Rules: a number is given out once, inside the transaction that commits the bytes carrying it; if that
transaction never commits, nothing was sent and the number is still free. A range that is used up
is an error, never a wrap. A shipment control number is reserved while its shipment is staged and,
once used, stays taken for three years (carriers' rule for PAPS and shipment control numbers).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, and_, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from filings.store.one_of import one_of
from filings.store.tables import counters, scn_ledger
from schemas.errors import GatewayError, Problem

Item = TypeVar("Item")

CHUNK = 500
REUSE_YEARS = 3
INTERCHANGE_LAST = 999_999_999  # ISA13 has nine digits
ENTRY_LAST = 9_999_999  # seven digits between filer code and check digit


class NumbersExhausted(GatewayError):
    """A range of control numbers is used up; an administrator must open another one."""


@dataclass(frozen=True, slots=True)
class ScnRequest:
    """A shipment that asks for its shipment control number."""

    scn: str
    shipment_key: str
    trip_number: str


@dataclass(frozen=True, slots=True)
class TakenScn:
    """A request that was refused: ``holder_key`` on ``holder_trip`` has the number, at least until ``free_after``.

    ``used_on`` and ``free_after`` are ``None`` while the holder is only staged.
    """

    request: ScnRequest
    holder_key: str
    holder_trip: str
    used_on: date | None
    free_after: date | None


def entry_sequence(filer: str) -> str:
    """Name of a filer's entry number sequence."""
    return f"entry:{filer}"


def interchange_sequence(partner: str) -> str:
    """Name of the interchange control number sequence towards one partner."""
    return f"interchange:{partner}"


def group_sequence(partner: str) -> str:
    """Name of the functional group control number sequence towards one partner."""
    return f"group:{partner}"


def open_range(conn: Connection, name: str, first: int, last: int) -> None:
    """Let ``name`` give out ``first`` to ``last``; the same range again changes nothing.

    Raises ``ValueError`` when it overlaps another range of the name.
    """
    if not 0 < first <= last:
        raise ValueError(f"{first} to {last} is not a range")
    overlap = and_(counters.c.name == name, counters.c.first_value <= last, counters.c.last_value >= first)
    found = conn.execute(select(counters.c.first_value, counters.c.last_value).where(overlap)).all()
    if [(row.first_value, row.last_value) for row in found] == [(first, last)]:
        return
    if found:
        raise ValueError(f"{first} to {last} overlaps a range of {name}")
    _insert_missing(conn, counters, [{"name": name, "first_value": first, "last_value": last, "next_value": first}])


def peek(conn: Connection, name: str, count: int = 1) -> list[int]:
    """The numbers that :func:`allocate` would give now, as far as they are left; nothing is drawn."""
    query = (
        select(counters.c.last_value, counters.c.next_value)
        .where(counters.c.name == name, counters.c.next_value <= counters.c.last_value)
        .order_by(counters.c.first_value)
    )
    rows = [(row.next_value, row.last_value) for row in conn.execute(query)]
    if not rows and not conn.execute(select(counters.c.name).where(counters.c.name == name).limit(1)).first():
        rows = [(1, count)]  # never opened: it begins at 1
    found: list[int] = []
    for first, last in rows:
        found.extend(range(first, min(last, first + count - len(found) - 1) + 1))
        if len(found) == count:
            break
    return found


def allocate(conn: Connection, name: str, count: int = 1, *, last: int = INTERCHANGE_LAST) -> list[int]:
    """The next ``count`` numbers of ``name``, growing; a name never opened has 1 to ``last``.

    Raises :class:`NumbersExhausted`, and gives out none, when fewer are left in all its ranges.
    """
    if count < 1:
        raise ValueError("at least one number must be asked for")
    if not conn.execute(select(counters.c.name).where(counters.c.name == name).limit(1)).first():
        row = {"name": name, "first_value": 1, "last_value": last, "next_value": 1}
        _insert_missing(conn, counters, [row])
    query = (
        select(counters.c.first_value, counters.c.last_value, counters.c.next_value)
        .where(counters.c.name == name, counters.c.next_value <= counters.c.last_value)
        .order_by(counters.c.first_value)
        .with_for_update()
    )
    given: list[int] = []
    moved: list[dict[str, int]] = []
    for row_left in conn.execute(query):
        following = row_left.next_value + min(count - len(given), row_left.last_value - row_left.next_value + 1)
        given.extend(range(row_left.next_value, following))
        moved.append({"of": row_left.first_value, "following": following})
        if len(given) == count:
            break
    else:
        raise NumbersExhausted(
            Problem(
                "control_numbers_exhausted",
                name,
                f"Only {len(given)} of the {count} numbers asked for are left in {name}.",
                "Open another range of numbers.",
            )
        )
    this = and_(counters.c.name == name, counters.c.first_value == bindparam("of"))
    conn.execute(update(counters).where(this).values(next_value=bindparam("following")), moved)
    return given


def reserve_scns(conn: Connection, requests: Iterable[ScnRequest], today: date) -> list[TakenScn]:
    """Reserve shipment control numbers; gives the requests that were refused, all others now hold theirs.

    Asking again for the same shipment changes nothing. The first of several requests for one
    number in a call wins. ``today`` is the Eastern day.
    """
    wanted = list(requests)
    first: dict[str, ScnRequest] = {}
    for request in wanted:
        first.setdefault(request.scn, request)
    # One order for everybody, so that two transactions cannot wait for each other.
    for group in _chunks([first[scn] for scn in sorted(first)]):
        rows = [
            {"scn": one.scn, "shipment_key": one.shipment_key, "trip_number": one.trip_number, "reserved_on": today}
            for one in group
        ]
        _insert_missing(conn, scn_ledger, rows)
        _reuse_expired(conn, group, today)
    holders = _holders(conn, list(first))
    return [
        TakenScn(request, holder.shipment_key, holder.trip_number, holder.used_on, holder.free_after)
        for request in wanted
        if (holder := holders[request.scn]).shipment_key != request.shipment_key
    ]


def _holders(conn: Connection, scns: Sequence[str]) -> dict[str, Any]:
    holders: dict[str, Any] = {}
    for group in _chunks(scns):
        for row in conn.execute(select(scn_ledger).where(one_of(scn_ledger.c.scn, group))):
            holders[row.scn] = row
    return holders


def _reuse_expired(conn: Connection, group: Sequence[ScnRequest], today: date) -> None:
    expired = scn_ledger.c.free_after < today
    scns = [one.scn for one in group]
    free = set(conn.execute(select(scn_ledger.c.scn).where(one_of(scn_ledger.c.scn, scns), expired)).scalars())
    rows = [{"of": one.scn, "key": one.shipment_key, "trip": one.trip_number} for one in group if one.scn in free]
    if rows:
        statement = update(scn_ledger).where(scn_ledger.c.scn == bindparam("of"), expired)
        holder: dict[str, Any] = {"shipment_key": bindparam("key"), "trip_number": bindparam("trip")}
        conn.execute(statement.values(**holder, reserved_on=today, used_on=None, free_after=None), rows)


def use_scns(conn: Connection, shipment_keys: Iterable[str], used_on: date) -> int:
    """Mark the numbers of these shipments as used, for three years from this Eastern day; gives how many are new.

    Call it in the transaction that commits the first bytes carrying them.
    """
    free_after = _years_later(used_on, REUSE_YEARS)
    marked = 0
    for group in _chunks(list(shipment_keys)):
        unused = and_(one_of(scn_ledger.c.shipment_key, group), scn_ledger.c.used_on.is_(None))
        marked += conn.execute(update(scn_ledger).where(unused).values(used_on=used_on, free_after=free_after)).rowcount
    return marked


def free_scns(conn: Connection, requests: Iterable[ScnRequest]) -> int:
    """Give reservations back that were never used (a staged shipment was replaced); gives how many were freed."""
    freed = 0
    for group in _chunks(list(requests)):
        mine = tuple_(scn_ledger.c.scn, scn_ledger.c.shipment_key).in_([(one.scn, one.shipment_key) for one in group])
        freed += conn.execute(delete(scn_ledger).where(mine, scn_ledger.c.used_on.is_(None))).rowcount
    return freed


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February: the rule must not end a day early
        return date(day.year + years, 3, 1)


def _chunks(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def _insert_missing(conn: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet; on PostgreSQL a rival's uncommitted row is waited for."""
    flavour = postgresql if conn.dialect.name == "postgresql" else sqlite
    conn.execute(flavour.insert(table).on_conflict_do_nothing(), rows)
