"""Which commands are there, and what does the process answer when one of them fails?

The only place where errors become exit statuses: 1 for what this project raises on purpose and for
anything the machine refuses, 2 for wrong usage. ``GATEWAY_DEBUG=1`` shows the traceback of a fault
that is ours; otherwise one line names it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import typer

from gateway.cli import (
    alerts,
    amend,
    bench,
    board,
    codes,
    database,
    demo,
    explain,
    inspect,
    keys,
    refile,
    render,
    rules,
    sandbox,
    serve,
    submit,
)
from gateway.cli.output import Output
from schemas.errors import GatewayError, Problem
from schemas.plain_text import unfit_sentence

INTERRUPTED: Final = 130

app: Final = typer.Typer(
    name="gateway",
    help="Files parcels that cross from Canada to the United States by truck with US Customs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("sandbox")(sandbox.sandbox)
app.command("submit")(submit.submit)
app.command("explain")(explain.explain)
app.command("render")(render.render)
app.add_typer(rules.app, name="rules")
app.command("inspect")(inspect.inspect)
app.command("codes")(codes.codes)
app.command("trip")(board.trip)
app.command("filing")(board.filing)
app.command("amend")(amend.amend)
app.command("cancel")(amend.cancel)
app.command("refile")(refile.refile)
app.command("alerts")(alerts.alerts)
app.add_typer(keys.app, name="keys")
app.add_typer(database.app, name="db")
app.command("bench")(bench.bench)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    unfit = [
        Problem("control_character", "", f"{one[:80]!a} is no argument. {sentence}", "Write it anew.")
        for one in given
        if (sentence := unfit_sentence(one))
    ]
    if unfit:
        return refuse(unfit, as_json="--json" in given)
    try:
        result = app(args=given, prog_name="gateway", standalone_mode=True)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except GatewayError as error:
        return refuse(error.problems, as_json="--json" in given)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away: nothing is left to say, also not at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        from gateway.causes import cause

        path = str(error.filename or "")
        problem = Problem("not_possible", path, f"The machine refuses: {cause(error)}.", "Mend this first.")
        return refuse((problem,), as_json="--json" in given)
    except Exception as error:
        if os.environ.get("GATEWAY_DEBUG"):
            raise
        text = f"Something went wrong inside the gateway: {type(error).__name__}: {error}"
        remedy = "Run it again with GATEWAY_DEBUG=1 and report what it shows."
        return refuse((Problem("internal_error", "", text, remedy),), as_json="--json" in given)
    return result if isinstance(result, int) else 0


def refuse(problems: Sequence[Problem], *, as_json: bool) -> int:
    """Tell why not, as a table on standard error or as the document of ``--json``; status 1."""
    output = Output(as_json)
    if as_json:
        output.document({"errors": [problem.as_dict() for problem in problems]})
        return 1
    output.people = output.errors
    output.problems(problems)
    return 1
