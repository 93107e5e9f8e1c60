"""Shipments and trips from outside: every fault at once, each with path and remedy."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from schemas.errors import ShipmentError
from schemas.identifiers import land_ports, vin_check_digit
from schemas.published import PUBLISHED, rendered
from schemas.shipment import Shipment, check_shipment, read_shipment
from schemas.trip import check_trip, read_trip
from tests import samples

ROOM = Path(__file__).parents[2] / "schemas"


def faults(record: dict[str, Any], kind: str = "shipment") -> dict[str, str]:
    """Path to code of everything wrong with the record."""
    check = check_shipment if kind == "shipment" else check_trip
    return {problem.path: problem.code for problem in check(record)[1]}


def test_a_good_shipment_keeps_its_values_exactly() -> None:
    """Money and weights come in as decimal strings and stay exact."""
    shipment = read_shipment(samples.shipment())

    assert shipment.lines[0].value == Decimal("45.00")
    assert shipment.gross_weight.value == Decimal("1.20")
    assert (shipment.entered_value, shipment.fair_value) == (Decimal("45.00"), Decimal("45.00"))


def test_fair_retail_value_defaults_to_the_sum_of_the_lines() -> None:
    """Without a fair retail value the sum of line values stands for it."""
    lines = samples.shipment()["lines"] + [{**samples.shipment()["lines"][0], "line": 2, "value": "5.50"}]

    shipment = read_shipment(samples.shipment(lines=lines, fair_retail_value=None))

    assert shipment.fair_value == Decimal("50.50")


def test_every_fault_of_a_row_is_reported_at_once() -> None:
    """Faults of single fields and of fields together come in one list."""
    line = {**samples.shipment()["lines"][0], "hts": "6109.10", "value": 45.0, "currency": "CAD", "colour": "red"}
    consignee = {"name": "", "address": {"lines": [], "city": "Buffalo", "region": None, "country": "US"}}

    found = faults(samples.shipment(lines=[line, line], consignee=consignee, shipment_control_number="tstc1"))

    assert found == {
        "shipment_control_number": "wrong_scn",
        "consignee.name": "too_short",
        "consignee.address.lines": "too_few",
        "consignee.address.region": "consignee_state_missing",
        "lines[0].hts": "wrong_shape",
        "lines[0].value": "not_a_decimal",
        "lines[0].currency": "currency_not_usd",
        "lines[0].colour": "unknown_key",
        "lines[1].hts": "wrong_shape",
        "lines[1].value": "not_a_decimal",
        "lines[1].currency": "currency_not_usd",
        "lines[1].colour": "unknown_key",
        "lines[1].line": "duplicate_line",
    }


@pytest.mark.parametrize(
    "value", ["", "1,5", "-1", "1e3", "NaN", " 1", "0x1", "1.1234567", 5, 4.5, None, True, [], "٣"]
)
def test_only_plain_decimal_strings_are_money(value: object) -> None:
    """Numbers, exponents, commas, signs, blanks and other scripts' digits are refused, not guessed at."""
    line = {**samples.shipment()["lines"][0], "value": value}

    assert faults(samples.shipment(lines=[line]))["lines[0].value"] in {"not_a_decimal", "not_positive"}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("0.8000000001", "has too many digits: at most 15 before the decimal point and 6 after it"),
        ("1234567890123456", "has too many digits"),
        ("-3", "is negative"),
        ("+3", "has a sign"),
        ("1,5", "is not a decimal amount"),
        (4.5, "is not a decimal amount"),
    ],
)
def test_what_is_wrong_with_an_amount_is_said(value: object, says: str) -> None:
    """A number that is no amount here is told why; only what is no number is called none."""
    with pytest.raises(ShipmentError) as refused:
        read_shipment(samples.shipment(gross_weight={"value": value, "unit": "KG"}))
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("not_a_decimal", "gross_weight.value")
    assert says in problem.text
    assert problem.remedy


def test_every_problem_can_be_read_by_a_person() -> None:
    """Code, path, sentence and remedy are never empty."""
    record = samples.shipment(consignee={"name": "X\x00", "address": 5}, packages={"count": 0}, extra=1)
    del record["order_id"]

    problems = check_shipment(record)[1]

    assert len(problems) >= 5
    assert all(p.code and p.path and p.text.endswith(".") and p.remedy for p in problems), problems


