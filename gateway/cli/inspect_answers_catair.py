"""What does a CATAIR answer refuse or hold, transaction by transaction?

SX and SO are read by :mod:`mappings.outcomes_catair`, a refused batch by :mod:`mappings.outcomes_rejection`; the
answer to an entry query (C1) holds the records of a status under other names and is read as one. The conditions of an
entry summary's answer (E1) and the error of a query (WR0) mean what their own codes say. The rules are those of
:mod:`gateway.cli.inspect_answers`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from gateway.cli.inspect_answers import Finding, Verdict, subject_of
from gateway.cli.inspect_contents import entry_name
from gateway.cli.inspect_overtaken import still_true
from gateway.cli.inspect_words import (
    BLOCKING,
    REMEDIES,
    STATES,
    counted,
    meaning_of,
    mend_entry,
    sentence,
    severity_of,
    state_of,
)
from mappings.outcomes import Outcome
from mappings.outcomes_catair import transaction_outcomes
from mappings.outcomes_query import as_status
from mappings.outcomes_rejection import read_rejection
from schemas.catair import RECORDS, Batch, Block, PlacedRecord, Record, Transaction, code_lists, look_up

ANSWERS: Final = {"SX": "entry", "SO": "entry", "C1": "entry", "AX": "entry summary"}
"""Applications that answer or tell, and what they speak of."""

_SEVERITIES: Final = {"F": "error", "W": "warning", "P": "warning"}
_FAULT: Final = "11"
"""Type of an SE90 that tells of an error at a record."""
_QUERY_CODE: Final = "error_message_identifier"
_QUERY_ERRORS: Final = frozenset({"WR0", "WSA", "WSB"})
_NOT_FOUND: Final = frozenset({"950", "122", "123"})
_SUMMARY: Final = "Mend what CBP names; the whole entry summary is sent again."


def _source(layout: str) -> str:
    return RECORDS[layout].source if layout in RECORDS else ""


class BatchAnswers:
    """The answers of one batch, one transaction after the other, and in the end the verdict of all."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.noun = ANSWERS.get(batch.application, "entry")
        self._states: Counter[str] = Counter()
        self._only = ""
        self._contradicted = 0

    def transaction(self, block: Block, transaction: Transaction) -> list[Finding]:
        """What one transaction reports."""
        application = self.batch.application
        if self.batch.rejected:
            return self._rejection(block, transaction)
        if application == "SX":
            return self._response(block, transaction)
        if application in ("SO", "C1"):
            return [*self._query_errors(transaction), *self._status(block, transaction)]
        return self._conditions(transaction) if application == "AX" else []

    def verdict(self) -> Verdict:
        """What the batch says as a whole."""
        if self.batch.rejected:
            conditions = self._states.total()
            return Verdict("syntax_rejected", f"CBP refuses the whole batch ({counted(conditions, 'condition')}).")
        total = self._states.total()
        if not total:
            return Verdict()
        worst = next((one for one in BLOCKING if one in self._states), self._states.most_common(1)[0][0])
        if self.batch.application in ("SX", "AX"):
            number = self._states[worst]
            verb = {"rejected": "refuses", "accepted": "accepts", "accepted_with_warning": "accepts"}
            how = " with warnings" if worst == "accepted_with_warning" else ""
            if worst not in verb and total > 1:
                return Verdict(meaning_of(worst), f"Of {counted(total, self.noun)}: {self._list()}.")
            of = f"{number} of {counted(total, self.noun)}" if total > 1 else f"{self.noun} {self._only}".strip()
            if worst in verb:
                doubtful = self._contradicted and worst != "rejected"
                but = f", though the answer tells {counted(self._contradicted, 'error')}" if doubtful else ""
                return Verdict(meaning_of(worst), f"CBP {verb[worst]} {of}{how}{but}.")
        if total == 1:
            return Verdict(meaning_of(worst), sentence(f"{self.noun} {self._only}".strip(), worst) + ".")
        return Verdict(meaning_of(worst), f"Of {counted(total, self.noun)}: {self._list()}.")

    def _list(self) -> str:
        return ", ".join(f"{number} {STATES[state]}" for state, number in self._states.most_common())

    def _count(self, meaning: str, entry: str) -> None:
        self._states[meaning] += 1
        self._only = entry_name(entry)

    # ------------------------------------------------------------------------------------------------- SX

    def _response(self, block: Block, transaction: Transaction) -> list[Finding]:
        outcomes, _ = transaction_outcomes(self.batch, block, transaction)
        if not outcomes:
            return []
        *conditions, verdict = outcomes
        self._count(verdict.meaning, verdict.entry_number)
        records = {placed.number: placed for placed in transaction.records}
        findings = [self._condition(one, records) for one in conditions]
        faults = [one for one in transaction.all("SE90") if one.text("message_type_code") == _FAULT]
        if faults and verdict.meaning not in ("rejected", "unknown"):
            self._contradicted += len(faults)
            state = sentence(f"entry {entry_name(verdict.entry_number)}", verdict.meaning)
            text = f"{state}, yet the same answer tells {counted(len(faults), 'error')} at its records."
            remedy = "Ask CBP whether the entry is on file before the goods move; mend what the conditions name."
            made = self._made(verdict, text, "message_type_code", "SE90")
            findings.append(replace(made, severity="warning", code="contradiction", meaning="warning", remedy=remedy))
        if verdict.meaning == "rejected" and not any(one.severity == "error" for one in findings):
            text = f"Entry {entry_name(verdict.entry_number)} is refused: {verdict.text or 'no reason is given'}."
            remedy = "Ask CBP for the reason; the whole entry is sent again."
            findings.append(replace(self._made(verdict, text, "message_type_code", "SE90"), remedy=remedy))
        elif verdict.meaning == "unknown":
            text = f"{sentence(f'entry {entry_name(verdict.entry_number)}', 'unknown')}: {verdict.text}."
            findings.append(
                replace(
                    self._made(verdict, text, "message_type_code", "SE90"),
                    code="unknown_answer",
                    remedy="Nothing is known to be accepted: let a person read it, and ask CBP.",
                )
            )
        return findings

    def _condition(self, one: Outcome, records: Mapping[int, PlacedRecord]) -> Finding:
        about = int(one.correlation["record"])
        placed = records.get(about)
        layout = placed.layout if placed is not None else "?"
        key = str(one.correlation.get("field", ""))
        known = look_up("se_conditions", one.code) if one.code else None
        name = RECORDS[layout].keys[key].name if layout in RECORDS and key in RECORDS[layout].keys else ""
        part = f", {name}" if name else ""
        meant = f" ({known.text})" if known is not None and known.text.upper() not in one.text.upper() else ""
        text = f"Entry {entry_name(one.entry_number)}, {layout}{part}: {one.code} {one.text}{meant}."
        finding = self._made(one, text.replace(":  ", ": "), "message_identifier_code", "SE90")
        source = known.source if known is not None else finding.reference
        remedy = mend_entry(one, layout, key) if one.meaning == "rejected" else finding.remedy
        return replace(finding, about=about, about_key=key, reference=source, remedy=remedy)

    def _made(self, one: Outcome, text: str, key: str, layout: str) -> Finding:
        return Finding(
            severity_of(one.meaning) or "warning",
            one.code or one.meaning,
            one.meaning,
            text,
            REMEDIES.get(one.meaning, ""),
            _source(layout),
            int(one.correlation.get("told_in", 0)),
            key=key,
            subject=subject_of(one),
        )

    # ------------------------------------------------------------------------------------------ SO and C1

    def _status(self, block: Block, transaction: Transaction) -> list[Finding]:
        records = {placed.number: placed for placed in transaction.records}
        status = Batch(header=self.batch.header, application="SO", outgoing=False)
        told = Transaction(records=[as_status(placed) for placed in transaction.records])
        outcomes, _ = transaction_outcomes(status, block, told)
        if not outcomes:
            return []
        current = still_true(outcomes)
        states = [state_of(one) for one in current]
        stopped = next((state for state in BLOCKING if state in states), "")
        self._count(stopped or _decisive(current), outcomes[0].entry_number)
        findings = []
        tariffs = _tariffs(transaction)
        for one in current:
            placed = records.get(int(one.correlation.get("told_in", 0)))
            if severity_of(state_of(one)) and placed is not None:
                findings.append(self._disposition(one, placed, tariffs))
        return findings

    def _disposition(self, one: Outcome, placed: PlacedRecord, tariffs: Mapping[object, list[str]]) -> Finding:
        layout = placed.layout
        key = {"50": "disposition_code", "60": "disposition_action_code"}.get(layout[2:4], "")
        goods = ""
        if layout[2:4] == "70":
            level = "entry" if placed.record.text("pga_entry_level_status_code") else "line"
            key = f"pga_{level}_level_status_code"
            goods = _goods(placed.record, tariffs)
        holder = str(one.correlation.get("holder", ""))
        state = state_of(one)
        entry = sentence(f"entry {entry_name(one.entry_number)}{goods}", state)
        by = f" by {_agency(holder)}" if holder not in ("", "CBP") else ""
        bill = f" (bill {one.scn})" if one.scn and layout[2:4] in ("40", "50") else ""
        remedy = REMEDIES.get(state, "")
        if state == "rejected":
            remedy = "Mend what the agency names; the whole entry is sent again."
        document = str(one.correlation.get("document_type", ""))
        if document:
            remedy = f"Send document {document}. {remedy}".strip()
        comments = tuple(
            str(each) for name in ("comments", "agency_comments") for each in one.correlation.get(name, ())
        )
        extra = "".join(f" Comment: {each}." for each in one.correlation.get("agency_comments", ()))
        said = f"code {one.code or 'missing'} is in no list known here" if state == "unknown" else one.code
        text = f"{entry}{bill}{by}: {said} {one.text}".rstrip() + f".{extra}"
        finding = self._made(one, text, key, layout)
        known = look_up(str(one.correlation.get("list", "")), one.code) if one.code else None
        return replace(
            finding,
            severity=severity_of(state),
            code="unknown_code" if state == "unknown" else finding.code,
            meaning=meaning_of(state),
            remedy=remedy,
            reference=known.source if known is not None else finding.reference,
            private=comments,
        )

    def _query_errors(self, transaction: Transaction) -> Iterator[Finding]:
        for placed in transaction.records:
            if placed.layout not in _QUERY_ERRORS:
                continue
            noun, name = _asked_about(placed)
            state = "not_found" if placed.record.text(_QUERY_CODE) in _NOT_FOUND else "query_refused"
            self._states[state] += 1
            self.noun, self._only = noun, name
            what = f"The query for {noun} {name} has no answer" if name else "The query has no answer"
            remedy = REMEDIES[state] if noun == "entry" else f"Check the number of the {noun}, then ask again."
            said = placed.record.text("narrative_message")
            yield self._coded(placed, "query_errors", _QUERY_CODE, what, said, remedy)

    def _coded(self, placed: PlacedRecord, name: str, key: str, what: str, said: str, remedy: str) -> Finding:
        code = placed.record.text(key)
        known = look_up(name, code) if code and name in code_lists() else None
        meant = f" ({known.text})" if known is not None and known.text.upper() not in said.upper() else ""
        return Finding(
            "error",
            code or placed.layout,
            "rejected",
            f"{what}: {code} {said}{meant}.".replace("  ", " "),
            remedy,
            known.source if known is not None else _source(placed.layout),
            placed.number,
            key=key,
        )

    # ------------------------------------------------------------------------------------------------- AX

    def _conditions(self, transaction: Transaction) -> list[Finding]:
        """E1 conditions of an entry summary's answer; each stands under the E0 that says what it is about."""
        findings: list[Finding] = []
        about: PlacedRecord | None = None
        final: PlacedRecord | None = None
        for placed in transaction.records:
            if placed.layout.startswith("E0"):
                about = placed
            elif placed.layout.startswith("E1"):
                if placed.record.text("disposition_type_code"):
                    final = placed
                    continue
                severity = _SEVERITIES.get(placed.record.text("severity_code"), "")
                if severity:
                    findings.append(self._summary_condition(placed, about, severity))
        if final is None:
            return findings
        number = final.record.text("entry_filer_code") + final.record.text("entry_number")
        refused = final.record.text("disposition_type_code") == "R"
        self._count("rejected" if refused else "accepted", number)
        if refused and not any(one.severity == "error" for one in findings):
            what = f"Entry summary {entry_name(number)} is refused"
            said = final.record.text("narrative_text")
            findings.append(self._coded(final, "summary_conditions", "condition_code", what, said, _SUMMARY))
        return findings

    def _summary_condition(self, placed: PlacedRecord, about: PlacedRecord | None, severity: str) -> Finding:
        where = ""
        if about is not None:
            kind = about.record.text("reference_data_type_code") or about.layout.partition(".")[2]
            occurrence = about.record.get("occurrence_position")
            where = f" at {kind}" + (f" number {occurrence}" if isinstance(occurrence, int) and occurrence else "")
        said = placed.record.text("narrative_text")
        finding = self._coded(placed, "summary_conditions", "condition_code", f"Entry summary{where}", said, _SUMMARY)
        if severity == "warning":
            finding = replace(
                finding, severity="warning", meaning="warning", remedy="Check the value; mend or override."
            )
        return replace(finding, about=about.number if about is not None else 0)

    # ----------------------------------------------------------------------------------------- refused batch

    def _rejection(self, block: Block, transaction: Transaction) -> list[Finding]:
        alone = replace_blocks(self.batch, block, transaction)
        references = sorted(placed.number for placed in transaction.records if placed.layout.startswith("X0"))
        findings = []
        final: Outcome | None = None
        for one in read_rejection(alone, None):
            if one.correlation.get("final"):
                final = one
                continue
            self._states[one.meaning] += 1
            where = "the batch itself" if one.place == "A" else f"{one.place} of the batch that was sent"
            known = look_up("batch_conditions", one.code)
            told = int(one.correlation.get("told_in", 0))
            before = bisect_left(references, told)
            about = references[before - 1] if before else 0
            finding = self._made(one, f"CBP finds in {where}: {one.code} {one.text}.", "condition_code", "X1")
            findings.append(
                replace(finding, about=about, reference=known.source if known is not None else finding.reference)
            )
        if final is not None and not self._states:
            findings.append(self._made(final, f"The batch is refused: {final.text}.", "condition_code", "X1"))
        return findings


