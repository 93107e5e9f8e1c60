"""How are the S/MIME layers around a part taken off, and what do they prove?

Layers may stand in the orders that RFC 4130 and RFC 5402 know: encrypted outside, then compressed, signed and
compressed (compression once). Rules:

* what is handed on is what was verified: when a part is signed, only its signed bytes are read further;
* the MIC covers, for a signed message, the signed part; for one that is only encrypted or compressed, the part inside
  with its header; for a plain one, the body alone (RFC 4130 section 7.3.1, RFC 5402 section 4);
* between decryption and a signature that could at least be looked at, every fault is ``as2-decryption-failed``.
  Anything else would tell a stranger who sends changed copies of a captured message whether the padding came out
  right, and with that, byte by byte, the plain text. The problem's text, which stays in our log, says what was wrong.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.as2 import algorithms, cms, dispositions
from schemas.as2.dispositions import fault
from schemas.as2.identity import Identity, Partner
from schemas.as2.limits import MAX_SIGNATURE_BYTES
from schemas.as2.mime import Part, canonical, read_part, split_multipart
from schemas.errors import FormatError

CMS_TYPES: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
SIGNATURE_TYPES: Final = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})


@dataclass(frozen=True, slots=True)
class Opened:
    """The innermost part with what was found around it; ``covered`` is what the MIC is computed over."""

    part: Part
    covered: bytes
    encrypted: bool
    compressed: bool
    verified: cms.Verified | None


def mic(covered: bytes, digest: str) -> str:
    """Message integrity check: the digest in base64."""
    return base64.b64encode(algorithms.digest_bytes(digest, covered)).decode("ascii")


@contextmanager
def sealed(active: bool) -> Iterator[None]:
    """While active, every FormatError of the block leaves as ``as2-decryption-failed`` (see the head of the module)."""
    try:
        yield
    except FormatError as error:
        if not active:
            raise
        detail = error.problems[0].text
        raise fault(
            dispositions.DECRYPTION_FAILED, "envelope", f"What was decrypted is not a message as agreed. {detail}"
        ) from error


def open_layers(part: Part, *, me: Identity, partner: Partner, at: datetime) -> Opened:
    """Take off every layer of ``part``. Raises FormatError with the code of the layer that failed."""
    encrypted = compressed = False
    verified: cms.Verified | None = None
    covered = part.body
    while True:  # each kind of layer comes off once at most, so this ends
        guarded = encrypted and verified is None
        with sealed(guarded):
            media_type, parameters = part.content_type
        if media_type == "multipart/signed" and verified is None:
            with sealed(guarded):
                signed, signature = _signed_parts(part, parameters)
            part, verified = _verify(signed, signature, partner, at)
            covered = part.raw
            continue
        if media_type not in CMS_TYPES:
            return Opened(part, covered, encrypted, compressed, verified)
        with sealed(guarded):
            data = part.decoded()
            kind = cms.kind_of(data)
            if kind == algorithms.ID_COMPRESSED_DATA and not compressed:
                part = read_part(cms.decompress(data))
                compressed = True
            elif kind == algorithms.ID_ENVELOPED_DATA and not (encrypted or compressed or verified):
                content = cms.decrypt(data, keys=me.key_pairs)
                encrypted = True
                with sealed(True):
                    part = read_part(content)
            else:
                raise _wrong_kind(kind)
        if verified is None:
            covered = part.raw


def _wrong_kind(kind: str) -> FormatError:
    if not kind:
        # Cut or changed at its very start: such a layer can only have been meant as an encrypted one.
        return fault(dispositions.DECRYPTION_FAILED, "envelope", "The message is not a readable CMS value.")
    return fault(
        dispositions.UNSUPPORTED_FORMAT,
        "mime",
        f"A CMS value of type {kind} cannot stand at this place.",
        "Send signed content as multipart/signed, inside one encryption and at most one compression.",
    )


def _signed_parts(part: Part, parameters: dict[str, str]) -> tuple[bytes, Part]:
    parts = split_multipart(part.body, parameters.get("boundary", ""))
    if len(parts) != 2:
        raise fault(dispositions.UNEXPECTED, "mime", "A signed message has a part and its signature, nothing else.")
    signature = read_part(parts[1])
    if signature.content_type[0] not in SIGNATURE_TYPES:
        raise fault(dispositions.UNSUPPORTED_FORMAT, "mime", "The second part of a signed message is no signature.")
    return parts[0], signature


def _verify(signed: bytes, signature: Part, partner: Partner, at: datetime) -> tuple[Part, cms.Verified]:
    try:
        data = signature.decoded()
    except FormatError as error:
        raise fault(dispositions.INTEGRITY_CHECK_FAILED, "signature", "The signature cannot be decoded.") from error
    if len(data) > MAX_SIGNATURE_BYTES:
        text = f"A detached signature has at most {MAX_SIGNATURE_BYTES} bytes, not {len(data)}."
        raise fault(dispositions.INTEGRITY_CHECK_FAILED, "signature", text)
    try:
        verified = cms.verify(data, signed, pinned=partner.pinned, verified_at=at)
    except FormatError as error:
        # A text part is signed with CRLF line ends and may have lost them on the way. What is handed on is then the
        # form that was signed. Binary content has no line ends to mend.
        mended = canonical(signed)
        if error.problems[0].code != dispositions.INTEGRITY_CHECK_FAILED or mended == signed:
            raise
        if _encoding(signed) == "binary":
            raise
        verified = cms.verify(data, mended, pinned=partner.pinned, verified_at=at)
        signed = mended
    return read_part(signed), verified


def _encoding(raw: bytes) -> str:
    try:
        return read_part(raw).encoding
    except FormatError:
        return "binary"
