"""The pathway of small shipments on both sides of each minute at which the law changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, decide, decide_trip, eastern_day, find_lots
from mappings.decision_words import as_declared
from mappings.rule import EASTERN
from mappings.rulebook import RuleBook
from schemas.shipment import ImporterOfRecord, Shipment, read_shipment
from schemas.trip import read_trip
from tests import samples

RULES = RuleBook.load()
TRIP = read_trip(samples.trip())
US_IMPORTER = {"name": "Sample Shop Ltd", "number": "12-3456789", "number_type": "EIN"}
FOREIGN_IMPORTER = {"name": "Sample Shop Ltd", "number": "98-1234567", "number_type": "EIN"}
MARCH_2025 = datetime(2025, 3, 10, 16, 30, tzinfo=EASTERN)
JULY_2025 = datetime(2025, 7, 20, 12, 0, tzinfo=EASTERN)
NOVEMBER_2026 = datetime(2026, 11, 23, 16, 30, tzinfo=EASTERN)
DECEMBER_2026 = datetime(2026, 12, 1, 9, 0, tzinfo=EASTERN)
COSMETICS = {"agency": "FDA", "program": "COS"}
FOOD = {"agency": "FDA", "program": "FOO"}


def at(text: str) -> datetime:
    """An instant from its Eastern wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=EASTERN)


def line(**changes: Any) -> dict[str, Any]:
    """One good line with changes."""
    return {**samples.shipment()["lines"][0], **changes}


def parcel(
    value: str = "45.00", *, number: int = 1, importer: dict[str, str] | None = US_IMPORTER, **changes: Any
) -> Shipment:
    """A shipment of one line to one person; ``changes`` are the line's, or the shipment's own keys."""
    whole = {key: changes.pop(key) for key in tuple(changes) if key in samples.shipment()}
    record = samples.shipment(
        shipment_id=f"T-{number:04}",
        shipment_control_number=f"TSTC{number:012}",
        order_id=f"O-{number}",
        importer_of_record=importer,
        fair_retail_value=value,
        lines=[line(value=value, **changes)],
    )
    return read_shipment({**record, **whole})


def decision(shipment: Shipment, arrival: datetime, **context: Any) -> PathwayDecision:
    """The decision for one shipment alone."""
    return decide(shipment, TRIP, arrival, DayLedger(), RULES, **context)[0]


def refused(found: PathwayDecision, pathway: str) -> set[str]:
    """The ids of the rules that refuse a pathway."""
    return {one.rule for one in found.refused if one.pathway == pathway}


def needs(found: PathwayDecision) -> list[str]:
    """The codes of what is missing."""
    return [one.code for one in found.needs]


# -- the exemption and its end ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrival", "origin", "pathway"),
    [
        ("2025-05-02T00:00:59", "CN", "section321"),
        ("2025-05-02T00:01:00", "CN", "informal"),
        ("2025-05-02T00:01:00", "HK", "informal"),
        ("2025-05-02T00:01:00", "CA", "section321"),
        ("2025-08-29T00:00:59", "CA", "section321"),
        ("2025-08-29T00:00:59", "CN", "informal"),
        ("2025-08-29T00:01:00", "CA", "informal"),
        ("2026-06-23T23:59:00", "CA", "informal"),
        ("2027-07-01T00:00:00", "CA", "informal"),
    ],
)
def test_the_exemption_ends_at_its_minute(arrival: str, origin: str, pathway: str) -> None:
    """China and Hong Kong lose the exemption on 2 May 2025, all countries on 29 August 2025, both at 00:01."""
    assert decision(parcel(country_of_origin=origin), at(arrival)).pathway == pathway


def test_the_minute_is_eastern_whatever_the_offset_of_the_instant() -> None:
    """04:00:59 UTC on 29 August 2025 is still before the minute, 04:01 UTC is not."""
    before = datetime(2025, 8, 29, 4, 0, 59, tzinfo=UTC)

    assert decision(parcel(), before).pathway == "section321"
    assert decision(parcel(), before.replace(minute=1, second=0)).pathway == "informal"


def test_country_of_origin_decides_and_one_line_is_enough() -> None:
    """Goods made in China and stocked in Canada are refused, also mixed with other goods."""
    mixed = parcel(lines=[line(), line(line=2, country_of_origin="CN")], fair_retail_value="90.00")

    found = decision(mixed, JULY_2025)
    assert found.pathway == "informal"
    assert refused(found, "section321") == {"deny-china-hong-kong"}
    assert found.entry_type == "11"


