"""The archive, its tree and the identifiers under arbitrary input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, insert, update
from sqlalchemy.pool import StaticPool

from filings import archive
from filings.archive import Checkpoint, Entry, EntryKind
from filings.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    range_roots,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from filings.store.tables import archive_entries, archive_head, metadata
from filings.uuid7 import Uuid7Source

LEAVES = st.lists(st.binary(max_size=8).map(leaf_hash), min_size=1, max_size=80)
OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=OFFSETS)  # noqa: DTZ001
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)


@contextmanager
def empty_archive() -> Iterator[Connection]:
    """A database in memory with the tables but without the triggers."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as conn:
        metadata.create_all(conn, tables=[archive_entries, archive_head])
        conn.execute(insert(archive_head), {"id": 1, "size": 0, "root": EMPTY_ROOT, "frontier": []})
        yield conn
    engine.dispose()


@st.composite
def entry(draw: st.DrawFn) -> Entry:
    """Any entry."""
    return Entry(
        draw(st.sampled_from(EntryKind)),
        draw(NAMES),
        draw(st.binary(max_size=300)),
        draw(INSTANTS),
        scn=draw(st.none() | NAMES),
    )


@given(LEAVES, st.data())
def test_a_frontier_grown_in_pieces_is_the_tree(leaves: list[bytes], data: st.DataObject) -> None:
    """However the additions are cut, the root is the same."""
    cut = data.draw(st.integers(0, len(leaves)))
    assert Frontier().extend(leaves[:cut]).extend(leaves[cut:]).root() == tree_root(leaves)


@given(LEAVES, st.data())
def test_a_proof_belongs_to_one_entry_of_one_tree(leaves: list[bytes], data: st.DataObject) -> None:
    """A proof holds as it is and with no byte of it, or of the root, changed."""
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(index, len(leaves), range_roots(leaves))
    root = tree_root(leaves)
    assert verify_inclusion(leaves[index], index, len(leaves), proof, root)
    hashes = [*proof, root]
    which = data.draw(st.integers(0, len(hashes) - 1))
    place = data.draw(st.integers(0, 31))
    hashes[which] = bytes(b ^ (place == n) for n, b in enumerate(hashes[which]))
    assert not verify_inclusion(leaves[index], index, len(leaves), hashes[:-1], hashes[-1])


@given(LEAVES, st.data())
def test_consistency_holds_between_any_two_sizes(leaves: list[bytes], data: st.DataObject) -> None:
    """Any beginning of a list is shown to be its beginning, and no other root passes for it."""
    first = data.draw(st.integers(1, len(leaves)))
    proof = consistency_proof(first, len(leaves), range_roots(leaves))
    old, new = tree_root(leaves[:first]), tree_root(leaves)
    assert verify_consistency(first, len(leaves), old, new, proof)
    assert not verify_consistency(first, len(leaves), bytes(32), new, proof)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(entry(), max_size=6), max_size=5))
def test_what_is_appended_is_read_back_and_verified(batches: list[list[Entry]]) -> None:
    """Any entries in any batches come back as they were, under one root."""
    with empty_archive() as conn:
        for batch in batches:
            archive.append(conn, batch)
        wanted = [one for batch in batches for one in batch]
        assert [kept.entry for kept in archive.search(conn)] == wanted
        result = archive.verify(conn)
        assert (result.entries, result.verified) == (len(wanted), True)


@settings(max_examples=60, deadline=None)
@given(st.lists(entry(), min_size=1, max_size=8), st.data())
def test_any_flipped_bit_is_found(entries: list[Entry], data: st.DataObject) -> None:
    """One bit of any stored body or hash, flipped, is found and its entry named."""
    with empty_archive() as conn:
        archive.append(conn, entries)
        position = data.draw(st.integers(0, len(entries) - 1))
        column = data.draw(st.sampled_from(["body", "body_sha256", "stored_sha256", "leaf_hash"]))
        here = archive_entries.c.position == position
        value = conn.execute(archive_entries.select().where(here)).mappings().one()[column]
        bit = data.draw(st.integers(0, len(value) * 8 - 1))
        changed = bytearray(value)
        changed[bit // 8] ^= 1 << bit % 8
        conn.execute(update(archive_entries).where(here).values({column: bytes(changed)}))
        result = archive.verify(conn)
        assert (result.verified, result.first_bad) == (False, position)


@settings(max_examples=60, deadline=None)
@given(st.lists(entry(), min_size=1, max_size=8), st.data())
def test_a_rewritten_archive_does_not_match_an_older_checkpoint(entries: list[Entry], data: st.DataObject) -> None:
    """Somebody who builds a whole other archive is found by a checkpoint kept elsewhere."""
    with empty_archive() as conn:
        archive.append(conn, entries)
        kept: Checkpoint = archive.checkpoint(conn)
    which = data.draw(st.integers(0, len(entries) - 1))
    forged = [*entries]
    forged[which] = Entry(entries[which].kind, entries[which].name + "x", b"forged", entries[which].recorded_at)
    with empty_archive() as conn:
        archive.append(conn, forged)
        assert archive.verify(conn).verified
        assert not archive.verify(conn, against=kept).verified


@given(st.lists(st.integers(0, 2**47), min_size=1, max_size=50), st.integers(0, 2**32))
def test_identifiers_always_grow(clock: list[int], seed: int) -> None:
    """Whatever the clock does, each identifier is a version 7 UUID, greater than the one before, and repeatable."""

    def run() -> list[str]:
        times = iter(clock)
        source = Uuid7Source(lambda: next(times), lambda bits: seed % (1 << bits))
        return [str(source.next()) for _ in clock]

    made = run()
    assert made == sorted(set(made))
    assert all(one[14] == "7" and one[19] in "89ab" for one in made)
    assert made == run()
