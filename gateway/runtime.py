"""How does a gateway run? Store, identity, roads to the partner, workers, and one clock for the business.

``async with Gateway.open(settings) as gateway`` opens the store (migrating it), makes our key and
certificate on first start, starts the workers, and ends them in order. The partner's certificate is
read when it is first needed and again when its file changes, so both sides may start in any order.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import aiohttp
import structlog
from sqlalchemy.exc import DBAPIError

from filings import receiving
from filings.alerts import Alert, raise_alert
from filings.store import Store, StoreError, leases
from filings.uuid7 import uuid7
from gateway.filing_context import context_of
from gateway.first_start import one_at_a_time
from gateway.http.idempotency import free_claims
from gateway.memory import cpu_seconds
from gateway.our_identity import our_identity
from gateway.partners import Partners
from gateway.receipts import Receipts
from gateway.settings import Settings
from gateway.sftp_road import open_link
from gateway.transports import (
    As2Receiver,
    As2Transport,
    DirectoryTransport,
    InboundFile,
    SftpInbox,
    SftpTransport,
    Timeouts,
    Transport,
)
from gateway.transports.as2 import post_receipt
from gateway.workers.asker import Asker
from gateway.workers.inbox import Inbox, SftpPoll
from gateway.workers.loop import Worker
from gateway.workers.planner import Amender, Declarer, ExpressDeclarer, Packer
from gateway.workers.reader import BulkReader, ExpressReader
from gateway.workers.receipts import ReceiptGiver
from gateway.workers.rejudger import Rejudger
from gateway.workers.retrier import Retrier
from gateway.workers.sender import ExpressSender, Sender
from gateway.workers.shift import Shift
from gateway.workers.watcher import Watcher
from gateway.workers.workshop import Workshop
from schemas.as2 import (
    As2Response,
    Identity,
    Mdn,
    ReceivedMessage,
    make_message_id,
    may_post,
)
from schemas.errors import Conflict, Problem, TransportError

log = structlog.get_logger("gateway")


def real_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def _alone(settings: Settings) -> int | None:
    """Hold the data directory: the embedded database has one gateway. With PostgreSQL any number may run."""
    if settings.storage.database_url is not None:
        return None
    path = settings.storage.directory / "gateway.lock"
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        text = f"Another gateway works on {settings.storage.directory}."
        remedy = "Stop it, choose another data directory, or use PostgreSQL, where several may run."
        raise Conflict(Problem("data_directory_in_use", str(path), text, remedy)) from None
    return held


class Gateway:
    """A running gateway: what HTTP, command line and demonstration stand on."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        identity: Identity,
        session: aiohttp.ClientSession,
        clock: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.store = store
        self.ctx = context_of(settings)
        self.clock = clock
        self.partners = Partners(settings)
        self._identity = identity
        self._session = session
        self._receipts = Receipts(store, settings.partner_name, clock)
        with one_at_a_time(settings.storage.directory):
            self._link = open_link(settings)
        self._receiver = As2Receiver(
            identity=identity,
            partners=self.partners,
            accept=self._accept,
            refused=self._refused,
            new_message_id=lambda: make_message_id(uuid7(), "gateway"),
            earlier=self._receipts.earlier,
            answered=self._answered,
            owe=self._owe,
            receipt=self._receipt_came,
        )
        lease = settings.processes.lease
        on_the_road = lease + timedelta(seconds=settings.partner.timeout_seconds)
        self._shift = shift = Shift(store, lease=lease)
        self._owners = (f"{shift.owner}:express", shift.owner)  # neither sender may write what the other has taken
        express_sender, sender = [
            kind(
                store,
                settings.partner_name,
                self._transport,
                clock,
                owner,
                self.wake,
                receipt_wait=timedelta(seconds=settings.partner.receipt_wait_seconds),
                lease=on_the_road,
            )
            for owner, kind in zip(self._owners, (ExpressSender, Sender), strict=True)
        ]
        self._giver = ReceiptGiver(
            store,
            settings.partner_name,
            self._may_post,
            self._post_receipt,
            clock,
            shift.owner,
            lease=on_the_road,
        )
        self._workshop = Workshop()
        self._readers = [kind(store, self.ctx, clock, self.wake, shift) for kind in (ExpressReader, BulkReader)]
        patience = settings.deadlines.patience
        watcher = Watcher(store, patience, clock)
        rejudger = Rejudger(store, self.ctx, clock, self.wake)
        self.workers: tuple[Worker, ...] = (
            ExpressDeclarer(store, self.ctx, clock, self.wake, shift),
            express_sender,
            Declarer(store, self.ctx, clock, self.wake, shift),
            sender,
            Amender(store, self.ctx, clock, self.wake, shift),
            *self._readers,
            Packer(store, self.ctx, clock, self.wake, self._workshop, shift),
            *((self._giver,) if settings.partner.transport == "as2" else ()),
            watcher,
            rejudger,
            Retrier(store, self.ctx, clock, self.wake),
            Asker(store, self.ctx, patience, clock, self.wake),
            *self._inboxes(),
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, *, clock: Callable[[], datetime] = real_clock, work: bool = True
    ) -> AsyncIterator[Gateway]:
        """Open everything; with ``work`` false no worker runs (for reading only)."""
        settings.storage.directory.mkdir(parents=True, exist_ok=True)
        lock = _alone(settings) if work else None
        identity = await asyncio.to_thread(our_identity, settings)
        stalled = timedelta(seconds=settings.processes.stalled_seconds)
        locked = timedelta(seconds=settings.storage.lock_seconds)
        async with (
            await Store.open(settings.database_url, stalled=stalled, locked=locked) as store,
            aiohttp.ClientSession() as session,
        ):
            gateway = cls(settings, store, identity, session, clock)
            if work:
                await gateway.start()
            try:
                yield gateway
            finally:
                await gateway.stop()
                if lock is not None:
                    os.close(lock)

    async def start(self) -> None:
        """Start the workers. On the embedded database leases of a process that died are given up at once."""
        if self.store.dialect == "sqlite":
            await self.store.write(lambda conn: leases.give_up(conn, real_clock()))
            await self.store.write(free_claims)
        for worker in self.workers:
            worker.start()

    async def stop(self) -> None:
        """Stop the workers in order; what they had begun is found again, by other processes at once."""
        for worker in self.workers:
            await worker.stop()
        try:
            for owner in self._owners:
                await self.store.write(partial(leases.give_up, now=real_clock(), owner=owner))
        except (DBAPIError, OSError, StoreError) as error:  # gone before us: leases run out by themselves
            log.warning("leases not given up", error=str(error).splitlines()[0])
        await self._workshop.close()
        if self._link is not None:
            await self._link.close()

    @property
    def workshop_cpu_seconds(self) -> float:
        """CPU time that the child process has used; 0 while there is none."""
        pid = self._workshop.pid
        return cpu_seconds(pid) if pid is not None else 0.0

    def wake(self) -> None:
        """Tell the workers that there is work."""
        for worker in self.workers:
            worker.wake()

    # ------------------------------------------------------------------------------- to the partner

    def _transport(self) -> Transport:
        partner = self.settings.partner
        if partner.transport == "directory" and partner.outbox is not None:
            return DirectoryTransport(partner.outbox, identity=self._identity)
        if self._link is not None:
            return SftpTransport(self._link, partner.sftp.outbox)
        timeouts = Timeouts(receipt=partner.timeout_seconds)
        return As2Transport(self._session, self._identity, self.partners.current(), partner.url, timeouts=timeouts)

    # ----------------------------------------------------------------------------- from the partner

    async def as2_receive(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Take a partner's AS2 message or receipt; status, headers and body of the answer, receipt included."""
        response = await self._receiver.receive(list(headers.items()), body)
        return response.status, response.headers, response.body

    async def _accept(self, message: ReceivedMessage, response: As2Response) -> None:
        await self._receipts.accept(message, response)
        for reader in self._readers:
            reader.wake()
        self._giver.wake()

    async def _answered(self, message: ReceivedMessage, response: As2Response) -> None:
        await self._receipts.answered(message, response)
        self._giver.wake()

    async def _owe(self, _sender: str, about: str, response: As2Response) -> bool:
        owed = await self._receipts.owe(about, response)
        self._giver.wake()
        return owed

    async def _receipt_came(self, mdn: Mdn, headers: Mapping[str, str], body: bytes) -> tuple[Problem, ...]:
        problems = await self._receipts.came(mdn, headers, body)
        self.wake()
        return problems

    def _may_post(self, url: str) -> bool:
        return may_post(url, self.settings.partner.url)

    async def _post_receipt(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        timeouts = Timeouts(receipt=self.settings.partner.timeout_seconds)
        await post_receipt(self._session, url, headers, body, timeouts)

    async def _refused(self, headers: Mapping[str, str], body: bytes, problems: tuple[Problem, ...]) -> None:
        partner = self.settings.partner_name
        now = self.clock()
        await self.store.write(lambda conn: receiving.refuse(conn, partner, headers, body, problems, now))
        log.warning("message refused", codes=[problem.code for problem in problems])

    def _inboxes(self) -> tuple[Worker, ...]:
        partner = self.settings.partner
        if self._link is not None:
            sftp = partner.sftp
            inbox = SftpInbox(
                self._link,
                sftp.inbox,
                self._accept_file,
                self._refused_file,
                after=sftp.after,
                done=sftp.done,
                steady_seconds=sftp.steady_seconds,
            )
            return (SftpPoll(inbox, sftp.poll_seconds, self._tell, mine=self._looks),)
        if partner.transport != "directory" or partner.inbox is None:
            return ()
        return (Inbox(partner.inbox, self.partners.current, self._accept_file, self._refused_file, mine=self._looks),)

    async def _looks(self) -> bool:
        """Whether it is this process that looks into the partner's folder."""
        return await self._shift.hold(f"inbox:{self.settings.partner_name}")

    async def _tell(self, error: TransportError) -> None:
        """The partner's server cannot be used until a person has looked."""
        detail = {"problems": [problem.as_dict() for problem in error.problems]}
        alert = Alert("partner_not_usable", error.problems[0].text, "error", detail)
        await self.store.write(lambda conn: raise_alert(conn, alert, self.clock()))

    async def _refused_file(self, name: str, body: bytes, problems: tuple[Problem, ...]) -> None:
        await self._refused({"file": name}, body, problems)

    async def _accept_file(self, file: InboundFile) -> None:
        now = self.clock()
        inbound = receiving.Inbound(
            partner=self.settings.partner_name,
            channel=self.settings.partner.transport,
            name=file.name,
            content_type="application/octet-stream",
            payload=file.payload,
            message_id=f"file:{file.name}:{file.digest}",
            detail={"host_key": self._link.host_key} if self._link is not None else {"signed_by": file.signed_by},
        )
        await self.store.write(lambda conn: receiving.receive(conn, inbound, now))
        for reader in self._readers:
            reader.wake()
