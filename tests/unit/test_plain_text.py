"""Text that cannot be kept is found wherever it stands, and everything else is let through."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from filings.identity import Role, create_key
from filings.receiving import kept_message_id, printable
from gateway.cli import main
from schemas.plain_text import MOST, unfit_sentence, unfit_texts
from schemas.shipment import check_shipment
from tests.samples import shipment


@pytest.mark.parametrize(
    "text", ["", "plain", "é ß 漢 \U0001f600", "two\nlines\tand\ra tab", "\ufdd0\xa0", "שלום عليكم"]
)
def test_what_can_be_kept_is_let_through(text: str) -> None:
    """Any script, also from right to left, tabs and line ends."""
    assert unfit_sentence(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\0", "U+0000, a control"),
        ("\x1b[2J", "U+001B, a control"),
        ("\x7f", "U+007F, a control"),
        ("\udcff", "U+DCFF, half"),
        ("a\ufffe", "U+FFFE, which is no character."),
        ("\uffffb", "U+FFFF, which is no character."),
        *((f"Jane{chr(sign)}Doe", f"U+{sign:04X}, a control character.") for sign in range(0x80, 0xA0)),
        *(
            (f"Jane{chr(sign)}Doe", f"U+{sign:04X}, a sign that turns the direction of text.")
            for sign in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
        ),
    ],
)
def test_what_cannot_be_kept_is_named(text: str, says: str) -> None:
    """By its number, for it cannot be shown."""
    assert says in str(unfit_sentence(text))


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("\0", [""]),
        ({"a": {"b": ["x", "y\0"]}}, ["a.b[1]"]),
        ({"a\0b": 1, "c": "\0"}, ["a\\u0000b", "c"]),
        ([{"n": "\0"}, {"n": "ok"}, {"n": "\x01"}], ["[0].n", "[2].n"]),
        ({"n": 1, "m": None, "t": True, "f": 1.5}, []),
    ],
)
def test_each_fault_has_its_place(value: Any, paths: list[str]) -> None:
    """Keys and values, at any depth, in their order."""
    assert [one.path for one in unfit_texts(value)] == paths


def test_a_file_of_another_kind_has_a_few_faults() -> None:
    """Not one for each of a million bytes; and depth is no matter."""
    assert len(unfit_texts(["\0"] * 1000)) == MOST
    deep: Any = "\0"
    for _ in range(5000):
        deep = [deep]
    assert len(unfit_texts(deep)) == 1


@pytest.mark.parametrize("sign", ["\udcff", "\x9b", "\u202e"])
def test_an_argument_that_is_no_text_is_refused(capsys: pytest.CaptureFixture[str], sign: str) -> None:
    """Bytes that are no UTF-8 come as halves of characters; they, and what a terminal obeys, go no further."""
    assert main(["trip", f"SFIC{sign}", "--json"]) == 1
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert error["code"] == "control_character"
    assert f"U+{ord(sign):04X}" in error["text"]


@pytest.mark.parametrize("sign", ["\x9b", "\u202e", "\u200f"])
def test_a_field_that_could_make_a_page_lie_is_refused(sign: str) -> None:
    """A shipment with such a sign in a name is refused with the field's path, as for any control character."""
    document = shipment()
    document["consignee"]["name"] = f"Jane{sign}Doe"
    (fault,) = check_shipment(document)[1]
    assert (fault.code, fault.path) == ("control_character", "consignee.name")
    assert f"U+{ord(sign):04X}" in fault.text


def test_a_key_has_a_name_that_can_be_kept() -> None:
    """Refused before the database is asked."""
    conn: Connection = None  # type: ignore[assignment]
    with pytest.raises(ValueError, match=r"U\+0000"):
        create_key(conn, "a\0b", Role.BROKER, now=datetime(2025, 3, 10, tzinfo=UTC))


def test_what_partners_name_is_kept_with_a_mark() -> None:
    """A foreign file is not refused for its name: what cannot be kept is replaced, and the id is a digest."""
    assert printable({"a\0": ["\udcff", 1]}) == {"a\ufffd": ["\ufffd", 1]}
    assert kept_message_id("<a@b>") == "<a@b>"
    assert kept_message_id("file:\udcff:0") == kept_message_id("file:\udcff:0") != kept_message_id("file:\udcfe:0")
    assert kept_message_id("file:\udcff:0").isascii()
