"""How does a person read an amendment: what differs, what is sent to the byte, what CBP does and did with it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.cli.output import Output, make_table, plain

FIELDS_SHOWN: Final = 40
MESSAGES_SHOWN: Final = 5
LINES_SHOWN: Final = 60
OTHERS_SHOWN: Final = 5
REASONS: Final = ("reason_code", "bill_reason_code", "entry_reason_code", "replaced_by", "reason")
_EXPECTED: Final = {
    "automatic": ("by itself", "green"),
    "request": ("a person decides", "yellow"),
    "open": ("by itself or a person", "yellow"),
    "refused": ("refused", "red"),
}
_STATES: Final = {
    "pending": ("not answered yet", "yellow"),
    "accepted": ("taken by CBP", "green"),
    "partly_accepted": ("taken in part", "yellow"),
    "refused": ("refused by CBP; the version before stays in force", "bold red"),
    "requested": ("a person at CBP decides; the version before stays in force until then", "yellow"),
    "not_sent": ("kept; it says nothing else to CBP", "dim"),
    "withdrawn": ("withdrawn; CBP has nothing of it", "dim"),
}

_OPEN: Final = ("pending", "requested")
"""States of a version whose end is still to come."""


def show_plan(output: Output, shown: Mapping[str, Any]) -> None:
    """The difference, what is done and expected, the exact messages, and what to know before it goes."""
    named = f"{shown['kind']} filing {shown['filing_id']}" if shown["filing_id"] else f"trip {shown['trip_number']}"
    before, after = shown["version_before"], shown["version"]
    version = f"version {before} stays" if before == after else f"version {before} becomes {after}"
    output.say(f"Trip {shown['trip_number']}, {named}: {version}", "bold")
    _show_difference(output, shown["difference"])
    for one in shown["pathways"]:
        entry_type = f" (entry type {one['entry_type']})" if one["entry_type"] else ""
        output.say(f"{one['shipment_id']} goes as {one['to']}{entry_type}, not as {one['from']}:", "bold")
        for reason in one["reasons"]:
            output.say(f"  {reason}")
    for act in shown["does"]:
        output.say(f"- {act}")
    if given := [f"{name.replace('_', ' ')} {shown[name]}" for name in REASONS if shown.get(name)]:
        output.say(f"Given: {'; '.join(given)}")
    for one in shown["expected"]:
        words, style = _EXPECTED[one["expected"]]
        output.say(f"{one['about']}: {words}. {one['text']} ({one['reference']})", style)
    for one in shown.get("messages", ())[:MESSAGES_SHOWN]:
        about = f", about {', '.join(one['about'][:8])}" if one["about"] else ""
        output.say(f"\n{one['says']}, {one['size']} bytes, next number {one['control_number']}{about}", "bold")
        for line in message_lines(one["text"]):
            output.say(f"  {line}")
    if (left := len(shown.get("messages", ())) - MESSAGES_SHOWN) > 0:
        output.say(f"and {left} more messages; --json has all of them", "dim")
    for one in shown["warnings"]:
        output.say(f"warning {one['code']}: {one['text']} {one['remedy']}".rstrip(), "yellow")
    if shown.get("needs"):
        output.say("\nBefore it goes, this must be said (in the bytes above ?? stands for a code):", "bold")
        for one in shown["needs"]:
            option = f"--{one['path'].replace('_', '-')}"
            output.say(f"- {option}: {one['text']} {one['remedy']}", "yellow")


def _show_difference(output: Output, changes: list[dict[str, Any]]) -> None:
    if not changes:
        return
    several = len({one.get("shipment_id") for one in changes}) > 1
    table = make_table("What differs")
    if several:
        table.add_column("shipment", no_wrap=True)
    for column in ("field", "old", "new"):
        table.add_column(column, ratio=1)
    for one in changes[:FIELDS_SHOWN]:
        cells = [str(one.get("shipment_id") or "trip")] if several else []
        table.add_row(*(plain(cell) for cell in [*cells, one["name"], _value(one["old"]), _value(one["new"])]))
    output.show(table)
    if len(changes) > FIELDS_SHOWN:
        output.say(f"and {len(changes) - FIELDS_SHOWN} more fields; --json has all of them", "dim")


def _value(value: Any) -> str:
    return "-" if value is None else str(value)


def message_lines(text: str) -> Iterator[str]:
    """A message by segments or records; nothing but line breaks is added. Of a long one the beginning."""
    if text.startswith("ISA") and len(text) > 105:
        terminator = text[105]
        lines = [f"{one}{terminator}" for one in text.split(terminator) if one.strip()]
    else:
        lines = text.splitlines()
    yield from lines[:LINES_SHOWN]
    if len(lines) > LINES_SHOWN:
        yield f"… and {len(lines) - LINES_SHOWN} more lines; --json has all of them"


def show_kept(output: Output, shown: Mapping[str, Any], version: int) -> None:
    """What is so now, where nothing had to be sent: a version that is only kept, shipments that are taken off."""
    if off := [str(one["shipment_id"]) for one in shown["shipments"] if one["taken_off"]]:
        listed = ", ".join(off[:OTHERS_SHOWN]) + (f" and {len(off) - OTHERS_SHOWN} more" if off[OTHERS_SHOWN:] else "")
        output.say(f"Cancelled: {listed}; must not be aboard.")
    if version == shown["version_before"]:
        output.say(f"Nothing had to be sent; the {shown['kind']} stays at version {version}.")
    else:
        output.say(f"Kept as version {version}; nothing had to be sent.")


def show_settled(output: Output, document: Mapping[str, Any]) -> None:
    """What became of each version that was made, and where the end of what is still open is seen."""
    for one in document["settled"]:
        words, style = _STATES[one["state"]]
        name = f"entry {one['entry_number']}" if one["entry_number"] else one["kind"]
        said = (one["outcome"] or {}).get("text") if one["state"] in ("refused", "partly_accepted") else None
        output.say(f"{name}, version {one['version']}: {words}" + (f" ({said})" if said else ""), style)
    if document["timed_out"]:
        output.say("CBP has not answered everything in time; see the board of the trip.", "yellow")
    still = dict.fromkeys(
        one["entry_number"] or one["filing_id"] for one in document["settled"] if one["state"] in _OPEN
    )
    for name in list(still)[:MESSAGES_SHOWN]:
        output.say(f"Next: its end is seen with: gateway filing {name}", "dim")


def show_versions(output: Output, versions: list[dict[str, Any]], zone: str = "UTC") -> None:
    """The versions of a filing: which is in force, when made and answered, what differs, who made it and why."""
    if len(versions) < 2 and not versions[0]["difference"]:
        _show_together(output, versions)
        return
    table = make_table(f"Versions (times: {zone})")
    for column in ("version", "state"):
        table.add_column(column, no_wrap=True)
    table.add_column("made, answered", no_wrap=True)
    table.add_column("sent")
    for column in ("what differs", "who and why"):
        table.add_column(column, ratio=1)
    for one in versions:
        state = str(one["state"] or "unknown").replace("_", " ") + (" (in force)" if one["in_force"] else "")
        differs = "; ".join(_change(change) for change in (one["difference"] or ())[:4])
        left = len(one["difference"] or ()) - 4
        differs += f"; and {left} more" if left > 0 else ""
        why = " ".join(part for part in (one["reason_code"], one["reason"]) if part)
        who = f"{one['made_by']}" + (f": {why}" if why else "")
        sent = "\n".join(message["name"] for message in one["messages"]) or "-"
        heard = one["settled_at"] or max((sent["answered_at"] or "" for sent in one["messages"]), default="")
        times = f"{_minute(one['made_at'], zone)}\n{_minute(heard, zone) or '-'}"
        said = (one["outcome"] or {}).get("text")
        if one["state"] in ("refused", "partly_accepted") and said:
            differs += f" CBP: {said}"
        table.add_row(*(plain(cell) for cell in (str(one["version"]), state, times, sent, differs.strip(), who)))
    output.show(table)
    _show_together(output, versions)


def _show_together(output: Output, versions: list[dict[str, Any]]) -> None:
    """What else the amendment of a version changed, with the id by which it is looked at."""
    for one in versions:
        for other in one.get("also_changed", ())[:OTHERS_SHOWN]:
            name = f"entry {other['entry_number']}" if other["entry_number"] else f"the {other['kind']}"
            state = f", {other['state'].replace('_', ' ')}" if other["state"] else ""
            sent = f": {', '.join(other['messages'])}" if other["messages"] else ""
            output.say(
                f"With version {one['version']}: {name}, version {other['version']}{state}{sent};"
                f" gateway filing {other['filing_id']}"
            )
        if (left := one.get("also_changed_count", 0) - OTHERS_SHOWN) > 0:
            output.say(f"and {left} more filings with version {one['version']}; --json has them", "dim")


def _minute(text: str | None, zone: str) -> str:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return f"{datetime.fromisoformat(text).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if text else ""


def _change(change: Mapping[str, Any]) -> str:
    of = f"{change['shipment_id']} " if change.get("shipment_id") else ""
    return f"{of}{change['name']}: {_value(change['old'])} → {_value(change['new'])}"
