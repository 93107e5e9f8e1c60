"""What does CBP do with a 353? ``Z`` makes a preliminary manifest complete; in-bond movements arrive, leave the country
or change hands; a carrier reports its truck's arrival where a switch names the code.

M1501: 1, 2, 3 arrival and 5, 6, 7 export of an in-bond movement, a bill, a container; A, B, C transfer of liability of
the same (X12 data element 1497; meanings recalled); Z from service bureau help. An in-bond number that is not on file
earns error 032. M10 and P4 are optional in a 353 and mandatory in a 355: one that lacks them is answered with those of
the manifest on file, or with ones made from the event (an assumption).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sandbox.border import Border
from sandbox.office import Office, Origin
from sandbox.truck import numbers
from sandbox.truck.acceptance import AcceptanceWriter, Item, Result
from sandbox.truck.books import Held, TruckBooks, gap_remarks
from sandbox.truck.characters import check_characters
from sandbox.truck.citations import BUREAU_STATES, IN_BOND_NOTICE, ONE_HOUR, SANDBOX, appendix, element
from sandbox.truck.events_reader import Event, Events, read_events
from sandbox.truck.front_desk import Settled
from sandbox.truck.in_bond import InBondBooks
from sandbox.truck.remarks import Faults, Remark
from sandbox.truck.section321 import barred
from sandbox.truck.states import manifest_cell
from sandbox.truck.trip_checks import FAST_MINUTES, USUAL_MINUTES, is_truck_port
from sandbox.truck.x12 import Addresses, Interchange

FINISH: Final = "Z"
_ARRIVALS, _EXPORTS, _TRANSFERS = frozenset("123"), frozenset("567"), frozenset("ABC")
_OF_BILL: Final = frozenset("26B")
_OF_CONTAINER: Final = frozenset("37C")
_Found = Iterable[tuple[int, Remark]]


class EventsDesk:
    """Settles 353s."""

    def __init__(self, office: Office, border: Border) -> None:
        self.office, self.border, self.books = office, border, TruckBooks(office)
        self.in_bonds = InBondBooks(office)

    def trip_of(self, interchange: Interchange) -> str:
        """The trip number in M10, or that of the event that finishes a manifest."""
        read = self._read(interchange)
        return read.trip.trip or next((one.reference for one in read.events if one.kind == FINISH), "")

    def _read(self, interchange: Interchange) -> Events:
        return read_events(interchange, self.office.profile, self.office.behaviour.firms_element)

    def settle(self, origin: Origin, interchange: Interchange, addresses: Addresses, now: datetime) -> Settled:
        """Judge the events and let the good ones happen."""
        del origin, addresses  # statuses of a manifest go where its 309 or 358 came from
        faults, read = Faults(), self._read(interchange)
        events = read.events
        check_characters(interchange, self.office.behaviour, partial(_items, events), faults)
        held = self._held(read)
        for position, remark in (*self._header(read, held), *self._of_trip(read, held, now, faults)):
            faults.of_trip(position, remark)
        frame = self._frame(read, held, interchange)
        done = 0
        for index, event in enumerate(events):
            for position, remark in (*self._event(event), *self._of_in_bond(event)):
                faults.add(index, position, remark)
            self._in_its_time(index, event, now, faults)
            if not faults.trip and index not in faults.items:
                self._happens(event, now)
                done += 1
        result = Result(faults, len(events) - done, done, "AMENDED")
        if not faults.trip:
            self._trip_moves(events, faults, held, result, now)
        items = {i: Item(events[i].at, events[i].last, events[i].at, rejected=False) for i in faults.items}
        writer = AcceptanceWriter(interchange, self.office.profile, self.office.behaviour.trip_faults_at)
        answer = writer.write(*frame, items, result)
        told = f"355 accepted {result.accepted}, rejected {result.rejected}"
        return Settled(told, answer, faults.reasons(f"M15 {e.kind} {e.reference}" for e in events), faults.warnings)

    # ------------------------------------------------------------------ which manifest

    def _held(self, read: Events) -> Held:
        """The manifest the events are about: by trip and day of M10 and P4, by the trip Z names, by the in-bond."""
        trip = read.trip
        named = trip.trip or next((one.reference for one in read.events if one.kind == FINISH), "")
        if named:
            day = trip.arrival_date
            return self.books.manifest(named, day) if day else self.books.latest(named)
        for event in read.events:
            found = self.in_bonds.manifest_of(event)
            if found is not None:
                return Held(found, str(found["state"]))
        return Held(None, "NONE")

    def _header(self, read: Events, held: Held) -> _Found:
        trip = read.trip
        if not trip.header:
            return
        known = self.office.behaviour.carriers
        wrong = not numbers.SCAC.fullmatch(trip.scac) or (known and trip.scac not in known)
        if wrong or (held.row is not None and held.row["scac"] != trip.scac):
            yield trip.header_at, Remark("009", "INVALID CARRIER CODE", trip.scac, reference=appendix("009"))
        if trip.port_at and not is_truck_port(trip.port, self.office.behaviour):
            yield trip.port_at, Remark("014", "INVALID UNLADING PORT", trip.port, reference=appendix("014"))

    # ------------------------------------------------------------------ one event

    def _event(self, event: Event) -> _Found:
        """What every event needs: a kind that is known, a date and time, a place."""
        behaviour = self.office.behaviour
        own = {behaviour.conveyance_arrival_event, behaviour.conveyance_departure_event} - {""}
        if event.kind not in _ARRIVALS | _EXPORTS | _TRANSFERS | {FINISH} | own:
            reference = element("353", "M1501 (X12 data element 1497)")
            yield event.at, Remark("", "INVALID EVENT CODE", event.kind, reference=reference)
        if event.instant is None:
            yield (
                event.at,
                Remark("", "INVALID EVENT DATE OR TIME", event.day, reference=element("353", "M1503, M1506")),
            )
        inland = event.kind in _ARRIVALS | _EXPORTS | _TRANSFERS
        good = numbers.PORT.fullmatch(event.port) if inland else is_truck_port(event.port, behaviour)
        if event.port and not good:
            yield event.at, Remark("033", "INVALID PORT", event.port, reference=appendix("033"))

    def _in_its_time(self, index: int, event: Event, now: datetime, faults: Faults) -> None:
        """What is reported has happened, and not long ago; the zone of an inland place is not known, hence a day."""
        switch = self.office.behaviour.events_in_future
        if switch == "off" or event.instant is None or event.kind not in _ARRIVALS | _EXPORTS | _TRANSFERS:
            return
        if -timedelta(days=366) <= event.instant - now <= timedelta(days=1):
            return
        reference = element("353", "M1503, the day on which it began (deduced)")
        odd = Remark("", "INVALID EVENT DATE OR TIME", event.day, reference=reference)
        if switch == "reject":
            faults.add(index, event.at, odd)
        else:
            faults.warn(f"M15 {event.kind} {event.reference}", odd)

    def _of_trip(self, read: Events, held: Held, now: datetime, faults: Faults) -> _Found:
        """Events of the trip as a whole: its manifest is finished, its truck is here."""
        place, behaviour = read.trip.header_at, self.office.behaviour
        said_of = {FINISH: "353 Z", behaviour.conveyance_arrival_event: "truck arrives"}
        seen: set[str] = set()
        for event in read.events:
            if event.kind not in {*said_of, behaviour.conveyance_departure_event} - {""}:
                continue
            if read.trip.trip and event.reference != read.trip.trip:
                reference = element("353", "M1502, the trip number of M10")
                yield place, Remark("012", "INVALID VOYAGE/TRIP NUMBER", event.reference, reference=reference)
            elif event.kind in said_of:
                state = "COMPLETE" if event.kind in seen and event.kind == FINISH else held.state
                cell = manifest_cell(state, said_of[event.kind])
                if not cell.to:
                    yield place, cell.remark(event.reference)
                elif event.kind == FINISH:
                    yield from ((place, remark) for remark in gap_remarks(held.gaps()))
                    yield from ((place, remark) for remark in self._barred(held, now))
                    self._in_time(held, now, faults)
            seen.add(event.kind)

    def _barred(self, held: Held, now: datetime) -> Iterable[Remark]:
        """Section 321 bills that were taken before the law ended them are not declared complete after it."""
        bills = self.office.store.rows_for("select * from bill where scn in ({})", self.books.scns_of(held.id))
        return (remark for bill in bills if (remark := barred(self.office, bill, now)) is not None)

    def _in_time(self, held: Held, now: datetime, faults: Faults) -> None:
        """The hour before arrival counts for the completion too."""
        eta = self.books.instant_of(held)
        switch = self.office.behaviour.one_hour_rule
        minutes = FAST_MINUTES if held.row is not None and held.row["fast"] else USUAL_MINUTES
        if eta is None or switch == "off" or eta - now >= timedelta(minutes=minutes):
            return
        late = Remark("", "LESS THAN ONE HOUR BEFORE ARRIVAL", reference=ONE_HOUR)
        if switch == "reject":
            faults.of_trip(0, late)
        else:
            faults.warn("trip", late)

    def _of_in_bond(self, event: Event) -> _Found:
        if event.kind not in _ARRIVALS | _EXPORTS | _TRANSFERS:
            return
        if event.kind in _OF_BILL and not numbers.SCAC.fullmatch(event.issuer):
            reference = element("353", "M1505, issuer of the bill when M1501 is 2, 6 or B")
            yield event.at, Remark("017", "MISSING OR INVALID BILL", event.issuer, reference=reference)
            return
        found = self.in_bonds.of_event(event)
        if not found:
            code = "017" if event.kind in _OF_BILL else "032"
            text = "MISSING OR INVALID BILL" if event.kind in _OF_BILL else "INVALID IN-BOND NUMBER"
            yield event.at, Remark(code, text, event.reference, reference=appendix(code))
            return
        for number in found:
            yield from self._may_move(number, event)

    def _may_move(self, number: str, event: Event) -> _Found:
        one, state = self.in_bonds.movement(number), self.in_bonds.manifest_state(number)
        if state is not None and not manifest_cell(state, "353 in-bond").to:
            yield event.at, manifest_cell(state, "353 in-bond").remark(number)
            return
        if event.kind in _TRANSFERS:
            if not event.next_carrier and not event.next_id:
                reference = element("353", "M1508, M1509, the next in-bond carrier")
                yield event.at, Remark("", "NEXT CARRIER REQUIRED", reference=reference)
            elif event.next_carrier and not numbers.SCAC.fullmatch(event.next_carrier):
                yield event.at, Remark("009", "INVALID CARRIER CODE", event.next_carrier, reference=appendix("009"))
            return
        if one.exported_at or (one.arrived_at and event.kind in _ARRIVALS):
            done = "IN-BOND ALREADY EXPORTED" if one.exported_at else "IN-BOND ALREADY ARRIVED"
            yield event.at, Remark("", done, number, reference=f"{SANDBOX}; {BUREAU_STATES}")
        if event.kind in _EXPORTS and one.kind == "61":
            reference = element("353", "M1501 5 to 7: a movement of type 61 ends with its arrival")
            yield event.at, Remark("", "IN-BOND IS NOT FOR EXPORT", number, reference=reference)
        if one.destination and event.port and event.port != one.destination:
            yield event.at, Remark("380", "INVALID INB DEST PORT CODE", event.port, reference=IN_BOND_NOTICE)
        if event.kind in _ARRIVALS and not numbers.FIRMS.fullmatch(event.firms):
            yield event.at, Remark("157", "FIRMS CODE REQUIRED", event.firms, reference=f"{IN_BOND_NOTICE}, error 157")

    def _happens(self, event: Event, now: datetime) -> None:
        """A good event of in-bond movements."""
        for number in self.in_bonds.of_event(event):
            if event.kind in _TRANSFERS:
                self.in_bonds.transfer(number, event.next_carrier or event.next_id)
                continue
            leaves = event.kind in _EXPORTS
            self.in_bonds.note(number, now, exported=leaves)
            if leaves or self.in_bonds.movement(number).kind == "61":
                self.border.in_bond_ended(self.in_bonds.scns(number), now)
            code = {"1": "11", "2": "12", "3": "13"}.get(event.kind, "")
            if code and self.office.behaviour.tell_in_bond:
                self.border.tell(self.in_bonds.scns(number), code, now)

    def _trip_moves(self, events: Sequence[Event], faults: Faults, held: Held, result: Result, now: datetime) -> None:
        """Good events of the trip as a whole."""
        kinds = {event.kind for index, event in enumerate(events) if index not in faults.items}
        if FINISH in kinds:
            result.word, result.accepted = "COMPLETE", len(self.books.scns_of(held.id))
            self.books.complete(held.id, now)
            self.border.manifest_changed(held.id, now)
        if self.office.behaviour.conveyance_arrival_event in kinds:
            self.border.arrived_by_carrier(held.id, now)

    # ------------------------------------------------------------------ the frame of the answer

    def _frame(
        self, read: Events, held: Held, interchange: Interchange
    ) -> tuple[tuple[int, Sequence[str]], tuple[int, Sequence[str]]]:
        trip, first = read.trip, read.events[0]
        header: tuple[int, Sequence[str]] = (trip.header_at, trip.header)
        port: tuple[int, Sequence[str]] = (trip.port_at, trip.port_segment)
        if not trip.header:
            header = (0, self.books.header_of(held) or ["M10", _carrier(interchange), "J", "US", "", "TRUCK"])
        if not trip.port_segment:
            place = first.port if numbers.PORT.fullmatch(first.port) else "0000"
            port = (0, self.books.port_of(held) or ["P4", place, first.day])
        return header, port


def _carrier(interchange: Interchange) -> str:
    """A SCAC to answer a 353 that names none: that of the sender, if it looks like one."""
    sender = interchange.sender
    return sender if numbers.SCAC.fullmatch(sender) else "ZZZZ"


def _items(events: list[Event]) -> dict[int, int]:
    return {position: index for index, event in enumerate(events) for position in range(event.at, event.last + 1)}
