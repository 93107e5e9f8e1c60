"""Does a truckload go through from end to end, as separate processes, under the law of its day, and survive a crash?"""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.shipments import make_shipments, make_trip
from gateway.demo.story import ENDS, account

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: nothing of this machine's configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SANDBOX_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **more}


def gateway(*arguments: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(**more),
        timeout=PATIENCE,
        check=False,
    )


def demo(folder: Path, *arguments: str) -> dict[str, Any]:
    """The one document of a demonstration."""
    done = gateway("demo", "--json", *arguments, folder=folder)
    assert done.returncode == 0, done.stderr + done.stdout
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="module")
def march(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """A truckload of March 2025, everything kept."""
    folder = tmp_path_factory.mktemp("march")
    return demo(
        folder, "--arrival", "2025-03-10", "--shipments", "500", "--seed", "7", "--data", "kept"
    ), folder / "kept"


def test_before_the_suspension_all_pathways_are_used(march: tuple[dict[str, Any], Path]) -> None:
    """In March 2025 there are Section 321, type 86, informal and formal shipments, and releases."""
    document, _ = march
    assert document["arrival"] == "2025-03-10"
    assert all(document["pathways"][name] > 0 for name in ("section321", "type86", "informal", "formal"))
    assert document["released"] > 0
    assert document["handoffs"] == document["pathways"]["formal"]
    assert document["events"] > document["shipments"]


def test_every_shipment_is_accounted_for(march: tuple[dict[str, Any], Path]) -> None:
    """Each shipment ends under exactly one heading, and none of them is still waiting."""
    document, _ = march
    ends = ("released", "held", "rejected", "handed_off", "in_review", "refused")
    assert sum(document["accounted"][name] for name in ends) == document["shipments"] == 500
    assert document["complete"] is True
    assert sum(document["pathways"].values()) == 500
    assert document["manifest"]["pending"] == document["entries"]["pending"] == 0
    assert document["manifest"]["accepted"] + document["manifest"]["rejected"] == 500 - document["in_review"]
    assert document["manifest"]["rejected"] > 0  # the truckload carries rejection markers


def test_the_archive_is_verified_and_kept(march: tuple[dict[str, Any], Path]) -> None:
    """The archive verifies in the run; the embedded database stays in the folder, for its owner alone."""
    document, folder = march
    assert document["archive"]["verified"] is True
    assert document["archive"]["entries"] > 10
    assert stat.S_IMODE((folder / "gateway.db").stat().st_mode) == 0o600
    with sqlite3.connect(f"file:{folder / 'gateway.db'}?mode=ro", uri=True) as database:
        kept = database.execute("select count(*) from archive_entries").fetchone()[0]
        assert database.execute("pragma integrity_check").fetchone()[0] == "ok"
    database.close()
    assert kept == document["archive"]["entries"]


def test_no_secret_is_written_to_the_logs(march: tuple[dict[str, Any], Path]) -> None:
    """Neither an API key nor a private key nor the communication password stands in any log."""
    _, folder = march
    logs = "".join(log.read_text("utf-8") for log in (folder / "gateway.log", folder / "sandbox" / "sandbox.log"))
    assert "cfg_" not in logs
    assert "PRIVATE KEY" not in logs
    assert "SANDBX" not in logs


def test_memory_stays_within_bounds(march: tuple[dict[str, Any], Path]) -> None:
    """Neither process holds anywhere near 400 MB for 500 shipments."""
    document, _ = march
    assert all(size is None or 0 < size < 400 for size in document["memory_mb"].values())


def test_the_same_demonstration_again_files_nothing_twice(march: tuple[dict[str, Any], Path]) -> None:
    """Run again in its folder, the demonstration finds everything as it was left."""
    before, folder = march
    again = demo(folder.parent, "--arrival", "2025-03-10", "--shipments", "500", "--seed", "7", "--data", "kept")
    assert again["entries"] == before["entries"]
    assert again["manifest"] == before["manifest"]
    with sqlite3.connect(f"file:{folder / 'gateway.db'}?mode=ro", uri=True) as database:
        sent = database.execute("select count(*) from transmissions where direction = 'out'").fetchone()[0]
        numbers = database.execute("select count(distinct control_number) from transmissions where direction = 'out'")
        assert numbers.fetchone()[0] == sent
    database.close()


def test_the_same_truckload_goes_by_sftp(tmp_path: Path) -> None:
    """Another road, the same end: everything answered and released, nothing left in the folders."""
    folder = tmp_path / "sftp"
    by_sftp = demo(
        tmp_path, "--arrival", "2025-03-10", "--shipments", "60", "--transport", "sftp", "--data", str(folder)
    )
    by_as2 = demo(tmp_path, "--arrival", "2025-03-10", "--shipments", "60")
    assert (by_sftp["transport"], by_as2["transport"]) == ("sftp", "as2")
    for part in ("accounted", "manifest", "entries", "handoffs"):
        assert by_sftp[part] == by_as2[part]
    assert by_sftp["archive"]["verified"]
    left = [path.name for path in (folder / "sandbox" / "sftp" / "gateway").rglob("*") if path.is_file()]
    assert left
    assert all((folder / "sandbox" / "sftp" / "gateway" / "out" / "done" / name).exists() for name in left)


def test_a_road_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    """Told with the roads there are; without a simulated CBP there is nothing to choose."""
    wrong = (
        (("demo", "--transport", "fax"), "as2, sftp"),
        (("serve", "--transport", "sftp"), "--with-sandbox"),
        (("serve", "--sandbox-port", "0"), "--with-sandbox"),
        (("serve", "--with-sandbox", "--sandbox-sftp-port", "0"), "--transport sftp"),
    )
    for arguments, says in wrong:
        done = gateway(*arguments, folder=tmp_path)
        assert done.returncode == 2
        assert says in " ".join(done.stderr.replace("│", " ").split())


def test_the_simulated_cbp_beside_the_service_listens_where_it_is_told(tmp_path: Path) -> None:
    """Its AS2, console and SFTP ports are those of the options, and the partner is found there."""
    as2, control, sftp = free_ports(3)
    ports = ["--sandbox-port", str(as2), "--sandbox-control-port", str(control), "--sandbox-sftp-port", str(sftp)]
    command = [sys.executable, "-m", "gateway.cli", "serve", "--with-sandbox", "--transport", "sftp", "--port", "0"]
    with (tmp_path / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [*command, *ports, "--json"], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n") or text.count("{") != text.count("}"):
            line = process.stdout.readline()
            assert line, (tmp_path / "serve.log").read_text()
            text += line
        told = json.loads(text)["sandbox"]
        assert told["as2_url"].startswith(f"http://127.0.0.1:{as2}/")
        assert told["sftp_port"] == sftp
        with urllib.request.urlopen(f"http://127.0.0.1:{control}/sandbox/healthz", timeout=10) as answer:
            assert answer.status == 200
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize("named", [False, True])
def test_a_data_directory_has_a_simulated_cbp_of_its_own(tmp_path: Path, named: bool) -> None:
    """With --data its books and certificates are in there, unless the settings name a place for certificates."""
    listen, as2, control = free_ports(3)
    folder, named_place = tmp_path / "x" / "one", tmp_path / "elsewhere"
    command = [sys.executable, "-m", "gateway.cli", "serve", "--with-sandbox", "--json", "--data", str(folder)]
    ports = ["--port", str(listen), "--sandbox-port", str(as2), "--sandbox-control-port", str(control)]
    more = {"GATEWAY_EXCHANGE__DIRECTORY": str(named_place)} if named else {}
    with (tmp_path / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [*command, *ports], cwd=tmp_path, env=environment() | more, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n") or text.count("{") != text.count("}"):
            line = process.stdout.readline()
            assert line, (tmp_path / "serve.log").read_text()
            text += line
        told = json.loads(text)["sandbox"]
        certificates = named_place if named else folder / "exchange"
        assert (told["data"], told["certificates"]) == (str(folder / "sandbox"), str(certificates))
        assert (certificates / "sandbox.pem").is_file()
        assert any((folder / "sandbox").iterdir())
        assert not (tmp_path / "x" / "sandbox").exists()
        assert not (tmp_path / "var").exists()
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize(
    ("arguments", "first", "last"),
    [
        (("serve", "--with-sandbox", "--port", "0"), "starting", "listening on http://127.0.0.1:"),
        (("sandbox", "--port", "0", "--control-port", "0"), "", "its books are in "),
    ],
)
def test_a_service_whose_output_is_a_file_says_there_where_it_is(
    tmp_path: Path, arguments: tuple[str, ...], first: str, last: str
) -> None:
    """Where it listens stands in the file while it runs; standard error has a first word before anything is opened."""
    told, log = tmp_path / "told.txt", tmp_path / "log.txt"
    with told.open("w") as out, log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", *arguments],
            cwd=tmp_path,
            env=environment(),
            stdout=out,
            stderr=errors,
        )
    try:
        end = time.monotonic() + PATIENCE
        while last not in told.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, told.read_text() + log.read_text()
            time.sleep(0.05)
        assert "simulated CBP: http://127.0.0.1:" in told.read_text()
        assert log.read_text().startswith(first)
        assert last not in log.read_text()
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_port_of_the_simulated_cbp_that_is_taken_is_told(tmp_path: Path) -> None:
    """With the address, and the option by which another is chosen."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = gateway("serve", "--with-sandbox", "--port", "0", "--sandbox-control-port", port, folder=tmp_path)
    assert done.returncode == 1
    shown = " ".join(done.stderr.split())
    assert "cannot_listen" in shown
    assert "--sandbox-control-port" in shown


def test_after_the_suspension_the_exemption_is_gone(tmp_path: Path) -> None:
    """In November 2026 nothing rides under Section 321 or type 86, and there are releases all the same."""
    document = demo(tmp_path, "--arrival", "2026-11-23", "--shipments", "200")
    assert document["pathways"]["section321"] == document["pathways"]["type86"] == 0
    assert document["pathways"]["informal"] > 0
    assert document["pathways"]["formal"] > 0
    assert document["released"] > 0
    assert document["complete"] is True
    assert document["archive"]["verified"] is True


def test_for_people_it_ends_with_the_board(tmp_path: Path) -> None:
    """Without ``--json`` the board comes: trip, counts, reasons, where to look next; progress is on standard error."""
    done = gateway("demo", "--shipments", "40", "--arrival", "2025-03-10", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    for shown in (
        "SFIC2503100001",
        "section321",
        "released",
        "Some of the shipments",
        "Where to look next",
        "verified",
    ):
        assert shown in done.stdout
    assert "40/40" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def cutover(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """A truck that is on its way when the exemption ends, everything kept."""
    folder = tmp_path_factory.mktemp("cutover")
    return demo(folder, "--scenario", "cutover", "--shipments", "60", "--seed", "5", "--data", "kept"), folder


def test_a_law_that_changes_on_the_way_blocks_the_trip_and_is_mended(cutover: tuple[dict[str, Any], Path]) -> None:
    """Blocked by name with an offer for each parcel, filed anew by one command, accepted, and all of it released."""
    document, _ = cutover
    lapsed, refiled = document["lapsed"], document["refiled"]
    assert (lapsed["state"], lapsed["decision"]) == ("blocked", "no_go")
    assert lapsed["at"] >= "2025-08-29T04:01"
    assert lapsed["from"]["section321"] > 0
    assert lapsed["from"]["type86"] > 0
    assert lapsed["offered"] == {"informal": lapsed["shipments"]}
    assert lapsed["rules"]
    assert all(one["shipment_control_number"] and one["entry_type"] == "11" for one in lapsed["named"])
    assert refiled["bills"] == {"replace": lapsed["from"]["section321"], "add": 0, "delete": 0}
    assert refiled["entries"] == {"cancelled": lapsed["from"]["type86"], "filed": lapsed["shipments"]}
    assert (refiled["state"], refiled["decision"], refiled["off_the_truck"]) == ("clear", "go", [])
    assert document["pathways"]["informal"] == document["released"] == document["shipments"] == 60
    assert document["entries"] == {"accepted": 60, "rejected": 0, "pending": 0}
    assert document["archive"]["verified"] is True
    assert document["complete"] is True


def test_the_cutover_again_files_nothing_twice(cutover: tuple[dict[str, Any], Path]) -> None:
    """Run again in its folder, the truck has arrived: nothing lapses, nothing is sent."""
    before, folder = cutover
    again = demo(folder, "--scenario", "cutover", "--shipments", "60", "--seed", "5", "--data", "kept")
    assert (again["lapsed"], again["refiled"]) == (None, None)
    assert again["released"] == before["released"]
    assert again["archive"]["verified"] is True


def test_the_cutover_is_told_to_people(tmp_path: Path) -> None:
    """The boards before, at and after the minute, the rule, the offer and the command that mends it."""
    done = gateway("demo", "--scenario", "cutover", "--shipments", "10", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    for shown in (
        "On the evening before",
        "NO-GO",
        "No longer lawful as section321",
        "deny-all-countries-eo14324",
        "gateway refile SFIC2508280001",
        "its bill is replaced on the manifest",
        "of type 86 is cancelled",
        "Filed anew and accepted",
        "10 released",
    ):
        assert shown in done.stdout
    wrong = gateway("demo", "--scenario", "cutover", "--arrival", "2025-03-10", folder=tmp_path)
    assert wrong.returncode == 2
    assert gateway("demo", "--scenario", "nonsense", folder=tmp_path).returncode == 2


def test_headings_hold_every_state() -> None:
    """Every state of the lifecycle stands under one heading; an unknown one is an error, not a lost shipment."""
    from filings.lifecycle import ShipmentState

    listed = [state for members in ENDS.values() for state in members]
    assert sorted(listed) == sorted(state.value for state in ShipmentState)
    with pytest.raises(ValueError, match="heading"):
        account({"lost": 1}, 0)


# ---------------------------------------------------------------------------------- separate processes


class Processes:
    """A gateway and a simulated CBP as processes of their own, on loopback, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.as2_port, self.control_port = free_ports(3)
        self.url = f"http://127.0.0.1:{self.port}"
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.env = {
            "GATEWAY_LISTEN__PORT": str(self.port),
            "GATEWAY_PARTNERS__CBP__URL": f"http://127.0.0.1:{self.as2_port}/as2",
            "GATEWAY_URL": self.url,
        }

    def start_gateway(self) -> None:
        """Start ``gateway serve`` and wait until it says where it listens."""
        self._start("gateway", "serve", "--json")

    def start_sandbox(self) -> None:
        """Start ``gateway sandbox`` on its ports and wait until it is ready."""
        ports = ("--port", str(self.as2_port), "--control-port", str(self.control_port))
        more = ("--gateway-url", f"{self.url}/as2", "--clock", "2025-03-10T12:00:00-04:00")
        self._start("sandbox", "sandbox", "--json", *ports, *more)

    def _start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.folder,
                env=environment(**self.env),
            )
        self.running[name] = process
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.strip() == "{", (self.folder / f"{name}.log").read_text()

    def kill(self, name: str) -> None:
        """SIGKILL: nothing is tidied up."""
        process = self.running.pop(name)
        process.kill()
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()

    def stop(self, name: str) -> int:
        """SIGTERM; the exit status."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(timeout=30)
        finally:
            process.kill()
            assert process.stdout is not None
            process.stdout.close()

    def sandbox_state(self) -> dict[str, Any]:
        """``GET /sandbox/state``."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.control_port}/sandbox/state", timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
        return state

    def submit(self, *more: str) -> dict[str, Any]:
        """``gateway submit --file --json``."""
        done = gateway(
            "submit", "trip.json", "shipments.ndjson", "--file", "--json", *more, folder=self.folder, **self.env
        )
        assert done.returncode in {0, 1}, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        assert "errors" not in document, document
        return document


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(door.getsockname()[1]) for door in doors]
    for door in doors:
        door.close()
    return ports


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Both processes' folder with a truckload in it; whatever still runs at the end is killed."""
    day = date(2025, 3, 10)
    (tmp_path / "trip.json").write_text(json.dumps(make_trip(day, 5)), "utf-8")
    rows = [json.dumps(row) for row in make_shipments(day, 300, 5)]
    (tmp_path / "shipments.ndjson").write_text("\n".join(rows), "utf-8")
    made = Processes(tmp_path)
    try:
        yield made
    finally:
        for name in list(made.running):
            made.kill(name)


