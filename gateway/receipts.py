"""Which messages of the partner have come before, and which receipt did each get?

The receipt of a message is kept with it, so that a message sent again gets the very same one.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from filings import receiving
from filings.store import Store
from filings.store import tables as t
from gateway.transports import EarlierAnswer
from schemas.as2 import As2Message, ReceivedMessage


class Receipts:
    """The memory of our AS2 door."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def accept(self, message: ReceivedMessage, partner: str, now: datetime) -> None:
        """Commit a message before its receipt is made."""
        inbound = receiving.Inbound(
            partner=partner,
            channel="as2",
            name=message.filename or message.message_id,
            content_type=message.content_type,
            payload=message.payload,
            message_id=message.message_id,
            detail={
                "signed": message.signed,
                "encrypted": message.encrypted,
                "mic": message.mic,
                "mic_algorithm": message.mic_algorithm,
                "payload_digest": message.payload_digest,
            },
        )
        await self._store.write(lambda conn: receiving.receive(conn, inbound, now))

    async def earlier(self, message: ReceivedMessage) -> EarlierAnswer | None:
        """The same message, if it came before."""
        return await self._store.read(lambda conn: _find(conn, message.message_id))

    async def answered(self, message: ReceivedMessage, mdn: As2Message) -> None:
        """Keep the receipt that is about to be given."""
        kept = {
            "headers": dict(mdn.headers),
            "body": base64.b64encode(mdn.body).decode(),
            "message_id": mdn.message_id,
            "sha256": hashlib.sha256(mdn.body).hexdigest(),
        }
        await self._store.write(lambda conn: _keep(conn, message.message_id, kept))


def _row(conn: Connection, message_id: str) -> Any:
    kept = receiving.kept_message_id(message_id)
    same = (t.transmissions.c.direction == "in") & (t.transmissions.c.message_id == kept)
    return conn.execute(select(t.transmissions.c.id, t.transmissions.c.receipt).where(same)).first()


def _find(conn: Connection, message_id: str) -> EarlierAnswer | None:
    row = _row(conn, message_id)
    if row is None:
        return None
    kept = row.receipt.get("mdn")
    mdn = None
    if kept is not None:
        mdn = As2Message(
            headers=kept["headers"],
            body=base64.b64decode(kept["body"]),
            message_id=kept["message_id"],
            mic="",
            mic_algorithm="",
        )
    return EarlierAnswer(message_id, row.receipt.get("payload_digest", ""), mdn)


def _keep(conn: Connection, message_id: str, mdn: dict[str, Any]) -> None:
    row = _row(conn, message_id)
    if row is not None:
        values = {**row.receipt, "mdn": mdn}
        conn.execute(update(t.transmissions).where(t.transmissions.c.id == row.id).values(receipt=values))
