"""Laws of the X12 layer: written is read back, any bytes end in values or problems, quick and full checks agree.

Messages are drawn from the tables: every place of every set, every segment, all relational rules kept.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.errors import FormatError
from schemas.profile import load_profile
from schemas.text import CBP_CHARACTERS
from schemas.x12 import (
    CODES,
    SEGMENTS,
    SETS,
    Envelope,
    Segment,
    Separators,
    annotate,
    answer_envelope,
    build_997,
    build_ta1,
    inspection,
    read_interchange,
    render,
    seg,
    stream,
    write_interchange,
    write_ta1,
)
from schemas.x12.elements import checkers, relation_holds
from schemas.x12.known import KnownSegments
from schemas.x12.tables import ElementDef, LoopDef, SegmentDef

PROFILES = [load_profile(), load_profile("alternate")]
LENIENT = [HealthCheck.too_slow, HealthCheck.data_too_large]
BOUNDED = settings(max_examples=60, deadline=None, suppress_health_check=LENIENT)
FEW = settings(max_examples=6, deadline=None, suppress_health_check=LENIENT)
PLAIN = "".join(sorted(CBP_CHARACTERS - set("*~>^\\:")))
SAMPLES = [path.read_bytes().replace(b"\n", b"") for path in sorted(Path(__file__).parents[1].glob("golden/x12/*.edi"))]
NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
GARBAGE = [b"XX", b"~", b"XX*1~", b"ST*309*0001~", b"\xff\xfe\n", b"-- end of log --\r\n", b"ISA*00*", b"ISA"]
Message = tuple[Envelope, str, list[Segment]]


def _paths(loop: LoopDef, above: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], str]]:
    """Every place of a set: the positions that lead to it from the top, and its segment."""
    for at, member in enumerate(loop.members):
        if member.id not in ("ST", "SE"):
            yield (*above, at), member.id
            yield from _paths(member, (*above, at))


PLACES = {set_id: list(_paths(SETS[set_id].structure)) for set_id in SETS}
ENVELOPE = {"ISA", "GS", "ST", "SE", "GE", "IEA", "TA1"}


def values(element: ElementDef, longest: int, lists: bool = True) -> st.SearchStrategy[str]:
    """Sound values of one element."""
    kind, shortest = element.type, element.shortest
    if lists and element.codes and CODES[element.codes].enforced:
        return st.sampled_from(sorted(CODES[element.codes].codes))
    if kind in ("N0", "N2"):
        whole = st.integers(10 ** (shortest - 1) - (shortest == 1), 10**longest - 1).map(str)
        return st.one_of(whole, whole.map("-{}".format))
    if kind == "R":
        return st.one_of(
            st.integers(0, 10**longest - 1).map(str),
            st.decimals(0, 99, places=2).map(str) if longest >= 4 else st.integers(0, 9).map(str),
            st.integers(0, 9).map(".{}".format),
        )
    if kind == "DT":
        dates = st.dates(datetime(2000, 1, 1, tzinfo=UTC).date(), datetime(2099, 12, 31, tzinfo=UTC).date())
        return dates.map(lambda day: f"{day:%Y%m%d}" if longest == 8 else f"{day:%y%m%d}")
    if kind == "TM":
        return st.times().map(lambda time: f"{time:%H%M%S}" if longest > 4 and time.second % 2 else f"{time:%H%M}")
    usual = st.text(PLAIN, min_size=shortest, max_size=min(longest, shortest + 12))
    widest = st.text("AZ09 ", min_size=longest, max_size=longest)
    return st.one_of(usual, usual, widest).filter(lambda text: bool(text.strip(" ")))


@st.composite
def segments(draw: Any, segment_id: str, set_id: str) -> Segment:
    """A sound segment: mandatory elements, some of the others, relational rules kept."""
    definition = SEGMENTS[segment_id]
    known = SETS.get(set_id)
    widths, lists = (known.widths, known.code_lists) if known else ({}, True)
    shape = definition.elements[:5] if definition.open else definition.elements

    def value(position: int) -> str:
        one = definition.elements[position - 1]
        drawn: str = draw(values(one, widths.get(one.reference, one.longest), lists))
        return drawn

    chosen = {
        one.position: value(one.position) for one in shape if one.use == "M" or one.position == 1 or draw(st.booleans())
    }
    for rule in _broken(definition, chosen):
        there = [position for position in rule.positions if position in chosen]
        if rule.kind == "E":
            for position in there[1:]:
                del chosen[position]
        else:
            for position in rule.positions:
                if position not in chosen:
                    chosen[position] = value(position)
    return seg(segment_id, *(chosen.get(position) for position in range(1, len(definition.elements) + 1)))


def _broken(definition: SegmentDef, chosen: dict[int, str]) -> Iterator[Any]:
    """One rule after the other that does not hold for what is ``chosen`` by then."""
    for _ in range(20):
        present = tuple(position in chosen for position in range(1, len(definition.elements) + 1))
        broken = next((rule for rule in definition.rules if not relation_holds(rule, present)), None)
        if broken is None:
            return
        yield broken
    raise AssertionError(f"the rules of {definition.id} cannot be met")


@st.composite
def loops(draw: Any, loop: LoopDef, set_id: str, wanted: tuple[int, ...] = ()) -> list[Segment]:
    """Sound content of a loop: mandatory places once or twice, others now and then, the ``wanted`` one for certain."""
    body: list[Segment] = []
    for at, member in enumerate(loop.members):
        if member.id in ("ST", "SE"):
            continue
        here = wanted[:1] == (at,)
        least = 1 if member.mandatory or here else 0
        most = min(member.most, 2) if least or draw(st.integers(0, 3)) == 0 else 0
        for time in range(draw(st.integers(least, max(least, most)))):
            body.append(draw(segments(member.id, set_id)))
            body += draw(loops(member, set_id, wanted[1:] if here and not time else ()))
    return body


@st.composite
def messages(draw: Any, place: tuple[str, tuple[int, ...]] | None = None) -> Message:
    """A sound message of any set in a sound envelope; with ``place`` one that has a segment there."""
    set_id, wanted = place or (draw(st.sampled_from(sorted(SETS))), ())
    identifier = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=2, max_size=15)
    number = st.integers(1, 999_999_999)
    envelope = Envelope(
        "ZZ", draw(identifier), "ZZ", draw(identifier), draw(st.sampled_from(["00502", "00605", "00406", "00401"])),
        SETS[set_id].group, SETS[set_id].release, draw(number), draw(number),
        NOW + timedelta(minutes=draw(st.integers(0, 10**6))),
        draw(st.sampled_from("TP")), draw(st.sampled_from("01")), draw(st.sampled_from(["", "A1-GROUP"])),
    )  # fmt: skip
    if envelope.group_sender_id == envelope.sender_id:
        envelope = replace(envelope, group_sender_id="")
    return envelope, set_id, draw(loops(SETS[set_id].structure, set_id, wanted))


@st.composite
def damaged(draw: Any) -> bytes:
    """A sample with a few bytes changed, taken out or put in."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0 if draw(st.integers(0, 4)) == 0 else 106, len(data) - 1))
        new = draw(
            st.sampled_from(
                [b"*", b"~", b"~~", b"\r\n", b"ISA", b"~ST*309*0001~", b"~SE*1*1~", b"\xe9", b"a", b"9", b"", b">"]
            )
        )
        data[at : at + draw(st.integers(0, 4))] = new
    return bytes(data)


