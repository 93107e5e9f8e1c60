"""How does an interchange come apart and go together, seen from CBP's side?

Independent of the project's own X12 codec on purpose: whoever shares a reader with the gateway shares its mistakes.
The separators
are read from the ISA (positions 4, 83, 105, 106), never assumed. What is wrong with the envelope becomes a TA1 note
code (X12 TA105).
Answers are written here too, because an answer of CBP repeats the bad segments it complains of: a writer that
refuses bad data could not write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

ISA_LENGTH: Final = 106
ISA_WIDTHS: Final = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
SET_OF_GROUP: Final = {"AQ": "309", "BD": "358", "AX": "353"}
"""Sets that CBP takes, by functional group (ACE truck suite)."""
_NOTE_OF_ELEMENT: Final = (
    "010", "011", "012", "013", "005", "006", "007", "008", "014", "015", "016", "017", "018", "019", "020", "027",
)  # fmt: skip
"""TA105 for each element of the ISA (X12 003050)."""
_GROUP_FORMS: Final = {
    1: re.compile("[A-Z0-9]{2}"),
    6: re.compile("[0-9]{1,9}"),
    7: re.compile("X"),
    8: re.compile("[A-Z0-9][A-Z0-9 .-]{0,10}[A-Z0-9]?"),
}
"""What a 997 repeats of the group, and its form: where it cannot, the interchange is refused by TA1. GS07, the
responsible agency, is X (ASC X12; recalled).
"""
_LONGEST_ISA: Final = 400
_ECHOED: Final = (8, 9, 12)
"""ISA09, ISA10 and ISA13 stand in the TA1: where their widths are wrong no TA1 can be written."""

CBP_CHARACTERS: Final = frozenset("!\"#$%&'()+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`{|}~ ")
"""CBP's data characters (CSMS 12-000403 and 12-000407; the space is recalled)."""


class NotAnInterchange(ValueError):
    """The bytes have no readable ISA: there is nobody to answer and nothing to answer to."""


@dataclass(frozen=True, slots=True)
class Interchange:
    """One received interchange, cut into segments.

    ``isa``: the sixteen values, padding kept. ``segments``: everything from GS on, terminators removed, as the sender
    wrote it.
    ``fault``: TA105 note code and a sentence when the envelope is unusable, else ``None``.
    """

    isa: tuple[str, ...]
    element_separator: str
    component_separator: str
    repetition_separator: str
    terminator: str
    segments: tuple[str, ...]
    fault: tuple[str, str] | None

    @property
    def control_number(self) -> str:
        """ISA13 as written."""
        return self.isa[12]

    @property
    def sender(self) -> str:
        """ISA06 without its padding."""
        return self.isa[5].rstrip()

    @property
    def receiver(self) -> str:
        """ISA08 without its padding."""
        return self.isa[7].rstrip()

    def elements(self, index: int) -> list[str]:
        """Segment ``index`` cut at the element separator; the first value is its identifier."""
        return self.segments[index].split(self.element_separator)

    @property
    def body(self) -> tuple[str, ...]:
        """The segments of the transaction set, ST to SE. Only meaningful without ``fault``."""
        return self.segments[1:-2]


def looks_like_x12(data: bytes) -> bool:
    """Whether a file wants to be an interchange (leading blanks are forgiven on the way in)."""
    return data.lstrip()[:3] == b"ISA"


def take_apart(data: bytes) -> Interchange:
    """Cut an interchange and judge its envelope. Raises :class:`NotAnInterchange` when no ISA can be read."""
    text = data.lstrip().decode("latin-1")
    if not text.startswith("ISA") or len(text) < ISA_LENGTH - 20:
        raise NotAnInterchange("no ISA of 106 characters at the beginning")
    separator = text[3]
    parts = text[:_LONGEST_ISA].split(separator, 16)
    if len(parts) < 17 or len(parts[16]) < 2:
        raise NotAnInterchange("the ISA does not have sixteen elements")
    component, terminator = parts[16][0], parts[16][1]
    isa = (*parts[1:16], component)
    length = sum(len(one) for one in isa) + len(isa) + len("ISA") + 1
    repetition = isa[10][:1]
    pieces = tuple(p for p in (s.strip("\r\n") for s in text[length:].split(terminator)) if p)
    fault = (
        _width_fault(isa)
        or _separator_fault(separator, component, repetition, terminator)
        or _isa_fault(isa)
        or _cut_off(text, terminator)
        or _frame_fault(pieces, separator, isa)
    )
    return Interchange(isa, separator, component, repetition, terminator, pieces, fault)


