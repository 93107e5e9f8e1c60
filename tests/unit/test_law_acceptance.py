"""What the law says of small parcels, case by case, on both sides of the minute at which it changes.

The cases follow the list of what must be shown; each names the pathway before and from its minute on, in Eastern time,
and the rule that makes the difference. No policy sheet with worked cases was at hand: the dates are those of the rule
book's citations, and the expected answers are reasoned here, apart from the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, decide, decide_trip
from mappings.rule import EASTERN
from mappings.rulebook import RuleBook
from schemas.shipment import Shipment, read_shipment
from tests import samples

BOOK = RuleBook.load()
US_EIN = {"name": "Sample Shop Ltd", "number": "12-3456789", "number_type": "EIN"}
FOREIGN_EIN = {"name": "Sample Shop Ltd", "number": "98-1234567", "number_type": "EIN"}
COSMETICS = {"agency": "FDA", "program": "COS"}
CLAIMED = {"agency": "FDA", "program": "COS", "message_set": [{"record": "PG02", "item_type": "P"}]}
HONEY = {"agency": "FDA", "program": "FOO", "prior_notice_confirmation": "123456789012"}
SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    """An instant from its Eastern wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=EASTERN)


def parcel(number: int = 1, **changes: Any) -> Shipment:
    """A parcel of one line worth 45 dollars; keys of a line change the line, others the shipment."""
    record = samples.shipment()
    line = record["lines"][0]
    for key in tuple(changes):
        if key in line:
            line[key] = changes.pop(key)
    given = {"shipment_id": f"T-{number:04}", "order_id": f"O-{number}", "shipment_control_number": None}
    value = line["value"]
    return read_shipment({**record, **given, "fair_retail_value": value, **changes})


def judged(shipment: Shipment, instant: datetime, book: RuleBook = BOOK) -> PathwayDecision:
    """The decision about one parcel alone."""
    return decide(shipment, None, instant, DayLedger(), book)[0]


def closing(found: PathwayDecision, pathway: str) -> set[str]:
    """The rules that close a pathway."""
    return {one.rule for one in found.refused if one.pathway == pathway}


@dataclass(frozen=True)
class Edge:
    """One change of the law and one parcel that it concerns."""

    name: str
    minute: str
    before: str
    after: str
    rule: str
    goods: dict[str, Any] = field(default_factory=dict)


