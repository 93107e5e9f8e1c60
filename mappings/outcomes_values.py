"""What can a response mean? The values that every reader of responses gives back.

An outcome says one thing about one filing, in one of these words (``meaning``):

======================== ================================================================================
``syntax_accepted``      the transmission could be read; nothing is said about its content
``syntax_rejected``      it could not be read or was refused whole; nothing in it was processed
``accepted``             the declaration is on file
``accepted_with_warning`` it is on file, and something was remarked
``rejected``             it is not on file
``try_again``            CBP could not process it for a failure of its own: the same declaration goes again
``known_before``         CBP had these very bytes before; nothing is said about their content
``already_on_file``      what was sent more than once is on file; whether as accepted is not said
``entry_exists``         CBP, asked for it, has the entry on file
``not_on_file``          CBP, asked for it, does not have the entry
``under_review``         a person at CBP looks at it
``on_file``, ``no_match`` bill and entry have found each other, or not
``held``, ``hold_removed`` the goods may not move; that hold is lifted (see ``correlation["holder"]``)
``exam``                 an examination is ordered
``documents_required``   CBP wants documents
``arrived``              the truck or bill has arrived
``admissible``           nothing stands against release; not a release
``released``             CBP lets the goods go; may still be revoked
``release_suspended``, ``release_revoked`` the release is withheld or taken back
``cancelled``            the entry or quantity is gone
``warning``, ``info``    something to know that changes nothing
``unknown``              a code that is not in the tables: kept as it came, never taken for a release
======================== ================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from schemas.errors import Problem

Source = Literal["TA1", "997", "355", "350", "SX", "SO", "X1", "C1"]
Scope = Literal["transmission", "trip", "shipment", "entry"]

MEANINGS: Final = frozenset(
    "syntax_accepted syntax_rejected accepted accepted_with_warning rejected try_again known_before already_on_file "
    "entry_exists not_on_file under_review on_file no_match held "
    "hold_removed exam documents_required arrived admissible released release_suspended release_revoked cancelled "
    "warning info unknown".split()
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a response means for one filing.

    ``place`` is the place in the message, ``field_path`` the shipment's (or, beginning with ``trip.``, the
    trip's) field it points back to, ``""`` where that cannot be told. ``entry_number`` has 11 characters, ``scn``
    SCAC and number. ``occurred_at`` is aware, or ``None`` where the response gives no time. ``correlation`` holds
    what ties it to a transmission: ``interchange_control``, ``group_control``, ``user_data``, ``trip_numbers``
    (candidates), ``reference``, and facts that come with the code such as ``value`` or ``release_date``.
    """

    source: Source
    scope: Scope
    meaning: str
    code: str = ""
    text: str = ""
    trip_number: str = ""
    scn: str = ""
    entry_number: str = ""
    place: str = ""
    field_path: str = ""
    occurred_at: datetime | None = None
    correlation: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.meaning not in MEANINGS:
            raise ValueError(f"{self.meaning!r} is not a meaning")

    def as_dict(self) -> dict[str, Any]:
        """The JSON shape kept in the archive and shown to people; nothing is left out."""
        return {
            "source": self.source,
            "scope": self.scope,
            "meaning": self.meaning,
            "code": self.code,
            "text": self.text,
            "trip_number": self.trip_number,
            "scn": self.scn,
            "entry_number": self.entry_number,
            "place": self.place,
            "field_path": self.field_path,
            "occurred_at": self.occurred_at.isoformat() if self.occurred_at else None,
            "correlation": dict(self.correlation),
        }


@dataclass(frozen=True, slots=True)
class ResponseReading:
    """One file from CBP, read.

    ``kind`` is the message (``TA1``, ``997``, ``355``, ``350``, ``SX``, ``SO``, ``C1``, ``X1``; several joined with
    ``+``; ``""`` where nothing could be read). ``control`` names the file: control numbers of its envelope or the
    user data of its batch. A file with a problem ``unreadable_response`` gave no outcome where it could not be trusted.
    Mere warnings of the codecs are left to the inspection of the file.
    """

    kind: str
    outcomes: tuple[Outcome, ...]
    problems: tuple[Problem, ...] = ()
    control: Mapping[str, Any] = field(default_factory=dict)


def unreadable(path: str, text: str, remedy: str = "Keep the file and ask for it again.") -> Problem:
    """The problem of bytes that are not what they claim to be."""
    return Problem("unreadable_response", path, text, remedy)
