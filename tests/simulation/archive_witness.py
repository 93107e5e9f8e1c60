"""Is the archive whole, and does its root prove it? Rebuilt entry by entry, without the gateway's own code.

The format is the documented one: a leaf is SHA-256 of a zero byte and the canonical JSON of the entry's columns, nodes
are joined as RFC 6962 says. What has been seen once must stay as it was, since the tree is only ever added to.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from filings import archive
from tests.simulation.broken import Broken
from tests.simulation.databases import Database

PROMISE: Final = "the archive is complete"
_SUBJECTS: Final = ("trip_number", "shipment_key", "filing_id", "transmission_id", "scn", "entry_number")


class ArchiveWitness:
    """What the archive holds, as far as it has been read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leaves: list[bytes] = []
        self._peaks: list[tuple[int, bytes]] = []
        self.queued: set[bytes] = set()
        """Payloads that were committed to be sent."""
        self.received: set[tuple[str, bytes]] = set()
        """Message id and payload of what came in."""
        self.acts: set[tuple[str, str]] = set()
        """Acts, each with its trip."""
        self.receipts: set[str] = set()
        """Names of transmissions whose receipt is kept."""
        self.judged: set[str] = set()
        """Trips with a decision."""

    async def look(self) -> None:
        """Read what has been added; the head must agree with it."""
        rows = await self._database.rows(
            "SELECT * FROM archive_entries WHERE position >= :next ORDER BY position", next=len(self._leaves)
        )
        for row in rows:
            if row["position"] != len(self._leaves):
                raise Broken(PROMISE, f"entry {len(self._leaves)} is missing")
            await self._read(dict(row))
        head = (await self._database.rows("SELECT size, root FROM archive_head"))[0]
        if head["size"] != len(self._leaves):
            raise Broken(PROMISE, f"the head counts {head['size']} entries, there are {len(self._leaves)}")
        if bytes(head["root"]) != self.root():
            raise Broken(PROMISE, "the root is not that of the entries")

    async def _read(self, row: dict[str, Any]) -> None:
        stored = bytes(row["body"])
        body = zlib.decompress(stored)
        header = {
            "version": 1,
            **{name: row[name] for name in ("position", "kind", "name", "actor", *_SUBJECTS)},
            "recorded_at": _instant(row["recorded_at"]).isoformat(timespec="microseconds"),
            "content_type": row["content_type"],
            "body_size": len(body),
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "stored_sha256": hashlib.sha256(stored).hexdigest(),
        }
        text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        leaf = hashlib.sha256(b"\0" + text.encode()).digest()
        if leaf != bytes(row["leaf_hash"]):
            raise Broken(PROMISE, f"entry {row['position']} is not what its leaf says")
        self._add(leaf)
        await self._note(row, body)

    async def _note(self, row: dict[str, Any], body: bytes) -> None:
        name, kind = row["name"], row["kind"]
        if kind == "transmission" and name.startswith("from "):
            found = await self._database.rows(
                "SELECT message_id FROM transmissions WHERE id = :id", id=row["transmission_id"]
            )
            self.received |= {(one["message_id"], body) for one in found}
        elif kind == "transmission" and name.startswith("receipt for "):
            self.receipts.add(name.removeprefix("receipt for "))
        elif kind == "transmission" and " to " in name:
            self.queued.add(body)
        elif kind == "act":
            self.acts.add((name, row["trip_number"]))
        elif kind == "decision":
            self.judged.add(row["trip_number"])

    async def whole(self) -> None:
        """At the end: every delivery has its receipt, every filed trip its decision."""
        for row in await self._database.rows("SELECT name FROM transmissions WHERE state = 'delivered'"):
            if row["name"] not in self.receipts:
                raise Broken(PROMISE, f"the receipt for {row['name']} is not in the archive")
        for row in await self._database.rows("SELECT trip_number FROM trips WHERE plan_stage = 'done'"):
            if row["trip_number"] not in self.judged:
                raise Broken(PROMISE, f"the decision on trip {row['trip_number']} is not in the archive")
        size = len(self._leaves)
        for position in {0, size // 3, size - 1} if size else ():
            proof = await self._database.read(partial(archive.prove_inclusion, position=position))
            if _proven(self._leaves[position], position, size, proof.path) != self.root():
                raise Broken(PROMISE, f"the proof of entry {position} does not lead to the root")

    def _add(self, leaf: bytes) -> None:
        self._leaves.append(leaf)
        size, peak = 1, leaf
        while self._peaks and self._peaks[-1][0] == size:
            _, left = self._peaks.pop()
            size, peak = size * 2, hashlib.sha256(b"\1" + left + peak).digest()
        self._peaks.append((size, peak))

    def root(self) -> bytes:
        """The root over all entries read."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            root = hashlib.sha256(b"\1" + left + root).digest()
        return root


def _proven(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root to which an audit path leads (RFC 9162, 2.1.3.2)."""
    root, at, last = leaf, index, size - 1
    for node in path:
        if at & 1 or at == last:
            root = hashlib.sha256(b"\1" + node + root).digest()
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\1" + root + node).digest()
        at, last = at >> 1, last >> 1
    return root


def _instant(value: Any) -> datetime:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