EDGES = (
    Edge("China's section 321", "2025-05-02T00:01", "section321", "informal", "deny-china-hong-kong",
         {"country_of_origin": "CN"}),
    Edge("Hong Kong's section 321", "2025-05-02T00:01", "section321", "informal", "deny-china-hong-kong",
         {"country_of_origin": "HK"}),
    Edge("China's type 86", "2025-05-02T00:01", "type86", "informal", "deny-china-hong-kong",
         {"country_of_origin": "CN", "pathway": "type86"}),
    Edge("Canada untouched by the order about China", "2025-05-02T00:01", "section321", "section321", "",
         {"country_of_origin": "CA"}),
    Edge("all origins' section 321", "2025-08-29T00:01", "section321", "informal", "deny-all-countries-eo14324"),
    Edge("all origins' type 86", "2025-08-29T00:01", "type86", "informal", "deny-all-countries-eo14324",
         {"pathway": "type86"}),
    Edge("US goods returned have no exemption either", "2025-08-29T00:01", "section321", "informal",
         "deny-all-countries-eo14324", {"country_of_origin": "US"}),
    Edge("FDA's waiver for cosmetics", "2025-07-09T00:00", "type86", "review", "require-fda-message-set",
         {"pga": [COSMETICS]}),
    Edge("cosmetics with their data are not touched by it", "2025-07-09T00:00", "type86", "type86", "",
         {"pga": [CLAIMED]}),
    Edge("FDA's waiver for food on the manifest", "2025-07-09T00:00", "section321", "review",
         "require-fda-message-set", {"pga": [HONEY], "hts": "0409000005"}),
    Edge("the foreign importer of record", "2026-11-30T00:00", "informal", "review",
         "deny-informal-foreign-importer", {"importer_of_record": FOREIGN_EIN}),
    Edge("the importer of record at home", "2026-11-30T00:00", "informal", "informal", "",
         {"importer_of_record": US_EIN}),
    Edge("the new order after the court's ruling", "2026-02-24T00:01", "informal", "informal",
         "deny-all-countries-eo14388"),
    Edge("the interim final rule", "2026-06-24T00:00", "informal", "informal", "deny-interim-rule-exemption"),
    Edge("the statutory repeal", "2027-07-01T00:00", "informal", "informal", "deny-statutory-repeal"),
    Edge("books of China", "2025-05-02T00:01", "section321", "review", "review-informational-china",
         {"hts": "4901990093", "country_of_origin": "CN"}),
    Edge("books of Canada", "2025-08-29T00:01", "section321", "review", "review-informational",
         {"hts": "4901990093"}),
    Edge("books after the repeal", "2027-07-01T00:00", "review", "informal", "deny-statutory-repeal",
         {"hts": "4901990093"}),
    Edge("a gift of Canada", "2025-08-29T00:01", "section321", "review", "review-gift",
         {"description": "Unsolicited gift, scarf"}),
    Edge("a gift of China", "2025-05-02T00:01", "section321", "review", "review-gift-china",
         {"description": "Birthday gift", "country_of_origin": "CN"}),
    Edge("AD/CVD goods have type 03 on every day", "2025-08-29T00:01", "formal", "formal",
         "deny-informal-ad-cvd", {"ad_cvd_case": "A533902000"}),
    Edge("quota goods have type 02 on every day", "2025-08-29T00:01", "formal", "formal", "deny-informal-quota",
         {"quota": True}),
    Edge("beer never had the exemption", "2025-08-29T00:01", "formal", "formal", "deny-informal-excise",
         {"hts": "2203000030"}),
    Edge("above 2,500 dollars", "2025-08-29T00:01", "formal", "formal", "limit-informal-value",
         {"value": "2500.01"}),
)  # fmt: skip


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
def test_both_sides_of_the_minute(edge: Edge) -> None:
    """One second before the minute the old law holds, at the minute the new one, and the rule is named."""
    minute, goods = at(edge.minute), parcel(**edge.goods)
    old, new = judged(goods, minute - SECOND), judged(goods, minute)

    assert (old.pathway, new.pathway) == (edge.before, edge.after)
    named = {*new.rules, *(one.rule for one in new.refused)}
    assert not edge.rule or edge.rule in named
    if edge.before != edge.after:
        assert edge.rule not in old.rules


@pytest.mark.parametrize(
    ("case", "quota", "entry_type"),
    [(None, False, "01"), ("A533902000", False, "03"), (None, True, "02"), ("C533902000", True, "07")],
)
def test_a_formal_entry_has_the_type_that_the_goods_ask_for(case: str | None, quota: bool, entry_type: str) -> None:
    """Antidumping 03, quota 02, both 07, neither 01, before and after the exemption's end."""
    goods = parcel(ad_cvd_case=case, quota=quota, pathway="formal")

    for instant in (at("2025-08-29T00:00"), at("2025-08-29T00:01"), at("2026-11-23T12:00")):
        assert (judged(goods, instant).pathway, judged(goods, instant).entry_type) == ("formal", entry_type)


@pytest.mark.parametrize(
    ("minute", "count"),
    [
        ("2025-05-02T00:01", 0), ("2025-08-29T00:01", 1), ("2026-02-24T00:01", 2), ("2026-06-24T00:00", 4),
        ("2027-07-01T00:00", 5),
    ],
)  # fmt: skip
def test_overlapping_denials_each_close_alone(minute: str, count: int) -> None:
    """From its minute on each denial is named beside the older ones; lifting all but one leaves the path closed."""
    goods, instant = parcel(), at(minute)
    ids = closing(judged(goods, instant), "section321")

    assert len(ids) == count
    assert len(closing(judged(goods, instant - SECOND), "section321")) < max(count, 1)
    for kept in ids:
        book = BOOK.without_rules(*(ids - {kept}))
        assert closing(judged(goods, instant, book), "section321") == {kept}
        assert judged(goods, instant, book).pathway == "informal"


