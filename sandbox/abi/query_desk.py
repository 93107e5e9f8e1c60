"""What does CBP answer when a broker asks? An entry, a bill or an in-bond that is on file comes back as C1, anything
else as an error that says why.

CBP CATAIR Cargo/Manifest/In-bond/Entry Status Query v21. An entry is shown to its own filer only and for six months.
"""

from __future__ import annotations

import re
import sqlite3
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.abi.answers import mirrored
from sandbox.abi.batch_reader import FILER_CODE, Batch, Block, Line
from sandbox.abi.entry_page import ALL, FIVE, NEWEST
from sandbox.abi.front_desk import Settled
from sandbox.abi.query_books import QueryBooks
from sandbox.abi.query_layouts import GUIDE
from sandbox.abi.query_records import ERRORS, air_error, bill_error, entry_error
from sandbox.clock import EASTERN
from sandbox.notices import Notices
from sandbox.office import Office, Origin
from sandbox.store import moment

MONTHS: Final = 6
_LIMITS: Final = frozenset({NEWEST, FIVE, ALL})
_CARRIER: Final = re.compile(r"[A-Z]{2,4}")
_SUBJECTS: Final = {
    "entry": ("filer", "entry"),
    "in_bond": ("in_bond",),
    "bill": ("issuer", "bill"),
    "air": ("air_waybill", "house"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a query has no answer: CBP's code, and for the transcript what is wrong and where the guide says so."""

    code: str
    why: str
    section: str = "WR1 (input)"


class QueryDesk:
    """Settles query batches; to be called inside a transaction."""

    def __init__(self, office: Office, notices: Notices) -> None:
        self.office, self.notices = office, notices
        self.books = QueryBooks(office)

    def settle(self, origin: Origin, batch: Batch, now: datetime, due: datetime) -> Settled:
        """Answer every query of a batch; nothing is filed."""
        reasons: list[dict[str, str]] = []
        answers = [self._block(block, reasons, now) for block in batch.blocks]
        self.office.answer(origin, "C1", mirrored(batch, "C1", answers), now, due)
        asked = sum(len(block) for block in answers)
        return Settled(f"C1 {asked - len(reasons)} of {asked} answered", reasons)

    def _block(self, block: Block, reasons: list[dict[str, str]], now: datetime) -> list[list[str]]:
        filer = block.header.values["filer"]
        limit = self.office.behaviour.query_output_limit
        answers: list[list[str]] = []
        refused: list[dict[str, str]] = []
        records = 0
        for transaction in block.transactions:
            line = transaction.lines[0]
            answer = self._query(line, filer, now)
            if isinstance(answer, Refusal):
                refused.append(_reason(line, answer))
                answer = [_error(line.values, answer.code)]
            answers.append(answer)
            records += len(answer)
            if records > limit:
                return self._too_much(block, reasons, limit)
        reasons += refused
        return answers

    def _too_much(self, block: Block, reasons: list[dict[str, str]], limit: int) -> list[list[str]]:
        """The whole block fails; the filer is to ask for less."""
        failure = Refusal("ZZZ", f"the answer has more than {limit} records", "error appendix; CSMS 42072893")
        lines = [transaction.lines[0] for transaction in block.transactions]
        reasons += [_reason(line, failure) for line in lines]
        return [[_error(line.values, failure.code)] for line in lines]

    # ------------------------------------------------------------------ one query

    def _query(self, line: Line, filer: str, now: datetime) -> list[str] | Refusal:
        faults = {fault.kind for fault in line.faults()}
        if "characters" in faults or "class" in faults:
            return Refusal("X40", "characters that have no place in the record")
        if "filler" in faults:
            return Refusal("X39", "data in columns 4 to 7 or 74 to 80")
        asked = line.values
        subjects = [name for name, fields in _SUBJECTS.items() if any(asked[one] for one in fields)]
        if subjects == ["in_bond", "bill"] and not asked["bill"]:
            subjects = ["in_bond"]  # an air in-bond comes with its carrier
        if len(subjects) != 1:
            return Refusal("INE", "one query in one record, and one only", "WR1 (input) note 1")
        if {asked["related"], asked["with_bills"]} - {"", "Y"} or asked["limit"] not in _LIMITS:
            return Refusal("INE", "an option in columns 71 to 73 that there is not", "WR1 (input) note 5")
        match subjects[0]:
            case "entry":
                return self._entry(line, filer, now)
            case "in_bond":
                found = self.books.in_bond(asked["in_bond"])
                return found or Refusal("123", "no in-bond under this number")
            case "bill":
                return self._bill(asked)
            case _:
                return _air(asked)

    def _entry(self, line: Line, filer: str, now: datetime) -> list[str] | Refusal:
        asked = line.values
        if not asked["filer"]:
            return Refusal("B05", "an entry number without its filer", "WR1 (input) note 1")
        if not asked["entry"]:
            return Refusal("B14", "a filer without an entry number", "WR1 (input) note 1")
        codes = self.office.behaviour.filer_codes
        if not FILER_CODE.fullmatch(asked["filer"]) or (codes and asked["filer"] not in codes):
            return Refusal("B06", "no filer with this code")
        if asked["filer"] != filer:
            return Refusal("X17", "the entry belongs to another filer than the block", "WR1 (input) note 1")
        if len(asked["entry"]) != 8 or line.text[18] == " ":
            return Refusal("950", "the entry number does not stand right justified in columns 11 to 19")
        entry = self._on_file(asked["filer"] + asked["entry"])
        if entry is None:
            return Refusal("950", "no entry under this number")
        if moment(entry["filed_at"]) < months_before(now, MONTHS):
            return Refusal("950", f"filed more than {MONTHS} months ago")
        page = self.notices.pages.open([entry])[0]
        bills = self.books.bills_of(entry, asked["limit"]) if asked["with_bills"] else []
        return [*page.print(asked["limit"], "WO", now), *bills]

    def _on_file(self, number: str) -> sqlite3.Row | None:
        return self.office.store.row("select * from entry where number = ?", number)

    def _bill(self, asked: Mapping[str, str]) -> list[str] | Refusal:
        if not asked["issuer"]:
            return Refusal("176", "a bill number without its issuer", "WR1 (input) note 1")
        if not _CARRIER.fullmatch(asked["issuer"]):
            return Refusal("009", "no carrier has this code")
        if not asked["bill"]:
            return Refusal("185", "an issuer without a bill number", "WR1 (input) note 1")
        found = self.books.bill(asked["issuer"] + asked["bill"], asked["limit"])
        return found or Refusal("122", "no bill under this number")


def _air(asked: Mapping[str, str]) -> Refusal:
    if not re.fullmatch(r"\d{11}", asked["air_waybill"]):
        return Refusal("297", "an air waybill number has eleven digits")
    return Refusal("122", "air waybills do not come to this CBP")


def _error(asked: Mapping[str, str], code: str) -> str:
    """The error record that goes with the kind of query (WR0, WSA, WSB)."""
    if asked["filer"] or asked["entry"]:
        return entry_error(asked["filer"], asked["entry"], code)
    if asked["air_waybill"] or asked["house"]:
        return air_error(asked["air_waybill"], asked["house"], code)
    return bill_error(asked["in_bond"], asked["issuer"], asked["bill"], code)


def _reason(line: Line, refusal: Refusal) -> dict[str, str]:
    return {
        "code": refusal.code,
        "text": f"{ERRORS[refusal.code]}: {refusal.why}",
        "place": f"record {line.position}",
        "reference": f"{GUIDE}, {refusal.section}",
    }


def months_before(now: datetime, months: int) -> datetime:
    """The same day some months earlier in the East, or the last one of a shorter month."""
    local = now.astimezone(EASTERN)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    return local.replace(year=year, month=month + 1, day=min(local.day, monthrange(year, month + 1)[1]))
