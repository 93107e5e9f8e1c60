"""Files of the transcript line by line: names, meanings, and each refusal under the line that it concerns."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import transcript
from sandbox.annotated import LONGEST_LINE, WIDTH, annotated, as_text, printable
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.testing import LoopbackCbp
from schemas.profile import load_profile

PROFILE = load_profile()
BILLS = [SampleBill("25031000001", kind="35"), SampleBill("25031000002", kind="35", origin="QQ")]


def sent(*payloads: bytes) -> list[dict[str, Any]]:
    """The annotated transcript after these files."""
    box = LoopbackCbp()
    for payload in payloads:
        box.send(payload)
    items = box.transcript(annotated=True)
    box.close()
    return items


def refused_lines(item: dict[str, Any]) -> list[tuple[str, str]]:
    """(line, code) of every refusal that stands under a line."""
    return [(line["text"], no["code"]) for line in item["annotated"]["lines"] for no in line["refused"]]


def test_a_manifest_has_its_refusal_under_the_goods() -> None:
    """The origin that is refused is told under its N10, with code, text and reference, and nowhere else."""
    manifest = sent(manifest_309(BILLS))[0]
    lines = manifest["annotated"]["lines"]

    assert [line["id"] for line in lines[:4]] == ["ISA", "GS", "ST", "M10"]
    assert [line["line"] for line in lines] == list(range(1, len(lines) + 1))
    ((text, code),) = refused_lines(manifest)
    assert (text.split("*")[0], text.split("*")[-1], code) == ("N10", "QQ", "470")
    (no,) = next(line["refused"] for line in lines if line["refused"])
    assert no["text"] == "INV CTRY OF ORIG FOR SHP"
    assert "CSMS 64792502" in no["reference"]
    assert manifest["annotated"]["refused"] == []


def test_values_have_names_and_meanings() -> None:
    """An element is shown with the name of its data element and what its code means."""
    lines = sent(manifest_309(BILLS))[0]["annotated"]["lines"]
    bill = next(line for line in lines if line["id"] == "M11")

    assert bill["name"] == "Manifest Bill of Lading Details"
    assert {"ref": "M1109", "name": "Bill of Lading Type Code", "value": "35", "text": "section321"} in bill["fields"]


@pytest.mark.parametrize(
    ("change", "line", "code"),
    [
        ((b"P4*0901*", b"P4*0901*X"), "P4", "AK304 8"),
        ((b"N4*BUFFALO*NY*", b"N4*BUFFALO*NYX*"), "N4", ""),
        ((b"M10*TSTC*J*CA", b"M10*TSTC*J*CA*****"), "M10", ""),
    ],
)
def test_a_syntax_fault_stands_at_its_segment(change: tuple[bytes, bytes], line: str, code: str) -> None:
    """What the 997 refuses or the 355 complains of is told under the segment it names."""
    item = sent(manifest_309(BILLS[:1]).replace(*change))[0]

    found = refused_lines(item)
    assert any(text.startswith(line) and code in told for text, told in found), (found, item["verdict"])


def test_a_fault_of_the_envelope_concerns_no_line() -> None:
    """A TA1 that refuses the interchange is told before the lines."""
    item = sent(manifest_309(BILLS)[:400])[0]["annotated"]

    assert [no["code"] for no in item["refused"]] == ["023"]
    assert all(not line["refused"] for line in item["lines"])


def test_an_entry_has_its_refusal_under_the_record() -> None:
    """An SE90 is told under the record it is about, also in the second batch of a file."""
    one = entries_se([SampleEntry("1234567", "1")])
    two = entries_se([SampleEntry("1234568", "2", origin="QQ")], reference="REF-000002")
    item = sent(one + two)[0]

    ((text, code),) = refused_lines(item)
    assert (text, code) == ("SE40001QQ COTTON T-SHIRTS KNIT", "Z33")
    line = next(one for one in item["annotated"]["lines"] if one["refused"])
    assert line["line"] > len(one.splitlines())


def test_a_batch_fault_names_its_record() -> None:
    """X1 conditions stand under the record they name; those of a block before the lines."""
    item = sent(entries_se([SampleEntry("1234567", "1")]).replace(b"SE40001CA", b"SE40001CA\xe9", 1))[0]

    assert item["verdict"]["result"] == "X1 1 batch"
    assert refused_lines(item)


def test_passwords_are_not_shown() -> None:
    """The password of an A record and of an ISA stands in no line and no field."""
    batch = entries_se([SampleEntry("1234567", "1")])
    interchange = manifest_309(BILLS).replace(b"ISA*00*          *00*          ", b"ISA*00*SECRET1   *01*SECRET2   ")
    for item in sent(batch, interchange):
        assert "PASSWD" not in str(item["annotated"])
        assert "SECRET" not in str(item["annotated"])


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x00", b"ISA", b"ISA*" + b"\xff" * 200, b"A" * 500, b"<script>alert(1)</script>\n\x1b[31m", b"ISA" * 100]
    + [manifest_309(BILLS)[:n] for n in (3, 105, 106, 107, 300)]
    + [entries_se([SampleEntry("1", "1")])[:n] for n in (1, 79, 81, 300)],
)
def test_any_bytes_can_be_shown(payload: bytes) -> None:
    """Nothing crashes the rendering, and no control character reaches a terminal."""
    reasons = [{"code": "1", "text": "x", "place": "trip"}, {"text": "\x1b[2J", "place": "A at 99999999999"}]
    document = annotated(payload, reasons, PROFILE)
    text = "\n".join(as_text(document))

    assert text.replace("\n", "").isprintable()
    told = len(document["refused"]) + sum(len(line["refused"]) for line in document["lines"])
    assert told == len(reasons)


def test_a_long_file_is_shown_in_parts() -> None:
    """``left`` says how many lines are behind; a refusal in a line that is not shown is told before the lines."""
    payload = manifest_309([SampleBill(f"{n:08d}") for n in range(50)])
    reasons = [{"code": "9", "text": "far", "place": "TSTC at 300"}]
    first = annotated(payload, reasons, PROFILE, most=100)
    rest = annotated(payload, reasons, PROFILE, first=101, most=10_000)

    assert len(first["lines"]) == 100
    assert first["left"] == len(rest["lines"])
    assert rest["left"] == 0
    assert [no["code"] for no in first["refused"]] == ["9"]
    assert rest["refused"] == []
    assert [line["line"] for line in rest["lines"] if line["refused"]] == [302]


def test_text_for_a_terminal_has_the_refusal_below() -> None:
    """A refusal follows its line, marked, with place and reference."""
    lines = list(as_text(sent(manifest_309(BILLS))[0]["annotated"]))
    at = next(n for n, line in enumerate(lines) if line.startswith("    !! "))

    assert "N10*" in [line for line in lines[:at] if line[:6].strip().isdigit()][-1]
    assert lines[at].startswith("    !! 470 INV CTRY OF ORIG FOR SHP (TSTC25031000002 at 27) [CSMS 64792502")


def test_what_is_too_long_says_how_much_is_not_shown() -> None:
    """A cut text ends with the number of characters that are left out."""
    assert printable("A" * (LONGEST_LINE + 5)).endswith("… (5 more characters)")


def text_of(box: LoopbackCbp, **wanted: Any) -> list[str]:
    """The transcript as a terminal shows it."""
    chosen = transcript.Wanted(annotated=True, **wanted)
    return list(transcript.page_as_text(transcript.page(box.cbp.store, box.cbp.office.profile, chosen)))


PORTS = [("0901", "09:00:00 EDT"), ("2304", "08:00:00 CDT"), ("3004", "06:00:00 PDT")]


@pytest.mark.parametrize(("port", "local"), PORTS)
def test_a_file_has_the_time_of_its_port_with_utc(port: str, local: str) -> None:
    """The line of a file begins with the time at the port that it speaks of, and has UTC beside it; a 997 speaks of
    none and has Eastern time.
    """
    box = LoopbackCbp()
    box.send(manifest_309(BILLS, port=port))
    box.send(entries_se([SampleEntry("0000001", "1")]).replace(b"A0901", f"A{port}".encode()))
    heads = [line.split() for line in text_of(box) if "(2025-03-10T13:00:00Z)" in line]
    times = {head[6]: " ".join(head[1:4]) for head in heads}
    assert times["x12"] == times["355"] == times["catair"] == f"2025-03-10 {local}"
    assert times["997"] == "2025-03-10 09:00:00 EDT"


def test_only_what_was_refused_is_shown_on_demand() -> None:
    """Files without a refusal are left out, and lines without one."""
    box = LoopbackCbp()
    box.send(manifest_309([SampleBill("25031000009", kind="35")]))
    box.send(manifest_309(BILLS, trip="TSTC2503100009", control=2))
    lines = text_of(box, refused=True)
    assert [line[:5].strip() for line in lines if "->" in line or "<-" in line] == ["4"]
    assert [line.split("*")[0].split()[1] for line in lines if line[:6].strip().isdigit() and "*" in line] == ["N10"]
    assert any(line.startswith("    !! 470") for line in lines)


def test_long_lines_are_wrapped_and_data_is_not() -> None:
    """What is said of a line fits the width of a terminal; a segment stays whole, however long."""
    box = LoopbackCbp()
    box.send(manifest_309([SampleBill("25031000001", consignee="A" * 55 + " " + "B" * 4, street="C" * 55)]))
    for line in text_of(box):
        assert len(line) <= WIDTH or "*" in line
