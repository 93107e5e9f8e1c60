"""The scenarios that come with the sandbox, by the real command: alone, and with our own gateway as the filer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.scenario import shipped
from tests.world import free_port

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "gateway.cli"]
PATIENCE = 120.0


def environment(**more: str) -> dict[str, str]:
    """What a command sees: no settings of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SANDBOX_"))}
    return kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120"} | more


def play(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``gateway sandbox --scenario``."""
    words = [*COMMAND, "sandbox", "--scenario", *arguments]
    return subprocess.run(
        words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_scenario_that_comes_with_the_sandbox_is_met(name: str, tmp_path: Path) -> None:
    """The command plays it alone, every expectation is met, it leaves nothing behind and ends with 0."""
    done = play(tmp_path, name, "--json")
    document = json.loads(done.stdout)

    assert done.returncode == 0, document["failures"]
    assert document["met"]
    assert document["mode"] == "self-playing"
    assert document["not_played"] == 0
    assert document["expectations"] > 15
    assert all(one["met"] for step in document["steps"] for one in step["expects"])
    assert list(tmp_path.iterdir()) == []


def test_people_read_a_table(tmp_path: Path) -> None:
    """Without --json there is a row for each step, with the instant of the sandbox's clock and its zone."""
    done = play(tmp_path, "cutover-night")

    assert done.returncode == 0
    assert "2025-08-29 00:01:00 EDT" in done.stdout
    assert "the first crosses before midnight" in done.stdout
    assert "expectations were met" in done.stdout


UNMET = """
name = "unmet"
clock = { start = 2025-03-10T08:00:00-04:00 }

[[step]]
name = "filed"
send = { manifest = { trip = "TSTC2503100001", arrives = 2025-03-10T12:00:00-04:00, shipments = [
  { scn = "TSTC25031000001" },
] } }
expect = [{ trip = "TSTC2503100001", state = "ARRIVED" }, { trip = "TSTC2503100001", state = "COMPLETE" }]

[[step]]
arrive = "TSTC2503100001"
"""


def test_what_is_not_met_is_told_and_ends_with_1(tmp_path: Path) -> None:
    """The sentence names file, step, what was expected and what was seen; the steps behind it are not played."""
    (tmp_path / "story.toml").write_text(UNMET, "utf-8")
    done = play(tmp_path, "story.toml", "--json")
    document = json.loads(done.stdout)

    assert done.returncode == 1
    (sentence,) = document["failures"]
    assert sentence == (
        "story.toml, step 1 “filed”: expected trip TSTC2503100001 with state ARRIVED, but trip TSTC2503100001 has state"
        " COMPLETE (at 2025-03-10 08:00:00 EDT)."
    )
    assert document["not_played"] == 1
    assert [one["met"] for one in document["steps"][0]["expects"]] == [False, True]


@pytest.mark.parametrize(("name", "status"), [("march-2025-day", 0), ("story.toml", 1), ("none.toml", 2)])
def test_without_the_gateway_it_is_the_same(name: str, status: int, tmp_path: Path) -> None:
    """``python -m sandbox --scenario`` plays too, tells it in one line of JSON, and ends with the same status."""
    (tmp_path / "story.toml").write_text(UNMET, "utf-8")
    words = [sys.executable, "-m", "sandbox", "--scenario", name]
    done = subprocess.run(
        words, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )

    assert done.returncode == status, done.stderr
    assert (json.loads(done.stdout)["met"] is (status == 0)) if status < 2 else ("cannot be read" in done.stderr)


def test_a_scenario_that_cannot_be_read_ends_with_2(tmp_path: Path) -> None:
    """Every fault is named with its place, and nothing is played."""
    (tmp_path / "story.toml").write_text('[[step]]\nhold = 1\n[[step]]\nat = "soon"\narrive = "T1"\n', "utf-8")
    done = play(tmp_path, "story.toml", "--json")

    assert done.returncode == 2
    assert [one["path"] for one in json.loads(done.stdout)["errors"]] == ["step 1: hold", "step 2: at"]
    missing = play(tmp_path, "no-such-scenario")
    assert missing.returncode == 2
    assert "march-2025-day" in missing.stderr


# ---------------------------------------------------------------- attached


def shipment(scn: str, name: str, street: str, value: str, pathway: str | None) -> dict[str, Any]:
    """A parcel of the March day as the gateway takes it."""
    canada = {"city": "Toronto", "region": "ON", "postal_code": "M5H 1A1", "country": "CA"}
    states = {"city": "Buffalo", "region": "NY", "postal_code": "14201", "country": "US"}
    return {
        "shipment_id": scn[4:],
        "shipment_control_number": scn,
        "order_id": scn[4:],
        "shipper": {"name": "Sample Shop Ltd", "address": {"lines": ["1 Example St"], **canada}},
        "consignee": {"name": name, "address": {"lines": [street], **states}},
        "importer_of_record": {"name": "Sample Shop Ltd", "number": "12-3456789", "number_type": "EIN"},
        "place_of_receipt": "FORT ERIE ON",
        "packages": {"count": 1, "unit": "BOX"},
        "gross_weight": {"value": "1.20", "unit": "KG"},
        "lines": [
            {
                "line": 1,
                "sku": "TSH-01",
                "description": "Cotton T-shirts, knitted",
                "hts": "6109100012",
                "country_of_origin": "CA",
                "quantity": "2",
                "unit": "NO",
                "value": value,
                "currency": "USD",
            }
        ],
        "pathway": pathway,
    }


def march_parcels() -> Iterator[dict[str, Any]]:
    """The ten parcels of the first truck of ``march-2025-day``."""
    for number in (1, 2, 3):
        yield shipment(f"SFIC2503100000{number}", f"Pat Testwell {number}", "12 Sample Ave", "45.00", "section321")
    for number in (1, 2, 3):
        yield shipment(f"SFIC2503100001{number}", f"Lee Fiction {number}", "7 Made Up Rd", "300.00", "section321")
    for number in (1, 2):
        yield shipment(f"SFIC2503100002{number}", f"Kim Example {number}", "9 Nowhere Ln", "150.00", "type86")
    for number in (1, 2):
        yield shipment(f"SFIC2503100003{number}", f"Sam Sample {number}", "3 Invented Ct", "1200.00", "informal")


def march_trip() -> dict[str, Any]:
    """Its truck."""
    trip: dict[str, Any] = json.loads((ROOT / "docs/examples/trip.json").read_text("utf-8"))
    return trip | {"trip_number": "SFIC2503100001", "estimated_arrival": "2025-03-10T12:30:00-04:00"}


def test_our_gateway_files_and_the_scenario_directs(tmp_path: Path) -> None:
    """Attached: ``gateway serve`` and ``gateway submit`` file the March truck by AS2, the scenario lets time pass,
    holds, examines, releases and takes a release back, sees what it expects, and ends with 0.
    """
    http, as2, control = free_port(), free_port(), free_port()
    (tmp_path / "trip.json").write_text(json.dumps(march_trip()), "utf-8")
    (tmp_path / "shipments.json").write_text(json.dumps(list(march_parcels())), "utf-8")
    surroundings = environment(
        GATEWAY_LISTEN__PORT=str(http),
        GATEWAY_PARTNERS__CBP__URL=f"http://127.0.0.1:{as2}/as2",
        GATEWAY_URL=f"http://127.0.0.1:{http}",
    )
    directed = [*COMMAND, "sandbox", "--scenario", "march-2025-day", "--attached", "--json", "--port", str(as2)]
    directed += ["--control-port", str(control), "--gateway-url", f"http://127.0.0.1:{http}/as2"]
    with (tmp_path / "sandbox.log").open("w") as told, (tmp_path / "serve.log").open("w") as log:
        sandbox = subprocess.Popen(
            directed, cwd=tmp_path, env=surroundings, stdout=subprocess.PIPE, stderr=told, text=True
        )
        serve = subprocess.Popen(
            [*COMMAND, "serve", "--json"], cwd=tmp_path, env=surroundings, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert serve.stdout is not None
            assert serve.stdout.readline()  # it listens
            words = [*COMMAND, "submit", "trip.json", "shipments.json", "--file", "--no-wait"]
            submitted = subprocess.run(
                words, cwd=tmp_path, env=surroundings, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
            assert submitted.returncode == 0, submitted.stderr
            begin = time.monotonic()
            out, _ = sandbox.communicate(timeout=PATIENCE)
        finally:
            for process in (sandbox, serve):
                process.terminate()
                process.communicate(timeout=30)
    document = json.loads(out)

    assert sandbox.returncode == 0, document["failures"]
    assert document["mode"] == "attached"
    assert [step["result"] for step in document["steps"]].count("met") >= 7
    assert document["steps"][0]["did"] == ["manifest SFIC2503100001 (W) with 10 shipments: left to the filer"]
    assert time.monotonic() - begin < PATIENCE
