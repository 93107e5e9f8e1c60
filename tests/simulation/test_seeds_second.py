"""Does every promise hold? The second half of the thousand seeds."""

from __future__ import annotations

import pytest

from tests.simulation.seeds import SECOND_HALF, check_seeds


@pytest.mark.parametrize("first", SECOND_HALF)
def test_every_promise_holds(first: int) -> None:
    """Whatever the seeds bring."""
    check_seeds(first)
