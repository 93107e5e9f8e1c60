"""How do the maps that pyx12 reads come about? ``python -m sandbox.truck.map_maker`` writes them from ``maps/source``.

The source (three TOML files) was written from public text without looking at the gateway's tables, so that a mistake
there is not repeated here. The maps are kept as files: whoever reads pyx12's verdict needs them.

Every map holds the whole interchange, ISA to IEA, so that pyx12's own programs take it too. A mandatory
element that comes first in its segment gets a regular expression instead of a list of codes, because pyx12 would take
it for a qualifier when it looks for the segment.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

MAPS: Final = Path(__file__).with_name("maps")
_LINE: Final = re.compile(
    r"(?P<indent> *)(?P<beside>& )?(?P<id>[A-Z][A-Z0-9]{1,2}) (?P<use>[RS]) (?P<most>\d+)(?P<k1> \{K1\})?"
)
_REMARKS: Final = 10
"""How many K1 may follow an echoed segment."""


@dataclass(slots=True)
class Place:
    """One place in a set. ``rank`` orders the members of a loop; members of the same rank come in any order.

    ``most`` 0 stands for "any number": the loops of the envelope.
    """

    id: str
    use: str
    most: int
    rank: int
    members: list[Place] = field(default_factory=list)


@cache
def _source(name: str) -> Mapping[str, Any]:
    return tomllib.loads((MAPS / "source" / name).read_text("utf-8"))


def set_ids() -> list[str]:
    """The sets there are maps for."""
    return list(_source("sets.toml")["sets"])


def structure(set_id: str) -> list[Place]:
    """The places of a set, ST to SE."""
    stack: list[list[Place]] = [[]]
    for line in _source("sets.toml")["sets"][set_id]["structure"].strip("\n").splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"set {set_id}: the line {line!r} is not a place")
        del stack[len(found["indent"]) // 2 + 1 :]
        beside = stack[-1]
        rank = (beside[-1].rank + (0 if found["beside"] else 1)) if beside else 1
        place = Place(found["id"], found["use"], int(found["most"]), rank)
        if found["k1"]:
            place.members.append(Place("K1", "S", _REMARKS, 1))
        beside.append(place)
        stack.append(place.members)
    return stack[0]


def elements(segment: str, set_id: str) -> list[tuple[str, str]]:
    """Data element (or composite) and use of every place in a segment, as the set has it."""
    row = _source("segments.toml")["segments"][segment]
    listed = _pairs(row.get("elements", ""))
    listed += [("free", "S")] * (row.get("free", 0) - len(listed))
    listed += _pairs(row.get("last", ""))
    sizes = _source("sets.toml")["sets"][set_id].get("sizes", {})
    return [(sizes.get(name, name), use) for name, use in listed]


def _pairs(text: str) -> list[tuple[str, str]]:
    """``"140 R, 91 S"`` as pairs."""
    return [(one.split()[0], one.split()[1]) for one in text.split(",") if one.strip()]


def shape(data_element: str) -> tuple[str, int, int, str]:
    """Type, shortest, longest and name of a data element; a composite has the type ``composite``."""
    composites = _source("segments.toml")["composites"]
    if data_element in composites:
        return "composite", 0, 0, composites[data_element]["name"]
    kind, shortest, longest, name = _source("elements.toml")["elements"][data_element].split(" ", 3)
    return kind, int(shortest), int(longest), name


def rules(segment: str) -> list[str]:
    """Relational rules of a segment."""
    return list(_source("segments.toml")["segments"][segment].get("rules", []))


def codes(set_id: str) -> Mapping[str, Any]:
    """What is held to a list or form in a set, by element."""
    held: Mapping[str, Any] = _source("sets.toml")["sets"][set_id].get("codes", {})
    return {"ST01": [set_id], **held}


def data_elements_xml() -> str:
    """The file in which pyx12 finds types and lengths."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', _NOTE, "<data_elements>"]
    for number in _source("elements.toml")["elements"]:
        kind, shortest, longest, name = shape(number)
        lines.append(
            f'  <data_ele ele_num="{number}" data_type="{kind}" min_len="{shortest}" max_len="{longest}"'
            f" name={quoteattr(name)}/>"
        )
    return "\n".join([*lines, "</data_elements>", ""])


def index_xml() -> str:
    """The file in which pyx12 finds the map for interchange version, group version and functional identifier."""
    by_version: dict[str, list[str]] = {}
    for set_id in set_ids():
        row = _source("sets.toml")["sets"][set_id]
        for interchange, groups in row["versions"].items():
            for group in groups:
                line = f'    <map vriic="{group}" fic="{row["group"]}" abbr="{set_id}">{file_name(set_id)}</map>'
                by_version.setdefault(interchange, []).append(line)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', _NOTE, "<maps>"]
    for version in sorted(by_version):
        lines += [f'  <version icvn="{version}">', *by_version[version], "  </version>"]
    return "\n".join([*lines, "</maps>", ""])


