"""How do many shipments come in over one request, in bounded memory, each with its own answer?

The body is read in pieces, cut into rows, and staged in batches, one transaction each; the answers go
to a spool that moves to disk when it grows, and are sent when the body has been read to its end (a
caller that sends everything before it reads would otherwise block, and we with it). A row that cannot
be staged is an answer, not an end. What was staged before a connection broke stays staged: the same
file sent again gets the same answers.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import IO, Any, Final, Self

from aiohttp import hdrs, web
from sqlalchemy import Connection

from filings import staging, trips
from gateway.http import idempotency
from gateway.http.answers import to_json
from gateway.http.auth import ACTOR
from gateway.http.body import SHIPMENTS_LIMIT, BodyReader, require_utf8
from gateway.http.idempotency import KeptAnswer, Scope
from gateway.http.metrics import METRICS
from gateway.http.parameters import PARAMETERS
from gateway.http.problems import HttpProblem, error_response
from gateway.http.route import JSON, NDJSON
from gateway.http.service import SERVICE
from schemas.errors import GatewayError, Problem
from schemas.intake import Row, RowReader

IN_MEMORY: Final = 1024 * 1024
"""Answers beyond this are spooled to a temporary file."""
PIECE: Final = 64 * 1024
WAIT_SECONDS: Final = 30.0
"""How long a repetition waits for the answer of the request it repeats."""
_POLL_SECONDS: Final = 0.2
_NOT_JUDGED: Final = frozenset(
    {"body_timeout", "connection_lost", "unreadable_body", "body_too_large", "idempotency_in_progress"}
)
"""Faults that say nothing about the request as a whole: it may be sent again under the same key."""
_UNREADABLE: Final = frozenset({"unreadable_json", "unreadable_csv", "row_too_long"})


async def stage_shipments(request: web.Request) -> web.StreamResponse:
    """Stage the rows of the body and answer each of them."""
    scope = idempotency.scope_of(request)
    require_utf8(request)
    reader = RowReader(request.headers.get(hdrs.CONTENT_TYPE, ""))
    body = BodyReader(request, SHIPMENTS_LIMIT)
    if scope is None:
        with Answers(_wants_lines(request)) as answers:
            await _Staging(request, answers, None).run(body, reader)
            return await answers.send(request)
    return await _once(request, scope, body, reader)


async def _once(request: web.Request, scope: Scope, body: BodyReader, reader: RowReader) -> web.StreamResponse:
    service = request.app[SERVICE]
    try:
        earlier = await service.store.write(lambda conn: idempotency.claim(conn, scope, idempotency.wall_clock()))
    except HttpProblem:
        return await _wait(request, scope, body)
    if earlier is not None:
        return await _wait(request, scope, body)
    try:
        with Answers(_wants_lines(request)) as answers:
            try:
                await _Staging(request, answers, scope).run(body, reader)
            except GatewayError as error:
                return await _keep_refusal(request, scope, body, error)
            kept = await asyncio.to_thread(KeptAnswer.of, 200, answers.headers(), answers.pieces())
            await service.store.write(lambda conn: idempotency.finish(conn, scope, body.digest, kept))
            return await answers.send(request)
    except BaseException:
        # Also when the task is cancelled: a claim nobody works on would hold the key until its lease ends.
        await asyncio.shield(service.store.write(lambda conn: idempotency.release(conn, scope)))
        raise


async def _keep_refusal(request: web.Request, scope: Scope, body: BodyReader, error: GatewayError) -> web.Response:
    """The refusal of the whole request, kept as its answer; raises ``error`` if the request was not judged."""
    refusal = error_response(error)
    if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.problems[0].code in _NOT_JUDGED:
        raise error
    await body.skip()  # what identifies the request is all of its body
    kept = KeptAnswer.of_response(refusal)
    await request.app[SERVICE].store.write(lambda conn: idempotency.finish(conn, scope, body.digest, kept))
    return refusal


async def _wait(request: web.Request, scope: Scope, body: BodyReader) -> web.StreamResponse:
    """The first answer, once it is there; 409 if this is another request or the answer takes too long."""
    store = request.app[SERVICE].store
    await body.skip()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            # Asked again and again, not waited for: another process may be the one at work.
            while (kept := await store.read(lambda conn: idempotency.look(conn, scope))) is None:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise idempotency.in_progress() from None
    request_digest, answer = kept
    idempotency.check_same(scope, request_digest, body.digest)
    return answer.response()


def _wants_lines(request: web.Request) -> bool:
    return NDJSON in request.headers.get(hdrs.ACCEPT, "").lower()


class Answers:
    """The answers so far, one JSON line each, in memory or on disk."""

    def __init__(self, lines: bool) -> None:
        self._lines = lines
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed in __exit__
        self.accepted = 0
        self.rejected = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._spool.close()

    def __len__(self) -> int:
        return self.accepted + self.rejected

    def add(self, answer: dict[str, Any], *, accepted: bool) -> None:
        """Keep the answer to one row."""
        self._spool.write(to_json(answer) + b"\n")
        if accepted:
            self.accepted += 1
        else:
            self.rejected += 1

    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {
            hdrs.CONTENT_TYPE: NDJSON if self._lines else JSON,
            hdrs.CACHE_CONTROL: "no-store",
            "Gateway-Accepted": str(self.accepted),
            "Gateway-Rejected": str(self.rejected),
        }

    def pieces(self) -> Iterator[bytes]:
        """The body of the answer."""
        left = self._spool.seek(0, 2)
        self._spool.seek(0)
        if not self._lines:
            yield b'{"results":['
            left -= 1  # the last line end is no separator
        while left > 0 and (piece := self._spool.read(min(PIECE, left))):
            left -= len(piece)
            yield piece if self._lines else piece.replace(b"\n", b",")
        if not self._lines:
            yield b'],"accepted":%d,"rejected":%d}' % (self.accepted, self.rejected)

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Send the answer."""
        response = web.StreamResponse(headers=self.headers())
        try:
            await response.prepare(request)
            for piece in self.pieces():
                await response.write(piece)
            await response.write_eof()
        except ConnectionError:
            pass  # the caller has gone; what was staged is staged, and is answered again when asked again
        return response


