"""How does a message become bytes?

Rules: separators, versions and identifiers come from the profile and the envelope. Nothing is cut or padded (the
ISA's fixed widths are its format). Everything that is wrong is told at once in one :class:`FormatError`; no byte
leaves a message that its own reader would find fault with. ``parse(render(x)) == x``, and for what this writer made
``render(parse(b)) == b``.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.errors import FormatError
from schemas.profile import Profile, load_profile
from schemas.x12.elements import CHARACTER_SOURCE, Checker, CheckerTable, checkers
from schemas.x12.envelope import AGENCY, SET_CONTROL_NUMBER, Envelope, envelope_problems, gs_segment, isa_text
from schemas.x12.grammar import Walk, grammar
from schemas.x12.interchange import MOST_BYTES, MOST_SEGMENTS, Interchange
from schemas.x12.known import KnownSegments
from schemas.x12.problems import PlacedProblem, Problems, shown
from schemas.x12.segments import Segment, Separators, seg
from schemas.x12.tables import SEGMENTS, SETS


def write_interchange(
    envelope: Envelope,
    set_id: str,
    body: Iterable[Segment],
    profile: Profile,
    *,
    set_control_number: str = SET_CONTROL_NUMBER,
) -> bytes:
    """One interchange with one group and one set; ``body`` is what stands between ST and SE.

    Raises :class:`schemas.errors.FormatError` with every problem: envelope, unknown or misplaced segments,
    repetitions, lengths, types, codes, characters, separators inside data.
    """
    separators = Separators.of(profile)
    problems = Problems()
    for problem in envelope_problems(envelope, separators, with_group=True):
        problems.add(problem)
    definition = SETS.get(set_id)
    if definition is None:
        problems.add(
            PlacedProblem(
                "set_not_supported",
                "ST[1].ST01",
                f"The transaction set {shown(set_id)} is not known here.",
                "Known are " + ", ".join(sorted(SETS)) + ".",
            )
        )
        raise FormatError(problems)
    if envelope.group_code != definition.group:
        problems.add(
            PlacedProblem(
                "group_code",
                "GS.GS01",
                f"GS01 {shown(envelope.group_code)} does not carry set {set_id}.",
                f"Use {definition.group}.",
                definition.source,
            )
        )
    lines = _set_lines(set_id, body, set_control_number, separators, problems)
    if len(problems):
        raise FormatError(problems)
    gs = _line(gs_segment(envelope, profile), separators)
    ge = _line(seg("GE", 1, envelope.group_control_number), separators)
    iea = _line(seg("IEA", 1, f"{envelope.control_number:09d}"), separators)
    text = isa_text(envelope, profile) + separators.terminator.join([gs, *lines, ge, iea, ""])
    return _bounded(text, len(lines))


def write_ta1(envelope: Envelope, ta1: Segment, profile: Profile) -> bytes:
    """An interchange with a TA1 alone: no group, IEA01 is 0 (recalled).

    Raises :class:`schemas.errors.FormatError` with every problem.
    """
    separators = Separators.of(profile)
    problems = Problems()
    for problem in envelope_problems(envelope, separators, with_group=False):
        problems.add(problem)
    line = _checked(ta1, 0, checkers("", separators), separators, problems)
    if ta1.id != "TA1":
        problems.add(PlacedProblem("segment_out_of_place", "TA1", f"{shown(ta1.id)} is no TA1.", "Give a TA1."))
    if len(problems):
        raise FormatError(problems)
    iea = _line(seg("IEA", 0, f"{envelope.control_number:09d}"), separators)
    return (isa_text(envelope, profile) + separators.terminator.join([line, iea, ""])).encode("ascii")


def render(interchange: Interchange, profile: Profile | None = None) -> bytes:
    """Write again what was read: the same bytes if they were written by these rules under the same profile.

    Raises :class:`schemas.errors.FormatError` if the envelope could not be read, if it says something that these
    rules do not write (a password, seconds, another agency), or if the message is not sound.
    """
    used = profile or load_profile()
    if interchange.envelope is None:
        raise FormatError(interchange.problems)
    lost = _not_written(interchange, used)
    if lost:
        raise FormatError(lost)
    if interchange.ta1 is not None and not interchange.segments:
        return write_ta1(interchange.envelope, interchange.ta1, used)
    return write_interchange(
        interchange.envelope,
        interchange.set_id,
        interchange.body,
        used,
        set_control_number=interchange.set_control_number,
    )


def _not_written(interchange: Interchange, profile: Profile) -> list[PlacedProblem]:
    """What the envelope says that an envelope written anew would say otherwise."""
    isa, gs = interchange.isa, interchange.gs
    said = {f"ISA{place:02d}": isa.element(place) for place in range(1, 5)}
    written = {
        "ISA01": profile.authorization_qualifier,
        "ISA02": "",
        "ISA03": profile.security_qualifier,
        "ISA04": "",
    }
    if gs is not None:
        said |= {"GS04": gs.element(4), "GS05": gs.element(5), "GS07": gs.element(7)}
        written |= {"GS04": f"20{isa.element(9)}", "GS05": isa.element(10), "GS07": AGENCY}
    return [
        PlacedProblem(
            "envelope_not_ours",
            path,
            f"{path} is {shown(value)}; written anew it would be {shown(written[path])}.",
            "Write the message with write_interchange and an envelope of its own.",
            "X12 interchange control structures",
            segment=path[:-2],
        )
        for path, value in said.items()
        if value.strip(" ") != written[path]
    ]


def _bounded(text: str, segments: int) -> bytes:
    data = text.encode("ascii")
    if len(data) > MOST_BYTES or segments > MOST_SEGMENTS - 4:
        raise FormatError(
            PlacedProblem(
                "file_too_large",
                "",
                f"The message has {len(data)} bytes in {segments} segments.",
                f"Split it: at most {MOST_BYTES} bytes and {MOST_SEGMENTS} segments.",
            )
        )
    return data


def _line(segment: Segment, separators: Separators) -> str:
    return separators.element.join((segment.id, *segment.elements))


def _set_lines(
    set_id: str, body: Iterable[Segment], control_number: str, separators: Separators, problems: Problems
) -> list[str]:
    """The text of every segment from ST to SE; the hot loop, which takes its steps as the reader does."""
    table = checkers(set_id, separators)
    known = KnownSegments(table, separators.element)
    recall, learn, join = known.get, known.learn, separators.element.join
    walk = grammar(set_id).walk()
    counts, here, place = walk.counts, walk.steps, walk.place
    lines = [_checked(seg("ST", set_id, control_number), 1, table, separators, problems)]
    keep = lines.append
    number = 1
    for segment in body:
        number += 1
        name, elements = segment
        line = join((name, *elements))
        _, taken = recall(line) or learn(line)
        try:
            following, next_place, most, resets = here[name]
        except KeyError:
            walk.place = place
            _closely(segment, line, number, walk, table, separators, problems)
            if name in SEGMENTS and name not in ("ST", "SE"):
                keep(line)
            here, place = walk.steps, walk.place
            continue
        keep(line)
        # As many elements as were given, or one of them holds the separator (or the segment is not sound).
        if not taken or len(taken) != len(elements):
            checker = table.find(name)
            if checker is not None:
                _element_problems(checker, segment, number, problems)
        here, place = following, next_place
        if most:
            count = counts[place] = counts[place] + 1
            if count > most:
                _too_often(name, number, walk, place, problems)
        else:
            counts[place] = 1
        if resets:
            for one in resets:
                counts[one] = 0
    walk.place = place
    if not walk.step("SE"):
        _look("SE", number + 1, walk, problems)
    lines.append(_checked(seg("SE", number + 1, control_number), number + 1, table, separators, problems))
    return lines


def _closely(
    segment: Segment,
    line: str,
    number: int,
    walk: Walk,
    table: CheckerTable,
    separators: Separators,
    problems: Problems,
) -> None:
    """One segment that may not simply follow: unknown, out of place, or with something missing before it."""
    checker = table.find(segment.id)
    if checker is None or segment.id in ("ST", "SE"):
        _refuse(segment.id, number, problems)
        return
    if line.count(separators.element) != len(segment.elements) or not checker.sound(line, segment.elements):
        _element_problems(checker, segment, number, problems)
    if not walk.step(segment.id):
        _look(segment.id, number, walk, problems)


def _checked(segment: Segment, number: int, table: CheckerTable, separators: Separators, problems: Problems) -> str:
    """The text of one segment outside the hot loop, its problems noted."""
    line = _line(segment, separators)
    checker = table.find(segment.id)
    if checker is not None and (
        line.count(separators.element) != len(segment.elements) or not checker.sound(line, segment.elements)
    ):
        _element_problems(checker, segment, number, problems)
    return line


def _element_problems(checker: Checker, segment: Segment, number: int, problems: Problems) -> None:
    path = f"{segment.id}[{number}]" if number else segment.id
    source = checker.definition.source
    if segment.elements and not segment.elements[-1]:
        text = f"{segment.id} ends with empty elements."
        problems.add(_segment_problem("trailing_separators", segment.id, number, "", text, "Build it with seg()."))
    for fault in checker.faults(segment.elements):
        problems.add(
            PlacedProblem(
                code=fault.code,
                path=f"{path}.{fault.element.reference}",
                text=fault.text,
                remedy=fault.remedy,
                reference=CHARACTER_SOURCE if fault.code == "invalid_character" else source,
                level="element",
                acknowledgment=fault.acknowledgment,
                segment=segment.id,
                number=number,
                element=fault.element.position,
                data_element=fault.element.data_element,
                value=fault.value,
                mandatory=fault.element.use == "M",
            )
        )


def _segment_problem(code: str, name: str, number: int, acknowledgment: str, text: str, remedy: str) -> PlacedProblem:
    return PlacedProblem(
        code=code,
        path=f"{name}[{number}]",
        text=text,
        remedy=remedy,
        level="segment",
        acknowledgment=acknowledgment,
        segment=name,
        number=number,
    )


def _refuse(name: str, number: int, problems: Problems) -> None:
    if name in ("ST", "SE"):
        text = f"{name} is written by the writer, not given in the body."
    else:
        text = f"{shown(name)} is not a known segment."
    problems.add(_segment_problem("segment_unknown", name, number, "1", text, "Leave it out."))


def _look(name: str, number: int, walk: Walk, problems: Problems) -> None:
    """Why the grammar did not simply take the segment."""
    title = f"{name} ({SEGMENTS[name].name})"
    order = "Put the segments in the order of the set."
    if not walk.placed and name in walk.grammar.segments:
        code = "7" if walk.stood_earlier(name) else "2"
        text = f"{title} may not follow {walk.here} here."
        problems.add(_segment_problem("segment_out_of_place", name, number, code, text, order))
    elif not walk.placed:
        text = f"{title} is not part of set {walk.grammar.set_id}."
        problems.add(_segment_problem("segment_not_in_set", name, number, "6", text, "Leave it out."))
    for one in walk.passed:
        text = f"{one} ({SEGMENTS[one].name}) is mandatory before {name}."
        problems.add(_segment_problem("segment_missing", one, number, "3", text, f"Send {one}."))
    if walk.placed and walk.repetitions > walk.most:
        _too_often(name, number, walk, walk.place, problems)


def _too_often(name: str, number: int, walk: Walk, place: int, problems: Problems) -> None:
    """A segment that has come more often than its place may be taken."""
    where = walk.grammar.places[place]
    text = f"{name} stands here {walk.counts[place]} times; at most {where.definition.most} are allowed."
    code = "4" if where.is_loop else "5"
    problems.add(_segment_problem("segment_too_often", name, number, code, text, "Send fewer."))
