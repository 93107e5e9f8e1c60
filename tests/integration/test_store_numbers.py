"""Control numbers, shipment control numbers and keys on both engines."""

from __future__ import annotations

import asyncio
from datetime import date
from functools import partial

import pytest
from sqlalchemy import Connection, select

from filings import identity
from filings.control_numbers import (
    NumbersExhausted,
    ScnRequest,
    allocate,
    entry_sequence,
    free_scns,
    group_sequence,
    interchange_sequence,
    open_range,
    reserve_scns,
    use_scns,
)
from filings.identity import Role
from filings.store import Store
from filings.store.tables import api_keys
from tests.integration.store_rows import NOW

DAY = date(2025, 3, 10)


async def test_rivals_never_get_the_same_number(store: Store) -> None:
    """Numbers drawn by many tasks at once are all different and leave no gap."""
    drawn = await asyncio.gather(*(store.write(partial(allocate, name="interchange:cbp", count=5)) for _ in range(40)))
    assert sorted(number for one in drawn for number in one) == list(range(1, 201))


async def test_a_number_is_given_once_however_it_is_drawn(store: Store) -> None:
    """Drawn one at a time for a long while, now and then several, a sequence never gives a number twice."""
    drawn: list[int] = []
    for turn in range(150):
        drawn += await store.write(partial(allocate, name="interchange:cbp", count=3 if turn % 10 == 9 else 1))
    assert drawn == list(range(1, len(drawn) + 1))


async def test_a_number_of_an_undone_change_is_still_free(store: Store) -> None:
    """If what would have carried the number was never committed, the next one gets it."""

    def fail(conn: Connection) -> None:
        allocate(conn, "a", 7)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await store.write(fail)
    assert await store.write(partial(allocate, name="a")) == [1]


async def test_ranges_are_used_up_in_turn_and_never_wrap(store: Store) -> None:
    """A filer's ranges follow each other; when they are used up, nothing is given out, and nothing is lost."""
    name = entry_sequence("XYZ")
    await store.write(lambda conn: open_range(conn, name, 500, 509))
    await store.write(lambda conn: open_range(conn, name, 100, 104))
    await store.write(lambda conn: open_range(conn, name, 100, 104))
    for first, last in ((104, 110), (90, 100), (1, 999)):
        with pytest.raises(ValueError, match="overlaps"):
            await store.write(lambda conn, first=first, last=last: open_range(conn, name, first, last))
    with pytest.raises(ValueError, match="not a range"):
        await store.write(lambda conn: open_range(conn, name, 9, 8))
    assert await store.write(partial(allocate, name=name, count=3)) == [100, 101, 102]
    assert await store.write(partial(allocate, name=name, count=4)) == [103, 104, 500, 501]

    def too_many(conn: Connection) -> str:
        with pytest.raises(NumbersExhausted) as refusal:
            allocate(conn, name, 9)
        return refusal.value.problems[0].code

    assert await store.write(too_many) == "control_numbers_exhausted"
    assert await store.write(partial(allocate, name=name, count=8)) == list(range(502, 510))
    with pytest.raises(NumbersExhausted):
        await store.write(partial(allocate, name=name))
    with pytest.raises(ValueError, match="at least one"):
        await store.write(partial(allocate, name=name, count=0))
    assert len({name, interchange_sequence("XYZ"), group_sequence("XYZ")}) == 3


def asks(*pairs: tuple[str, str]) -> list[ScnRequest]:
    """Requests for numbers by shipments of one trip."""
    return [ScnRequest(scn, key, "SFICTRIP1") for scn, key in pairs]


async def test_a_number_belongs_to_one_shipment(store: Store) -> None:
    """The first shipment holds its number; another one is told who has it; asking again is harmless."""
    assert await store.write(lambda conn: reserve_scns(conn, asks(("SFIC1111", "a"), ("SFIC2222", "b")), DAY)) == []
    refused = await store.write(
        lambda conn: reserve_scns(
            conn, asks(("SFIC1111", "a"), ("SFIC2222", "c"), ("SFIC3333", "d"), ("SFIC3333", "e")), DAY
        )
    )
    assert [(one.request.shipment_key, one.holder_key, one.holder_trip, one.used_on) for one in refused] == [
        ("c", "b", "SFICTRIP1", None),
        ("e", "d", "SFICTRIP1", None),
    ]
    assert await store.write(lambda conn: reserve_scns(conn, [], DAY)) == []


