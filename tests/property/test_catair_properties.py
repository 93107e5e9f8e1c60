"""Do the laws of the codec hold for every layout and for any bytes at all?

Strategies are made from the tables, so a new record is covered by being there.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.catair import RECORDS, FieldDef, PlacedProblem, Record, annotate, read_batches, read_record, write_record
from schemas.catair.classes import CHARACTERS
from schemas.entry_number import LETTER_VALUES, check_digit, entry_number_fault, make_entry_number, parse_entry_number
from schemas.errors import FormatError, Problem

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "catair").glob("*.txt"))
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def texts(one: FieldDef) -> st.SearchStrategy[str]:
    """Texts that fit a field: its class, no space at either end."""
    inner = sorted(CHARACTERS[one.accepts] - ({" "} if one.accepts == "A" else set()))
    free = st.text(st.sampled_from(inner), min_size=1, max_size=one.length)
    if one.verbatim:
        return free.filter(lambda text: text == text.rstrip(" ") and bool(text))
    return free.filter(lambda text: text == text.strip(" "))


def values(one: FieldDef) -> st.SearchStrategy[str | int | date]:
    """Values that fit a field."""
    if one.kind == "number":
        return st.integers(0, 10**one.length - 1)
    if one.kind == "date":
        return st.dates(date(2000, 1, 1), date(2099, 12, 31))
    if one.kind == "time":
        return st.times().map(lambda time: time.strftime("%H%M%S")[: one.length])
    if one.kind == "code":
        return st.text(st.sampled_from("0123456789"), min_size=one.length, max_size=one.length)
    return texts(one)


@st.composite
def records(draw: st.DrawFn, layout: str) -> Record:
    """Records of a layout with every mandatory and some of the other fields."""
    chosen: dict[str, str | int | date] = {}
    for one in RECORDS[layout].fields:
        if one.key and (one.required or draw(st.booleans())):
            chosen[one.key] = draw(values(one))
    return Record(layout, chosen)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.text(max_size=90),
    st.dates(),
    st.floats(),
    st.binary(max_size=5),
)


@pytest.mark.parametrize("layout", RECORDS)
@QUICK
@given(data=st.data())
def test_what_is_written_is_read_back(layout: str, data: st.DataObject) -> None:
    """For every layout: parse(render(x)) == x, without a problem, in exactly 80 columns of ASCII."""
    record = data.draw(records(layout))
    line = write_record(record)

    assert len(line) == 80
    assert read_record(line, layout) == (record, ())


@pytest.mark.parametrize("layout", RECORDS)
@QUICK
@given(data=st.data())
def test_any_values_are_written_exactly_or_refused(layout: str, data: st.DataObject) -> None:
    """For any values: either the same values come back, or FormatError; never a cut or another exception."""
    keys = st.sampled_from([*RECORDS[layout].keys, "no_such_field"])
    record = Record(layout, data.draw(st.dictionaries(keys, ANYTHING, max_size=4)))
    problems: tuple[Problem, ...] = ()
    line = b""
    try:
        line = write_record(record)
    except FormatError as refused:
        problems = refused.problems

    assert all(isinstance(one, PlacedProblem) and one.text and one.remedy for one in problems)
    assert problems or read_record(line, layout) == (record, ())


@pytest.mark.parametrize("layout", RECORDS)
@QUICK
@given(data=st.data())
def test_one_changed_column_is_seen_or_survives(layout: str, data: st.DataObject) -> None:
    """A line with any one column changed either is canonical and writes back, or has a problem there."""
    line = bytearray(write_record(data.draw(records(layout))))
    column = data.draw(st.integers(1, 80))
    line[column - 1] = data.draw(st.integers(0, 255))
    record, problems = read_record(bytes(line), layout)
    if problems:
        assert all(1 <= one.column <= 80 for one in problems)
    else:
        assert write_record(record) == bytes(line)


@pytest.mark.parametrize("layout", RECORDS)
@QUICK
@given(line=st.binary(max_size=100))
def test_any_bytes_under_a_layout(layout: str, line: bytes) -> None:
    """Reading any bytes as any record ends in values or problems."""
    record, problems = read_record(line, layout)

    assert set(record.values) <= set(RECORDS[layout].keys)
    assert problems or write_record(record) == line.ljust(80)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400))
@example(b"A" * 80)
@example(b"B\nY\nZ\nA\nY")
@example(b"A3801XYZ      100126     SO\nB\nB\nZ\nSO10\nY")
def test_any_file_is_read(data: bytes) -> None:
    """Any bytes give batches and problems; nothing is lost and nothing raises."""
    read = read_batches(data)

    assert read.problems
    assert len(annotate(read)) == len(read.records)


LINES = st.sampled_from(
    [
        b"A3801XYZPASSWD100126     SE",
        b"A3801XYZ      100126     SX",
        b"A3801XYZ      100126",
        b"B  3801XYZSE",
        b"B" + b" " * 78 + b"B",
        b"SE10AXYZ  12345671 01",
        b"SE13JANE",
        b"SE15R",
        b"SE90",
        b"SE9002",
        b"SO10",
        b"SO70",
        b"PG02P",
        b"X0 BLOCK",
        b"X1R",
        b"WR1",
        b"Y  3801XYZSE00099",
        b"Y" + b" " * 78 + b"Y",
        b"Z3801XYZ      100126",
        b"",
        b"QQ",
    ]
)


@settings(max_examples=300, deadline=None)
@given(lines=st.lists(LINES, max_size=15))
def test_records_in_any_order_are_read(lines: list[bytes]) -> None:
    """Control and data records in any order end in batches and problems, each record once."""
    read = read_batches(b"\n".join(lines))
    kept = sum(
        len(batch_records)
        for batch in read.batches
        for block in batch.blocks
        for batch_records in [transaction.records for transaction in block.transactions]
    )

    assert len(read.records) == sum(1 for line in lines if line)
    assert kept == sum(1 for one in read.records if one.layout[:1] not in ("A", "B", "Y", "Z") or one.layout == "")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_garbled_known_file_is_read(data: st.DataObject) -> None:
    """A known file with bytes changed, removed or doubled never raises and keeps its record numbers."""
    known = data.draw(st.sampled_from(GOLDEN)).read_bytes()
    at = data.draw(st.integers(0, len(known) - 1))
    length = data.draw(st.integers(0, 200))
    put = data.draw(st.one_of(st.binary(max_size=90), st.just(known[at : at + length])))
    read = read_batches(known[:at] + put + known[at + length :])

    assert [one.number for one in read.records] == list(range(1, len(read.records) + 1))


FILERS = st.from_regex(r"[A-Z]{3}|[A-Z][0-9][A-Z]|[1-9][0-9]{2}", fullmatch=True)
SEQUENCES = st.integers(0, 9_999_999)
OFFSETS = st.integers(0, 9)


@given(filer=FILERS, sequence=SEQUENCES, offset=OFFSETS)
def test_entry_numbers_made_are_right(filer: str, sequence: int, offset: int) -> None:
    """What is made is read back the same, with and without hyphens."""
    number = make_entry_number(filer, sequence, offset)

    assert parse_entry_number(str(number), offset) == number == parse_entry_number(number.display, offset)


@given(filer=FILERS, sequence=SEQUENCES, offset=OFFSETS, place=st.integers(0, 7), digit=st.integers(0, 9))
def test_one_wrong_digit_is_always_found(filer: str, sequence: int, offset: int, place: int, digit: int) -> None:
    """Any one digit of sequence or check digit replaced by another makes the number wrong."""
    right = str(make_entry_number(filer, sequence, offset))
    wrong = right[: 3 + place] + str(digit) + right[4 + place :]

    assert (entry_number_fault(wrong, offset) is None) == (wrong == right)


@given(filer=FILERS, sequence=SEQUENCES, place=st.integers(0, 5))
def test_exchanged_neighbours_are_found_but_for_0_and_9(filer: str, sequence: int, place: int) -> None:
    """Two neighbouring digits exchanged change the check digit, unless they are equal or 0 and 9."""
    digits = f"{sequence:07}"
    swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
    blind = {digits[place], digits[place + 1]} == {"0", "9"} or swapped == digits

    assert (check_digit(filer, digits) == check_digit(filer, swapped)) == blind


@given(
    filer=st.from_regex(r"[A-Z]{3}", fullmatch=True),
    sequence=SEQUENCES,
    place=st.integers(0, 2),
    letter=st.sampled_from(sorted(LETTER_VALUES)),
)
def test_letters_of_the_same_value_are_not_told_apart(filer: str, sequence: int, place: int, letter: str) -> None:
    """A wrong letter of the filer code is found exactly when its value differs."""
    other = filer[:place] + letter + filer[place + 1 :]
    digits = f"{sequence:07}"

    assert (check_digit(filer, digits) == check_digit(other, digits)) == (
        LETTER_VALUES[letter] == LETTER_VALUES[filer[place]]
    )
