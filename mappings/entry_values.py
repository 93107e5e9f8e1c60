"""What does an entry need besides the shipment, what are its limits, and what is no entry at all?

Values are whole US dollars, half up, at least 1. Where rounding alone would lift the sum of the lines over the
limit of the entry type, the lines that were rounded up by most are rounded down instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from mappings.decision import PathwayDecision
from mappings.measures import whole_dollars
from mappings.notes import Note, Wire
from schemas.catair.records import Record
from schemas.shipment import ImporterOfRecord

Action = Literal["A", "R", "U", "D"]

SOURCE: Final = "CBP CATAIR Cargo Release v40"
ENTRY_TYPES: Final = {"type86": "86", "informal": "11", "formal": "01"}
"""Entry type that this module can write for each pathway."""

VALUE_LIMITS: Final = {"86": 800, "11": 2500}
"""Highest estimated value in SE10 40-49 by entry type (CBP CATAIR Cargo Release v40, SE10 note 13)."""

CONTAINER_TYPES: Final = frozenset({"2B", "20", "4B", "40", "CL", "CU", "CZ"})
"""Equipment that makes the mode 31, truck with container (CATAIR Appendix B r21, equipment codes)."""


REASONS_WITH_REFERENCE: Final = {"02": "IB", "03": "EN", "04": "FTZ"}
"""Cancellation reasons that name what replaces the entry, and the SE20 qualifier for it (SE13)."""

_REASON = re.compile(r"0[1-9]|1[0-2]")


@dataclass(frozen=True, slots=True)
class FilerIdentity:
    """Who files: facts of the installation, not of a shipment.

    ``code`` (3), ``port`` (4 digits, Schedule D) and ``office`` go to the block header. ``bond_type`` is that of
    types 11 and 01: ``8`` continuous or ``0`` none. ``default_importer`` stands in where a shipment names none.
    """

    code: str
    port: str
    contact_name: str
    contact_phone: str
    office: str = ""
    bond_type: str = "8"
    reference_prefix: str = ""
    default_importer: ImporterOfRecord | None = None


@dataclass(frozen=True, slots=True)
class EntryMessage:
    """One SE transaction; ``entry_number`` has 11 characters (filer, seven digits, check digit)."""

    entry_number: str
    entry_type: str
    records: tuple[Record, ...]
    notes: tuple[Note, ...]


def line_dollars(values: Sequence[Decimal], limit: int | None) -> list[int]:
    """Whole dollars of each line; ``limit`` is that of the entry type, ``None`` for none.

    The sum exceeds the limit only if the values themselves do, or if every line already stands at its lowest.
    """
    dollars = [whole_dollars(value) for value in values]
    if limit is not None and sum(dollars) > limit >= sum(values, Decimal(0)):
        lifted = [index for index, value in enumerate(values) if dollars[index] > value and dollars[index] > 1]
        lifted.sort(key=lambda index: (values[index] % 1, index))
        for index in lifted[: sum(dollars) - limit]:
            dollars[index] -= 1
    return dollars


def note_refusals(
    wire: Wire,
    decision: PathwayDecision,
    action: Action,
    certify: bool,
    reason_code: str,
    more: Sequence[tuple[str, str]],
) -> None:
    """What cannot be entered at all, and what a cancellation must say."""
    pathway = decision.pathway
    if pathway not in ENTRY_TYPES or (pathway == "formal" and not certify):
        wire.problem(
            "no_entry_for_pathway",
            "pathway",
            f"No entry is filed here for a shipment decided as {pathway}.",
            "File it on the manifest, hand it off, or have a licensed broker decide it.",
        )
    elif decision.entry_type not in (None, "", ENTRY_TYPES[pathway]):
        wire.problem(
            "entry_type_not_written",
            "pathway",
            f"The decision asks for entry type {decision.entry_type}, which is not written here.",
            "Hand the shipment off to a licensed broker.",
            f"{SOURCE}, SE10 20-21",
        )
    if action == "D" and not _REASON.fullmatch(reason_code):
        wire.problem(
            "reason_missing", "reason_code", "A cancellation gives its reason, 01 to 12.", "Give it.", f"{SOURCE}, SE13"
        )
    needed = REASONS_WITH_REFERENCE.get(reason_code) if action == "D" else None
    if needed and needed not in [qualifier for qualifier, _ in more]:
        wire.problem(
            "reference_missing",
            "references",
            f"Reason {reason_code} names what replaces the entry (SE20 {needed}).",
            "Give it.",
            f"{SOURCE}, SE13",
        )
