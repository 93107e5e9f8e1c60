"""Would CBP take the goods of this entry? SE40, SE41, SE60 and SE61.

CBP CATAIR Cargo Release v40: consecutive lines, origin, tariff numbers and their order, values, zone status.
"""

from __future__ import annotations

import re
from typing import Final

from sandbox.abi.batch_reader import Line
from sandbox.abi.columns import day_of
from sandbox.abi.findings import Case
from sandbox.truck.syntax import code_list

_HTS: Final = re.compile(r"[0-9]{10}")
TEMPORARY: Final = "9813"
"""Heading of goods under temporary importation bond (type 23)."""


def goods(case: Case) -> None:
    """Every line with its tariff numbers."""
    lines = _by_line(case)
    if not lines:
        case.add(case.head, "line-missing")
    named = {party.item for party in case.entry.parties if party.entity == "CN" and party.name}
    for number, (head, *rest) in enumerate(lines, 1):
        v = head.values
        if v["line"] != f"{number:03d}":
            case.add(head, "line-number")
        if v["origin"] not in code_list("countries"):
            case.add(head, "origin-invalid")
        if case.behaviour.description_required and not v["description"]:
            case.add(head, "description-missing")
        _zone(case, head, rest)
        _tariffs(
            case,
            head,
            [one for one in rest if one.id == "SE60"],
            values_due=case.type == "86" or bool(named & {0, number}),
        )


def _by_line(case: Case) -> list[list[Line]]:
    """SE40 with the SE41, SE60 and SE61 under it."""
    groups: list[list[Line]] = []
    for line in case.lines("SE40", "SE41", "SE60", "SE61"):
        if line.id == "SE40":
            groups.append([line])
        elif groups:
            groups[-1].append(line)
    return groups


def _tariffs(case: Case, head: Line, lines: list[Line], *, values_due: bool) -> None:
    goods_begun, understood = False, bool(lines)
    for line in lines:
        hts, value = line.values["hts"], line.values["value"]
        if not _HTS.fullmatch(hts):
            case.add(line, "hts-invalid")
            understood = False
            continue
        special = hts.startswith("99")
        if special and goods_begun:
            case.add(line, "hts-order")
        goods_begun = goods_begun or not special
        if special and value.isdigit() and int(value):
            case.add(line, "hts-value")
        if values_due and not value and not special:
            case.add(line, "line-value-missing")
    if understood and not goods_begun:
        case.add(head, "hts-commodity")
    if case.type == "23":
        first = lines[0].values["hts"] if lines else ""
        if not first.startswith(TEMPORARY) or len(lines) < 2:
            case.add(lines[0] if lines else head, "hts-pair")


def _zone(case: Case, head: Line, rest: list[Line]) -> None:
    status = next((one for one in rest if one.id == "SE41"), None)
    current = [one for one in rest if one.id == "SE61"]
    if case.type != "06":
        for line in rest:
            if line.id in {"SE41", "SE61"}:
                case.add(line, "zone-status-unneeded")
        return
    if status is None:
        case.add(head, "zone-status-missing")
        return
    v = status.values
    if v["status"] not in {"P", "N"}:
        case.add(status, "zone-status")
    if v["filed"] and (v["status"] != "P" or day_of(v["filed"]) is None):
        case.add(status, "zone-date")
    if v["quantity"].isdigit() and int(v["quantity"]) == 0:
        case.add(status, "zone-quantity")
    for line in current:
        if v["status"] != "P" or not v["filed"]:
            case.add(line, "zone-hts")
        if not _HTS.fullmatch(line.values["hts"]):
            case.add(line, "hts-invalid")
