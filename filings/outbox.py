"""What is to be sent, and in which order?

A transmission is queued in the transaction that decides on it: its exact payload is in the archive, and what it carries
is written down, before anybody looks for it. How it goes out, see :mod:`filings.sending`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert

from filings import archive
from filings.store import tables as t

MANIFESTS: Final = 10
"""Priority of the messages about a manifest; the least goes first."""
CANCELLATIONS: Final = 50
"""Priority of what cancels entries: another one may be to take their place."""
ENTRIES: Final = 100
"""Priority of all else that declares."""
EXPRESS: Final = 1_000
"""By so much the messages of a small trip go before: what is below 0 is in the express lane."""
AWAITING: Final = "awaiting_receipt"
"""State of a transmission that was handed over and whose receipt is to be posted to us."""
WITHDRAWN: Final = "withdrawn"
"""It need not go any more, and the partner has it not: CBP has judged the same bytes from another envelope."""
UNSETTLED: Final = ("queued", "sending", AWAITING, "in_doubt")
"""States in which the partner has not signed for a transmission."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A transmission to be queued: plain bytes with the filings they carry, in the order of the message."""

    id: str
    name: str
    application: str
    control_number: str
    correlation: str
    content_type: str
    payload: bytes = field(repr=False)
    trip_number: str
    carries: tuple[tuple[str, str | None], ...]
    priority: int = ENTRIES
    version: int = 1
    """Which version of its filings it carries."""
    versions: tuple[int, ...] = ()
    """The same where they differ, in the order of ``carries``."""


def queue(conn: Connection, partner: str, channel: str, drafts: list[Draft], now: datetime) -> None:
    """Commit what is to be sent; the payloads go to the archive first."""
    entries = [
        archive.Entry(
            archive.EntryKind.TRANSMISSION,
            f"{draft.application} to {partner}: {draft.name}",
            draft.payload,
            now,
            draft.content_type,
            trip_number=draft.trip_number,
            transmission_id=draft.id,
        )
        for draft in drafts
    ]
    positions = archive.append(conn, entries)
    digests = [hashlib.sha256(draft.payload).hexdigest() for draft in drafts]
    conn.execute(
        insert(t.transmissions),
        [
            {
                "id": draft.id,
                "direction": "out",
                "partner": partner,
                "channel": channel,
                "name": draft.name,
                "application": draft.application,
                "control_number": draft.control_number,
                "correlation": draft.correlation,
                "trip_number": draft.trip_number,
                "content_type": draft.content_type,
                "payload_digest": digest,
                "payload_size": len(draft.payload),
                "archive_position": position,
                "state": "queued",
                "priority": draft.priority,
                "created_at": now,
            }
            for draft, digest, position in zip(drafts, digests, positions, strict=True)
        ],
    )
    carried = [
        {
            "transmission_id": draft.id,
            "position": number,
            "filing_id": filing,
            "version": draft.versions[number - 1] if draft.versions else draft.version,
            "shipment_key": shipment,
        }
        for draft in drafts
        for number, (filing, shipment) in enumerate(draft.carries, 1)
    ]
    if carried:
        conn.execute(insert(t.transmission_filings), carried)
