"""What do the partner agencies say of an entry? They read what concerns them, may hold it, and let it go.

PG records are read for agency, program, disclaimer and place alone (PGA Message Set rev 29); what they say of the goods
is not judged. Usual order: 01 DATA UNDER PGA REVIEW with the entry under review (SO60 90), then 07 MAY PROCEED and 97;
recalled. A disclaimed line concerns nobody. An FDA food line that came without a confirmation number (PG14) gets one in
SO71 (Status Query v21, WO71 note 2; the qualifier is unsure).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from sandbox.abi.batch_reader import Line
from sandbox.abi.status_codes import AGENCY_CODES, AGENCY_REASONS
from sandbox.abi.status_records import AgencyReference, AgencyStatus
from sandbox.markers import from_text
from sandbox.notices import Notices, Pile, said
from sandbox.office import Office, Step

_FOOD: Final = ("FDA", "FOO")
_NO_PRIOR_NOTICE: Final = frozenset({"CCW"})
"""Processing codes of FDA food that need no prior notice: food-contact ware."""
_WITHOUT_DATA: Final = "CPS"
"""The agency that takes part in One USG without a message set (WO70 note 9: Consumer Product Safety Commission)."""
_BY_CBP, _BY_AGENCY = "1", "2"
_MARKED: Final = "HELD BY MARKER"


@dataclass(frozen=True, slots=True)
class AgencyLine:
    """One PG01: the CBP line, the ordinal of the tariff number in it, the agency's own line; ``prior_notice``: the data
    is itself a prior notice.
    """

    line: str
    tariff: str
    pga_line: str
    agency: str
    program: str
    disclaimer: str
    prior_notice: bool


def read_agencies(lines: Iterable[Line]) -> list[AgencyLine]:
    """The PGA lines of a transaction, in order; a PG record outside a line item is passed over."""
    found: list[AgencyLine] = []
    item, tariff = "", 0
    for line in lines:
        if line.id == "SE40":
            item, tariff = line.text[4:7].strip(), 0
        elif line.id == "SE60":
            tariff += 1
        elif line.id == "PG01" and item:
            record = line.text
            agency, program, processing = record[7:10].strip(), record[10:13].strip(), record[13:16].strip()
            food = (agency, program) == _FOOD and processing not in _NO_PRIOR_NOTICE
            found.append(
                AgencyLine(item, str(tariff), record[4:7].strip(), agency, program, record[79:80].strip(), food)
            )
        elif line.id == "PG14" and found:
            found[-1] = replace(found[-1], prior_notice=False)
    return found


class Agencies:
    """Reviews by agencies; every method must run inside a transaction of the books. ``go_on`` is told the bills whose
    truck is here when the last agency has let an entry go.
    """

    def __init__(self, office: Office, notices: Notices, go_on: Callable[[Sequence[str], datetime], None]) -> None:
        self.office, self.notices, self.go_on = office, notices, go_on
        self.steps: dict[str, Step] = {"agency": self._let_go}

    def begin(self, entry: sqlite3.Row, pile: Pile, at: datetime) -> bool:
        """Put the statuses of a matched entry on the pile; false: no agency is concerned, or all have let it go."""
        marked = "AGENCY" in from_text(entry["marks"])
        concerned = _concerned(entry)
        if not marked and not concerned:
            return False
        known = {one.place: one.code for one in self._now(entry)}
        code = "02" if marked else "01"
        statuses = [self._status(one, code, at) for one in concerned]
        if marked and not statuses:
            statuses = [_for_an_agency_without_data(at)]
        statuses = [one for one in statuses if known.get(one.place) != "07"]
        if not statuses:
            return False
        pile.agencies(entry["number"], statuses)
        conduct = self.office.behaviour
        wait = conduct.agency_seconds if marked else conduct.agency_review_seconds
        self.office.step("agency", self.office.after(at, wait), {"entry": entry["number"]})
        return True

    def waits(self, entry: sqlite3.Row) -> bool:
        """Whether an agency has not let an entry go yet."""
        return any(one.code != "07" for one in self._now(entry))

    def _now(self, entry: sqlite3.Row) -> list[AgencyStatus]:
        return self.notices.pages.open([entry])[0].agencies()

    def _let_go(self, body: dict[str, Any], at: datetime) -> None:
        for entry in self.notices.entries([body["entry"]]):
            waiting = [one for one in self._now(entry) if one.code != "07"]
            if entry["state"] == "CANCELLED" or not waiting:
                continue
            pile, here = Pile(), []
            pile.agencies(entry["number"], [self._may_proceed(entry, one, at) for one in waiting])
            if entry["state"] == "UNDER_REVIEW":
                self.notices.set_entry(entry["number"], "ADMISSIBLE")
                pile.entry(entry["number"], said("97", at))
                here = [b["scn"] for b in self.notices.bills_of(entry["number"]) if b["state"] == "ARRIVED"]
            elif entry["state"] == "RELEASED":
                self.office.step("oneusg", at, {"entries": [entry["number"]]})
            self.notices.write(pile, at)
            if here:
                self.go_on(here, at)

    def _status(self, one: AgencyLine, code: str, at: datetime) -> AgencyStatus:
        return AgencyStatus(
            agency=one.agency,
            program=one.program,
            at=at,
            code=code,
            message=AGENCY_CODES[code],
            reason=AGENCY_REASONS.get(code, ""),
            line=one.line,
            tariff=one.tariff,
            pga_line=one.pga_line,
            hold_type=_BY_AGENCY if code == "02" else "",
            comments=(_MARKED,) if code == "02" else (),
        )

    def _may_proceed(self, entry: sqlite3.Row, before: AgencyStatus, at: datetime) -> AgencyStatus:
        references: tuple[AgencyReference, ...] = ()
        if any(one.prior_notice for one in _concerned(entry) if self._status(one, "07", at).place == before.place):
            number = f"{self.office.store.next_number('prior-notice'):012d}"
            references = (AgencyReference(self.office.behaviour.prior_notice_qualifier, number, at),)
        return replace(
            before,
            at=at,
            code="07",
            message=AGENCY_CODES["07"],
            reason=AGENCY_REASONS["07"],
            hold_type="",
            references=references,
            comments=(),
        )


def agency_body(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """The PGA lines of a transaction as the books keep them."""
    return [asdict(one) for one in read_agencies(lines)]


def _concerned(entry: sqlite3.Row) -> list[AgencyLine]:
    lines = [AgencyLine(**one) for one in json.loads(entry["body"]).get("agencies", ())]
    return [one for one in lines if not one.disclaimer]


def _for_an_agency_without_data(at: datetime) -> AgencyStatus:
    return AgencyStatus(
        agency=_WITHOUT_DATA,
        program="",
        at=at,
        code="02",
        message=AGENCY_CODES["02"],
        reason=AGENCY_REASONS["02"],
        line="001",
        tariff="1",
        pga_line="000",
        hold_type=_BY_CBP,
        comments=(_MARKED,),
    )
