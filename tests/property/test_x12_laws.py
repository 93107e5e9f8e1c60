"""Laws of the X12 layer: written is read back, any bytes end in values or problems, quick and full checks agree."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
    write_interchange,
    write_ta1,
)
from schemas.x12.elements import checkers
from schemas.x12.tables import ElementDef, LoopDef

PROFILES = [load_profile(), load_profile("alternate")]
BOUNDED = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
PLAIN = "".join(sorted(CBP_CHARACTERS - set("*~>^\\:")))
SAMPLES = [path.read_bytes().replace(b"\n", b"") for path in sorted(Path(__file__).parents[1].glob("golden/x12/*.edi"))]
NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def values(element: ElementDef, longest: int) -> st.SearchStrategy[str]:
    """Sound values of one element."""
    kind, shortest = element.type, element.shortest
    if element.codes and CODES[element.codes].enforced:
        return st.sampled_from(sorted(CODES[element.codes].codes))
    if kind in ("N0", "N2"):
        return st.integers(10 ** (shortest - 1) - (shortest == 1), 10**longest - 1).map(str)
    if kind == "R":
        return st.one_of(
            st.integers(0, 10**longest - 1).map(str),
            st.decimals(0, 99, places=2).map(str) if longest >= 4 else st.integers(0, 9).map(str),
        )
    if kind == "DT":
        dates = st.dates(datetime(2000, 1, 1, tzinfo=UTC).date(), datetime(2099, 12, 31, tzinfo=UTC).date())
        return dates.map(lambda day: f"{day:%Y%m%d}" if longest == 8 else f"{day:%y%m%d}")
    if kind == "TM":
        return st.times().map(lambda time: f"{time:%H%M}")
    return st.text(PLAIN, min_size=shortest, max_size=min(longest, shortest + 12)).filter(
        lambda text: bool(text.strip(" "))
    )


@st.composite
def segments(draw: Any, segment_id: str, set_id: str) -> Segment:
    """A sound segment: mandatory elements, some of the others, relational rules kept."""
    definition = SEGMENTS[segment_id]
    widths = SETS[set_id].widths if set_id in SETS else {}
    shape = definition.elements[:5] if definition.open else definition.elements
    chosen = {
        one.position: draw(values(one, widths.get(one.reference, one.longest)))
        for one in shape
        if one.use == "M" or draw(st.booleans()) or one.position == 1
    }
    for rule in definition.rules:
        there = [position for position in rule.positions if position in chosen]
        if rule.kind == "E":
            for position in there[1:]:
                del chosen[position]
        elif there or rule.kind == "R":
            for position in rule.positions:
                one = definition.elements[position - 1]
                chosen.setdefault(position, draw(values(one, one.longest)))
    return seg(segment_id, *(chosen.get(position) for position in range(1, len(definition.elements) + 1)))


@st.composite
def loops(draw: Any, loop: LoopDef, set_id: str) -> list[Segment]:
    """Sound content of a loop: mandatory places once or twice, others now and then."""
    body: list[Segment] = []
    for member in loop.members:
        if member.id in ("ST", "SE"):
            continue
        least = 1 if member.mandatory else 0
        most = min(member.most, 2) if member.mandatory or draw(st.integers(0, 3)) == 0 else least
        for _ in range(draw(st.integers(least, max(least, most)))):
            body.append(draw(segments(member.id, set_id)))
            body += draw(loops(member, set_id))
    return body


@st.composite
def messages(draw: Any) -> tuple[Envelope, str, list[Segment]]:
    """A sound message of any set in a sound envelope."""
    set_id = draw(st.sampled_from(sorted(SETS)))
    identifier = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=2, max_size=15)
    number = st.integers(1, 999_999_999)
    envelope = Envelope(
        "ZZ", draw(identifier), "ZZ", draw(identifier), draw(st.sampled_from(["00502", "00406", "00401"])),
        SETS[set_id].group, SETS[set_id].release, draw(number), draw(number),
        NOW + timedelta(minutes=draw(st.integers(0, 10**6))),
        draw(st.sampled_from("TP")), draw(st.sampled_from("01")), draw(st.sampled_from(["", "A1-GROUP"])),
    )  # fmt: skip
    if envelope.group_sender_id == envelope.sender_id:
        return draw(messages())
    return envelope, set_id, draw(loops(SETS[set_id].structure, set_id))


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


@BOUNDED
@given(messages())
def test_what_is_written_is_read_back(message: tuple[Envelope, str, list[Segment]]) -> None:
    """parse(render(x)) == x and render(parse(b)) == b for any sound message, under both profiles."""
    envelope, set_id, body = message
    for profile in PROFILES:
        data = write_interchange(envelope, set_id, body, profile)

        read = read_interchange(data, profile)

        assert read.problems == ()
        assert (read.envelope, read.set_id, read.body) == (envelope, set_id, tuple(body))
        assert render(read, profile) == data


@BOUNDED
@given(messages())
def test_loops_hold_every_segment_once(message: tuple[Envelope, str, list[Segment]]) -> None:
    """The tree of a sound message has each segment in exactly one loop."""
    read = read_interchange(write_interchange(*message, PROFILES[0]))

    numbers = sorted(segment.number for loop in read.loops.walk() for segment in loop.segments)

    assert numbers == list(range(1, len(read.segments) + 1))


@BOUNDED
@given(
    st.one_of(
        st.binary(max_size=400), damaged(), damaged(), st.binary(max_size=300).map(lambda rest: SAMPLES[0][:106] + rest)
    )
)
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


@BOUNDED
@given(st.data())
def test_quick_check_never_takes_what_the_full_check_refuses(data: st.DataObject) -> None:
    """A segment that the compiled pattern takes has no fault; a sound one without a leap day is taken."""
    set_id = data.draw(st.sampled_from(["309", "350", "355", "997", ""]))
    segment_id = data.draw(st.sampled_from(sorted(set(SEGMENTS) - {"ISA"})))
    separators = Separators.of(data.draw(st.sampled_from(PROFILES)))
    checker = checkers(set_id, separators).find(segment_id)
    assert checker is not None
    wild = st.text("AZ09 .-*~>^\\:aé\u00b2", max_size=6)
    elements = list(
        data.draw(
            st.one_of(
                segments(segment_id, set_id or "309"),
                st.lists(wild, max_size=8).map(lambda all_: seg(segment_id, *all_)),
            )
        ).elements
    )
    if elements and data.draw(st.booleans()):
        elements[data.draw(st.integers(0, len(elements) - 1))] = data.draw(wild)
    taken = tuple(elements)
    raw = separators.element.join((segment_id, *taken))
    if raw.count(separators.element) != len(taken):
        return
    faults = list(checker.faults(taken))
    if checker.sound(raw, taken):
        assert faults == []
    elif not faults and taken[-1]:
        assert any("0229" in value for value in taken)
