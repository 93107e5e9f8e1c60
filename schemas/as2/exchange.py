"""What happens at the door: a request comes in, what is the answer?

Two pure steps with the caller's own act between them. :func:`read_request` opens the request; the caller stores what
arrived and commits; :func:`answer` makes the HTTP answer with the receipt that was asked for. Whoever answers before
storing promises what a crash can break.

Answers: 200 with a receipt (positive or negative) when one was asked for; without, 200 for a message and 400 for a
refusal. A refusal whose sender or Message-ID cannot be repeated in a receipt is answered 400 as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from schemas.as2 import dispositions, headers
from schemas.as2.dispositions import fault
from schemas.as2.identity import Identity, Partner
from schemas.as2.mdn import build_mdn
from schemas.as2.message import HeaderItems, open_message
from schemas.as2.values import As2Message, As2Response, ReceiptRequest, ReceivedMessage, Refusal
from schemas.errors import FormatError, Problem

_PLAIN = {"Content-Type": "text/plain; charset=us-ascii"}


def read_request(
    items: HeaderItems, body: bytes, *, me: Identity, partners: Mapping[str, Partner], received_at: datetime
) -> ReceivedMessage | Refusal:
    """:func:`schemas.as2.open_message`, with a fault as a value. Never raises for anything that bytes can hold.

    A sender that asks for an asynchronous receipt is refused: receipts are given in the answer to the request.
    """
    pairs = list(items.items() if isinstance(items, Mapping) else items)
    try:
        received = open_message(pairs, body, me=me, partners=partners, received_at=received_at)
        if received.receipt.async_url:
            raise fault(
                dispositions.UNEXPECTED,
                "headers.receipt-delivery-option",
                "Asynchronous receipts are not given here.",
                "Ask for a receipt in the answer to the request: leave out Receipt-Delivery-Option.",
            )
    except FormatError as error:
        return refusal_of(pairs, error.problems)
    return received


def refusal_of(items: HeaderItems, problems: tuple[Problem, ...]) -> Refusal:
    """A refusal with whatever of the request's header can still be read."""
    pairs = items.items() if isinstance(items, Mapping) else items
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name.lower(), value.strip())
    return Refusal(
        message_id=_readable(headers.check_message_id, fields.get("message-id", "")),
        sender=_readable(headers.parse_as2_name, fields.get("as2-from", "")),
        recipient=_readable(headers.parse_as2_name, fields.get("as2-to", "")),
        problems=problems,
        receipt=_receipt(fields),
    )


def _readable(reader: Callable[[str], str], value: str) -> str:
    try:
        return reader(value)
    except FormatError:
        return ""


def _receipt(fields: Mapping[str, str]) -> ReceiptRequest:
    try:
        asked = headers.parse_receipt_request(fields)
    except FormatError:
        return ReceiptRequest("unsigned")
    return ReceiptRequest(asked.kind, asked.mic_algorithms)


def answer(
    about: ReceivedMessage | Refusal, *, me: Identity, message_id: str, date: datetime, disposition: str = ""
) -> As2Response:
    """The HTTP answer to a request that was read (and stored, or refused)."""
    if about.receipt.kind != "none" and about.sender and about.message_id:
        mdn = build_mdn(about, me=me, message_id=message_id, date=date, disposition=disposition)
        return As2Response(200, mdn.headers, mdn.body, mdn)
    if isinstance(about, Refusal):
        return As2Response(400, _PLAIN, f"{dispositions.sentence_of(about.code)}\r\n".encode("ascii"))
    return As2Response(200, _PLAIN, b"")


def repeat(mdn: As2Message) -> As2Response:
    """The answer that carries a receipt given before."""
    return As2Response(200, mdn.headers, mdn.body, mdn)
