"""How are the findings told, to people and to programs?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.drift.accepted import Accepted
from schemas.drift.compare import Difference, GuideReport, Weighed
from schemas.drift.dictionary import HEADS
from schemas.drift.guides import FRONT_LINES, load_guides

_KINDS = {
    "version": "edition",
    "record": "record",
    "field": "field",
    "columns": "columns",
    "class": "length and class",
    "use": "designation",
    "name": "name",
    "direction": "direction",
    "print": "print",
    "map": "usage map",
    "code": "code",
    "text": "text",
}

_PARTIAL = "--partial compares without it"


@dataclass(frozen=True, slots=True)
class Finding:
    """One guide's text in the folder: which file, what came of it, its differences weighed."""

    file: str
    report: GuideReport
    weighed: Weighed


@dataclass(frozen=True, slots=True)
class Findings:
    """The whole folder: guides, texts that are none, notes, and records of ours that cite no guide.

    ``missing`` are the titles of the guides that are expected and not there; ``left_maps`` gives for each usage map of
    ours that was not compared the reason.
    """

    guides: tuple[Finding, ...]
    other: tuple[str, ...]
    notes: tuple[str, ...]
    lost: tuple[Difference, ...]
    missing: tuple[str, ...] = ()
    compared_maps: tuple[str, ...] = ()
    left_maps: Mapping[str, str] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Only accepted differences are left, and every accepted one is still there."""
        return not self.lost and not any(one.weighed.open or one.weighed.stale for one in self.guides)

    def passes(self, *, partial: bool) -> bool:
        """Clean, and every expected guide was there; ``partial`` asks for no more than what is there."""
        return self.clean and (partial or not self.missing)


def _place(one: Difference) -> str:
    if not one.line:
        return "no place in the text"
    return f"page {one.page}, line {one.line}" if one.page else f"row {one.line}"


def _says(one: Difference) -> str:
    if one.kind == "print":
        return f"the guide prints: {one.printed}"
    printed = one.printed or "nothing"
    return f"the guide says {printed}; we say {one.held or 'nothing'}"


def _difference_line(one: Difference) -> str:
    return f"{one.at}: {_KINDS[one.kind]}: {_says(one)} ({_place(one)})"


def _stale_line(one: Accepted) -> str:
    kind = _KINDS.get(one.kind, one.kind)
    return f"{one.at}: {kind}: accepted, but no longer found: printed {one.printed!r}, ours {one.held!r}"


def as_lines(findings: Findings, *, reasons: bool, partial: bool = False) -> list[str]:
    """The report for people; with ``reasons`` the accepted differences are told one by one.

    With ``partial`` a missing guide is told by what is not compared for want of it, and not as a fault of its own.
    """
    lines: list[str] = []
    for finding in findings.guides:
        report, weighed = finding.report, finding.weighed
        lines.append(f"{report.guide.title}, version {report.version or 'not found'} ({finding.file})")
        if not report.guide.held:
            lines += [f"  not compared: {report.guide.reason}", ""]
            continue
        counted = f"{report.codes} codes" if report.codes else f"{report.records} records, {report.fields} fields"
        counted += f", {len(report.maps)} usage maps" if report.maps else ""
        lines.append(
            f"  {counted} compared; "
            f"{len(weighed.open)} differences, {len(weighed.accepted)} accepted, {len(weighed.stale)} stale"
        )
        lines += [f"  ! {_difference_line(one)}" for one in weighed.open]
        lines += [f"  ! {_stale_line(one)}" for one in weighed.stale]
        reason = ""
        for one, row in sorted(weighed.accepted, key=lambda pair: pair[1].reason) if reasons else ():
            if row.reason != reason:
                reason = row.reason
                lines.append(f"  = {reason}")
            lines.append(f"      {_difference_line(one)}")
        lines.append("")
    lines += [f"! {_difference_line(one)}" for one in findings.lost]
    if not partial:
        lines += [f"! {title}: expected, and not in the folder ({_PARTIAL})" for title in findings.missing]
    lines += list(findings.notes)
    if findings.compared_maps:
        lines.append(f"Usage maps compared: {', '.join(findings.compared_maps)}")
    lines += [f"Usage map {name} not compared: {reason}" for name, reason in findings.left_maps.items()]
    if findings.other:
        lines.append(f"Not recognised, and without record layouts: {', '.join(findings.other)}")
    return lines


def nothing_found(folder: str, findings: Findings, unread: Sequence[str]) -> list[str]:
    """Why there was nothing to compare: what is in the folder instead, and what is looked for."""
    lines = [f"{folder} holds no guide and no error dictionary that is known here."]
    lines += [f"  not recognised: {name}" for name in findings.other]
    lines += [f"  not recognised: {one.at} ({one.printed})" for one in findings.lost if one.printed]
    lines += [f"  not read, neither .txt nor .xlsx: {name}" for name in unread]
    lines.append(f"A guide is a .txt (pdftotext -layout) with one of these lines among its first {FRONT_LINES}:")
    lines += [f"  {one.says}" for one in load_guides()]
    lines.append(f"The error dictionary is an .xlsx with a sheet that begins {' | '.join(HEADS)}.")
    lines.append("docs/formats.md says which documents these are and where CBP has them.")
    return lines


def _difference_dict(one: Difference, row: Accepted | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "kind": one.kind,
        "at": one.at,
        "printed": one.printed,
        "held": one.held,
        "page": one.page,
        "line": one.line,
    }
    return told | {"reason": row.reason} if row else told


def _stale_dicts(rows: Sequence[Accepted]) -> list[dict[str, str]]:
    return [{"kind": one.kind, "at": one.at, "printed": one.printed, "held": one.held} for one in rows]


def as_document(findings: Findings, *, partial: bool = False) -> dict[str, Any]:
    """The report for programs; ``passes`` is what the exit status says, ``clean`` speaks of the guides there are."""
    return {
        "passes": findings.passes(partial=partial),
        "clean": findings.clean,
        "guides": [
            {
                "guide": one.report.guide.key,
                "title": one.report.guide.title,
                "version": one.report.version,
                "file": one.file,
                "compared": one.report.guide.held,
                "records": one.report.records,
                "fields": one.report.fields,
                "usage_maps": list(one.report.maps),
                "codes": one.report.codes,
                "differences": [_difference_dict(other) for other in one.weighed.open],
                "accepted": [_difference_dict(other, row) for other, row in one.weighed.accepted],
                "stale": _stale_dicts(one.weighed.stale),
            }
            for one in findings.guides
        ],
        "missing_guides": list(findings.missing),
        "usage_maps_not_compared": dict(findings.left_maps),
        "without_guide": [_difference_dict(one) for one in findings.lost],
        "notes": list(findings.notes),
        "other_texts": list(findings.other),
    }
