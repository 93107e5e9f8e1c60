"""How does a file look when it travels by AS2? Bytes and values in, bytes and values out.

AS2 (RFC 4130, AS2-Version 1.2) over CMS (RFC 5652), S/MIME (RFC 8551), CMS compression (RFC 3274,
RFC 5402) and message disposition notifications (RFC 8098). This package opens no socket, reads no
clock and keeps no state: Message-IDs and instants are arguments, so that both ends of an exchange
(a gateway, a simulator) can use it and every case can be tested as a table.

Sending::

    message = build_message(payload, content_type=…, filename=…, sender=Identity, receiver=Partner,
                            message_id="<…>", date=…)                       -> As2Message
    mdn = open_mdn(headers, body, me=Identity, partner=Partner, received_at=…, …) -> Mdn

Receiving::

    arrived = read_request(headers, body, me=Identity, partners={as2_name: Partner}, received_at=…)
                                                                            -> ReceivedMessage | Refusal
    (commit what arrived)
    response = answer(arrived, me=Identity, message_id="<…>", date=…)       -> As2Response(status, headers, body)

A receipt that the partner posts (asynchronous) comes in by the same door::

    if is_receipt(headers, body):
        mdn = read_receipt(headers, body, me=Identity, partners={…}, received_at=…)     -> Mdn | Refusal
        (find the message it is about)
        check_mdn(mdn, message_id=…, mic=…, mic_algorithm=…)

``read_request`` is :func:`open_message` with its :class:`schemas.errors.FormatError` turned into a
:class:`Refusal` value that :func:`answer` and :func:`build_mdn` can send back. Nothing here raises
anything but ``FormatError``; the problem codes are ``as2-`` plus the disposition modifier of RFC 4130
section 7.5 (see :mod:`schemas.as2.dispositions`).

Limits: a message body of at most :data:`MAX_MESSAGE_BYTES`, a payload (after decompression) of at most
:data:`MAX_PAYLOAD_BYTES`, a notification of at most :data:`MAX_MDN_BYTES`.
"""

from __future__ import annotations

from schemas.as2.addresses import may_post
from schemas.as2.dispositions import MdnKind
from schemas.as2.exchange import answer, carry, is_receipt, read_receipt, read_request
from schemas.as2.headers import fold_headers, make_message_id, parse_as2_name, write_as2_name
from schemas.as2.identity import Identity, Partner, fingerprint, make_identity, new_private_key, self_signed_certificate
from schemas.as2.limits import MAX_MDN_BYTES, MAX_MESSAGE_BYTES, MAX_PAYLOAD_BYTES
from schemas.as2.mdn import Mdn, build_mdn, check_mdn, open_mdn
from schemas.as2.message import build_message, open_message
from schemas.as2.values import As2Message, As2Response, ReceiptRequest, ReceivedMessage, Refusal

__all__ = [
    "MAX_MDN_BYTES",
    "MAX_MESSAGE_BYTES",
    "MAX_PAYLOAD_BYTES",
    "As2Message",
    "As2Response",
    "Identity",
    "Mdn",
    "MdnKind",
    "Partner",
    "ReceiptRequest",
    "ReceivedMessage",
    "Refusal",
    "answer",
    "build_mdn",
    "build_message",
    "carry",
    "check_mdn",
    "fingerprint",
    "fold_headers",
    "is_receipt",
    "make_identity",
    "make_message_id",
    "may_post",
    "new_private_key",
    "open_mdn",
    "open_message",
    "parse_as2_name",
    "read_receipt",
    "read_request",
    "self_signed_certificate",
    "write_as2_name",
]
