"""How does the page about the command line come about? From the help of the commands themselves.

``python -m gateway.cli.docs`` writes ``docs/cli.md``; a test compares the page with what would be written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
WIDTH: Final = 100

_INTRODUCTION: Final = """\
# The command line

This page is written by `python -m gateway.cli.docs` from the help of the commands.

Every command has `--help` with an example, and `--json`: one JSON document on standard output, while progress
and logs go to standard error. Colours and live progress bars appear at a terminal only, and never with `NO_COLOR`.
In a file or pipe lines are 120 columns wide, or as wide as `COLUMNS` says. What does not fit into a table is folded,
never cut. Of a long line of a message `inspect` shows the part around the fault, with `…` where the line goes on; of a
long file the first messages and lines, and says how many more there are: `--json` has them all.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | the answer is no: invalid, refused, rejected, not reachable |
| 2 | wrong usage |
| 130 | interrupted |

What is wrong is told as a table: a stable code, the path of the value, one sentence, what usually mends it. With
`--json` it is `{"errors": [{"code", "path", "text", "remedy"}]}`.

Commands that talk to a running gateway find its address in `--url` or `GATEWAY_URL`, and the key in `--key`,
`GATEWAY_API_KEY`, or, on the same machine, in the file `local.key` that `gateway serve` left in its data directory.
`GATEWAY_DEBUG=1` shows the traceback of a fault in the program itself.
"""


def page() -> str:
    """The whole page."""
    import typer

    from gateway.cli.app import app

    parts = [_INTRODUCTION]
    for names, text in _helps(typer.main.get_command(app), ("gateway",)):
        parts.append(f"\n## {' '.join(names)}\n\n```text\n{text}\n```\n")
    return "".join(parts)


def _helps(command: Any, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    context = command.make_context(" ".join(names), [], resilient_parsing=True, terminal_width=WIDTH)
    text = "\n".join(line.rstrip() for line in command.get_help(context).strip().splitlines())
    yield names, text
    for name, inner in getattr(command, "commands", {}).items():
        yield from _helps(inner, (*names, name))


def main() -> int:
    """Write the page."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
