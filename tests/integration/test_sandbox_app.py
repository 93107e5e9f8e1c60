"""The sandbox as a running service: AS2 both ways over loopback, control API, crash and restart."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.app import Running, serving
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Behaviour, Settings
from schemas import as2

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@cache
def gateway_identity() -> as2.Identity:
    """One key for the whole file: making it is slow."""
    return as2.make_identity(
        "GATEWAY", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=datetime(2045, 1, 1, tzinfo=UTC)
    )


class Gateway:
    """The other end of the line: takes answers, gives signed receipts, posts files."""

    def __init__(self, exchange: Path) -> None:
        self.exchange = exchange
        self.identity = gateway_identity()
        self.files: list[tuple[str, bytes, str]] = []
        self.came = asyncio.Condition()
        self.down = False
        self.turned_away = 0
        self.url = ""

    def publish(self) -> None:
        """Put our certificate where the sandbox looks for it."""
        self.exchange.mkdir(parents=True, exist_ok=True)
        (self.exchange / "gateway.pem").write_bytes(self.identity.certificate.public_bytes(Encoding.PEM))

    def sandbox(self, **settings: Any) -> as2.Partner:
        """The sandbox as we know it from the exchange folder."""
        certificate = x509.load_pem_x509_certificate((self.exchange / "sandbox.pem").read_bytes())
        return as2.Partner("CBP-SANDBOX", certificate, **settings)

    async def take(self, request: web.Request) -> web.Response:
        """POST /as2."""
        body = await request.read()
        if self.down:
            async with self.came:
                self.turned_away += 1
                self.came.notify_all()
            return web.Response(status=503)
        about = as2.read_request(
            list(request.headers.items()),
            body,
            me=self.identity,
            partners={"CBP-SANDBOX": self.sandbox()},
            received_at=datetime.now(UTC),
        )
        if isinstance(about, as2.ReceivedMessage):
            assert about.signed
            assert about.encrypted
            async with self.came:
                self.files.append((about.filename, about.payload, about.message_id))
                self.came.notify_all()
        answer = as2.answer(about, me=self.identity, message_id=f"<mdn-{len(self.files)}@gw>", date=datetime.now(UTC))
        return web.Response(status=answer.status, headers=dict(answer.headers), body=answer.body)

    async def wait(self, *kinds: str, seconds: float = 30.0) -> list[bytes]:
        """Payloads of at least one file of each kind, waiting for them."""

        def here() -> bool:
            return all(any(name.startswith(k) for name, _, _ in self.files) for k in kinds)

        async with self.came:
            await asyncio.wait_for(self.came.wait_for(here), seconds)
        return [next(p for name, p, _ in self.files if name.startswith(k)) for k in kinds]

    async def post(
        self, url: str, payload: bytes, *, message_id: str = "<m1@gw>", **how: Any
    ) -> tuple[int, as2.Mdn | None]:
        """Send a file; gives the HTTP status and the receipt, if there is one."""
        message = as2.build_message(
            payload,
            content_type="application/edi-x12",
            filename="file.x12",
            sender=self.identity,
            receiver=self.sandbox(),
            message_id=message_id,
            date=datetime.now(UTC),
            **how,
        )
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=message.body, headers=dict(message.headers)) as response,
        ):
            body = await response.read()
            if response.status != 200 or not body:
                return response.status, None
            mdn = as2.open_mdn(
                list(response.headers.items()),
                body,
                me=self.identity,
                partner=self.sandbox(),
                received_at=datetime.now(UTC),
                message_id=message_id,
                mic=message.mic,
                mic_algorithm=message.mic_algorithm,
            )
            return response.status, mdn


@asynccontextmanager
async def gateway_at(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A listening gateway."""
    gateway = Gateway(tmp_path / "exchange")
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_post("/as2", gateway.take)
    runner = web.AppRunner(application, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway.url = f"http://127.0.0.1:{runner.addresses[0][1]}/as2"
    try:
        yield gateway
    finally:
        await runner.cleanup()


def settings_for(tmp_path: Path, gateway: Gateway, **changes: Any) -> Settings:
    """Settings of a sandbox on free ports, its clock frozen on the March day."""
    values: dict[str, Any] = {
        "data_dir": tmp_path / "sandbox",
        "exchange_dir": gateway.exchange,
        "as2_port": 0,
        "control_port": 0,
        "gateway_url": gateway.url,
        "clock": "2025-03-10T09:00:00-04:00",
        "frozen": True,
        "retry_first": 0.02,
        "retry_longest": 0.1,
    }
    return Settings(**(values | changes))


@asynccontextmanager
async def both(tmp_path: Path, **changes: Any) -> AsyncIterator[tuple[Gateway, Running]]:
    """A gateway and a sandbox that know each other."""
    async with gateway_at(tmp_path) as gateway:
        gateway.publish()
        async with serving(settings_for(tmp_path, gateway, **changes)) as running:
            yield gateway, running


async def call(running: Running, method: str, path: str, document: Any = None) -> tuple[int, Any]:
    """A control call: status and JSON."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, running.ports.control_url + path, json=document) as response,
    ):
        return response.status, await response.json(content_type=None)


async def test_a_truck_is_filed_answered_and_released_over_as2(tmp_path: Path) -> None:
    """A manifest and its entry go in by AS2; 997, 355, SX, SO and, after the arrival, 350 and SO 98 come back."""
    async with both(tmp_path) as (gateway, running):
        bills = [SampleBill("25031000001"), SampleBill("25031000002", kind="35")]
        status, mdn = await gateway.post(running.ports.as2_url, manifest_309(bills))
        assert status == 200
        assert mdn is not None
        assert mdn.signed_ok
        assert mdn.disposition.accepted
        _, mdn = await gateway.post(
            running.ports.as2_url, entries_se([SampleEntry("0000001", "25031000001")]), message_id="<m2@gw>"
        )
        assert mdn is not None
        ok, answer, response, status_file = await gateway.wait("997", "355", "SX", "SO")
        assert b"AK9*A*1*1*1" in ok
        assert b"SHIPMENTS REJECTED 0, SHIPMENTS ACCEPTED 2" in answer
        assert b"SE9002" in response
        assert b"BILL ON FILE" in status_file
        assert (await call(running, "POST", "/trips/TSTC2503100001/arrive"))[0] == 200
        (release,) = await gateway.wait("350")
        assert release.count(b"*1C**TSTC") == 2
        assert await running.runner.settled()
        assert any(b"98RELEASED" in payload for _, payload, _ in gateway.files)


async def test_nothing_overtakes_while_the_gateway_is_down(tmp_path: Path) -> None:
    """Answers wait for a gateway that is away and then come in the order they were made."""
    async with both(tmp_path) as (gateway, running):
        gateway.down = True
        await gateway.post(running.ports.as2_url, manifest_309([SampleBill("25031000001", kind="35")]))
        await gateway.post(
            running.ports.as2_url,
            manifest_309([SampleBill("25031000002", kind="35")], trip="TSTC2503100002", control=2),
            message_id="<m2@gw>",
        )
        async with gateway.came:
            await asyncio.wait_for(gateway.came.wait_for(lambda: gateway.turned_away > 2), 30)
        gateway.down = False
        assert await running.runner.settled()
        names = [name for name, _, _ in gateway.files]
        assert [n[:3] for n in names] == ["997", "355", "997", "355"]
        assert names == sorted(names, key=lambda n: n[4:])


async def test_the_certificate_may_come_later(tmp_path: Path) -> None:
    """Without the gateway's certificate the door says 503; once it is published files are taken."""
    async with (
        gateway_at(tmp_path) as gateway,
        serving(settings_for(tmp_path, gateway)) as running,
    ):
        payload = manifest_309([SampleBill("25031000001", kind="35")])
        assert (await gateway.post(running.ports.as2_url, payload))[0] == 503
        gateway.publish()
        status, mdn = await gateway.post(running.ports.as2_url, payload)
        assert status == 200
        assert mdn is not None
        await gateway.wait("355")


@pytest.mark.parametrize("how", [{"sign": False}, {"encrypt": False}])
async def test_unprotected_messages_are_refused_and_noted(tmp_path: Path, how: dict[str, Any]) -> None:
    """A message without signature or encryption gets a negative receipt and stands in the transcript as refused."""
    async with both(tmp_path) as (gateway, running):
        _, mdn = await gateway.post(running.ports.as2_url, manifest_309([SampleBill("25031000001")]), **how)
        assert mdn is not None
        assert not mdn.disposition.accepted
        _, transcript = await call(running, "GET", "/transcript?kind=refused")
        assert len(transcript["items"]) == 1
        assert (await call(running, "GET", "/state"))[1]["files"]["received"] == 0


async def test_a_message_id_is_not_taken_twice_for_other_content(tmp_path: Path) -> None:
    """The same Message-ID with other bytes is refused; with the same bytes the answers come again and nothing is
    filed.
    """
    async with both(tmp_path) as (gateway, running):
        first = manifest_309([SampleBill("25031000001", kind="35")])
        await gateway.post(running.ports.as2_url, first)
        await gateway.wait("355")
        _, mdn = await gateway.post(
            running.ports.as2_url, manifest_309([SampleBill("25031000002", kind="35")], control=2)
        )
        assert mdn is not None
        assert not mdn.disposition.accepted
        _, mdn = await gateway.post(running.ports.as2_url, first)
        assert mdn is not None
        assert mdn.disposition.accepted
        assert await running.runner.settled()
        answers = [payload for name, payload, _ in gateway.files if name.startswith("355")]
        assert len(answers) == 2
        assert answers[0] == answers[1]
        assert (await call(running, "GET", "/state"))[1]["shipments"] == {"ON_FILE": 1}


@pytest.mark.parametrize("body", [b"", b"\x00" * 1000, b"ISA*", b"hello", b"A" * 200_000])
async def test_garbage_on_the_door_is_answered(tmp_path: Path, body: bytes) -> None:
    """Bytes that are no AS2 message get an HTTP answer, and the next good file is taken as if nothing had been."""
    async with both(tmp_path) as (gateway, running):
        async with (
            aiohttp.ClientSession() as session,
            session.post(running.ports.as2_url, data=body, headers={"AS2-From": "X\u00e9"}) as response,
        ):
            assert response.status == 400
        await gateway.post(running.ports.as2_url, manifest_309([SampleBill("25031000001", kind="35")]))
        await gateway.wait("355")


@pytest.mark.parametrize("payload", [b"", b"neither\nnor", b"ISA*00*short~", b"\xff" * 5000, b"A" + b" " * 79])
async def test_signed_garbage_is_logged_and_silent(tmp_path: Path, payload: bytes) -> None:
    """A file that is neither X12 nor CATAIR is receipted, has a verdict in the transcript, and stops nothing."""
    async with both(tmp_path) as (gateway, running):
        _, mdn = await gateway.post(running.ports.as2_url, payload)
        assert mdn is not None
        await gateway.post(
            running.ports.as2_url, manifest_309([SampleBill("25031000001", kind="35")]), message_id="<m2@gw>"
        )
        await gateway.wait("355")
        _, transcript = await call(running, "GET", "/transcript")
        assert transcript["items"][0]["verdict"]["result"] in {"unreadable", "X1 1 batch"}


async def test_a_message_that_unpacks_beyond_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small on the line and large when it is unpacked: a negative receipt, and its beginning in the transcript."""
    async with both(tmp_path, body_limit=20_000) as (gateway, running):
        partner = gateway.sandbox(compress=True)
        monkeypatch.setattr(gateway, "sandbox", lambda: partner)
        status, mdn = await gateway.post(running.ports.as2_url, b"A" * 500_000)
        assert (status, mdn is not None and mdn.disposition.accepted) == (200, False)
        _, transcript = await call(running, "GET", "/transcript")
        assert [one["kind"] for one in transcript["items"]] == ["refused"]


async def test_a_body_over_the_limit_is_refused(tmp_path: Path) -> None:
    """A message larger than the limit is answered 413 and not kept."""
    async with both(tmp_path, body_limit=10_000) as (_, running):
        async with (
            aiohttp.ClientSession() as session,
            session.post(running.ports.as2_url, data=b"x" * 50_000) as response,
        ):
            assert response.status == 413
        assert (await call(running, "GET", "/transcript"))[1]["items"] == []


async def test_the_clock_and_the_rule_book_follow_the_control_api(tmp_path: Path) -> None:
    """Setting the clock past 29 August 2025 puts the suspension in force; bad requests get problem documents."""
    async with both(tmp_path) as (gateway, running):
        _, state = await call(running, "GET", "/state")
        assert "section321-suspended" not in {r["id"] for r in state["rules_in_force"]}
        status, clock = await call(running, "POST", "/clock", {"set": "2025-08-29T00:01:00-04:00"})
        assert (status, clock["now"]) == (200, "2025-08-29T04:01:00+00:00")
        status, clock = await call(running, "POST", "/clock", {"advance": "PT1H"})
        assert clock["now"] == "2025-08-29T05:01:00+00:00"
        _, state = await call(running, "GET", "/state")
        assert "section321-suspended" in {r["id"] for r in state["rules_in_force"]}
        await gateway.post(
            running.ports.as2_url, manifest_309([SampleBill("1000001", kind="35")], day="20250829", time="1630")
        )
        (answer,) = await gateway.wait("355")
        assert b"K1*470" in answer
        for document in (
            {},
            {"advance": "soon"},
            {"advance": "P99999999999D"},
            {"advance": 1e308},
            {"set": 5},
            {"set": "9999-12-31T23:59:59Z"},
            {"tomorrow": 1},
            {"freeze": "yes"},
        ):
            status, problem = await call(running, "POST", "/clock", document)
            assert status == 422
            assert problem["errors"]


async def test_the_control_api_says_no_in_problem_documents(tmp_path: Path) -> None:
    """Unknown trips and shipments are 404, acts the state forbids 409, bad plans 422, all with code and errors."""
    async with both(tmp_path) as (gateway, running):
        await gateway.post(running.ports.as2_url, manifest_309([SampleBill("25031000001")]))
        await gateway.wait("355")
        for path, expected in (
            ("/trips/NONE0001/arrive", 404),
            ("/shipments/TSTC999/hold", 404),
            ("/shipments/TSTC25031000001/revoke", 409),
            ("/shipments/TSTC25031000001/release", 409),
        ):
            status, problem = await call(running, "POST", path)
            assert status == expected
            assert problem["status"] == expected
            assert problem["errors"][0]["text"]
        status, problem = await call(running, "POST", "/faults", {"drop": 2, "colour": "red", "seed": "x"})
        assert status == 422
        assert {e["path"] for e in problem["errors"]} == {"drop", "colour", "seed"}
        assert (await call(running, "GET", "/nowhere"))[0] == 404
        assert (await call(running, "GET", "/transcript?after=-1"))[0] == 422
        assert len((await call(running, "GET", "/transcript?limit=0"))[1]["items"]) == 1


async def test_holds_and_releases_by_control(tmp_path: Path) -> None:
    """hold, exam, release and revoke tell the gateway by 350 and move the shipment's state."""
    async with both(tmp_path) as (gateway, running):
        await gateway.post(running.ports.as2_url, manifest_309([SampleBill("25031000001", kind="35")]))
        await gateway.wait("355")
        await call(running, "POST", "/trips/TSTC2503100001/arrive")
        seen: list[str] = []
        for act in ("revoke", "release", "hold", "release", "exam", "release"):
            status, document = await call(running, "POST", f"/shipments/TSTC25031000001/{act}")
            assert status == 200, document
            seen.append(document["state"])
        assert seen == ["REVOKED", "RELEASED", "HELD", "RELEASED", "EXAM", "RELEASED"]
        assert await running.runner.settled()
        text = b"".join(payload for name, payload, _ in gateway.files if name.startswith("350")).decode()
        codes = [part.split("**")[0] for part in text.split("*0900*")[1:] if part[:1] != "^" and "**TSTC" in part[:12]]
        assert codes == ["1C", "4E", "1C", "4E", "1H", "1I", "1C", "4E", "1A", "1B"]


async def test_faults_drop_garble_and_double(tmp_path: Path) -> None:
    """With rate 1 answers are dropped; a resend brings them later; doubles carry the same bytes."""
    async with both(tmp_path) as (gateway, running):
        await call(running, "POST", "/faults", {"drop": 1.0})
        first = manifest_309([SampleBill("25031000001", kind="35")])
        await gateway.post(running.ports.as2_url, first)
        assert await running.runner.settled()
        assert gateway.files == []
        assert (await call(running, "GET", "/state"))[1]["files"]["dropped"] == 2
        await call(running, "POST", "/faults", {"duplicate": 1.0})
        await gateway.post(running.ports.as2_url, first, message_id="<again@gw>")
        assert await running.runner.settled()
        assert [name[:3] for name, _, _ in gateway.files] == ["997", "997", "355", "355"]
        assert gateway.files[2][1] == gateway.files[3][1]
        await call(running, "POST", "/faults", {"garble": 1.0})
        await gateway.post(
            running.ports.as2_url,
            manifest_309([SampleBill("2", kind="35")], control=2, trip="TSTC22222"),
            message_id="<3@gw>",
        )
        assert await running.runner.settled()
        assert not gateway.files[-1][1].endswith(b"~")


async def test_an_outage_takes_nothing_and_sends_nothing(tmp_path: Path) -> None:
    """In an outage window the door says 503 and waiting answers stay; after it everything goes on."""
    async with both(tmp_path) as (gateway, running):
        gateway.down = True
        await gateway.post(running.ports.as2_url, manifest_309([SampleBill("25031000001", kind="35")]))
        plan = {"outage_from": "2025-03-10T00:00:00-04:00", "outage_until": "2025-03-10T12:00:00-04:00"}
        await call(running, "POST", "/faults", plan)
        gateway.down = False
        assert (await gateway.post(running.ports.as2_url, b"x", message_id="<m2@gw>"))[0] == 503
        assert gateway.files == []
        await call(running, "POST", "/clock", {"set": "2025-03-10T12:00:00-04:00"})
        await gateway.wait("997", "355")


async def test_the_truck_arrives_at_its_eta(tmp_path: Path) -> None:
    """When the clock passes the estimated arrival the truck arrives without being told."""
    async with both(tmp_path) as (gateway, running):
        await gateway.post(running.ports.as2_url, manifest_309([SampleBill("25031000001", kind="35")]))
        await gateway.wait("355")
        await call(running, "POST", "/clock", {"set": "2025-03-10T16:31:00-04:00"})
        (release,) = await gateway.wait("350")
        assert b"*20250310*1630*1C**TSTC" in release


async def test_the_transcript_pages(tmp_path: Path) -> None:
    """Every file both ways stands in the transcript with its verdict, and pages follow each other."""
    async with both(tmp_path) as (gateway, running):
        await gateway.post(running.ports.as2_url, manifest_309([SampleBill("25031000001", kind="35")]))
        await gateway.wait("355")
        assert await running.runner.settled()
        _, page = await call(running, "GET", "/transcript?limit=2")
        _, rest = await call(running, "GET", f"/transcript?after={page['next']}")
        items = page["items"] + rest["items"]
        assert [(i["direction"], i["kind"]) for i in items] == [("in", "x12"), ("out", "997"), ("out", "355")]
        assert items[0]["verdict"]["result"] == "355 accepted 1, rejected 0"
        assert items[2]["text"].startswith("ISA*")


def start(tmp_path: Path, gateway_url: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """A sandbox in its own process; gives it and its ports."""
    command = [sys.executable, "-m", "sandbox", "--data", str(tmp_path / "sandbox"), "--exchange"]
    command += [str(tmp_path / "exchange"), "--port", "0", "--control-port", "0", "--gateway-url", gateway_url]
    command += ["--clock", "2025-03-10T09:00:00-04:00", "--stop-with-stdin"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def end(process: subprocess.Popen[str]) -> int:
    """Close its pipes and wait."""
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()
    return process.wait(20)


async def test_a_killed_sandbox_answers_after_its_restart(tmp_path: Path) -> None:
    """A file that was receipted before a SIGKILL is answered once the sandbox runs again, and is filed once."""
    async with gateway_at(tmp_path) as gateway:
        gateway.publish()
        gateway.down = True
        process, ports = await asyncio.to_thread(start, tmp_path, gateway.url)
        payload = manifest_309([SampleBill(f"2503100{n:04d}", kind="35") for n in range(300)])
        status, mdn = await gateway.post(ports["as2_url"], payload)
        process.send_signal(signal.SIGKILL)
        assert await asyncio.to_thread(end, process) == -signal.SIGKILL
        assert status == 200
        assert mdn is not None
        gateway.down = False
        process, ports = await asyncio.to_thread(start, tmp_path, gateway.url)
        (answer,) = await gateway.wait("355")
        assert b"SHIPMENTS ACCEPTED 300" in answer
        await gateway.post(ports["as2_url"], payload)
        async with gateway.came:
            await asyncio.wait_for(
                gateway.came.wait_for(lambda: sum(n.startswith("355") for n, _, _ in gateway.files) == 2), 30
            )
        assert len({p for n, p, _ in gateway.files if n.startswith("355")}) == 1
        async with (
            aiohttp.ClientSession() as session,
            session.get(ports["control_url"] + "/state") as response,
        ):
            state = await response.json()
        assert state["shipments"] == {"ON_FILE": 300}
        assert await asyncio.to_thread(end, process) == 0


async def test_sigterm_ends_it_cleanly_and_ports_are_written(tmp_path: Path) -> None:
    """ports.json names the ports that were printed; SIGTERM ends the process with status 0."""
    process, ports = await asyncio.to_thread(start, tmp_path, "http://127.0.0.1:9/as2")
    written = json.loads((tmp_path / "sandbox" / "ports.json").read_text("utf-8"))
    assert written["as2"] == ports["as2"] != 0
    assert oct((tmp_path / "sandbox" / "identity.key.pem").stat().st_mode)[-3:] == "600"
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(end, process) == 0


def test_behaviour_is_data() -> None:
    """Every switch of CBP's conduct has a default, so a sandbox starts without any settings."""
    assert Settings().behaviour == Behaviour()
