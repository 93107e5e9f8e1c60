"""Is every sample message of the two reference sheets read without an error?

The sheets are not part of this project. Where their folder is missing there is nothing to read, so the tests are not
defined at all: a skipped test would fail continuous integration, which has no copy. Rules:

- a sample is a fenced block that begins with ISA, a batch header or a record; rulers (``----+----1``) do not count;
- a block with several batches is several samples;
- a fragment without batch, which in these sheets is one tariff number with its agency data, is put into a type 11
  request as its last line;
- a sample that does not read without a problem stands in ``EXCEPTIONS`` with its problems and the reason.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.catair import read_batches
from schemas.x12 import read_interchange

SHEETS = Path(__file__).resolve().parents[2].parent / "shared" / "reference"

# sample: its problems, and why the sample has them
EXCEPTIONS: dict[str, tuple[list[str], str]] = {}

BEFORE = """\
A3801XYZPASSWD100126     SE                                REF-000001
B  3801XYZSE                                               REF-000001
SE10AXYZ  12345671 11EI 12-3456789  30800000003003801
SE13JANE BROKER                             3135550100
SE40001CA GOODS
"""
AFTER = """\
Y  3801XYZSE
Z3801XYZ      100126
"""


def samples(text: str) -> dict[str, str]:
    """Every sample of a sheet by the heading before it and its number under that heading."""
    found: dict[str, str] = {}
    block: list[str] | None = None
    heading, number = "", 0
    for line in text.splitlines():
        if line.startswith("```"):
            for sample in split(block) if block is not None else ():
                number += 1
                found[f"{heading} #{number}"] = sample
            block = None if block is not None else []
        elif block is not None:
            block.append(line)
        elif line.startswith("#"):
            heading, number = line.lstrip("# ").partition(" ")[0], 0
    return found


def split(block: list[str]) -> list[str]:
    """The samples of one fenced block."""
    lines = [line for line in block if line.strip() and not line.startswith("----+")]
    if not lines or not re.match(r"ISA|A\d{4}|[A-Z]{2}\d\d", lines[0]):
        return []
    starts = [at for at, line in enumerate(lines) if re.match(r"ISA|A\d{4}", line)]
    ends = [*starts[1:], len(lines)]
    if not starts:
        return [BEFORE + "".join(f"{line}\n" for line in lines) + AFTER]
    return ["".join(f"{line}\n" for line in lines[start:end]) for start, end in zip(starts, ends, strict=True)]


def problems(sample: str) -> list[str]:
    """Code and position of everything wrong with a sample."""
    data = sample.encode("utf-8")
    found = read_interchange(data).problems if sample.startswith("ISA") else read_batches(data).problems
    return [f"{one.code} at {one.position}" for one in found]


def test_a_sample_is_told_from_a_drawing() -> None:
    """Batches are told apart, a fragment gets a batch around it, and what is no message is left out."""
    assert split(["A  batch header", "   B  block header"]) == []
    assert split(["def check_digit(filer3, seq7):"]) == []
    assert split(["----+----1", "A3801XYZ", "Z3801XYZ", "", "A3801XYZ"]) == ["A3801XYZ\nZ3801XYZ\n", "A3801XYZ\n"]
    (fragment,) = split(["SE6033049950000000000150"])
    assert problems(fragment) == []
    assert problems(fragment.replace("SE60330", "SE60X30-")) != []


if SHEETS.is_dir():
    CATAIR = samples((SHEETS / "catair.md").read_text("utf-8"))
    TRUCK = samples((SHEETS / "ace-truck-x12.md").read_text("utf-8"))
    ALL = {f"{sheet} {key}": text for sheet, of in (("catair", CATAIR), ("truck", TRUCK)) for key, text in of.items()}

    def test_the_samples_are_found() -> None:
        """As many as there are headers of interchanges and batches, and fragments, in the sheets."""
        for sheet, found in (("catair.md", CATAIR), ("ace-truck-x12.md", TRUCK)):
            text = (SHEETS / sheet).read_text("utf-8")
            headers = len(re.findall(r"^(?:ISA\*|A\d{4}[A-Z0-9]{3})", text, re.MULTILINE))
            fragments = len(re.findall(r"```\n(?:----[+\d-]+\n)?SE60", text))
            assert len(found) == headers + fragments > 0
        assert set(EXCEPTIONS) <= set(ALL)

    @pytest.mark.parametrize("sample", sorted(ALL))
    def test_the_sample_reads_without_an_error(sample: str) -> None:
        """Without any problem, or with those that the list of exceptions gives a reason for."""
        expected, _reason = EXCEPTIONS.get(sample, ([], ""))
        assert problems(ALL[sample]) == expected
