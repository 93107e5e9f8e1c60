"""Trips and shipments over HTTP: each row answered, whatever is wrong with the others, in bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from filings.identity import Role
from gateway.http import body as http_body
from gateway.http import shipments as http_shipments
from tests.http_service import Api, running
from tests.samples import shipment, trip

TRIP = "TSTC2503100001"
SHIPMENTS = f"/v1/trips/{TRIP}/shipments"
CSV_HEADERS = (
    "shipment_id,order_id,shipper.name,shipper.address.lines,shipper.address.city,shipper.address.region,"
    "shipper.address.postal_code,shipper.address.country,consignee.name,consignee.address.lines,consignee.address.city,"
    "consignee.address.region,consignee.address.postal_code,consignee.address.country,place_of_receipt,packages.count,"
    "packages.unit,gross_weight.value,gross_weight.unit,lines.line,lines.description,lines.hts,"
    "lines.country_of_origin,lines.quantity,lines.value"
)


def steps_of(number: int) -> dict[str, Any]:
    """Settings that stage so many shipments in one transaction."""
    return {"limits": {"shipments_per_step": number}}


def parcel(number: int, **changes: Any) -> dict[str, Any]:
    """A good shipment with its own id, control number, order and consignee."""
    made = shipment(
        shipment_id=f"T-{number:05d}",
        shipment_control_number=f"TSTC2503{number:06d}",
        order_id=f"O-{number}",
    )
    made["consignee"]["name"] = f"Pat Testwell {number}"
    return {**made, **changes}


def csv_row(number: int, region: str = "NY") -> str:
    """The same as a row of CSV."""
    return (
        f"C-{number},O-{number},Sample Shop Ltd,1 Example St,Toronto,ON,M5H 1A1,CA,Pat Testwell {number},12 Sample Ave,"
        f"Buffalo,{region},14201,US,FORT ERIE ON,1,BOX,1.20,KG,1,Cotton T-shirts,6109100012,CA,2,45.00"
    )


async def put(api: Api, **changes: Any) -> tuple[int, Any]:
    """Put the trip of these tests."""
    return await api.ask("PUT", f"/v1/trips/{TRIP}", body=trip(**changes))


async def test_a_trip_is_created_replaced_and_left_alone(tmp_path: Path) -> None:
    """201 for a new trip, 200 for a changed one with the next version, 200 for the same again."""
    async with running(tmp_path) as api:
        status, answer = await put(api)
        assert (status, answer["trip_number"], answer["version"]) == (201, TRIP, 1)
        changed = {"estimated_arrival": "2025-03-10T18:00:00-04:00"}
        assert [(s, a["version"]) for s, a in (await put(api, **changed), await put(api, **changed))] == [
            (200, 2),
            (200, 2),
        ]


async def test_all_faults_of_a_trip_come_at_once(tmp_path: Path) -> None:
    """Unknown keys, impossible dates, ports that are none and numbers that differ are listed together."""
    async with running(tmp_path) as api:
        bad = trip(port_of_arrival="5301", nonsense=1)
        bad["crew"][0]["date_of_birth"] = "1984-02-30"
        status, answer = await api.ask("PUT", "/v1/trips/TSTC9999999999", body=bad)
        assert status == 422
        assert {(fault["path"], fault["code"]) for fault in answer["errors"]} >= {
            ("nonsense", "unknown_key"),
            ("port_of_arrival", "not_a_land_port"),
            ("crew[0].date_of_birth", "not_a_date"),
            ("trip_number", "trip_number_differs"),
        }
        assert all(fault["remedy"] for fault in answer["errors"])


@pytest.mark.parametrize("content", [b"[]", b'"x"', b"null", b"7"])
async def test_a_trip_that_is_no_object_is_refused(tmp_path: Path, content: bytes) -> None:
    """Any JSON that is not an object is one fault, not a crash."""
    async with running(tmp_path) as api:
        headers = {"Content-Type": "application/json"}
        status, answer = await api.ask("PUT", f"/v1/trips/{TRIP}", body=content, **headers)
        assert (status, answer["code"]) == (422, "not_an_object")


async def test_shipments_as_a_json_array(tmp_path: Path) -> None:
    """Each row is answered in its order: a pathway, or its errors; the good ones are staged."""
    async with running(tmp_path) as api:
        await put(api)
        bad = parcel(2)
        bad["consignee"]["address"]["region"] = None
        status, answer = await api.ask("POST", SHIPMENTS, body=[parcel(1), bad, 7, parcel(3, colour="red"), parcel(4)])
        assert status == 200
        assert (answer["accepted"], answer["rejected"]) == (2, 3)
        results = answer["results"]
        assert [row["index"] for row in results] == [0, 1, 2, 3, 4]
        assert [row["shipment_id"] for row in results] == ["T-00001", "T-00002", None, "T-00003", "T-00004"]
        assert results[0]["pathway"]
        assert "errors" not in results[0]
        assert [results[i]["errors"][0]["code"] for i in (1, 2, 3)] == [
            "consignee_state_missing",
            "not_an_object",
            "unknown_key",
        ]
        assert results[1]["errors"][0]["path"] == "consignee.address.region"


async def test_shipments_as_ndjson_answered_as_ndjson(tmp_path: Path) -> None:
    """Asked for lines, the service answers lines; a line that is no JSON is one bad row with its number."""
    async with running(tmp_path) as api:
        await put(api)
        lines = b"\n".join([orjson.dumps(parcel(1)), b"{broken", orjson.dumps(parcel(2))])
        headers = api.headers(Role.INTEGRATION, Content_Type="application/x-ndjson", Accept="application/x-ndjson")
        async with api.client.post(SHIPMENTS, data=lines, headers=headers) as response:
            assert response.status == 200
            assert response.content_type == "application/x-ndjson"
            assert (response.headers["Gateway-Accepted"], response.headers["Gateway-Rejected"]) == ("2", "1")
            rows = [orjson.loads(line) for line in (await response.read()).splitlines()]
        assert [row["shipment_id"] for row in rows] == ["T-00001", None, "T-00002"]
        assert (rows[1]["line"], rows[1]["errors"][0]["code"]) == (2, "unreadable_json")


async def test_shipments_as_csv(tmp_path: Path) -> None:
    """CSV gives the same answers; a row with too few cells does not stop the next."""
    async with running(tmp_path) as api:
        await put(api)
        text = "\n".join([CSV_HEADERS, csv_row(1), "C-2,O-2", csv_row(3, region=""), csv_row(4)]) + "\n"
        headers = {"Content-Type": "text/csv; charset=utf-8"}
        status, answer = await api.ask("POST", SHIPMENTS, body=text.encode(), **headers)
        assert status == 200
        assert [row["state"] == "refused" for row in answer["results"]] == [False, True, True, False]


async def test_text_that_a_database_cannot_hold_is_a_fault_of_its_row(tmp_path: Path, database: str) -> None:
    """A NUL anywhere, also in the id, refuses that row alone; on both engines."""
    async with running(tmp_path, database=database) as api:
        await put(api)
        rows = [parcel(1, shipment_id="T\x00"), parcel(2, order_id="\x00"), parcel(3, **{"\x00": 1}), parcel(4)]
        status, answer = await api.ask("POST", SHIPMENTS, body=rows)
        assert (status, answer["accepted"], answer["rejected"]) == (200, 1, 3)


async def test_the_same_rows_get_the_same_answers(tmp_path: Path) -> None:
    """Sending a file again changes nothing and answers the same."""
    async with running(tmp_path) as api:
        await put(api)
        rows = [parcel(1), parcel(2)]
        first, second = await api.ask("POST", SHIPMENTS, body=rows), await api.ask("POST", SHIPMENTS, body=rows)
        assert first[1]["accepted"] == second[1]["accepted"] == 2
        assert [r["pathway"] for r in first[1]["results"]] == [r["pathway"] for r in second[1]["results"]]


@pytest.mark.parametrize(
    ("content_type", "content", "status", "code"),
    [
        ("application/json", b"", 400, "unreadable_json"),
        ("application/json", b"not json", 400, "unreadable_json"),
        ("application/json", b'{"shipment_id": "x"}', 400, "unreadable_json"),
        ("application/json", b"[", 400, "unreadable_json"),
        ("application/json", b"[]", 422, "no_shipments"),
        ("application/x-ndjson", b"", 422, "no_shipments"),
        ("application/x-ndjson", b"\n\n", 422, "no_shipments"),
        ("text/csv", b"", 400, "unreadable_csv"),
        ("text/csv", b"shipment_id,order_id\n", 422, "no_shipments"),
        ("text/csv", b"a,b\n1,2\n", 400, "unreadable_csv"),
        ("text/html", b"<p>", 415, "unknown_content_type"),
        ("", b"[]", 415, "unknown_content_type"),
        ("application/json; charset=utf-16", b"[]", 415, "unknown_charset"),
    ],
)
async def test_a_file_that_cannot_be_read_at_all(
    tmp_path: Path, content_type: str, content: bytes, status: int, code: str
) -> None:
    """When there is no row to answer, the whole request is a problem document."""
    async with running(tmp_path) as api:
        await put(api)
        assert (await api.ask("POST", SHIPMENTS, body=content, Content_Type=content_type))[1]["code"] == code
        got, _ = await api.ask("POST", SHIPMENTS, body=content, Content_Type=content_type)
        assert got == status


async def test_a_broken_array_keeps_what_came_before(tmp_path: Path) -> None:
    """Rows before the damage are staged and answered; the damage is the last row, with its line."""
    async with running(tmp_path) as api:
        await put(api)
        content = b"[" + b",\n".join(orjson.dumps(parcel(n)) for n in (1, 2, 3))[:-300]
        status, answer = await api.ask("POST", SHIPMENTS, body=content, Content_Type="application/json")
        assert status == 200
        assert (answer["accepted"], answer["rejected"]) == (2, len(answer["results"]) - 2)
        assert answer["results"][-1]["errors"][0]["code"] == "unreadable_json"


async def test_shipments_of_a_trip_that_is_not_there(tmp_path: Path) -> None:
    """404 with the trip's number, before the body has been read."""
    async with running(tmp_path) as api:
        status, answer = await api.ask("POST", "/v1/trips/TSTC0000/shipments", body=[parcel(1)])
        assert (status, answer["code"]) == (404, "trip_unknown")


