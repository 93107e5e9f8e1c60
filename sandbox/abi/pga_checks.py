"""Would CBP take the agency records under a tariff number? OI and PG01 to PG60, before any agency looks at them.

CBP CATAIR PGA Message Set rev 29, its introduction and usage notes, with the conditions P01 to P54 of the ACE error
dictionary. What an agency itself demands (its guides, its appendix of codes) is not judged here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from sandbox.abi.batch_reader import Line
from sandbox.abi.findings import Case
from sandbox.abi.pga_layouts import AGENCIES

DISCLAIMERS: Final = frozenset("ABCDEFG")
IN_GROUP: Final = frozenset("PG05 PG06 PG07 PG10 PG14 PG19 PG22 PG25 PG26 PG29 PG31 PG32".split())
"""Records that may stand between PG50 and PG51."""
OTHER_USE: Final = "980.000"
LACEY: Final = "APL"
"""Program code of the Lacey Act at APHIS, as statuses show it; recalled."""

_AFTER: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "PG08": (frozenset({"PG07"}), "pga-no-pg07"),
    "PG20": (frozenset({"PG19"}), "pga-no-pg19"),
    "PG21": (frozenset({"PG19", "PG20", "PG22", "PG30"}), "pga-relationship"),
}
"""Records that need one of these before them in the same PGA line."""

_Test = Callable[[Mapping[str, str]], bool]
_VALUES: Final[Mapping[str, tuple[tuple[_Test, str], ...]]] = {
    "PG06": (
        (lambda v: bool(v["source"]), "pga-no-source"),
        (lambda v: v["processing"] != "017" or bool(v["description"]), "pga-no-processing"),
    ),
    "PG19": ((lambda v: bool(v["role"]), "pga-no-role"),),
    "PG23": ((lambda v: bool(v["affirmation"]), "pga-no-affirmation"),),
    "PG24": ((lambda v: not v["type"] or bool(v["code"] or v["text"]), "pga-no-remark"),),
    "PG26": (
        (lambda v: bool(v["level"]), "pga-no-level"),
        (lambda v: v["level"] in {"", *"123456"}, "pga-level"),
    ),
    "PG27": ((lambda v: bool(v["container_1"]), "pga-no-container"),),
    "PG30": ((lambda v: bool(v["status"]), "pga-no-inspection"),),
    "PG31": (
        (lambda v: bool(v["type"]), "pga-no-vessel-type"),
        (lambda v: bool(v["characteristic"]), "pga-no-vessel"),
    ),
    "PG32": (
        (lambda v: bool(v["type"]), "pga-no-routing"),
        (lambda v: not v["subunit_type"] or bool(v["subunit_name"]), "pga-no-subunit"),
    ),
    "PG33": ((lambda v: bool(v["area"] or v["name"]), "pga-no-area"),),
    "PG34": ((lambda v: bool(v["type"]), "pga-no-travel"),),
}
"""What the fields of a record must hold, whatever the agency."""


def agency_records(case: Case) -> None:
    """The agency records under each tariff number."""
    under: list[Line] = []
    for line in case.entry.lines:
        if line.id in {"SE40", "SE60"}:
            _under_one_tariff(case, under)
            under = []
        elif line.id[:2] in {"OI", "PG"} and line.layout is not None:
            under.append(line)
    _under_one_tariff(case, under)


def _under_one_tariff(case: Case, lines: list[Line]) -> None:
    if not lines:
        return
    descriptions = [one for one in lines if one.id == "OI"]
    if lines[0].id != "OI":
        case.add(lines[0], "pga-no-oi")
    for line in descriptions[1:]:
        case.add(line, "pga-second-oi")
    for line in descriptions:
        if not line.values["description"]:
            case.add(line, "pga-no-text")
    openings = [place for place, one in enumerate(lines) if one.id == "PG01"]
    if not openings:
        case.add(lines[0], "pga-no-agency-record")
        return
    counted: dict[str, int] = defaultdict(int)
    for start, end in zip(openings, [*openings[1:], len(lines)], strict=True):
        _opening(case, lines[start], counted)
        body = lines[start + 1 : end]
        _body(case, body)
        stacked = end < len(lines) and not body
        has_item = any(one.id in {"PG02", "PG00"} for one in body)
        if not lines[start].values["disclaimer"] and not stacked and not has_item:
            case.add(lines[start], "pga-no-pg02")


def _opening(case: Case, line: Line, counted: dict[str, int]) -> None:
    """PG01: line number within the agency, agency, program, use, disclaimer."""
    v = line.values
    agency = v["agency"]
    counted[agency] += 1
    if not v["line"]:
        case.add(line, "pga-no-line")
    elif v["line"] != f"{counted[agency]:03d}":
        case.add(line, "pga-line-order")
    if not agency:
        case.add(line, "pga-no-agency")
    elif agency not in AGENCIES:
        case.add(line, "pga-profile")
    if not v["program"]:
        case.add(line, "pga-no-program")
    if v["use"] == OTHER_USE and not v["use_text"]:
        case.add(line, "pga-no-use")
    for name, column in (("image", 17), ("confidential", 18)):
        if v[name] not in {"", "Y"}:
            case.add(line, "indicator-invalid", column=column, record=f"PG01 {column}")
    disclaimer = v["disclaimer"]
    limited = {
        "E": agency == "FWS",
        "F": agency == "FDA" and case.type == "21",
        "G": agency == "APH" and v["program"] == LACEY,
    }
    if disclaimer and (disclaimer not in DISCLAIMERS or not limited.get(disclaimer, True)):
        case.add(line, "pga-disclaimer")


def _body(case: Case, lines: list[Line]) -> None:
    """The records of one PGA line after its PG01."""
    seen: set[str] = set()
    items = 0
    group: Line | None = None
    for place, line in enumerate(lines):
        name, v = line.id, line.values
        if name == "PG02":
            items += 1
            if v["type"] != ("P" if items == 1 else "C"):
                case.add(line, "pga-item-type")
        elif name == "PG50":
            if group is not None or not place:
                case.add(line, "pga-grouping")
            group = line
        elif name == "PG51":
            if group is None:
                case.add(line, "pga-grouping")
            group = None
        elif name == "PG00":
            case.add(line, "pga-substitution")
        elif group is not None and name not in IN_GROUP:
            case.add(line, "pga-in-group")
        before, missing = _AFTER.get(name, (frozenset(), ""))
        if missing and not before & seen:
            case.add(line, missing)
        for good, wrong in _VALUES.get(name, ()):
            if not good(v):
                case.add(line, wrong)
        seen.add(name)
        if name == "PG13" and not any(one.id == "PG14" for one in lines[place + 1 :]):
            case.add(line, "pga-no-pg14")
    if group is not None:
        case.add(group, "pga-grouping")
