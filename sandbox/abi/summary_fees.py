"""Would CBP take the fees and taxes of this summary? Records 34, 60, 61 and 62.

CATAIR Entry Summary Create/Update rev 109 (July 2026), usage notes m to r, AE tables 6, 13 and 17; rates and amounts
from the rule book by the day they are taken from. Whether a claim or an origin frees goods of the merchandise
processing fee is not judged: on a line that may be free the fee may be absent, and if it is there its amount counts.
Which ports are courier hubs is not known either: none is taken for one.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from sandbox.abi.batch_reader import Line
from sandbox.abi.summary_case import Path, SummaryCase, line_path, record_place
from sandbox.abi.summary_filed import FEES_ON_A_HEADER, LineFiled, number_in
from sandbox.abi.summary_lines import FORMAL, INSULAR

HEADER_FEES: Final = frozenset({"311", "496", "500"})
MPF, HMF, INFORMAL, MAIL, SURCHARGE = "499", "501", "311", "496", "500"
LINE_FEES: Final = frozenset(
    [MPF, HMF, *"053 054 055 056 057 079 090 102 103 104 105 106 107 108 109 110 124 125".split()]
)
TAXES: Final = frozenset("016 017 018 022".split())
OTHER_REVENUE: Final = frozenset({"672"})
HARBOR_MODES: Final = frozenset({"10", "11", "12"})
FIXED_TRANSPORT, BY_MAIL, BORDER_WATER = "70", "50", "12"
NOT_FREED: Final = ("98020060", "98020080")
"""Chapter 98 numbers that are not free of the fee (AE table 9)."""
MAY_BE_FREE: Final = INSULAR | frozenset(
    "IL AF AO BJ BT BF MM BI KH CF TD KM CD DJ ET GM GN GW HT KI LS LR MG MW ML MR MZ NP NE RW WS ST SN SL SB SO SS TZ"
    " TL TG TV UG VU YE ZM AG AW BS BB BZ VG CW DM GD GY JM MS KN LC VC TT".split()
)
"""Origins that may be free of the fee: insular possessions, Israel, the least developed and the Caribbean Basin
countries. The lists of countries are recalled; they only make the fee neither required nor refused."""


def cents(value: Decimal) -> int:
    """Dollars as cents, standard rounding (usage note hh)."""
    return int((value * 100).quantize(Decimal(1), ROUND_HALF_UP))


def may_be_free(item: LineFiled) -> bool:
    """Whether something on the line may free it of the merchandise processing fee (usage note m)."""
    numbers = [one.values["hts"] for one in item.all("50")]
    special = any(one.startswith("98") and not one.startswith(NOT_FREED) for one in numbers)
    return special or bool(item.head.values["program"]) or item.head.values["origin"] in MAY_BE_FREE


def header_fees(case: SummaryCase) -> None:
    """The 34: informal entry fee, dutiable mail fee; the manual surcharge is CBP's own."""
    seen: set[str] = set()
    for line in case.summary.all("34"):
        for place in range(1, FEES_ON_A_HEADER + 1):
            fee = line.values[f"class_{place}"]
            path: Path = (record_place("HDRFEE", place, line, f"class_{place}", f"amount_{place}"),)
            if not fee:
                if place == 1:
                    case.add("248", path)
                continue
            if fee in seen:
                case.add("254", path)
            seen.add(fee)
            paid = _amount(case, line, f"amount_{place}", path)
            if fee not in HEADER_FEES:
                case.add("250" if fee in LINE_FEES else "249", path)
            elif fee == SURCHARGE or (fee == MAIL and not _duty_by_mail(case)):
                case.add("250", path)
            elif fee == INFORMAL:
                _informal(case, paid, path)
    exempt = case.mode in {BY_MAIL, FIXED_TRANSPORT} or all(may_be_free(one) for one in case.summary.items)
    if case.type == "11" and INFORMAL not in seen and not exempt and case.book.rule("informal-fee", case.fee_instant()):
        case.add("636")