async def test_batches_are_bounded_and_all_rows_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long file is staged in steps of the configured size, each in its own transaction."""
    sizes: list[int] = []
    real = http_shipments.staging.stage

    def noting(conn: Any, ctx: Any, number: str, rows: Any, **named: Any) -> Any:
        sizes.append(len(rows))
        return real(conn, ctx, number, rows, **named)

    monkeypatch.setattr(http_shipments.staging, "stage", noting)
    async with running(tmp_path, overrides=steps_of(20)) as api:
        await put(api)
        status, answer = await api.ask("POST", SHIPMENTS, body=[parcel(n) for n in range(95)])
        assert (status, answer["accepted"]) == (200, 95)
        assert sizes == [20, 20, 20, 20, 15]
        assert [row["index"] for row in answer["results"]] == list(range(95))


async def test_long_answers_go_through_the_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that do not fit into memory come from disk, complete and in order, in both forms."""
    monkeypatch.setattr(http_shipments, "IN_MEMORY", 100)
    monkeypatch.setattr(http_shipments, "PIECE", 37)
    async with running(tmp_path) as api:
        await put(api)
        rows = [parcel(n) for n in range(30)]
        _, as_json = await api.ask("POST", SHIPMENTS, body=rows)
        headers = api.headers(Role.BROKER, Content_Type="application/json", Accept="application/x-ndjson")
        async with api.client.post(SHIPMENTS, data=orjson.dumps(rows), headers=headers) as response:
            as_lines = [orjson.loads(line) for line in (await response.read()).splitlines()]
        assert [row["shipment_id"] for row in as_json["results"]] == [row["shipment_id"] for row in rows]
        assert [row["shipment_id"] for row in as_lines] == [row["shipment_id"] for row in rows]


