"""What does CBP's page on an entry say? All that was told of it so far, and what of that still holds.

A status notification (SO) and the answer to a query (C1) are two prints of the same page. Each repeats header,
references, lines, bills and the dispositions that hold, with the time when they were first said (that an SO repeats
them is recalled; ``repeat_dispositions`` turns it off). What a bill's disposition is follows from the books.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from sandbox.abi.status_codes import BILL_CODES, POSITIONS
from sandbox.abi.status_records import (
    AgencyReference,
    AgencyStatus,
    BillStatus,
    Disposition,
    EntryHead,
    InBondStatus,
    day,
    entry_records,
)
from sandbox.office import Office
from sandbox.store import moment, stamp

NEWEST, FIVE, ALL = "", "1", "2"
"""How much is wanted (CQ v21, WR1 note 5): the newest notification, the last five, all there were."""
NEWS: Final = "news"
"""Nothing but what is new."""
_GONE: Final = frozenset({"61", "62"})
_MATCHED: Final = frozenset({"93", "95", "51", "54"})
_OF_DISPOSITION: Final = ("narrative", "release_origin", "release_day", "document")
_NOTHING_NEW: Final = "00"
_STANDING: Final = POSITIONS | {"01"}
_WAITING: Final = frozenset({"ACCEPTED", "NO_MATCH"})


@dataclass(slots=True)
class News:
    """What is new of an entry in one event: dispositions, agency statuses, and (qualifier, text) of further SO20."""

    dispositions: list[Disposition] = field(default_factory=list)
    agencies: list[AgencyStatus] = field(default_factory=list)
    comments: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the log. ``level`` is 20, 50, 60 or 70, like the record it stood in, or 00 for a notification without
    news; ``subject`` is the qualifier of a 20, the bill of a 50, the data of a 70; ``notice`` counts the events.
    """

    notice: int
    level: str
    subject: str
    code: str
    at: datetime
    detail: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: sqlite3.Row) -> Told:
        """A row of the log."""
        detail = json.loads(row["detail"]) if row["detail"] else {}
        return cls(row["notice"], row["level"], row["subject"], row["code"], moment(row["at"]), detail)


@dataclass(frozen=True, slots=True)
class Named:
    """A bill as an entry names it, with the in-bond numbers it moves under."""

    kind: str
    issuer: str
    number: str
    quantity: str
    unit: str
    in_bonds: tuple[str, ...]

    @property
    def scn(self) -> str:
        """Its shipment control number."""
        return self.issuer + self.number