def _width_fault(isa: Sequence[str]) -> tuple[str, str] | None:
    """The ISA has fixed widths. Where a TA1 cannot echo it or be addressed, nothing can be answered."""
    wrong = [place for place, (value, width) in enumerate(zip(isa, ISA_WIDTHS, strict=True)) if len(value) != width]
    if not wrong:
        return None
    if any(place in _ECHOED for place in wrong) or any(len(isa[place].rstrip()) > 15 for place in (5, 7)):
        raise NotAnInterchange("the ISA does not have its fixed widths, and no TA1 can be written to it")
    if any(len(isa[place]) != 2 for place in (4, 6)):
        raise NotAnInterchange("the ISA does not have its fixed widths, and nobody can be answered")
    first = wrong[0]
    return _NOTE_OF_ELEMENT[first], f"ISA{first + 1:02d} is not {ISA_WIDTHS[first]} characters wide"


def _separator_fault(separator: str, component: str, repetition: str, terminator: str) -> tuple[str, str] | None:
    if not (separator + component + repetition + terminator).isascii():
        return "026", "a separator is no ASCII character"
    if separator.isalnum() or separator == " ":
        return "026", "the element separator is a data character"
    if terminator.isalnum() or terminator in {" ", separator, component}:
        return "004", "the segment terminator is not usable"
    if component.isalnum() or component in {" ", separator, repetition}:
        return "027", "the component separator is not usable"
    return None


def _isa_fault(isa: Sequence[str]) -> tuple[str, str] | None:
    checks = (
        ("010", isa[0] == "00", "ISA01 is not 00"),
        ("012", isa[2] in {"00", "01"}, "ISA03 is neither 00 nor 01"),
        ("005", isa[4].isascii() and isa[4].isalnum(), "ISA05 is no qualifier"),
        ("006", bool(isa[5].strip()), "ISA06 is empty"),
        ("007", isa[6].isascii() and isa[6].isalnum(), "ISA07 is no qualifier"),
        ("008", bool(isa[7].strip()), "ISA08 is empty"),
        ("014", _is_time(isa[8], "%y%m%d"), "ISA09 is not a date"),
        ("015", _is_time(isa[9], "%H%M"), "ISA10 is not a time"),
        ("017", isa[11].isascii() and isa[11].isdigit(), "ISA12 is not a version"),
        ("018", isa[12].isascii() and isa[12].isdigit(), "ISA13 is not a number of nine digits"),
        ("019", isa[13] in {"0", "1"}, "ISA14 is neither 0 nor 1"),
        ("020", isa[14] in {"T", "P"}, "ISA15 is neither T nor P"),
    )
    return next(((code, text) for code, good, text in checks if not good), None)


def _cut_off(text: str, terminator: str) -> tuple[str, str] | None:
    return (
        None if text.rstrip().endswith(terminator.strip() or terminator) else ("023", "the last segment is not ended")
    )


def _is_time(value: str, layout: str) -> bool:
    try:
        datetime.strptime(value, layout)  # noqa: DTZ007 - the interchange carries no zone
    except ValueError:
        return False
    return value.isascii()


