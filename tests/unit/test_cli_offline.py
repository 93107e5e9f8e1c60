"""Do explain, render and inspect say what would be filed, without a network, and go on past bad rows?"""

from __future__ import annotations

import json
import stat
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.explain import Explained
from gateway.cli.inspect import inspection_of
from gateway.cli.reading import EASTERN, read_arrival
from gateway.demo.shipments import make_shipments, make_trip
from mappings.handoff import check_xml
from mappings.rulebook import RuleBook
from schemas.catair import read_batches
from schemas.errors import ShipmentError
from schemas.x12 import read_interchange
from tests import samples

ARRIVAL = datetime(2025, 3, 10, tzinfo=EASTERN).date()
COUNT = 120


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)


@pytest.fixture
def truckload(tmp_path: Path) -> tuple[Path, Path]:
    """A trip file and an NDJSON file of made-up shipments, the third of which is bad."""
    rows: list[dict[str, Any]] = list(make_shipments(ARRIVAL, COUNT, 3))
    rows[2]["consignee"]["address"]["region"] = None
    trip, shipments = tmp_path / "trip.json", tmp_path / "shipments.ndjson"
    trip.write_text(json.dumps(make_trip(ARRIVAL, 3)), "utf-8")
    shipments.write_text("\n".join(json.dumps(row) for row in rows) + "\nnot json\n", "utf-8")
    return trip, shipments


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """The exit status and the one document of a command."""
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_explain_names_pathway_rules_citations_and_reasons(
    truckload: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every good shipment is explained in order; bad rows are listed with their line and make the status 1."""
    status, document = run_json(capsys, "explain", str(truckload[1]), "--arrival", "2025-03-10")
    assert status == 1
    explained = document["shipments"]
    assert len(explained) == COUNT - 1
    assert sum(document["pathways"].values()) == COUNT - 1
    for one in explained:
        assert one["pathway"] in {"section321", "type86", "informal", "formal", "review"}
        assert one["rules"]
        assert one["citations"]
        assert one["reasons"]
    assert [(row["line"], row["shipment_id"] is None) for row in document["errors"]] == [(3, False), (COUNT + 1, True)]


def test_explain_follows_the_law_of_the_day(truckload: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """The same shipments have Section 321 in March 2025 and not in November 2026."""
    _, before = run_json(capsys, "explain", str(truckload[1]), "--arrival", "2025-03-10")
    _, after = run_json(capsys, "explain", str(truckload[1]), "--arrival", "2026-11-23T10:00:00-05:00")
    assert before["pathways"]["section321"] > 0
    assert "section321" not in after["pathways"]
    assert "type86" not in after["pathways"]
    assert after["pathways"]["informal"] > before["pathways"]["informal"]


def test_explain_for_people_has_the_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table shows shipment, pathway and why; a file of good rows gives status 0."""
    file = tmp_path / "one.json"
    file.write_text(json.dumps([samples.shipment()]), "utf-8")
    assert main(["explain", str(file), "--arrival", "2025-03-10"]) == 0
    shown = capsys.readouterr().out
    assert "T-0001" in shown
    assert "section321" in shown
    assert "allow-section321" in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23", datetime(2026, 11, 23, 16, 30, tzinfo=EASTERN)),
        ("2026-11-23T00:30:00-08:00", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("2026-11-23T16:30", datetime(2026, 11, 23, 16, 30, tzinfo=EASTERN)),
        (None, datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_arrival_is_a_day_or_an_instant(text: str | None, expected: datetime) -> None:
    """A bare day is the usual hour of arrival; what has no offset is Eastern time; nothing given is the default."""
    assert read_arrival(text, datetime(2020, 1, 1, tzinfo=UTC)) == expected


@pytest.mark.parametrize(
    "text",
    ["tomorrow", "20250829", "2025-W35-5", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-05:00", "2025-08-29T"],
)
def test_arrival_that_is_no_time_is_refused(text: str) -> None:
    """Another text, another way to write a day, or a year that nobody means is an error that says how to write it."""
    with pytest.raises(ShipmentError) as refused:
        read_arrival(text, datetime(2020, 1, 1, tzinfo=UTC))
    assert refused.value.problems[0].code == "not_an_instant"


def test_file_of_another_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file whose name does not say what it is gives one error document."""
    file = tmp_path / "shipments.xls"
    file.write_bytes(b"x")
    status, document = run_json(capsys, "explain", str(file))
    assert (status, [one["code"] for one in document["errors"]]) == (1, ["unknown_file_type"])


def test_id_that_comes_twice_is_bad_the_second_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first of two rows with one shipment id is taken, the second refused."""
    file = tmp_path / "two.json"
    file.write_text(json.dumps([samples.shipment(), samples.shipment(order_id="O-2")]), "utf-8")
    status, document = run_json(capsys, "explain", str(file), "--arrival", "2025-03-10")
    assert (status, len(document["shipments"])) == (1, 1)
    assert document["errors"][0]["errors"][0]["code"] == "shipment_twice"


def test_render_writes_the_messages_and_they_read_back(
    truckload: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Manifest, entries and handoff packages read back without errors; every shipment is in one list or another."""
    out = tmp_path / "out"
    status, document = run_json(capsys, "render", str(truckload[0]), str(truckload[1]), "--out", str(out))
    assert status == 1  # because of the bad row
    by_type: dict[str, list[dict[str, Any]]] = {}
    for file in document["files"]:
        by_type.setdefault(file["type"], []).append(file)
        assert (out / file["file"]).stat().st_size == file["bytes"]
        assert stat.S_IMODE((out / file["file"]).stat().st_mode) == 0o600
    manifest = read_interchange((out / by_type["309"][0]["file"]).read_bytes())
    assert (manifest.set_id, manifest.errors) == ("309", ())
    batches = read_batches((out / by_type["SE"][0]["file"]).read_bytes())
    assert [one for one in batches.problems if one.severity == "error"] == []
    assert sum(len(batch.transactions) for batch in batches.batches) == by_type["SE"][0]["shipments"]
    with zipfile.ZipFile(out / by_type["handoff"][0]["file"]) as package:
        assert check_xml(package.read("handoff.xml")) == ()
    carried = set(by_type["309"][0]["shipment_ids"])
    listed = carried | set(document["review"]) | {str(row["shipment_id"]) for row in document["errors"]}
    assert len(listed - {"None"}) == COUNT
    assert json.loads((out / "index.json").read_bytes())["files"] == document["files"]


def test_render_again_replaces_and_never_mixes(
    truckload: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rendering is replaced by the next one in the same folder; a folder with anything else in it is refused."""
    out = tmp_path / "out"
    command = ("render", str(truckload[0]), str(truckload[1]), "--out", str(out))
    _, first = run_json(capsys, *command)
    _, second = run_json(capsys, *command)
    assert {file["file"] for file in second["files"]} == {file["file"] for file in first["files"]}
    (out / "precious.txt").write_text("mine", "utf-8")
    status, refused = run_json(capsys, *command)
    assert (status, refused["errors"][0]["code"]) == (1, "folder_not_empty")
    assert (out / "precious.txt").read_text("utf-8") == "mine"


def test_inspect_shows_what_render_wrote(
    truckload: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rendered 309 and SE batch are inspected without errors, with names and values."""
    out = tmp_path / "out"
    run_json(capsys, "render", str(truckload[0]), str(truckload[1]), "--out", str(out))
    status, document = run_json(capsys, "inspect", str(next(out.glob("309-*"))))
    assert (status, document["format"], document["messages"][0]["type"]) == (0, "x12", "309")
    assert any(one["segment"] == "M10" for one in document["messages"][0]["segments"])
    status, document = run_json(capsys, "inspect", str(next(out.glob("SE-*"))))
    assert (status, document["format"], document["messages"][0]["type"]) == (0, "catair", "SE")
    assert "SANDBX" not in json.dumps(document)
    assert main(["inspect", str(next(out.glob("309-*")))]) == 0
    assert "no format errors" in capsys.readouterr().out


def test_inspect_points_at_the_fault(
    truckload: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged record is told with code, position and path; people get a caret under the column; the status is 1."""
    out = tmp_path / "out"
    run_json(capsys, "render", str(truckload[0]), str(truckload[1]), "--out", str(out))
    damaged = tmp_path / "damaged.txt"
    good = next(out.glob("SE-*")).read_text("ascii")
    damaged.write_text(good.replace("SE10A", "SE10Q", 1), "ascii")
    status, document = run_json(capsys, "inspect", str(damaged))
    assert status == 1
    first = document["errors"][0]
    assert (first["code"], first["position"]) == ("unknown_action", "record 3, column 5")
    assert main(["inspect", str(damaged)]) == 1
    lines = capsys.readouterr().out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.lstrip().startswith("SE10Q"))
    assert lines[place + 1].index("^") - lines[place].index("SE10Q") == 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff" * 300,
        b"ISA",
        b"ISA*00*",
        b"\xef\xbb\xbfISA" + b"*" * 200,
        b"A",
        b"\n\n\n",
        b"ISA*00*          *00*          *02*SFIC           *ZZ*CBP            *250310*1200*^*00502*000000001*0*T*>~",
        "Ä".encode() * 100,
    ],
)
def test_inspect_answers_any_bytes(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Empty, binary and truncated files give errors in the promised shape, for people too, never an exception."""
    document = inspection_of(data)
    assert document["format"] in {"x12", "catair"}
    assert document["errors"]
    assert all({"code", "position", "path", "text"} <= set(one) for one in document["errors"])
    file = tmp_path / "bytes"
    file.write_bytes(data)
    assert main(["inspect", str(file)]) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("data", [b"", b"shipment_id,order_id\n1,2\n", b'{"trip_number": "T"}', b"PK\x03\x04"])
def test_a_file_of_another_kind_is_one_error(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What begins like neither X12 nor CATAIR is told once, in the usual shape, and not once for each line."""
    file = tmp_path / "anything"
    file.write_bytes(data)
    status, document = run_json(capsys, "inspect", str(file))
    assert (status, document["format"], document["messages"], document["warnings"]) == (1, "catair", [], [])
    assert [one["code"] for one in document["errors"]] == ["not_recognised"]
    assert set(document["errors"][0]) == {"code", "kind", "position", "path", "text", "remedy", "reference"}


def test_explain_counts_warnings_by_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After the pathways stands how many shipments have each warning."""
    file = tmp_path / "food.json"
    line = samples.shipment()["lines"][0] | {"hts": "1905905030"}
    food = [samples.shipment(shipment_id=f"T-{n}", order_id=f"O-{n}", lines=[line]) for n in range(3)]
    file.write_text(json.dumps(food), "utf-8")
    main(["explain", str(file), "--arrival", "2025-03-10"])
    lines = capsys.readouterr().out.splitlines()
    after = lines[lines.index("Warnings") :]
    assert any(line.split()[:2] == ["agency_claim_expected", "3"] for line in after)


def test_explain_streams_in_memory_that_hardly_grows(tmp_path: Path) -> None:
    """Two thousand shipments more cost less than 3 kB each: what is kept is who was sent what, not the shipments."""
    rules, peaks = RuleBook.load(), []
    for count in (500, 2500):
        file = tmp_path / f"{count}.ndjson"
        file.write_text("\n".join(json.dumps(row) for row in make_shipments(ARRIVAL, count, 1)), "utf-8")
        explained = Explained(file, datetime(2025, 3, 10, 16, 30, tzinfo=EASTERN), rules, None)
        tracemalloc.start()
        assert sum(1 for _ in explained.run(lambda _: None)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] - peaks[0] < 2000 * 3000