def file_name(set_id: str) -> str:
    """The file of a set's map."""
    versions = _source("sets.toml")["sets"][set_id]["versions"]
    return f"{set_id}.{next(iter(versions.values()))[0]}.xml"


def map_xml(set_id: str) -> str:
    """The map of a set."""
    message = Place("ST", "R", 0, 1, structure(set_id)[1:])
    group = Place("GS", "R", 0, 1, [message, Place("GE", "R", 1, 2)])
    whole = Place("ISA", "R", 0, 1, [group, Place("IEA", "R", 1, 2)])
    name = _source("sets.toml")["sets"][set_id]["name"]
    lines = ['<?xml version="1.0" encoding="utf-8"?>', _NOTE, f'<transaction xid="{set_id}" name={quoteattr(name)}>']
    lines += _loop(whole, set_id, "  ")
    return "\n".join([*lines, "</transaction>", ""])


def _loop(place: Place, set_id: str, indent: str) -> Iterator[str]:
    """A loop: its head, then its members."""
    repeat = str(place.most) if place.most else "&gt;1"
    kind = "" if place.most else ' type="explicit"'
    yield (
        f'{indent}<loop xid="{place.id}_LOOP"{kind} usage="{place.use}" pos="{place.rank:03d}" repeat="{repeat}"'
        f' name="{place.id} loop">'
    )
    deeper = indent + "  "
    yield from _segment(Place(place.id, "R", 1, 0), set_id, deeper)
    for member in place.members:
        if member.members:
            yield from _loop(member, set_id, deeper)
        else:
            yield from _segment(member, set_id, deeper)
    yield f"{indent}</loop>"


def _segment(place: Place, set_id: str, indent: str) -> Iterator[str]:
    name = _source("segments.toml")["segments"][place.id]["name"]
    yield (
        f'{indent}<segment xid="{place.id}" usage="{place.use}" pos="{place.rank:03d}" max_use="{place.most}"'
        f" name={quoteattr(name)}>"
    )
    for rule in rules(place.id):
        yield f"{indent}  <syntax>{rule}</syntax>"
    held = codes(set_id)
    for at, (number, use) in enumerate(elements(place.id, set_id), 1):
        reference = f"{place.id}{at:02d}"
        yield from _element(reference, at, number, use, held.get(reference), indent + "  ")
    yield f"{indent}</segment>"


def _element(reference: str, at: int, number: str, use: str, held: Any, indent: str) -> Iterator[str]:
    kind, _, _, name = shape(number)
    if kind == "composite":
        place = f'xid="{reference}" seq="{at:02d}" data_ele="{number}" usage="{use}"'
        yield f"{indent}<composite {place} name={quoteattr(name)}>"
        inside = _source("segments.toml")["composites"][number]["elements"]
        for within, (component, component_use) in enumerate(_pairs(inside), 1):
            yield from _element(f"{reference}-{within:02d}", within, component, component_use, None, indent + "  ")
        yield f"{indent}</composite>"
        return
    head = f'{indent}<element xid="{reference}" seq="{at:02d}" data_ele="{number}" usage="{use}" name={quoteattr(name)}'
    if held is None:
        yield head + "/>"
    else:
        yield f"{head}>{_held(held, qualifier=at == 1 and use == 'R')}</element>"


def _held(held: Any, *, qualifier: bool) -> str:
    if isinstance(held, str):
        kind, _, text = held.partition(" ")
        if kind == "pattern":
            return f"<regex>{escape(text)}</regex>"
        return f'<valid_codes external="{text}"/>'
    if qualifier:
        return f"<regex>^({'|'.join(held)})$</regex>"
    return "<valid_codes>" + "".join(f"<code>{code}</code>" for code in held) + "</valid_codes>"


_NOTE: Final = "<!-- Made by python -m sandbox.truck.map_maker from the files in source: change those. -->"


def files() -> dict[str, str]:
    """Every file that is made, by its name."""
    made = {file_name(set_id): map_xml(set_id) for set_id in set_ids()}
    return {**made, "dataele.xml": data_elements_xml(), "maps.xml": index_xml()}


def main() -> int:
    """Write the files."""
    for name, text in files().items():
        (MAPS / name).write_text(text, "utf-8")
    sys.stdout.write(f"{len(files())} files written to {MAPS}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
