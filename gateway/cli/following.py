"""What is a person told while a filed trip is followed, and what is the last word when they go away?

Everything goes to standard error: bars at a terminal, elsewhere a line whenever a number changes. What CBP refuses is
told at once, with what mends it. When nothing changes for a moment it is said what is waited for, since when and until
when; and again each minute, so that silence never looks like a standstill of the command. An interrupt stops nothing
that has been filed: the last word says what goes on, what has no answer, and which command shows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.output import Output

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from gateway.client import GatewayClient

UNDER_WAY: Final = ("queued", "sending", "awaiting_receipt", "in_doubt")
QUIET: Final = 3.0
"""Seconds without a change after which it is said what is waited for."""
AGAIN: Final = 60.0
"""Seconds after which that is said again."""
SHOWN: Final = 10
MENDS: Final = "Correct it: gateway amend {scn} PATCH.json, or take it off: gateway cancel {scn} --reason TEXT"


class Bars:
    """The progress of a filed trip as bars: sent, answered (yes or no), released."""

    def __init__(self, bars: Progress, *, released: bool) -> None:
        self._bars = bars
        self._sent = bars.add_task("files receipted", total=None)
        self._manifest = bars.add_task("manifest answered", total=None)
        self._entries = bars.add_task("entries answered", total=None)
        self._released: TaskID | None = bars.add_task("released", total=None) if released else None

    def show(self, board: Mapping[str, Any]) -> None:
        """Bring the bars to where the board stands."""
        files = {state: count for state, count in board["transmissions"].items() if state != "withdrawn"}
        all_files = sum(files.values())
        waiting = sum(files.get(state, 0) for state in UNDER_WAY)
        self._bars.update(self._sent, total=all_files or None, completed=all_files - waiting)
        for task, name in ((self._manifest, "manifest"), (self._entries, "entries")):
            part = board[name]
            done = part["accepted"] + part["rejected"]
            said = f" ({part['accepted']} accepted, {part['rejected']} refused)" if done else ""
            total = (done + part["pending"]) or None
            self._bars.update(task, total=total, completed=done, description=f"{name} answered{said}")
        if self._released is not None:
            crossing = board["shipments"] - board["states"].get("in_review", 0)
            self._bars.update(self._released, total=crossing or None, completed=board["released"])


def progress_line(board: Mapping[str, Any]) -> str:
    """Where the board stands, in one line."""
    files = {state: count for state, count in board["transmissions"].items() if state != "withdrawn"}
    waiting = sum(files.get(state, 0) for state in UNDER_WAY)
    parts = [f"{sum(files.values()) - waiting} of {sum(files.values())} files receipted"]
    for name in ("manifest", "entries"):
        part = board[name]
        done = part["accepted"] + part["rejected"]
        if done + part["pending"]:
            refused = f", {part['rejected']} refused" if part["rejected"] else ""
            parts.append(f"{name}: {done} of {done + part['pending']} answered{refused}")
    states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(board["states"].items()))
    return "; ".join([*parts, f"shipments: {states}"])


class Teller:
    """Tells of one trip while it is followed. ``pace`` is the clock of the pauses, in seconds."""

    def __init__(self, output: Output, bars: Progress, *, pace: Callable[[], float] = time.monotonic) -> None:
        self._output = output
        self._pace = pace
        self._bars = Bars(bars, released=False)
        self._terminal = output.errors.is_terminal
        self._line = ""
        self._changed = self._said = pace()
        self._waiting: list[str] = []
        self._rejected = 0
        self._named: set[str] = set()
        self.began = pace()
        self.board: Mapping[str, Any] | None = None

    async def look(self, client: GatewayClient, board: Mapping[str, Any]) -> None:
        """Tell what has changed since the last look, or what is waited for when nothing has."""
        self.board = board
        self._bars.show(board)
        line, now = progress_line(board), self._pace()
        if line != self._line:
            self._line, self._changed = line, now
            if not self._terminal:
                self._output.note(line)
        rejected = board["states"].get("rejected", 0)
        if rejected != self._rejected:
            self._rejected = rejected
            await self._tell_refusals(client, str(board["trip_number"]))
        self._tell_waiting(board, now)

    async def _tell_refusals(self, client: GatewayClient, number: str) -> None:
        told = 0
        async for one in client.shipments(number, state="rejected"):
            if one["shipment_id"] in self._named:
                continue
            self._named.add(one["shipment_id"])
            told += 1
            if told <= SHOWN:
                scn = one["shipment_control_number"]
                why = str(one.get("why") or "CBP refused it without saying more").rstrip(".")
                self._output.errors.print(
                    _plain(f"refused: {scn} ({one['shipment_id']}): {why}. {MENDS.format(scn=scn)}"),
                    style="red",
                    soft_wrap=True,
                )
        if told > SHOWN:
            self._output.note(f"and {told - SHOWN} more; `gateway trip {number} --state rejected` lists them all")

    def _tell_waiting(self, board: Mapping[str, Any], now: float) -> None:
        waiting = [f"{one['text']} {one['todo']}".strip() for one in board.get("open", ())][:SHOWN]
        if not waiting or now - self._changed < QUIET:
            return
        if waiting != self._waiting:
            for text in waiting:
                if text not in self._waiting:
                    self._output.note(f"waiting: {text}")
            self._waiting, self._said = waiting, now
        elif now - self._said >= AGAIN:
            self._said = now
            more = f" (and {len(waiting) - 1} more)" if len(waiting) > 1 else ""
            self._output.note(f"still waiting, after {_minutes(now - self.began)}: {waiting[0]}{more}")


def last_word(output: Output, number: str, board: Mapping[str, Any] | None) -> None:
    """What goes on without this command after an interrupt, what has no answer, and where it is seen."""
    output.note(f"Interrupted. Trip {number} has been filed, and goes on by itself as long as the gateway runs.")
    if board is not None:
        output.note(progress_line(board))
        for one in board.get("open", ())[:SHOWN]:
            output.note(f"no answer yet: {one['text']}")
    output.note(f"See it later with: gateway trip {number}")


def _plain(text: str) -> Any:
    from gateway.cli.output import plain

    return plain(text)


def _minutes(seconds: float) -> str:
    minutes = int(seconds // 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
