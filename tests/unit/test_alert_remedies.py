"""Whatever alert is raised, a person is told what to do about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from filings.alert_remedies import REMEDIES, remedy
from filings.deadlines import KINDS
from filings.lifecycle import FILING, SHIPMENT, TRIP

ROOT = Path(__file__).parents[2]


def raised() -> Iterator[str]:
    """Kinds that the code names where it makes an alert, and those of the lifecycle's tables and the deadlines."""
    for path in [*ROOT.glob("filings/**/*.py"), *ROOT.glob("gateway/**/*.py")]:
        tree = ast.parse(path.read_text("utf-8"))
        words = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Alert" and node.args:
                kind = node.args[0]
                if isinstance(kind, ast.Constant):
                    yield str(kind.value)
                elif isinstance(kind, ast.Name) and kind.id in words:
                    yield str(words[kind.id])
    for table in (FILING, SHIPMENT, TRIP):
        for row in table.values():
            yield from (cell.alert for cell in row.values() if cell.alert)
    yield from KINDS


def test_every_kind_that_is_raised_has_a_remedy() -> None:
    """No alert without a sentence on what a person does; a sentence each."""
    kinds = set(raised())
    assert len(kinds) > 20
    assert kinds - set(REMEDIES) == set()
    assert all(text.endswith((".", "TEXT.", "INSTANT.")) for text in REMEDIES.values())


def test_a_kind_of_tomorrow_has_a_word_too() -> None:
    """A kind that an older program does not know is shown all the same."""
    assert remedy("something_new")
