"""Does ``--diff`` lay two messages side by side, field by field?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from schemas.difference import Leaf, Node, differences

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted((*GOLDEN.glob("x12/*.edi"), *GOLDEN.glob("catair/*.txt")))
MANIFEST = (GOLDEN / "x12" / "309-complete-two-section-321.edi").read_bytes()
ENTRY = (GOLDEN / "catair" / "se_type01_truck.txt").read_bytes()


class Compared:
    """The command on two files."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.capsys, self.folder = capsys, folder

    def run(self, one: bytes, other: bytes, *options: str) -> tuple[int, str]:
        """Exit status and standard output."""
        paths = [self.folder / "one", self.folder / "other"]
        for path, data in zip(paths, (one, other), strict=True):
            path.write_bytes(data)
        status = main(["inspect", str(paths[0]), "--diff", str(paths[1]), *options])
        return status, self.capsys.readouterr().out

    def document(self, one: bytes, other: bytes, *options: str) -> tuple[int, Any]:
        """Exit status and document."""
        status, shown = self.run(one, other, "--json", *options)
        return status, json.loads(shown)

    def changes(self, one: bytes, other: bytes, *options: str) -> list[tuple[str, str, str | None, str | None]]:
        """Path, change, old and new of every difference in the message."""
        _, document = self.document(one, other, "--ignore-envelope", *options)
        assert document["errors"] == []
        return [(each["path"], each["change"], each["old"], each["new"]) for each in document["differences"]]


@pytest.fixture
def compared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Compared:
    """The command on two files."""
    return Compared(capsys, tmp_path)


@pytest.mark.parametrize(
    "file", sorted((*GOLDEN.glob("x12/*.edi"), *GOLDEN.glob("catair/*.txt"))), ids=lambda f: f.name
)
def test_a_file_does_not_differ_from_itself(file: Path, compared: Compared) -> None:
    """No differences, status 0, for people and programs."""
    data = file.read_bytes()
    assert compared.document(data, data)[0] == 0
    status, shown = compared.run(data, data)
    assert (status, "no differences" in shown) == (0, True)


def test_a_changed_field_is_named_with_both_values_and_places(compared: Compared) -> None:
    """The path leads through shipment and party; the status is 1."""
    status, document = compared.document(MANIFEST, MANIFEST.replace(b"77 ELM AVE", b"79 ELM AVE"))

    assert (status, document["format"]) == (1, "x12")
    assert document["differences"] == [
        {
            "path": "P4[3801].LX[XMPLS26110000002].N1[CN].N3.N301",
            "position": "segment 27, element 1",
            "other_position": "segment 27, element 1",
            "change": "changed",
            "old": "77 ELM AVE",
            "new": "79 ELM AVE",
            "name": "Address Information",
            "part": "message",
        }
    ]


def test_shipments_are_found_again_wherever_they_stand(compared: Compared) -> None:
    """Two shipments in another order differ in their running numbers alone."""
    first, second, end = (MANIFEST.index(sign) for sign in (b"LX*1~", b"LX*2~", b"SE*31*"))
    turned = MANIFEST[:first] + MANIFEST[second:end] + MANIFEST[first:second] + MANIFEST[end:]
    turned = turned.replace(b"LX*2~", b"LX*9~").replace(b"LX*1~", b"LX*2~").replace(b"LX*9~", b"LX*1~")

    assert compared.changes(MANIFEST, turned) == [
        ("P4[3801].LX[XMPLS26110000001].LX01", "changed", "1", "2"),
        ("P4[3801].LX[XMPLS26110000002].LX01", "changed", "2", "1"),
    ]


def test_a_shipment_taken_out_is_removed_field_by_field(compared: Compared) -> None:
    """Nothing of the other shipment is said to differ; the counts of the envelope do."""
    at, end = MANIFEST.index(b"LX*2~"), MANIFEST.index(b"SE*31*")
    fewer = MANIFEST[:at] + MANIFEST[end:].replace(b"SE*31*", b"SE*21*")
    changes = compared.changes(MANIFEST, fewer)

    assert {change for _, change, _, _ in changes} == {"removed"}
    assert all(".LX[XMPLS26110000002]." in path for path, *_ in changes)
    _, document = compared.document(MANIFEST, fewer)
    assert [each["path"] for each in document["differences"] if each["part"] == "envelope"] == ["SE.SE01"]


def test_a_line_put_between_others_is_the_only_difference(compared: Compared) -> None:
    """Commodity lines have no key: equal ones meet, and the new one is added."""
    line = b"N10*4*WOODEN SPOONS****0012*K*1**BOX*CA~\n\n"
    at = MANIFEST.index(b"N10*1*COTTON")
    changes = compared.changes(MANIFEST, MANIFEST[:at] + line + MANIFEST[at:].replace(b"SE*31*", b"SE*32*"))

    assert {change for _, change, _, _ in changes} == {"added"}
    assert ("P4[3801].LX[XMPLS26110000001].VID[T53012].N10#1.N1002", "added", None, "WOODEN SPOONS") in changes


