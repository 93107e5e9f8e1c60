"""What does an application of CATAIR look like to the one who cuts a batch into transactions?

Each application (cargo release, entry summary, query) has one :class:`Grammar`; the reader of batches knows none of
them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.abi.columns import Layout


def _same(name: str) -> str:
    return name


@dataclass(frozen=True, slots=True)
class Grammar:
    """The records of one application.

    ``head`` opens a transaction; ``followers``: group of a record → groups that may come after it; ``unfinished``:
    groups that cannot end a transaction or be followed by another group than theirs (X37); ``loops``: how often a group
    may stand in a transaction; ``inner_loops``: how often it may stand after one record of another group (that group,
    and the number); ``name_of`` tells the record identifier from the 80 columns, ``group_of`` the group from the
    identifier (all PG records are one); ``repeats``: the fields of a record that stand side by side and must be filled
    from the left (X38), one tuple of names for each repetition; ``preparers``: whether B may carry preparer codes
    (X23); ``blocks``: most blocks in a batch, 0 any number (X41); ``guide`` is cited in the transcript; with
    ``rejects_bad_columns`` filler and characters reject the batch (X39, X40), else the application itself complains of
    them.
    """

    application: str
    guide: str
    head: str
    layouts: Mapping[str, Layout]
    followers: Mapping[str, frozenset[str]]
    name_of: Callable[[str], str]
    unfinished: frozenset[str] = frozenset()
    loops: Mapping[str, int] = field(default_factory=dict)
    inner_loops: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    group_of: Callable[[str], str] = _same
    max_transactions: int = 999
    rejects_bad_columns: bool = True
    repeats: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    preparers: bool = True
    blocks: int = 0


def followers(table: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The table of followers from texts of group names."""
    return {name: frozenset(text.split()) for name, text in table.items()}
