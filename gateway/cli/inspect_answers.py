"""What does a message from CBP refuse or hold, and where does it say so?

The meaning is that of :mod:`mappings.outcomes`; here it gets its place in the message and a sentence. Rules:

- What stops something is an error (refused, held, an exam, documents wanted, a release taken back), and so is a code
  that is not known; what merely warns is a warning; what a later status in the same message has lifted is neither.
- A refusal that names its reasons is told by its reasons. The verdict on the whole stands above them; it is an
  error of its own only where no reason is given.
- Nothing is believed or acted upon here, so that a damaged answer is explained as far as it can be read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.cli.inspect_overtaken import still_true
from gateway.cli.inspect_words import (
    BLOCKING,
    REMEDIES,
    STATES,
    counted,
    meaning_of,
    mend_manifest,
    sentence,
    severity_of,
)
from mappings.outcomes import Outcome
from mappings.outcomes_x12 import outcomes_of
from schemas.profile import Profile
from schemas.x12 import CODES, SEGMENTS, SETS, Interchange, PlacedSegment
from schemas.x12.describe import NOT_FOR_TRUCKS

_DUPLICATE: Final = "The number was used before: find out whether the first one arrived before sending under a new one."
_ENVELOPE_NOTED: Final = "Nothing is refused by it: mend the envelope before the next interchange."
_NO_ERROR: Final = "000"
_REMARKED: Final = "It repeats what the remarks on the shipments say: mend those."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a message reports.

    ``told_in`` is the number of the segment or record that says so, ``element`` or ``key`` the part of it;
    ``about`` the number of the one it speaks of (0: none stands in the message), with ``about_element`` or
    ``about_key``. ``private`` are texts in the sentence that are hidden when personal data are.
    """

    severity: str
    code: str
    meaning: str
    text: str
    remedy: str = ""
    reference: str = ""
    told_in: int = 0
    element: int = 0
    key: str = ""
    about: int = 0
    about_element: int = 0
    about_key: str = ""
    subject: tuple[tuple[str, str], ...] = ()
    private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message says as a whole: a meaning of outcomes (``""``: it answers nothing) and one sentence."""

    meaning: str = ""
    text: str = ""


@dataclass(slots=True)
class Answer:
    """Everything that one set, or one transaction, reports."""

    findings: list[Finding] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)


def subject_of(outcome: Outcome) -> tuple[tuple[str, str], ...]:
    """What an outcome is about, as pairs for the document."""
    named = (
        ("shipment_control_number", outcome.scn),
        ("entry_number", outcome.entry_number),
        ("trip_number", outcome.trip_number),
        ("holder", str(outcome.correlation.get("holder", ""))),
        ("field", outcome.field_path),
    )
    return tuple((name, value) for name, value in named if value)


# ---------------------------------------------------------------------------------------------------- X12


def x12_answer(read: Interchange, profile: Profile) -> Answer:
    """What a 355, 350, 997 or TA1 reports; an empty answer for any other interchange."""
    outcomes, problems = outcomes_of(read, profile)
    if read.set_id == "355":
        return _acceptance(outcomes, profile)
    if read.set_id == "350":
        passed_over = sum(one.code == "unreadable_response" and one.path.startswith("X4[") for one in problems)
        return _status(outcomes, profile, passed_over)
    if read.set_id == "997":
        return _acknowledgment(read, outcomes)
    return _interchange(outcomes) if read.ta1 is not None and not read.set_id else Answer()


def _number(outcome: Outcome, name: str = "told_in") -> int:
    value = outcome.correlation.get(name, 0)
    return value if isinstance(value, int) else 0


def _acceptance(outcomes: list[Outcome], profile: Profile) -> Answer:
    answer = Answer()
    *remarks, verdict = outcomes
    for one in remarks:
        known = profile.error(one.code, one.text)
        bill = f"Shipment {one.scn}: " if one.scn else ("A shipment: " if one.scope == "shipment" else "The trip: ")
        said = f"{one.code} {one.text}".strip()
        meant = f" ({known.text})" if known is not None and known.text.lower() not in said.lower() else ""
        severity = severity_of(one.meaning)
        answer.findings.append(
            Finding(
                severity,
                one.code or "remark",
                one.meaning,
                f"{bill}CBP says {said}{meant}.",
                mend_manifest(one) if severity == "error" else _REMARKED,
                known.source if known is not None else SEGMENTS["K1"].source,
                _number(one),
                1,
                about=_number(one, "about"),
                about_element=_number(one, "element"),
                subject=subject_of(one),
            )
        )
    accepted, rejected = verdict.correlation.get("accepted"), verdict.correlation.get("rejected")
    trip = f" of trip {verdict.trip_number}" if verdict.trip_number else ""
    if rejected:
        total = rejected + (accepted or 0)
        text = f"CBP refuses {rejected} of {counted(total, 'bill')}{trip}"
        if any(one.meaning == "warning" for one in remarks):
            text += "; the manifest is preliminary again"
    elif verdict.meaning == "rejected":
        text = f"CBP refuses the manifest{trip}"
    elif verdict.meaning == "unknown":
        text = f"CBP answers the manifest{trip}, but its summary cannot be read"
    else:
        text = f"CBP accepts the manifest{trip}" + (f" with {counted(accepted, 'bill')}" if accepted else "")
    answer.verdict = Verdict(verdict.meaning, text + ".")
    if verdict.meaning == "rejected" and not any(one.severity == "error" for one in answer.findings):
        answer.findings.append(_whole(verdict, text, 1))
    elif verdict.meaning == "unknown":
        remedy = "Nothing is known to be accepted: let a person read it, and ask CBP."
        answer.findings.append(
            Finding(
                "error",
                "unknown_answer",
                "unknown",
                text + ".",
                remedy,
                SEGMENTS["K3"].source,
                _number(verdict),
                1 if _number(verdict) else 0,
                subject=subject_of(verdict),
            )
        )
    return answer


def _whole(outcome: Outcome, text: str, element: int) -> Finding:
    """A refusal that names no reason."""
    return Finding(
        "error",
        outcome.code or outcome.meaning,
        outcome.meaning,
        text + ": it gives no reason.",
        REMEDIES.get(outcome.meaning, ""),
        SEGMENTS[outcome.place].source if outcome.place in SEGMENTS else "",
        _number(outcome),
        element,
        subject=subject_of(outcome),
    )


def _status(outcomes: list[Outcome], profile: Profile, passed_over: int) -> Answer:
    answer = Answer()
    for one in still_true(outcomes):
        severity = severity_of(one.meaning)
        if not severity:
            continue
        remarks = "; ".join(str(each) for each in one.correlation.get("remarks", ()))
        who = f"shipment {one.scn}" if one.scn else "the trip"
        said = one.text or "no text"
        if one.meaning == "unknown":
            # a shipment's status is never passed over; the events of a trip have no list at all
            severity, said = ("error" if one.scn else "warning"), f"code {one.code or 'missing'} is {said}".strip()
        answer.findings.append(
            Finding(
                severity,
                "unknown_code" if one.meaning == "unknown" else one.code or one.meaning,
                one.meaning,
                f"{sentence(who, one.meaning)}: {said}" + (f" – CBP says: {remarks}." if remarks else "."),
                REMEDIES.get(one.meaning, ""),
                _disposition_source(one.code, profile),
                _number(one),
                7 if one.scn else 0,
                subject=subject_of(one),
                private=tuple(str(each) for each in one.correlation.get("remarks", ())),
            )
        )
    answer.verdict = _states(outcomes, "shipment", "CBP tells nothing of any shipment.", passed_over)
    return answer


def _disposition_source(code: str, profile: Profile) -> str:
    """Who says what a disposition means; a list for all modes of transport is named as such."""
    known = profile.dispositions.get(code)
    if known is None:
        return SETS["350"].source
    return known.source if known.truck else f"{known.source}; {NOT_FOR_TRUCKS}"


def _states(outcomes: Iterable[Outcome], noun: str, nothing: str, passed_over: int) -> Verdict:
    """The verdict of a status: how many of them stand where; the worst decides the meaning.

    ``passed_over``: those of which nothing could be read.
    """
    last: dict[str, str] = {}
    for one in still_true(list(outcomes)):
        name = one.scn if noun == "shipment" else one.entry_number
        if name:
            before = last.get(name, "")
            last[name] = before if before in BLOCKING and one.meaning not in BLOCKING else one.meaning
    if not last and not passed_over:
        return Verdict("", nothing)
    counts = Counter(last.values())
    if passed_over:
        counts["unreadable"] = passed_over
    worst = next((meaning for meaning in BLOCKING if meaning in counts), counts.most_common(1)[0][0])
    parts = ", ".join(f"{number} {STATES[meaning]}" for meaning, number in counts.most_common())
    if len(last) == 1 and not passed_over:
        return Verdict(meaning_of(worst), sentence(f"{noun} {next(iter(last))}", worst) + ".")
    return Verdict(meaning_of(worst), f"Of {counted(counts.total(), noun)}: {parts}.")


def _words(name: str, code: str) -> str:
    return CODES[name].codes.get(code, "not in the list")


def _acknowledgment(read: Interchange, outcomes: list[Outcome]) -> Answer:
    answer = Answer()
    *faults, verdict = outcomes
    set_id = next((one.element(1) for one in read.segments if one.id == "AK2"), "") or "message"
    at = {one.number: one for one in read.segments}
    for one in faults:
        found = re.fullmatch(r"(?P<id>.*)\[(?P<number>.*)\](?:\..*?(?P<element>\d\d))?", one.place)
        name, number = (found["id"], found["number"]) if found else (one.place, "?")
        element = int(found["element"]) if found and found["element"] else 0
        definition = SEGMENTS.get(name)
        part = f", element {element}" if element else ""
        if definition and 0 < element <= len(definition.elements):
            part += f" ({definition.elements[element - 1].name})"
        told = at.get(_number(one))
        at_element = told is not None and told.id == "AK4"
        answer.findings.append(
            Finding(
                severity_of(one.meaning),
                f"{'AK4' if at_element else 'AK3'}-{one.code or '?'}",
                one.meaning,
                f"Segment {number} ({name}) of our {set_id}{part}: {one.text}.",
                REMEDIES["syntax_rejected" if one.meaning == "syntax_rejected" else "warning"],
                SEGMENTS["AK4" if at_element else "AK3"].source,
                _number(one),
                3 if at_element else 4,
                subject=subject_of(one),
            )
        )
    refused = [one for one in read.segments if one.id in ("AK5", "AK9") and one.element(1) not in ("A", "E")]
    for segment in refused:
        reasons = _reasons(segment)
        if reasons or (segment.id == "AK5" and not faults):
            answer.findings.append(_refused_whole(segment, reasons, set_id))
    for segment in read.segments:
        if segment.id in ("AK5", "AK9") and segment.element(1) == "E" and (reasons := _reasons(segment)):
            answer.findings.append(_noted(segment, reasons, set_id))
    answer.verdict = Verdict(verdict.meaning, _group_text(verdict, refused, set_id))
    if verdict.meaning == "syntax_rejected" and not any(one.severity == "error" for one in answer.findings):
        answer.findings.append(_whole(verdict, answer.verdict.text.rstrip("."), 1))
    return answer


def _group_text(verdict: Outcome, refused: Sequence[PlacedSegment], set_id: str) -> str:
    """The sentence on the whole group; where its parts contradict each other, that is what it says."""
    group, code = verdict.correlation.get("group_control", ""), verdict.code
    what = f"group {group} with our {set_id}"
    sets = sum(one.id == "AK5" for one in refused)
    if code in ("A", "E") and sets:
        told = f"the group is {verdict.text}, but {counted(sets, 'message')} in it refused; take nothing for accepted"
        return f"CBP contradicts itself about {what}: {told}."
    if code == "P":
        return f"CBP accepts only a part of {what}: {verdict.text}."
    word = "refuses" if verdict.meaning == "syntax_rejected" else "could read and accepts"
    result = verdict.text if code in CODES["group_result"].codes else f"result {code or 'missing'} is not in the list"
    return f"CBP {word} {what}: {result}."


def _noted(segment: PlacedSegment, reasons: Sequence[str], set_id: str) -> Finding:
    """An acceptance that names errors."""
    what = f"Our {set_id}" if segment.id == "AK5" else "The group"
    return Finding(
        "warning",
        f"{segment.id}-E",
        "warning",
        f"{what} is accepted, with errors noted: {', '.join(reasons)}.",
        REMEDIES["warning"],
        SEGMENTS[segment.id].source,
        segment.number,
        2 if segment.id == "AK5" else 5,
    )


def _reasons(segment: PlacedSegment) -> list[str]:
    first, name = (2, "set_error") if segment.id == "AK5" else (5, "group_error")
    return [_words(name, code) for code in segment.elements[first - 1 :] if code]


def _refused_whole(segment: PlacedSegment, reasons: list[str], set_id: str) -> Finding:
    what = f"Our {set_id}" if segment.id == "AK5" else "The group"
    result = _words("set_result" if segment.id == "AK5" else "group_result", segment.element(1))
    because = ": " + ", ".join(reasons) if reasons else ": no reason is given"
    return Finding(
        "error",
        f"{segment.id}-{segment.element(1) or '?'}",
        "syntax_rejected",
        f"{what} is {result}{because}.",
        REMEDIES["syntax_rejected"],
        SEGMENTS[segment.id].source,
        segment.number,
        (2 if segment.id == "AK5" else 5) if reasons else 1,
    )


def _interchange(outcomes: list[Outcome]) -> Answer:
    """A TA1: it stands in the envelope, so that its number is 0."""
    answer = Answer()
    for one in outcomes:
        number = one.correlation.get("interchange_control", "")
        result = str(one.correlation.get("result", ""))
        refused = one.meaning == "syntax_rejected"
        noted = not refused and (result != "A" or one.code not in ("", _NO_ERROR))
        word, is_ = (
            ("refuses", "is refused") if refused else ("could read and accepts", "is accepted, with errors noted")
        )
        said = one.text
        if result not in CODES["interchange_result"].codes:
            word, is_ = "does not accept", "is not accepted"
            said = f"result {result or 'missing'} is not in the list; note {one.code or 'missing'}: {one.text}"
        how = ", with errors noted" if noted else ""
        answer.verdict = Verdict(one.meaning, f"CBP {word} interchange {number}{how}: {said}.")
        if refused or noted:
            remedy = _DUPLICATE if one.code == "025" else REMEDIES["syntax_rejected"]
            answer.findings.append(
                Finding(
                    "error" if refused else "warning",
                    f"TA1-{one.code or '?'}",
                    one.meaning if refused else "warning",
                    f"Our interchange {number} {is_}: {said}.",
                    remedy if refused else _ENVELOPE_NOTED,
                    SEGMENTS["TA1"].source,
                    0,
                    5,
                    subject=subject_of(one),
                )
            )
    return answer
