"""``gateway sandbox``: the simulated CBP, for people to file to, or playing a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.options import ConfigOption, JsonOption
from gateway.cli.output import Output
from gateway.cli.serve import cannot_listen
from schemas.errors import Problem, ShipmentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress, TaskID

    from sandbox.app import Ports
    from sandbox.scenario import Scenario, ScenarioError
    from sandbox.scenario_player import Played, StepResult
    from sandbox.settings import Settings

SCENARIO_REMEDY = "Mend the scenario; docs/scenarios.md says what may stand in it."


def sandbox(
    config: ConfigOption = None,
    data: Annotated[Path | None, typer.Option("--data", help="Folder of its books and key.", file_okay=False)] = None,
    exchange: Annotated[
        Path | None, typer.Option("--exchange", help="Folder where both sides lay out certificates.", file_okay=False)
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="AS2 port; 0 takes a free one.", min=0, max=65535)] = None,
    control_port: Annotated[
        int | None, typer.Option("--control-port", help="Port of the console and the control API.", min=0, max=65535)
    ] = None,
    sftp_port: Annotated[
        int | None,
        typer.Option("--sftp-port", help="Open an SFTP door here too; 0 takes a free port.", min=0, max=65535),
    ] = None,
    gateway_url: Annotated[
        str | None, typer.Option("--gateway-url", help="Where it posts its answers.", metavar="URL")
    ] = None,
    clock: Annotated[
        str | None, typer.Option("--clock", help="Instant its clock starts at; the law follows it.", metavar="INSTANT")
    ] = None,
    frozen: Annotated[bool, typer.Option("--frozen", help="Its clock stands still until it is told to move.")] = False,
    memory: Annotated[bool, typer.Option("--memory", help="Keep its books in memory.")] = False,
    scenario: Annotated[
        str | None,
        typer.Option("--scenario", help="Play this file, or one that comes with it by its name.", metavar="FILE"),
    ] = None,
    attached: Annotated[
        bool, typer.Option("--attached", help="Play it with the doors open: your software files, the scenario directs.")
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(
            "--speed", help="Sandbox seconds in a real second; for a scenario 0: no time is waited for.", min=0
        ),
    ] = None,
    patience: Annotated[
        float | None, typer.Option("--patience", help="Seconds for which your software is waited for.", min=0)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the simulated CBP until it is interrupted, or play a scenario. Loopback only; not CBP, not certified.

    With --json the document says where it listens, once it does. A scenario is played in the process, filer included,
    unless --attached is given; its document has every step. The exit status is 0 when everything expected was seen, 1
    when not, 2 when the scenario cannot be read.

    Example: gateway sandbox --scenario march-2025-day
    """
    import logging
    import sys
    from datetime import UTC, datetime

    from gateway.cli.reading import read_arrival
    from sandbox.settings import SettingsError, load_settings

    output = Output(as_json)
    if scenario is None and (attached or patience is not None):
        raise typer.BadParameter("--attached and --patience are for a scenario: give --scenario too.")
    try:
        settings = load_settings(
            config,
            data_dir=data,
            exchange_dir=exchange,
            as2_port=port,
            control_port=control_port,
            sftp_port=sftp_port,
            gateway_url=gateway_url,
            clock=clock,
            frozen=frozen or None,
            speed=speed if scenario is None else None,
            memory=memory or None,
        )
    except SettingsError as error:
        problem = Problem("wrong_setting", "", f"{error}.", "See docs for the settings of the sandbox.")
        raise ShipmentError(problem) from None
    if settings.clock:
        read_arrival(settings.clock, datetime.now(UTC), "--clock")  # told in words if it is none
    logging.basicConfig(
        level=settings.log_level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    _tell_missing(output, settings)
    if scenario is not None:
        _play(output, settings, scenario, attached=attached, speed=speed, patience=patience)
        return
    _serve(output, settings)


def _tell_missing(output: Output, settings: Settings) -> None:
    """Certificates that filers' tables name and that are not there: told, and read when they appear."""
    from gateway.settings_places import files_missing

    named = {f"filer {one.name}: certificate": one.certificate for one in settings.filers}
    remedy = "Put it there, or mend the name; until then nothing of this filer is taken."
    for problem in files_missing(named, remedy):
        output.note(f"{problem.path}: {problem.text} {problem.remedy}")


def _serve(output: Output, settings: Settings) -> None:
    import asyncio

    from sandbox.app import run

    def ready(ports: Ports) -> None:
        _tell_ports(output.say, settings, ports)
        output.say("its books are in memory" if settings.memory else f"its books are in {settings.data_dir}")
        if output.as_json:
            output.document(ports.as_dict())

    try:
        asyncio.run(run(settings, ready))
    except OSError as error:
        raise _taken(settings, error) from None


def _tell_ports(tell: Callable[[str], None], settings: Settings, ports: Ports) -> None:
    from sandbox.openings import sentences

    tell(f"simulated CBP: {ports.as2_url}, control {ports.control_url}")
    tell(f"console for people: {ports.control_url}/")
    if ports.sftp is not None:
        tell(f"SFTP door: {ports.host} port {ports.sftp}; its keys are in {settings.sftp_host_keys}")
    tell(f"its certificate: {settings.own_certificate}, AS2 name {settings.as2_name}")
    for sentence in sentences(settings, ports.filers):
        tell(sentence)


def _taken(settings: Settings, error: OSError) -> Exception:
    import errno

    if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
        return error
    wanted = {"as2": settings.as2_port, "control": settings.control_port, "sftp": settings.sftp_port}
    taken = next((name for name in wanted if f", {wanted[name]})" in str(error)), "as2")
    option = {"as2": "--port", "control": "--control-port", "sftp": "--sftp-port"}[taken]
    return cannot_listen(
        settings.host, wanted[taken], error, f"End that program, or give {option} (0 takes a free one)."
    )


# ---------------------------------------------------------------- scenarios


def _play(
    output: Output, settings: Settings, name: str, *, attached: bool, speed: float | None, patience: float | None
) -> None:
    from sandbox.scenario import ScenarioError
    from sandbox.scenario_reading import find, read_scenario

    try:
        read = read_scenario(find(name))
    except ScenarioError as error:
        raise typer.Exit(_unreadable(output, error)) from None
    output.note(f"{read.name}, {'attached' if attached else 'self-playing'}: {_steps(len(read.steps))}")
    with output.progress() as bars:
        task = bars.add_task(_label(read, 0), total=len(read.steps))
        played = _played(output, settings, read, bars, task, attached=attached, speed=speed, patience=patience)
    _account(output, played)
    if output.as_json:
        output.document(played.as_dict())
    raise typer.Exit(0 if played.met else 1)


def _played(
    output: Output,
    settings: Settings,
    read: Scenario,
    bars: Progress,
    task: TaskID,
    *,
    attached: bool,
    speed: float | None,
    patience: float | None,
) -> Played:
    import asyncio

    from sandbox.app import play_attached
    from sandbox.scenario_player import play_alone
    from sandbox.settings import SettingsError

    def told(result: StepResult) -> None:
        bars.update(task, advance=1, description=_label(read, result.step.number))

    if not attached:
        return asyncio.run(play_alone(read, told))
    try:
        return asyncio.run(
            play_attached(
                settings,
                read,
                speed=read.speed if speed is None else speed,
                patience=read.patience if patience is None else patience,
                ready=lambda ports: _tell_ports(output.note, settings, ports),
                told=told,
            )
        )
    except SettingsError as error:
        raise typer.BadParameter(f"{error}: give --config with [[filer]] tables.") from None
    except OSError as error:
        raise _taken(settings, error) from None


def _label(read: Scenario, done: int) -> str:
    return read.steps[done].label if done < len(read.steps) else "played"


def _unreadable(output: Output, error: ScenarioError) -> int:
    if output.as_json:
        problems = [Problem("bad_scenario", place, text, SCENARIO_REMEDY) for place, text in error.sentences]
        output.document({"file": str(error.path), "errors": [one.as_dict() for one in problems]})
    else:
        output.people = output.errors
        output.say(f"{error.path} cannot be played:", "bold red")
        for _, sentence in error.sentences:
            output.say(f"  {sentence}")
        output.say(SCENARIO_REMEDY, "dim")
    return 2


def _account(output: Output, played: Played) -> None:
    from gateway.cli.output import make_table, plain

    table = make_table(f"{played.scenario.name}, {played.mode}")
    for name in ("step", "time", "what happens", "expected", ""):
        table.add_column(name, justify="right" if name == "step" else "left")
    for result in played.steps:
        met = sum(1 for _, seen in result.expects if seen.met)
        expected = f"{met} of {len(result.expects)}" if result.expects else ""
        style = {"failed": "bold red", "left out": "dim"}.get(result.result)
        cells = (str(result.step.number), _time(result), result.step.name or "; ".join(result.did), expected)
        table.add_row(*(plain(cell) for cell in cells), plain(result.result), style=style)
    output.show(table)
    for sentence in played.failures:
        output.say(sentence, "bold red")
    for done in (line for result in played.steps if result.failures for line in result.did):
        output.say(f"  {done}", "dim")
    left = len(played.scenario.steps) - len(played.steps)
    if left:
        output.say(f"{_steps(left)} after it {'was' if left == 1 else 'were'} not played.", "dim")
    count: Any = sum(len(result.expects) for result in played.steps)
    if played.met:
        all_of_them = "The one expectation was" if count == 1 else f"All {count} expectations were"
        output.say(f"{all_of_them} met, in {played.seconds:.1f} seconds.", "bold green")


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


def _time(result: StepResult) -> str:
    from sandbox.scenario_player import local

    return local(result.began) if result.began is not None else ""
