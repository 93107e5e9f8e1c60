"""What does the gateway write to standard error, and what must never stand there?

One line an event, as JSON or for a terminal, through structlog; libraries that use :mod:`logging`
come out the same way. Redaction is the last step before rendering, so that no call can forget it:
values under names that mean a secret are replaced whole, and things that look like a secret (a
bearer token, a private key, the password in an address) are replaced inside any text, tracebacks
included. Personal data of consignees is not logged by design: log identifiers, not records.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import orjson
import structlog
from pydantic import SecretBytes, SecretStr
from structlog.typing import EventDict, Processor

REDACTED: Final = "[redacted]"
MAX_DEPTH: Final = 8
"""Deeper values are shown as text: a log line is no place for a whole record."""

_SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|api_?key|authorization|cookie|private_?key|bearer|credential|^key$",
    re.IGNORECASE,
)
_SECRET_TEXT: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {REDACTED}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), REDACTED),
    (re.compile(r"(://[^\s/:@]*):[^\s/@]+@"), rf"\1:{REDACTED}@"),
    (re.compile(r"(?i)\b(password|api_?key|secret)(['\"]?\s*[=:]\s*)['\"]?[^\s'\",;}]+['\"]?"), rf"\1\2{REDACTED}"),
)

_NAMES_OF_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_QUIET_LIBRARIES: Final = ("asyncio", "sqlalchemy", "alembic", "aiohttp.access")


def redact_text(text: str) -> str:
    """``text`` without what looks like a secret."""
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any, depth: int = 0) -> Any:
    """``value`` with secrets replaced, through mappings and sequences; numbers and the like as they are."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, SecretStr | SecretBytes):
        return REDACTED
    if depth >= MAX_DEPTH:
        return redact_text(str(value))
    if isinstance(value, Mapping):
        return {
            str(name): REDACTED if _SECRET_NAME.search(str(name)) and item is not None else redact(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact_text(str(value))


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> EventDict:
    for name in list(event):
        if name in {"_record", "_from_structlog"}:
            continue
        if _SECRET_NAME.search(name) and event[name] is not None:
            event[name] = REDACTED
        else:
            event[name] = redact(event[name])
    return event


def _to_json(value: Any, default: Any = str, **_ignored: Any) -> str:
    return orjson.dumps(value, default=default).decode()


def configure_logs(form: str = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send all logs of the process to ``stream`` (standard error) as ``json``, ``console`` or ``auto``.

    May be called again; the last call wins.
    """
    stream = sys.stderr if stream is None else stream
    as_json = form == "json" or (form == "auto" and not stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    for former in [h for h in root.handlers if getattr(h, "_of_gateway", False)]:
        root.removeHandler(former)
    handler._of_gateway = True  # type: ignore[attr-defined]  # noqa: SLF001 - our own mark on our own handler
    root.addHandler(handler)
    root.setLevel(_NAMES_OF_LEVELS[level])
    for library in _QUIET_LIBRARIES:
        logging.getLogger(library).setLevel(max(logging.WARNING, _NAMES_OF_LEVELS[level]))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of one module; call its methods with a short event and named values."""
    return structlog.stdlib.get_logger(name)
