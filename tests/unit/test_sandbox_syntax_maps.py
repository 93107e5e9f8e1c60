"""The maps by which the sandbox judges: made from their source, read by pyx12, and held against the gateway's tables.

The tables of the gateway and the source of the maps were written apart from each other. Where they differ the
difference stands here with its reason; any other difference is a mistake in one of the two.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pyx12.map_if import load_map_file
from pyx12.params import ParamsBase

from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.testing import LoopbackCbp
from sandbox.truck import map_maker, syntax, x12
from schemas.x12.tables import CODES, SEGMENTS, SETS, LoopDef
from tests.acknowledgment_corpus import good, interchange

GOLDEN = Path(__file__).parents[1] / "golden" / "x12"
SETS_WITH_MAPS = map_maker.set_ids()

# What only one side has, or has otherwise, by place; a reason for each group.
TOLERANT = {
    "355/M10/K1": "written as a loop of M10; the base puts K1 after M10, which allows the same messages",
    "355/VID": "trip level: the reader takes the equipment there too",
    "355/N9": "trip level: the reader takes references there too",
    "355/P4/VEH": "trip level after P4, as CBP's 350 has it",
    "355/P4/M7": "the same",
    "355/P4/CII": "the same",
    "355/P4/VID": "the same",
    "355/P4/NM1": "the same",
    "350/P4/NM1/": "the 309's person loop; CBP's table names NM1 alone",
    "350/P4/M7A": "not used according to CBP's table, taken all the same",
    "350/P4/K1": "not used according to CBP's table, taken all the same",
    "350/P4/N9": "the readable part of CBP's table ends before it",
}
MAP_ONLY = {"355/K1": "see 355/M10/K1"}
COUNTS = {
    "355/P4/LX/N1": "base 5; the reader takes the 20 that a 309 can hold",
    "355/P4/LX/VID/N10/H1": "base 10; the reader takes the 99 that a 309 can hold",
    "350/P4/M7": "table 5; the reader takes as many as equipment can have",
}
ELEMENTS = {
    "M1123": "the element counts of later releases name 24 elements for 005020; the tables end where the pages do",
    "M1124": "the same",
    "DMA07": "a country code in the map, a free value in the tables",
    "DMA18": "the same",
    **{f"DMA{at}": "free places of the tables beyond the 18 elements of the map" for at in range(19, 31)},
}
LISTS = {
    "ST01": "the map knows its set",
    "M1009": "the truck uses P, W, Y and 3; the tables hold the whole list of X12",
    "M1201": "61 to 63 on a truck; the tables hold the whole list of X12",
    "DMG01": "the sandbox wants CCYYMMDD",
    "DMG03": "the sandbox wants F, M or U",
}


def map_places(set_id: str) -> dict[str, tuple[bool, int]]:
    """Every place of a map by its path: mandatory, how often; in order."""
    found: dict[str, tuple[bool, int]] = {}

    def walk(places: list[map_maker.Place], path: str) -> None:
        for one in places:
            found[f"{path}/{one.id}"] = (one.use == "R", one.most)
            walk(one.members, f"{path}/{one.id}")

    walk(map_maker.structure(set_id), set_id)
    return found


def table_places(set_id: str) -> dict[str, tuple[bool, int]]:
    """The same of the gateway's tables."""
    found: dict[str, tuple[bool, int]] = {}

    def walk(places: tuple[LoopDef, ...], path: str) -> None:
        for one in places:
            found[f"{path}/{one.id}"] = (one.mandatory, one.most)
            walk(one.members, f"{path}/{one.id}")

    walk(SETS[set_id].structure.members, set_id)
    return found


def test_the_maps_are_what_their_source_makes() -> None:
    """The files on disk are exactly those that the source gives."""
    made = map_maker.files()
    on_disk = {file.name: file.read_text("utf-8") for file in map_maker.MAPS.glob("*.xml") if file.name != "codes.xml"}
    assert on_disk == made


@pytest.mark.parametrize("set_id", SETS_WITH_MAPS)
def test_pyx12_reads_every_map(set_id: str) -> None:
    """pyx12 takes the map and finds every data element and every list that it names."""
    root = load_map_file(map_maker.file_name(set_id), ParamsBase(), str(map_maker.MAPS))
    assert root.id == set_id
    segments = [one for one in root.loop_segment_iterator() if one.is_segment()]
    assert [one.id for one in segments][:3] == ["ISA", "GS", "ST"]
    for segment in segments:
        for element in segment.children:
            for one in element.children if element.is_composite() else [element]:
                assert one.max_len >= one.min_len >= 1
                assert one.external_codes is None or one.external_codes in root.ext_codes.codes


