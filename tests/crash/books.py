"""Do our books and CBP's agree? The auditor of the simulation, with CBP's books on disk as its witness.

CBP's own books give the journal: each file that CBP has taken, each answer it has made and whether we signed for it.
The auditor looks at what a dead gateway has left before anybody touches it, and at the end; then the promises that
only hold at an end are checked, and an :class:`Outcome` is drawn up that is the same for every day that went well.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from filings import archive
from filings.store import Store
from filings.store.database import Work
from sandbox.cbp import Cbp
from tests.simulation.auditor import Auditor
from tests.simulation.broken import Broken
from tests.simulation.broker import Answered
from tests.simulation.databases import Database, ServerDatabase
from tests.simulation.network import Given, Journal, Network, Sent
from tests.simulation.settled import final
from tests.simulation.world import World

T = TypeVar("T")


class Witnessed:
    """The store that is looked at, now one that a dead gateway left, now the one at the end."""

    def __init__(self) -> None:
        self.store: Store | None = None

    async def read(self, work: Work[T]) -> T:
        assert self.store is not None
        return await self.store.read(work)

    async def rows(self, query: str, **values: Any) -> Sequence[Mapping[str, Any]]:
        assert self.store is not None
        return await ServerDatabase(self.store).rows(query, **values)


@dataclass
class CbpJournal:
    """What was on the way, by CBP's books."""

    cbp: Cbp
    folder: Path | None = None
    """Where CBP lays its answers, if files travel through folders."""
    journal: Journal = field(default_factory=Journal)

    def read(self) -> None:
        """Take in what CBP has written since."""
        books = self.cbp.store
        files = books.rows(
            "select received.id, received.name, received.message_id, received.received_at, original.payload"
            " from received join received as original on original.id = coalesce(received.repeats, received.id)"
            " where received.id > ? order by received.id",
            len(self.journal.sent),
        )
        for row in files:
            message_id = row["message_id"] or row["name"]  # a file in a folder has its name alone
            body = b"\n".join((message_id.encode(), b"", bytes(row["payload"])))
            at = datetime.fromisoformat(row["received_at"])
            sent = Sent(at, "gateway", row["name"], message_id, body, "delivered", reached=True, receipted=True)
            self.journal.sent.append(sent)
        answers = books.rows("select id, kind, message_id, payload, state, created_at from answer order by id")
        for row in answers[len(self.journal.given) :]:
            at = datetime.fromisoformat(row["created_at"])
            self.journal.given.append(Given(at, row["id"], row["kind"], row["message_id"], bytes(row["payload"])))
        for given, row in zip(self.journal.given, answers, strict=True):
            given.message_id, given.receipted = row["message_id"], row["state"] == "sent"
            if self.folder is not None and given.receipted:  # it was laid there; taken is what has been moved away
                name = given.message_id.rpartition("/")[2]
                given.message_id = f"file:{name}:{hashlib.sha256(given.payload).hexdigest()}"
                given.receipted = not (self.folder / name).exists()


