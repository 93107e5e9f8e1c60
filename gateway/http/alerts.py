"""What must a person look at, and how does a person say that it is done?"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from filings import open_alerts
from filings.alert_remedies import REMEDIES
from filings.trips import load_trip
from gateway.http import idempotency
from gateway.http.answers import json_answer, page_answer
from gateway.http.auth import ACTOR
from gateway.http.body import read_json_and_digest
from gateway.http.parameters import PARAMETERS
from gateway.http.service import SERVICE
from schemas.errors import NotFound, Problem, ShipmentError

NOTE_LENGTH: Final = 1000
_SHAPE: Final = 'Send {"note": "what was done about it"}.'


async def list_alerts(request: web.Request) -> web.Response:
    """A page of the open alerts."""
    given = request[PARAMETERS]
    if given["kind"] and given["kind"] not in REMEDIES:
        text, known = f"No alert is of the kind {given['kind']!r}.", ", ".join(sorted(REMEDIES))
        raise NotFound(Problem("alert_kind_unknown", "kind", text, f"Use one of: {known}."))
    page = await request.app[SERVICE].store.read(
        lambda conn: open_alerts.listed(
            conn, trip=given["trip"], kind=given["kind"], cursor=given["cursor"], limit=given["limit"]
        )
    )
    if given["trip"] and not page.items:
        await request.app[SERVICE].store.read(lambda conn: load_trip(conn, given["trip"]))  # or it is not known
    return page_answer(page)


async def settle_alert(request: web.Request) -> web.Response:
    """Close an alert; the act stands in the archive with its note."""
    service, actor, identifier = request.app[SERVICE], request[ACTOR], request[PARAMETERS]["alert_id"]
    scope = idempotency.scope_of(request)
    raw, digest = await read_json_and_digest(request)
    note = _note_of(raw)
    now = service.clock()

    def act(conn: Connection) -> web.Response:
        return json_answer(open_alerts.settle(conn, identifier, note, actor=actor, now=now))

    if scope is None:
        return await service.store.write(act)
    kept_at = idempotency.wall_clock()
    return await service.store.write(lambda conn: idempotency.once(conn, scope, digest, kept_at, act))


def _note_of(raw: Any) -> str:
    """The one text that the body holds; raises :class:`ShipmentError`."""
    note = raw.get("note") if isinstance(raw, dict) and set(raw) == {"note"} else None
    if not isinstance(note, str) or not note.strip():
        raise ShipmentError(Problem("wrong_shape", "note", "The body holds a note and nothing else.", _SHAPE))
    if len(note) > NOTE_LENGTH or not note.isprintable():
        text = f"The note is longer than {NOTE_LENGTH} characters, or not one line of text."
        raise ShipmentError(Problem("wrong_note", "note", text, "Say it in a sentence."))
    return note.strip()
