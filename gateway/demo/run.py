"""How does a whole truckload go through in one run: made up, staged, filed, answered, at the border, released?

Everything is real but CBP: the simulated CBP is a process of its own, both sides speak AS2 or SFTP over loopback, the
shipments come in over the HTTP API, and the archive is verified at the end. Both sides share a clock set some
hours before the arrival, so that any day's law can be shown. Each wait is bounded.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, func, select

from filings import archive, events
from filings.identity import Role, create_key
from filings.store import tables
from gateway.client import GatewayClient
from gateway.demo.door import open_door, serving
from gateway.demo.sandbox_process import SandboxProcess
from gateway.demo.shipments import make_shipments, make_trip
from gateway.demo.story import ENDS, Watcher, account
from gateway.logs import configure_logs
from gateway.memory import peak_mb
from gateway.runtime import Gateway
from gateway.settings import Settings, load_settings
from schemas.errors import Problem, TransportError

if TYPE_CHECKING:
    from filings.archive import ArchiveVerification

BEFORE_ARRIVAL: Final = timedelta(hours=4)
AT_THE_BORDER: Final = timedelta(minutes=1)
"""The truck comes this long before its planned time."""
BATCH: Final = 200
QUIET_ROUNDS: Final = 3
BLOCKING_SHOWN: Final = 25
POLL_SECONDS: Final = 0.15


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What is to be shown: ``data`` keeps everything there, else a temporary folder is used and removed.

    ``transport`` is the road between the two: ``as2`` or ``sftp``.
    """

    arrival: date
    shipments: int = 200
    seed: int = 1
    data: Path | None = None
    transport: str = "as2"
    scenario: str = "day"

    @property
    def patience(self) -> float:
        """Seconds that any one step may take."""
        return 60 + self.shipments * 0.06


@dataclass(slots=True)
class DemoClock:
    """Real time, shifted; the simulated CBP's clock is set by the same shift."""

    offset: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """The demonstration's instant, aware, UTC."""
        return datetime.now(UTC) + self.offset

    def set(self, moment: datetime) -> None:
        """Jump to an instant; time runs on from there."""
        self.offset = moment - datetime.now(UTC)


@dataclass(slots=True)
class DemoResult:
    """The end of the story: ``document`` is that of ``--json``, ``board`` the trip's board, ``examples`` shipments."""

    document: dict[str, Any]
    board: dict[str, Any]
    examples: list[dict[str, Any]]
    folder: Path | None
    chapters: list[Chapter] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A look at the trip in the middle of a story: what is said of it, its board, and what would mend it."""

    title: str
    board: dict[str, Any]
    refiling: dict[str, Any] | None = None


def run_demo(plan: DemoPlan, watcher: Watcher) -> DemoResult:
    """Run the whole story. Raises :class:`schemas.errors.GatewayError` with what went wrong."""
    with _folder(plan, watcher) as folder, (folder / "gateway.log").open("a", encoding="utf-8") as log:
        configure_logs("json", "info", log)
        try:
            return asyncio.run(told(plan)(plan, folder, watcher).run())
        finally:
            configure_logs("auto", "warning", sys.stderr)


@contextmanager
def _folder(plan: DemoPlan, watcher: Watcher) -> Iterator[Path]:
    if plan.data is not None:
        plan.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield plan.data
        return
    folder = Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    try:
        yield folder
    except Exception:
        watcher.say(f"the logs and the database are kept in {folder}")
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def told(plan: DemoPlan) -> type[Demonstration]:
    """The story of a plan's scenario."""
    if plan.scenario == "cutover":
        from gateway.demo.cutover import Cutover

        return Cutover
    return Demonstration


