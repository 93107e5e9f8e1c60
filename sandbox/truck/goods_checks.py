"""Would CBP take what a shipment consists of? Edits of equipment, seals, goods, hazards, in-bond and Section 321.

Codes as in :mod:`sandbox.truck.manifest_checks`. The rules of Section 321 follow the rule book's dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sandbox.rulebook import RuleBook
from sandbox.settings import Behaviour
from sandbox.truck import numbers
from sandbox.truck.citations import (
    ADVANCE_DATA,
    BUREAU_CODES,
    BUREAU_SHIPMENTS,
    BUREAU_TEXTS,
    IN_BOND_NOTICE,
    SUSPENSION_NOTICE,
    VIN_RULE,
    appendix,
    element,
)
from sandbox.truck.manifest_reader import Bill, Commodity
from sandbox.truck.remarks import Faults, Remark
from sandbox.truck.section321 import suspension
from sandbox.truck.syntax import code_list
from sandbox.truck.trip_checks import plate_is_good
from sandbox.truck.trip_reader import Equipment, whole
from schemas.profile import Profile

MASTER_IN_BOND: Final = "10"
VAGUE: Final = frozenset(
    one.strip()
    for one in """
    APPAREL|APPLIANCES|AUTO PARTS|CARGO|CHEMICALS|CLOTHES|CLOTHING|CONSOLIDATED GOODS|DRY GOODS|ELECTRONICS|EQUIPMENT|
    FAK|FOODSTUFFS|FREIGHT|FREIGHT ALL KINDS|GENERAL CARGO|GENERAL MERCHANDISE|GIFT|GIFTS|GOODS|HOUSEHOLD GOODS|ITEM|
    ITEMS|MACHINERY|MERCHANDISE|MISC|MISCELLANEOUS|PACKAGE|PARCEL|PARTS|PERSONAL EFFECTS|PRODUCT|PRODUCTS|
    SAID TO CONTAIN|SAMPLE|SAMPLES|STC|STUFF|TEST|THINGS|TOOLS|VARIOUS|VARIOUS GOODS
    """.split("|")
)
"""Whole descriptions that say nothing: a list of the sandbox's own, because CBP's is not one."""
_WHOLE_DOLLARS: Final = re.compile(r"[0-9]{2,8}")
_Found = Iterable[tuple[int, Remark]]


class GoodsChecks:
    """The edits at one instant."""

    def __init__(self, now: datetime, book: RuleBook, behaviour: Behaviour, profile: Profile) -> None:
        self.behaviour, self.profile = behaviour, profile
        self.countries, self.states = code_list("countries"), code_list("us-states")
        self.units, self.equipment_types = code_list("packaging-units"), code_list("equipment-types")
        self.suspended = suspension(book, behaviour, now)
        self.origin_rule = book.rule("section321-origin", now)
        self.state_rule = book.rule("section321-consignee-state", now)

    def bill(self, bill: Bill) -> _Found:
        """Faults of one shipment as (position of the segment, remark)."""
        for one in bill.equipment:
            yield from self.of_equipment(one)
        yield from self._goods(bill)
        yield from self._hazards(bill)
        yield from self._in_bond(bill)
        if bill.kind in self.profile.section321_bill_types:
            yield from self._section_321(bill)

    def warn(self, bill: Bill, faults: Faults) -> None:
        """Note what is odd and not refused."""
        if self.behaviour.vague_descriptions == "warn":
            for goods in bill.commodities:
                if goods.description in VAGUE:
                    faults.warn(f"{bill.scn} at {goods.at}", _vague(goods))

    # ------------------------------------------------------------------ equipment

    def of_equipment(self, one: Equipment) -> _Found:
        """Faults of one trailer or container."""
        if self.behaviour.check_equipment_types and one.kind not in self.equipment_types:
            yield one.at, Remark("", "INVALID EQUIPMENT TYPE", one.kind, reference=BUREAU_CODES)
        if not numbers.EQUIPMENT_NUMBER.fullmatch(one.number):
            yield one.at, Remark("", "INVALID EQUIPMENT NUMBER", one.number, reference=element("309", "VID02, VID03"))
        if one.load not in {"", "L", "E"}:
            reference = element("309", "VID10, loaded or empty (recalled)")
            yield one.at, Remark("", "INVALID LOAD STATUS", one.load, reference=reference)
        if (one.plate or one.state) and not plate_is_good(one.plate, one.state, one.country, self.countries):
            yield one.at, Remark("402", "INV LIC PLATE", one.plate, reference=appendix("402"))
        known = self.behaviour.equipment_ids
        if one.ace_id and known and one.ace_id not in known:
            yield one.at, Remark("", "INVALID TRAILER ACE ID", one.ace_id, reference=BUREAU_TEXTS)
        seen: set[str] = set()
        for position, seal in one.seals:
            if not numbers.SEAL.fullmatch(seal) or seal in seen:
                yield position, Remark("", "INVALID SEAL NUMBER", seal, reference=element("309", "VID04, VID05, M7"))
            seen.add(seal)

    # ------------------------------------------------------------------ goods

    def _goods(self, bill: Bill) -> _Found:
        if not bill.commodities:
            yield bill.m11_at, Remark("007", "INVALID D01/N10", reference=appendix("007"))
        for goods in bill.commodities:
            if not goods.continues:
                yield from self._commodity(goods, bill.kind in self.profile.section321_bill_types)
        for position, vin in bill.vehicles:
            if not numbers.is_vin(vin, check_digit=self.behaviour.check_vin):
                yield position, Remark("", "INVALID VIN", vin, reference=VIN_RULE)

    def _commodity(self, goods: Commodity, is_321: bool) -> _Found:
        if not goods.description:
            yield goods.at, Remark("007", "INVALID D01/N10", reference=appendix("007"))
        elif self.behaviour.vague_descriptions == "reject" and goods.description in VAGUE:
            yield goods.at, _vague(goods)
        if goods.quantity is None or goods.quantity <= 0:
            quantity = "" if goods.quantity is None else str(goods.quantity)
            yield goods.at, Remark("", "INVALID QUANTITY", quantity, reference=element("309", "N1001"))
        weight = whole(goods.weight)
        if goods.weight and (weight is None or weight <= 0):
            yield goods.at, Remark("020", "INVALID WEIGHT", goods.weight, reference=appendix("020"))
        if goods.weight_unit not in {"", "K", "L"}:
            yield goods.at, Remark("021", "INVALID WEIGHT UNIT", goods.weight_unit, reference=appendix("021"))
        if not goods.unit or (self.behaviour.check_commodity_units and goods.unit not in self.units):
            yield goods.at, Remark("", "INVALID MANIFEST UNIT", goods.unit, reference=BUREAU_CODES)
        if goods.value_text and not _WHOLE_DOLLARS.fullmatch(goods.value_text):
            reference = element("309", "N1006, whole dollars, 2 to 8 digits")
            yield goods.at, Remark("", "MISSING OR INVALID VALUE", goods.value_text, reference=reference)
        if goods.origin and goods.origin not in self.countries and not is_321:
            reference = element("309", "N1011, country of origin")
            yield goods.at, Remark("", "INVALID COUNTRY OF ORIGIN", goods.origin, reference=reference)

    def _hazards(self, bill: Bill) -> _Found:
        for position, number, contact in bill.hazards:
            if not numbers.HAZARD.fullmatch(number):
                reference = element("309", "H101, UN or NA number")
                yield position, Remark("", "INVALID HAZMAT CODE", number, reference=reference)
            if contact and len(contact) < 3:
                yield position, Remark("", "INVALID HAZMAT CONTACT", contact, reference=element("309", "H105"))

    # ------------------------------------------------------------------ in-bond

    def _in_bond(self, bill: Bill) -> _Found:
        one = bill.in_bond
        if one is None:
            if bill.kind == MASTER_IN_BOND:
                yield bill.m11_at, Remark("008", "MASTER IN-BOND NO I01/M12", reference=appendix("008"))
            return
        if not numbers.IN_BOND.fullmatch(one.number):
            yield one.at, Remark("032", "INVALID IN-BOND NUMBER", one.number, reference=appendix("032"))
        if not numbers.PORT.fullmatch(one.destination):
            yield one.at, Remark("380", "INVALID INB DEST PORT CODE", one.destination, reference=IN_BOND_NOTICE)
        if one.kind in {"62", "63"} and not numbers.FOREIGN_PORT.fullmatch(one.foreign):
            reference = element("309", "M1204, foreign destination (Schedule K) of 62 and 63")
            yield one.at, Remark("033", "INVALID PORT", one.foreign, reference=reference)
        if not _WHOLE_DOLLARS.fullmatch(one.value):
            reference = element("309", "M1205, value of an in-bond movement")
            yield one.at, Remark("", "MISSING OR INVALID VALUE", one.value, reference=reference)
        if not one.carrier and not one.carrier_id:
            yield one.at, Remark("", "BONDED CARRIER REQUIRED", reference=BUREAU_SHIPMENTS)
        elif one.carrier and not numbers.SCAC.fullmatch(one.carrier):
            yield one.at, Remark("009", "INVALID CARRIER CODE", one.carrier, reference=appendix("009"))

    # ------------------------------------------------------------------ Section 321

    def _section_321(self, bill: Bill) -> _Found:
        if self.suspended:
            code, rule = self.profile.suspended_bill_error, self.suspended
            yield bill.m11_at, Remark(code, rule.text, bill.kind, reference=rule.citation)
            return
        if bill.in_bond:
            reference = element("309", "M12 not on a Section 321 bill (deduced)")
            yield bill.in_bond.at, Remark("", "IN-BOND NOT ALLOWED ON SECTION 321", reference=reference)
        for party in bill.parties:
            if party.role == self.profile.party_roles["broker"]:
                yield party.at[0], Remark("", "NO BROKER ON SECTION 321", party.name[:30], reference=BUREAU_SHIPMENTS)
        consignee = bill.party(self.profile.party_roles["consignee"])
        states = self.state_rule
        if states and consignee is not None and (consignee.country != "US" or consignee.state not in self.states):
            yield consignee.at[-1], Remark(states.code, states.text, consignee.state, reference=states.citation)
        for goods in bill.commodities:
            if not goods.continues:
                yield from self._lot(goods)

    def _lot(self, goods: Commodity) -> _Found:
        if goods.value is None or goods.value <= 0:
            reference = element("309", "N1006, required on a Section 321 bill")
            yield goods.at, Remark("", "MISSING OR INVALID VALUE", goods.value_text, reference=reference)
        rule = self.origin_rule
        if goods.origin not in self.countries:
            yield goods.at, Remark("470", "INV CTRY OF ORIG FOR SHP", goods.origin, reference=SUSPENSION_NOTICE)
        elif rule and goods.origin in rule.origins:
            yield goods.at, Remark(rule.code, rule.text, goods.origin, reference=rule.citation)
        elif goods.origin in self.behaviour.origin_blocklist:
            yield goods.at, Remark("470", "INV CTRY OF ORIG FOR SHP", goods.origin, reference=SUSPENSION_NOTICE)


def _vague(goods: Commodity) -> Remark:
    return Remark("", "DESCRIPTION IS VAGUE", goods.description[:30], reference=f"{ADVANCE_DATA}, precise description")
