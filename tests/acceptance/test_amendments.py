"""Amendments and cancellations, through the command line and the API, against the simulated CBP as a process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests import samples
from tests.filing_kit import TRIP, informal, marked, parcel
from tests.world import World

STREET = {"consignee": {"address": {"lines": ["77 Elm Ave"]}}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Both processes on a morning of March 2025, with the files of a trip."""
    made = World(tmp_path, "2025-03-10T08:00:00-05:00")
    (tmp_path / "trip.json").write_text(json.dumps(samples.trip()))
    (tmp_path / "street.json").write_text(json.dumps(STREET))
    try:
        made.start("sandbox")
        made.start("serve")
        yield made
    finally:
        made.close()


def filed(world: World, *raws: dict[str, Any]) -> None:
    """The trip with these shipments, filed and answered."""
    (world.folder / "shipments.json").write_text(json.dumps(raws))
    done = world.run("submit", "trip.json", "shipments.json", "--file", "--json")
    assert done.returncode == 0, done.stderr + done.stdout


def sent(world: World, scn: str) -> list[str]:
    """Names of the files that went out for a shipment, by kind."""
    found = world.ask("GET", f"/v1/filings/{scn}/transmissions")[1]["items"]
    return [one["name"].split("-")[0] for one in found if one["direction"] == "out"]


def state_of(world: World, name: str) -> tuple[str, int, int | None]:
    """A filing's state, its newest version and the one in force."""
    found = world.ask("GET", f"/v1/filings/{name}")[1]
    return found["state"], found["version"], found["accepted_version"]


def test_one_address_is_one_309_with_one_bill_by_the_command_line(world: World) -> None:
    """Shown to the byte, asked for its reason, sent with --yes: one 309 of type Y, one bill, nothing else, taken."""
    filed(world, *(parcel(number) for number in range(1, 6)))
    scn = "TSTC00000000003"
    before = world.books()["files"]["received"]
    asked = world.run("amend", scn, "street.json")
    assert asked.returncode == 1
    assert "reason_code_missing" in asked.stderr
    for text in ("12 Sample Ave", "77 Elm Ave", "M13*TSTC*0901*R*00000000003", "--reason-code"):
        assert text in asked.stdout
    dry = world.run("amend", scn, "street.json", "--dry-run")
    assert (dry.returncode, "77 Elm Ave" in dry.stdout, "dry run" in dry.stdout) == (0, True, True)
    assert "03 clerical error against the bill" in " ".join(asked.stderr.split())
    shown = world.run("amend", scn, "street.json", "--reason-code", "03")
    assert shown.returncode == 0
    for text in ("consignee: street, line 1", "12 Sample Ave", "77 Elm Ave", "M13*TSTC*0901*R*00000000003", "--yes"):
        assert text in shown.stdout
    assert world.books()["files"]["received"] == before
    done = world.run("amend", scn, "street.json", "--reason-code", "03", "--reason", "Moved", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [one["says"] for one in document["shown"]["messages"]] == ["309 type Y"]
    text = document["shown"]["messages"][0]["text"]
    assert (text.count("M13*"), text.count("M11*")) == (1, 1)
    assert [(one["kind"], one["version"], one["state"]) for one in document["settled"]] == [("manifest", 2, "accepted")]
    assert world.books()["files"]["received"] == before + 1
    versions = world.ask("GET", f"/v1/filings/{document['shown']['filing_id']}/versions")[1]["items"]
    assert [(one["version"], one["state"], one["in_force"]) for one in versions] == [
        (1, "accepted", False),
        (2, "accepted", True),
    ]
    assert (versions[1]["reason"], versions[1]["reason_code"], len(versions[1]["messages"])) == ("Moved", "03", 1)
    assert world.board(TRIP)["decision"] == "go"
    told = world.run("filing", scn)
    assert "consignee: street, line 1: 12 Sample Ave → 77 Elm Ave" in " ".join(told.stdout.split())
    assert "SANDBX" not in told.stdout


def test_one_address_is_one_309_with_one_bill_by_the_api(world: World) -> None:
    """A dry run changes nothing; the act is done once for its key; a version that was overtaken is 409."""
    filed(world, parcel(1), parcel(2))
    path = "/v1/filings/TSTC00000000001/amendments"
    body = {"patch": STREET, "reason_code": "03", "version": 1}
    status, shown = world.ask("POST", path + "?dry_run=1", body)
    assert (status, [one["says"] for one in shown["messages"]]) == (200, ["309 type Y"])
    status, begun = world.ask("POST", path, body, Idempotency_Key="one")
    assert (status, begun["version"], begun["sent"]) == (202, 2, True)
    assert world.ask("POST", path, body, Idempotency_Key="one") == (202, begun)
    world.until("CBP has taken it", lambda: state_of(world, begun["filing_id"]) == ("accepted", 2, 2))
    dry = path + "?dry_run=1"
    world.until("it is at its end", lambda: world.ask("POST", dry, body)[1].get("code") != "trip_being_filed")
    status, refused = world.ask("POST", path, body)
    assert (status, refused["code"]) == (409, "version_conflict")
    assert sent(world, begun["filing_id"]) == ["309", "309"]


def test_all_files_of_an_entry_come_into_a_folder(world: World) -> None:
    """In their order, readable by their owner alone, with the digests that are listed but for the hidden password."""
    filed(world, informal(1), informal(2))
    entry = world.ask("GET", "/v1/filings/TSTC00000000001")[1]["entry_number"]
    done = world.run("filing", entry, "--files", "got", "--json")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)["transmissions"]
    written = sorted((world.folder / "got").iterdir())
    assert [str(path.relative_to(world.folder)) for path in written] == [one["saved_as"] for one in listed]
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    for one, path in zip(listed, written, strict=True):
        body = path.read_bytes()
        assert one["hides_password"] is (one["direction"] == "out")
        assert (hashlib.sha256(body).hexdigest() == one["payload_sha256"]) is not one["hides_password"]
        assert b"SANDBX" not in body
    again = world.run("filing", entry, "--files", "got", "--json")
    assert (again.returncode, json.loads(again.stdout)["errors"][0]["code"]) == (1, "folder_not_empty")
    shown = world.run("filing", entry, "--files", "other")
    assert f"{len(listed)} files written to other" in shown.stdout
    assert "The password of the batch is hidden" in shown.stdout