class Demonstration:
    """One run of the ordinary day: filed, answered, at the border, released."""

    def __init__(self, plan: DemoPlan, folder: Path, watcher: Watcher) -> None:
        self.plan, self.folder, self.watcher = plan, folder, watcher
        self.clock = DemoClock()
        self.chapters: list[Chapter] = []
        self.trip = self.make_trip()
        self.number = str(self.trip["trip_number"])
        self.planned = datetime.fromisoformat(self.trip["estimated_arrival"])
        self.refused: list[dict[str, Any]] = []

    # ------------------------------------------------------------------ what another story changes

    def make_trip(self) -> dict[str, Any]:
        """The truck."""
        return make_trip(self.plan.arrival, self.plan.seed)

    def make_shipments(self) -> Iterator[dict[str, Any]]:
        """What is on it."""
        return make_shipments(self.plan.arrival, self.plan.shipments, self.plan.seed)

    def sandbox_arguments(self) -> tuple[str, ...]:
        """What the simulated CBP is told besides."""
        return ()

    async def story(
        self, gateway: Gateway, client: GatewayClient, sandbox: SandboxProcess, board: dict[str, Any]
    ) -> dict[str, Any]:
        """From CBP's answers to the border; the last board."""
        # It is there already when the same demonstration is run again in its folder; without a bill it stays home.
        if board["arrived_at"] is None and board["manifest"]["accepted"]:
            await self.cross(sandbox, self.planned - AT_THE_BORDER)
        return await self.until_quiet(gateway, client, sandbox)

    def more(self) -> dict[str, Any]:
        """What the document has besides."""
        return {}

    # ------------------------------------------------------------------ the run

    async def run(self) -> DemoResult:
        """The story from its beginning to its end."""
        begin = time.monotonic()
        self.clock.set(self.planned - BEFORE_ARRIVAL)
        async with AsyncExitStack() as stack:
            door = open_door("127.0.0.1")
            stack.callback(door.close)
            port = int(door.getsockname()[1])
            self.watcher.say("starting the simulated CBP and the gateway")
            start = self.clock.now().isoformat()
            arguments = ["--port", "0", "--control-port", "0", "--clock", start, *self.sandbox_arguments()]
            if self.plan.transport == "sftp":
                arguments += ["--sftp-port", "0"]
            sandbox = await stack.enter_async_context(
                SandboxProcess(
                    self.folder / "sandbox",
                    self.folder / "exchange",
                    f"http://127.0.0.1:{port}/as2",
                    arguments,
                )
            )
            settings = self._settings(port, sandbox)
            gateway = await stack.enter_async_context(Gateway.open(settings, clock=self.clock.now))
            await stack.enter_async_context(serving(gateway, door))
            await sandbox.set_clock(self.clock.now().isoformat())
            key = await self._key(gateway)
            client = await stack.enter_async_context(GatewayClient(f"http://127.0.0.1:{port}", key))
            await self._stage(client)
            await client.file_trip(self.number)
            board = await self.until_answered(gateway, client, sandbox)
            board = await self.story(gateway, client, sandbox, board)
            verification = await self._verify(gateway)
            document = await self._document(gateway, board, verification)
            board = {**board, "blocking": await self._blocking(client, board)}
            document["memory_mb"] = {"gateway": peak_mb(), "sandbox": peak_mb(sandbox.pid)}
            document["seconds"] = round(time.monotonic() - begin, 2)
            examples = await self._examples(client, board)
            return DemoResult(document, board, examples, self.plan.data, self.chapters)

    def _settings(self, port: int, sandbox: SandboxProcess) -> Settings:
        """Settings of the demonstration; the machine's own configuration does not reach it."""
        return load_settings(
            environ={},
            overrides={
                "listen": {"host": "127.0.0.1", "port": port},
                "storage": {"directory": str(self.folder)},
                "exchange": {"directory": str(self.folder / "exchange")},
                "partners": {"cbp": sandbox.partner},
            },
        )

    async def _key(self, gateway: Gateway) -> str:
        now = self.clock.now()
        _, secret = await gateway.store.write(
            lambda conn: create_key(conn, "demo", Role.BROKER, now=now, licensed=True)
        )
        return secret

    # ------------------------------------------------------------------ the story

    async def _stage(self, client: GatewayClient) -> None:
        await client.put_trip(self.trip)
        self.watcher.total(self.plan.shipments)
        batch: list[dict[str, Any]] = []
        done = 0
        for shipment in self.make_shipments():
            batch.append(shipment)
            if len(batch) == BATCH or done + len(batch) == self.plan.shipments:
                answers = await client.stage(self.number, batch)
                self.refused += [answer for answer in answers if answer["state"] == "refused"]
                done += len(batch)
                batch = []
                self.watcher.staged(done)

    async def until_answered(self, gateway: Gateway, client: GatewayClient, sandbox: SandboxProcess) -> dict[str, Any]:
        """Wait until CBP has said yes or no to everything that was sent."""
        end = time.monotonic() + self.plan.patience
        while True:
            board = await client.board(self.number)
            self.watcher.board(board)
            if self.watcher.answered(board):
                break
            _stuck(board)
            self.in_time(end, "CBP's answers", board)
            await asyncio.sleep(POLL_SECONDS)
        return await self.until_quiet(gateway, client, sandbox)

    async def go_to(self, sandbox: SandboxProcess, moment: datetime) -> None:
        """Both clocks jump to an instant."""
        self.clock.set(moment)
        await sandbox.set_clock(moment.isoformat())

    async def cross(self, sandbox: SandboxProcess, moment: datetime) -> None:
        """Both clocks go to the arrival, and the truck is there."""
        self.watcher.say("the truck is at the border")
        await self.go_to(sandbox, moment)
        await sandbox.arrive(self.number)

    async def until_quiet(self, gateway: Gateway, client: GatewayClient, sandbox: SandboxProcess) -> dict[str, Any]:
        """Wait until the other side has nothing to say, we have read everything, and the board stands still."""
        end = time.monotonic() + self.plan.patience
        before: dict[str, Any] = {}
        same = 0
        while same < QUIET_ROUNDS:
            said = await sandbox.settled()
            waiting = await gateway.store.read(unread)
            board = await client.board(self.number)
            self.watcher.board(board)
            states = {"states": board["states"], "manifest": board["manifest"], "entries": board["entries"]}
            # the judgement for the actual arrival is part of the record
            judged = board["arrived_at"] in (None, board["judged_for"])
            same = same + 1 if said and judged and not waiting and states == before else 0
            before = states
            if same < QUIET_ROUNDS:
                self.in_time(end, "the releases", board)
                await asyncio.sleep(POLL_SECONDS)
        return board

    def in_time(self, end: float, what: str, board: dict[str, Any]) -> None:
        """Raise :class:`TransportError` when the time for ``what`` is over."""
        if time.monotonic() < end:
            return
        text = f"Waited {self.plan.patience:.0f} seconds for {what}: {board['reason']}"
        remedy = f"Run it again with --data DIR and look at {self.folder / 'gateway.log'} there."
        raise TransportError(Problem("demo_not_settled", self.number, text, remedy), in_doubt=True)

    # ------------------------------------------------------------------ the end

    async def _verify(self, gateway: Gateway) -> ArchiveVerification:
        self.watcher.say("verifying the archive")
        return await gateway.store.read(archive.verify)

    async def _document(
        self, gateway: Gateway, board: dict[str, Any], verification: ArchiveVerification
    ) -> dict[str, Any]:
        recorded = await gateway.store.read(events.last_cursor)
        accounted = account(board["states"], len(self.refused))
        return {
            "arrival": self.plan.arrival.isoformat(),
            "trip_number": self.number,
            "transport": self.plan.transport,
            "shipments": self.plan.shipments,
            "pathways": {name: board["pathways"].get(name, 0) for name in PATHWAYS},
            "manifest": _answers(board["manifest"]),
            "entries": _answers(board["entries"]),
            "handoffs": board["handoffs"],
            "released": board["released"],
            "held": board["held"],
            "rejected": accounted["rejected"],
            "in_review": accounted["in_review"],
            "refused": accounted["refused"],
            "accounted": accounted,
            "complete": sum(accounted.values()) == self.plan.shipments,
            "states": board["states"],
            "decision": board["decision"],
            "reason": board["reason"],
            "events": recorded,
            "archive": {
                "entries": verification.entries,
                "verified": verification.verified,
                "root": verification.root,
            },
            "refused_rows": self.refused,
            **self.more(),
        }

    async def _blocking(self, client: GatewayClient, board: dict[str, Any]) -> list[dict[str, Any]]:
        """What holds the truck: what CBP refused or holds before what waits for a broker, some of each."""
        known = {one["shipment_id"]: one for one in board["blocking"]}
        found: list[dict[str, Any]] = []
        for state in (*ENDS["rejected"], *ENDS["held"], *ENDS["in_review"]):
            if board["states"].get(state):
                some = [one async for one in client.shipments(self.number, state=state)][:BLOCKING_SHOWN]
                found += [
                    {**one, "why": one.get("why") or known.get(one["shipment_id"], {}).get("why")} for one in some
                ]
        return found

    async def _examples(self, client: GatewayClient, board: dict[str, Any]) -> list[dict[str, Any]]:
        """One shipment of each state and pathway, the first of each."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        wanted = Counter(board["states"])
        for state in wanted:
            async for one in client.shipments(self.number, state=state, limit="100"):
                found.setdefault((state, str(one["pathway"])), one)
                if len([key for key in found if key[0] == state]) == 2:
                    break
        return list(found.values())


PATHWAYS: Final = ("section321", "type86", "informal", "formal", "review")


def _answers(part: dict[str, int]) -> dict[str, int]:
    return {name: part[name] for name in ("accepted", "rejected", "pending")}


def unread(conn: Connection) -> int:
    """Files of CBP that came in and have not been read."""
    incoming = (tables.transmissions.c.direction == "in") & (tables.transmissions.c.state == "received")
    return int(conn.execute(select(func.count()).select_from(tables.transmissions).where(incoming)).scalar_one())


def _stuck(board: dict[str, Any]) -> None:
    for alert in board["alerts"]:
        if alert["kind"] == "trip_not_plannable":
            raise TransportError(Problem("demo_stuck", board["trip_number"], alert["text"]), in_doubt=False)
