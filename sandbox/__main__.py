"""The sandbox on the command line: ``python -m sandbox``.

Example: ``python -m sandbox --data var/sandbox --clock 2025-03-10T09:00:00-04:00``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

from sandbox.app import Ports, run
from sandbox.settings import SettingsError, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Serve; 0 after a clean stop, 2 for wrong usage."""
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

    try:
        asyncio.run(run(settings, ready, stop_with_stdin=given.stop_with_stdin))
    except OSError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
