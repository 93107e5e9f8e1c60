"""Encrypted and compressed content opens for its recipient within bounds, and every fault says the same."""

from __future__ import annotations

import zlib

import pytest
from asn1crypto import cms as oracle
from cryptography.hazmat.primitives.serialization.pkcs7 import pkcs7_decrypt_der
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.as2 import algorithms, cms, der
from schemas.as2.content_info import wrap
from schemas.errors import FormatError
from tests.as2_kit import alpha, beta, code_of, identity, outcome

CONTENT = b"Content-Type: application/EDI-X12\r\n\r\n" + b"ISA*00~\n" * 50


def encrypted(cipher: str = "aes-256-cbc") -> bytes:
    return cms.encrypt(CONTENT, certificate=beta().certificate, cipher=cipher)


@pytest.mark.parametrize("cipher", ["aes-128-cbc", "aes-256-cbc"])
def test_content_opens_for_its_recipient(cipher: str) -> None:
    """Both ciphers come back, an independent reader names the cipher and the library opens it too."""
    data = encrypted(cipher)
    named = oracle.ContentInfo.load(data)["content"]["encrypted_content_info"]["content_encryption_algorithm"]

    assert cms.decrypt(data, keys=beta().key_pairs) == CONTENT
    assert cipher.replace("-", "")[:6] == named["algorithm"].native.replace("_", "")[:6]
    assert (
        pkcs7_decrypt_der(
            data,
            beta().certificate,
            beta().private_key,
            [],  # type: ignore[arg-type]
        )
        == CONTENT
    )


def test_another_kind_of_value_is_no_envelope() -> None:
    """Compressed data, and an envelope around something other than plain data, cannot be opened."""
    inside = der.oid(algorithms.ID_DATA)
    other = encrypted().replace(inside, der.oid("1.2.840.113549.1.7.5"))

    assert other != encrypted()
    for data in (cms.compress(CONTENT), other):
        assert code_of(lambda d=data: cms.decrypt(d, keys=beta().key_pairs)) == "as2-decryption-failed"  # type: ignore[misc]
    assert code_of(lambda: cms.decompress(encrypted())) == "as2-decompression-failed"


def test_empty_content_is_content() -> None:
    """Nothing at all can be encrypted and comes back as nothing."""
    data = cms.encrypt(b"", certificate=beta().certificate)

    assert cms.decrypt(data, keys=beta().key_pairs) == b""


def test_it_opens_with_the_previous_key_too() -> None:
    """Of several key pairs the one that the message names is used."""
    assert cms.decrypt(encrypted(), keys=(*alpha().key_pairs, *beta().key_pairs)) == CONTENT


def test_it_does_not_open_for_another() -> None:
    """A message to somebody else is a decryption fault, and says that it is not for us."""
    with pytest.raises(FormatError) as caught:
        cms.decrypt(encrypted(), keys=alpha().key_pairs)

    assert caught.value.problems[0].code == "as2-decryption-failed"
    assert "not encrypted to a certificate of ours" in caught.value.problems[0].text


def test_wrong_key_and_wrong_padding_say_the_same() -> None:
    """A changed content key, a changed last block and another key under our certificate are one fault, one sentence."""
    found = set()
    parsed = oracle.ContentInfo.load(encrypted())
    wrapped = parsed["content"]["recipient_infos"][0].chosen["encrypted_key"].native
    content = parsed["content"]["encrypted_content_info"]["encrypted_content"].native
    data = encrypted()
    samples = [
        parsed.dump().replace(wrapped, wrapped[:-1] + bytes((wrapped[-1] ^ 1,))),
        parsed.dump().replace(content, content[:-17] + bytes((content[-17] ^ 0x40,)) + content[-16:]),
    ]
    for sample in samples:
        with pytest.raises(FormatError) as caught:
            cms.decrypt(sample, keys=beta().key_pairs)
        found.add((caught.value.problems[0].code, caught.value.problems[0].text))
    with pytest.raises(FormatError) as caught:
        cms.decrypt(data, keys=[(beta().certificate, alpha().private_key)])
    found.add((caught.value.problems[0].code, caught.value.problems[0].text))

    assert {("as2-decryption-failed", "The message could not be decrypted.")} == found


@pytest.mark.parametrize("cut", [0, 1, 5, 30, 200, -1, -16])
def test_a_cut_message_is_a_decryption_fault(cut: int) -> None:
    """A truncated envelope cannot be opened."""
    assert code_of(lambda: cms.decrypt(encrypted()[:cut], keys=beta().key_pairs)) == "as2-decryption-failed"


