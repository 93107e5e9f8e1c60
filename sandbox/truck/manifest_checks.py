"""Would CBP take this manifest? Business edits of a 309, each with the code CBP gives it where that is known.

Codes: CAMIR V1.4 Appendix L (truck manifest error codes, Nov 2011), CSMS 12-000403 (370), CSMS 64792502 (470), CSMS
66065494. A fault without a known
code carries its text alone. Edits that need the books (already on file, state of the manifest) are in ``sandbox.cbp``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sandbox.markers import Marks, read_marks
from sandbox.rulebook import RuleBook
from sandbox.settings import Behaviour
from sandbox.truck.manifest_reader import Bill, Manifest, Party
from sandbox.truck.syntax import code_list
from sandbox.truck.x12 import CBP_CHARACTERS, Interchange
from schemas.profile import Profile

_SCN: Final = re.compile(r"[A-Z]{4}[A-Z0-9]{4,12}")
_TRIP: Final = re.compile(r"[A-Z]{4}[A-Z0-9]{4,21}")
_SCAC: Final = re.compile(r"[A-Z]{2,4}")
_TRIP_SEGMENTS: Final = frozenset({"M10", "VEH", "CII", "NM1", "DMG", "DMA", "REF", "P4"})


@dataclass(frozen=True, slots=True)
class Remark:
    """One K1: CBP's code (may be empty), a text of at most 27 characters, the bad value, and where the rule stands."""

    code: str
    text: str
    value: str = ""
    reference: str = ""


