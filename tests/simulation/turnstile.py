"""What happens next, and what never does? Every effect of a process waits at a turnstile until the seed lets it pass.

An effect is a commit, a commit whose maker has not heard of it yet, a socket about to be opened, a receipt about to be
taken. Between two effects a process cannot be told from one that stands still, so these are the only places where
others may come between, and the only ones where a crash makes a difference.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

EffectKind = Literal["commit", "committed", "send", "sent"]


class Crash(BaseException):
    """The process has died at this effect; whatever it was about to do did not happen."""


@dataclass(eq=False)
class Alive:
    """Whether a process lives; its effects ask before they happen."""

    name: str
    dead: bool = False


@dataclass(eq=False)
class Effect:
    """Something that a process is about to do or to hear."""

    process: Alive
    kind: EffectKind
    what: str
    passing: asyncio.Future[None] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.process.name} {self.kind} {self.what}".rstrip()


class Turnstile:
    """Holds effects back. Once ``open`` they pass as they come."""

    def __init__(self) -> None:
        self.waiting: list[Effect] = []
        self.open = False
        self.passed = 0

    async def wait(self, process: Alive, kind: EffectKind, what: str = "") -> None:
        """Stand still until this effect is let through; raises :class:`Crash` if the process dies first."""
        if process.dead:
            raise Crash
        if not self.open:
            effect = Effect(process, kind, what, asyncio.get_running_loop().create_future())
            self.waiting.append(effect)
            await effect.passing
        self.passed += 1

    def let(self, effect: Effect) -> None:
        """Let one effect through."""
        self.waiting.remove(effect)
        effect.passing.set_result(None)

    def kill(self, process: Alive) -> int:
        """The process dies where it stands; gives how many effects never happen."""
        process.dead = True
        lost = [effect for effect in self.waiting if effect.process is process]
        self.waiting = [effect for effect in self.waiting if effect.process is not process]
        for effect in lost:
            effect.passing.set_exception(Crash())
        return len(lost)
