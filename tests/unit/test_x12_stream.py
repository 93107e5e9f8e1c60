"""Streaming X12: any number of interchanges, any pieces, any damage; memory and time that do not follow the file."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from time import process_time

import pytest

from schemas.profile import load_profile
from schemas.x12 import (
    MOST_SEGMENT_BYTES,
    PlacedSegment,
    build_997,
    envelope_for,
    read_interchange,
    seg,
    stream,
    write_interchange,
)
from schemas.x12.problems import MOST_PROBLEMS, MOST_VALUE_CHARACTERS, PlacedProblem, Problems
from schemas.x12.source import WINDOW

PROFILE, ALTERNATE = load_profile(), load_profile("alternate")
WRITTEN = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
HEAD = [
    seg("M10", "XMPL", "J", "CA", None, "TRUCK", None, None, 1, "W", None, None, "XMPL26112200017", "00"),
    seg("P4", "3801", "20261122", None, None, "1630"),
]
BILL = [
    seg("M11", "S26110000001", "WINDSOR ON", 1, "BOX", 1, "K", None, None, "35", None, None, "XMPL"),
    seg("N1", "SH", "NORTH SHOP LTD"),
    seg("N4", "TORONTO", "ON", "M5H 1A1", "CA"),
]


def manifest(number: int = 101, bills: int = 1, profile: object = PROFILE) -> bytes:
    """A manifest of so many bills."""
    used = ALTERNATE if profile is ALTERNATE else PROFILE
    body = HEAD + [one for at in range(bills) for one in (seg("LX", at + 1), *BILL)]
    return write_interchange(envelope_for("309", used, control_number=number, written_at=WRITTEN), "309", body, used)


GOOD = manifest()


def read(source: object) -> tuple[list[PlacedSegment], list[PlacedProblem]]:
    """All segments and all problems of a source."""
    reading = stream(source)  # type: ignore[arg-type]
    return list(reading), list(reading.problems)


def codes(source: object) -> list[str]:
    """The codes of the problems, in their order."""
    return [problem.code for problem in read(source)[1]]


def names(segments: list[PlacedSegment]) -> str:
    """The names of the segments in one line."""
    return " ".join(one.id for one in segments)


def peak(source: object) -> tuple[int, int]:
    """How many segments a source gives, and the most memory that was held meanwhile."""
    count = 0
    tracemalloc.start()
    try:
        for _ in stream(source):  # type: ignore[arg-type]
            count += 1
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_segments_come_in_the_order_of_the_file_with_their_places() -> None:
    """Envelope and set are given alike; numbers count within the set, offsets within the file."""
    segments, problems = read(GOOD)

    assert problems == []
    assert names(segments) == "ISA GS ST M10 P4 LX M11 N1 N4 SE GE IEA"
    assert [one.number for one in segments] == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0]
    assert all(GOOD[one.offset :].startswith(one.id.encode() + b"*") for one in segments)


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n\r\n", b"\x00\x00\x1a", b" \t"])
def test_interchanges_with_other_separators_follow_each_other(between: bytes) -> None:
    """Each interchange has the separators of its own ISA; fillers between them are nothing."""
    log = between.join([GOOD, manifest(102, 2, ALTERNATE), manifest(103)])
    reading = stream(log)
    segments = list(reading)

    assert list(reading.problems) == []
    assert reading.interchanges == 3
    assert [one.element(13) for one in segments if one.id == "ISA"] == ["000000101", "000000102", "000000103"]
    assert names(segments).count("M11") == 4


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n", b"\r", b"\n\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_breaks_change_nothing_but_offsets(line_break: bytes, last: bool) -> None:
    """With any line break, also where the last one is missing, the same segments are given."""
    data = manifest(bills=2000).replace(b"~", b"~" + line_break)
    segments, problems = read(data if last else data[: -len(line_break)])

    assert problems == []
    assert [one[:3] for one in segments] == [one[:3] for one in read(manifest(bills=2000))[0]]
    assert all(data[one.offset :].startswith(one.id.encode() + b"*") for one in segments)


def test_windows_do_not_show() -> None:
    """A file of many windows gives the same whole, byte by byte, in odd pieces and from a file."""
    data = manifest(bills=1500) + b"\r\n" + GOOD
    assert len(data) > 3 * WINDOW
    whole = read(data)

    assert len(whole[0]) == 1500 * 4 + 8 + 12
    assert read(data[at : at + 1] for at in range(len(data))) == whole
    assert read(data[at : at + 40_009] for at in range(0, len(data), 40_009)) == whole
    assert read(io.BytesIO(data)) == whole
    assert read(bytearray(data)) == read(memoryview(data)) == whole


@pytest.mark.parametrize(
    ("data", "expected", "interchanges"),
    [
        (b"", ["isa_missing"], 0),
        (b"\r\n\x00", ["isa_missing"], 0),
        (b"UNB+UNOA:1+X+Y'", ["isa_missing"], 0),
        (b"ISA*00*", ["isa_too_short"], 0),
        (GOOD.replace(b"XGTW           ", b"XGTW"), ["isa_layout"], 0),
        (b"a header\n" + GOOD, ["isa_missing"], 1),
        (GOOD + b"-- a VISA --\n" + GOOD, ["data_between_interchanges"], 2),
        (GOOD + b"N1*SH*STRAY~N3*LINE~" + GOOD, ["data_between_interchanges"], 2),
        (GOOD + GOOD[:105], ["isa_too_short"], 1),
        (GOOD + GOOD.replace(b"*T*>", b"*T*~") + GOOD, ["separators_collide"], 2),
        (GOOD[:212] + b"~" + GOOD, ["set_not_closed", "nested_interchange"], 2),
        (GOOD[:212] + b"\n" + manifest(profile=ALTERNATE), ["truncated", "interchange_not_closed"], 2),
        (GOOD[:-20], ["truncated", "interchange_not_closed"], 1),
        (GOOD.replace(b"LX*1~", b"LX*1~ISA*00~"), ["set_not_closed", "nested_interchange", "isa_layout"], 1),
    ],
)
def test_damage_is_told_and_reading_goes_on(data: bytes, expected: list[str], interchanges: int) -> None:
    """What is no interchange is told once; the next ISA is found and read."""
    reading = stream(data)
    for _ in reading:
        pass

    assert {*expected} <= {problem.code for problem in reading.problems}
    assert reading.interchanges == interchanges


def test_the_interchange_behind_damage_is_sound() -> None:
    """After junk and after a nested ISA the next interchange is read without a fault of its own."""
    cut_off = GOOD[: GOOD.index(b"N1*")]
    segments, problems = read(cut_off + b"\n" + GOOD)

    assert [problem.code for problem in problems] == ["set_not_closed", "nested_interchange"]
    assert {problem.offset for problem in problems} == {len(cut_off) + 1}
    assert names(segments[-12:]) == "ISA GS ST M10 P4 LX M11 N1 N4 SE GE IEA"
    assert segments[-12].offset == len(cut_off) + 1


def test_further_groups_and_sets_are_told_and_read_in_full() -> None:
    """A stream gives every set; each group is held to its own counts and numbers."""
    st_to_se = GOOD[GOOD.index(b"ST*309") : GOOD.index(b"GE*")]
    lying = st_to_se.replace(b"N4*TORONTO", b"N4*toronto").replace(b"0001", b"0002")
    second_group = b"GS*AQ*A1*B1*20261122*1405*7*X*005020~" + st_to_se + b"GE*2*8~"
    data = GOOD.replace(b"GE*1*101~", lying + b"GE*2*101~" + second_group).replace(b"IEA*1*", b"IEA*2*")
    segments, problems = read(data)

    assert [problem.code for problem in problems] == [
        "more_than_one_set",
        "invalid_character",
        "more_than_one_group",
        "more_than_one_set",
        "group_control_numbers",
        "set_count",
    ]
    assert names(segments).count("M11") == 3
    assert [one.number for one in segments if one.id == "SE"] == [8, 8, 8]
    whole = read_interchange(data)
    assert len(whole.segments) == 8
    assert build_997(whole)[-1].element(1) == "R"


def test_a_segment_beyond_the_limit_is_refused_without_being_held() -> None:
    """A hundred megabytes of one segment, inside a set, outside of it or without an end, cost a window of memory."""

    def endless(before: bytes, size: int, after: bytes) -> Iterator[bytes]:
        yield before
        for _ in range(size // 50_000):
            yield b"A" * 50_000
        yield after

    inside, rest = GOOD[: GOOD.index(b"LX*")], GOOD[GOOD.index(b"LX*") :]
    size = 100_000_000
    number, memory = peak(endless(inside + b"N3*", size, b"~" + rest))
    segments, problems = read(endless(inside + b"N3*", size, b"~" + rest))

    assert number == 12
    assert memory < 2_000_000
    long = next(problem for problem in problems if problem.code == "segment_too_long")
    assert (long.path, long.offset) == ("N3[4]", len(inside))
    assert f"{size + 3} bytes" in long.text
    assert segments[-1].offset == len(GOOD) - len(b"IEA*1*000000101~") + size + 4
    assert codes(endless(GOOD[:106], 200_000, b"~" + GOOD[106:])) == ["segment_too_long"]
    text = read(endless(inside, 200_000, b""))[1][0]
    assert (text.code, text.offset) == ("set_not_closed", len(inside))
    assert "200000 characters" in next(
        one.text for one in read(endless(inside, 200_000, b""))[1] if "inside" in one.text
    )


def test_limit_of_a_segment_is_exact() -> None:
    """A segment of exactly the limit is looked at, one of a byte more is not."""
    inside, rest = GOOD[: GOOD.index(b"N1*")], GOOD[GOOD.index(b"N1*") :]
    at_limit = b"N9*ZZ*" + b"A" * (MOST_SEGMENT_BYTES - 6)

    assert codes(inside + at_limit + b"~" + rest) == ["element_too_long", "segment_count"]
    assert codes(inside + at_limit + b"A~" + rest) == ["segment_too_long", "segment_count"]


def test_memory_does_not_follow_the_file() -> None:
    """Eight times the file costs the same memory, with one long message and with many short ones."""

    def copies(one: bytes, count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield one

    for one, count in ((manifest(bills=4_000), 1), (GOOD, 500)):
        few, little = peak(copies(one, count))
        many, much = peak(copies(one, 8 * count))

        assert many == 8 * few
        assert much < little * 1.3 + 100_000
        assert much < 4_000_000


def test_problems_are_bounded() -> None:
    """Beyond their number, and beyond the size of their values, problems are counted only."""
    reading = stream(GOOD[:106] + b"~" * (MOST_PROBLEMS + 10) + GOOD[106:])
    segments = sum(1 for _ in reading)
    kept = list(reading.problems)

    assert segments == 12
    assert len(kept) == MOST_PROBLEMS + 1
    assert (kept[-1].code, len(reading.problems)) == ("too_many_problems", MOST_PROBLEMS + 10)
    large = Problems()
    for _ in range(3):
        value = "A" * (MOST_VALUE_CHARACTERS // 2) + str(len(large))
        for code in ("element_too_long", "element_not_in_list"):
            large.add(PlacedProblem(code, "", "", value=value))
    assert [one.code for one in large] == ["element_too_long", "element_not_in_list", "too_many_problems"]
    assert len(large) == 6


@pytest.mark.parametrize(
    "data",
    [
        b"ISA" * 700_000,
        GOOD[:106] * 20_000,
        GOOD[:106] + b"IEA*~" * 300_000,
        GOOD[:106] + b"\n" * 2_000_000,
        GOOD + b"\x00" * 2_000_000,
        GOOD[: GOOD.index(b"SE*")] + b"~" * 60_000,
        GOOD[:106] + b"GS~ST*309*0001~" * 50_000,
    ],
    ids=["names", "headers", "trailers", "breaks", "fillers", "terminators", "sets"],
)
def test_no_input_makes_it_slow(data: bytes) -> None:
    """Two megabytes of the worst are read in seconds: the time is linear in the size."""
    started = process_time()

    for _ in stream(data):
        pass

    assert process_time() - started < 10


def test_next_and_loop_take_from_the_same_place() -> None:
    """The stream is an iterator: single steps and a loop share what is left."""
    reading = stream(GOOD)

    assert next(reading).id == "ISA"
    assert names(list(reading)).startswith("GS ST")
    assert next(reading, None) is None


def test_a_source_of_text_is_a_mistake_of_the_caller() -> None:
    """Only bytes can be read."""
    with pytest.raises(TypeError, match="bytes"):
        next(stream(io.StringIO("ISA")))  # type: ignore[arg-type]
