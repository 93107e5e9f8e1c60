"""Does ``--mask`` hide every personal value, and nothing that a programmer needs?"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.inspect import inspection_of
from schemas.catair import RECORDS, read_batches
from schemas.personal import hidden, personal, without_quotes, without_values
from schemas.x12 import SEGMENTS, read_interchange

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted((*GOLDEN.glob("x12/*.edi"), *GOLDEN.glob("catair/*.txt"), *GOLDEN.glob("mappings/*.edi")))
PERSONS = {
    "309-complete-two-section-321.edi": (
        "JANE DOE", "SAM SMITH", "NORTH SHOP", "1200 MAIN ST", "77 ELM", "BUFFALO", "TOLEDO", "14201", "TREMBLAY",
        "MARIE", "19840517", "T62358400517", "GA123456", "41 RUE DU PORT", "N9A 1A1", "1FUJGLDR6CSBM1234", "AB1234",
        "AT9921",
    ),
    "se_type01_truck.txt": ("NORTHERN EXPORTS", "88 KING STREET WEST", "TORONTO", "M5H1A1", "12-3456789", "PASSWD"),
}  # fmt: skip
"""What a person would call personal in two of the files, written down by hand."""
KEPT = {
    "309-complete-two-section-321.edi": ("S26110000001", "XMPL26112200017", "COTTON T-SHIRTS KNIT", "T53012", "3801"),
    "se_type01_truck.txt": ("XYZ", "12345671", "0012504", "7324100010", "STAINLESS STEEL KITCHEN SINKS"),
}


def outputs(capsys: pytest.CaptureFixture[str], file: Path, *options: str) -> str:
    """Everything that the command prints about a file, for people and as a document."""
    shown = ""
    for more in ((), ("--json",)):
        main(["inspect", str(file), *options, *more])
        shown += "".join(capsys.readouterr())
    return shown


def personal_values(file: Path) -> set[str]:
    """The values of a file that the table calls personal and that stand in no other field (as a city may)."""
    data, table = file.read_bytes(), personal()
    found: dict[bool, set[str]] = {True: set(), False: set()}
    if file.suffix == ".txt":
        for placed in read_batches(data).records:
            for one in RECORDS[placed.layout].fields if placed.layout else ():
                key = table.field(placed.layout, one.key) or table.secret_field(placed.layout, one.key)
                found[bool(one.key) and key].add(placed.line[one.start - 1 : one.end].strip())
    else:
        for segment in read_interchange(data).segments:
            for position, value in enumerate(segment.elements, start=1):
                found[table.element(segment.id, position, segment.elements)].add(value)
    return {value for value in found[True] if value and not any(value in other for other in found[False])}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_personal_value_of_a_golden_file_survives(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither tables nor carets nor the document show one, though without the option they do."""
    values = personal_values(file) | set(PERSONS.get(file.name, ()))
    looked_for = {value for value in values if len(value) > 3}
    masked, open_ = outputs(capsys, file, "--mask"), outputs(capsys, file)

    assert {value for value in looked_for if value in masked} == set()
    assert {value for value in PERSONS.get(file.name, ()) if value not in open_} <= {"PASSWD"}
    for value in KEPT.get(file.name, ()):
        assert value in masked
    if values - {"PASSWD"}:
        assert "##" in masked


