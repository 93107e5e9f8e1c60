"""What is a decision, once made? A value that explains itself and can be kept for years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from mappings.rule_law import Refusal
from schemas.errors import Problem
from schemas.shipment import Pathway

__all__ = ["Disclaimer", "PathwayDecision", "Refusal"]


@dataclass(frozen=True, slots=True)
class Disclaimer:
    """A PGA disclaimer (PG01 80) that a waiver justifies for one claim of one line."""

    line: int
    path: str
    agency: str
    program: str
    code: str
    rule: str

    def as_dict(self) -> dict[str, Any]:
        """The JSON shape kept with the decision."""
        return {
            "line": self.line,
            "path": self.path,
            "agency": self.agency,
            "program": self.program,
            "code": self.code,
            "rule": self.rule,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayDecision:
    """The lawful way of one shipment at one arrival, by one version of the rule book.

    ``pathway`` is what to do and ``entry_type`` the CBP type that goes with it (``""`` for a manifest
    release or a review). ``rules`` are the ids of the rows that made it, ``citations`` where they are
    written, ``reasons`` the same for a reader. ``refused`` names, for every pathway that is closed,
    each rule that closes it. ``needs`` is the data still missing: errors block, warnings are asked for.
    ``severities`` is the severity in force of each advisory check that found something, and of each that
    the filer set; every other one was at its usual severity. ``counted`` is the amount in dollars that
    counts toward ``person``'s Eastern ``day``; ``person`` and ``day`` are empty where nobody can use the
    exemption any more.
    """

    shipment_id: str
    pathway: Pathway
    entry_type: str
    rules: tuple[str, ...]
    citations: tuple[str, ...]
    reasons: tuple[str, ...]
    refused: tuple[Refusal, ...]
    needs: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    rule_book_version: str
    arrival: datetime
    requested: Pathway | None = None
    uses_default_importer: bool = False
    disclaimers: tuple[Disclaimer, ...] = ()
    person: str = ""
    day: str = ""
    counted: Decimal = Decimal(0)
    severities: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content, read back by :meth:`from_dict`."""
        return {
            "shipment_id": self.shipment_id,
            "pathway": self.pathway,
            "entry_type": self.entry_type,
            "rules": list(self.rules),
            "citations": list(self.citations),
            "reasons": list(self.reasons),
            "refused": [one.as_dict() for one in self.refused],
            "needs": [one.as_dict() for one in self.needs],
            "warnings": [one.as_dict() for one in self.warnings],
            "rule_book_version": self.rule_book_version,
            "arrival": self.arrival.astimezone(UTC).isoformat(),
            "requested": self.requested,
            "uses_default_importer": self.uses_default_importer,
            "disclaimers": [one.as_dict() for one in self.disclaimers],
            "person": self.person,
            "day": self.day,
            "counted": str(self.counted),
            "severities": dict(self.severities),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> PathwayDecision:
        """The decision that :meth:`as_dict` wrote."""
        return cls(
            shipment_id=value["shipment_id"],
            pathway=value["pathway"],
            entry_type=value["entry_type"],
            rules=tuple(value["rules"]),
            citations=tuple(value["citations"]),
            reasons=tuple(value["reasons"]),
            refused=tuple(Refusal(**one) for one in value["refused"]),
            needs=tuple(Problem.from_dict(one) for one in value["needs"]),
            warnings=tuple(Problem.from_dict(one) for one in value["warnings"]),
            rule_book_version=value["rule_book_version"],
            arrival=datetime.fromisoformat(value["arrival"]),
            requested=value["requested"],
            uses_default_importer=value["uses_default_importer"],
            disclaimers=tuple(Disclaimer(**one) for one in value["disclaimers"]),
            person=value["person"],
            day=value["day"],
            counted=Decimal(value["counted"]),
            severities=tuple(value.get("severities", {}).items()),  # decisions made before there were any have none
        )
