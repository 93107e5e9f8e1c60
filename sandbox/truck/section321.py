"""What does the law say of Section 321 bills on a day? Suspension, and the consignee's total of the day.

Dates and citations stand in the sandbox's own rule book; ``s321_mode`` can overrule the suspension for tests.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from sandbox.office import Office
from sandbox.rulebook import Rule, RuleBook
from sandbox.settings import Behaviour
from sandbox.truck.manifest_reader import Bill
from sandbox.truck.remarks import Remark

SUSPENDED = "section321-suspended"
_OF_THE_DAY: Final = (
    "select v.reference, v.cents, coalesce(u.used_at, e.filed_at) as filed_at, m.arrived_at from day_value v"
    " left join used_scn u on u.scn = v.reference left join entry e on e.number = v.reference"
    " left join bill b on b.scn = v.reference left join manifest m on m.id = b.manifest_id"
    " where v.consignee = ? and v.day = ?"
)
"""What counts for a consignee on a day: bills, and entries of type 86."""


def suspension(book: RuleBook, behaviour: Behaviour, at: datetime) -> Rule | None:
    """The rule that refuses every Section 321 bill at an instant, if there is one."""
    match behaviour.s321_mode:
        case "historic":
            return None
        case "suspended":
            return next((one for one in book.rules if one.id == SUSPENDED), None)
        case _:
            return book.rule(SUSPENDED, at)


def suspension_begins(book: RuleBook, behaviour: Behaviour, after: datetime) -> datetime | None:
    """When, after an instant, Section 321 bills will be refused; ``None``: never, or they are already."""
    starts = [one.start for one in book.rules if one.id == SUSPENDED and one.start > after]
    return min(starts) if starts and behaviour.s321_mode == "dated" else None


def barred(office: Office, bill: sqlite3.Row, at: datetime) -> Remark | None:
    """Why a Section 321 bill on file cannot be declared complete at an instant; ``None``: it can, or is none."""
    if bill["kind"] not in office.profile.section321_bill_types:
        return None
    rule = suspension(office.book, office.behaviour, at)
    if rule is not None:
        code = office.profile.suspended_bill_error
        return Remark(code, rule.text, bill["scn"], reference=rule.citation)
    rule = office.book.rule("section321-origin", at)
    if rule is not None and rule.origins.intersection(json.loads(bill["origins"])):
        return Remark(rule.code, rule.text, bill["scn"], reference=rule.citation)
    return None


def consignee_key(bill: Bill, role: str) -> str:
    """What makes two consignees the same: name, street and ZIP code in letters and digits."""
    party = bill.party(role)
    if party is None:
        return ""
    parts = ("", party.name, party.lines[0] if party.lines else "", party.postal[:5])
    return "|".join("".join(c for c in p.upper() if c.isalnum()) for p in parts)


def over_the_limit(office: Office, day: str, bills: Sequence[Bill], now: datetime) -> list[str]:
    """Count Section 321 bills into the day's totals, in the order manifested; SCNs of those that exceed the limit."""
    rule = office.book.rule("day-limit-withhold", now) or office.book.rule("day-limit-warning", now)
    lots = [b for b in bills if b.kind in office.profile.section321_bill_types]
    if rule is None or not lots:
        return []
    role = office.profile.party_roles["consignee"]
    keys = {b.scn: consignee_key(b, role) for b in lots}
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in office.store.rows_for(
        f"select * from day_value where day = '{int(day)}' and consignee in ({{}})", set(keys.values())
    ):
        if row["reference"] not in keys:
            totals[row["consignee"]] += Decimal(row["cents"]) / 100
    over = []
    for bill in lots:
        totals[keys[bill.scn]] += bill.value
        if totals[keys[bill.scn]] > rule.limit:
            over.append(bill.scn)
    office.store.run_many("delete from day_value where reference = ?", [(b.scn,) for b in lots])
    office.store.run_many(
        "insert or replace into day_value (consignee, day, reference, cents) values (?,?,?,?)",
        [(keys[b.scn], day, b.scn, int(b.value * 100)) for b in lots],
    )
    return over


def count_at_arrival(office: Office, scns: Sequence[str], day: str, now: datetime) -> list[str]:
    """Section 321 bills count for the day on which they really come, which may be another than the planned one: count
    them there (``day``: YYYYMMDD at the port), and give those that exceed the limit by this and did not before.

    Before a bill count those that came that day already, and what was filed for it earlier.
    """
    rule = office.book.rule("day-limit-withhold", now) or office.book.rule("day-limit-warning", now)
    if rule is None:
        return []
    store = office.store
    bills = {
        row["scn"]: row
        for row in store.rows_for(
            "select b.scn, b.consignee, b.over_limit, v.cents, u.used_at from bill b join used_scn u on u.scn = b.scn"
            " join day_value v on v.reference = b.scn where b.scn in ({}) order by b.rowid",
            scns,
        )
    }
    store.run_many("update day_value set day = ? where reference = ?", [(day, one) for one in bills])
    rest = {
        consignee: [row for row in store.rows(_OF_THE_DAY, consignee, day) if row["reference"] not in bills]
        for consignee in {row["consignee"] for row in bills.values()}
    }
    own: dict[str, int] = defaultdict(int)
    changed: list[tuple[int, str]] = []
    for scn, row in bills.items():
        own[row["consignee"]] += row["cents"]
        before = (
            o["cents"] for o in rest[row["consignee"]] if o["arrived_at"] or (o["filed_at"] or "") <= row["used_at"]
        )
        over = own[row["consignee"]] + sum(before) > rule.limit * 100
        if over != bool(row["over_limit"]):
            changed.append((int(over), scn))
    store.run_many("update bill set over_limit = ? where scn = ?", changed)
    return [scn for over, scn in changed if over]
