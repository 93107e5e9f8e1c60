"""What would CBP say? The whole counterpart behind one small face: files in, files out, time as an argument.

``receive`` commits a file before anybody is told that it came; ``digest`` reads it and puts answers and later steps on
the pile in the same transaction
that marks it as read, so that a crash between the two loses nothing and files nothing twice. ``due`` does the steps
whose time has come and gives
the files to send, oldest first; ``sent`` ticks them off. The same bytes again are a repetition: nothing is filed, the
direct answers go out again. Only a query is asked anew, unless it comes under the same message identifier.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sandbox.abi.batch_reader import Batch, looks_like_catair, only_asks
from sandbox.abi.entry_desk import EntryDesk
from sandbox.abi.front_desk import FrontDesk, read_file
from sandbox.abi.query_desk import QueryDesk
from sandbox.abi.summary_books import Summaries
from sandbox.abi.summary_desk import SummaryDesk
from sandbox.border import Border
from sandbox.dead_steps import forget_dead_steps
from sandbox.failure import SystemFailure
from sandbox.office import TWICE, Office, Origin
from sandbox.outgoing import Answer, Outgoing
from sandbox.registry import Bond, Importer, Registry
from sandbox.rulebook import RuleBook
from sandbox.settings import Behaviour
from sandbox.store import Store, moment, stamp
from sandbox.truck import x12
from sandbox.truck.consist_desk import ConsistDesk
from sandbox.truck.events_desk import EventsDesk
from sandbox.truck.front_desk import Desk, Judged, X12FrontDesk
from sandbox.truck.manifest_desk import ManifestDesk
from schemas.profile import load_profile

DIRECT: Final = ("TA1", "997", "355", "SX", "X1", "C1", "AX")
"""Kinds of answers that belong to one received file and are given again when it comes again."""
KEPT_OF_REFUSED: Final = 65_536
DOORS: Final = "docs/sandbox.md, What is promised; AS2: RFC 4130, SFTP: docs/sandbox.md, The SFTP door"
"""By what a door refuses a file that does not say it more closely."""


__all__ = ["Answer", "Cbp", "MessageReused", "Receipt"]


class MessageReused(Exception):
    """A message identifier came again with other content."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """``id`` of the file in the books; ``repeated``: its bytes were known, nothing new was filed."""

    id: int
    repeated: bool


class Cbp(Outgoing):
    """The sandbox's CBP. Thread-safe; ``digest`` does its slow part without holding the books."""

    def __init__(
        self,
        store: Store | None = None,
        behaviour: Behaviour | None = None,
        book: RuleBook | None = None,
        registered: Iterable[Importer | Bond] = (),
    ) -> None:
        self.store = store or Store()
        self.behaviour = behaviour or Behaviour()
        self.book = book or RuleBook.load()
        self.registry = Registry(self.store, self.behaviour.unknown_importers, self.behaviour.unknown_bonds, registered)
        self.office = Office(self.store, self.behaviour, self.book, load_profile(self.behaviour.profile), self.registry)
        self.border = Border(self.office)
        desks: dict[str, Desk] = {
            "309": ManifestDesk(self.office, self.border),
            "358": ConsistDesk(self.office, self.border),
            "353": EventsDesk(self.office, self.border),
        }
        self.trucks = X12FrontDesk(self.office, desks)
        self.summaries = Summaries(self.store)
        self.filings = FrontDesk(
            self.office,
            {
                "SE": EntryDesk(self.office, self.border.life, self.summaries),
                "AE": SummaryDesk(self.office, self.summaries),
                "CQ": QueryDesk(self.office, self.border.notices),
            },
        )
        self.failure = SystemFailure(self.office, self.trucks)

    # ------------------------------------------------------------------ in

    def receive(
        self, payload: bytes, now: datetime, *, partner: str = "GATEWAY", message_id: str = "", name: str = ""
    ) -> Receipt:
        """Commit a file. Raises :class:`MessageReused`; :meth:`digest` must follow for a file that is not repeated."""
        digest = hashlib.sha256(payload).hexdigest()
        form, identity = _identity(payload, digest)
        with self.store.transaction():
            if message_id:
                other = self.store.row(
                    "select digest from received where message_id = ? and partner = ? limit 1", message_id, partner
                )
                if other is not None and other["digest"] != digest:
                    raise MessageReused(message_id)
            asked_anew = form == "catair" and only_asks(payload)
            same = self.store.row(
                "select id from received where identity = ? and digest = ? and partner = ? and repeats is null"
                " and (? or (message_id = ? and message_id <> '')) order by id desc limit 1",
                identity, digest, partner, not asked_anew, message_id,
            )  # fmt: skip
            kind = "repeated" if same is not None else form
            note = self.store.note(now, "in", kind, name, partner, digest, {"stage": "received"}, payload)
            received = self.store.run(
                "insert into received (partner, message_id, digest, identity, format, name, payload,"
                " received_at, digested_at, repeats, transcript_id)"
                " values (?,?,?,?,?,?,?,?,?,?,?)",
                partner, message_id, digest, identity, form, name, b"" if same is not None else payload, stamp(now),
                stamp(now) if same is not None else None, same["id"] if same is not None else None, note,
            )  # fmt: skip
            if same is not None:
                self._again(int(same["id"]), now)
                self._verdict(note, {"stage": "repeated", "result": f"the same as file {same['id']}"})
        return Receipt(received, same is not None)

    def _again(self, received_id: int, now: datetime) -> None:
        marks = ",".join("?" * len(DIRECT))
        rows = self.store.rows(
            "select id from answer where received_id = ? and copy_of is null and note in ('', ?) and state <>"
            f" 'pending' and kind in ({marks})"
            " and id not in (select copy_of from answer where copy_of is not null and state = 'pending') order by id",
            received_id, TWICE, *DIRECT,
        )  # fmt: skip
        for row in rows:
            self.store.run(
                "insert into answer (partner, received_id, kind, name, payload, created_at, due_at, copy_of)"
                " select partner, received_id, kind, name, payload, ?, ?, id from answer where id = ?",
                stamp(now), stamp(now), row["id"],
            )  # fmt: skip

    def refuse(
        self, payload: bytes, now: datetime, *, partner: str, name: str, reason: str, reference: str = DOORS
    ) -> None:
        """Put a file that no door takes into the transcript; ``reference``: the rule of the door."""
        digest = hashlib.sha256(payload).hexdigest()
        self.store.note(
            now,
            "in",
            "refused",
            name,
            partner,
            digest,
            {"stage": "door", "result": "refused", "reasons": [_reason(reason, reference)]},
            payload,
            keep=KEPT_OF_REFUSED,
        )

    def undigested(self) -> list[int]:
        """Files committed but not read yet, in the order they came."""
        return [int(r["id"]) for r in self.store.rows("select id from received where digested_at is null order by id")]

    def received_at(self, received_id: int) -> datetime:
        """When a file came in."""
        row = self.store.row("select received_at from received where id = ?", received_id)
        if row is None:
            raise LookupError(received_id)
        return moment(row["received_at"])

    def digest(
        self, received_id: int, now: datetime, *, fails: bool = False, told_at: datetime | None = None
    ) -> dict[str, Any]:
        """Read a committed file and decide by the law and the books of ``now``; gives the verdict. A file already read
        is left alone. ``fails``: CBP's system fails over what is good in it, and nothing of it is kept. ``told_at``:
        nothing of it is answered before (it was held).
        """
        row = self.store.row("select * from received where id = ?", received_id)
        if row is None or row["digested_at"] is not None:
            return {}
        payload = bytes(row["payload"])
        judged = (
            Judged(payload, character_faults_in_997=self.behaviour.character_faults_in_997)
            if row["format"] == "x12"
            else None
        )
        batches = read_file(payload) if row["format"] == "catair" else []
        with self._event(f"file:{received_id}"):
            again = self.store.row("select digested_at from received where id = ?", received_id)
            if again is None or again["digested_at"] is not None:
                return {}
            failed = self.failure.settle(Origin(row["partner"], received_id), judged, batches, now) if fails else None
            if failed is not None:
                self.office.forget(received_id)
            verdict = failed or self._settle(row, judged, batches, now)
            if told_at is not None:
                self.store.run(
                    "update answer set due_at = ? where received_id = ? and state = 'pending' and due_at < ?",
                    stamp(told_at), received_id, stamp(told_at),
                )  # fmt: skip
            self._read_with(row, verdict, told_at or now)
        return verdict

    def lose(self, received_id: int, now: datetime, reason: str) -> None:
        """A file that was held is lost: nobody answers, and the same bytes are new when they come again."""
        with self.store.transaction():
            row = self.store.row("select * from received where id = ? and digested_at is null", received_id)
            if row is not None:
                self.office.forget(received_id)
                verdict = {"stage": "end of day", "result": "lost, to be sent again", "reasons": [{"text": reason}]}
                self._read_with(row, verdict, now)

    def _read_with(self, row: sqlite3.Row, verdict: dict[str, Any], now: datetime) -> None:
        self.store.run(
            "update received set digested_at = ?, verdict = ? where id = ?", stamp(now), json.dumps(verdict), row["id"]
        )
        self._verdict(row["transcript_id"], verdict)

    def _settle(self, row: sqlite3.Row, judged: Judged | None, batches: list[Batch], now: datetime) -> dict[str, Any]:
        origin = Origin(row["partner"], row["id"])
        if judged is not None:
            reused = self.store.count(
                "select count(*) from received where identity = ? and id < ? and digest <> ?",
                row["identity"],
                row["id"],
                row["digest"],
            )
            return self.trucks.settle(origin, judged, reused > 0, now)
        if row["format"] == "catair":
            return self.filings.settle(origin, batches, now)
        return {
            "stage": "door",
            "result": "unreadable",
            "reasons": [_reason("neither an X12 interchange nor a CATAIR batch", DOORS)],
        }

    def give_up(self, received_id: int, now: datetime, reason: str) -> None:
        """Mark a file that could not be read for a fault of the sandbox itself, so that it stops nothing behind it."""
        verdict = {"stage": "sandbox", "result": "fault", "reasons": [_reason(reason, DOORS)]}
        with self.store.transaction():
            row = self.store.row("select * from received where id = ?", received_id)
            if row is not None:
                self._read_with(row, verdict, now)

    def _verdict(self, transcript_id: int, verdict: dict[str, Any]) -> None:
        self.store.run("update transcript set verdict = ? where id = ?", json.dumps(verdict), transcript_id)

    # ------------------------------------------------------------------ out

    def due(self, now: datetime, *, limit: int = 20, without: Iterable[str] = ()) -> list[Answer]:
        """Do what is due, then give the oldest unsent files whose time has come (at most ``limit``); none for the
        partners in ``without``.
        """
        left_out = tuple(without)
        self._do_due(now)
        rows = self.store.rows(
            "select * from answer where state = 'pending' and due_at <= ?"
            f" and partner not in ({','.join('?' * len(left_out))}) order by due_at, id limit ?",
            stamp(now),
            *left_out,
            limit,
        )
        return [
            Answer(r["id"], r["partner"], r["kind"], r["name"], bytes(r["payload"]), moment(r["due_at"])) for r in rows
        ]

    def _do_due(self, now: datetime) -> None:
        """Every step whose time has come, in the order of their times; a step is taken and done in one transaction."""
        first = "select * from step where due_at <= ? order by due_at, id limit 1"
        while self.store.row(first, stamp(now)) is not None:
            with self.store.transaction():
                step = self.store.row(first, stamp(now))
                if step is None:
                    return  # somebody else has done it meanwhile
                with self._event(f"step:{step['id']}"):
                    self.store.run("delete from step where id = ?", step["id"])
                    self.border.run_step(step["kind"], json.loads(step["body"]), moment(step["due_at"]))

    def next_due(self) -> datetime | None:
        """When the next step or answer is due; ``None`` when nothing waits."""
        row = self.store.row(
            "select min(due_at) as due from (select min(due_at) as due_at from step union all select min(due_at)"
            " from answer where state = 'pending')"
        )
        return moment(row["due"]) if row is not None and row["due"] is not None else None

    # ------------------------------------------------------------------ told by the control API

    def arrive(self, trip: str, now: datetime) -> int:
        """The truck of a trip arrives, after all that was due before; gives the number of its shipments."""
        self._do_due(now)
        with self._event(f"trip:{trip}"):
            return self.border.arrive(trip, now)

    def hold(self, scn: str, now: datetime) -> str:
        """Place a hold; gives the shipment's state."""
        with self._event(f"shipment:{scn}"):
            return self.border.hold(scn, now)

    def exam(self, scn: str, now: datetime) -> str:
        """Order an exam; gives the shipment's state."""
        with self._event(f"shipment:{scn}"):
            return self.border.hold(scn, now, kind="EXAM")

    def release(self, scn: str, now: datetime) -> str:
        """End a hold and release what has arrived; gives the shipment's state."""
        with self._event(f"shipment:{scn}"):
            return self.border.release(scn, now)

    def revoke(self, scn: str, now: datetime) -> str:
        """Take a release back; gives the shipment's state."""
        with self._event(f"shipment:{scn}"):
            return self.border.revoke(scn, now)

    def permitted(self, scns: Sequence[str], now: datetime) -> dict[str, list[str]]:
        """For each shipment on file the orders that its state permits now."""
        return self.border.permitted(scns, now)

    @contextmanager
    def _event(self, in_hand: str) -> Iterator[None]:
        """One event in one transaction; what can no longer happen after it is not announced any more."""
        with self.store.transaction():
            self.office.in_hand.number = in_hand
            yield
            forget_dead_steps(self.store)

    def entry_versions(self, number: str) -> list[dict[str, Any]]:
        """Every version of an entry, oldest first: ``version``, ``action`` (A, R, U, D), ``state`` (IN_FORCE, REPLACED,
        ASKED, REFUSED), ``asked_at`` and ``decided_at`` (ISO or ``None``), ``why`` it was refused, and the ``body`` of
        what was filed (``None`` in a cancellation).
        """
        return [one.as_dict() for one in self.border.life.books.versions(number)]


def _reason(text: str, reference: str) -> dict[str, str]:
    return {"code": "", "text": text, "place": "file", "reference": reference}


def _identity(payload: bytes, digest: str) -> tuple[str, str]:
    """(format, what makes two files the same file): sender, receiver and ISA13 for X12, the content for CATAIR."""
    if x12.looks_like_x12(payload):
        text = payload.lstrip()[: x12.ISA_LENGTH].decode("latin-1")
        values = text.split(text[3]) if len(text) == x12.ISA_LENGTH else []
        if len(values) == 17:
            return "x12", ":".join(("x12", values[6].strip(), values[8].strip(), values[15], values[13]))
        return "x12", "x12:" + digest
    return ("catair" if looks_like_catair(payload) else "unknown"), digest
