"""Do the books agree? The auditor of the simulation looks at what real processes left behind.

Its witnesses are the same, only written by others: CBP's books and the journal of what it got and gave, as the
simulated CBP wrote them into its file, and the gateways' PostgreSQL. What only several processes can break (a
declaration made twice by two of them, a lease that nobody gave up) is looked at here.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from filings.store import Store
from tests.simulation.auditor import Auditor
from tests.simulation.broken import Broken
from tests.simulation.broker import Answered
from tests.simulation.databases import ServerDatabase
from tests.simulation.evidence import read_declaration
from tests.simulation.network import Given, Journal, Network, Sent
from tests.simulation.settled import final
from tests.simulation.world import World

FILED = frozenset({"309", "SE"})


class Books:
    """The file of the simulated CBP, after it has ended."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self._file.row_factory = sqlite3.Row

    def rows(self, query: str) -> Sequence[sqlite3.Row]:
        """Rows of a query."""
        return self._file.execute(query).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Road:
    """What the auditor asks of the network: CBP's books, and the journal of what went to and fro."""

    def __init__(self, books: Books) -> None:
        self.cbp = self
        self.store = books
        self.journal = Journal(sent=list(_sent(books)), given=list(_given(books)))


def _sent(books: Books) -> list[Sent]:
    """What reached CBP, each time it did; the envelope is open by then, so the bytes are those within."""
    payloads: dict[int, bytes] = {}
    found = []
    for row in books.rows("select id, message_id, name, payload, received_at, repeats from received order by id"):
        payload = payloads[row["repeats"]] if row["repeats"] is not None else bytes(row["payload"])
        payloads[row["id"]] = payload
        body = b"\n".join((row["message_id"].encode(), b"", payload))
        at = datetime.fromisoformat(row["received_at"])
        found.append(Sent(at, "", row["name"], row["message_id"], body, "delivered", reached=True, receipted=True))
    return found


def _given(books: Books) -> list[Given]:
    """What CBP gave us, in its order, and whether it has our receipt."""
    query = "select id, kind, message_id, payload, sent_at, state from answer where sent_at is not null order by id"
    return [
        Given(
            datetime.fromisoformat(row["sent_at"]),
            row["id"],
            row["kind"],
            row["message_id"],
            bytes(row["payload"]),
            receipted=row["state"] == "sent",
        )
        for row in books.rows(query)
    ]


async def agree(store: Store, path: Path, answered: Answered) -> Auditor:
    """Raise :class:`Broken` for the first promise that is not kept; else the auditor with what it has read."""
    books = Books(path)
    try:
        road = Road(books)
        auditor = Auditor(cast("World", None), ServerDatabase(store), cast("Network", road), answered)
        await final(auditor)
        _declared_once(road.journal.sent, auditor)
        _nothing_missing(books, auditor)
        await _numbers_are_unique(auditor)
        await _nobody_holds_anything(auditor)
    finally:
        books.close()
    return auditor


def _declared_once(sent: Sequence[Sent], auditor: Auditor) -> None:
    """Each bill and each entry has left in one declaration, under one control number, however often it was sent."""
    bills: dict[str, set[str]] = defaultdict(set)
    entries: dict[str, set[str]] = defaultdict(set)
    of_scn: dict[str, set[str]] = defaultdict(set)
    for one in sent:
        declared = read_declaration(one.payload)
        for scn in declared.bills:
            bills[scn].add(declared.control)
        for number, (_digest, action, scn) in declared.entries.items():
            if action == "A":
                entries[number].add(declared.control)
                of_scn[scn].add(number)
    for what, found in (("bill", bills), ("entry", entries), ("shipment", of_scn)):
        for name, controls in found.items():
            if len(controls) > 1:
                raise Broken("nothing is filed twice", f"{what} {name} left in {', '.join(sorted(controls))}")
    ours = {row["scn"] for row in auditor.shipments.values() if row["pathway"] != "review"}
    if ours != set(bills):
        raise Broken("everything is filed", f"bills not declared, or not ours: {sorted(ours ^ set(bills))[:5]}")
    numbers = {row["entry_number"] for row in auditor.filings.values() if row["kind"] == "entry"}
    if numbers != set(entries):
        raise Broken("everything is filed", f"entries not declared, or not ours: {sorted(numbers ^ set(entries))[:5]}")


def _nothing_missing(books: Books, auditor: Auditor) -> None:
    """What we hold as accepted is what CBP holds."""
    for kind, column, table in (("manifest_state", "scn", "bill"), ("entry_state", "number", "entry")):
        name = "scn" if table == "bill" else "entry_number"
        ours = {row[name] for row in auditor.shipments.values() if row[kind] == "accepted"}
        theirs = {row[column] for row in books.rows(f"select {column} from {table}")}
        if ours != theirs:
            text = f"{table}: {sorted(ours - theirs)[:3]} only here, {sorted(theirs - ours)[:3]} only at CBP"
            raise Broken("our books are CBP's", text)


async def _numbers_are_unique(auditor: Auditor) -> None:
    """No control number, SCN, entry number or batch reference was given out twice."""
    given: dict[str, list[Any]] = {
        "control number": [(one["application"], one["control_number"]) for one in auditor.out.values()],
        "shipment control number": [one["scn"] for one in auditor.shipments.values()],
        "entry number": [one["entry_number"] for one in auditor.filings.values() if one["entry_number"]],
    }
    for what, numbers in given.items():
        twice = [number for number, count in Counter(numbers).items() if count > 1]
        if twice:
            raise Broken("no control number is used again", f"{what} {twice[0]}")


_PLANNED: Final = "SELECT 1 FROM trips WHERE plan_stage = 'done' AND leases.name LIKE '%:' || trips.trip_number"


async def _nobody_holds_anything(auditor: Auditor) -> None:
    """No lease is left on anything that somebody may wait for.

    A process killed between the last step of a trip and letting go of it leaves the name behind: nobody asks for it.
    """
    rows = auditor.database.rows
    for what, query in (
        ("a file", "SELECT name AS held FROM transmissions WHERE lease_owner IS NOT NULL OR lease_until IS NOT NULL"),
        ("work", f"SELECT name AS held FROM leases WHERE NOT EXISTS ({_PLANNED})"),
        ("a receipt", "SELECT message_id AS held FROM owed_receipts WHERE lease_owner IS NOT NULL"),
        ("a request", "SELECT key AS held FROM idempotency WHERE status = 0"),
    ):
        if found := await rows(query):
            raise Broken("everything settles", f"{what} is still leased: {found[0]['held']}")