@dataclass(slots=True)
class ManifestFaults:
    """What is wrong: with the trip as a whole, and with each bill by the position of the segment complained of."""

    trip: list[Remark] = field(default_factory=list)
    bills: dict[int, dict[int, list[Remark]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def add(self, bill_index: int, position: int, remark: Remark) -> None:
        """Complain of the segment at ``position`` of bill ``bill_index``."""
        self.bills[bill_index][position].append(remark)


INVALID_CHARACTER: Final = Remark("370", "INVALID CHARACTER", reference="CSMS 12-000403")


def check_characters(interchange: Interchange, manifest: Manifest, faults: ManifestFaults) -> None:
    """Error 370 for each segment with a character outside CBP's set."""
    allowed = CBP_CHARACTERS | {interchange.element_separator}
    place: dict[int, int] = {}
    for position, raw in enumerate(interchange.body, 1):
        if allowed.issuperset(raw):
            continue
        if not place:
            place = {p: i for i, bill in enumerate(manifest.bills) for p in bill.segments}
        bad = "".join(sorted({c for c in raw if c not in allowed and c.isprintable()}))[:30]
        if position in place:
            faults.add(place[position], position, Remark("370", "INVALID CHARACTER", bad, "CSMS 12-000403"))
        elif len(faults.trip) < 10:
            faults.trip.append(Remark("370", "INVALID CHARACTER", bad, "CSMS 12-000403"))


def marks_of(bill: Bill) -> Marks:
    """Magic markers of a shipment."""
    consignee = bill.party("CN")
    return read_marks(bill.number, consignee.name.upper() if consignee else "")


class ManifestChecks:
    """The edits of one manifest at one instant."""

    def __init__(
        self, manifest: Manifest, now: datetime, book: RuleBook, behaviour: Behaviour, profile: Profile
    ) -> None:
        self.manifest, self.now, self.book, self.behaviour, self.profile = manifest, now, book, behaviour, profile
        self.countries, self.states = code_list("countries"), code_list("us-states")
        self.units, self.equipment = code_list("packaging-units"), code_list("equipment-types")
        self.bill_types = set(behaviour.bill_types) | set(profile.bill_types.values())
        self.suspended = book.rule("section321-suspended", now)
        self.origin_rule = book.rule("section321-origin", now)
        self.state_rule = book.rule("section321-consignee-state", now)

    def run(self, faults: ManifestFaults) -> None:
        """Complain into ``faults``."""
        faults.trip.extend(self.trip())
        for index, bill in enumerate(self.manifest.bills):
            for position, remark in self.bill(bill):
                faults.add(index, position, remark)

    # ------------------------------------------------------------------ the trip

    def trip(self) -> Iterable[Remark]:
        """Faults of the trip as a whole."""
        m = self.manifest
        if not _SCAC.fullmatch(m.scac):
            yield Remark("009", "INVALID CARRIER CODE", m.scac, "CAMIR Appendix L")
        if m.mode != self.profile.transport_mode:
            yield Remark("010", "INVALID MODE OF TRANSPORT", m.mode, "CAMIR Appendix H")
        if m.country not in self.countries:
            yield Remark("011", "INVALID COUNTRY", m.country, "CAMIR Appendix H")
        if not _TRIP.fullmatch(m.trip) or not m.trip.startswith(m.scac):
            yield Remark("012", "INVALID VOYAGE/TRIP NUMBER", m.trip, "CAMIR Appendix H")
        if len(m.port) != 4 or not m.port.isdigit() or m.port[:2] not in self.behaviour.land_districts:
            yield Remark("014", "INVALID UNLADING PORT", m.port, "CAMIR Appendix H")
        if m.eta is None:
            yield Remark("", "INVALID ARRIVAL DATE OR TIME", m.arrival_date)
        if m.kind in {"P", "W"}:
            yield from self._filing()

    def _filing(self) -> Iterable[Remark]:
        m = self.manifest
        filed = sum(1 for b in m.bills if b.m11_at)
        if m.bill_count and m.bill_count.lstrip("0") != (str(filed) if filed else ""):
            yield Remark("013", "INVALID BILL COUNT", m.bill_count, "CAMIR Appendix H")
        if m.kind == "W":
            driver = self.profile.crew_role_codes["driver"]
            if not any(role == driver for _, role in m.persons):
                yield Remark("", "NO PERSON IN CHARGE")
            if self.behaviour.one_hour_rule == "reject" and m.eta is not None and m.eta - self.now < timedelta(hours=1):
                yield Remark("", "LESS THAN ONE HOUR BEFORE ARRIVAL", reference="19 CFR 123.92")

    # ------------------------------------------------------------------ a shipment

    def bill(self, bill: Bill) -> Iterable[tuple[int, Remark]]:
        """Faults of one shipment as (position of the segment, remark)."""
        m = self.manifest
        if bill.m13_at and m.kind != "Y":
            yield bill.m13_at, Remark("", "M13 ONLY IN AN AMENDMENT", m.kind)
        if not bill.m11_at:
            if m.kind in {"P", "W"}:
                yield bill.at, Remark("003", "NO B01/M11 RECORD FOUND", reference="CAMIR Appendix L")
            return
        head = bill.m11_at
        if not bill.number or len(bill.number) > 12 or not _SCN.fullmatch(bill.scn):
            yield head, Remark("017", "MISSING OR INVALID BILL", bill.scn, "CAMIR Appendix L")
        if bill.kind not in self.bill_types:
            yield head, Remark("", "INVALID BILL TYPE", bill.kind)
        if bill.quantity is None or bill.quantity <= 0 or bill.quantity != bill.quantity.to_integral_value():
            yield head, Remark("", "INVALID QUANTITY", str(bill.quantity or ""))
        if bill.weight is None or bill.weight <= 0:
            yield head, Remark("020", "INVALID WEIGHT", str(bill.weight or ""), "CAMIR Appendix L")
        if bill.weight_unit not in {"K", "L"}:
            yield head, Remark("021", "INVALID WEIGHT UNIT", bill.weight_unit, "CAMIR Appendix L")
        if self.behaviour.check_packaging_units and bill.unit not in self.units:
            yield head, Remark("", "INVALID MANIFEST UNIT", bill.unit)
        yield from self._parties(bill)
        yield from self._goods(bill)
        marks = marks_of(bill)
        if "REJ" in marks:
            yield head, Remark(marks.code if marks.code.isdigit() else "", "REJECTED BY MARKER", marks.code)

    def _parties(self, bill: Bill) -> Iterable[tuple[int, Remark]]:
        for role, code, text in (("SH", "004", "INVALID S01/N1 RECORD"), ("CN", "005", "INVALID U01/N1 OR N01/N1")):
            party = bill.party(self.profile.party_roles["shipper" if role == "SH" else "consignee"])
            if party is None:
                yield bill.m11_at, Remark(code, text, role, "CAMIR Appendix L")
            elif not _complete(party) or party.country not in self.countries:
                yield party.at[0], Remark(code, text, party.name[:30], "CAMIR Appendix L")

    def _goods(self, bill: Bill) -> Iterable[tuple[int, Remark]]:
        if not bill.commodities or not any(c.description for c in bill.commodities):
            yield bill.m11_at, Remark("007", "INVALID D01/N10", reference="CAMIR Appendix H")
        for position, kind in bill.equipment:
            if self.behaviour.check_equipment_types and kind not in self.equipment:
                yield position, Remark("", "INVALID EQUIPMENT TYPE", kind)
        for goods in bill.commodities:
            if goods.quantity is not None and goods.quantity <= 0:
                yield goods.at, Remark("", "INVALID QUANTITY", str(goods.quantity))
            if goods.weight_unit not in {"", "K", "L"}:
                yield goods.at, Remark("021", "INVALID WEIGHT UNIT", goods.weight_unit, "CAMIR Appendix H")
            if self.behaviour.check_commodity_units and goods.unit and goods.unit not in self.units:
                yield goods.at, Remark("", "INVALID MANIFEST UNIT", goods.unit)
        if bill.kind in self.profile.section321_bill_types:
            yield from self._section_321(bill)

    def _section_321(self, bill: Bill) -> Iterable[tuple[int, Remark]]:
        if self.suspended:
            yield (
                bill.m11_at,
                Remark(self.profile.suspended_bill_error, self.suspended.text, bill.kind, self.suspended.citation),
            )
            return
        if bill.in_bond:
            yield bill.m11_at, Remark("", "IN-BOND NOT ALLOWED ON SECTION 321")
        consignee = bill.party(self.profile.party_roles["consignee"])
        if (
            self.state_rule
            and consignee is not None
            and (consignee.country != "US" or consignee.state not in self.states)
        ):
            yield (
                consignee.at[-1],
                Remark(self.state_rule.code, self.state_rule.text, consignee.state, self.state_rule.citation),
            )
        for goods in bill.commodities:
            if goods.value is None or goods.value <= 0:
                yield goods.at, Remark("", "MISSING OR INVALID VALUE")
            if goods.origin not in self.countries:
                yield goods.at, Remark("470", "INV CTRY OF ORIG FOR SHP", goods.origin, "CSMS 64792502")
            elif self.origin_rule and goods.origin in self.origin_rule.origins:
                yield (
                    goods.at,
                    Remark(self.origin_rule.code, self.origin_rule.text, goods.origin, self.origin_rule.citation),
                )


def _complete(party: Party) -> bool:
    return bool(party.name and party.lines and party.city and party.country)
