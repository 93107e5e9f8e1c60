"""How is a payload made an AS2 message, and what does a received one hold?

Writing: payload → part → (compressed) → (signed) → (encrypted), the order of RFC 5402 section 2.1. Reading: the layers
are taken off, the partner's requirements checked, the payload handed on with the MIC that its receipt repeats. The
Message-ID and the instant are arguments; boundaries follow from the Message-ID; only encryption (and ECDSA) is random.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from cryptography import x509

from schemas.as2 import algorithms, cms, dispositions, headers
from schemas.as2.dispositions import MdnKind, fault
from schemas.as2.identity import Identity, Partner
from schemas.as2.layers import Opened, mic, open_layers, sealed
from schemas.as2.limits import MAX_MESSAGE_BYTES, MAX_PAYLOAD_BYTES
from schemas.as2.mime import Part, base64_lines, choose_boundary, write_multipart, write_part
from schemas.as2.values import As2Message, ReceivedMessage
from schemas.errors import FormatError, Problem

AS2_VERSION: Final = "1.2"
FEATURES: Final = "AS2-Reliability"
"""EDIINT-Features (RFC 6017), which AS2-Version 1.2 asks for: a lost receipt is answered by the same bytes under the
same Message-ID, and such a repetition by the same receipt. The word for it is recalled (AS2 reliability draft)."""

HeaderItems = Mapping[str, str] | Iterable[tuple[str, str]]


def common_headers(sender: str, receiver: str, message_id: str, date: datetime, subject: str) -> dict[str, str]:
    """The header fields that messages and notifications share."""
    return {
        "AS2-Version": AS2_VERSION,
        "EDIINT-Features": FEATURES,
        "AS2-From": headers.write_as2_name(sender),
        "AS2-To": headers.write_as2_name(receiver),
        "Message-ID": headers.check_message_id(message_id),
        "Date": headers.write_date(date),
        "Subject": headers.check_text(subject, "subject"),
        "MIME-Version": "1.0",
    }


def check_validity(certificate: x509.Certificate, at: datetime, path: str) -> None:
    """FormatError ``as2-cannot-build`` when the certificate is not valid at that instant."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise fault(
            dispositions.CANNOT_BUILD,
            path,
            f"The certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}, not now.",
            "Exchange a new certificate with the partner.",
        )


def sign_part(
    part: bytes, *, identity: Identity, digest: str, date: datetime, seed: str
) -> tuple[dict[str, str], bytes]:
    """A multipart/signed around ``part``: its fields and its body."""
    check_validity(identity.certificate, date, "identity.certificate")
    signature = cms.sign(
        part, certificate=identity.certificate, private_key=identity.private_key, signed_at=date, digest=digest
    )
    signature_part = write_part(
        {
            "Content-Type": 'application/pkcs7-signature; name="smime.p7s"; smime-type=signed-data',
            "Content-Transfer-Encoding": "base64",
            "Content-Disposition": 'attachment; filename="smime.p7s"',
        },
        base64_lines(signature),
    )
    boundary = choose_boundary(seed, (part, signature_part))
    content_type = f'multipart/signed; protocol="application/pkcs7-signature"; micalg={digest}; boundary="{boundary}"'
    return {"Content-Type": content_type}, write_multipart((part, signature_part), boundary)


def _cms_fields(kind: str, name: str) -> dict[str, str]:
    return {
        "Content-Type": f'application/pkcs7-mime; smime-type={kind}; name="{name}"',
        "Content-Transfer-Encoding": "binary",
        "Content-Disposition": f'attachment; filename="{name}"',
    }


def build_message(
    payload: bytes,
    *,
    content_type: str,
    filename: str,
    sender: Identity,
    receiver: Partner,
    message_id: str,
    date: datetime,
    want_mdn: MdnKind | None = None,
    sign: bool | None = None,
    encrypt: bool | None = None,
    compress: bool | None = None,
    async_url: str | None = None,
    subject: str = "",
) -> As2Message:
    """Make the exact headers and body of an AS2 message, and the MIC that its receipt must repeat.

    ``want_mdn``, ``sign``, ``encrypt``, ``compress`` and ``async_url`` (where the receipt is to be posted, "" for the
    answer) follow the partner's settings when None. Raises FormatError ``as2-cannot-build`` (or
    ``as2-insufficient-message-security`` for a weak key) when the arguments do not make a message.
    """
    sign = receiver.sign if sign is None else sign
    encrypt = receiver.encrypt if encrypt is None else encrypt
    compress = receiver.compress if compress is None else compress
    want_mdn = receiver.mdn if want_mdn is None else want_mdn
    async_url = receiver.receipt_url if async_url is None else async_url
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise fault(dispositions.CANNOT_BUILD, "payload", f"A payload holds at most {MAX_PAYLOAD_BYTES} bytes.")
    if receiver.digest not in algorithms.DIGEST_OIDS:
        raise fault(dispositions.CANNOT_BUILD, "digest", f"The digest {receiver.digest!r} is not on the allow list.")
    message_id = headers.check_message_id(message_id)
    outer = common_headers(sender.as2_name, receiver.as2_name, message_id, date, subject or filename)
    outer |= headers.write_receipt_request(want_mdn, to=outer["AS2-From"], digest=receiver.digest, async_url=async_url)
    fields = {
        "Content-Type": headers.check_media_type(content_type),
        "Content-Transfer-Encoding": "binary",
        "Content-Disposition": f'attachment; filename="{headers.check_filename(filename)}"',
    }
    body = payload
    covered = payload
    if compress or sign or encrypt:
        covered = write_part(fields, payload)
    if compress:
        fields, body = _cms_fields("compressed-data", "smime.p7z"), cms.compress(covered)
        covered = write_part(fields, body) if sign else covered
    if sign:
        fields, body = sign_part(covered, identity=sender, digest=receiver.digest, date=date, seed=message_id)
    if encrypt:
        certificate = receiver.encryption_certificate or receiver.certificate
        check_validity(certificate, date, "partner.certificate")
        inner = write_part(fields, body)
        fields, body = (
            _cms_fields("enveloped-data", "smime.p7m"),
            cms.encrypt(inner, certificate=certificate, cipher=receiver.cipher),
        )
    if len(body) > MAX_MESSAGE_BYTES:
        raise fault(dispositions.CANNOT_BUILD, "payload", f"A message holds at most {MAX_MESSAGE_BYTES} bytes.")
    return As2Message(outer | fields, body, message_id, mic(covered, receiver.digest), receiver.digest)


