"""Which options do several commands share?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="TOML file with settings.", exists=True, dir_okay=False, metavar="FILE"),
]
TransportOption = Annotated[
    str | None,
    typer.Option("--transport", help="Road to the simulated CBP: as2 (default) or sftp.", metavar="ROAD"),
]


def with_scheme(url: str) -> str:
    """The address as it was given; ``http://`` goes before one on this machine that has no scheme.

    Raises :class:`typer.BadParameter` for any other address without one: a key does not leave this machine unasked in
    the open.
    """
    if "://" in url:
        return url
    from gateway.cli.access import is_loopback

    if is_loopback(f"http://{url}"):
        return f"http://{url}"
    raise typer.BadParameter(f"{url!r} has no scheme: give it like https://{url}.", param_hint="--url")


UrlOption = Annotated[
    str,
    typer.Option(
        "--url", envvar="GATEWAY_URL", help="Where `gateway serve` listens.", metavar="URL", callback=with_scheme
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="GATEWAY_API_KEY",
        help="API key; on this machine the key that `gateway serve` left in its data directory is found by itself.",
        metavar="KEY",
        show_envvar=True,
    ),
]
TripFile = Annotated[
    Path, typer.Argument(help="The trip: a JSON file.", metavar="TRIP.json", exists=True, dir_okay=False)
]
ShipmentsFile = Annotated[
    Path,
    typer.Argument(
        help="The shipments: .json (array), .ndjson or .csv.", metavar="SHIPMENTS", exists=True, dir_okay=False
    ),
]
ArrivalOption = Annotated[
    str | None,
    typer.Option(
        "--arrival", help="Arrival: a day (2026-11-23) or an instant (2026-11-23T16:30:00-05:00).", metavar="INSTANT"
    ),
]

DEFAULT_URL = "http://127.0.0.1:8470"
ROADS = ("as2", "sftp")


def road(given: str | None, otherwise: str = "as2") -> str:
    """The road that was asked for; else ``otherwise``, if the simulated CBP has that one; else AS2."""
    if given is None:
        return otherwise if otherwise in ROADS else "as2"
    if given not in ROADS:
        raise typer.BadParameter(f"{given!r} is not one of {', '.join(ROADS)}.", param_hint="--transport")
    return given