def _frame_fault(pieces: Sequence[str], separator: str, isa: Sequence[str]) -> tuple[str, str] | None:
    """One GS, one ST, their trailers, IEA: CBP takes exactly one of each per transmission (CBP truck 309 guide, Dec
    2016).
    """
    if not pieces:
        return "023", "nothing follows the ISA"
    last = pieces[-1].split(separator)
    if last[0] != "IEA":
        return "023", "the interchange does not end with IEA"
    ids = [p.split(separator, 1)[0] for p in pieces]
    if ids.count("ISA") or ids.count("IEA") != 1:
        return "022", "more than one interchange in the transmission"
    if ids[0] != "GS" or ids.count("GS") != 1 or ids[-2] != "GE" or ids.count("GE") != 1:
        return "022", "not exactly one functional group from GS to GE"
    if ids.count("ST") > 1 or ids.count("SE") > 1:
        return "022", "more than one transaction set in the transmission"
    if len(last) < 3 or last[2] != isa[12]:
        return "001", "IEA02 differs from ISA13"
    if last[1].lstrip("0") != "1":
        return "021", "IEA01 is not 1"
    group = pieces[0].split(separator)
    if len(group) < 9 or any(not form.fullmatch(group[place]) for place, form in _GROUP_FORMS.items()):
        return "024", "GS01, GS06, GS07 or GS08 is not what a group of X12 has there"
    if not _is_time(group[4], "%Y%m%d") or len(group[4]) != 8 or not _is_time(group[5][:4], "%H%M"):
        return "024", "GS04 is not a date or GS05 is not a time"
    return None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Who writes to whom in an answer; ``separators`` are element, repetition, component, terminator."""

    sender_qualifier: str
    sender: str
    receiver_qualifier: str
    receiver: str
    usage: str
    separators: tuple[str, str, str, str]

    @classmethod
    def back_to(cls, interchange: Interchange, separators: tuple[str, str, str, str]) -> Addresses:
        """The mirror of what came in: its receiver answers its sender."""
        isa = interchange.isa
        return cls(isa[6], isa[7].rstrip(), isa[4], isa[5].rstrip(), isa[14], separators)

    def as_list(self) -> list[str]:
        """For the books; read back by :meth:`from_list`."""
        return [
            self.sender_qualifier,
            self.sender,
            self.receiver_qualifier,
            self.receiver,
            self.usage,
            *self.separators,
        ]

    @classmethod
    def from_list(cls, values: Sequence[str]) -> Addresses:
        """Read back :meth:`as_list`."""
        return cls(values[0], values[1], values[2], values[3], values[4], (values[5], values[6], values[7], values[8]))


def put_together(
    addresses: Addresses,
    *,
    control_number: int,
    written_at: datetime,
    group: str | None,
    release: str,
    interchange_version: str,
    body: Iterable[Sequence[str]],
) -> bytes:
    """An interchange with one group holding ``body`` as its set, or, with ``group`` ``None``, ``body`` (a TA1)
    straight under the ISA.

    ``body`` are element lists from ST01's set identifier on, without ST and SE when a group is written: the first item
    is
    ``("ST", set)`` and is completed here. Trailing empty elements are dropped.
    """
    separator, repetition, component, terminator = addresses.separators
    number = f"{control_number % 1_000_000_000:09d}"
    date, time = written_at.strftime("%y%m%d"), written_at.strftime("%H%M")
    header = [
        "ISA", "00", " " * 10, "00", " " * 10, addresses.sender_qualifier, addresses.sender.ljust(15),
        addresses.receiver_qualifier,
        addresses.receiver.ljust(15), date, time, repetition, interchange_version, number, "0", addresses.usage,
        component,
    ]  # fmt: skip
    lines = [separator.join(header)]
    segments = [_trim(s) for s in body]
    if group is None:
        lines += [separator.join(s) for s in segments]
        lines.append(separator.join(("IEA", "0", number)))
    else:
        plain = str(control_number % 1_000_000_000)
        group_date = written_at.strftime("%Y%m%d")
        lines.append(
            separator.join(("GS", group, addresses.sender, addresses.receiver, group_date, time, plain, "X", release))
        )
        lines.append(separator.join(("ST", segments[0][1], "0001")))
        lines += [separator.join(s) for s in segments[1:]]
        lines.append(separator.join(("SE", str(len(segments) + 1), "0001")))
        lines.append(separator.join(("GE", "1", plain)))
        lines.append(separator.join(("IEA", "1", number)))
    text = terminator.join(lines) + terminator
    kept = set(addresses.separators)
    return "".join(c if (c.isascii() and c.isprintable()) or c in kept else "?" for c in text).encode("latin-1")


def _trim(segment: Sequence[str]) -> list[str]:
    values = list(segment)
    while len(values) > 1 and values[-1] == "":
        values.pop()
    return values
