"""Signatures hold for the pinned partner and the exact content, and for nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asn1crypto import cms as oracle
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.as2 import Identity, cms, der, make_identity, self_signed_certificate
from schemas.as2.algorithms import RSA_ENCRYPTION, digest_bytes
from schemas.as2.identity import KeyType
from tests.as2_kit import NOW, alpha, beta, code_of, identity, mallory, outcome

CONTENT = b"Content-Type: application/EDI-X12\r\n\r\nISA*00~\n"


def signed(by: Identity, content: bytes = CONTENT, digest: str = "sha-256") -> bytes:
    return cms.sign(content, certificate=by.certificate, private_key=by.private_key, signed_at=NOW, digest=digest)


def verify(signature: bytes, content: bytes = CONTENT, of: Identity | None = None) -> cms.Verified:
    return cms.verify(signature, content, pinned=[(of or alpha()).certificate], verified_at=NOW)


@pytest.mark.parametrize("digest", ["sha-256", "sha-384", "sha-512"])
@pytest.mark.parametrize("key_type", ["rsa-2048", "p-256"])
def test_a_signature_tells_signer_digest_and_time(key_type: KeyType, digest: str) -> None:
    """RSA and ECDSA P-256 signatures verify and give back what was signed with."""
    signer = identity("SIGNER", key_type)

    found = verify(signed(signer, digest=digest), of=signer)

    assert (signer.certificate, digest, NOW) == (found.certificate, found.digest, found.signed_at)


def test_an_rsa_signature_is_a_function_of_its_arguments() -> None:
    """The same content at the same instant gives the same bytes; a second later gives others."""
    later = cms.sign(
        CONTENT,
        certificate=alpha().certificate,
        private_key=alpha().private_key,
        signed_at=NOW + timedelta(seconds=1),
    )

    assert signed(alpha()) == signed(alpha())
    assert signed(alpha()) != later


def test_an_independent_reader_finds_the_same_structure() -> None:
    """asn1crypto reads our SignedData: one signer, three attributes, the digest of the content."""
    parsed = oracle.ContentInfo.load(signed(alpha()), strict=True)["content"]
    signer = parsed["signer_infos"][0]
    attributes = {a["type"].native: a["values"][0].native for a in signer["signed_attrs"]}

    assert parsed["version"].native == "v1"
    assert alpha().certificate.serial_number == signer["sid"].chosen["serial_number"].native
    assert {
        "content_type": "data",
        "message_digest": digest_bytes("sha-256", CONTENT),
        "signing_time": NOW,
    } == attributes
    assert parsed["encap_content_info"]["content"].native is None


@pytest.mark.parametrize("key_type", ["rsa-2048", "p-256"])
@pytest.mark.parametrize("options", [[], [PKCS7Options.NoCapabilities], [PKCS7Options.NoAttributes]])
def test_what_the_cryptography_library_signs_is_verified(key_type: KeyType, options: list[PKCS7Options]) -> None:
    """Signatures of another writer hold, with and without signed attributes."""
    signer = identity("SIGNER", key_type)
    builder = PKCS7SignatureBuilder().set_data(CONTENT)
    builder = builder.add_signer(signer.certificate, signer.private_key, hashes.SHA256())
    signature = builder.sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary, *options])

    assert verify(signature, of=signer).digest == "sha-256"
    assert code_of(lambda: verify(signature, CONTENT + b" ", of=signer)) == "as2-integrity-check-failed"


def test_changed_content_is_an_integrity_fault() -> None:
    """One byte more, less or other fails the integrity check."""
    for changed in (CONTENT + b"\n", CONTENT[:-1], CONTENT.replace(b"*00", b"*01"), b""):
        assert code_of(lambda c=changed: verify(signed(alpha()), c)) == "as2-integrity-check-failed"  # type: ignore[misc]


def test_another_signer_is_not_authenticated() -> None:
    """A signature by another key does not pass, even when its message carries that key's certificate."""
    assert code_of(lambda: verify(signed(mallory()))) == "as2-authentication-failed"


def test_a_signer_who_borrows_the_partners_name_and_number_is_not_authenticated() -> None:
    """Issuer and serial number of the pinned certificate with a signature of another key fail at the value."""
    signature = cms.sign(CONTENT, certificate=alpha().certificate, private_key=mallory().private_key, signed_at=NOW)

    assert code_of(lambda: verify(signature)) == "as2-authentication-failed"