async def test_a_body_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunked body beyond the limit is 413; what was staged before is said and stays."""
    monkeypatch.setattr(http_shipments, "SHIPMENTS_LIMIT", 60_000)

    async with running(tmp_path, overrides=steps_of(5)) as api:
        await put(api)

        async def endless() -> AsyncIterator[bytes]:
            yield b"".join(orjson.dumps(parcel(number)) + b"\n" for number in range(10))
            async with asyncio.timeout(10):
                while await _count(api) < 10:
                    pass  # each look is a read of the store: the service has its turns
            for number in range(10, 200):
                yield orjson.dumps(parcel(number)) + b"\n"

        status, answer = await api.ask("POST", SHIPMENTS, body=endless(), Content_Type="application/x-ndjson")
        assert (status, answer["code"]) == (413, "body_too_large")
        assert [fault["code"] for fault in answer["errors"]] == ["body_too_large", "partly_staged"]
        assert await _count(api) >= 10


@pytest.mark.parametrize("route", [f"/v1/trips/{TRIP}", SHIPMENTS])
async def test_a_declared_length_beyond_the_limit_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    """413 from Content-Length alone, on every route with a body."""
    monkeypatch.setattr(http_shipments, "SHIPMENTS_LIMIT", 10)
    monkeypatch.setattr(http_body.read_json, "__defaults__", (10,))
    async with running(tmp_path) as api:
        method = "POST" if route == SHIPMENTS else "PUT"
        status, answer = await api.ask(method, route, body=b"[" + b" " * 100, Content_Type="application/json")
        assert (status, answer["code"]) == (413, "body_too_large")


async def test_a_body_that_stops_coming_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that falls silent within its body gets 408 and holds nothing."""
    monkeypatch.setattr(http_body, "IDLE_SECONDS", 0.05)
    released = asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield b"["
        await released.wait()

    async with running(tmp_path) as api:
        await put(api)
        status, answer = await api.ask("POST", SHIPMENTS, body=silent(), Content_Type="application/json")
        released.set()
        assert (status, answer["code"]) == (408, "body_timeout")


