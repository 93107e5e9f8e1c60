"""What becomes of answers on the pile? They reach the other side, are dropped, struck by a fault, put back for later,
or laid into a folder under a name that stays theirs.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sandbox.store import Store, stamp

logger = logging.getLogger("sandbox")


@dataclass(frozen=True, slots=True)
class Answer:
    """A file CBP wants to send: ``kind`` TA1, 997, 355, 350, SX, SO, C1, AX or X1; ``due`` when it was to go."""

    id: int
    partner: str
    kind: str
    name: str
    payload: bytes
    due: datetime


class Outgoing:
    """The part of the sandbox's CBP that keeps its word: what was to be said is said once, or it is known why not."""

    store: Store

    def sent(
        self,
        answer: Answer,
        now: datetime,
        *,
        payload: bytes | None = None,
        message_id: str = "",
        verdict: str = "delivered",
    ) -> None:
        """An answer reached the other side (or ``verdict`` says what became of it: dropped)."""
        body = answer.payload if payload is None else payload
        with self.store.transaction():
            state = "dropped" if verdict == "dropped" else "sent"
            self.store.run(
                "update answer set state = ?, sent_at = ?, message_id = ? where id = ?",
                state,
                stamp(now),
                message_id,
                answer.id,
            )
            self.store.note(
                now,
                "out",
                answer.kind,
                answer.name,
                answer.partner,
                hashlib.sha256(body).hexdigest(),
                {"result": verdict},
                body,
            )

    def laid(self, answer: Answer, copy: int) -> str:
        """The name under which an answer lies in a folder: in the order in which answers were first laid, the same
        when one is laid again.
        """
        with self.store.transaction():
            key = (answer.id, copy)
            self.store.run("insert or ignore into laid (answer_id, copy) values (?,?)", *key)
            number = self.store.count("select number from laid where answer_id = ? and copy = ?", *key)
        return f"{number:08d}-{copy}-{answer.name}"

    def answer_laid(self, name: str) -> int | None:
        """Which answer lies under a name of :meth:`laid`."""
        digits = name.partition("-")[0]
        if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
            return None
        row = self.store.row("select answer_id from laid where number = ?", int(digits))
        return None if row is None else int(row["answer_id"])

    def strikes(self, answer_id: int, fate: str, now: datetime) -> bool:
        """Whether a fault that strikes an answer once strikes it now; next time it does not, nor after a restart."""
        with self.store.transaction():
            if self.store.count("select count(*) from struck where answer_id = ?", answer_id):
                return False
            self.store.run("insert into struck (answer_id, fate, at) values (?,?,?)", answer_id, fate, stamp(now))
        return True

    def mishap(self, now: datetime, direction: str, partner: str, name: str, fault: str, result: str) -> None:
        """Say in the transcript what a fault of the plan did on the way."""
        verdict = {"stage": "line", "result": result, "fault": fault}
        self.store.note(now, direction, "fault", name, partner, hashlib.sha256(b"").hexdigest(), verdict, b"")

    def failed(self, answer: Answer, reason: str) -> None:
        """An answer could not be delivered; it stays on the pile."""
        self.store.run("update answer set attempts = attempts + 1 where id = ?", answer.id)
        logger.info("not delivered: %s (%s)", answer.name, reason)

    def postpone(self, answers: Iterable[Answer], until: datetime) -> None:
        """Put answers back for later."""
        self.store.run_many("update answer set due_at = ? where id = ?", [(stamp(until), a.id) for a in answers])