def replace_blocks(batch: Batch, block: Block, transaction: Transaction) -> Batch:
    """The batch with one transaction only."""
    return Batch(
        header=batch.header,
        blocks=[Block(header=block.header, transactions=[transaction], trailer=block.trailer)],
        trailer=batch.trailer,
        application=batch.application,
        outgoing=batch.outgoing,
        rejected=batch.rejected,
        first_record=batch.first_record,
    )


def _decisive(outcomes: list[Outcome]) -> str:
    """The state of an entry that nothing stops: the last word on the entry itself, else on its bills."""
    for one in reversed(outcomes):
        if one.correlation.get("list") == "entry_dispositions" and state_of(one) not in ("info", "warning"):
            return state_of(one)
    return state_of(outcomes[-1])


def _agency(code: str) -> str:
    known = look_up("agencies", code)
    return f"{code} ({known.text})" if known is not None else code


def _asked_about(placed: PlacedRecord) -> tuple[str, str]:
    """What a query that has no answer was about: noun and number, the number empty where none was given."""
    record = placed.record
    if placed.layout == "WR0":
        number = record.text("entry_filer_code") + record.text("entry_number").strip()
        return "entry", entry_name(number) if number else ""
    if placed.layout == "WSB":
        return "air waybill", record.text("air_waybill_number")
    if record.text("in_bond_number"):
        return "in-bond", record.text("in_bond_number")
    return "bill", record.text("issuer_code_of_master_bill_number") + record.text("master_bill_number")


def _tariffs(transaction: Transaction) -> dict[object, list[str]]:
    """The tariff numbers of each line of an entry, in order."""
    found: dict[object, list[str]] = {}
    for placed in transaction.records:
        if placed.layout in ("SO30", "WO30"):
            line = placed.record.get("line_item_identifier")
            found.setdefault(line, []).append(str(placed.record.get("hts_number") or ""))
    return found


def _goods(record: Record, tariffs: Mapping[object, list[str]]) -> str:
    """The line, tariff number and PGA line that a status of an agency speaks of."""
    line, tariff, item = (record.get(f"beginning_{name}") for name in ("cbp_line", "tariff_position", "pga_line"))
    if not isinstance(line, int) or not line:
        return ""
    last = record.get("ending_cbp_line")
    text = f", lines {line} to {last}" if isinstance(last, int) and last > line else f", line {line}"
    numbers = tariffs.get(line, [])
    if isinstance(tariff, int) and 0 < tariff <= len(numbers):
        text += f", tariff number {numbers[tariff - 1]}"
    elif isinstance(tariff, int) and tariff:
        text += f", tariff position {tariff}"
    return text + (f", PGA line {item}" if isinstance(item, int) and item else "")
