"""``gateway rules book``: what was the whole law behind a decision, as this gateway kept it when it decided?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.options import DEFAULT_URL, JsonOption, KeyOption, UrlOption
from gateway.cli.output import Output, make_table, plain


def book(
    version: Annotated[str, typer.Argument(help="The version that a decision names.", metavar="VERSION")],
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a version of the rule book that a running gateway has used, from its archive; --json has all of it.

    For keys of brokers and auditors. The rule book of today is shown by `gateway rules list`.

    Example: gateway rules book 3f2a9c0d41be
    """
    import asyncio

    from gateway.cli.access import client_for

    output = Output(as_json)
    client = client_for(output, url, key)

    async def run() -> dict[str, Any]:
        async with client:
            return await client.rule_book(version)

    found = asyncio.run(run())
    if as_json:
        output.document(found)
        return
    show_book(output, found)


def show_book(output: Output, found: dict[str, Any]) -> None:
    """Every row with its periods and citation, the severities that were set, and where the text is kept."""
    from datetime import datetime

    from filings.shown import EASTERN, local_text

    def by_the_minute(text: str) -> str:
        return f"{datetime.fromisoformat(text).astimezone(EASTERN):%Y-%m-%d %H:%M}"

    used = local_text(datetime.fromisoformat(found["first_used_at"]), EASTERN)
    output.say(f"Rule book {found['version']}, first used {used}", "bold")
    output.say(f"Archive entry {found['archive_position']}; SHA-256 of its text {found['sha256']}", "dim")
    own = set(found["own"])
    table = make_table(f"{len(found['rules'])} rows")
    for column in ("rule", "kind", "pathways", "in force", "status"):
        table.add_column(column, no_wrap=column == "rule")
    table.add_column("text and citation", ratio=1)
    for row in found["rules"]:
        name = f"{row['id']} (own)" if row["id"] in own else str(row["id"])
        table.add_row(
            plain(name),
            plain(row["kind"]),
            plain(", ".join(row["pathways"])),
            f"{by_the_minute(row['valid_from'])} {'to ' + by_the_minute(row['valid_to']) if row['valid_to'] else 'on'}",
            plain(row["status"]),
            plain(" ".join(part for part in (row["text"], row["citation"]) if part)),
        )
    output.show(table)
    checks = found["checks"].get("checks", {}).get("check", [])
    output.say(f"{len(checks)} advisory checks; --json has them and their data")
    for one, severity in sorted(found["severity"].items()):
        output.say(f"Severity of {one}: {severity}")