@st.composite
def logs(draw: Any) -> bytes:
    """Several samples, sound or damaged, with or without something between them."""
    parts = draw(st.lists(st.one_of(st.sampled_from(SAMPLES), damaged(), st.binary(max_size=40)), max_size=5))
    between = draw(st.sampled_from([b"", b"\r\n", b"\x00\x00", b"\n-- next --\n"]))
    return bytes(between.join(parts))


ANYTHING = st.one_of(
    st.binary(max_size=400),
    damaged(),
    damaged(),
    logs(),
    st.binary(max_size=300).map(lambda rest: SAMPLES[0][:106] + rest),
)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """``data`` in pieces of these sizes, the last one as long as it is."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [*pieces, data[at:]]


def streamed(source: Any, profile: Any = None) -> tuple[list[Any], list[Any], int]:
    """Segments, problems and number of interchanges that a stream gives."""
    reading = stream(source, profile)
    return list(reading), list(reading.problems), reading.interchanges


def check_laws(message: Message, garbage: bytes, sizes: list[int]) -> None:
    """parse(render(x)) == x and render(parse(b)) == b, fed in any way, under both profiles."""
    envelope, set_id, body = message
    for profile in PROFILES:
        data = write_interchange(envelope, set_id, body, profile)

        read = read_interchange(data, profile)

        assert read.problems == ()
        assert (read.envelope, read.set_id, read.body) == (envelope, set_id, tuple(body))
        assert render(read, profile) == data
        whole = [read.isa, read.gs, *read.segments, read.ge, read.iea]
        single = [data[at : at + 1] for at in range(len(data))]
        for source in (data, io.BytesIO(data), single, cut(data, sizes)):
            assert streamed(source, profile) == (whole, [], 1)
        followed = read_interchange(data + garbage, profile)
        assert followed.errors
        assert followed.body == read.body
        found, problems, _ = streamed(cut(data + garbage, sizes), profile)
        assert found == whole
        assert problems


@pytest.mark.parametrize("segment_id", sorted(set(SEGMENTS) - ENVELOPE))
@FEW
@given(data=st.data())
def test_every_segment_is_read_back_as_it_was_written(segment_id: str, data: st.DataObject) -> None:
    """Each segment of the tables, in a sound message of a set that holds it, survives both directions."""
    places = [(set_id, path) for set_id, rows in PLACES.items() for path, name in rows if name == segment_id]
    assert places, "no set holds the segment"
    message = data.draw(messages(data.draw(st.sampled_from(places))))
    assert segment_id in {one.id for one in message[2]}

    check_laws(message, data.draw(st.sampled_from(GARBAGE)), data.draw(st.lists(st.integers(0, 90), max_size=9)))


@pytest.mark.parametrize("set_id", sorted(SETS))
@settings(BOUNDED, max_examples=15)
@given(data=st.data())
def test_every_place_of_a_set_can_be_written_and_read(set_id: str, data: st.DataObject) -> None:
    """Any place of any set takes its segment, and the message survives both directions."""
    path, segment_id = data.draw(st.sampled_from(PLACES[set_id]))
    message = data.draw(messages((set_id, path)))
    assert segment_id in {one.id for one in message[2]}

    check_laws(message, data.draw(st.sampled_from(GARBAGE)), data.draw(st.lists(st.integers(0, 90), max_size=9)))


@BOUNDED
@given(messages())
def test_loops_hold_every_segment_once(message: Message) -> None:
    """The tree of a sound message has each segment in exactly one loop."""
    read = read_interchange(write_interchange(*message, PROFILES[0]))

    numbers = sorted(segment.number for loop in read.loops.walk() for segment in loop.segments)

    assert numbers == list(range(1, len(read.segments) + 1))


@BOUNDED
@given(segments("TA1", ""), st.sampled_from(GARBAGE))
def test_ta1_is_read_back_as_it_was_written(ta1: Segment, garbage: bytes) -> None:
    """A TA1 alone survives both directions, whole and byte by byte, under both profiles."""
    envelope = Envelope("ZZ", "GATEWAY", "ZZ", "CBP", "00502", "", "", 1, 0, NOW)
    for profile in PROFILES:
        data = write_ta1(envelope, ta1, profile)
        read = read_interchange(data, profile)

        assert (read.problems, read.ta1, read.envelope) == ((), ta1, envelope)
        assert render(read, profile) == data
        assert streamed([data[at : at + 1] for at in range(len(data))]) == streamed(data)
        assert streamed(data)[0] == [read.isa, *read.ta1_segments, read.iea]
        assert read_interchange(data + garbage, profile).errors


@BOUNDED
@given(st.lists(messages(), min_size=1, max_size=4), st.sampled_from([b"", b"\r\n", b"\n\n", b" \x00\x1a"]), st.data())
def test_interchanges_behind_each_other_are_streamed_one_by_one(
    all_: list[Message], between: bytes, data: st.DataObject
) -> None:
    """A log of interchanges, each under either profile, gives the segments of each with their places in the file."""
    log, expected = b"", []
    for message in all_:
        profile = data.draw(st.sampled_from(PROFILES))
        one = write_interchange(*message, profile)
        read = read_interchange(one, profile)
        for segment in (read.isa, read.gs, *read.segments, read.ge, read.iea):
            assert segment is not None
            expected.append(segment._replace(offset=segment.offset + len(log)))
        log += one + between

    sizes = data.draw(st.lists(st.integers(0, 500), max_size=9))

    assert streamed(cut(log, sizes)) == (expected, [], len(all_))


@BOUNDED
@given(ANYTHING, st.lists(st.integers(0, 90), max_size=20))
def test_how_a_source_is_cut_makes_no_difference(data: bytes, sizes: list[int]) -> None:
    """Any bytes give the same segments and problems whole, byte by byte and in any pieces; nothing is raised."""
    whole = streamed(data)

    assert streamed([data[at : at + 1] for at in range(len(data))]) == whole
    assert streamed(cut(data, sizes)) == whole
    assert streamed(io.BytesIO(data)) == whole
    for segment in whole[0]:
        assert data[segment.offset :].startswith(segment.id.encode("latin-1"))


@BOUNDED
@given(damaged())
def test_a_stream_finds_what_the_reader_finds(data: bytes) -> None:
    """For one group with one set in one interchange both give the same segments and the same problems."""
    try:
        read = read_interchange(data)
    except FormatError:
        return
    beyond = {"more_than_one_set", "more_than_one_group", "nested_interchange", "data_after_interchange", "truncated"}
    if beyond & {problem.code for problem in read.problems}:
        return
    found, problems, _ = streamed(data)

    assert [one for one in found if one.number] == list(read.segments)
    assert problems == list(read.problems)


@BOUNDED
@given(ANYTHING)
def test_any_bytes_end_in_values_or_problems(data: bytes) -> None:
    """Reading raises nothing but FormatError; what was read can be shown and answered, and the answers are sound."""
    json.dumps(inspection(data))
    try:
        read = read_interchange(data)
    except FormatError:
        return
    assert len(read.places) == len(read.segments)
    assert read.loops is not None
    json.dumps(annotate(read))
    ta1 = build_ta1(read)
    if ta1 is None or read.envelope is None:
        return
    sound = Envelope("ZZ", "GATEWAY", "ZZ", "CBP", "00502", "AQ", "005020", 1, 1, NOW)
    for profile in PROFILES:
        write_ta1(answer_envelope(sound, "TA1", profile, control_number=1, written_at=NOW), ta1, profile)
        body = build_997(read, profile)
        if body:
            envelope = answer_envelope(sound, "997", profile, control_number=1, written_at=NOW)
            answer = read_interchange(write_interchange(envelope, "997", body, profile), profile)
            assert answer.problems == ()


@BOUNDED
@given(damaged())
def test_a_message_without_errors_can_be_written_again(data: bytes) -> None:
    """What the reader finds no fault with, the writer takes, and it says the same."""
    try:
        read = read_interchange(data)
    except FormatError:
        return
    if read.errors or read.envelope is None or not read.set_id:
        return
    # Only an identifier of the envelope may be readable and yet no value that we would write.
    envelope = replace(read.envelope, sender_id="GATEWAY", receiver_id="CBP", group_sender_id="", group_receiver_id="")
    again = read_interchange(
        render(replace(read, envelope=replace(envelope, sender_qualifier="ZZ", receiver_qualifier="ZZ")))
    )
    assert again.body == read.body


@pytest.mark.parametrize("segment_id", sorted(set(SEGMENTS) - {"ISA"}))
@settings(BOUNDED, max_examples=25)
@given(data=st.data())
def test_quick_check_never_takes_what_the_full_check_refuses(segment_id: str, data: st.DataObject) -> None:
    """What the compiled pattern takes has no fault; it looks closer only at leap days and values with a space first."""
    set_id = data.draw(st.sampled_from([*sorted(SETS), ""]))
    separators = Separators.of(data.draw(st.sampled_from(PROFILES)))
    table = checkers(set_id, separators)
    checker = table.find(segment_id)
    assert checker is not None
    wild = st.text("AZ09 .-*~>^\\:aé\u00b2", max_size=6)
    elements = list(
        data.draw(
            st.one_of(
                segments(segment_id, set_id),
                st.lists(wild, max_size=8).map(lambda all_: seg(segment_id, *all_)),
            )
        ).elements
    )
    spoiled = data.draw(st.booleans())
    if elements and spoiled:
        elements[data.draw(st.integers(0, len(elements) - 1))] = data.draw(wild)
    taken = tuple(elements)
    raw = separators.element.join((segment_id, *taken))
    if raw.count(separators.element) != len(taken):
        return
    faults = list(checker.faults(taken))
    sound = not faults and bool(taken) and bool(taken[-1])

    if checker.quick(raw, taken):
        assert sound
    elif sound:
        assert any("0229" in value or value.startswith(" ") for value in taken)
    assert checker.sound(raw, taken) == sound
    known = KnownSegments(table, separators.element)
    for _ in range(2):
        assert (known.get(raw) or known.learn(raw)) == ((segment_id, taken) if sound else ("", ()))
