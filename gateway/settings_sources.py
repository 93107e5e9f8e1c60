"""Where do the values of the settings come from, and which one wins?

A TOML file, then ``GATEWAY_*`` environment variables (two underscores for each dot), then overrides
given by the caller. A relative name of a file or folder that stands in the TOML file counts from the folder of that
file; one from the environment or an option counts from the folder where the command is given. The result is one
nested mapping, not yet checked: the models in :mod:`gateway.settings` know which keys there are.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from schemas.errors import FormatError, Problem

ENVIRONMENT_PREFIX: Final = "GATEWAY_"
CONFIG_VARIABLE: Final = "GATEWAY_CONFIG"
CLIENT_VARIABLES: Final = frozenset({CONFIG_VARIABLE, "GATEWAY_URL", "GATEWAY_API_KEY", "GATEWAY_DEBUG"})
"""Variables of the command line as a client of a running service; not settings of the service."""

_CONTAINER_LINKS: Final = re.compile(r"GATEWAY_(SERVICE_(HOST|PORT)(_.*)?|PORT(_\d+_(TCP|UDP).*)?)")
"""Kubernetes sets these by itself in every pod beside a service called ``gateway``."""


class SettingsError(FormatError):
    """The configuration is not what it claims to be; one problem per fault, path = the key."""


def read_sources(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """The merged values and what contradicts itself in them.

    ``path`` wins over ``GATEWAY_CONFIG``. Raises :class:`SettingsError` if the file cannot be read.
    """
    if path is None and environ.get(CONFIG_VARIABLE):
        path = Path(environ[CONFIG_VARIABLE])
    values: dict[str, Any] = {} if path is None else _beside(_read_toml(path), path)
    problems: list[Problem] = []
    for name, keys, text in _variables(environ):
        if not _set(values, keys, _environment_value(text)):
            sentence = f"{name} sets a part of something that has one plain value elsewhere."
            problems.append(Problem("contradiction", ".".join(keys), sentence, "Keep one of the two."))
    _merge(values, overrides)
    return values, problems


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        sentence = f"The configuration cannot be read: {error.strerror}."
        problem = Problem("unreadable_file", str(path), sentence, "Check the name and its permissions.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        sentence = f"The file is not TOML: {error}."
        problem = Problem("unreadable_toml", str(path), sentence, "Correct it at this place.")
    raise SettingsError(problem)


_PLACES: Final = (
    ("storage", "directory"),
    ("exchange", "directory"),
    ("exchange", "certificate"),
    ("exchange", "private_key"),
    ("partners", "*", "certificate"),
    ("partners", "*", "outbox"),
    ("partners", "*", "inbox"),
    ("partners", "*", "sftp", "private_key"),
    ("partners", "*", "sftp", "host_keys"),
    ("rules", "overlay"),
)
"""Settings that name a file or folder on this machine."""


def _beside(values: dict[str, Any], path: Path) -> dict[str, Any]:
    """What a file names by a relative name lies beside that file, wherever the command is given."""
    for place in _PLACES:
        _resolve(values, place, path.absolute().parent)
    return values


def _resolve(values: Any, place: tuple[str, ...], folder: Path) -> None:
    if not isinstance(values, dict):
        return  # the models tell what is wrong with it
    for name in values if place[0] == "*" else [one for one in place[:1] if one in values]:
        if len(place) > 1:
            _resolve(values[name], place[1:], folder)
        elif isinstance(values[name], str) and values[name]:
            values[name] = str(folder / Path(values[name]).expanduser())


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, list[str], str]]:
    """(variable, keys, text) of each setting in the environment, in a fixed order."""
    for name in sorted(environ):
        if not name.startswith(ENVIRONMENT_PREFIX) or name in CLIENT_VARIABLES or _CONTAINER_LINKS.fullmatch(name):
            continue
        yield name, name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"), environ[name]


def _environment_value(text: str) -> Any:
    """Text as it is; a JSON object becomes a table (``GATEWAY_FILER__DEFAULT_IMPORTER={"name": …}``)."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # a password may begin with a brace; the check of the field judges the rest


def _set(values: dict[str, Any], keys: list[str], value: Any) -> bool:
    """Put a value at a path of keys; ``False`` if a part of the path is already a plain value."""
    for key in keys[:-1]:
        nested = values.setdefault(key, {})
        if not isinstance(nested, dict):
            return False
        values = nested
    values[keys[-1]] = value
    return True


def _merge(values: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = value
