"""How does a command speak to people and to programs?

People read tables and progress bars; colours only at a terminal and without ``NO_COLOR``. Programs read
one JSON document on standard output; everything else goes to standard error then. A document with many
rows is written row by row, so that its size costs no memory. Where nobody looks at a terminal, lines are as wide
as ``COLUMNS`` says, or 120 columns, and end without blanks. What does not fit is folded, never cut.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePath
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final, Self, cast

from schemas.errors import GatewayError, Problem

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

WIDTH: Final = 120
"""Columns of a file or pipe, which has no width of its own; the usual 80 would fold every table."""
NARROWEST: Final = 40
SHORT_PATH: Final = 30
"""Characters of a path that stay on one line."""
FOLDED: Final = 10
"""Columns that a text needs at least beside others that stay whole."""
SHOWN_PROBLEMS: Final = 50
"""Faults in one table for people; ``--json`` has all of them."""

_PART: Final = re.compile(r"[.\[]?[^.\[]*(?=[.\[]|$)|.", re.DOTALL)
_BLANKS: Final = re.compile(r"[ \t]+(?=\n)")


class _Trimmed:
    """A stream that is no terminal, whose lines end without blanks."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write whole lines."""
        return self._stream.write(_BLANKS.sub("", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _console(stream: IO[str]) -> Console:
    from rich.console import Console

    if stream.isatty():
        return Console(file=stream, highlight=False, emoji=False)
    given = os.environ.get("COLUMNS", "")
    width = max(int(given), NARROWEST) if given.isdecimal() and int(given) else WIDTH
    return Console(file=cast("IO[str]", _Trimmed(stream)), highlight=False, emoji=False, width=width)


class Output:
    """Standard output and standard error of one command."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.errors: Console = _console(sys.stderr)
        self.people: Console = self.errors if as_json else _console(sys.stdout)

    def document(self, value: Any) -> None:
        """The one JSON document of ``--json``."""
        write_standard_output(to_json(value) + b"\n")

    def say(self, text: str, style: str | None = None) -> None:
        """A line for people; control characters in it are made visible."""
        self.people.print(plain(text), style=style, soft_wrap=True)

    def note(self, text: str) -> None:
        """A line on standard error: what is going on; control characters in it are made visible."""
        self.errors.print(plain(text), style="dim", soft_wrap=True)

    def show(self, renderable: Any) -> None:
        """A table, a panel or a tree for people; a table's title is a line of its own, however narrow the table."""
        title = getattr(renderable, "title", None)
        if title is not None:
            renderable.title = None
            self.people.print(title, style="bold", soft_wrap=True)
        _fold(self.people, renderable)
        self.people.print(renderable)

    def problems(self, problems: Iterable[Problem | Mapping[str, Any]], title: str = "What is wrong") -> None:
        """A table of faults on the console for people."""
        listed = [problem.as_dict() if isinstance(problem, Problem) else problem for problem in problems]
        if not listed:
            return
        self.show(problem_table(listed[:SHOWN_PROBLEMS], title))
        if len(listed) > SHOWN_PROBLEMS:
            self.say(f"and {len(listed) - SHOWN_PROBLEMS} more; --json has all of them", "dim")

    @contextmanager
    def progress(self, *, transient: bool = True, rows_follow: bool = False) -> Iterator[Progress]:
        """Progress bars on standard error; drawn live at a terminal, elsewhere only their end unless ``transient``.

        ``rows_follow``: rows are shown while the bars run; at a terminal they would write over each other, so that
        there are no bars then.
        """
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        hidden = rows_follow and not self.as_json and sys.stdout.isatty()
        hidden = hidden or (transient and not self.errors.is_terminal)  # nothing would be left of them
        with Progress(
            *columns, console=self.errors, transient=transient, redirect_stdout=False, disable=hidden
        ) as bars:
            try:
                yield bars
            finally:
                # what stays on the screen does not look as if it went on: no spinner, no bar without an end
                bars.columns = columns[1:]
                for task in bars.tasks:
                    bars.update(task.id, visible=task.total is not None)


def _fold(console: Console, renderable: Any) -> None:
    """What is too long for its column goes on in the next line: an id or a digest that is cut is of no use."""
    from rich.table import Table

    if not isinstance(renderable, Table):
        return
    needed = 0
    for column in renderable.columns:
        column.overflow = "fold"
        whole = max((len(line) for cell in column.cells for line in str(cell).split("\n")), default=0)
        needed += (whole if column.no_wrap else min(whole, FOLDED)) + 3
    if needed > console.width:
        for column in renderable.columns:
            column.no_wrap = False


def problem_table(problems: Sequence[Mapping[str, Any]], title: str) -> Table:
    """Code, path, sentence, remedy; a column ``where`` when some fault has a row or position."""
    table = make_table(title)
    placed = any(problem.get("where") or problem.get("position") for problem in problems)
    if placed:
        table.add_column("where", style="dim")
    table.add_column("code", style="bold red", no_wrap=True)
    paths = [path_in_lines(str(problem.get("path", ""))) for problem in problems]
    longest = max((len(line) for path in paths for line in path.split("\n")), default=0)
    table.add_column("path", style="cyan", no_wrap=longest <= SHORT_PATH, min_width=min(longest, SHORT_PATH))
    table.add_column("what", ratio=3)
    table.add_column("what usually mends it", ratio=2)
    for problem, path in zip(problems, paths, strict=True):
        remedy = str(problem.get("remedy", ""))
        if problem.get("reference"):
            remedy = f"{remedy} [{problem['reference']}]".strip()
        code = str(problem["code"])
        if problem.get("severity") == "warning":
            code += " (warning)"
        cells = [code, path, str(problem["text"]), remedy]
        if placed:
            cells.insert(0, str(problem.get("where") or problem.get("position") or ""))
        table.add_row(*(plain(cell) for cell in cells))
    return table


def path_in_lines(path: str) -> str:
    """A path of more than ``SHORT_PATH`` characters in lines that end before a dot or bracket, so no name is broken."""
    if len(path) <= SHORT_PATH:
        return path
    lines = [""]
    for part in _PART.findall(path):
        if lines[-1] and len(lines[-1]) + len(part) > SHORT_PATH:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def make_table(title: str = "") -> Table:
    """A table in the house's form."""
    from rich import box
    from rich.table import Table

    return Table(title=plain(title) if title else None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")


def plain(text: str) -> Any:
    """Text that is shown as it is: no markup in it counts, control characters are made visible."""
    from rich.text import Text

    shown = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
    return Text(shown)


def to_json(value: Any) -> bytes:
    """Indented JSON: decimals and instants as text, problems in their shape."""
    import orjson

    return orjson.dumps(value, default=_default, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)


def compact_json(value: Any) -> bytes:
    """JSON on one line, of the same values as :func:`to_json`."""
    import orjson

    return orjson.dumps(value, default=_default, option=orjson.OPT_NON_STR_KEYS)


def _default(value: Any) -> Any:
    if isinstance(value, Problem):
        return value.as_dict()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def write_standard_output(data: bytes) -> None:
    """Bytes to standard output, also where a test has put a text stream in its place."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(data.decode("utf-8"))
    else:
        sys.stdout.flush()
        binary.write(data)
    sys.stdout.flush()


class JsonRows:
    """One JSON object on standard output whose list ``name`` is written row by row; ``end`` adds further members."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows = 0
        self._members: dict[str, Any] = {}

    def __enter__(self) -> Self:
        write_standard_output(f'{{\n  "{self._name}": ['.encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import orjson

        if isinstance(error, GatewayError):  # the document is begun: the refusal becomes part of it
            self._members["errors"] = [problem.as_dict() for problem in error.problems]
        elif error is not None:
            return
        text = b"\n  ]" if self._rows else b"]"
        for name, value in self._members.items():
            text += b",\n  " + orjson.dumps(name) + b": " + to_json(value).replace(b"\n", b"\n  ")
        write_standard_output(text + b"\n}\n")
        if error is not None:
            raise SystemExit(1) from None

    def add(self, row: Any) -> None:
        """One more row."""
        import orjson

        write_standard_output((b",\n    " if self._rows else b"\n    ") + orjson.dumps(row, default=_default))
        self._rows += 1

    def end(self, **members: Any) -> None:
        """What stands in the document besides the list."""
        self._members |= members
