"""Would CBP take this entry of type 86? The Section 321 entry, with what was demanded of it from which day on.

Historic: every one is refused from 29 August 2025 (rule book). CBP CATAIR Cargo Release v40, SE15 notes 7, 11 and 12,
SE30 note 1; dates and codes from the rule book.
"""

from __future__ import annotations

from sandbox.abi.findings import Case


def suspended(case: Case) -> None:
    """Every type 86 transaction but a cancellation is refused once the exemption has ended (CSMS 66065494)."""
    rule = case.book.rule("type86-suspended", case.now)
    if rule:
        case.rule(case.head, rule)


def type_86(case: Case) -> None:
    """What type 86 adds to the other checks."""
    entry, head, book = case.entry, case.head, case.book
    suspended(case)
    origin = book.rule("type86-origin", case.now)
    if origin:
        for line in case.lines("SE40"):
            if line.values["origin"] in origin.origins:
                case.rule(line, origin)
    arrival = book.rule("type86-eda", case.now)
    days = [text for qualifier, text in entry.references if qualifier == "EDA"]
    if arrival and not days:
        case.rule(head, arrival)
    elif arrival and len(days) > 1:
        case.rule(head, arrival, second=True)
    if entry.head["bond"] not in {"0", ""}:
        case.add(head, "bond-invalid")
    if sum(1 for bill in entry.bills if bill[0] not in {"M", "I"}) > 1:
        case.add(head, "bills-on-86")
    consignees = [party for party in entry.parties if party.entity == "CN"]
    if len(consignees) > 1 or any(not party.header for party in consignees):
        case.add(head, "consignee-on-86")
