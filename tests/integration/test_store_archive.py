"""The archive on both engines: what was kept can be read and proved, and any change shows."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from filings import archive
from filings.archive import Checkpoint, Entry, EntryKind
from filings.merkle import verify_consistency, verify_inclusion
from filings.store import Store
from tests.integration.store_rows import NOW, TRIP


def entries(count: int, first: int = 0) -> list[Entry]:
    """Entries of every kind and size."""
    return [
        Entry(
            list(EntryKind)[number % 4],
            f"entry {number}",
            f"ISA*{number}*".encode() * (number % 7) * 50,
            NOW,
            "application/edi-x12",
            actor="broker",
            trip_number=TRIP,
            scn=f"SFIC{number:08d}",
        )
        for number in range(first, first + count)
    ]


async def test_entries_are_read_back_and_verified(store: Store) -> None:
    """What was appended, in several commits, is read back exactly, found by subject, and verified."""
    assert await store.write(lambda conn: archive.append(conn, entries(70))) == range(70)
    assert await store.write(lambda conn: archive.append(conn, [])) == range(70, 70)
    assert await store.write(lambda conn: archive.append(conn, entries(60, 70))) == range(70, 130)
    verification = await store.read(archive.verify)
    assert (verification.entries, verification.verified, verification.first_bad) == (130, True, None)
    wanted = entries(130)
    kept = await store.read(lambda conn: archive.read(conn, 69))
    assert kept is not None
    assert kept.entry == wanted[69]
    assert await store.read(lambda conn: archive.read(conn, 130)) is None
    found = await store.read(lambda conn: archive.search(conn, scn="SFIC00000100"))
    assert [one.entry for one in found] == [wanted[100]]
    page = await store.read(lambda conn: archive.search(conn, after=9, limit=5, kind=EntryKind.ACT, trip_number=TRIP))
    assert [one.position for one in page] == [10, 14, 18, 22, 26]
    with pytest.raises(ValueError, match="cannot be searched by colour"):
        await store.read(lambda conn: archive.search(conn, colour="red"))


async def test_empty_archive_is_verified(store: Store) -> None:
    """Nothing yet is in order too."""
    verification = await store.read(archive.verify)
    assert (verification.entries, verification.verified) == (0, True)


async def test_rivals_append_without_gap(store: Store) -> None:
    """Appends from many tasks at once take one place after the other."""
    ranges = await asyncio.gather(*(store.write(partial(archive.append, entries=entries(3, 3 * n))) for n in range(20)))
    assert sorted(position for one in ranges for position in one) == list(range(60))
    assert (await store.read(archive.verify)).verified


async def test_what_is_undone_leaves_no_trace(store: Store) -> None:
    """A failed function has appended nothing, and the archive stays in order."""

    def fail(conn: Connection) -> None:
        archive.append(conn, entries(3))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await store.write(fail)
    assert await store.write(lambda conn: archive.append(conn, entries(2))) == range(2)
    assert (await store.read(archive.verify)).verified


async def test_every_entry_is_proved(store: Store) -> None:
    """An auditor with the root checks that an entry is there, and that a later archive only added."""
    await store.write(lambda conn: archive.append(conn, entries(11)))
    older = await store.read(archive.checkpoint)
    await store.write(lambda conn: archive.append(conn, entries(14, 11)))
    newer = await store.read(archive.checkpoint)
    for position in range(25):
        proof = await store.read(partial(archive.prove_inclusion, position=position))
        assert (proof.size, proof.root) == (newer.size, newer.root)
        assert verify_inclusion(proof.leaf_hash, position, proof.size, proof.path, newer.root)
    path = await store.read(partial(archive.prove_consistency, older=older))
    assert verify_consistency(older.size, newer.size, older.root, newer.root, path)
    assert (await store.read(partial(archive.verify, against=older))).verified
    other = Checkpoint(older.size, newer.root)
    assert not (await store.read(partial(archive.verify, against=other))).verified


COLUMNS = (
    "kind name actor trip_number shipment_key filing_id transmission_id scn entry_number recorded_at content_type "
    "body body_size body_sha256 stored_sha256 leaf_hash"
).split()

NEW_VALUES = {
    "kind": "'act'",
    "recorded_at": "'2025-03-10 16:30:00.000001'",
    "body": "X'789c030000000001'",
    "body_size": "body_size + 1",
    "body_sha256": "X'00'",
    "stored_sha256": "X'00'",
    "leaf_hash": "(SELECT leaf_hash FROM archive_entries WHERE position = 1)",
}


def unprotected(conn: Connection) -> None:
    """Take the triggers away, as somebody with the database in his hands could."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("ALTER TABLE archive_entries DISABLE TRIGGER ALL"))
        conn.execute(text("ALTER TABLE archive_head DISABLE TRIGGER ALL"))
        return
    names = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
    for name in names:
        conn.execute(text(f"DROP TRIGGER {name}"))


