"""Would CBP take the header of this summary? The 10 and the 11: who, under which number, how it is paid.

CATAIR Entry Summary Create/Update rev 109 (July 2026), usage notes a to f and y; conditions of the error dictionary.
"""

from __future__ import annotations

import re
from typing import Final

from sandbox.abi.batch_reader import FILER_CODE
from sandbox.abi.cargo_entry import check_digit
from sandbox.abi.columns import day_of
from sandbox.abi.summary_case import SummaryCase, is_zeros, party_form
from sandbox.abi.summary_conditions import Wrong
from sandbox.truck.syntax import code_list
from sandbox.working_days import is_working_day

ENTRY_TYPES: Final = frozenset("01 02 03 06 07 11 12 21 22 23 31 32 34 38 51 52".split())
MODELLED: Final = frozenset({"01", "03", "11"})
MODES: Final = frozenset("10 11 12 20 21 30 31 32 33 34 40 41 50 60 70".split())
MODE_NEEDED: Final = frozenset({"01", "03"})
ONE_DISTRICT: Final = frozenset({"10", "46", "47"})
PAYMENTS: Final = frozenset("1235678")
PERIODIC: Final = frozenset("678")
FREE_ON_DELETE: Final = frozenset({"action", "filer", "number", "port", "type", "reference"})
"""Fields of the 10 that a deletion may have (usage note b; the others carry note 2)."""
WAIVER_REASONS: Final = frozenset("995 996 997 998 999".split())
DAYS_TO_PRINT: Final = 90


def identity(case: SummaryCase) -> None:
    """What every action needs: action, filer, number, port, type."""
    h = case.summary.head
    if h["action"] not in {"A", "R", "D"}:
        case.add("B02" if h["action"] else "B01")
    _filer_and_number(case)
    port, block_port = h["port"], case.block.header.values["port"]
    if not port:
        case.add("B03")
    elif not re.fullmatch(r"[0-9]{4}", port):
        case.add("B04")
    elif port[:2] != block_port[:2] and not {port[:2], block_port[:2]} <= ONE_DISTRICT:
        case.add("B10")
    if h["type"] not in ENTRY_TYPES:
        case.add("B18" if h["type"] else "B17")
    elif h["type"] not in MODELLED:
        case.add("Z91")


def _filer_and_number(case: SummaryCase) -> None:
    filer, number = case.summary.head["filer"], case.summary.head["number"]
    if not filer:
        case.add("B05")
    elif not FILER_CODE.fullmatch(filer):
        case.add("B06")
    elif filer != case.block.header.values["filer"]:
        case.add("B53")
    if not number:
        case.add("B14")
    elif not re.fullmatch(r"[0-9]{8}", number):
        case.add("B15")
    elif FILER_CODE.fullmatch(filer) and check_digit(filer, number[:7]) != number[7]:
        case.add("B16")


def deletion(case: SummaryCase) -> None:
    """Action D: the 10 alone, and only what identifies the summary."""
    extra = any(value for name, value in case.summary.head.items() if name not in FREE_ON_DELETE)
    if extra or len(case.summary.lines) > 1:
        case.add("B24")


def control(case: SummaryCase) -> None:
    """The 10 of actions A and R: mode, signature, waiver, claims and indicators."""
    h, kind = case.summary.head, case.type
    if h["signature"] != "X":
        case.add("B40" if h["signature"] else "B39")
    if not h["mode"] and kind in MODE_NEEDED:
        case.add("164")
    elif h["mode"] and h["mode"] not in MODES:
        case.add("165")
    _unmodelled(case)
    _waiver(case)
    indicators = (
        ("usage", {"P", "X"}, "131"),
        ("live", {"Y"}, "129"),
        ("deferred", {"1", "2"}, "134"),
        ("agreement", {"Y"}, "157"),
        ("issue", {f"00{digit}" for digit in range(1, 8)}, "155"),
        ("known", {"Y"}, "751"),
        ("agency_data", {"Y", "F"}, "317"),
    )
    for name, allowed, code in indicators:
        if h[name] and h[name] not in allowed:
            case.add(code)
    if h["deferred"] and kind == "11":
        case.add("135")
    if h["agency_data"] == "F":
        case.add("319")
    for name, code in (("agreement", "159"), ("issue", "160")):
        if h[name] and kind in {"03", "11"}:
            case.add(code)
        elif h[name] and not any(one.values["type"] == "8" for one in case.summary.all("31")):
            case.add("154")


