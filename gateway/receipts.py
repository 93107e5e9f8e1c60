"""Which messages of the partner have come before, which receipt did each get, and what do its own receipts settle?

The receipt of a message is kept with it, so that a message sent again gets the very same one. A receipt that the
partner wants posted is owed from the same commit on.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from filings import late_receipts, owed_receipts, receiving
from filings.store import Store
from filings.store import tables as t
from gateway.transports import EarlierAnswer, PreparedTransmission, Receipt
from gateway.transports.as2 import receipt_of
from schemas.as2 import As2Message, As2Response, Mdn, ReceivedMessage
from schemas.errors import FormatError, Problem


def _machine_clock() -> datetime:
    return datetime.now(UTC)


class Receipts:
    """The memory of our AS2 door towards one partner."""

    def __init__(
        self,
        store: Store,
        partner: str,
        clock: Callable[[], datetime],
        *,
        wall: Callable[[], datetime] = _machine_clock,
    ) -> None:
        self._store = store
        self._partner = partner
        self._clock = clock
        self._wall = wall

    # ------------------------------------------------------------------ for the partner's messages

    async def accept(self, message: ReceivedMessage, response: As2Response) -> None:
        """Commit a message with the receipt that it will get."""
        detail: dict[str, Any] = {
            "signed": message.signed,
            "encrypted": message.encrypted,
            "mic": message.mic,
            "mic_algorithm": message.mic_algorithm,
            "payload_digest": message.payload_digest,
        }
        if response.mdn is not None:
            detail["mdn"] = _kept(response.mdn)
        inbound = receiving.Inbound(
            partner=self._partner,
            channel="as2",
            name=message.filename or message.message_id,
            content_type=message.content_type,
            payload=message.payload,
            message_id=message.message_id,
            detail=detail,
        )
        now = self._clock()

        def commit(conn: Connection) -> None:
            receiving.receive(conn, inbound, now)
            self._owe(conn, message.message_id, response, vouched=True)

        await self._store.write(commit)

    async def earlier(self, message: ReceivedMessage) -> EarlierAnswer | None:
        """The same message, if it came before."""
        return await self._store.read(lambda conn: _find(conn, message.message_id))

    async def answered(self, message: ReceivedMessage, response: As2Response) -> None:
        """Keep the receipt of a message that asked for none when it first came."""

        def commit(conn: Connection) -> None:
            row = _row(conn, message.message_id)
            if row is not None and response.mdn is not None:
                values = {**row.receipt, "mdn": _kept(response.mdn)}
                conn.execute(update(t.transmissions).where(t.transmissions.c.id == row.id).values(receipt=values))
            self._owe(conn, message.message_id, response, vouched=True)

        await self._store.write(commit)

    async def owe(self, about: str, response: As2Response) -> bool:
        """Keep a receipt that is to be posted, for a message that is not newly stored."""
        return await self._store.write(lambda conn: self._owe(conn, about, response, vouched=False))

    def _owe(self, conn: Connection, about: str, response: As2Response, *, vouched: bool) -> bool:
        mdn = response.mdn
        if mdn is None or not response.post_to:
            return True
        row = _row(conn, about)
        owed = owed_receipts.Owed(
            partner=self._partner,
            url=response.post_to,
            message_id=mdn.message_id,
            headers=mdn.headers,
            body=mdn.body,
            about=about,
            transmission_id=row.id if row is not None else None,
        )
        return owed_receipts.owe(conn, owed, self._wall(), vouched=vouched)

    # ------------------------------------------------------------------ for the messages we sent

    async def came(self, mdn: Mdn, headers: Mapping[str, str], body: bytes) -> tuple[Problem, ...]:
        """Commit what a receipt of the partner settles; problems when it is not signed though that was agreed, or is
        about nothing and nobody vouches for it.
        """
        now, wall = self._clock(), self._wall()
        return await self._store.write(lambda conn: self._settle(conn, mdn, headers, body, now, wall))

    def _settle(
        self, conn: Connection, mdn: Mdn, headers: Mapping[str, str], body: bytes, now: datetime, wall: datetime
    ) -> tuple[Problem, ...]:
        message_id = mdn.original_message_id
        shown = _shown(mdn, headers, wall)
        row = late_receipts.find(conn, self._partner, message_id)
        current = row is not None and late_receipts.is_current(row, message_id)
        if not current and not mdn.signed_ok:
            text = "The receipt is not signed, and for nothing that is on its way."
            return (Problem("as2-receipt-unknown", "mdn.original-message-id", text),)
        if row is None:
            late_receipts.unknown(conn, self._partner, shown, body, now)
            return ()
        if current:
            prepared = PreparedTransmission.from_dict({**row.prepared, "body": ""})
            try:
                receipt = receipt_of(prepared, mdn, wall, headers, body)
            except FormatError as error:
                if not mdn.signed_ok and prepared.expects == "signed":
                    return error.problems
                late_receipts.not_valid(conn, row, error.problems, shown, body, now)
                return ()
            shown = receiving.printable(receipt.as_dict())
        late_receipts.settle(conn, row, shown, body, taken=mdn.disposition.accepted, now=now, wall=wall)
        return ()


def _shown(mdn: Mdn, headers: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """A receipt that has not been compared with what we sent, as it is kept."""
    bare = Receipt(
        message_id=mdn.original_message_id,
        refused=not mdn.disposition.accepted,
        text=mdn.text,
        received_at=at,
        disposition=mdn.disposition.text,
        mic=mdn.mic,
        mic_algorithm=mdn.mic_algorithm,
        signed=mdn.signed_ok,
        headers=headers,
    )
    shown: dict[str, Any] = receiving.printable(bare.as_dict())
    return shown


def _kept(mdn: As2Message) -> dict[str, Any]:
    return {
        "headers": dict(mdn.headers),
        "body": base64.b64encode(mdn.body).decode(),
        "message_id": mdn.message_id,
        "sha256": hashlib.sha256(mdn.body).hexdigest(),
    }


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
