"""One person under many spellings, and many people who are not one."""

from __future__ import annotations

import pytest

from mappings.person import normal_address, normal_name, person_key
from schemas.shipment import Address, Party

BASE = ("Zoë Testwell", ["1200 North Main Street", "Apt 4"], "Buffalo", "NY", "14201")


def party(name: str, lines: list[str], city: str, region: str | None, postal_code: str | None) -> Party:
    """A consignee in the United States."""
    address = Address(lines=lines, city=city, region=region, postal_code=postal_code, country="US")
    return Party(name=name, address=address)


@pytest.mark.parametrize(
    "other",
    [
        ("ZOE TESTWELL", ["1200 N Main St", "#4"], "Buffalo", "NY", "14201"),
        ("zoe testwell", ["1200 N. Main St. Apt. 4"], "BUFFALO", "NY", "14201-3344"),
        ("Zoë Testwell", ["1200 north main street unit 4"], "Buffalo", "NY", "142013344"),
        ("Ms. Zoe Testwell", ["Apt 4", "1200 North Main St"], "Buffalo", "NY", "14201"),
        ("Testwell, Zoe", ["1200 N Main St, Suite 4"], "Buffalo", "NY", "14201"),
        ("Zoe Testwell", ["1200 N Main St Apt #4"], "Bufalo", "NY", "14201"),
        ("Zoe  Testwell", ["1200 N Main St", "APT4"], "Buffalo", "NY", "14201"),
    ],
)
def test_one_person_is_known_under_another_spelling(
    other: tuple[str, list[str], str, str, str],
) -> None:
    """Case, accents, titles, unit designators, abbreviations and ZIP+4 do not make another person."""
    assert person_key(party(*other)) == person_key(party(*BASE))


@pytest.mark.parametrize(
    "other",
    [
        ("Zoe Testwell", ["1200 North Main Street", "Apt 5"], "Buffalo", "NY", "14201"),
        ("Zoe Testwell", ["1200 North Main Street"], "Buffalo", "NY", "14201"),
        ("Zoe Testwell", ["1200 South Main Street", "Apt 4"], "Buffalo", "NY", "14201"),
        ("Zoe Testwell", ["1201 North Main Street", "Apt 4"], "Buffalo", "NY", "14201"),
        ("Zoe Q Testwell", ["1200 North Main Street", "Apt 4"], "Buffalo", "NY", "14201"),
        ("Zoe Testwell Jr", ["1200 North Main Street", "Apt 4"], "Buffalo", "NY", "14201"),
        ("Max Testwell", ["1200 North Main Street", "Apt 4"], "Buffalo", "NY", "14201"),
        ("Zoe Testwell", ["1200 North Main Street", "Apt 4"], "Buffalo", "NY", "14202"),
    ],
)
def test_another_person_stays_another(other: tuple[str, list[str], str, str, str]) -> None:
    """Another unit, street, number, initial, name or ZIP code is another person."""
    assert person_key(party(*other)) != person_key(party(*BASE))


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("O'Brien & Sons Limited", "OBRIEN AND SONS LTD"),
        ("J. P. Mockford", "JP MOCKFORD"),
        ("JP Mockford", "JP MOCKFORD"),
        ("Sample Goods, Inc.", "SAMPLE GOODS INC"),
        ("Dr", "DR"),
        ("Zoe Testwell c/o Sample Shop", "ZOE TESTWELL"),
        ("Zoe\u200bTestwell", "ZOE TESTWELL"),
        ("Łukasz Größe", "LUKASZ GROSSE"),
    ],
)
def test_names_have_one_form(given: str, normal: str) -> None:
    """Firms, initials, suffixes and letters of other alphabets come to one form."""
    assert normal_name(given) == normal


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("P.O. Box 12", "PO BOX 12"),
        ("POB 12", "PO BOX 12"),
        ("12 Eleventh Ave", "12 11TH AVE"),
        ("1 Elm St Apt No 4", "1 ELM ST UNIT 4"),
        ("1 Elm St Apt 04", "1 ELM ST UNIT 4"),
        ("1 Elm St Apt 4-B", "1 ELM ST UNIT 4B"),
        ("1 Elm St Apt 4 B", "1 ELM ST UNIT 4B"),
        ("1 Elm St Apt 4 N", "1 ELM ST N UNIT 4"),
        ("c/o Sample Shop\n1 Elm St", "1 ELM ST"),
        ("77 Fifth Avenue Floor 3", "77 5TH AVE FL 3"),
        ("9 St. Mary's Blvd N.E.", "9 ST MARYS BLVD NE"),
        ("12 Sample Ave Apt", "12 SAMPLE AVE"),
        ("Suite 200 5 Demo Sq", "5 DEMO SQ UNIT 200"),
        ("40 North East Demo Way", "40 NE DEMO WAY"),
        ("40 N.E. Demo Way # 2", "40 NE DEMO WAY UNIT 2"),
    ],
)
def test_addresses_have_one_form(given: str, normal: str) -> None:
    """Boxes, ordinals, saints and misplaced units come to one form."""
    assert normal_address(given) == normal


def test_without_a_zip_code_city_and_state_stand_in() -> None:
    """Two cities without ZIP codes are two places; Saint and St are one."""
    keys = {
        person_key(party("A Testwell", ["1 Elm St"], city, "MO", None))
        for city in ("Saint Louis", "St. Louis", "Kansas City")
    }

    assert len(keys) == 2


def test_a_name_without_a_latin_letter_still_has_a_key() -> None:
    """Nothing that the model accepts makes an empty or failing key."""
    assert normal_name("☃").strip()
    assert normal_name("Mr. ...").strip()
    assert normal_address("...").strip()
