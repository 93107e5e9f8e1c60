"""The checks that save a rejection: what each finds, what it lets pass, and how severe the filer wants it."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mappings.advice import Advice
from mappings.day_ledger import DayLedger
from mappings.decision import PathwayDecision, decide
from mappings.preflight_data import FOLDER, load_preflight, read_preflight
from mappings.preflight_shipment import CHECKS
from mappings.preflight_trip import latest_filing, shipments_findings, trip_findings
from mappings.rule import EASTERN
from mappings.rulebook import RuleBook
from schemas.errors import FormatError
from schemas.shipment import Shipment, read_shipment
from schemas.trip import read_trip
from tests import samples

BOOK = RuleBook.load()
MARCH_2025 = datetime(2025, 3, 10, 16, 30, tzinfo=EASTERN)
NOVEMBER_2026 = datetime(2026, 11, 23, 12, 0, tzinfo=EASTERN)
TRIP = read_trip(samples.trip())


def line(**changes: Any) -> dict[str, Any]:
    """One good line with changes."""
    return {**samples.shipment()["lines"][0], **changes}


def parcel(*lines: dict[str, Any], **changes: Any) -> Shipment:
    """A shipment of these lines."""
    numbered = [{**one, "line": place} for place, one in enumerate(lines or (line(),), 1)]
    return read_shipment(samples.shipment(lines=numbered, fair_retail_value=None, **changes))


def judged(shipment: Shipment, book: RuleBook = BOOK, instant: datetime = MARCH_2025) -> PathwayDecision:
    """The decision about one shipment."""
    return decide(shipment, None, instant, DayLedger(), book)[0]


def found(shipment: Shipment) -> list[tuple[str, str]]:
    """Code and path of every warning of the decision."""
    return [(one.code, one.path) for one in judged(shipment).warnings]


# -- about one shipment ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["Gift", "GIFTS", "parts", "Auto Parts", "Daily necessities", "merchandise", "Samples", "2 pcs goods", "123 456",
     "electronic components", "Household goods, various", "plastic products", "consolidated", "personal effects"],
)  # fmt: skip
def test_a_description_of_words_that_say_nothing_is_vague(text: str) -> None:
    """Each of CBP's own examples, their kin, and numbers alone."""
    assert found(parcel(line(description=text))) == [("vague_description", "lines[0].description")]


@pytest.mark.parametrize(
    "text",
    ["Cotton T-shirts, knitted", "Pump parts", "Gift wrapping paper", "Plastic bottles", "Household soap", "Tea set"],
)
def test_a_description_with_a_word_that_says_something_is_not_vague(text: str) -> None:
    """One word for what the goods are is enough."""
    assert found(parcel(line(description=text))) == []


def test_one_description_under_two_numbers_is_told_within_the_shipment() -> None:
    """Case and signs do not matter; the second line is named with both numbers."""
    two = parcel(line(), line(description="COTTON T SHIRTS KNITTED", hts="6110110070"))

    assert found(two) == [("same_description_other_hts", "lines[1].description")]
    assert "6109100012" in judged(two).warnings[0].text
    assert found(parcel(line(), line())) == []
    assert found(parcel(line(), line(hts="9903010100"))) != [("same_description_other_hts", "lines[1].description")]


@pytest.mark.parametrize(
    ("value", "kilograms", "hts", "odd"),
    [
        ("45.00", "1.20", "6109100012", False),
        ("45.00", "400.00", "6109100012", True),
        ("700.00", "0.20", "6109100012", True),
        ("700.00", "0.20", "7113195000", False),
        ("45.00", "400.00", "6810110010", False),
    ],
)
def test_a_value_out_of_the_band_of_its_chapter_is_implausible(value: str, kilograms: str, hts: str, odd: bool) -> None:
    """Shirts at 11 cents or 3,500 dollars a kilogram are odd, gold at the one and concrete at the other are not."""
    shipment = parcel(line(value=value, hts=hts), gross_weight={"value": kilograms, "unit": "KG"})

    assert (("value_by_weight", "gross_weight") in found(shipment)) is odd


def test_the_weight_is_compared_in_kilograms() -> None:
    """700 dollars on half a pound are 3,086 dollars a kilogram, on half a kilogram 1,400."""
    for unit, odd in (("LB", True), ("KG", False)):
        shipment = parcel(line(value="700.00"), gross_weight={"value": "0.50", "unit": unit})
        assert bool(found(shipment)) is odd


def test_a_missing_state_is_found_wherever_an_address_stands() -> None:
    """A maker in the United States without a state is told; a maker in China needs none."""
    address = {"lines": ["1 Example St"], "city": "Buffalo", "country": "US"}
    maker = {"name": "Sample Maker", "address": address}

    assert found(parcel(line(manufacturer=maker))) == [("state_missing", "lines[0].manufacturer.address.region")]
    abroad = {**maker, "address": {**address, "country": "CN"}}
    assert found(parcel(line(manufacturer=abroad))) == []


