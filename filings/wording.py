"""Which exact bytes does a message become, once its numbers are drawn?

The planner sends these bytes and ``gateway render`` shows them: one place, so that what is shown is what
is sent. Pure; control numbers and the time are arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Final

from filings.context import FilingContext
from mappings.decision import eastern_day
from mappings.manifest import ManifestMessage
from mappings.outcomes_query import entry_query
from schemas.catair import BlockSpec, Record, write_batch
from schemas.x12 import envelope_for, write_interchange

MANIFEST_SETS: Final = ("309", "358", "353")
"""Messages about a manifest. CBP answers each by a 355 that does not say which, so a trip has one unanswered."""
ENTERED: Final = ("type86", "informal")
"""Pathways for which an entry is sent by us."""
ENTRIES_IN_BLOCK: Final = 999
"""Transactions in one block (CBP CATAIR Cargo Release v40, usage maps)."""


def manifest_bytes(ctx: FilingContext, message: ManifestMessage, number: int, written_at: datetime) -> bytes:
    """One message about a manifest under control number ``number``, in our names and CBP's."""
    envelope = replace(
        envelope_for(message.set_id, ctx.profile, control_number=number, written_at=written_at, usage=ctx.sender.usage),
        sender_qualifier=ctx.sender.sender_qualifier,
        sender_id=ctx.sender.sender_id,
        receiver_qualifier=ctx.sender.receiver_qualifier,
        receiver_id=ctx.sender.receiver_id,
    )
    return write_interchange(envelope, message.set_id, message.segments, ctx.profile)


def batch_reference(number: int) -> str:
    """The user data of a batch of entries, by which its answer is known again."""
    return f"B{number:09d}"


def query_bytes(ctx: FilingContext, entry_number: str, reference: str, written_at: datetime) -> bytes:
    """One batch with one status query for an entry."""
    block = BlockSpec(ctx.filer.port, ctx.filer.code, reference, [entry_query(entry_number)], ctx.filer.office)
    return write_batch(
        "CQ",
        ctx.sender.site,
        ctx.filer.code,
        ctx.sender.password,
        [block],
        transmission_date=eastern_day(written_at),
        user_data=reference,
        office=ctx.filer.office,
    )


def processing_port(own: str, transaction: Sequence[Record]) -> str:
    """The port of the block that an entry stands in: our own, or the entry's where that is of another district.

    The two are of one district (CBP CATAIR Batch and Block Control rev 23, usage note c).
    """
    head = next((one for one in transaction if one.layout.startswith("SE10")), None)
    entry = head.text("planned_port_of_entry") if head is not None else ""
    return own if entry[:2] in ("", own[:2]) else entry


def entry_bytes(
    ctx: FilingContext, transactions: Sequence[Sequence[Record]], reference: str, written_at: datetime
) -> bytes:
    """One batch of SE transactions, in as many blocks as they need."""
    blocks = []
    for port, some in groupby(transactions, key=lambda one: processing_port(ctx.filer.port, one)):
        alike = [list(one) for one in some]
        blocks += [
            BlockSpec(port, ctx.filer.code, reference, part, ctx.filer.office)
            for part in (alike[at : at + ENTRIES_IN_BLOCK] for at in range(0, len(alike), ENTRIES_IN_BLOCK))
        ]
    return write_batch(
        "SE",
        ctx.sender.site,
        ctx.filer.code,
        ctx.sender.password,
        blocks,
        transmission_date=eastern_day(written_at),
        user_data=reference,
        office=ctx.filer.office,
    )
