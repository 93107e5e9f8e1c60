"""Does every promise hold? The first half of the thousand seeds."""

from __future__ import annotations

import pytest

from tests.simulation.seeds import FIRST_HALF, check_seeds


@pytest.mark.parametrize("first", FIRST_HALF)
def test_every_promise_holds(first: int) -> None:
    """Whatever the seeds bring."""
    check_seeds(first)
