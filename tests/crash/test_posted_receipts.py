"""Is anything lost or filed twice when the gateway is killed while receipts are posted, by both sides?

Twice for each kind of boundary that these receipts have; the others are those of receipts that come in the answers.
"""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.crash.day import FILED
from tests.crash.place import SqliteDatabases
from tests.crash.visits import Course

KINDS: Final = (
    *(
        f"{where} commit: {what}"
        for where in ("before", "after")
        for what in (
            "Sender._record: handed_over",
            "Receipts.came: _settle",
            "Receipts.accept.commit",
            "ReceiptGiver.turn: take",
            "ReceiptGiver._give: given",
        )
    ),
    "send: before the body goes",
    "send: the answer is there",
)


@pytest.fixture(scope="module")
def course(parent: str, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The day on which the trip is filed, without a death."""
    folder = tmp_path_factory.mktemp("crash")
    made = Course(parent, folder, SqliteDatabases(folder / "template.db"), FILED, road="posted")
    asyncio.run(made.undisturbed())
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_killed_around_a_posted_receipt(course: Course, kind: str) -> None:
    """Killed there, the first time and the second, the day ends as if nothing had been, and no receipt is owed."""
    died = asyncio.run(course.visit((1, 2), kind))
    assert sorted(died) == [1, 2]
