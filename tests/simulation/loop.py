"""How does a run come out the same each time? An event loop in which nothing happens at once.

What the workers hand to a thread is done at once and in place, so no thread finishes before another one by luck. The
order of everything else is the order in which it was asked for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, cast

T = TypeVar("T")


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop without threads."""

    def run_in_executor(  # type: ignore[override]
        self, _executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Do it now; the future is done when it is given back."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits the future
            done.set_exception(error)
        return done

    @property
    def still(self) -> bool:
        """Whether nothing waits to be run but whoever asks."""
        return not cast("deque[Any]", self._ready)  # type: ignore[attr-defined]
