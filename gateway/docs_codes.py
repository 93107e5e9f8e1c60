"""Which code lists are there, from which document, of which version and date? ``docs/codes.md``.

Made from the lists that explain messages, CATAIR's and X12's; the codes themselves stand in the data files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from schemas.catair.codes import CodeList, code_lists
from schemas.profile import load_profile
from schemas.x12.tables import CODES

_OPENING: Final = """\
# Code lists

Written by `python -m gateway.docs` from `schemas/catair/code_lists`, `schemas/x12/tables/codes.toml` and
`schemas/data/profile.toml`.

These lists say what a code means. They refuse nothing in an answer of CBP: a code that is not here is shown as it
stands and goes to a person. Version and date are those of the document named first. Codes with dates of their own can
be asked for as of a day. Marks: *sourced* or *seen*, read in that document; *recalled*, known from practice; *unsure*
or *unconfirmed*, not to be built on. [What is not confirmed](unconfirmed.md) names such codes one by one.
"""


def page() -> str:
    """The page, ending with a line break."""
    profile = load_profile()
    tables = (
        ("Dispositions of a 350 (X407)", [one.mark for one in profile.dispositions.values()]),
        ("Errors of a 355", [one.mark for one in profile.errors.values()]),
    )
    parts = [
        _OPENING,
        "## CATAIR\n",
        _table(
            ("list", "meaning", "version", "as of", "codes", "retired", "mark", "source"),
            [_row(one) for _, one in sorted(code_lists().items())],
        ),
        "## X12\n",
        _table(
            ("list", "meaning", "codes", "enforced", "mark", "source"),
            [
                (f"`{key}`", one.name, str(len(one.codes)), "yes" if one.enforced else "", one.mark, one.source)
                for key, one in sorted(CODES.items())
            ],
        ),
        "## Profile\n",
        "Each row names its own source and mark.\n",
        _table(
            ("table", "codes", "marks"),
            [(title, str(len(marks)), _marks(marks)) for title, marks in tables],
        ),
    ]
    return "\n".join(parts)


def _row(one: CodeList) -> Sequence[str]:
    retired = sum(1 for code in one.codes.values() if code.valid_to is not None)
    marks = [code.mark for code in one.codes.values()]
    return (
        f"`{one.name}`",
        one.title,
        one.version,
        one.as_of.isoformat(),
        str(len(one.codes)),
        str(retired) if retired else "",
        _marks(marks),
        one.source,
    )


def _marks(marks: Sequence[str]) -> str:
    counted = Counter(marks).most_common()
    return counted[0][0] if len(counted) == 1 else ", ".join(f"{mark} {count}" for mark, count in counted)


def _table(heads: Sequence[str], rows: Sequence[Any]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([*lines, ""])
