"""Would CBP take the bills of this entry? SE15, SE16 and SE17.

CBP CATAIR Cargo Release v40: bill types, issuers and the non-AMS indicator by mode of transportation, the pairing of
in-bond, master and house bill, quantities, conveyances of split shipments. Actions A, R and U.
"""

from __future__ import annotations

import re
from typing import Final

from sandbox.abi.batch_reader import Line
from sandbox.abi.cargo_header import MODES
from sandbox.abi.columns import day_of
from sandbox.abi.findings import Case
from sandbox.truck.syntax import code_list

AIR: Final = frozenset({"40", "41"})
PAIRED: Final = frozenset({"10", "11", "12"}) | AIR
"""Modes that know master and house bills; 12 by analogy with the other vessels."""
ISSUED: Final = frozenset({"10", "11", "12", "20", "21", "30", "31", "70"})
"""Modes whose bills name their issuer; 70 is not in the list of those that leave it blank."""
NEVER_AMS: Final = frozenset({"32", "33", "34", "50", "60", "70"})
HAND_CARRIED: Final = "60"
PIPELINE: Final = "70"
MOST_BILLS: Final = 999

_NUMBER: Final = re.compile(r"[A-Z0-9]+")
_AIR_NUMBER: Final = re.compile(r"[0-9]{3}[A-Z0-9]+")
_IN_BOND: Final = re.compile(r"[0-9]{9}|[0-9]{11}|[A-Z0-9]{3}[0-9]{8}")
_ISSUER: Final = re.compile(r"(?!UNKN)[A-Z]{2,4}")
_CARRIER: Final = re.compile(r"[A-Z0-9]{2,4}")
_FLIGHT: Final = re.compile(r"[0-9]{3}[0-9A-Z]?|[0-9]{4}[A-Z]")


def bills(case: Case) -> None:
    """SE15 one by one and in their order."""
    lines = case.lines("SE15")
    action = case.entry.head["action"]
    if not lines and action in {"A", "R"} and case.type not in {"06", "22"}:
        case.add(case.head, "bill-missing")
    _order(case, lines)
    under = _beneath(case)
    general_order = case.entry.extra.get("general_order", "")
    for line in lines:
        conveyances = [one for one in under[line.position] if one.id == "SE16"]
        _one(case, line, conveyances, must_be_non_ams=case.mode in NEVER_AMS or bool(general_order))
    if sum(1 for one in lines if one.values["type"] in {"R", "T", "H"}) > MOST_BILLS:
        case.add(lines[-1], "bills-exceeded")
    if case.type == "06":
        for line in case.lines("SE16", "SE17"):
            case.add(line, "zone-conveyance")
        if lines and not any(one.values["type"] == "I" for one in lines):
            case.add(lines[0], "zone-bill")


def _beneath(case: Case) -> dict[int, list[Line]]:
    """SE16 and SE17 by the position of the SE15 they follow."""
    under: dict[int, list[Line]] = {}
    at = 0
    for line in case.lines("SE15", "SE16", "SE17"):
        if line.id == "SE15":
            at = line.position
            under[at] = []
        elif at:
            under[at].append(line)
    return under


def _order(case: Case, lines: list[Line]) -> None:
    """I stands before R or before M; M stands before its H, and H behind an M."""
    types = [one.values["type"] for one in lines]
    for place, line in enumerate(lines):
        after = types[place + 1] if place + 1 < len(types) else ""
        before = types[place - 1] if place else ""
        if types[place] == "I" and after not in {"R", "M"}:
            case.add(line, "in-bond-order")
        if (types[place] == "M" and after != "H") or (types[place] == "H" and before != "M"):
            case.add(line, "house-order")


def _one(case: Case, line: Line, conveyances: list[Line], *, must_be_non_ams: bool) -> None:
    v, kind = line.values, line.values["type"]
    _type(case, line, kind)
    _issuer(case, line, kind, v["issuer"])
    form = _IN_BOND if kind == "I" else _AIR_NUMBER if case.mode in AIR and kind != "H" else _NUMBER
    if not form.fullmatch(v["number"]):
        case.add(line, "bill-number")
    _quantity(case, line, v["quantity"], conveyances)
    if (
        v["non_ams"] not in {"N", "Y"}
        or (v["non_ams"] == "Y" and kind in {"I", "T"})
        or (v["non_ams"] == "N" and must_be_non_ams and kind != "I")
    ):
        case.add(line, "non-ams-invalid")
    elif v["non_ams"] == "Y" and not conveyances and kind != "M":
        case.add(line, "conveyance-missing")
    for one in conveyances:
        _conveyance(case, one)


def _type(case: Case, line: Line, kind: str) -> None:
    allowed = {"R", "I"}
    if case.mode in PAIRED or case.mode not in MODES:
        allowed |= {"M", "H"}
    if case.mode in AIR and case.type != "86":
        allowed |= {"T"}
    if kind not in allowed:
        case.add(line, "bill-type")


def _issuer(case: Case, line: Line, kind: str, issuer: str) -> None:
    if kind == "I" or (case.mode in MODES and case.mode not in ISSUED):
        if issuer:
            case.add(line, "issuer-unneeded")
    elif case.mode in ISSUED and not _ISSUER.fullmatch(issuer):
        case.add(line, "issuer-invalid")


def _quantity(case: Case, line: Line, quantity: str, conveyances: list[Line]) -> None:
    kind = line.values["type"]
    lowest = kind in {"R", "T", "H"}
    if quantity:
        if not quantity.isdigit() or int(quantity) == 0 or not lowest:
            case.add(line, "quantity-invalid")
        elif conveyances and case.type != "22" and case.mode != HAND_CARRIED:
            case.add(line, "quantity-twice")
    elif lowest and (case.mode == HAND_CARRIED or (case.type == "86" and not conveyances)):
        case.add(line, "quantity-invalid")


def _conveyance(case: Case, line: Line) -> None:
    v = line.values
    if not _CARRIER.fullmatch(v["carrier"]):
        case.add(line, "carrier-invalid")
    if case.mode in AIR and not _FLIGHT.fullmatch(v["voyage"]):
        case.add(line, "voyage-invalid")
    if v["arrival"] and day_of(v["arrival"]) is None:
        case.add(line, "date-unknown", column=14, record="SE16 14-19")
    if v["quantity"].isdigit() and int(v["quantity"]) == 0:
        case.add(line, "quantity-invalid")
    if v["unit"] and v["unit"] not in code_list("packaging-units"):
        case.add(line, "unit-invalid")
    if case.mode == PIPELINE and not v["conveyance"]:
        case.add(line, "pipeline-missing")
