"""Ordinary text becomes CBP's characters by one stated rule, and the change is recorded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import FormatError
from schemas.text import CATAIR_AN, CBP_CHARACTERS, to_alphanumeric, to_wire, transliterate


@pytest.mark.parametrize(
    ("given_text", "wire"),
    [
        ("Zoë Testwell", "ZOE TESTWELL"),
        ("Straße 5", "STRASSE 5"),
        ("Søren Ærø", "SOREN AERO"),
        ("Łódź", "LODZ"),
        ("“Quoted” – it’s", '"QUOTED" - IT\'S'),
        ("a*b\\c", "A+B/C"),
        ("  two   spaces\tand\nlines ", "TWO SPACES AND LINES"),
        ("Montréal", "MONTREAL"),
        ("ΑΘΗΝΑ", "ATHINA"),
    ],
)
def test_the_rule(given_text: str, wire: str) -> None:
    """Accents, ligatures, other scripts, typographic signs and separators have one stated form."""
    assert transliterate(given_text) == wire


def test_upper_casing_alone_is_not_recorded() -> None:
    """Capitals are the format; anything else is a change a person may want to see."""
    assert to_wire("Jane Doe", "consignee.name") == ("JANE DOE", None)

    wire, record = to_wire("Zoë Doe", "consignee.name")

    assert wire == "ZOE DOE"
    assert record is not None
    assert record.as_dict() == {"path": "consignee.name", "before": "Zoë Doe", "after": "ZOE DOE"}


def test_what_has_no_equivalent_is_an_error_not_dropped() -> None:
    """A control character cannot be written for CBP, so the value is refused."""
    with pytest.raises(FormatError) as caught:
        to_wire("A\x07B", "consignee.name")

    assert caught.value.problems[0].code == "invalid_character"
    assert caught.value.problems[0].path == "consignee.name"


def test_alphanumeric_form_turns_punctuation_to_spaces() -> None:
    """CATAIR class AN has no punctuation; the change is recorded."""
    wire, record = to_alphanumeric("O'Neil-Smith, Jr.", "contact")

    assert wire == "O NEIL SMITH JR"
    assert record is not None


@given(st.text(max_size=80))
def test_any_text_ends_in_cbp_characters_or_a_typed_error(text: str) -> None:
    """No input escapes with a foreign character, whatever its script."""
    for convert, allowed in ((to_wire, CBP_CHARACTERS), (to_alphanumeric, CATAIR_AN)):
        try:
            wire, _ = convert(text, "x")
        except FormatError:
            continue
        assert set(wire) <= allowed


@given(st.text(max_size=60))
def test_the_rule_is_stable(text: str) -> None:
    """What has been converted once does not change again."""
    once = transliterate(text)

    assert transliterate(once) == once
