"""Who watches the demonstration, and where has every shipment ended?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

ENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "released": ("released",),
    "held": ("held", "exam", "documents_required", "release_suspended", "release_revoked"),
    "rejected": ("rejected",),
    "lapsed": ("lapsed",),
    "handed_off": ("handed_off",),
    "in_review": ("in_review",),
    "refused": ("refused",),
    "cancelled": ("cancelled", "delinked"),
    "on_file": ("on_file",),
    "in_doubt": ("in_doubt",),
    "waiting": ("staged", "filed", "cancelling"),
}
"""Every state a shipment can be in, under the one heading where it is counted."""


class Watcher(Protocol):
    """Is told how the demonstration goes on, and says when CBP's answers are all there."""

    def say(self, text: str) -> None:
        """What happens now."""
        ...

    def total(self, shipments: int) -> None:
        """How many shipments will be staged."""
        ...

    def staged(self, done: int) -> None:
        """How many have been staged."""
        ...

    def board(self, board: Mapping[str, Any]) -> None:
        """The board as it stands."""
        ...

    def answered(self, board: Mapping[str, Any]) -> bool:
        """Whether every declaration has its answer."""
        ...


def account(states: Mapping[str, int], refused_rows: int) -> dict[str, int]:
    """Each shipment under exactly one heading of :data:`ENDS`; rows refused at intake are ``refused``.

    Raises :class:`ValueError` for a state that has no heading.
    """
    heading = {state: name for name, members in ENDS.items() for state in members}
    counted = dict.fromkeys(ENDS, 0)
    for state, count in states.items():
        if state not in heading:
            raise ValueError(f"the state {state!r} stands under no heading")
        counted[heading[state]] += count
    counted["refused"] += refused_rows
    return counted
