"""The simulated CBP posts its receipts when asked, asks for posted ones when told to; the gateway gets on with both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.app import Running, serving
from sandbox.samples import SampleBill, manifest_309
from sandbox.settings import Filer, Settings, SettingsError, load_settings
from schemas import as2
from tests.as2_partner import Watched, door_of, opened
from tests.filing_kit import TRIP, parcel, type86

ONE = [SampleBill("25031000001", kind="35")]


@cache
def filer_identity(number: int = 1) -> as2.Identity:
    """The filer's keys; another number is somebody else under its name."""
    del number
    now = datetime.now(UTC)
    return as2.make_identity("GATEWAY", not_before=now - timedelta(days=1), not_after=now + timedelta(days=30))


@dataclass
class PlayedFiler:
    """A filer that takes what the sandbox posts. ``receipt`` makes the receipt for an answer; ``None``: lost."""

    folder: Path
    url: str = ""
    status: int = 200
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[as2.ReceivedMessage] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    receipt: Callable[[as2.ReceivedMessage], as2.As2Message | None] = lambda _: None
    sandbox_url: str = ""

    @property
    def cbp(self) -> as2.Partner:
        """The sandbox as the filer knows it."""
        pem = (self.folder / "exchange" / "sandbox.pem").read_bytes()
        return as2.Partner("CBP-SANDBOX", x509.load_pem_x509_certificate(pem))

    def good(self, about: as2.ReceivedMessage, who: as2.Identity | None = None, **how: Any) -> as2.As2Message:
        """A receipt for an answer."""
        number = f"<receipt-{len(self.answers)}-{about.message_id[1:-1]}>"
        return as2.build_mdn(about, me=who or filer_identity(), message_id=number, date=datetime.now(UTC), **how)

    async def take(self, request: web.Request) -> web.Response:
        """A receipt, or an answer of CBP, whose receipt is posted at once."""
        body, fields = await request.read(), dict(request.headers)
        if as2.is_receipt(fields, body):
            self.posted.append((request.path_qs, fields, body))
        else:
            known = {"CBP-SANDBOX": self.cbp}
            arrived = as2.open_message(fields, body, me=filer_identity(), partners=known, received_at=datetime.now(UTC))
            self.answers.append(arrived)
            if (mdn := self.receipt(arrived)) is not None:
                assert (await self.post(arrived.receipt.async_url, mdn.headers, mdn.body))[0] in (200, 400)
        async with self.changed:
            self.changed.notify_all()
        return web.Response(status=self.status)

    async def post(self, url: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Post; status, header fields and body of the answer."""
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=dict(headers)) as response:
            return response.status, dict(response.headers), await response.read()

    async def send(self, payload: bytes, message_id: str = "<m1@gw>", **how: Any) -> tuple[as2.As2Message, bytes]:
        """Send a file; the message and the body of the answer."""
        message = as2.build_message(
            payload,
            content_type="application/edi-x12",
            filename="file.x12",
            sender=how.pop("sender", filer_identity()),
            receiver=self.cbp,
            message_id=message_id,
            date=datetime.now(UTC),
            **how,
        )
        status, _, body = await self.post(self.sandbox_url, message.headers, message.body)
        assert status == 200
        return message, body

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for something that comes with what is posted."""
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(done), 30)

    def read(self, number: int, message: as2.As2Message) -> as2.Mdn:
        """A posted receipt, verified against the message."""
        _, fields, body = self.posted[number]
        return as2.open_mdn(
            fields, body, me=filer_identity(), partner=self.cbp, received_at=datetime.now(UTC),
            message_id=message.message_id, mic=message.mic, mic_algorithm=message.mic_algorithm,
        )  # fmt: skip


@asynccontextmanager
async def filer_at(folder: Path) -> AsyncIterator[PlayedFiler]:
    """A listening filer whose certificate is laid out."""
    played = PlayedFiler(folder)
    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/{anywhere:.*}", played.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    played.url = f"http://127.0.0.1:{runner.addresses[0][1]}/as2"
    (folder / "exchange").mkdir(exist_ok=True)
    (folder / "exchange" / "gateway.pem").write_bytes(filer_identity().certificate.public_bytes(Encoding.PEM))
    try:
        yield played
    finally:
        await runner.cleanup()


