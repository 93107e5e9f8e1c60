"""What does CBP say when its own system fails over a file? A failure for every filing in it, and nothing is kept.

Cargo release: SE90 11 with E90 ACE SYSTEM FAILURE, then 01 (CSMS 16-000935). Other CATAIR applications: the batch comes
back with X13, application not currently available (Batch and Block Control rev 23). A manifest: 997 as always, then a
355 with the text alone, because CBP has published no code for it there. What has faults of its own, or is no filing,
is answered as on any other day.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sandbox.abi.answers import rejection, response, se90
from sandbox.abi.batch_reader import Batch
from sandbox.abi.cargo_checks import echo
from sandbox.abi.cargo_conditions import edit
from sandbox.abi.cargo_entry import EntryFiled, read_entry
from sandbox.abi.conditions import Condition
from sandbox.abi.entry_desk import VERDICTS
from sandbox.office import Office, Origin
from sandbox.truck.front_desk import Judged, X12FrontDesk
from sandbox.truck.remarks import Remark

TEXT: Final = "ACE SYSTEM FAILURE"
_REFERENCE: Final = "CSMS 16-000935"
_EDIT: Final = edit("system-failure")
_REMARK: Final = Remark("", TEXT, "PLEASE RESEND", reference=_REFERENCE)


class SystemFailure:
    """Answers files that CBP's system failed over; to be called inside a transaction."""

    def __init__(self, office: Office, trucks: X12FrontDesk) -> None:
        self.office, self.trucks = office, trucks

    def settle(
        self, origin: Origin, judged: Judged | None, batches: list[Batch], now: datetime
    ) -> dict[str, Any] | None:
        """Answer a file and give the verdict for the transcript; ``None``: there is nothing good in it to fail over."""
        answered = (
            self.trucks.fail(origin, judged, _REMARK, now)
            if judged is not None
            else self._batches(origin, batches, now)
        )
        if not answered:
            return None
        reason = {"code": "E90", "text": TEXT, "reference": _REFERENCE}
        return {"stage": "system failure", "result": "nothing kept, to be sent again", "reasons": [reason]}

    def _batches(self, origin: Origin, batches: list[Batch], now: datetime) -> bool:
        if not batches or any(batch.conditions for batch in batches):
            return False
        office = self.office
        due = office.after(now, office.behaviour.answer_delay)
        for batch in batches:
            if batch.application == "SE":
                office.answer(origin, "SX", response(batch, _failed(batch)), now, due)
            else:
                batch.conditions.append(Condition("X13"))
                office.answer(origin, "X1", rejection(batch), now, due)
        return True


def _failed(batch: Batch) -> list[list[list[str]]]:
    """Every transaction of a cargo release batch with its failure, by blocks."""
    return [[_transaction(read_entry(one)) for one in block.transactions] for block in batch.blocks]


def _transaction(entry: EntryFiled) -> list[str]:
    out: list[str] = []
    for line, wrong in echo(entry, {entry.lines[0].position: [_EDIT]}):
        out.append(line.text)
        out += [se90("11", one.code, one.text) for one in wrong]
    return [*out, se90("01", "", VERDICTS["01"])]