def test_lifting_one_denial_never_reopens_the_exemption() -> None:
    """In November 2026 any one of the denials may go, and the other ones still refuse."""
    ids = refused(decision(parcel(), NOVEMBER_2026), "section321")
    assert len(ids) == 4

    for lifted in ids:
        found = decide(parcel(), TRIP, NOVEMBER_2026, DayLedger(), RULES.without_rules(lifted))[0]
        assert found.pathway == "informal"
        assert refused(found, "section321") == ids - {lifted}


def test_without_any_denial_the_ended_permission_is_named() -> None:
    """Even with every denial gone nothing allows the exemption after its end, and that row is the reason."""
    bare = RULES.without_rules(*refused(decision(parcel(), NOVEMBER_2026), "section321"))
    found = decide(parcel(), TRIP, NOVEMBER_2026, DayLedger(), bare)[0]

    assert refused(found, "section321") == {"allow-section321"}
    assert refused(found, "type86") == {"allow-type86"}
    assert "2025-08-29 00:01" in found.refused[0].text


def test_before_the_book_begins_a_broker_decides() -> None:
    """An arrival before the first row is refused everywhere by the rows that begin later."""
    found = decision(parcel(), at("2010-01-01T12:00:00"))

    assert found.pathway == "review"
    assert {one.pathway for one in found.refused} == {"section321", "type86", "informal", "formal"}


# -- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "pathway"),
    [("800.00", "section321"), ("800.01", "informal"), ("2500.00", "informal"), ("2500.01", "formal")],
)
def test_limits_of_value_are_inclusive(value: str, pathway: str) -> None:
    """800 dollars still have the exemption, 2,500 may still go informally."""
    assert decision(parcel(value), MARCH_2025).pathway == pathway


def test_the_exemption_looks_at_fair_retail_value_and_the_informal_limit_at_entered_value() -> None:
    """A cheap sale of dear goods loses the exemption; a dear sale of cheap goods is doubtful."""
    dear = parcel("100.00", fair_retail_value="900.00")
    cheap = parcel("2600.00", fair_retail_value="500.00")

    assert decision(dear, MARCH_2025).pathway == "informal"
    assert decision(cheap, MARCH_2025).pathway == "review"
    assert "deny-stated-value-below-price" in decision(cheap, MARCH_2025).rules
    assert decision(cheap, NOVEMBER_2026).pathway == "formal"


def test_a_fair_retail_value_below_the_price_counts_as_stated_within_the_limit() -> None:
    """The law's measure is the fair retail value: within 800 dollars of price it stands, and the decision says so."""
    found = decision(parcel("700.00", fair_retail_value="500.00"), MARCH_2025)

    assert (found.pathway, found.counted) == ("section321", Decimal(500))
    assert any(reason.startswith("The fair retail value stated is below the price") for reason in found.reasons)
    assert decision(parcel("800.00", fair_retail_value="500.00"), MARCH_2025).pathway == "section321"
    assert decision(parcel("800.01", fair_retail_value="500.00"), MARCH_2025).pathway == "review"


@pytest.mark.parametrize(
    ("case", "quota", "entry_type"),
    [("A533902000", False, "03"), (None, True, "02"), ("C533902000", True, "07")],
)
def test_ad_cvd_and_quota_goods_are_entered_formally(case: str | None, quota: bool, entry_type: str) -> None:
    """However small the value, on every day, with the entry type that fits."""
    for arrival in (MARCH_2025, NOVEMBER_2026):
        found = decision(parcel("20.00", ad_cvd_case=case, quota=quota), arrival)
        assert (found.pathway, found.entry_type) == ("formal", entry_type)


@pytest.mark.parametrize("hts", ["2203000030", "2402208000"])
def test_alcohol_and_tobacco_go_to_a_broker(hts: str) -> None:
    """Excise goods have neither the exemption nor an informal entry."""
    found = decision(parcel(hts=hts), MARCH_2025)

    assert (found.pathway, found.entry_type) == ("formal", "01")
    assert refused(found, "informal") == {"deny-informal-excise"}


# -- one person, one day, one order --------------------------------------------------------------


