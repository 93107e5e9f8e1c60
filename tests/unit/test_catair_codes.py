"""Do the code lists hold CBP's codes with a source, a mark and a reading for every status?"""

from __future__ import annotations

import pytest

from schemas.catair import code_lists, code_text, look_up

READINGS = frozenset(
    (
        "accepted accepted_with_warning rejected under_review on_file no_match held hold_removed exam "
        "documents_required arrived admissible released release_suspended release_revoked cancelled "
        "warning info unknown"
    ).split()
)


@pytest.mark.parametrize("name", code_lists())
def test_every_code_has_text_source_and_mark(name: str) -> None:
    """No code stands without words, a document and a mark; readings are known words."""
    for code in code_lists()[name].codes.values():
        assert code.text, code
        assert code.source, code
        assert code.mark in ("sourced", "recalled", "unsure"), code
        assert not code.reading or code.reading in READINGS, code


@pytest.mark.parametrize("name", ["bill_dispositions", "entry_dispositions", "pga_statuses", "response_types"])
def test_every_status_has_a_reading(name: str) -> None:
    """What CBP may say about an entry, a bill or agency data is always read as something."""
    assert all(code.reading for code in code_lists()[name].codes.values())


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("bill_dispositions", 18),
        ("entry_dispositions", 39),
        ("release_origins", 10),
        ("request_refusal_reasons", 17),
        ("cancellation_reasons", 12),
        ("modes_of_transportation", 15),
    ],
)
def test_lists_are_whole(name: str, count: int) -> None:
    """The lists that CBP prints in full have all their codes."""
    assert count == len(code_lists()[name].codes)


@pytest.mark.parametrize(
    ("code", "reading"),
    [
        ("98", "released"),
        ("99", "release_suspended"),
        ("97", "admissible"),
        ("90", "under_review"),
        ("96", "documents_required"),
        ("03", "exam"),
        ("23", "cancelled"),
    ],
)
def test_readings_of_entry_dispositions(code: str, reading: str) -> None:
    """Release, suspension, review, exam and documents are told apart."""
    found = look_up("entry_dispositions", code)

    assert found is not None
    assert reading == found.reading


def test_admissible_is_not_released() -> None:
    """97 ADMISSIBLE must never be taken for a release."""
    readings = {code.code for code in code_lists()["entry_dispositions"].codes.values() if code.reading == "released"}

    assert readings == {"98"}


def test_batch_conditions_speak_cbp_words() -> None:
    """X1 texts are CBP's; the final code is BATCH REJECTED."""
    assert code_text("batch_conditions", "X39") == "DATA FOUND IN FILLER"
    assert code_text("batch_conditions", "999") == "BATCH REJECTED"
    assert [f"X{n:02}" for n in range(3, 45)] == sorted(c for c in code_lists()["batch_conditions"].codes if c > "X01")


def test_unsure_codes_are_marked() -> None:
    """A code number that was only deduced says so."""
    unsure = look_up("se_conditions", "036")
    seen = look_up("se_conditions", "007")

    assert unsure is not None
    assert seen is not None
    assert (unsure.mark, seen.mark) == ("unsure", "sourced")


def test_unknown_codes_and_lists() -> None:
    """A code that is not in its list is None, an unknown list is a mistake of the caller."""
    assert look_up("entry_types", "99") is None
    assert code_text("entry_types", "99") == ""
    with pytest.raises(KeyError):
        look_up("no_such_list", "01")
