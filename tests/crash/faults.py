"""Would the tests notice? Gateways that do things in the wrong order, each sound as long as nobody kills it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, the kind of boundary at which a death shows it, and the promises of which one is broken then."""

    put_in: Callable[[], AbstractContextManager[None]]
    dies_at: str
    breaks: tuple[str, ...]


FAULTS: Final[dict[str, Fault]] = {}
