"""How is a scenario played, and did what was expected come about?

Step by step, until the end or the first step that fails: what comes after it would be played on other ground. Each
failure is a sentence that names file, step, what was expected, what was seen and the instant of the sandbox's clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.border import NotPossible
from sandbox.clock import EASTERN
from sandbox.scenario import Act, Condition, Scenario, Step
from sandbox.scenario_conditions import Seen, Witness
from sandbox.scenario_stage import SelfPlaying, Stage


@dataclass(slots=True)
class StepResult:
    """What became of a step: ``result`` is done, met, failed or left out."""

    step: Step
    result: str = "done"
    began: datetime | None = None
    ended: datetime | None = None
    did: list[str] = field(default_factory=list)
    expects: list[tuple[Condition, Seen]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The step in the document of ``--json``."""
        return {
            "step": self.step.number,
            "name": self.step.name,
            "result": self.result,
            "began": self.began.isoformat() if self.began is not None else None,
            "ended": self.ended.isoformat() if self.ended is not None else None,
            "did": self.did,
            "expects": [{"expected": str(one), "met": seen.met, "seen": seen.text} for one, seen in self.expects],
            "failures": self.failures,
        }


@dataclass(slots=True)
class Played:
    """What became of a scenario."""

    scenario: Scenario
    mode: str
    seconds: float = 0.0
    steps: list[StepResult] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Whether everything came about."""
        return not self.failures

    @property
    def failures(self) -> list[str]:
        """Every failure as a sentence."""
        return [sentence for step in self.steps for sentence in step.failures]

    def as_dict(self) -> dict[str, Any]:
        """The document of ``--json``."""
        return {
            "scenario": self.scenario.name,
            "file": str(self.scenario.path),
            "mode": self.mode,
            "met": self.met,
            "expectations": sum(len(step.expects) for step in self.steps),
            "steps": [step.as_dict() for step in self.steps],
            "not_played": len(self.scenario.steps) - len(self.steps),
            "failures": self.failures,
            "seconds": round(self.seconds, 3),
        }


Told = Callable[[StepResult], None]


class Player:
    """Plays one scenario on a stage; ``told`` hears of each step when it is over."""

    def __init__(self, scenario: Scenario, stage: Stage, told: Told | None = None) -> None:
        self.scenario, self.stage = scenario, stage
        self.told = told
        self.witness = Witness(stage.books)

    async def play(self) -> Played:
        """Play it."""
        played = Played(self.scenario, self.stage.mode)
        begin = time.monotonic()
        for step in self.scenario.steps:
            result = await self._step(step)
            played.steps.append(result)
            played.seconds = time.monotonic() - begin
            if self.told is not None:
                self.told(result)
            if result.failures:
                break
        return played

    async def _step(self, step: Step) -> StepResult:
        result = StepResult(step, began=self.stage.now)
        if step.only and step.only != self.stage.mode:
            result.result = "left out"
            return result
        if await self._begins(step, result):
            for act in step.acts:
                try:
                    result.did.append(await self._do(act))
                except NotPossible as error:
                    self._failed(result, f"CBP cannot {act.kind} {act.value}: {error.text}")
                    break
        if step.expects and not result.failures:
            result.expects = await self._seen(step.expects, step.within, from_outside=False)
            result.result = "met"
            for one, seen in result.expects:
                if not seen.met:
                    self._failed(result, f"expected {one}, but {seen.text}")
        result.ended = self.stage.now
        return result

    async def _begins(self, step: Step, result: StepResult) -> bool:
        """Wait for the beginning of a step."""
        moment = step.at if step.at is not None else self.stage.now + step.after if step.after is not None else None
        if moment is not None and moment < self.stage.now:
            self._failed(result, f"is for {local(moment)}, but the clock has passed that")
            return False
        if moment is not None:
            await self.stage.let_pass(moment)
        if step.when:
            missed = [
                (one, seen) for one, seen in await self._seen(step.when, step.wait, from_outside=True) if not seen.met
            ]
            for one, seen in missed:
                self._failed(result, f"waited for {one}, but {seen.text}")
            if missed:
                return False
        result.began = self.stage.now
        return True

    async def _do(self, act: Act) -> str:
        if act.kind == "send":
            return f"{act.value.what}: {await self.stage.send(act.value)}"
        if act.kind == "faults":
            await self.stage.plan_faults(act.value)
            return "faults planned"
        if act.kind == "clock":
            moment = self.stage.now + act.value if isinstance(act.value, timedelta) else act.value
            await self.stage.jump(moment)
            return f"clock set to {local(moment)}"
        about = "" if act.kind == "push" else act.value
        return f"{act.kind} {about}: {await self.stage.order(act.kind, about)}".replace("push :", "push:")

    async def _seen(
        self, wanted: Sequence[Condition], within: timedelta, *, from_outside: bool
    ) -> list[tuple[Condition, Seen]]:
        """All conditions, when they are met together or nothing more will happen in time."""
        until = self.stage.now + within
        self.stage.begin_waiting()
        while True:
            seen = [(one, await asyncio.to_thread(self.witness.look, one)) for one in wanted]
            if all(look.met for _, look in seen) or not await self.stage.more(until, from_outside=from_outside):
                return seen

    def _failed(self, result: StepResult, what: str) -> None:
        result.result = "failed"
        where = f"{self.scenario.path.name}, {result.step.label}"
        result.failures.append(f"{where}: {what} (at {local(self.stage.now)}).")


def local(moment: datetime) -> str:
    """An instant for people: Eastern time with its zone."""
    return f"{moment.astimezone(EASTERN):%Y-%m-%d %H:%M:%S %Z}"


async def play_alone(scenario: Scenario, told: Told | None = None) -> Played:
    """Play a scenario in the process, filer included."""
    stage = SelfPlaying(scenario)
    try:
        return await Player(scenario, stage, told).play()
    finally:
        stage.box.close()
