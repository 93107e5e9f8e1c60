"""Does ``gateway inspect`` tell what a message refuses or holds, at its place, and answer any bytes?"""

from __future__ import annotations

import io
import json
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.inspect import inspection_of
from gateway.cli.inspect_reading import MOST_NOTICES, Notice, Notices, is_catair
from gateway.cli.inspect_view import SHOWN
from schemas.catair import RECORDS
from schemas.profile import load_profile

GOLDEN = Path(__file__).parents[1] / "golden"


def x12(name: str) -> bytes:
    """A golden X12 file."""
    return (GOLDEN / "x12" / name).read_bytes()


def catair(name: str) -> bytes:
    """A golden CATAIR file."""
    return (GOLDEN / "catair" / name).read_bytes()


def records(*lines: bytes) -> bytes:
    """Records as the bytes of a file."""
    return b"".join(one.ljust(80) + b"\n" for one in lines)


def with_record(data: bytes, after: bytes, added: bytes) -> bytes:
    """A file of CATAIR with a record put behind the first one that begins so; the count of Y follows."""
    lines = data.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(after))
    lines.insert(at + 1, added.ljust(80))
    inside = next(n for n, line in enumerate(lines) if line[:1] == b"Y") - 2
    shown = [
        line[:12] + b"%05d" % inside + line[17:] if line[:1] == b"Y" and line[12:17].strip() else line for line in lines
    ]
    return b"\n".join(shown) + b"\n"