def test_the_shipment_that_would_pass_the_day_limit_moves_and_earlier_ones_keep_the_exemption() -> None:
    """In manifest order 300 + 400 stay, + 200 would pass 800 and moves, and a later 100 still fits."""
    values = ["300.00", "400.00", "200.00", "100.00"]
    trip = [parcel(value, number=number) for number, value in enumerate(values, start=1)]

    found = list(decide_trip(trip, TRIP, MARCH_2025, RULES))
    assert [one.pathway for one in found] == ["section321", "section321", "informal", "section321"]
    assert refused(found[2], "section321") == {"limit-person-day"}
    assert "900.00" in found[2].refused[0].text
    assert [one.counted for one in found] == [Decimal(300), Decimal(400), Decimal(0), Decimal(100)]


def test_one_person_is_counted_across_spellings_and_trips() -> None:
    """The ledger of an earlier trip that day counts, whichever way the name is written."""
    other = json.loads(json.dumps(samples.shipment()["consignee"]))
    other["name"] = "PAT TESTWELL"
    other["address"]["lines"] = ["12 Sample Avenue #4"]
    _, ledger = decide(parcel("700.00"), TRIP, MARCH_2025, DayLedger(), RULES)

    later = parcel("200.00", number=2, consignee=other)
    assert decide(later, TRIP, MARCH_2025, ledger, RULES)[0].pathway == "informal"
    assert decide(later, TRIP, at("2025-03-11T00:00:00"), ledger, RULES)[0].pathway == "section321"
    assert decide(later, TRIP, at("2025-03-10T23:59:59"), ledger, RULES)[0].pathway == "informal"


def test_judging_a_shipment_again_gives_the_same_answer() -> None:
    """A shipment that already stands in the ledger does not count against itself."""
    first, ledger = decide(parcel("700.00"), TRIP, MARCH_2025, DayLedger(), RULES)
    again, after = decide(parcel("700.00"), TRIP, MARCH_2025, ledger, RULES)

    assert again == first
    assert after == ledger


def test_lots_of_one_order_lose_the_exemption_together() -> None:
    """Two parcels of one order to one person are both refused, the first one too."""
    trip = [parcel(number=1, order_id="O-9"), parcel(number=2), parcel(number=3, order_id="O-9")]

    found = list(decide_trip(trip, TRIP, MARCH_2025, RULES))
    assert [one.pathway for one in found] == ["informal", "section321", "informal"]
    assert refused(found[0], "section321") == {"deny-order-in-lots"}


def test_an_order_to_two_people_is_not_one_of_lots() -> None:
    """The same order to another person is no lot."""
    other = {**samples.shipment()["consignee"], "name": "Sam Mockford"}
    trip = [parcel(number=1, order_id="O-9"), parcel(number=2, order_id="O-9", consignee=other)]

    assert [one.pathway for one in decide_trip(trip, TRIP, MARCH_2025, RULES)] == ["section321", "section321"]


def test_a_lot_known_from_an_earlier_trip_refuses_the_next() -> None:
    """The ledger remembers orders, so the second box is refused although the first had the exemption."""
    _, ledger = decide(parcel(order_id="O-9"), TRIP, MARCH_2025, DayLedger(), RULES)

    found = decide(parcel(number=2, order_id="O-9"), TRIP, MARCH_2025, ledger, RULES)[0]
    assert found.pathway == "informal"


def test_a_stream_with_given_lots_gives_the_same_decisions_and_the_ledger() -> None:
    """A generator of shipments is decided as a list is; the return value is the ledger."""
    trip = [parcel(number=1, order_id="O-9"), parcel(number=2), parcel(number=3, order_id="O-9")]
    lots = find_lots(iter(trip))

    stream = decide_trip(iter(trip), TRIP, MARCH_2025, RULES, lots=lots)
    found, ledger = [], None
    while ledger is None:
        try:
            found.append(next(stream))
        except StopIteration as stop:
            ledger = stop.value
    assert found == list(decide_trip(iter(trip), TRIP, MARCH_2025, RULES))
    assert ledger.total(found[1].person, eastern_day(MARCH_2025)) == Decimal("45.00")


def test_nobody_is_counted_once_the_exemption_is_gone() -> None:
    """After the suspension the ledger stays as it is."""
    found, ledger = decide(parcel(), TRIP, NOVEMBER_2026, DayLedger(), RULES)

    assert ledger == DayLedger()
    assert (found.person, found.day, found.counted) == ("", "", Decimal(0))


