"""Would CBP take what this summary says of the cargo, its bonds and its documents? Records 20 to 33.

CATAIR Entry Summary Create/Update rev 109 (July 2026), usage notes g (transport), h (manifest) and i (bonds).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from sandbox.abi.batch_reader import Line
from sandbox.abi.columns import day_of
from sandbox.abi.summary_case import Path, SummaryCase, record_place
from sandbox.abi.summary_filed import number_in

VESSEL: Final = frozenset({"10", "11"})
AIR: Final = frozenset({"40", "41"})
MISSING_DOCUMENTS: Final = frozenset("01 10 11 14 15 16 17 18 19 20 21 22 23 26 98 99".split())
ORDER: Final = "IMHS"
"""Order of the components under one 22 (23, note 1)."""
IN_BOND_DAYS: Final = 730


def cargo(case: SummaryCase) -> None:
    """The 20: carrier, port of unlading, dates, facility, conveyance."""
    v, mode = case.summary.cargo, case.mode
    sea, air = mode in VESSEL, mode in AIR
    carrier, unlading = v.get("carrier", ""), v.get("unlading", "")
    if not carrier and (sea or air):
        case.add("176")
    elif carrier and not sea and not air and not re.fullmatch(r"[A-Z0-9]+", carrier):
        case.add("178")
    if not unlading and (sea or air):
        case.add("167")
    elif unlading and not re.fullmatch(r"[0-9]{4}", unlading):
        case.add("166")
    if sea and not v.get("conveyance"):
        case.add("181")
    if v.get("vessel") and not sea:
        case.add("180")
    if v.get("location") and not re.fullmatch(r"[A-Z][0-9]{3}", v["location"]):
        case.add("172")
    if v.get("arrival") and day_of(v["arrival"]) is None:
        case.add("171")
    if v.get("exam_port") and not case.block.header.values["preparer_indicator"]:
        case.add("196")
    if case.summary.all("30"):
        case.add("163")
    _in_bond(case, v.get("in_bond_date", ""))
    _manifest(case)


def _in_bond(case: SummaryCase, text: str) -> None:
    numbers = any(one.values["type"] == "I" for one in case.summary.all("23"))
    if numbers and not text:
        case.add("261")
    if not text:
        return
    if not numbers:
        case.add("262")
    day = day_of(text)
    if day is None:
        case.add("189")
        return
    imported = day_of(case.summary.content.get("import_date", ""))
    entered = day_of(case.summary.content.get("entry_date", ""))
    if imported is not None and imported > day:
        case.add("190")
    if entered is not None and day > entered:
        case.add("191")
    if case.today - day > timedelta(days=IN_BOND_DAYS):
        case.add("192")


def _manifest(case: SummaryCase) -> None:
    groups: list[list[Line]] = []
    for line in case.summary.others:
        if line.id == "22":
            groups.append([line])
        elif line.id == "23" and groups:
            groups[-1].append(line)
    if not groups and case.mode in VESSEL | AIR:
        case.add("183")
    if groups and not case.mode:
        case.add("184")
    for count, (head, *parts) in enumerate(groups, 1):
        path: Path = (record_place("CARMAN", count, head, "quantity", "unit"),)
        quantity = number_in(head, "quantity")
        if not head.values["quantity"]:
            case.add("259", path)
        elif quantity is None:
            case.add("264", path)
        elif quantity == 0:
            case.add("258", path)
        if not head.values["unit"]:
            case.add("260", path)
        if not parts:
            case.add("185", path)
        _components(case, path, parts)


def _components(case: SummaryCase, path: Path, parts: list[Line]) -> None:
    reached = -1
    for count, line in enumerate(parts, 1):
        here = (*path, record_place("BOLINB", count, line, "type", "number"))
        kind = line.values["type"]
        if kind not in {"I", "M", "H", "S"}:
            case.add("186", here)
            continue
        if ORDER.index(kind) <= reached:
            case.add("187", here)
        reached = ORDER.index(kind)
        if not re.fullmatch(r"[A-Z0-9]+", line.values["number"]):
            case.add("322", here)


# ---------------------------------------------------------------------- bonds and documents


def bonds(case: SummaryCase) -> None:
    """The 31s: which, for what, and whether the books have them."""
    lines = case.summary.all("31")
    if case.summary.head["waiver"] == "0":
        if lines:
            case.add("120")
        return
    if not lines:
        if case.type in {"01", "03"}:
            case.add("119")
        return
    types = [one.values["type"] for one in lines]
    designations = [one.values["designation"] for one in lines]
    if types.count("8") > 1:
        case.add("193")
    if "A" in designations and len(lines) == 1:
        case.add("269")
    elif len(lines) == 2 and designations.count("A") != 1:
        case.add("268")
    for count, line in enumerate(lines, 1):
        _bond(case, line, (record_place("BNDDTL", count, line, "type", "designation", "surety"),))


def _bond(case: SummaryCase, line: Line, path: Path) -> None:
    v = line.values
    if v["type"] not in {"8", "9"}:
        case.add("112", path)
        return
    if v["designation"] not in {"A", "B", "U", "E"}:
        case.add("266", path)
    elif v["type"] == "8" and v["designation"] != "B":
        case.add("267", path)
    if not v["surety"]:
        case.add("137", path)
    elif not re.fullmatch(r"[A-Z0-9]{3}", v["surety"]):
        case.add("138", path)
    if v["type"] == "8":
        _continuous(case, line, path)
    else:
        _single(case, line, path)


def _continuous(case: SummaryCase, line: Line, path: Path) -> None:
    v = line.values
    if v["amount"]:
        case.add("214", path)
    if v["producer"]:
        case.add("126", path)
    there, surety = case.registry.continuous(case.summary.content.get("importer", ""), case.now)
    if not there:
        case.add("113", path)
    elif surety and v["surety"] and surety != v["surety"]:
        case.add("145", path)


def _single(case: SummaryCase, line: Line, path: Path) -> None:
    v, dollars = line.values, number_in(line, "amount")
    if not v["amount"]:
        case.add("265", path)
        return
    if dollars is None:
        case.add("123", path)
        return
    if not dollars:
        case.add("240", path)
        return
    importer = case.summary.content.get("importer", "")
    wrong = case.registry.single(case.summary.number, importer, v["surety"], dollars, case.now)
    codes = {"missing": "752", "importer": "757", "surety": "145", "amount": "756"}
    if wrong:
        case.add(codes[wrong], path)


def documents(case: SummaryCase) -> None:
    """The 33: documents that are missing."""
    for line in case.summary.all("33"):
        codes = [line.values["code_1"], line.values["code_2"]]
        for count, code in enumerate(codes, 1):
            path: Path = (record_place("MISDOC", count, line, f"code_{count}"),)
            if code and code not in MISSING_DOCUMENTS:
                case.add("151", path)
        first: Path = (record_place("MISDOC", 1, line, "code_1"),)
        if codes[0] == "99":
            case.add("153", first)
        if codes[0] == codes[1]:
            case.add("152", first)
