"""What about CBP's truck manifest system is not known for sure? One switch each, with its default and the reason.

Part of :class:`sandbox.settings.Behaviour`, where the switches are set. *off*, *warn* and *reject* stand for: not
looked at, a warning in the transcript, a refusal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LOOK: Final = ("off", "warn", "reject")
CHOICES: Final = {
    "separators_in_data": ("off", "reject"),
    "eta_in_future": _LOOK,
    "one_hour_rule": _LOOK,
    "shipment_numbers": _LOOK,
    "events_in_future": _LOOK,
    "vague_descriptions": _LOOK,
    "trip_faults_at": ("header", "segment"),
    "s321_mode": ("dated", "suspended", "historic"),
}
"""What the switches that are words may say."""


@dataclass(frozen=True, slots=True)
class TruckBehaviour:
    """Switches of the truck side. A registry that is empty takes whatever is well formed."""

    # ------------------------------------------------------------------ envelope and characters

    sender_ids: tuple[str, ...] = ()
    """Sender identifiers on file (ISA06); empty: any. Another one earns TA1 006."""
    qualifiers: tuple[str, ...] = ("02", "ZZ")
    """Qualifiers of sender and receiver (ISA05, ISA07) that are taken, TA1 005 and 007 otherwise: SCAC or mutually
    defined (recalled, unsure; agreed with CBP's client representative); empty: any.
    """
    interchange_versions: tuple[str, ...] = ("00406", "00502", "00605")
    """Versions of the interchange (ISA12) that are taken, TA1 017 otherwise: those that match the base releases of the
    sets (recalled, unsure); empty: any, and the 997 refuses a group that does not fit (AK905 2).
    """
    character_faults_in_997: bool = False
    """Answer characters outside CBP's set with AK403 6 instead of a 355 with error 370."""
    separators_in_data: str = "reject"
    """The repetition separator (ISA11) inside an element, of which none repeats: 370 (*reject*), or taken (*off*). The
    component separator there is refused by the 997 in any case.
    """

    # ------------------------------------------------------------------ registries

    carriers: tuple[str, ...] = ()
    """Carriers on file (M1001, error 009); empty: any well-formed SCAC."""
    conveyance_ids: tuple[str, ...] = ()
    """ACE identifiers of conveyances (VEH21, VEH22; error 401)."""
    equipment_ids: tuple[str, ...] = ()
    """ACE identifiers of equipment (the profile's place, VID17)."""
    in_bonds_on_file: tuple[str, ...] = ()
    """In-bond numbers filed elsewhere (QP): known to a 353 although no manifest carried them."""

    # ------------------------------------------------------------------ the trip

    land_districts: tuple[str, ...] = ("01", "02", "07", "09", "23", "24", "25", "26", "30", "33", "34", "36", "38")
    """First two digits of the Schedule D ports where trucks arrive."""
    truck_ports: tuple[str, ...] = ()
    """Schedule D ports where trucks arrive, four digits; empty: every port of ``land_districts``."""
    eta_in_future: str = "reject"
    """An estimated arrival that has passed when the message comes: *off*, *warn* or *reject* (no code known)."""
    one_hour_rule: str = "warn"
    """A manifest received less than an hour (FAST: 30 minutes) before its estimated arrival, 19 CFR 123.92: *off*,
    *warn* or *reject*. The rule is law; that CBP refuses the message, and by which code, is not known.
    """
    fast_qualifier: str = ""
    """NM108 of a FAST card (14 characters in NM109); CBP's value was not found; empty: FAST is not recognised."""
    one_port: bool = True
    """Exactly one P4: the base allows 20, a truck has one first port of arrival (deduced)."""
    one_person_in_charge: bool = True
    """Not more than one person in the driver's role (service bureau help: one person in charge)."""
    check_vin: bool = True
    """The check digit of a VIN of 17 characters (49 CFR 565); vehicles made for other markets may have none."""
    check_document_types: bool = True
    """Hold REF01 of a person to the broker list of travel documents; CBP's list was not found."""
    trip_faults_at: str = "header"
    """Where a 355 tells faults of vehicle and persons: *header*, after M10, as the base has it; *segment*, after a copy
    of the bad segment, as releases from 006040 have it.
    """
    trip_of_358_stays: bool = True
    """Truck, crew, port and time of a trip created by a 358 change by 358 only (service bureau help)."""

    # ------------------------------------------------------------------ states

    further_w_adds_bills: bool = False
    """A further complete manifest (W) for a complete trip adds bills when none of them is on file; otherwise every
    further W is refused.
    """
    refiled_bills: bool = True
    """A P or W for a preliminary manifest may repeat bills that it holds, with the content as it is now; otherwise they
    are *already on file*. (How a preliminary manifest is made complete with a W is not described.)
    """
    further_358_p: bool = True
    """A 358 of type P for a preliminary manifest, as in the multi-step pattern (309 P, then 358 P or Y)."""
    delete_by_358_keeps_bills: bool = True
    """A 358 of type 3 leaves the bills on file, delinked, because a 358 cannot change freight; else they go too."""
    stop_preliminary_trucks: bool = False
    """A truck that comes on a preliminary manifest waits until it is complete; otherwise its good bills go on."""

    # ------------------------------------------------------------------ shipments

    shipment_numbers: str = "reject"
    """LX01 counts 1, 2, 3 in the order of the message, at most 9,999 (CSMS 19-000156; that CBP refuses other numbers is
    deduced): *reject*, *warn* or *off*.
    """
    events_in_future: str = "warn"
    """An in-bond arrival, export or transfer (353) dated after its receipt, or more than a year before it: refused,
    noted or not looked at (deduced: M1503 is the day on which it began).
    """

    bill_types: tuple[str, ...] = ("10", "12", "13", "14", "15", "16", "17", "18", "19", "20", "23", "35")
    """Bill types taken (M1109) besides the profile's: 13 and 35 from CSMS 64824427, 23 recalled, the others from the
    old X12 list.
    """
    scn_of_carrier: bool = False
    """The SCAC of a shipment control number (M1112) must be the carrier's (M1001)."""
    check_packaging_units: bool = True
    """Hold M1104 to the broker list of packaging units."""
    check_commodity_units: bool = True
    """Hold N1010 to the same list (DE 599). Whether CBP also takes units of quantity there is not known."""
    check_equipment_types: bool = True
    """Hold VID01 to the broker list of equipment types."""
    check_amendment_actions: bool = True
    """M1307 must go with M1303 (A 1, R 2, D 3; the combination is deduced)."""
    vague_descriptions: str = "warn"
    """Descriptions that say nothing (a list of the sandbox's own): *off*, *warn* or *reject*."""
    s321_mode: str = "dated"
    """*dated*: Section 321 bills by the rule book's dates; *suspended*: never; *historic*: always."""
    origin_blocklist: tuple[str, ...] = ()
    """Countries refused on Section 321 bills (470) besides the rule book's."""

    # ------------------------------------------------------------------ events

    entry_not_on_file: bool = True
    """Tell with a 350 when a truck comes without the entry of a shipment."""
    tell_entry_on_file: bool = False
    """350 disposition 02 (entry advisory) when an entry is on file for a bill; from a list for all modes."""
    tell_arrival: bool = False
    """350 disposition 19 (conveyance arrival) for every bill when the truck comes; from a list for all modes."""
    arrival_event_code: str = ""
    """V901 of a 350 that tells the arrival of the trip; CBP's codes were not found; empty: no V9 is sent."""
    tell_in_bond: bool = False
    """350 dispositions 1J at arrival and 11 to 13 after an in-bond arrival; from a list for all modes."""
    conveyance_arrival_event: str = ""
    """M1501 by which a carrier reports the arrival of its truck; CBP's code was not found; empty: not taken."""
    conveyance_departure_event: str = ""
    """The same for its departure; it is noted and changes nothing."""
    firms_element: str = "M1517"
    """Where an in-bond arrival names the FIRMS code (error 157); the exact place was not found."""
    notify_parties: tuple[str, ...] = ()
    """``CODE/FILER``: the 350 of a bill that names CODE as second notify party (M1113 to M1115) or as broker (N104)
    goes to this filer too. Empty: the carrier alone is told.
    """

    def __post_init__(self) -> None:
        """Raises :class:`ValueError` for a value that is none: a misspelt switch must not turn a check off."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}: {getattr(self, name)!r} is none of {', '.join(choices)}")
        if not re.fullmatch(r"M15(0[1-9]|1[0-9]|2[0-9])", self.firms_element):
            raise ValueError(f"firms_element: {self.firms_element!r} is no element of M15")
        if self.arrival_event_code and not re.fullmatch("[A-Z0-9]{3}", self.arrival_event_code):
            raise ValueError(f"arrival_event_code: {self.arrival_event_code!r} has not three characters")
        for pair in self.notify_parties:
            if pair.count("/") != 1 or not all(pair.split("/")):
                raise ValueError(f"notify_parties: {pair!r} is not CODE/FILER")