def test_killing_the_simulated_cbp_loses_nothing_and_files_nothing_twice(processes: Processes) -> None:
    """SIGKILL after the first file, a restart, the same command again: every declaration is filed once and answered."""
    processes.start_sandbox()
    processes.start_gateway()
    processes.submit("--no-wait")
    end = time.monotonic() + PATIENCE
    while not processes.sandbox_state()["files"]["received"]:
        assert time.monotonic() < end
    processes.kill("sandbox")
    processes.start_sandbox()
    document = processes.submit()
    assert document["filing"]["already_requested"] is True
    assert document["timed_out"] is False
    board = document["board"]
    assert board["manifest"]["pending"] == board["entries"]["pending"] == 0
    state = processes.sandbox_state()
    assert sum(state["manifests"][0]["shipments"].values()) == board["manifest"]["accepted"]
    assert len(state["manifests"]) == 1
    assert sum(state["entries"].values()) == board["entries"]["accepted"]
    assert processes.stop("gateway") == 0
    assert processes.stop("sandbox") == 0


def test_killing_the_gateway_loses_nothing_and_files_nothing_twice(processes: Processes) -> None:
    """SIGKILL right after the filing was taken on, a restart, and the same command again: as if nothing had been."""
    processes.start_sandbox()
    processes.start_gateway()
    processes.submit("--no-wait")
    processes.kill("gateway")
    processes.start_gateway()
    board = processes.submit()["board"]
    assert board["manifest"]["pending"] == board["entries"]["pending"] == 0
    state = processes.sandbox_state()
    assert sum(state["manifests"][0]["shipments"].values()) == board["manifest"]["accepted"]
    assert sum(state["entries"].values()) == board["entries"]["accepted"]
    shown = gateway("trip", board["trip_number"], "--json", folder=processes.folder, **processes.env)
    assert json.loads(shown.stdout)["states"] == board["states"]


