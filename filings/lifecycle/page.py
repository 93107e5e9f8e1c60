"""How is the lifecycle shown to people? The page is written from the tables, so it cannot say anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from filings.lifecycle import filing, shipment, trip
from filings.lifecycle.evidence import REMOVES
from filings.lifecycle.filing import ACTS, FILING, FILING_ENDS, FILING_STARTS, OWN_ACTS, RAISED_WHILE, permitted_acts
from filings.lifecycle.shipment import SHIPMENT, SHIPMENT_ENDS, SHIPMENT_STARTS
from filings.lifecycle.states import Cell, Input, State, Why
from filings.lifecycle.trip import CROSSING, TRIP, TRIP_ACTS, TRIP_ENDS, TRIP_STARTS, permitted_trip_acts

_OPENING = """# The lifecycle

Written by `python -m filings.lifecycle --markdown` from the tables in `filings/lifecycle`; a test keeps it current.

*Received by us*, *accepted by CBP* and *released* are three things. A filing that is accepted releases nothing. A
shipment is released only when CBP has said so for that shipment, and even that is final only after arrival.

In the tables: **bold** is the next state, then the event that is told and (!) the alert that is raised. *Noted* means
kept without a change of state. An empty cell is an answer too: an act of ours is refused with the reason and the way
out that stand below each table; what CBP says is kept, changes nothing and raises an alert.

What a person sees of all this, and does about it: [trouble.md](trouble.md).
"""


def render_markdown() -> str:
    """The whole page as Markdown, with Mermaid diagrams."""
    parts = [
        _OPENING,
        "## A filing\n",
        _diagram(FILING, FILING_STARTS, {state: "" for state in FILING if state in FILING_ENDS}),
        _table(FILING, RAISED_WHILE),
        "Accepted by CBP is told as `filing.amended` when an earlier version is in force already. Our own acts are: "
        + ", ".join(sorted(_words(act) for act in OWN_ACTS))
        + ". The rest are answers of CBP.\n",
        _REFUSED,
        "What a person may ask for (*hand over*: handoffs only; what is in force at CBP is not withdrawn):\n",
        _acts(list(ACTS), {state: permitted_acts(state) for state in FILING}),
        _refusals(filing.WHY_NOT),
        "## A shipment\n",
        _diagram(SHIPMENT, SHIPMENT_STARTS, SHIPMENT_ENDS),
        _table(SHIPMENT),
        _shipment_notes(),
        _refusals(shipment.WHY_NOT),
        "## A trip\n",
        _diagram(TRIP, TRIP_STARTS, {state: "" for state in TRIP if state in TRIP_ENDS}),
        _table(TRIP),
        "What a person may ask for (*refile* where something has lapsed):\n",
        _acts(list(TRIP_ACTS), {state: permitted_trip_acts(state) for state in TRIP}),
        _refusals(trip.WHY_NOT),
        _crossing(),
    ]
    return "\n".join(parts)


_REFUSED = (
    "*Declaration refused* is raised by no cell: while something of a trip is refused there is one alert about all of "
    "it, and it ends when that is mended or off the truck.\n"
)


def _words(name: StrEnum) -> str:
    return name.value.replace("_", " ")


def _diagram(
    table: Mapping[State, Mapping[Input, Cell]],
    starts: Iterable[State],
    ends: Mapping[State, str],
) -> str:
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR"]
    lines += [f"    [*] --> {state.value}" for state in starts]
    for state, row in table.items():
        leading: dict[StrEnum, list[str]] = {}
        for what, cell in row.items():
            if cell.to is not state:
                leading.setdefault(cell.to, []).append(_words(what))
        lines += [f"    {state.value} --> {to.value}: {', '.join(whats)}" for to, whats in leading.items()]
    lines += [f"    {state.value} --> [*]" + (f": {when}" if when else "") for state, when in ends.items()]
    return "\n".join([*lines, "```", ""])


def _table(table: Mapping[State, Mapping[Input, Cell]], raised: Mapping[Any, str] = MappingProxyType({})) -> str:
    """The table; ``raised`` are the alerts that follow from a state itself, shown where it is entered."""
    states = list(table)
    inputs = _inputs(table)
    lines = [
        "| input \\ state | " + " | ".join(_words(state) for state in states) + " |",
        "|---" * (len(states) + 1) + "|",
    ]
    lines += [
        "| " + " | ".join([_words(what), *(_cell(state, table[state].get(what), raised) for state in states)]) + " |"
        for what in inputs
    ]
    return "\n".join([*lines, ""])


def _inputs(table: Mapping[State, Mapping[Input, Cell]]) -> list[Input]:
    """The inputs that have a cell, in the order of their enum."""
    used = {what for row in table.values() for what in row}
    return [what for what in type(next(iter(used))) if what in used]


def _cell(state: StrEnum, cell: Cell | None, raised: Mapping[Any, str]) -> str:
    if cell is None:
        return ""
    shown = "noted" if cell.to is state else f"**{_words(cell.to)}**"
    if cell.event is not None:
        shown += f" `{cell.event.value}`"
    entered = raised.get(cell.to, "") if cell.to is not state else ""
    alerts = [alert.replace("_", " ") for alert in (cell.alert, entered) if alert]
    return f"{shown} (!) {', '.join(alerts)}" if alerts else shown


def _acts(acts: Sequence[str], permitted: Mapping[State, Sequence[str]]) -> str:
    lines = ["| state | " + " | ".join(act.replace("_", " ") for act in acts) + " |", "|---" * (len(acts) + 1) + "|"]
    for state, allowed in permitted.items():
        lines.append("| " + " | ".join([_words(state), *("yes" if act in allowed else "" for act in acts)]) + " |")
    return "\n".join([*lines, ""])


def _refusals(why: Mapping[State, Why]) -> str:
    lines = ["Why another act is refused:\n", "| state | reason | way out |", "|---|---|---|"]
    lines += [f"| {_words(state)} | {reason} | {remedy} |" for state, (reason, remedy) in why.items()]
    return "\n".join([*lines, ""])


def _shipment_notes() -> str:
    pairs = ", ".join(f"{source} {removal} ends {placed}" for (source, removal), placed in REMOVES.items())
    return (
        "The state is read from all evidence in the order in which CBP says things happened, whatever the order of "
        "arrival. *Filed*, *on file*, *rejected* and *handed off* are what the shipment's declarations add up to: on "
        "file means that every one it needs is accepted (355 for the manifest; 355 and SX when we make the entry). "
        "Several reasons may keep goods at once; the strongest is shown (exam, hold, documents), and a removal ends "
        f"only its own hold: {pairs}. A release ends them all, because it is CBP's later word.\n"
    )


def _crossing() -> str:
    lines = ["A truck may go when every shipment aboard may cross:\n", "| shipment | the truck |", "|---|---|"]
    for state, verdict in CROSSING.items():
        lines.append(f"| {_words(state)} | {verdict.value if verdict else 'not carried'} |")
    return "\n".join([*lines, ""])