def partner_of(fields: Mapping[str, str], me: Identity, partners: Mapping[str, Partner]) -> Partner:
    """The partner that a received header names, when it is addressed to us.

    Raises FormatError: ``as2-authentication-failed`` for an unknown sender, ``as2-unexpected-processing-error`` for
    another recipient.
    """
    sender = headers.parse_as2_name(fields.get("as2-from", ""))
    recipient = headers.parse_as2_name(fields.get("as2-to", ""))
    if recipient != me.as2_name:
        raise fault(
            dispositions.UNEXPECTED, "headers.as2-to", f"The message is for {recipient!r}, not for {me.as2_name!r}."
        )
    if sender == me.as2_name or sender not in partners:
        raise fault(dispositions.AUTHENTICATION_FAILED, "headers.as2-from", f"{sender!r} is not a partner of ours.")
    return partners[sender]


def open_message(
    items: HeaderItems, body: bytes, *, me: Identity, partners: Mapping[str, Partner], received_at: datetime
) -> ReceivedMessage:
    """Decrypt, verify and unpack a received message.

    ``items`` are the HTTP header fields (a mapping, or pairs so that repeated fields are seen), ``partners`` the known
    ones by AS2 name. Raises FormatError whose code is ``as2-`` plus the disposition modifier to answer with.
    """
    fields = headers.fold_headers(items)
    partner = partner_of(fields, me, partners)
    message_id = headers.check_message_id(fields.get("message-id", ""), dispositions.UNEXPECTED)
    receipt = headers.parse_receipt_request(fields)
    if len(body) > MAX_MESSAGE_BYTES:
        raise fault(dispositions.UNEXPECTED, "body", f"A message holds at most {MAX_MESSAGE_BYTES} bytes.")
    opened = open_layers(Part(fields, body), me=me, partner=partner, at=received_at)
    with sealed(opened.encrypted and opened.verified is None):
        _check_required(opened, partner)
        payload = opened.part.decoded()
        content_type = opened.part.fields.get("content-type", "application/octet-stream")
        filename, problems = _filename(opened.part)
    if opened.verified is not None:
        algorithm = opened.verified.digest
    else:
        algorithm = receipt.mic_algorithms[0] if receipt.mic_algorithms else "sha-256"
    return ReceivedMessage(
        payload=payload,
        content_type=content_type,
        filename=filename,
        message_id=message_id,
        sender=partner.as2_name,
        recipient=me.as2_name,
        signed=opened.verified is not None,
        encrypted=opened.encrypted,
        compressed=opened.compressed,
        mic=mic(opened.covered, algorithm),
        mic_algorithm=algorithm,
        receipt=receipt,
        payload_digest=hashlib.sha256(payload).hexdigest(),
        signature_digest=opened.verified.signature_digest if opened.verified else "",
        signed_at=opened.verified.signed_at if opened.verified else None,
        problems=problems,
    )


def _check_required(opened: Opened, partner: Partner) -> None:
    missing = [
        word
        for word, required, present in (
            ("signed", partner.require_signature, opened.verified is not None),
            ("encrypted", partner.require_encryption, opened.encrypted),
        )
        if required and not present
    ]
    if missing:
        text = f"The message is not {' and not '.join(missing)}, which is agreed with {partner.as2_name!r}."
        raise fault(dispositions.INSUFFICIENT_SECURITY, "body", text)


def _filename(part: Part) -> tuple[str, tuple[Problem, ...]]:
    try:
        _, disposition = headers.parse_value(part.fields.get("content-disposition", ""), "content-disposition")
        name = disposition.get("filename") or part.content_type[1].get("name", "")
    except FormatError:
        name = "?"
    if not name or headers.is_plain_filename(name):
        return name, ()
    problem = Problem(
        code="as2-filename",
        path="content-disposition.filename",
        text="The file name in the message is not a plain one and was left out.",
        remedy="Name files with letters, digits, points, hyphens and spaces.",
        severity="warning",
    )
    return "", (problem,)
