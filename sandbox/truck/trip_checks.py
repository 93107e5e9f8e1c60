"""Would CBP take this trip? Edits of header, port, truck and persons, common to the 309 and the 358.

Codes are those of CAMIR Appendix L and H where one is known; other faults carry their text alone. What a complete
manifest needs and this message does not bring are its *gaps*: a preliminary manifest may have them (M1009 P), a W
may not, and a 353 Z makes nothing complete that has gaps.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from sandbox.settings import Behaviour
from sandbox.truck import numbers
from sandbox.truck.citations import (
    ADVANCE_DATA,
    BUREAU_PERSONS,
    BUREAU_TEXTS,
    ONE_HOUR,
    VIN_RULE,
    appendix,
    element,
)
from sandbox.truck.remarks import Faults, Remark
from sandbox.truck.syntax import code_list
from sandbox.truck.trip_reader import Document, Person, TripData, Vehicle, at
from schemas.profile import Profile

FAST_MINUTES: Final = 30
USUAL_MINUTES: Final = 60
_ISSUED_BY_STATE: Final = frozenset({"5K", "5J", "6W", "HD"})
_WITHOUT_ISSUER: Final = frozenset({"AEF", "AEW", "ALV", "ALX", "BCN", "CON", "CDN", "BCP", "AAG", "ALY", "AGS", "ACU"})
NO_VEHICLE: Final = Remark("", "NO CONVEYANCE", reference=ADVANCE_DATA)
NO_DRIVER: Final = Remark("", "NO PERSON IN CHARGE", reference=BUREAU_TEXTS)

_Found = Iterable[tuple[int, Remark]]


class TripChecks:
    """The edits of one trip at one instant; ``set_id`` 309 or 358."""

    def __init__(self, trip: TripData, set_id: str, now: datetime, behaviour: Behaviour, profile: Profile) -> None:
        self.trip, self.set_id, self.now = trip, set_id, now
        self.behaviour, self.profile = behaviour, profile
        self.countries = code_list("countries")
        self.is_fast = any(self._fast(one) for one in trip.persons)

    def run(self, faults: Faults) -> None:
        """Complain into ``faults``."""
        for position, remark in (*self._header(), *self._port(), *self._vehicles(), *self._persons()):
            faults.of_trip(position, remark)

    # ------------------------------------------------------------------ header and port

    def _header(self) -> _Found:
        trip, place = self.trip, self.trip.header_at
        known = self.behaviour.carriers
        if not numbers.SCAC.fullmatch(trip.scac) or (known and trip.scac not in known):
            yield place, Remark("009", "INVALID CARRIER CODE", trip.scac, reference=appendix("009"))
        if trip.header_value(2) != self.profile.transport_mode:
            yield place, Remark("010", "INVALID MODE OF TRANSPORT", trip.header_value(2), reference=appendix("010"))
        if trip.header_value(3) not in self.countries:
            yield place, Remark("011", "INVALID COUNTRY", trip.header_value(3), reference=appendix("011"))
        if not numbers.TRIP.fullmatch(trip.trip) or not trip.trip.startswith(trip.scac):
            yield place, Remark("012", "INVALID VOYAGE/TRIP NUMBER", trip.trip, reference=appendix("012"))

    def _port(self) -> _Found:
        trip, place = self.trip, self.trip.port_at
        if self.behaviour.one_port and trip.ports > 1:
            text = "ONLY ONE PORT OF ARRIVAL"
            yield place, Remark("", text, str(trip.ports), reference=element(self.set_id, "P4 (deduced)"))
        if not is_truck_port(trip.port, self.behaviour):
            yield place, Remark("014", "INVALID UNLADING PORT", trip.port, reference=appendix("014"))
        if trip.eta is None or (trip.kind == "W" and not at(trip.port_segment, 5)):
            text = "INVALID ARRIVAL DATE OR TIME"
            yield place, Remark("", text, trip.arrival_date, reference=element(self.set_id, "P402, P405"))

    def in_time(self, faults: Faults, *, may_refuse: bool = True) -> None:
        """Whether the message comes before the truck, and early enough; for what makes or changes an arrival.

        An amendment restarts the hour (service bureau help); it is not refused for that.
        """
        eta = self.trip.eta
        if eta is None:
            return
        minutes = FAST_MINUTES if self.is_fast else USUAL_MINUTES
        if eta < self.now:
            late = Remark("", "ARRIVAL IS IN THE PAST", self.trip.arrival_date, reference=ADVANCE_DATA)
            self._look(self.behaviour.eta_in_future, late, faults)
        elif eta - self.now < timedelta(minutes=minutes):
            hour = "LESS THAN ONE HOUR BEFORE ARRIVAL" if not self.is_fast else "LESS THAN 30 MIN BEFORE ARRIVAL"
            switch = self.behaviour.one_hour_rule
            early = Remark("", hour, reference=ONE_HOUR)
            self._look("warn" if switch == "reject" and not may_refuse else switch, early, faults)

    def _look(self, switch: str, remark: Remark, faults: Faults) -> None:
        if switch == "reject":
            faults.of_trip(self.trip.port_at, remark)
        elif switch == "warn":
            faults.warn("trip", remark)

    # ------------------------------------------------------------------ the truck

    def _vehicles(self) -> _Found:
        for one in self.trip.vehicles:
            if one.vin and not numbers.is_vin(one.vin, check_digit=self.behaviour.check_vin):
                yield one.at, Remark("", "INVALID VIN", one.vin, reference=VIN_RULE)
            if (one.plate or one.state) and not self._plate_is_good(one.plate, one.state, one.country):
                yield one.at, Remark("402", "INV LIC PLATE", one.plate, reference=appendix("402"))
            known = self.behaviour.conveyance_ids
            for ace_id in one.ace_ids if known else ():
                if ace_id not in known:
                    yield one.at, Remark("401", "INV CONV ACE ID", ace_id, reference=appendix("401"))

    def _plate_is_good(self, plate: str, state: str, country: str) -> bool:
        return plate_is_good(plate, state, country, self.countries)

    # ------------------------------------------------------------------ the persons

    def _persons(self) -> _Found:
        driver = self.profile.crew_role_codes["driver"]
        in_charge = [one for one in self.trip.persons if one.role == driver]
        if self.behaviour.one_person_in_charge and len(in_charge) > 1:
            yield in_charge[1].at, Remark("", "MORE THAN ONE PERSON IN CHARGE", reference=BUREAU_PERSONS)
        for person in self.trip.persons:
            yield from self._person(person)

    def _person(self, person: Person) -> _Found:
        roles = self.profile.crew_role_codes.values()
        if person.role not in roles:
            yield person.at, Remark("", "INVALID PERSON TYPE", person.role, reference=element(self.set_id, "NM101"))
        if person.entity != "1":
            yield person.at, Remark("", "NOT A PERSON", person.entity, reference=element(self.set_id, "NM102"))
        if person.birth and not self._was_born(person.birth):
            yield person.data_at, Remark("", "INVALID DATE OF BIRTH", person.birth, reference=BUREAU_PERSONS)
        if person.citizenship and person.citizenship not in self.countries:
            yield person.data_at, Remark("", "INVALID CITIZENSHIP", person.citizenship, reference=BUREAU_PERSONS)
        if self._fast(person) and len(person.id_code) != 14:
            yield person.at, Remark("", "INV TRAVEL DOC NUMBER", person.id_code, reference=BUREAU_TEXTS)
        for document in person.documents:
            yield from self._document(document)

    def _document(self, document: Document) -> _Found:
        if self.behaviour.check_document_types and document.kind not in code_list("travel-documents"):
            yield document.at, Remark("", "INVALID TRAVEL DOC TYPE", document.kind, reference=BUREAU_PERSONS)
        if not document.number or len(document.number) > 30:
            yield document.at, Remark("", "INV TRAVEL DOC NUMBER", document.number, reference=BUREAU_TEXTS)
        if not self.profile.document_issuer_element or document.kind in _WITHOUT_ISSUER:
            return
        by_state = document.kind in _ISSUED_BY_STATE
        good = code_list("us-states") | code_list("ca-provinces") if by_state else self.countries
        if document.issuer not in good:
            text = "INV TRAVEL DOC STATE" if by_state else "INV TRAVEL DOC COUNTRY"
            yield document.at, Remark("", text, document.issuer, reference=BUREAU_PERSONS)

    def _was_born(self, day: str) -> bool:
        try:
            born = datetime.strptime(day, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            return False
        return date(1900, 1, 1) <= born < self.now.date()

    def _fast(self, person: Person) -> bool:
        qualifier = self.behaviour.fast_qualifier
        return bool(qualifier) and person.id_qualifier == qualifier

    # ------------------------------------------------------------------ what is missing

    def gaps(self, *, first: bool) -> dict[str, list[Remark]]:
        """What is missing in the parts that this message brings, or (``first``: nothing is on file) in all parts."""
        found: dict[str, list[Remark]] = {}
        if self.trip.vehicles or first:
            found["vehicle"] = self._vehicle_gaps()
        if self.trip.persons or first:
            found["persons"] = self._person_gaps()
        return found

    def _vehicle_gaps(self) -> list[Remark]:
        """What the truck lacks for a complete manifest: VIN, or plate with its state and country."""
        staying = [one for one in self.trip.vehicles if one.action != "3"]
        if not staying:
            return [NO_VEHICLE]
        text = "VIN OR LIC PLATE REQUIRED"
        return [Remark("", text, reference=ADVANCE_DATA) for one in staying if not _is_identified(one)][:1]

    def _person_gaps(self) -> list[Remark]:
        """What the persons lack: one in charge; names, birth, gender, citizenship, a document (FAST: the card)."""
        driver = self.profile.crew_role_codes["driver"]
        gaps = [] if any(one.role == driver for one in self.trip.persons) else [NO_DRIVER]
        for one in self.trip.persons:
            missing = [
                word
                for word, value in (("NAME", one.last and one.first), ("BIRTH DATE", one.birth), ("GENDER", one.gender),
                                    ("CITIZENSHIP", one.citizenship))
                if not value
            ]  # fmt: skip
            if not one.documents and not self._fast(one):
                missing.append("TRAVEL DOCUMENT")
            gaps += [Remark("", f"PERSON WITHOUT {word}", one.last[:30], reference=BUREAU_PERSONS) for word in missing]
        return gaps[:5]


def _is_identified(vehicle: Vehicle) -> bool:
    plate = vehicle.plate and vehicle.state and vehicle.country
    return bool(vehicle.vin or plate or vehicle.ace_ids)


def is_truck_port(port: str, behaviour: Behaviour) -> bool:
    """Whether trucks arrive at a Schedule D port."""
    if behaviour.truck_ports:
        return port in behaviour.truck_ports
    return bool(numbers.PORT.fullmatch(port)) and port[:2] in behaviour.land_districts


def plate_is_good(plate: str, state: str, country: str, countries: frozenset[str]) -> bool:
    """Shape of the plate, a known country, and a state of it for the United States and Canada.

    (Mexico's states have three letters in CATAIR Appendix B, and X12 has room for two: any two are taken.)
    """
    if not numbers.PLATE.fullmatch(plate) or (country and country not in countries):
        return False
    lists = {"US": code_list("us-states"), "CA": code_list("ca-provinces")}
    return not state or country not in lists or state in lists[country]