@pytest.mark.parametrize("days", [-31, 336])
def test_a_certificate_counts_only_while_it_is_valid(days: int) -> None:
    """Before and after its dates the pinned certificate authenticates nobody."""
    at = NOW + timedelta(days=days)
    pinned = [alpha().certificate]

    assert (
        code_of(lambda: cms.verify(signed(alpha()), CONTENT, pinned=pinned, verified_at=at))
        == "as2-authentication-failed"
    )


def test_both_certificates_count_while_a_partner_changes_over() -> None:
    """Any of several pinned certificates may be the signer's."""
    pinned = [beta().certificate, alpha().certificate]

    assert alpha().certificate == cms.verify(signed(alpha()), CONTENT, pinned=pinned, verified_at=NOW).certificate


def test_an_enclosed_content_must_be_the_same() -> None:
    """Content that stands inside the signature as well is compared with the content beside it."""
    opaque = cms.sign(
        CONTENT, certificate=alpha().certificate, private_key=alpha().private_key, signed_at=NOW, detached=False
    )

    assert verify(opaque).certificate == alpha().certificate
    assert code_of(lambda: verify(opaque, CONTENT + b" ")) == "as2-integrity-check-failed"


def test_attributes_cannot_be_passed_off_as_content() -> None:
    """A signature over attributes, its attributes removed, must not verify the attributes as content."""
    parsed = oracle.ContentInfo.load(signed(alpha()))
    signer = parsed["content"]["signer_infos"][0]
    attributes = b"\x31" + signer["signed_attrs"].dump()[1:]
    signer["signed_attrs"] = None

    assert code_of(lambda: verify(parsed.dump(force=True), attributes)) == "as2-integrity-check-failed"


def test_a_signature_algorithm_for_another_kind_of_key_is_refused() -> None:
    """An ECDSA identifier over an RSA key does not reach the key."""
    rsa_in_signer = der.sequence(der.oid(RSA_ENCRYPTION), der.null())
    parsed = oracle.ContentInfo.load(signed(alpha()))
    signer = parsed["content"]["signer_infos"][0]
    assert signer["signature_algorithm"].dump() == rsa_in_signer
    signer["signature_algorithm"] = {"algorithm": "sha256_ecdsa"}

    assert code_of(lambda: verify(parsed.dump(force=True))) == "as2-authentication-failed"


def test_a_curve_outside_the_allow_list_is_refused() -> None:
    """P-521 is a good curve that was not agreed; it neither signs nor verifies here."""
    key = ec.generate_private_key(ec.SECP521R1())
    certificate = self_signed_certificate(key, common_name="W", not_before=NOW, not_after=NOW + timedelta(days=1))

    assert (
        code_of(lambda: cms.sign(CONTENT, certificate=certificate, private_key=key, signed_at=NOW))
        == "as2-insufficient-message-security"
    )


def test_a_certificate_without_key_identifier_is_not_mistaken() -> None:
    """A signer named by key identifier is not a certificate that has none."""
    key = alpha().private_key
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "W")])
    bare = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    parsed = oracle.ContentInfo.load(signed(alpha()))
    parsed["content"]["signer_infos"][0]["sid"] = oracle.SignerIdentifier({"subject_key_identifier": b"x" * 20})
    signature = parsed.dump(force=True)

    assert (
        code_of(lambda: cms.verify(signature, CONTENT, pinned=[bare], verified_at=NOW)) == "as2-authentication-failed"
    )


def test_two_signers_are_refused() -> None:
    """Exactly one signer is expected; two leave open who answers for the content."""
    builder = PKCS7SignatureBuilder().set_data(CONTENT)
    for who in (alpha(), beta()):
        builder = builder.add_signer(who.certificate, who.private_key, hashes.SHA256())  # type: ignore[arg-type]
    signature = builder.sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])

    assert code_of(lambda: verify(signature)) == "as2-authentication-failed"


