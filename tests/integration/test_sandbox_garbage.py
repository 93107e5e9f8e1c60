"""Anything on any door: an answer or a written refusal, no crash, no hang, bounded memory, the next filer is served.

One sandbox for the file; ALPHA sends what a search finds to send, BETA files something good right after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox.app import Running, serving
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Filer, Settings
from schemas import as2
from tests.sandbox_case import kinds
from tests.sandbox_lines import PASSWORD, As2Line, SftpLine, identity, publish

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT = 200_000
BOUNDED = settings(
    max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
"""Without shrinking: every example goes through a running sandbox, whose books remember the ones before."""
NUMBERS = itertools.count(1)
GOOD = (
    manifest_309([SampleBill("25031000001"), SampleBill("25031000002", kind="35")]),
    entries_se([SampleEntry("0000001", "25031000001"), SampleEntry("0000002", "25031000002", type="86")]),
)


class World:
    """The sandbox, and a filer of its own books who sees whether it still serves."""

    def __init__(self, running: Running, beta: As2Line, folder: Path) -> None:
        self.running, self.beta, self.folder = running, beta, folder
        self.alpha = running.offices.of("ALPHA")

    def count(self, kind: str = "") -> int:
        """Lines about ALPHA's files in the transcript: refusals, or whatever came in."""
        where = "kind = 'refused'" if kind == "refused" else "direction = 'in'"
        return self.alpha.cbp.store.count(f"select count(*) from transcript where {where}")

    async def is_well(self) -> None:
        """BETA files and is answered; everything ALPHA sent was read, and the sandbox itself failed over nothing."""
        number = next(NUMBERS)
        good = manifest_309([SampleBill(f"{number:08d}")], trip=f"TSTC{number:08d}", control=number)
        assert await self.beta.send(good) == "taken"
        assert kinds(await self.beta.collect_some(2)) == ["997", "355"]
        end = time.monotonic() + 20
        while self.alpha.cbp.undigested():
            assert time.monotonic() < end
            await asyncio.sleep(0.002)
        verdicts = self.alpha.cbp.store.rows("select verdict from transcript where direction = 'in'")
        assert {json.loads(row["verdict"])["stage"] for row in verdicts} <= {
            *("door", "envelope", "syntax", "business", "batch", "edits", "acknowledgment", "repeated", "received")
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One sandbox for the file."""
    async with world_at(tmp_path_factory.mktemp("garbage")) as made:
        yield made


@asynccontextmanager
async def world_at(folder: Path, **changes: Any) -> AsyncIterator[World]:
    """A sandbox with all doors open."""
    exchange = folder / "exchange"
    async with As2Line("BETA", exchange).listening() as beta:
        filers = (
            Filer("ALPHA", publish("ALPHA", exchange / "alpha.pem"), directory=folder / "alpha"),
            Filer("BETA", publish("BETA", exchange / "beta.pem"), beta.url),
        )
        chosen = Settings(
            data_dir=folder / "sandbox",
            exchange_dir=exchange,
            as2_port=0,
            control_port=0,
            sftp_port=0,
            sftp_accounts=(f"alpha/ALPHA/{PASSWORD}",),
            directory_signed=False,
            directory_poll=0.005,
            clock="2025-03-10T09:00:00-04:00",
            frozen=True,
            body_limit=LIMIT,
            filers=filers,
        )
        async with serving(replace(chosen, **changes)) as running, beta.at(running):
            yield World(running, beta, folder)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(("change", "cut", "double", "insert", "end")),
        st.integers(0, 999_999),
        st.integers(0, 90),
        st.binary(min_size=1, max_size=8),
    ),
    max_size=6,
)
NOISE = st.binary(min_size=1, max_size=400)


def harmed(content: bytes, edits: list[tuple[str, int, int, bytes]]) -> bytes:
    """A good file with bytes changed, doubled, cut out, put in, or its end cut off."""
    out = bytearray(content)
    for act, millionths, length, some in edits:
        at = len(out) * millionths // 1_000_000
        match act:
            case "change":
                out[at : at + 1] = some[:1]
            case "cut":
                del out[at : at + length]
            case "double":
                out[at:at] = out[at : at + length]
            case "insert":
                out[at:at] = some
            case "end":
                del out[at + 1 :]
    return bytes(out) or b"\0"


DAMAGED = st.one_of(NOISE, *(EDITS.map(partial(harmed, one)) for one in GOOD))


def posted(world: World, payload: bytes, message_id: str) -> bytes:
    """A good AS2 message as the bytes of an HTTP request."""
    line = As2Line("ALPHA", world.folder / "exchange")
    message = as2.build_message(
        payload,
        content_type="application/edi-x12",
        filename="file.x12",
        sender=identity("ALPHA"),
        receiver=line.sandbox(),
        message_id=message_id,
        date=datetime.now(UTC),
    )
    head = [f"{k}: {v}" for k, v in message.headers.items()]
    lines = ["POST /as2 HTTP/1.1", "Host: sandbox", *head, f"Content-Length: {len(message.body)}", "", ""]
    return "\r\n".join(lines).encode() + message.body


def is_whole(request: bytes) -> bool:
    """Whether bytes hold as much of a request as they say, so that an answer is due."""
    head, found, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*(?:\r\n|$)", head, re.IGNORECASE)
    return bool(found) and (length is None or len(body) >= int(length[1]))


async def exchange_bytes(world: World, request: bytes) -> bytes:
    """Write bytes to the AS2 port and read what comes; with less than a whole request, say that this is all."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.running.ports.as2)
    try:
        async with asyncio.timeout(20):
            writer.write(request)
            if not is_whole(request):
                writer.write_eof()
            return await reader.read(1 << 20)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@BOUNDED
@given(edits=st.one_of(NOISE, EDITS))
async def test_any_bytes_on_the_as2_port_are_answered(
    edits: bytes | list[tuple[str, int, int, bytes]], world: World
) -> None:
    """Damaged requests and noise: an HTTP answer to what is whole, the end of the connection to what is not."""
    original = posted(world, GOOD[0], f"<{next(NUMBERS)}@alpha>")
    request = edits if isinstance(edits, bytes) else harmed(original, edits)
    answer = await exchange_bytes(world, request)
    assert answer.startswith(b"HTTP/1.") or not is_whole(request), answer[:80]
    await world.is_well()


async def test_half_open_uploads_are_bounded_in_sum(tmp_path: Path) -> None:
    """Many bodies that never end fill a budget and no more: the next is answered 503, a filer's own file is taken, and
    when they are given up there is room again.
    """
    async with world_at(tmp_path) as world:
        head = f"POST /as2 HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {LIMIT}\r\n\r\n".encode()
        opened = []
        for _ in range(12):
            reader, writer = await asyncio.open_connection("127.0.0.1", world.running.ports.as2)
            writer.write(head + b"x" * (LIMIT - 1000))
            opened.append((reader, writer))
        async with asyncio.timeout(20):
            done, _ = await asyncio.wait(
                [asyncio.create_task(reader.readline()) for reader, _ in opened], return_when=asyncio.FIRST_COMPLETED
            )
        assert all(b" 503 " in one.result() for one in done)
        request = posted(world, GOOD[0], f"<{next(NUMBERS)}@alpha>")
        closing = request.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n", 1)
        assert (await exchange_bytes(world, closing)).startswith(b"HTTP/1.1 200")
        for _, writer in opened:
            writer.close()
        await world.is_well()


async def test_an_upload_that_never_ends_is_given_up(tmp_path: Path) -> None:
    """A body that does not come to its end in time is cut, and is a refusal in the transcript."""
    async with world_at(tmp_path, upload_seconds=0.2) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.running.ports.as2)
        writer.write(b"POST /as2 HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 5000\r\n\r\nISA")
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
        await world.is_well()
        assert world.count("refused") == 1


