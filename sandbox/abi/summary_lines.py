"""Would CBP take the lines of this summary? Records 40 to 54 and 63: origin and export, parties, tariff numbers, cases.

CATAIR Entry Summary Create/Update rev 109 (July 2026), usage notes d to f, ff, v, AE tables 5, 8 and 9. The tariff
itself is not modelled: neither whether a number exists, nor its units, nor its rate of duty.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from sandbox.abi.columns import day_of
from sandbox.abi.summary_case import Path, SummaryCase, line_path, party_form, record_place
from sandbox.abi.summary_filed import LineFiled, number_in
from sandbox.truck.syntax import code_list

PROVINCES: Final = frozenset("XA XB XC XD XE XM XN XO XP XQ XS XT XV XW XY".split())
PROGRAMS: Final = frozenset(
    "A AU B B# BH C C# CA CL CO D E IL J J+ JO JP K K# KR L L# MA MX N NP OM P PA PE P+ R S S+ SG W Y Z".split()
)
INSULAR: Final = frozenset("AS GU MP UM VI".split())
"""US insular possessions; which codes they are in Appendix B is recalled."""
FORMAL: Final = frozenset({"01", "03"})
CHARGES_FROM: Final = 1250
INFORMAL_LIMIT: Final = 2500
RETURNED_LIMIT: Final = 10_000
RETURNED: Final = "98010010"
NO_LIMIT: Final = ("98010050", "98010060")
DECLARATIONS: Final = frozenset(f"{number:02d}" for number in range(1, 13))


def lines(case: SummaryCase) -> None:
    """Every line, then what goes across them."""
    if not case.summary.items:
        case.add("400")
    seen: set[str] = set()
    for item in case.summary.items:
        path, name = line_path(item), item.head.values["line"]
        if not name:
            case.add("402", path)
        elif "*" in name:
            case.add("822", path)
        elif name in seen:
            case.add("518", path)
        seen.add(name)
        _head(case, item, path)
        _parties(case, item, path)
        _tariffs(case, item, path)
        _cases(case, item, path)
        _rest(case, item, path)
    _across(case)


def _head(case: SummaryCase, item: LineFiled, path: Path) -> None:
    v, countries = item.head.values, code_list("countries")
    if v["set"]:
        case.add("Z95" if v["set"] in {"X", "V"} else "403", path)
    if not v["origin"]:
        case.add("407", path)
    elif v["origin"] not in countries | PROVINCES | {"**"}:
        case.add("408", path)
    if not v["export"]:
        case.add("410", path)
    elif v["export"] == "US":
        case.add("412", path)
    elif v["export"] not in countries:
        case.add("411", path)
    if v["origin"] == v["export"] == "CA" and case.type in FORMAL:
        case.add("414", path)
    _dates(case, item, path)
    if v["program"] and v["program"] not in PROGRAMS:
        case.add("416", path)
    charges = number_in(item.head, "charges")
    if charges is None:
        case.add("424", path)
    elif not charges and _charges_due(case, item):
        case.add("664", path)
    if number_in(item.head, "weight") is None:
        case.add("421", path)
    if v["foreign_port"] and not re.fullmatch(r"[0-9]{5}", v["foreign_port"]):
        case.add("428", path)
    elif not v["foreign_port"] and case.mode in {"10", "11", "12"}:
        case.add("429", path)
    indicators = (("product", set("CFGHM"), "417"), ("net_cost", {"Y"}, "422"), ("exempt", {"1", "2"}, "423"))
    for name, allowed, code in indicators:
        if v[name] and v[name] not in allowed:
            case.add(code, path)
    if v["related"] not in ({"Y", "N"} if case.type in FORMAL else {"", "Y", "N"}):
        case.add("415", path)
    if v["statement"] not in {"", "Y"}:
        case.add("475", path)
    elif v["statement"] and case.type != "03":
        case.add("463", path)
    if item.all("41"):
        case.add("678", path)
    if item.all("42"):
        case.add("Z95", path)
    if item.all("63"):
        case.add("580", path)


def _dates(case: SummaryCase, item: LineFiled, path: Path) -> None:
    v = item.head.values
    day, imported = day_of(v["export_date"]), day_of(case.summary.content.get("import_date", ""))
    if not v["export_date"]:
        case.add("418", path)
    elif day is None:
        case.add("419", path)
    elif imported is not None and day > imported:
        case.add("426", path)
    if v["textile_date"] and day_of(v["textile_date"]) is None:
        case.add("430", path)


def _charges_due(case: SummaryCase, item: LineFiled) -> bool:
    numbers = [one.values["hts"] for one in item.all("50")]
    spared = any(one.startswith(("98020040", "98020050", "98130005")) for one in numbers)
    returned = any(one.startswith(RETURNED) for one in numbers) and item.value <= RETURNED_LIMIT
    return (
        case.type in FORMAL
        and case.mode != "60"
        and item.head.values["origin"] not in INSULAR
        and item.value > CHARGES_FROM
        and not spared
        and not returned
    )


def _parties(case: SummaryCase, item: LineFiled, path: Path) -> None:
    seen: set[str] = set()
    for count, line in enumerate(item.all("47"), 1):
        here = (*path, record_place("ARPART", count, line, "type", "id"))
        kind, number = line.values["type"], line.values["id"]
        if kind not in {"M", "S", "C", "E"}:
            case.add("519", here)
            continue
        if kind in seen:
            case.add("520", here)
        seen.add(kind)
        if not number:
            case.add("521", here)
        elif kind in {"M", "E"}:
            _maker(case, item, kind, number, here)
        else:
            _number(case, kind, number, here)
        if kind == "C" and not case.summary.content.get("consignee"):
            case.add("522", here)
    if case.type in FORMAL:
        needed = [("M", "483"), ("S", "577")] + ([("E", "499")] if case.type == "03" else [])
        for kind, code in needed:
            if kind not in seen:
                case.add(code, path)


def _maker(case: SummaryCase, item: LineFiled, kind: str, number: str, path: Path) -> None:
    known = number[:2] in code_list("countries") | PROVINCES
    if not re.fullmatch(r"[A-Z0-9]{8,15}", number) or not known:
        case.add("523" if kind == "M" else "450", path)
        return
    canadian = item.head.values["export"] == "CA" or item.head.values["origin"] in PROVINCES | {"CA"}
    if kind == "M" and case.type in FORMAL and canadian and number[:2] not in PROVINCES:
        case.add("535", path)


def _number(case: SummaryCase, kind: str, number: str, path: Path) -> None:
    unknown_form, unknown = ("596", "578") if kind == "S" else ("594", "588")
    if not party_form(number):
        case.add(unknown_form, path)
    elif case.registry.standing(number, case.now) == "unknown":
        case.add(unknown, path)


def _tariffs(case: SummaryCase, item: LineFiled, path: Path) -> None:
    found = item.all("50")
    if not found:
        case.add("431", path)
    seen: set[str] = set()
    goods_begun = False
    for count, line in enumerate(found, 1):
        v, here = line.values, (*path, record_place("TARIFF", count, line, "hts"))
        hts = v["hts"]
        if not hts:
            case.add("432", here)
        elif not re.fullmatch(r"[0-9]{10}|9[89][0-9]{6}", hts):
            case.add("433", here)
        elif hts in seen and not hts.startswith("9802"):
            case.add("436", here)
        if hts.startswith("9813"):
            case.add("604", here)
        special = hts[:2] in {"98", "99"}
        if hts.startswith("99") and goods_begun:
            case.add("852", here)
        goods_begun = goods_begun or not special
        seen.add(hts)
        if number_in(line, "duty") is None:
            case.add("438", here)
        if number_in(line, "value") is None:
            case.add("437", here)
        if not v["unit_1"] and not special:
            case.add("439", here)
        for place in (1, 2, 3):
            if v[f"quantity_{place}"] and number_in(line, f"quantity_{place}") is None:
                case.add("440", (*here, record_place("TARQTY", place, line, f"quantity_{place}", f"unit_{place}")))
    for count, line in enumerate(item.all("44"), 1):
        if not line.values["text"]:
            case.add("464", (*path, record_place("COMDES", count, line, "text")))


def _cases(case: SummaryCase, item: LineFiled, path: Path) -> None:
    seen: set[str] = set()
    for count, line in enumerate(item.all("53"), 1):
        v, here = line.values, (*path, record_place("ADDCVD", count, line, "case"))
        if case.type != "03":
            case.add("466", here)
            continue
        if not v["case"]:
            case.add("543", here)
        elif v["case"][0] not in {"A", "C"}:
            case.add("544", here)
        elif v["case"][0] in seen:
            case.add("545", here)
        seen.add(v["case"][:1])
        if v["claim"] not in {"B", "C"}:
            case.add("511", here)
        if v["rate_type"] not in {"A", "S"}:
            case.add("540", here)
        numbers = {}
        for name, code in (("rate", "536"), ("value", "537"), ("quantity", "538"), ("duty", "539")):
            number = number_in(line, name)
            if number is None and (v[name] or name in {"rate", "duty"}):
                case.add(code, here)
            numbers[name] = number or 0
        _case_duty(case, item, v["rate_type"], numbers, here)


def _case_duty(case: SummaryCase, item: LineFiled, kind: str, numbers: dict[str, int], path: Path) -> None:
    """Ad valorem: percent with two decimals of a value; specific: cents a unit, four decimals of the quantity."""
    if kind == "A":
        if numbers["quantity"]:
            case.add("541", path)
        base = numbers["value"] or item.value
        due = Decimal(base * numbers["rate"]) / 100
    elif kind == "S":
        if numbers["value"]:
            case.add("542", path)
        if not numbers["quantity"]:
            case.add("575", path)
            return
        due = Decimal(numbers["rate"] * numbers["quantity"]) / 10_000
    else:
        return
    if numbers["duty"] != int(due.quantize(Decimal(1), ROUND_HALF_UP)):
        case.add("576", path)


def _rest(case: SummaryCase, item: LineFiled, path: Path) -> None:
    for count, line in enumerate(item.all("54"), 1):
        kind = line.values["type"]
        if kind not in DECLARATIONS:
            case.add("526" if kind else "525", (*path, record_place("IADDET", count, line, "type")))


def _across(case: SummaryCase) -> None:
    """The limit of an informal entry, and the case that type 03 needs."""
    if case.type == "03" and not any(item.all("53") for item in case.summary.items):
        case.add("706", case.after_lines)
    if case.type != "11":
        return
    returned = False
    for item in case.summary.items:
        numbers = [one.values["hts"] for one in item.all("50")]
        if any(one.startswith(NO_LIMIT) for one in numbers):
            return
        goods_back = any(one.startswith(RETURNED) for one in numbers)
        returned = returned or goods_back
        if item.value > (RETURNED_LIMIT if goods_back else INFORMAL_LIMIT):
            case.add("646", line_path(item))
    if len(case.summary.items) > 1 and case.summary.value > (RETURNED_LIMIT if returned else INFORMAL_LIMIT):
        case.add("648", case.after_lines)
