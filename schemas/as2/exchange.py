"""What happens at the door: a request comes in, what is the answer?

Two pure steps with the caller's own act between them. :func:`read_request` opens the request; the caller stores what
arrived and commits; :func:`answer` makes the HTTP answer with the receipt that was asked for. Whoever answers before
storing promises what a crash can break.

Answers: 200 with a receipt (positive or negative) when one was asked for; without, 200 for a message and 400 for a
refusal. A refusal whose sender or Message-ID cannot be repeated in a receipt is answered 400 as well. A sender that
asks for its receipt to be posted gets 200 and nothing, and the receipt is owed (``As2Response.post_to``); if the
address is not one that was agreed (:mod:`schemas.as2.addresses`), its message is refused, in the answer.

Receipts for what we sent come through the same door: :func:`is_receipt` tells them from messages, :func:`read_receipt`
proves whose they are. There is never a receipt for a receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from schemas.as2 import dispositions, headers
from schemas.as2.addresses import may_post
from schemas.as2.dispositions import fault
from schemas.as2.identity import Identity, Partner
from schemas.as2.mdn import Mdn, build_mdn, open_mdn
from schemas.as2.message import HeaderItems, open_message, partner_of
from schemas.as2.mime import read_first_header
from schemas.as2.values import As2Message, As2Response, ReceiptRequest, ReceivedMessage, Refusal
from schemas.errors import FormatError, Problem

_PLAIN = {"Content-Type": "text/plain; charset=us-ascii"}


def read_request(
    items: HeaderItems, body: bytes, *, me: Identity, partners: Mapping[str, Partner], received_at: datetime
) -> ReceivedMessage | Refusal:
    """:func:`schemas.as2.open_message`, with a fault as a value. Never raises for anything that bytes can hold.

    A sender that wants its receipt posted where nothing was agreed is refused.
    """
    pairs = list(items.items() if isinstance(items, Mapping) else items)
    try:
        received = open_message(pairs, body, me=me, partners=partners, received_at=received_at)
        url = received.receipt.async_url
        if url and not may_post(url, partners[received.sender].address):
            raise fault(
                dispositions.UNEXPECTED,
                "headers.receipt-delivery-option",
                f"Receipts are not posted to {url[:200]!r}: it is not where this partner takes messages.",
                "Name an address at the host and port that were agreed, or leave out Receipt-Delivery-Option.",
            )
    except FormatError as error:
        return refusal_of(pairs, error.problems, partners)
    return received


def refusal_of(
    items: HeaderItems, problems: tuple[Problem, ...], partners: Mapping[str, Partner] | None = None
) -> Refusal:
    """A refusal with whatever of the request's header can still be read; ``partners`` as in :func:`read_request`."""
    pairs = items.items() if isinstance(items, Mapping) else items
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name.lower(), value.strip())
    sender = _readable(headers.parse_as2_name, fields.get("as2-from", ""))
    partner = (partners or {}).get(sender)
    return Refusal(
        message_id=_readable(headers.check_message_id, fields.get("message-id", "")),
        sender=sender,
        recipient=_readable(headers.parse_as2_name, fields.get("as2-to", "")),
        problems=problems,
        receipt=_receipt(fields, partner.address if partner is not None else ""),
    )


def _readable(reader: Callable[[str], str], value: str) -> str:
    try:
        return reader(value)
    except FormatError:
        return ""


def _receipt(fields: Mapping[str, str], agreed: str) -> ReceiptRequest:
    url = fields.get("receipt-delivery-option", "")
    url = url if may_post(url, agreed) else ""
    try:
        asked = headers.parse_receipt_request(fields)
    except FormatError:
        return ReceiptRequest("unsigned", async_url=url)
    return ReceiptRequest(asked.kind, asked.mic_algorithms, url if asked.kind != "none" else "")


def answer(
    about: ReceivedMessage | Refusal, *, me: Identity, message_id: str, date: datetime, disposition: str = ""
) -> As2Response:
    """The HTTP answer to a request that was read (and stored, or refused)."""
    if about.receipt.kind != "none" and about.sender and about.message_id:
        mdn = build_mdn(about, me=me, message_id=message_id, date=date, disposition=disposition)
        return carry(mdn, about.receipt.async_url)
    if isinstance(about, Refusal):
        return As2Response(400, _PLAIN, f"{dispositions.sentence_of(about.code)}\r\n".encode("ascii"))
    return As2Response(200, _PLAIN, b"")


def carry(mdn: As2Message, post_to: str = "") -> As2Response:
    """The answer with this receipt in it or, with ``post_to``, the empty one after which it is posted there."""
    if post_to:
        return As2Response(200, _PLAIN, b"", mdn, post_to)
    return As2Response(200, mdn.headers, mdn.body, mdn)


def is_receipt(items: HeaderItems, body: bytes) -> bool:
    """Whether a request is a notification rather than a message, by its own word: nothing is verified, nothing raised.

    A notification is a ``multipart/report``, or a ``multipart/signed`` whose first part is one.
    """
    try:
        fields = headers.fold_headers(items)
        media_type, parameters = headers.parse_value(fields.get("content-type", ""), "headers.content-type")
        if media_type == "multipart/signed":
            inner = read_first_header(body, parameters.get("boundary", ""))
            media_type, _ = headers.parse_value(inner.get("content-type", ""), "headers.content-type")
    except FormatError:
        return False
    return media_type == "multipart/report"


def read_receipt(
    items: HeaderItems, body: bytes, *, me: Identity, partners: Mapping[str, Partner], received_at: datetime
) -> Mdn | Refusal:
    """A notification that comes by itself, its signature verified if it has one; a fault as a value.

    What it is about is not known here: :func:`schemas.as2.check_mdn` compares it with what was sent.
    """
    pairs = list(items.items() if isinstance(items, Mapping) else items)
    try:
        partner = partner_of(headers.fold_headers(pairs), me, partners)
        return open_mdn(pairs, body, me=me, partner=partner, received_at=received_at, require_signed=False)
    except FormatError as error:
        return replace(refusal_of(pairs, error.problems), receipt=ReceiptRequest())
