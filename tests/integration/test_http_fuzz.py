"""Requests made from the published description, good and bad: never a failure, always the shape that is promised."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from filings.identity import Role
from gateway.http.auth import PERMISSIONS
from gateway.http.openapi import document
from tests.http_service import running
from tests.integration.test_http_intake import SHIPMENTS, parcel, put

EXAMPLES = 8


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[Role, str]]]:
    """Address and keys of a service with one staged shipment, in a thread of its own."""
    folder = tmp_path_factory.mktemp("fuzz")
    found: list[Any] = []
    ready = threading.Event()

    async def serve() -> None:
        async with running(folder) as api:
            await put(api)
            await api.ask("POST", SHIPMENTS, body=[parcel(1)])
            stop = asyncio.Event()
            found.extend([str(api.client.make_url("/")), api.keys, asyncio.get_running_loop(), stop])
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        finally:
            ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(30)
    assert len(found) == 4, "the service did not start"
    yield found[0], found[1]
    found[2].call_soon_threadsafe(found[3].set)
    thread.join(30)
    assert not thread.is_alive()


schema = schemathesis.openapi.from_dict(document()).exclude(path="/v1/events/stream")
"""Without the stream: it never ends by itself."""


# It cannot make lines of JSON or MIME by itself; test_http_intake.py and test_http_operations.py do.
@pytest.mark.filterwarnings("ignore:Skipped test cases with unsupported payload media types")
@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
)
def test_any_request_gets_a_stated_answer(case: Any, service: tuple[str, dict[Role, str]]) -> None:
    """No request made from the description fails inside, and each answer has a stated status and content type."""
    url, keys = service
    operation = case.operation.definition.raw
    role = min(PERMISSIONS.get(operation["operationId"], {Role.BROKER}))
    answer = case.call(base_url=url, headers={"Authorization": f"Bearer {keys[role]}"}, timeout=30)
    assert answer.status_code < 500, answer.text
    stated = operation["responses"].get(str(answer.status_code))
    assert stated is not None or answer.status_code in {404, 405}, (answer.status_code, answer.text)
    if answer.status_code >= 400:
        assert "application/problem+json" in str(answer.headers["content-type"]), answer.text
        assert set(answer.json()) >= {"type", "title", "status", "detail", "code", "errors"}