class Page:
    """All that was told of one entry, with its bills as the books have them now."""

    def __init__(self, entry: sqlite3.Row, bills: Mapping[str, sqlite3.Row], log: list[Told]) -> None:
        self.entry, self.bills, self.log = entry, bills, log
        self.body: dict[str, Any] = json.loads(entry["body"])

    def agencies(self) -> list[AgencyStatus]:
        """Where the agencies stand now, one status for each piece of data."""
        newest = {one.subject: one for one in self.log if one.level == "70"}
        return [_agency(one) for one in newest.values()]

    def holds(self, code: str) -> bool:
        """Whether a disposition of the entry holds now."""
        return any(one.code == code for one in self._holding())

    def said_of(self, scn: str) -> Told | None:
        """What was said last of a bill."""
        return next((one for one in reversed(self.log) if one.level == "50" and one.subject == scn), None)

    def bill_codes(self) -> dict[str, str]:
        """The disposition of each bill, in the order of the entry."""
        codes = {}
        for named in self.named():
            before = self.said_of(named.scn)
            codes[named.scn] = bill_code(self.bills.get(named.scn), named, before.code if before is not None else "")
        return codes

    def named(self) -> Iterator[Named]:
        """The bills that the entry names; an in-bond number stands before the bill that moves under it."""
        in_bonds: list[str] = []
        for kind, issuer, number, quantity, unit in self.body["bills"]:
            if kind == "I":
                in_bonds.append(number)
            else:
                yield Named(kind, issuer, number, quantity, unit, tuple(in_bonds))
                in_bonds = []

    def print(self, which: str, prefix: str, at: datetime) -> list[str]:
        """The page as records: what of it is wanted, under SO or WO, written at ``at``."""
        asked = self._asked(which)
        now_only = which in {NEWEST, FIVE}
        return entry_records(
            self._head(),
            self._bill_statuses(at),
            [_disposition(one) for one in self._dispositions(which, asked)],
            self.agencies() if now_only else [_agency(one) for one in asked if one.level == "70"],
            [(one.subject, one.detail["text"]) for one in asked if one.level == "20"],
            prefix=prefix,
            written_at=at,
        )

    def _asked(self, which: str) -> list[Told]:
        """The lines of the notifications that are asked for; those of the newest one at least."""
        if which == ALL:
            return self.log
        notices = sorted({one.notice for one in self.log})[-5 if which == FIVE else -1 :]
        return [one for one in self.log if one.notice in notices]

    def _holding(self) -> list[Told]:
        """Dispositions that hold: the place where the entry stands, and One USG when it was said of that."""
        sixties = [one for one in self.log if one.level == "60"]
        place = max((i for i, one in enumerate(sixties) if one.code in POSITIONS), default=-1)
        if place < 0 or self.entry["state"] in _WAITING:
            return []
        return [one for one in sixties[place:] if one.code in _STANDING]

    def _dispositions(self, which: str, asked: Sequence[Told]) -> list[Told]:
        shown = {id(one) for one in (*asked, *(() if which == NEWS else self._holding()))}
        return [one for one in self.log if one.level == "60" and id(one) in shown]

    def _head(self) -> EntryHead:
        body = self.body
        return EntryHead(
            **{
                k: body[k]
                for k in ("filer", "type", "port", "importer", "carrier", "conveyance", "voyage", "arrival", "split")
            },
            number=body["sequence"],
            references=tuple((q, v) for q, v in body["references"] if q in {"CR", "RRN"}),
            lines=tuple((n, origin, hts) for n, origin, hts in body["lines"]),
        )

    def _bill_statuses(self, at: datetime) -> list[BillStatus]:
        out = []
        codes = self.bill_codes()
        for named in self.named():
            bill, told = self.bills.get(named.scn), self.said_of(named.scn)
            code, said_at = (told.code, told.at) if told is not None else (codes[named.scn], at)
            on_file = bill if bill is not None and bill["state"] != "DELETED" else None
            manifested = on_file["quantity"] if on_file is not None else ""
            out.append(
                BillStatus(
                    type=named.kind,
                    issuer=named.issuer,
                    number=named.number,
                    quantity=named.quantity or manifested,
                    unit=named.unit,
                    manifested=manifested,
                    code=code,
                    narrative=BILL_CODES[code],
                    at=said_at,
                    in_bonds=_in_bond(on_file) if on_file is not None else (),
                )
            )
        return out


