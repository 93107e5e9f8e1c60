"""Is the entry number formed, checked and read by CATAIR Appendix E?"""

from __future__ import annotations

import pytest

from schemas.entry_number import (
    LETTER_VALUES,
    EntryNumber,
    check_digit,
    entry_number_fault,
    filer_code_fault,
    format_entry_number,
    make_entry_number,
    parse_entry_number,
)
from schemas.errors import FormatError

VECTORS = [("B76", "0324527", 8), ("XYZ", "1234567", 1), ("XYZ", "1234568", 9), ("009", "0000001", 9)]


@pytest.mark.parametrize(("filer", "sequence", "expected"), VECTORS)
def test_check_digit_vectors(filer: str, sequence: str, expected: int) -> None:
    """The example of Appendix E (B76-0324527-8) and three more come out."""
    assert expected == check_digit(filer, sequence)


def test_offset_is_added_modulo_ten() -> None:
    """A filer that was granted +1 gets 9 for 8 and, with +3, 1 for 8."""
    assert [check_digit("B76", "0324527", offset) for offset in range(4)] == [8, 9, 0, 1]


def test_letters_count_as_appendix_e_says() -> None:
    """A, J are 1; B, K, S are 2; I, R, Z are 9."""
    assert [LETTER_VALUES[c] for c in "AJBKSIRZ"] == [1, 1, 2, 2, 2, 9, 9, 9]
    assert len(LETTER_VALUES) == 26


def test_formats() -> None:
    """Eleven characters inside the project, hyphens for people, eight digits for SE10."""
    number = make_entry_number("XYZ", 1234567)

    assert (str(number), number.display, number.number) == ("XYZ12345671", "XYZ-1234567-1", "12345671")
    assert format_entry_number("B76", 324527) == "B7603245278"


def test_parse_takes_hyphens_or_none() -> None:
    """Both written forms give the same parts."""
    assert (
        EntryNumber("B76", "0324527", "8") == parse_entry_number("B76-0324527-8") == parse_entry_number("B7603245278")
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "XYZ1234567",
        "XYZ12345670",
        "xyz12345671",
        "XYZ123456712",
        "XYZ 12345671",
        "XY-12345671",
        "XYZ１2345671",
        "00000000000",
    ],
)
def test_wrong_entry_numbers_are_refused(value: str) -> None:
    """Missing, surplus, wrong or exotic characters and a wrong check digit are faults in one sentence."""
    assert entry_number_fault(value)
    with pytest.raises(FormatError):
        parse_entry_number(value)


def test_a_right_entry_number_has_no_fault() -> None:
    """A right number is right only under the filer's own offset."""
    assert entry_number_fault("B76-0324527-8") is None
    assert entry_number_fault("B76-0324527-9", offset=1) is None
    assert "should be 9" in (entry_number_fault("B76-0324527-8", offset=1) or "")


@pytest.mark.parametrize("filer", ["001", "999", "A00", "AA0", "AAA", "A0A", "0A0", "00A", "0AA"])
def test_every_assigned_form_of_filer_code(filer: str) -> None:
    """The eight forms of Appendix E are filer codes."""
    assert filer_code_fault(filer) is None


@pytest.mark.parametrize("filer", ["000", "", "AB", "ABCD", "A-B", "abc", "٠٠١"])
def test_other_filer_codes_are_refused(filer: str) -> None:
    """000, other lengths, signs, small letters and foreign digits are none."""
    assert filer_code_fault(filer)


@pytest.mark.parametrize("sequence", [-1, 10_000_000])
def test_sequences_beyond_seven_digits_are_refused(sequence: int) -> None:
    """A series ends at 9,999,999."""
    with pytest.raises(FormatError):
        make_entry_number("XYZ", sequence)


def test_all_wrong_parts_are_told_together() -> None:
    """Filer, sequence and offset are each checked, and all faults come at once."""
    with pytest.raises(FormatError) as caught:
        check_digit("000", "12", 10)

    assert [one.path for one in caught.value.problems] == ["filer", "sequence", "offset"]
