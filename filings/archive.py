"""What can be proved about the past?

Rules: every transmission, decision, human act and document is appended once and never changed; the
database refuses UPDATE and DELETE. An entry's leaf is SHA-256(00 || header), where the header is
the canonical JSON of every column, the SHA-256 of the original bytes and the SHA-256 of the bytes
as stored among them; leaves form an RFC 6962 tree whose size and root stand in ``archive_head``.
So a changed byte, a missing, added or moved entry shows. An attacker who rewrites everything,
head included, is shown only by a checkpoint kept elsewhere: compare with :class:`Checkpoint`.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from filings.merkle import EMPTY_ROOT, Frontier, consistency_proof, inclusion_proof, leaf_hash, tree_root
from filings.store.database import hold_journal
from filings.store.tables import archive_entries, archive_head
from filings.store.types import canonical_json

Row = RowMapping | dict[str, Any]

PAGE = 64  # entries held in memory at a time while reading through: a body may be megabytes
HEADER_VERSION = 1
SAMPLE = 4_096  # bytes by which it is told whether a body shrinks
SMALL = 1_024  # bytes up to which that is not asked
WORTH = 0.9  # what the sample must shrink to


class EntryKind(StrEnum):
    """What an archive entry is evidence of."""

    TRANSMISSION = "transmission"
    DECISION = "decision"
    ACT = "act"
    DOCUMENT = "document"


SUBJECTS = ("trip_number", "shipment_key", "filing_id", "transmission_id", "scn", "entry_number")
"""What an entry may be about: columns that can be searched."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to keep: ``body`` is the exact bytes, ``actor`` the person, key or rule book that answers for it."""

    kind: EntryKind
    name: str
    body: bytes = field(repr=False)
    recorded_at: datetime
    content_type: str = "application/octet-stream"
    actor: str = "gateway"
    trip_number: str | None = None
    shipment_key: str | None = None
    filing_id: str | None = None
    transmission_id: str | None = None
    scn: str | None = None
    entry_number: str | None = None


@dataclass(frozen=True, slots=True)
class ArchivedEntry:
    """An entry as kept: its place, its header (what the leaf is made of) and its leaf hash."""

    position: int
    entry: Entry
    header: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Size and root of the archive at one moment; keep it outside the database to prove later what was there."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class ArchiveVerification:
    """``verified`` is true when every entry and the root agree; else ``first_bad`` and ``reason`` say where and why."""

    entries: int
    verified: bool
    first_bad: int | None
    root: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """What an auditor needs beside the entry: check with ``filings.merkle.verify_inclusion``."""

    position: int
    leaf_hash: bytes
    size: int
    root: bytes
    path: tuple[bytes, ...]


class ArchiveError(Exception):
    """An entry cannot be read as it was written."""


def digest(body: bytes) -> str:
    """SHA-256 of exact bytes in hexadecimal: how a payload is named outside the archive."""
    return hashlib.sha256(body).hexdigest()


def _header(row: Row) -> bytes:
    recorded: datetime = row["recorded_at"]
    return canonical_json(
        {
            "version": HEADER_VERSION,
            "position": row["position"],
            "kind": row["kind"],
            "name": row["name"],
            "actor": row["actor"],
            **{name: row[name] for name in SUBJECTS},
            "recorded_at": recorded.astimezone(UTC).isoformat(timespec="microseconds"),
            "content_type": row["content_type"],
            "body_size": row["body_size"],
            "body_sha256": row["body_sha256"].hex(),
            "stored_sha256": row["stored_sha256"].hex(),
        }
    )


def _row(position: int, entry: Entry, stored: bytes) -> dict[str, Any]:
    row: dict[str, Any] = {
        "position": position,
        "kind": entry.kind.value,
        "name": entry.name,
        "actor": entry.actor,
        **{name: getattr(entry, name) for name in SUBJECTS},
        "recorded_at": entry.recorded_at,
        "content_type": entry.content_type,
        "body": stored,
        "body_size": len(entry.body),
        "body_sha256": hashlib.sha256(entry.body).digest(),
        "stored_sha256": hashlib.sha256(stored).digest(),
    }
    row["leaf_hash"] = leaf_hash(_header(row))
    return row


