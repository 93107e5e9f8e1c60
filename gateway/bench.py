"""How fast are the parts, each beside something simpler that was measured in the same run?

A figure without its peer says nothing about another machine. Every peer does less than the part does (that is
what makes it a peer: a floor, or another program for the same job), and its row says what. Each pair runs in
turns for a bounded time, so that a busy machine slows both.
"""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

SECONDS: Final = 1.5
"""Measuring time of each side of a pair."""
SHIPMENTS: Final = 2_000
ARRIVAL: Final = date(2025, 3, 10)
WRITERS: Final = 256
"""Tasks that wait for their own commit at the same time; the peer commits as many rows at once."""

Work = Callable[[], int]
"""Does one round and says how many things were done."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: things a second, of the part and of its peer."""

    name: str
    unit: str
    rate: float
    peer: str
    peer_rate: float

    @property
    def ratio(self) -> float:
        """How much of the peer's rate the part reaches."""
        return self.rate / self.peer_rate if self.peer_rate else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The row of ``--json``."""
        return {
            "name": self.name,
            "unit": self.unit,
            "per_second": round(self.rate, 1),
            "peer": self.peer,
            "peer_per_second": round(self.peer_rate, 1),
            "ratio": round(self.ratio, 3),
        }


def in_turns(work: Work, peer: Work, seconds: float = SECONDS) -> tuple[float, float]:
    """The two rates, rounds taken in turns until each has run for ``seconds``."""
    done, spent = [0, 0], [0.0, 0.0]
    work(), peer()  # the first round of each fills caches and is not counted
    while min(spent) < seconds:
        for side, one in enumerate((work, peer)):
            if spent[side] < seconds:
                begin = time.perf_counter()
                done[side] += one()
                spent[side] += time.perf_counter() - begin
    return done[0] / spent[0], done[1] / spent[1]


def figures(seconds: float = SECONDS) -> Iterator[Figure]:
    """Every figure, each as soon as it is measured."""
    bench = Bench(seconds)
    yield from bench.shipments()
    yield from bench.decisions()
    yield from bench.x12()
    yield from bench.catair()
    yield from bench.as2()
    yield from bench.store()


class Bench:
    """The made-up truckload that everything is measured with."""

    def __init__(self, seconds: float = SECONDS, count: int = SHIPMENTS) -> None:
        from gateway.demo.shipments import make_shipments, make_trip
        from mappings.decision import decide_trip
        from mappings.rulebook import RuleBook
        from schemas.profile import load_profile
        from schemas.shipment import read_shipments
        from schemas.trip import read_trip

        self.seconds = seconds
        raw = list(make_shipments(ARRIVAL, count, 1))
        self.lines = [json.dumps(one).encode() for one in raw]
        self.trip = read_trip(make_trip(ARRIVAL, 1))
        self.rules, self.profile = RuleBook.load(), load_profile()
        self.good = [shipment for shipment, _ in read_shipments(raw) if shipment is not None]
        self.pairs = list(zip(self.good, decide_trip(self.good, self.trip, self.trip.arrival, self.rules), strict=True))

    def pair(self, name: str, unit: str, work: Work, peer_name: str, peer: Work) -> Figure:
        """Measure a part beside its peer."""
        rate, peer_rate = in_turns(work, peer, self.seconds)
        return Figure(name, unit, rate, peer_name, peer_rate)

    def shipments(self) -> Iterator[Figure]:
        """Reading and checking shipments, every fault of a row at once."""
        from schemas.intake import NDJSON, read_rows

        body = b"\n".join(self.lines)

        def read() -> int:
            return sum(1 for row in read_rows((body,), NDJSON) if row.shipment is not None)

        def parse() -> int:
            return len([json.loads(line) for line in self.lines])

        yield self.pair("shipments read and checked", "shipments", read, "json.loads, nothing checked", parse)

    def decisions(self) -> Iterator[Figure]:
        """Pathway decisions with day totals and lots."""
        from mappings.decision import decide_trip

        arrival = self.trip.arrival

        def decide() -> int:
            return sum(1 for _ in decide_trip(self.good, self.trip, arrival, self.rules))

        def compare() -> int:
            return len(["section321" if one.fair_value <= 800 else "formal" for one in self.good])

        yield self.pair("pathways decided", "shipments", decide, "one comparison of the value", compare)

    def x12(self) -> Iterator[Figure]:
        """309 written and read."""
        from pyx12.x12file import X12Reader

        from mappings.manifest import build_manifest
        from mappings.manifest_bill import bill_segments
        from schemas.errors import FormatError
        from schemas.x12 import envelope_for, read_interchange, write_interchange

        pairs = []
        for shipment, decision in self.pairs:
            try:
                bill_segments(shipment, decision, self.trip, self.profile, 1)
            except FormatError:
                continue  # for review, or it does not fit: not on the truck
            pairs.append((shipment, decision))
        segments = build_manifest(self.trip, pairs, self.profile)[0].segments
        written_at = datetime(2025, 3, 10, 16, tzinfo=UTC)
        envelope = envelope_for("309", self.profile, control_number=1, written_at=written_at)
        data = write_interchange(envelope, "309", segments, self.profile)
        text = data.decode("ascii")
        known = text.replace("00502", "00501", 1)  # pyx12 knows no other interchange version of the 5010 family
        count = len(segments)

        def write() -> int:
            write_interchange(envelope, "309", segments, self.profile)
            return count

        def join() -> int:
            "~".join("*".join((one.id, *one.elements)) for one in segments)
            return count

        def read() -> int:
            return len(read_interchange(data, self.profile).segments)

        def split() -> int:
            return len([part.split("*") for part in text.split("~")])

        def pyx12() -> int:
            return sum(1 for _ in X12Reader(io.StringIO(known)))

        def build() -> int:
            return len(build_manifest(self.trip, pairs, self.profile)[0].scns)

        def bills_only() -> int:
            return len([f"{one.scn}*{one.packages.count}*{one.consignee.name}" for one, _ in pairs])

        yield self.pair("309 made from shipments", "shipments", build, "three values formatted", bills_only)
        yield self.pair("309 written and checked", "segments", write, "str.join, nothing checked", join)
        yield self.pair("309 read and checked", "segments", read, "str.split, nothing checked", split)
        yield self.pair("309 read and checked", "segments", read, "pyx12 reader, envelope checked", pyx12)

    def catair(self) -> Iterator[Figure]:
        """SE records written and read."""
        from schemas.catair import BlockSpec, read_batches, write_batch

        blocks = [BlockSpec("0901", "XYZ", "", [self._entry()] * 200, "")]
        data = write_batch("SE", "0901", "XYZ", "SANDBX", blocks, ARRIVAL)
        lines = data.decode("ascii").splitlines()
        count = len(lines)

        def write() -> int:
            write_batch("SE", "0901", "XYZ", "SANDBX", blocks, ARRIVAL)
            return count

        def fill() -> int:
            return len("\n".join(f"{line[:4]}{line[4:40]:<36}{line[40:]:<40}" for line in lines).split("\n"))

        def read() -> int:
            return len(read_batches(data).records)

        def cut() -> int:
            return len([(line[:4], line[4:14].strip(), line[14:24].strip(), line[24:].strip()) for line in lines])

        yield self.pair("CATAIR written and checked", "records", write, "three fields filled, nothing checked", fill)
        yield self.pair("CATAIR read and checked", "records", read, "four slices, nothing checked", cut)

    def _entry(self) -> list[Any]:
        from mappings.entry import FilerIdentity, build_entry
        from schemas.entry_number import make_entry_number
        from schemas.errors import FormatError

        filer = FilerIdentity("XYZ", "0901", "BROKER DESK", "7165550100")
        for shipment, decision in self.pairs:
            if decision.pathway == "informal":
                try:
                    number = str(make_entry_number("XYZ", 1))
                    return list(build_entry(shipment, decision, self.trip, filer, number).records)
                except FormatError:
                    continue
        raise AssertionError("the made-up truckload holds an informal entry")

    def as2(self) -> Iterator[Figure]:
        """Signing and encrypting a message of usual size."""
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.ciphers import algorithms
        from cryptography.hazmat.primitives.serialization import pkcs7

        from schemas.as2 import Partner, build_message, make_identity

        now = datetime(2025, 3, 10, 16, tzinfo=UTC)
        begin, end = now - timedelta(days=1), now + timedelta(days=365)
        us, them = (make_identity(name, not_before=begin, not_after=end) for name in ("US", "THEM"))
        partner = Partner("THEM", them.certificate)
        payload = b"\n".join(self.lines)[:200_000]

        def ours() -> int:
            build_message(
                payload,
                content_type="application/edi-x12",
                filename="309.x12",
                sender=us,
                receiver=partner,
                message_id="<1@bench>",
                date=now,
            )
            return 1

        signer = pkcs7.PKCS7SignatureBuilder()
        options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature]

        def library() -> int:
            key: Any = us.private_key
            signed = signer.set_data(payload).add_signer(us.certificate, key, hashes.SHA256())
            signature = signed.sign(serialization.Encoding.DER, options)
            envelope = pkcs7.PKCS7EnvelopeBuilder().set_data(payload + signature).add_recipient(them.certificate)
            envelope.set_content_encryption_algorithm(algorithms.AES256).encrypt(
                serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary]
            )
            return 1

        yield self.pair("AS2 messages of 200 kB", "messages", ours, "cryptography's PKCS #7 alone", library)

    def store(self) -> Iterator[Figure]:
        """Events written, each waiting for its own durable commit."""
        with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
            rate, peer_rate = asyncio.run(_store_rates(Path(folder), self.seconds))
        peer = f"sqlite3 alone, {WRITERS} rows a commit, same durability"
        yield Figure(f"events stored by {WRITERS} writers", "rows", rate, peer, peer_rate)


async def _store_rates(folder: Path, seconds: float) -> tuple[float, float]:
    from filings import events
    from filings.store.database import Store

    now = datetime(2025, 3, 10, 16, tzinfo=UTC)
    draft = events.EventDraft("filing.sent", "SFIC25031000123", "SFIC2503100001", now, data={"text": "x" * 200})

    async with await Store.open(folder / "store.db") as store:

        async def write_one(one: events.EventDraft) -> None:
            await store.write(lambda conn: events.record(conn, [one]))

        async def round_of_writers() -> int:
            number = time.perf_counter_ns()
            await asyncio.gather(*(write_one(replace(draft, id=f"{number}-{place}")) for place in range(WRITERS)))
            return WRITERS

        rate = await _rate(round_of_writers, seconds)
    return rate, await asyncio.to_thread(_raw_rate, folder / "raw.db", seconds)


async def _rate(work: Callable[[], Any], seconds: float) -> float:
    await work()
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        done += await work()
    return done / (time.perf_counter() - begin)


def _raw_rate(path: Path, seconds: float) -> float:
    raw = sqlite3.connect(path, isolation_level=None)
    try:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("create table events (id text primary key, type text, subject text, at text, data text)")
        done, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            raw.execute("BEGIN IMMEDIATE")
            for place in range(WRITERS):
                row = (f"{done}-{place}", "filing.sent", "SFIC25031000123", "2025-03-10", "x" * 260)
                raw.execute("insert into events values (?, ?, ?, ?, ?)", row)
            raw.execute("COMMIT")
            done += WRITERS
        return done / (time.perf_counter() - begin)
    finally:
        raw.close()
