"""Is every promise kept, at every moment? The auditor has its own reading of the truth and trusts nobody.

Its witnesses are CBP's books, the network's journal and the gateway's store, read as plain tables. It parses what was
sent and answered by itself (:mod:`tests.simulation.evidence`), counts events by itself and rebuilds the archive's tree
by itself. After each step it looks at what has changed; :class:`Broken` names the promise that is broken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from schemas.errors import TransportError
from tests.simulation.archive_witness import ArchiveWitness
from tests.simulation.broken import Broken
from tests.simulation.broker import Answered
from tests.simulation.databases import Database
from tests.simulation.evidence import Declared, Said, read_answer, read_declaration
from tests.simulation.network import Network, Sent
from tests.simulation.world import World

Row = Mapping[str, Any]

ENTERED: Final = frozenset({"type86", "informal"})


class Auditor:
    """Looks at one run."""

    def __init__(self, world: World, database: Database, network: Network, answered: Answered) -> None:
        self.world = world
        self.database = database
        self.network = network
        self.answered = answered
        self.archive = ArchiveWitness(database)
        self.looks = 0
        self.shipments: dict[str, Row] = {}
        self.filings: dict[str, Row] = {}
        self.out: dict[str, Row] = {}
        self._read_given = self._read_sent = 0
        self._cursor = 0
        self._streams: dict[str, int] = defaultdict(int)
        self._accepted_trips: dict[str, list[frozenset[str]]] = defaultdict(list)
        self._unread: set[str] = set()
        self._words: dict[str, list[Said]] = defaultdict(list)
        self._told_in: dict[Said, set[str]] = defaultdict(set)
        self._applied: set[str] = set()
        self._declared: dict[str, Declared] = {}
        self._by_control: dict[str, bytes] = {}
        self._by_message: dict[str, bytes] = {}
        self._by_entry: dict[str, str] = {}
        self._attempts: dict[str, list[Sent]] = defaultdict(list)
        self.withdrawn: set[str] = set()
        """Entries whose cancellation has reached CBP."""
        self._failed: list[str] = []

    def failed(self, process: str, worker: str, error: BaseException) -> None:
        """A worker's turn has failed; only the road may fail one."""
        self.world.note(f"{process} {worker}: {type(error).__name__}: {error}")
        if not isinstance(error, TransportError):
            self._failed.append(f"{process}: the {worker} failed: {error!r}")

    async def look(self) -> None:
        """Everything that must hold at any moment."""
        self.looks += 1
        if self._failed:
            raise Broken("no worker fails", self._failed[0])
        self._read_journal()
        await self._read_store()
        await self.archive.look()
        await self._events()
        self._inputs()
        self._what_left()
        self._evidence()
        self._in_force()

    # ---------------------------------------------------------------------------------- the witnesses

    def _read_journal(self) -> None:
        """What CBP has handed to our doors, and what has left us, since the last look."""
        given = self.network.journal.given
        for one in given[self._read_given :]:
            if not one.intact:
                continue
            answer = read_answer(one.payload)
            self._unread.add(answer.unread)
            for said in answer.said:
                if said.source == "355" and said.word == "accepted":
                    self._accepted_trips[said.about].append(answer.refused_bills)
                self._words[said.about].append(said)
                self._told_in[said].add(one.message_id)
        self._read_given = len(given)

    async def _read_store(self) -> None:
        rows = self.database.rows
        self.shipments = {
            row["key"]: row
            for row in await rows(
                "SELECT key, trip_number, shipment_id, scn, digest, pathway, state, manifest_state, entry_state,"
                " entry_number, entry_filing_id, sequence FROM shipments"
            )
        }
        self.filings = {
            row["id"]: row
            for row in await rows(
                "SELECT id, kind, trip_number, shipment_key, scn, entry_number, state, version, accepted_version"
                " FROM filings"
            )
        }
        self.out = {
            row["id"]: row
            for row in await rows(
                "SELECT id, name, application, control_number, trip_number, state, message_id, payload_digest,"
                " archive_position FROM transmissions WHERE direction = 'out'"
            )
        }
        self.carried = await rows(
            "SELECT filing_id, version FROM transmission_filings WHERE transmission_id IN"
            " (SELECT id FROM transmissions WHERE direction = 'out' AND state = 'in_doubt' AND answered_at IS NULL)"
        )
        applied = "SELECT message_id FROM transmissions WHERE direction = 'in' AND state <> 'received'"
        self._applied = {row["message_id"] for row in await rows(applied)}
        self.trips = {
            row["trip_number"]: row
            for row in await rows("SELECT trip_number, state, filed_at, plan_stage, arrived_at FROM trips")
        }

    # ------------------------------------------------------------------------- nothing acknowledged is lost

    def _inputs(self) -> None:
        """P1, P3: what we said yes to is there, word for word."""
        by_name = {(row["trip_number"], row["shipment_id"]): row for row in self.shipments.values()}
        for name, digest in self.answered.rows.items():
            kept = by_name.get(name)
            if kept is None or kept["digest"] != digest:
                raise Broken("no acknowledged input is lost", f"row {name} was taken, and what is there is not it")
        for name in self.answered.refused_rows & set(by_name):
            raise Broken("no acknowledged input is lost", f"row {name} was refused and is aboard")
        for trip in self.answered.trips:
            if trip not in self.trips:
                raise Broken("no acknowledged input is lost", f"trip {trip} was taken and is not there")
        for trip in self.answered.filed:
            if self.trips[trip]["filed_at"] is None:
                raise Broken("no acknowledged input is lost", f"the filing of {trip} was taken on and forgotten")
        for act, trip in self.answered.acts:
            if (act, trip) not in self.archive.acts:
                raise Broken("the archive is complete", f"{act} of {trip} was done, and the archive does not know")
        for one in self.network.journal.given:
            if one.receipted and (one.message_id, one.payload) not in self.archive.received:
                raise Broken("no acknowledged input is lost", f"{one.message_id} was receipted and is not kept")

    # --------------------------------------------------------------------------------------- what left us

    def _what_left(self) -> None:
        """P2: committed before the socket opened, the same bytes each time, no number twice, one 309 at a time."""
        journal = self.network.journal
        for one in journal.sent[self._read_sent :]:
            if one.payload not in self.archive.queued:
                raise Broken("the archive is complete", f"{one.name} left and is not in the archive")
            before = self._by_message.setdefault(one.message_id, one.body)
            if before != one.body:
                raise Broken("bytes are resent unchanged", f"{one.name} left twice as {one.message_id}, and differed")
            earlier = self._attempts[one.name]
            other = [was for was in earlier if was.message_id != one.message_id]
            if other and not any(was.fate == "damaged" for was in other if was.message_id == other[-1].message_id):
                text = f"{one.name} left as {one.message_id} after {other[-1].message_id} ({other[-1].fate})"
                raise Broken("bytes are resent unchanged", text)
            earlier.append(one)
            self._declares(one)
        self._read_sent = len(journal.sent)
        known = {row["name"]: row for row in self.out.values()}
        if len(known) < len(self.out):
            twice = next(row["name"] for row in self.out.values() if known[row["name"]] is not row)
            raise Broken("no control number is used again", f"two files are called {twice}")
        for name, attempts in self._attempts.items():
            row = known[name]
            reached = any(one.reached for one in attempts)
            receipted = any(one.receipted for one in attempts)
            if row["state"] == "delivered" and not receipted:
                raise Broken("no state is ahead of the evidence", f"{name} is delivered, and no receipt was given")
            if row["state"] == "queued" and reached and not any(one.fate == "damaged" for one in attempts):
                raise Broken("doubt is shown", f"CBP has {name}, and it is shown as never sent")

        self._doubt_shown()

    def _doubt_shown(self) -> None:
        """What we do not know of a file is shown of the entries it carries; a manifest may take several files."""
        for row in self.carried:
            filing = self.filings[row["filing_id"]]
            if filing["kind"] == "entry" and filing["version"] == row["version"] and filing["state"] == "queued":
                name = f"entry {filing['entry_number']}"
                raise Broken("doubt is shown", f"{name} is shown as waiting, and its file is in doubt")

    def _declares(self, sent: Sent) -> None:
        declared = read_declaration(sent.payload)
        repeated = declared.control in self._by_control
        before = self._by_control.setdefault(declared.control, sent.payload)
        if before != sent.payload:
            raise Broken("no control number is used again", f"{declared.control} left with other bytes ({sent.name})")
        for number, (digest, action, _scn) in declared.entries.items():
            if action == "D" and sent.reached:
                self.withdrawn.add(number)
            refused = any(said.word == "rejected" for said in self._words[number])
            if action == "A" and self._by_entry.get(number, digest) != digest and not refused:
                raise Broken("no control number is used again", f"entry {number} left with other content ({sent.name})")
            if action == "A":
                self._by_entry[number] = digest
        if declared.form == "x12" and not repeated:
            self._one_at_a_time(declared, sent)
        if declared.form == "catair" or not repeated or sent.name in self._declared:
            self._declared[sent.name] = declared

    def _one_at_a_time(self, declared: Declared, sent: Sent) -> None:
        earlier = [
            name
            for name, one in self._declared.items()
            if one.form == "x12" and one.trip == declared.trip and any(was.reached for was in self._attempts[name])
        ]
        unread = {name for name in earlier if str(int(self._declared[name].control.split(":")[1])) in self._unread}
        answers = {
            one.answer
            for one in self.network.journal.given
            if one.kind == "355" and declared.trip.encode() in one.payload
        }
        if len(earlier) > len(answers) + len(unread):
            raise Broken("one unanswered 309 per trip", f"{sent.name} left while {earlier[-1]} had no answer")

    # --------------------------------------------------------------------------------------------- evidence

    def _evidence(self) -> None:
        """No state is ahead of what CBP has said to us."""
        for row in self.shipments.values():
            name = f"shipment {row['scn']}"
            if row["manifest_state"] == "accepted" and not self._bill_accepted(row):
                raise Broken("no state is ahead of the evidence", f"{name}: bill accepted, and CBP has not said so")
            if row["entry_state"] == "accepted" and not self._entry_accepted(row["entry_number"]):
                raise Broken("no state is ahead of the evidence", f"{name}: entry accepted, and CBP has not said so")
            if row["state"] == "on_file":
                self._on_file(row, name)
            if row["state"] == "released":
                self._released(row, name)
        for row in self.filings.values():
            name = f"{row['kind']} filing {row['entry_number'] or row['trip_number']}"
            if row["state"] == "accepted" and not self._filing_accepted(row):
                raise Broken("no state is ahead of the evidence", f"{name} is accepted, and CBP has not said so")

    def _bill_accepted(self, row: Row) -> bool:
        return any(row["scn"] not in refused for refused in self._accepted_trips[row["trip_number"]])

    def _entry_accepted(self, number: str | None) -> bool:
        return any(said.word == "accepted" for said in self._words[number or ""])

    def _entry_on_file(self, number: str | None, *words: str) -> bool:
        """Accepted, or CBP has said something that it says only of entries on file whose bills are (SO 93, 97, 98)."""
        wanted = words or ("accepted", "on_file", "released")
        return any(said.word in wanted for said in self._words[number or ""])

    def _filing_accepted(self, row: Row) -> bool:
        if row["kind"] == "manifest":
            return bool(self._accepted_trips[row["trip_number"]])
        return self._entry_accepted(row["entry_number"])

    def _on_file(self, row: Row, name: str) -> None:
        matched = row["pathway"] in ENTERED and self._entry_on_file(row["entry_number"], "on_file", "released")
        if not self._bill_accepted(row) and not matched:
            raise Broken("no state is ahead of the evidence", f"{name} is on file without an acceptance of its bill")
        if row["pathway"] in ENTERED and not self._entry_on_file(row["entry_number"]):
            raise Broken("no state is ahead of the evidence", f"{name} is on file without an acceptance of its entry")

    def _released(self, row: Row, name: str) -> None:
        """CBP's release is in hand, and nothing that CBP dates later keeps the goods or takes it back."""
        said = [*self._words[row["scn"]], *self._words[row["entry_number"] or ""]]
        released = max((one.when for one in said if one.word == "released"), default="")
        if not released:
            raise Broken("no state is ahead of the evidence", f"{name} is released, and CBP has not said so")
        later = [one for one in said if one.word in {"taken_back", "kept", "cancelled"} and one.when > released]
        later = [
            one for one in later if self._told_in[one] & self._applied
        ]  # what waits in our inbox moved nothing yet
        if later:
            raise Broken("no state is ahead of the evidence", f"{name} is released, and then {later[-1]}")

    # -------------------------------------------------------------------------------------------- in force

    def _in_force(self) -> None:
        """P2: CBP never has two declarations of one shipment, and none that we know nothing of."""
        books = self.network.cbp.store
        mine = {row["scn"] for row in self.shipments.values()}
        numbers = {row["entry_number"] for row in self.filings.values() if row["entry_number"]}
        for bill in books.rows("select scn from bill where state <> 'DELETED'"):
            if bill["scn"] not in mine:
                raise Broken("at most one declaration in force", f"CBP has a bill {bill['scn']} that is not ours")
        found: dict[str, list[str]] = defaultdict(list)
        query = (
            "select entry.number as number, entry_bill.scn as scn from entry join entry_bill using (number)"
            " where entry.state <> 'CANCELLED' and not exists (select 1 from entry_version as asked"
            " where asked.number = entry.number and asked.action = 'D' and asked.state = 'ASKED') order by entry.number"
        )
        for one in books.rows(query):
            if one["number"] not in numbers:
                raise Broken("at most one declaration in force", f"CBP has an entry {one['number']} that is not ours")
            if one["number"] not in self.withdrawn:
                found[one["scn"]].append(one["number"])
        for scn, entries in found.items():
            if len(entries) > 1:
                raise Broken("at most one declaration in force", f"shipment {scn} has the entries {', '.join(entries)}")

    # ---------------------------------------------------------------------------------------------- events

    async def _events(self) -> None:
        """P7: one cursor without a gap, one sequence per shipment without a gap, and nothing is told twice."""
        rows = await self.database.rows(
            "SELECT cursor, stream, sequence, type FROM events WHERE cursor > :cursor ORDER BY cursor",
            cursor=self._cursor,
        )
        for row in rows:
            self._cursor += 1
            if row["cursor"] != self._cursor:
                raise Broken("events are in order", f"after cursor {self._cursor - 1} comes {row['cursor']}")
            self._streams[row["stream"]] += 1
            if row["sequence"] != self._streams[row["stream"]]:
                text = f"event {row['sequence']} of {row['stream']} where {self._streams[row['stream']]} was due"
                raise Broken("events are in order", text)
        for row in self.shipments.values():
            if row["sequence"] != self._streams[row["key"]]:
                text = f"shipment {row['scn']} counts {row['sequence']} events, there are {self._streams[row['key']]}"
                raise Broken("events are in order", text)
