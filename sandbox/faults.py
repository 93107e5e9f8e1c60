"""Which answers get lost, doubled, late, damaged or out of order on the way, and when is the sandbox not there at all?

Rates between 0 and 1 and a seed: what happens to an answer follows from the seed and the answer's number alone, so a
run can be repeated. An outage is a window
of the sandbox's clock: nothing is taken, nothing is sent, what came before is kept.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from sandbox.clock import instant

RATES: Final = ("drop", "duplicate", "delay", "garble", "reorder")


class FaultsError(ValueError):
    """A fault plan that cannot be read: (path, sentence) for each reason."""

    def __init__(self, reasons: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {text}" for path, text in reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Faults:
    """A fault plan. Rates are shares of the answers; ``delay_seconds`` is how late a delayed one comes."""

    seed: int = 0
    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    garble: float = 0.0
    reorder: float = 0.0
    delay_seconds: float = 60.0
    outage_from: str = ""
    outage_until: str = ""

    def fate(self, answer_id: int) -> str:
        """``""``, or one of :data:`RATES`: what happens to an answer."""
        draw = random.Random(f"{self.seed}:{answer_id}").random()  # noqa: S311 - a repeatable draw is the point
        for name in RATES:
            rate: float = getattr(self, name)
            if draw < rate:
                return name
            draw -= rate
        return ""

    def is_out(self, now: datetime) -> bool:
        """Whether ``now`` lies in the outage."""
        if not self.outage_from:
            return False
        return instant(self.outage_from) <= now and (not self.outage_until or now < instant(self.outage_until))

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON shows it."""
        return asdict(self)


def read_faults(document: Any) -> Faults:
    """A plan from JSON; missing keys keep their defaults. Raises :class:`FaultsError` with every reason."""
    if not isinstance(document, dict):
        raise FaultsError([("", "a fault plan is a JSON object")])
    known = {f.name for f in fields(Faults)}
    reasons = [(str(k), f"unknown key; known: {', '.join(sorted(known))}") for k in document if k not in known]
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name not in known:
            continue
        if name.startswith("outage"):
            fault = _bad_instant(value)
        elif name == "seed":
            fault = "" if isinstance(value, int) and not isinstance(value, bool) else "the seed is a whole number"
        else:
            top = 1e9 if name == "delay_seconds" else 1.0
            good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= top
            fault = "" if good else f"a number from 0 to {top:g}"
        if fault:
            reasons.append((name, fault))
        values[name] = value
    if not reasons and sum(float(values.get(n, 0)) for n in RATES) > 1:
        reasons.append(("", "the rates add up to more than 1"))
    if reasons:
        raise FaultsError(reasons)
    return Faults(**values)


def _bad_instant(value: Any) -> str:
    if value == "":
        return ""
    try:
        instant(value)
    except (TypeError, ValueError):
        return "an ISO 8601 instant, or an empty text"
    return ""


def restore_faults(document: Any) -> Faults:
    """The fault plan a stopped sandbox left in its books."""
    return read_faults(document) if document else Faults()
