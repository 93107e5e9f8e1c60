"""Is what a claim says filed record by record, read back the same, and found again when CBP complains?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.output import Output
from gateway.cli.render import _show_notes
from mappings.decision import Disclaimer
from mappings.entry import EntryMessage, build_entry, check_entry
from mappings.outcomes_places import Context, SentEntries, catair_path
from schemas.catair import BlockSpec, Record, read_batches, write_batch
from schemas.message_set import message_set_json
from schemas.shipment import Shipment, read_shipment
from tests import mapping_samples as kit

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
EXAMPLE = json.loads((EXAMPLES / "cosmetics.json").read_text("utf-8"))[0]
CREAM = EXAMPLE["lines"][0]["pga"][0]
PRODUCT = {"record": "PG02", "item_type": "P"}
LINES = """\
SE40001FR FACE CREAM 50ML
SE50MF BELLE COSMETIQUE SA
SE551512 RUE DE LYON
SE56PARIS                                       75012          FR
SE6033049950000000000150
OI        FACE CREAM 50ML
PG01001FDACOS
PG02PFDP 53LY-01
PG0639 FR
PG07BELLE
PG10                   FACE CREAM
PG19MF                   BELLE COSMETIQUE SA             12 RUE DE LYON
PG20                                     PARIS                   FR75012
PG19DEQ                  BELLE COSMETIQUE SA             12 RUE DE LYON
PG20                                     PARIS                   FR75012
PG19FD1                  SKIN IMPORTS LLC                1 MAIN ST
PG20                                     DETROIT              MI US48201
PG21FD1ANN IMPORTER           3135550101     ANN@SKINIMPORTS.EXAMPLE
PG19DP                   SKIN IMPORTS LLC                1 MAIN ST
PG20                                     DETROIT              MI US48201
PG25                                                    000000000150
PG261000000001000CT
PG262000000010000PCS
PG30A060420301630
SE40002CA EMPTY COSMETIC JARS
SE50MF MAPLE SAMPLE SHOP LTD
SE551512 EXAMPLE AVE
SE56TORONTO                            ON       M5V 0A1        CA
SE6033049950000000000030
OI        EMPTY COSMETIC JARS
PG01001FDACOS                                                                  A
"""


def shipment(*claims: dict[str, Any], **changes: Any) -> Shipment:
    """The sample shipment with these claims on its line."""
    return kit.shipment(lines=[kit.line(pga=list(claims))], **changes)


def entered(made: Shipment, **decision: Any) -> EntryMessage:
    """Its informal entry."""
    return build_entry(made, kit.decided("informal", **decision), kit.trip(), kit.FILER, kit.ENTRY_NUMBER)


def batch(message: EntryMessage) -> bytes:
    """The bytes that carry the entry."""
    block = BlockSpec(port="0901", filer="XYZ", transactions=[message.records])
    return write_batch("SE", "0901", "XYZ", "SECRET", [block])


def after(message: EntryMessage, layout: str) -> list[Record]:
    """The records from the first of this layout on."""
    first = next(at for at, one in enumerate(message.records) if one.layout == layout)
    return list(message.records[first:])


def test_the_example_is_filed_column_by_column() -> None:
    """Face cream with its message set, empty jars disclaimed: the records of the agency's own example."""
    message = entered(read_shipment(EXAMPLE))
    text = batch(message).decode("ascii")

    assert LINES in "\n".join(row.rstrip() for row in text.splitlines()) + "\n"
    assert [note.kind for note in message.notes if ".pga[" in note.path] == []


def test_an_entry_with_claims_is_read_back() -> None:
    """The batch reads back without a problem, and its agency records are the claim's message set."""
    made = read_shipment(EXAMPLE)
    message = entered(made)
    read = read_batches(batch(message))
    (transaction,) = read.batches[0].transactions

    assert not list(read.problems)
    assert tuple(one.record for one in transaction.records) == message.records
    upper = [{k: v.upper() for k, v in one.items()} for one in made.lines[0].pga[0].message_set]
    again = message_set_json(after(message, "PG02")[: len(upper)])
    assert [set(one) for one in again] == [set(one) for one in upper]
    decimals = [one.pop("quantity") for one in [*again, *upper] if one["record"] == "PG26"]
    assert decimals == ["10.00", "100.00", "10", "100"]
    assert again == upper


