"""What is wrong with one cargo release transaction so far? The sheet on which the checks write, and what they may ask.

Every complaint is a row of :mod:`sandbox.abi.cargo_conditions` or a dated rule of the rule book, so that each one has
a code with its mark and a reference.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sandbox.abi.batch_reader import Block, Line
from sandbox.abi.cargo_conditions import Edit, edit
from sandbox.abi.cargo_entry import EntryFiled
from sandbox.registry import Registry
from sandbox.rulebook import Rule, RuleBook
from sandbox.settings import Behaviour

MOST_ON_A_RECORD: Final = 9
"""SE90 records after one record (Cargo Release v40, output map)."""


@dataclass(slots=True)
class Case:
    """One transaction under judgement: what was filed, when, under which rules; :attr:`edits` by record position."""

    entry: EntryFiled
    block: Block
    now: datetime
    book: RuleBook
    behaviour: Behaviour
    registry: Registry
    edits: dict[int, list[Edit]] = field(default_factory=lambda: defaultdict(list))

    @property
    def head(self) -> Line:
        """The SE10."""
        return self.entry.lines[0]

    @property
    def type(self) -> str:
        """Entry type."""
        return self.entry.head["type"]

    @property
    def mode(self) -> str:
        """Mode of transportation."""
        return self.entry.head["mode"]

    def add(self, line: Line, name: str, *, kind: str = "11", **values: object) -> None:
        """Complain of a record with a row of the table."""
        self.put(line, edit(name, unconfirmed=self.behaviour.unconfirmed_codes, kind=kind, **values))

    def rule(self, line: Line, rule: Rule, *, second: bool = False) -> None:
        """Complain of a record with a dated rule."""
        code, text = (rule.second_code, rule.second_text) if second else (rule.code, rule.text)
        self.put(line, Edit(code, text, rule.citation))

    def put(self, line: Line, one: Edit) -> None:
        """Complain of a record; nine SE90 at most stand after one."""
        if len(self.edits[line.position]) < MOST_ON_A_RECORD:
            self.edits[line.position].append(one)

    def lines(self, *names: str) -> list[Line]:
        """The records with these identifiers, in order."""
        return [one for one in self.entry.lines if one.id in names]

    def result(self) -> dict[int, list[Edit]]:
        """All edits."""
        return {position: some for position, some in self.edits.items() if some}


def refuses(edits: dict[int, list[Edit]]) -> bool:
    """Whether an edit among them rejects the transaction; a warning does not."""
    return any(one.kind == "11" for some in edits.values() for one in some)
