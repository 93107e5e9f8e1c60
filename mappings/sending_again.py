"""What goes out when CBP could not process a file for a failure of its own?

The same declarations, each byte of them, in a new envelope: CBP knows an interchange by its control number and a batch
by its user data, and must not take the new one for the old (X12 TA1 025). An entry keeps its number, so CBP can never
have two of it. Of a batch only the entries that failed go again. Pure; numbers and the time are arguments.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from mappings.outcomes_places import entry_number_of
from schemas.catair import BlockSpec, read_batches, write_batch
from schemas.errors import FormatError, Problem
from schemas.profile import Profile
from schemas.x12 import read_interchange, write_interchange

_REMEDY: Final = "Look at the file as it was sent; file its contents anew."


def interchange_again(sent: bytes, profile: Profile, number: int, written_at: datetime) -> bytes:
    """The same set under control number ``number``; raises FormatError if ``sent`` cannot be read whole."""
    read = read_interchange(sent, profile)
    if read.envelope is None or read.errors or not read.set_id:
        raise FormatError(Problem("unreadable_payload", "ISA", "What was sent cannot be read again.", _REMEDY))
    envelope = replace(read.envelope, control_number=number, group_control_number=number, written_at=written_at)
    return write_interchange(envelope, read.set_id, read.body, profile, set_control_number=read.set_control_number)


def batch_again(sent: bytes, entries: Collection[str] | None, reference: str, day: date) -> bytes:
    """The transactions of these entries (all of them for ``None``) in a batch with the user data ``reference``.

    Raises FormatError if ``sent`` cannot be read whole, or does not hold all of the entries.
    """
    file = read_batches(sent)
    batch = file.batches[0] if len(file.batches) == 1 and not file.errors else None
    if batch is None or batch.header is None:
        raise FormatError(Problem("unreadable_payload", "A", "What was sent cannot be read again.", _REMEDY))
    blocks: list[BlockSpec] = []
    found: set[str] = set()
    for block in batch.blocks:
        kept = []
        for transaction in block.transactions:
            number = entry_number_of(transaction.records[0].record)
            if entries is None or number in entries:
                kept.append([placed.record for placed in transaction.records])
                found.add(number)
        if kept and block.header is not None:
            head = block.header.record
            blocks.append(
                BlockSpec(
                    head.text("processing_district_port_code"),
                    head.text("processing_filer_code"),
                    reference,
                    kept,
                    head.text("processing_filer_office_code"),
                    head.text("preparer_district_port_code"),
                    head.text("preparer_filer_code"),
                    head.text("preparer_office_code"),
                    head.text("preparer_indicator"),
                )
            )
    if entries is not None and found != set(entries):
        text = f"What was sent does not hold {', '.join(sorted(set(entries) - found))}."
        raise FormatError(Problem("entry_not_sent", "SE10", text, _REMEDY))
    head = batch.header.record
    return write_batch(
        batch.application,
        head.text("sender_receiver_site_code"),
        head.text("sender_receiver_id_code"),
        head.text("communication_password"),
        blocks,
        transmission_date=day,
        user_data=reference,
        office=head.text("sender_receiver_office_code"),
    )