def test_pg01_says_all_that_the_claim_says() -> None:
    """Processing code, indicators, product number and intended use stand in their columns."""
    claim = {
        "agency": "FDA",
        "program": "dru",
        "processing": "PRE",
        "product_id": {"qualifier": "GTIN", "number": "00012345678905"},
        "intended_use_code": "980.000",
        "intended_use_description": "Für Tests",
        "confidential": True,
        "image_submitted": True,
        "message_set": [PRODUCT],
    }
    message = entered(shipment(claim))

    assert after(message, "PG01")[0].values == {
        "pga_line_number": 1,
        "government_agency_code": "FDA",
        "government_agency_program_code": "DRU",
        "government_agency_processing_code": "PRE",
        "electronic_image_submitted": "Y",
        "confidential_information_indicator": "Y",
        "globally_unique_product_identification_code_qualifier": "GTIN",
        "globally_unique_product_identification_code": "00012345678905",
        "intended_use_code": "980.000",
        "intended_use_description": "FUR TESTS",
    }
    told = [(note.kind, note.path, note.after) for note in message.notes if ".pga[" in note.path]
    assert told == [("transliterated", "lines[0].pga[0].intended_use_description", "FUR TESTS")]


def test_claims_of_one_agency_stand_together() -> None:
    """PG01s are numbered anew for each agency; each has its own message set behind it."""
    claims: list[dict[str, Any]] = [
        {"agency": "FDA", "program": "COS", "message_set": [PRODUCT, {"record": "PG07", "model": "ONE"}]},
        {"agency": "EPA", "program": "TS1", "disclaimer": "A"},
        {"agency": "FDA", "program": "DRU", "message_set": [PRODUCT, {"record": "PG07", "model": "TWO"}]},
    ]
    message = entered(shipment(*claims))
    told = [(one.layout, one.get("pga_line_number") or one.get("model")) for one in after(message, "OI")]

    assert told == [
        ("OI", None), ("PG01", 1), ("PG02", None), ("PG07", "ONE"),
        ("PG01", 2), ("PG02", None), ("PG07", "TWO"), ("PG01", 1),
    ]  # fmt: skip
    assert not list(read_batches(batch(message)).problems)


def test_a_prior_notice_number_is_filed_once() -> None:
    """It becomes a PG14 of the product, with a note of what is unsure; a message set that says it stays as it is."""
    food = {"agency": "FDA", "program": "FOO", "prior_notice_confirmation": "123456789012"}
    added = entered(shipment({**food, "message_set": [PRODUCT, {"record": "PG07", "model": "X"}]}))
    own = entered(
        shipment({**food, "message_set": [PRODUCT, {"record": "PG14", "lpco_number": "123456789012"}]}),
    )

    assert [one.layout for one in after(added, "PG02")] == ["PG02", "PG14", "PG07"]
    assert after(added, "PG14")[0].values == {"lpco_number": "123456789012"}
    assert [(note.kind, note.path) for note in added.notes if ".pga[" in note.path] == [
        ("unconfirmed", "lines[0].pga[0].prior_notice_confirmation")
    ]
    assert [one.layout for one in after(own, "PG02")] == ["PG02", "PG14"]
    assert [note for note in own.notes if ".pga[" in note.path] == []
    assert not list(read_batches(batch(added)).problems)


def test_a_disclaimed_claim_has_no_place_for_a_prior_notice() -> None:
    """What is left out is noted."""
    claim = {"agency": "FDA", "program": "FOO", "disclaimer": "A", "prior_notice_confirmation": "123456789012"}
    message = entered(shipment(claim))

    assert [one.layout for one in after(message, "OI")] == ["OI", "PG01"]
    assert ("left_out", "lines[0].pga[0].prior_notice_confirmation", "123456789012") in [
        (note.kind, note.path, note.before) for note in message.notes
    ]


def test_a_waiver_does_not_replace_data_that_were_given() -> None:
    """The disclaimer of a waiver is for a claim without a message set."""
    waived = (Disclaimer(1, "lines[0].pga[0]", "FDA", "COS", "B", "sample.waiver"),)
    bare = {"agency": "FDA", "program": "COS"}

    assert after(entered(shipment(bare), disclaimers=waived), "PG01")[0].text("disclaimer") == "B"
    full = entered(shipment({**bare, "message_set": [PRODUCT]}), disclaimers=waived)
    assert [one.layout for one in after(full, "PG01")] == ["PG01", "PG02"]
    assert after(full, "PG01")[0].text("disclaimer") == ""


