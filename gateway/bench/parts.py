"""How fast are shipments read, pathways decided and messages signed?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gateway.bench.measure import Figure, pair
from gateway.bench.truckload import Truckload

DECISIONS: Final = 20_000
"""Decisions a second that one core must make."""


def shipment_figures(load: Truckload, seconds: float) -> Iterator[Figure]:
    """Reading and checking shipments, every fault of a row at once."""
    from schemas.intake import NDJSON, read_rows

    body = b"\n".join(load.lines)

    def read() -> int:
        return sum(1 for row in read_rows((body,), NDJSON) if row.shipment is not None)

    def parse() -> int:
        return len([json.loads(line) for line in load.lines])

    yield pair("shipments read and checked", "shipments", read, "json.loads, nothing checked", parse, seconds)


def decision_figures(load: Truckload, seconds: float) -> Iterator[Figure]:
    """Pathway decisions with day totals and lots."""
    from mappings.decision import decide_trip

    arrival = load.trip.arrival

    def decide() -> int:
        return sum(1 for _ in decide_trip(load.good, load.trip, arrival, load.rules))

    def compare() -> int:
        return len(["section321" if one.fair_value <= 800 else "formal" for one in load.good])

    name, peer = "pathways decided", "one comparison of the value"
    yield pair(name, "shipments", decide, peer, compare, seconds, least=DECISIONS)


def signing_figures(load: Truckload, seconds: float) -> Iterator[Figure]:
    """Signing and encrypting a message of usual size."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.ciphers import algorithms
    from cryptography.hazmat.primitives.serialization import pkcs7

    from schemas.as2 import Partner, build_message, make_identity

    now = datetime(2025, 3, 10, 16, tzinfo=UTC)
    begin, end = now - timedelta(days=1), now + timedelta(days=365)
    us, them = (make_identity(name, not_before=begin, not_after=end) for name in ("US", "THEM"))
    partner = Partner("THEM", them.certificate)
    payload = b"\n".join(load.lines)[:200_000]

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

    yield pair("AS2 messages of 200 kB", "messages", ours, "cryptography's PKCS #7 alone", library, seconds)
