"""How fast are the wire formats read and written?

Reading is typed: every element and column is cut, checked against its table and kept with its place, the order of
segments and records with it. The bare peers only cut: ``str.split`` at the separators, slices at every column.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.bench.measure import Figure, pair
from gateway.bench.peers import pyx12_plain, pyx12_validating
from gateway.bench.truckload import ARRIVAL, ENTRIES, Truckload

WITHIN_FIVE = 0.2
"""At least a fifth of the bare peer's rate."""
VALIDATED_BILLS = 150
"""Bills that the validating peer is given: it is slow, and linear."""


def x12_figures(load: Truckload, seconds: float) -> Iterator[Figure]:
    """309 made, written, read, streamed."""
    from mappings.manifest import build_manifest
    from schemas.x12 import read_interchange, stream, write_interchange

    segments, data, profile, envelope = load.segments, load.interchange, load.profile, load.envelope
    text = data.decode("ascii")
    count = len(segments)

    def build() -> int:
        return len(build_manifest(load.trip, load.on_the_truck, profile)[0].scns)

    def bills_only() -> int:
        return len([f"{one.scn}*{one.packages.count}*{one.consignee.name}" for one, _ in load.on_the_truck])

    def write() -> int:
        write_interchange(envelope, "309", segments, profile)
        return count

    def join() -> int:
        "~".join("*".join((one.id, *one.elements)) for one in segments)
        return count

    def read() -> int:
        return len(read_interchange(data, profile).segments)

    def streamed() -> int:
        return sum(1 for _ in stream(data, profile))

    def split() -> int:
        return len([part.split("*") for part in text.split("~")])

    yield pair("309 made from shipments", "shipments", build, "three values formatted", bills_only, seconds)
    yield pair("309 written and checked", "segments", write, "str.join, nothing checked", join, seconds)
    yield pair("309 read, typed and checked", "segments", read, "str.split alone", split, seconds, WITHIN_FIVE)
    yield pair("309 streamed, typed and checked", "segments", streamed, "str.split alone", split, seconds, WITHIN_FIVE)
    yield pair("309 streamed, typed and checked", "segments", streamed, "pyx12 plain", pyx12_plain(text), seconds, 3)
    few = write_interchange(envelope, "309", segments[: _end_of_bill(load, VALIDATED_BILLS)], profile)

    def read_few() -> int:
        return sum(1 for _ in stream(few, profile))

    with pyx12_validating(few.decode("ascii"), read_few()) as validating:
        yield pair("309 streamed, typed and checked", "segments", read_few, "pyx12 validating", validating, seconds, 20)


def _end_of_bill(load: Truckload, bills: int) -> int:
    """The place after the segments of so many bills."""
    starts = [place for place, one in enumerate(load.segments) if one.id == "LX"]
    return starts[bills] if len(starts) > bills else len(load.segments)


def catair_figures(load: Truckload, seconds: float) -> Iterator[Figure]:
    """SE batches of entries that differ, written, read, streamed."""
    from schemas.catair import RECORDS, read_batches, stream, write_batch

    data, blocks = load.batch, load.blocks
    lines = data.decode("ascii").splitlines()
    count = len(lines)
    cuts = {
        defined.identifier[:4].ljust(4)[:4]: [(one.start - 1, one.end) for one in defined.fields]
        for defined in RECORDS.values()
        if defined.direction == "in" or defined.identifier[:2] in ("SE", "PG")
    }
    plain = [(0, 4), (4, 40), (40, 80)]
    widths = [[len(line[a:b]) for a, b in cuts.get(line[:4], plain)] for line in lines]
    values = [[line[a:b].rstrip() for a, b in cuts.get(line[:4], plain)] for line in lines]

    def write() -> int:
        write_batch("SE", "0901", "XYZ", "SANDBX", blocks, ARRIVAL)
        return count

    def fill() -> int:
        return (
            len(
                "\n".join(
                    "".join(value.ljust(width) for value, width in zip(row, wide, strict=True))
                    for row, wide in zip(values, widths, strict=True)
                )
            )
            and count
        )

    def read() -> int:
        return len(read_batches(data).records)

    def streamed() -> int:
        return sum(1 for _ in stream(data))

    def cut() -> int:
        get = cuts.get
        return len([[line[a:b] for a, b in get(line[:4], plain)] for line in lines])

    name = f"CATAIR, {ENTRIES} different entries"
    yield pair(f"{name}, written", "records", write, "ljust of all fields, joined", fill, seconds, WITHIN_FIVE)
    yield pair(f"{name}, read", "records", read, "slices of all fields", cut, seconds, WITHIN_FIVE)
    yield pair(f"{name}, streamed", "records", streamed, "slices of all fields", cut, seconds, WITHIN_FIVE)
