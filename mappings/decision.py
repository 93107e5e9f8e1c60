"""Which lawful way does a shipment take on its arrival day, and why?

A decision is a pure function of the shipment, the instant of arrival, what the ledger of persons and
days holds, and one version of the rule book. It never raises for a valid shipment and an aware
instant: where the rules give no answer, or one that hangs on a rule nobody has confirmed, the pathway
is ``review`` and the decision says what is missing or doubtful. So it is where the filer wants advice to stop a
shipment (:mod:`mappings.advice`); advice never opens or closes anything else.

Amounts accumulate per person and Eastern day in the order the shipments are decided, which must be
the order of the manifest: the one that would pass the limit loses the exemption, earlier ones keep it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from mappings.advice import Finding as Advised
from mappings.day_ledger import DayLedger
from mappings.decision_record import Disclaimer, PathwayDecision, Refusal
from mappings.decision_weighing import REVIEW, Weighing, name_of, weigh
from mappings.decision_words import words_for
from mappings.person import person_key
from mappings.rule import EASTERN
from mappings.rule_facts import Facts
from mappings.rule_law import EXEMPTION, LawInForce, Row
from mappings.rulebook import RuleBook
from schemas.shipment import ImporterOfRecord, Shipment
from schemas.trip import Trip

__all__ = [
    "Disclaimer",
    "Lot",
    "PathwayDecision",
    "Refusal",
    "decide",
    "decide_trip",
    "eastern_day",
    "find_lots",
    "survey",
]

Lot = tuple[str, str]
"""(order id, person key) of an order that travels in several parcels."""

_NOTHING: Final = Decimal(0)
_NO_LOTS: Final[frozenset[Lot]] = frozenset()
_NO_TOTALS: Final[Mapping[str, Decimal]] = {}


@lru_cache(maxsize=1024)
def eastern_day(arrival: datetime) -> date:
    """The day of an instant in America/New_York: the day on which amounts are counted."""
    return arrival.astimezone(EASTERN).date()


_iso: Final = lru_cache(maxsize=1024)(date.isoformat)


@lru_cache(maxsize=1024)
def _in_utc(arrival: datetime) -> datetime:
    return arrival.astimezone(UTC)


def find_lots(shipments: Iterable[Shipment]) -> frozenset[Lot]:
    """The orders of which several of these shipments go to the same person."""
    several = Counter(shipment.order_id for shipment in shipments) if isinstance(shipments, Sequence) else None
    seen: Counter[Lot] = Counter(
        (shipment.order_id, person_key(shipment.consignee))
        for shipment in shipments
        if several is None or several[shipment.order_id] > 1
    )
    return frozenset(lot for lot, count in seen.items() if count > 1)


def survey(shipments: Iterable[Shipment]) -> tuple[frozenset[Lot], dict[str, Decimal]]:
    """In one pass what :func:`decide` has to know of the other shipments of the trip.

    The orders that travel in lots, and the entered value of all that goes to one person in several shipments.
    """
    orders: set[Lot] = set()
    lots: set[Lot] = set()
    first: dict[str, Decimal] = {}
    totals: dict[str, Decimal] = {}
    for shipment in shipments:
        person = person_key(shipment.consignee)
        lot = (shipment.order_id, person)
        (lots if lot in orders else orders).add(lot)
        lines = shipment.lines
        value = lines[0].value if len(lines) == 1 else shipment.entered_value
        if person in first:
            totals[person] = totals.get(person, first[person]) + value
        else:
            first[person] = value
    return frozenset(lots), totals


def decide(
    shipment: Shipment,
    trip: Trip | None,
    arrival: datetime,
    ledger: DayLedger,
    rules: RuleBook,
    *,
    lots: Collection[Lot] = _NO_LOTS,
    totals: Mapping[str, Decimal] = _NO_TOTALS,
    default_importer: ImporterOfRecord | None = None,
) -> tuple[PathwayDecision, DayLedger]:
    """The decision for one shipment arriving at ``arrival``, and the ledger after it.

    ``lots`` names the orders known to travel in several parcels, ``totals`` what goes on this trip to one person in
    several shipments (both from :func:`survey`); lots that the ledger knows of are found besides.
    ``default_importer`` stands in where the shipment names no importer of record. Raises :class:`ValueError` only for
    an arrival without an offset from UTC.
    """
    law = rules.at(arrival)
    importer = shipment.importer_of_record
    facts = Facts(shipment, default_importer if importer is None else importer)
    person, day = "", eastern_day(arrival)
    if totals or law.counts_people:
        person = person_key(shipment.consignee)
        facts.consolidated_value = totals.get(person, _NOTHING)
    if not law.counts_people:
        person = ""
    else:
        earlier = ledger.total(person, day, without=shipment.shipment_id)
        facts.day_total = earlier + facts.fair_value if earlier else facts.fair_value
        facts.in_lots = (bool(lots) and (shipment.order_id, person) in lots) or ledger.has_other_lot(
            person, shipment.order_id, shipment.shipment_id
        )
    weighing = weigh(facts, law)
    doubt = _doubt(weighing, facts, law)
    if doubt:
        weighing.pathway, weighing.preferred_by = REVIEW, None
    advised, infos = _advised(weighing, facts, law, rules)
    stops = [one for one in advised if one[1].severity == "error"] if rules.advice.may_stop else []
    if stops and weighing.pathway != REVIEW:
        names = ", ".join(dict.fromkeys(one for one, _ in stops))
        doubt = f"It could go by {name_of(weighing.pathway)}, but the filer wants a broker to look first: {names}."
        weighing.pathway, weighing.preferred_by, weighing.stopped_by_advice = REVIEW, None, True
    counted = facts.fair_value if weighing.pathway in EXEMPTION else _NOTHING
    if law.counts_people:
        ledger = ledger.with_added(person, day, shipment.shipment_id, shipment.order_id, counted)
    words = words_for(weighing, facts, law, infos, doubt)
    reasons = words.reasons
    if counted and facts.day_total != facts.fair_value:
        reasons = (*reasons, f"With this shipment the person's total on {day} is {facts.day_total} dollars.")
    if trip is not None and trip.estimated_arrival != arrival:
        at = f"{arrival.astimezone(EASTERN):%Y-%m-%d %H:%M}"
        reasons = (*reasons, f"Judged at an arrival of {at} Eastern time.")
    made, citations, needs, warnings = words.rules, words.citations, words.needs, words.warnings
    if advised:
        warnings = (*warnings, *(problem for _, problem in advised if problem.severity != "error"))
    if stops:
        made = tuple(dict.fromkeys((*made, *(one for one, _ in stops))))
        citations = tuple(dict.fromkeys((*citations, *(problem.reference for _, problem in stops))))
        needs = (*needs, *(problem for _, problem in stops))
    decision = PathwayDecision(
        shipment_id=shipment.shipment_id,
        pathway=weighing.pathway,
        entry_type=weighing.entry_type,
        rules=made,
        citations=citations,
        reasons=reasons,
        refused=weighing.refused,
        needs=needs,
        warnings=warnings,
        rule_book_version=rules.version,
        arrival=_in_utc(arrival),
        requested=shipment.pathway,
        uses_default_importer=words.uses_default,
        disclaimers=words.disclaimers,
        person=person,
        day=_iso(day) if person else "",
        counted=counted,
        severities=rules.advice.recorded(advised),
    )
    return decision, ledger


def decide_trip(
    shipments: Iterable[Shipment],
    trip: Trip | None,
    arrival: datetime,
    rules: RuleBook,
    ledger: DayLedger | None = None,
    default_importer: ImporterOfRecord | None = None,
    *,
    lots: Collection[Lot] | None = None,
    totals: Mapping[str, Decimal] | None = None,
) -> Generator[PathwayDecision, None, DayLedger]:
    """The decisions for a trip, in the order of ``shipments``, which must be the manifest's.

    The ledger is carried along; the generator's return value is the ledger after the last shipment
    (``after = yield from decide_trip(...)``). Lots and what is consolidated are found in a first pass over the
    shipments, which are kept for it if they are not a sequence; a caller that streams gives both itself
    (:func:`survey`).
    """
    if lots is None or totals is None:
        shipments = shipments if isinstance(shipments, Sequence) else tuple(shipments)
        found_lots, found_totals = survey(shipments)
        lots = found_lots if lots is None else lots
        totals = found_totals if totals is None else totals
    carried = (DayLedger() if ledger is None else ledger).working()
    for shipment in shipments:
        decision, _ = decide(
            shipment, trip, arrival, carried, rules, lots=lots, totals=totals, default_importer=default_importer
        )
        yield decision
    return carried.closed()


def _advised(
    weighing: Weighing, facts: Facts, law: LawInForce, rules: RuleBook
) -> tuple[list[Advised], tuple[Row, ...]]:
    """What the checks find and what the rows that warn on the pathway taken say; and the rows that inform."""
    advised = rules.advice.about(facts)
    found = weighing.finding
    if found is None or not (found.view.infos or found.view.warns):
        return advised, ()
    warns, infos = found.view.remarked(facts, law.remarks(facts))
    for row in warns:
        if (one := rules.advice.of_rule(row.rule.id, row.warning)) is not None:
            advised.append(one)
    return advised, infos


def _doubt(weighing: Weighing, facts: Facts, law: LawInForce) -> str:
    """The sentence that says which unconfirmed rules alone decide, or ``""`` where none does."""
    if not weighing.unsure or weighing.pathway == REVIEW:
        return ""
    sure = weigh(facts, law.confirmed)
    if (sure.pathway, sure.entry_type) == (weighing.pathway, weighing.entry_type):
        return ""
    return (
        f"Not confirmed: {', '.join(weighing.unsure)}. With it the answer is {name_of(weighing.pathway)}, "
        f"without it {name_of(sure.pathway)}; a licensed broker must decide."
    )