def _unmodelled(case: SummaryCase) -> None:
    h = case.summary.head
    if h["certify"]:
        case.add("Z90" if h["certify"] == "A" else "292")
    elif case.summary.all("SE13") or case.summary.all("SE20") or case.summary.all("SE30"):
        case.add("Z94")
    if h["consolidated"] and h["consolidated"] != "Y":
        case.add("228")
    elif h["consolidated"]:
        case.add("Z93" if case.type in {"01", "11"} else "229")
    elif case.summary.all("32"):
        case.add("233")
    if h["express"]:
        case.add("Z93")
    if h["invoice"]:
        case.add("Z95" if h["invoice"] == "Y" else "220")
    if h["correction"] or h["accelerated"]:
        case.add("Z92")
    elif case.summary.all("35"):
        case.add("284")
    elif case.summary.all("36"):
        case.add("277")


def _waiver(case: SummaryCase) -> None:
    waiver, reason = case.summary.head["waiver"], case.summary.head["waiver_reason"]
    if waiver and waiver != "0":
        case.add("122")
    if waiver == "0":
        if case.type == "03":
            case.add("141")
        elif case.type == "11" and reason:
            case.add("182")
        elif case.type == "01" and reason not in WAIVER_REASONS:
            case.add("140" if reason else "139")
    elif reason:
        case.add("130")


# ---------------------------------------------------------------------- 11


def content(case: SummaryCase) -> None:
    """The 11: importer, consignee, notify party, dates, state of destination."""
    v = case.summary.content
    _importer(case, v.get("importer", ""))
    _consignee(case, v.get("consignee", ""))
    notify = v.get("notify", "")
    if notify and not party_form(notify):
        case.add("590")
    elif notify and case.registry.standing(notify, case.now) == "unknown":
        case.add("591")
    for name, code in (("entry_date", "125"), ("import_date", "128")):
        if v.get(name) and day_of(v[name]) is None:
            case.add(code)
    state = v.get("state", "")
    if not state and case.type in {"01", "03"}:
        case.add("132")
    elif state and state not in code_list("us-states") | {"PR", "VI"}:
        case.add("133")
    if v.get("zone"):
        case.add("136")


def _importer(case: SummaryCase, number: str) -> None:
    if not number:
        case.add("100")
    elif not party_form(number):
        case.add("102")
    elif is_zeros(number):
        case.add("103")
    else:
        standing = case.registry.standing(number, case.now)
        inactive = case.book.rule("summary-importer-inactive", case.now)
        if standing == "unknown":
            case.add("101")
        elif standing == "inactive" and inactive:
            case.put(Wrong(inactive.code, inactive.text, inactive.citation))
        elif standing == "inactive":
            case.add("111")
        barred = case.book.rule("foreign-importer-informal", case.now)
        if barred and case.type == "11" and re.fullmatch(r"[0-9]{6}-[0-9]{5}", number):
            case.put(Wrong(barred.second_code, barred.second_text, barred.citation))


def _consignee(case: SummaryCase, number: str) -> None:
    if not number:
        if case.type != "11":
            case.add("255")
    elif not party_form(number):
        case.add("105")
    elif is_zeros(number):
        if case.type != "11":
            case.add("107")
    elif case.registry.standing(number, case.now) == "unknown":
        case.add("109")


# ---------------------------------------------------------------------- payment


def payment(case: SummaryCase, *, returned: bool) -> None:
    """How it is paid; ``returned``: CBP has sent the summary back after payment, so that nothing of it may be said."""
    h = case.summary.head
    kind, printed, month = h["payment"], h["print_date"], h["month"]
    if returned:
        if kind or printed or month or h["branch"]:
            case.add("217")
        return
    if kind not in PAYMENTS:
        case.add("197" if kind else "263")
        return
    if kind == "1":
        if printed:
            case.add("199")
    else:
        _print_date(case, printed)
    if kind in PERIODIC:
        _periodic(case, month)
    elif month:
        case.add("200")


def _print_date(case: SummaryCase, text: str) -> None:
    day, entered = day_of(text), day_of(case.summary.content.get("entry_date", ""))
    if not text:
        case.add("202")
    elif day is None:
        case.add("203")
    elif day <= case.today:
        case.add("205")
    elif (day - case.today).days > DAYS_TO_PRINT:
        case.add("206")
    elif not is_working_day(day):
        case.add("204")
    if day is not None and entered is not None and entered > day:
        case.add("218")


def _periodic(case: SummaryCase, month: str) -> None:
    if not month:
        case.add("211")
    elif not re.fullmatch(r"0[1-9]|1[0-2]", month):
        case.add("212")
    elif (int(month) - case.today.month) % 12 > 2:
        case.add("213")
    bonded = any(one.values["type"] == "8" for one in case.summary.all("31"))
    if not bonded and case.summary.head["waiver"] != "0":
        case.add("208")
