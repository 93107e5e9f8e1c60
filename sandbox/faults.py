"""What goes wrong on purpose on the way, how often, and when is the sandbox not there at all?

A plan holds a seed, shares between 0 and 1, and windows of the sandbox's clock. What happens to an answer, to something
that comes in or to a file follows from the seed and its number alone, so a run can be repeated. Shares of the same
things add up to 1 at most. :data:`FAULTS` is the documented table; each row of it is driven by a test through the
doors.
"""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime, time, timedelta
from difflib import get_close_matches
from typing import Any, Final

from sandbox.clock import EASTERN, instant

ANSWERS: Final = ("drop", "duplicate", "delay", "garble", "reorder", "truncate", "reset")
"""What can happen to an answer on its way out; each answer has one fate at most."""
REQUESTS: Final = ("reset", "reset_after")
"""What can happen to the line of something that comes in."""
RECEIPTS: Final = ("mdn_lost", "mdn_negative")
"""What can happen to the receipt of a message that was good."""
FILES: Final = ("system_failure",)
"""What can happen to a file when it is read."""
GROUPS: Final = {"answers": ANSWERS, "requests": REQUESTS, "receipts": RECEIPTS, "files": FILES}
RATES: Final = tuple(dict.fromkeys(name for group in GROUPS.values() for name in group))
"""All shares."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the documented table: the things concerned, what happens, and by which doors."""

    of: str
    what: str
    doors: str = "all"


FAULTS: Final = {
    "drop": Row("answers", "it is never sent; the same file again brings it again"),
    "duplicate": Row("answers", "it is sent twice: the same bytes under another Message-ID or file name"),
    "delay": Row("answers", "it is sent delay_seconds later, others pass it"),
    "garble": Row("answers", "it arrives cut off and with wrong bytes; the same file again brings it intact"),
    "truncate": Row("answers", "it arrives cut off; the same file again brings it whole"),
    "reorder": Row("answers", "it lets the next one of its filer that is ready pass"),
    "reset": Row(
        "answers and what comes in",
        "the line is cut half-way: an answer comes whole at the next try, of what came in nothing is kept",
        "AS2: the connection is reset within the body. SFTP: the session is cut within the fetch or the upload."
        " Directory: half an answer lies there as .part until the next try, a file is passed over once",
    ),
    "reset_after": Row(
        "what comes in",
        "it is committed, and the line is cut before the filer is told",
        "AS2: reset instead of the receipt. SFTP: cut instead of the answer to the rename. Directory: the file stays"
        " in `in` and is taken once more, which files nothing",
    ),
    "mdn_lost": Row(
        "good messages",
        "it is committed, and the connection is closed without any receipt",
        "AS2 alone: the others have no receipts, it does nothing there",
    ),
    "mdn_negative": Row(
        "good messages",
        "it is answered with a negative receipt (unexpected-processing-error) and is not filed; sent again it is taken",
        "AS2 alone: the others have no receipts, it does nothing there",
    ),
    "system_failure": Row(
        "files",
        "its good filings are answered with a system failure (SE90 E90; 355 with the text alone) and nothing is kept;"
        " the same bytes or new ones are taken then",
    ),
    "outages": Row(
        "time",
        "a list of windows in which nobody is there: nothing is taken, nothing is sent, what came before is kept",
        "AS2: 503. SFTP: no login, sessions are cut. Directory: nothing is looked at",
    ),
    "end_of_day": Row(
        "time",
        "a daily window, Eastern time: what comes in is receipted and held, read when the window is over, judged as of"
        " its receipt and answered then",
    ),
    "end_of_day_loses": Row(
        "time",
        "true: what the daily window held is lost without an answer; the same bytes are taken when sent after it",
    ),
}
"""The faults there are."""

_DAILY: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_MOST_WINDOWS: Final = 100
_LONGEST_DELAY: Final = 1e9


