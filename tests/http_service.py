"""The HTTP service in front of a real gateway and store, for tests that ask it over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from filings.identity import Role, create_key
from gateway.http.app import build_app
from gateway.runtime import Gateway
from gateway.settings import load_settings
from schemas.as2 import make_identity

NOW = datetime(2025, 3, 10, 14, 0, tzinfo=UTC)
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "errors"}


@cache
def identity_files() -> tuple[bytes, bytes]:
    """A private key and its certificate in PEM, made once: making RSA keys is slow."""
    made = make_identity("GATEWAY", not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=7300))
    key = made.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key, made.certificate.public_bytes(Encoding.PEM)


@dataclass
class Api:
    """The service and a client of it."""

    app: web.Application
    client: TestClient[Any, Any]
    service: Gateway
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


class Clock:
    """The business clock of a test: it stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def _asyncpg(database: str | None) -> str | None:
    """The setting for a database address: none for an embedded one."""
    return "postgresql+asyncpg" + database.removeprefix("postgresql") if database and "://" in database else None


@asynccontextmanager
async def running(
    folder: Path, *, overrides: Mapping[str, Any] | None = None, database: str | None = None
) -> AsyncIterator[Api]:
    """The service of a real gateway without its workers, on a fresh database, with one key for each role."""
    places: dict[str, Any] = {
        "storage": {"directory": folder / "data", "database_url": _asyncpg(database)},
        "exchange": {"directory": folder / "exchange"},
    }
    settings = load_settings(environ={}, overrides=places | dict(overrides or {}))
    for path, content in zip((settings.private_key, settings.certificate), identity_files(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
    async with Gateway.open(settings, clock=Clock(), work=False) as gateway:
        keys: dict[Role, str] = {}
        for role in Role:
            make = partial(create_key, name=f"test {role.value}", role=role, now=NOW)
            keys[role] = (await gateway.store.write(make))[1]
        app = build_app(gateway)
        async with TestClient(TestServer(app)) as client:
            yield Api(app, client, gateway, keys)