@asynccontextmanager
async def sandbox_for(played: PlayedFiler, **changes: Any) -> AsyncIterator[Running]:
    """A sandbox that serves this filer."""
    settings = Settings(
        data_dir=played.folder / "sandbox",
        exchange_dir=played.folder / "exchange",
        as2_port=0,
        control_port=0,
        gateway_url=played.url,
        clock="2025-03-10T09:00:00-04:00",
        frozen=True,
        retry_first=0.02,
        retry_longest=0.1,
        **changes,
    )
    async with serving(settings) as running:
        played.sandbox_url = running.ports.as2_url
        yield running


# --------------------------------------------------------------------- the sandbox's receipts for our files


async def test_a_receipt_is_posted_when_it_is_asked_for(tmp_path: Path) -> None:
    """Nothing in the answer; the receipt comes to the address named, signed, with the MIC; again: the very same one."""
    async with filer_at(tmp_path) as filer, sandbox_for(filer):
        for count in (1, 2):
            message, body = await filer.send(manifest_309(ONE), async_url=f"{filer.url}?receipts")
            assert body == b""
            await filer.until(lambda count=count: len(filer.posted) == count)  # type: ignore[misc]
            assert filer.read(0, message).disposition.accepted
        _, body = await filer.send(manifest_309(ONE))
        assert [mdn for _, _, mdn in filer.posted] == [body, body]
        assert {path for path, _, _ in filer.posted} == {"/as2?receipts"}


async def test_a_receipt_is_posted_until_it_is_taken_also_by_the_next_process(tmp_path: Path) -> None:
    """While the filer takes none it stays owed; a sandbox that starts anew goes on with the same bytes."""
    async with filer_at(tmp_path) as filer:
        filer.status = 503
        async with sandbox_for(filer) as running:
            message, _ = await filer.send(manifest_309(ONE), async_url=filer.url)
            await filer.until(lambda: len(filer.posted) >= 3)
            assert not running.offices.main.is_out
        filer.status, before = 200, len(filer.posted)
        async with sandbox_for(filer):
            await filer.until(lambda: len(filer.posted) > before)
        assert len({mdn for _, _, mdn in filer.posted}) == 1
        assert filer.read(-1, message).disposition.accepted


async def test_receipts_go_to_the_filer_only(tmp_path: Path) -> None:
    """Another address is refused in the answer; a refusal goes where the receipt would have gone."""
    async with filer_at(tmp_path) as filer, sandbox_for(filer) as running:
        _, body = await filer.send(manifest_309(ONE), async_url="http://127.0.0.1:9/elsewhere")
        assert b"unexpected-processing-error" in body
        _, body = await filer.send(manifest_309(ONE), "<m2@gw>", async_url=filer.url, sender=filer_identity(2))
        assert body == b""
        await filer.until(lambda: bool(filer.posted))
        assert b"authentication-failed" in filer.posted[0][2]
        assert running.runner.cbp.store.count("select count(*) from received") == 0


# ------------------------------------------------------------------- our receipts for the sandbox's answers


async def test_receipts_for_answers_may_be_asked_by_post(tmp_path: Path) -> None:
    """The setting asks for them at the sandbox's own door; with each receipt the next answer goes."""
    async with filer_at(tmp_path) as filer, sandbox_for(filer, receipts="async") as running:
        filer.receipt = filer.good
        await filer.send(manifest_309(ONE))
        await filer.until(lambda: len(filer.answers) >= 2)
        assert await running.runner.settled()
        assert {one.receipt.async_url for one in filer.answers} == {filer.sandbox_url}
        assert len({one.message_id for one in filer.answers}) == len(filer.answers)


@pytest.mark.parametrize(
    "bad",
    [
        lambda _, __: None,
        lambda filer, about: filer.good(about, who=filer_identity(2)),
        lambda filer, about: filer.good(about, signed=False),
        lambda filer, about: filer.good(replace(about, mic="AAAA")),
        lambda filer, about: filer.good(replace(about, message_id="<other@x>")),
        lambda filer, about: replace(filer.good(about), body=b"garbage"),
    ],
    ids=["lost", "forged", "unsigned", "another MIC", "another message", "garbage"],
)
async def test_without_a_good_receipt_the_answer_goes_again(tmp_path: Path, bad: Any) -> None:
    """Lost, forged, for another message: the same content under the same Message-ID, until one holds."""
    async with filer_at(tmp_path) as filer, sandbox_for(filer, receipts="async", send_timeout=1.0) as running:
        filer.receipt = lambda about: bad(filer, about) if len(filer.answers) == 1 else filer.good(about)
        await filer.send(manifest_309(ONE))
        await filer.until(lambda: len({one.message_id for one in filer.answers}) >= 2)
        first, second = filer.answers[:2]
        assert (first.message_id, first.payload) == (second.message_id, second.payload)
        assert await running.runner.settled()


