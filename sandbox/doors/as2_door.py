"""How do files come and go by AS2? An HTTP door that takes signed and encrypted messages, and a sender that posts
answers.

A message is committed before its receipt is given, in the answer or posted (:mod:`sandbox.doors.as2_receipts`). The
other side's certificate is read from the exchange folder when
it is first needed and again whenever the
file changes; without it the door says 503, which a sender takes for "later". Receipts and signatures carry real time,
never the sandbox's clock:
certificates do not travel in time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from sandbox.cbp import Answer, MessageReused
from sandbox.clock import real_time
from sandbox.doors.as2_receipts import ReceiptBook, ReceiptDesk
from sandbox.doors.broken_line import post_half, read_half, reset
from sandbox.doors.intake import Busy, Intake, TooLarge, TooSlow
from sandbox.faults import Mishap
from sandbox.offices import Offices
from sandbox.runner import AS2, NotDelivered, Refused
from sandbox.settings import Settings
from sandbox.store import Store
from schemas import as2
from schemas.as2 import dispositions
from schemas.errors import FormatError, Problem

logger = logging.getLogger("sandbox")
_VALID_FROM: Final = datetime(2020, 1, 1, tzinfo=UTC)
_VALID_TO: Final = datetime(2045, 1, 1, tzinfo=UTC)
_CONTENT_TYPES: Final = {"x12": "application/edi-x12", "txt": "application/octet-stream"}
_MAX_MDN: Final = 1024 * 1024


def own_identity(settings: Settings) -> as2.Identity:
    """The sandbox's key and certificate: made on the first start, kept in the data folder (in memory: made anew),
    published in the exchange folder.
    """
    key_file, certificate_file = settings.data_dir / "identity.key.pem", settings.data_dir / "identity.pem"
    if not settings.memory and key_file.exists() and certificate_file.exists():
        key = load_pem_private_key(key_file.read_bytes(), None)
        identity = as2.Identity(settings.as2_name, x509.load_pem_x509_certificate(certificate_file.read_bytes()), key)  # type: ignore[arg-type]
    else:
        identity = as2.make_identity(settings.as2_name, not_before=_VALID_FROM, not_after=_VALID_TO)
        if not settings.memory:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            _write(
                key_file,
                identity.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
                private=True,
            )
            _write(certificate_file, identity.certificate.public_bytes(Encoding.PEM))
    settings.exchange_dir.mkdir(parents=True, exist_ok=True)
    _write(settings.own_certificate, identity.certificate.public_bytes(Encoding.PEM))
    return identity


def _write(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write beside and rename, so that nobody reads half a file."""
    part = path.with_name(path.name + ".part")
    mode = stat.S_IRUSR | stat.S_IWUSR if private else stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
    part.replace(path)


class PartnerNotKnown(Exception):
    """The other side's certificate has not been published yet, or cannot be read."""


