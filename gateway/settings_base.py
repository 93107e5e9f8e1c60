"""What have all groups of settings in common?"""

from __future__ import annotations

import re

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """Base of every group of settings: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def matching(pattern: str, what: str) -> AfterValidator:
    """A check that a text is ``what``: the whole of it fits ``pattern``."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise PydanticCustomError("wrong_shape", "{value} is not {what}.", {"value": repr(value), "what": what})
        return value

    return AfterValidator(check)
