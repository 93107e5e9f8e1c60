"""The law behind a decision is kept with the store that decided, whole and once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import update

from filings import archive, rule_books
from filings.identity import Role
from filings.store import Store
from filings.store import tables as t
from gateway.cli.output import Output
from gateway.cli.rule_books import show_book
from mappings.rulebook import RuleBook
from schemas.errors import NotFound
from tests.filing_kit import CONTEXT, Desk, parcel
from tests.http_service import running

STRICTER: Final = replace(CONTEXT, rules=RuleBook.load(severity={"vague-description": "error"}))


async def test_every_version_used_is_kept_once_and_read_back_whole(filing_store: Store) -> None:
    """Two versions, each used several times: two texts, each with its own rows and severities and its own digest."""
    for ctx, number, trip in ((CONTEXT, 1, "TSTC000001"), (STRICTER, 2, "TSTC000002"), (CONTEXT, 3, "TSTC000003")):
        await Desk(filing_store, ctx=ctx).file(parcel(number), trip=trip)
    desk = Desk(filing_store)
    entries = [one for one in await desk.table(t.archive_entries) if one.name.startswith("rule book")]
    assert [one.name.split()[-1] for one in entries] == [CONTEXT.rules.version, STRICTER.rules.version]
    for ctx in (CONTEXT, STRICTER):
        version = ctx.rules.version
        kept = await desk.look(partial(rule_books.show, version=version))
        assert [row["id"] for row in kept["rules"]] == [row.id for row in ctx.rules.rows]
        assert kept["severity"] == dict(ctx.rules.advice.chosen)
        assert kept["sha256"] == hashlib.sha256(ctx.rules.canonical).hexdigest()
        assert kept["sha256"].startswith(version)
        assert kept["checks_sha256"].startswith(ctx.rules.advice.preflight.version)
        assert kept["checks"]["checks"]["check"]
    await desk.check_books()


async def test_a_text_that_is_not_of_its_version_is_not_shown(filing_store: Store) -> None:
    """Where the table points elsewhere, nothing is passed off as the law; an unknown version names those there are."""
    desk = Desk(filing_store)
    with pytest.raises(NotFound):
        await desk.look(lambda conn: rule_books.show(conn, "123456789abc"))
    await desk.file(parcel(1))
    with pytest.raises(NotFound) as unknown:
        await desk.look(lambda conn: rule_books.show(conn, "123456789abc"))
    assert CONTEXT.rules.version in unknown.value.problems[0].remedy
    await desk.store.write(lambda conn: conn.execute(update(t.rule_books).values(version="123456789abc")))
    with pytest.raises(archive.ArchiveError):
        await desk.look(lambda conn: rule_books.show(conn, "123456789abc"))


async def test_brokers_and_auditors_read_it_over_http(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The route gives the whole book, which the command shows; dispatch may not, and an unknown version is 404."""
    async with running(tmp_path) as api:
        await Desk(api.service.store, ctx=api.service.ctx).file(parcel(1))
        path = f"/v1/rule-books/{api.service.ctx.rules.version}"
        status, found = await api.ask("GET", path, Role.AUDITOR)
        assert (status, len(found["rules"])) == (200, len(api.service.ctx.rules.rows))
        assert (await api.ask("GET", path, Role.DISPATCH))[0] == 403
        assert (await api.ask("GET", "/v1/rule-books/none", Role.AUDITOR))[1]["code"] == "rule_book_unknown"
    show_book(Output(), found)
    shown = capsys.readouterr().out
    assert f"Rule book {found['version']}, first used" in shown
    assert "allow-formal-ad-cvd" in shown
