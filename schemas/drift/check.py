"""From the texts and workbooks of a folder to its findings, without opening a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from schemas.catair.codes import CodeList
from schemas.catair.layouts import RecordDef
from schemas.catair.usage import UsageMap
from schemas.drift.accepted import Accepted
from schemas.drift.compare import Difference, compare_guide, uncovered, weigh
from schemas.drift.dictionary import DICTIONARY, compare_dictionary, read_dictionary
from schemas.drift.guide_text import body_lines
from schemas.drift.guides import identify, load_guides
from schemas.drift.layout_parser import parse_layouts
from schemas.drift.report import Finding, Findings
from schemas.drift.usage_maps import compare_usage_maps, maps_not_compared


def check_texts(
    texts: Mapping[str, str],
    tables: Mapping[str, RecordDef],
    accepted: Sequence[Accepted],
    *,
    maps: Mapping[str, UsageMap] | None = None,
    workbooks: Mapping[str, bytes] | None = None,
    lists: Mapping[str, CodeList] | None = None,
) -> Findings:
    """Compare every guide among ``texts`` (name of the file → text) with ``tables``.

    A text that prints record layouts and is no guide we know is a difference too: a chapter has come that nobody looks
    at. With ``maps`` the usage maps of the guides are compared too, with ``workbooks`` and ``lists`` the error
    dictionary among the workbooks with the lists that cite it. ValueError names a workbook that cannot be read.
    """
    findings: list[Finding] = []
    other: list[str] = []
    unknown: list[Difference] = []
    for name in sorted(texts):
        guide = identify(texts[name])
        if guide is not None:
            report = compare_guide(guide, texts[name], tables)
            if maps is not None and guide.held:
                more, compared = compare_usage_maps(guide, body_lines(texts[name]), maps)
                report = replace(report, differences=(*report.differences, *more), maps=compared)
            findings.append(Finding(name, report, weigh(report.differences, accepted, {guide.key})))
            continue
        layouts = parse_layouts(body_lines(texts[name]))
        if layouts:
            said = f"{len(layouts)} record layouts of an unknown guide"
            unknown.append(Difference("", "record", name, said, "", layouts[0].page, layouts[0].line))
        else:
            other.append(name)
    notes, lost = uncovered([one.report for one in findings], tables)
    found = {one.report.guide.key for one in findings}
    missing = tuple(one.title for one in load_guides() if one.expected and one.key not in found)
    compared_maps = tuple(name for one in findings for name in one.report.maps)
    left_maps = maps_not_compared(maps or {}, compared_maps, {one.key for one in load_guides()} - found)
    for name in sorted(workbooks or {}):
        try:
            dictionary = read_dictionary((workbooks or {})[name])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        if dictionary is None:
            other.append(name)
        else:
            report = compare_dictionary(dictionary, lists or {})
            findings.append(Finding(name, report, weigh(report.differences, accepted, {DICTIONARY.key})))
    if lists and not any(one.report.guide is DICTIONARY for one in findings):
        notes.append(f"{DICTIONARY.title}: not in the folder; its codes are not compared")
    return Findings(tuple(findings), tuple(other), tuple(notes), (*unknown, *lost), missing, compared_maps, left_maps)
