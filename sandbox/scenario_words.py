"""Which words may a condition of a scenario use? States, holds, kinds of answers: a word that nothing can ever show
would make an expectation fail, or worse, never fail. The word that was probably meant is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from sandbox.abi.cargo_header import ENTRY_TYPES
from sandbox.cbp import DIRECT
from sandbox.truck.states import FINER, MANIFEST_STATES, SHIPMENT_STATES

NOT_ON_FILE: Final = "is not on file"
"""State of a shipment of which the books know nothing."""
ENTRY_STATES: Final = (
    "ACCEPTED", "NO_MATCH", "ADMISSIBLE", "UNDER_REVIEW", "DOCS", "RELEASED", "SUSPENDED", "CANCELLED",
)  # fmt: skip
_NONE: Final = ("none",)
_TRIP: Final = tuple(one for one in MANIFEST_STATES if one != "NONE")
_SHIPMENT: Final = (*(one for one in SHIPMENT_STATES if one not in {"NONE", "ELSEWHERE"}), *FINER, NOT_ON_FILE)
ANSWERS: Final = (*DIRECT, "350", "SO")
_TYPES: Final = (*sorted(ENTRY_TYPES), *_NONE)
_OF: Final[Mapping[tuple[str, str], Sequence[str]]] = {
    ("trip", "state"): _TRIP,
    ("shipment", "state"): _SHIPMENT,
    ("shipment", "hold"): ("HOLD", "EXAM", ""),
    ("shipment", "entry"): (*ENTRY_STATES, *_NONE),
    ("shipment", "entry_type"): _TYPES,
    ("entry", "state"): ENTRY_STATES,
    ("entry", "type"): _TYPES,
}
_COUNTED: Final[Mapping[str, Sequence[str]]] = {
    "manifests": _TRIP,
    "shipments": _SHIPMENT,
    "entries": ENTRY_STATES,
    "received": ("x12", "catair", "unknown"),
    "sent": ANSWERS,
}


def wrong_words(kind: str, about: Any, wants: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, what is wrong with its word) for every word of a condition that nothing can ever show."""
    if kind == "answer":
        yield from _wrong("answer", [about], ANSWERS, "kind of answer")
    for name, value in wants.items():
        known = _COUNTED.get(str(about), ()) if kind == "count" and name == "state" else _OF.get((kind, name), ())
        if known:
            yield from _wrong(name, value if isinstance(value, list) else [value], known, name.replace("_", " "))


def _wrong(key: str, words: Iterable[Any], known: Sequence[str], what: str) -> Iterator[tuple[str, str]]:
    for word in words:
        if isinstance(word, str) and word not in known:
            yield key, f"{word!r} is no {what} here{meant(word, known)}"


def meant(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about a word that is not known: the one that is like it, else all there are."""
    listed = [one for one in known if one]
    near = get_close_matches(word.upper(), listed, 1) or get_close_matches(word, listed, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(listed)}"