def test_a_request_is_followed_until_a_person_there_has_decided(world: World) -> None:
    """Without an end in time the exit status is 1 and the next command is named; else the decision is the last word."""
    filed(world, informal(1), informal(2))
    known = ["--reason-code", "03", "--yes", "--until-decided"]
    early = world.run("amend", "TSTC00000000001", "street.json", *known, "--timeout", "2")
    assert early.returncode == 1, early.stderr
    entry = world.ask("GET", "/v1/filings/TSTC00000000001")[1]["entry_number"]
    assert "a person at CBP decides; the version before stays in force until then\n" in early.stdout
    assert f"gateway filing {entry}" in early.stdout
    assert "decision" in early.stderr
    with ThreadPoolExecutor(1) as aside:
        told = aside.submit(world.run, "amend", "TSTC00000000002", "street.json", *known, "--json")
        world.until("the request is known", lambda: state_of(world, "TSTC00000000002")[0] == "requested")
        assert not told.done()
        world.control_post("/clock", {"advance": 3600})
        done = told.result(60)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {(one["kind"], one["state"]) for one in document["settled"]} == {
        ("manifest", "accepted"),
        ("entry", "accepted"),
    }
    assert document["timed_out"] is False


def test_a_type_11_entry_gets_its_replacement_and_no_more(world: World) -> None:
    """One bill and one SE R, which becomes a request for a matched entry and is granted."""
    filed(world, informal(1), informal(2))
    done = world.run("amend", "TSTC00000000001", "street.json", "--reason-code", "03", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert sorted(one["says"] for one in document["shown"]["messages"]) == ["309 type Y", "SE action R"]
    entry = document["shown"]["shipments"][0]["entry_number"]
    assert sent(world, entry) == ["SE", "SE"]
    world.until("the request is known", lambda: state_of(world, entry)[0] == "requested")
    assert world.board(TRIP)["decision"] == "go"
    world.control_post("/clock", {"advance": 3600})
    world.until("CBP has replaced it", lambda: state_of(world, entry) == ("accepted", 2, 2))


@pytest.mark.parametrize(
    ("marker", "ends", "states"), [("", "cancelled", "cancelled"), ("NOCHANGE", "accepted", "released")]
)
def test_cancelling_after_release_is_a_request_followed_to_its_end(
    world: World, marker: str, ends: str, states: str
) -> None:
    """SE D on a released entry: SX 04, requested; then granted by SO 23, or refused by SO 87 with its reason."""
    one = marked(informal(1), marker) if marker else informal(1)
    filed(world, one, informal(2))
    scn = str(one["shipment_control_number"])
    world.control_post(f"/trips/{TRIP}/arrive")
    world.until("it is released", lambda: world.board(TRIP)["states"].get("released") == 2)
    entry = world.ask("GET", f"/v1/filings/{scn}")[1]["entry_number"]
    shown = world.run("cancel", scn, "--reason", "Sent twice", "--reason-code", "01", "--json")
    assert [one["expected"] for one in json.loads(shown.stdout)["shown"]["expected"]] == ["request"]
    done = world.run("cancel", scn, "--reason", "Sent twice", "--reason-code", "01", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert [one["state"] for one in json.loads(done.stdout)["settled"]] == ["requested"]
    assert state_of(world, entry) == ("requested", 2, 1)
    assert world.ask("POST", f"/v1/filings/{scn}/cancellation", {"reason": "Again", "reason_code": "01"})[0] == 409
    world.control_post("/clock", {"advance": 3600})
    world.until("CBP has decided", lambda: state_of(world, entry)[0] == ends)
    versions = world.ask("GET", f"/v1/filings/{entry}/versions")[1]["items"]
    board = world.board(TRIP)
    assert board["states"].get(states, 0) >= 1
    if marker:
        assert (versions[1]["state"], versions[1]["outcome"]["code"], versions[0]["in_force"]) == (
            "refused",
            "87",
            True,
        )
        assert "Other" in versions[1]["outcome"]["text"]
        assert any("version 1 is in force" in one["text"] for one in board["changes"])
        assert "change_refused" in {one["kind"] for one in board["alerts"]}
    else:
        assert (versions[1]["state"], versions[1]["action"]) == ("accepted", "D")
        assert board["states"] == {"cancelled": 1, "released": 1}
