"""Would CBP take this entry? Edits of one SE transaction, record by record.

Codes: Cargo Release condition codes as far as they are known (input validation rules 2014 and 2018, CSMS 61421135,
63690754, 64825584, certification
runs of 2026). For edits whose code is not known the sandbox has its own range Z01 to Z99, so that nobody takes an
invented code for CBP's. Edits that need
the books (number on file, state of the entry) are in ``sandbox.cbp``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.abi.batch_reader import Block, Line
from sandbox.abi.cargo_entry import EntryFiled, PartyFiled, arrival_day, check_digit
from sandbox.rulebook import RuleBook
from sandbox.settings import Behaviour
from sandbox.truck.syntax import code_list

ENTRY_TYPES: Final = frozenset("01 02 03 06 07 11 12 21 22 23 52 86".split())
PORT_NEEDED: Final = frozenset("02 06 07 12 21 22 23 86".split())
MODES: Final = frozenset("10 11 12 20 21 30 31 32 33 34 40 41 50 60 70".split())
TRUCK: Final = frozenset({"30", "31"})
ENTITIES: Final = frozenset("MF SE BY ST CN LG CS BKP SH EX DR PK".split())
IDENTIFIED: Final = frozenset({"BY", "ST", "CN"})
NUMBER_FORMS: Final = {
    "EI": re.compile(r"\d{2}-\d{7}([A-Z0-9]{2})?"),
    "ANI": re.compile(r"\d{6}-\d{5}"),
    "34": re.compile(r"\d{3}-\d{2}-\d{4}"),
}
FILER: Final = re.compile(r"(?!000)\d{3}|[A-Z]\d{2}|[A-Z]{2}\d|[A-Z]{3}|[A-Z]\d[A-Z]|\d[A-Z]\d|\d{2}[A-Z]|\d[A-Z]{2}")
ALLOWED_BY_ACTION: Final = {
    "D": frozenset({"SE10", "SE13", "SE20"}),
    "U": frozenset({"SE10", "SE11", "SE13", "SE15", "SE16", "SE17", "SE20"}),
}
REASON_NEEDS: Final = {"02": "IB", "03": "EN", "04": "FTZ"}
VALUE_LIMIT: Final = {"11": 2500, "86": 800}


@dataclass(frozen=True, slots=True)
class Edit:
    """One SE90 of record level; ``reference`` goes to the transcript."""

    code: str
    text: str
    reference: str = ""


class EntryChecks:
    """The edits of one transaction at one instant; :attr:`edits` maps the position of a record to its SE90s."""

    def __init__(self, entry: EntryFiled, block: Block, now: datetime, book: RuleBook, behaviour: Behaviour) -> None:
        self.entry, self.block, self.now, self.book, self.behaviour = entry, block, now, book, behaviour
        self.edits: dict[int, list[Edit]] = defaultdict(list)
        self.countries = code_list("countries")

    def add(self, line: Line, code: str, text: str, reference: str = "") -> None:
        """Complain of a record; nine SE90 at most stand after one."""
        if len(self.edits[line.position]) < 9:
            self.edits[line.position].append(Edit(code, text, reference))

    def run(self) -> dict[int, list[Edit]]:
        """All edits; empty means that the transaction may go to the books."""
        entry, head = self.entry, self.entry.lines[0]
        for line in entry.lines:
            self._layout(line)
        self._header(head)
        action = entry.head["action"]
        allowed = ALLOWED_BY_ACTION.get(action)
        for line in entry.lines:
            if allowed is not None and line.id not in allowed:
                self.add(line, "Z10", "RECORD NOT ALLOWED FOR ACTION CODE", "CR v40 2.4")
        self._contact(head)
        if action in {"A", "R"}:
            self._full(head)
        elif action == "U":
            self._bills(head)
        marks = entry.marks()
        if "REJ" in marks:
            self.add(head, marks.code or "Z98", "REJECTED BY MARKER")
        return {k: v for k, v in self.edits.items() if v}

    def _layout(self, line: Line) -> None:
        if line.id[:2] in {"OI", "PG"}:
            return
        for fault in line.faults():
            if fault.kind == "class":
                code, text = (
                    ("022", "INVALID SHIPMENT VALUE")
                    if (line.id, fault.name) == ("SE10", "value")
                    else ("Z01", f"INVALID DATA IN COLUMN {fault.column}")
                )
                self.add(line, code, text, "CR v40 data classes")
            elif fault.kind == "missing":
                self.add(line, "Z02", f"MISSING DATA IN COLUMN {fault.column}", "CR v40")

    # ------------------------------------------------------------------ SE10, SE13

    def _header(self, line: Line) -> None:
        h = self.entry.head
        if h["action"] not in {"A", "R", "U", "D"}:
            self.add(
                line, "002" if h["action"] else "001", "INVALID ACTION CODE" if h["action"] else "MISSING ACTION CODE"
            )
        filer = h["filer"]
        if not filer:
            self.add(line, "003", "MISSING FILER CODE")
        elif not FILER.fullmatch(filer) or (self.behaviour.filer_codes and filer not in self.behaviour.filer_codes):
            self.add(line, "004", "FILER CODE NOT ON FILE")
        elif filer != self.block.header.values["filer"]:
            self.add(line, "Z11", "FILER DIFFERS FROM BLOCK HEADER", "CR v40 SE10")
        number = h["number"]
        if not number:
            self.add(line, "005", "MISSING ENTRY NUMBER")
        elif not re.fullmatch(r"\d{8}", number) or (
            FILER.fullmatch(filer) and check_digit(filer, number[:7]) != number[7]
        ):
            self.add(line, "006", "INVALID ENTRY NUMBER", "CATAIR Appendix E")
        if h["type"] not in ENTRY_TYPES:
            self.add(line, "010" if h["type"] else "009", "INVALID ENTRY TYPE" if h["type"] else "MISSING ENTRY TYPE")

    def _contact(self, head: Line) -> None:
        entry = self.entry
        if not entry.contact or not entry.contact["name"] or not entry.contact["phone"]:
            self.add(head, "208", "MISSING CONTACT INFO")
            return
        line = next(one for one in entry.lines if one.id == "SE13")
        reason, references = entry.contact["reason"], {q for q, _ in entry.references}
        if entry.head["action"] == "D":
            if not re.fullmatch(r"0[1-9]|1[0-2]", reason):
                self.add(line, "Z12", "INVALID CANCELLATION REASON", "CR v40 SE13")
            elif REASON_NEEDS.get(reason, "") not in references | {""}:
                self.add(line, "Z13", "REFERENCE FOR CANCELLATION REASON MISSING", "CR v40 SE13")
            if not entry.head["port"]:
                self.add(head, "Z14", "PLANNED PORT OF ENTRY MISSING", "CR v40 SE10 note 7")
        elif reason:
            self.add(line, "Z12", "REASON CODE ONLY ON CANCELLATION", "CR v40 SE13")
        if (entry.contact["dis"] == "1") != ("DIS" in references):
            self.add(line, "Z15", "DIS INDICATOR AND REFERENCE DISAGREE", "CR v40 SE20")

    # ------------------------------------------------------------------ A and R

    def _full(self, head: Line) -> None:
        h, kind = self.entry.head, self.entry.head["type"]
        self._importer(head, kind)
        if h["mode"] not in MODES and not (kind == "06" and not h["mode"]):
            self.add(
                head,
                "016" if h["mode"] else "015",
                "INVALID MODE OF TRANSPORTATION" if h["mode"] else "MISSING MODE OF TRANSPORTATION",
            )
        self._bond(head)
        self._value(head, kind)
        if not h["port"] and (kind in PORT_NEEDED or self.entry.agencies or any(b[0] == "I" for b in self.entry.bills)):
            self.add(head, "Z14", "PLANNED PORT OF ENTRY MISSING", "CR v40 SE10 note 7")
        self._bills(head)
        self._parties(head, kind)
        self._items(head, kind)
        if kind == "86":
            self._type_86(head)

    def _importer(self, head: Line, kind: str) -> None:
        number, number_type = self.entry.head["importer"], self.entry.head["importer_type"]
        if not number and not number_type:
            if kind != "86" or self.entry.agencies:
                self.add(head, "011", "MISSING IMPORTER OF RECORD TYPE")
                self.add(head, "013", "MISSING IMPORTER OF RECORD")
            return
        form = NUMBER_FORMS.get(number_type)
        if form is None:
            self.add(head, "012", "INVALID IMPORTER OF RECORD TYPE")
        elif not form.fullmatch(number):
            self.add(head, "014", "IMPORTER OF RECORD NOT ON FILE")

    def _bond(self, head: Line) -> None:
        bond, references = self.entry.head["bond"], [q for q, _ in self.entry.references]
        if bond not in {"0", "8", "9"}:
            self.add(head, "020" if bond else "019", "INVALID BOND TYPE" if bond else "MISSING BOND TYPE")
        if bond == "9" and ("V1" not in references or "AMT" not in references):
            self.add(head, "Z16", "SURETY OR BOND AMOUNT MISSING", "CR v40 SE20")

    def _value(self, head: Line, kind: str) -> None:
        raw = self.entry.head["value"]
        if not raw.isdigit():
            if not raw:
                self.add(head, "021", "MISSING SHIPMENT VALUE")
            return
        limit = VALUE_LIMIT.get(kind)
        if limit is not None and int(raw) > limit:
            self.add(head, "Z17", f"VALUE ABOVE {limit} FOR ENTRY TYPE {kind}", "CR v40 SE10 note 13")
        total = sum(int(v) for _, _, tariffs, _ in self.entry.items for _, v in tariffs if v.isdigit())
        if self.behaviour.check_line_values and int(raw) < total:
            self.add(head, "119", "VALUE LESS THAN ALL LINE-ITEM VALUES", "CSMS 63690754")

    def _bills(self, head: Line) -> None:
        h, kind = self.entry.head, self.entry.head["type"]
        lines = [one for one in self.entry.lines if one.id == "SE15"]
        if not lines and self.entry.head["action"] != "U" and kind not in {"06", "22"}:
            self.add(head, "Z18", "BILL OF LADING MISSING", "CR v40 SE15")
        for line in lines:
            v = line.values
            if v["type"] not in {"R", "M", "H", "T", "I"} or (h["mode"] in TRUCK and v["type"] not in {"R", "I"}):
                self.add(line, "Z19", "BILL TYPE NOT ALLOWED FOR MODE", "CR v40 SE15")
            if h["mode"] in TRUCK and v["type"] == "R" and not re.fullmatch(r"[A-Z]{2,4}", v["issuer"]):
                self.add(line, "Z20", "ISSUER CODE MISSING OR INVALID", "CR v40 SE15")
            if not re.fullmatch(r"[A-Z0-9]+", v["number"]):
                self.add(line, "Z21", "INVALID BILL NUMBER", "CR v40 SE15")
            quantity = v["quantity"]
            if quantity and (not quantity.isdigit() or int(quantity) == 0 or v["type"] == "I"):
                self.add(line, "030", "INVALID BILL QUANTITY")
            if not quantity and kind == "86" and v["type"] in {"R", "H"}:
                self.add(line, "030", "INVALID BILL QUANTITY")
            if v["non_ams"] not in {"N", "Y"}:
                self.add(line, "Z22", "NON-AMS INDICATOR INVALID", "CR v40 SE15")
            elif v["non_ams"] == "Y" and not any(one.id == "SE16" for one in self.entry.lines):
                self.add(line, "Z23", "CONVEYANCE MISSING FOR NON-AMS BILL", "CR v40 SE16")

    # ------------------------------------------------------------------ parties and goods

    def _parties(self, head: Line, kind: str) -> None:
        entry = self.entry
        for party in entry.parties:
            self._party(party, kind)
        seen: set[str] = set()
        for party in entry.parties:
            if party.header and party.entity in seen:
                self.add(party.line, "Z24", "ENTITY GIVEN TWICE", "CR v40 SE30")
            seen |= {party.entity} if party.header else set()
        given = {p.entity for p in entry.parties}
        if "SE" not in given:
            self.add(head, "037", "MISSING SELLER")
        if "CN" not in given:
            self.add(head, "036", "MISSING CONSIGNEE")
        if kind != "86" and "MF" not in given:
            self.add(head, "038", "MISSING MANUFACTURER")
        if kind not in {"86", "11"} and "BY" not in given:
            self.add(head, "035", "MISSING BUYER")

    def _party(self, party: PartyFiled, kind: str) -> None:
        line = party.line
        if party.entity not in ENTITIES:
            self.add(line, "Z25", "ENTITY CODE UNKNOWN", "CR v40 SE30")
        if bool(party.name) == bool(party.id):
            self.add(line, "Z26", "NAME OR IDENTIFIER, NOT BOTH", "CR v40 SE30")
        if party.id:
            form = NUMBER_FORMS.get(party.id_type)
            if party.entity not in IDENTIFIED:
                self.add(line, "Z27", "IDENTIFIER NOT ALLOWED FOR ENTITY", "CR v40 SE30")
            elif form is None or not form.fullmatch(party.id):
                self.add(line, "Z28", "INVALID ENTITY IDENTIFIER", "CR v40 SE30")
        if party.name and not (party.addressed and party.city and party.country in self.countries):
            self.add(line, "Z29", "ADDRESS OF ENTITY MISSING OR INVALID", "CR v40 SE35, SE36")
        if party.entity == "CN" and party.name and kind not in {"11", "86"}:
            self.add(line, "Z30", "CONSIGNEE NAME ONLY ON TYPES 11 AND 86", "CR v40 SE30")

    def _items(self, head: Line, kind: str) -> None:
        entry = self.entry
        if not entry.items:
            self.add(head, "Z31", "LINE ITEM MISSING", "CR v40 SE40")
        consignee = entry.consignee()
        values_due = kind == "86" or (consignee is not None and bool(consignee.name))
        expected = 0
        tariffs = 0
        for line in entry.lines:
            if line.id == "SE40":
                expected += 1
                v = line.values
                if v["line"] != f"{expected:03d}":
                    self.add(line, "Z32", "LINE NUMBERS NOT CONSECUTIVE", "CR v40 SE40")
                if v["origin"] not in self.countries:
                    self.add(line, "Z33", "INVALID COUNTRY OF ORIGIN", "CR v40 SE40")
                tariffs = 0
            elif line.id == "SE60":
                tariffs += 1
                v = line.values
                if tariffs > 32:
                    self.add(line, "Z34", "MORE THAN 32 TARIFF NUMBERS", "CR v40 SE60")
                if not re.fullmatch(r"\d{10}", v["hts"]):
                    self.add(line, "Z35", "INVALID HTS NUMBER", "CR v40 SE60")
                if values_due and not v["value"] and not v["hts"].startswith("99"):
                    self.add(line, "Z36", "LINE VALUE MISSING", "CR v40 SE60")

    def _type_86(self, head: Line) -> None:
        entry = self.entry
        suspended = self.book.rule("type86-suspended", self.now)
        if suspended:
            self.add(head, suspended.code, suspended.text, suspended.citation)
        origin = self.book.rule("type86-origin", self.now)
        if origin:
            for line in entry.lines:
                if line.id == "SE40" and line.values["origin"] in origin.origins:
                    self.add(line, origin.code, origin.text, origin.citation)
        arrival = self.book.rule("type86-eda", self.now)
        days = [r for q, r in entry.references if q == "EDA"]
        if arrival and not days:
            self.add(head, arrival.code, arrival.text, arrival.citation)
        elif arrival and len(days) > 1:
            self.add(head, arrival.second_code, arrival.second_text, arrival.citation)
        elif days and arrival_day(days[0]) is None:
            self.add(head, "Z37", "INVALID ESTIMATED DATE OF ARRIVAL", "CR v40 SE20")
        if entry.head["bond"] != "0":
            self.add(head, "020", "INVALID BOND TYPE")
        bills = [b for b in entry.bills if b[0] != "M"]
        if len(bills) > 1:
            self.add(head, "Z38", "ONE BILL ONLY ON ENTRY TYPE 86", "CR v40")
        if sum(1 for p in entry.parties if p.entity == "CN") > 1 or any(
            p.entity == "CN" and not p.header for p in entry.parties
        ):
            self.add(head, "Z39", "CONSIGNEE ONCE AND AT HEADER ON TYPE 86", "CR v40")


def echo(entry: EntryFiled, edits: dict[int, list[Edit]]) -> Iterator[tuple[Line, list[Edit]]]:
    """Records an SX sends back: SE10, SE11 and SE15 always, others only when in error, with what precedes their"
    " group."""
    head_of = {"SE35": "SE30", "SE36": "SE30", "SE31": "SE30", "SE55": "SE50", "SE56": "SE50", "SE51": "SE50"}
    last: dict[str, Line] = {}
    given: set[int] = set()
    for line in entry.lines:
        last[line.id] = line
        wrong = edits.get(line.position, [])
        if not wrong and line.id not in {"SE10", "SE11", "SE15"}:
            continue
        above = last.get(head_of.get(line.id, ""))
        if line.id in {"SE50", "SE60"} or (above is not None and above.id == "SE50"):
            item = last.get("SE40")
            if item is not None and item.position not in given:
                given.add(item.position)
                yield item, []
        if above is not None and above.position not in given:
            given.add(above.position)
            yield above, []
        given.add(line.position)
        yield line, wrong
