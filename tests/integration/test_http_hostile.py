"""What the OpenAPI document names, every parameter and every field of a body, is given values that nobody means.

Never an answer of 500 and above, on either engine, and every refusal in the promised shape. The values are a table, the
places come from the document and from the models behind it, so that a field that is new is tried by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson
import pytest

from filings.identity import Role
from gateway.http.auth import PERMISSIONS
from gateway.http.openapi import document
from tests.filing_kit import TRIP, parcel
from tests.http_service import Api, running
from tests.integration.test_http_amendments import filed
from tests.integration.test_http_intake import SHIPMENTS, put
from tests.samples import trip

SCN: Final = "TSTC00000000001"
FOREVER: Final = "stream_events"
"""The one operation whose good answer never ends; its cursor is tried as a header that cannot be used."""

TEXTS: Final = (
    "",
    " ",
    "\0",
    "a\0b",
    "\x1b[2J",
    "\r\nX-More: 1",
    "\udcff",
    "\ufffe",
    "\u202e\u0301" * 9,
    "'; DROP TABLE trips; --",
    "%00",
    "../../etc/passwd",
    "x" * 300,
    "9" * 40,
)
NUMBERS: Final = ("-1", "0", "2147483648", "9223372036854775807", "9223372036854775808", "9" * 30, "1e309", "NaN")
DAYS: Final = ("0001-01-01", "9999-12-31", "2000-01-01", "2099-12-31", "2025-02-30")
INSTANTS: Final = (
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z",
    "2099-12-31T23:59:59-23:59",
    "2000-01-01T00:00:00+23:59",
    "2025-03-10T16:30:00+00:00:00.000001",
)
IN_ADDRESS: Final = tuple(one for one in (*TEXTS, *NUMBERS, *DAYS, *INSTANTS) if one)
IN_JSON: Final = (
    *(orjson.dumps(one) for one in (*(t for t in TEXTS if t != "\udcff"), *DAYS, *INSTANTS)),
    b'"\\u0000"',
    b'"\\ud800"',
    b"null",
    b"true",
    b"-1",
    b"9223372036854775808",
    b"18446744073709551615",
    b"9" * 5000,
    b"1e400",
    b"NaN",
    b"[]",
    b"{}",
    b'{"a\\u0000b":"\\u0000"}',
    b'["\\u0000"]',
    b"[" * 1500 + b"]" * 1500,
)
_MARK: Final = "\N{SNOWMAN}"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of every operation."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, the whole first."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield from places(one, (*path, key))


def with_raw(value: Any, path: tuple[Any, ...], raw: bytes) -> bytes:
    """The JSON of ``value`` with ``raw`` at one place."""
    if not path:
        return raw
    changed = deepcopy(value)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = _MARK
    return orjson.dumps(changed).replace(orjson.dumps(_MARK), raw)


ACT: Final = {"reason": "A slip of the pen", "reason_code": "03", "entry_reason_code": "01", "version": 1}
LATER: Final = "2025-03-10T18:30:00-04:00"
PATCH: Final = {"order_id": "X-1", "consignee": {"name": "Sample Person", "address": {"lines": ["9 Elm Ave"]}}}
CANCEL: Final = {**ACT, "bill": "keep", "bill_reason_code": "03", "replaced_by": "XYZ00000019", "shipments": [SCN]}
BODIES: Final[dict[str, list[Any]]] = {
    "put_trip": [trip()],
    "stage_shipments": [[parcel(1)]],
    "file_trip": [{}],
    "change_arrival": [{"estimated_arrival": LATER}],
    "refile_trip": [{}],
    "settle_alert": [{"note": "Looked at."}],
    "amend_filing": [
        PATCH,
        {**ACT, "patch": PATCH, "off_the_truck": "delete"},
        {**ACT, "patch": {"estimated_arrival": LATER, "shipments": {SCN: {"order_id": "Y"}}}},
    ],
    "cancel_filing": [CANCEL],
}
"""A good body of every operation that takes one, with every member that the document names."""
AMENDED: Final = ("change_arrival", "refile_trip", "settle_alert", "amend_filing", "cancel_filing")
"""Operations on what CBP has; the others are on what is staged."""


async def ask(api: Api, method: str, path: str, role: Role, body: bytes | None, headers: dict[str, str]) -> int:
    """The status of an answer, whose shape is checked; a request that no client can write counts as refused."""
    try:
        status, _ = await api.ask(method, path, role, body=body, **headers)
    except ValueError:  # the client itself refuses to write such a header
        return 400
    return status


async def begin(api: Api, name: str) -> None:
    """One trip with one shipment: answered by CBP for an operation that is about that, else only staged."""
    if name in AMENDED:
        await filed(api, parcel(1))
        return
    await put(api)
    await api.ask("POST", SHIPMENTS, body=[parcel(1)])


def names(filing: str = SCN) -> dict[str, str]:
    """Good values of the path parameters."""
    others = ("handoff_id", "transmission_id", "version", "alert_id")
    return {"trip_number": TRIP, "filing_id": filing, **dict.fromkeys(others, "x")}


async def test_no_value_of_a_parameter_is_a_failure(tmp_path: Path, database: str) -> None:
    """Each parameter of each operation is given each hostile value while the others are good."""
    tried = 0
    async with running(tmp_path, database=database) as api:
        await begin(api, "amend_filing")
        for path, method, operation in operations():
            name = operation["operationId"]
            role = min(PERMISSIONS.get(name, {Role.BROKER}))
            body = orjson.dumps(BODIES[name][0]) if name in BODIES else None
            for parameter in operation.get("parameters", ()):
                for value in IN_ADDRESS:
                    given, headers, target = names(), {}, path
                    written = quote(value, safe="", errors="surrogateescape")
                    if parameter["in"] == "path":
                        target = path.replace(f"{{{parameter['name']}}}", written)
                    elif parameter["in"] == "query":
                        target = f"{path}?{parameter['name']}={written}"
                    else:
                        headers = {parameter["name"].replace("-", "_"): value}
                    if name == FOREVER and value in {"0", "2147483648"}:
                        continue
                    for key, one in given.items():
                        target = target.replace(f"{{{key}}}", one)
                    if body is not None:
                        headers["Content_Type"] = "application/json"
                    status = await ask(api, method, target, role, body, headers)
                    assert status < 500, (name, parameter["name"], value)
                    tried += 1
    assert tried > 1000


@pytest.mark.parametrize("name", sorted(BODIES))
async def test_no_value_of_a_field_is_a_failure(tmp_path: Path, database: str, name: str) -> None:
    """Each place in a good body is given each hostile value; what is taken can be shown afterwards."""
    path, method = next((path, method) for path, method, one in operations() if one["operationId"] == name)
    role = min(PERMISSIONS[name])
    trials = ["?dry_run=1", ""] if name in {"amend_filing", "cancel_filing"} else [""]
    async with running(tmp_path, database=database) as api:
        await begin(api, name)
        for trial in trials:
            for body in BODIES[name]:
                of_trip = (
                    "shipments" in body or "shipments" in body.get("patch", {}) if isinstance(body, dict) else False
                )
                target = path.format(**names(TRIP if of_trip else SCN)) + trial
                for place in places(body):
                    for raw in IN_JSON:
                        sent = with_raw(body, place, raw)
                        status = await ask(api, method, target, role, sent, {"Content_Type": "application/json"})
                        assert status < 500, (target, place, raw[:80])
        for shown in (f"/v1/trips/{TRIP}", SHIPMENTS, f"/v1/filings?trip={TRIP}", "/v1/alerts"):
            assert (await api.ask("GET", shown))[0] == 200


def test_every_body_of_the_document_is_tried() -> None:
    """An operation that takes a body and is not in the table would not be tried."""
    bodies = {one["operationId"] for _, _, one in operations() if "requestBody" in one} - {"receive_as2"}
    assert bodies <= set(BODIES)