def _deflate(body: bytes) -> bytes:
    """The body compressed, without effort where that gains nothing: what is enciphered or packed does not shrink."""
    sample = body[:SAMPLE]
    shrinks = len(body) < SMALL or len(zlib.compress(sample, 1)) < len(sample) * WORTH
    return zlib.compress(body, 6 if shrinks else 0)


def append(conn: Connection, entries: Iterable[Entry]) -> range:
    """Append entries in order, in the caller's transaction; gives their positions.

    From here to the commit no other transaction can append: call it late. What takes long is done before.
    """
    packed = [(entry, _deflate(entry.body)) for entry in entries]
    hold_journal(conn)
    head = conn.execute(select(archive_head.c.size, archive_head.c.frontier)).one()
    frontier = Frontier(head.size, tuple(bytes.fromhex(peak) for peak in head.frontier))
    position = first = frontier.size
    page: list[dict[str, Any]] = []

    def flush() -> None:
        nonlocal frontier
        if page:
            conn.execute(insert(archive_entries), page)
            frontier = frontier.extend(row["leaf_hash"] for row in page)
            page.clear()

    for entry, stored in packed:
        page.append(_row(position, entry, stored))
        position += 1
        if len(page) == 500:
            flush()
    flush()
    if position > first:
        new_head = {
            "size": frontier.size,
            "root": frontier.root(),
            "frontier": [peak.hex() for peak in frontier.peaks],
        }
        conn.execute(update(archive_head).values(new_head))
    return range(first, position)


def checkpoint(conn: Connection) -> Checkpoint:
    """Size and root as the head says; :func:`verify` shows whether the entries agree."""
    head = conn.execute(select(archive_head.c.size, archive_head.c.root)).one()
    return Checkpoint(head.size, bytes(head.root))


def read(conn: Connection, position: int) -> ArchivedEntry | None:
    """The entry at ``position``, decompressed and checked; ``None`` if there is none. Raises :class:`ArchiveError`."""
    row = conn.execute(select(archive_entries).where(archive_entries.c.position == position)).mappings().one_or_none()
    return None if row is None else _opened(row)


def search(
    conn: Connection, *, after: int = -1, limit: int = 100, kind: EntryKind | None = None, **subjects: str
) -> list[ArchivedEntry]:
    """Entries after a position that are about all the given subjects (``trip_number=…``, ``scn=…``)."""
    unknown = subjects.keys() - set(SUBJECTS)
    if unknown:
        raise ValueError(f"the archive cannot be searched by {', '.join(sorted(unknown))}")
    query = select(archive_entries).where(archive_entries.c.position > after)
    if kind is not None:
        query = query.where(archive_entries.c.kind == kind.value)
    for name, value in subjects.items():
        query = query.where(archive_entries.c[name] == value)
    rows = conn.execute(query.order_by(archive_entries.c.position).limit(limit)).mappings()
    return [_opened(row) for row in rows]


def _opened(row: Row) -> ArchivedEntry:
    fault = _fault(row)
    if fault:
        raise ArchiveError(f"entry {row['position']}: {fault}")
    values = {name: row[name] for name in ("name", "actor", "recorded_at", "content_type", *SUBJECTS)}
    entry = Entry(kind=EntryKind(row["kind"]), body=_inflate(row["body"], row["body_size"]), **values)
    return ArchivedEntry(row["position"], entry, _header(row), bytes(row["leaf_hash"]))


def _inflate(stored: bytes, size: int) -> bytes:
    reader = zlib.decompressobj()
    # One byte more than promised: a body that grew is noticed without being read to its end.
    body = reader.decompress(stored, size + 1)
    if len(body) != size or not reader.eof or reader.unused_data:
        raise ArchiveError("the stored bytes are not the size the header says")
    return body


