"""The X12 tables and the profile: complete, marked, and usable as they stand."""

from __future__ import annotations

import pytest

import schemas.x12
from schemas.errors import FormatError
from schemas.profile import FACT_NAMES, MARKS, load_profile
from schemas.x12 import CODES, SEGMENTS, SETS
from schemas.x12.grammar import grammar
from schemas.x12.tables import LoopDef

MEANINGS = set(
    "accepted accepted_with_warning rejected under_review on_file no_match held hold_removed exam documents_required "
    "arrived admissible released release_suspended release_revoked cancelled warning info unknown".split()
)


def places(loop: LoopDef) -> list[LoopDef]:
    return [one for member in loop.members for one in (member, *places(member))]


def test_public_names_are_importable() -> None:
    """Every name that the package lists is there."""
    assert [name for name in schemas.x12.__all__ if not hasattr(schemas.x12, name)] == []


def test_every_row_has_a_source() -> None:
    """Segments, sets and code lists name where they come from."""
    assert [
        row.name for table in (SEGMENTS, SETS, CODES) for row in table.values() if not row.source or not row.name
    ] == []


def test_elements_count_from_one_and_name_their_place() -> None:
    """Positions run without a gap and references carry them."""
    for segment in SEGMENTS.values():
        assert [one.position for one in segment.elements] == list(range(1, len(segment.elements) + 1))
        assert [one.reference for one in segment.elements] == [
            f"{segment.id}{at + 1:02d}" for at in range(len(segment.elements))
        ]


def test_rules_speak_of_elements_that_exist() -> None:
    """A relational rule never points beyond its segment."""
    assert [
        (segment.id, str(rule))
        for segment in SEGMENTS.values()
        for rule in segment.rules
        if max(rule.positions) > len(segment.elements)
    ] == []


@pytest.mark.parametrize("set_id", SETS)
def test_sets_begin_with_st_and_end_with_se(set_id: str) -> None:
    """Each set runs from ST to SE, holds known segments only, and both are mandatory."""
    structure = SETS[set_id].structure

    assert (structure.members[0].id, structure.members[-1].id) == ("ST", "SE")
    assert all(one.id in SEGMENTS for one in places(structure))
    assert set(grammar(set_id).segments) == {one.id for one in places(structure)}


def test_a_remark_may_follow_every_echoed_segment_of_a_355() -> None:
    """In the 355 each segment but ST, K1, K3 and SE opens a loop that takes K1."""
    silent = [
        one.id for one in places(SETS["355"].structure)
        if one.id not in ("ST", "SE", "K1", "K3") and "K1" not in {member.id for member in one.members}
    ]  # fmt: skip

    assert silent == []


def test_everything_in_a_309_may_be_echoed_in_a_355() -> None:
    """No segment of the manifest is unknown to its answer."""
    assert {one.id for one in places(SETS["309"].structure)} <= {one.id for one in places(SETS["355"].structure)}


@pytest.mark.parametrize("name", ["default", "alternate"])
def test_profile_facts_are_marked(name: str) -> None:
    """Each fact has a mark and a source, and the attribute is the fact's value."""
    profile = load_profile(name)

    assert set(profile.facts) == set(FACT_NAMES)
    for key, fact in profile.facts.items():
        assert fact.mark in MARKS
        assert fact.source
        assert getattr(profile, key) == fact.value


def test_the_alternate_profile_differs_where_it_matters() -> None:
    """Separators, trip number, roles, bill types and remark layout are other ones in the alternate profile."""
    one, other = load_profile(), load_profile("alternate")

    facts = "segment_terminator component_separator trip_number_element crew_role_codes bill_types k1_first k3_format"
    for fact in facts.split():
        assert one.fact(fact).value != other.fact(fact).value


def test_dispositions_use_the_gateways_words() -> None:
    """Each disposition means one of the known words; released is only 1B and 1C; an unknown code releases nothing."""
    profile = load_profile()

    assert {row.meaning for row in profile.dispositions.values()} <= MEANINGS
    assert {code for code, row in profile.dispositions.items() if row.meaning == "released"} == {"1B", "1C"}
    assert profile.disposition("QQ").meaning == "unknown"
    assert profile.disposition(profile.entry_not_on_file_code).meaning == "no_match"


def test_error_places_are_segments_or_elements_of_the_tables() -> None:
    """What a 355 error points to exists."""
    profile = load_profile()
    references = {element.reference for segment in SEGMENTS.values() for element in segment.elements} | set(SEGMENTS)

    assert {place for error in profile.errors.values() for place in error.places} <= references
    assert {place for error in profile.error_texts.values() for place in error.places} <= references


def test_errors_are_found_by_number_or_wording() -> None:
    """The error table is looked up by number first and by wording where no number is known."""
    profile = load_profile()

    by_number, by_wording = profile.error("470"), profile.error("NNN", "Shipment already on file")

    assert by_number is not None
    assert by_number.places == ("N1011",)
    assert by_wording is not None
    assert by_wording.places == ("M1101",)
    assert profile.error("999", "something else") is None


def test_overrides_replace_a_fact_and_say_so() -> None:
    """Settings replace a value; its mark tells that it comes from settings; the default profile stays as it is."""
    profile = load_profile(overrides={"sender_id": "SFIC", "group_versions": {"309": "005020X"}})

    assert (profile.sender_id, profile.fact("sender_id").mark) == ("SFIC", "settings")
    assert profile.group_versions["309"] == "005020X"
    assert load_profile().sender_id == "XGTW"


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"no_such_fact": "X"}, "profile_unknown_fact"),
        ({"sender_id": 7}, "profile_invalid"),
        ({"segment_terminator": "*"}, "profile_invalid"),
        ({"segment_terminator": "A"}, "profile_invalid"),
        ({"segment_terminator": ""}, "profile_invalid"),
        ({"trip_number_element": "M1001"}, "profile_invalid"),
        ({"k1_pattern": "("}, "profile_invalid"),
        ({"k3_pattern": "no groups"}, "profile_invalid"),
    ],
)
def test_an_unusable_profile_is_refused(overrides: dict[str, object], code: str) -> None:
    """Unknown facts, values of another kind, colliding separators and broken patterns do not make a profile."""
    with pytest.raises(FormatError) as refused:
        load_profile(overrides=overrides)

    assert {problem.code for problem in refused.value.problems} == {code}


def test_an_unknown_profile_is_refused() -> None:
    """Only default and alternate exist."""
    with pytest.raises(FormatError, match="profile_unknown"):
        load_profile("other")


def test_element_facts_give_positions() -> None:
    """A fact that names an element gives its position, an empty one gives none, another segment is an error."""
    profile = load_profile()

    assert profile.element_position("equipment_plate_element", "VID") == 14
    assert profile.element_position("document_issuer_element", "REF") is None
    with pytest.raises(FormatError, match="profile_invalid"):
        profile.element_position("equipment_plate_element", "VEH")
