"""What does CBP do with a 358? It makes or changes a trip, and puts shipments on file on it or takes them off.

A 358 cannot change freight or parties (service bureau help): a shipment must be on file already. Codes of MBL03:
1 link, 2 under other equipment, 3 delink (deduced). When it changes the port of arrival, those concerned are told by a
350 with disposition 01 (CBP truck 350 guide, April 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sandbox.border import Border
from sandbox.office import Office, Origin
from sandbox.truck import numbers
from sandbox.truck.acceptance import AcceptanceWriter, Item, Result
from sandbox.truck.books import Held, TruckBooks
from sandbox.truck.characters import check_characters
from sandbox.truck.citations import BUREAU_STATES, appendix, element
from sandbox.truck.consist_reader import Consist, Link, read_consist
from sandbox.truck.front_desk import Settled
from sandbox.truck.goods_checks import GoodsChecks
from sandbox.truck.manifest_desk import WORD_OF_TYPE
from sandbox.truck.remarks import Faults, Remark
from sandbox.truck.states import manifest_cell, shipment_cell
from sandbox.truck.trip_checks import TripChecks
from sandbox.truck.trip_reader import trip_number_of
from sandbox.truck.x12 import Addresses, Interchange

_SAID: Final = {"1": "link", "2": "move", "3": "delink"}


class ConsistDesk:
    """Settles 358s."""

    def __init__(self, office: Office, border: Border) -> None:
        self.office, self.border, self.books = office, border, TruckBooks(office)

    def trip_of(self, interchange: Interchange) -> str:
        """The trip number in M10."""
        return trip_number_of(interchange, self.office.profile)

    def settle(self, origin: Origin, interchange: Interchange, addresses: Addresses, now: datetime) -> Settled:
        """Judge a consist and keep what is good of it."""
        office, faults = self.office, Faults()
        consist = read_consist(interchange, office.profile)
        trip, links = consist.trip, consist.links
        check_characters(interchange, office.behaviour, partial(_items, links), faults)
        checks = TripChecks(trip, "358", now, office.behaviour, office.profile)
        checks.run(faults)
        goods = GoodsChecks(now, office.book, office.behaviour, office.profile)
        for one in consist.equipment:
            for position, remark in goods.of_equipment(one):
                faults.of_trip(position, remark)
        held = self.books.manifest(trip.trip, trip.arrival_date)
        standings = self.books.standings((one.scn for one in links), held.id if held.state != "NONE" else 0, now)
        self._state(consist, held, standings, faults)
        gaps = checks.gaps(first=held.state == "NONE")
        if trip.kind == "P" or (trip.kind == "Y" and self._changes_trip(consist, held)):
            checks.in_time(faults, may_refuse=trip.kind == "P")
        if held.state == "COMPLETE":
            for remark in (one for found in gaps.values() for one in found):
                faults.of_trip(trip.header_at, remark)
        refused = len(links) if faults.trip else len(faults.items)
        result = Result(faults, refused, len(links) - refused, WORD_OF_TYPE.get(trip.kind, "PRELIMINARY"))
        if not faults.trip:
            self._keep(
                origin, consist, held, faults, addresses, now, gaps, fast=checks.is_fast if trip.persons else None
            )
        writer = AcceptanceWriter(interchange, office.profile, office.behaviour.trip_faults_at)
        items = {i: Item(links[i].at, links[i].last, links[i].at, (links[i].equipment_at,)) for i in faults.items}
        answer = writer.write((trip.header_at, trip.header), (trip.port_at, trip.port_segment), items, result)
        told = f"355 accepted {result.accepted}, rejected {result.rejected}"
        return Settled(told, answer, faults.reasons(one.scn for one in links), faults.warnings)

    # ------------------------------------------------------------------ by the books

    def _state(self, consist: Consist, held: Held, standings: Mapping[str, str], faults: Faults) -> None:
        trip = consist.trip
        cell = manifest_cell(held.state, f"358 {trip.kind}") if trip.kind in {"P", "Y", "3"} else None
        if cell is None:
            faults.of_trip(trip.header_at, Remark("", "INVALID MANIFEST TYPE", trip.kind, reference=BUREAU_STATES))
            return
        if not cell.permits(self.office.behaviour):
            faults.of_trip(trip.header_at, cell.remark(trip.trip))
            return
        complete = held.state == "COMPLETE" and trip.kind == "Y"
        reference = f"{BUREAU_STATES}; M1016 and M1306 (X12 data element 393)"
        missing = Remark("", "AMENDMENT REASON MISSING", reference=reference)
        if complete and not trip.reason:
            faults.of_trip(trip.header_at, missing)
        seen: set[str] = set()
        for index, link in enumerate(consist.links):
            if complete and not link.reason:
                faults.add(index, link.at, missing)
            for position, remark in self._link(link, trip.kind, standings, again=link.scn in seen):
                faults.add(index, position, remark)
            seen.add(link.scn)

    def _link(
        self, link: Link, kind: str, standings: Mapping[str, str], *, again: bool
    ) -> Sequence[tuple[int, Remark]]:
        if not numbers.is_scn(link.scac, link.number):
            return [(link.at, Remark("017", "MISSING OR INVALID BILL", link.scn, reference=appendix("017")))]
        said = said_of(link, kind)
        if not said:
            reference = element("358", "MBL03, action (X12 data element 306)")
            return [(link.at, Remark("", "INVALID ACTION CODE", link.action, reference=reference))]
        out: list[tuple[int, Remark]] = []
        if link.amendment and (link.amendment[4:5], link.amendment[9:10]) != ([link.number], [link.scac]):
            reference = element("358", "M1304, M1309 and MBL01, MBL02 name one bill")
            out.append((link.last, Remark("017", "MISSING OR INVALID BILL", link.scn, reference=reference)))
        cell = shipment_cell("LINKED" if again and said == "link" else standings.get(link.scn, "NONE"), said)
        if not cell.permits(self.office.behaviour):
            out.append((link.at, cell.remark(link.scn)))
        return out

    def _changes_trip(self, consist: Consist, held: Held) -> bool:
        trip, row = consist.trip, held.row
        return row is not None and (row["port"] != trip.port or row["eta"] != self.books.eta_of(trip, held))

    # ------------------------------------------------------------------ into the books

    def _keep(
        self,
        origin: Origin,
        consist: Consist,
        held: Held,
        faults: Faults,
        addresses: Addresses,
        now: datetime,
        gaps: Mapping[str, list[Remark]],
        *,
        fast: bool | None,
    ) -> None:
        trip = consist.trip
        state = manifest_cell(held.state, f"358 {trip.kind}").to
        port_before = held.row["port"] if held.row is not None and held.state != "NONE" else trip.port
        manifest_id = self.books.keep(
            origin, trip, held, addresses, now, state=state, created_by="358", gaps=gaps,
            fast=fast,
        )  # fmt: skip
        if trip.kind == "3":
            riding = self.books.scns_of(manifest_id)
            if self.office.behaviour.delete_by_358_keeps_bills:
                self.books.set_state(riding, "DELINKED")
            else:
                self.books.delete(riding)
                self.border.bills_deleted(riding, now)
            return
        good = [link for i, link in enumerate(consist.links) if i not in faults.items]
        linked = [one.scn for one in good if said_of(one, trip.kind) == "link"]
        self.books.link(linked, manifest_id, trip.arrival_date)
        self.books.set_state([one.scn for one in good if said_of(one, trip.kind) == "delink"], "DELINKED")
        if port_before != trip.port:
            self.border.port_changed(manifest_id, now)
        self.border.bills_filed(linked, [], now)
        self.border.manifest_changed(manifest_id, now)


def said_of(link: Link, kind: str) -> str:
    """What MBL03 does; a preliminary consist without one lists what rides on the trip."""
    return _SAID.get(link.action or ("1" if kind == "P" else ""), "")


def _items(links: list[Link]) -> dict[int, int]:
    return {position: index for index, link in enumerate(links) for position in range(link.at, link.last + 1)}
