"""How is a message disposition notification (the receipt) written and read?

A receipt is a ``multipart/report`` of a sentence for people and fields for machines (RFC 8098, RFC 4130 section 7.4),
inside ``multipart/signed`` when it is signed. Rules:

* the readable sentence follows from the disposition alone: a receipt tells a stranger nothing that its code does not;
* reading checks signature and partner (:func:`open_mdn`), then the Message-ID it answers and the MIC
  (:func:`check_mdn`, also by itself for a receipt that comes when its message has first to be found);
* a negative receipt that passes those checks is an answer, not an error: see ``Mdn.disposition.accepted``.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.as2 import dispositions, headers
from schemas.as2.algorithms import normal_digest_name
from schemas.as2.dispositions import Disposition, disposition_of, fault, parse_disposition, sentence_of
from schemas.as2.identity import Identity, Partner
from schemas.as2.layers import open_layers
from schemas.as2.limits import MAX_MDN_BYTES
from schemas.as2.message import HeaderItems, common_headers, partner_of, sign_part
from schemas.as2.mime import Part, choose_boundary, read_fields, read_part, split_multipart, write_multipart, write_part
from schemas.as2.values import As2Message, ReceivedMessage, Refusal
from schemas.errors import FormatError, Problem

REPORTING_AGENT: Final = "customs-filing-gateway"
_MIC: Final = re.compile(r"\s*([A-Za-z0-9+/=\s]+?)\s*,\s*([A-Za-z0-9_-]+)\s*")
_MAX_TEXT: Final = 2000


@dataclass(frozen=True, slots=True)
class Mdn:
    """A receipt as read, of the partner ``sender``. ``signed_ok``: its signature is on it and holds.

    ``original_message_id`` names the message it is about; ``mic`` is "" when it has none.
    """

    original_message_id: str
    disposition: Disposition
    mic: str
    mic_algorithm: str
    signed_ok: bool
    text: str
    message_id: str = ""
    sender: str = ""
    problems: tuple[Problem, ...] = ()


def build_mdn(
    about: ReceivedMessage | Refusal,
    *,
    me: Identity,
    message_id: str,
    date: datetime,
    signed: bool | None = None,
    disposition: str = "",
) -> As2Message:
    """The receipt for a received message (positive) or for a refusal (negative).

    ``signed`` follows what the sender asked for when None. ``disposition`` replaces the one that follows from
    ``about``, for ``processed/warning: duplicate-document``. Raises FormatError when the sender's name or Message-ID
    cannot be repeated in a header.
    """
    signed = about.receipt.kind == "signed" if signed is None else signed
    message_id = headers.check_message_id(message_id)
    fields = {
        "Reporting-UA": REPORTING_AGENT,
        "Original-Recipient": f"rfc822; {headers.write_as2_name(me.as2_name)}",
        "Final-Recipient": f"rfc822; {headers.write_as2_name(me.as2_name)}",
        "Original-Message-ID": headers.check_message_id(about.message_id),
    }
    digest = "sha-256"
    if isinstance(about, ReceivedMessage):
        digest = about.mic_algorithm
        fields["Disposition"] = f"{dispositions.ACTION}; {disposition or dispositions.PROCESSED}"
        fields["Received-Content-MIC"] = f"{about.mic}, {about.mic_algorithm}"
        sentence = "The message was received and its content was stored."
    else:
        digest = about.receipt.mic_algorithms[0] if about.receipt.mic_algorithms else digest
        fields["Disposition"] = f"{dispositions.ACTION}; {disposition or disposition_of(about.code)}"
        sentence = sentence_of(about.code)
    text = f"{sentence}\r\nThis receipt does not say whether the content itself is right.\r\n"
    parts = (
        write_part(
            {"Content-Type": "text/plain; charset=us-ascii", "Content-Transfer-Encoding": "7bit"}, text.encode("ascii")
        ),
        write_part(
            {"Content-Type": "message/disposition-notification", "Content-Transfer-Encoding": "7bit"},
            write_part(fields, b""),
        ),
    )
    boundary = choose_boundary(f"report {message_id}", parts)
    report = {"Content-Type": f'multipart/report; report-type=disposition-notification; boundary="{boundary}"'}
    body = write_multipart(parts, boundary)
    if signed:
        report, body = sign_part(
            write_part(report, body), identity=me, digest=digest, date=date, seed=f"signed {message_id}"
        )
    outer = common_headers(me.as2_name, about.sender, message_id, date, "Message Disposition Notification")
    return As2Message(outer | report, body, message_id)


def open_mdn(
    items: HeaderItems,
    body: bytes,
    *,
    me: Identity,
    partner: Partner,
    received_at: datetime,
    require_signed: bool = True,
    message_id: str = "",
    mic: str = "",
    mic_algorithm: str = "",
    require_mic: bool = True,
) -> Mdn:
    """Read a receipt from ``partner``; with ``message_id`` and ``mic`` (base64), check that it is for that message.

    Raises FormatError: ``as2-insufficient-message-security`` (unsigned though signed was asked),
    ``as2-authentication-failed``, ``as2-integrity-check-failed`` (changed on the way, or another MIC than ours) or
    ``as2-unexpected-processing-error`` (not a receipt, or one for another message).
    """
    fields = headers.fold_headers(items)
    if len(body) > MAX_MDN_BYTES:
        raise fault(dispositions.UNEXPECTED, "mdn", f"A receipt holds at most {MAX_MDN_BYTES} bytes.")
    if "as2-from" in fields or "as2-to" in fields:
        partner_of(fields, me, {partner.as2_name: partner})
    opened = open_layers(Part(fields, body), me=me, partner=partner, at=received_at)
    if require_signed and opened.verified is None:
        raise _not_signed()
    text, machine = _read_report(opened.part)
    disposition = parse_disposition(machine.get("disposition", ""))
    found_mic, found_algorithm = _read_mic(machine.get("received-content-mic", ""))
    mdn = Mdn(
        original_message_id=headers.check_message_id(machine.get("original-message-id", ""), dispositions.UNEXPECTED),
        disposition=disposition,
        mic=found_mic,
        mic_algorithm=found_algorithm,
        signed_ok=opened.verified is not None,
        text=text,
        message_id=fields.get("message-id", ""),
        sender=partner.as2_name,
        problems=_warnings(disposition),
    )
    check_mdn(mdn, message_id=message_id, mic=mic, mic_algorithm=mic_algorithm, require_mic=require_mic)
    return mdn


def check_mdn(
    mdn: Mdn,
    *,
    message_id: str = "",
    mic: str = "",
    mic_algorithm: str = "",
    require_mic: bool = True,
    require_signed: bool = False,
) -> None:
    """Compare a receipt with the message it is to be for: its Message-ID and its MIC (base64), unless "".

    A positive receipt without a MIC passes only when ``require_mic`` is false (peers send none for unsigned messages).
    Raises FormatError with the codes of :func:`open_mdn`.
    """
    if require_signed and not mdn.signed_ok:
        raise _not_signed()
    if message_id and mdn.original_message_id != headers.check_message_id(message_id):
        raise fault(dispositions.UNEXPECTED, "mdn.original-message-id", "The receipt is for another message.")
    if mic and mdn.disposition.accepted:
        _check_mic(mdn, mic, mic_algorithm, require_mic)


def _not_signed() -> FormatError:
    return fault(dispositions.INSUFFICIENT_SECURITY, "mdn", "The receipt is not signed, though that was asked for.")


def _check_mic(mdn: Mdn, mic: str, mic_algorithm: str, require_mic: bool) -> None:
    if not mdn.mic:
        if require_mic:
            raise fault(dispositions.INTEGRITY_CHECK_FAILED, "mdn.received-content-mic", "The receipt has no MIC.")
        return
    same_algorithm = mdn.mic_algorithm == normal_digest_name(mic_algorithm)
    if not same_algorithm or not hmac.compare_digest(mdn.mic.encode(), mic.encode()):
        raise fault(
            dispositions.INTEGRITY_CHECK_FAILED,
            "mdn.received-content-mic",
            "The MIC in the receipt is not that of the message we sent: the partner may hold other bytes.",
        )


def _read_report(part: Part) -> tuple[str, dict[str, str]]:
    media_type, parameters = part.content_type
    if media_type != "multipart/report":
        raise fault(dispositions.UNEXPECTED, "mdn", f"The answer is {media_type[:80]!r}, not a receipt.")
    text = ""
    machine: dict[str, str] | None = None
    for raw in split_multipart(part.body, parameters.get("boundary", "")):
        inner = read_part(raw)
        kind = inner.content_type[0]
        if kind == "message/disposition-notification" and machine is None:
            machine = read_fields(inner.decoded().strip())
        elif kind.startswith("text/") and not text:
            text = inner.decoded()[: 4 * _MAX_TEXT].decode("utf-8", "replace").strip()[:_MAX_TEXT]
    if machine is None:
        raise fault(dispositions.UNEXPECTED, "mdn", "The receipt has no part for machines.")
    return text, machine


def _read_mic(value: str) -> tuple[str, str]:
    if not value.strip():
        return "", ""
    match = _MIC.fullmatch(value)
    if match is None:
        raise fault(dispositions.UNEXPECTED, "mdn.received-content-mic", "The MIC of the receipt cannot be read.")
    return "".join(match[1].split()), normal_digest_name(match[2])


def _warnings(disposition: Disposition) -> tuple[Problem, ...]:
    if disposition.outcome != "warning":
        return ()
    text = f"The partner took the message with a remark: {disposition.text}."
    code = disposition.code or dispositions.UNEXPECTED
    return (Problem(code=code, path="mdn.disposition", text=text, severity="warning"),)
