"""What does filing need to know besides the shipments: whose filer code, which rules, which profile?

Values only. The shell fills this in from settings; everything that decides takes it as an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from filings.patience import RETRIES, RetryPatience
from mappings.entry import FilerIdentity
from mappings.rulebook import RuleBook
from schemas.profile import Profile


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the name of an API key or of the gateway itself, with its role."""

    name: str
    role: str
    licensed: bool = False

    def as_dict(self) -> dict[str, str | bool]:
        """The shape kept in the archive."""
        return {"name": self.name, "role": self.role, "licensed": self.licensed}


GATEWAY = Actor("gateway", "system")
"""The gateway's own acts: planning, sending, reading answers."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is put into one thing."""

    bills_per_manifest: int = 9999
    entries_per_transmission: int = 500
    shipments_per_step: int = 500
    handoffs_per_step: int = 100


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Our names in the envelopes of X12 (ISA, GS) and CATAIR (A record)."""

    sender_qualifier: str
    sender_id: str
    receiver_qualifier: str
    receiver_id: str
    site: str
    password: str = field(repr=False)
    usage: Literal["T", "P"] = "T"


@dataclass(frozen=True, slots=True)
class FilingContext:
    """Everything the deciding parts are told about the filer."""

    profile: Profile
    rules: RuleBook
    filer: FilerIdentity
    sender: SenderIdentity
    partner: str = "cbp"
    channel: str = "as2"
    limits: Limits = Limits()
    retries: RetryPatience = RETRIES