@pytest.mark.parametrize(
    ("native", "shown"), [("tripledes_3key", "3DES"), ("aes192_cbc", "AES-192-CBC"), ("rc2", "RC2")]
)
def test_ciphers_outside_the_allow_list_are_refused_by_name(native: str, shown: str) -> None:
    """A cipher that is not allowed is refused before a key is touched, and named."""
    ours = der.oid(algorithms.CIPHER_OIDS["aes-256-cbc"])
    theirs = der.oid({"3DES": "1.2.840.113549.3.7", "RC2": "1.2.840.113549.3.2"}.get(shown, "2.16.840.1.101.3.4.1.22"))
    parsed = oracle.ContentInfo.load(encrypted())
    algorithm = parsed["content"]["encrypted_content_info"]["content_encryption_algorithm"]
    vector = algorithm["parameters"].native
    body = der.read(parsed.dump())
    data = _replaced(body.raw, ours, theirs) if len(ours) == len(theirs) else _rebuilt(parsed, theirs, vector)

    with pytest.raises(FormatError) as caught:
        cms.decrypt(data, keys=beta().key_pairs)

    assert caught.value.problems[0].code == "as2-insufficient-message-security"
    assert shown in caught.value.problems[0].text


def _replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1
    return data.replace(old, new)


def _rebuilt(parsed: oracle.ContentInfo, cipher: bytes, vector: bytes) -> bytes:
    content = parsed["content"]["encrypted_content_info"]["encrypted_content"].native
    return wrap(
        algorithms.ID_ENVELOPED_DATA,
        der.sequence(
            der.integer(0),
            parsed["content"]["recipient_infos"].dump(),
            der.sequence(
                der.oid(algorithms.ID_DATA),
                der.sequence(cipher, der.octet_string(vector)),
                der.write(der.IMPLICIT_0, content),
            ),
        ),
    )


def test_encryption_needs_an_rsa_certificate_and_an_allowed_cipher() -> None:
    """An EC recipient and 3DES are refused before anything is made."""
    ec = identity("SIGNER", "p-256").certificate

    assert code_of(lambda: cms.encrypt(CONTENT, certificate=ec)) == "as2-cannot-build"
    assert (
        code_of(lambda: cms.encrypt(CONTENT, certificate=beta().certificate, cipher="tripledes")) == "as2-cannot-build"
    )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_raises_anything_but_a_format_error(data: st.DataObject) -> None:
    """Whatever is done to an envelope, it opens or ends in FormatError with an AS2 code."""
    whole = encrypted()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    damaged = whole[:start] + data.draw(st.binary(max_size=40)) + whole[end:]

    code = outcome(lambda: cms.decrypt(damaged, keys=beta().key_pairs))

    assert not code or code.startswith("as2-")


def test_compressed_content_comes_back_and_is_read_by_another() -> None:
    """CompressedData round-trips and asn1crypto unpacks it to the same bytes."""
    data = cms.compress(CONTENT)

    assert cms.decompress(data) == CONTENT
    assert oracle.ContentInfo.load(data)["content"].decompressed == CONTENT
    assert len(data) < len(CONTENT)


def _compressed(packed: bytes) -> bytes:
    return wrap(
        algorithms.ID_COMPRESSED_DATA,
        der.sequence(
            der.integer(0),
            der.sequence(der.oid(algorithms.ZLIB)),
            der.sequence(der.oid(algorithms.ID_DATA), der.write(der.EXPLICIT_0, der.octet_string(packed))),
        ),
    )


def test_compressed_content_is_bounded_and_whole() -> None:
    """A bomb, a cut stream, bytes after its end and another kind of value are refused; the limit itself is not."""
    bomb = _compressed(zlib.compress(b"\0" * 1_000_000))
    bad = [
        lambda: cms.decompress(bomb, limit=999_999),
        lambda: cms.decompress(_compressed(zlib.compress(CONTENT)[:-3])),
        lambda: cms.decompress(_compressed(zlib.compress(CONTENT) + b"x")),
        lambda: cms.decompress(_compressed(b"no zlib")),
        lambda: cms.decompress(cms.compress(CONTENT)[:-1]),
        lambda: cms.decompress(encrypted()),
        lambda: cms.decompress(b""),
    ]

    assert len(cms.decompress(bomb, limit=1_000_000)) == 1_000_000
    assert {"as2-decompression-failed"} == {code_of(act) for act in bad}


def test_the_kind_of_a_value_is_read_from_its_first_bytes() -> None:
    """Type of a ContentInfo, DER or BER; nothing for anything else."""
    assert cms.kind_of(encrypted()) == algorithms.ID_ENVELOPED_DATA
    assert cms.kind_of(b"\x30\x80" + der.oid(algorithms.ID_SIGNED_DATA)) == algorithms.ID_SIGNED_DATA
    assert [cms.kind_of(data) for data in (b"", b"\x30", b"\x30\x80\x06\x80", b"hello world")] == [""] * 4
