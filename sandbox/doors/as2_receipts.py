"""How are receipts given and taken that do not travel in the answer to a message?

A filer may want its receipt posted (``Receipt-Delivery-Option``). It is then kept in the books until the filer has
taken it, tried again with growing pauses, also after a restart; it goes to the host and port at which the filer takes
answers and nowhere else. A message that comes again gets the very same receipt again, in its answer or posted.

The other way round: for a filer whose ``receipts`` are ``async`` the sandbox asks for the receipts of its own answers
to be posted, and waits for each. When one does not come in time, the answer goes again under the same Message-ID. One
that has come may come again, from a filer that never heard that it had: it is taken, and nothing follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from sandbox.clock import real_time
from sandbox.store import Store, moment, stamp
from schemas import as2
from schemas.errors import Problem

logger = logging.getLogger("sandbox")
_TABLE: Final = """create table if not exists as2_receipt (
  partner text not null, about text not null, mic text not null, message_id text not null, headers text not null,
  body blob not null, url text not null default '', due_at text, attempts integer not null default 0,
  primary key (partner, about, mic))"""
_INDEX: Final = "create index if not exists as2_receipt_due on as2_receipt (due_at) where due_at is not null"
_HEARD: Final = """create table if not exists as2_heard (
  partner text not null, about text not null, primary key (partner, about)) without rowid"""
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 30.0
_LONGEST_REST: Final = 1.0
_MOST_ATTEMPTS: Final = 200
"""Attempts after which a receipt is not posted any more: a filer that wants it sends its message again."""
_MOST_WAITING: Final = 1000
"""Receipts waiting, beyond which one for a message that was refused is given in the answer: it may be anybody's."""


class ReceiptBook:
    """The receipts that were given, and which of them are still to be posted; a part of the sandbox's books."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.run(_TABLE)
        store.run(_INDEX)
        store.run(_HEARD)

    def given(self, about: as2.ReceivedMessage) -> as2.As2Message | None:
        """The receipt that this message got when it came before."""
        row = self._store.row(
            "select * from as2_receipt where partner = ? and about = ? and mic = ?",
            about.sender, about.message_id, about.mic,
        )  # fmt: skip
        return None if row is None else _message(row)

    def keep(self, about: as2.ReceivedMessage | as2.Refusal, mdn: as2.As2Message, url: str) -> bool:
        """Remember a receipt; with ``url`` it is to be posted there now. ``False``: no more are kept for refusals."""
        mic = about.mic if isinstance(about, as2.ReceivedMessage) else f"refused {mdn.message_id}"
        if isinstance(about, as2.Refusal) and self._waiting() >= _MOST_WAITING:
            return False
        self._store.run(
            "insert into as2_receipt (partner, about, mic, message_id, headers, body, url, due_at)"
            " values (?,?,?,?,?,?,?,?) on conflict (partner, about, mic) do update set"
            " url = excluded.url, due_at = excluded.due_at, attempts = 0",
            about.sender, about.message_id, mic, mdn.message_id, json.dumps(dict(mdn.headers)), mdn.body, url,
            stamp(real_time()) if url else None,
        )  # fmt: skip
        return True

    def _waiting(self) -> int:
        return self._store.count("select count(*) from as2_receipt where due_at is not null")

    def due(self, now: datetime) -> list[tuple[str, as2.As2Message, int]]:
        """(URL, receipt, attempts so far) of what is to be posted now, the longest due first."""
        rows = self._store.rows(
            "select * from as2_receipt where due_at is not null and due_at <= ? order by due_at limit 20", stamp(now)
        )
        return [(row["url"], _message(row), row["attempts"]) for row in rows]

    def next_due(self) -> datetime | None:
        """When the next one is to be posted."""
        row = self._store.row("select min(due_at) as due from as2_receipt")
        return moment(row["due"]) if row is not None and row["due"] is not None else None

    def tried(self, mdn: as2.As2Message, again: datetime | None) -> None:
        """It was posted; ``again``: it was not taken and is posted then once more."""
        self._store.run(
            "update as2_receipt set due_at = ?, attempts = attempts + 1 where message_id = ?",
            stamp(again) if again is not None else None, mdn.message_id,
        )  # fmt: skip

    def hear(self, partner: str, about: str) -> None:
        """A filer's receipt for an answer of ours came."""
        self._store.run("insert or ignore into as2_heard (partner, about) values (?,?)", partner, about)

    def heard(self, partner: str, about: str) -> bool:
        """Whether this filer's receipt for this answer has come before."""
        return bool(self._store.count("select count(*) from as2_heard where partner = ? and about = ?", partner, about))


