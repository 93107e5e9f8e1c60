"""Is anything lost or filed twice when the gateway is killed while files travel through folders?

Only the boundaries of this road are died at: around each rename, and when a file is written beside its place.
"""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.crash.day import FILED
from tests.crash.place import SqliteDatabases
from tests.crash.visits import Course, kinds

KINDS: Final = frozenset(
    [f"file: {where} the rename in {what}" for where in ("before", "after") for what in ("in", "in.p7s", "done")]
    + [f"file: {where} the rename in done.p7s" for where in ("before", "after")]
    + ["file: written beside in in"]
)


@pytest.fixture(scope="module")
def course(parent: str, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The day on which the trip is filed, without a death."""
    folder = tmp_path_factory.mktemp("crash")
    made = Course(parent, folder, SqliteDatabases(folder / "template.db"), FILED, road="directory")
    asyncio.run(made.undisturbed())
    return made


@pytest.mark.parametrize("group", range(3))
def test_killed_at_every_rename(course: Course, group: int) -> None:
    """Killed before or after any rename, the day ends as if nothing had been: each file is taken once, whole."""
    numbers = range(group + 1, sum(one.startswith("file: ") for one in course.met) + 1, 3)
    died = asyncio.run(course.visit(numbers, "file"))
    assert sorted(died) == list(numbers)


def test_all_kinds_of_renames_are_visited(course: Course) -> None:
    """Ours into CBP's folder and CBP's out of ours, file and signature."""
    assert {one for one in kinds(course.met) if one.startswith("file: ")} == KINDS
