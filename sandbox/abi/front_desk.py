"""Who takes a CATAIR file? Batch faults are answered here with X0 and X1; a good batch goes to the desk of its
application.

CBP CATAIR Batch and Block Control rev 23. Some applications answer faults of their records' order themselves: their
desk is a :class:`SyntaxDesk` and is asked first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from sandbox.abi.answers import rejection
from sandbox.abi.batch_reader import Batch, batches_of
from sandbox.abi.conditions import GUIDE, Condition, outermost
from sandbox.office import Office, Origin

MOST_REASONS = 50
"""Reasons of one file that the transcript keeps."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a desk did with a batch: a short result and the reasons of every refusal, for the transcript.

    A reason has ``code``, ``text``, ``place`` and ``reference`` (guide, version and section). ``undone``: nothing was
    done with any transaction because of a system failure; the same file may come again as a new one.
    """

    result: str
    reasons: list[dict[str, str]] = field(default_factory=list)
    undone: bool = False


class Desk(Protocol):
    """Settles the batches of one application."""

    def settle(self, origin: Origin, batch: Batch, now: datetime, due: datetime) -> Settled:
        """Answer a batch without batch faults; its answers go out at ``due``. Called inside a transaction."""
        ...


@runtime_checkable
class SyntaxDesk(Desk, Protocol):
    """A desk that may answer faults of transaction syntax in its application's own way."""

    def settle_faulty(
        self, origin: Origin, batch: Batch, conditions: Sequence[Condition], now: datetime, due: datetime
    ) -> Settled | None:
        """Like ``settle`` for a batch whose transactions have these faults; ``None``: answer it with X0 and X1."""
        ...


class FrontDesk:
    """Settles CATAIR files; to be called inside a transaction. ``desks`` by application identifier."""

    def __init__(self, office: Office, desks: Mapping[str, Desk]) -> None:
        self.office, self.desks = office, desks

    def settle(self, origin: Origin, batches: list[Batch], now: datetime) -> dict[str, Any]:
        """Answer every batch of a file with one batch; gives the verdict for the transcript."""
        if not batches:
            text = "the file does not begin with an A record"
            return {
                "stage": "batch",
                "result": "unreadable",
                "reasons": [{"code": "", "text": text, "place": "record 1", "reference": f"{GUIDE}, input A-Record"}],
            }
        most = self.office.behaviour.batches_in_file
        if len(batches) > most:
            text = f"the file holds {len(batches)} batches, more than {most}: nothing of it is processed"
            reason = {"code": "", "text": text, "place": "file", "reference": f"{GUIDE}; bound batches_in_file"}
            return {"stage": "batch", "result": "unreadable", "reasons": [reason]}
        settled: list[Settled] = []
        rejected = 0
        due = self.office.after(now, self.office.behaviour.answer_delay)
        for batch in batches:
            self._authorize(batch)
            batch.conditions = outermost(batch.conditions)
            done = self._settle(origin, batch, now, due)
            rejected += done is None
            settled.append(done or self._reject(origin, batch, now, due))
        if all(one.undone for one in settled) and origin.received_id is not None:
            self.office.forget(origin.received_id)
        results = [one.result for one in settled if one.result]
        if rejected:
            results.append(f"X1 {rejected} batch")
        return {
            "stage": "batch" if rejected else "edits",
            "result": " ".join(results),
            "reasons": [reason for one in settled for reason in one.reasons][:MOST_REASONS],
        }

    def _settle(self, origin: Origin, batch: Batch, now: datetime, due: datetime) -> Settled | None:
        """What the desk of the application did; ``None``: the batch is rejected."""
        desk = self.desks.get(batch.application)
        if desk is None or not batch.conditions:
            return desk.settle(origin, batch, now, due) if desk is not None else None
        if batch.conditions[0].level == 2 and isinstance(desk, SyntaxDesk):
            return desk.settle_faulty(origin, batch, batch.conditions, now, due)
        return None

    def _reject(self, origin: Origin, batch: Batch, now: datetime, due: datetime) -> Settled:
        self.office.answer(origin, "X1", rejection(batch), now, due)
        return Settled("", [reason_of(one) for one in batch.conditions[:MOST_REASONS]])

    def _authorize(self, batch: Batch) -> None:
        allowed, filers = self.office.behaviour.catair_senders, self.office.behaviour.filer_codes
        a = batch.values
        if allowed and f"{a['site']}/{a['sender']}/{a['password']}" not in allowed:
            batch.conditions.insert(0, Condition("X09"))
        for number, block in enumerate(batch.blocks, 1):
            if filers and block.header.values["filer"] not in filers:
                batch.conditions.append(Condition("X17", block=number))


def reason_of(condition: Condition) -> dict[str, str]:
    """A condition as a reason for the transcript."""
    return {
        "code": condition.code,
        "text": condition.text,
        "place": condition.place,
        "reference": condition.reference,
    }


def read_file(payload: bytes) -> list[Batch]:
    """The slow, bookless part: cut a file into batches and look for batch faults."""
    return batches_of(payload)
