"""How is a scenario read from TOML? With every fault in it named by its place; nothing is guessed.

Instants are TOML's own (``2025-03-10T09:00:00-04:00``) or the same as text; without an offset they are Eastern time.
Durations are seconds or ISO text (``PT30M``). A file that a step sends is looked for beside the scenario.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

from sandbox.clock import EASTERN, duration, instant
from sandbox.faults import FaultsError, read_faults
from sandbox.orders import ACTS
from sandbox.scenario import MODES, PATIENCE, Act, Condition, Scenario, ScenarioError, Step, ToSend, shipped
from sandbox.scenario_files import ENTRY, MANIFEST, SHIPMENT, Files
from sandbox.scenario_words import meant, wrong_words
from sandbox.settings import Behaviour, SettingsError, load_settings

_TOP: Final = frozenset({"name", "about", "clock", "behaviour", "filers", "patience", "step"})
_ORDER: Final = ("clock", "faults", "send", "arrive", *ACTS, "push")
"""In which order the acts of one step are done."""
_STEP: Final = frozenset({"name", "at", "when", "wait", "expect", "within", "only", *_ORDER})
CONDITIONS: Final = {
    "trip": frozenset({"state", "shipments"}),
    "shipment": frozenset({"state", "hold", "entry", "entry_type", "trip"}),
    "entry": frozenset({"state", "type"}),
    "answer": frozenset({"shipment", "entry", "trip", "code", "text", "times", "never"}),
    "count": frozenset({"state", "is", "at_least"}),
    "nothing_due": frozenset[str](),
}
"""What each kind of condition may ask for besides what it is about."""
COUNTED: Final = ("manifests", "shipments", "entries", "received", "sent")
_T = TypeVar("_T")
_MOST_BYTES: Final = 64 * 1024 * 1024


def find(name: str) -> Path:
    """A scenario file, or one that comes with the sandbox, by its name."""
    path = Path(name)
    return path if path.exists() or path.suffix else shipped().get(name, path)


def read_scenario(path: Path) -> Scenario:
    """Read a scenario. Raises :class:`ScenarioError` with every fault."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        known = ", ".join(shipped())
        text = f"{path} cannot be read ({error.strerror or error}); with the sandbox come: {known}"
        raise ScenarioError(path, [("", text)]) from error
    except (UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError(path, [("", f"{path} is not TOML: {error}")]) from error
    return _Reading(path).scenario(table)


@dataclass(slots=True)
class _Reading:
    """One file being read; ``reasons`` gathers what is wrong."""

    path: Path
    reasons: list[tuple[str, str]] = field(default_factory=list)
    files: Files = field(default_factory=Files)
    filers: tuple[str, ...] = ()
    now: datetime = field(default_factory=lambda: datetime(2025, 3, 10, tzinfo=EASTERN))

    def scenario(self, table: dict[str, Any]) -> Scenario:
        """The whole file."""
        self._known(table, _TOP, "")
        clock = self._table(table, "clock", "")
        self._known(clock, frozenset({"start", "speed"}), "clock")
        self.now = self._when(clock, "start", "clock") or self.now
        speed = self._number(clock, "speed", "clock", 0.0)
        names = table.get("filers", [])
        if not isinstance(names, list) or not all(isinstance(one, str) and one for one in names):
            self._wrong("filers", "is a list of names")
            names = []
        self.filers = tuple(names)
        raw = table.get("step")
        steps: list[Step] = []
        if not isinstance(raw, list) or not raw or not all(isinstance(one, dict) for one in raw):
            self._wrong("step", "is missing: write [[step]] tables")
        else:
            steps = [self._step(number, one) for number, one in enumerate(raw, 1)]
        behaviour = self._behaviour(self._table(table, "behaviour", ""))
        patience = self._number(table, "patience", "", PATIENCE)
        name, about = self._text(table, "name", "", self.path.stem), self._text(table, "about", "", "")
        if self.reasons:
            raise ScenarioError(self.path, self.reasons)
        return Scenario(
            name, self.path, about, self.now, tuple(steps), speed=speed, patience=patience, filers=self.filers,
            behaviour=behaviour,
        )  # fmt: skip

    def _behaviour(self, table: dict[str, Any]) -> Behaviour:
        unknown = sorted(set(table) - {f.name for f in fields(Behaviour)})
        for name in unknown:
            near = get_close_matches(name, [f.name for f in fields(Behaviour)], 1)
            hint = f"; did you mean {near[0]!r}?" if near else "; docs/sandbox.md and `Behaviour` have them"
            self._wrong(f"behaviour.{name}", f"is no switch of CBP's conduct{hint}")
        try:
            return Behaviour() if unknown else load_settings(None, {}, **table).behaviour
        except SettingsError as error:
            self._wrong("behaviour", str(error))
            return Behaviour()

    # ------------------------------------------------------------------ steps

    def _step(self, number: int, table: dict[str, Any]) -> Step:
        name = table["name"] if isinstance(table.get("name"), str) else ""
        place = f"step {number}" + (f" “{name}”" if name else "")
        before = len(self.reasons)
        self._known(table, _STEP, place)
        at, after = self._time(table, place)
        when = self._conditions(table.get("when", []), f"{place}: when")
        if when and (at is not None or after is not None):
            self._wrong(place, "begins at a time or when something is seen, not both")
        expects = self._conditions(table.get("expect", []), f"{place}: expect")
        acts = tuple(act for kind in _ORDER if kind in table for act in self._acts(kind, table, place))
        if len(self.reasons) == before and not (acts or expects or when or at or after):
            self._wrong(place, "does nothing and expects nothing")
        only = self._text(table, "only", place, "")
        if only and only not in MODES:
            self._wrong(f"{place}: only", f"is {' or '.join(MODES)}")
        return Step(
            number, name, at, after, when, self._span(table, "wait", place, timedelta(days=1)), acts, expects,
            self._span(table, "within", place, timedelta(0)), only,
        )  # fmt: skip

    def _time(self, table: dict[str, Any], place: str) -> tuple[datetime | None, timedelta | None]:
        value = table.get("at")
        if isinstance(value, str) and value.startswith("+"):
            try:
                return None, duration(value[1:])
            except ValueError:
                self._wrong(f"{place}: at", f"{value!r} is no time after the step before; write it like +PT10M")
                return None, None
        return self._when(table, "at", place), None

    def _acts(self, kind: str, table: dict[str, Any], place: str) -> Iterator[Act]:
        value, where = table[kind], f"{place}: {kind}"
        if kind == "send":
            for number, one in enumerate(value if isinstance(value, list) else [value]):
                yield from self._send(one, f"{where}[{number}]" if isinstance(value, list) else where)
        elif kind == "faults":
            try:
                yield Act(kind, read_faults(value))
            except FaultsError as error:
                for path, text in error.reasons:
                    self._wrong(f"{where}.{path}" if path else where, f"cannot be used: {text}")
        elif kind == "clock":
            yield from self._clock(value, where)
        elif kind == "push":
            if value is not True:
                self._wrong(where, "is true: CBP says the next thing now")
            yield Act(kind, True)
        else:
            named = value if isinstance(value, list) else [value]
            if not named or not all(isinstance(one, str) and one for one in named):
                self._wrong(
                    where, "is a trip number" if kind == "arrive" else "is a shipment control number, or several"
                )
            else:
                yield from (Act(kind, one) for one in named)

    def _clock(self, value: Any, where: str) -> Iterator[Act]:
        if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"set", "advance"}:
            self._wrong(where, "is one of set (an instant) and advance (a duration)")
        elif "set" in value:
            moment = self._when(value, "set", where)
            if moment is not None:
                yield Act("clock", moment)
        else:
            by = self._tried(f"{where}.advance", lambda: duration(value["advance"]))
            if by is not None:
                yield Act("clock", by)

    def _send(self, table: Any, place: str) -> Iterator[Act]:
        if not isinstance(table, dict) or len({"file", "manifest", "entries"} & set(table)) != 1:
            self._wrong(place, "is a table with one of file, manifest and entries")
            return
        self._known(table, frozenset({"file", "manifest", "entries", "filer"}), place)
        filer = self._text(table, "filer", place, "")
        if filer and filer not in self.filers:
            self._wrong(f"{place}.filer", f"{filer!r} is none of the filers of this scenario")
        made = self._tried(place, lambda: self._made(table, filer, place))
        if made is not None:
            yield Act("send", made)

    def _made(self, table: dict[str, Any], filer: str, place: str) -> ToSend | None:
        if "file" in table:
            return self._file(self._text(table, "file", place, ""), filer)
        if "manifest" in table:
            good = self._is_manifest(table["manifest"], f"{place}.manifest")
            return self.files.manifest(table["manifest"], filer) if good else None
        good = self._are_tables(table["entries"], ENTRY, "shipment", f"{place}.entries")
        return self.files.entries(table["entries"], filer, self.now) if good else None

    def _file(self, name: str, filer: str) -> ToSend:
        path = self.path.parent / name
        if not path.resolve().is_relative_to(self.path.parent.resolve()):
            raise ValueError(f"{name!r} leads out of the scenario's folder; put the file beside the scenario")
        try:
            payload = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else None
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
        if payload is None:
            raise ValueError(f"{path} is larger than {_MOST_BYTES} bytes")
        return ToSend(path.name, f"the file {path.name}", payload, filer)

    def _is_manifest(self, table: Any, place: str) -> bool:
        if not isinstance(table, dict):
            self._wrong(place, "is a table")
            return False
        before = len(self.reasons)
        self._known(table, MANIFEST, place)
        for name in ("trip", "arrives"):
            if name not in table:
                self._wrong(f"{place}.{name}", "is missing")
        arrives = self._when(table, "arrives", place)
        if arrives is not None:
            table["arrives"] = arrives
        self._are_tables(table.get("shipments", []), SHIPMENT, "scn", f"{place}.shipments")
        return len(self.reasons) == before

    def _are_tables(self, tables: Any, known: frozenset[str], needed: str, place: str) -> bool:
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            self._wrong(place, "is a list of tables")
            return False
        before = len(self.reasons)
        for number, one in enumerate(tables):
            self._known(one, known, f"{place}[{number}]")
            if needed not in one:
                self._wrong(f"{place}[{number}].{needed}", "is missing")
            repeat = one.get("repeat", 1)
            if not isinstance(repeat, int) or isinstance(repeat, bool) or not 1 <= repeat <= 9999:
                self._wrong(f"{place}[{number}].repeat", "is a number from 1 to 9999")
            for name, value in one.items():
                if name not in {"repeat", "value"} and not isinstance(value, str):
                    self._wrong(f"{place}[{number}].{name}", "is text")
        return len(self.reasons) == before

    # ------------------------------------------------------------------ conditions

    def _conditions(self, raw: Any, place: str) -> tuple[Condition, ...]:
        listed = raw if isinstance(raw, list) else [raw]
        out: list[Condition] = []
        for number, one in enumerate(listed):
            where = f"{place}[{number}]" if isinstance(raw, list) else place
            out += self._condition(one, where)
        return tuple(out)

    def _condition(self, table: Any, place: str) -> Iterator[Condition]:
        kinds = [kind for kind in CONDITIONS if isinstance(table, dict) and kind in table]
        # an answer, or a shipment, may name a shipment, trip or entry besides
        kind = next((k for k in ("answer", "count", "nothing_due", "shipment", "trip", "entry") if k in kinds), "")
        if not kind:
            self._wrong(place, f"is a table with one of {', '.join(CONDITIONS)}")
            return
        about = table[kind]
        wants = {name: value for name, value in table.items() if name != kind}
        before = len(self.reasons)
        self._known(wants, CONDITIONS[kind], place)
        self._check(kind, about, wants, place)
        if len(self.reasons) == before:
            for one in about if isinstance(about, list) else [about]:
                yield Condition(kind, str(one) if kind != "nothing_due" else "", wants)

    def _check(self, kind: str, about: Any, wants: dict[str, Any], place: str) -> None:
        several = kind in {"shipment", "entry"} and isinstance(about, list)
        if kind == "nothing_due":
            if about is not True:
                self._wrong(f"{place}.nothing_due", "is true")
        elif not all(isinstance(one, str) and one for one in (about if several else [about])):
            self._wrong(f"{place}.{kind}", "is text")
        elif kind == "count" and about not in COUNTED:
            self._wrong(f"{place}.count", f"is one of {', '.join(COUNTED)}")
        if kind == "count" and len({"is", "at_least"} & set(wants)) != 1:
            self._wrong(place, "needs one of is and at_least")
        if kind in {"trip", "shipment", "entry"} and not wants:
            self._wrong(place, f"says nothing that the {kind} should be: {', '.join(sorted(CONDITIONS[kind]))}")
        for name in {"is", "at_least", "times", "shipments"} & set(wants):
            if not isinstance(wants[name], int) or isinstance(wants[name], bool) or wants[name] < 0:
                self._wrong(f"{place}.{name}", "is a whole number")
        for name in set(wants) - {"is", "at_least", "times", "shipments", "never"}:
            any_of = wants[name] if kind in {"trip", "shipment", "entry"} else [wants[name]]
            listed = any_of if isinstance(any_of, list) else [any_of]
            if not listed or not all(isinstance(one, str) for one in listed):
                self._wrong(f"{place}.{name}", "is text")
        for name, text in wrong_words(kind, about, wants):
            self._wrong(f"{place}.{name}", text)
        if not isinstance(wants.get("never", False), bool):
            self._wrong(f"{place}.never", "is true or false")

    # ------------------------------------------------------------------ small things

    def _wrong(self, place: str, text: str) -> None:
        self.reasons.append((place, text))

    def _tried(self, place: str, call: Callable[[], _T]) -> _T | None:
        """What the call gives; ``None`` when it complains, which is noted."""
        try:
            return call()
        except (TypeError, ValueError, OverflowError) as error:
            self._wrong(place, f"cannot be used: {error}")
            return None

    def _known(self, table: dict[str, Any], known: frozenset[str], place: str) -> None:
        for name in sorted(set(table) - known):
            self._wrong(f"{place}: {name}" if place else name, f"is no key here{meant(name, sorted(known))}")

    def _table(self, table: dict[str, Any], name: str, place: str) -> dict[str, Any]:
        value = table.get(name, {})
        if not isinstance(value, dict):
            self._wrong(f"{place}{name}", "is a table")
            return {}
        return value

    def _text(self, table: dict[str, Any], name: str, place: str, default: str) -> str:
        return str(self._typed(table, name, place, default, "is text", lambda value: isinstance(value, str)))

    def _number(self, table: dict[str, Any], name: str, place: str, default: float) -> float:
        def good(value: Any) -> bool:
            return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1e9

        return float(self._typed(table, name, place, default, "is a number from 0", good))

    def _typed(
        self, table: dict[str, Any], name: str, place: str, default: Any, text: str, good: Callable[[Any], bool]
    ) -> Any:
        value = table.get(name, default)
        if good(value):
            return value
        self._wrong(f"{place}: {name}" if place else name, text)
        return default

    def _span(self, table: dict[str, Any], name: str, place: str, default: timedelta) -> timedelta:
        if name not in table:
            return default
        span = self._tried(f"{place}: {name}", lambda: duration(table[name]))
        return default if span is None else span

    def _when(self, table: dict[str, Any], name: str, place: str) -> datetime | None:
        value = table.get(name)
        if value is None:
            return None
        if isinstance(value, datetime):
            return value if value.tzinfo is not None else value.replace(tzinfo=EASTERN)
        return self._tried(f"{place}: {name}", lambda: instant(value))
