"""Health, readiness, metrics, the description of the service, and the AS2 door."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, text

from filings.identity import Role
from filings.store.tables import transmissions
from gateway.http import metrics, operations
from gateway.http.auth import PERMISSIONS, PUBLIC
from gateway.http.routes import ROUTES
from gateway.our_identity import our_identity
from schemas.as2 import Partner, build_message, open_mdn
from tests.as2_kit import NOW, alpha
from tests.http_service import Api, running
from tests.integration.test_http_intake import SHIPMENTS, parcel, put


async def test_the_description_is_valid_openapi_and_complete(tmp_path: Path) -> None:
    """The document passes the validator and has each route with its roles and the shape of errors."""
    async with running(tmp_path) as api:
        status, document = await api.ask("GET", "/openapi.json", None)
    assert status == 200
    assert document["openapi"].startswith("3.1")
    validate(document, cls=OpenAPIV31SpecValidator)
    described = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(described) == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = described[(route.method, route.path)]
        assert set(operation["x-roles"]) == set(PERMISSIONS.get(route.name, ()))
        assert (operation.get("security") == []) == (route.name in PUBLIC)
        expected = {"400", "500"} | ({"401", "403"} if route.name not in PUBLIC else set())
        assert expected <= set(operation["responses"])
    problem = document["components"]["responses"]["422"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    for name in ("Shipment", "Trip", "Problem", "StageResult"):
        assert document["components"]["schemas"][name]["type"] == "object"


async def test_answers_are_what_the_description_says(tmp_path: Path) -> None:
    """Real answers, good and bad, are valid against the component schemas of the document."""
    async with running(tmp_path) as api:
        _, document = await api.ask("GET", "/openapi.json", None)

        def check(name: str, value: Any) -> None:
            schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator)

        check("TripReceipt", (await put(api))[1])
        check("StageAnswer", (await api.ask("POST", SHIPMENTS, body=[parcel(1), {"bad": 1}]))[1])
        check("Page", (await api.ask("GET", SHIPMENTS))[1])
        check("Page", (await api.ask("GET", "/v1/trips"))[1])
        check("FilingReceipt", (await api.ask("POST", SHIPMENTS.replace("shipments", "filing")))[1])
        check("Board", (await api.ask("GET", SHIPMENTS.removesuffix("/shipments")))[1])
        check("Page", (await api.ask("GET", "/v1/filings"))[1])
        check("Events", (await api.ask("GET", "/v1/events", Role.DISPATCH))[1])
        check("Problem", (await api.ask("GET", "/v1/filings/none"))[1])
        check("Health", (await api.ask("GET", "/healthz", None))[1])


async def test_ready_means_that_the_store_answers_and_is_current(tmp_path: Path) -> None:
    """Ready at first; 503 when the store is at another version, and when it is gone. Health needs no store."""
    async with running(tmp_path) as api:
        assert (await api.ask("GET", "/readyz", None))[0] == 200
        await api.service.store.write(
            lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = 'older'"))
        )
        status, answer = await api.ask("GET", "/readyz", None)
        assert (status, answer["code"]) == (503, "not_ready")
        assert "older" not in str(answer)
        await api.service.store.close()
        assert (await api.ask("GET", "/readyz", None))[0] == 503
        assert (await api.ask("GET", "/healthz", None))[0] == 200


async def test_metrics_count_requests_rows_and_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has timings by route and status, rows by answer, and how many things are in each state."""
    monkeypatch.setattr(metrics, "COUNT_SECONDS", -1.0)
    async with running(tmp_path) as api:
        await put(api)
        await api.ask("POST", SHIPMENTS, body=[parcel(1), parcel(2), {"bad": 1}])
        await api.ask("GET", "/v1/filings/secret-name")
        await api.ask("GET", "/nowhere")
        async with api.client.get("/metrics") as response:
            page = await response.text()
            assert response.status == 200
    assert "secret-name" not in page
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    assert samples[("gateway_rows_total", "staged")] == 2
    assert samples[("gateway_rows_total", "refused")] == 1
    assert samples[("gateway_http_request_seconds_count", "200", "POST", "stage_shipments")] == 1
    assert samples[("gateway_http_request_seconds_count", "404", "GET", "get_filing")] == 1
    assert samples[("gateway_http_request_seconds_count", "404", "GET", "none")] == 1
    assert sum(value for name, value in samples.items() if name[0] == "gateway_count" and "shipments" in name) == 2
    assert samples[("gateway_count", "alerts", "open")] == 0


async def trust(api: Api) -> Partner:
    """Lay out the certificate of the partner; how the partner knows us."""
    path = api.service.settings.partner_certificate
    path.write_bytes(alpha().certificate.public_bytes(Encoding.PEM))
    ours = our_identity(api.service.settings)
    return Partner(ours.as2_name, ours.certificate)


PARTNER = {"partners": {"cbp": {"as2_name": "ALPHA"}}}


async def test_a_partners_message_is_kept_and_gets_its_receipt(tmp_path: Path) -> None:
    """No key is asked for; a signed message is answered with a signed receipt that names it, and is in the store."""
    async with running(tmp_path, overrides=PARTNER) as api:
        gateway = await trust(api)
        message = build_message(
            b"ISA*00*", content_type="application/edi-x12", filename="answer.x12", sender=alpha(), receiver=gateway,
            message_id="<m-1@alpha.example>", date=NOW, want_mdn="signed",
        )  # fmt: skip
        async with api.client.post("/as2", data=message.body, headers=dict(message.headers)) as response:
            assert response.status == 200
            mdn = open_mdn(
                list(response.headers.items()), await response.read(), me=alpha(), partner=gateway, received_at=NOW,
                message_id=message.message_id, mic=message.mic, mic_algorithm=message.mic_algorithm,
            )  # fmt: skip
        assert not mdn.problems
        names = await api.service.store.read(
            lambda conn: conn.execute(select(transmissions.c.message_id)).scalars().all()
        )
        assert names == [message.message_id]


async def test_what_is_no_as2_message_is_a_problem_document(tmp_path: Path) -> None:
    """Anything else at the AS2 door is refused in the shape of all refusals, and recorded."""
    async with running(tmp_path, overrides=PARTNER) as api:
        await trust(api)
        for body, headers in ((b"hello", {}), (b"", {"AS2-From": "ALPHA"}), (b"\x30\x80", {"Content-Type": "x/y"})):
            status, answer = await api.ask("POST", "/as2", None, body=body, **headers)
            assert (status, answer["code"]) == (400, "as2_refused")
        status, answer = await api.ask("POST", "/as2", None, body=gzip.compress(b"x"), Content_Encoding="gzip")
        assert (status, answer["code"]) == (415, "unknown_content_encoding")


async def test_a_message_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The AS2 door has its own bound."""
    monkeypatch.setattr(operations, "MAX_MESSAGE_BYTES", 10)
    async with running(tmp_path) as api:
        status, answer = await api.ask("POST", "/as2", None, body=b"x" * 11)
        assert (status, answer["code"]) == (413, "body_too_large")