async def test_a_body_that_breaks_off_is_a_written_refusal(world: World) -> None:
    """The other side goes away half-way: nothing is kept, and the transcript says so."""
    request = posted(world, GOOD[0], f"<{next(NUMBERS)}@alpha>")
    before = world.count("refused")
    assert await exchange_bytes(world, request[:-1000]) == b""
    end = time.monotonic() + 10
    while world.count("refused") == before:
        assert time.monotonic() < end
        await asyncio.sleep(0.002)
    (row,) = world.alpha.cbp.store.rows("select * from transcript where kind = 'refused' order by id desc limit 1")
    assert "broke within the body" in row["verdict"]
    await world.is_well()


@BOUNDED
@given(payload=DAMAGED)
async def test_any_content_of_a_good_message_is_receipted_and_judged(payload: bytes, world: World) -> None:
    """What is signed and encrypted well is receipted, whatever is in it; the judgement stands in the transcript."""
    answer = await exchange_bytes(world, posted(world, payload, f"<{next(NUMBERS)}@alpha>"))
    assert answer.startswith(b"HTTP/1.1 200")
    await world.is_well()


PATHS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(("..", "../../etc/passwd", "in/..", "in/../../beta/in/x", "out/done/../../in/.x.part", "/", "")),
    st.text(max_size=12).map(lambda text: f"in/.{text}.part"),
    st.text(max_size=12).map(lambda text: f"in/{text}"),
    st.binary(max_size=20),
)


