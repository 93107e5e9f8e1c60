"""A shipment made to match the conditions of one row of the rule book, and the effect that the row must have on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, decide
from mappings.person import person_key
from mappings.rule import ENTRY_TYPES, Rule
from mappings.rulebook import RuleBook
from schemas.shipment import PATHWAYS, Shipment, read_shipment
from tests import samples

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
CENT = Decimal("0.01")
US_IMPORTER = {"name": "Sample Shop Ltd", "number": "12-3456789", "number_type": "EIN"}
HOLDS_FOR_ANY = (("ad_cvd", False), ("quota", False), ("importer_missing", False), ("pga_disclaimed", False))
"""Conditions that an ordinary parcel meets."""


@dataclass
class Parcel:
    """What a parcel is made of; the makers below change it until it meets every condition of a row."""

    entered: Decimal = Decimal("45.00")
    fair: Decimal | None = None
    line: dict[str, Any] = field(default_factory=dict)
    claim: dict[str, Any] | None = None
    importer: dict[str, str] | None = field(default_factory=lambda: dict(US_IMPORTER))
    in_lots: bool = False
    consolidated: Decimal = Decimal(0)
    short_hts: bool = False

    def meet(self, name: str, value: Any) -> None:
        """Make one condition hold."""
        if name == "origin_any_of":
            self.line["country_of_origin"] = value[0]
        elif name in ("hts_prefixes", "every_hts_prefixes"):
            self.line["hts"] = value[0].ljust(10, "0")
        elif name == "ad_cvd":
            self.line["ad_cvd_case"] = "A533902000" if value else None
        elif name == "quota":
            self.line["quota"] = value
        elif name == "fair_value_above":
            self.fair = Decimal(value) + CENT
        elif name == "fair_value_at_most":
            self.entered = self.fair = Decimal(value)
        elif name == "entered_value_above":
            self.entered = Decimal(value) + CENT
        elif name == "fair_value_below_entered":
            self.fair = Decimal("1.00")
        elif name == "consolidated_value_above":
            self.consolidated = Decimal(value) + CENT
        elif name == "described_as":
            self.line["description"] = value["whole"][0]
        elif name == "same_order_lots":
            self.in_lots = value
        elif name == "importer_missing":
            self.importer = None if value else dict(US_IMPORTER)
        elif name == "foreign_importer":
            self.importer = {**US_IMPORTER, "number": f"{value['ein_prefixes'][0]}-1234567"}
        elif name == "unclaimed":
            self.line["hts"] = value["hts_prefixes"][0].ljust(10, "0")
        elif name == "disclaimed":
            self.line["hts"] = value["hts_prefixes"][0].ljust(10, "0")
            letter = next(one for one in "ABCDEFG" if one not in value["other_than"])
            self.claim = {"agency": value["agency"], "disclaimer": letter}
        else:
            self._meet_claim(name, value)

    def _meet_claim(self, name: str, value: Any) -> None:
        self.claim = self.claim or {"agency": "EPA"}
        if name == "pga_agency_any_of":
            self.claim["agency"] = value[0]
        elif name == "pga_agency_none_of":
            self.claim["agency"] = next(one for one in ("EPA", "APH") if one not in value)
        elif name == "pga_program_any_of":
            self.claim["program"] = value[0]
        elif name == "pga_disclaimed":
            self.claim.pop("disclaimer", None)
            if value:
                self.claim["disclaimer"] = "A"
        elif name != "pga_any":
            raise AssertionError(f"nobody has said how a parcel meets {name}")

    def shipment(self, pathway: str | None) -> Shipment:
        """The parcel as a shipment that asks for ``pathway``."""
        line = {**samples.shipment()["lines"][0], "value": str(self.entered), **self.line}
        line["pga"] = [self.claim] if self.claim else []
        made = read_shipment(
            samples.shipment(
                lines=[line],
                fair_retail_value=None if self.fair is None else str(self.fair),
                importer_of_record=self.importer,
                pathway=pathway,
            )
        )
        if self.short_hts:
            short = made.lines[0].model_copy(update={"hts": made.lines[0].hts[:8]})
            made = made.model_copy(update={"lines": [short]})
        return made

    def decide(self, book: RuleBook, instant: datetime, pathway: str | None = None) -> PathwayDecision:
        """The decision about it."""
        shipment = self.shipment(pathway)
        person = person_key(shipment.consignee)
        lots = {(shipment.order_id, person)} if self.in_lots else ()
        totals = {person: self.consolidated} if self.consolidated else {}
        return decide(shipment, None, instant, DayLedger(), book, lots=lots, totals=totals)[0]


def parcel_for(rule: Rule) -> Parcel:
    """A parcel that meets every condition of the row, and passes its limit or lacks its data."""
    parcel = Parcel()
    for name, value in rule.when:
        parcel.meet(name, value)
    if rule.kind == "threshold":
        above = rule.limit + CENT
        if rule.measure == "entered_value":
            parcel.entered = above
        else:
            parcel.fair = above
    if rule.kind == "require":
        if rule.needs == "importer_of_record":
            parcel.importer = None
        parcel.short_hts = rule.needs == "hts_ten_digits"
    return parcel


def alone(rule: Rule, others: Iterable[Rule] = ()) -> RuleBook:
    """A book in which nothing but this row, and what it needs to show an effect, is said."""
    rows = [rule]
    if rule.kind != "allow":
        rows += [_allows(pathway) for pathway in PATHWAYS if pathway != "review"]
    if rule.kind == "prefer":
        rows += [_ranked(pathway, rule.rank + 1) for pathway in PATHWAYS if pathway not in rule.pathways]
    rows += [replace(one, valid_from=LONG_AGO, valid_to=None) for one in others if one.id in rule.waives]
    return RuleBook(rows)


def _allows(pathway: str) -> Rule:
    entry_type = ENTRY_TYPES.get(pathway, ("",))[0]
    return Rule(
        id=f"test-allows-{pathway}",
        kind="allow",
        pathways=(pathway,),
        valid_from=LONG_AGO,
        citation="None.",
        status="verified",
        text="It is allowed.",
        entry_type=entry_type,
    )


def _ranked(pathway: str, rank: int) -> Rule:
    return Rule(
        id=f"test-ranks-{pathway}",
        kind="prefer",
        pathways=(pathway,),
        valid_from=LONG_AGO,
        citation="None.",
        status="verified",
        text="It is preferred.",
        rank=rank,
    )


def has_effect(rule: Rule, pathway: str, parcel: Parcel, book: RuleBook, instant: datetime) -> bool:
    """Whether the row does at ``instant`` what a row of its kind does."""
    if rule.kind == "prefer":
        return parcel.decide(book, instant).pathway == pathway
    found = parcel.decide(book, instant, pathway)
    named = {one.rule for one in found.refused if one.pathway == pathway}
    if rule.kind == "allow":
        return found.pathway == pathway and found.entry_type == rule.entry_type and rule.id in found.rules
    if rule.kind == "waiver":
        return not named & set(rule.waives)
    if rule.kind == "warn":
        severities = dict(found.severities)
        return severities.get(rule.id) == "warning" and rule.code in {one.code for one in found.warnings}
    if rule.kind == "info":
        return any(reason.startswith(rule.text) for reason in found.reasons)
    if rule.kind == "require" and rule.needs == "estimated_arrival":
        return rule.id in found.rules  # a decision is always made at an instant: the need is met, and named
    if rule.kind == "require" and rule.missing == "asks":
        return (rule.code, "warning") in {(one.code, one.severity) for one in found.needs}
    return rule.id in named and found.pathway != pathway
