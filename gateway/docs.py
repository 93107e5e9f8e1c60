"""Which pages are made from the code, and do they still say what the code says?

``python -m gateway.docs`` writes them all; ``--check`` writes nothing and ends with 1 when one is not current.
A page is made from the same tables that run, so it cannot tell another story. Pages that argue (README,
architecture, decisions) are written by hand; a test runs their examples.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

_SETTINGS: Final = """\
# Settings

Written by `python -m gateway.docs` from `gateway/settings.py`.

Without any setting the gateway runs on loopback against the simulated CBP. Later sources win: the defaults below, then
a TOML file (`--config`, or `GATEWAY_CONFIG`), then the environment, then options of the command. In the file the part
before the last dot is the table: `listen.port` is `port` under `[listen]`.
[gateway.example.toml](gateway.example.toml) is a file to begin with.

A relative name of a file or folder counts from the folder of the TOML file it stands in. From the environment, in an
option, and by default it counts from the folder where the command is given. `gateway serve` tells at its start, all at
once, which files that are named are not there, with the whole path. Without a file of ours (certificate, keys, rows of
rules) it does not start. A partner's certificate or host keys may come later: both sides may start in any order.

A key that is not known is an error that names it. Secrets (`filer.password`, `exchange.private_key_password`,
`partners.<name>.sftp.password`, `partners.<name>.sftp.private_key_password`, `storage.database_url`) are never shown or
logged; give them by the environment. Two things are refused unless asked for in so many words: listening beyond
loopback (`listen.allow_remote`), and filing in production (`usage = "P"`) with the simulator's password. The simulated
CBP has settings of its own: [sandbox.md](sandbox.md).

Receipts of an AS2 partner come in its answers (synchronous), or are posted (asynchronous) when `receipt_url` says where
our `/as2` is reached from there. Then a transmission that the partner has taken waits (`awaiting_receipt`): neither
delivered nor failed. If no receipt has come after `receipt_wait_seconds` it is *in doubt*, and the same bytes go again
under the same Message-ID. A receipt is believed when it is signed by the partner, names the message and has its MIC;
after a restart as before. One that is for nothing we sent, does not fit, or says another thing than the first is kept
and raised to a person.

A partner may ask for our receipts to be posted as well. They go to the scheme, host and port of its `url` and nowhere
else: a message that wants its receipt elsewhere is refused, in the answer. They are committed with the message and
tried again, with pauses from a second to five minutes, for a day.

How to reach a partner by SFTP:

1. `gateway keys ssh` makes our key and shows the line to give to the partner, who enters it at the server.
2. The partner tells the fingerprint of the server's host key by another way than the network: by telephone, on paper.
   `gateway keys host` shows what the server offers and whether it is known.
3. Set `transport = "sftp"` and, in the table `sftp`, `host`, `port`, `user`, the two folders and `host_key`. A server
   that shows another key is refused before it is told who we are, and a person is told at once.

A file goes up as `.NAME.part` and gets its name when it is whole; another file of that name is never written over.
After a cut the upload goes on behind what is there, once that has been read back and compared. When the answer to the
rename is lost, the gateway looks: the same file under its name is a receipt, anything else stays *in doubt* until it is
known. Answers are taken from `inbox` when they are whole and steady, committed, and then moved to `done` or deleted.
SFTP has no receipt of the partner: *delivered* means that the server has the file, no more.

"""


def settings_page() -> str:
    """The page about the settings."""
    from gateway.settings import settings_documentation

    return _SETTINGS + settings_documentation()


def rules_page() -> str:
    """The rule book for people."""
    from mappings.rule_page import markdown
    from mappings.rulebook import RuleBook

    book = RuleBook.load()
    return markdown(book.rows, book.version, book.advice, book.own_ids)


def lifecycle_page() -> str:
    """The tables of what may happen next."""
    from filings.lifecycle import render_markdown

    return render_markdown()


def events_page() -> str:
    """What dispatch can be told."""
    from gateway.docs_events import page

    return page()


def trouble_page() -> str:
    """What silence, doubt and refusals mean, and what a person does."""
    from gateway.docs_trouble import page

    return page()


def unconfirmed_page() -> str:
    """What is not confirmed about CBP's messages."""
    from gateway.docs_unconfirmed import page

    return page()


def codes_page() -> str:
    """The code lists with their documents and dates."""
    from gateway.docs_codes import page

    return page()


def message_set_page() -> str:
    """The fields of the records of agency claims."""
    from gateway.docs_message_set import page

    return page()


def cli_page() -> str:
    """The help of every command."""
    from gateway.cli.docs import page

    return page()


_SANDBOX_API: Final = """\
# The sandbox's control API

Written by `python -m gateway.docs` from the table of routes (`sandbox/doors/routes.py`).

JSON on the control port, 8472 on loopback unless set otherwise; the console for people is at `/sandbox/`. Errors are
problem documents (RFC 9457): `title` says what kind of problem it is, `detail` what is wrong with this call, besides
`code` and `errors`. What the console may do is what a program may do: there is no other way in.

- **Whose books.** `?filer=NAME` chooses a filer's. Without it a call about a trip, a shipment or an entry goes to the
  books that know it, any other to the first filer's.
- **Pages.** Lists have `items` and `next`; `?after=` takes the latter. `limit` is 100, at most 1000.
- **Who may call.** Programs on this machine, and the console. A host name that is not of this machine is refused
  (`foreign_host`), a page of another site too (`foreign_origin`), and so is a body that is not declared as
  `application/json`; an empty body needs no declaration.
- **Times** are instants in UTC; without an offset an instant that is given is taken for Eastern time.
- 404: not known. 409: the state forbids it. 422: the call cannot be meant.

"""


def sandbox_api_page() -> str:
    """The calls of the sandbox's control port."""
    from sandbox.doors.routes import as_markdown

    return _SANDBOX_API + as_markdown()


def openapi() -> str:
    """The OpenAPI document, as ``GET /openapi.json`` gives it."""
    from gateway.http.openapi import document

    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _schema(name: str) -> Callable[[], str]:
    def text() -> str:
        from schemas.published import PUBLISHED, rendered

        return rendered(PUBLISHED[name])

    return text


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "docs/cli.md": cli_page,
    "docs/codes.md": codes_page,
    "docs/events.md": events_page,
    "docs/lifecycle.md": lifecycle_page,
    "docs/message-set.md": message_set_page,
    "docs/openapi.json": openapi,
    "docs/rules.md": rules_page,
    "docs/sandbox-api.md": sandbox_api_page,
    "docs/settings.md": settings_page,
    "docs/trouble.md": trouble_page,
    "docs/unconfirmed.md": unconfirmed_page,
    "schemas/shipment.schema.json": _schema("shipment.schema.json"),
    "schemas/trip.schema.json": _schema("trip.schema.json"),
}
"""Path in the repository → what makes the page."""


def stale(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Path and right text of every page that is missing or says something else."""
    for name, make in PAGES.items():
        text = make()
        path = root / name
        if not path.is_file() or path.read_text("utf-8") != text:
            yield name, text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what is not current, or with ``--check`` only name it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gateway.docs", description="The pages made from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if a page is not current")
    options = parser.parse_args(arguments)
    found = False
    for name, text in stale():
        found = True
        if options.check:
            sys.stderr.write(f"not current: {name} (run: make docs)\n")
        else:
            (ROOT / name).write_text(text, "utf-8")
            sys.stderr.write(f"wrote {name}\n")
    return 1 if found and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
