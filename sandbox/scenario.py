"""What is in a scenario? A story for the simulated CBP: at which instant, or when what is seen, does what happen, and
what is expected of it.

The values only; :mod:`sandbox.scenario_reading` reads them from TOML, :mod:`sandbox.scenario_player` plays them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sandbox.settings import Behaviour

SCENARIOS: Final = Path(__file__).with_name("scenarios")
"""Scenarios that come with the sandbox; each is known by its name without ``.toml``."""
PATIENCE: Final = 60.0
MODES: Final = ("self-playing", "attached")


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that may be seen. ``kind`` is one of trip, shipment, entry, answer, count, nothing_due; ``about`` the
    number or the thing counted; ``wants`` what has to be so, by key.
    """

    kind: str
    about: str
    wants: Mapping[str, Any]

    def __str__(self) -> str:
        wants = dict(self.wants)
        if self.kind == "nothing_due":
            return "nothing more to come"
        if self.kind == "answer":
            return _answer_in_words(self.about, wants)
        if self.kind == "count":
            state = f" {wants.pop('state')}" if wants.get("state") else ""
            number = f"{wants['is']}" if "is" in wants else f"at least {wants['at_least']}"
            return f"{number} {self.about}{state}"
        words = [
            f"{name.replace('_', ' ')} {' or '.join(value) if isinstance(value, list) else value}"
            for name, value in wants.items()
        ]
        return f"{self.kind} {self.about} with {', '.join(words)}"


def _answer_in_words(kind: str, wants: dict[str, Any]) -> str:
    of = next((f" about {name} {wants[name]}" for name in ("shipment", "entry", "trip") if wants.get(name)), "")
    code = f" with code {wants['code']}" if wants.get("code") else ""
    text = f" saying {wants['text']!r}" if wants.get("text") else ""
    times = f", {wants['times']} times" if "times" in wants else ""
    return f"{'no ' if wants.get('never') else ''}{kind}{of}{code}{text}{times}"


@dataclass(frozen=True, slots=True)
class ToSend:
    """A file of the filer: its bytes, what it is in words, and the filer's name (empty: the first)."""

    name: str
    what: str
    payload: bytes
    filer: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is done: ``kind`` is send, arrive, hold, exam, release, revoke, push, clock or faults."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One step. It begins at ``at``, or ``after`` the one before, or when ``when`` is seen; ``within`` is the time of
    the sandbox's clock in which all of ``expects`` must be seen, ``wait`` that for ``when``.
    """

    number: int
    name: str
    at: datetime | None = None
    after: timedelta | None = None
    when: tuple[Condition, ...] = ()
    wait: timedelta = timedelta(days=1)
    acts: tuple[Act, ...] = ()
    expects: tuple[Condition, ...] = ()
    within: timedelta = timedelta(0)
    only: str = ""

    @property
    def label(self) -> str:
        """How a sentence calls it."""
        return f"step {self.number} “{self.name}”" if self.name else f"step {self.number}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario. ``speed``: sandbox seconds in a real second while time passes, 0: none is waited for;
    ``patience``: real seconds for which somebody else's software is waited for.
    """

    name: str
    path: Path
    about: str
    start: datetime
    steps: tuple[Step, ...]
    speed: float = 0.0
    patience: float = PATIENCE
    filers: tuple[str, ...] = ()
    behaviour: Behaviour = field(default_factory=Behaviour)


class ScenarioError(ValueError):
    """A scenario that cannot be played: (place, sentence) for every fault found."""

    def __init__(self, path: Path, reasons: list[tuple[str, str]]) -> None:
        self.path, self.reasons = path, reasons
        super().__init__(" ".join(text for _, text in self.sentences))

    @property
    def sentences(self) -> list[tuple[str, str]]:
        """(place, whole sentence) for every fault."""
        return [(place, (f"{place} {text}" if place else text) + _end(text)) for place, text in self.reasons]


def _end(text: str) -> str:
    return "" if text.endswith("?") else "."


def shipped() -> dict[str, Path]:
    """The scenarios that come with the sandbox, by name."""
    return {path.stem: path for path in sorted(SCENARIOS.glob("*.toml"))}
