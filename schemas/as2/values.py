"""Which values pass between the codec and its callers?

Plain frozen values: a message to send, a message received, a refusal, and the answer to a request.
Header mappings written here keep the case and the order in which the headers go out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schemas.as2.dispositions import UNEXPECTED, MdnKind
from schemas.errors import Problem


@dataclass(frozen=True, slots=True)
class As2Message:
    """What goes over HTTP, exactly, and the MIC that the receipt must repeat (base64; "" in a receipt)."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    message_id: str
    mic: str = ""
    mic_algorithm: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptRequest:
    """The receipt a sender asked for; ``async_url`` is set when it wants the notification posted there (asynchronous).

    In a :class:`Refusal` it is set only when that address was agreed with whom the sender says it is.
    """

    kind: MdnKind = "none"
    mic_algorithms: tuple[str, ...] = ()
    async_url: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message that was opened and, as far as it was signed and encrypted, verified.

    ``mic`` (base64) and ``mic_algorithm`` are what the receipt repeats. ``payload_digest`` (SHA-256, hex) tells the
    same payload from another under one Message-ID; ``signature_digest`` (SHA-256 of the signature, hex, "" when
    unsigned) tells a signed content that comes again under another Message-ID. ``signed_at`` is the signer's claim.
    ``problems`` holds warnings only.
    """

    payload: bytes = field(repr=False)
    content_type: str
    filename: str
    message_id: str
    sender: str
    recipient: str
    signed: bool
    encrypted: bool
    compressed: bool
    mic: str
    mic_algorithm: str
    receipt: ReceiptRequest
    payload_digest: str
    signature_digest: str = ""
    signed_at: datetime | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that was not taken, with what of its headers could be read ("" where nothing could)."""

    message_id: str
    sender: str
    recipient: str
    problems: tuple[Problem, ...]
    receipt: ReceiptRequest = ReceiptRequest()

    @property
    def code(self) -> str:
        """The code of the first problem, which the notification carries; an unexpected fault when none is named."""
        return self.problems[0].code if self.problems else UNEXPECTED


@dataclass(frozen=True, slots=True)
class As2Response:
    """The answer to an HTTP request; ``mdn`` is the notification it carries, if it carries one.

    With ``post_to`` the notification is not in the answer: it is owed, and to be posted there.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    mdn: As2Message | None = None
    post_to: str = ""
