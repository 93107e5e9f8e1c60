"""What does the law say of Section 321 bills on a day? Suspension, and the consignee's total of the day.

Dates and citations stand in the sandbox's own rule book; ``s321_mode`` can overrule the suspension for tests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sandbox.office import Office
from sandbox.rulebook import Rule, RuleBook
from sandbox.settings import Behaviour
from sandbox.truck.manifest_reader import Bill

SUSPENDED = "section321-suspended"


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
