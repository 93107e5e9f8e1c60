"""Who takes a CATAIR file? Batch faults are answered here with X0 and X1; a good batch goes to the desk of its
application.

CBP CATAIR Batch and Block Control rev 23.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sandbox.abi.answers import rejection
from sandbox.abi.batch_reader import Batch, Condition, batches_of
from sandbox.office import Office, Origin

GUIDE = "CATAIR Batch and Block Control rev 23"


@dataclass(frozen=True, slots=True)
class Settled:
    """What a desk did with a batch: a short result and the reasons of every refusal, for the transcript.

    A reason has ``code``, ``text``, ``place`` and ``reference`` (guide, version and section).
    """

    result: str
    reasons: list[dict[str, str]] = field(default_factory=list)


class Desk(Protocol):
    """Settles the batches of one application."""

    def settle(self, origin: Origin, batch: Batch, now: datetime, due: datetime) -> Settled:
        """Answer a batch without batch faults; its answers go out at ``due``. Called inside a transaction."""
        ...


class FrontDesk:
    """Settles CATAIR files; to be called inside a transaction. ``desks`` by application identifier."""

    def __init__(self, office: Office, desks: Mapping[str, Desk]) -> None:
        self.office, self.desks = office, desks

    def settle(self, origin: Origin, batches: list[Batch], now: datetime) -> dict[str, Any]:
        """Answer every batch of a file with one batch; gives the verdict for the transcript."""
        if not batches:
            return {
                "stage": "batch",
                "result": "unreadable",
                "reasons": [{"text": "the file does not begin with an A record", "reference": GUIDE}],
            }
        results: list[str] = []
        reasons: list[dict[str, str]] = []
        rejected = 0
        for batch in batches:
            self._authorize(batch)
            due = self.office.after(now, self.office.behaviour.answer_delay)
            if batch.conditions:
                rejected += 1
                self.office.answer(origin, "X1", rejection(batch), now, due)
                reasons += [
                    {
                        "code": c.code,
                        "text": c.text,
                        "place": f"record {c.record}" if c.record else f"block {c.block}",
                        "reference": GUIDE,
                    }
                    for c in batch.conditions[:50]
                ]
                continue
            settled = self.desks[batch.application].settle(origin, batch, now, due)
            results.append(settled.result)
            reasons += settled.reasons
        if rejected:
            results.append(f"X1 {rejected} batch")
        return {"stage": "batch" if rejected else "edits", "result": " ".join(results), "reasons": reasons[:50]}

    def _authorize(self, batch: Batch) -> None:
        allowed = self.office.behaviour.catair_senders
        a = batch.values
        if allowed and f"{a['site']}/{a['sender']}/{a['password']}" not in allowed:
            batch.conditions.insert(0, Condition("X09"))


def read_file(payload: bytes) -> list[Batch]:
    """The slow, bookless part: cut a file into batches and look for batch faults."""
    return batches_of(payload)