@pytest.mark.parametrize("record", [None, 5, "x", [], {}, {"shipment_id": []}, {"lines": {}}, {"consignee": [1]}])
def test_anything_that_is_no_shipment_is_a_list_of_problems(record: object) -> None:
    """No shape of data raises anything else."""
    shipment, problems = check_shipment(record)

    assert shipment is None
    assert problems


def test_reading_raises_with_all_problems() -> None:
    """The raising form carries the same list."""
    with pytest.raises(ShipmentError) as caught:
        read_shipment({"shipment_id": "A"})

    assert {p.path for p in caught.value.problems} >= {"order_id", "consignee", "lines"}


@pytest.mark.parametrize(
    ("number", "kind", "good"),
    [
        ("12-3456789", "EIN", True),
        ("12-34567890A", "EIN", True),
        ("123456789", "EIN", False),
        ("123-45-6789", "SSN", True),
        ("123-45-6789", "EIN", False),
        ("250901-00001", "CBP", True),
    ],
)
def test_importer_numbers_have_the_form_of_their_kind(number: str, kind: str, good: bool) -> None:
    """EIN, SSN and CBP-assigned numbers are told apart by their form."""
    record = samples.shipment(importer_of_record={"name": "Shop", "number": number, "number_type": kind})

    assert (faults(record) == {}) is good


def test_a_good_trip_is_read() -> None:
    """The arrival is an aware instant."""
    trip = read_trip(samples.trip())

    assert trip.arrival.isoformat() == "2025-03-10T16:30:00-04:00"


def test_every_fault_of_a_trip_is_reported_at_once() -> None:
    """Impossible dates, a port that is no land port, no driver: one list."""
    crew = [{**samples.trip()["crew"][0], "role": "passenger", "date_of_birth": "1984-02-30"}]

    found = faults(
        samples.trip(
            port_of_arrival="4701",
            estimated_arrival="2025-03-10T16:30:00",
            crew=crew,
            trip_number="XXXX123456",
            conveyance={"type": "TR"},
        ),
        "trip",
    )

    assert found == {
        "port_of_arrival": "not_a_land_port",
        "estimated_arrival": "no_time_zone",
        "crew[0].date_of_birth": "not_a_date",
        "crew": "no_person_in_charge",
        "trip_number": "wrong_trip_number",
        "conveyance": "no_vehicle_identity",
    }


def test_a_wrong_vin_check_digit_only_warns() -> None:
    """Vehicles made for other markets have VINs without the digit: a person should look, nothing stops."""
    trip, problems = check_trip(samples.trip(conveyance={"type": "TR", "vin": "1M8GDM9A1KP042788"}))

    assert trip is not None
    assert [(p.code, p.severity) for p in problems] == [("vin_check_digit", "warning")]
    assert vin_check_digit("1M8GDM9AXKP042788") == "X"


@pytest.mark.parametrize(
    "value", ["2025-02-29T10:00:00-05:00", "2025-03-10", "now", "", 1741636200, "2025-13-01T00:00Z"]
)
def test_impossible_instants_are_refused(value: object) -> None:
    """An arrival is a real day and time with an offset."""
    assert faults(samples.trip(estimated_arrival=value), "trip")["estimated_arrival"] in {
        "not_an_instant",
        "no_time_zone",
    }


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_published_schemas_are_current(name: str) -> None:
    """The files say what the models check; `python -m schemas.published` writes them."""
    assert (ROOM / name).read_text("utf-8") == rendered(PUBLISHED[name])


def test_the_published_schemas_accept_good_records_and_refuse_unknown_keys() -> None:
    """Someone who validates with the published schema comes to the same answer."""
    shipment_schema = json.loads((ROOM / "shipment.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(shipment_schema)

    assert list(validator.iter_errors(samples.shipment())) == []
    assert list(validator.iter_errors(samples.shipment(colour="red"))) != []


def test_ports_know_their_time_zone() -> None:
    """People see times of the port, so every port names a zone that exists."""
    from zoneinfo import ZoneInfo

    assert {ZoneInfo(port.timezone).key for port in land_ports().values()} >= {"America/New_York", "America/Detroit"}
    assert land_ports()["3801"].name == "Detroit, MI"


def test_shipments_are_frozen() -> None:
    """A checked record cannot change behind anybody's back."""
    shipment: Shipment = read_shipment(samples.shipment())

    with pytest.raises(ValueError, match="frozen"):
        shipment.order_id = "other"
