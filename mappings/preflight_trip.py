"""What about this trip, and about its shipments taken together, would CBP stumble over?

Pure: the time, and what the store knows of control numbers, are arguments. Paths of :func:`trip_findings` are places
of the trip, those of a :class:`Together` places of the shipment it was given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from mappings.advice import Advice
from mappings.preflight_shipment import SPECIAL
from mappings.rule import EASTERN
from mappings.words import normal_words
from schemas.errors import Problem
from schemas.identifiers import VIN, vin_check_digit
from schemas.shipment import Shipment
from schemas.trip import Trip

BEFORE_ARRIVAL: Final = timedelta(minutes=60)
BEFORE_ARRIVAL_FAST: Final = timedelta(minutes=30)
"""19 CFR 123.92; FAST needs carrier, driver and importer in the program, so a caller must know it."""


WHOLE_TRIP: Final = frozenset({"vin-check-digit", "arrival-in-past", "one-hour-rule"})
"""Checks of :func:`trip_findings`; the others about a trip are those of :class:`Together`."""


def what_error_does(check: str, about: str) -> str:
    """What becomes of what a check of severity ``error`` finds."""
    if about == "shipment":
        return "the shipment goes to review"
    if check in WHOLE_TRIP:
        return "the trip is refused when it is filed"
    return "the later shipment is refused when it is staged"


def latest_filing(trip: Trip, *, fast: bool = False) -> datetime:
    """Until when CBP must have the manifest."""
    return trip.arrival - (BEFORE_ARRIVAL_FAST if fast else BEFORE_ARRIVAL)


def trip_findings(
    trip: Trip, now: datetime, advice: Advice | None = None, *, fast: bool = False
) -> tuple[Problem, ...]:
    """What is odd about the trip itself at the instant ``now``; nothing that is set ``off``."""
    advice = Advice() if advice is None else advice
    found: list[tuple[str, str, str]] = []
    vin = trip.conveyance.vin
    if vin is not None and VIN.fullmatch(vin) and vin[8] != vin_check_digit(vin):
        found.append(("vin-check-digit", "conveyance.vin", f"Here: {vin[8]} where {vin_check_digit(vin)} is due."))
    if trip.arrival < now:
        at = f"{trip.arrival.astimezone(EASTERN):%Y-%m-%d %H:%M}"
        found.append(("arrival-in-past", "estimated_arrival", f"Here: {at} Eastern time."))
    elif now > latest_filing(trip, fast=fast):
        left = int((trip.arrival - now) / timedelta(minutes=1))
        found.append(("one-hour-rule", "estimated_arrival", f"Here: {left} minutes are left."))
    return _problems(advice, found)


class Together:
    """Shipments seen one after the other; each is answered with what it contradicts in those before it.

    ``taken`` holds control numbers that earlier trips have used. Only one line a description and one entry a control
    number are kept, so a stream of any length may pass.
    """

    def __init__(self, advice: Advice | None = None, taken: Collection[str] = ()) -> None:
        self._advice = Advice() if advice is None else advice
        self._taken = taken
        self._scns: set[str] = set()
        self._first: dict[str, tuple[str, str]] = {}

    def see(self, shipment: Shipment) -> tuple[Problem, ...]:
        """What this shipment contradicts."""
        found: list[tuple[str, str, str]] = []
        scn = shipment.scn
        if scn is not None:
            where = "on this trip" if scn in self._scns else "on an earlier trip" if scn in self._taken else ""
            if where:
                found.append(("scn-reuse", "shipment_control_number", f"Here: {scn} was used {where}."))
            self._scns.add(scn)
        for place, line in enumerate(shipment.lines):
            if line.hts.startswith(SPECIAL):
                continue
            known = (line.hts, shipment.shipment_id)
            hts, holder = self._first.setdefault(normal_words(line.description), known)
            if hts != line.hts and holder != shipment.shipment_id:
                more = f"Here: {line.description!r} as {line.hts}, and as {hts} in shipment {holder}."
                found.append(("same-description-in-trip", f"lines[{place}].description", more))
        return _problems(self._advice, found)


def shipments_findings(
    shipments: Iterable[Shipment], advice: Advice | None = None, taken: Collection[str] = ()
) -> Iterator[tuple[Shipment, tuple[Problem, ...]]]:
    """Each shipment of a trip with what it contradicts in those before it; those without a finding are left out."""
    together = Together(advice, taken)
    for shipment in shipments:
        if problems := together.see(shipment):
            yield shipment, problems


def _problems(advice: Advice, found: Iterable[tuple[str, str, str]]) -> tuple[Problem, ...]:
    problems: list[Problem] = []
    for one, path, more in found:
        severity = advice.severity(one)
        if severity != "off":
            problems.append(advice.preflight.checks[one].problem(path, more, severity))
    return tuple(problems)
