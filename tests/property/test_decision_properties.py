"""What holds of every decision: total, deterministic, explained, and closed by more law, never opened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, decide, decide_trip, find_lots, survey
from mappings.person import normal_address, normal_name
from mappings.preflight_data import SEVERITIES
from mappings.rule import MEASURES, Rule
from mappings.rule_law import EXEMPTION, NOTHING_ALLOWS
from mappings.rule_overlay import STRICTER, Overlay
from mappings.rulebook import RuleBook
from schemas.shipment import PATHWAYS, Shipment, read_shipment
from schemas.trip import read_trip
from tests import samples

RULES = RuleBook.load()
ADVISORY = [*RULES.advice.preflight.checks, *(row.id for row in RULES.rows if row.kind == "warn")]
IDS = {row.id for row in RULES.rows} | {NOTHING_ALLOWS}
TRIP = read_trip(samples.trip())
IMPORTERS = (
    None,
    {"name": "Sample Shop Ltd", "number": "12-3456789", "number_type": "EIN"},
    {"name": "Sample Shop Ltd", "number": "98-7654321", "number_type": "EIN"},
)
DESCRIPTIONS = ("Cotton T-shirts, knitted", "Gift", "Assorted parts")
HTS = ("6109100012", "4901990093", "2203000030", "3303003000", "3304995000", "0409000005", "9503000073")
CLAIMS = (
    {"agency": "FDA", "program": "COS"},
    {"agency": "FDA", "program": "FOO"},
    {"agency": "FDA", "program": "FOO", "prior_notice_confirmation": "1"},
    {"agency": "FDA"},
    {"agency": "EPA", "program": "TS1", "message_set": [{"record": "PG02", "item_type": "P"}]},
    {"agency": "EPA", "program": "TS1", "disclaimer": "A"},
)
EDGES = [cut + timedelta(seconds=shift) for cut in RULES.changes for shift in (-1, 0, 60)]
INSTANTS = st.sampled_from(EDGES) | st.integers(0, 14 * 366 * 24 * 60).map(
    lambda minutes: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
VALUES = st.sampled_from(["0.01", "100.00", "400.00", "799.99", "800.00", "800.01", "2500.00", "2500.01", "9000.00"])

LINES = st.fixed_dictionaries(
    {
        "hts": st.sampled_from(HTS),
        "description": st.sampled_from(DESCRIPTIONS),
        "country_of_origin": st.sampled_from(["CA", "CN", "HK", "US", "MX"]),
        "value": VALUES,
        "ad_cvd_case": st.sampled_from([None, None, None, "A533902000"]),
        "quota": st.sampled_from([False, False, False, True]),
        "pga": st.lists(st.sampled_from(CLAIMS), max_size=2),
    }
)


def _shipment(number: int, lines: list[dict[str, Any]], changes: dict[str, Any]) -> Shipment:
    template = samples.shipment()["lines"][0]
    record = samples.shipment(
        shipment_id=f"T-{number}",
        shipment_control_number=None,
        lines=[{**template, **line, "line": place} for place, line in enumerate(lines, start=1)],
        **changes,
    )
    return read_shipment(record)


@st.composite
def shipments(draw: st.DrawFn, number: int = 1) -> Shipment:
    """Any shipment the rules can tell apart from another."""
    changes = {
        "order_id": draw(st.sampled_from(["O-1", "O-2", "O-3"])),
        "importer_of_record": draw(st.sampled_from(IMPORTERS)),
        "fair_retail_value": draw(st.none() | VALUES),
        "pathway": draw(st.none() | st.sampled_from(PATHWAYS)),
    }
    return _shipment(number, draw(st.lists(LINES, min_size=1, max_size=3)), changes)


@st.composite
def trips(draw: st.DrawFn) -> list[Shipment]:
    """A few shipments to one person."""
    return [draw(shipments(number=number)) for number in range(1, draw(st.integers(1, 5)) + 1)]


CONDITIONS = st.sampled_from(
    [
        (),
        (("origin_any_of", ("CA",)),),
        (("hts_prefixes", ("61",)),),
        (("ad_cvd", False),),
        (("fair_value_above", "100"),),
        (("pga_any", True),),
        (("importer_missing", True),),
    ]
)


@st.composite
def denials(draw: st.DrawFn) -> Rule:
    """Any further denial, sure or unsure."""
    some = st.lists(st.sampled_from(["section321", "type86", "informal", "formal"]), min_size=1, unique=True)
    return Rule(
        id="deny-more",
        kind="deny",
        pathways=tuple(draw(some)),
        valid_from=draw(st.sampled_from(RULES.changes)),
        citation="None.",
        status=draw(st.sampled_from(["verified", "unsure"])),
        text="More is denied.",
        when=draw(CONDITIONS),
    )


def _closed(found: PathwayDecision) -> set[str]:
    return {one.pathway for one in found.refused}


@given(shipment=shipments(), instant=INSTANTS)
@settings(max_examples=150, deadline=None)
def test_every_shipment_has_a_decision_that_is_explained(shipment: Shipment, instant: datetime) -> None:
    """A decision is total and deterministic; what is refused names a rule, what is taken is not refused."""
    found, ledger = decide(shipment, TRIP, instant, DayLedger(), RULES)

    assert (found, ledger) == decide(shipment, TRIP, instant, DayLedger(), RULES)
    assert found.pathway in PATHWAYS
    assert found.pathway not in _closed(found)
    assert found.reasons
    assert all(one.rule in IDS and one.text for one in found.refused)
    assert set(found.rules) <= IDS
    assert found.pathway == "review" or (found.rules and found.citations)
    assert bool(found.entry_type) == (found.pathway in ("type86", "informal", "formal"))
    assert not any(one.severity == "error" for one in found.needs) or found.pathway == "review"
    assert PathwayDecision.from_dict(found.as_dict()) == found


@given(shipment=shipments(), instant=INSTANTS, denial=denials())
@settings(max_examples=150, deadline=None)
def test_a_further_denial_never_opens_a_path(shipment: Shipment, instant: datetime, denial: Rule) -> None:
    """With one more denial every pathway that was closed stays closed, and none of them is taken."""
    before, _ = decide(shipment, TRIP, instant, DayLedger(), RULES)
    after, _ = decide(shipment, TRIP, instant, DayLedger(), RULES.with_rules(denial))

    assert _closed(before) <= _closed(after)
    assert after.pathway not in _closed(before)


@st.composite
def overlays(draw: st.DrawFn) -> Overlay:
    """Any rows and severities that a filer may add."""
    rules = []
    for number in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(STRICTER))
        pathways = draw(st.lists(st.sampled_from(PATHWAYS[:4]), min_size=1, unique=True))
        more: dict[str, Any] = {}
        if kind == "threshold":
            more = {
                "measure": draw(st.sampled_from(MEASURES)),
                "limit": draw(st.sampled_from([Decimal(0), Decimal(50), Decimal("799.99")])),
            }
        if kind == "require":
            more = {
                "needs": draw(st.sampled_from(["importer_of_record", "hts_ten_digits", "estimated_arrival"])),
                "missing": draw(st.sampled_from(["blocks", "asks"])),
                "code": "own_need",
                "remedy": "Give it.",
            }
        rules.append(
            Rule(
                id=f"own-{number}",
                kind=kind,
                pathways=tuple(pathways),
                valid_from=draw(st.sampled_from(RULES.changes)),
                citation="Handbook of this filer.",
                status=draw(st.sampled_from(["verified", "recalled", "unsure"])),
                text="We are stricter.",
                when=draw(CONDITIONS),
                **{"code": "own_warning", **more} if kind == "warn" else more,
            )
        )
    severity = draw(st.dictionaries(st.sampled_from(ADVISORY), st.sampled_from(SEVERITIES), max_size=4))
    return Overlay(tuple(rules), severity)


@given(shipment=shipments(), instant=INSTANTS, overlay=overlays())
@settings(max_examples=200, deadline=None)
def test_no_overlay_opens_a_path(shipment: Shipment, instant: datetime, overlay: Overlay) -> None:
    """Whatever a filer adds or sets, what was closed stays closed, nothing closed is taken, and no more is counted."""
    before, _ = decide(shipment, TRIP, instant, DayLedger(), RULES)
    after, _ = decide(shipment, TRIP, instant, DayLedger(), RULES.with_overlay(overlay))

    assert _closed(before) <= _closed(after)
    assert after.pathway not in _closed(before)
    assert after.counted <= before.counted
    assert overlay.severity.items() <= dict(after.severities).items()
    assert {one for one, severity in after.severities if severity == "off"} <= set(overlay.severity)


@given(shipment=shipments(), instant=INSTANTS, severity=st.dictionaries(st.sampled_from(ADVISORY), st.just("error")))
@settings(max_examples=100, deadline=None)
def test_advice_changes_nothing_but_to_send_to_review(
    shipment: Shipment, instant: datetime, severity: dict[str, str]
) -> None:
    """With checks set to error the answer is what it was, or review with the check named among the rules."""
    before, _ = decide(shipment, TRIP, instant, DayLedger(), RULES)
    after, _ = decide(shipment, TRIP, instant, DayLedger(), RULES.with_overlay(Overlay((), severity)))

    assert after.refused == before.refused
    stopped = {one for one in after.rules if one in severity}
    assert (after.pathway == before.pathway) or (after.pathway == "review" and stopped)
    assert all(one.severity == "error" for one in after.needs if one not in before.needs)


@given(shipment=shipments(), instant=INSTANTS)
@settings(max_examples=150, deadline=None)
def test_every_refused_pathway_names_a_rule_that_refuses_it(shipment: Shipment, instant: datetime) -> None:
    """A pathway that is not taken although the shipment asked for it is refused by a named rule of its own pathway."""
    found, _ = decide(shipment, TRIP, instant, DayLedger(), RULES)

    pathways_of = {row.id: set(row.pathways) for row in RULES.rows}
    for one in found.refused:
        assert one.rule == NOTHING_ALLOWS or one.pathway in pathways_of[one.rule]
    if found.requested not in (None, found.pathway) and "Not confirmed" not in found.reasons[0]:
        assert found.requested in _closed(found)


@given(shipment=shipments(), instant=INSTANTS, which=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_lifting_all_but_one_of_what_closes_a_path_leaves_it_closed(
    shipment: Shipment, instant: datetime, which: Any
) -> None:
    """Any one of several rules that close a pathway is enough to keep it closed."""
    found, _ = decide(shipment, TRIP, instant, DayLedger(), RULES)
    for pathway in _closed(found):
        denials = sorted(
            {one.rule for one in found.refused if one.pathway == pathway}
            & {row.id for row in RULES.rows if row.kind in ("deny", "threshold") and not row.waivable}
        )
        if len(denials) > 1:
            kept = which.choice(denials)
            book = RULES.without_rules(*(one for one in denials if one != kept))
            after, _ = decide(shipment, TRIP, instant, DayLedger(), book)
            assert pathway in _closed(after)
            assert after.pathway != pathway


@given(shipment=shipments(), instant=INSTANTS)
@settings(max_examples=100, deadline=None)
def test_an_answer_other_than_review_never_hangs_on_an_unsure_row(shipment: Shipment, instant: datetime) -> None:
    """Without its unsure rows the book gives the same pathway and entry type, or the decision is review."""
    sure = RuleBook(row for row in RULES.rows if row.status != "unsure")
    found, _ = decide(shipment, TRIP, instant, DayLedger(), RULES)
    other, _ = decide(shipment, TRIP, instant, DayLedger(), sure)

    assert found.pathway == "review" or (found.pathway, found.entry_type) == (other.pathway, other.entry_type)


@given(trip=trips(), instant=INSTANTS)
@settings(max_examples=80, deadline=None)
def test_no_person_is_counted_above_the_limit_and_no_order_is_split(trip: list[Shipment], instant: datetime) -> None:
    """Over any trip the exemption is used for at most 800 dollars a person, and for no order in lots."""
    found = list(decide_trip(trip, TRIP, instant, RULES))

    assert sum((one.counted for one in found), Decimal(0)) <= 800
    orders = [shipment.order_id for shipment in trip]
    for shipment, one in zip(trip, found, strict=True):
        assert one.pathway not in EXEMPTION or orders.count(shipment.order_id) == 1
        assert (one.counted == 0) or one.pathway in EXEMPTION


@given(trip=trips(), instant=INSTANTS)
@settings(max_examples=50, deadline=None)
def test_a_trip_is_its_shipments_in_order(trip: list[Shipment], instant: datetime) -> None:
    """Deciding one at a time with the ledger carried along gives what deciding the trip gives."""
    (lots, totals), ledger, single = survey(trip), DayLedger(), []
    assert lots == find_lots(trip)
    for shipment in trip:
        found, ledger = decide(shipment, TRIP, instant, ledger, RULES, lots=lots, totals=totals)
        single.append(found)

    assert single == list(decide_trip(iter(trip), TRIP, instant, RULES))
    assert DayLedger.from_dict(ledger.as_dict()) == ledger


@given(text=st.text(min_size=1, max_size=60).filter(str.strip))
@example(text=":\r")
@settings(max_examples=150, deadline=None)
def test_normal_forms_are_total_and_blind_to_case_and_space(text: str) -> None:
    """Any name or address that is not empty has a form, and case and spaces around it do not matter."""
    for normal in (normal_name, normal_address):
        assert normal(text)
        if text.isascii():
            assert normal(text) == normal(f"  {text.lower()} ") == normal(text.upper())
