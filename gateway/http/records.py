"""What has been declared, and what became of it? Filings, their timelines and bytes, and handoff packages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import hdrs, web
from sqlalchemy import Connection

from filings import files, queries, rule_books
from gateway.http.answers import json_answer, page_answer
from gateway.http.parameters import PARAMETERS
from gateway.http.service import SERVICE


async def list_filings(request: web.Request) -> web.Response:
    """A page of filings."""
    given = request[PARAMETERS]
    now = request.app[SERVICE].clock()
    page = await request.app[SERVICE].store.read(
        lambda conn: queries.filings(
            conn,
            trip=given["trip"],
            status=given["status"],
            pathway=given["pathway"],
            scn=given["scn"],
            entry_number=given["entry_number"],
            day=given["date"],
            cursor=given["cursor"],
            limit=given["limit"],
            now=now,
        )
    )
    return page_answer(page)


async def get_filing(request: web.Request) -> web.Response:
    """One filing."""
    name = request[PARAMETERS]["filing_id"]
    service = request.app[SERVICE]
    now, patience, retries = service.clock(), service.settings.deadlines.patience, service.ctx.retries
    found = await service.store.read(
        lambda conn: queries.filing(conn, name, now=now, patience=patience, retries=retries)
    )
    return json_answer(found, headers={hdrs.ETAG: f'"{found["version"]}"'})


async def _list(request: web.Request, query: Callable[[Connection, str], Sequence[Any]]) -> web.Response:
    name = request[PARAMETERS]["filing_id"]
    return json_answer({"items": list(await request.app[SERVICE].store.read(lambda conn: query(conn, name)))})


async def get_filing_timeline(request: web.Request) -> web.Response:
    """What has happened to a filing."""
    return await _list(request, queries.timeline)


async def get_filing_versions(request: web.Request) -> web.Response:
    """Every state of a filing's content."""
    return await _list(request, queries.versions)


async def get_filing_transmissions(request: web.Request) -> web.Response:
    """What went out and came in for a filing."""
    return await _list(request, queries.transmissions)


async def get_filing_file(request: web.Request) -> web.Response:
    """The bytes of one file of a filing, to be saved."""
    given = request[PARAMETERS]
    kept = await request.app[SERVICE].store.read(
        lambda conn: files.file_of(conn, given["filing_id"], given["transmission_id"])
    )
    return _saved(kept.name, kept.body, "application/octet-stream")


async def get_rule_book(request: web.Request) -> web.Response:
    """A version of the rule book that was used here, whole."""
    version = request[PARAMETERS]["version"]
    return json_answer(await request.app[SERVICE].store.read(lambda conn: rule_books.show(conn, version)))


async def get_handoff_package(request: web.Request) -> web.Response:
    """The package for a formal entry, as a zip."""
    name = request[PARAMETERS]["handoff_id"]
    file_name, package = await request.app[SERVICE].store.read(lambda conn: queries.handoff_package(conn, name))
    return _saved(file_name, package, "application/zip")


def _saved(name: str, body: bytes, content_type: str) -> web.Response:
    """Bytes that a browser saves under a plain name, and keeps nowhere else."""
    safe = "".join(c for c in name if c.isascii() and (c.isalnum() or c in "-_."))
    headers = {hdrs.CONTENT_DISPOSITION: f'attachment; filename="{safe}"', hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(body=body, content_type=content_type, headers=headers)