@pytest.mark.parametrize(
    ("claim", "path", "code"),
    [
        ({"agency": "FDA", "program": "COS"}, "lines[0].pga[0]", "pga_message_set"),
        ({"agency": "FDA", "message_set": [PRODUCT]}, "lines[0].pga[0].program", "missing"),
    ],
)
def test_a_claim_that_cannot_be_filed_stops_its_entry(claim: dict[str, Any], path: str, code: str) -> None:
    """The dry run names the claim, before anything is sent."""
    found = check_entry(shipment(claim), kit.decided("informal"), kit.trip(), kit.FILER)

    assert [(one.path, one.code) for one in found] == [(path, code)]


def test_a_stored_claim_with_a_fault_stops_its_entry() -> None:
    """A shipment that was taken in by other rules is checked again when it is written."""
    made = Shipment.model_validate(
        {
            **EXAMPLE,
            "lines": [{**EXAMPLE["lines"][0], "pga": [{**CREAM, "message_set": [PRODUCT, {"record": "PG20"}]}]}],
        }
    )
    found = check_entry(made, kit.decided("informal"), kit.trip(), kit.FILER)

    assert [(one.path, one.code) for one in found] == [("lines[0].pga[0].message_set[1]", "order_X37")]


def test_a_stored_claim_that_contradicts_itself_stops_its_entry() -> None:
    """Goods that FDA does not regulate are not told to FDA; beside another disclaimer the data are filed."""
    found = {}
    for code in "AB":
        claims = [{"agency": "FDA", "program": "COS", "disclaimer": code, "message_set": [PRODUCT]}]
        lines = [{**EXAMPLE["lines"][0], "pga": claims}]
        made = Shipment.model_validate({**EXAMPLE, "lines": lines})
        told = check_entry(made, kit.decided("informal"), kit.trip(), kit.FILER)
        found[code] = [(one.path, one.code) for one in told]

    assert found == {"A": [("lines[0].pga[0].disclaimer", "disclaimer_with_message_set")], "B": []}


def with_maker(name: str | None, *agency_names: str) -> EntryMessage:
    """The entry of a line with this manufacturer and these manufacturers in its claim."""
    maker = {**EXAMPLE["lines"][0]["manufacturer"], "name": name} if name else None
    makers = [{"record": "PG19", "entity_role_code": "MF", "entity_name": one} for one in agency_names]
    claim = {"agency": "FDA", "program": "COS", "message_set": [PRODUCT, *makers]}
    return entered(kit.shipment(lines=[kit.line(pga=[claim], manufacturer=maker)]))


@pytest.mark.parametrize(
    ("entry", "agency", "differing"),
    [
        (None, ["Belle SA"], [0]),
        ("Belle SA", ["Belle SA"], []),
        ("Bellé SA", ["BELLE SA"], []),
        ("Belle SA", ["Other SA", "Belle SA"], []),
        ("Belle SA", ["Other SA", "Third SA"], [0, 1]),
        ("A name of thirty-three characters", ["A name of thirty-three character"], []),
        (None, [], []),
    ],
)
def test_another_manufacturer_than_that_of_the_entry_is_noted(
    entry: str | None, agency: list[str], differing: list[int]
) -> None:
    """Both names and the path are told; names are compared as they are written, in the columns of a PG19."""
    message = with_maker(entry, *agency)
    header = next(one for one in message.records if one.text("entity_code") == "MF").text("entity_name")
    told = [note for note in message.notes if note.kind == "differs"]

    assert [(one.path, one.before, one.after.upper()) for one in told] == [
        (f"lines[0].pga[0].message_set[{at + 1}].entity_name", agency[at], header) for at in differing
    ]


# ---------------------------------------------------------------- back from CBP


def paths(message: EntryMessage) -> list[str]:
    """The path of every agency record of the entry, as an answer about it would be told."""
    data = batch(message)
    sent = SentEntries(data)
    found = []
    for transaction in read_batches(data).batches[0].transactions:
        for placed in transaction.records:
            layout, context = sent.at(placed.number)
            if layout.startswith("PG"):
                found.append(catair_path(layout, "", context))
    return found


