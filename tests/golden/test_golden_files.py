"""Does every golden file still read as ``golden.toml`` declares, and is every kind of message among them?

Good files have no problem and, being canonical, come back byte for byte; bad files have exactly the problems that are
declared, each at its place. Whole files and streams, in pieces of any size, say the same.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas import catair, x12
from schemas.catair import applications
from schemas.profile import load_profile

FOLDER = Path(__file__).parent
DECLARED: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "golden.toml").read_text("utf-8"))
GOOD = sorted(name for name in DECLARED if not DECLARED[name]["errors"])
KINDS = {*x12.SETS, "TA1", "rejection", *(one.code for one in applications().values() if one.starts)}

Found = list[tuple[str, str]]


def expected(name: str) -> Found:
    """Code and position of each declared problem."""
    return [(code, position) for code, position in DECLARED[name]["errors"]]


def read_x12(name: str) -> x12.Interchange:
    """A golden interchange, under its profile."""
    return x12.read_interchange((FOLDER / name).read_bytes(), load_profile(DECLARED[name].get("profile", "default")))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The same bytes in pieces."""
    return (data[at : at + size] for at in range(0, len(data), size))


def test_every_file_is_declared_and_has_its_origin() -> None:
    """No golden message lies there without what it must give, and without where it comes from."""
    files = [*FOLDER.glob("x12/**/*.edi"), *FOLDER.glob("catair/**/*.txt")]
    written = {"mappings/309-default.edi", "mappings/309-alternate.edi", "mappings/se-types-86-and-11.txt"}
    assert {path.relative_to(FOLDER).as_posix() for path in files} | written == set(DECLARED)

    origin, folder = [], ""
    for line in (FOLDER / "ORIGIN.md").read_text("utf-8").splitlines():
        if heading := re.match(r"## .*\(`(.*)`\)$", line):
            folder = heading[1]
        elif row := re.match(r"\| `([^`]+)` \| [^|]+ \| [^|]+ \|$", line):
            origin.append(folder + row[1])
    assert sorted(origin) == sorted(DECLARED)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_message_has_a_good_and_a_bad_file(kind: str) -> None:
    """A transaction set or application that is new here needs its golden files."""
    assert {bool(one["errors"]) for one in DECLARED.values() if one["type"] == kind} == {False, True}


def test_good_and_bad_files_lie_apart() -> None:
    """A file in a folder ``bad`` has a problem, any other has none."""
    assert {name for name in DECLARED if "/bad/" in name} == set(DECLARED) - set(GOOD)


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_the_file_reads_as_declared(name: str) -> None:
    """Type, count and problems are those of the declaration; a problem says what it is and what mends it."""
    declared = DECLARED[name]
    if name.endswith(".edi"):
        interchange = read_x12(name)
        kind, count = interchange.set_id or "TA1", len(interchange.segments)
        problems: tuple[Any, ...] = interchange.problems
    else:
        batches = catair.read_batches((FOLDER / name).read_bytes())
        (batch,) = batches.batches
        kind, count = "rejection" if batch.rejected else batch.application, len(batches.records)
        problems = tuple(batches.problems)

    assert [(one.code, one.position) for one in problems] == expected(name)
    assert (kind, count) == (declared["type"], declared["count"])
    assert all(one.text and one.remedy for one in problems)
    assert declared["says"].endswith(".")


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_written_again_byte_for_byte(name: str) -> None:
    """What was read from canonical bytes is written as the same bytes."""
    data = (FOLDER / name).read_bytes()
    if name.endswith(".edi"):
        profile = load_profile(DECLARED[name].get("profile", "default"))
        assert x12.render(read_x12(name), profile) == data.replace(b"\n", b"")
    else:
        records = catair.read_batches(data).records
        assert b"".join(catair.write_record(one.record) + b"\n" for one in records) == data


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize("name", sorted(name for name in DECLARED if name.endswith(".txt")))
def test_a_stream_of_records_says_the_same(name: str, size: int) -> None:
    """In pieces of any size a batch gives the same records and the same problems."""
    data = (FOLDER / name).read_bytes()
    whole = catair.read_batches(data)
    streamed = catair.stream(pieces(data, size))

    assert list(streamed) == whole.records
    assert sorted((one.code, one.position) for one in streamed.problems) == sorted(expected(name))


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize("name", sorted(name for name in DECLARED if name.endswith(".edi")))
def test_a_stream_of_segments_says_the_same(name: str, size: int) -> None:
    """In pieces of any size an interchange gives the same set and the same problems; further sets are read as well."""
    profile = load_profile(DECLARED[name].get("profile", "default"))
    streamed = x12.stream(pieces((FOLDER / name).read_bytes(), size), profile)
    segments = list(streamed)

    assert sorted((one.code, one.position) for one in streamed.problems) == sorted(expected(name))
    inside, count = tuple(one for one in segments if one.number), DECLARED[name]["count"]
    assert inside[:count] == read_x12(name).segments
    assert bool(inside[count:]) == any(code == "more_than_one_set" for code, _ in expected(name))
