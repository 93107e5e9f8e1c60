"""Would CBP take this shipment of a 309? Edits of its header, its amendment and its parties.

Codes are those of CAMIR Appendix L and H where one is known; other faults carry their text alone. Equipment and goods
are judged in :mod:`sandbox.truck.goods_checks`; what needs the books (already on file, state of the manifest) in
:mod:`sandbox.truck.manifest_desk`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sandbox.markers import Marks, read_marks
from sandbox.rulebook import RuleBook
from sandbox.settings import Behaviour
from sandbox.truck import numbers
from sandbox.truck.citations import (
    APPENDIX_H,
    BUREAU_CODES,
    BUREAU_SHIPMENTS,
    SANDBOX,
    appendix,
    element,
)
from sandbox.truck.goods_checks import GoodsChecks
from sandbox.truck.manifest_reader import Bill, Manifest, Party
from sandbox.truck.remarks import Faults, Remark
from sandbox.truck.syntax import code_list
from sandbox.truck.trip_reader import at
from schemas.profile import Profile

_ACTION_OF: Final = {"A": "1", "R": "2", "D": "3"}
FILINGS: Final = frozenset({"P", "W"})
_Found = Iterable[tuple[int, Remark]]


def marks_of(bill: Bill) -> Marks:
    """Magic markers of a shipment."""
    consignee = bill.party("CN")
    return read_marks(bill.number, consignee.name.upper() if consignee else "")


class ManifestChecks:
    """The edits of one manifest's shipments at one instant."""

    def __init__(
        self, manifest: Manifest, now: datetime, book: RuleBook, behaviour: Behaviour, profile: Profile
    ) -> None:
        self.manifest, self.behaviour, self.profile = manifest, behaviour, profile
        self.kind = manifest.trip.kind
        self.countries = code_list("countries")
        self.units = code_list("packaging-units")
        self.bill_types = set(behaviour.bill_types) | set(profile.bill_types.values())
        self.goods = GoodsChecks(now, book, behaviour, profile)

    def run(self, faults: Faults) -> None:
        """Complain into ``faults``."""
        for position, remark in self._counts():
            faults.of_trip(position, remark)
        for index, bill in enumerate(self.manifest.bills):
            for position, remark in self.bill(bill):
                faults.add(index, position, remark)
            self._in_sequence(index, bill, faults)
            self.goods.warn(bill, faults)

    def _in_sequence(self, index: int, bill: Bill, faults: Faults) -> None:
        switch = self.behaviour.shipment_numbers
        if switch == "off" or bill.assigned.lstrip("0") == str(index + 1):
            return
        odd = Remark("", "LX NUMBER OUT OF SEQUENCE", bill.assigned, reference=element("309", "LX01: 1, 2, 3 …"))
        if switch == "reject":
            faults.add(index, bill.at, odd)
        else:
            faults.warn(f"{bill.scn} at {bill.at}", odd)

    def _counts(self) -> _Found:
        """M1008 counts the bills of this message, P403 those of the port, which are the same on a truck."""
        trip = self.manifest.trip
        filed = sum(1 for b in self.manifest.bills if b.m11_at or b.m13_at)
        for place, value in ((trip.header_at, trip.bill_count), (trip.port_at, at(trip.port_segment, 3))):
            if value and value.lstrip("0") != (str(filed) if filed else ""):
                yield place, Remark("013", "INVALID BILL COUNT", value, reference=appendix("013"))

    # ------------------------------------------------------------------ a shipment

    def bill(self, bill: Bill) -> _Found:
        """Faults of one shipment as (position of the segment, remark)."""
        yield from self._amendment(bill)
        if not bill.m11_at:
            if self.kind in FILINGS and not self._is_empty_truck(bill):
                yield bill.at, Remark("003", "NO B01/M11 RECORD FOUND", reference=appendix("003"))
            return
        yield from self._header(bill)
        yield from self._parties(bill)
        yield from self.goods.bill(bill)
        marks = marks_of(bill)
        if "REJ" in marks:
            code = marks.code if marks.code.isdigit() else ""
            yield bill.m11_at, Remark(code, "REJECTED BY MARKER", marks.code, reference=SANDBOX)

    def _is_empty_truck(self, bill: Bill) -> bool:
        """A preliminary manifest without shipments: the base wants one LX all the same."""
        return self.kind == "P" and len(self.manifest.bills) == 1 and bill.last == bill.at

    def _amendment(self, bill: Bill) -> _Found:
        if not bill.m13_at:
            return
        place, trip = bill.m13_at, self.manifest.trip
        if self.kind != "Y":
            reference = element("309", "M13 only in an amendment (type Y)")
            yield place, Remark("", "M13 ONLY IN AN AMENDMENT", self.kind, reference=reference)
        row = [*bill.amendment, *[""] * 13]
        if row[1] != trip.scac:
            reference = element("309", "M1301, operator of the conveyance")
            yield place, Remark("", "CARRIER NOT THAT OF THE TRIP", row[1], reference=reference)
        if not numbers.PORT.fullmatch(row[2]):
            yield place, Remark("033", "INVALID PORT", row[2], reference=appendix("033"))
        if bill.m11_at and (row[4], row[9]) != (bill.number, bill.scac):
            reference = element("309", "M1304, M1309 and M1101, M1112 name one bill")
            yield place, Remark("017", "MISSING OR INVALID BILL", row[9] + row[4], reference=reference)
        wanted = _ACTION_OF.get(bill.change, "")
        if self.behaviour.check_amendment_actions and row[7] and wanted and row[7] != wanted:
            reference = element("309", "M1303 with M1307 (deduced)")
            yield place, Remark("", "INVALID ACTION CODE", row[7], reference=reference)
        if bill.change == "R":
            yield from self._new_quantity(bill)

    def _new_quantity(self, bill: Bill) -> _Found:
        new, told = bill.new_quantity, bool(bill.amendment[5:6] and bill.amendment[5])
        wrong = told and (new is None or new <= 0 or new != new.to_integral_value())
        if wrong or (not told and not bill.m11_at) or (told and bill.m11_at and new != bill.quantity):
            reference = element("309", "M1305, the new quantity when M1303 is R")
            yield bill.m13_at, Remark("", "INVALID QUANTITY", str(new or ""), reference=reference)

    def _header(self, bill: Bill) -> _Found:
        head, carrier = bill.m11_at, self.manifest.trip.scac
        if not numbers.is_scn(bill.scac, bill.number):
            yield head, Remark("017", "MISSING OR INVALID BILL", bill.scn, reference=appendix("017"))
        elif self.behaviour.scn_of_carrier and bill.scac != carrier:
            yield head, Remark("", "SCN NOT OF THE CARRIER", bill.scac, reference="CSMS 18-000656, own SCAC required")
        if bill.kind not in self.bill_types:
            yield head, Remark("", "INVALID BILL TYPE", bill.kind, reference=element("309", "M1109"))
        if bill.quantity is None or bill.quantity <= 0 or bill.quantity != bill.quantity.to_integral_value():
            reference = element("309", "M1103, pieces in the smallest outer packing")
            yield head, Remark("", "INVALID QUANTITY", str(bill.quantity or ""), reference=reference)
        if bill.weight is None or bill.weight <= 0:
            yield head, Remark("020", "INVALID WEIGHT", str(bill.weight or ""), reference=appendix("020"))
        if bill.weight_unit not in {"K", "L"}:
            reference = f"{APPENDIX_H}, error 021"
            yield head, Remark("021", "INVALID WEIGHT UNIT", bill.weight_unit, reference=reference)
        if self.behaviour.check_packaging_units and bill.unit not in self.units:
            yield head, Remark("", "INVALID MANIFEST UNIT", bill.unit, reference=BUREAU_CODES)
        for code in bill.notified:
            if not numbers.SCAC.fullmatch(code):
                reference = element("309", "M1113 to M1115, second notify party")
                yield head, Remark("", "INVALID NOTIFY PARTY", code, reference=reference)

    def _parties(self, bill: Bill) -> _Found:
        for role, code, text in (
            ("shipper", "004", "INVALID S01/N1 RECORD"),
            ("consignee", "005", "INVALID U01/N1 OR N01/N1"),
        ):
            wanted = self.profile.party_roles[role]
            found = [one for one in bill.parties if one.role == wanted]
            if not found:
                yield bill.m11_at, Remark(code, text, wanted, reference=appendix(code))
            for one in found[1:]:
                yield one.at[0], Remark(code, text, one.name[:30], reference=BUREAU_SHIPMENTS)
            for one in found[:1]:
                if not _complete(one) or one.country not in self.countries:
                    yield one.at[0], Remark(code, text, one.name[:30], reference=appendix(code))
        known = set(self.profile.party_roles.values())
        for party in bill.parties:
            if party.role not in known:
                yield party.at[0], Remark("", "INVALID PARTY TYPE", party.role, reference=element("309", "N101"))
            elif party.role == self.profile.party_roles["notify"] and not (party.name or party.id_code):
                yield party.at[0], Remark("005", "INVALID U01/N1 OR N01/N1", reference=appendix("005"))


def _complete(party: Party) -> bool:
    return bool(party.name and party.lines and party.city and party.country)
