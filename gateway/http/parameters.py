"""Which parameters did the caller give, and are they what the table of routes says?

Path, query and header parameters are read by the JSON Schema that the route publishes for them, so
that the document and the behaviour cannot differ. A query parameter that is not in the table, or is
given twice, is an error: a filter that is misspelt must not answer with everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import MultiMapping

from gateway.http.auth import PUBLIC
from gateway.http.problems import HttpProblem, bad_parameter
from gateway.http.route import Parameter, Route
from gateway.http.routes import BY_NAME
from schemas.errors import Problem
from schemas.model import EARLIEST_YEAR, LATEST_YEAR, in_years
from schemas.plain_text import REMEDY, UNFIT

PARAMETERS: Final[web.RequestKey[dict[str, Any]]] = web.RequestKey("parameters", dict)

_INTEGER: Final = re.compile(r"\d{1,18}")
_BLANK: Final = re.compile("[\t\n\r]")


@web.middleware
async def parameters_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the parameters of every route that asks for a key; the others take none."""
    route = BY_NAME.get(request.match_info.route.name or "")
    if route is not None and route.name not in PUBLIC:
        request[PARAMETERS] = read_parameters(request, route)
    return await handler(request)


def read_parameters(request: web.Request, route: Route) -> dict[str, Any]:
    """The parameters by name; absent ones are ``None`` or their default. Raises 400 as HttpProblem."""
    known = {parameter.name for parameter in route.parameters if parameter.place == "query"}
    for name in request.query:
        if name not in known:
            listed = f"Known here: {', '.join(sorted(known))}." if known else "This route takes none."
            text = f"There is no parameter {name[:80]!r}."
            raise HttpProblem(400, Problem("unknown_parameter", name[:80], text, listed))
    places: Mapping[str, Mapping[str, str]] = {
        "path": request.match_info,
        "query": request.query,
        "header": request.headers,
    }
    for parameter in route.parameters:
        given = places[parameter.place]
        if isinstance(given, MultiMapping) and len(given.getall(parameter.name, [])) > 1:
            text = f"{parameter.name!r} is given more than once."
            raise HttpProblem(400, Problem("repeated_parameter", parameter.name, text, "Give it once."))
    return {
        parameter.name: _value(parameter, places[parameter.place].get(parameter.name)) for parameter in route.parameters
    }


def _value(parameter: Parameter, text: str | None) -> Any:
    schema = parameter.schema
    if text is None:
        return schema.get("default")
    if schema["type"] == "integer":
        return _integer(parameter, text)
    if "enum" in schema:
        if text not in schema["enum"]:
            known = f"Use one of: {', '.join(schema['enum'])}."
            raise bad_parameter(parameter.name, text, "is not known here.", known)
        return text
    if schema.get("format") == "date":
        return _day(parameter, text)
    if parameter.place == "header":
        text = text.strip()
    if UNFIT.search(text) or _BLANK.search(text):
        raise bad_parameter(parameter.name, text, "holds a control character.", REMEDY)
    if not text.strip() or len(text) > schema["maxLength"]:
        most = schema["maxLength"]
        raise bad_parameter(parameter.name, text, "is empty or too long.", f"Give 1 to {most} characters.")
    return text


def _integer(parameter: Parameter, text: str) -> int:
    least, most = parameter.schema.get("minimum", 0), parameter.schema.get("maximum")
    value = int(text) if _INTEGER.fullmatch(text) and text.isascii() else -1
    if value < least or (most is not None and value > most):
        bounds = f"from {least}" + (f" to {most}" if most is not None else "")
        raise bad_parameter(parameter.name, text, "is not a number that fits.", f"Give a whole number {bounds}.")
    return value


def _day(parameter: Parameter, text: str) -> date:
    try:
        if len(text) == len("YYYY-MM-DD"):
            day = date.fromisoformat(text)
            if in_years(day):
                return day
    except ValueError:
        pass  # the one error below says it: this is no day of the calendar
    years = f"{EARLIEST_YEAR} to {LATEST_YEAR}"
    raise bad_parameter(parameter.name, text, "is not a day.", f"Write a real day of {years} as YYYY-MM-DD.")
