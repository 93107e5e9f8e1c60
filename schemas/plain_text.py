"""Which text from outside can be kept and shown at all?

One rule for bodies, rows, names of keys and arguments: no control character except tab and line end, for a database
takes no NUL and a terminal obeys the others, and no half of a surrogate pair, which no encoding can write. Such text is
refused where it comes in, with its place; nothing is taken out of it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from schemas.errors import Problem

UNFIT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
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
    kind = "a control character" if sign < 0x80 else "half of a character"
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
