"""What happens to a truck that is on its way when the law changes?

The truck is planned for 23:30 Eastern time on 28 August 2025 and is late. One minute after midnight the exemption
ends: what was filed under it and accepted would not be released any more. The gateway blocks the trip, names the
parcels and offers each its lawful way; one command files them anew, and the truck crosses.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from gateway.demo.run import POLL_SECONDS, Chapter, Demonstration
from gateway.demo.shipments import EASTERN, make_cutover_shipments, make_trip

if TYPE_CHECKING:
    from gateway.client import GatewayClient
    from gateway.demo.sandbox_process import SandboxProcess
    from gateway.runtime import Gateway

PLANNED: Final = datetime(2025, 8, 28, 23, 30, tzinfo=EASTERN)
CUT: Final = datetime(2025, 8, 29, 0, 1, tzinfo=EASTERN)
"""From this minute CBP takes no Section 321 manifest and no entry of type 86 (CSMS 66065494)."""
NOTICED: Final = CUT + timedelta(minutes=1)
ARRIVES: Final = CUT + timedelta(minutes=90)
"""An amendment begins the hour before arrival anew."""
NAMED: Final = 25
_CONFIG: Final = """[behaviour]
arrive_at_eta = false
"""


class Cutover(Demonstration):
    """One run across the minute at which the exemption ends."""

    lapsed: dict[str, Any] | None = None
    refiled: dict[str, Any] | None = None

    def make_trip(self) -> dict[str, Any]:
        """The truck, planned for half past eleven."""
        return make_trip(PLANNED.date(), self.plan.seed) | {"estimated_arrival": PLANNED.isoformat()}

    def make_shipments(self) -> Iterator[dict[str, Any]]:
        """Parcels under Section 321, of entry type 86 and of type 11."""
        return make_cutover_shipments(PLANNED.date(), self.plan.shipments, self.plan.seed)

    def sandbox_arguments(self) -> tuple[str, ...]:
        """The truck is late: it is at the border when this story says so, not at its planned time."""
        path = self.folder / "sandbox.toml"
        path.write_text(_CONFIG, "utf-8")
        return ("--config", str(path))

    async def story(
        self, gateway: Gateway, client: GatewayClient, sandbox: SandboxProcess, board: dict[str, Any]
    ) -> dict[str, Any]:
        """Accepted, late, blocked, filed anew, released."""
        if board["arrived_at"] is None:
            self.chapters.append(Chapter("On the evening before: everything is accepted", board))
            self.watcher.say("the truck is late; the clock passes 00:01 Eastern time on 29 August 2025")
            await self.go_to(sandbox, NOTICED)
            board = await self._until_judged(client)
            if board["lapsed"]:
                await self._mend(gateway, client, sandbox, board)
            await self.cross(sandbox, ARRIVES)
        return await self.until_quiet(gateway, client, sandbox)

    def more(self) -> dict[str, Any]:
        """What lapsed and what was filed anew; ``null`` when the same demonstration is run again in its folder."""
        return {"scenario": "cutover", "lapsed": self.lapsed, "refiled": self.refiled}

    async def _until_judged(self, client: GatewayClient) -> dict[str, Any]:
        end = time.monotonic() + self.plan.patience
        while True:
            board = await client.board(self.number)
            self.watcher.board(board)
            judged = board["judged_for"]
            if judged and datetime.fromisoformat(judged) >= CUT:
                return board
            self.in_time(end, "the trip to be judged again", board)
            await asyncio.sleep(POLL_SECONDS)

    async def _mend(
        self, gateway: Gateway, client: GatewayClient, sandbox: SandboxProcess, board: dict[str, Any]
    ) -> None:
        shown = await client.refile(self.number, dry_run=True)
        self.chapters.append(Chapter("One minute after midnight: the law has changed", board, shown))
        self.lapsed = {
            "shipments": shown["lapsed"],
            "at": board["judged_for"],
            "state": board["state"],
            "decision": board["decision"],
            "from": dict(Counter(one["from"] for one in shown["shipments"])),
            "offered": shown["pathways"],
            "rules": sorted({one["rule"] for one in shown["shipments"]}),
            "named": [
                {name: one[name] for name in ("shipment_id", "shipment_control_number", "from", "to", "entry_type")}
                for one in shown["shipments"][:NAMED]
            ],
        }
        self.watcher.say(f"{shown['lapsed']} parcels may not cross as declared: gateway refile {self.number} --yes")
        begun = await client.refile(self.number)
        board = await self.until_answered(gateway, client, sandbox)
        self.refiled = {
            "shipments": begun["lapsed"],
            "bills": begun["bills"],
            "entries": begun["entries"],
            "handoffs": begun["handoffs"],
            "off_the_truck": begun["off_the_truck"],
            "state": board["state"],
            "decision": board["decision"],
        }
        self.chapters.append(Chapter("Filed anew and accepted", board))