def _message(row: sqlite3.Row) -> as2.As2Message:
    return as2.As2Message(json.loads(row["headers"]), bytes(row["body"]), row["message_id"])


class ReceiptDesk:
    """Gives receipts, posts those that are owed, and waits for those that the filers post."""

    def __init__(self, book: ReceiptBook, identity: as2.Identity, new_id: Callable[[], str]) -> None:
        self.book, self._identity, self._new_id = book, identity, new_id
        self._awaited: dict[str, asyncio.Future[as2.Mdn]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------ ours for their messages

    async def give(self, about: as2.ReceivedMessage | as2.Refusal) -> as2.As2Response:
        """The answer to a message that was stored or refused: with its receipt, or with nothing and it is posted."""
        answer = await asyncio.to_thread(self._give, about)
        if answer.post_to:
            self._wake.set()
        return answer

    def _give(self, about: as2.ReceivedMessage | as2.Refusal) -> as2.As2Response:
        known = self.book.given(about) if isinstance(about, as2.ReceivedMessage) else None
        if known is not None:
            answer = as2.carry(known, about.receipt.async_url)
        else:
            answer = as2.answer(about, me=self._identity, message_id=self._new_id(), date=real_time())
        if answer.mdn is None:
            return answer
        return answer if self.book.keep(about, answer.mdn, answer.post_to) else as2.carry(answer.mdn)

    def start(self, session: aiohttp.ClientSession) -> None:
        """Begin to post what is owed; what a stopped sandbox still owed goes first."""
        self._task = asyncio.create_task(self._post_owed(session), name="sandbox-receipts")

    async def stop(self) -> None:
        """End it; what is owed stays in the books."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _post_owed(self, session: aiohttp.ClientSession) -> None:
        while True:
            self._wake.clear()
            for url, mdn, attempts in await asyncio.to_thread(self.book.due, real_time()):
                again = None if await self._post(session, url, mdn) else _later(attempts)
                await asyncio.to_thread(self.book.tried, mdn, again)
            due = await asyncio.to_thread(self.book.next_due)
            rest = _LONGEST_REST if due is None else min((due - real_time()).total_seconds(), _LONGEST_REST)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(rest, 0.001)):  # wait_for of Python 3.11 can swallow a cancellation
                    await self._wake.wait()

    async def _post(self, session: aiohttp.ClientSession, url: str, mdn: as2.As2Message) -> bool:
        try:
            async with session.post(url, data=mdn.body, headers=dict(mdn.headers), allow_redirects=False) as response:
                taken = 200 <= response.status < 300
                said = f"HTTP {response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            taken, said = False, type(error).__name__
        if not taken:
            logger.info("receipt %s not taken at %s: %s", mdn.message_id, url, said)
        return taken

    # ------------------------------------------------------------------ theirs for our answers

    @contextlib.contextmanager
    def awaiting(self, message_id: str) -> Iterator[asyncio.Future[as2.Mdn]]:
        """While the block runs, a receipt for this message goes to the future."""
        coming: asyncio.Future[as2.Mdn] = asyncio.get_running_loop().create_future()
        self._awaited[message_id] = coming
        try:
            yield coming
        finally:
            coming.cancel()
            del self._awaited[message_id]

    async def take(
        self, pairs: Sequence[tuple[str, str]], body: bytes, partners: Mapping[str, as2.Partner]
    ) -> as2.Refusal | None:
        """A receipt that was posted: hand it to whoever waits. A refusal when it is nobody's, or a new one that nobody
        waits for.
        """
        came = await asyncio.to_thread(
            as2.read_receipt, list(pairs), body, me=self._identity, partners=partners, received_at=real_time()
        )
        if isinstance(came, as2.Refusal):
            return came
        about = (came.sender, came.original_message_id)
        coming = self._awaited.get(came.original_message_id)
        if came.signed_ok and coming is not None:
            await asyncio.to_thread(self.book.hear, *about)
            if not coming.done():
                coming.set_result(came)
            return None
        if came.signed_ok and await asyncio.to_thread(self.book.heard, *about):
            return None
        text = "The receipt is not signed." if not came.signed_ok else "Nobody waits for this receipt."
        problem = Problem("as2-receipt-unknown", "mdn.original-message-id", text)
        return as2.Refusal(came.original_message_id, came.sender, self._identity.as2_name, (problem,))


def _later(attempts: int) -> datetime | None:
    if attempts + 1 >= _MOST_ATTEMPTS:
        return None
    return real_time() + timedelta(seconds=min(_FIRST_PAUSE * 2 ** min(attempts, 20), _LONGEST_PAUSE))