async def tampered(store: Store, statement: str) -> archive.ArchiveVerification:
    """Verify the archive after a change behind its back."""
    await store.write(unprotected)
    if store.dialect == "postgresql":
        statement = statement.replace("X'", "'\\x")
    await store.write(lambda conn: conn.execute(text(statement.replace(":", "\\:"))) and None)
    return await store.read(archive.verify)


@pytest.mark.parametrize("column", COLUMNS)
async def test_a_change_to_any_column_shows(store: Store, column: str) -> None:
    """No column of an entry can be changed unseen; the entry is named."""
    await store.write(lambda conn: archive.append(conn, entries(9)))
    value = NEW_VALUES.get(column, "'changed'")
    found = await tampered(store, f"UPDATE archive_entries SET {column} = {value} WHERE position = 5")
    assert (found.verified, found.first_bad) == (False, 5)
    with pytest.raises(archive.ArchiveError):
        await store.read(lambda conn: archive.read(conn, 5))


OTHER_CHANGES = {
    "one dropped": "DELETE FROM archive_entries WHERE position = 4",
    "the last dropped": "DELETE FROM archive_entries WHERE position = 8",
    "all dropped": "DELETE FROM archive_entries",
    "one moved": "UPDATE archive_entries SET position = 100 WHERE position = 4",
    "two moved to the front": "UPDATE archive_entries SET position = -position WHERE position IN (7, 8)",
    "head lowered": "UPDATE archive_head SET size = 8",
    "root changed": "UPDATE archive_head SET root = X'00'",
    "frontier changed": "UPDATE archive_head SET frontier = '[]'",
    "head dropped": "DELETE FROM archive_head",
}


@pytest.mark.parametrize("name", OTHER_CHANGES)
async def test_a_missing_or_moved_entry_and_a_changed_head_show(store: Store, name: str) -> None:
    """Dropping, moving or swapping entries, or changing the head, is found."""
    await store.write(lambda conn: archive.append(conn, entries(9)))
    found = await tampered(store, OTHER_CHANGES[name])
    assert not found.verified
    assert found.reason


async def test_swapped_entries_show_in_place(store: Store) -> None:
    """Two whole entries that changed places are found although each is intact."""
    await store.write(lambda conn: archive.append(conn, entries(9)))
    await store.write(unprotected)

    def swap(conn: Connection) -> None:
        for old, new in ((3, -1), (6, 3), (-1, 6)):
            conn.execute(text(f"UPDATE archive_entries SET position = {new} WHERE position = {old}"))

    await store.write(swap)
    found = await store.read(archive.verify)
    assert (found.verified, found.first_bad) == (False, 3)


async def test_an_added_entry_shows(store: Store) -> None:
    """An entry slipped in behind the last one, well formed as it is, is not under the root."""
    await store.write(lambda conn: archive.append(conn, entries(9)))
    head = await store.read(archive.checkpoint)
    await store.write(lambda conn: archive.append(conn, entries(1, 9)))

    def put_head_back(conn: Connection) -> None:
        conn.execute(text("UPDATE archive_head SET size = 9"))

    await store.write(put_head_back)
    found = await store.read(archive.verify)
    assert (found.verified, found.first_bad) == (False, 9)
    assert head.size == 9


async def test_any_byte_flipped_in_the_file_of_bodies_shows(tmp_path: Path) -> None:
    """Each byte of a stored body, flipped in turn, is found."""
    path = tmp_path / "gateway.db"
    async with await Store.open(path) as store:
        await store.write(lambda conn: archive.append(conn, entries(3, 1)))
        await store.write(unprotected)
        body: bytes = await store.read(
            lambda conn: conn.execute(text("SELECT body FROM archive_entries WHERE position = 1")).scalar_one()
        )
        with sqlite3.connect(path) as other:
            for place in range(len(body)):
                for bit in (0x01, 0x80):
                    changed = body[:place] + bytes([body[place] ^ bit]) + body[place + 1 :]
                    other.execute("UPDATE archive_entries SET body = ? WHERE position = 1", (changed,))
                    other.commit()
                    found = await store.read(archive.verify)

                    assert (found.verified, found.first_bad) == (False, 1), place
            other.execute("UPDATE archive_entries SET body = ? WHERE position = 1", (body,))
            other.commit()
        other.close()
        assert (await store.read(archive.verify)).verified


def test_a_body_that_would_swell_is_not_read_to_its_end() -> None:
    """A stored body that unpacks to more than it says is refused after one byte too many."""
    import zlib

    inflate: Callable[[bytes, int], bytes] = archive._inflate
    with pytest.raises(archive.ArchiveError):
        inflate(zlib.compress(bytes(10_000_000)), 10)
