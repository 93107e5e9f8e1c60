"""The sandbox on the command line: ``python -m sandbox``.

Example: ``python -m sandbox --data var/sandbox --clock 2025-03-10T09:00:00-04:00``
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from sandbox.app import Ports, play_attached, run
from sandbox.scenario import ScenarioError
from sandbox.scenario_player import play_alone
from sandbox.scenario_reading import find, read_scenario
from sandbox.settings import Settings, SettingsError, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Serve, or play a scenario; 0 after a clean stop or when all was seen, 1 when not, 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A stateful stand-in for CBP behind a service bureau, on loopback. Not CBP, not certified.",
        epilog="Example: python -m sandbox --data var/sandbox --clock 2025-03-10T09:00:00-04:00",
    )
    parser.add_argument("--config", type=Path, help="TOML file with settings")
    parser.add_argument("--data", type=Path, help="folder of the books and the key (default var/sandbox)")
    parser.add_argument(
        "--exchange", type=Path, help="folder where both sides publish their certificate (default var/exchange)"
    )
    parser.add_argument("--port", type=int, help="AS2 port, 0 for a free one (default 8471)")
    parser.add_argument("--control-port", type=int, help="control port, 0 for a free one (default 8472)")
    parser.add_argument("--sftp-port", type=int, help="port of the SFTP door, 0 for a free one (default: no SFTP door)")
    parser.add_argument("--gateway-url", help="where answers are posted (default http://127.0.0.1:8470/as2)")
    parser.add_argument("--clock", help="ISO instant the clock starts at (default: real time)")
    parser.add_argument("--speed", type=float, help="seconds of the sandbox in a real second (default 1)")
    parser.add_argument("--frozen", action="store_const", const=True, help="the clock stands still until told")
    parser.add_argument("--memory", action="store_const", const=True, help="keep the books in memory")
    parser.add_argument("--scenario", help="play this file, or one that comes with it by its name, and end")
    parser.add_argument("--attached", action="store_true", help="play it with the doors open")
    parser.add_argument("--stop-with-stdin", action="store_true", help="end when standard input closes")
    given = parser.parse_args(arguments)
    try:
        settings = load_settings(
            given.config,
            data_dir=given.data,
            exchange_dir=given.exchange,
            as2_port=given.port,
            control_port=given.control_port,
            sftp_port=given.sftp_port,
            gateway_url=given.gateway_url,
            clock=given.clock,
            speed=given.speed,
            frozen=given.frozen,
            memory=given.memory,
        )
    except SettingsError as error:
        parser.error(str(error))
    logging.basicConfig(
        level=settings.log_level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )

    def ready(ports: Ports) -> None:
        print(json.dumps({"sandbox": "ready", **ports.as_dict()}), flush=True)

    if given.attached and not given.scenario:
        parser.error("--attached is for a scenario")
    try:
        if given.scenario:
            return _play(given.scenario, settings if given.attached else None, ready)
        _serve_long()
        asyncio.run(run(settings, ready, stop_with_stdin=given.stop_with_stdin))
    except OSError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _serve_long() -> None:
    """A message of thousands of bills makes millions of objects and no cycle: Python need not search them all along,
    and what was there before never again. And whoever reads it gives way soon to the doors, where others wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(0.001)


def _play(name: str, settings: Settings | None, ready: Callable[[Ports], None]) -> int:
    """Play a scenario, attached with ``settings``; one line of JSON says what became of it."""
    try:
        scenario = read_scenario(find(name))
        if settings is None:
            played = asyncio.run(play_alone(scenario))
        else:
            attached = play_attached(settings, scenario, speed=scenario.speed, patience=scenario.patience, ready=ready)
            played = asyncio.run(attached)
    except (ScenarioError, SettingsError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    print(json.dumps(played.as_dict()), flush=True)
    return 0 if played.met else 1


if __name__ == "__main__":
    sys.exit(main())
