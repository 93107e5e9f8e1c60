"""Which promise is broken, and how does it show?"""

from __future__ import annotations


class Broken(AssertionError):
    """A promise that does not hold: its name, and what shows it."""

    def __init__(self, promise: str, text: str) -> None:
        super().__init__(f"{promise}: {text}")
        self.promise = promise
