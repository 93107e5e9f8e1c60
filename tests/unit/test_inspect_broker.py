"""Does ``gateway inspect`` say in a broker's words what a message does, what is to be done, and what is in doubt?"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.inspect import inspection_of

GOLDEN = Path(__file__).parents[1] / "golden"


def golden(name: str) -> bytes:
    """A golden file by its path."""
    return (GOLDEN / name).read_bytes()


def answers(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The errors that a message reports."""
    return [one for one in document["errors"] if one["kind"] == "answer"]


def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, data: bytes, *options: str) -> tuple[int, str]:
    """Exit status and output for people of a file with these bytes."""
    file = tmp_path / "file"
    file.write_bytes(data)
    status = main(["inspect", str(file), *options])
    return status, capsys.readouterr().out


# ---------------------------------------------------------------- headlines, refusals, what to do


@pytest.mark.parametrize(
    ("file", "summary"),
    [
        ("catair/c1_entry_not_found.txt", "CBP does not find entry XYZ-1234567-1."),
        ("catair/so_correction_refused.txt", "CBP refuses the correction of entry XYZ-1234567-1; it stands as it was."),
        (
            "catair/so_cancellation_refused.txt",
            "CBP refuses the cancellation of entry XYZ-1234567-1; it stands as it was.",
        ),
        ("catair/so_entry_replaced.txt", "CBP has replaced entry XYZ-1234567-1."),
        ("catair/so_release_suspended.txt", "The release of entry XYZ-1234567-1 is suspended."),
        ("catair/sx_warning.txt", "CBP accepts entry XYZ-1234567-1 with warnings."),
        ("catair/bad/sx_without_verdict.txt", "CBP gives entry XYZ-1234567-1 a state that is not known here."),
        ("catair/bad/c1_error_without_code.txt", "CBP refuses the query for entry XYZ-1234567-1."),
        ("x12/350-daily-limit.edi", "CBP warns about shipment XMPLS26110000001."),
        ("x12/bad/350-disposition-too-long.edi", "Of 2 shipments: 1 released, 1 unreadable."),
        ("catair/se_cancel_cleared_otherwise.txt", "Cancellation of entry XYZ-1234567-1."),
        ("catair/se_update_port_and_bill.txt", "Update of entry XYZ-1234567-1."),
        ("catair/ae_delete.txt", "Deletion of entry summary XYZ-1234567-1."),
        ("catair/cq_bill.txt", "Query for bill ABCD0012504."),
        ("catair/cq_entry.txt", "Query for entry XYZ-1234567-1."),
        ("mappings/se-types-86-and-11.txt", "Batch SE with 2 transactions: 2 new."),
        ("x12/309-preliminary.edi", "Preliminary manifest for trip XMPL26112200017 with 1 shipment."),
        ("x12/309-delete-manifest.edi", "Deletes the whole manifest for trip XMPL26112200017."),
        ("x12/309-amend-quantity.edi", "Amends the manifest for trip XMPL26112200017: 1 shipment (replace quantity)."),
        ("x12/358-link-two-shipments.edi", "Links 2 shipments to trip XMPL26112200017."),
        ("x12/358-delink-shipment.edi", "Takes 1 shipment off trip XMPL26112200017."),
        ("x12/353-finalise.edi", "End of manifest of trip XMPL26112200017."),
        ("x12/353-in-bond-arrival.edi", "Arrival, whole in-bond 123456782 (1 event)."),
    ],
)
def test_the_headline_says_what_the_message_does(file: str, summary: str) -> None:
    """One sentence a broker would say of it, for answers and for what is sent."""
    assert inspection_of(golden(file))["messages"][0]["summary"] == summary