def answers(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The errors that a message reports, and nothing about its bytes."""
    assert [one for one in document["errors"] if one["kind"] == "format"] == []
    return [one for one in document["errors"] if one["kind"] == "answer"]


def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, data: bytes, *options: str) -> tuple[int, str]:
    """Exit status and output for people of a file with these bytes."""
    file = tmp_path / "file"
    file.write_bytes(data)
    status = main(["inspect", str(file), *options])
    return status, capsys.readouterr().out


def under(lines: list[str], beginning: str) -> str:
    """What the carets stand under, in the first shown line that begins so."""
    at = next(number for number, line in enumerate(lines) if line.strip().startswith(beginning))
    carets = lines[at + 1]
    assert set(carets.strip()) == {"^"}, carets
    start = carets.index("^")
    return lines[at][start : len(carets.rstrip())]


# ---------------------------------------------------------------- the named cases


def test_a_355_that_rejects_one_of_two_bills(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Each K1 is told with its shipment, its segment and byte, the segment it speaks of and the words of its code."""
    data = x12("355-one-rejected.edi")
    document = inspection_of(data)
    code, text = answers(document)

    assert (code["code"], code["shipment_control_number"]) == ("470", "XMPLS26110000002")
    assert "invalid country of origin for shipment" in code["text"]
    assert code["position"] == f"segment 7, element 1, byte {data.index(b'470INV')}"
    assert code["about"] == {"position": f"segment 6, byte {data.index(b'M11*')}", "path": "M11[6]"}
    assert "BILL REJECTED" in text["text"]
    assert document["messages"][0]["verdict"] == "rejected"
    assert "refuses 1 of 2 bills" in document["messages"][0]["summary"]
    assert [one["code"] for one in document["warnings"]] == ["remark"]

    status, shown = run(capsys, tmp_path, data)
    assert status == 1
    assert "CBP-ACE-TEST → XGTW  2026-11-22 14:07" in shown
    assert under(shown.splitlines(), "K1*470") == "470INV CTRY OF ORIG FOR SHP"
    assert under(shown.splitlines(), "M11*S26110000002").startswith("M11*")


def test_an_sx_with_two_errors_at_records(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Each SE90 is told with the record it stands under, its field if known, its words; the verdict stands above."""
    data = with_record(catair("sx_rejected.txt"), b"SE15", b"SE9011030BAD QTY")
    document = inspection_of(data)
    value, quantity = answers(document)

    assert (value["code"], value["position"]) == ("119", "record 4, column 7")
    assert value["about"] == {"position": "record 3, column 40", "path": "SE10.estimated_entry_value"}
    assert (quantity["code"], quantity["position"]) == ("030", "record 7, column 7")
    assert quantity["about"] == {"position": "record 6, column 60", "path": "SE15.quantity"}
    assert "SE15, Quantity: 030 BAD QTY" in quantity["text"]
    assert document["messages"][0]["summary"] == "CBP refuses entry XYZ-1234567-1."

    _, shown = run(capsys, tmp_path, data)
    assert under(shown.splitlines(), "SE15R") == "00000048"
    assert under(shown.splitlines(), "SE9011030") == "030"


def test_a_batch_that_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The condition is told with the record of ours that X0 points at; the verdict is on the whole batch."""
    document = inspection_of(catair("rejected_unknown_record.txt"))
    (error,) = answers(document)

    assert (error["code"], error["position"], error["path"]) == ("X34", "record 5, column 5", "X1.condition_code")
    assert "transaction 1, record 5 of the batch that was sent" in error["text"]
    assert error["about"]["position"] == "record 4"
    assert document["messages"][0]["summary"] == "CBP refuses the whole batch (1 condition)."

    _, shown = run(capsys, tmp_path, catair("rejected_unknown_record.txt"))
    assert under(shown.splitlines(), "X1 FX34") == "X34"


def test_an_so_with_a_hold_of_an_agency(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The hold names agency, line, tariff number, what it means and what to do; a status that was lifted is silent."""
    may = b"110507MAY PROCEED                   0722"
    held = catair("so_agency_may_proceed.txt").replace(may, b"110502HOLD INTACT                   02  ")
    (error,) = answers(inspection_of(held))

    assert (error["code"], error["meaning"], error["holder"]) == ("02", "held", "FDA")
    assert "line 1, tariff number 7324100010, PGA line 1 is held by FDA" in error["text"]
    assert (error["position"], error["path"]) == ("record 10, column 21", "SO70.pga_entry_level_status_code")
    assert "Do not move the goods" in error["remedy"]
    assert inspection_of(catair("so_agency_may_proceed.txt"))["errors"] == []

    status, shown = run(capsys, tmp_path, held)
    assert status == 1
    assert "Entry XYZ-1234567-1 is held." in shown
    assert under(shown.splitlines(), "SO70FDAFOO100126110502") == "02"


def test_a_997_that_rejects(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The fault is told with segment and element of our message and its reason in words, and the verdict on the set."""
    fault, verdict = answers(inspection_of(x12("997-rejected.edi")))

    assert fault["text"] == "Segment 12 (M11) of our 309, element 1 (Bill of Lading/Waybill Number): too long."
    assert (fault["code"], fault["path"], fault["field"]) == ("AK4-5", "AK4[5].AK403", "shipment_control_number")
    assert (verdict["code"], verdict["text"]) == ("AK5-R", "Our 309 is rejected: segments in error.")

    _, shown = run(capsys, tmp_path, x12("997-rejected.edi"))
    assert under(shown.splitlines(), "AK4*1*598") == "5"


# ---------------------------------------------------------------- other answers


def test_a_997_says_which_segments_when_no_element_is_named() -> None:
    """An AK3 alone is told at its reason; a group refused without any is told by AK9."""
    data = x12("997-rejected.edi")
    segment_only = data.replace(b"AK4*1*598*5*P261100000770000000000000000~", b"").replace(b"12**8", b"12**3")
    first = answers(inspection_of(segment_only.replace(b"SE*8*", b"SE*7*").replace(b"\n\n", b"\n")))[0]

    assert (first["code"], first["position"].split(",")[0]) == ("AK3-3", "segment 4")
    assert first["text"] == "Segment 12 (M11) of our 309: mandatory segment missing."


def test_a_ta1_that_refuses() -> None:
    """The interchange that is refused, and why, at the note code."""
    data = x12("ta1-duplicate.edi")
    (error,) = answers(inspection_of(data))

    assert (error["code"], error["position"]) == ("TA1-025", f"element 5, byte {data.index(b'025~')}")
    assert "interchange 101 is refused: duplicate control number" in error["text"]


def test_holds_of_a_350() -> None:
    """A hold is an error with the remarks of the officer; a release is none; a hold released later is none."""
    hold, released = x12("350-hold.edi"), x12("350-released.edi")
    (error,) = answers(inspection_of(hold))
    later = hold.replace(b"K1*PRESENT SHIPMENT FOR EXAM~", b"X4*S26110000002*1***20261122*1731*1C**XMPL****3801~")

    assert (error["code"], error["meaning"], error["shipment_control_number"]) == ("1H", "held", "XMPLS26110000002")
    assert "PRESENT SHIPMENT FOR EXAM" in error["text"]
    assert inspection_of(released)["errors"] == []
    assert inspection_of(released)["messages"][0]["summary"] == "Of 2 shipments: 2 released."
    assert inspection_of(later)["errors"] == []


def test_a_disposition_is_cited_as_the_profile_has_it() -> None:
    """The reference is the source of the disposition, with a word where that list was not announced for trucks."""
    hold = x12("350-hold.edi")
    listed = load_profile().dispositions
    shown = inspection_of(hold)
    (element,) = [one for row in shown["messages"][0]["segments"] for one in row["elements"] if one["ref"] == "X407"]
    (general,) = answers(shown)
    (truck,) = answers(inspection_of(hold.replace(b"*1H*", b"*8H*")))
    other = inspection_of(hold.replace(b"*1H*", b"*QQ*"))
    (unknown,) = (one for one in [*other["errors"], *other["warnings"]] if one["kind"] == "answer")

    assert general["reference"] == f"{listed['1H'].source}; not announced for trucks"
    assert element["text"] == "hold placed at port of discharge (held; not announced for trucks)"
    assert truck["reference"] == listed["8H"].source
    assert unknown["reference"].startswith("CBP Truck Manifest 350")


def test_an_exam_and_documents_of_an_so() -> None:
    """An examination and a document that is wanted are errors with what to do."""
    (exam,) = answers(inspection_of(catair("so_intensive_exam.txt")))
    (document,) = answers(inspection_of(catair("so_document_required.txt")))

    assert (exam["meaning"], exam["position"]) == ("exam", "record 8, column 15")
    assert document["remedy"].startswith("Send document CBP01.")
    assert inspection_of(catair("so_released.txt"))["errors"] == []


def test_a_query_for_an_unknown_entry() -> None:
    """WR0 of a C1 is an error with its code."""
    data = records(
        b"A3801XYZ      100126     C1",
        b"B  3801XYZC1",
        b"WR0XYZ 12345671".ljust(29) + b"001ENTRY NOT ON FILE",
        b"Y  3801XYZC100001",
        b"Z3801XYZ      100126",
    )
    (error,) = answers(inspection_of(data))

    assert (error["code"], error["position"]) == ("001", "record 3, column 30")
    assert error["path"] == "WR0.error_message_identifier"
    assert "XYZ-1234567-1" in error["text"]


@pytest.mark.parametrize(
    ("name", "code", "path", "what"),
    [
        ("c1_bill_not_found.txt", "122", "WSA.error_message_identifier", "bill ABCD0012599"),
        ("c1_air_waybill_invalid.txt", "297", "WSB.error_message_identifier", "air waybill 12345678901"),
    ],
)
def test_a_query_for_an_unknown_bill(name: str, code: str, path: str, what: str) -> None:
    """WSA and WSB of a C1 are errors with their code, and say what was asked."""
    (error,) = answers(inspection_of(catair(name)))

    assert (error["code"], error["path"]) == (code, path)
    assert what in error["text"]
    assert error["remedy"].startswith("Check the number of the " + what.rpartition(" ")[0])


@pytest.mark.parametrize("name", ["c1_bill_found.txt", "c1_entry_with_bill.txt", "c1_in_bond_found.txt"])
def test_an_answer_about_a_bill_is_no_error(name: str) -> None:
    """What is on file and released raises nothing."""
    assert inspection_of(catair(name))["errors"] == []


def test_a_status_asked_for_is_read_as_a_status() -> None:
    """The WO records of a C1 hold and release as those of an SO do."""
    data = catair("so_intensive_exam.txt")
    lines = [b"WO" + line[2:] if line.startswith(b"SO") else line for line in data.splitlines()]
    asked = b"\n".join(line[:25] + b"C1" + line[27:] if line[:1] == b"A" else line for line in lines)
    (error,) = answers(inspection_of(asked.replace(b"XYZSO", b"XYZC1") + b"\n"))

    assert (error["meaning"], error["path"]) == ("exam", "WO60.disposition_action_code")


@pytest.mark.skipif("E1" not in RECORDS, reason="the records of an entry summary's answer are not laid out")
def test_conditions_of_an_entry_summary() -> None:
    """A fatal E1 is an error at its code, with what the E0 before it is about; a warning is a warning; R decides."""
    data = records(
        b"A3801XYZ      100126     AX",
        b"B  3801XYZAX",
        b"E0 SUMMRY 000000 REF ID: XYZ   12345671",
        b"E0 LINITM 000001 REF ID: 001",
        b"E1 F123   VALUE IS WRONG".ljust(80),
        b"E1 W27A   VALUE OVER QUANTITY".ljust(80),
        b"E1RF999   ENTRY SUMMARY REJECTED".ljust(50) + b"XYZ  12345671",
        b"Y  3801XYZAX00005",
        b"Z3801XYZ      100126",
    )
    document = inspection_of(data)
    reported = [one for one in document["errors"] if one["kind"] == "answer"]

    assert [(one["code"], one["position"]) for one in reported] == [("123", "record 5, column 5")]
    assert reported[0]["about"]["position"] == "record 4"
    assert [one["code"] for one in document["warnings"] if one["kind"] == "answer"] == ["27A"]
    assert document["messages"][0]["summary"] == "CBP refuses entry summary XYZ-1234567-1."


def test_a_refusal_without_a_reason_is_an_error_itself() -> None:
    """An SX that refuses and names nothing still ends with status 1."""
    data = with_record(catair("sx_accepted.txt"), b"SE15", b"SE9001   NO REASON")
    plain = b"\n".join(line for line in data.splitlines() if not line.startswith(b"SE9002"))
    (error,) = answers(inspection_of(plain.replace(b"Y  3801XYZSX00005", b"Y  3801XYZSX00004") + b"\n"))

    assert (error["meaning"], error["path"]) == ("rejected", "SE90.message_type_code")


def test_an_accepted_answer_has_no_errors(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Acceptances end with status 0 and say so above the table."""
    for data, summary in (
        (x12("355-accepted.edi"), "CBP accepts the manifest of trip XMPL26112200017 with 2 bills."),
        (x12("997-accepted.edi"), "CBP could read and accepts group 101 with our 309: accepted."),
        (catair("sx_accepted.txt"), "CBP accepts entry XYZ-1234567-1."),
    ):
        status, shown = run(capsys, tmp_path, data)
        assert (status, summary in shown, "no format errors" in shown) == (0, True, True), shown


# ---------------------------------------------------------------- bytes


def test_text_that_begins_like_a_record_is_not_taken_for_one() -> None:
    """Prose, tables and programs that begin with A, B, Y, Z, OI or X1 are not recognised; a damaged batch is."""
    for text in (
        b"All goods\nare here\n",
        b"BEGIN WORK;\n",
        b"Yes\n",
        b"Zurich,1\n",
        b"OIL AND GAS PRICES\n",
        b"X1,X2\n1,2\n",
    ):
        assert not is_catair(text), text
        assert inspection_of(text)["errors"][0]["code"] == "not_recognised"
    good = catair("so_released.txt")
    assert is_catair(good)
    assert is_catair(good.replace(b"\n", b""))
    assert is_catair(b"\x00" * 80 + b"\n" + good[81:])
    assert is_catair(b"A3801XYZ")


def test_every_damaged_golden_file_is_answered() -> None:
    """Cut, changed and doubled files give a document in the promised shape, with and without a mask."""
    chance = random.Random(20261123)
    files = [file.read_bytes() for file in sorted((*GOLDEN.glob("x12/*.edi"), *GOLDEN.glob("catair/*.txt")))]
    for turn in range(120):
        data = bytearray(chance.choice(files))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 120)]
                case 2:
                    data[at:at] = bytes(chance.choices(b"~*\nAB90\x00\xff", k=4))
                case _:
                    data += chance.choice(files)
            data = data or bytearray(b" ")
        document = inspection_of(bytes(data), mask=turn % 2 == 0)
        assert all(
            {"code", "kind", "position", "path", "text", "remedy", "reference"} <= set(one)
            for one in document["errors"]
        )
        json.dumps(document)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``-`` reads what is piped in."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(x12("355-accepted.edi"))))

    assert main(["inspect", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["messages"][0]["type"] == "355"


def test_an_archive_of_several_interchanges_is_several_messages(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One behind the other they are no fault; each has its own summary, and places are those of the file."""
    first, second = x12("355-accepted.edi"), x12("355-one-rejected.edi")
    document = inspection_of(first + second)

    assert [one["verdict"] for one in document["messages"]] == ["accepted", "rejected"]
    offset = len(first) + second.index(b"470INV")
    assert next(one["position"] for one in answers(document)) == f"segment 7, element 1, byte {offset}"
    status, shown = run(capsys, tmp_path, first + second)
    assert (status, "2 messages, 2 errors, 1 warning" in shown) == (1, True)


def test_the_written_document_is_the_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What is written piece by piece is the same value as the document built at once, for every golden file."""
    for source in sorted((*GOLDEN.glob("x12/*.edi"), *GOLDEN.glob("catair/*.txt"))):
        status, shown = run(capsys, tmp_path, source.read_bytes(), "--json")
        document = inspection_of(source.read_bytes())
        assert json.loads(shown) == json.loads(json.dumps(document)), source.name
        assert status == (1 if document["errors"] else 0)
    assert json.loads(run(capsys, tmp_path, b"", "--json")[1])["messages"] == []


def _entries(count: int) -> Iterator[bytes]:
    """A batch of status notifications, each entry under an exam."""
    head, *body, tail, end = catair("so_intensive_exam.txt").splitlines(keepends=True)
    block, *transaction = body
    yield head + block
    for number in range(count):
        yield b"".join(transaction).replace(b"12345671", b"%08d" % number)
    yield tail.replace(b"00006", b"%05d" % (count * len(transaction))) + end


def test_memory_does_not_grow_with_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Six times the records need about the same memory; every error is counted, what is shown is bounded."""
    peaks = []
    for count in (150, 900):
        file = tmp_path / str(count)
        with file.open("wb") as target:
            target.writelines(_entries(count))
        tracemalloc.start()
        assert main(["inspect", str(file)]) == 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        shown = capsys.readouterr().out
        assert f"\n{count} errors\n" in shown
        assert f"and {count * 6 + 4 - SHOWN} more; --json has all of them" in shown
    assert peaks[1] < peaks[0] * 2


def test_errors_are_counted_beyond_those_kept() -> None:
    """The list is bounded and says how many are not listed."""
    notices = Notices()
    for number in range(MOST_NOTICES + 3):
        notices.add(Notice({"code": str(number)}))
    listed = list(notices.documents())

    assert (len(listed), listed[-1]["code"], listed[-1]["text"]) == (
        MOST_NOTICES + 1,
        "too_many_problems",
        "3 more are not listed.",
    )