async def test_a_broken_connection_stages_only_whole_rows(tmp_path: Path) -> None:
    """A connection that ends within a row leaves the complete batches before it, and a service that works."""
    async with running(tmp_path, overrides=steps_of(2)) as api:
        await put(api)
        server = api.client.server
        assert server is not None
        reader, writer = await asyncio.open_connection(server.host, server.port)
        rows = b"\n".join(orjson.dumps(parcel(n)) for n in range(4)) + b"\n"
        head = (
            f"POST {SHIPMENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.keys[Role.BROKER]}\r\n"
            f"Content-Type: application/x-ndjson\r\nContent-Length: 1000000\r\n\r\n"
        )
        writer.write(head.encode() + rows + b'{"shipment_id": "half')
        await writer.drain()
        async with asyncio.timeout(10):
            while await _count(api) < 4:
                pass  # each look is a read of the store: the service has its turns
        writer.close()
        await writer.wait_closed()
        status, answer = await api.ask("POST", SHIPMENTS, body=[parcel(n) for n in range(5)])
        assert (status, answer["accepted"]) == (200, 5)
        assert await _count(api) == 5
        assert not await reader.read()


async def _count(api: Api) -> int:
    from sqlalchemy import func, select

    from filings.store.tables import shipments

    return await api.service.store.read(lambda conn: conn.execute(select(func.count(shipments.c.key))).scalar_one())


async def test_filing_takes_a_trip_on_and_says_where_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """202 with the address of the board; the workers are woken; asked again nothing is done twice."""
    async with running(tmp_path) as api:
        await put(api)
        await api.ask("POST", SHIPMENTS, body=[parcel(1)])
        woken: list[bool] = []
        monkeypatch.setattr(api.service, "wake", lambda: woken.append(True))
        async with api.client.post(f"/v1/trips/{TRIP}/filing", headers=api.headers(Role.BROKER)) as response:
            assert response.status == 202
            assert response.headers["Location"] == f"/v1/trips/{TRIP}"
            assert (await response.json())["shipments"] == 1
        assert woken == [True]
        status, again = await api.ask("POST", f"/v1/trips/{TRIP}/filing", body={})
        assert (status, again["already_requested"]) == (202, True)


async def test_a_filed_trip_cannot_be_changed_in_place(tmp_path: Path) -> None:
    """After filing, a changed trip and other shipments are refused with 409; the same ones get their answer."""
    async with running(tmp_path) as api:
        await put(api)
        await api.ask("POST", SHIPMENTS, body=[parcel(1)])
        await api.ask("POST", f"/v1/trips/{TRIP}/filing")
        assert (await put(api, estimated_arrival="2025-03-10T19:00:00-04:00"))[1]["code"] == "trip_already_filed"
        status, answer = await api.ask("POST", SHIPMENTS, body=[parcel(2)])
        assert (status, answer["code"]) == (409, "trip_already_filed")
        assert (await api.ask("POST", SHIPMENTS, body=[parcel(1)]))[1]["accepted"] == 1


async def test_filing_nothing_is_refused(tmp_path: Path) -> None:
    """No such trip is 404, a trip without shipments 409, and content in the body 400."""
    async with running(tmp_path) as api:
        assert (await api.ask("POST", f"/v1/trips/{TRIP}/filing"))[1]["code"] == "trip_unknown"
        await put(api)
        assert (await api.ask("POST", f"/v1/trips/{TRIP}/filing"))[0] == 409
        assert (await api.ask("POST", f"/v1/trips/{TRIP}/filing", body={"a": 1}))[1]["code"] == "unexpected_body"
