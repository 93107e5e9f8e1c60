"""The page for the people when something goes wrong leaves out no matter that they can see."""

from __future__ import annotations

from filings.alert_remedies import REMEDIES
from filings.standing import MATTERS
from gateway.docs_trouble import MEANINGS, page


def test_every_matter_is_explained_and_no_other() -> None:
    """What a view may say has a row on the page: what it means, what to do."""
    assert set(MEANINGS) == set(MATTERS)
    assert all(meaning.endswith(".") and todo.endswith((".", "`.")) for meaning, todo in MEANINGS.values())


def test_every_alert_stands_on_the_page() -> None:
    """With what a person does about it."""
    text = page()
    assert [kind for kind, todo in REMEDIES.items() if f"| `{kind}` | {todo} |" not in text] == []
