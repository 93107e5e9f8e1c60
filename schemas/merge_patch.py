"""What does a JSON document become by a merge patch? (RFC 7396)

A member of the patch replaces that of the document, ``null`` takes it away, an object is merged into an object. A
list is a value: it is replaced whole. The document given is not changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge_patch(document: Any, patch: Any) -> Any:
    """The document after the patch (RFC 7396, section 2)."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
