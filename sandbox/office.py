"""What do the desks of the sandbox's CBP share? Books, conduct, rules, and how an answer or a later step is put on the
pile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sandbox.registry import Registry
from sandbox.rulebook import RuleBook
from sandbox.settings import Behaviour, Span
from sandbox.store import Store, stamp
from sandbox.truck import x12
from schemas.profile import Profile

Step = Callable[[dict[str, Any], datetime], None]
"""Something that becomes due: takes its body from the pile and the instant it was due."""

TWICE: Final = "twice"
"""Note of the second of two same answers."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which received file an answer belongs to, and who is to get it. ``received_id`` ``None``: CBP speaks by"
    " itself."""

    partner: str
    received_id: int | None = None


def garbled(payload: bytes) -> bytes:
    """The same file as after a bad line: cut off and with wrong bytes, so that no reader can take it for good."""
    kept = bytearray(payload[: max(20, len(payload) * 3 // 5)])
    for place in range(11, len(kept), 7):
        kept[place] ^= 0x55
    return bytes(kept)


def cut_off(payload: bytes) -> bytes:
    """The same file as after a line that went dead: its first part, unharmed."""
    return payload[: max(1, len(payload) * 3 // 5)]


@dataclass(slots=True)
class InHand:
    """What is being worked on, a file or a step: what is drawn by lot is drawn from its number."""

    number: str = ""


@dataclass(frozen=True, slots=True)
class Office:
    """Shared by the manifest desk, the entry desk and the border."""

    store: Store
    behaviour: Behaviour
    book: RuleBook
    profile: Profile
    registry: Registry
    in_hand: InHand = field(default_factory=InHand)

    def after(self, now: datetime, seconds: float | Span) -> datetime:
        """``now`` and some seconds of the sandbox's clock; of a span, those drawn for what is in hand."""
        if isinstance(seconds, Span):
            seconds = seconds.drawn(self.behaviour.seed, self.in_hand.number)
        return now + timedelta(seconds=seconds)

    def answer(
        self,
        origin: Origin,
        kind: str,
        payload: bytes,
        now: datetime,
        due: datetime,
        *,
        garble: bool = False,
        twice: bool = False,
    ) -> None:
        """Put a file on the pile of answers; garbled, a damaged copy goes first and the intact one later; twice, the
        same bytes go again under another name.
        """
        suffix = "txt" if kind in {"SX", "SO", "X1", "C1", "AX"} else "x12"
        name = f"{kind}-{self.store.next_number('answer-file'):06d}"
        later = self.after(due, self.behaviour.garble_seconds) if garble else due
        plan = [(garbled(payload), due, f"{name}.{suffix}", "garbled")] if garble else []
        plan.append((payload, later, f"{name}.{suffix}", ""))
        if twice:
            plan.append((payload, later, f"{name}-2.{suffix}", TWICE))
        for body, when, file, note in plan:
            self.store.run(
                "insert into answer (partner, received_id, kind, name, payload, created_at, due_at, note) values"
                " (?,?,?,?,?,?,?,?)",
                origin.partner, origin.received_id, kind, file, body, stamp(now), stamp(when), note,
            )  # fmt: skip

    def interchange(
        self, addresses: x12.Addresses, set_id: str, body: Iterable[Sequence[str]], now: datetime, release: str = ""
    ) -> bytes:
        """An X12 answer in CBP's name with CBP's next control number; ``release`` overrides the profile's (997: that
        of the group).
        """
        groups = {"997": "FA", "355": "AZ", "350": "AU"}
        return x12.put_together(
            addresses,
            control_number=self.store.next_number("x12-control"),
            written_at=now.astimezone(UTC),
            group=groups.get(set_id),
            release=release or self.profile.group_versions.get(set_id, ""),
            interchange_version=self.profile.interchange_versions.get(set_id, "00502"),
            body=body,
        )

    def forget(self, received_id: int) -> None:
        """Nothing of a file is kept: it is not what later files are compared with."""
        self.store.run("update received set identity = 'forgotten:' || id where id = ?", received_id)

    def fails_now(self, what: str) -> bool:
        """Whether CBP's system fails at this filing, which asked for it by SYSFAIL: the first time only."""
        key = f"system-failure:{what}"
        if self.store.get_meta(key) is not None:
            return False
        self.store.set_meta(key, True)
        return True

    def step(self, kind: str, due: datetime, body: dict[str, Any]) -> None:
        """Put something that will happen on the pile of steps."""
        self.store.run("insert into step (due_at, kind, body) values (?,?,?)", stamp(due), kind, json.dumps(body))