# -- importers ----------------------------------------------------------------------------------


def test_a_manifest_release_needs_no_importer_and_an_informal_entry_does() -> None:
    """Without an importer the exemption is open; where only an informal entry is left a broker asks for one."""
    assert decision(parcel(importer=None), MARCH_2025).pathway == "section321"
    found = decision(parcel(importer=None), NOVEMBER_2026)

    assert found.pathway == "review"
    assert [(one.code, one.path) for one in found.needs] == [("importer_missing", "importer_of_record")]
    assert refused(found, "informal") == {"require-informal-importer"}
    assert "formal" not in {one.pathway for one in found.refused}


def test_a_default_importer_stands_in_and_the_decision_says_so() -> None:
    """The configured importer opens the informal entry; it is recorded only where it was needed."""
    default = ImporterOfRecord(name="Fictional Broker LLC", number="55-5555555", number_type="EIN")

    found = decision(parcel(importer=None), NOVEMBER_2026, default_importer=default)
    assert (found.pathway, found.uses_default_importer) == ("informal", True)
    assert any("Fictional Broker LLC" in reason for reason in found.reasons)
    assert not decision(parcel(), NOVEMBER_2026, default_importer=default).uses_default_importer
    assert not decision(parcel(importer=None), MARCH_2025, default_importer=default).uses_default_importer


def test_a_formal_entry_is_handed_off_without_an_importer_but_asks_for_one() -> None:
    """Where the law demands a formal entry, the broker gets the package with what is still needed."""
    found = decision(parcel("3000.00", importer=None), NOVEMBER_2026)

    assert (found.pathway, found.entry_type) == ("formal", "01")
    assert [(one.code, one.severity) for one in found.needs] == [("importer_missing", "warning")]


@pytest.mark.parametrize(
    "importer",
    [FOREIGN_IMPORTER, {"name": "Sample Shop Ltd", "number": "250123-12345", "number_type": "CBP"}],
)
def test_a_foreign_importer_is_warned_before_and_reviewed_from_30_november_2026(importer: dict[str, str]) -> None:
    """The rule is unsure, so from its minute on it leads to review, not to a refusal."""
    before = decision(parcel(importer=importer), at("2026-11-29T23:59:00"))
    after = decision(parcel(importer=importer), at("2026-11-30T00:00:00"))

    assert before.pathway == "informal"
    assert [one.code for one in before.warnings] == ["foreign_importer_soon_barred"]
    assert after.pathway == "review"
    assert "unsure_rule" in [one.code for one in after.warnings]
    assert "deny-informal-foreign-importer" in after.rules
    assert decision(parcel(), at("2026-11-30T00:00:00")).pathway == "informal"


def test_an_unsure_rule_that_changes_nothing_only_warns() -> None:
    """Above 2,500 dollars the entry is formal with or without the unsure rule about foreign importers."""
    found = decision(parcel("3000.00", importer=FOREIGN_IMPORTER), DECEMBER_2026)

    assert found.pathway == "formal"
    assert "unsure_rule" in [one.code for one in found.warnings]


def test_perfume_is_reviewed_while_the_exemption_is_open_and_entered_afterwards() -> None:
    """An unsure exclusion from the exemption matters only as long as there is one."""
    assert decision(parcel(hts="3303003000"), MARCH_2025).pathway == "review"
    assert decision(parcel(hts="3303003000"), NOVEMBER_2026).pathway == "informal"


# -- agencies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("arrival", "pathway"), [("2025-07-08T23:59:00", "type86"), ("2025-07-09T00:00:00", "review")])
def test_the_waiver_for_cosmetics_ends_on_9_july_2025(arrival: str, pathway: str) -> None:
    """Before, type 86 carries disclaimer B; from then on the FDA message set is missing."""
    found = decision(parcel(pga=[COSMETICS]), at(arrival))

    assert found.pathway == pathway
    if pathway == "type86":
        assert found.entry_type == "86"
        assert [(one.line, one.agency, one.program, one.code) for one in found.disclaimers] == [(1, "FDA", "COS", "B")]
        assert "waiver-fda-cosmetics" in found.rules
    else:
        assert set(needs(found)) == {"agency_message_set_missing"}
        assert found.disclaimers == ()


