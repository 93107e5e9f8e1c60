"""What does a refused CATAIR batch mean? Nothing in it was processed; every condition is an outcome.

X0 says which block, transaction, record and column was at fault. With the bytes that were sent the record is found
again, and with it the entry and the shipment's field.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappings.outcomes_places import Context, SentEntries, catair_path, field_at
from mappings.outcomes_values import Outcome
from schemas.catair import Batch, PlacedRecord, Record, look_up, read_record


def read_rejection(batch: Batch, sent: SentEntries | None) -> Iterator[Outcome]:
    """One outcome for each X1, the last of them final."""
    head = batch.header.record if batch.header else Record("A.out", {})
    place, context, path = "A", Context(), ""
    extra: dict[str, Any] = {}
    for block in batch.blocks:
        for transaction in block.transactions:
            for placed in transaction.records:
                if placed.layout.startswith("X0"):
                    place, context, path, extra = _where(placed, sent)
                elif placed.layout == "X1":
                    record = placed.record
                    final = record.text("disposition_type_code") == "R"
                    code = record.text("condition_code")
                    known = look_up("batch_conditions", code)
                    yield Outcome(
                        "X1",
                        "transmission",
                        "syntax_rejected",
                        code,
                        record.text("narrative_text") or (known.text if known else ""),
                        scn="" if final else context.scn,
                        entry_number="" if final else context.entry_number,
                        place="A" if final else place,
                        field_path="" if final else path,
                        correlation={
                            "user_data": head.text("transmitter_s_user_data_text"),
                            "final": final,
                            "told_in": placed.number,
                            **extra,
                        },
                    )


def _where(x0: PlacedRecord, sent: SentEntries | None) -> tuple[str, Context, str, dict[str, Any]]:
    """What an X0 points at: place in words, and with the sent bytes entry and field."""
    kind = x0.record.text("reference_data_type_code") or ("TRNACT" if "TRNACT" in x0.layout else "BLOCK")
    detail, _ = read_record(x0.line, f"X0.{kind}") if kind in ("BLOCK", "TRNACT") else (x0.record, ())
    occurrence = detail.get("occurrence_position")
    if kind == "BLOCK":
        return f"block {occurrence}", Context(), "", {"block_user_data": detail.text("user_data_text")}
    number = detail.get("relative_position_of_the_80_char_record_within_the_batch")
    column = detail.get("relative_column_of_the_syntax_problem")
    place = f"transaction {occurrence}, record {number}" + (f", column {column}" if column else "")
    layout, context = sent.at(number) if sent is not None and isinstance(number, int) else ("", Context())
    key = field_at(layout, column) if isinstance(column, int) and column else ""
    return place, context, catair_path(layout, key, context) if layout else "", {"record": number}