@pytest.mark.parametrize("name", ["309-complete-two-section-321.edi", "se_type01_truck.txt"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"JANE DOE", b"JANE~DOE"),
        (b"JANE DOE", b"JANE*DOE"),
        (b"N1*CN*", b"NX*CN*"),
        (b"JANE DOE", b"jane doe"),
        (b"N1*CN*JANE DOE~", b"N1*CN*JANE DOE" + b"*" * 7 + b"ELM STREET~"),
        (b"SE30SE ", b"SE30SE"),
        (b"SE36", b"QQ36"),
        (b"NORTHERN EXPORTS INC", b"NORTHERN EXPORTS \xc4\xd6\xdc"),
        (b"12-3456789  3080", b"12-3456789  30X0"),
        (b"PASSWD", b"pa$wd\x01"),
    ],
)
def test_damage_brings_nothing_to_light(
    name: str, old: bytes, new: bytes, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A separator in a name, an unknown segment or record, slipped columns: what may be personal stays hidden."""
    folder = "x12" if name.endswith(".edi") else "catair"
    data = (GOLDEN / folder / name).read_bytes()
    file = tmp_path / "damaged"
    for cut in (data.replace(old, new), data.replace(old, new)[: data.find(old) + len(new) + 3]):
        file.write_bytes(cut)
        shown = outputs(capsys, file, "--mask")
        for value in ("JANE", "DOE", "jane", "ELM STREET", "NORTHERN EXPORTS", "TORONTO", "M5H1A1", "PASSWD", "pa$wd"):
            assert value not in shown, (old, new, len(cut))


def test_a_password_is_hidden_without_the_option(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Also in the line that the carets stand under, and in the sentence of a fault of the password itself."""
    file = tmp_path / "batch"
    file.write_bytes(
        (GOLDEN / "catair" / "se_type01_truck.txt").read_bytes().replace(b"PASSWD100126", b"pa$wd\x01100126")
    )
    shown = outputs(capsys, file)

    assert "A3801XYZ######" in shown
    assert "pa$wd" not in shown


def test_the_copy_of_a_bad_element_is_hidden_with_its_kind() -> None:
    """AK404 shows a shipment's number, and hides what stood in a name."""
    data = (GOLDEN / "x12" / "997-rejected.edi").read_bytes()
    named = data.replace(b"AK3*M11*", b"AK3*N1*").replace(
        b"AK4*1*598*5*P261100000770000000000000000", b"AK4*2*93*6*jane doe"
    )

    assert "P261100000770000000000000000" in json.dumps(inspection_of(data, mask=True))
    assert "jane doe" in json.dumps(inspection_of(named))
    assert "jane doe" not in json.dumps(inspection_of(named, mask=True))


def test_comments_of_an_officer_are_hidden() -> None:
    """SO72 and an SO20 of comments may name anybody; also in the sentence of the hold they belong to."""
    data = (GOLDEN / "catair" / "so_agency_may_proceed.txt").read_bytes()
    held = data.replace(b"110507MAY PROCEED                   0722", b"110502HOLD INTACT                   02  ")
    lines = held.splitlines(keepends=True)
    lines.insert(-2, b"SO72CALL MR DOE AT 555 0100".ljust(80) + b"\n")
    told = b"".join(lines).replace(b"00009", b"00010")

    assert "Comment: CALL MR DOE" in inspection_of(told)["errors"][-1]["text"]
    assert "MR DOE" not in json.dumps(inspection_of(told, mask=True))


def test_what_a_remark_copies_is_hidden() -> None:
    """Of a K1 the code and the listed wording stay; the copy of a value and an officer's words do not."""
    refused = (GOLDEN / "x12" / "355-one-rejected.edi").read_bytes()
    copied = refused.replace(b"K1*470INV CTRY OF ORIG FOR SHP~", b"K1*470INV JANE DOE*14 ELM ST~")
    masked = json.dumps(inspection_of(copied, mask=True))
    told = (GOLDEN / "x12" / "350-hold.edi").read_bytes().replace(b"PRESENT SHIPMENT FOR EXAM", b"CALL OFFICER ROE")

    assert "JANE DOE" in json.dumps(inspection_of(copied))
    assert not any(value in masked for value in ("JANE", "DOE", "14 ELM"))
    assert '"470####' in masked
    assert "invalid country of origin for shipment" in masked
    assert "BILL REJECTED" in masked
    assert "OFFICER ROE" in json.dumps(inspection_of(told))
    assert "ROE" not in json.dumps(inspection_of(told, mask=True))


@pytest.mark.parametrize(
    ("name", "old", "new", "kept"),
    [
        ("sx_rejected.txt", b"LESS THAN ALL LINE-ITEM VALUES", b"LESS THAN THAT OF DOE J       ", "119"),
        ("so_released.txt", b"98RELEASED      ", b"98RELEASED DOE J", "RELEASED #####"),
        ("ax_rejected.txt", b"IMPORTER UNKNOWN      ", b"IMPORTER UNKNOWN DOE J", "101"),
        ("rejected_data_in_filler.txt", b"FOUND IN FILLER      ", b"FOUND IN FILLER DOE J", "X39"),
    ],
)
def test_what_cbp_says_beyond_the_text_of_its_code_is_hidden(
    name: str, old: bytes, new: bytes, kept: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A narrative may repeat what was sent: what is not the text of the listed code is hidden everywhere."""
    data = (GOLDEN / "catair" / name).read_bytes()
    file = tmp_path / name
    file.write_bytes(data.replace(old, new))
    masked = outputs(capsys, file, "--mask")

    assert "DOE J" in outputs(capsys, file)
    assert "DOE" not in masked
    assert kept in masked


def test_a_mask_leaves_the_sentences_whole(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A hidden character is not named as one that CBP refuses; the name of a missing group stays."""
    foreign = outputs(capsys, GOLDEN / "x12" / "bad" / "309-foreign-characters.edi", "--mask")
    file = tmp_path / "entry"
    lines = (GOLDEN / "catair" / "ae_type01_truck.txt").read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(one for one in lines if one[:2] not in (b"40", b"50")))
    missing = outputs(capsys, file, "--mask")

    assert "holds a character that CBP does not accept." in foreign
    assert "'#'" not in foreign
    assert "X37 at record" in missing
    assert "(#" not in missing


def test_the_table_names_elements_and_fields_that_exist() -> None:
    """Every element of the table is one of a known segment, N2 apart, and the fields of parties and persons fit it."""
    table = personal()
    segments = {re.sub(r"\d\d$", "", reference) for reference in table.elements}
    assert segments - set(SEGMENTS) == {"N2"}
    fields = {f"{layout}.{key}" for layout, one in RECORDS.items() for key in one.keys if table.field(layout, key)}
    assert {
        "SE10.importer_of_record", "SE13.contact_name", "SE13.contact_phone", "SE30.entity_name",
        "SE30.entity_identifier", "SE35.address_information_1", "SE36.city_name", "SE36.postal_code",
        "SE50.entity_name", "SO10.importer_of_record_number", "SO72.comments_to_trade_from_pga",
    } <= fields  # fmt: skip
    assert not {
        "SE10.entry_number", "SE10.importer_of_record_type", "SE15.bill_of_lading_number", "SE30.entity_code",
        "SE36.country_code", "SE60.hts_number", "SO10.vessel_name", "SE90.narrative_message_text",
        "SE17.equipment_number",
    } & fields  # fmt: skip


def test_hidden_texts_keep_their_length() -> None:
    """Quoted texts and values in a sentence are replaced sign by sign; short values are left."""
    assert hidden("JANE DOE") == "########"
    assert without_quotes("N102 'JANE' is not \"it's\".") == "N102 '####' is not \"####\"."
    assert without_values("JANE DOE, JANE, A", ["JANE", "JANE DOE", "A"]) == "########, ####, A"