def test_three_independent_grounds_are_told_in_one_sentence() -> None:
    """The order, the regulation and the origin each close Section 321 in November 2026, numbered for a reader."""
    found = judged(parcel(country_of_origin="CN"), at("2026-11-23T12:00"))

    (sentence,) = [reason for reason in found.reasons if reason.startswith("No Section 321 release")]
    assert [f"({number}) " in sentence for number in (1, 5, 6)] == [True, True, False]
    assert "made in China or Hong Kong" in sentence
    assert "suspended for goods of every country" in sentence
    assert "stands in the regulations themselves" in sentence


@pytest.mark.parametrize(("minute", "named"), [("2024-07-24T23:59:59", False), ("2024-07-25T00:00", True)])
def test_type_86_states_the_arrival_from_25_july_2024(minute: str, named: bool) -> None:
    """From its day on the estimated arrival (EDA) is one of the rules of a type 86 entry."""
    found = judged(parcel(pathway="type86"), at(minute))

    assert found.pathway == "type86"
    assert ("require-type86-arrival-date" in found.rules) is named


@pytest.mark.parametrize(("value", "pathway"), [("800.00", "section321"), ("800.01", "informal")])
def test_the_limit_of_the_exemption_is_800_inclusive(value: str, pathway: str) -> None:
    """800 dollars may go, a cent more may not, on the last minute of the exemption."""
    assert judged(parcel(value=value), at("2025-08-29T00:00")).pathway == pathway


@pytest.mark.parametrize(("value", "pathway"), [("2500.00", "informal"), ("2500.01", "formal")])
def test_the_limit_of_an_informal_entry_is_2500_inclusive(value: str, pathway: str) -> None:
    """2,500 dollars of entered value may go informally, a cent more may not."""
    assert judged(parcel(value=value), at("2025-08-29T00:01")).pathway == pathway


def test_the_day_of_a_person_ends_at_midnight_in_new_york() -> None:
    """500 dollars at 23:59:59 and 500 at 00:00:00 are two days; the same hour in UTC would be one."""
    early, late = at("2025-07-20T23:59:59"), at("2025-07-21T00:00")
    _, ledger = decide(parcel(value="500.00"), None, early, DayLedger(), BOOK)
    second = parcel(2, value="500.00")

    assert early.astimezone(UTC).date() == late.astimezone(UTC).date()
    assert decide(second, None, early, ledger, BOOK)[0].pathway == "informal"
    assert decide(second, None, late, ledger, BOOK)[0].pathway == "section321"


def test_the_overflow_of_a_day_is_type_11_in_the_order_of_the_manifest() -> None:
    """Of four parcels to one person those within 800 dollars keep the exemption; the one above moves, no other."""
    trip = [parcel(number, value=value) for number, value in enumerate(("500.00", "400.00", "300.00", "1.00"), 1)]
    found = list(decide_trip(trip, None, at("2025-07-20T12:00"), BOOK))

    assert [one.pathway for one in found] == ["section321", "informal", "section321", "informal"]
    assert [one.entry_type for one in found] == ["", "11", "", "11"]
    assert closing(found[1], "section321") == {"limit-person-day"}


def test_one_order_in_lots_loses_the_exemption_with_every_lot() -> None:
    """Two parcels of one order are refused together, however small; after the exemption's end nothing changes."""
    lots = [parcel(1, order_id="O-9"), parcel(2, order_id="O-9")]
    before = list(decide_trip(lots, None, at("2025-08-29T00:00:59"), BOOK))
    after = list(decide_trip(lots, None, at("2025-08-29T00:01"), BOOK))

    assert {one.pathway for one in before} == {one.pathway for one in after} == {"informal"}
    assert all("deny-order-in-lots" in one.rules for one in before)


def test_several_shipments_to_one_person_on_one_truck_are_one_importation() -> None:
    """Together above 2,500 dollars they go to a broker, who knows whether the port enters them apart; below they go."""
    instant = at("2026-11-23T12:00")
    dear = list(decide_trip([parcel(1, value="1300.00"), parcel(2, value="1200.01")], None, instant, BOOK))
    cheap = list(decide_trip([parcel(1, value="1300.00"), parcel(2, value="1200.00")], None, instant, BOOK))

    assert [one.pathway for one in dear] == ["review", "review"]
    assert all("deny-informal-consolidated" in one.rules for one in dear)
    assert [one.pathway for one in cheap] == ["informal", "informal"]


