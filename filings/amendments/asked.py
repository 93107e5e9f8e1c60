"""What did a person ask to be changed? A merge patch with its reason, or a cancellation, read without trusting it.

An amendment is a JSON merge patch (RFC 7396). Sent alone the body is the patch; with its reason, it is the member
``patch`` of an envelope. On a shipment's filing it patches the shipment. On a manifest filing it patches the trip, and
the members of ``shipments`` in it patch shipments by their id or control number: ``null`` takes one off the truck.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from schemas.errors import Problem, ShipmentError
from schemas.plain_text import REMEDY, unfit_sentence

Off = Literal["delete", "delink"]
BillAct = Literal["keep", "delete", "delink"]
LONGEST_REASON: Final = 1000
_ENVELOPE: Final = frozenset({"patch", "reason", "reason_code", "entry_reason_code", "off_the_truck", "version"})
_CANCELLATION: Final = frozenset(
    {"reason", "reason_code", "bill", "bill_reason_code", "entry_reason_code", "replaced_by", "shipments", "version"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An amendment: ``reason_code`` is X12 data element 393, ``entry_reason_code`` that of an entry that goes (SE13).

    ``off`` says how a shipment comes off the truck. ``version`` is the one the person has seen.
    """

    patch: Mapping[str, Any]
    reason: str = ""
    reason_code: str = ""
    entry_reason_code: str = ""
    off: Off = "delete"
    version: int | None = None


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """A cancellation of an entry, of one shipment's bill, or of a whole manifest.

    ``bill`` says what becomes of the bill of a cancelled entry. ``replaced_by`` is the entry under which the goods
    were cleared, for reason 03.
    """

    reason: str
    reason_code: str = ""
    bill: BillAct | None = None
    bill_reason_code: str = ""
    entry_reason_code: str = ""
    replaced_by: str = ""
    shipments: tuple[str, ...] = field(default=())
    version: int | None = None


class _Reader:
    """Reads members one by one and collects every fault."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.problems: list[Problem] = []

    def fault(self, path: str, text: str, remedy: str, code: str = "wrong_shape") -> None:
        """Remember a fault."""
        self.problems.append(Problem(code, path, text, remedy))

    def text(self, name: str, longest: int = LONGEST_REASON) -> str:
        """A text, empty where it is absent."""
        value = self.raw.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > longest:
            self.fault(name, f"{name} is a text of at most {longest} characters.", "Shorten or correct it.")
            return ""
        if sentence := unfit_sentence(value):
            self.fault(name, sentence, REMEDY, "control_character")
            return ""
        return value.strip()

    def version(self) -> int | None:
        """The version that was seen."""
        value = self.raw.get("version")
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
            return value
        self.fault("version", "version is a whole number from 1.", "Give the version that the filing shows.")
        return None

    def choice(self, name: str, known: tuple[str, ...]) -> str:
        """One of a few words, empty where it is absent."""
        value = self.raw.get(name)
        if value is None:
            return ""
        if value not in known:
            self.fault(name, f"{name} is none of {', '.join(known)}.", "Use one of them.")
            return ""
        return str(value)

    def unknown(self, known: frozenset[str]) -> None:
        """Members that nobody reads are an error: what is misspelt must not be passed over."""
        for name in self.raw:
            if name not in known:
                remedy = f"Known here: {', '.join(sorted(known))}."
                if name == "dry_run":
                    remedy = "A dry run is asked for in the address: ?dry_run=1."
                self.fault(str(name)[:80], "This key is not part of the request.", remedy, "unknown_key")


def read_amendment(raw: Any, version: int | None = None) -> Asked:
    """The amendment that a body asks for; ``version`` is that of a header. Raises ``ShipmentError`` with all faults."""
    if not isinstance(raw, Mapping):
        raise ShipmentError(_not_an_object())
    if "patch" not in raw:
        return Asked(raw, version=version)
    reader = _Reader(raw)
    reader.unknown(_ENVELOPE)
    patch = raw["patch"]
    if not isinstance(patch, Mapping):
        reader.fault("patch", "patch is not an object.", 'Send {"patch": {"consignee": {…}}}.')
    asked = Asked(
        patch if isinstance(patch, Mapping) else {},
        reader.text("reason"),
        reader.text("reason_code", 2),
        reader.text("entry_reason_code", 2),
        cast("Off", reader.choice("off_the_truck", ("delete", "delink")) or "delete"),
        reader.version() if version is None else version,
    )
    if reader.problems:
        raise ShipmentError(reader.problems)
    return asked


def read_cancellation(raw: Any, version: int | None = None) -> CancelAsked:
    """The cancellation that a body asks for. Raises ``ShipmentError`` with all faults."""
    if not isinstance(raw, Mapping):
        raise ShipmentError(_not_an_object())
    reader = _Reader(raw)
    reader.unknown(_CANCELLATION)
    reason = reader.text("reason")
    named = raw.get("shipments") or ()
    if not isinstance(named, list | tuple) or not all(isinstance(one, str) for one in named):
        reader.fault("shipments", "shipments is a list of ids or control numbers.", "Send a list of texts.")
        named = ()
    asked = CancelAsked(
        reason,
        reader.text("reason_code", 2),
        cast("BillAct | None", reader.choice("bill", ("keep", "delete", "delink")) or None),
        reader.text("bill_reason_code", 2),
        reader.text("entry_reason_code", 2),
        reader.text("replaced_by", 13).replace("-", "").upper(),
        tuple(named),
        reader.version() if version is None else version,
    )
    if reader.problems:
        raise ShipmentError(reader.problems)
    return asked


def _not_an_object() -> Problem:
    return Problem("wrong_shape", "", "The body is not an object.", "Send a JSON object.")