class Books:
    """Ours and CBP's, compared whenever asked."""

    def __init__(self, cbp: Cbp, answered: Answered, folder: Path | None = None) -> None:
        self._cbp = cbp
        self._journal = CbpJournal(cbp, folder)
        self._database = Witnessed()
        network = cast("Network", self._journal)
        self.auditor = Auditor(World(0), cast("Database", self._database), network, answered)
        self._bodies: dict[str, str] = {}

    def went_out(self, sent: Sequence[tuple[str, str]]) -> None:
        """What a process said it was about to send: the same bytes under the same message id, in every life."""
        for message_id, digest in sent:
            if self._bodies.setdefault(message_id, digest) != digest:
                raise Broken("bytes are resent unchanged", f"{message_id} left in two shapes")

    async def look(self, store: Store) -> None:
        """What must hold at any moment, also of what a dead gateway has left."""
        self._database.store = store
        self._journal.read()
        await self.auditor.look()
        reached = {sent.name for sent in self._journal.journal.sent}
        for row in self.auditor.out.values():
            if row["state"] == "delivered" and row["name"] not in reached:
                raise Broken("no state is ahead of the evidence", f"{row['name']} is delivered, and CBP has not got it")

    async def close(self, store: Store) -> Outcome:
        """What must hold at the end."""
        await self.look(store)
        await self.auditor.archive.whole()
        verified = await store.read(archive.verify)
        if not verified.verified:
            raise Broken("the archive is complete", "it does not verify")
        await final(self.auditor)
        await self._nothing_hangs()
        self._once_at_cbp()
        return await self._outcome()

    async def _nothing_hangs(self) -> None:
        """No lease, no claim and no half-made thing of a dead process is left."""
        for table in ("transmissions", "owed_receipts"):
            if await self._database.rows(f"SELECT id FROM {table} WHERE lease_owner IS NOT NULL"):
                raise Broken("nothing hangs", f"a lease on {table} is left")
        if await self._database.rows("SELECT id FROM owed_receipts WHERE state <> 'given'"):
            raise Broken("nothing hangs", "a receipt is owed and was not given")
        if await self._database.rows("SELECT key FROM idempotency WHERE status = 0"):
            raise Broken("nothing hangs", "a key is still claimed")
        if await self._database.rows("SELECT trip_number FROM trips WHERE plan_stage <> 'done'"):
            raise Broken("nothing hangs", "a trip is still being made")
        if await self._database.rows("SELECT id FROM transmissions WHERE doubt_since IS NOT NULL"):
            raise Broken("nothing hangs", "a doubt is not settled")

    def _once_at_cbp(self) -> None:
        """CBP took each file once; whatever came again was the same file."""
        books = self._cbp.store
        twice = books.rows("select identity from received where repeats is null group by identity having count(*) > 1")
        if twice:
            raise Broken("no control number is used again", f"CBP has two files {twice[0]['identity']}")

    async def _outcome(self) -> Outcome:
        rows, books = self._database.rows, self._cbp.store
        names = {row["key"]: row["scn"] for row in self.auditor.shipments.values()}
        numbers = {row["entry_number"]: row["scn"] for row in self.auditor.filings.values() if row["entry_number"]}
        told: dict[str, Counter[str]] = defaultdict(Counter)
        for row in await rows("SELECT stream, type FROM events"):
            told[names.get(row["stream"], row["stream"])][row["type"]] += 1
        versions = await rows("SELECT filing_id, version, state FROM filing_versions")
        filings = self.auditor.filings
        cbp_versions = books.rows("select number, version, action, state from entry_version")
        alerts = await rows("SELECT kind FROM alerts WHERE settled_at IS NULL")
        acts = [row["name"] for row in await rows("SELECT name FROM archive_entries WHERE kind = 'act'")]
        acts = [name for name in acts if name != REPEATED] + sorted({REPEATED} & set(acts))
        return Outcome(
            trips=sorted((row["trip_number"], row["state"]) for row in self.auditor.trips.values()),
            shipments={
                row["scn"]: (row["state"], row["manifest_state"], row["entry_state"], row["pathway"])
                for row in self.auditor.shipments.values()
            },
            filings=sorted((row["kind"], row["scn"] or "", row["state"], row["version"]) for row in filings.values()),
            versions=sorted(
                (
                    filings[row["filing_id"]]["kind"],
                    filings[row["filing_id"]]["scn"] or "",
                    row["version"],
                    row["state"],
                )
                for row in versions
            ),
            sent=Counter(row["application"] for row in self.auditor.out.values()),
            events={
                stream: Counter({t: n for t, n in types.items() if t not in PASSING}) for stream, types in told.items()
            },
            passing={
                stream: Counter({t: n for t, n in types.items() if t in PASSING}) for stream, types in told.items()
            },
            alerts=sorted(row["kind"] for row in alerts),
            cbp_files=Counter(row["format"] for row in books.rows("select format from received where repeats is null")),
            cbp_bills={
                row["scn"]: (row["state"], row["quantity"], row["consignee"])
                for row in books.rows("select * from bill")
            },
            cbp_entries=sorted((numbers[row["number"]], row["state"]) for row in books.rows("select * from entry")),
            cbp_versions=sorted(
                (numbers[row["number"]], row["version"], row["action"], row["state"]) for row in cbp_versions
            ),
            acts=Counter(acts),
        )


PASSING: Final = frozenset({"filing.sent", "filing.in_doubt"})
"""Events about our way to CBP. An answer that is applied before our receipt is recorded outruns ``filing.sent``; a
death with the socket open brings ``filing.in_doubt``. Neither may be told more often than there was a file for it.
"""
REPEATED: Final = "stage_shipments"
"""The act that is archived for each time it is asked for: rows that are staged already are staged again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a day ended, without what may differ: identifiers, numbers, times, the order among streams."""

    trips: list[tuple[Any, ...]]
    shipments: dict[str, tuple[Any, ...]]
    filings: list[tuple[Any, ...]]
    versions: list[tuple[Any, ...]]
    sent: Counter[str]
    events: dict[str, Counter[str]]
    passing: dict[str, Counter[str]]
    alerts: list[str]
    cbp_files: Counter[str]
    cbp_bills: dict[str, tuple[Any, ...]]
    cbp_entries: list[tuple[Any, ...]]
    cbp_versions: list[tuple[Any, ...]]
    acts: Counter[str]

    def differences(self, other: Outcome) -> list[str]:
        """What is not as in the outcome of an undisturbed day, for whoever has to find out."""
        found = [
            f"{name}: {getattr(self, name)} and not {getattr(other, name)}"
            for name in self.__dataclass_fields__
            if name != "passing" and getattr(self, name) != getattr(other, name)
        ]
        for stream, types in self.passing.items():
            queued = self.events[stream]["filing.queued"]
            if max(types.values(), default=0) > queued:
                found.append(f"passing: {dict(types)} for {stream}, where {queued} were queued")
        return found

    def __str__(self) -> str:
        return json.dumps({name: str(getattr(self, name)) for name in self.__dataclass_fields__}, indent=1)
