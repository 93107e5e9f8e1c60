"""AS2 over real sockets on loopback: deliveries, lost receipts, repetitions, refusals, and what is in doubt."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.transports import (
    As2Transport,
    OutboundFile,
    PreparedTransmission,
    Receipt,
    Timeouts,
    Transport,
)
from schemas.as2 import As2Message, ReceivedMessage, build_mdn, read_request
from schemas.errors import FormatError, Problem, ShipmentError, TransportError
from tests.as2_door_kit import Shelf, receiver, serving
from tests.as2_kit import NOW, PAYLOAD, alpha, beta, identity, mallory, message, partner

QUICK = Timeouts(connect=2.0, receipt=0.3, total=5.0)
FILE = OutboundFile("SFIC2503100001.x12", PAYLOAD, "application/EDI-X12")


@asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that speaks to its connections as it is told; its address."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/as2"


@asynccontextmanager
async def sending(url: str, **changes: object) -> AsyncIterator[As2Transport]:
    """ALPHA's transport to BETA CO at ``url``."""
    connector = changes.pop("connector", None)
    async with aiohttp.ClientSession(connector=connector) as session:  # type: ignore[arg-type]
        arguments: dict[str, object] = {
            "identity": alpha(),
            "partner": partner(beta()),
            "timeouts": QUICK,
            "clock": lambda: NOW,
        }
        yield As2Transport(session, url=url, **(arguments | changes))  # type: ignore[arg-type]


def prepared(transport: As2Transport, number: int = 1, file: OutboundFile = FILE) -> PreparedTransmission:
    return transport.prepare(file, message_id=f"<m-{number}@alpha.example>", at=NOW)


async def fault_of(transport: As2Transport, transmission: PreparedTransmission | None = None) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await transport.send(transmission or prepared(transport))
    return caught.value


async def test_a_file_is_delivered_and_its_receipt_proved() -> None:
    """The message is stored before the receipt is made; the receipt is signed and repeats our MIC."""
    shelf = Shelf()
    async with serving(receiver(shelf).handle) as url, sending(url) as transport:
        ready = prepared(transport)
        receipt = await transport.send(ready)

    assert isinstance(transport, Transport)
    assert [m.payload for m in shelf.accepted] == [PAYLOAD]
    assert (receipt.refused, receipt.signed, receipt.mic) == (False, True, ready.mic)
    assert receipt.message_id == "<m-1@alpha.example>"
    assert receipt.received_at == NOW
    assert shelf.receipts["<m-1@alpha.example>"].body == receipt.body


async def test_the_bytes_that_were_stored_are_the_bytes_that_go_out() -> None:
    """Through JSON and back, sent twice: body and fields on the wire are the same, with a length and no chunks."""
    seen: list[tuple[dict[str, str], bytes]] = []

    async def record(request: web.Request) -> web.Response:
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
        seen.append((dict(request.headers), bytes(body)))
        return web.Response(status=500)

    large = OutboundFile("large.x12", bytes(range(256)) * 2000, "application/EDI-X12")
    async with serving(record) as url, sending(url) as transport:
        ready = prepared(transport, file=large)
        stored = json.loads(json.dumps(ready.as_dict()))
        await fault_of(transport, ready)
        await fault_of(transport, PreparedTransmission.from_dict(stored))

    assert PreparedTransmission.from_dict(stored) == ready
    assert [body for _, body in seen] == [ready.body, ready.body]
    for fields, _ in seen:
        assert ready.headers.items() <= fields.items()
        assert fields["Content-Length"] == str(len(ready.body))
        assert "Transfer-Encoding" not in fields


def test_a_stored_transmission_that_is_damaged_is_refused() -> None:
    """What cannot be read back whole is not sent."""
    for damaged in ({}, {"road": "as2"}, {"headers": []}):
        with pytest.raises(FormatError, match="prepared-unreadable"):
            PreparedTransmission.from_dict(damaged)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _NoName(AbstractResolver):
    """A name service that knows nothing, or never answers."""

    def __init__(self, *, answers: bool) -> None:
        self._answers = answers

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        if not self._answers:
            await asyncio.Event().wait()
        raise OSError(f"no such name: {host}")

    async def close(self) -> None:
        """Nothing is held."""


async def test_a_refused_connection_is_not_in_doubt() -> None:
    """Nobody listens: not a byte has left."""
    async with sending(f"http://127.0.0.1:{free_port()}/as2") as transport:
        error = await fault_of(transport)

    assert (error.in_doubt, error.problems[0].code) == (False, "as2-not-connected")