async def test_rivals_for_one_number_have_one_winner(store: Store) -> None:
    """Of several transactions that want the same numbers at once, one gets each; the others are told."""

    def ask(conn: Connection, key: str, backwards: bool) -> list[str]:
        wanted = asks(*((f"SFIC{n:04d}", f"{key}{n}") for n in range(30)))
        return [one.request.scn for one in reserve_scns(conn, wanted[::-1] if backwards else wanted, DAY)]

    refused = await asyncio.gather(*(store.write(partial(ask, key=f"{n}-", backwards=n % 2 == 1)) for n in range(4)))
    assert sorted(len(one) for one in refused) == [0, 30, 30, 30]


async def test_a_used_number_is_taken_for_three_years(store: Store) -> None:
    """A number that was only staged is free when given back; one that was sent is not, for three years."""
    wanted = asks(("SFIC1111", "a"), ("SFIC2222", "b"))
    await store.write(lambda conn: reserve_scns(conn, wanted, DAY))
    assert await store.write(lambda conn: use_scns(conn, ["a"], DAY)) == 1
    assert await store.write(lambda conn: use_scns(conn, ["a"], date(2025, 3, 11))) == 0
    assert await store.write(lambda conn: free_scns(conn, [*wanted, *asks(("SFIC1111", "z"))])) == 1
    again = asks(("SFIC1111", "c"), ("SFIC2222", "d"))
    for day in (DAY, date(2028, 3, 10)):
        refused = await store.write(lambda conn, day=day: reserve_scns(conn, again, day))
        assert [(one.holder_key, one.used_on, one.free_after) for one in refused] == [("a", DAY, date(2028, 3, 10))]
    assert await store.write(lambda conn: reserve_scns(conn, again, date(2028, 3, 11))) == []
    assert [one.holder_key for one in await store.write(lambda conn: reserve_scns(conn, wanted, DAY))] == ["c", "d"]


async def test_a_number_used_on_29_february_is_not_free_early(store: Store) -> None:
    """Three years after a leap day end on 1 March."""
    await store.write(lambda conn: reserve_scns(conn, asks(("SFIC1111", "a")), date(2024, 2, 29)))
    await store.write(lambda conn: use_scns(conn, ["a"], date(2024, 2, 29)))
    refused = await store.write(lambda conn: reserve_scns(conn, asks(("SFIC1111", "b")), date(2027, 3, 1)))
    assert refused[0].free_after == date(2027, 3, 1)


async def test_a_key_opens_until_it_is_revoked(store: Store) -> None:
    """Only the hash of a key is kept; unknown, mangled, empty and revoked keys are nobody."""
    key, secret = await store.write(lambda conn: identity.create_key(conn, "desk", Role.BROKER, now=NOW, licensed=True))
    assert await store.read(partial(identity.authenticate, presented=secret)) == key
    for wrong in ("", secret[:-1], secret + "x", "x" * 5000, identity.make_secret()):
        assert await store.read(partial(identity.authenticate, presented=wrong)) is None
    kept = await store.read(lambda conn: str(conn.execute(select(api_keys)).mappings().all()))
    assert secret not in kept
    assert secret.removeprefix(identity.PREFIX) not in kept
    await store.write(lambda conn: identity.touch(conn, [key.id], NOW))
    assert (await store.read(identity.list_keys))[0].last_used_at == NOW
    assert await store.write(lambda conn: identity.revoke_key(conn, key.id, NOW))
    assert not await store.write(lambda conn: identity.revoke_key(conn, key.id, NOW))
    assert await store.read(partial(identity.authenticate, presented=secret)) is None
    assert (await store.read(identity.list_keys))[0].revoked_at == NOW


async def test_only_a_named_broker_can_be_licensed(store: Store) -> None:
    """A licence on another role, or a key without a name, is refused."""
    with pytest.raises(ValueError, match="only a broker"):
        await store.write(lambda conn: identity.create_key(conn, "d", Role.DISPATCH, now=NOW, licensed=True))
    with pytest.raises(ValueError, match="needs a name"):
        await store.write(lambda conn: identity.create_key(conn, "", Role.ADMIN, now=NOW))
