"""How do CBP's remarks (K1) and summary (K3) read?

Neither layout is confirmed: both stand in the profile as a pattern for reading and a format for writing. Reading is
tolerant: what the pattern does not take is text without a code, never an error. Writing refuses what does not fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.errors import FormatError
from schemas.profile import Profile
from schemas.x12.problems import PlacedProblem
from schemas.x12.segments import HasElements, Segment, seg
from schemas.x12.tables import SEGMENTS


@dataclass(frozen=True, slots=True)
class Remark:
    """A K1 of a 355: ``code`` is empty where the text has none, ``value`` the copy of the bad element."""

    code: str
    text: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """The K3 of a 355; numbers are ``None`` and ``state`` is empty where the layout is not the profile's."""

    accepted: int | None
    rejected: int | None
    state: str
    text: str


def _second(k1: HasElements) -> str:
    return k1.elements[1].rstrip(" ") if len(k1.elements) > 1 else ""


def read_remark(k1: HasElements, profile: Profile) -> Remark:
    """Code, text and bad value of a K1 in a 355."""
    first = k1.elements[0] if k1.elements else ""
    second = _second(k1)
    found = re.match(profile.k1_pattern, first)
    groups = found.groupdict() if found else {}
    code = groups.get("code") or ""
    text = (groups.get("text") or "") if found else first
    if second and profile.k1_second == "text":
        return Remark(code, f"{text} {second}".strip())
    return Remark(code, text.strip(), second)


def remark_text(k1: HasElements) -> str:
    """The whole text of a K1 in a 350, where it carries words only; K102 goes on where K101 ends."""
    first = k1.elements[0].rstrip(" ") if k1.elements else ""
    return f"{first} {_second(k1)}".strip()


def write_remark(code: str, text: str, value: str, profile: Profile) -> Segment:
    """A K1 in the layout of the profile.

    Raises :class:`schemas.errors.FormatError` (``remark_too_long``) if a part does not fit its element.
    """
    first = profile.k1_first.format(code=code, text=text)
    second = text if profile.k1_second == "text" else value
    for element, content in zip(SEGMENTS["K1"].elements, (first, second), strict=True):
        if len(content) > element.longest:
            raise FormatError(
                PlacedProblem(
                    "remark_too_long",
                    f"K1.{element.reference}",
                    f"{content!r} has {len(content)} characters.",
                    f"At most {element.longest} fit.",
                    SEGMENTS["K1"].source,
                )
            )
    return seg("K1", first, second)


def read_summary(k3: HasElements, profile: Profile) -> Summary:
    """What a K3 says about the whole submission."""
    text = k3.elements[0].rstrip(" ") if k3.elements else ""
    found = re.match(profile.k3_pattern, text)
    if found is None:
        return Summary(None, None, "", text)
    return Summary(int(found["accepted"]), int(found["rejected"]), found["state"].upper(), text)


def write_summary(accepted: int, rejected: int, state: str, profile: Profile) -> Segment:
    """A K3 in the layout of the profile; ``state`` is a word such as COMPLETE or PRELIMINARY."""
    return seg("K3", profile.k3_format.format(accepted=accepted, rejected=rejected, state=state))
