"""What does a file of the transcript say, line by line, and what was refused where?

Every segment or record stands on a line of its own, in the order of the file, with the name of what it is and what its
values mean; a refusal stands under the line that it concerns. Names come from the tables of ``schemas``, refusals from
the sandbox's verdict alone: nothing is judged here. Any bytes can be shown: what is neither X12 nor CATAIR, and what no
table knows, is shown as it came. Passwords are not shown.
"""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.abi.batch_reader import looks_like_catair
from sandbox.truck.x12 import ISA_LENGTH, looks_like_x12
from schemas import catair
from schemas.catair.describe import describe_record
from schemas.personal import SIGN, personal
from schemas.profile import Profile
from schemas.x12.describe import Describer
from schemas.x12.masking import without_secrets
from schemas.x12.segments import PlacedSegment

MOST_LINES: Final = 400
"""Lines of one file in one answer, unless more are asked for; ``left`` says how many were left out."""
LONGEST_LINE: Final = 2000
WIDTH: Final = 120
"""Characters of a line of the text for a terminal."""
_PLACE: Final = re.compile(r"(?:at|record) (\d+)(?: column \d+)?$")


@dataclass(slots=True)
class Line:
    """One line: ``number`` from 1 in the file; ``place`` is what a verdict calls it (position in the set or batch)."""

    number: int
    id: str
    name: str
    text: str
    fields: list[dict[str, str]]
    depth: int = 0
    place: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The line as JSON shows it."""
        shown = {"line": self.number, "id": self.id, "name": self.name, "depth": self.depth, "text": self.text}
        return shown | {"fields": self.fields, "refused": self.refused}


def annotated(
    payload: bytes, reasons: Sequence[dict[str, str]], profile: Profile, *, first: int = 1, most: int = MOST_LINES
) -> dict[str, Any]:
    """The file as a document: ``format``, ``lines``, ``left`` (lines behind those shown), and ``refused``: the reasons
    that concern no line, or one that is not shown.
    """
    form, lines = _lines(payload, profile)
    placed, elsewhere = _by_line(payload, form, reasons)
    shown: list[dict[str, Any]] = []
    behind = 0
    for line in lines:
        told = placed.pop(line.number, [])
        if first <= line.number < first + most:
            line.refused = told
            shown.append(line.as_dict())
        else:
            behind += line.number >= first + most
            elsewhere += told
    for left in placed.values():
        elsewhere += left
    return {"format": form, "lines": shown, "left": behind, "refused": elsewhere}


def as_text(document: dict[str, Any]) -> Iterator[str]:
    """An annotated file for a terminal: line, what it is, its values, and what was refused."""
    for reason in document["refused"]:
        yield from wrapped(f"    !! {sentence(reason)}")
    for line in document["lines"]:
        yield f"{line['line']:>6}  {'  ' * line['depth']}{line['text']}"
        values = "; ".join(_value(one) for one in line["fields"])
        named = f"{line['name']}: {values}" if line["name"] and values else line["name"] or values
        if named:
            yield from wrapped(f"        {'  ' * line['depth']}{named}")
        for reason in line["refused"]:
            yield from wrapped(f"    !! {sentence(reason)}")
    if document["left"]:
        yield f"        … {document['left']} more lines"


def wrapped(text: str) -> list[str]:
    """A line for people in lines of at most :data:`WIDTH` characters, the further ones indented; a segment or record
    is never wrapped: it is to be found and copied as it is.
    """
    margin = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text, WIDTH, subsequent_indent=f"{margin}   ", break_on_hyphens=False) or [text]


def sentence(reason: dict[str, str]) -> str:
    """A refusal in one line: code, text, place, reference."""
    words = [reason.get("code", ""), reason.get("text", "")]
    place, reference = reason.get("place", ""), reason.get("reference", "")
    tail = f" ({place})" if place else ""
    source = f" [{reference}]" if reference else ""
    return printable(" ".join(w for w in words if w) + tail + source)


def printable(text: str) -> str:
    """Text whose control characters are made visible, so that it cannot steer a terminal; over-long ones are cut with
    a mark that says so.
    """
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[:LONGEST_LINE])
    return shown if len(text) <= LONGEST_LINE else f"{shown}… ({len(text) - LONGEST_LINE} more characters)"


def _value(one: dict[str, str]) -> str:
    meaning = f" ({one['text']})" if one.get("text") else ""
    return f"{one['name'] or one['ref']} {one['value']}{meaning}"


# ---------------------------------------------------------------- lines


def _lines(payload: bytes, profile: Profile) -> tuple[str, Iterator[Line]]:
    if looks_like_x12(payload) and len(payload.lstrip()) >= ISA_LENGTH:
        return "x12", _segments(payload, profile)
    if looks_like_catair(payload) or payload[:2] in {b"X0", b"X1"}:
        return "catair", _records(payload)
    return "unknown", _as_it_came(payload)


def _segments(payload: bytes, profile: Profile) -> Iterator[Line]:
    """Cut as the ISA says; a segment's place counts from ST = 1."""
    text = payload.lstrip().decode("latin-1")
    element, terminator = text[3], text[ISA_LENGTH - 1]
    describer = Describer(profile)
    place = number = 0
    # the terminator of the ISA stands at a fixed place, whatever sign it is
    for raw in (text[: ISA_LENGTH - 1], *text[ISA_LENGTH:].split(terminator)):
        piece = raw.strip("\r\n")
        if not piece:
            continue
        number += 1
        values = piece.split(element)
        name = values[0]
        place = 1 if name == "ST" else place + 1 if place else 0
        segment = PlacedSegment(name, tuple(values[1:]), place, 0)
        row = describer.described(segment, (), describer.follow(segment))
        fields = [_element(one) for one in row["elements"]]
        told = element.join((name, *without_secrets(segment)))
        yield Line(number, printable(name[:8]), row["name"], printable(told), fields, row["depth"], place)
        if name == "SE":
            place = 0


