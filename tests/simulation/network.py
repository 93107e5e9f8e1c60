"""What becomes of a file on the way? Lost, doubled, late, damaged, unheard, or simply delivered; all of it is noted.

The journal is the auditor's second witness beside CBP's books: what left us, what reached CBP, whether a receipt was
given, what CBP gave us and whether we took it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.transports import OutboundFile, PreparedTransmission, Receipt
from sandbox.cbp import Answer, Cbp, MessageReused
from sandbox.rulebook import RuleBook
from sandbox.settings import Behaviour
from sandbox.store import Store as Books
from schemas.errors import Problem, TransportError
from tests.answers import in_new_envelope
from tests.simulation.evidence import head_of, read_declaration
from tests.simulation.turnstile import Alive, Turnstile
from tests.simulation.world import FAIR, World

OUTAGE: Final = timedelta(minutes=7)
LATE: Final = timedelta(minutes=3)
AGAIN: Final = 900_000_000
"""CBP's control numbers of what it says again begin here."""
_BOOK: Final = RuleBook.load()


@dataclass(slots=True)
class Sent:
    """One attempt of ours: these bytes left under this message id."""

    at: datetime
    process: str
    name: str
    message_id: str
    body: bytes = field(repr=False)
    fate: str = ""
    reached: bool = False
    receipted: bool = False

    @property
    def payload(self) -> bytes:
        """What the envelope holds."""
        return self.body.split(b"\n", 2)[2]


@dataclass(slots=True)
class Given:
    """One attempt of CBP's: this answer was on its way to us under this message id."""

    at: datetime
    answer: int
    kind: str
    message_id: str
    payload: bytes = field(repr=False)
    intact: bool = True
    receipted: bool = False


@dataclass(slots=True)
class Journal:
    """All that was on the way."""

    sent: list[Sent] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    purged: list[Answer] = field(default_factory=list)


