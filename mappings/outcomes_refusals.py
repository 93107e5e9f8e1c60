"""Is a refusal one, or could CBP not process what was sent, has it had it before, or has it on file?

The table stands in ``mappings/answers/refusals.toml``, each row with its source and mark. A filing is refused for
everything its answer names at fault: it is a failure of CBP's own only if all of that is. Pure; what is done about it
is decided in :mod:`filings.retelling`.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from mappings.outcomes_values import Outcome

FILE: Final = Path(__file__).parent / "answers" / "refusals.toml"
Kind = Literal["try_again", "known_before", "already_on_file"]
REFUSING: Final = frozenset({"rejected", "syntax_rejected"})
FINAL_CODES: Final = frozenset({("SX", "01"), ("X1", "999")})
"""Verdicts that only say that something was refused; the reasons stand before them."""
_ECHOES: Final = ("BILL REJECTED", "SHIPMENTS REJECTED", "RETURNED TO PRELIM")
"""Texts of a 355 that only repeat that something was refused."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row: a refusal that is none. ``tries`` 0 means as long as the patience lasts."""

    source: str
    code: str
    text: str
    kind: Kind
    mark: str
    reference: str
    alone: bool = False
    tries: int = 0

    def fits(self, outcome: Outcome) -> bool:
        """Whether an outcome is this refusal."""
        return (
            outcome.source == self.source
            and self.code in ("", outcome.code)
            and self.text.upper() in outcome.text.upper()
        )


@cache
def refusals() -> tuple[Refusal, ...]:
    """The rows of the table."""
    with FILE.open("rb") as file:
        return tuple(Refusal(**row) for row in tomllib.load(file)["refusal"])


Subject = tuple[str, str, str, str]
"""What is refused: source, entry, bill, trip; empty where it does not apply."""


def subject_of(outcome: Outcome) -> Subject:
    """What an outcome refuses. A bill has an answer of its own; a batch and an interchange are refused whole."""
    if outcome.source == "SX":
        return (outcome.source, outcome.entry_number, "", "")
    if outcome.source == "355":
        return (outcome.source, "", outcome.scn, outcome.trip_number)
    return (outcome.source, "", "", "")


def excused(outcomes: Sequence[Outcome]) -> dict[Subject, Refusal]:
    """What is refused by name only, with the row that says so; what is refused for good is not in it."""
    reasons: dict[Subject, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        if one.meaning in REFUSING and not _is_verdict(one):
            reasons[subject_of(one)].append(one)
    found = {subject: row for subject, told in reasons.items() if (row := _row_of(told)) is not None}
    return found | _whole_trips(outcomes, found)


def _is_verdict(outcome: Outcome) -> bool:
    """Whether the outcome only says that something was refused."""
    if (outcome.source, outcome.code) in FINAL_CODES:
        return True
    if outcome.source == "355" and outcome.place == "K3":
        return True
    return outcome.source == "355" and any(echo in outcome.text.upper() for echo in _ECHOES)


def _row_of(told: Sequence[Outcome]) -> Refusal | None:
    """The row that fits all reasons; for one that counts alone, the only reason."""
    rows = [next((row for row in refusals() if row.fits(one)), None) for one in told]
    first = rows[0]
    if first is None or any(row is None or row.kind != first.kind for row in rows):
        return None
    return None if any(row is not None and row.alone for row in rows) and len(rows) > 1 else first


def _whole_trips(outcomes: Sequence[Outcome], found: dict[Subject, Refusal]) -> dict[Subject, Refusal]:
    """The verdict of a 355 on its trip is excused where every refusal in it is, and all for one kind of reason."""
    whole: dict[Subject, Refusal] = {}
    for number in {one.trip_number for one in outcomes if one.source == "355"}:
        mine = {
            subject_of(one)
            for one in outcomes
            if one.source == "355" and one.trip_number == number and one.meaning in REFUSING and not _is_verdict(one)
        }
        rows = [found.get(subject) for subject in mine]
        if rows and rows[0] is not None and all(row is not None and row.kind == rows[0].kind for row in rows):
            whole["355", "", "", number] = rows[0]
    return whole