@pytest.mark.parametrize(
    ("number", "kind", "doubtful"),
    [
        ("12-3456789", "EIN", False),
        ("98-3456789", "EIN", False),
        ("00-3456789", "EIN", True),
        ("89-3456789", "EIN", True),
        ("123-45-6789", "SSN", False),
        ("666-45-6789", "SSN", True),
        ("923-45-6789", "SSN", True),
        ("123-00-6789", "SSN", True),
        ("123-45-0000", "SSN", True),
        ("250901-12345", "CBP", False),
    ],
)
def test_an_importers_number_that_nobody_is_issued_is_doubted(number: str, kind: str, doubtful: bool) -> None:
    """Neither kind has a check digit; what can be seen is a prefix that is not given out."""
    shipment = parcel(importer_of_record={"name": "Sample Shop Ltd", "number": number, "number_type": kind})

    assert found(shipment) == ([("importer_number_doubtful", "importer_of_record.number")] if doubtful else [])


def test_a_number_of_a_chapter_that_does_not_exist_is_doubted() -> None:
    """Chapter 77 is reserved."""
    assert ("hts_doubtful", "lines[0].hts") in found(parcel(line(hts="7701000000")))


@pytest.mark.parametrize(
    ("numbers", "places"),
    [
        (["9903010100", "6109100012"], []),
        (["9801001012", "9903010100", "6109100012"], []),
        (["6109100012", "9903010100"], ["lines[1].hts"]),
        (["9903010100"], ["lines[0].hts"]),
        (["9903010100", "9801001012", "6109100012"], ["lines[1].hts"]),
        (["9903010100", "9903880300", "6109100012"], []),
    ],
)
def test_chapters_98_and_99_stand_before_the_number_that_carries_the_value(
    numbers: list[str], places: list[str]
) -> None:
    """98, then 99, then the ordinary number; a number of chapter 99 that nothing follows is named."""
    shipment = parcel(*(line(hts=hts) for hts in numbers))

    assert [path for code, path in found(shipment) if code == "hts_order"] == places


# -- about a trip ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "fast", "code"),
    [
        (61, False, None), (60, False, None), (59, False, "one_hour_rule"), (59, True, None), (30, True, None),
        (29, True, "one_hour_rule"), (0, False, "one_hour_rule"), (-1, False, "arrival_in_past"),
        (-1, True, "arrival_in_past"),
    ],
)  # fmt: skip
def test_the_manifest_is_due_an_hour_before_arrival(minutes: int, fast: bool, code: str | None) -> None:
    """Sixty minutes, thirty for FAST, to the minute; afterwards the arrival is in the past."""
    problems = trip_findings(TRIP, TRIP.arrival - timedelta(minutes=minutes), fast=fast)

    assert [(one.code, one.path) for one in problems] == ([] if code is None else [(code, "estimated_arrival")])
    assert latest_filing(TRIP, fast=fast) == TRIP.arrival - timedelta(minutes=30 if fast else 60)


def test_a_vin_with_a_wrong_check_digit_is_told_on_the_trip() -> None:
    """One digit changed shows; the right VIN does not."""
    raw = samples.trip()
    raw["conveyance"]["vin"] = "1M8GDM9A1KP042788"
    trip = read_trip(raw)

    (problem,) = trip_findings(trip, trip.arrival - timedelta(hours=2))
    assert (problem.code, problem.path) == ("vin_check_digit", "conveyance.vin")


def test_shipments_of_a_trip_are_compared_with_those_before_them() -> None:
    """A control number used twice, or on an earlier trip, and one description under two numbers are named."""
    first = parcel(shipment_id="T-1", shipment_control_number="TSTC00000001")
    again = parcel(shipment_id="T-2", shipment_control_number="TSTC00000001")
    earlier = parcel(shipment_id="T-3", shipment_control_number="TSTC00000003")
    other = parcel(line(hts="6110110070"), shipment_id="T-4", shipment_control_number="TSTC00000004")
    told = list(shipments_findings([first, again, earlier, other], taken={"TSTC00000003"}))

    assert [(shipment.shipment_id, [one.code for one in problems]) for shipment, problems in told] == [
        ("T-2", ["scn_reused"]),
        ("T-3", ["scn_reused"]),
        ("T-4", ["same_description_other_hts"]),
    ]


# -- severities -----------------------------------------------------------------------------------

VAGUE = {"description": "Gift box parts goods"}