async def test_a_receipt_that_came_before_is_taken_again(tmp_path: Path) -> None:
    """A filer that died before it heard that its receipt was there posts it again, to the next process too."""
    async with filer_at(tmp_path) as filer:
        async with sandbox_for(filer, receipts="async") as running:
            filer.receipt = filer.good
            await filer.send(manifest_309(ONE))
            assert await running.runner.settled()
            await filer.until(lambda: len(filer.answers) >= 2)
            assert await running.runner.settled()
            mdn, sent = filer.good(filer.answers[0]), len(filer.answers)
            assert (await filer.post(filer.sandbox_url, mdn.headers, mdn.body))[0] == 200
        async with sandbox_for(filer, receipts="async") as running:
            assert (await filer.post(filer.sandbox_url, mdn.headers, mdn.body))[0] == 200
            assert await running.runner.settled()
            assert len(filer.answers) == sent


async def test_a_receipt_that_nobody_waits_for_is_noted(tmp_path: Path) -> None:
    """Garbage, somebody else's, a late one: refused without a receipt, seen in the transcript, the books as before."""
    async with filer_at(tmp_path) as filer, sandbox_for(filer) as running:
        await filer.send(manifest_309(ONE))
        await filer.until(lambda: bool(filer.answers))
        mdn = filer.good(filer.answers[0])
        for headers, body in (
            (mdn.headers, mdn.body),
            (mdn.headers, b"garbage"),
            ({**mdn.headers, "AS2-From": "NOBODY"}, mdn.body),
            (filer.good(filer.answers[0], who=filer_identity(2)).headers, mdn.body),
        ):
            status, _, said = await filer.post(filer.sandbox_url, headers, body)
            assert status == 400
            assert b"disposition-notification" not in said
        store = running.runner.cbp.store
        assert store.count("select count(*) from transcript where kind = 'refused'") == 4
        assert store.count("select count(*) from received") == 1


# ------------------------------------------------------------------------------------------- with the gateway


@pytest.mark.parametrize("receipts", ["sync", "async"])
async def test_a_trip_goes_through_with_receipts_by_post(tmp_path: Path, receipts: str) -> None:
    """Filed, answered, released: our receipts asked by post, the sandbox's too or not; nothing is sent twice."""
    watched = Watched()
    door = door_of(watched)
    settings = Settings(
        data_dir=tmp_path / "sandbox",
        exchange_dir=tmp_path / "exchange",
        as2_port=0,
        control_port=0,
        gateway_url=watched.gateway_url,
        clock="2025-03-10T10:00:00-04:00",
        receipts=receipts,
    )
    async with serving(settings) as running:
        them = PlayedFiler(tmp_path).cbp
        how = {"url": running.ports.as2_url, "receipt_url": watched.gateway_url}
        async with opened(watched, tmp_path, door, them=them, work=True, **how):
            await watched.request(parcel(1), type86(2))
            await watched.until_shipments_are("on_file")
            await asyncio.to_thread(running.runner.cbp.arrive, TRIP, running.offices.clock.now())
            running.runner.wake()
            await watched.until_shipments_are("released")
            assert await running.runner.settled()
            rows = await watched.rows("out")
            assert {row.state for row in rows} == {"delivered"}
            assert {row.attempts for row in rows} == {1}
            await watched.until_nothing_is_owed()
            assert bool(await watched.owed()) is (receipts == "async")
            assert await watched.alerts() == []
            await watched.check_archive()


def test_the_way_of_receipts_is_a_setting(tmp_path: Path) -> None:
    """For all filers, or for one; a word that is none is refused by name."""
    path = tmp_path / "sandbox.toml"
    filer = '[[filer]]\nname = "ONE"\ncertificate = "one.pem"\n'
    path.write_text(f'receipts = "async"\n{filer}receipts = "sync"\n')
    settings = load_settings(path, {})
    assert (settings.receipts, settings.filers) == ("async", (Filer("ONE", tmp_path / "one.pem", receipts="sync"),))
    for text in ('receipts = "maybe"\n', f'{filer}receipts = "maybe"\n'):
        path.write_text(text)
        with pytest.raises(SettingsError, match="receipts"):
            load_settings(path, {})
