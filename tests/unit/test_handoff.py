"""The handoff package holds every fact a broker needs, valid, readable and the same for the same input."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree
from pypdf import PdfReader

from mappings.handoff import NAMESPACE, build_package, check_xml, zip_package
from schemas.errors import FormatError, Problem
from schemas.shipment import read_shipment
from tests import mapping_samples as kit

MADE = datetime(2025, 3, 10, 14, 5, tzinfo=UTC)
NAMES = {"handoff.xml", "invoice.pdf", "shipment.json", "README.txt", "MANIFEST.sha256"}
CLAIM = {
    "agency": "FDA",
    "program": "COS",
    "processing": None,
    "product_id": {"qualifier": "GTIN", "number": "00012345678905"},
    "intended_use_code": "130.000",
    "intended_use_description": "For <sale> & use",
    "confidential": True,
    "message_set": [
        {"record": "PG02", "item_type": "P", "product_code_qualifier_1": "FDP", "product_code_number_1": "53LY-01"},
        {"record": "PG07", "trade_name_brand_name": "Ü & Co <test>"},
        {"record": "PG26", "packaging_qualifier": "1", "quantity": "12.5", "unit_of_measure": "PCS"},
    ],
}


def package(decision: dict[str, Any] | None = None, **changes: Any) -> dict[str, bytes]:
    """The package of the sample shipment with these changes."""
    return build_package(kit.shipment(**changes), kit.decided("formal", **(decision or {})), kit.trip(), MADE)


def texts(document: bytes, name: str) -> list[str]:
    """The texts of every element of that name."""
    return [node.text or "" for node in etree.fromstring(document).iter(f"{{{NAMESPACE}}}{name}")]


def test_the_package_is_complete_and_proven() -> None:
    """Five files; the digests of the list are those of the others."""
    files = package()
    rows = [row.split("  ") for row in files["MANIFEST.sha256"].decode().splitlines()]
    digests = {name: digest for digest, name in rows}

    assert set(files) == NAMES
    assert digests == {name: hashlib.sha256(files[name]).hexdigest() for name in NAMES - {"MANIFEST.sha256"}}


def test_same_input_same_bytes() -> None:
    """Package and zip can be made again and compared; another time makes other bytes."""
    files = package()

    assert files == package()
    assert zip_package(files, MADE) == zip_package(dict(reversed(files.items())), MADE)
    assert zip_package(files, MADE) != zip_package(files, MADE.replace(hour=15))


def test_the_zip_can_be_opened() -> None:
    """Every file stands in it under its name with the bytes of the package."""
    files = package()
    with zipfile.ZipFile(io.BytesIO(zip_package(files, MADE))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_a_zip_never_leaves_its_folder() -> None:
    """A name with a path is refused."""
    with pytest.raises(ValueError, match="plain file name"):
        zip_package({"../evil": b""}, MADE)


def test_the_xml_says_what_the_shipment_says() -> None:
    """Facts stand as given, in their own script, with markup escaped."""
    files = package(
        consignee=kit.party("Zoë <& 東京>"),
        lines=[kit.line(value="2600.00", pga=[CLAIM], manufacturer=kit.party("Atelier", "CA", "QC"))],
        fair_retail_value=None,
    )
    document = files["handoff.xml"]

    assert check_xml(document) == ()
    assert texts(document, "Name") == ["Sample Shop Ltd", "Zoë <& 東京>", "Atelier"]
    assert texts(document, "EnteredValue") == ["2600.00"]
    assert texts(document, "Field") == ["P", "FDP", "53LY-01", "Ü & Co <test>", "1", "12.5", "PCS"]
    assert [node.get("id") for node in etree.fromstring(document).iter(f"{{{NAMESPACE}}}Record")] == [
        "PG02",
        "PG07",
        "PG26",
    ]
    (claim,) = etree.fromstring(document).iter(f"{{{NAMESPACE}}}PgaClaim")
    assert dict(claim.attrib) == {
        "agency": "FDA",
        "program": "COS",
        "intendedUse": "130.000",
        "confidential": "true",
    }
    assert texts(document, "ProductId") == ["00012345678905"]
    assert texts(document, "IntendedUse") == ["For <sale> & use"]


def test_a_prior_notice_goes_to_the_broker() -> None:
    """The confirmation number stands with its claim."""
    food = {"agency": "FDA", "program": "FOO", "prior_notice_confirmation": "123456789012"}
    document = package(lines=[kit.line(pga=[food])])["handoff.xml"]

    assert check_xml(document) == ()
    assert texts(document, "PriorNoticeConfirmation") == ["123456789012"]


def test_the_reason_is_told_with_its_rule() -> None:
    """README and XML name reasons, rules, citations, refusals and what is still needed."""
    needs = (Problem("importer_missing", "importer_of_record", "The importer is not known.", "Ask the seller."),)
    files = package({"needs": needs}, importer_of_record=None)
    readme = files["README.txt"].decode()

    for words in (
        "The value is over 2,500 US dollars.",
        "sample.formal",
        "19 CFR 143.21",
        "Ask the seller.",
        "not given",
    ):
        assert words in readme
    assert texts(files["handoff.xml"], "Needed") == ["The importer is not known."]
    assert texts(files["handoff.xml"], "ImporterOfRecord") == []


def test_the_invoice_can_be_read_by_a_person() -> None:
    """Seller, consignee, importer, lines, totals, weight, control number and trip stand on the page."""
    files = package(
        consignee=kit.party("Łukasz Őry"), lines=[kit.line(value="2600.00", quantity="8")], fair_retail_value=None
    )
    text = PdfReader(io.BytesIO(files["invoice.pdf"])).pages[0].extract_text()

    for words in (
        "Sample Shop Ltd", "Łukasz", "EIN 12-3456789", "6109100012", "Cotton T-shirts, knitted", "8 NO", "325.00",
        "2,600.00", "1.20 KG", "TSTC25031000001", "TSTC2503100001", "Buffalo", "16:30 EDT",
    ):  # fmt: skip
        assert words in text
    assert "Latin letters" in text


def test_a_long_invoice_goes_over_pages() -> None:
    """Nine hundred lines make pages with repeated titles, and no line is lost."""
    lines = [kit.line(line=n, sku=f"SKU-{n:04d}", description="Goods <b>bold</b> & more " * 8) for n in range(1, 200)]
    files = package(lines=lines, fair_retail_value=None)
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(files["invoice.pdf"])).pages]

    assert len(pages) > 5
    assert all("HTS number" in page for page in pages[:-1])
    assert all(f"SKU-{n:04d}" in "".join(pages) for n in range(1, 200))


def test_nothing_of_a_line_is_lost() -> None:
    """Every word is there, and none stands beyond its column, be it one without an end."""
    words = [f"word{n:03d}" for n in range(60)]
    made = kit.party("Long " + "M" * 30)
    long = kit.line(description=" ".join(words), sku="S" * 40, manufacturer=made)
    files = package(lines=[long, *[kit.line(line=n, description="x" * 512) for n in range(2, 9)]])
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(files["invoice.pdf"])).pages)

    assert all(word in text for word in words)
    assert text.count("x") >= 7 * 512
    assert "x" * 80 not in text


@pytest.mark.parametrize(
    ("name", "carried"), [("Zoë Œuvre, Montréal – “Café”", False), ("Łukasz", True), ("山田", True)]
)
def test_only_signs_that_not_every_reader_has_make_a_page_carry_its_face(name: str, carried: bool) -> None:
    """Western letters need no embedded face, so that the package of most parcels is a few kilobytes."""
    page = package(consignee=kit.party(name))["invoice.pdf"]

    assert (b"/FontFile2" in page) is carried
    assert (name in PdfReader(io.BytesIO(page)).pages[0].extract_text()) is (name != "山田")
    assert (len(page) < 4_000) is not carried


def test_the_shipment_is_kept_as_given() -> None:
    """shipment.json reads back as the same shipment, claims of agencies with all their keys."""
    made = kit.shipment(lines=[kit.line(pga=[CLAIM])], consignee=kit.party("Zoë"))
    files = build_package(made, kit.decided("formal"), kit.trip(), MADE)

    assert read_shipment(json.loads(files["shipment.json"])) == made


@pytest.mark.parametrize(
    ("pathway", "changes", "code"),
    [("informal", {}, "not_formal"), ("formal", {"shipment_control_number": None}, "missing_scn")],
)
def test_no_package_without_its_reason(pathway: str, changes: dict[str, Any], code: str) -> None:
    """Only a formal shipment with a control number is handed off."""
    with pytest.raises(FormatError) as caught:
        build_package(kit.shipment(**changes), kit.decided(pathway), kit.trip(), MADE)

    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_sign_that_xml_cannot_hold_is_told_by_its_path() -> None:
    """Nothing is dropped: the field is named. Such a sign is refused at intake; a record made otherwise may hold it."""
    shipment = kit.shipment()
    named = shipment.consignee.model_copy(update={"name": "Pat \ufffe"})
    with pytest.raises(FormatError) as caught:
        build_package(shipment.model_copy(update={"consignee": named}), kit.decided("formal"), kit.trip(), MADE)

    assert [(p.code, p.path) for p in caught.value.problems] == [("invalid_character", "consignee.name")]


def test_a_time_without_zone_is_refused() -> None:
    """The package states an instant; a naive time is none."""
    with pytest.raises(FormatError) as caught:
        build_package(kit.shipment(), kit.decided("formal"), kit.trip(), datetime(2025, 3, 10))  # noqa: DTZ001

    assert [problem.code for problem in caught.value.problems] == ["no_time_zone"]


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        (b'pathway="formal"', b'pathway="informal"', "Decision"),
        (b"<Hts>6109100012</Hts>", b"<Hts>61091000</Hts>", "Hts"),
        (b"<CountryOfOrigin>CA</CountryOfOrigin>", b"", "Line"),
        (b'currency="USD">45.00', b'currency="CAD">45.00', "EnteredValue"),
        (b">45.00</EnteredValue>", b">-45.00</EnteredValue>", "EnteredValue"),
    ],
)
def test_a_changed_document_is_found_invalid(before: bytes, after: bytes, path: str) -> None:
    """The schema notices a wrong code, a missing element, another currency; the message names the place."""
    document = package()["handoff.xml"]
    assert before in document

    problems = check_xml(document.replace(before, after, 1))

    assert problems
    assert problems[0].path.endswith(path)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"not xml",
        b"<a>",
        b'<!DOCTYPE Handoff [<!ENTITY a "b">]><Handoff/>',
        b'<!DOCTYPE Handoff SYSTEM "file:///etc/passwd"><Handoff/>',
        b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>',
    ],
)
def test_a_hostile_document_is_a_problem_and_nothing_else(document: bytes) -> None:
    """No entity is expanded, nothing is fetched, no exception escapes."""
    problems = check_xml(document)

    assert [problem.code for problem in problems] in (["not_xml"], ["doctype"])