@pytest.mark.parametrize("set_id", SETS_WITH_MAPS)
def test_places_agree_with_the_tables(set_id: str) -> None:
    """Order, nesting, use and repetition of the segments, but for the listed differences."""
    ours, theirs = table_places(set_id), map_places(set_id)
    assert {one for one in theirs if one not in ours} == {one for one in MAP_ONLY if one.startswith(set_id)}
    assert not [one for one in ours if one not in theirs and not one.startswith(tuple(TOLERANT))]
    both = [one for one in theirs if one in ours]
    assert both == [one for one in ours if one in theirs]
    assert {one for one in both if ours[one] != theirs[one]} == {one for one in COUNTS if one.startswith(set_id)}


def element_differences(set_id: str) -> set[str]:
    """Elements of a set whose data element, use, type or lengths the map and the tables have otherwise."""
    different = set()
    for segment in {path.split("/")[-1] for path in map_places(set_id)}:
        theirs = [_shape(number, use) for number, use in map_maker.elements(segment, set_id)]
        widths = SETS[set_id].widths
        ours = [
            (one.data_element, one.use == "M", *_size(one.type, one.shortest, widths.get(one.reference, one.longest)))
            for one in SEGMENTS[segment].elements
        ]
        for at in range(max(len(ours), len(theirs))):
            if ours[at : at + 1] != theirs[at : at + 1]:
                different.add(f"{segment}{at + 1:02d}")
    return different


def test_elements_agree_with_the_tables() -> None:
    """Every element of every set, but for the listed ones, and every listed one differs."""
    assert {one for set_id in SETS_WITH_MAPS for one in element_differences(set_id)} == set(ELEMENTS)


@pytest.mark.parametrize("set_id", SETS_WITH_MAPS)
def test_rules_agree_with_the_tables(set_id: str) -> None:
    """The rules between elements are the same."""
    for segment in {path.split("/")[-1] for path in map_places(set_id)}:
        assert {_rule(one) for one in map_maker.rules(segment)} == {_rule(str(one)) for one in SEGMENTS[segment].rules}


def _shape(number: str, use: str) -> tuple[object, ...]:
    kind, shortest, longest, _ = map_maker.shape(number)
    known = number.split("-")[0]
    return (known if known.isdigit() or kind == "composite" else "", use == "R", *_size(kind, shortest, longest))


def _size(kind: str, shortest: int, longest: int) -> tuple[object, ...]:
    """Type and lengths; the tables take a composite as one value."""
    return (kind,) if kind == "composite" else (kind, shortest, longest)


def _rule(text: str) -> tuple[str, object]:
    """A rule without the order of its elements where that says nothing (P, R, E)."""
    places = [text[at : at + 2] for at in range(1, len(text), 2)]
    return text[0], frozenset(places) if text[0] in "PRE" else tuple(places)


def list_differences(set_id: str) -> set[str]:
    """Elements of a set that the map and the tables hold to different lists."""
    external = {"external amendment-reasons": sorted(syntax.code_list("amendment-reasons"))}
    different = set()
    for segment in {path.split("/")[-1] for path in map_places(set_id)}:
        for element in SEGMENTS[segment].elements:
            held = map_maker.codes(set_id).get(element.reference)
            theirs = external[held] if isinstance(held, str) else sorted(held) if held else None
            listed = CODES.get(element.codes)
            ours = sorted(listed.codes) if SETS[set_id].code_lists and listed is not None and listed.enforced else None
            if ours != theirs:
                different.add(element.reference)
    return different


def test_code_lists_agree_with_the_tables() -> None:
    """What is held to a list is the same list, but for the listed elements, and every listed one differs."""
    assert {one for set_id in SETS_WITH_MAPS for one in list_differences(set_id)} == set(LISTS)


def test_every_listed_place_differs() -> None:
    """A place that no longer differs is taken from the list above."""
    ours = {path for set_id in SETS_WITH_MAPS for path in table_places(set_id)}
    theirs = {path for set_id in SETS_WITH_MAPS for path in map_places(set_id)}
    assert all(any(path.startswith(one) for path in ours - theirs) for one in TOLERANT)


GOOD = sorted(file for file in GOLDEN.glob("*.edi") if not file.name.startswith("ta1"))


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_golden_messages_pass(file: Path) -> None:
    """Every golden message walks through the map of its set without a fault, by version and by set."""
    received = x12.take_apart(file.read_bytes())
    assert received.fault is None
    good_verdict = syntax.SyntaxVerdict("A", (), (), ())
    assert syntax.judge(received, character_faults_in_997=True) == good_verdict
    assert syntax.judge(received, set_id=file.name[:3]) == good_verdict


