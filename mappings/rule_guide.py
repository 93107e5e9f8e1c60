"""How does a filer write a row of its own? The guide at the end of ``docs/rules.md``.

The table of keys is made from the key sets that :mod:`mappings.rule` reads rows by, and the shapes of conditions from
the sentences of :mod:`mappings.rule_conditions` that refuse a wrong one: neither can say what the reader does not do.
The examples are loaded by a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.preflight_data import SEVERITIES
from mappings.rule import (
    COMMON_KEYS,
    ENTRY_TYPES,
    KINDS,
    MEASURES,
    MUST_KEYS,
    NEEDS,
    OWN_KEYS,
    REQUIRED_KEYS,
    STATUSES,
)
from mappings.rule_conditions import CLAIM_CONDITIONS, SHIPMENT_CONDITIONS, condition_fault, condition_meaning
from mappings.rule_overlay import STRICTER
from schemas.shipment import PATHWAYS


def _one_of(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


VALUES: Final = {
    "id": 'lower-case words joined by hyphens, in quotes: `"own-no-candles"`; not an id of the delivered book',
    "kind": _one_of(KINDS),
    "pathways": f"a list of {_one_of(PATHWAYS)}",
    "valid_from": "first minute in force, Eastern time, no quotes, no offset: `2026-12-01T00:00:00`",
    "valid_to": "first minute no longer in force, written alike; without it the row stays in force",
    "citation": "text: where it is written, for example the page of your handbook",
    "status": f"{_one_of(STATUSES)}; a decision that hangs on an `unsure` row alone goes to review",
    "text": "the sentence that decisions show",
    "when": "a table `[rule.when]` of conditions, below the other keys; without it the row speaks of all goods",
    "reviewer": "text: who has reviewed the row",
    "review_date": 'text: `"2026-11-23"`',
    "entry_type": "; ".join(f"`{pathway}`: {_one_of(types)}" for pathway, types in ENTRY_TYPES.items()),
    "measure": _one_of(MEASURES),
    "limit": 'dollars in quotes: `"500"`; the pathway is closed above it',
    "needs": _one_of(NEEDS),
    "fields_any_of": "with `claim_fields`: a list of fields of the claim, one of which must be there",
    "fields_all_of": "with `claim_fields`: a list of fields of the claim that must all be there",
    "missing": "`blocks` (usual) or `asks`: what is missing is told and stops nothing",
    "code": "lower-case words joined by underscores: the code of what is told",
    "remedy": "text: what to do about it",
    "path": "text: the field of the shipment that a warning points at, such as `lines`",
    "waivable": "`true` or `false`: whether a waiver can lift it; only with a condition on claims",
    "waives": "a list of ids of waivable rows",
    "disclaimer": "a letter from `A` to `G`",
    "rank": "a whole number; the lowest is taken first",
    "steps_over_missing": "`true` or `false`: whether it is taken where a better one lacks data",
}
"""What stands behind each key, for people; a test holds it against the keys that rows may have."""


def guide() -> Iterator[str]:
    """The section, line by line."""
    yield from _BEGINNING.splitlines()
    yield ""
    yield from _keys()
    yield ""
    yield from _conditions()
    yield ""
    yield from _EXAMPLES.splitlines()


def _keys() -> Iterator[str]:
    yield "### Keys of a row"
    yield ""
    yield "● must be there, ○ may be, a blank is refused. Kinds in bold may stand in a filer's own rows."
    yield ""
    names = [f"**{kind}**" if kind in STRICTER else kind for kind in KINDS]
    yield f"| key | {' | '.join(names)} | value |"
    yield f"|---|{'---|' * (len(KINDS) + 1)}"
    for key in VALUES:
        yield f"| `{key}` | {' | '.join(_mark(key, kind) for kind in KINDS)} | {VALUES[key]} |"


def _mark(key: str, kind: str) -> str:
    if key in REQUIRED_KEYS or key in MUST_KEYS.get(kind, ()):
        return "●"
    return "○" if key in COMMON_KEYS or key in OWN_KEYS[kind] else ""


def _conditions() -> Iterator[str]:
    yield "### Conditions"
    yield ""
    yield "All conditions of one row must hold; those on a claim must hold for the same claim."
    yield ""
    yield "| condition | holds where | value |"
    yield "|---|---|---|"
    for name in (*SHIPMENT_CONDITIONS, *CLAIM_CONDITIONS):
        yield f"| `{name}` | {condition_meaning(name)} | {condition_fault(name, None)} |"


_BEGINNING = """\
## Rows of a filer's own

The setting `rules.overlay` names a file, or a folder of files, with rows in the form of the delivered ones; in a
configuration file a relative name counts from the folder of that file. They may be of the kinds deny, threshold (below
the law's limit), require, warn and info; anything that could open a pathway is refused when the book is loaded, and so
is an id of the delivered book. The version of the book in force includes them, decisions name them like any other row,
and `gateway rules list` marks them. `gateway rules check` with `--config` tells every fault of rows and severities at
once."""

_EXAMPLES = f"""\
### Examples

A pathway closed to some goods (deny), until a day (an ending row has `valid_to`):

```toml
[[rule]]
id = "own-no-candles-from-the-manifest"
kind = "deny"
pathways = ["section321", "type86"]
valid_from = 2025-01-01T00:00:00
citation = "Our handbook, page 12"
status = "verified"
text = "We enter candles, whatever their value."
[rule.when]
hts_prefixes = ["3406"]

[[rule]]
id = "own-no-fireworks-before-the-holiday"
kind = "deny"
pathways = ["section321", "type86", "informal"]
valid_from = 2026-06-15T00:00:00
valid_to = 2026-07-05T00:00:00
citation = "Our handbook, page 13"
status = "verified"
text = "No fireworks by simplified ways before the holiday."
[rule.when]
hts_prefixes = ["3604"]
```

A limit below the law's (threshold), and data that must be given (require):

```toml
[[rule]]
id = "own-informal-limit"
kind = "threshold"
pathways = ["informal"]
valid_from = 2026-01-01T00:00:00
measure = "entered_value"
limit = "2000"
citation = "Our handbook, page 14"
status = "verified"
text = "We enter goods above 2,000 dollars formally."

[[rule]]
id = "own-importer-on-formal-entries"
kind = "require"
pathways = ["formal"]
valid_from = 2026-01-01T00:00:00
needs = "importer_of_record"
code = "own_importer_missing"
remedy = "Ask the shop for its importer's number before the goods are booked."
citation = "Our handbook, page 15"
status = "verified"
text = "We hand over no formal entry without an importer of record."
```

Severities of advisory checks and of rows of kind warn, by id, once in a file; each is {_one_of(SEVERITIES)}. The
setting `rules.severity` does the same:

```toml
[severity]
vague-description = "error"
value-by-weight = "off"
```"""