class As2Door:
    """Inbound handler and outbound sender, for all filers."""

    def __init__(self, settings: Settings, offices: Offices, identity: as2.Identity) -> None:
        self.settings, self.offices, self.identity = settings, offices, identity
        self._partners: dict[str, tuple[tuple[int, int], as2.Partner]] = {}
        self._session: aiohttp.ClientSession | None = None
        # Receipts have books of their own: those of a filer may be busy, and none waits for another's.
        self._receipt_books = Store(None if settings.memory else settings.data_dir / "receipts.db")
        self.receipts = ReceiptDesk(ReceiptBook(self._receipt_books), identity, self._new_id)
        self.intake = Intake(settings.body_limit, settings.upload_seconds)
        self.url = settings.receipt_url
        """Where filers post their receipts; without the setting it is known when the door listens."""

    def partner(self, name: str) -> as2.Partner:
        """A filer as a partner; read again when its file changed. Raises :class:`PartnerNotKnown`."""
        filer = self.offices.filers.get(name)
        if filer is None:
            raise PartnerNotKnown(f"{name[:80]!r} is no filer here")
        try:
            state = filer.certificate.stat()
            seen = (state.st_mtime_ns, state.st_size)
            before = self._partners.get(name)
            if before is not None and before[0] == seen:
                return before[1]
            certificate = x509.load_pem_x509_certificate(filer.certificate.read_bytes())
            partner = as2.Partner(
                name,
                certificate,
                earlier_certificates=(before[1].certificate,) if before is not None else (),
                require_signature=self.settings.require_signed,
                require_encryption=self.settings.require_encrypted,
                address=filer.url,
            )
        except (OSError, ValueError, FormatError) as error:
            raise PartnerNotKnown(f"{filer.certificate}: {error}") from error
        self._partners[name] = (seen, partner)
        return partner

    def _known_partners(self) -> dict[str, as2.Partner]:
        """Every filer whose certificate is there. Raises :class:`PartnerNotKnown` when there is none."""
        known: dict[str, as2.Partner] = {}
        missing: list[str] = []
        for name in self.offices.filers:
            try:
                known[name] = self.partner(name)
            except PartnerNotKnown as error:
                missing.append(str(error))
        if not known:
            raise PartnerNotKnown("; ".join(missing))
        return known

    # ------------------------------------------------------------------ in

    def application(self) -> web.Application:
        """The HTTP application: POST anywhere is a message."""
        application = web.Application(client_max_size=self.settings.body_limit)
        application.router.add_post("/{anywhere:.*}", self._post)
        application.router.add_get("/{anywhere:.*}", _only_posts)
        return application

    async def _post(self, request: web.Request) -> web.Response:
        sender = next((v for k, v in request.headers.items() if k.lower() == "as2-from"), "").strip('"')
        if self.offices.of(sender).is_out:
            return web.Response(status=503, text="outage\n", headers={"Retry-After": "5"})
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return web.Response(status=415, text="content codings are not used with AS2\n")
        runner = self.offices.of(sender)
        async with self.offices.turn_of(sender):
            mishap = await runner.mishap()
        if mishap.line == "reset":
            came = await read_half(request)
            await runner.tell_mishap(sender, request.path, "reset", f"cut after {came} bytes of the body, none kept")
            return _broken(request)
        try:
            body = await self.intake.read(request, known=sender in self.offices.filers)
        except ConnectionError:
            return await self._breaks_off(request, sender)
        except TooLarge:
            text = f"a file holds at most {self.intake.largest} bytes\n"
            return web.Response(status=413, text=text, headers={"Connection": "close"})
        except Busy:
            text = "too much is under way, try again\n"
            return web.Response(status=503, text=text, headers={"Retry-After": "5", "Connection": "close"})
        except TooSlow:
            return await self._breaks_off(request, sender)
        async with self.offices.turn_of(sender):
            return await self._work_on(request, body, mishap)

    async def _breaks_off(self, request: web.Request, sender: str) -> web.Response:
        """The other side went away within the body, or was too slow: nothing is kept, nobody is answered."""
        reason = f"the connection broke within the body of {request.content_length or 'unknown'} bytes"
        async with self.offices.turn_of(sender):
            cbp, now = self.offices.of(sender).cbp, self.offices.clock.now()
            await asyncio.to_thread(cbp.refuse, b"", now, partner=sender[:200], name=request.path[:200], reason=reason)
        return _broken(request)

    async def _work_on(self, request: web.Request, body: bytes, mishap: Mishap) -> web.Response:
        try:
            partners = self._known_partners()
        except PartnerNotKnown as error:
            logger.warning("no partner certificate yet: %s", error)
            return web.Response(
                status=503, text="the partner's certificate is not known yet\n", headers={"Retry-After": "1"}
            )
        pairs = [(name, value) for name, value in request.headers.items()]
        if as2.is_receipt(pairs, body):
            return await self._take_receipt(pairs, body, partners)
        about = await asyncio.to_thread(
            as2.read_request,
            pairs,
            body,
            me=self.identity,
            partners=partners,
            received_at=real_time(),
        )
        if isinstance(about, as2.ReceivedMessage) and mishap.receipt == "mdn_negative":
            about = await self._deny(about)
        elif isinstance(about, as2.ReceivedMessage):
            about = await self._store(about)
            lost = "reset_after" if mishap.line else mishap.receipt
            if lost:
                await self.offices.of(about.sender).tell_mishap(
                    about.sender, about.message_id, lost, "committed, no receipt is given"
                )
                return _broken(request, orderly=lost == "mdn_lost")
        else:
            await self._refuse(about, body)
        return await self._give_receipt(about)

    async def _give_receipt(self, about: as2.ReceivedMessage | as2.Refusal) -> web.Response:
        answer = await self.receipts.give(about)
        return web.Response(status=answer.status, headers=dict(answer.headers), body=answer.body)

    async def _take_receipt(
        self, pairs: list[tuple[str, str]], body: bytes, partners: Mapping[str, as2.Partner]
    ) -> web.Response:
        refusal = await self.receipts.take(pairs, body, partners)
        if refusal is None:
            return web.Response()
        await self._refuse(refusal, body)
        return web.Response(status=400, text=f"{refusal.problems[0].text}\n")

    async def _store(self, about: as2.ReceivedMessage) -> as2.ReceivedMessage | as2.Refusal:
        if len(about.payload) > self.settings.body_limit:  # small on the line, large when it is unpacked
            text = f"A file holds at most {self.settings.body_limit} bytes."
            problem = Problem(dispositions.UNEXPECTED, "body", text)
            refusal = as2.Refusal(about.message_id, about.sender, about.recipient, (problem,), about.receipt)
            await self._refuse(refusal, about.payload)
            return refusal
        try:
            await self.offices.of(about.sender).take(
                about.payload, partner=about.sender, message_id=about.message_id, name=about.filename
            )
        except MessageReused:
            problem = Problem(
                dispositions.UNEXPECTED, "headers.message-id", "This Message-ID came before with other content."
            )
            refusal = as2.Refusal(about.message_id, about.sender, about.recipient, (problem,), about.receipt)
            await self._refuse(refusal, about.payload)
            return refusal
        return about

    async def _deny(self, about: as2.ReceivedMessage) -> as2.Refusal:
        """A fault of the plan: say no to a message that is good, and keep nothing of it."""
        problem = Problem(dispositions.UNEXPECTED, "message", "The message could not be processed; send it again.")
        refusal = as2.Refusal(about.message_id, about.sender, about.recipient, (problem,), about.receipt)
        await self._refuse(refusal, about.payload)
        await self.offices.of(about.sender).tell_mishap(
            about.sender, about.message_id, "mdn_negative", "a negative receipt is given, nothing is kept"
        )
        return refusal

    async def _refuse(self, refusal: as2.Refusal, body: bytes) -> None:
        reason = "; ".join(f"{p.code}: {p.text}" for p in refusal.problems)[:2000]
        cbp, now = self.offices.of(refusal.sender).cbp, self.offices.clock.now()
        await asyncio.to_thread(cbp.refuse, body, now, partner=refusal.sender, name=refusal.message_id, reason=reason)

    def _new_id(self) -> str:
        """Of no books: a receipt waits for nobody's."""
        return f"<mdn-{uuid.uuid4().hex}.{self.offices.instance}@cbp-sandbox.invalid>"

    # ------------------------------------------------------------------ out

    async def open(self) -> None:
        """Make the client session and become the way out of all books."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.settings.send_timeout))
        self.receipts.start(self._session)
        for runner in self.offices:
            runner.deliver = self.deliver
            runner.cuts[AS2] = self.cut

    async def close(self) -> None:
        """Close the client session."""
        for runner in self.offices:
            runner.deliver = None
            runner.cuts.pop(AS2, None)
        await self.receipts.stop()
        self._receipt_books.close()
        if self._session is not None:
            await self._session.close()

    async def deliver(self, answer: Answer, payload: bytes, copy: int) -> str:
        """Post one answer and verify its receipt; the Message-ID follows from the answer's number, so a repetition is
        known as one.
        """
        url, partner, message = await self._message(answer, payload, copy)
        mdn = await self._receipt_for(message, url, partner, asynchronous=self._asynchronous(answer.partner))
        if not mdn.disposition.accepted:
            raise Refused(str(mdn.disposition))
        return message.message_id

    async def _receipt_for(
        self, message: as2.As2Message, url: str, partner: as2.Partner, *, asynchronous: bool
    ) -> as2.Mdn:
        """Post a message; its receipt, from the answer or from when it was posted to us."""
        try:
            if asynchronous:
                mdn = await self._posted_receipt(message, url, partner)
            else:
                pairs, body = await self._exchange(url, message)
                mdn = self._open_receipt(pairs, body, partner)
            as2.check_mdn(
                mdn,
                message_id=message.message_id,
                mic=message.mic,
                mic_algorithm=message.mic_algorithm,
                require_mic=False,
            )
        except FormatError as error:
            raise NotDelivered(f"no usable receipt: {error}") from error
        except TimeoutError as error:
            raise NotDelivered(f"{url} took {message.message_id} and posted no receipt") from error
        return mdn

    async def _posted_receipt(self, message: as2.As2Message, url: str, partner: as2.Partner) -> as2.Mdn:
        """Post a message and wait for what is posted to us; a filer that puts its receipt into the answer is heard."""
        with self.receipts.awaiting(message.message_id) as coming:
            pairs, body = await self._exchange(url, message)
            if as2.is_receipt(pairs, body):
                return self._open_receipt(pairs, body, partner)
            async with asyncio.timeout(self.settings.send_timeout):
                return await coming

    def _open_receipt(self, pairs: list[tuple[str, str]], body: bytes, partner: as2.Partner) -> as2.Mdn:
        return as2.open_mdn(pairs, body, me=self.identity, partner=partner, received_at=real_time())

    async def _exchange(self, url: str, message: as2.As2Message) -> tuple[list[tuple[str, str]], bytes]:
        if self._session is None:
            raise NotDelivered("the sender is not open")
        try:
            async with self._session.post(
                url, data=message.body, headers=dict(message.headers), allow_redirects=False
            ) as response:
                body = await response.content.read(_MAX_MDN)
                if not 200 <= response.status < 300:
                    raise NotDelivered(f"{url} answered {response.status}")
                return list(response.headers.items()), body
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotDelivered(f"{url}: {type(error).__name__} {error}") from error

    async def cut(self, answer: Answer, payload: bytes) -> None:
        """Begin to post one answer and reset the connection within it. Raises NotDelivered when there is none."""
        url, _, message = await self._message(answer, payload, 0)
        try:
            await post_half(url, message.headers, message.body, seconds=self.settings.send_timeout)
        except (OSError, TimeoutError) as error:
            raise NotDelivered(f"{url}: {type(error).__name__} {error}") from error

    async def _message(self, answer: Answer, payload: bytes, copy: int) -> tuple[str, as2.Partner, as2.As2Message]:
        """Where an answer goes, to whom, and what is posted there."""
        try:
            partner = self.partner(answer.partner)
        except PartnerNotKnown as error:
            raise NotDelivered(str(error)) from error
        url = self.offices.filers[answer.partner].url
        if not url:
            raise NotDelivered(f"{answer.partner} has no address where answers are posted")
        message = await asyncio.to_thread(
            as2.build_message,
            payload,
            content_type=_CONTENT_TYPES[answer.name.rsplit(".", 1)[-1]],
            filename=answer.name,
            sender=self.identity,
            receiver=partner,
            message_id=f"<answer-{answer.id}-{copy}.{answer.partner}.{self.offices.instance}@cbp-sandbox.invalid>",
            date=real_time(),
            async_url=self.url if self._asynchronous(answer.partner) else "",
        )
        return url, partner, message

    def _asynchronous(self, filer: str) -> bool:
        """Whether a filer gives its receipts by posting them."""
        return (self.offices.filers[filer].receipts or self.settings.receipts) == "async"


def _broken(request: web.Request, *, orderly: bool = False) -> web.Response:
    """What is left to answer on a connection that was just reset, or closed in good order: nobody reads it."""
    if orderly and request.transport is not None:
        request.transport.close()
    else:
        reset(request.transport)
    return web.Response(status=500)


async def _only_posts(_: web.Request) -> web.Response:
    """For people who look here with a browser."""
    text = "AS2 messages are posted here. The console is on the control port, under /sandbox/.\n"
    return web.Response(status=405, text=text, headers={"Allow": "POST"})