def test_cosmetics_without_an_importer_ride_on_the_manifest_while_waived() -> None:
    """Type 86 with agency data needs an importer; the waiver opens the manifest without one."""
    found = decision(parcel(pga=[COSMETICS], importer=None), MARCH_2025)

    assert found.pathway == "section321"
    assert found.disclaimers == ()
    assert refused(found, "type86") == {"require-type86-importer"}


def test_cosmetics_with_their_message_set_are_entered_after_the_waiver() -> None:
    """With data in the claim the informal entry is complete."""
    claim = {**COSMETICS, "message_set": [{"record": "PG02", "item_type": "P"}]}

    assert decision(parcel(pga=[claim]), NOVEMBER_2026).pathway == "informal"


def test_food_waits_for_prior_notice() -> None:
    """Food without prior notice is reviewed; with its confirmation number it may ride on the manifest."""
    waiting = decision(parcel(pga=[FOOD]), MARCH_2025)
    noticed = decision(parcel(pga=[{**FOOD, "prior_notice_confirmation": "123456789012"}]), MARCH_2025)

    assert waiting.pathway == "review"
    assert needs(waiting) == ["prior_notice_missing"]
    assert noticed.pathway == "section321"
    assert "waiver-fda-food-on-manifest" in noticed.rules
    late = decision(parcel(pga=[{**FOOD, "prior_notice_confirmation": "123456789012"}]), JULY_2025)
    assert (late.pathway, set(needs(late))) == ("review", {"agency_message_set_missing"})


def test_a_disclaimer_is_complete_in_itself_but_not_for_the_bare_manifest() -> None:
    """A disclaimed claim goes by type 86 while that exists and informally afterwards."""
    claim = {"agency": "EPA", "program": "TS1", "disclaimer": "A"}

    found = decision(parcel(pga=[claim]), MARCH_2025)
    assert found.pathway == "type86"
    assert refused(found, "section321") == {"deny-manifest-agency-claim"}
    assert decision(parcel(pga=[claim]), NOVEMBER_2026).pathway == "informal"


def test_a_claim_of_an_agency_without_data_needs_its_message_set() -> None:
    """No waiver is known for other agencies."""
    found = decision(parcel(pga=[{"agency": "EPA", "program": "TS1"}]), MARCH_2025)

    assert (found.pathway, needs(found)) == ("review", ["agency_message_set_missing"])


def test_the_waiver_of_one_claim_does_not_cover_another() -> None:
    """Cosmetics and food in one parcel still wait for the food's prior notice."""
    both = parcel(lines=[line(pga=[COSMETICS]), line(line=2, pga=[FOOD])], fair_retail_value="90.00")

    found = decision(both, MARCH_2025)
    assert found.pathway == "review"
    assert [one.path for one in found.needs] == ["lines[1].pga[0]"]


@pytest.mark.parametrize(
    ("arrival", "origin", "pathway"),
    [
        ("2025-05-02T00:00:00", "CN", "section321"),
        ("2025-05-02T00:01:00", "CN", "review"),
        ("2025-05-02T00:01:00", "CA", "section321"),
        ("2025-08-29T00:00:00", "CA", "section321"),
        ("2025-08-29T00:01:00", "CA", "review"),
        ("2026-11-23T12:00:00", "CA", "review"),
    ],
)
def test_books_are_reviewed_where_the_exemption_is_suspended_for_other_goods(
    arrival: str, origin: str, pathway: str
) -> None:
    """50 USC 1702(b) may leave informational material outside the suspension; a broker decides."""
    assert decision(parcel(hts="4901990093", country_of_origin=origin), at(arrival)).pathway == pathway


def test_books_among_other_goods_or_above_the_limit_are_ordinary() -> None:
    """Only a parcel of nothing but informational material within 800 dollars is doubtful."""
    mixed = parcel(lines=[line(hts="4901990093"), line(line=2)], fair_retail_value="90.00")

    assert decision(mixed, NOVEMBER_2026).pathway == "informal"
    assert decision(parcel("900.00", hts="4901990093"), NOVEMBER_2026).pathway == "informal"
    assert decision(parcel(hts="4901990093", pathway="informal"), NOVEMBER_2026).pathway == "informal"


# -- what the shipment asks for, and how a decision explains itself -----------------------------------


