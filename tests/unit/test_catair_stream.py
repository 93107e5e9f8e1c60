"""Is a source of any size walked through with all its frames, in flat memory and within the stated limits?"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from schemas.catair import BlockSpec, engine, rec, stream, write_batch
from schemas.catair.problems import MAX_PROBLEMS

DAY = date(2026, 10, 1)
GOLDEN = Path(__file__).parents[1] / "golden" / "catair"
LINES = (GOLDEN / "se_type01_truck.txt").read_bytes().splitlines(keepends=True)


def answer(count: int) -> bytes:
    """A batch of this many short answers."""
    header = rec(
        "SE10",
        valid_action_code="A",
        entry_filer_code="XYZ",
        entry_number="12345671",
        entry_type="11",
        importer_of_record_type="EI",
        importer_of_record="12-3456789",
        mode_of_transportation_code="30",
        bond_type_code="8",
        estimated_entry_value=45,
        planned_port_of_entry="0901",
    )
    verdict = rec("SE90", message_type_code="02", narrative_message_text="ACCEPTED")
    block = BlockSpec("0901", "XYZ", "", [[header, verdict]] * count)
    return write_batch("SX", "0901", "XYZ", "", [block], DAY, direction="out")


def long_file(megabytes: float) -> Iterator[bytes]:
    """A batch of many blocks of the same entry, a block at a time."""
    yield LINES[0]
    block = b"".join(LINES[1:-1])
    for _ in range(int(megabytes * 1_000_000 / len(block))):
        yield block
    yield LINES[-1]


def test_records_come_with_the_frames_they_stand_in() -> None:
    """While records pass, the stream says which batch, block and transaction is open."""
    walking = stream(answer(2) + answer(1))
    seen = []
    for record in walking:
        numbers = [frame.number if frame else 0 for frame in (walking.batch, walking.block, walking.transaction)]
        seen.append((record.number, record.layout, *numbers))

    assert walking.problems == []
    assert seen == [
        (1, "A.out", 1, 0, 0),
        (2, "B.out", 1, 1, 0),
        (3, "SE10", 1, 1, 1),
        (4, "SE90", 1, 1, 1),
        (5, "SE10", 1, 1, 2),
        (6, "SE90", 1, 1, 2),
        (7, "Y.out", 1, 0, 0),
        (8, "Z.out", 0, 0, 0),
        (9, "A.out", 2, 0, 0),
        (10, "B.out", 2, 1, 0),
        (11, "SE10", 2, 1, 1),
        (12, "SE90", 2, 1, 1),
        (13, "Y.out", 2, 0, 0),
        (14, "Z.out", 0, 0, 0),
    ]


def test_transactions_know_their_block_and_batch() -> None:
    """Each transaction comes complete, with the way up to its envelope; the frames above hold nothing of the past."""
    done = list(stream(answer(2)).transactions())

    assert [[one.layout for one in transaction.records] for transaction in done] == [["SE10", "SE90"]] * 2
    assert [one.number for one in done] == [1, 2]
    for transaction in done:
        assert transaction.block is not None
        assert transaction.block.batch is not None
        assert transaction.block.batch.application == "SX"
        assert transaction.block.transactions == []
        assert transaction.block.batch.blocks == []


def test_a_stream_may_be_left_and_taken_up_again() -> None:
    """Records taken one by one are not given again; transactions go on from there."""
    walking = stream(answer(3))

    assert [next(walking).layout for _ in range(5)] == ["A.out", "B.out", "SE10", "SE90", "SE10"]
    assert [one.number for one in walking.transactions()] == [2, 3]
    assert list(walking) == []


def test_memory_is_flat() -> None:
    """Four times the file needs no more memory."""
    peaks = []
    for megabytes in (0.1, 0.5, 2.0):
        tracemalloc.start()
        walking = stream(long_file(megabytes))
        count = sum(1 for _ in walking)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

        assert walking.problems == []
        assert count > megabytes * 10_000

    assert peaks[2] < peaks[1] * 1.2
    assert peaks[2] < 5_000_000


@pytest.mark.parametrize("piece", [b" " * 65536, b"A" * 65536, b"\n" * 65536, b"\r" * 65536, b"\x00" * 65536])
def test_a_file_that_is_not_catair_ends_early(piece: bytes) -> None:
    """Endless spaces, letters, line ends or zeros end with the limit of problems, without being held."""
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        while given < 200:
            given += 1
            yield piece
        yield b"Q"

    tracemalloc.start()
    walking = stream(endless())
    for _ in walking:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert walking.problems[-1].code == "too_many_problems"
    assert len(walking.problems) == MAX_PROBLEMS + 1
    assert peak < 8_000_000


def test_a_transaction_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records over the limit of a transaction are read and counted, but neither kept in it nor put in order."""
    monkeypatch.setattr(engine, "MAX_TRANSACTION", 4)
    walking = stream(b"".join(LINES))
    kept = [len(one.records) for one in walking.transactions()]

    assert [(one.code, one.record) for one in walking.problems] == [("transaction_too_long", 7)]
    assert kept == [4]


@pytest.mark.parametrize("source", ["text", ["text"], [b"A", None], 5])
def test_a_source_gives_bytes(source: Any) -> None:
    """Text, or what cannot be walked through, is a mistake of the caller."""
    with pytest.raises(TypeError):
        list(stream(source))


def test_any_kind_of_bytes_will_do() -> None:
    """Bytes, a bytearray and a memoryview give the same records."""
    data = answer(1)
    expected = list(stream(data))

    assert list(stream(bytearray(data))) == expected
    assert list(stream(memoryview(data))) == expected
    assert list(stream([bytearray(data), memoryview(b"")])) == expected
