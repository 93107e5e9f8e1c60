"""Keys and roles: everything is closed that the table does not open."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from filings.identity import Role, list_keys, revoke_key
from gateway.http.app import build_app
from gateway.http.auth import PERMISSIONS, PUBLIC
from gateway.http.route import Route
from gateway.http.routes import ROUTES
from tests.http_service import NOW, running

PLACES = {
    "trip_number": "TSTC2503100001",
    "filing_id": "none",
    "handoff_id": "none",
    "transmission_id": "none",
    "version": "none",
    "alert_id": "none",
}


def path_of(route: Route) -> str:
    """An address of the route."""
    return route.path.format(**PLACES)


async def test_every_route_for_every_role(tmp_path: Path) -> None:
    """Each role gets exactly the routes of the table: 403 elsewhere, 401 without a key, and public ones are open."""
    async with running(tmp_path) as api:
        for route in ROUTES:
            if route.name == "stream_events":
                continue  # never ends by itself; has its own test
            for role in (None, *Role):
                status = (await _status(api.client, route, api.headers(role)))[0]
                if route.name in PUBLIC:
                    assert status not in {401, 403}, (route.name, role)
                elif role is None:
                    assert status == 401, route.name
                elif role in PERMISSIONS[route.name]:
                    assert status not in {401, 403, 500}, (route.name, role)
                else:
                    assert status == 403, (route.name, role)


async def _status(client, route: Route, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    async with client.request(route.method, path_of(route), headers=headers) as response:
        await response.read()
        if response.status >= 400:
            assert response.content_type == "application/problem+json", route.name
        return response.status, dict(response.headers)


async def test_the_stream_of_events_is_closed_like_the_rest(tmp_path: Path) -> None:
    """Listening needs a key of dispatch or integration, too."""
    async with running(tmp_path) as api:
        assert (await api.ask("GET", "/v1/events/stream", None))[0] == 401
        for role in (Role.BROKER, Role.AUDITOR, Role.ADMIN):
            assert (await api.ask("GET", "/v1/events/stream", role))[0] == 403
        for role in (Role.DISPATCH, Role.INTEGRATION):
            async with api.client.get("/v1/events/stream", headers=api.headers(role)) as response:
                assert response.status == 200


def test_the_table_names_every_route() -> None:
    """No route is forgotten: each is public or stands in the permission table, and nothing else does."""
    names = {route.name for route in ROUTES}
    assert names == set(PERMISSIONS) | PUBLIC
    assert not set(PERMISSIONS) & PUBLIC


async def test_a_route_that_is_not_listed_is_closed(tmp_path: Path) -> None:
    """A route somebody adds without permissions answers 403 to every role."""
    async with running(tmp_path) as api:
        from aiohttp.test_utils import TestClient, TestServer

        async def secret(_request: web.Request) -> web.Response:
            return web.Response(text="secret")

        app = build_app(api.service)
        app.router.add_get("/v1/secret", secret, name="secret")
        async with TestClient(TestServer(app)) as client:
            for role in Role:
                async with client.get("/v1/secret", headers=api.headers(role)) as response:
                    assert response.status == 403
            async with client.get("/v1/secret") as response:
                assert response.status == 401


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer cfg_wrong",
        "Basic " + base64.b64encode(b"admin:admin").decode(),
        "Bearer " + "x" * 5000,
        "Bearer a b",
        "Bearer ü",
    ],
)
async def test_what_is_no_key_is_nobody(tmp_path: Path, header: str) -> None:
    """Any other Authorization header is 401 with the scheme to use, never more."""
    async with running(tmp_path) as api:
        status, answer = await api.ask("GET", "/v1/trips", None, Authorization=header)
        assert status == 401
        assert answer["code"] == "not_authenticated"
        async with api.client.get("/v1/trips") as response:
            assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_a_revoked_key_is_nobody(tmp_path: Path) -> None:
    """From the moment it is revoked a key opens nothing, and looks like one that never was."""
    async with running(tmp_path) as api:
        assert (await api.ask("GET", "/v1/trips", Role.AUDITOR))[0] == 200
        keys = await api.service.store.read(list_keys)
        revoked = next(key.id for key in keys if key.role is Role.AUDITOR)
        await api.service.store.write(lambda conn: revoke_key(conn, revoked, NOW))
        status, answer = await api.ask("GET", "/v1/trips", Role.AUDITOR)
        _, unknown = await api.ask("GET", "/v1/trips", None, Authorization="Bearer cfg_unknown")
        assert status == 401
        assert answer == unknown


async def test_two_keys_in_one_request_are_refused(tmp_path: Path) -> None:
    """Which of two keys counts is never guessed."""
    async with running(tmp_path) as api:
        headers = [("Authorization", f"Bearer {api.keys[Role.BROKER]}"), ("Authorization", "Bearer cfg_other")]
        async with api.client.get("/v1/trips", headers=headers) as response:
            assert response.status == 401


async def test_keys_stand_in_no_log_and_no_answer(tmp_path: Path) -> None:
    """Whatever goes wrong, the presented key is neither logged nor echoed."""
    async with running(tmp_path) as api:
        secret = api.keys[Role.DISPATCH]
        with capture_logs() as logs:
            for path in ("/v1/filings", "/nowhere", "/v1/trips?nonsense=1", "/v1/events?after=x"):
                async with api.client.get(path, headers=api.headers(Role.DISPATCH)) as response:
                    assert secret not in await response.text()
        assert secret not in str(logs)


async def test_the_last_use_of_a_key_is_known(tmp_path: Path) -> None:
    """Which keys are in use is noted, at the latest when the service stops."""
    async with running(tmp_path) as api:
        assert (await api.ask("GET", "/v1/trips", Role.BROKER))[0] == 200
        await api.client.close()
        used = {key.role: key.last_used_at for key in await api.service.store.read(list_keys)}
        assert used[Role.BROKER] is not None
        assert used[Role.ADMIN] is None