@pytest.mark.parametrize("asked", ["type86", "informal", "formal", "review"])
def test_a_lawful_request_is_honoured(asked: str) -> None:
    """The shipment may take another open pathway than the least burdensome one."""
    found = decision(parcel(pathway=asked), MARCH_2025)

    assert (found.pathway, found.requested) == (asked, asked)
    assert all(one.code != "request_refused" for one in found.warnings)


def test_an_unlawful_request_is_refused_with_the_rule_and_the_best_lawful_way_is_taken() -> None:
    """Section 321 asked for in November 2026 becomes an informal entry, and the decision says why."""
    found = decision(parcel(pathway="section321"), NOVEMBER_2026)

    assert (found.pathway, found.requested) == ("informal", "section321")
    warning = next(one for one in found.warnings if one.code == "request_refused")
    assert "deny-all-countries-eo14324" in warning.text


def test_a_pathway_that_a_shipment_is_declared_by_was_not_asked_for() -> None:
    """Judged with the pathway it is declared by, the words say so, open or refused; what is asked for stays."""
    refused = decision(parcel(pathway="section321"), NOVEMBER_2026)
    said = as_declared(refused, None)
    told = (*said.reasons, *(one.text for one in said.warnings))
    assert said.requested is None
    assert any(one.startswith("It is declared as Section 321 release, which is refused by deny-") for one in told)
    assert not any("asks for" in one for one in told)
    still_open = as_declared(decision(parcel(pathway="informal"), MARCH_2025), None)
    assert still_open.reasons[0] == "Its pathway stays as declared: informal entry, which is open to it."
    assert as_declared(refused, "section321") == refused


def test_a_request_for_a_formal_entry_is_honoured_although_data_is_missing_for_a_simpler_one() -> None:
    """Asking is what it takes: by itself a formal entry is never made for want of data alone."""
    assert decision(parcel(importer=None), NOVEMBER_2026).pathway == "review"
    assert decision(parcel(importer=None, pathway="formal"), NOVEMBER_2026).pathway == "formal"


def test_a_decision_explains_itself() -> None:
    """Rules, citations, reasons, version and instant are all there, and every rule named exists."""
    found = decision(parcel(country_of_origin="CN"), JULY_2025)

    assert found.rules[0] == "allow-informal"
    assert "deny-china-hong-kong" in found.rules
    assert any("CSMS 64825584" in citation for citation in found.citations)
    assert any(reason.startswith("No Section 321 release and no entry type 86: ") for reason in found.reasons)
    assert {one.rule for one in found.refused} | set(found.rules) <= {row.id for row in RULES.rows}
    assert found.rule_book_version == RULES.version
    assert found.arrival == JULY_2025
    assert any("Judged at an arrival of 2025-07-20 12:00" in reason for reason in found.reasons)


def test_march_2025_carries_its_particulars_as_information() -> None:
    """Duties on Canadian and Chinese goods were in force, the exemption was kept: the decision says so."""
    for origin, order in (("CA", "EO 14226"), ("CN", "EO 14200"), ("MX", "EO 14227")):
        found = decision(parcel(country_of_origin=origin), MARCH_2025)
        assert found.pathway == "section321"
        assert any(order in reason for reason in found.reasons)


def test_food_and_toys_without_a_claim_are_warned_about() -> None:
    """The HTS number says which agency may want to hear of the goods; that never decides."""
    found = decision(parcel(hts="9503000073"), NOVEMBER_2026)

    assert found.pathway == "informal"
    assert [one.code for one in found.warnings] == ["agency_claim_expected"]
    assert decision(parcel(hts="9503000073"), MARCH_2025).warnings == ()


def test_a_decision_can_be_kept_as_json_and_read_back() -> None:
    """What is archived is what was decided."""
    for arrival in (MARCH_2025, NOVEMBER_2026, DECEMBER_2026):
        for shipment in (parcel(pga=[COSMETICS]), parcel(importer=None), parcel(importer=FOREIGN_IMPORTER)):
            found = decision(shipment, arrival)
            assert PathwayDecision.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_a_decision_needs_no_trip_but_an_instant() -> None:
    """Explaining shipments without a trip works; a naive arrival does not name a minute and is refused."""
    assert decide(parcel(), None, MARCH_2025, DayLedger(), RULES)[0].pathway == "section321"
    with pytest.raises(ValueError, match="offset"):
        decide(parcel(), None, MARCH_2025.replace(tzinfo=None), DayLedger(), RULES)
