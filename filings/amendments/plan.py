"""What will be done, or has been taken on: a plan for one amendment or cancellation, ready to be shown or begun.

A plan is made from what stands in the store and what a person asked (:mod:`filings.amendments.amend`,
:mod:`filings.amendments.cancel`). It changes nothing. Begun by :mod:`filings.amendments.begun`, shown by
:mod:`filings.amendments.shown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Row

from filings.amendments.difference import FieldChange
from filings.amendments.held import Held, HeldShipment
from filings.amendments.judged import Judgement
from filings.amendments.steps import Content, ShipmentStep
from mappings.decision import PathwayDecision
from schemas.catair import code_lists
from schemas.errors import Problem
from schemas.x12 import CODES

Purpose = Literal["amend", "cancel"]
TripStep = Literal["", "header", "crew", "delete", "anew", "withdrawn"]
"""``anew``, ``withdrawn``: of a manifest that CBP refused whole, which is filed once more or given up."""
PRELIMINARY: Final = "preliminary"
BILL_REASONS: Final = CODES["amendment_reason"].codes
"""X12 data element 393: why a manifest changes after it is complete."""


@dataclass(frozen=True, slots=True)
class PlannedShipment:
    """One shipment: how it stands, what it becomes (``None`` in documents and content: nothing), and the step."""

    held: HeldShipment
    step: ShipmentStep
    document: Mapping[str, Any] | None
    content: Content | None
    new_number: str = ""
    cancels_reason: str = ""
    cancels_reference: str = ""
    reason_chosen: bool = False
    """Nobody gave ``cancels_reason``: it follows from what becomes of the goods."""

    @property
    def decision(self) -> PathwayDecision | None:
        """The decision in force afterwards."""
        return self.content.decision if self.content is not None else None


@dataclass(frozen=True, slots=True)
class Codes:
    """Reason codes as the request gives them: by name what was given, and under which name each kind is asked for.

    ``of_bill`` is X12 data element 393, ``of_entry`` SE13. ``reason_code`` is that of what the request names.
    """

    given: Mapping[str, str]
    of_bill: str = "reason_code"
    of_entry: str = "entry_reason_code"

    def as_dict(self) -> dict[str, str | None]:
        """What was given, under the names that a request takes; ``None`` for what was not."""
        return {name: value or None for name, value in self.given.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that follows from what a person asked."""

    purpose: Purpose
    on: Held
    addressed: Row[Any] | None
    shipment_key: str | None
    patch: Any
    reason: str
    reason_code: str
    codes: Codes
    trip_document: Mapping[str, Any] | None
    trip_step: TripStep
    shipments: tuple[PlannedShipment, ...]
    difference: tuple[FieldChange, ...]
    completes: bool
    warnings: tuple[Problem, ...]
    judgement: Judgement | None
    needs: tuple[Problem, ...] = ()
    """What must still be said before it may be begun: reasons. It can be shown without."""

    @property
    def trip_number(self) -> str:
        """The trip it is about."""
        return str(self.on.trip.trip_number)

    @property
    def says_manifest(self) -> bool:
        """Whether a message about the manifest is sent."""
        of_trip = self.trip_step not in ("", "withdrawn")
        return of_trip or self.completes or any(one.step.bill for one in self.shipments)

    @property
    def needs_reason(self) -> bool:
        """Whether a reason code of the manifest must be said: after completion, for what is amended."""
        amended = self.trip_step in ("header", "crew") or any(
            one.step.bill not in ("", "gone") for one in self.shipments
        )
        return amended and self.trip_step != "anew" and self.on.trip.held_as != PRELIMINARY

    @property
    def sends(self) -> bool:
        """Whether anything at all is sent to CBP or made for a broker."""
        return self.says_manifest or any(one.step.says_something for one in self.shipments)


def entry_reasons() -> dict[str, str]:
    """Codes for which an entry is cancelled (SE13)."""
    return {code: one.text for code, one in code_lists()["cancellation_reasons"].codes.items()}


def listed(codes: Mapping[str, str]) -> str:
    """Codes with their meaning, as one sentence that a person can choose from."""
    return "; ".join(f"{code} {text}" for code, text in codes.items())
