"""Do the laws of the codec hold for every layout, every usage map and for any bytes at all?

Cases are made from the tables and maps, so a new one is covered by being there.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.catair import (
    RECORDS,
    BlockSpec,
    PlacedProblem,
    Record,
    annotate,
    applications,
    read_batches,
    read_record,
    stream,
    usage_maps,
    write_batch,
    write_record,
)
from schemas.entry_number import LETTER_VALUES, check_digit, entry_number_fault, make_entry_number, parse_entry_number
from schemas.errors import FormatError, Problem
from tests.catair_kit import FILER, Walker, mapped, record_for, transaction_for

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "catair").glob("*.txt"))
SEEDS = st.integers(0, 2**32 - 1)
QUICK = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
IN_BATCHES = sorted(mapped())
PARTS = sorted(set(usage_maps()) - {name for _, name in IN_BATCHES})


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
@given(seed=SEEDS)
def test_what_is_written_is_read_back(layout: str, seed: int) -> None:
    """For every layout: parse(render(x)) == x, without a problem, in exactly 80 columns of ASCII."""
    record = record_for(Random(seed), layout)
    line = write_record(record)

    assert len(line) == 80
    assert read_record(line, layout) == (record, ())


@pytest.mark.parametrize("layout", RECORDS)
@QUICK
@given(data=st.data())
def test_any_values_are_written_exactly_or_refused(layout: str, data: st.DataObject) -> None:
    """For any values: either the same values come back, or FormatError; never a cut or another exception."""
    keys = st.sampled_from([*RECORDS[layout].keys, "no_such_field"])
    values = dict(record_for(Random(data.draw(SEEDS)), layout).values) if data.draw(st.booleans()) else {}
    record = Record(layout, values | data.draw(st.dictionaries(keys, ANYTHING, max_size=4)))
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
@given(seed=SEEDS, column=st.integers(1, 80), byte=st.integers(0, 255))
def test_one_changed_column_is_seen_or_survives(layout: str, seed: int, column: int, byte: int) -> None:
    """A line with any one column changed has a problem there, or writes back; (S)N spaces come back as zeros."""
    line = bytearray(write_record(record_for(Random(seed), layout)))
    line[column - 1] = byte
    record, problems = read_record(bytes(line), layout)
    if problems:
        assert all(1 <= one.column <= 80 for one in problems)
    else:
        back = write_record(record)
        assert read_record(back, layout) == (record, ())
        assert zeros_for_spaces(layout, bytes(line)) == back


def zeros_for_spaces(layout: str, line: bytes) -> bytes:
    """The line with the leading spaces of each number of class (S)N as zeros: both are lawful, we write zeros."""
    filled = bytearray(line)
    for one in RECORDS[layout].fields:
        value = line[one.start - 1 : one.end]
        if one.accepts == "(S)N" and value.strip(b" "):
            filled[one.start - 1 : one.end] = value.lstrip(b" ").rjust(one.length, b"0")
    return bytes(filled)


@pytest.mark.parametrize("layout", RECORDS)
@QUICK
@given(line=st.binary(max_size=100))
def test_any_bytes_under_a_layout(layout: str, line: bytes) -> None:
    """Reading any bytes as any record ends in values or problems."""
    record, problems = read_record(line, layout)

    assert set(record.values) <= set(RECORDS[layout].keys)
    assert problems or write_record(record) == zeros_for_spaces(layout, line.ljust(80))


def batch_of(code: str, transactions: list[list[Record]], separator: bytes = b"\n") -> bytes:
    """A batch of one block of an application."""
    direction = applications()[code].direction
    password = "PASSWD" if direction == "in" else ""
    block = BlockSpec("0901", FILER, "", transactions)
    return write_batch(code, "0901", FILER, password, [block], record_separator=separator, direction=direction)


@pytest.mark.parametrize(("code", "name"), IN_BATCHES)
@FEW
@given(seed=SEEDS)
def test_a_walk_through_a_map_is_written_and_read_back(code: str, name: str, seed: int) -> None:
    """For every map: a transaction within use and maximum is written, read back equal, and writes the same bytes."""
    rnd = Random(seed)
    transactions = [transaction_for(rnd, code, name) for _ in range(2)]
    data = batch_of(code, transactions)
    read = read_batches(data)
    back = [[placed.record for placed in one.records] for one in read.batches[0].transactions]

    assert read.problems == []
    assert back == transactions
    assert batch_of(code, back) == data


@pytest.mark.parametrize(("code", "name"), IN_BATCHES)
@FEW
@given(seed=SEEDS)
def test_writer_and_reader_see_the_same_breaches(code: str, name: str, seed: int) -> None:
    """A record taken out or doubled is refused by the writer exactly when the reader finds fault with it."""
    rnd = Random(seed)
    records = transaction_for(rnd, code, name)
    at = rnd.randrange(1, len(records)) if len(records) > 1 else 0
    lines = batch_of(code, [records]).splitlines(keepends=True)
    changed = [*records[:at], *[records[at]] * 2, *records[at + 1 :]]
    lines[2 + at : 3 + at] = [lines[2 + at]] * 2
    if rnd.random() < 0.5 and at:
        changed, lines[2 + at : 4 + at] = [*records[:at], *records[at + 1 :]], []
    found = [one for one in read_batches(b"".join(lines)).problems if one.code != "count_mismatch"]
    refused: tuple[Problem, ...] = ()
    if applications()[code].starts and sum(one.layout in applications()[code].starts for one in changed) == 1:
        try:
            batch_of(code, [changed])
        except FormatError as error:
            refused = error.problems

        assert [(one.code, one.path) for one in refused] == [(one.code, one.path) for one in found]


@pytest.mark.parametrize("name", PARTS)
@FEW
@given(seed=SEEDS)
def test_a_walk_through_a_part_has_no_fault(name: str, seed: int) -> None:
    """A map that others include takes its own walks."""
    records = Walker(Random(seed), usage_maps()[name], applications()["SE"]).walk()

    assert list(usage_maps()[name].check(records)) == []


def everything(source: bytes | io.BytesIO | Iterable[bytes]) -> tuple[list[object], list[PlacedProblem]]:
    """The records and problems of a stream."""
    walking = stream(source)
    return list(walking), walking.problems


def assert_same_however_fed(data: bytes, cuts: Iterable[int]) -> None:
    """Whole, from a file, byte by byte and in chunks, a stream gives what reading the whole file gives."""
    read = read_batches(data)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    chunks = [data[begin:end] for begin, end in pairwise(edges)]
    walking = stream(data)
    transactions = [(one.records, one.problems) for one in walking.transactions()]

    for source in (data, io.BytesIO(data), (bytes((byte,)) for byte in data), chunks):
        assert everything(source) == (read.records, read.problems)
    assert walking.problems == read.problems
    assert transactions == [(one.records, one.problems) for batch in read.batches for one in batch.transactions]


@pytest.mark.parametrize(("code", "name"), IN_BATCHES)
@FEW
@given(
    seed=SEEDS,
    separator=st.sampled_from([b"\n", b"\r\n", b"\r", b""]),
    cuts=st.lists(st.integers(0, 10**6), max_size=8),
    garbage=st.one_of(st.just(b""), st.binary(max_size=100), st.sampled_from([b" " * 200, b"\r", b"\n\n", b"\x1a"])),
)
def test_chunks_make_no_difference(
    code: str, name: str, seed: int, separator: bytes, cuts: list[int], garbage: bytes
) -> None:
    """A batch, with or without something behind it, is the same however its bytes arrive."""
    assert_same_however_fed(batch_of(code, [transaction_for(Random(seed), code, name)], separator) + garbage, cuts)


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from([b"\n", b"\r", b"\r\n", b" ", b" " * 79, b" " * 81, b" " * 300, b"A" * 80, b"SE10" * 30]),
        ),
        max_size=12,
    ),
    cuts=st.lists(st.integers(0, 10**6), max_size=6),
)
def test_any_bytes_are_the_same_however_they_arrive(parts: list[bytes], cuts: list[int]) -> None:
    """Line ends of all kinds, long lines, runs of spaces and binary: chunks make no difference."""
    assert_same_however_fed(b"".join(parts), cuts)


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
