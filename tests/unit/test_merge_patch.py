"""JSON merge patches: the examples of RFC 7396, and what it leaves unsaid here."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.merge_patch import merge_patch


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_standard(document: Any, patch: Any, result: Any) -> None:
    """RFC 7396, appendix A: each document becomes what the standard says."""
    assert merge_patch(document, patch) == result


def test_what_was_given_stays_as_it_was() -> None:
    """Neither the document nor the patch is changed."""
    document, patch = {"a": {"b": "c"}, "d": [1]}, {"a": {"b": None, "e": {"f": 1}}}
    merge_patch(document, patch)["a"]["e"]["f"] = 2
    assert document == {"a": {"b": "c"}, "d": [1]}
    assert patch == {"a": {"b": None, "e": {"f": 1}}}
