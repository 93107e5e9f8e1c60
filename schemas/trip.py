"""What is a trip? One truck crossing: trip number, conveyance, equipment, crew, port and arrival.

The JSON shape is part of the public interface (``schemas/trip.schema.json``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from schemas.errors import Problem, ShipmentError
from schemas.identifiers import TRIP_NUMBER, VIN, land_ports, trip_number_fault, vin_check_digit
from schemas.model import Country, Day, Instant, OneOf, Record, Shaped, Text, at, validate

EQUIPMENT_TYPES: Final = tuple(
    "2B 20 4B 40 BI CB CH CL CU CZ DD DT RD RS FH FN FR FT HC HO HP HE L1 L2 L3 L4 T1 T2 T3 T4 T5 T6 T7 T8 TK LT NC OE "
    "RG RO RT TW SD TC TF TL".split()
)
"""Equipment types that truck manifest software offers; candidates for X12 DE 40, unconfirmed."""

CONVEYANCE_TYPES: Final = ("TR", "TV", "TO", "PU", "CV")
"""Tractor, van truck, open truck, pick-up, closed van (CATAIR Appendix B r21, equipment codes)."""

DOCUMENT_TYPES: Final = tuple(
    "5K 5J 6W HD ACW AEF AEW ALV OTD ALX BCN CON CDN BCP AAG ALY AGS ACU REP RTP AGR ALR 30 AGT".split()
)
"""Travel documents that truck manifest software offers; candidates for REF01, unconfirmed."""

CREW_ROLES: Final = ("driver", "crew", "passenger")
_SCAC = re.compile(r"[A-Z]{4}")
_PORT = re.compile(r"[0-9]{4}")
_PLATE = re.compile(r"[A-Z0-9]{1,10}")
_EQUIPMENT = re.compile(r"[A-Z0-9]{2,15}")
_SEAL = re.compile(r"[A-Z0-9]{2,15}")
_DOCUMENT = re.compile(r"[A-Z0-9]{1,30}")
_REGION = re.compile(r"[A-Z]{2,3}")


class Plate(Record):
    """A licence plate and who issued it."""

    number: Annotated[str, Shaped(_PLATE, "a licence plate", "Write 1 to 10 capitals or digits, without spaces.")]
    region: Annotated[str, Shaped(_REGION, "a state or province code", "Use its capital letters.")]
    country: Country


class Conveyance(Record):
    """The power unit; VIN or plate identifies it to CBP (68 FR 68140)."""

    type: Annotated[str, OneOf(CONVEYANCE_TYPES, "a conveyance type")] = "TR"
    number: Annotated[str, Text(1, 17, "a vehicle number")] | None = None
    vin: Annotated[str, Shaped(VIN, "a 17-character VIN", "Copy all 17 characters; I, O and Q never occur.")] | None = (
        None
    )
    plate: Plate | None = None


class Equipment(Record):
    """A trailer or container on this trip."""

    type: Annotated[str, OneOf(EQUIPMENT_TYPES, "an equipment type")] = "TL"
    number: Annotated[str, Shaped(_EQUIPMENT, "an equipment number", "Write 2 to 15 capitals or digits.")]
    plate: Plate | None = None
    seals: list[Annotated[str, Shaped(_SEAL, "a seal number", "Write 2 to 15 capitals or digits.")]] = Field(
        default_factory=list, max_length=22
    )


class TravelDocument(Record):
    """A document a person travels with."""

    type: Annotated[str, OneOf(DOCUMENT_TYPES, "a travel document type")]
    number: Annotated[str, Shaped(_DOCUMENT, "a document number", "Write 1 to 30 capitals or digits.")]
    region: Annotated[str, Shaped(_REGION, "a state or province code", "Use its capital letters.")] | None = None
    country: Country | None = None


class CrewMember(Record):
    """The person in charge, further crew, or a passenger."""

    role: Literal["driver", "crew", "passenger"]
    first_name: Annotated[str, Text(1, 35, "a given name (X12 NM104)")]
    last_name: Annotated[str, Text(1, 60, "a family name (X12 NM103)")]
    date_of_birth: Day
    gender: Literal["M", "F", "U", "X"]
    citizenship: Country
    documents: list[TravelDocument] = Field(min_length=1, max_length=10)


class Trip(Record):
    """One truck crossing; ``estimated_arrival`` is an instant with its offset."""

    trip_number: Annotated[
        str, Shaped(TRIP_NUMBER, "a trip number", "Use the SCAC and 4 to 21 capitals or digits.", "wrong_trip_number")
    ]
    carrier_scac: Annotated[str, Shaped(_SCAC, "a SCAC", "Use the carrier's four letters.")]
    port_of_arrival: Annotated[str, Shaped(_PORT, "a port code", "Use the four digits of Schedule D.")]
    estimated_arrival: Instant
    conveyance: Conveyance
    equipment: list[Equipment] = Field(default_factory=list, max_length=20)
    crew: list[CrewMember] = Field(min_length=1, max_length=99)

    @property
    def arrival(self) -> datetime:
        """The planned arrival, an aware instant."""
        return self.estimated_arrival


def _identity_checks(raw: Mapping[str, Any]) -> Iterator[Problem]:
    number, scac, port = raw.get("trip_number"), raw.get("carrier_scac"), raw.get("port_of_arrival")
    if isinstance(number, str) and isinstance(scac, str) and (fault := trip_number_fault(number, scac)):
        yield Problem("wrong_trip_number", "trip_number", fault, "Begin the trip number with the carrier's SCAC.")
    if isinstance(port, str) and _PORT.fullmatch(port) and port not in land_ports():
        yield Problem(
            "not_a_land_port",
            "port_of_arrival",
            f"{port} is not a port where trucks arrive from Canada.",
            "Use the Schedule D code of the crossing, for example 3801 Detroit or 0901 Buffalo.",
            "Schedule D",
        )


def _conveyance_checks(raw: Mapping[str, Any]) -> Iterator[Problem]:
    conveyance = raw.get("conveyance")
    if not isinstance(conveyance, Mapping):
        return
    vin = conveyance.get("vin")
    if not vin and not conveyance.get("plate"):
        yield Problem(
            "no_vehicle_identity",
            "conveyance",
            "The truck has neither a VIN nor a plate.",
            "Give one of them.",
            "68 FR 68140",
        )
    if isinstance(vin, str) and VIN.fullmatch(vin) and vin[8] != vin_check_digit(vin):
        yield Problem(
            "vin_check_digit",
            "conveyance.vin",
            f"The check digit of VIN {vin} should be {vin_check_digit(vin)}.",
            "Compare it with the registration; vehicles made for other markets may differ.",
            "49 CFR 565",
            "warning",
        )


def _crew_checks(raw: Mapping[str, Any]) -> Iterator[Problem]:
    crew = raw.get("crew")
    if isinstance(crew, list) and crew and not any(at(person, "role") == "driver" for person in crew):
        yield Problem(
            "no_person_in_charge", "crew", "Nobody on this trip is the driver.", "Give one crew member the role driver."
        )
    equipment = raw.get("equipment")
    if isinstance(equipment, list):
        numbers = [at(item, "number") for item in equipment]
        for index, number in enumerate(numbers):
            if number is not None and number in numbers[:index]:
                yield Problem(
                    "duplicate_equipment",
                    f"equipment[{index}].number",
                    f"Equipment {number!r} is listed twice.",
                    "List each trailer once.",
                )


CROSS_CHECKS: Final = (_identity_checks, _conveyance_checks, _crew_checks)


def check_trip(raw: object) -> tuple[Trip | None, tuple[Problem, ...]]:
    """The trip, or ``None`` with every fault; warnings may come with a good trip."""
    return validate(Trip, raw, CROSS_CHECKS)


def read_trip(raw: object) -> Trip:
    """As :func:`check_trip`, raising :class:`ShipmentError` with all faults."""
    trip, problems = check_trip(raw)
    if trip is None:
        raise ShipmentError(problems)
    return trip
