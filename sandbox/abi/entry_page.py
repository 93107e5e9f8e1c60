"""What does CBP's page on an entry say? All that was told of it so far, and what of that still holds.

A status notification (SO) and the answer to a query (C1) are two prints of the same page. Each repeats header,
references, lines, bills and the dispositions that hold, with the time when they were first said (that an SO repeats
them is recalled; ``repeat_dispositions`` turns it off). What a bill's disposition is follows from the books.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    entry_records,
)
from sandbox.office import Office
from sandbox.store import moment, stamp

NEWEST, FIVE, ALL = "", "1", "2"
"""How much is wanted (CQ v21, WR1 note 5): the newest notification, the last five, all there were."""
_NEWS_ALONE: Final = "news"
_GONE: Final = frozenset({"61", "62"})
_MATCHED: Final = frozenset({"93", "95", "51", "54"})
_WAITING: Final = frozenset({"ACCEPTED", "NO_MATCH"})


@dataclass(slots=True)
class News:
    """What is new of an entry in one event: dispositions, agency statuses, and (qualifier, text) of further SO20."""

    dispositions: list[Disposition] = field(default_factory=list)
    agencies: list[AgencyStatus] = field(default_factory=list)
    comments: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the log. ``level`` is 20, 50, 60 or 70, like the record it stood in; ``subject`` is the qualifier of
    a 20, the bill of a 50, the data of a 70; ``notice`` counts the events.
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


class EntryPages:
    """Keeps the log of what was told and prints pages; to be called inside a transaction."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def tell(self, news: Mapping[str, News], at: datetime) -> list[tuple[sqlite3.Row, list[str]]]:
        """Log what is new of some entries; gives each with the records of its SO."""
        store = self.office.store
        entries = store.rows_for("select * from entry where number in ({}) order by rowid", news)
        if not entries:
            return []
        notice = store.next_number("notice")
        which = NEWEST if self.office.behaviour.repeat_dispositions else _NEWS_ALONE
        logs, bills = self._logs(news), self._bills(news)
        fresh: list[tuple[str, Told]] = []
        pages = []
        for entry in entries:
            number = entry["number"]
            added = list(_lines_of(news[number], notice, at))
            for scn, code in _bill_codes(json.loads(entry["body"]), bills[number], logs[number]):
                before = _last(logs[number], scn)
                if before is None or before.code != code:
                    added.append(Told(notice, "50", scn, code, at))
            fresh += [(number, one) for one in added]
            pages.append((entry, _print(entry, bills[number], logs[number] + added, which, "SO", at)))
        store.run_many(
            "insert into told (number, notice, level, subject, code, at, detail) values (?,?,?,?,?,?,?)",
            (
                (number, one.notice, one.level, one.subject, one.code, stamp(one.at), _json(one.detail))
                for number, one in fresh
            ),
        )
        return pages

    def show(self, entry: sqlite3.Row, which: str, at: datetime) -> list[str]:
        """The records of a C1 on an entry: ``which`` of its notifications, at ``at``."""
        number = entry["number"]
        return _print(entry, self._bills([number])[number], self._logs([number])[number], which, "WO", at)

    def agencies(self, entry: sqlite3.Row) -> list[AgencyStatus]:
        """Where the agencies stand now, one status for each piece of data."""
        return _agencies_now(self._logs([entry["number"]])[entry["number"]])

    def holds(self, entry: sqlite3.Row, code: str) -> datetime | None:
        """Since when a disposition of the entry holds; ``None``: it does not."""
        now = _dispositions(entry, self._logs([entry["number"]])[entry["number"]], NEWEST)
        return next((one.at for one in now if one.code == code), None)

    def last_bill_code(self, number: str, scn: str) -> Told | None:
        """What was said last of a bill of an entry."""
        return _last(self._logs([number])[number], scn)

    def _logs(self, numbers: Iterable[str]) -> dict[str, list[Told]]:
        logs: dict[str, list[Told]] = defaultdict(list)
        for row in self.office.store.rows_for("select * from told where number in ({}) order by id", numbers):
            logs[row["number"]].append(Told.of(row))
        return logs

    def _bills(self, numbers: Iterable[str]) -> dict[str, dict[str, sqlite3.Row]]:
        found: dict[str, dict[str, sqlite3.Row]] = defaultdict(dict)
        for row in self.office.store.rows_for(
            "select x.number as entry, b.*, m.state as manifest_state from entry_bill x join bill b on b.scn = x.scn"
            " join manifest m on m.id = b.manifest_id where x.number in ({})",
            numbers,
        ):
            found[row["entry"]][row["scn"]] = row
        return found


# ---------------------------------------------------------------------------------------------------- bills


