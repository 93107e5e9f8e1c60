"""Which code lists are there, from which document, of which version and date? ``docs/codes.md``.

Made from the lists that explain messages, CATAIR's and X12's; the codes themselves stand in the data files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from gateway.code_views import DISPOSITIONS, ERRORS
from schemas.catair.codes import CodeList, code_lists
from schemas.profile import load_profile
from schemas.x12.tables import CODES

_OPENING: Final = """\
# Code lists

Written by `python -m gateway.docs` from `schemas/catair/code_lists`, `schemas/x12/tables/codes.toml` and
`schemas/data/profile.toml`.

These lists say what a code means. They refuse nothing in an answer of CBP: a code that is not here is shown as it
stands and goes to a person. Version and date are those of the document named first. Codes with dates of their own can
be asked for as of a day. Marks: *sourced* or *seen*, read in that document; *transcribed*, read through a public
transcription of it; *recalled*, known from practice; *unsure* or *unconfirmed*, not to be built on.
[What is not confirmed](unconfirmed.md) names such codes one by one.

## Looking a code up

`gateway codes` shows every list, `gateway codes LIST` its codes, `gateway codes LIST CODE` all that is known of one:

```console
$ gateway codes entry_dispositions 98
entry_dispositions 98

  text       RELEASED
  read as    released
  in force   no dates are known
…
```

`--on DATE` leaves out what is not in force on that day; `--search WORDS` finds codes by their text, in every list;
`--json` gives the same as a document. A list or code that is not there is told with those spelt nearly so, and the exit
status is 1.

```console
$ gateway codes --search "no bill match"
3 codes

  list                 code   text                          mark
 ───────────────────────────────────────────────────────────────────
  bill_dispositions    91     NO BILL MATCH                 sourced
  entry_dispositions   26     NO BILL MATCH AFTER 30 DAYS   sourced
  entry_dispositions   28     NO BILLMATCH AFTER 60 DAYS    sourced
```

In Python a list and a code are asked for by name, and for a day where the answer hangs on it:

```python
from datetime import date

from schemas.catair import look_up

for day in (date(2026, 3, 2), date(2026, 3, 3)):
    found = look_up("countries", "BU", on=day)
    print(day, f"{found.text} [{found.source}]" if found else "not in force")
print(look_up("countries", "BU").valid_to)
```

```text
2026-03-02 Burma [CBP CATAIR Appendix B r21, country codes]
2026-03-03 not in force
2026-03-03
```

A look-up without a day finds retired codes too: an old message must stay readable. `code_text(list, code)` gives the
text alone, `code_lists()` all lists.
"""


def page() -> str:
    """The page, ending with a line break."""
    profile = load_profile()
    tables = (
        (DISPOSITIONS, "Dispositions of a 350 (X407)", [one.mark for one in profile.dispositions.values()]),
        (ERRORS, "Errors of a 355", [one.mark for one in profile.errors.values()]),
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
                (f"`x12.{key}`", one.name, str(len(one.codes)), "yes" if one.enforced else "", one.mark, one.source)
                for key, one in sorted(CODES.items())
            ],
        ),
        "## Profile\n",
        "Each row names its own source and mark.\n",
        _table(
            ("table", "meaning", "codes", "marks"),
            [(f"`{name}`", title, str(len(marks)), _marks(marks)) for name, title, marks in tables],
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
