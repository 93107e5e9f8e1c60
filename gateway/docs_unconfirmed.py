"""What has not been confirmed about CBP's messages, and what must certification settle? ``docs/unconfirmed.md``.

Everything with a mark comes from the data: the profile, the X12 tables, the CATAIR tables, maps and code lists. The
list of questions for certification is the only part written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schemas.catair.codes import code_lists
from schemas.catair.layouts import RECORDS
from schemas.catair.usage import usage_maps
from schemas.profile import Profile, load_profile
from schemas.x12.tables import CODES, SEGMENTS, SETS

_OPENING: Final = """\
# What is not confirmed

Written by `python -m gateway.docs` from `schemas/data/profile.toml`, the tables of `schemas/x12`, and the tables, maps
and code lists of `schemas/catair`.

This gateway is not certified by CBP and has never sent a file to CBP. CBP's truck guides (309, 355, 350) are public in
part only. What they leave open stands in one place, as data, with how sure it is and where it comes from:

| mark | means |
|---|---|
| seen, sourced | read in a public copy of the named document |
| transcribed | read through a public transcription of the named document, not in CBP's own |
| recalled | general practice, not checked against a document |
| deduced | follows from something that was seen |
| unconfirmed, unsure | may be wrong |

When the official guide is at hand, edit the value in `schemas/data/profile.toml`, set its mark to `seen` and name the
guide. Tests of manifests and answers also run under a second profile, `alternate`, in which the facts marked † below
have other values, so that no code relies on the first. The simulated CBP reads the same profile: agreement between
gateway and sandbox confirms nothing here. Law that is not confirmed stands in
[the rule book](rules.md#not-confirmed).
"""

CERTIFICATION: Final = (
    (
        "Connection",
        "How files reach CBP. Private lines, IBM MQ over a VPN and service providers were seen; AS2 to CBP was not.",
    ),
    (
        "Identifiers",
        "Sender and receiver in ISA and GS for test and production; site, filer code and password of the A record.",
    ),
    (
        "Separators",
        "Segment terminator, component and repetition separator; line ends and character set of CATAIR files.",
    ),
    ("Releases", "The labels of GS08 and ISA12 for every set; whether 997 and TA1 are sent, and in which release."),
    ("Manifest header", "Which element of M10 holds the trip number; what M1003 to M1005 and M1013 to M1017 hold."),
    (
        "Crew and truck",
        "Role codes of NM1, the place of the issuing state of a document, FAST and ACE numbers, plates.",
    ),
    ("Shipment", "Bill types of M11 (13 against 35, PAPS), place of loading, qualifier of the HTS number."),
    (
        "Section 321 today",
        "The answer that a Section 321 bill gets since 29 August 2025; whether its bill types still exist.",
    ),
    (
        "Answers",
        "The layouts of K1 and K3 in a 355, the truck list of dispositions in a 350, V9 events, current error lists.",
    ),
    ("Amendments", "Reasons, actions and structures of 309 Y, 358 and 353. They are laid out, but not filed yet."),
    ("Cargo release", "Everything after version 40 of the chapter; the full list of condition codes and their texts."),
    ("Entry type 11", "Bond and buyer on informal entries for goods that were exempt before; checked with a broker."),
    (
        "Agency message sets",
        "Program and processing codes and the least set of records of each agency; FDA's prior notice number in PG14.",
    ),
    ("Status", "The current chapter of status notifications (SO), and the agencies' status and reason codes."),
    (
        "Limits and clocks",
        "Size of a message, the batch rule above 9,999 shipments, the zone of arrival times, lead times.",
    ),
)
"""What only CBP can answer, by subject."""


def page() -> str:
    """The page, ending with a line break."""
    default, other = load_profile(), load_profile("alternate")
    parts = [
        _OPENING,
        "## Facts of the profile\n",
        _table(("fact", "value", "mark", "source"), _facts(default, other)),
        "## Dispositions of a 350 (X407)\n",
        "A disposition that is not in the list means *unknown*, never a release. Not seen in a document:\n",
        _table(("code", "text", "read as", "mark", "source"), _dispositions(default)),
        "Seen, but in lists for all modes of transport and not announced for trucks: "
        + ", ".join(code for code, one in default.dispositions.items() if not one.truck and one.mark == "seen")
        + ".\n",
        "## X12 sets, segments and elements\n",
        _table(("place", "name", "mark", "source or note"), _places()),
        "Code lists of X12 that are recalled: "
        + "; ".join(f"{one.name} ({one.source})" for one in CODES.values() if one.mark != "seen")
        + ".\n",
        "## Records and maps of CATAIR\n",
        "Read in CBP's own chapters, but for these. A map says in which order records stand and how often.\n",
        _table(("record or map", "name", "mark", "source", "note"), _layouts()),
        "## Codes of CATAIR\n",
        _table(("list", "meaning", "codes", "mark", "source"), _codes()),
        "## What certification with CBP must still confirm\n",
        _table(("subject", "question"), CERTIFICATION),
    ]
    return "\n".join(parts)


def _facts(default: Profile, other: Profile) -> Iterator[Sequence[str]]:
    for fact in default.unconfirmed():
        sign = " †" if other.facts[fact.name].value != fact.value else ""
        yield f"`{fact.name}`{sign}", _value(fact.value), fact.mark, fact.source


def _dispositions(profile: Profile) -> Iterator[Sequence[str]]:
    for code, one in profile.dispositions.items():
        if one.mark != "seen":
            yield f"`{code}`", one.text, one.meaning.replace("_", " "), one.mark, one.source


def _places() -> Iterator[Sequence[str]]:
    for one in SETS.values():
        if one.mark != "seen":
            yield f"`{one.id}`", one.name, one.mark, one.source
    for segment in SEGMENTS.values():
        if segment.mark != "seen":
            yield f"`{segment.id}`", segment.name, segment.mark, segment.source
            continue
        for element in segment.elements:
            if element.mark != "seen" and element.name:
                yield f"`{element.reference}`", element.name, element.mark, element.note


def _layouts() -> Iterator[Sequence[str]]:
    for record in RECORDS.values():
        if record.mark != "sourced" or record.note:
            yield f"`{record.id}`", record.name, record.mark, record.source, record.note
    for usage in usage_maps().values():
        if usage.mark != "sourced" or usage.note:
            yield f"map `{usage.id}`", usage.name, usage.mark, usage.source, usage.note


def _codes() -> Iterator[Sequence[str]]:
    for one in code_lists().values():
        unread: dict[tuple[str, str], list[str]] = {}
        for code in one.codes.values():
            if code.mark != "sourced":
                unread.setdefault((code.mark, code.source), []).append(code.code)
        for (mark, source), codes in unread.items():
            yield f"`{one.name}`", one.title, ", ".join(codes), mark, source


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} `{one}`" for key, one in value.items())
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{value}`" if value != "" else "(not sent)"


def _table(heads: Sequence[str], rows: Any) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([*lines, ""])
