"""DER is read and written exactly, and BER from streaming senders becomes DER or an error of one kind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.as2 import ber, der
from schemas.as2.limits import MAX_DEPTH


@given(st.integers(min_value=-(2**200), max_value=2**200))
def test_integers_are_written_as_an_independent_library_writes_them(number: int) -> None:
    """An INTEGER has the shortest two's complement form."""
    written = der.integer(number)

    if number >= 0:
        assert core.Integer(number).dump() == written
    assert number == der.read(written).integer()


@pytest.mark.parametrize(
    "dotted", ["1.2.840.113549.1.7.2", "2.16.840.1.101.3.4.1.42", "2.999.3", "0.9.2342", "2.5.4.3"]
)
def test_object_identifiers_round_trip(dotted: str) -> None:
    """An OBJECT IDENTIFIER comes back dotted, whatever its first arc."""
    written = der.oid(dotted)

    assert core.ObjectIdentifier(dotted).dump() == written
    assert dotted == der.read(written).oid()


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths_are_the_shortest(size: int) -> None:
    """A length takes the fewest bytes that hold it."""
    content = b"x" * size

    assert core.OctetString(content).dump() == der.octet_string(content)
    assert content == der.read(der.octet_string(content)).octets()


@pytest.mark.parametrize("year", [1950, 1999, 2026, 2049, 2050, 2150])
def test_times_use_the_form_that_cms_asks_for(year: int) -> None:
    """UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5652 section 11.3)."""
    instant = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    written = der.instant(instant)

    assert (der.UTC_TIME if year < 2050 else der.GENERALIZED_TIME) == written[0]
    assert instant == der.read(written).instant()


def test_a_streamed_octet_string_becomes_one() -> None:
    """Indefinite lengths and pieces become one definite OCTET STRING, nested pieces too."""
    streamed = bytes.fromhex("30 80 24 80 04 02 6162 24 80 04 01 63 0000 04 00 0000 02 81 01 05 0000")

    assert der.sequence(der.octet_string(b"abc"), der.integer(5)) == ber.normalise(streamed)


def test_a_context_tag_in_pieces_is_joined_by_its_reader() -> None:
    """The encrypted content [0] may come as one piece or as several."""
    whole = ber.normalise(bytes.fromhex("80 03 616263"))
    pieces = ber.normalise(bytes.fromhex("A0 80 04 02 6162 04 01 63 0000"))

    assert b"abc" == ber.joined(der.read(whole)) == ber.joined(der.read(pieces))


@given(
    st.recursive(
        st.binary(max_size=40).map(der.octet_string),
        lambda inner: st.lists(inner, max_size=4).map(lambda v: der.sequence(*v)),
        max_leaves=12,
    )
)
def test_what_is_der_comes_back_unchanged(value: bytes) -> None:
    """Normalising DER gives the same bytes."""
    assert value == ber.normalise(value)


@settings(max_examples=300)
@given(st.binary(max_size=120))
def test_any_bytes_end_in_a_value_or_in_a_der_error(data: bytes) -> None:
    """No input raises anything but DerError, and what is normalised is normal."""
    try:
        normal = ber.normalise(data)
    except der.DerError:
        return

    assert normal == ber.normalise(normal)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x05\x02\x01\x01",
        b"\x30\x80\x02\x01\x01",
        b"\x02\x80\x00\x00",
        b"\x1f\x81\x00\x00",
        b"\x30\x00\x00",
        b"\x04\x85\x01\x00\x00\x00\x00",
        b"\x23\x80\x03\x01\x00\x00\x00",
        b"\x24\x03\x02\x01\x01",
        b"\x30\x03\x04\x05\x41",
        b"\x30\x80" * (MAX_DEPTH + 1) + b"\x00\x00" * (MAX_DEPTH + 1),
    ],
)
def test_damaged_values_are_refused(data: bytes) -> None:
    """Cut, over-long, trailing, wrongly pieced and too deep values are each a DerError."""
    with pytest.raises(der.DerError):
        ber.normalise(data)


@pytest.mark.parametrize(
    "read",
    [
        lambda: der.read(b"\x02\x00").integer(),
        lambda: der.read(b"\x06\x02\x2a\x86").oid(),
        lambda: der.read(b"\x06\x00").oid(),
        lambda: der.read(b"\x04\x01\x41").children(),
        lambda: der.read(b"\x30\x80\x00\x00"),
        lambda: der.read(b"\x17\x0d991332000000Z").instant(),
        lambda: der.read(b"\x18\x0f2026010203040Z5").instant(),
        lambda: der.read(b"\x04\x0d260102030405Z").instant(),
    ],
)
def test_a_value_of_another_kind_is_a_der_error(read: object) -> None:
    """Asking a value for what it is not raises DerError."""
    with pytest.raises(der.DerError):
        read()  # type: ignore[operator]


def test_too_few_parts_are_a_der_error() -> None:
    """A sequence that holds fewer values than its reader needs is refused as DER, not as another exception."""
    with pytest.raises(der.DerError):
        der.read(b"\x30\x03\x02\x01\x05").first(2)
    assert [one.integer() for one in der.read(b"\x30\x06\x02\x01\x05\x02\x01\x06").first(2)] == [5, 6]
