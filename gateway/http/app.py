"""Which handler answers which route, and what stands around all of them?

Outermost first: timing, problem documents, keys and roles, parameters; then the handler. A route is
served only if it stands in the table of :mod:`gateway.http.routes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from filings import events as recorded
from gateway.http import alerts, amendments, events, operations, records, shipments, trips
from gateway.http.auth import USED_KEYS, auth_middleware, note_used_keys
from gateway.http.body import BODY_LIMIT
from gateway.http.metrics import METRICS, Metrics, metrics_middleware
from gateway.http.parameters import parameters_middleware
from gateway.http.problems import problems_middleware, refuse_expectation
from gateway.http.routes import ROUTES
from gateway.http.service import SERVICE, Service
from gateway.http.stream import NewestCursor

HANDLERS: Final[Mapping[str, Handler]] = {
    "put_trip": trips.put_trip,
    "list_trips": trips.list_trips,
    "get_trip": trips.get_trip,
    "stage_shipments": shipments.stage_shipments,
    "list_shipments": trips.list_shipments,
    "file_trip": trips.file_trip,
    "change_arrival": trips.change_arrival,
    "refile_trip": trips.refile_trip,
    "list_alerts": alerts.list_alerts,
    "settle_alert": alerts.settle_alert,
    "list_filings": records.list_filings,
    "get_filing": records.get_filing,
    "get_filing_timeline": records.get_filing_timeline,
    "get_filing_versions": records.get_filing_versions,
    "get_filing_transmissions": records.get_filing_transmissions,
    "get_filing_file": records.get_filing_file,
    "amend_filing": amendments.amend_filing,
    "cancel_filing": amendments.cancel_filing,
    "get_handoff_package": records.get_handoff_package,
    "get_rule_book": records.get_rule_book,
    "list_events": events.list_events,
    "stream_events": events.stream_events,
    "receive_as2": operations.receive_as2,
    "healthz": operations.healthz,
    "readyz": operations.readyz,
    "metrics": operations.metrics,
    "openapi": operations.openapi_json,
}


def build_app(gateway: Service) -> web.Application:
    """The HTTP application in front of a running gateway."""
    app = web.Application(
        middlewares=[metrics_middleware, problems_middleware, auth_middleware, parameters_middleware],
        client_max_size=BODY_LIMIT,
    )
    app[SERVICE] = gateway
    app[METRICS] = Metrics()
    app[USED_KEYS] = set()
    app[operations.AS2_DOOR] = asyncio.Semaphore(operations.AS2_AT_ONCE)
    app[events.NEWEST] = NewestCursor(lambda: gateway.store.read(recorded.last_cursor))
    for route in ROUTES:
        handler = HANDLERS[route.name]
        app.router.add_route(route.method, route.path, handler, name=route.name, expect_handler=refuse_expectation)
    app.on_shutdown.append(_end_streams)
    app.cleanup_ctx.append(note_used_keys)
    return app


async def _end_streams(app: web.Application) -> None:
    await app[events.NEWEST].close()