@BOUNDED
@given(
    acts=st.lists(
        st.tuples(st.sampled_from(("write", "rename", "remove", "list", "read", "stat", "mkdir")), PATHS, PATHS),
        min_size=1,
        max_size=6,
    ),
    content=DAMAGED,
)
async def test_any_names_and_contents_by_sftp_are_answered(
    acts: list[tuple[str, str | bytes, str | bytes]], content: bytes, world: World
) -> None:
    """Every act is answered, with an error or without; nothing appears outside the filer's two folders."""
    async with (
        asyncio.timeout(30),
        asyncssh.connect(
            "127.0.0.1", world.running.ports.sftp or 0, username="alpha", password=PASSWORD,
            known_hosts=None, client_keys=None, config=None, agent_path=None,
        ) as connection,
        connection.start_sftp_client(path_encoding=None) as sftp,
    ):  # fmt: skip
        for act, first, second in acts:
            await _one_act(sftp, act, _path(first), _path(second), content)
        await _one_act(sftp, "write", b"in/.last.part", b"", content)
        await _one_act(sftp, "rename", b"in/.last.part", f"in/last-{next(NUMBERS)}".encode(), content)
    root = world.folder / "sandbox" / "sftp"
    assert {path.name for path in root.iterdir()} == {"alpha"}
    assert {path.name for path in (root / "alpha").iterdir()} == {"in", "out"}
    assert not any(path.is_symlink() for path in root.rglob("*"))
    for path in (root / "alpha" / "in").iterdir():
        path.unlink()
    await world.is_well()


def _path(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


async def _one_act(sftp: Any, act: str, first: bytes, second: bytes, content: bytes) -> None:
    try:
        match act:
            case "write":
                async with sftp.open(first, "wb", encoding=None) as file:
                    await file.write(content)
            case "rename":
                await sftp.rename(first, second)
            case "read":
                async with sftp.open(first, "rb", encoding=None) as file:
                    await file.read(1000)
            case "list":
                await sftp.listdir(first)
            case _:
                await getattr(sftp, act)(first)
    except (asyncssh.SFTPError, UnicodeError):
        return


@BOUNDED
@given(
    name=st.binary(min_size=1, max_size=60).filter(
        lambda n: b"/" not in n and b"\0" not in n and n not in (b".", b"..")
    ),
    content=st.one_of(DAMAGED, st.just(b"")),
)
async def test_any_file_in_the_directory_is_taken_or_refused(name: bytes, content: bytes, world: World) -> None:
    """What has a final name leaves the folder and stands in the transcript; what is under way is left alone."""
    inbox = world.folder / "alpha" / "in"
    before = world.count()
    path = inbox / os.fsdecode(name)
    if name in (b"done", b"bad"):
        return
    path.write_bytes(content)
    if name.startswith(b".") or name.endswith((b".part", b".p7s")):
        await world.is_well()
        assert path.exists()
        path.unlink()
        return
    end = time.monotonic() + 10
    while path.exists() or world.count() == before:
        assert time.monotonic() < end, name
        await asyncio.sleep(0.002)
    await world.is_well()


async def test_what_is_too_large_is_refused_before_it_is_held(world: World) -> None:
    """Endless bodies and huge files: refused at the limit, and no more memory is taken than a few times the limit."""
    tracemalloc.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.running.ports.as2)
        writer.write(b"POST /as2 HTTP/1.1\r\nHost: x\r\nAS2-From: ALPHA\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(20 * LIMIT // 0x10000):
            writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            await writer.drain()
        async with asyncio.timeout(20):
            assert (await reader.read(100)).startswith(b"HTTP/1.1 413")
        writer.close()
        huge = world.folder / "alpha" / "in" / "huge.x12"
        with huge.open("wb") as file:
            file.truncate(4 << 30)
        end = time.monotonic() + 20
        while huge.exists():
            assert time.monotonic() < end
            await asyncio.sleep(0.002)
        assert tracemalloc.get_traced_memory()[1] < 40 * LIMIT
    finally:
        tracemalloc.stop()
    (bad,) = (world.folder / "alpha" / "in" / "bad").glob("huge.x12")
    bad.unlink()
    sftp = SftpLine("ALPHA", user="alpha")
    async with sftp.at(world.running):
        assert await sftp.send(bytes(LIMIT + 1), "huge.x12") == "refused"
    await world.is_well()
