"""How do files come and go by AS2? An HTTP door that takes signed and encrypted messages, and a sender that posts
answers.

A message is committed before its receipt is made. The other side's certificate is read from the exchange folder when
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
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from sandbox.cbp import Answer, MessageReused
from sandbox.clock import real_time
from sandbox.runner import NotDelivered, Refused, Runner
from sandbox.settings import Settings
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
    """Inbound handler and outbound sender for one partner."""

    def __init__(self, settings: Settings, runner: Runner, identity: as2.Identity) -> None:
        self.settings, self.runner, self.identity = settings, runner, identity
        self._partner: as2.Partner | None = None
        self._seen: tuple[int, int] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._instance = str(runner.cbp.store.get_meta("instance"))

    def partner(self) -> as2.Partner:
        """The gateway as a partner; read again when its file changed. Raises :class:`PartnerNotKnown`."""
        path = self.settings.gateway_certificate
        try:
            state = path.stat()
            seen = (state.st_mtime_ns, state.st_size)
            if self._partner is None or seen != self._seen:
                certificate = x509.load_pem_x509_certificate(path.read_bytes())
                earlier = (self._partner.certificate,) if self._partner is not None else ()
                self._partner = as2.Partner(
                    self.settings.gateway_as2_name,
                    certificate,
                    earlier_certificates=earlier,
                    require_signature=self.settings.require_signed,
                    require_encryption=self.settings.require_encrypted,
                )
                self._seen = seen
        except (OSError, ValueError, FormatError) as error:
            raise PartnerNotKnown(f"{path}: {error}") from error
        return self._partner

    # ------------------------------------------------------------------ in

    def application(self) -> web.Application:
        """The HTTP application: POST anywhere is a message."""
        application = web.Application(client_max_size=self.settings.body_limit)
        application.router.add_post("/{anywhere:.*}", self._post)
        return application

    async def _post(self, request: web.Request) -> web.Response:
        if self.runner.faults.is_out(self.runner.clock.now()):
            return web.Response(status=503, text="outage\n", headers={"Retry-After": "5"})
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return web.Response(status=415, text="content codings are not used with AS2\n")
        body = await request.read()
        try:
            partner = self.partner()
        except PartnerNotKnown as error:
            logger.warning("no partner certificate yet: %s", error)
            return web.Response(
                status=503, text="the partner's certificate is not known yet\n", headers={"Retry-After": "1"}
            )
        pairs = [(name, value) for name, value in request.headers.items()]
        about = await asyncio.to_thread(
            as2.read_request,
            pairs,
            body,
            me=self.identity,
            partners={partner.as2_name: partner},
            received_at=real_time(),
        )
        if isinstance(about, as2.ReceivedMessage):
            about = await self._store(about)
        else:
            await self._refuse(about, body)
        answer = await asyncio.to_thread(
            as2.answer, about, me=self.identity, message_id=self._new_id(), date=real_time()
        )
        return web.Response(status=answer.status, headers=dict(answer.headers), body=answer.body)

    async def _store(self, about: as2.ReceivedMessage) -> as2.ReceivedMessage | as2.Refusal:
        try:
            await self.runner.take(
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

    async def _refuse(self, refusal: as2.Refusal, body: bytes) -> None:
        reason = "; ".join(f"{p.code}: {p.text}" for p in refusal.problems)[:2000]
        cbp, now = self.runner.cbp, self.runner.clock.now()
        await asyncio.to_thread(cbp.refuse, body, now, partner=refusal.sender, name=refusal.message_id, reason=reason)

    def _new_id(self) -> str:
        return f"<mdn-{self.runner.cbp.store.next_number('mdn')}.{self._instance}@cbp-sandbox.invalid>"

    # ------------------------------------------------------------------ out

    async def open(self) -> None:
        """Make the client session and become the runner's way out."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.settings.send_timeout))
        self.runner.deliver = self.deliver

    async def close(self) -> None:
        """Close the client session."""
        self.runner.deliver = None
        if self._session is not None:
            await self._session.close()

    async def deliver(self, answer: Answer, payload: bytes, copy: int) -> str:
        """Post one answer and verify its receipt; the Message-ID follows from the answer's number, so a repetition is
        known as one.
        """
        if self._session is None:
            raise NotDelivered("the sender is not open")
        try:
            partner = self.partner()
        except PartnerNotKnown as error:
            raise NotDelivered(str(error)) from error
        message_id = f"<answer-{answer.id}-{copy}.{self._instance}@cbp-sandbox.invalid>"
        message = await asyncio.to_thread(
            as2.build_message,
            payload,
            content_type=_CONTENT_TYPES[answer.name.rsplit(".", 1)[-1]],
            filename=answer.name,
            sender=self.identity,
            receiver=partner,
            message_id=message_id,
            date=real_time(),
        )
        try:
            async with self._session.post(
                self.settings.gateway_url, data=message.body, headers=dict(message.headers)
            ) as response:
                body = await response.content.read(_MAX_MDN)
                if response.status != 200:
                    raise NotDelivered(f"{self.settings.gateway_url} answered {response.status}")
                pairs = list(response.headers.items())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotDelivered(f"{self.settings.gateway_url}: {type(error).__name__} {error}") from error
        try:
            mdn = as2.open_mdn(
                pairs, body, me=self.identity, partner=partner, received_at=real_time(), message_id=message_id,
                mic=message.mic,
                mic_algorithm=message.mic_algorithm, require_mic=False,
            )  # fmt: skip
        except FormatError as error:
            raise NotDelivered(f"no usable receipt: {error}") from error
        if not mdn.disposition.accepted:
            raise Refused(str(mdn.disposition))
        return message_id
