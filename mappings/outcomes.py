"""What did CBP mean? Any file from CBP → outcomes, each about one filing.

:func:`read_response` looks at the first bytes, reads X12 (TA1, 997, 355, 350) or CATAIR (SX, SO, a refused batch)
and never raises: bytes that are not what they claim become problems with code ``unreadable_response``, and nothing
that cannot be trusted becomes an outcome. Deciding what an outcome does to a filing is not done here.
"""

from __future__ import annotations

from typing import Final

from mappings.outcomes_catair import read_catair
from mappings.outcomes_places import SentEntries
from mappings.outcomes_sent import sent_manifest
from mappings.outcomes_values import MEANINGS, Outcome, ResponseReading, Scope, Source, unreadable
from mappings.outcomes_x12 import read_x12
from schemas.profile import Profile

__all__ = ["MEANINGS", "Outcome", "ResponseReading", "Scope", "Source", "read_response"]

_BLANK: Final = b"\r\n\t "


def read_response(data: bytes, profile: Profile, *, sent: bytes | None = None) -> ResponseReading:
    """Read one file from CBP.

    ``sent`` is the transmission it answers, where that is known: a response repeats only what is wrong, and with
    the bytes that were sent each fault finds its shipment, line and party. It never changes a meaning.
    """
    start = data.lstrip(_BLANK)
    if start.startswith(b"ISA"):
        return read_x12(data, profile, sent_manifest(sent, profile))
    if start[:1] == b"A" and start.isascii():
        return read_catair(data, SentEntries(sent) if sent is not None and sent.lstrip(_BLANK)[:1] == b"A" else None)
    what = "The file is empty." if not start else "The file begins neither with ISA nor with an A record."
    return ResponseReading("", (), (unreadable("", what),))
