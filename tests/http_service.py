"""The HTTP service in front of a real store, for tests that ask it over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from aiohttp.test_utils import TestClient, TestServer

from filings.context import FilingContext, Limits, SenderIdentity
from filings.identity import Role, create_key, make_secret
from filings.store.database import Store
from gateway.http.app import build_app
from gateway.settings import Settings, load_settings
from mappings.entry import FilerIdentity
from mappings.rulebook import RuleBook
from schemas.profile import load_profile

NOW = datetime(2025, 3, 10, 14, 0, tzinfo=UTC)
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "errors"}


def context(limits: Limits | None = None) -> FilingContext:
    """A fictional filer."""
    return FilingContext(
        profile=load_profile(),
        rules=RuleBook.load(),
        filer=FilerIdentity("XYZ", "0901", "BROKER DESK", "7165550100"),
        sender=SenderIdentity("02", "TSTC", "ZZ", "CBP-ACE-TEST", "0901", "SANDBX"),
        limits=limits or Limits(),
    )


@dataclass
class StandIn:
    """What the routes need of a gateway, with a clock that stands and no workers."""

    settings: Settings
    store: Store
    ctx: FilingContext
    now: datetime = NOW
    woken: int = 0
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def clock(self) -> datetime:
        """The time of the test."""
        return self.now

    def wake(self) -> None:
        """Count instead of working."""
        self.woken += 1

    def pass_time(self, step: timedelta) -> None:
        """Move the clock on."""
        self.now += step

    async def as2_receive(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Note the message; answer like a receipt."""
        self.received.append((dict(headers), body))
        return 200, {"Content-Type": "multipart/report; boundary=x", "AS2-Version": "1.2"}, b"--x--\r\n"


@dataclass
class Api:
    """The service and a client of it."""

    client: TestClient[Any, Any]
    service: StandIn
    keys: dict[Role, str]

    def headers(self, role: Role | None, **more: str) -> dict[str, str]:
        """Headers with the key of a role."""
        made = {name.replace("_", "-"): value for name, value in more.items()}
        return made if role is None else {"Authorization": f"Bearer {self.keys[role]}", **made}

    async def ask(
        self, method: str, path: str, role: Role | None = Role.BROKER, *, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON of an answer; ``body`` is bytes or a value to be sent as JSON."""
        sent = self.headers(role, **headers)
        data = body
        if body is not None and not isinstance(body, bytes) and not hasattr(body, "__aiter__"):
            data = orjson.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        async with self.client.request(method, path, data=data, headers=sent) as response:
            text = await response.read()
            if response.status >= 400:
                assert response.content_type == "application/problem+json", text
                check_problem(orjson.loads(text), response.status)
            return response.status, orjson.loads(text)


def check_problem(document: Any, status: int) -> None:
    """The shape that every refusal has."""
    assert set(document) >= PROBLEM_MEMBERS
    assert document["status"] == status
    assert document["code"] == document["errors"][0]["code"]
    assert document["type"].endswith(f":{document['code']}")
    for fault in document["errors"]:
        assert set(fault) >= {"path", "code", "text", "remedy"}
        assert fault["text"].endswith((".", ")"))


@asynccontextmanager
async def running(
    folder: Path, *, limits: Limits | None = None, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Api]:
    """A service on a fresh database in ``folder``, with one key for each role."""
    async with await Store.open(folder / "gateway.db") as store:
        keys: dict[Role, str] = {}
        for role in Role:
            secret = make_secret()
            await store.write(lambda conn, r=role, s=secret: create_key(conn, f"test {r.value}", r, now=NOW, secret=s))
            keys[role] = secret
        service = StandIn(load_settings(environ=environ or {}), store, context(limits))
        async with TestClient(TestServer(build_app(service))) as client:
            yield Api(client, service, keys)