@pytest.mark.parametrize("set_id", SETS_WITH_MAPS)
def test_a_message_with_most_segments_passes(set_id: str) -> None:
    """The good message of the corpus walks through its map without a fault."""
    received = x12.take_apart(interchange(set_id, good(set_id)))
    assert syntax.judge(received, character_faults_in_997=True) == syntax.SyntaxVerdict("A", (), (), ())


def test_the_sandboxes_own_answers_pass() -> None:
    """997, 355 and 350 of a day at the border, with faults and without, are good messages for pyx12."""
    box = LoopbackCbp("2025-03-10T09:00:00-04:00")
    bills = [SampleBill("25031000001"), SampleBill("25031000002", kind="99"), SampleBill("HOLD25031")]
    answers = box.send(manifest_309(bills))
    bad = manifest_309([SampleBill("25031000009")], control=2).replace(b"FORT ERIE ON*1*BOX", b"*X*BOX", 1)
    answers += box.send(bad)
    lower = manifest_309([SampleBill("25031000008")], control=3, trip="TSTC2503100003").replace(b"COTTON", b"cotton")
    answers += box.send(lower)
    answers += box.send(entries_se([SampleEntry("1234567", "25031000001")]))
    answers += box.arrive("TSTC2503100001")
    seen = set()
    for answer in answers:
        if answer.kind not in {"997", "355", "350"}:
            continue
        seen.add(answer.kind)
        verdict = syntax.judge(x12.take_apart(answer.payload))
        assert verdict.accepted, (answer.kind, verdict, answer.payload)
    assert seen == {"997", "355", "350"}


@pytest.mark.parametrize("set_id", ["309", "358", "353"])
def test_every_set_that_comes_in_is_acknowledged_and_answered(set_id: str) -> None:
    """The good message of each set earns a 997 A and a 355, and both are good messages for pyx12."""
    box = LoopbackCbp("2025-03-10T09:00:00-04:00")
    answers = box.send(interchange(set_id, good(set_id)))
    assert [one.kind for one in answers] == ["997", "355"]
    assert b"AK9*A*1*1*1~" in answers[0].payload
    for answer in answers:
        assert syntax.judge(x12.take_apart(answer.payload)).accepted, answer.payload
    assert box.cbp.undigested() == []


def test_sets_are_found_by_version_and_by_name() -> None:
    """Version, release and functional identifier name the set; what has no map is said to have none."""
    assert syntax.set_of("00605", "006050", "AX") == "353"
    assert syntax.set_of("00502", "006050", "AX") is None
    assert syntax.is_supported("00502", "005020USCBP", "BD")
    assert syntax.set_ids() == set(SETS_WITH_MAPS)
    with pytest.raises(KeyError):
        syntax.map_of("999")
    other = interchange("358", good("358")).replace(b"*X*005020", b"*X*004010")
    assert syntax.judge(x12.take_apart(other)).group_codes == ("2",)
    assert syntax.judge(x12.take_apart(other), set_id="358").accepted
    foreign = interchange("358", good("358"), group=("ZZ", "1", "1"))
    assert syntax.judge(x12.take_apart(foreign)).group_codes == ("1",)


def test_composites_with_too_many_components_are_told() -> None:
    """pyx12 fails on them; the sandbox says AK403 13 and goes on."""
    message = good("309")
    at = next(place for place, row in enumerate(message) if row[0] == "REF")
    message[at] = ["REF", "5K", "T1", "", "5K>X1>5K>X2>5K>X3>5K>X4"]
    verdict = syntax.judge(x12.take_apart(interchange("309", message)))
    assert [(one.segment, one.position, [(e.position, e.code) for e in one.elements]) for one in verdict.faults] == [
        ("REF", at + 1, [("4", "13")])
    ]


@pytest.mark.parametrize("flood", [b"*", b">", b"^"])
def test_a_flood_of_separators_makes_few_objects(flood: bytes) -> None:
    """Millions of separators in one segment are a fault of it, and are not taken apart one by one."""
    import tracemalloc

    from sandbox.samples import SampleBill, manifest_309

    payload = manifest_309([SampleBill("B001")]).replace(b"COTTON", flood * 500_000)
    tracemalloc.start()
    try:
        verdict = syntax.judge(x12.take_apart(payload), character_faults_in_997=True)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not verdict.accepted
    assert most < 30_000_000
