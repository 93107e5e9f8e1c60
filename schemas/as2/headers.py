"""How are header fields, AS2 names and Message-IDs written and read?

Rules: field names compare without case; a field that decides something may stand once only; nothing that is written
may carry a line end or a character outside printable ASCII (RFC 4130 section 6, RFC 5322, RFC 2045 section 5.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from schemas.as2 import dispositions
from schemas.as2.algorithms import DIGEST_OIDS, normal_digest_name
from schemas.as2.dispositions import MdnKind, fault
from schemas.as2.values import ReceiptRequest

_PRINTABLE: Final = re.compile(r"[\x20-\x7e\t]*")
_TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - a grammar rule, not a secret
_PARAMETER: Final = re.compile(rf';\s*({_TOKEN})\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]+)\s*')
_MEDIA_TYPE: Final = re.compile(rf"{_TOKEN}/{_TOKEN}")
_AS2_NAME: Final = re.compile(r"[\x20-\x7e]{1,128}")
_PLAIN_NAME: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")
_MESSAGE_ID: Final = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]+>")
_FILENAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 _.,()+=@#~-]{0,199}")
_MAX_MESSAGE_ID: Final = 998  # RFC 4130 section 5.3.3

SINGLE: Final = frozenset(
    {
        "as2-version",
        "as2-from",
        "as2-to",
        "message-id",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-length",
        "disposition-notification-to",
        "disposition-notification-options",
        "receipt-delivery-option",
        "disposition",
        "original-message-id",
        "received-content-mic",
    }
)


def fold_headers(items: Iterable[tuple[str, str]] | Mapping[str, str]) -> dict[str, str]:
    """Fields by lower-case name. Two fields of one name join with a comma, unless the name may stand once only:
    then FormatError ``as2-unexpected-processing-error``, for two readers could take different ones."""
    pairs = items.items() if isinstance(items, Mapping) else items
    folded: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        if key in folded:
            if key in SINGLE:
                raise fault(dispositions.UNEXPECTED, f"headers.{key}", f"The field {name} stands more than once.")
            folded[key] = f"{folded[key]}, {value.strip()}"
        else:
            folded[key] = value.strip()
    return folded


def parse_value(value: str, path: str) -> tuple[str, dict[str, str]]:
    """``text/plain; name="a b"`` → (``text/plain``, {"name": "a b"}), type and parameter names in lower case."""
    main, semicolon, _ = value.partition(";")
    parameters: dict[str, str] = {}
    position = len(main)
    rest = value.rstrip().rstrip(";")
    while semicolon and position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None:
            raise fault(dispositions.UNEXPECTED, path, "The parameters of a header field cannot be read.")
        name, text = match[1].lower(), match[2]
        if name in parameters:
            raise fault(dispositions.UNEXPECTED, path, f"The parameter {name} stands more than once.")
        parameters[name] = re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
        position = match.end()
    return main.strip().lower(), parameters


def check_media_type(value: str) -> str:
    """A media type with optional parameters that may be written; else FormatError ``as2-cannot-build``."""
    if _PRINTABLE.fullmatch(value) and _MEDIA_TYPE.fullmatch(value.partition(";")[0].strip()):
        parse_value(value, "content_type")
        return value
    raise fault(dispositions.CANNOT_BUILD, "content_type", f"{value[:80]!r} is not a media type.")


def check_filename(value: str) -> str:
    """A plain file name (no folder, no quote, ASCII, at most 200 characters); else FormatError ``as2-cannot-build``."""
    if _FILENAME.fullmatch(value):
        return value
    raise fault(dispositions.CANNOT_BUILD, "filename", f"{value[:80]!r} is not a plain file name.")


def is_plain_filename(value: str) -> bool:
    """Whether a name that came from outside may be used as it is."""
    return _FILENAME.fullmatch(value) is not None


def check_text(value: str, path: str) -> str:
    """A one-line field value that may be written; else FormatError ``as2-cannot-build``."""
    if _PRINTABLE.fullmatch(value):
        return value
    raise fault(dispositions.CANNOT_BUILD, path, "A header field holds a line end or a character outside ASCII.")


def write_as2_name(name: str) -> str:
    """An AS2 name as it stands in AS2-From and AS2-To: quoted when it holds a space, a quote or a backslash."""
    if not _AS2_NAME.fullmatch(name) or name != name.strip():
        raise fault(
            dispositions.CANNOT_BUILD, "as2_name", f"{name[:80]!r} is not an AS2 name (1 to 128 printable ASCII)."
        )
    if _PLAIN_NAME.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parse_as2_name(value: str) -> str:
    """The name in AS2-From or AS2-To; FormatError ``as2-unexpected-processing-error`` when there is none."""
    text = value.strip()
    if len(text) >= 2 and text.startswith('"') and text.endswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    if not _AS2_NAME.fullmatch(text):
        raise fault(dispositions.UNEXPECTED, "headers.as2-name", "AS2-From and AS2-To must each hold an AS2 name.")
    return text


def make_message_id(unique: str, domain: str) -> str:
    """``<unique@domain>``; FormatError when the parts do not make one."""
    return check_message_id(f"<{unique}@{domain}>")


def check_message_id(value: str, code: str = dispositions.CANNOT_BUILD) -> str:
    """A Message-ID with its angle brackets (added when they are missing); else FormatError with ``code``."""
    text = value.strip()
    if not text.startswith("<"):
        text = f"<{text}>"
    if not _MESSAGE_ID.fullmatch(text) or len(text) > _MAX_MESSAGE_ID:
        raise fault(code, "headers.message-id", f"{value[:80]!r} is not a Message-ID.")
    return text


def write_date(value: datetime) -> str:
    """An instant as an RFC 5322 date; a time without a zone is a FormatError."""
    if value.tzinfo is None:
        raise fault(dispositions.CANNOT_BUILD, "date", "A date needs its time zone.")
    return format_datetime(value)


def write_receipt_request(kind: MdnKind, *, to: str, digest: str, async_url: str) -> dict[str, str]:
    """The header fields that ask for a receipt (RFC 4130 section 7.3); none for ``none``."""
    if kind == "none":
        return {}
    fields = {"Disposition-Notification-To": to}
    if kind == "signed":
        fields["Disposition-Notification-Options"] = (
            f"signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, {digest}"
        )
    if async_url:
        fields["Receipt-Delivery-Option"] = check_text(async_url, "async_url")
    return fields


def parse_receipt_request(fields: Mapping[str, str]) -> ReceiptRequest:
    """The receipt that a sender asks for.

    Raises FormatError when a protocol (``as2-unsupported-format``) or a digest (``as2-unsupported-mic-algorithms``) is
    *required* that is not on the allow list; one that is merely optional is passed over.
    """
    if "disposition-notification-to" not in fields:
        return ReceiptRequest()
    path = "headers.disposition-notification-options"
    kind: MdnKind = "unsigned"
    digests: tuple[str, ...] = ()
    for option in fields.get("disposition-notification-options", "").split(";"):
        name, _, value = option.partition("=")
        importance, *values = [part.strip().strip('"').lower() for part in value.split(",")]
        required = importance == "required"
        if name.strip().lower() == "signed-receipt-protocol":
            if "pkcs7-signature" in values:
                kind = "signed"
            elif required:
                raise fault(dispositions.UNSUPPORTED_FORMAT, path, "Only pkcs7-signature receipts can be signed.")
        elif name.strip().lower() == "signed-receipt-micalg":
            digests = tuple(d for d in map(normal_digest_name, values) if d in DIGEST_OIDS)
            if required and not digests:
                raise fault(dispositions.UNSUPPORTED_MIC, path, "No digest asked for the receipt is allowed.")
    return ReceiptRequest(kind, digests, fields.get("receipt-delivery-option", ""))
