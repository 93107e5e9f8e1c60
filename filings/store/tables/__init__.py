"""Which facts are kept, and under which names?

Rules: keys are made by the application (UUID version 7 as text, or a business number), so that a
batch is one statement; ``shipment_key`` is always ``shipments.key`` (the caller's own
``shipment_id`` is unique within its trip only); instants are UTC; documents are JSON. Each table's
one-sentence meaning is its ``comment``, and stands in the database too.
``archive_entries`` and ``events`` are append-only: triggers refuse change and deletion.
"""

from __future__ import annotations

from filings.store.tables.declarations import (
    amendment_items,
    amendments,
    declared,
    filing_versions,
    filings,
    scn_ledger,
    shipments,
    trips,
)
from filings.store.tables.records import (
    APPEND_ONLY,
    alerts,
    api_keys,
    archive_entries,
    archive_head,
    counters,
    day_ledger,
    events,
    idempotency,
    refused_rows,
    rule_books,
)
from filings.store.tables.shape import metadata
from filings.store.tables.traffic import (
    inquiries,
    leases,
    outcomes,
    owed_receipts,
    retries,
    transmission_filings,
    transmissions,
)

__all__ = [
    "APPEND_ONLY",
    "alerts",
    "amendment_items",
    "amendments",
    "api_keys",
    "archive_entries",
    "archive_head",
    "counters",
    "day_ledger",
    "declared",
    "events",
    "filing_versions",
    "filings",
    "idempotency",
    "inquiries",
    "leases",
    "metadata",
    "outcomes",
    "owed_receipts",
    "refused_rows",
    "retries",
    "rule_books",
    "scn_ledger",
    "shipments",
    "transmission_filings",
    "transmissions",
    "trips",
]