def bill_code(bill: sqlite3.Row | None, quantity: str, before: str) -> str:
    """The disposition of a bill of an entry. ``quantity``: what the entry says of it; ``before``: what was told.

    A bill that was not matched so far is told as on file (93) first, wherever its truck is.
    """
    here = bill is not None and bill["manifest_state"] == "ARRIVED"
    if bill is None or bill["state"] == "DELETED":
        if before in {"", "91"}:
            return "91"
        return before if before in _GONE else "62" if here else "61"
    if quantity.isdigit() and int(quantity) > int(bill["quantity"]):
        return "58"
    if bill["state"] == "HELD" or bill["hold"] == "HOLD":
        return "51"
    if before == "51":
        return "54"
    return "95" if here and before in _MATCHED else "93"


def _bill_codes(
    body: dict[str, Any], bills: Mapping[str, sqlite3.Row], log: Sequence[Told]
) -> Iterator[tuple[str, str]]:
    for kind, issuer, number, quantity, _ in body["bills"]:
        if kind != "I":
            scn = issuer + number
            before = _last(log, scn)
            yield scn, bill_code(bills.get(scn), quantity, before.code if before is not None else "")


def _last(log: Sequence[Told], scn: str) -> Told | None:
    return next((one for one in reversed(log) if one.level == "50" and one.subject == scn), None)


# ---------------------------------------------------------------------------------------------------- the log


def _lines_of(news: News, notice: int, at: datetime) -> Iterator[Told]:
    for qualifier, text in news.comments:
        yield Told(notice, "20", qualifier, "", at, {"text": text})
    for one in news.dispositions:
        detail = {k: v for k, v in asdict(one).items() if k not in {"code", "at"} and v}
        yield Told(notice, "60", "", one.code, one.at, detail)
    for status in news.agencies:
        detail = {k: v for k, v in asdict(status).items() if k not in {"code", "at"} and v}
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


# ---------------------------------------------------------------------------------------------------- the page


def _wanted(log: Sequence[Told], which: str) -> list[Told]:
    """The lines of the notifications that are asked for; the newest one at least."""
    if which == ALL or not log:
        return list(log)
    notices = sorted({one.notice for one in log})[-5 if which == FIVE else -1 :]
    return [one for one in log if one.notice in notices]


def _dispositions(entry: sqlite3.Row, log: Sequence[Told], which: str) -> list[Told]:
    """What a print shows of the entry: what is asked for, and what holds now."""
    asked = _wanted(log, which)
    sixties = [one for one in log if one.level == "60"]
    place = max((i for i, one in enumerate(sixties) if one.code in POSITIONS), default=-1)
    lost = entry["state"] in _WAITING
    holding = [] if lost or place < 0 else [one for one in sixties[place:] if one.code in POSITIONS | {"01"}]
    shown = {id(one) for one in (*asked, *(holding if which != _NEWS_ALONE else ()))}
    return [one for one in sixties if id(one) in shown]


def _agencies_now(log: Sequence[Told]) -> list[AgencyStatus]:
    newest = {one.subject: one for one in log if one.level == "70"}
    return [_agency(one) for one in newest.values()]


def _print(
    entry: sqlite3.Row,
    bills: Mapping[str, sqlite3.Row],
    log: Sequence[Told],
    which: str,
    prefix: str,
    at: datetime,
) -> list[str]:
    asked = _wanted(log, which)
    at_once = which in {NEWEST, FIVE}
    agencies = _agencies_now(log) if at_once else [_agency(one) for one in asked if one.level == "70"]
    body = json.loads(entry["body"])
    return entry_records(
        _head(body),
        _bill_statuses(body, bills, log, at),
        [_disposition(one) for one in _dispositions(entry, log, which)],
        agencies,
        [(one.subject, one.detail["text"]) for one in asked if one.level == "20"],
        prefix=prefix,
        written_at=at,
    )


def _head(body: dict[str, Any]) -> EntryHead:
    return EntryHead(
        **{
            k: body[k]
            for k in ("filer", "type", "port", "importer", "carrier", "conveyance", "voyage", "arrival", "split")
        },
        number=body["sequence"],
        references=tuple((q, v) for q, v in body["references"] if q in {"CR", "RRN"}),
        lines=tuple((n, origin, hts) for n, origin, hts in body["lines"]),
    )


def _bill_statuses(
    body: dict[str, Any], bills: Mapping[str, sqlite3.Row], log: Sequence[Told], at: datetime
) -> list[BillStatus]:
    out = []
    codes = dict(_bill_codes(body, bills, log))
    for kind, issuer, number, quantity, unit in body["bills"]:
        if kind == "I":
            continue
        scn = issuer + number
        bill, told = bills.get(scn), _last(log, scn)
        code, said_at = (told.code, told.at) if told is not None else (codes[scn], at)
        on_file = bill is not None and bill["state"] != "DELETED"
        manifested = bill["quantity"] if bill is not None and on_file else ""
        entered = quantity or manifested
        out.append(BillStatus(kind, issuer, number, entered, unit, manifested, code, BILL_CODES[code], said_at))
    return out
