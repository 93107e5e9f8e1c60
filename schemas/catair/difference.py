"""How does a file of CATAIR become a tree that can be compared with another?

Batches hold blocks, blocks hold transactions, and a transaction is named by its entry number. Within it a record of
:data:`GROUPS` opens a group (a bill, a party, a line, a tariff number, an agency's claim) that lasts until one of the
same or a higher rank; every other record belongs to the group that is open. A, B, Y and Z are the envelope.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.catair.frames import Batch, Block, PlacedRecord, Transaction
from schemas.catair.layouts import RECORDS
from schemas.catair.masking import masked_field
from schemas.difference import Leaf, Node
from schemas.personal import hidden, personal

_BILL: Final = ("bill_type_indicator", "issuer_code_of_bill_of_lading_number", "bill_of_lading_number")

GROUPS: Final[dict[str, tuple[int, tuple[str, ...]]]] = {
    "SE15": (1, _BILL),
    "SE20": (1, ("reference_identifier_qualifier",)),
    "SE30": (1, ("entity_code",)),
    "SE40": (1, ("line_item_identifier",)),
    "SE50": (2, ("entity_code",)),
    "SE60": (2, ()),
    "OI": (3, ()),
    "AE-OI": (3, ()),
    "PG01": (4, ("pga_line_number",)),
    "SO30": (1, ("line_item_identifier", "hts_number")),
    "SO40": (1, _BILL),
    "SO60": (1, ()),
    "SO70": (1, ()),
    "SO70.03": (1, ()),
    "AE40": (1, ("line_item_identifier",)),
    "AE50": (2, ()),
    "SF20": (1, ()),
    "SF30": (1, ("entity_code",)),
    "SF40": (1, ()),
}
"""Rank of a record that opens a group, and the fields that name it; WO records are as SO."""

NUMBER_FIELDS: Final = ("entry_filer_code", "entry_number")

Framed = tuple[Batch, Block | None, Transaction | None, PlacedRecord]


def catair_tree(records: Iterable[Framed], *, mask: bool = False) -> Node:
    """The tree of a file's records, each given with its frames, in the order of the file."""
    root = Node("file", transparent=True)
    frames: list[object] = [None, None, None]
    batch = block = transaction = root
    groups: list[tuple[int, Node]] = []
    for in_batch, in_block, in_transaction, placed in records:
        node = _node(placed, mask=mask)
        if in_batch is not frames[0]:
            batch = block = transaction = Node("batch", in_batch.application, transparent=True)
            root.children.append(batch)
            frames = [in_batch, None, None]
        if in_block is not None and in_block is not frames[1]:
            block = Node("block", transparent=True)
            batch.children.append(block)
            frames[1:] = [in_block, None]
        if node.envelope or in_transaction is None:
            (batch if placed.line[:1] in "AZ" else block).children.append(node)
            continue
        if in_transaction is not frames[2]:
            number = "".join(placed.record.text(key) for key in NUMBER_FIELDS)
            transaction = Node("entry", number)
            block.children.append(transaction)
            groups = [(0, transaction)]
            frames[2] = in_transaction
        opened = GROUPS.get("SO" + placed.layout[2:] if placed.layout.startswith("WO") else placed.layout)
        if opened is None:
            groups[-1][1].children.append(node)
            continue
        while groups[-1][0] >= opened[0]:
            groups.pop()
        node.key = "-".join(str(value) for key in opened[1] if (value := placed.record.get(key)) is not None)
        groups[-1][1].children.append(node)
        groups.append((opened[0], node))
    return root


def _node(placed: PlacedRecord, *, mask: bool) -> Node:
    defined = RECORDS.get(placed.layout)
    place = f"record {placed.number}"
    if defined is None:
        text = placed.line.rstrip(" ")
        leaf = Leaf("text", "Text", text, hidden(text) if mask else text, f"{place}, column 1")
        return Node("?", "", (leaf,))
    table = personal()
    leaves = []
    for one in defined.fields:
        text = placed.line[one.start - 1 : one.end].strip(" ")
        if not text or one.value == text:
            continue
        secret = bool(one.key) and table.secret_field(placed.layout, one.key)
        masked = masked_field(one, placed) if mask else None
        shown = hidden(text) if secret else (text if masked is None else masked)
        ref = one.key or f"columns {one.start}-{one.end}"
        leaves.append(Leaf(ref, one.name, text, shown, f"{place}, column {one.start}"))
    control = placed.layout[:1] in "ABYZ" and placed.layout[1:2] in ("", ".")
    return Node(placed.layout.partition(".")[0] if control else placed.layout, "", tuple(leaves), envelope=control)