@pytest.mark.parametrize("asked", ["correction", "cancellation"])
def test_a_refused_request_is_a_refusal(asked: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A correction or cancellation that CBP refuses is an error of the answer with what to do; the status is 1."""
    data = golden(f"catair/so_{asked}_refused.txt")
    (error,) = answers(inspection_of(data))

    assert (error["meaning"], error["position"]) == ("rejected", "record 10, column 15")
    assert f"ask for the {asked} again" in error["remedy"]
    assert run(capsys, tmp_path, data)[0] == 1


@pytest.mark.parametrize(
    ("data", "position"),
    [
        (golden("catair/so_released.txt").replace(b"98RELEASED", b"ZZRELEASED"), "record 8, column 15"),
        (golden("x12/350-hold.edi").replace(b"*1H*", b"*QQ*"), "segment 4, element 7"),
    ],
    ids=["so", "350"],
)
def test_a_code_that_is_not_known_must_be_read(
    data: bytes, position: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It is never taken for a release, whatever stands beside it: an error with a remedy, status 1."""
    document = inspection_of(data)
    (error,) = answers(document)

    assert (error["code"], error["meaning"]) == ("unknown_code", "unknown")
    assert error["position"].startswith(position)
    assert "take nothing for released" in error["remedy"]
    assert document["messages"][0]["verdict"] == "unknown"
    assert run(capsys, tmp_path, data)[0] == 1


def test_whatever_a_message_tells_has_a_remedy() -> None:
    """No error and no warning of any golden file, good or damaged, leaves its reader alone."""
    for file in sorted((*GOLDEN.glob("*/*.edi"), *GOLDEN.glob("*/*.txt"), *GOLDEN.glob("*/bad/*.*"))):
        document = inspection_of(file.read_bytes())
        for one in (*document["errors"], *document["warnings"]):
            assert one["remedy"], (file.name, one)


def test_the_remedy_of_a_refusal_names_what_is_to_be_mended() -> None:
    """Element and field of a 355, columns and field of an SX, and how each is sent again."""
    manifest = answers(inspection_of(golden("x12/355-one-rejected.edi")))[0]["remedy"]
    entry = answers(inspection_of(golden("catair/sx_rejected_two_records.txt")))[0]["remedy"]

    assert manifest.startswith("Mend Country of Origin, LX[2].N1011 of the 309 (lines of the shipment);")
    assert "`gateway amend`" in manifest
    assert entry == "Mend packages.count (SE15 Quantity, columns 60-67); the whole entry is sent again."


def test_damage_in_what_cbp_sent_is_not_ours_to_mend() -> None:
    """Each side has its remedy; also for a fault of the envelope that is told before the set is known."""
    again = "Ask CBP or the service bureau to send it again; nothing of ours is to be mended."
    wrong_id = golden("x12/350-released.edi").replace(b"*T*>~", b"*Q*>~")
    for data in (golden("catair/bad/so_impossible_date.txt"), golden("x12/bad/350-impossible-date.edi"), wrong_id):
        remedies = {one["remedy"] for one in inspection_of(data)["errors"] if one["kind"] == "format"}
        assert remedies == {again}
    ours = inspection_of(golden("x12/bad/309-foreign-characters.edi"))["errors"]
    assert again not in {one["remedy"] for one in ours}


# ---------------------------------------------------------------- doubts about what is ours


def doubts(data: bytes) -> list[tuple[str, str]]:
    """Code and path of the warnings."""
    return [(one["code"], one["path"]) for one in inspection_of(data)["warnings"]]


def test_what_cbp_would_refuse_in_an_entry_is_doubted() -> None:
    """A wrong check digit, and a party with a name and no city."""
    entry = golden("catair/se_type01_truck.txt")
    without_city = b"".join(one for one in entry.splitlines(keepends=True) if not one.startswith(b"SE36"))

    assert doubts(entry) == []
    assert doubts(entry.replace(b"XYZ  12345671", b"XYZ  12345672")) == [("entry_number_check", "SE10.entry_number")]
    assert set(doubts(without_city)) == {("address_missing", "SE30.entity_name")}


@pytest.mark.parametrize(
    ("old", "new", "path"), [(b"NM1*Z1*", b"NM1*Q9*", "NM1[4].NM101"), (b"N1*SH*", b"N1*QQ*", "N1[13].N101")]
)
def test_values_that_the_profile_does_not_know_are_doubted(old: bytes, new: bytes, path: str) -> None:
    """A role that is in no list is a warning at its element, and no second one where it is an error already."""
    manifest = golden("x12/309-preliminary.edi")
    changed = inspection_of(manifest.replace(old, new))
    told = [one["path"] for one in (*changed["errors"], *changed["warnings"])]

    assert doubts(manifest) == []
    assert told.count(path) == 1


def test_what_is_not_judged_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Under a message of ours, not under one of CBP's."""
    for name, ours in (
        ("catair/se_type01_truck.txt", True),
        ("x12/309-preliminary.edi", True),
        ("catair/so_released.txt", False),
        ("x12/350-released.edi", False),
    ):
        lines = run(capsys, tmp_path, golden(name))[1].splitlines()
        at = lines.index("no format errors")
        assert lines[at - 1] == ""
        assert any("conditional rules" in line for line in lines[at:]) is ours


# ---------------------------------------------------------------- tables


def test_implied_decimals_are_shown_with_their_point(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """People see 425.00; the document keeps the number of the wire and says the amount beside it."""
    data = golden("catair/ae_type01_truck.txt")
    rows = inspection_of(data)["messages"][0]["records"]
    (duty,) = [one for row in rows for one in row["fields"] if one["name"] == "Duty Amount"]
    _, shown = run(capsys, tmp_path, data)

    assert (duty["value"], duty["text"]) == (42500, "425.00")
    assert any(line.split() == ["14-23", "425.00", "Duty", "Amount"] for line in shown.splitlines())


def test_descriptions_of_fields_are_shown_when_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Only what explains a value stands in the table; with --verbose all does, folded and never cut."""
    data = golden("catair/so_released.txt")
    _, short = run(capsys, tmp_path, data)
    _, long = run(capsys, tmp_path, data, "--verbose")

    assert "mirrors input" not in short
    assert "Consumption, free and dutiable" in short
    assert "mirrors input" in long
    assert "…" not in short + long


# ---------------------------------------------------------------- bytes


def test_nothing_and_a_directory_are_told_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Empty input is empty; a directory is a directory and not a missing file."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b" \n")))
    assert main(["inspect", "-"]) == 1
    assert "There is nothing in it" in capsys.readouterr().out
    assert main(["inspect", str(tmp_path)]) == 2
    assert "directory" in capsys.readouterr().err


def test_a_record_that_is_too_long_is_told_with_its_length() -> None:
    """One column more is one problem of one record; a file without line ends is cut every 80 columns as ever."""
    long = inspection_of(golden("catair/bad/so_record_too_long.txt"))
    joined = inspection_of(golden("catair/so_released.txt").replace(b"\n", b""))

    assert [(one["code"], one["position"]) for one in long["errors"]] == [("record_length", "record 6, column 81")]
    assert "has 81 columns" in long["errors"][0]["text"]
    assert (joined["errors"], joined["messages"][0]["verdict"]) == ([], "released")


def test_a_missing_group_is_named_with_its_record() -> None:
    """The words of the fault name the record to be put in, and the remedy is ours and not CBP's capitals."""
    lines = golden("catair/ae_type01_truck.txt").splitlines(keepends=True)
    kept = b"".join(
        one for one in lines if one[:2] not in (b"40", b"42", b"43", b"44", b"47", b"50", b"60", b"61", b"62")
    )
    missing = [one for one in inspection_of(kept)["errors"] if one["code"] == "X37"]

    assert any("AE40" in one["text"] for one in missing), missing
    assert all(one["remedy"].startswith("Put the missing record") for one in missing)