def _fault(row: Row) -> str:
    """What is wrong with one row taken by itself; empty when nothing is."""
    try:
        stored = bytes(row["body"])
        if hashlib.sha256(stored).digest() != bytes(row["stored_sha256"]):
            return "the stored bytes were changed"
        if hashlib.sha256(_inflate(stored, row["body_size"])).digest() != bytes(row["body_sha256"]):
            return "the body was changed"
        if leaf_hash(_header(row)) != bytes(row["leaf_hash"]):
            return "the header was changed"
    except (ArchiveError, zlib.error, TypeError, ValueError, AttributeError, OverflowError) as error:
        return f"the entry cannot be read: {error}"
    return ""


def verify(conn: Connection, *, against: Checkpoint | None = None) -> ArchiveVerification:
    """Recompute every leaf and the root in flat memory and compare with the head, and with a checkpoint if given."""
    head = conn.execute(select(archive_head)).mappings().one_or_none()
    frontier, expected = Frontier(), 0
    old_root = EMPTY_ROOT

    def bad(position: int | None, reason: str) -> ArchiveVerification:
        return ArchiveVerification(expected, False, position, frontier.root().hex(), reason)

    for row in _pages(conn):
        if row["position"] != expected:
            return bad(expected, f"entry {expected} is missing")
        fault = _fault(row)
        if fault:
            return bad(expected, fault)
        if against is not None and expected == against.size:
            old_root = frontier.root()
        frontier = frontier.extend((bytes(row["leaf_hash"]),))
        expected += 1
    if against is not None:
        old_root = frontier.root() if expected == against.size else old_root
        if expected < against.size or old_root != against.root:
            return bad(None, f"the first {against.size} entries are not those of the checkpoint")
    if head is None:
        return bad(None, "the head is missing")
    if head["size"] != expected:
        return bad(min(head["size"], expected), f"the head counts {head['size']} entries, there are {expected}")
    if bytes(head["root"]) != frontier.root() or [p.hex() for p in frontier.peaks] != head["frontier"]:
        return bad(None, "the root is not the one in the head")
    return ArchiveVerification(expected, True, None, frontier.root().hex())


def _pages(conn: Connection) -> Iterator[Row]:
    after: int | None = None
    while True:
        query = select(archive_entries).order_by(archive_entries.c.position).limit(PAGE)
        rows = (
            conn.execute(query if after is None else query.where(archive_entries.c.position > after)).mappings().all()
        )
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1]["position"]


def _stored_range_root(conn: Connection, start: int, end: int) -> bytes:
    def leaves() -> Iterator[bytes]:
        after = start - 1
        while after < end - 1:
            stop = min(after + 10_000, end - 1)
            place = archive_entries.c.position
            rows = conn.execute(
                select(archive_entries.c.leaf_hash).where(place > after, place <= stop).order_by(place)
            ).scalars()
            yield from (bytes(row) for row in rows)
            after = stop

    return tree_root(leaves())


def prove_inclusion(conn: Connection, position: int) -> InclusionProof:
    """The proof that an entry is under the present root. Raises ``ValueError`` if there is no such entry."""
    head = checkpoint(conn)
    path = inclusion_proof(position, head.size, lambda start, end: _stored_range_root(conn, start, end))
    leaf = conn.execute(select(archive_entries.c.leaf_hash).where(archive_entries.c.position == position)).scalar_one()
    return InclusionProof(position, bytes(leaf), head.size, head.root, path)


def prove_consistency(conn: Connection, older: Checkpoint) -> tuple[bytes, ...]:
    """The nodes that show that the present archive only added to ``older``; see ``merkle.verify_consistency``."""
    size = checkpoint(conn).size
    return consistency_proof(older.size, size, lambda start, end: _stored_range_root(conn, start, end))
