"""What must a road to the other side be able to do?

Two steps, so that a crash between them loses nothing and doubles nothing:

1. ``prepare`` makes the exact bytes that will go out, signed and encrypted. It opens no socket and no file. The caller
   commits the result (:meth:`PreparedTransmission.as_dict` is JSON) before the next step.
2. ``send`` sends those bytes and no others, as often as needed: a repetition after a crash or in doubt is the same
   bytes under the same Message-ID, which the other side recognises.

``send`` ends in one of five ways: a :class:`Receipt` (the other side has it), a Receipt with ``refused`` (it had it and
said no), a :class:`Handover` (it has taken the bytes and will post its receipt to us),
``TransportError(in_doubt=False)`` (the other side cannot have the content: safe to send again or elsewhere), or
``TransportError(in_doubt=True)`` (it may have it). A cancelled ``send`` counts as in doubt.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

from schemas.as2 import MdnKind
from schemas.errors import FormatError, Problem


@dataclass(frozen=True, slots=True)
class OutboundFile:
    """A file to go out: plain ``name``, ``payload`` bytes, media type; ``prepared`` once it has been prepared."""

    name: str
    payload: bytes = field(repr=False)
    content_type: str
    prepared: PreparedTransmission | None = None


@dataclass(frozen=True, slots=True)
class PreparedTransmission:
    """The exact bytes of one transmission, ready to be stored and sent.

    ``road`` names the transport that made it. ``expects`` is the receipt that was asked for, ``signed`` whether the
    content is signed (then the receipt must repeat ``mic``). ``receipt_url`` is where the receipt was asked to be
    posted, "" when it comes in the answer. ``signature`` is the directory road's detached signature.
    """

    road: str
    name: str
    message_id: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    prepared_at: datetime
    mic: str = ""
    mic_algorithm: str = ""
    expects: MdnKind = "none"
    signed: bool = False
    signature: bytes = field(default=b"", repr=False)
    receipt_url: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON shape; :meth:`from_dict` gives back an equal value. Bytes are base64."""
        return {
            "road": self.road,
            "name": self.name,
            "message_id": self.message_id,
            "headers": dict(self.headers),
            "body": base64.b64encode(self.body).decode("ascii"),
            "prepared_at": self.prepared_at.astimezone(UTC).isoformat(),
            "mic": self.mic,
            "mic_algorithm": self.mic_algorithm,
            "expects": self.expects,
            "signed": self.signed,
            "signature": base64.b64encode(self.signature).decode("ascii"),
            "receipt_url": self.receipt_url,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> PreparedTransmission:
        """Read back what :meth:`as_dict` made. Raises FormatError ``prepared-unreadable`` for anything else."""
        try:
            return cls(
                road=str(value["road"]),
                name=str(value["name"]),
                message_id=str(value["message_id"]),
                headers={str(k): str(v) for k, v in value["headers"].items()},
                body=base64.b64decode(value["body"], validate=True),
                prepared_at=datetime.fromisoformat(value["prepared_at"]),
                mic=str(value["mic"]),
                mic_algorithm=str(value["mic_algorithm"]),
                expects=value["expects"],
                signed=bool(value["signed"]),
                signature=base64.b64decode(value["signature"], validate=True),
                receipt_url=str(value.get("receipt_url", "")),  # not in what earlier versions stored
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError(
                Problem("prepared-unreadable", "prepared", "A stored transmission cannot be read back.")
            ) from error


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side said. ``refused`` means that it had the message and did not take it: ``text`` says why.

    ``headers`` and ``body`` are the receipt as it came, for the archive; ``signed`` whether it carries a signature that
    holds. ``problems`` holds warnings, or with ``refused`` the reason under its code.
    """

    message_id: str
    refused: bool
    text: str
    received_at: datetime
    disposition: str = ""
    mic: str = ""
    mic_algorithm: str = ""
    signed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    problems: tuple[Problem, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON shape, without the bytes."""
        return {
            "message_id": self.message_id,
            "text": self.text,
            "disposition": self.disposition,
            "mic": self.mic,
            "mic_algorithm": self.mic_algorithm,
            "signed": self.signed,
            "received_at": self.received_at.isoformat(),
            "headers": {_plain(name): _plain(value) for name, value in self.headers.items()},
            "problems": [problem.as_dict() for problem in self.problems],
        }


def _plain(text: str) -> str:
    """Text that can be stored: no subclass of it, and no bytes of a header that were no text."""
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Handover:
    """The other side's answer says that it took the bytes; its receipt comes later, by itself. This is none."""

    message_id: str
    text: str


@runtime_checkable
class Transport(Protocol):
    """A road to one partner."""

    def prepare(self, file: OutboundFile, *, message_id: str, at: datetime) -> PreparedTransmission:
        """Make the exact bytes. Pure apart from randomness. Raises FormatError when the file cannot go this road."""
        ...  # pragma: no cover

    async def send(self, prepared: PreparedTransmission) -> Receipt | Handover:
        """Send those bytes unchanged. Raises TransportError with ``in_doubt`` set truthfully."""
        ...  # pragma: no cover