def test_a_complaint_finds_the_field_of_the_claim() -> None:
    """Each agency record of what was sent leads to the object it was written from, and its fields to their keys."""
    message = entered(read_shipment(EXAMPLE))
    claim = "lines[0].pga[0]"

    assert paths(message) == [
        claim,
        *(f"{claim}.message_set[{index}]" for index in range(len(CREAM["message_set"]))),
        "lines[1].pga[0]",
    ]
    known = Context(line="lines[0]", claim=claim, record=f"{claim}.message_set[3]")
    assert catair_path("PG10", "category_code", known) == f"{claim}.message_set[3].category_code"
    assert catair_path("PG01", "government_agency_processing_code", known) == f"{claim}.processing"
    assert catair_path("PG10", "category_code", Context(line="lines[0]", claim=claim)) == f"{claim}.message_set"
    assert catair_path("PG10", "category_code", Context(line="lines[0]")) == "lines[0].pga"
    assert catair_path("PG01", "disclaimer", Context()) == "lines"


def test_a_repeated_line_is_placed_as_far_as_its_places_agree() -> None:
    """A record that stands twice in a claim leads to the claim's message set; the echo of a single one to its own."""
    data = batch(entered(read_shipment(EXAMPLE)))
    sent = SentEntries(data)
    rows = {row[:40]: row for row in data.decode("ascii").splitlines() if row.startswith("PG")}
    found = {}
    for name in ("PG20                                    ", "PG10                   FACE CREAM       "):
        context = sent.echo(kit.ENTRY_NUMBER, rows[name])
        assert context is not None
        found[name[:4]] = catair_path(name[:4], "", context)

    assert found == {"PG20": "lines[0].pga[0].message_set", "PG10": "lines[0].pga[0].message_set[3]"}


@pytest.mark.parametrize(
    ("agencies", "expected"),
    [
        ("FDA", ["pga[0]"]),
        ("FDA FDA", ["pga[0]", "pga[1]"]),
        ("FDA EPA CPS", ["pga[0]", "pga[1]", "pga[2]"]),
        ("FDA EPA EPA", ["pga[0]", "pga[1]", "pga[2]"]),
        ("FDA EPA FDA", ["pga[0]", "pga", "pga"]),
        ("FDA FDA EPA", ["pga[0]", "pga", "pga"]),
    ],
)
def test_the_place_of_a_claim_is_told_only_if_it_is_certain(agencies: str, expected: list[str]) -> None:
    """An entry gathers the claims of an agency, so that another order of the shipment may have given the same bytes."""
    claims = [{"agency": one, "program": "P", "disclaimer": "A"} for one in agencies.split()]

    assert paths(entered(shipment(*claims))) == [f"lines[0].{one}" for one in expected]


def test_behind_a_filed_key_records_have_no_index() -> None:
    """Whether the PG14 was the claim's own cannot be told from the bytes."""
    claim = {"agency": "FDA", "program": "FOO", "prior_notice_confirmation": "1"}
    message = entered(shipment({**claim, "message_set": [PRODUCT, {"record": "PG07", "model": "X"}]}))
    path = "lines[0].pga[0]"

    assert paths(message) == [path, f"{path}.message_set[0]", f"{path}.message_set", f"{path}.message_set"]


# ---------------------------------------------------------------- from file to file


