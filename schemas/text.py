"""Which characters may CBP see, and how does ordinary text become them?

CBP's data character set (CSMS 12-000403, 12-000407) has capitals, digits, the space and most
keyboard specials; it has no lower case, no accents, no ``*`` and no ``\\``. Names of people and
shops do. The rule, in this order:

1. line breaks and tabs become a space, runs of spaces become one, ends are trimmed;
2. letters and signs of any script are written in ASCII (é→e, ß→ss, ø→o, “→", …→...);
3. ``*`` becomes ``+`` and ``\\`` becomes ``/``: both are separators on the wire;
4. everything is upper-cased.

What still is not in the set afterwards is an error, never dropped. Upper-casing alone is the
format and is not recorded; any other change is, as a :class:`Transliteration`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

from schemas.errors import FormatError, Problem

CBP_CHARACTERS = frozenset("!\"#$%&'()+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`{|}~ ")
"""CSMS 12-000403 and 12-000407; the space is recalled."""

CATAIR_AN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")
"""CATAIR class AN (Cargo Release v40, data classes)."""

_SPACES = re.compile(r"\s+")
_SEPARATOR_SIGNS = str.maketrans({"*": "+", "\\": "/"})
_OUTSIDE = re.compile("[^" + re.escape("".join(sorted(CBP_CHARACTERS))) + "]")
_NOT_AN = re.compile(r"[^A-Z0-9 ]+")
REFERENCE = "CSMS 12-000403"


@dataclass(frozen=True, slots=True)
class Transliteration:
    """What was written differently for CBP: ``before`` as given, ``after`` as sent."""

    path: str
    before: str
    after: str

    def as_dict(self) -> dict[str, str]:
        """The shape kept with the shipment and shown to people."""
        return {"path": self.path, "before": self.before, "after": self.after}


def _in_ascii(sign: str) -> str:
    """One sign in ASCII; a pictogram stays as it is, for it has a name but no spelling."""
    written = sign if sign.isascii() else anyascii(sign)
    return sign if written.startswith(":") and written.endswith(":") and len(written) > 2 else written


@lru_cache(maxsize=8192)
def transliterate(text: str) -> str:
    """``text`` in CBP's characters by the rule of this module; may leave signs that have no equivalent."""
    folded = _SPACES.sub(" ", text).strip()
    if not folded.isascii():
        folded = _SPACES.sub(" ", "".join(map(_in_ascii, folded))).strip()
    return folded.translate(_SEPARATOR_SIGNS).upper()


@lru_cache(maxsize=8192)
def wire_form(text: str, *, alphanumeric: bool = False) -> tuple[str, bool] | None:
    """What :func:`to_wire` or :func:`to_alphanumeric` writes, and whether more than the case changed; ``None`` where
    they raise.
    """
    try:
        wire, changed = (to_alphanumeric if alphanumeric else to_wire)(text, "")
    except FormatError:
        return None
    return wire, changed is not None


def to_wire(text: str, path: str) -> tuple[str, Transliteration | None]:
    """The wire form of ``text`` and, when more than the case changed, the record of it.

    Raises :class:`FormatError` (``invalid_character``) if something has no equivalent, and
    (``nothing_left``) if the text had content but its wire form has none.
    """
    wire = transliterate(text)
    left = _OUTSIDE.search(wire)
    if left:
        raise FormatError(
            Problem(
                "invalid_character",
                path,
                f"The character {left.group()!r} of {text!r} has no form that CBP accepts.",
                "Write the value with letters, digits and ordinary punctuation.",
                REFERENCE,
            )
        )
    if not wire and text.strip():
        raise FormatError(
            Problem(
                "nothing_left",
                path,
                f"{text!r} has no character that CBP accepts.",
                "Write it in Latin letters.",
                REFERENCE,
            )
        )
    if wire == text.upper():
        return wire, None
    return wire, Transliteration(path, text, wire)


def to_alphanumeric(text: str, path: str) -> tuple[str, Transliteration | None]:
    """The form of ``text`` for CATAIR class AN: as :func:`to_wire`, punctuation turned to spaces."""
    wire, _ = to_wire(text, path)
    plain = _SPACES.sub(" ", _NOT_AN.sub(" ", wire)).strip()
    if not plain and text.strip():
        raise FormatError(
            Problem(
                "nothing_left",
                path,
                f"{text!r} has no letter or digit.",
                "Give letters or digits.",
                "CATAIR data class AN",
            )
        )
    if plain == text.upper():
        return plain, None
    return plain, Transliteration(path, text, plain)