@pytest.mark.parametrize("answers", [True, False])
async def test_a_name_that_is_not_found_is_not_in_doubt(answers: bool) -> None:
    """No address, at once or after the time to connect has passed: not a byte has left."""
    connector = aiohttp.TCPConnector(resolver=_NoName(answers=answers))
    timeouts = Timeouts(connect=0.2, receipt=5, total=5)
    async with sending("http://partner.invalid/as2", connector=connector, timeouts=timeouts) as transport:
        error = await fault_of(transport)

    assert error.in_doubt is False


async def test_a_failed_handshake_is_not_in_doubt() -> None:
    """TLS with a server that speaks none ends before the content."""
    async with serving(receiver(Shelf()).handle) as url, sending(url.replace("http:", "https:")) as transport:
        error = await fault_of(transport)

    assert error.in_doubt is False


async def test_a_connection_reset_in_the_middle_of_the_body_is_in_doubt() -> None:
    """Part of the body has gone: who knows what the other side made of it."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1000)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    large = OutboundFile("large.x12", bytes(range(256)) * 40_000, "application/EDI-X12")
    async with raw_server(reset) as url, sending(url) as transport:
        error = await fault_of(transport, prepared(transport, file=large))

    assert (error.in_doubt, error.problems[0].code) == (True, "as2-connection-lost")


async def read_request_bytes(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    return head + await reader.readexactly(length)


async def test_a_lost_receipt_is_in_doubt_and_the_same_bytes_settle_it() -> None:
    """The message was stored and its receipt lost; the repetition brings the very same receipt and stores nothing."""
    shelf = Shelf()
    door = receiver(shelf)
    lost: list[bytes] = []

    async def handle_and_hang_up(request: web.Request) -> web.StreamResponse:
        response = await door.handle(request)
        if not lost:
            assert isinstance(response.body, bytes)
            lost.append(response.body)
            assert request.transport is not None
            request.transport.abort()
        return response

    async with serving(handle_and_hang_up) as url, sending(url) as transport:
        ready = prepared(transport)
        error = await fault_of(transport, ready)
        receipt = await transport.send(ready)

    assert error.in_doubt is True
    assert len(shelf.accepted) == 1
    assert lost == [receipt.body]
    assert receipt.refused is False


async def test_no_answer_in_time_is_in_doubt() -> None:
    """The whole message was read and nothing came back."""
    over = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request_bytes(reader)
        await over.wait()
        writer.close()

    async with raw_server(silent) as url, sending(url) as transport:
        error = await fault_of(transport)
        over.set()

    assert error.in_doubt is True


async def answering(body: bytes, content_type: str = "text/html", status: int = 200) -> TransportError:
    """How a send ends when the server answers that."""

    async def handle(request: web.Request) -> web.Response:
        await request.content.read()
        return web.Response(status=status, body=body, headers={"Content-Type": content_type})

    async with serving(handle) as url, sending(url) as transport:
        return await fault_of(transport)


@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
async def test_an_http_error_is_in_doubt(status: int) -> None:
    """An error page is no proof of what was done with the content; a redirect is not followed."""
    error = await answering(b"sorry", status=status)

    assert (error.in_doubt, error.problems[0].code) == (True, "as2-http-status")


@pytest.mark.parametrize("body", [b"", b"<h1>It works</h1>", b"x" * (1024 * 1024 + 1)])
async def test_an_answer_that_is_no_receipt_is_in_doubt(body: bytes) -> None:
    """Nothing, a page and an endless answer are no receipts."""
    assert (await answering(body)).in_doubt is True


async def receipt_fault(change: Callable[[ReceivedMessage], As2Message]) -> TransportError:
    """How a send ends when the receipt is the one that ``change`` makes."""

    async def handle(request: web.Request) -> web.Response:
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
        known = {"ALPHA": partner(alpha())}
        received = read_request(dict(request.headers), bytes(body), me=beta(), partners=known, received_at=NOW)
        assert isinstance(received, ReceivedMessage)
        mdn = change(received)
        return web.Response(body=mdn.body, headers=dict(mdn.headers) | {"AS2-From": '"BETA CO"'})

    async with serving(handle) as url, sending(url) as transport:
        return await fault_of(transport)


MDN = {"message_id": "<r@beta.example>", "date": NOW}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda r: build_mdn(r, me=beta(), signed=False, **MDN), "as2-insufficient-message-security"),
        (lambda r: build_mdn(replace(r, mic="AAAA"), me=beta(), **MDN), "as2-integrity-check-failed"),
        (lambda r: build_mdn(r, me=mallory(), **MDN), "as2-authentication-failed"),
        (lambda r: build_mdn(replace(r, message_id="<m-9@a>"), me=beta(), **MDN), "as2-unexpected-processing-error"),
    ],
    ids=["unsigned", "wrong MIC", "signed by another", "for another message"],
)
async def test_a_receipt_that_does_not_hold_is_in_doubt(
    change: Callable[[ReceivedMessage], As2Message], code: str
) -> None:
    """Unsigned though signed was asked, another MIC, another signer, another message: nothing is settled."""
    error = await receipt_fault(change)

    assert (error.in_doubt, error.problems[0].code) == (True, code)


async def test_a_negative_receipt_is_a_definite_refusal() -> None:
    """A partner that cannot decrypt says so, signed; that is an answer and no doubt."""
    shelf = Shelf()
    stranger = partner(beta(), encryption_certificate=identity("OLD KEY").certificate)
    async with serving(receiver(shelf).handle) as url, sending(url, partner=stranger) as transport:
        receipt = await transport.send(prepared(transport))

    assert isinstance(receipt, Receipt)
    assert (receipt.refused, receipt.signed) == (True, True)
    assert receipt.problems[0].code == "as2-decryption-failed"
    assert receipt.text.startswith("The message could not be decrypted.")
    assert shelf.accepted == []
    assert [problems[0].code for _, _, problems in shelf.refusals] == ["as2-decryption-failed"]


async def test_without_a_receipt_an_http_answer_is_all_there_is() -> None:
    """Where no receipt is agreed, 200 counts."""
    shelf = Shelf()
    async with serving(receiver(shelf).handle) as url, sending(url, partner=partner(beta(), mdn="none")) as transport:
        receipt = await transport.send(prepared(transport))

    assert (receipt.refused, receipt.signed, len(shelf.accepted)) == (False, False, 1)


async def test_another_roads_transmission_is_not_sent() -> None:
    """What was prepared for a folder does not go out by AS2."""
    async with sending("http://127.0.0.1:9/as2") as transport:
        error = await fault_of(transport, replace(prepared(transport), road="directory"))

    assert (error.in_doubt, error.problems[0].code) == (False, "as2-wrong-road")


async def test_two_deliveries_at_one_time_are_taken_once() -> None:
    """The same message on several connections at once: one is stored, all get the same receipt."""
    shelf = Shelf()
    door = receiver(shelf)
    sent = message()

    responses = await asyncio.gather(*(door.receive(sent.headers, sent.body) for _ in range(5)))

    assert len(shelf.accepted) == 1
    assert len({response.body for response in responses}) == 1
    assert {response.status for response in responses} == {200}


async def test_a_crash_between_storing_and_answering_costs_a_repetition_only() -> None:
    """The store has the message and no receipt: the repetition gets a new positive one, nothing is stored twice."""
    shelf = Shelf(keeps_receipts=False)
    async with serving(receiver(shelf).handle) as url, sending(url) as transport:
        ready = prepared(transport)
        first = await transport.send(ready)
        second = await transport.send(ready)

    assert (first.refused, second.refused, len(shelf.accepted)) == (False, False, 1)


async def test_one_message_id_with_two_contents_is_refused() -> None:
    """The second content under a Message-ID is a conflict, recorded and refused."""
    shelf = Shelf()
    async with serving(receiver(shelf).handle) as url, sending(url) as transport:
        await transport.send(prepared(transport))
        receipt = await transport.send(prepared(transport, file=replace(FILE, payload=b"other")))

    assert receipt.refused is True
    assert [m.payload for m in shelf.accepted] == [PAYLOAD]
    assert "another content" in shelf.refusals[0][2][0].text


async def test_a_replay_under_another_message_id_is_not_taken_twice() -> None:
    """A captured body with a fresh Message-ID carries the old signature: noted as a duplicate."""
    shelf = Shelf()
    async with serving(receiver(shelf).handle) as url, sending(url) as transport:
        ready = prepared(transport)
        await transport.send(ready)
        again = replace(
            ready, message_id="<m-2@alpha.example>", headers=dict(ready.headers) | {"Message-ID": "<m-2@alpha.example>"}
        )
        receipt = await transport.send(again)

    assert len(shelf.accepted) == 1
    assert receipt.refused is False
    assert [p.code for p in receipt.problems] == ["as2-duplicate-document"]


async def test_a_store_that_fails_gives_no_receipt() -> None:
    """Nothing was committed: HTTP 500, the sender is in doubt, and its repetition is taken."""
    shelf = Shelf(fault=RuntimeError("the database is away"))
    async with serving(receiver(shelf).handle) as url, sending(url) as transport:
        ready = prepared(transport)
        error = await fault_of(transport, ready)
        shelf.fault = TransportError(Problem("store", "", "away"), in_doubt=False)
        again = await fault_of(transport, ready)
        shelf.fault = None
        receipt = await transport.send(ready)

    assert (error.in_doubt, again.in_doubt, receipt.refused) == (True, True, False)
    assert len(shelf.accepted) == 1


async def test_a_content_that_is_not_wanted_is_refused_with_a_receipt() -> None:
    """When accept says no, the sender is told, and the refusal is recorded with its own code."""
    shelf = Shelf(fault=ShipmentError(Problem("trip-unknown", "trip", "No such trip.")))
    async with serving(receiver(shelf).handle) as url, sending(url) as transport:
        receipt = await transport.send(prepared(transport))

    assert receipt.refused is True
    assert receipt.problems[0].code == "as2-unexpected-processing-error"
    assert [problems[0].code for _, _, problems in shelf.refusals] == ["trip-unknown"]


async def post(url: str, body: object, headers: object) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:  # type: ignore[arg-type]
        return response.status, await response.read()


async def test_a_changed_message_is_answered_and_recorded() -> None:
    """The refusal keeps header and body as they came, for whoever looks into it."""
    shelf = Shelf()
    sent = message()
    changed = sent.body[:-20]
    async with serving(receiver(shelf).handle) as url:
        status, body = await post(url, changed, sent.headers)

    assert (status, shelf.accepted) == (200, [])
    assert b"decryption-failed" in body
    headers, kept, _ = shelf.refusals[0]
    assert (kept, headers["AS2-From"]) == (changed, "ALPHA")


async def test_a_field_twice_on_the_wire_is_refused() -> None:
    """Two AS2-From fields are not two chances."""
    shelf = Shelf()
    sent = message()
    fields = [*sent.headers.items(), ("AS2-From", "OTHER")]
    async with serving(receiver(shelf).handle) as url:
        status, _ = await post(url, sent.body, fields)

    assert status == 200
    assert shelf.accepted == []
    assert "more than once" in shelf.refusals[0][2][0].text


async def test_a_body_beyond_the_bound_is_not_read() -> None:
    """Announced or found out while reading: 413, recorded, nothing opened."""
    shelf = Shelf()
    sent = message()
    door = receiver(shelf, max_bytes=len(sent.body) - 1)

    async def in_pieces() -> AsyncIterator[bytes]:
        yield sent.body

    async with serving(door.handle) as url:
        announced, _ = await post(url, sent.body, sent.headers)
        found_out, _ = await post(url, in_pieces(), sent.headers)

    assert (announced, found_out) == (413, 413)
    assert [(body, problems[0].path) for _, body, problems in shelf.refusals] == [(b"", "body")] * 2


async def test_a_coded_body_is_refused() -> None:
    """Content codings would change the bytes that the signature covers, and hide their size."""
    shelf = Shelf()
    sent = message()
    async with serving(receiver(shelf).handle) as url:
        status, _ = await post(url, sent.body, dict(sent.headers) | {"Content-Encoding": "gzip"})

    assert (status, shelf.accepted, shelf.refusals) == (415, [], [])


async def half_a_request(url: str, sent: As2Message, *, then_close: bool) -> bytes:
    """Send the header and half the body, then hang up or wait for the answer; what came back."""
    port = int(url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.headers.items())
    head = f"POST /as2 HTTP/1.1\r\nHost: x\r\nContent-Length: {len(sent.body)}\r\n{lines}\r\n"
    writer.write(head.encode() + sent.body[: len(sent.body) // 2])
    await writer.drain()
    answer = b"" if then_close else await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_message_that_is_cut_short_is_not_taken() -> None:
    """The sender hangs up in the middle: nothing is stored, and the whole message later is."""
    shelf = Shelf()
    done = asyncio.Event()
    door = receiver(shelf)

    async def handle(request: web.Request) -> web.Response:
        response = await door.handle(request)
        done.set()
        return response

    sent = message()
    async with serving(handle) as url:
        await half_a_request(url, sent, then_close=True)
        await asyncio.wait_for(done.wait(), 5)
        taken_early = list(shelf.accepted)
        status, _ = await post(url, sent.body, sent.headers)

    assert (taken_early, status, len(shelf.accepted)) == ([], 200, 1)


async def test_a_message_that_comes_too_slowly_is_given_up() -> None:
    """A connection cannot be held open for ever with half a message."""
    shelf = Shelf()
    async with serving(receiver(shelf, read_seconds=0.2).handle) as url:
        answer = await half_a_request(url, message(), then_close=False)

    assert b" 408 " in answer
    assert shelf.accepted == []
