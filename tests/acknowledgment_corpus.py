"""Good interchanges of every set and what can be wrong with them, for tests that hold two readers against each other.

Everything is fictional. A message is a list of segments, each a list of values with its name first; a change gives
another list, and :func:`interchange` puts the envelope around it with a right SE unless the change made a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

GROUPS = {"309": "AQ", "358": "BD", "353": "AX", "355": "AZ", "350": "AU", "997": "FA"}
VERSIONS = {"353": ("00605", "006050"), "350": ("00406", "004060")}

_TRIP = """
VEH*1*1M8GDM9AXKP042788*******AB1234*ON*******CA
CII*SAMPLE INSURANCE*POL1234*2024*USD*100000000
NM1*Z1*1*TESTWELL*MARIE
DMG*D8*19840517*F****CA
DMA*T62358400517*ON
REF*5K*T62358400517
REF*ACW*GA123456*ISSUED ABROAD*5K>X1
N3*41 RUE DU PORT*APT 2
N4*WINDSOR*ON*N9A 1A1*CA
"""

_BODIES = {
    "309": f"""
M10*TSTC*J*CA**TRUCK***2*W***TSTC2503100001*00
{_TRIP}
P4*0901*20250310***1630
LX*1
M11*25031000001*FORT ERIE ON*1*BOX*2.5*K***23*FORT ERIE ON**TSTC
N9*ZZ*REMARK1
N1*SH*SAMPLE SHOP LTD*ZZ*ID1
N3*1 EXAMPLE ST
N4*TORONTO*ON*M5H 1A1*CA
PER*IC*PAT TESTWELL*TE*5195550100
N1*CN*PAT TESTWELL
N3*12 SAMPLE AVE
N4*BUFFALO*NY*14201*US
DTM*011*20250310*1200
M12*61*V1234567*3801
R4*L*D*3801
VID*TL**T53012*SEAL0001******L****AT9921*ON*CA
M7*SEAL0002*SEAL0003
N10*1*COTTON T-SHIRTS KNIT****0045*K*2**BOX*CA
VC*1M8GDM9AXKP042788
MAN*GM*MARKS 1
H1*UN1263*3*U*PAINT
H2*PAINT IN CANS
LX*2
M13*TSTC*0901*R*25031000002*2*03*2**TSTC
SE
""",
    "358": f"""
M10*TSTC*J*CA**TRUCK****P***TSTC2503100001*00
{_TRIP}
P4*0901*20250310***1630
VID*TL**T53012*SEAL0001******L****AT9921*ON*CA
M7*SEAL0002
MBL*TSTC*25031000001*1
MBL*TSTC*25031000002*1
M13*TSTC*0901*A*25031000002**03*1**TSTC
SE
""",
    "353": """
M10*TSTC*J*CA**TRUCK****H***TSTC2503100001
P4*0901*20250310
M15*Z*TSTC2503100001*20250310*0901**1500
M15*1*123456782*20250311*3901**0915***********H123
M7A*SEAL0002
K1*ARRIVED
SE
""",
    "355": """
M10*TSTC*J*CA**TRUCK***2*W***TSTC2503100001
K1*370INVALID CHARACTER
VEH*1*1M8GDM9AXKP042788
K1*401INV CONV ACE ID
P4*0901*20250310***1630
LX*2
M11*25031000002*FORT ERIE ON*1*BOX*2*K***23*FORT ERIE ON**TSTC
K1*017MISSING OR INVALID BILL*25031000002
N1*CN*PAT TESTWELL
N4*BUFFALO*NY*14201*US
K1*005INVALID U01/N1 OR N01/N1
VID*TL**T53012
N10*1*COTTON T-SHIRTS KNIT****0045*K*2**BOX*CA
K1*470INV CTRY OF ORIG FOR SHP
K3*SHIPMENTS REJECTED 1, SHIPMENTS ACCEPTED 1 FOR COMPLETE MANIFEST
SE
""",
    "350": """
M10*TSTC*J*CA**TRUCK****Z***TSTC2503100001
P4*0901*20250310
V9*ARV*ARRIVED*20250310*1631
VEH*1*1M8GDM9AXKP042788
VID*TL**T53012
M7*SEAL0002
X4*25031000001*1*11*XYZ12345671*20250310*1631*1C**TSTC****0901
K1*A REMARK THAT IS LONGER THAN THE THIRTY SIGNS OF OTHER SETS
N9*ZZ*REMARK1
X4*25031000002*1***20250310*1631*1H**TSTC****0901
SE
""",
    "997": """
