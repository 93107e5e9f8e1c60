"""Which lawful way does a shipment take on its arrival day, and why?

A decision is a pure function of the shipment, the instant of arrival, what the ledger of persons and
days holds, and one version of the rule book. It never raises for a valid shipment and an aware
instant: where the rules give no answer, or one that hangs on a rule nobody has confirmed, the pathway
is ``review`` and the decision says what is missing or doubtful.

Amounts accumulate per person and Eastern day in the order the shipments are decided, which must be
the order of the manifest: the one that would pass the limit loses the exemption, earlier ones keep it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from mappings.day_ledger import DayLedger
from mappings.decision_record import Disclaimer, PathwayDecision, Refusal
from mappings.decision_weighing import REVIEW, Finding, Weighing, name_of, weigh
from mappings.person import person_key
from mappings.rule import EASTERN, Rule
from mappings.rule_conditions import Facts
from mappings.rule_law import EXEMPTION, LawInForce
from mappings.rulebook import RuleBook
from schemas.errors import Problem
from schemas.shipment import PATHWAYS, ImporterOfRecord, Shipment
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
]

Lot = tuple[str, str]
"""(order id, person key) of an order that travels in several parcels."""

_NOTHING: Final = Decimal(0)
_NO_LOTS: Final[frozenset[Lot]] = frozenset()


@lru_cache(maxsize=1024)
def eastern_day(arrival: datetime) -> date:
    """The day of an instant in America/New_York: the day on which amounts are counted."""
    return arrival.astimezone(EASTERN).date()


def find_lots(shipments: Iterable[Shipment]) -> frozenset[Lot]:
    """The orders of which several of these shipments go to the same person."""
    several = Counter(shipment.order_id for shipment in shipments) if isinstance(shipments, Sequence) else None
    seen: Counter[Lot] = Counter(
        (shipment.order_id, person_key(shipment.consignee))
        for shipment in shipments
        if several is None or several[shipment.order_id] > 1
    )
    return frozenset(lot for lot, count in seen.items() if count > 1)


def decide(
    shipment: Shipment,
    trip: Trip | None,
    arrival: datetime,
    ledger: DayLedger,
    rules: RuleBook,
    *,
    lots: Collection[Lot] = _NO_LOTS,
    default_importer: ImporterOfRecord | None = None,
) -> tuple[PathwayDecision, DayLedger]:
    """The decision for one shipment arriving at ``arrival``, and the ledger after it.

    ``lots`` names the orders known to travel in several parcels (:func:`find_lots`); lots that the
    ledger knows of are found besides. ``default_importer`` stands in where the shipment names no
    importer of record. Raises :class:`ValueError` only for an arrival without an offset from UTC.
    """
    law = rules.at(arrival)
    importer = shipment.importer_of_record
    facts = Facts(shipment, default_importer if importer is None else importer)
    person, day = "", eastern_day(arrival)
    if law.counts_people:
        person = person_key(shipment.consignee)
        earlier = ledger.total(person, day, without=shipment.shipment_id)
        facts.day_total = earlier + facts.fair_value if earlier else facts.fair_value
        facts.in_lots = (bool(lots) and (shipment.order_id, person) in lots) or ledger.has_other_lot(
            person, shipment.order_id, shipment.shipment_id
        )
    weighing = weigh(facts, law)
    doubt = _doubt(weighing, facts, law)
    if doubt:
        weighing.pathway, weighing.preferred_by = REVIEW, None
    counted = facts.fair_value if weighing.pathway in EXEMPTION else _NOTHING
    if law.counts_people:
        ledger = ledger.with_added(person, day, shipment.shipment_id, shipment.order_id, counted)
    decision = _written(weighing, facts, law, trip, arrival, rules, doubt, person, day, counted)
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
) -> Generator[PathwayDecision, None, DayLedger]:
    """The decisions for a trip, in the order of ``shipments``, which must be the manifest's.

    The ledger is carried along; the generator's return value is the ledger after the last shipment
    (``after = yield from decide_trip(...)``). Lots are found in a first pass over the shipments, which
    are kept for it if they are not a sequence; a caller that streams gives ``lots`` itself.
    """
    if lots is None:
        shipments = shipments if isinstance(shipments, Sequence) else tuple(shipments)
        lots = find_lots(shipments)
    carried = DayLedger() if ledger is None else ledger
    for shipment in shipments:
        decision, carried = decide(
            shipment, trip, arrival, carried, rules, lots=lots, default_importer=default_importer
        )
        yield decision
    return carried


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


def _written(
    weighing: Weighing,
    facts: Facts,
    law: LawInForce,
    trip: Trip | None,
    arrival: datetime,
    rules: RuleBook,
    doubt: str,
    person: str,
    day: date,
    counted: Decimal,
) -> PathwayDecision:
    """The decision with everything that explains it."""
    shipment = facts.shipment
    found = weighing.finding
    better = weighing.before()
    if weighing.refused_request:
        asked = weighing.findings[_place(shipment)]
        better = better if asked is None or asked in better else [asked, *better]
    made_by: dict[str, None] = dict.fromkeys(weighing.unsure) if doubt else {}
    reasons: list[str] = [doubt] if doubt else []
    warnings = [_unconfirmed(rule) for rule in weighing.unsure.values()]
    if weighing.refused_request:
        reasons.append(_request_refused(weighing, shipment))
        warnings.append(Problem("request_refused", "pathway", reasons[-1], "Leave pathway out.", "", "warning"))
    elif shipment.pathway is not None and not doubt:
        reasons.append(f"The shipment asks for {name_of(shipment.pathway)}, which is open to it.")
    if found is not None and found.allow is not None:
        made_by[found.allow.rule.id] = None
        reasons.append(found.allow.rule.text)
    _add_preference(weighing, made_by, reasons)
    _add_closed(better, weighing.incomplete if weighing.pathway == REVIEW else None, made_by, reasons)
    needs: tuple[Problem, ...] = ()
    disclaimers: tuple[Disclaimer, ...] = ()
    uses_default = False
    if found is not None:
        made_by.update(dict.fromkeys(row.rule.id for row in (*found.limits, *found.met)))
        needs = tuple(found.asked)
        if facts.claims and found.view.waivers:
            disclaimers = _waived(found, facts, weighing.flags, made_by, reasons)
        if counted and facts.day_total != facts.fair_value:
            reasons.append(f"With this shipment the person's total on {day} is {facts.day_total} dollars.")
        if found.view.infos or found.view.warns:
            remarks = law.remarks(facts)
            reasons += [
                f"{row.rule.text} ({row.rule.citation})" for row in found.view.infos if row.applies(facts, remarks)
            ]
            warnings += [row.warning for row in found.view.warns if row.applies(facts, remarks)]
        uses_default = shipment.importer_of_record is None and any(
            row.rule.needs == "importer_of_record" for row in found.met
        )
        if uses_default and facts.importer is not None:
            reasons.append(f"The default importer {facts.importer.name} stands in: the shipment names none.")
    elif weighing.incomplete is not None and shipment.pathway != REVIEW and not doubt:
        needs = tuple(dict.fromkeys(problem for _, problem in weighing.incomplete.lacking))
    if trip is not None and trip.estimated_arrival != arrival:
        reasons.append(f"Judged at an arrival of {arrival.astimezone(EASTERN):%Y-%m-%d %H:%M} Eastern time.")
    made = tuple(made_by)
    return PathwayDecision(
        shipment_id=shipment.shipment_id,
        pathway=weighing.pathway,
        entry_type=weighing.entry_type,
        rules=made,
        citations=law.citations_of(made),
        reasons=tuple(reasons),
        refused=weighing.refused,
        needs=needs,
        warnings=tuple(warnings),
        rule_book_version=rules.version,
        arrival=arrival.astimezone(UTC),
        requested=shipment.pathway,
        uses_default_importer=uses_default,
        disclaimers=disclaimers,
        person=person,
        day=day.isoformat() if person else "",
        counted=counted,
    )


def _place(shipment: Shipment) -> int:
    return PATHWAYS.index(shipment.pathway or REVIEW)


def _add_preference(weighing: Weighing, made_by: dict[str, None], reasons: list[str]) -> None:
    row = weighing.preferred_by
    if weighing.pathway == REVIEW and weighing.incomplete is not None:
        open_but = name_of(weighing.incomplete.view.pathway)
        missing = " ".join(dict.fromkeys(row.rule.text for row, _ in weighing.incomplete.lacking))
        reasons.append(f"The law leaves {open_but} open, but data is missing: {missing}")
        made_by.update(dict.fromkeys(row.rule.id for row, _ in weighing.incomplete.lacking))
    if row is not None and (not row.always or weighing.pathway == REVIEW):
        made_by[row.rule.id] = None  # the ordinary order of preference goes without saying
        reasons.append(row.rule.text)


def _add_closed(better: Iterable[Finding], told: Finding | None, made_by: dict[str, None], reasons: list[str]) -> None:
    """Why the pathways that rank before the one taken were not: one sentence for each rule."""
    closed: dict[tuple[str, str], list[str]] = {}
    for found in better:
        for refusal in found.closed_by:
            closed.setdefault((refusal.rule, refusal.text), []).append(name_of(found.view.pathway))
        if not found.closed_by and found is not told:
            for row, _ in found.lacking:
                closed.setdefault((row.rule.id, row.rule.text), []).append(name_of(found.view.pathway))
    for (rule, text), names in closed.items():
        made_by[rule] = None
        reasons.append(f"No {' and no '.join(dict.fromkeys(names))}: {text}")


def _request_refused(weighing: Weighing, shipment: Shipment) -> str:
    found = weighing.findings[_place(shipment)]
    why = [] if found is None else [one.rule for one in found.closed_by] or [row.rule.id for row, _ in found.lacking]
    rules = ", ".join(dict.fromkeys(why))
    return f"The shipment asks for {name_of(shipment.pathway or REVIEW)}, which is refused by {rules}."


def _unconfirmed(rule: Rule) -> Problem:
    text = f"The rule {rule.id} applies and is not confirmed: {rule.text}"
    return Problem("unsure_rule", "", text, "Have a licensed broker confirm it.", rule.citation, "warning")


def _waived(
    found: Finding, facts: Facts, flags: list[bool], made_by: dict[str, None], reasons: list[str]
) -> tuple[Disclaimer, ...]:
    """The waivers that lifted something on the pathway taken, and the disclaimers they justify for an entry."""
    lifted = [row for row in (*found.view.denials, *found.view.requires) if row.waivers and row.claim_test is not None]
    disclaimers: list[Disclaimer] = []
    for waiver in found.view.waivers:
        for claim in facts.claims:
            held = any(waiver in row.waivers and row.claim_test and row.claim_test(claim) for row in lifted)
            if not held or not waiver.covers(claim, flags):
                continue
            if waiver.rule.id not in made_by:
                made_by[waiver.rule.id] = None
                reasons.append(waiver.rule.text)
            if waiver.rule.disclaimer and found.allow is not None and found.allow.rule.entry_type:
                stated = claim.claim
                disclaimers.append(
                    Disclaimer(
                        claim.line,
                        claim.path,
                        stated.agency,
                        stated.program or "",
                        waiver.rule.disclaimer,
                        waiver.rule.id,
                    )
                )
    return tuple(disclaimers)