def test_envelope_numbers_are_a_part_of_their_own(compared: Compared) -> None:
    """A message sent again under new numbers differs in the envelope alone, which can be left out."""
    again = MANIFEST.replace(b"000000101", b"000000102").replace(b"*101*X", b"*102*X").replace(b"GE*1*101", b"GE*1*102")
    status, document = compared.document(MANIFEST, again)

    assert status == 1
    assert {each["path"] for each in document["differences"]} == {"ISA.ISA13", "GS.GS06", "GE.GE02", "IEA.IEA02"}
    assert {each["part"] for each in document["differences"]} == {"envelope"}
    assert compared.document(MANIFEST, again, "--ignore-envelope")[0] == 0


def test_entries_parties_and_lines_of_a_batch_are_found_again(compared: Compared) -> None:
    """A changed city and value are told under their entry, party and line."""
    other = ENTRY.replace(b"TORONTO  ", b"OTTAWA   ").replace(b"0000012500 ", b"0000012600 ")
    changes = compared.changes(ENTRY, other)

    assert ("entry[XYZ12345671].SE30[SE].SE36.city_name", "changed", "TORONTO", "OTTAWA") in changes
    assert all(change == "changed" for _, change, _, _ in changes)
    assert any(path.startswith("entry[XYZ12345671].SE40[1].SE60") for path, *_ in changes)


def test_personal_data_are_masked_on_both_sides(compared: Compared) -> None:
    """That a name changed is told, the names are not; a number of a shipment is."""
    other = MANIFEST.replace(b"JANE DOE", b"JOHN ROE").replace(b"COTTON T", b"LINEN T")
    changes = compared.changes(MANIFEST, other, "--mask")
    _, shown = compared.run(MANIFEST, other, "--mask")

    assert ("P4[3801].LX[XMPLS26110000001].N1[CN].N102", "changed", "########", "########") in changes
    assert not any(name in shown for name in ("JANE", "JOHN", "DOE", "ROE"))
    assert any(new == "LINEN T-SHIRTS KNIT" for *_, new in changes)


def test_files_that_cannot_be_compared_are_refused(compared: Compared) -> None:
    """Two families, or bytes that are no message: an error in the document and status 1."""
    status, document = compared.document(MANIFEST, ENTRY)
    assert (status, document["differences"], document["errors"][0]["code"]) == (1, [], "other_family")
    status, document = compared.document(MANIFEST, b"nothing")
    assert (status, document["errors"][0]["code"]) == (1, "not_recognised")
    status, document = compared.document(b"ISA*damaged", MANIFEST)
    assert (status, document["errors"][0]["code"]) == (1, "isa_too_short")


@pytest.mark.parametrize("whole", [MANIFEST, ENTRY], ids=["x12", "catair"])
def test_a_damaged_file_is_said_to_be_damaged(whole: bytes, compared: Compared) -> None:
    """What a file that was cut off lacks is not all: its errors stand in the document with the file, and above."""
    cut = whole[: len(whole) * 2 // 3]
    status, document = compared.document(whole, cut)

    assert status == 1
    assert document["differences"]
    assert {error["file"] for error in document["errors"]} == {str(compared.folder / "other")}
    assert {error["kind"] for error in document["errors"]} == {"format"}
    count = len(document["errors"])
    told = f"NEW is damaged: {count} format error{'s' if count > 1 else ''} in {compared.folder / 'other'}"
    assert compared.run(whole, cut)[1].splitlines()[1] == told
    assert "OLD is damaged" in compared.run(cut, cut)[1]
    assert compared.run(whole, whole, "--json")[0] == 0


def test_errors_of_a_damaged_file_hide_what_is_personal(compared: Compared) -> None:
    """The segment in which a file ends is quoted; under the mask it is not."""
    cut = MANIFEST[: MANIFEST.index(b"JANE DOE") + 8]

    assert "JANE DOE" in compared.run(MANIFEST, cut)[1]
    assert "JANE" not in compared.run(MANIFEST, cut, "--mask")[1]


def test_the_envelope_option_needs_the_other_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Alone it is wrong usage, as is a file that does not exist."""
    file = tmp_path / "one"
    file.write_bytes(MANIFEST)
    assert main(["inspect", str(file), "--ignore-envelope"]) == 2
    assert main(["inspect", str(tmp_path / "none")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def _node(name: str, value: str, key: str = "") -> Node:
    return Node(name, key, (Leaf(f"{name}01", "", value, value, "here"),))


def test_children_with_one_key_on_both_sides_meet_others_by_order() -> None:
    """A key that occurs twice decides nothing; what is left is paired in order."""
    one = Node("m", "", (), [_node("REF", "1", "A"), _node("REF", "2", "A"), _node("N1", "x", "CN")], transparent=True)
    other = Node(
        "m", "", (), [_node("N1", "y", "CN"), _node("REF", "2", "A"), _node("REF", "3", "B")], transparent=True
    )
    found = [(each.path, each.change, each.old, each.new) for each in differences(one, other)]

    assert found == [
        ("REF[A]#1.REF01", "removed", "1", None),
        ("N1[CN].N101", "changed", "x", "y"),
        ("REF[B].REF01", "added", None, "3"),
    ]
