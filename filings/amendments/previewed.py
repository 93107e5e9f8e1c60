"""Which exact messages would a plan send now?

They are made by the same code as those that are sent, under the numbers that would be drawn next. Only those numbers
and the time of writing can differ when it goes. One thing is not shown: the password in the A record of a batch, which
is a secret of the installation.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from filings.amending_messages import ANEW, ENTRY_STAGES, MANIFEST_STAGES, REPLACED, STAGES, TIES, Item, Work, make
from filings.amendments.acts import REMADE, SENT, action_of
from filings.amendments.forbids import NAMES_ANOTHER
from filings.amendments.plan import BILL_REASONS, Plan, entry_reasons
from filings.context import FilingContext
from filings.control_numbers import entry_sequence, interchange_sequence, peek
from filings.outbox import Draft
from schemas.entry_number import make_entry_number
from schemas.trip import read_trip

HIDDEN: Final = "******"
"""What stands for columns 9 to 14 of an A record (CBP CATAIR Batch and Block Control rev 23)."""

UNSAID: Final = "?"
"""What stands for each character of a reason code that nobody has given yet."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a dry run, as it would be sent now; ``text`` hides the password of a batch."""

    draft: Draft
    set_id: str
    says: str
    about: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For people and programs."""
        return {
            "set": self.set_id,
            "says": self.says,
            "about": list(self.about),
            "name": self.draft.name,
            "control_number": self.draft.control_number,
            "content_type": self.draft.content_type,
            "size": len(self.draft.payload),
            "text": self.text,
        }

    @property
    def text(self) -> str:
        """The exact bytes, which are ASCII, but for the password."""
        text = self.draft.payload.decode("ascii")
        return text[:8] + HIDDEN + text[14:] if self.set_id == "SE" else text


def messages(conn: Connection, ctx: FilingContext, plan: Plan, now: datetime) -> list[Message]:
    """The messages that would be sent, made as they are when it goes.

    Where a reason code is still to be given they are made with two, and what differs is shown as :data:`UNSAID`.
    """
    if not plan.needs:
        return _made(conn, ctx, plan, now)
    pairs = zip(*(_made(conn, ctx, _with_reasons(plan, which), now) for which in range(2)), strict=True)
    return [_masked(one, other) for one, other in pairs]


def _masked(one: Message, other: Message) -> Message:
    both = zip(one.draft.payload, other.draft.payload, strict=True)
    payload = bytes(byte if byte == there else ord(UNSAID) for byte, there in both)
    return replace(one, draft=replace(one.draft, payload=payload))


def _made(conn: Connection, ctx: FilingContext, plan: Plan, now: datetime) -> list[Message]:
    numbered = _with_next_numbers(conn, ctx, plan)
    found: list[Message] = []
    drawn = {interchange_sequence(ctx.partner): 0, f"batch:{ctx.partner}": 0}
    for stage in STAGES[:-1]:
        for work in _works(ctx, numbered, stage):
            count = work.messages(ctx.limits.bills_per_manifest)
            if not count:
                continue
            sequence = interchange_sequence(ctx.partner) if stage in MANIFEST_STAGES else f"batch:{ctx.partner}"
            before = drawn[sequence]
            drawn[sequence] += count
            numbers = peek(conn, sequence, drawn[sequence])[before:]
            made = make(ctx, replace(work, numbers=tuple(numbers)), now)
            names = {one.held.row.key: one.held.row.shipment_id for one in numbered.shipments}
            found += (_message(draft, stage, work, names) for draft in made.drafts)
    return found


def _with_reasons(plan: Plan, which: int) -> Plan:
    """The plan with one of two codes, and of two entry numbers, in the place of each that is still to be given."""
    of_bill, of_entry = _two(BILL_REASONS)[which], _two(entry_reasons(), NAMES_ANOTHER)[which]
    shipments = tuple(
        replace(
            one,
            cancels_reason=one.cancels_reason or of_entry,
            cancels_reference=one.cancels_reference or (_NUMBERS[which] if one.cancels_reason == REPLACED else ""),
        )
        if one.step.entry.cancels
        else one
        for one in plan.shipments
    )
    return replace(plan, reason_code=plan.reason_code or of_bill, shipments=shipments)


_NUMBERS: Final = ("0" * 11, "1" * 11)
"""What stands for the number of the entry that takes the place of a cancelled one: two that differ in each place."""


def _two(codes: Iterable[str], but: Container[str] = ()) -> tuple[str, str]:
    """Two codes that name nothing else and differ in each of their places."""
    plain = [one for one in codes if one not in but and one != REPLACED]
    pairs = itertools.combinations(plain, 2)
    return next((one, other) for one, other in pairs if all(map(operator.ne, one, other)))


def _with_next_numbers(conn: Connection, ctx: FilingContext, plan: Plan) -> Plan:
    wanted = sum(one.step.entry.files == "entry" for one in plan.shipments)
    if not wanted:
        return plan
    drawn = iter(peek(conn, entry_sequence(ctx.filer.code), wanted))
    return replace(
        plan,
        shipments=tuple(
            replace(one, new_number=str(make_entry_number(ctx.filer.code, next(drawn))))
            if one.step.entry.files == "entry"
            else one
            for one in plan.shipments
        ),
    )


def _works(ctx: FilingContext, plan: Plan, stage: str) -> Iterator[Work]:
    files = {one.held.row.key: one.step.entry.files for one in plan.shipments}
    items = [item for item in _items(plan) if _belongs(item, files[item.key], stage)]
    of_trip: str = plan.trip_step if stage == "amend_manifest" else ""
    if stage == "complete_manifest":
        of_trip, items = ("complete" if plan.completes else ""), []
    portion = ctx.limits.entries_per_transmission if stage in ENTRY_STAGES else max(len(items), 1)
    manifest = plan.on.manifest
    aboard = tuple(one.held.row.key for one in plan.shipments if one.step.bill == "gone")
    for start in range(0, max(len(items), 1), portion):
        yield Work(
            stage,
            read_trip(plan.trip_document or plan.on.trip.document),
            "",
            manifest.id if manifest is not None else "",
            manifest.version + 1 if manifest is not None else 1,
            tuple(items[start : start + portion]),
            of_trip,
            plan.reason_code if plan.needs_reason else "",
            aboard=aboard,
            completes=plan.completes,
        )


def _items(plan: Plan) -> Iterator[Item]:
    for place, one in enumerate(plan.shipments, start=1):
        content, before, row = one.content, one.held.old.entry, one.held.row
        shipped = content or one.held.old.bill or before
        if shipped is None or not one.step.says_something:
            continue
        entry = one.held.entry
        cancels = entry is not None and one.step.entry.cancels
        changes = entry is not None and action_of(one) in SENT
        yield Item(
            place,
            row.key,
            shipped.shipment,
            shipped.decision,
            one.step.bill or None,
            entry.id if entry is not None and cancels else None,
            one.held.old.number if cancels else "",
            entry.version + 1 if entry is not None and cancels else 1,
            one.cancels_reason,
            one.cancels_reference,
            before.shipment if before is not None else None,
            before.decision if before is not None else None,
            entry.id if entry is not None and changes else None,
            one.held.old.number if changes else "",
            entry.version + 1 if entry is not None and changes else 1,
            action_of(one),
            "new" if one.step.entry.files else None,
            one.new_number,
            not one.step.stays and one.document is not None,
        )


def _belongs(item: Item, files: str, stage: str) -> bool:
    return {
        "amend_manifest": item.bill_change in ("add", "replace", "delete"),
        "amend_consist": item.bill_change in TIES,
        "cancel_entries": item.cancels is not None,
        "change_entries": item.changes is not None,
        "amend_entries": files == "entry",
        "amend_handoffs": files == "handoff" or item.action == REMADE,
    }.get(stage, False)


_SAYS: Final[Mapping[str, str]] = {
    "amend_manifest": "309 type Y",
    "amend_consist": "358 type Y",
    "cancel_entries": "SE action D",
    "change_entries": "SE action ",
    "amend_entries": "SE action A",
    "complete_manifest": "completion of the manifest",
}


def _message(draft: Draft, stage: str, work: Work, names: Mapping[str, str]) -> Message:
    says = _SAYS[stage]
    if stage == "change_entries":
        says += "/".join(sorted({one.action for one in work.items}))
    if work.of_trip == "delete":
        says = "309 type 3"
    if work.of_trip == ANEW:
        says = "309 with the whole manifest"
    if stage == "complete_manifest":
        says += f" by {draft.application}, once CBP has answered what goes before"
    about = _about(draft.carries, work.items, names)
    return Message(draft, draft.application, says, about)


def _about(
    carries: Sequence[tuple[str, str | None]], items: Sequence[Item], names: Mapping[str, str]
) -> tuple[str, ...]:
    keys = [key for _, key in carries if key] or [one.key for one in items]
    return tuple(names[key] for key in keys if key in names)