def test_origin_decides_and_not_the_place_of_shipment() -> None:
    """Goods of China from a shop in Toronto, and one line of them among others, fall under the order about China."""
    line = samples.shipment()["lines"][0]
    mixed = parcel(lines=[line, {**line, "line": 2, "country_of_origin": "CN"}], fair_retail_value="90.00")

    assert mixed.shipper.address.country == "CA"
    assert judged(mixed, at("2025-05-02T00:00:59")).pathway == "section321"
    assert judged(mixed, at("2025-05-02T00:01")).pathway == "informal"


@pytest.mark.parametrize(
    ("hts", "code"),
    [("9503000073", "agency_claim_expected"), ("3004909290", "agency_claim_expected"),
     ("6912004400", "agency_claim_possible"), ("6109100012", None)],
)  # fmt: skip
def test_the_hts_number_says_which_agency_may_or_must_hear(hts: str, code: str | None) -> None:
    """A number of toys or medicines must, one of tableware may have an agency's claim; shirts none."""
    found = judged(parcel(hts=hts), at("2026-11-23T12:00"))

    assert found.pathway == "informal"
    assert [one.code for one in found.warnings] == ([] if code is None else [code])


def test_the_prompt_about_toys_begins_at_its_day() -> None:
    """Certificates of toys are filed from 8 July 2026."""
    toys = parcel(hts="9503000073")

    assert judged(toys, at("2026-07-07T23:59:59")).warnings == ()
    assert len(judged(toys, at("2026-07-08T00:00")).warnings) == 1


def test_a_disclaimer_of_food_other_than_a_is_doubted() -> None:
    """Where the number says must, a disclaimer that data is not required is mostly refused; A is taken."""
    doubted = parcel(hts="0409000005", pga=[{"agency": "FDA", "disclaimer": "B"}])
    taken = parcel(hts="0409000005", pga=[{"agency": "FDA", "disclaimer": "A"}])

    assert [one.code for one in judged(doubted, at("2026-11-23T12:00")).warnings] == ["disclaimer_doubtful"]
    assert judged(taken, at("2026-11-23T12:00")).warnings == ()


def test_the_minute_is_new_yorks_in_winter_and_in_summer() -> None:
    """00:01 is 04:01 UTC in August and 05:01 UTC in February; a port's or server's own clock does not matter."""
    goods = parcel()
    summer, winter = datetime(2025, 8, 29, 4, 1, tzinfo=UTC), datetime(2026, 2, 24, 5, 1, tzinfo=UTC)

    assert judged(goods, summer - SECOND).pathway == "section321"
    assert judged(goods, summer).pathway == "informal"
    assert "deny-all-countries-eo14388" not in judged(goods, winter - SECOND).rules
    assert "deny-all-countries-eo14388" in judged(goods, winter).rules


def test_a_day_on_which_clocks_change_is_one_day() -> None:
    """On 9 March and on 2 November 2025 the Eastern day has 23 and 25 hours, and its amounts still count together."""
    for day, hours in (("2025-03-09", 23), ("2024-11-03", 25)):
        first = at(f"{day}T00:00").astimezone(UTC)
        last = first + timedelta(hours=hours) - SECOND
        _, ledger = decide(parcel(value="500.00"), None, first, DayLedger(), BOOK)

        assert decide(parcel(2, value="500.00"), None, last, ledger, BOOK)[0].pathway == "informal"
        assert decide(parcel(2, value="500.00"), None, last + SECOND, ledger, BOOK)[0].pathway == "section321"


def test_tobacco_to_be_heated_and_arms_go_to_a_broker() -> None:
    """Whether they are taxed in small amounts was not confirmed, so nobody but a broker releases them."""
    for hts in ("2404110000", "9306300000"):
        assert judged(parcel(hts=hts), at("2025-03-10T12:00")).pathway == "review"
        assert judged(parcel(hts=hts), at("2026-11-23T12:00")).pathway == "review"
