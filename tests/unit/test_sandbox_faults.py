"""The plan of faults: what is drawn from seed and number, its windows, and what makes no plan."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.clock import instant
from sandbox.faults import ANSWERS, FAULTS, GROUPS, RATES, RECEIPTS, REQUESTS, Faults, FaultsError, read_faults
from sandbox.faults import restore_faults as restore
from tests.sandbox_table import FAULT_DRIVERS

DOCS = Path(__file__).parents[2] / "docs" / "sandbox.md"
MANY = range(5000)


def test_fates_follow_the_seed_and_the_number_alone() -> None:
    """The same seed gives the same fates; rates are kept within a few percent; the empty plan does nothing."""
    plan = Faults(seed=7, drop=0.1, duplicate=0.2, delay=0.05, reset=0.1)
    fates = [plan.fate(n) for n in MANY]
    assert fates == [plan.fate(n) for n in reversed(MANY)][::-1]
    assert fates != [Faults(seed=8, drop=0.1, duplicate=0.2, delay=0.05, reset=0.1).fate(n) for n in MANY]
    for name, share in (("drop", 0.1), ("duplicate", 0.2), ("delay", 0.05), ("reset", 0.1), ("", 0.55)):
        assert abs(fates.count(name) / len(MANY) - share) < 0.02
    assert {Faults().fate(n) for n in range(100)} == {""}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_fate_of_an_answer_can_be_certain(name: str) -> None:
    """With rate 1 it is the fate of all."""
    assert {read_faults({name: 1}).fate(n) for n in range(50)} == {name}


@pytest.mark.parametrize("name", [*REQUESTS, *RECEIPTS])
def test_every_mishap_of_what_comes_in_can_be_certain(name: str) -> None:
    """With rate 1 it happens to all, and the plan says that it has to be counted."""
    plan = read_faults({name: 1})
    assert plan.meets_requests
    drawn = {plan.mishap(n) for n in range(50)}
    assert {(one.line, one.receipt) for one in drawn} == {(name, "") if name in REQUESTS else ("", name)}


def test_a_plan_for_answers_alone_counts_nothing() -> None:
    """Nothing can happen to what comes in."""
    assert not read_faults({"drop": 1, "system_failure": 1}).meets_requests


def test_the_groups_are_drawn_apart() -> None:
    """A line that is cut says nothing about receipts and system failures: half of each half."""
    plan = Faults(seed=3, reset_after=0.5, mdn_lost=0.5, system_failure=0.5, drop=0.5)
    both = sum(bool(plan.mishap(n).line and plan.mishap(n).receipt) for n in MANY) / len(MANY)
    failing = sum(plan.fails(n) and plan.fate(n) == "drop" for n in MANY) / len(MANY)
    assert abs(both - 0.25) < 0.02
    assert abs(failing - 0.25) < 0.02


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ([], {""}),
        ("", {""}),
        ({"drop": -0.1}, {"drop"}),
        ({"drop": True, "garble": "x", "reset": float("nan")}, {"drop", "garble", "reset"}),
        ({"seed": 1.5}, {"seed"}),
        ({"seed": True}, {"seed"}),
        ({"delay_seconds": -1}, {"delay_seconds"}),
        ({"outage_from": "soon"}, {"outage_from"}),
        ({"outage_until": "2025-03-10T00:00:00Z"}, {"outage_from"}),
        ({"outage_from": "2025-03-11T00:00:00Z", "outage_until": "2025-03-10T00:00:00Z"}, {"outage_until"}),
        ({"outages": {"from": "2025-03-10T00:00:00Z"}}, {"outages"}),
        ({"outages": [{"from": "x"}, {"until": ""}, 5, {"from": "2025-03-10", "to": ""}]},
         {"outages.0.from", "outages.1.from", "outages.2", "outages.3"}),
        ({"outages": [{"from": "2025-03-10T00:00:00Z"}] * 101}, {"outages"}),
        ({"drop": 0.6, "garble": 0.6}, {""}),
        ({"reset": 0.6, "reset_after": 0.6}, {""}),
        ({"mdn_lost": 0.6, "mdn_negative": 0.6}, {""}),
        ({"end_of_day": "24:00-00:15"}, {"end_of_day"}),
        ({"end_of_day": "23:45-23:45"}, {"end_of_day"}),
        ({"end_of_day": 5}, {"end_of_day"}),
        ({"end_of_day_loses": 1}, {"end_of_day_loses"}),
        ({"x": 1, "drop": 2, "seed": "1"}, {"x", "drop", "seed"}),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_meant_is_refused_with_every_reason(document: Any, paths: set[str]) -> None:
    """Whole, each reason with its place."""
    with pytest.raises(FaultsError) as caught:
        read_faults(document)
    assert {path for path, _ in caught.value.reasons} == paths


def test_rates_of_different_things_may_add_up_to_more() -> None:
    """Only shares of the same things are bounded together."""
    plan = read_faults({"drop": 0.9, "reset_after": 0.9, "mdn_lost": 0.9, "system_failure": 0.9})
    assert plan.mdn_lost == 0.9


def test_a_plan_survives_a_restart() -> None:
    """What JSON shows of a plan reads back as the same plan."""
    plan = read_faults(
        dict.fromkeys(RATES, 0.1)
        | {
            "seed": 9,
            "delay_seconds": 5,
            "outages": [{"from": "2025-03-10T00:00:00-04:00", "until": "2025-03-10T01:00:00-04:00"}],
            "outage_from": "2025-03-11T00:00:00-04:00",
            "end_of_day": "23:45-00:15",
            "end_of_day_loses": True,
        }
    )
    assert len(plan.outages) == 2
    assert restore(json.loads(json.dumps(plan.as_dict()))) == plan
    assert restore(None) == Faults()


def test_outages_are_windows() -> None:
    """Their beginning is in, their end is not; one without an end lasts; together they end with the last."""
    plan = read_faults(
        {
            "outages": [
                {"from": "2025-03-10T09:00:00-04:00", "until": "2025-03-10T10:00:00-04:00"},
                {"from": "2025-03-10T09:30:00-04:00", "until": "2025-03-10T11:00:00-04:00"},
                {"from": "2025-03-12T00:00:00-04:00"},
            ]
        }
    )
    out = {"08:59:59": False, "09:00:00": True, "10:59:59": True, "11:00:00": False}
    for clock, expected in out.items():
        assert plan.is_out(instant(f"2025-03-10T{clock}")) is expected
    assert plan.is_out(instant("2030-01-01T00:00:00"))
    assert plan.out_until(instant("2025-03-10T09:45:00")) == instant("2025-03-10T11:00:00")
    assert plan.out_until(instant("2025-03-10T12:00:00")) is None
    assert plan.out_until(instant("2025-03-12T12:00:00")) is None


@pytest.mark.parametrize(
    ("window", "came", "over"),
    [
        ("23:45-00:15", "2025-03-10T23:45:00", "2025-03-11T00:15:00"),
        ("23:45-00:15", "2025-03-11T00:14:59", "2025-03-11T00:15:00"),
        ("23:45-00:15", "2025-03-11T00:15:00", ""),
        ("23:45-00:15", "2025-03-10T23:44:59", ""),
        ("12:00-12:30", "2025-07-01T12:10:00", "2025-07-01T12:30:00"),
        ("12:00-12:30", "2025-07-01T12:30:00", ""),
        ("", "2025-03-10T23:50:00", ""),
    ],
)
def test_the_end_of_the_day_is_eastern_and_may_cross_midnight(window: str, came: str, over: str) -> None:
    """What comes in within the daily window is held until its end."""
    plan = read_faults({"end_of_day": window})
    at = instant(came).astimezone(UTC)
    assert plan.held_until(at) == (instant(over) if over else None)
    if over:
        assert plan.is_held(at, at)
        assert plan.is_held(at, instant(over) - timedelta(seconds=1))
        assert not plan.is_held(at, instant(over))
    assert not plan.is_held(at, datetime(2020, 1, 1, tzinfo=UTC))


def test_the_table_has_a_row_for_every_fault_and_every_row_a_driver() -> None:
    """Keys of a plan that are faults, rows of the table and drivers are the same; rates stand in their group."""
    parameters = {"seed", "delay_seconds"}
    assert set(FAULTS) == {field.name for field in fields(Faults)} - parameters
    assert set(FAULT_DRIVERS) == set(FAULTS)
    assert set(RATES) <= set(FAULTS)
    assert set(GROUPS) == {"answers", "requests", "receipts", "files"}


def test_the_documented_table_is_the_real_one() -> None:
    """The table in the documentation has exactly the faults there are, with the same words."""
    text = DOCS.read_text("utf-8")
    part = text[text.index("## Faults") :]
    part = part[: part.index("\n## ", 1)]
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*) \| (.*) \| (.*) \|$", part, re.MULTILINE)
    assert {name: (of, what, doors) for name, of, what, doors in rows} == {
        name: (row.of, row.what, row.doors) for name, row in FAULTS.items()
    }
