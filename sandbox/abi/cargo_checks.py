"""Would CBP take this entry? All edits of one SE transaction that need no books, and which records an SX sends back.

Which records an action may have: CBP CATAIR Cargo Release v40, usage maps of A and R, of D and of U. The edits
themselves stand by their question: :mod:`.cargo_header`, :mod:`.cargo_bills`, :mod:`.cargo_parties`,
:mod:`.cargo_goods`, :mod:`.cargo_type86`, :mod:`.pga_checks`; their codes in :mod:`.cargo_conditions`. Edits that need
the books (number on file, state of the entry) are the desk's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sandbox.abi.batch_reader import Line
from sandbox.abi.cargo_bills import bills
from sandbox.abi.cargo_conditions import Edit
from sandbox.abi.cargo_entry import EntryFiled
from sandbox.abi.cargo_goods import goods
from sandbox.abi.cargo_header import additional, contact, full_header, header, references
from sandbox.abi.cargo_parties import parties
from sandbox.abi.cargo_type86 import suspended, type_86
from sandbox.abi.findings import Case
from sandbox.abi.pga_checks import agency_records

ALLOWED_BY_ACTION: Final = {
    "D": frozenset({"SE10", "SE13", "SE20"}),
    "U": frozenset({"SE10", "SE11", "SE13", "SE15", "SE16", "SE17", "SE20"}),
}
"""Usage maps of D and U."""


def judge(case: Case) -> dict[int, list[Edit]]:
    """All edits by the position of their record; an empty one means that the transaction may go to the books."""
    entry, action = case.entry, case.entry.head["action"]
    for line in entry.lines:
        _layout(case, line)
    header(case)
    allowed = ALLOWED_BY_ACTION.get(action)
    for line in entry.lines:
        if allowed is not None and line.id not in allowed:
            case.add(line, "record-not-allowed")
        elif line.id == "SF10":
            case.add(line, "filing-unmodelled")
    contact(case)
    references(case)
    if action in {"A", "R"}:
        full_header(case)
        additional(case)
        bills(case)
        parties(case)
        goods(case)
        agency_records(case)
        if case.type == "86":
            type_86(case)
    elif action == "U":
        additional(case)
        bills(case)
        if case.type == "86":
            suspended(case)
    marks = entry.marks()
    if "REJ" in marks:
        _by_marker(case, marks.code)
    return case.result()


def _by_marker(case: Case, code: str) -> None:
    if not code:
        case.add(case.head, "marker")
        return
    case.put(case.head, Edit(code, "REJECTED BY MARKER", "the sandbox's own, version 1, magic markers"))


def _layout(case: Case, line: Line) -> None:
    """Data classes and mandatory fields of one record."""
    for fault in line.faults():
        if fault.kind == "class":
            if (line.id, fault.name) == ("SE10", "value"):
                case.add(line, "value-invalid")
            else:
                case.add(line, "data-class", column=fault.column, record=f"{line.id} {fault.column}")
        elif fault.kind == "missing":
            case.add(line, "data-missing", column=fault.column, record=f"{line.id} {fault.column}")


_ANEW: Final = {"SE40": ("SE60", "OI", "PG01"), "SE60": ("OI", "PG01"), "OI": ("PG01",)}
"""Records that begin a group anew, and what of an earlier one is over then."""
_GROUP_HEAD: Final = {"SE35": "SE30", "SE36": "SE30", "SE31": "SE30", "SE55": "SE50", "SE56": "SE50", "SE51": "SE50"}


def echo(entry: EntryFiled, edits: dict[int, list[Edit]]) -> Iterator[tuple[Line, list[Edit]]]:
    """Records an SX sends back: SE10, SE11 and SE15 always, others only when in error, with what opens their group."""
    last: dict[str, Line] = {}
    given: set[int] = set()
    for line in entry.lines:
        for inner in _ANEW.get(line.id, ()):
            last.pop(inner, None)
        last[line.id] = line
        wrong = edits.get(line.position, [])
        if not wrong and line.id not in {"SE10", "SE11", "SE15"}:
            continue
        for name in _above(line):
            opener = last.get(name)
            if opener is not None and opener.position not in given and opener is not line:
                given.add(opener.position)
                yield opener, []
        given.add(line.position)
        yield line, wrong


def _above(line: Line) -> tuple[str, ...]:
    """What opens the groups that a record stands in, outermost first."""
    if line.id[:2] in {"OI", "PG"}:
        return ("SE40", "SE60", "OI", "PG01")
    head = _GROUP_HEAD.get(line.id, "")
    if line.id in {"SE41", "SE60", "SE50"} or head == "SE50":
        return ("SE40", head)
    return ("SE40", "SE60") if line.id == "SE61" else (head,)