def test_bad_rows_are_told_and_the_others_staged(processes: Processes) -> None:
    """Unreadable, invalid and conflicting rows are listed with their line; the rest is staged; the status is 1."""
    rows = list(make_shipments(date(2025, 3, 10), 40, 5))
    rows[3]["shipment_control_number"] = rows[0]["shipment_control_number"]
    rows[5]["lines"][0]["hts"] = "12"
    rows[6] = rows[1] | {"order_id": "another"}
    text = [json.dumps(row) for row in rows] + ["{not json"]
    (processes.folder / "shipments.ndjson").write_text("\n".join(text), "utf-8")
    processes.start_gateway()
    done = gateway("submit", "trip.json", "shipments.ndjson", "--json", folder=processes.folder, **processes.env)
    document = json.loads(done.stdout)
    assert done.returncode == 1
    refused = {row["line"]: [error["code"] for error in row["errors"]] for row in document["refused"]}
    assert set(refused) == {4, 6, 7, 41}
    assert refused[4] == ["scn_already_used"]
    assert refused[7] == ["shipment_twice"]
    assert refused[41] == ["unreadable_json"]
    assert document["staged"] == 37
    again = gateway("submit", "trip.json", "shipments.ndjson", "--json", folder=processes.folder, **processes.env)
    assert json.loads(again.stdout)["staged"] == 37
    nothing = gateway("filing", "nothing-like-it", "--json", folder=processes.folder, **processes.env)
    assert (nothing.returncode, json.loads(nothing.stdout)["errors"][0]["code"]) == (1, "filing_unknown")
    shown = gateway("trip", document["trip"]["trip_number"], folder=processes.folder, **processes.env)
    assert "The trip has not been filed." in shown.stdout
