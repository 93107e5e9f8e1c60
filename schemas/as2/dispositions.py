"""What may a message disposition notification say, and which problem code stands for it?

RFC 4130 sections 7.4.3 and 7.5 (disposition field and its modifiers), RFC 5402 section 5 adds
``decompression-failed``. A problem code is ``as2-`` plus the modifier, lower-case with hyphens, so that
one word names the fault in our log, in the notification and in the partner's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from schemas.errors import FormatError, Problem

MdnKind = Literal["signed", "unsigned", "none"]
"""The receipt a sender asks for."""

Outcome = Literal["processed", "warning", "error", "failure"]

ACTION: Final = "automatic-action/MDN-sent-automatically"
REFERENCE: Final = "RFC 4130 section 7.5"

PROCESSED: Final = "processed"
DUPLICATE: Final = "processed/warning: duplicate-document"

DECRYPTION_FAILED: Final = "as2-decryption-failed"
DECOMPRESSION_FAILED: Final = "as2-decompression-failed"
AUTHENTICATION_FAILED: Final = "as2-authentication-failed"
INTEGRITY_CHECK_FAILED: Final = "as2-integrity-check-failed"
INSUFFICIENT_SECURITY: Final = "as2-insufficient-message-security"
UNEXPECTED: Final = "as2-unexpected-processing-error"
UNSUPPORTED_FORMAT: Final = "as2-unsupported-format"
UNSUPPORTED_MIC: Final = "as2-unsupported-mic-algorithms"
CANNOT_BUILD: Final = "as2-cannot-build"
"""Not a disposition: the caller's own arguments do not make a message."""

_DISPOSITIONS: Final = {
    DECRYPTION_FAILED: "processed/error: decryption-failed",
    DECOMPRESSION_FAILED: "processed/error: decompression-failed",
    AUTHENTICATION_FAILED: "processed/error: authentication-failed",
    INTEGRITY_CHECK_FAILED: "processed/error: integrity-check-failed",
    INSUFFICIENT_SECURITY: "processed/error: insufficient-message-security",
    UNEXPECTED: "processed/error: unexpected-processing-error",
    UNSUPPORTED_FORMAT: "failed/failure: unsupported format",
    UNSUPPORTED_MIC: "failed/failure: unsupported MIC-algorithms",
}

_SENTENCES: Final = {
    DECRYPTION_FAILED: "The message could not be decrypted.",
    DECOMPRESSION_FAILED: "The message could not be decompressed.",
    AUTHENTICATION_FAILED: "The sender of the message could not be authenticated.",
    INTEGRITY_CHECK_FAILED: "The content of the message does not match its signature.",
    INSUFFICIENT_SECURITY: "The message is not signed or encrypted as agreed.",
    UNEXPECTED: "The message could not be processed.",
    UNSUPPORTED_FORMAT: "The format of the message is not supported.",
    UNSUPPORTED_MIC: "None of the digest algorithms asked for the receipt is supported.",
}


@dataclass(frozen=True, slots=True)
class Disposition:
    """A disposition as read: ``outcome`` decides, ``code`` is the problem code of a refusal or warning (or "")."""

    text: str
    outcome: Outcome
    code: str

    @property
    def accepted(self) -> bool:
        """Whether the other side has taken the message (a warning is taken, with a remark)."""
        return self.outcome in ("processed", "warning")


def fault(code: str, path: str, text: str, remedy: str = "") -> FormatError:
    """A :class:`FormatError` with one problem, cited to RFC 4130."""
    return FormatError(Problem(code=code, path=path, text=text, remedy=remedy, reference=REFERENCE))


def disposition_of(code: str) -> str:
    """The disposition (type and modifier) that tells a sender about a problem code; unknown codes are unexpected."""
    return _DISPOSITIONS.get(code, _DISPOSITIONS[UNEXPECTED])


def sentence_of(code: str) -> str:
    """One sentence for the readable part of a notification. It says no more than the code does, on purpose."""
    return _SENTENCES.get(code, _SENTENCES[UNEXPECTED])


def parse_disposition(value: str) -> Disposition:
    """Read a Disposition field, e.g. ``automatic-action/MDN-sent-automatically; processed/error: decryption-failed``.

    Raises FormatError (``as2-unexpected-processing-error``) when it is not one.
    """
    _, semicolon, rest = value.partition(";")
    if not semicolon:
        raise fault(UNEXPECTED, "mdn.disposition", "The Disposition field has no disposition type.")
    kind, _, modifier = rest.strip().partition("/")
    kind = kind.strip().lower()
    level, _, detail = modifier.partition(":")
    level = level.strip().lower()
    code = "as2-" + "-".join(detail.lower().split()) if detail.strip() else ""
    text = " ".join(value.split())
    if kind == "processed" and level == "":
        return Disposition(text, "processed", "")
    if kind == "processed" and level == "warning":
        return Disposition(text, "warning", code)
    if kind in ("processed", "failed") and level in ("error", "failure", ""):
        outcome: Outcome = "failure" if kind == "failed" else "error"
        return Disposition(text, outcome, code or UNEXPECTED)
    raise fault(UNEXPECTED, "mdn.disposition", f"The disposition {text[:100]!r} is not one that RFC 4130 knows.")
