"""Would CBP take the parties of this entry? SE30 to SE36 at the header, SE50 to SE56 at a line.

CBP CATAIR Cargo Release v40, SE30 and SE50 notes 1 to 3. A party that every line needs stands at the header or at each
line; a consignee is named by its importer number, by name and address only on types 11 and 86.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from sandbox.abi.batch_reader import Line
from sandbox.abi.cargo_entry import PartyFiled
from sandbox.abi.cargo_header import ENTRY_TYPES, VALUE_LIMIT
from sandbox.abi.findings import Case
from sandbox.registry import NUMBER_FORMS
from sandbox.truck.syntax import code_list

ENTITIES: Final = frozenset("MF SE BY ST LG CS CN SH EX DR PK".split())
HEADER_ONLY: Final = frozenset({"BKP"})
IDENTIFIED: Final = frozenset({"BY", "ST", "CN"})
BY_NAME: Final = frozenset({"11", "86"})
"""Entry types whose consignee may be given by name and address."""
BUSINESS_IDS: Final = frozenset({"LEI", "GLN", "DUNS"})
ADDRESS_PARTS: Final = frozenset("01 02 05 12 13 14 15 28 30 31 32 35 37 57 AK".split())
HEADER_ADDRESS_PARTS: Final = ADDRESS_PARTS | {"1", "2"}
"""The table of SE35 prints 1 and 2 without the zero, that of SE55 does not."""


def parties(case: Case) -> None:
    """Every party by itself, then who is missing and what a consignee's goods come to."""
    seen: set[tuple[int, str]] = set()
    for party in case.entry.parties:
        _party(case, party)
        if (party.item, party.entity) in seen:
            case.add(party.line, "entity-twice")
        seen.add((party.item, party.entity))
    for line in case.lines("SE31", "SE51"):
        if line.values["qualifier"] not in BUSINESS_IDS:
            case.add(line, "business-id-invalid")
    for line in case.lines("SE35", "SE55"):
        _address_parts(case, line)
    if case.type in ENTRY_TYPES:
        _missing(case, seen)
    _consignee_totals(case)


def _party(case: Case, party: PartyFiled) -> None:
    line = party.line
    if party.entity not in ENTITIES | HEADER_ONLY:
        case.add(line, "entity-unknown")
    elif party.entity in HEADER_ONLY and not party.header:
        case.add(line, "line-qualifier")
    if bool(party.name) == bool(party.id) or (party.name and party.id_type):
        case.add(line, "name-or-identifier")
    if party.id:
        form = NUMBER_FORMS.get(party.id_type)
        if party.entity not in IDENTIFIED:
            case.add(line, "identifier-not-allowed")
        elif form is None or not form.fullmatch(party.id):
            case.add(line, "identifier-invalid")
        if party.addressed or party.city:
            case.add(line, "address-unneeded")
    if party.name and not (party.addressed and party.city and party.country in code_list("countries")):
        case.add(line, "address-invalid")
    if party.entity == "CN" and party.name and case.type in ENTRY_TYPES - BY_NAME:
        case.add(line, "consignee-name")


def _address_parts(case: Case, line: Line) -> None:
    v, known = line.values, HEADER_ADDRESS_PARTS if line.id == "SE35" else ADDRESS_PARTS
    if v["qualifier"] not in known or v["qualifier_2"] not in known | {""}:
        case.add(line, "address-qualifier")
    if bool(v["qualifier_2"]) != bool(v["address_2"]):
        case.add(line, "address-pair")


def _missing(case: Case, seen: set[tuple[int, str]]) -> None:
    """A party that is needed stands at the header or at every line."""
    needed = {"SE": "seller-missing", "CN": "consignee-missing"}
    if case.type != "86":
        needed["MF"] = "manufacturer-missing"
        if case.type != "11" or case.behaviour.buyer_on_informal:
            needed["BY"] = "buyer-missing"
    lines = case.lines("SE40")
    for entity, name in needed.items():
        if (0, entity) in seen:
            continue
        without = [one for place, one in enumerate(lines, 1) if (place, entity) not in seen]
        if not lines or len(without) == len(lines):
            case.add(case.head, name)
        else:
            for line in without:
                case.add(line, name)


def _consignee_totals(case: Case) -> None:
    """What goes to one consignee given by name and address stays below the limit of the type; CBP's chapter says both
    *below* (SE30) and *not above* (SE10), so that the limit itself earns a warning.
    """
    limit = VALUE_LIMIT.get(case.type)
    if limit is None:
        return
    totals: dict[str, int] = defaultdict(int)
    first: dict[str, Line] = {}
    header = next((p for p in case.entry.parties if p.entity == "CN" and p.header), None)
    at_line = {p.item: p for p in case.entry.parties if p.entity == "CN" and not p.header}
    for place, (_, _, tariffs, _) in enumerate(case.entry.items, 1):
        consignee = at_line.get(place, header)
        if consignee is None or not consignee.name:
            continue
        first.setdefault(consignee.key, consignee.line)
        totals[consignee.key] += sum(int(value) for _, value in tariffs if value.isdigit())
    for key, total in totals.items():
        if total > limit:
            case.add(first[key], "consignee-total", limit=limit)
        elif total == limit:
            case.add(first[key], "consignee-at-limit", kind="13", limit=limit)
