"""Which blocks does a batch of entries have?"""

from __future__ import annotations

import pytest

from filings.wording import entry_bytes, processing_port
from mappings.entry import build_entry
from schemas.catair import Block, Record, read_batches
from tests import mapping_samples as kit
from tests.filing_kit import CONTEXT, START


def blocks(*entries: list[Record]) -> list[Block]:
    """The blocks of a batch, read back from its bytes."""
    (batch,) = read_batches(entry_bytes(CONTEXT, entries, "B000000001", START)).batches
    return batch.blocks


def entry(port: str) -> list[Record]:
    """An entry for goods that arrive at a port."""
    trip = kit.trip(port_of_arrival=port)
    return list(build_entry(kit.shipment(), kit.decided("informal"), trip, kit.FILER, kit.ENTRY_NUMBER).records)


@pytest.mark.parametrize(("port", "block"), [("0901", "0901"), ("0712", "0712"), ("3801", "3801")])
def test_a_block_is_of_the_district_of_its_entries(port: str, block: str) -> None:
    """Ours where the districts are the same, the entry's where they are not."""
    assert processing_port("0901", entry(port)) == block
    (only,) = blocks(entry(port))
    assert only.header is not None
    assert only.header.values["processing_district_port_code"] == block


def test_entries_of_several_districts_stand_in_several_blocks() -> None:
    """In their order, and none is left out."""
    some = blocks(entry("0901"), entry("0712"), entry("0712"), entry("0901"))
    assert [len(one.transactions) for one in some] == [1, 2, 1]