AK1*AQ*103*005020
AK2*309*0001
AK3*M11*12**8
AK4*1*598*5*25031000001
AK4*4>2*127*1
AK5*R*5
AK9*R*1*1*0
SE
""",
}

Message = list[list[str]]


def good(set_id: str) -> Message:
    """A sound message of the set with most of its segments, from ST to SE."""
    lines = [line for line in _BODIES[set_id].splitlines() if line]
    return [["ST", set_id, "0001"], *(line.split("*") for line in lines[:-1]), ["SE", "", "0001"]]


def interchange(set_id: str, message: Message, *, group: tuple[str, str, str] = ("", "1", "1")) -> bytes:
    """The message in its envelope; an empty SE01 is counted. ``group``: GS01 if another, GE01, GE02."""
    version, release = VERSIONS.get(set_id, ("00502", "005020"))
    rows = [list(row) for row in message]
    if rows and rows[-1][0] == "SE" and rows[-1][1:2] == [""]:
        rows[-1][1] = str(len(rows))
    isa = f"ISA*00*{'':10}*00*{'':10}*ZZ*{'XGTW':15}*ZZ*{'CBP-ACE-TEST':15}*250310*0905*^*{version}*000000001*0*T*>"
    gs = f"GS*{group[0] or GROUPS[set_id]}*XGTW*CBP-ACE-TEST*20250310*0905*1*X*{release}"
    lines = [isa, gs, *("*".join(row) for row in rows), f"GE*{group[1]}*{group[2]}", "IEA*1*000000001"]
    return "".join(line + "~" for line in lines).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Case:
    """One interchange of the corpus; ``kind`` says what was done, ``name`` where."""

    set_id: str
    kind: str
    name: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.set_id} {self.kind} {self.name}".strip()


def corpus() -> Iterator[Case]:
    """Every case: the good messages, and each of them with one thing wrong."""
    for set_id in GROUPS:
        message = good(set_id)
        yield Case(set_id, "good", "", interchange(set_id, message))
        for kind, name, changed in _changes(set_id, message):
            yield Case(set_id, kind, name, interchange(set_id, changed))
        for kind, group in {
            "GE01 wrong": ("", "2", "1"),
            "GE02 wrong": ("", "1", "2"),
            "GE02 with zeros": ("", "1", "0001"),
        }.items():
            yield Case(set_id, kind, "", interchange(set_id, message, group=group))


Change = tuple[str, str, Message]


def _changes(set_id: str, message: Message) -> Iterator[Change]:
    yield from _segment_changes(set_id, message)
    yield from _element_changes(message)
    yield from _trailer_changes(message)


def _firsts(message: Message) -> Iterator[tuple[int, str]]:
    """Where each segment stands for the first time, and in other company: index and a name."""
    seen: set[tuple[str, str]] = set()
    for at in range(1, len(message) - 1):
        pair = (message[at - 1][0], message[at][0])
        if pair not in seen:
            seen.add(pair)
            yield at, f"{message[at][0]} at {at + 1}"


_STRANGERS = {"309": "MBL", "358": "LX", "353": "VID", "355": "X4", "350": "M11", "997": "M10"}
_MANY = {
    "309": ("VEH", 11),
    "358": ("CII", 4),
    "353": ("K1", 5),
    "355": ("K1", 11),
    "350": ("M7", 6),
    "997": ("AK4", 100),
}


def _segment_changes(set_id: str, message: Message) -> Iterator[Change]:
    """Segments dropped, doubled, swapped, unknown, not of the set, too many."""
    for at, name in _firsts(message):
        row = message[at]
        yield "dropped", name, message[:at] + message[at + 1 :]
        yield "doubled", name, [*message[: at + 1], row, *message[at + 1 :]]
        if at + 2 < len(message):
            yield "swapped", name, [*message[:at], message[at + 1], row, *message[at + 2 :]]
        yield "late", name, [*message[:at], *message[at + 1 : -1], row, message[-1]]
        yield "early", name, [message[0], row, *message[1:at], *message[at + 1 :]]
        yield "empty", name, [*message[:at], [row[0]], *message[at + 1 :]]
    middle = len(message) // 2
    for kind, stranger in {
        "unknown segment": ["ZZZ", "1"],
        "stranger": [_STRANGERS[set_id], "1"],
        "lower-case segment": ["n1", "SH", "X"],
        "segment name too long": ["ABCDE", "1"],
        "X12 segment of no table": ["BA1", "1"],
    }.items():
        yield kind, "", [*message[:middle], stranger, *message[middle:]]
    wanted, count = _MANY[set_id]
    at = next(i for i, row in enumerate(message) if row[0] == wanted)
    yield "too many", wanted, [*message[:at], *([message[at]] * count), *message[at + 1 :]]


def _values(row: list[str]) -> Iterator[tuple[str, int, str]]:
    """Kind of change, place and new value for every value of a segment."""
    for place in range(1, len(row)):
        value = row[place]
        if not value:
            continue
        yield "emptied", place, ""
        yield "too long", place, value + ("1" if value.isdigit() else "A") * 300
        yield "too short", place, value[:1]
        yield "bad character", place, value + "\u00c9"
        if value.isalpha():
            yield "lower case", place, value.lower()
        if value.isdigit() and len(value) in (4, 8):
            yield "no date or time", place, "2" + "9" * (len(value) - 1)
        if value.replace(".", "").isdigit():
            yield "no number", place, "X" * len(value)
            yield "negative", place, "-" + value
        if len(value) <= 2:
            yield "other code", place, "Q" * len(value)
        yield "component", place, value + ">A"


def _element_changes(message: Message) -> Iterator[Change]:
    """One value changed, a rule between elements broken, an element too many."""
    seen: set[str] = set()
    for at in range(1, len(message) - 1):
        row = message[at]
        if row[0] in seen:
            continue
        seen.add(row[0])

        def replaced(new: list[str], at: int = at) -> Message:
            return [*message[:at], new, *message[at + 1 :]]

        for kind, place, value in _values(row):
            yield kind, f"{row[0]}{place:02d}", replaced([*row[:place], value, *row[place + 1 :]])
        yield "too many elements", row[0], replaced([*row, *["A"] * 31])
        yield "trailing separators", row[0], replaced([*row, "", ""])
        if row[0] == "REF":
            yield "too many components", "REF04", replaced([*row[:3], "", "5K>X1>5K>X2>5K>X3>5K"])
        yield "trailing space", row[0], replaced([*row[:-1], row[-1] + " "])
        for rule, more in _RULES.get(row[0], {}).items():
            new = row + [""] * (max(more) + 1 - len(row))
            for place, value in more.items():
                new[place] = value
            while new[-1] == "":
                new.pop()
            yield "rule broken", f"{row[0]} {rule}", replaced(new)


_RULES: dict[str, dict[str, dict[int, str]]] = {
    "M10": {"R0405": {5: ""}, "P0410": {4: "SHIP"}, "P0410 other": {10: "L"}},
    "NM1": {"P0809": {8: "ZZ"}, "P0809 other": {9: "AB12"}},
    "DMG": {"P0102": {1: ""}, "P0102 other": {2: ""}},
    "REF": {"R0203": {2: ""}},
    "M11": {"P0304": {3: ""}, "P0506": {6: ""}, "P0708": {7: "1"}, "two rules": {3: "", 6: ""}},
    "M13": {"P0810": {8: "250310"}, "P0810 other": {10: "TSTC"}},
    "N9": {"R0203": {2: ""}},
    "N1": {"R0203": {2: "", 3: "", 4: ""}, "P0304": {4: ""}},
    "N4": {"E0207": {7: "ON"}, "C0605": {6: "1"}, "C0704": {2: "", 4: "", 7: "BCN"}},
    "PER": {"P0304": {4: ""}, "P0506": {5: "TE"}},
    "DTM": {"R020305": {2: "", 3: ""}, "C0403": {3: "", 4: "ET"}, "P0506": {5: "D8"}},
    "R4": {"P0203": {3: ""}},
    "N10": {"P0405": {4: "A"}, "P0708": {7: ""}, "P0708 other": {8: ""}},
    "M15": {"R0410": {4: ""}, "C1110": {11: "NY"}},
    "X4": {"P0304": {4: ""}, "P0304 other": {3: ""}},
}


def _trailer_changes(message: Message) -> Iterator[Change]:
    """What is wrong with ST and SE."""
    body, count = message[:-1], len(message)

    def ended(*values: str) -> Message:
        return [*body, ["SE", *values]]

    changes: dict[str, Callable[[], Message]] = {
        "SE01 wrong": lambda: ended(str(count + 1), "0001"),
        "SE01 with zeros": lambda: ended(f"{count:06d}", "0001"),
        "SE01 no number": lambda: ended("XX", "0001"),
        "SE01 missing": lambda: [*body, ["SE", " ", "0001"]],
        "SE02 wrong": lambda: ended("", "0002"),
        "SE02 missing": lambda: ended(str(count)),
        "SE both wrong": lambda: ended("1", "0009"),
        "no SE": lambda: body,
        "ST02 too long": lambda: [["ST", message[0][1], "0000000001"], *body[1:], ["SE", "", "0000000001"]],
        "ST02 too short": lambda: [["ST", message[0][1], "01"], *body[1:], ["SE", "", "01"]],
        "ST03": lambda: [[*message[0], "VERSION1"], *message[1:]],
        "ST01 unknown": lambda: [["ST", "999", "0001"], *message[1:]],
        "ST01 of another group": lambda: [["ST", "309" if message[0][1] != "309" else "358", "0001"], *message[1:]],
    }
    for kind, make in changes.items():
        yield kind, "", make()
