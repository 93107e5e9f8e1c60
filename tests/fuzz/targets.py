"""What must hold for any bytes at all, one function for each family of formats?

Each target takes bytes, does what the gateway does with bytes from outside, and raises where a law is broken. They
are driven by a coverage-guided fuzzer (:mod:`tests.fuzz.__main__`), and every input that ever broke one is kept under
``crashers/`` and tried again by the tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from schemas import as2, catair, x12
from schemas.errors import FormatError
from schemas.intake import CSV, JSON, NDJSON, read_rows
from schemas.profile import load_profile
from tests.as2_kit import NOW, alpha, beta, message, partner

GOLDEN: Final = Path(__file__).parents[1] / "golden"


def pieces(data: bytes) -> Iterator[bytes]:
    """``data`` in pieces of 1, 2, 3 … bytes: every place is the end of a piece sooner or later."""
    at, size = 0, 1
    while at < len(data):
        yield data[at : at + size]
        at, size = at + size, size % 17 + 1


def x12_target(data: bytes) -> None:
    """X12: read, answered and shown; streamed in pieces as in one go; canonical bytes come back unchanged."""
    whole, parts = x12.stream(data), x12.stream(pieces(data))
    assert list(whole) == list(parts)
    assert list(whole.problems) == list(parts.problems)
    json.dumps(x12.inspection(data))
    try:
        read = x12.read_interchange(data)
    except FormatError:
        return
    for answer, body in (("997", x12.build_997(read)), ("TA1", [x12.build_ta1(read)])):
        if body and body[0] is not None and read.envelope is not None:
            profile = load_profile()
            envelope = x12.answer_envelope(read.envelope, answer, profile, control_number=1, written_at=NOW)
            with suppress(FormatError):  # an answer to a sender whose name may not be written has no envelope
                made = (
                    x12.write_interchange(envelope, answer, body, profile)
                    if answer == "997"
                    else x12.write_ta1(envelope, body[0], profile)
                )
                assert not x12.read_interchange(made, profile).errors
    if not read.problems:
        _written_again(read)


def _written_again(read: x12.Interchange) -> None:
    """A sound message is written with the same values, or what its envelope says otherwise is named."""
    made, codes = b"", set[str]()
    try:
        made = x12.render(read)
    except FormatError as refused:
        codes = {one.code for one in refused.problems}
    assert codes <= {"envelope_not_ours", "set_not_supported", "nothing_inside"}
    if codes:
        return
    again = x12.read_interchange(made)
    assert not again.errors
    assert (again.body, again.envelope, again.ta1) == (read.body, read.envelope, read.ta1)
    assert x12.render(again) == made


def catair_target(data: bytes) -> None:
    """CATAIR: read and shown; streamed in pieces as in one go; a sound record is written as it was read.

    Numbers of class (S)N may be filled with spaces or zeros; we write zeros.
    """
    whole, parts = catair.stream(data), catair.stream(pieces(data))
    assert list(whole) == list(parts)
    assert list(whole.problems) == list(parts.problems)
    json.dumps(catair.inspect_document(data))
    for placed in catair.read_batches(data).records:
        if placed.layout and not placed.problems:
            written = catair.write_record(placed.record)
            assert catair.read_record(written, placed.layout) == (placed.record, ())
            if all(one.accepts != "(S)N" for one in catair.RECORDS[placed.layout].fields):
                assert written == placed.line.encode("ascii")


def as2_target(data: bytes) -> None:
    """AS2: a request with the headers before the first empty line ends in a message or a refusal.

    As a receipt that comes by itself it ends in a receipt or a refusal, which gets no receipt; only the partner's own
    signature makes it a signed one.
    """
    head, _, body = data.partition(b"\r\n\r\n")
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    items = [(name.decode("latin-1").strip(), value.decode("latin-1").strip()) for name, _, value in lines]
    lax = partner(alpha(), require_signature=False, require_encryption=False)
    read = as2.read_request(items, body, me=beta(), partners={"ALPHA": lax}, received_at=NOW)
    assert isinstance(read, as2.Refusal) or read.sender == "ALPHA"
    came = as2.read_receipt(items, body, me=alpha(), partners={"BETA CO": partner(beta())}, received_at=NOW)
    if isinstance(came, as2.Refusal):
        answered = as2.answer(came, me=alpha(), message_id="<a@alpha.example>", date=NOW)
        assert (answered.status, answered.mdn, answered.post_to) == (400, None, "")
        return
    with suppress(FormatError):
        as2.check_mdn(came, message_id="<m-1@alpha.example>", mic="AAAA", mic_algorithm="sha-256", require_signed=True)
        assert not came.disposition.accepted, "a receipt with another MIC was believed"


def intake_target(data: bytes) -> None:
    """Shipments: every row ends in a shipment or in problems; the first byte chooses the content type."""
    if data:
        kind = (NDJSON, JSON, CSV)[data[0] % 3]
        for row in read_rows(pieces(data[1:]), kind):
            assert (row.shipment is None) == any(one.severity == "error" for one in row.problems)


def _request(made: as2.As2Message) -> bytes:
    """Header fields, an empty line, the body."""
    head = "\r\n".join(f"{name}: {value}" for name, value in made.headers.items())
    return head.encode() + b"\r\n\r\n" + made.body


def seeds(family: str) -> Iterator[bytes]:
    """Good and bad messages to begin with."""
    if family in ("x12", "catair"):
        for path in sorted((GOLDEN / family).rglob("*")):
            if path.suffix in (".edi", ".txt"):
                yield path.read_bytes()
                yield path.read_bytes().replace(b"\n", b"")
    elif family == "as2":
        for sign, encrypt, compress in ((False,) * 3, (True, False, False), (False, False, True), (True,) * 3):
            made = message(b"A0901XYZ", sign=sign, encrypt=encrypt, compress=compress)
            yield _request(made)
        known = {"ALPHA": partner(alpha())}
        sent = message(b"A0901XYZ")
        for about in (
            as2.read_request(sent.headers, sent.body, me=beta(), partners=known, received_at=NOW),
            as2.read_request(sent.headers, sent.body[:-20], me=beta(), partners=known, received_at=NOW),
        ):
            for signed in (False, True):
                mdn = as2.build_mdn(about, me=beta(), message_id="<r-1@beta.example>", date=NOW, signed=signed)
                yield _request(mdn)
    else:
        from tests.samples import shipment

        for first in (b"\x00", b"\x01"):
            yield first + json.dumps(shipment() if first == b"\x00" else [shipment()]).encode()


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "x12": x12_target,
    "catair": catair_target,
    "as2": as2_target,
    "intake": intake_target,
}
