"""What does CBP refuse, warn of or withhold at an instant? Dated rules from ``rulebook.toml``, each with its citation.

The sandbox's own book, read from the bulletins on its own: it shares nothing with the gateway's rule book.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

BOOK: Final = Path(__file__).with_name("rulebook.toml")


@dataclass(frozen=True, slots=True)
class Rule:
    """One dated rule; what follows ``mark`` only where the rule has it. A fee has a ``rate`` of the goods' value with
    the ``least`` and the ``most`` of one summary, or a fixed ``amount``, in US dollars.
    """

    id: str
    start: datetime
    end: datetime | None
    code: str
    text: str
    citation: str
    mark: str
    second_code: str = ""
    second_text: str = ""
    origins: frozenset[str] = frozenset()
    limit: int = 0
    rate: Decimal = Decimal(0)
    least: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules; :meth:`rule` asks for one at an instant."""

    rules: tuple[Rule, ...]

    @classmethod
    def load(cls, path: Path | None = None) -> RuleBook:
        """Read a rule book file; the packaged one by default."""
        table = tomllib.loads((path or BOOK).read_text("utf-8"))
        return cls(
            tuple(
                Rule(
                    id=row["id"],
                    start=row["from"],
                    end=row.get("until"),
                    code=row["code"],
                    text=row["text"],
                    citation=row["citation"],
                    mark=row["mark"],
                    second_code=row.get("second_code", ""),
                    second_text=row.get("second_text", ""),
                    origins=frozenset(row.get("origins", ())),
                    limit=row.get("limit", 0),
                    rate=Decimal(row.get("rate", "0")),
                    least=Decimal(row.get("least", "0")),
                    most=Decimal(row.get("most", "0")),
                    amount=Decimal(row.get("amount", "0")),
                )
                for row in table["rule"]
            )
        )

    def rule(self, rule_id: str, at: datetime) -> Rule | None:
        """The rule, when it is in force at ``at`` (aware)."""
        for rule in self.rules:
            if rule.id == rule_id and rule.start <= at and (rule.end is None or at < rule.end):
                return rule
        return None

    def in_force(self, at: datetime) -> list[Rule]:
        """Every rule in force at ``at``."""
        return [r for r in self.rules if r.start <= at and (r.end is None or at < r.end)]