class FaultsError(ValueError):
    """A fault plan that cannot be read: (path, sentence) for each reason."""

    def __init__(self, reasons: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {text}" for path, text in reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Window:
    """From an instant (inclusive) until another (exclusive); without an end it lasts."""

    start: datetime
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether an instant lies in it."""
        return self.start <= moment and (self.end is None or moment < self.end)


@dataclass(frozen=True, slots=True)
class Mishap:
    """What happens to one thing that comes in: to its ``line`` (of :data:`REQUESTS`) and, if that holds, to its
    ``receipt`` (of :data:`RECEIPTS`); empty: nothing.
    """

    line: str = ""
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Faults:
    """A fault plan. Rates are shares; ``delay_seconds`` is how late a delayed answer comes."""

    seed: int = 0
    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    garble: float = 0.0
    reorder: float = 0.0
    truncate: float = 0.0
    reset: float = 0.0
    reset_after: float = 0.0
    mdn_lost: float = 0.0
    mdn_negative: float = 0.0
    system_failure: float = 0.0
    delay_seconds: float = 60.0
    outages: tuple[Window, ...] = ()
    end_of_day: str = ""
    end_of_day_loses: bool = False

    # ------------------------------------------------------------------ shares

    def fate(self, answer_id: int) -> str:
        """``""``, or one of :data:`ANSWERS`: what happens to an answer."""
        return self._draw(ANSWERS, str(answer_id))

    @property
    def meets_requests(self) -> bool:
        """Whether anything can happen to what comes in, so that it has to be counted."""
        return any(getattr(self, name) for name in (*REQUESTS, *RECEIPTS))

    def mishap(self, number: int) -> Mishap:
        """What happens to the ``number``-th thing that comes in."""
        return Mishap(self._draw(REQUESTS, f"in:{number}"), self._draw(RECEIPTS, f"receipt:{number}"))

    def fails(self, received_id: int) -> bool:
        """Whether CBP's system fails over a file."""
        return bool(self._draw(FILES, f"file:{received_id}"))

    def _draw(self, names: tuple[str, ...], number: str) -> str:
        draw = random.Random(f"{self.seed}:{number}").random()  # noqa: S311 - a repeatable draw is the point
        for name in names:
            rate: float = getattr(self, name)
            if draw < rate:
                return name
            draw -= rate
        return ""

    # ------------------------------------------------------------------ windows

    def is_out(self, now: datetime) -> bool:
        """Whether ``now`` lies in an outage."""
        return any(window.holds(now) for window in self.outages)

    def out_until(self, now: datetime) -> datetime | None:
        """When somebody is there again; ``None``: somebody is there, or nobody ever will be."""
        holding = [window.end for window in self.outages if window.holds(now)]
        return max((end for end in holding if end is not None), default=None) if None not in holding else None

    def is_held(self, received_at: datetime, now: datetime) -> bool:
        """Whether what came in at an instant is held by the end of the day, which is not over yet."""
        over = self.held_until(received_at)
        return over is not None and received_at <= now < over

    def held_until(self, received_at: datetime) -> datetime | None:
        """When the end of the day that holds what came in at an instant is over; ``None``: nothing held it."""
        if not self.end_of_day:
            return None
        start, end = _daily(self.end_of_day)
        local = received_at.astimezone(EASTERN)
        clock = local.time()
        inside = start <= clock < end if start < end else clock >= start or clock < end
        if not inside:
            return None
        day = local.date() if clock < end else local.date() + timedelta(days=1)
        return datetime.combine(day, end, EASTERN).astimezone(received_at.tzinfo)

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON shows it; :func:`read_faults` takes it back."""
        windows = [
            {"from": one.start.isoformat(), "until": one.end.isoformat() if one.end is not None else ""}
            for one in self.outages
        ]
        return asdict(self) | {"outages": windows}


def _daily(text: str) -> tuple[time, time]:
    match = _DAILY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    hour, minute, last_hour, last_minute = (int(one) for one in match.groups())
    return time(hour, minute), time(last_hour, last_minute)


# ---------------------------------------------------------------------------------------------------- reading


def read_faults(document: Any) -> Faults:
    """A plan from JSON; missing keys keep their defaults. ``outage_from`` and ``outage_until`` are one more window.

    Raises :class:`FaultsError` with every reason; such a plan is refused whole.
    """
    if not isinstance(document, dict):
        raise FaultsError([("", "a fault plan is a JSON object")])
    reader = _Reader(document)
    plan = reader.read()
    if reader.reasons:
        raise FaultsError(reader.reasons)
    return plan


def restore_faults(document: Any) -> Faults:
    """The fault plan a stopped sandbox left in its books."""
    return read_faults(document) if document else Faults()


class _Reader:
    """Reads one plan and notes what cannot be meant."""

    def __init__(self, document: dict[Any, Any]) -> None:
        self.document = document
        self.reasons: list[tuple[str, str]] = []

    def read(self) -> Faults:
        document = self.document
        known = {f.name for f in fields(Faults)} | {"outage_from", "outage_until"}
        listed = f"; known: {', '.join(sorted(known))}"
        for key in (str(one) for one in document if one not in known):
            near = get_close_matches(key, known, 1)
            self.reasons.append((key, "unknown key" + (f"; did you mean {near[0]!r}?" if near else listed)))
            listed = listed if near else ""  # all of them once is enough
        values: dict[str, Any] = {name: self._number(name, 1.0) for name in RATES if name in document}
        if "delay_seconds" in document:
            values["delay_seconds"] = self._number("delay_seconds", _LONGEST_DELAY)
        self._add_up(values)
        for name, kind, text in (
            ("seed", int, "the seed is a whole number"),
            ("end_of_day_loses", bool, "true or false"),
        ):
            if name in document:
                values[name] = document[name]
                if type(document[name]) is not kind:
                    self.reasons.append((name, text))
        values["outages"] = self._outages()
        if "end_of_day" in document:
            values["end_of_day"] = self._end_of_day(document["end_of_day"])
        return Faults(**values) if not self.reasons else Faults()

    def _number(self, name: str, top: float) -> float:
        value = self.document[name]
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= top:
            return float(value)
        self.reasons.append((name, f"a number from 0 to {top:g}"))
        return 0.0

    def _add_up(self, values: dict[str, Any]) -> None:
        for group, names in GROUPS.items():
            if sum(values.get(name, 0.0) for name in names) > 1 + 1e-9:
                self.reasons.append(("", f"the rates of {group} ({', '.join(names)}) add up to more than 1"))

    def _outages(self) -> tuple[Window, ...]:
        listed = self.document.get("outages", [])
        if not isinstance(listed, list) or len(listed) > _MOST_WINDOWS:
            self.reasons.append(("outages", f'a list of at most {_MOST_WINDOWS} windows {{"from": …, "until": …}}'))
            return ()
        windows = []
        for place, one in enumerate(listed):
            path = f"outages.{place}"
            if not isinstance(one, dict) or set(one) - {"from", "until"}:
                self.reasons.append((path, "a window has from and until"))
            else:
                windows.append(self._window(path, one.get("from", ""), one.get("until", ""), ".from", ".until"))
        if self.document.get("outage_from", "") != "" or self.document.get("outage_until", "") != "":
            first, last = self.document.get("outage_from", ""), self.document.get("outage_until", "")
            windows.append(self._window("outage", first, last, "_from", "_until"))
        return tuple(one for one in windows if one is not None)

    def _window(self, path: str, first: Any, last: Any, from_: str, until: str) -> Window | None:
        start, end = self._instant(path + from_, first), None
        if last != "":
            end = self._instant(path + until, last)
            if start is not None and end is not None and end <= start:
                self.reasons.append((path + until, "a window ends after it begins"))
        return Window(start, end) if start is not None else None

    def _instant(self, path: str, value: Any) -> datetime | None:
        try:
            return instant(value)
        except (TypeError, ValueError):
            self.reasons.append((path, "an ISO 8601 instant"))
            return None

    def _end_of_day(self, value: Any) -> str:
        match = _DAILY.fullmatch(value) if isinstance(value, str) else None
        if value == "" or (match is not None and value[:5] != value[6:]):
            return str(value)
        self.reasons.append(("end_of_day", "HH:MM-HH:MM, Eastern time, or an empty text"))
        return ""