@pytest.mark.parametrize("attribute", ["content_type", "message_digest"])
def test_attributes_must_name_type_and_digest_once(attribute: str) -> None:
    """Without, or with two of, the attributes that bind the content, a signature proves nothing."""
    for keep in ("none", "twice"):
        parsed = oracle.ContentInfo.load(signed(alpha()))
        signer = parsed["content"]["signer_infos"][0]
        kept = [a for a in signer["signed_attrs"] if keep == "twice" or a["type"].native != attribute]
        extra = [a for a in signer["signed_attrs"] if a["type"].native == attribute] if keep == "twice" else []
        signer["signed_attrs"] = oracle.CMSAttributes([*kept, *extra])

        assert code_of(lambda p=parsed: verify(p.dump(force=True))) == "as2-integrity-check-failed"  # type: ignore[misc]


def test_a_short_rsa_key_is_refused() -> None:
    """A pinned certificate with a key below 2048 bits is not good enough."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - short on purpose
    certificate = self_signed_certificate(key, common_name="W", not_before=NOW, not_after=NOW + timedelta(days=1))
    signature = (
        PKCS7SignatureBuilder()
        .set_data(CONTENT)
        .add_signer(certificate, key, hashes.SHA256())
        .sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])
    )

    assert (
        code_of(lambda: cms.verify(signature, CONTENT, pinned=[certificate], verified_at=NOW))
        == "as2-insufficient-message-security"
    )
    assert (
        code_of(lambda: cms.sign(CONTENT, certificate=certificate, private_key=key, signed_at=NOW))
        == "as2-insufficient-message-security"
    )


def test_every_single_changed_byte_is_refused_or_changes_nothing() -> None:
    """Each byte of the signature flipped in turn: refused with an AS2 code, or outside of what is relied on.

    What may change unseen is only what is never read: the enclosed certificate, the list of digest algorithms ahead of
    the signer, version numbers, and the algorithm parameters that RFC 5754 tells readers to accept in two forms.
    """
    signature = signed(alpha())
    certificate = alpha().certificate.public_bytes(Encoding.DER)
    start = signature.index(certificate)
    unread = []
    for position in range(len(signature)):
        if start <= position < start + len(certificate):
            continue
        changed = bytearray(signature)
        changed[position] ^= 0x01
        code = outcome(lambda sample=bytes(changed): verify(sample))  # type: ignore[misc]
        if code:
            assert code.startswith("as2-")
        else:
            unread.append(position)

    assert len(unread) < 30
    assert max(unread) < len(signature) - 256


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_raises_anything_but_a_format_error(data: st.DataObject) -> None:
    """Cut, doubled or overwritten signatures end in FormatError with an AS2 code, or verify."""
    whole = signed(alpha())
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    damaged = whole[:start] + data.draw(st.binary(max_size=40)) + whole[end:]

    code = outcome(lambda: verify(damaged))

    assert not code or code.startswith("as2-")


@pytest.mark.parametrize("cut", [0, 1, 2, 10, 100, -1])
def test_a_cut_signature_is_an_integrity_fault(cut: int) -> None:
    """A truncated signature cannot be read."""
    assert code_of(lambda: verify(signed(alpha())[:cut])) == "as2-integrity-check-failed"


def test_another_kind_of_cms_value_is_not_a_signature() -> None:
    """Compressed data in the signature's place is refused."""
    assert code_of(lambda: verify(cms.compress(CONTENT))) == "as2-integrity-check-failed"
    assert code_of(lambda: verify(der.sequence())) == "as2-integrity-check-failed"


def test_signing_refuses_what_is_not_allowed() -> None:
    """A digest outside the allow list and a key of another kind than the certificate are refused."""
    assert code_of(lambda: signed(alpha(), digest="sha-1")) == "as2-cannot-build"
    ec_key = identity("SIGNER", "p-256").private_key

    assert (
        code_of(lambda: cms.sign(CONTENT, certificate=alpha().certificate, private_key=ec_key, signed_at=NOW))
        == "as2-cannot-build"
    )


def test_an_identity_hides_its_key_and_needs_the_right_one() -> None:
    """No representation shows the private key; a pair that does not belong together is refused."""
    made = make_identity("GAMMA", not_before=NOW, not_after=NOW + timedelta(days=1), key_type="p-256")

    assert "private_key" not in repr(made)
    assert code_of(lambda: Identity("GAMMA", alpha().certificate, made.private_key)) == "as2-cannot-build"