def _duty_by_mail(case: SummaryCase) -> bool:
    return case.mode == BY_MAIL and any(item.duty for item in case.summary.items)


def _informal(case: SummaryCase, paid: int | None, path: Path) -> None:
    rule = case.book.rule("informal-fee", case.fee_instant())
    if case.type in FORMAL:
        case.add("637", path)
    elif case.mode == BY_MAIL:
        case.add("635", path)
    elif rule and paid is not None and case.mode != FIXED_TRANSPORT and paid != cents(rule.amount):
        case.add("638", path)


def _amount(case: SummaryCase, line: Line, name: str, path: Path) -> int | None:
    paid = number_in(line, name)
    if paid is None:
        case.add("253" if line.values[name] else "252", path)
    return paid


# ---------------------------------------------------------------------- lines


def line_fees(case: SummaryCase) -> None:
    """The 60, 61 and 62 of every line, and whether a line has the fees it needs."""
    harbor = 0
    for item in case.summary.items:
        path = line_path(item)
        _revenue(case, item, path)
        seen: set[str] = set()
        for count, line in enumerate(item.all("62"), 1):
            fee = line.values["class"]
            here = (*path, record_place("LINFEE", count, line, "class", "amount"))
            if not fee:
                case.add("248", here)
                continue
            if fee in seen:
                case.add("254", here)
            seen.add(fee)
            paid = _amount(case, line, "amount", here)
            if fee not in LINE_FEES:
                case.add("250" if fee in HEADER_FEES else "249", here)
            elif fee == MPF:
                _processing(case, item, paid, here)
            elif fee == HMF:
                harbor += paid or 0
                _harbor(case, item, paid, here)
        known = case.book.rule("formal-mpf", case.fee_instant())
        if case.type in FORMAL and MPF not in seen and not may_be_free(item) and known:
            case.add("633", path)
        if case.mode == BORDER_WATER and HMF not in seen and case.type in FORMAL and item.value:
            case.add("600", path)
    _small_harbor_fee(case, harbor)


def _revenue(case: SummaryCase, item: LineFiled, path: Path) -> None:
    for line in item.all("60"):
        if line.values["class"] not in TAXES:
            case.add("532" if line.values["class"] else "531", path)
        if number_in(line, "amount") is None:
            case.add("477", path)
    for line in item.all("61"):
        if line.values["class"] not in OTHER_REVENUE:
            case.add("764" if line.values["class"] else "763", path)
        if number_in(line, "amount") is None:
            case.add("766", path)


def _processing(case: SummaryCase, item: LineFiled, paid: int | None, path: Path) -> None:
    rule = case.book.rule("formal-mpf", case.fee_instant())
    if case.type not in FORMAL:
        case.add("630", path)
    elif rule and paid is not None and paid != cents(item.value * rule.rate):
        case.add("634", path)


def _harbor(case: SummaryCase, item: LineFiled, paid: int | None, path: Path) -> None:
    rule = case.book.rule("harbor-fee", case.fee_instant())
    if case.type not in FORMAL:
        case.add("481", path)
    elif case.mode not in HARBOR_MODES:
        case.add("482", path)
    elif rule and paid is not None and paid != cents(item.value * rule.rate):
        case.add("601", path)


def _small_harbor_fee(case: SummaryCase, harbor: int) -> None:
    """A harbor fee of three dollars or less is not paid when nothing else is due (usage note o)."""
    rule = case.book.rule("harbor-fee", case.fee_instant())
    if not rule or not harbor or harbor > cents(rule.least):
        return
    summary = case.summary
    others = sum(summary.line_fees().values()) - harbor + sum(summary.header_fees().values())
    taxes = sum(number_in(one, "amount") or 0 for item in summary.items for one in item.all("60") + item.all("61"))
    cases = sum(number_in(one, "duty") or 0 for item in summary.items for one in item.all("53"))
    if not others + taxes + cases + sum(item.duty for item in summary.items):
        case.add("602", case.after_lines)
