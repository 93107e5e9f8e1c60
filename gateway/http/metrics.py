"""What can be measured from outside? Request timings, open streams, and counts read at each scrape.

Labels are route names and states, never paths, trip numbers or anything a caller chooses, so that the
number of series is bounded.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
COUNT_SECONDS: Final = 2.0
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Metrics:
    """The instruments of one service; each application has its own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "gateway_http_request_seconds",
            "Time to answer a request",
            ("route", "method", "status"),
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self.rows = Counter(
            "gateway_rows", "Rows of shipments taken in, by what became of them", ("answer",), registry=self.registry
        )
        self.streams = Gauge("gateway_event_streams", "Open streams of events", registry=self.registry)
        self.counts = Gauge(
            "gateway_count", "How many things are in each state", ("thing", "state"), registry=self.registry
        )

        self._counted_at: float | None = None

    def counts_are_old(self) -> bool:
        """Whether the counts should be read again: anybody may ask for this page, as often as they like."""
        return self._counted_at is None or time.monotonic() - self._counted_at > COUNT_SECONDS

    def set_counts(self, counts: Mapping[str, Iterable[tuple[str, int]]]) -> None:
        """Replace the counts: thing → (state, number)."""
        self._counted_at = time.monotonic()
        self.counts.clear()
        for thing, states in counts.items():
            for state, number in states:
                self.counts.labels(thing, state).set(number)

    def page(self) -> bytes:
        """The text of ``/metrics``."""
        return generate_latest(self.registry)


METRICS: Final = web.AppKey("metrics", Metrics)


@web.middleware
async def metrics_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Time each request by route name and status; streams of events are counted while open instead."""
    started = time.perf_counter()
    response = await handler(request)
    route = request.match_info.route.name or "none"
    if response.content_type != "text/event-stream":
        elapsed = time.perf_counter() - started
        method = request.method if request.method in {"GET", "POST", "PUT"} else "other"
        request.app[METRICS].requests.labels(route, method, str(response.status)).observe(elapsed)
    return response