class EntryPages:
    """Keeps the log and opens pages; to be called inside a transaction."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def open(self, entries: Sequence[sqlite3.Row]) -> list[Page]:
        """The pages of some entries, in their order."""
        numbers = [entry["number"] for entry in entries]
        logs: dict[str, list[Told]] = defaultdict(list)
        for row in self.office.store.rows_for("select * from told where number in ({}) order by id", numbers):
            logs[row["number"]].append(Told.of(row))
        bills: dict[str, dict[str, sqlite3.Row]] = defaultdict(dict)
        for row in self.office.store.rows_for(
            "select x.number as entry, b.*, m.arrived_at as truck_here_at, m.port, m.filed_at, i.kind as in_bond_kind,"
            " i.destination, i.arrived_at as in_bond_arrived from entry_bill x join bill b on b.scn = x.scn"
            " join manifest m on m.id = b.manifest_id left join in_bond i on i.number = b.in_bond"
            " where x.number in ({})",
            numbers,
        ):
            bills[row["entry"]][row["scn"]] = row
        return [Page(entry, bills[entry["number"]], logs[entry["number"]]) for entry in entries]

    def tell(self, news: Mapping[str, News], at: datetime) -> list[tuple[sqlite3.Row, list[str]]]:
        """Log what is new of some entries; gives each with the records of its SO."""
        store = self.office.store
        entries = store.rows_for("select * from entry where number in ({}) order by rowid", news)
        if not entries:
            return []
        notice = store.next_number("notice")
        which = NEWEST if self.office.behaviour.repeat_dispositions else NEWS
        fresh: list[tuple[str, Told]] = []
        told = []
        for page in self.open(entries):
            number = page.entry["number"]
            added = list(_lines_of(news[number], notice, at))
            for scn, code in page.bill_codes().items():
                before = page.said_of(scn)
                if before is None or before.code != code:
                    added.append(Told(notice, "50", scn, code, at))
            if not added:
                added.append(Told(notice, _NOTHING_NEW, "", "", at))
            page.log += added
            fresh += [(number, one) for one in added]
            told.append((page.entry, page.print(which, "SO", at)))
        store.run_many(
            "insert into told (number, notice, level, subject, code, at, detail) values (?,?,?,?,?,?,?)",
            (
                (number, one.notice, one.level, one.subject, one.code, stamp(one.at), _json(one.detail))
                for number, one in fresh
            ),
        )
        return told


# ---------------------------------------------------------------------------------------------------- bills


def bill_code(bill: sqlite3.Row | None, named: Named, before: str) -> str:
    """The disposition of a bill of an entry, as the entry names it; ``before``: what was told of it.

    A bill that was not matched so far is told as on file (93) first, wherever its truck is.
    """
    here = bill is not None and bill["truck_here_at"] is not None
    if bill is None or bill["state"] == "DELETED":
        if before in {"", "91"}:
            return "91"
        return before if before in _GONE else "62" if here else "61"
    if named.quantity.isdigit() and int(named.quantity) > int(bill["quantity"]):
        return "58"
    if named.in_bonds and bill["in_bond"] not in named.in_bonds:
        return "59"
    if bill["state"] == "HELD" or bill["hold"] == "HOLD":
        return "51"
    if before == "51":
        return "54"
    return "95" if here and before in _MATCHED else "93"


def _in_bond(bill: sqlite3.Row) -> tuple[InBondStatus, ...]:
    if not bill["in_bond"]:
        return ()
    arrived = bill["in_bond_arrived"]
    return (
        InBondStatus(
            number=bill["in_bond"],
            kind=bill["in_bond_kind"] or "",
            origin=bill["port"],
            destination=bill["destination"] or "",
            created=day(moment(bill["filed_at"])),
            arrived=day(moment(arrived)) if arrived else "",
        ),
    )


# ---------------------------------------------------------------------------------------------------- the log


def _lines_of(news: News, notice: int, at: datetime) -> Iterator[Told]:
    for qualifier, text in news.comments:
        yield Told(notice, "20", qualifier, "", at, {"text": text})
    for one in news.dispositions:
        detail = {name: value for name in _OF_DISPOSITION if (value := getattr(one, name))}
        yield Told(notice, "60", "", one.code, one.at, detail)
    for status in news.agencies:
        detail = {k: v for k, v in asdict(status).items() if k not in {"code", "at"}}
        yield Told(notice, "70", "/".join(status.place), status.code, status.at, detail)


def _json(detail: dict[str, Any]) -> str:
    return json.dumps(detail, default=stamp) if detail else ""


def _disposition(one: Told) -> Disposition:
    return Disposition(code=one.code, at=one.at, **one.detail)


def _agency(one: Told) -> AgencyStatus:
    detail = dict(one.detail)
    references = tuple(
        AgencyReference(r["qualifier"], r["number"], _instant(r["received"])) for r in detail.pop("references", ())
    )
    comments = tuple(detail.pop("comments", ()))
    return AgencyStatus(code=one.code, at=one.at, references=references, comments=comments, **detail)


def _instant(value: datetime | str) -> datetime:
    return moment(value) if isinstance(value, str) else value