def test_a_check_set_to_error_sends_the_shipment_to_review() -> None:
    """The law would let it go; the decision says that the filer does not, by which check and what mends it."""
    book = RuleBook.load(severity={"vague-description": "error"})
    stopped = judged(parcel(line(**VAGUE)), book)

    assert judged(parcel(line(**VAGUE))).pathway == "section321"
    assert (stopped.pathway, stopped.entry_type, stopped.counted) == ("review", "", 0)
    assert stopped.reasons[0] == (
        "It could go by Section 321 release, but the filer wants a broker to look first: vague-description."
    )
    assert [(one.code, one.severity) for one in stopped.needs] == [("vague_description", "error")]
    assert "vague-description" in stopped.rules
    assert judged(parcel(), book).pathway == "section321"


def test_a_warning_row_of_the_law_takes_a_severity_too() -> None:
    """A prompt about toys set to error stops them, set to off is silent."""
    toys = parcel(line(hts="9503000073"))
    decisions = {
        severity: judged(toys, RuleBook.load(severity={"warn-unclaimed-toys": severity}), NOVEMBER_2026)
        for severity in ("error", "warning", "off")
    }

    assert {severity: one.pathway for severity, one in decisions.items()} == {
        "error": "review", "warning": "informal", "off": "informal",
    }  # fmt: skip
    assert [len(decisions[severity].warnings) for severity in ("error", "warning", "off")] == [0, 1, 0]


def test_the_severity_in_force_is_kept_with_the_decision() -> None:
    """What the filer set stands in each decision, what was found too, and both come back from the archive."""
    book = RuleBook.load(severity={"vague-description": "off", "value-by-weight": "error"})
    silent = judged(parcel(line(**VAGUE)), book)

    assert dict(silent.severities) == {"vague-description": "off", "value-by-weight": "error"}
    assert silent.warnings == ()
    assert dict(judged(parcel(line(**VAGUE))).severities) == {"vague-description": "warning"}
    assert judged(parcel()).severities == ()
    for kept in (silent, judged(parcel(line(**VAGUE)))):
        assert PathwayDecision.from_dict(json.loads(json.dumps(kept.as_dict()))) == kept
    older = {key: value for key, value in silent.as_dict().items() if key != "severities"}
    assert PathwayDecision.from_dict(older).severities == ()


def test_a_trips_checks_take_a_severity() -> None:
    """Off is not told, error is told as an error; whoever shows the board acts on it."""
    late = TRIP.arrival - timedelta(minutes=5)
    severities = {
        chosen: [one.severity for one in trip_findings(TRIP, late, Advice(None, {"one-hour-rule": chosen}))]
        for chosen in ("error", "warning", "off")
    }

    assert severities == {"error": ["error"], "warning": ["warning"], "off": []}


# -- the data -------------------------------------------------------------------------------------


def test_every_check_of_a_shipment_has_a_function_and_every_function_its_data() -> None:
    """No check is declared and not run, none runs without a sentence, a remedy and a citation."""
    checks = load_preflight().checks

    assert {check.id for check in checks.values() if check.about == "shipment"} == set(CHECKS)
    assert all(check.text.endswith(".") and check.remedy and check.citation for check in checks.values())


def test_the_version_of_the_book_follows_the_data_of_the_checks(tmp_path: Path) -> None:
    """One more vague word makes another version, because with a severity of error it makes another decision."""
    shutil.copytree(FOLDER, tmp_path / "preflight")
    words = tmp_path / "preflight" / "vague_words.toml"
    words.write_text(words.read_text("utf-8").replace('"GOODS"', '"GOODS", "SHIRT"'), "utf-8")

    changed = BOOK.with_checks(read_preflight(tmp_path / "preflight"))
    assert changed.version != BOOK.version
    assert BOOK.with_checks(read_preflight(FOLDER)).version == BOOK.version
    assert judged(parcel(line(description="Shirts")), changed).warnings[0].code == "vague_description"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("checks.toml", 'severity = "warning"', 'severity = "loud"'),
        ("checks.toml", 'about = "trip"', 'about = "truck"'),
        ("checks.toml", 'code = "vague_description"', 'surprise = "x"'),
        ("value_by_weight.toml", 'lowest = "0.20"', 'lowest = "cheap"'),
        ("numbers.toml", "[ssn]", "[social]"),
        ("vague_words.toml", "[[words]]", "[[words"),
    ],
)
def test_data_that_is_not_well_formed_is_refused(tmp_path: Path, file: str, old: str, new: str) -> None:
    """A check without a known severity, a band that is no number, a file that is no TOML: named, not guessed."""
    shutil.copytree(FOLDER, tmp_path / "preflight")
    path = tmp_path / "preflight" / file
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")

    with pytest.raises(FormatError):
        read_preflight(tmp_path / "preflight")
