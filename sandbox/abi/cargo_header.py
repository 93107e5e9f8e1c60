"""Would CBP take the header of this entry? SE10, SE11, SE13 and SE20.

CBP CATAIR Cargo Release v40, notes of these records, and the registry for importer and bond.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from sandbox.abi.batch_reader import FILER_CODE, Line
from sandbox.abi.cargo_entry import check_digit
from sandbox.abi.columns import day_of
from sandbox.abi.findings import Case
from sandbox.clock import EASTERN
from sandbox.registry import NUMBER_FORMS

ENTRY_TYPES: Final = frozenset("01 02 03 06 07 11 12 21 22 23 52 86".split())
INFORMAL: Final = frozenset({"11", "12"})
PORT_NEEDED: Final = frozenset("02 06 07 12 21 22 23 86".split())
MODES: Final = frozenset("10 11 12 20 21 30 31 32 33 34 40 41 50 60 70".split())
UNLADING_NEEDED: Final = frozenset({"50", "60", "70"})
WAREHOUSE: Final = frozenset({"21", "22"})
REASON_NEEDS: Final = {"02": "IB", "03": "EN", "04": "FTZ"}
VALUE_LIMIT: Final = {"11": 2500, "86": 800}
ONE_DISTRICT: Final = frozenset({"10", "46", "47"})
"""Districts that may stand in one block (Batch and Block Control rev 23, usage note c)."""
DAYS_AHEAD: Final = 7
"""An elected entry date may be that many calendar days ahead (SE11 note 1)."""

_PORT: Final = re.compile(r"\d{4}", re.ASCII)
_FIRMS: Final = re.compile(r"[A-Z]\d{3}", re.ASCII)
_ZONE: Final = re.compile(r"FTZ\d{3}([A-Z0-9]{2}([A-Z0-9]{2})?|[A-Z0-9]{6})", re.ASCII)
_ENTRY: Final = re.compile(r"[A-Z0-9]{3}\d{8}", re.ASCII)


def valid_entry_number(text: str) -> bool:
    """Eleven characters with the right check digit."""
    return (
        bool(_ENTRY.fullmatch(text) and FILER_CODE.fullmatch(text[:3]))
        and check_digit(text[:3], text[3:10]) == (text[10])
    )


def header(case: Case) -> None:
    """SE10: who files what under which number; every action."""
    line, h = case.head, case.entry.head
    if h["action"] not in {"A", "R", "U", "D"}:
        case.add(line, "action-invalid" if h["action"] else "action-missing")
    filer, number = h["filer"], h["number"]
    if not filer:
        case.add(line, "filer-missing")
    elif not FILER_CODE.fullmatch(filer):
        case.add(line, "filer-unknown")
    elif filer != case.block.header.values["filer"]:
        case.add(line, "filer-conflict")
    if not number:
        case.add(line, "number-missing")
    elif not re.fullmatch(r"\d{8}", number, re.ASCII) or (
        FILER_CODE.fullmatch(filer) and check_digit(filer, number[:7]) != number[7]
    ):
        case.add(line, "number-invalid")
    if h["type"] not in ENTRY_TYPES:
        case.add(line, "type-invalid" if h["type"] else "type-missing")
    for name in ("port", "unlading"):
        if h[name] and not _PORT.fullmatch(h[name]):
            case.add(line, "port-invalid")
    block_port = case.block.header.values["port"]
    districts = {h["port"][:2], block_port[:2]}
    mixed = _PORT.fullmatch(h["port"]) and len(districts) > 1 and not districts <= ONE_DISTRICT
    if mixed and case.behaviour.check_block_district:
        case.add(line, "district-conflict")
    if h["split"] not in {"", "1", "2"}:
        case.add(line, "split-invalid")
    if h["action"] in {"U", "D"}:
        if h["bond"] not in {"0", "8", "9"}:
            case.add(line, "bond-invalid" if h["bond"] else "bond-missing")
        if not h["value"]:
            case.add(line, "value-missing")


def full_header(case: Case) -> None:
    """SE10 of actions A and R: importer, mode, bond, value, ports."""
    line, h, kind = case.head, case.entry.head, case.type
    _importer(case, line)
    if not (kind == "06" and not h["mode"] and not case.entry.bills) and h["mode"] not in MODES:
        case.add(line, "mode-invalid" if h["mode"] else "mode-missing")
    _bond(case, line)
    _value(case, line)
    needed = kind in PORT_NEEDED or case.entry.agencies or case.entry.non_ams
    if not h["port"] and (needed or any(bill[0] == "I" for bill in case.entry.bills)):
        case.add(line, "port-missing")
    if h["mode"] in UNLADING_NEEDED and not h["unlading"]:
        case.add(line, "unlading-missing")


def _importer(case: Case, line: Line) -> None:
    number, number_type = case.entry.head["importer"], case.entry.head["importer_type"]
    if not number and not number_type:
        if case.type != "86" or case.entry.agencies:
            case.add(line, "importer-type-missing")
            case.add(line, "importer-missing")
        return
    form = NUMBER_FORMS.get(number_type)
    if form is None:
        case.add(line, "importer-type-invalid" if number_type else "importer-type-missing")
        return
    if not form.fullmatch(number):
        case.add(line, "importer-unknown" if number else "importer-missing")
        return
    standing = case.registry.standing(number, case.now)
    inactive = case.book.rule("importer-inactive", case.now)
    if standing == "unknown":
        case.add(line, "importer-unknown")
    elif standing == "inactive" and inactive:
        case.rule(line, inactive)
    barred = case.book.rule("foreign-importer-informal", case.now)
    if barred and number_type == "ANI" and case.type in INFORMAL:
        case.rule(line, barred)


def _bond(case: Case, line: Line) -> None:
    bond, importer = case.entry.head["bond"], case.entry.head["importer"]
    if bond not in {"0", "8", "9"}:
        case.add(line, "bond-invalid" if bond else "bond-missing")
        return
    if bond == "0":
        if case.type == "11" and case.behaviour.bond_on_informal:
            case.add(line, "bond-required")
        return
    if not importer:
        case.add(line, "bond-holder")
    elif bond == "8" and not case.registry.continuous(importer, case.now)[0]:
        case.add(line, "bond-inactive")
    if bond == "9":
        given = dict(case.entry.references)
        if "V1" not in given or "AMT" not in given:
            case.add(line, "surety-missing")
        elif given["AMT"].isdigit() and case.registry.single(
            case.entry.number, importer, given["V1"], int(given["AMT"]), case.now
        ):
            case.add(line, "bond-not-on-file")


def _value(case: Case, line: Line) -> None:
    raw = case.entry.head["value"]
    if not raw.isdigit():
        if not raw:
            case.add(line, "value-missing")
        return
    limit = VALUE_LIMIT.get(case.type)
    if limit is not None and int(raw) > limit:
        case.add(line, "value-above-limit", limit=limit, type=case.type)
    total = sum(int(v) for _, _, tariffs, _ in case.entry.items for _, v in tariffs if v.isdigit())
    if case.behaviour.check_line_values and int(raw) < total:
        case.add(line, "value-below-lines")


# ---------------------------------------------------------------------- SE11


def additional(case: Case) -> None:
    """SE11: entry date, facilities, zone, warehouse, immediate delivery; actions A, R and U."""
    found = case.lines("SE11")
    if not found:
        if case.entry.head["action"] in {"A", "R"} and case.type in WAREHOUSE:
            case.add(case.head, "warehouse-conflict")
        return
    line, v, kind = found[0], found[0].values, case.type
    _elected_date(case, line, v)
    for name in ("location", "exam_site", "warehouse"):
        if v[name] and not _FIRMS.fullmatch(v[name]):
            case.add(line, "facility-invalid")
    if kind == "06":
        if v["conveyance"] and not _ZONE.fullmatch(v["conveyance"]):
            case.add(line, "zone-invalid")
        if v["voyage"]:
            case.add(line, "zone-conveyance")
    if case.entry.head["action"] in {"A", "R"}:
        if (kind in WAREHOUSE) != bool(v["warehouse"]):
            case.add(line, "warehouse-conflict")
        origin = v["origin_filer"] + v["origin_number"]
        if (kind == "22") != bool(origin) or (origin and not valid_entry_number(origin)):
            case.add(line, "origin-entry")
    if v["immediate"] not in {"", "Y", "N"}:
        case.add(line, "indicator-invalid", column=80, record="SE11 80")
    elif v["immediate"] == "Y" and (kind in WAREHOUSE or case.entry.head["bond"] == "0"):
        case.add(line, "delivery-invalid")


def _elected_date(case: Case, line: Line, v: Mapping[str, str]) -> None:
    if v["date_code"] not in {"", "W"} or (v["date_code"] == "W" and case.type != "06"):
        case.add(line, "election-invalid")
    if not v["date_code"] and not v["elected_date"]:
        return
    day, today = day_of(v["elected_date"]), case.now.astimezone(EASTERN).date()
    if v["date_code"] != "W" or day is None or not today <= day <= today + timedelta(days=DAYS_AHEAD):
        case.add(line, "election-date")


# ---------------------------------------------------------------------- SE13


def contact(case: Case) -> None:
    """SE13: who is asked, why it is cancelled, what was sent beside it."""
    entry, action = case.entry, case.entry.head["action"]
    if not entry.contact or not entry.contact["name"] or not entry.contact["phone"]:
        if action != "U" or entry.contact or case.behaviour.contact_on_update:
            case.add(case.head, "contact-missing")
        if not entry.contact:
            return
    line = case.lines("SE13")[0]
    v, references = entry.contact, {qualifier for qualifier, _ in entry.references}
    reason = v["reason"]
    for name, column in (("multiple", 62), ("dis", 63), ("split", 64)):
        if v[name] not in {"", "1"}:
            case.add(line, "indicator-invalid", column=column, record=f"SE13 {column}")
    if action == "D":
        if not re.fullmatch(r"0[1-9]|1[0-2]", reason, re.ASCII) or (reason == "12" and case.type != "06"):
            case.add(line, "reason-invalid")
        elif REASON_NEEDS.get(reason, "") not in references | {""}:
            case.add(line, "reason-reference")
        if not entry.head["port"]:
            case.add(case.head, "port-missing")
    elif reason or v["multiple"]:
        case.add(line, "reason-invalid")
    if (v["dis"] == "1") != ("DIS" in references):
        case.add(line, "documents-conflict")


# ---------------------------------------------------------------------- SE20


def _in_bond(text: str) -> bool:
    return bool(re.fullmatch(r"\d{9}|\d{11}|[A-Z0-9]{3}\d{8}", text, re.ASCII))


def _yes(text: str) -> bool:
    return text == "Y"


_REFERENCES: Final[Mapping[str, Callable[[str], bool]]] = {
    "CR": lambda text: len(text) <= 9,
    "EN": valid_entry_number,
    "IB": _in_bond,
    "FTZ": lambda text: bool(re.fullmatch(r"[A-Z0-9]{1,19}", text)),
    "DIS": lambda text: bool(text),
    "V1": lambda text: bool(re.fullmatch(r"[A-Z0-9]{3}", text)),
    "AMT": lambda text: bool(re.fullmatch(r"[1-9]\d{0,9}", text, re.ASCII)),
    "EXP": _yes,
    "KII": _yes,
    "RRN": lambda text: bool(text),
    "PER": _yes,
    "CES": valid_entry_number,
    "EDA": lambda text: bool(text),
    "SCE": _yes,
}
"""Qualifiers and the forms of what they qualify (SE20 note 1). EDA has a check of its own; SCE is not in v40 yet."""


def references(case: Case) -> None:
    """SE20: known qualifiers, forms, and what goes with a reason code only."""
    reason = case.entry.contact.get("reason", "") if case.entry.head["action"] == "D" else ""
    for line in case.lines("SE20"):
        qualifier, text = line.values["qualifier"], line.values["reference"]
        good = _REFERENCES.get(qualifier)
        if good is None or (qualifier == "SCE" and not case.behaviour.self_certification):
            case.add(line, "qualifier-unknown")
        elif not good(text):
            case.add(line, "reference-invalid")
        elif qualifier == "EDA" and day_of(text) is None:
            case.add(line, "arrival-invalid")
        elif qualifier in REASON_NEEDS.values() and REASON_NEEDS.get(reason) != qualifier:
            case.add(line, "reference-unneeded")
