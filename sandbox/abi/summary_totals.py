"""Do the totals of this summary add up? Records 88, 89 and 90 against the header and the lines.

CATAIR Entry Summary Create/Update rev 109 (July 2026), usage notes w and x, and the conditions of the error dictionary:
sums agree to the cent, and the merchandise processing fee is raised to its least or lowered to its most.
"""

from __future__ import annotations

from typing import Final

from sandbox.abi.batch_reader import Line
from sandbox.abi.summary_case import SummaryCase
from sandbox.abi.summary_fees import FIXED_TRANSPORT, HEADER_FEES, HMF, INFORMAL, LINE_FEES, MAIL, MPF, SURCHARGE, cents
from sandbox.abi.summary_filed import FEES_ON_A_TOTAL, number_in
from sandbox.abi.summary_lines import FORMAL

_UNEQUAL: Final = {INFORMAL: "731", MAIL: "730", SURCHARGE: "732", HMF: "719"}
"""The condition of a fee total that is not the sum of its fees; 720 for the others."""
_CASES: Final = (
    ("bonded_ad", "A", "B", "736", "737"),
    ("cash_ad", "A", "C", "738", "739"),
    ("bonded_cv", "C", "B", "740", "741"),
    ("cash_cv", "C", "C", "742", "743"),
)
"""Field of the 88, kind of case, claim, condition of no number, condition of a wrong sum."""


def totals(case: SummaryCase) -> None:
    """Everything after the lines."""
    if not case.summary.totals:
        case.add("700", case.totals())
        return
    _cases(case)
    _fees(case)
    grand = case.summary.total("90")
    if grand is None:
        case.add("701", case.totals())
    else:
        _grand(case, grand)


def _sum_of_cases(case: SummaryCase, kind: str, claim: str = "") -> int:
    found = [one for item in case.summary.items for one in item.all("53")]
    return sum(
        number_in(one, "duty") or 0
        for one in found
        if one.values["case"][:1] == kind and claim in {"", one.values["claim"]}
    )


def _cases(case: SummaryCase) -> None:
    line = case.summary.total("88")
    if line is None:
        if case.type == "03":
            case.add("735", case.totals())
        return
    if case.type != "03":
        case.add("727", case.totals())
        return
    for name, kind, claim, no_number, unequal in _CASES:
        given = number_in(line, name)
        if given is None:
            case.add(no_number, case.totals())
        elif given != _sum_of_cases(case, kind, claim):
            case.add(unequal, case.totals())


def _fees(case: SummaryCase) -> None:
    summary = case.summary
    header, lines = summary.header_fees(), summary.line_fees()
    seen: set[str] = set()
    count = 0
    for line in (one for one in summary.totals if one.id == "89"):
        for place in range(1, FEES_ON_A_TOTAL + 1):
            fee, text = line.values[f"class_{place}"], line.values[f"amount_{place}"]
            if not fee and not text:
                continue
            count += 1
            path = case.totals(count, fee or "000", text)
            given = number_in(line, f"amount_{place}")
            if given is None:
                case.add("714", path)
            if fee in seen:
                case.add("254", path)
            seen.add(fee)
            if fee not in HEADER_FEES | LINE_FEES:
                case.add("734", path)
            elif fee not in header and fee not in lines:
                case.add("717" if header or lines else "712", path)
            elif given is not None:
                for code in _unequal(case, fee, given):
                    case.add(code, path)
    for fees, code in ((header, "715"), (lines, "716")):
        if set(fees) - seen:
            case.add(code, case.totals())


def _unequal(case: SummaryCase, fee: str, given: int) -> list[str]:
    due = case.summary.header_fees().get(fee, 0) + case.summary.line_fees().get(fee, 0)
    rule = case.book.rule("formal-mpf", case.fee_instant())
    if fee == MPF and case.type in FORMAL and rule and case.mode != FIXED_TRANSPORT:
        least, most = cents(rule.least), cents(rule.most)
        if due <= least:
            return [] if given == least else ["639"]
        if due >= most:
            return [] if given == most else ["640"]
        return [] if given == due else ["641"]
    return [] if given == due else [_UNEQUAL.get(fee, "720")]


def _grand(case: SummaryCase, line: Line) -> None:
    summary, path = case.summary, case.totals()
    duty = sum(item.duty for item in summary.items)
    taxes = sum(number_in(one, "amount") or 0 for item in summary.items for one in item.all("60"))
    other = sum(number_in(one, "amount") or 0 for item in summary.items for one in item.all("61"))
    fees = sum({**summary.header_fees(), **summary.line_fees(), **_told_processing_fee(case)}.values())
    sums = (
        ("duty", duty, "721", "722"),
        ("fee", fees, "725", "726"),
        ("tax", taxes, "723", "724"),
        ("ad", _sum_of_cases(case, "A"), "728", "745"),
        ("cv", _sum_of_cases(case, "C"), "729", "747"),
    )
    for name, due, no_number, unequal in sums:
        given = number_in(line, name)
        if given is None:
            case.add(no_number, path)
        elif given and name in {"ad", "cv"} and case.type != "03":
            case.add("744" if name == "ad" else "746", path)
        elif given != due:
            case.add(unequal, path)
    given = number_in(line, "other")
    if given is None and line.values["other"]:
        case.add("767", path)
    elif (given or 0) != other:
        case.add("768", path)


def _told_processing_fee(case: SummaryCase) -> dict[str, int]:
    """The processing fee as its total tells it: the least or the most instead of the sum (usage note x)."""
    told = case.summary.total_fees()
    return {MPF: told[MPF]} if MPF in told and MPF in case.summary.line_fees() else {}
