"""What do we know of one shipment?

Our decision, what we declared of it and how that was answered, what CBP said of the goods, and when it arrived. Facts
only grow; what follows from them is read in :mod:`filings.lifecycle.reading`, and :mod:`filings.lifecycle.folding` adds
to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from filings.lifecycle.declarations import Declaration, read_declaration
from filings.lifecycle.evidence import Kind, Statement
from filings.lifecycle.states import FilingState, ShipmentState

__all__ = ["Declaration", "Kind", "ShipmentFacts"]


@dataclass(frozen=True, slots=True)
class ShipmentFacts:
    """All we know of one shipment: our decision, its declarations, CBP's statements on the goods, its arrival."""

    needs: tuple[Kind, ...] = ("manifest",)
    base: ShipmentState = ShipmentState.STAGED
    declarations: Mapping[Kind, Declaration] = None  # type: ignore[assignment]
    statements: tuple[Statement, ...] = ()
    since: datetime | None = None
    arrived_at: datetime | None = None
    lapsed_at: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "declarations", dict(self.declarations or {}))

    def declaration_state(self, kind: Kind) -> str:
        """The state of one declaration as a column shows it; ``none`` before it is made."""
        known = self.declarations.get(kind)
        return known.state.value if known else "none"

    @property
    def bill_without_entry(self) -> bool:
        """Whether the entry is cancelled, and the bill that needs it still stands on the manifest."""
        bill, entry = self.declarations.get("manifest"), self.declarations.get("entry")
        cancelled = entry is not None and entry.state is FilingState.CANCELLED
        return cancelled and bill is not None and bill.in_force and not bill.off

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "needs": list(self.needs),
            "base": self.base.value,
            "declarations": {kind: known.as_list() for kind, known in self.declarations.items()},
            "statements": [
                [s.meaning, s.source, _text(s.at), s.code, s.order, s.version, s.holder] for s in self.statements
            ],
            "since": _text(self.since),
            "arrived_at": _text(self.arrived_at),
            "lapsed_at": _text(self.lapsed_at),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | None) -> ShipmentFacts:
        """Read back what :meth:`as_dict` wrote; nothing at all is a shipment just staged."""
        if not value:
            return cls()
        return cls(
            needs=tuple(value["needs"]),
            base=ShipmentState(value["base"]),
            declarations={kind: read_declaration(*known) for kind, known in value["declarations"].items()},
            statements=tuple(
                Statement(meaning, source, datetime.fromisoformat(at), code, order, version, holder)
                for meaning, source, at, code, order, version, holder in value["statements"]
            ),
            since=_instant(value["since"]),
            arrived_at=_instant(value["arrived_at"]),
            lapsed_at=_instant(value.get("lapsed_at")),
        )


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