def _element(one: dict[str, str]) -> dict[str, str]:
    value, text = printable(one["value"].rstrip()), one.get("text", "")
    return {"ref": one["ref"], "name": one["name"], "value": value, "text": text}


def _records(payload: bytes) -> Iterator[Line]:
    for placed in catair.stream(payload):
        row = describe_record(placed)
        fields = [
            {
                "ref": f"{one['start']}-{one['start'] + one['length'] - 1}",
                "name": str(one["name"]),
                "value": printable(str(one["value"])),
                "text": printable(str(one.get("text", ""))),
            }
            for one in row["fields"]
            if one["key"] and one["value"] is not None
        ]
        if not row["layout"]:
            fields = []
        name = row["name"] if row["layout"] else ""
        yield Line(
            placed.number, row["layout"] or placed.line[:4].strip(), name, printable(_without_password(placed)), fields
        )


def _without_password(placed: catair.PlacedRecord) -> str:
    line, defined = placed.line, catair.RECORDS.get(placed.layout)
    for one in defined.fields if defined is not None else ():
        if one.key and personal().secret_field(placed.layout, one.key):
            hidden = "".join(SIGN if c.strip() else c for c in line[one.start - 1 : one.end])
            line = line[: one.start - 1] + hidden + line[one.end :]
    return line.rstrip()


def _as_it_came(payload: bytes) -> Iterator[Line]:
    text = payload.decode("latin-1")
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if raw:
            yield Line(number, "", "", printable(raw), [])


# ---------------------------------------------------------------- refusals


def _by_line(
    payload: bytes, form: str, reasons: Sequence[dict[str, str]]
) -> tuple[dict[int, list[dict[str, str]]], list[dict[str, str]]]:
    """Reasons by the number of the line they concern, and those that concern none."""
    placed: dict[int, list[dict[str, str]]] = defaultdict(list)
    elsewhere: list[dict[str, str]] = []
    if form == "unknown" or not reasons:
        return placed, list(reasons)
    finder = _SegmentPlaces(payload) if form == "x12" else _RecordPlaces(payload)
    for reason in reasons:
        line = finder.line_of(reason.get("place", ""))
        if line:
            placed[line].append(reason)
        else:
            elsewhere.append(reason)
    return placed, elsewhere


class _SegmentPlaces:
    """Where does a verdict on an interchange point to? A position in its set; ``trip`` is the M10."""

    def __init__(self, payload: bytes) -> None:
        text = payload.lstrip().decode("latin-1")
        pieces = [p for p in (s.strip("\r\n") for s in text[ISA_LENGTH:].split(text[ISA_LENGTH - 1])) if p]
        self._begin = next((n for n, p in enumerate(pieces, 2) if p.startswith("ST")), 0)
        self._trip = next((n for n, p in enumerate(pieces, 2) if p.startswith("M10")), 0)
        self._last = len(pieces) + 1

    def line_of(self, place: str) -> int:
        """The line of a place; 0 when it names none."""
        if place == "trip":
            return self._trip
        found = _PLACE.search(place)
        line = self._begin + int(found[1]) - 1 if found and self._begin else 0
        return line if line <= self._last else 0


class _RecordPlaces:
    """Where does a verdict on a CATAIR file point to? A record counted from the A of its batch; the entry number tells
    which batch where there are several.
    """

    def __init__(self, payload: bytes) -> None:
        self._batches: list[list[str]] = []
        self._starts: list[int] = []
        closed = True
        for placed in catair.stream(payload):
            if closed and placed.line.startswith("A"):
                self._batches.append([])
                self._starts.append(placed.number)
                closed = False
            if self._batches:
                self._batches[-1].append(placed.line)
            closed = closed or placed.line.startswith("Z")

    def line_of(self, place: str) -> int:
        """The line of a place; 0 when it names none."""
        found = _PLACE.search(place)
        if not found or not self._batches:
            return 0
        at = int(found[1])
        entry = place.split(" ")[0]
        fitting = [n for n, records in enumerate(self._batches) if at <= len(records)]
        for number in fitting:
            if len(entry) == 11 and any(entry[3:] in one and entry[:3] in one for one in self._batches[number][:at]):
                return self._starts[number] + at - 1
        return self._starts[fitting[0]] + at - 1 if fitting else 0