class Network:
    """The road between us and CBP, and CBP at its end."""

    def __init__(self, world: World, turnstile: Turnstile) -> None:
        self.world = world
        self.turnstile = turnstile
        self.weather = world.weather
        self.journal = Journal()
        self.cbp = Cbp(Books(), Behaviour(), _BOOK)
        self.out_until: datetime | None = None
        self.under_way: list[tuple[datetime, Sent]] = []
        self._copies = 0

    @property
    def is_out(self) -> bool:
        """Whether nobody can be reached just now."""
        return self.out_until is not None and self.world.now < self.out_until

    def outage(self) -> None:
        """Nobody can be reached for a while."""
        self.out_until = self.world.now + OUTAGE
        self.world.note(f"network: out until {self.out_until:%H:%M:%S}")

    def clear_up(self) -> None:
        """Nothing goes wrong any more."""
        self.weather = FAIR
        self.out_until = None

    # -------------------------------------------------------------------------------------- to CBP

    def carry(self, process: Alive, prepared: PreparedTransmission) -> Receipt:
        """One file of ours goes out; what the sender hears of it."""
        world, weather = self.world, self.weather
        sent = Sent(world.now, process.name, prepared.name, prepared.message_id, prepared.body)
        self.journal.sent.append(sent)
        if self.is_out:
            sent.fate = "nobody there"
            raise TransportError(Problem("no_connection", "transmission", "Nobody answers."), in_doubt=False)
        if world.happens(weather.refused):
            sent.fate = "damaged"
            return Receipt(prepared.message_id, True, "integrity-check-failed", world.now, signed=True)
        if world.happens(weather.lost):
            sent.fate = "receipt lost" if world.luck.random() < 0.5 else "lost"
            if sent.fate == "receipt lost":
                self.take(sent)
            raise _no_receipt()
        if world.happens(weather.late):
            sent.fate = "late"
            self.under_way.append((world.now + LATE * world.luck.random(), sent))
            raise _no_receipt()
        if world.happens(weather.doubled):
            self.under_way.append((world.now + LATE * world.luck.random(), sent))
        sent.fate = "delivered"
        self.take(sent)
        sent.receipted = True
        return Receipt(prepared.message_id, False, "processed", world.now, signed=True)

    def take(self, sent: Sent) -> None:
        """CBP's door takes a file: it is in CBP's books."""
        sent.reached = True
        try:
            self.cbp.receive(sent.payload, self.world.now, message_id=sent.message_id, name=sent.name)
        except MessageReused:
            sent.fate += ", refused: its message id came with other bytes"
        self.world.note(f"CBP: took {sent.name} ({sent.fate})")

    def arrivals(self) -> int:
        """Files that were late arrive; gives how many."""
        due = [one for one in self.under_way if one[0] <= self.world.now]
        for one in due:
            self.under_way.remove(one)
            self.take(one[1])
        return len(due)

    # ------------------------------------------------------------------------------------ from CBP

    def digest(self) -> bool:
        """CBP reads the oldest file it has not read; whether there was one."""
        waiting = self.cbp.undigested()
        if not waiting:
            return False
        fails = self.world.happens(self.weather.fails)
        verdict = self.cbp.digest(waiting[0], self.world.now, fails=fails)
        self.world.note(f"CBP: {verdict.get('result', '')}{' as its system fails' if fails else ''}")
        return True

    def answers(self) -> list[Answer]:
        """What CBP would send now."""
        return [] if self.is_out else self.cbp.due(self.world.now, limit=30)

    def hand_over(self, answer: Answer) -> list[Given]:
        """What arrives at our door of one answer: nothing, a damaged copy, the file, or the file twice."""
        world, weather = self.world, self.weather
        if world.happens(weather.purged):
            self.cbp.sent(answer, world.now, verdict="dropped")
            self.journal.purged.append(answer)
            world.note(f"CBP: {answer.name} is lost for good")
            return []
        copies = [f"<{answer.id}@cbp>"]
        if world.happens(weather.doubled):
            self._copies += 1
            copies.append(f"<{answer.id}.{self._copies}@cbp>")
        given = []
        for message_id in copies:
            one = Given(world.now, answer.id, answer.kind, message_id, answer.payload)
            one.intact = not world.happens(weather.damaged)
            self.journal.given.append(one)
            given.append(one)
        return given

    def say_again(self) -> Given | None:
        """A 355 of CBP's once more, in a new envelope that is as old as the first one, or of now.

        It repeats another message than the last one about its trip: else nobody could tell it from the answer to that.
        """
        last = {read_declaration(one.payload).trip: head_of(one.payload) for one in self.journal.sent if one.reached}
        said = [one for one in self.journal.given if one.kind == "355" and one.receipted]
        said = [one for one in said if last.get(read_declaration(one.payload).trip) != head_of(one.payload)]
        if not said or self.is_out:
            return None
        old, luck = self.world.luck.choice(said), self.world.luck
        self._copies += 1
        at = self.world.now if luck.random() < 0.5 else None
        payload = in_new_envelope(old.payload, AGAIN + self._copies, at)
        again = Given(self.world.now, old.answer, old.kind, f"<{old.answer}.{self._copies}@cbp>", payload)
        self.journal.given.append(again)
        return again

    def receipted(self, answer: Answer, given: Given) -> None:
        """Our receipt reaches CBP, which ticks the answer off, or it does not, and the answer comes again."""
        given.receipted = True
        if self.world.happens(self.weather.unheard):
            self.world.note(f"CBP: no receipt for {answer.name} came")
        else:
            self.cbp.sent(answer, self.world.now, verdict="delivered")


def _no_receipt() -> TransportError:
    return TransportError(Problem("no_receipt", "transmission", "No receipt came."), in_doubt=True)


class SimulatedRoad:
    """The transport of one process: what it prepares is as different each time as a signature is."""

    def __init__(self, process: Alive, network: Network) -> None:
        self._process = process
        self._network = network

    def prepare(self, file: OutboundFile, *, message_id: str, at: datetime) -> PreparedTransmission:
        """The file in an envelope with its message id and the time."""
        body = b"\n".join((message_id.encode(), at.isoformat().encode(), file.payload))
        return PreparedTransmission("simulated", file.name, message_id, {"message-id": message_id}, body, at)

    async def send(self, prepared: PreparedTransmission) -> Receipt:
        """Open the socket, and hear of it or not."""
        turnstile = self._network.turnstile
        await turnstile.wait(self._process, "send", prepared.name)
        try:
            receipt = self._network.carry(self._process, prepared)
        except TransportError:
            await turnstile.wait(self._process, "sent", prepared.name)
            raise
        await turnstile.wait(self._process, "sent", prepared.name)
        return receipt
