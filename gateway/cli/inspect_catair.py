"""What does a file of CATAIR say, record by record?

One message for each batch. Of a batch only the transaction that is being read is held, and the last records, so that
a problem that is told late still finds its line.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from gateway.cli.inspect_answers import Finding
from gateway.cli.inspect_answers_catair import BatchAnswers
from gateway.cli.inspect_checks import Doubt, entry_doubts
from gateway.cli.inspect_contents import BatchContents
from gateway.cli.inspect_places import Mark, record_mark
from gateway.cli.inspect_reading import Begin, End, Event, Notice, Notices, Part
from gateway.cli.inspect_streams import Records, RecordStep, Window
from schemas.catair import RECORDS, Batch, PlacedProblem, PlacedRecord
from schemas.catair.applications import applications
from schemas.catair.describe import batch_head, describe_problem, describe_record
from schemas.catair.masking import hidden_values, shown_line
from schemas.personal import without_quotes, without_values

REMEMBERED: Final = 4000
"""Records whose lines are remembered."""
CHECKED: Final = frozenset({"SE", "AE"})
"""Applications whose transactions name an entry and are ours."""


def catair_events(window: Window, errors: Notices, warnings: Notices, *, mask: bool) -> Iterator[Event]:
    """The events of a file; its errors and warnings go to the lists."""
    return _Catair(window, errors, warnings, mask=mask).events()


class _Catair:
    def __init__(self, window: Window, errors: Notices, warnings: Notices, *, mask: bool) -> None:
        self.window, self.errors, self.warnings, self.mask = window, errors, warnings, mask
        self.batch: Batch | None = None
        self.answers = BatchAnswers(Batch())
        self.recent: OrderedDict[int, PlacedRecord] = OrderedDict()
        self.waiting: list[tuple[int, int, PlacedProblem]] = []
        self.taken = 0
        self.contents = BatchContents()

    def events(self) -> Iterator[Event]:
        """Read everything."""
        records = Records(self.window, mask=self.mask)
        for step in records:
            if step.batch is not self.batch:
                yield from self._close()
                yield from self._open(step.batch)
            placed = step.placed
            self.recent[placed.number] = placed
            if len(self.recent) > REMEMBERED:
                self.recent.popitem(last=False)
            yield Part(partial(describe_record, placed, mask=self.mask))
            self._collect(records.problems, placed.number)
            self._end_transaction(step)
        self._collect(records.problems, None)
        yield from self._close()

    def _end_transaction(self, step: RecordStep) -> None:
        if step.last and step.block is not None and step.transaction is not None:
            self.contents.add(step.transaction)
            if step.batch.application in CHECKED:
                for doubt in entry_doubts(step.transaction.records):
                    self._doubt(doubt)
            records = {one.number: one for one in step.transaction.records}
            for finding in self.answers.transaction(step.block, step.transaction):
                self._finding(finding, records)

    def _open(self, batch: Batch) -> Iterator[Event]:
        self.batch, self.answers = batch, BatchAnswers(batch)
        self.contents = BatchContents(batch.application)
        head = batch_head(batch)
        known = applications().get(batch.application)
        head.pop("transactions")
        site = sent = ""
        if batch.header is not None:
            record = batch.header.record
            site = f"{record.text('sender_receiver_site_code')} {record.text('sender_receiver_id_code')}".strip()
            day = record.get("transmission_date")
            sent = str(day) if day is not None else ""
        sender, receiver = (site, "CBP") if batch.outgoing else ("CBP", site)
        name = "refusal of a whole batch" if batch.rejected else (known.name if known else "")
        yield Begin(head | {"name": name, "sender": sender, "receiver": receiver, "sent": sent}, "records")

    def _close(self) -> Iterator[Event]:
        batch, self.batch = self.batch, None
        if batch is None:
            return
        verdict = self.answers.verdict()
        summary = verdict.text or self.contents.sentence()
        yield End({"transactions": self.contents.total, "summary": summary, "verdict": verdict.meaning})

    # -------------------------------------------------------------------------------------------- notices

    def _collect(self, problems: Sequence[PlacedProblem], until: int | None) -> None:
        """Tell the new problems up to a record; later ones wait for theirs."""
        for at in range(self.taken, len(problems)):
            heapq.heappush(self.waiting, (problems[at].record, at, problems[at]))
        self.taken = len(problems)
        while self.waiting and (until is None or self.waiting[0][0] <= until):
            self._problem(heapq.heappop(self.waiting)[2])

    def _problem(self, problem: PlacedProblem) -> None:
        placed = self.recent.get(problem.record)
        marks: tuple[Mark, ...] = ()
        values: Sequence[str] = ()
        if placed is not None:
            start, end = _columns(placed, problem)
            marks = (record_mark(shown_line(placed, mask=self.mask), start, end),)
            values = hidden_values(placed, mask=self.mask)
            if self.mask and not placed.layout:
                problem = replace(problem, text=without_quotes(problem.text))
        notices = self.errors if problem.severity == "error" else self.warnings
        from_cbp = self.batch is not None and not self.batch.outgoing
        notices.add(Notice(describe_problem(problem, values, mask=self.mask, from_cbp=from_cbp), marks))

    def _doubt(self, doubt: Doubt) -> None:
        if doubt.placed is None:
            return
        start, end = _field_columns(doubt.placed, doubt.key)
        shown = {
            "code": doubt.code,
            "kind": "format",
            "position": f"record {doubt.placed.number}, column {start}",
            "path": f"{doubt.placed.layout}.{doubt.key}",
            "text": doubt.text,
            "remedy": doubt.remedy,
            "reference": doubt.reference,
        }
        self.warnings.add(Notice(shown, (record_mark(shown_line(doubt.placed, mask=self.mask), start, end),)))

    def _finding(self, finding: Finding, records: dict[int, PlacedRecord]) -> None:
        told, about = records.get(finding.told_in), records.get(finding.about) if finding.about else None
        marks: list[Mark] = []
        extra: dict[str, Any] = {}
        private = list(finding.private) if self.mask else []
        if about is not None:
            start, end = _field_columns(about, finding.about_key)
            position = f"record {about.number}" + (f", column {start}" if start else "")
            path = f"{about.layout}.{finding.about_key}" if start else about.layout
            extra["about"] = {"position": position, "path": path}
            label = f"about record {about.number}, {about.layout}"
            marks.append(record_mark(shown_line(about, mask=self.mask), start, end, label))
            private += hidden_values(about, mask=self.mask)
        position, path = "", ""
        if told is not None:
            start, end = _field_columns(told, finding.key)
            position = f"record {told.number}" + (f", column {start}" if start else "")
            path = f"{told.layout}.{finding.key}" if start else told.layout
            label = "said in" if about is not None else ""
            marks.append(record_mark(shown_line(told, mask=self.mask), start, end, label))
            private += hidden_values(told, mask=self.mask)
        document = {
            "code": finding.code,
            "kind": "answer",
            "position": position,
            "path": path,
            "text": without_values(finding.text, private),
            "remedy": finding.remedy,
            "reference": finding.reference,
            "meaning": finding.meaning,
            **dict(finding.subject),
            **extra,
        }
        (self.errors if finding.severity == "error" else self.warnings).add(Notice(document, tuple(marks)))


def _field_columns(placed: PlacedRecord, key: str) -> tuple[int, int]:
    """First and last column of a field, zeros for the whole record."""
    defined = RECORDS.get(placed.layout)
    if defined is None or key not in defined.keys:
        return 0, 0
    return defined.keys[key].start, defined.keys[key].end


def _columns(placed: PlacedRecord, problem: PlacedProblem) -> tuple[int, int]:
    """What a problem means: its field, a single column within it, or the whole record."""
    if not problem.column:
        return 0, 0
    defined = RECORDS.get(placed.layout)
    starts = {one.start: one.end for one in defined.fields} if defined is not None else {}
    return problem.column, starts.get(problem.column, problem.column)
