"""Which text from outside can be kept and shown at all?

One rule for bodies, rows, names of keys, parameters and arguments. Refused are:

- control characters except tab, line feed and carriage return: C0 (U+0000 to U+001F) and U+007F, and C1 (U+0080 to
  U+009F). A database takes no NUL, and a terminal obeys the others;
- signs that turn the direction of text (property Bidi_Control of the Unicode Character Database, PropList.txt): U+061C,
  U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. With them a line of a log or a page shows what does not stand in
  it. Letters of scripts that run from right to left need none of them;
- halves of surrogate pairs (U+D800 to U+DFFF), which no encoding can write;
- U+FFFE and U+FFFF, which are no characters, and which XML cannot hold (XML 1.0, 2.2).

Such text is refused where it comes in, with its place; nothing is taken out of it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from schemas.errors import Problem

_DIRECTIONS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
UNFIT: Final = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_DIRECTIONS}\ud800-\udfff\ufffe\uffff]")
"""Everything that text must not hold."""
REMEDY: Final = "Remove it."
MOST: Final = 20
"""Faults told of one document; a file of another kind has thousands."""
_SHOWN: Final = 80


def unfit_sentence(text: str) -> str | None:
    """What ``text`` holds that cannot be kept, as a sentence; ``None`` when it can be kept."""
    found = UNFIT.search(text)
    if found is None:
        return None
    sign = ord(found.group())
    kind = "a sign that turns the direction of text"
    if sign < 0xA0:
        kind = "a control character"
    elif sign >= 0xFFFE:
        kind = "which is no character"
    elif sign >= 0xD800:
        kind = "half of a character"
    return f"The text holds U+{sign:04X}, {kind}."


def unfit_texts(value: Any) -> list[Problem]:
    """The fault of each text in a JSON value that cannot be kept, keys included, the first :data:`MOST` of them."""
    found: list[Problem] = []
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting and len(found) < MOST:
        path, one = waiting.pop()
        if isinstance(one, str):
            if sentence := unfit_sentence(one):
                found.append(Problem("control_character", path, sentence, REMEDY))
        elif isinstance(one, dict):
            inside = [(f"{path}.{_shown(key)}" if path else _shown(key), key, item) for key, item in one.items()]
            found += [
                Problem("control_character", place, sentence, REMEDY)
                for place, key, _ in inside
                if (sentence := unfit_sentence(key))
            ]
            waiting += [(place, item) for place, _, item in reversed(inside)]
        elif isinstance(one, list):
            waiting += [(f"{path}[{index}]", item) for index, item in reversed(list(enumerate(one)))]
    return found[:MOST]


def _shown(key: str) -> str:
    """A key as a path may name it: short, and printable whatever it holds."""
    return UNFIT.sub(lambda sign: f"\\u{ord(sign.group()):04x}", key)[:_SHOWN]