class _Staging:
    """Stages the rows of one request in batches."""

    def __init__(self, request: web.Request, answers: Answers, scope: Scope | None) -> None:
        self._service = request.app[SERVICE]
        self._actor = request[ACTOR]
        self._rows = request.app[METRICS].rows
        self._number: str = request[PARAMETERS]["trip_number"]
        self._batch = self._service.ctx.limits.shipments_per_step
        self._answers = answers
        self._scope = scope
        self._refused: tuple[Problem, ...] = ()

    async def run(self, body: BodyReader, reader: RowReader) -> None:
        """Read, stage and answer everything. Raises GatewayError when nothing can be answered row by row."""
        waiting: list[Row] = []
        # Whether there is such a trip is said before 256 MiB have been read.
        await self._service.store.read(lambda conn: trips.load_trip(conn, self._number))
        try:
            async for piece in body:
                waiting += reader.feed(piece)
                while len(waiting) >= self._batch:
                    await self._take(waiting[: self._batch])
                    del waiting[: self._batch]
        except HttpProblem as error:
            raise self._partly(error) from None
        waiting += reader.close()
        if not self._answers and len(waiting) == 1 and _says_unreadable(waiting[0]):
            raise HttpProblem(400, waiting[0].problems)
        for start in range(0, len(waiting), self._batch):
            await self._take(waiting[start : start + self._batch])
        if not self._answers:
            text = "There is no shipment in what was sent."
            raise HttpProblem(422, Problem("no_shipments", "", text, "Send at least one shipment."))

    async def _take(self, rows: Sequence[Row]) -> None:
        if not self._refused:
            try:
                results = await self._stage(rows)
            except GatewayError as error:
                if not self._answers or isinstance(error, HttpProblem):
                    raise
                self._refused = error.problems  # the trip was filed meanwhile, for one: the rest cannot be staged
            else:
                for result in results:
                    self._answers.add(result.as_dict(), accepted=result.accepted)
                self._count(results)
                return
        for row in rows:
            faults = [problem.as_dict() for problem in (*row.problems, *self._refused)]
            answer = {"index": row.index, "line": row.line_number, "shipment_id": row.shipment_id}
            self._answers.add({**answer, "pathway": None, "state": "refused", "errors": faults}, accepted=False)
        self._rows.labels("refused").inc(len(rows))

    async def _stage(self, rows: Sequence[Row]) -> Sequence[staging.StageResult]:
        service, scope, now = self._service, self._scope, self._service.clock()

        def work(conn: Connection) -> Sequence[staging.StageResult]:
            if scope is not None:
                idempotency.renew(conn, scope, idempotency.wall_clock())
            return staging.stage(conn, service.ctx, self._number, rows, actor=self._actor, now=now)

        return await service.store.write(work)

    def _count(self, results: Sequence[staging.StageResult]) -> None:
        accepted = sum(1 for result in results if result.accepted)
        self._rows.labels("staged").inc(accepted)
        self._rows.labels("refused").inc(len(results) - accepted)

    def _partly(self, error: HttpProblem) -> HttpProblem:
        if not self._answers.accepted:
            return error
        text = f"The first {len(self._answers)} rows had been answered before; {self._answers.accepted} are staged."
        remedy = "Send everything again: what is staged gets the same answer."
        return HttpProblem(
            error.status,
            (*error.problems, Problem("partly_staged", "", text, remedy, severity="warning")),
            error.headers,
        )


def _says_unreadable(row: Row) -> bool:
    return row.raw is None and bool(row.problems) and row.problems[0].code in _UNREADABLE
