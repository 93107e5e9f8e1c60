"""The bytes of what went out and came in for a filing, over HTTP."""

from __future__ import annotations

import hashlib
from pathlib import Path

from filings.files import without_password
from filings.identity import Role
from tests.filing_kit import TRIP, informal, parcel
from tests.http_service import Api, running
from tests.integration.test_http_amendments import FIRST, filed

FILES = f"/v1/filings/{FIRST}/transmissions"


async def fetched(api: Api, path: str, role: Role = Role.AUDITOR) -> bytes:
    """The bytes at a path, which nobody keeps on the way."""
    async with api.client.get(path, headers=api.headers(role)) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
        assert answer.headers["Cache-Control"] == "no-store"
        return await answer.read()


async def test_every_file_of_an_entry_is_fetched_as_it_was(tmp_path: Path) -> None:
    """What came in has its digest; of a batch of ours nothing differs but the password, which is hidden."""
    async with running(tmp_path) as api:
        await filed(api, informal(1), parcel(2))
        password = api.service.ctx.sender.password
        listed = (await api.ask("GET", FILES))[1]["items"]
        assert {one["direction"] for one in listed} == {"in", "out"}
        for one in listed:
            body = await fetched(api, f"{FILES}/{one['id']}")
            if one["direction"] == "in":
                assert hashlib.sha256(body).hexdigest() == one["payload_sha256"]
                continue
            assert password.encode() not in body
            assert body[8:14] == b"******"
            whole = body[:8] + password.encode().ljust(6) + body[14:]
            assert hashlib.sha256(whole).hexdigest() == one["payload_sha256"]


async def test_an_x12_file_is_fetched_whole(tmp_path: Path) -> None:
    """A manifest has no password: its bytes have the digest that is listed."""
    async with running(tmp_path) as api:
        await filed(api)
        path = f"/v1/filings/{TRIP}/transmissions"
        listed = (await api.ask("GET", path))[1]["items"]
        assert listed
        for one in listed:
            body = await fetched(api, f"{path}/{one['id']}", Role.BROKER)
            assert hashlib.sha256(body).hexdigest() == one["payload_sha256"]


async def test_the_file_of_another_filing_is_not_found(tmp_path: Path) -> None:
    """404 for an id that is none, and for one that is not of this filing; 403 for who may not see records."""
    async with running(tmp_path) as api:
        await filed(api, informal(1), parcel(2))
        manifest = (await api.ask("GET", f"/v1/filings/{TRIP}/transmissions"))[1]["items"][0]["id"]
        for other in ("none", manifest):
            status, answer = await api.ask("GET", f"{FILES}/{other}")
            assert (status, answer["code"]) == (404, "transmission_unknown")
        assert (await api.ask("GET", f"{FILES}/{manifest}", Role.DISPATCH))[0] == 403


def test_only_the_password_of_a_batch_is_hidden() -> None:
    """Columns 9 to 14 of an A record; blanks there, and any other file, stay as they are."""
    batch = b"A0901XYZSECRET112826     SE\nB  0901XYZSE\n"
    assert without_password(batch) == (batch.replace(b"SECRET", b"******"), True)
    for whole in (batch.replace(b"SECRET", b"      "), b"ISA*00*          *00*", b"", b"A"):
        assert without_password(whole) == (whole, False)
