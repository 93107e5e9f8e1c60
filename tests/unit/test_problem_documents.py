"""Problem documents: one shape for every refusal and failure, with nothing of our insides in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from gateway.http.body import parse_json
from gateway.http.problems import HttpProblem, document, error_response, problems_middleware, status_of
from schemas.errors import (
    AgencyReject,
    Conflict,
    FormatError,
    GatewayError,
    NotAllowed,
    NotFound,
    Problem,
    RuleError,
    ShipmentError,
    TransportError,
)

FAULT = Problem("wrong_zip", "consignee.address.postal_code", "'1' is not a ZIP code.", "Write five digits.", "N403")
MEMBERS = {"type", "title", "status", "detail", "code", "errors"}


def check_document(answer: dict[str, Any], status: int, code: str) -> None:
    """The members every problem document has."""
    assert set(answer) >= MEMBERS
    assert (answer["status"], answer["code"]) == (status, code)
    assert answer["type"] == f"urn:customs-filing-gateway:problem:{code}"
    assert answer["errors"]
    for fault in answer["errors"]:
        assert set(fault) >= {"path", "code", "text", "remedy"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotAllowed(FAULT), 403),
        (ShipmentError(FAULT), 422),
        (RuleError(FAULT), 422),
        (AgencyReject(FAULT), 409),
        (FormatError(FAULT), 400),
        (TransportError(FAULT, in_doubt=True), 503),
        (HttpProblem(413, FAULT), 413),
        (NotFound(FAULT), 404),
        (Conflict(FAULT), 409),
        (FormatError(Problem("unknown_content_type", "", "x")), 415),
        (GatewayError(FAULT), 500),
    ],
)
def test_each_kind_of_error_has_its_status(error: GatewayError, status: int) -> None:
    """The tree of errors maps to statuses, and a code that says more wins over its class."""
    assert status_of(error) == status
    assert error_response(error).content_type == "application/problem+json"


def test_all_faults_are_listed() -> None:
    """A document carries every fault with its place, sentence, remedy and reference."""
    made = document(422, [FAULT, Problem("missing", "order_id", "This value is required.", "Add it.")])
    check_document(made, 422, "wrong_zip")
    assert made["errors"][0] == FAULT.as_dict()
    assert made["errors"][0]["reference"] == "N403"
    assert [fault["path"] for fault in made["errors"]] == ["consignee.address.postal_code", "order_id"]
    assert made["detail"].startswith("2 things")


def test_a_delivery_that_may_be_tried_again_says_when() -> None:
    """Only a transmission that is certainly not delivered carries Retry-After."""
    assert "Retry-After" in error_response(TransportError(FAULT, in_doubt=False)).headers
    assert "Retry-After" not in error_response(TransportError(FAULT, in_doubt=True)).headers


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "unreadable_json"),
        (b"{", "unreadable_json"),
        (b"\xff\xfe", "unreadable_json"),
        (b'{"a": NaN}', "unreadable_json"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"b": {"a": 1, "a": 1}}', "duplicate_key"),
        (b"[" * 100_000, "unreadable_json"),
    ],
)
def test_json_that_cannot_be_read_is_a_400(body: bytes, code: str) -> None:
    """Damaged, ambiguous or absurd JSON is refused with a code, never a crash."""
    with pytest.raises(HttpProblem) as caught:
        parse_json(body)
    assert (caught.value.status, caught.value.problems[0].code) == (400, code)


def test_unreadable_json_is_placed() -> None:
    """The sentence says at which line and column the fault is."""
    with pytest.raises(HttpProblem) as caught:
        parse_json(b'{\n  "a": 1,\n  b}')
    assert "line 3" in caught.value.problems[0].text


Get = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest.fixture
async def get() -> AsyncIterator[Get]:
    """Ask an application whose routes fail in different ways."""

    async def refuse(_request: web.Request) -> web.Response:
        raise ShipmentError([FAULT, FAULT])

    async def break_down(_request: web.Request) -> web.Response:
        raise RuntimeError("secret inside")

    async def connection(_request: web.Request) -> web.Response:
        raise ConnectionRefusedError("postgresql://u:hunter2@db")

    app = web.Application(middlewares=[problems_middleware])
    app.router.add_get("/refuse", refuse)
    app.router.add_get("/break", break_down)
    app.router.add_get("/connection", connection)

    async with TestClient(TestServer(app)) as client:

        async def ask(path: str, method: str = "GET") -> tuple[int, dict[str, Any]]:
            async with client.request(method, path) as response:
                assert response.content_type == "application/problem+json"
                return response.status, {**await response.json(content_type=None), "headers": response.headers}

        yield ask


async def test_refusals_come_as_documents(get: Get) -> None:
    """An error raised in a handler reaches the caller with all its problems."""
    status, answer = await get("/refuse")
    assert status == 422
    check_document(answer, 422, "wrong_zip")
    assert len(answer["errors"]) == 2


async def test_unknown_paths_and_methods_come_as_documents(get: Get) -> None:
    """What the router refuses has the same shape; 405 still names the methods."""
    check_document((await get("/nowhere"))[1], 404, "not_found")
    _, answer = await get("/refuse", "DELETE")
    check_document(answer, 405, "method_not_allowed")
    assert "GET" in answer["headers"]["Allow"]


@pytest.mark.parametrize("path", ["/break", "/connection"])
async def test_the_unforeseen_is_an_incident_without_internals(get: Get, path: str) -> None:
    """An unexpected exception is 500 with an incident number that the log has too, and nothing else."""
    with capture_logs() as logs:
        status, answer = await get(path)
    assert status == 500
    check_document(answer, 500, "internal_error")
    assert "secret" not in str(answer)
    assert "hunter2" not in str(answer)
    incident = answer["instance"].removeprefix("urn:uuid:")
    assert [line["incident"] for line in logs if line["event"] == "request_failed"] == [incident]
