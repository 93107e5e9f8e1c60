"""Small messages that would cost much: what is nested, in tiny pieces or packed is refused before the work is done."""

from __future__ import annotations

import pytest

from schemas.as2 import ber, cms, der, limits
from schemas.as2.layers import open_layers
from schemas.as2.mime import read_part
from schemas.errors import FormatError
from tests.as2_kit import NOW, alpha, beta, partner

SIGNED = (
    b'Content-Type: multipart/signed; boundary="x"; protocol="application/pkcs7-signature"; micalg=sha-256\r\n\r\n'
    b"--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x\r\nContent-Type: application/pkcs7-signature\r\n"
    b"Content-Transfer-Encoding: binary\r\n\r\n%s\r\n--x--\r\n"
)


def tiny(count: int) -> bytes:
    """A value of unknown length with many empty values in it."""
    return b"\x30\x80" + b"\x04\x00" * count + b"\0\0"


def test_a_value_of_many_values_is_refused() -> None:
    """The reader stops at its bound; what a streaming sender writes is below it."""
    assert ber.normalise(tiny(50_000))
    with pytest.raises(der.DerError, match="more than 200000 values"):
        ber.normalise(tiny(limits.MAX_VALUES))


def test_values_nested_without_end_are_refused() -> None:
    """However short the data: the depth has a bound."""
    with pytest.raises(der.DerError, match="nested too deeply"):
        ber.normalise(b"\x30\x80" * 30_000 + b"\0\0" * 30_000)


def test_an_unsigned_bomb_of_few_bytes_is_refused_unread() -> None:
    """A packed message whose signature has millions of values is refused by the size of that signature."""
    packed = cms.compress(SIGNED % tiny(4_000_000))
    assert len(packed) < 10_000
    head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    with pytest.raises(FormatError) as refused:
        open_layers(read_part(head + packed), me=beta(), partner=partner(alpha()), at=NOW)
    assert refused.value.problems[0].text == "A detached signature has at most 1048576 bytes, not 8000004."
