"""The command ``gateway``: what a person or a script says to it, and what it answers.

Rules of this package:

1. Every command has ``--help`` with an example, an output for people, and ``--json``: one JSON document on
   standard output. Progress and logs go to standard error.
2. Exit status: 0 done, 1 the answer is no (invalid, rejected, not reachable), 2 wrong usage, 130 interrupted.
3. What is wrong is told as a table of code, path, sentence and remedy; a traceback never reaches a person.
4. Starting must be quick: a module of this package imports what is heavy inside its functions.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with ``arguments`` (default: those of the process); the exit status."""
    from gateway.cli.app import run

    return run(arguments)
