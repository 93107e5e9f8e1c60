"""What can go wrong, and how it is told to a person?

The tree::

    GatewayError
    ├── ShipmentError     the data must be fixed (a shipment, a trip, a file of them)
    ├── NotFound          there is no such trip, shipment or filing
    ├── Conflict          what is asked contradicts what is already so
    ├── RuleError         not lawful on that day
    ├── FormatError       bytes, or values meant to become bytes, that are not what they claim
    ├── AgencyReject      CBP said no
    ├── TransportError    not delivered: safe to retry, or in doubt
    └── NotAllowed        who you are does not permit it

Every error that reaches a person is a list of :class:`Problem`: a stable code, the path of the
value, one plain sentence, what usually mends it, and the reference. A problem may also stand in a
result without being raised: one bad shipment never stops the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

Severity = Literal["error", "warning"]

SEND_AGAIN: Final = "Ask CBP or the service bureau to send it again; nothing of ours is to be mended."
"""The remedy of damage in a message that CBP sent: what mends it in one of ours is no advice to its receiver."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: ``code`` is stable, ``path`` points at the value, ``text`` is one sentence."""

    code: str
    path: str
    text: str
    remedy: str = ""
    reference: str = ""
    severity: Severity = "error"

    def as_dict(self) -> dict[str, str]:
        """The JSON shape used by problem documents and by ``--json`` outputs."""
        shown = {"path": self.path, "code": self.code, "text": self.text, "remedy": self.remedy}
        if self.reference:
            shown["reference"] = self.reference
        if self.severity != "error":
            shown["severity"] = self.severity
        return shown

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Problem:
        """Read back what :meth:`as_dict` wrote."""
        return cls(
            code=value["code"],
            path=value["path"],
            text=value["text"],
            remedy=value.get("remedy", ""),
            reference=value.get("reference", ""),
            severity=value.get("severity", "error"),
        )


class GatewayError(Exception):
    """Root of everything this project raises on purpose; ``problems`` is never empty."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        if not self.problems:
            raise ValueError("an error needs at least one problem")
        super().__init__(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is copied by calling its class with its message, which is not how this one is made.
        return _again, (type(self), self.__dict__)

    def __str__(self) -> str:
        return "; ".join(f"{p.code} at {p.path or '(whole)'}: {p.text}" for p in self.problems)


def _again(kind: type[GatewayError], values: dict[str, Any]) -> GatewayError:
    error = kind.__new__(kind)
    error.__dict__.update(values)
    Exception.__init__(error, str(error))
    return error


class ShipmentError(GatewayError):
    """The data must be fixed by whoever sent it."""


class NotFound(GatewayError):
    """There is no such trip, shipment or filing."""


class Conflict(GatewayError):
    """What is asked contradicts what is already so, for example changing a filed trip in place."""


class RuleError(GatewayError):
    """What was asked is not lawful on that day."""


class FormatError(GatewayError):
    """Bytes, or values meant to become bytes, are not what they claim to be."""


class AgencyReject(GatewayError):
    """CBP refused a declaration."""


class TransportError(GatewayError):
    """A transmission has no receipt; ``in_doubt`` says whether the other side may have it.

    ``needs_person``: trying again will not mend it (a wrong host key, a refused login), somebody must look.
    """

    def __init__(self, problems: Problem | Iterable[Problem], *, in_doubt: bool, needs_person: bool = False) -> None:
        super().__init__(problems)
        self.in_doubt = in_doubt
        self.needs_person = needs_person


class NotAllowed(GatewayError):
    """The caller's role does not permit this act."""
