"""Which words does a description of goods consist of?

One normal form for every check that reads descriptions: capitals, letters and digits only, one blank before, between
and after the words, so that a phrase is looked for as ``" GIFT "`` and never found inside another word.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from schemas.text import transliterate

_PARTS: Final = re.compile(r"[A-Z0-9]+")


@lru_cache(maxsize=16_384)
def normal_words(text: str) -> str:
    """The words of ``text`` in capitals, with blanks around each; ``" "`` where there is none."""
    return f" {' '.join(_PARTS.findall(transliterate(text).upper()))} "


def normal_phrase(phrase: str) -> str:
    """A phrase as it is looked for in :func:`normal_words`."""
    return normal_words(phrase)