def test_render_files_the_message_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`gateway render` turns the example into a type 11 entry with its message set; a bad claim stops only its own."""
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    bad = json.loads(json.dumps(EXAMPLE))
    bad |= {"shipment_id": "EX-BAD", "shipment_control_number": "SFICEXCOS00002", "order_id": "ORDER-BAD"}
    bad["lines"][0]["pga"][0]["message_set"][1]["colour"] = "red"
    file, out = tmp_path / "shipments.json", tmp_path / "out"
    file.write_text(json.dumps([bad, EXAMPLE]), "utf-8")
    command = ["render", str(EXAMPLES / "trip.json"), str(file), "--arrival", "2026-11-23", "--out", str(out), "--json"]
    status = main(command)
    told = json.loads(capsys.readouterr().out)
    (entry,) = [one for one in told["files"] if one["type"] == "SE"]
    read = read_batches((out / entry["file"]).read_bytes())
    (transaction,) = read.batches[0].transactions

    assert status == 1
    assert [(fault["path"], fault["code"]) for row in told["errors"] for fault in row["errors"]] == [
        ("lines[0].pga[0].message_set[1].colour", "unknown_field")
    ]
    assert not list(read.problems)
    assert transaction.records[0].record.text("entry_type") == "11"
    text = "".join(f"{one.line.rstrip()}\n" for one in transaction.records)
    assert LINES in text


def rendered(
    raw: list[dict[str, Any]], folder: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[str, dict[str, Any]]:
    """What `gateway render` shows for these shipments, and its index."""
    file = folder / "shipments.json"
    file.write_text(json.dumps(raw), "utf-8")
    out = folder / "out"
    command = ["render", str(EXAMPLES / "trip.json"), str(file), "--arrival", "2026-11-23", "--out", str(out)]
    assert main([*command, *options]) == 0
    return capsys.readouterr().out, json.loads((out / "index.json").read_bytes())


def changed(number: int, **maker: str) -> dict[str, Any]:
    """The example as another shipment, with other values in the first PG19."""
    raw: dict[str, Any] = json.loads(json.dumps(EXAMPLE))
    raw |= {
        "shipment_id": f"EX-{number}",
        "shipment_control_number": f"SFICEXCOS0000{number}",
        "order_id": f"O-{number}",
    }
    raw["lines"][0]["pga"][0]["message_set"][4] |= maker
    return raw


def test_render_shows_what_is_written_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transliterated name of a claim is shown with path, given and written value, also in the index and as JSON."""
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    given, written = "Bellé 化粧品", "BELLE HUAZHUANGPIN"
    path = "lines[0].pga[0].message_set[4].entity_name"
    raw = [changed(1, entity_name=given)]
    shown, index = rendered(raw, tmp_path, capsys)
    told, _ = rendered(raw, tmp_path, capsys, "--json")

    assert {"EX-1", path, given, written} <= set(index["notes"][0].values())
    assert (index["notes"][0]["before"], index["notes"][0]["after"]) == (given, written)
    assert json.loads(told)["notes"] == index["notes"]
    assert f"{len(index['notes'])} values are said otherwise than given" in shown
    (row,) = [line for line in shown.splitlines() if written in line]
    assert all(part in row for part in (path, "Bellé", "EX-1"))
    assert len({json.dumps(note) for note in index["notes"]}) == len(index["notes"])
    assert [note["path"] for note in index["notes"] if "shipment_id" not in note].count("trip.trip_number") == 1


def test_one_note_is_one_value(capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence agrees with its number."""
    _show_notes(
        Output(), [{"shipment_id": "X", "kind": "rounded", "path": "p", "text": "T.", "before": "1", "after": "2"}]
    )

    assert "1 value is said otherwise than given" in capsys.readouterr().out


def test_render_names_every_entry_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index lists the entry number of each shipment of a batch, in their order."""
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    _, index = rendered([changed(number) for number in (1, 2, 3)], tmp_path, capsys)
    (entry,) = [one for one in index["files"] if one["type"] == "SE"]
    (batch,) = read_batches((tmp_path / "out" / entry["file"]).read_bytes()).batches
    heads = [one.records[0].record for one in batch.transactions]

    assert entry["shipment_ids"] == ["EX-1", "EX-2", "EX-3"]
    assert entry["entry_numbers"] == [f"{one.text('entry_filer_code')}{one.text('entry_number')}" for one in heads]


def test_warnings_of_a_claim_are_shown_and_stop_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown country is filed as given; render and explain show the warning with shipment and path."""
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    bad = changed(2)
    bad["lines"][0]["pga"][0]["message_set"][1]["country_code"] = "QQ"
    shown, index = rendered([changed(1), bad], tmp_path, capsys)
    (entry,) = [one for one in index["files"] if one["type"] == "SE"]
    (row,) = index["warnings"]

    assert "\nPG0639 QQ" in (tmp_path / "out" / entry["file"]).read_text("ascii")
    assert (row["shipment_id"], [(one["path"], one["code"]) for one in row["warnings"]]) == (
        "EX-2",
        [("lines[0].pga[0].message_set[1].country_code", "unknown_code")],
    )
    assert all(part in shown for part in ("unknown_code (warning)", "'QQ'"))

    command = ["explain", str(tmp_path / "shipments.json"), "--arrival", "2026-11-23"]
    assert main(command) == 0
    assert "'QQ'" in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["shipments"]
    assert [[one["code"] for one in each.get("warnings", ())].count("unknown_code") for each in found] == [0, 1]
