"""OpenSSL's command reads what we make, and we read what it makes: signatures, envelopes, receipts, DER and BER.

Every kind of key, digest and cipher that may be agreed, both ways. Compression is not among it: Debian's OpenSSL is
built without zlib and cannot take a compressed message apart; there pyas2lib is the peer (test_as2_pyas2lib.py).

OpenSSL reads multipart messages line by line and rewrites line ends; binary content is therefore given to it as the
part and the signature that stand in our message, text content as the whole message.
"""

from __future__ import annotations

import base64
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.as2 import (
    As2Message,
    As2Response,
    Identity,
    ReceivedMessage,
    answer,
    cms,
    fingerprint,
    open_mdn,
    open_message,
    read_request,
)
from schemas.as2.algorithms import CIPHER_OIDS, DIGEST_OIDS
from schemas.as2.identity import KeyType
from schemas.as2.mime import read_part, split_multipart, write_part
from tests.as2_kit import NOW, PAYLOAD, alpha, beta, code_of, identity, key_files, message, openssl, partner

TEXT = b"ISA*00*          *00*~\r\nGS*FM*SFIC*USCBP~\r\n"
AT = str(int(NOW.timestamp()))
KEYS: list[KeyType] = ["rsa-2048", "rsa-3072", "p-256"]
RSA: list[KeyType] = ["rsa-2048", "rsa-3072"]
DETACHED_SIGN = ("cms", "-sign", "-binary", "-outform", "DER")


def whole(sent: As2Message | As2Response, folder: Path) -> Path:
    """The message as a file: header, empty line, body."""
    path = folder / "message.eml"
    path.write_bytes(write_part(sent.headers, sent.body))
    return path


def signed_parts(content_type: str, body: bytes, folder: Path) -> tuple[Path, Path]:
    """The signed part and the decoded signature of a multipart/signed, as files."""
    boundary = read_part(f"Content-Type: {content_type}\r\n\r\n".encode()).content_type[1]["boundary"]
    part, signature = split_multipart(body, boundary)
    content, data = folder / "part.bin", folder / "signature.der"
    content.write_bytes(part)
    data.write_bytes(read_part(signature).decoded())
    return content, data


def verified_by_openssl(signature: Path, content: Path, certificate: Path) -> bytes:
    return openssl(
        *("cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content", content),
        *("-CAfile", certificate, "-partial_chain", "-attime", AT),
    )


@pytest.mark.parametrize("key_type", KEYS)
@pytest.mark.parametrize("digest", DIGEST_OIDS)
def test_openssl_verifies_our_signed_part(tmp_path: Path, key_type: KeyType, digest: str) -> None:
    """The exact part of a binary message; with one byte more OpenSSL says no."""
    signer = identity("SIGNER", key_type)
    certificate, _ = key_files(signer, tmp_path)
    sent = message(sender=signer, encrypt=False, receiver=partner(beta(), digest=digest))
    content, signature = signed_parts(sent.headers["Content-Type"], sent.body, tmp_path)

    assert verified_by_openssl(signature, content, certificate) == content.read_bytes()
    assert content.read_bytes().endswith(PAYLOAD)
    content.write_bytes(content.read_bytes() + b" ")
    with pytest.raises(AssertionError, match="verif"):
        verified_by_openssl(signature, content, certificate)


@pytest.mark.parametrize("command", ["cms", "smime"])
def test_openssl_verifies_our_whole_message(tmp_path: Path, command: str) -> None:
    """A text message as multipart/signed, through both of its commands."""
    certificate, _ = key_files(alpha(), tmp_path)
    path = whole(message(TEXT, encrypt=False), tmp_path)

    content = openssl(
        command, "-verify", "-in", path, "-CAfile", certificate, "-partial_chain", "-attime", AT, "-purpose", "any"
    )

    assert content.endswith(TEXT)


@pytest.mark.parametrize("key_type", KEYS)
def test_openssl_refuses_our_signature_under_another_certificate(tmp_path: Path, key_type: KeyType) -> None:
    """What one key signed, OpenSSL does not take for another's of the same kind."""
    sent = message(sender=identity("SIGNER", key_type), encrypt=False)
    content, signature = signed_parts(sent.headers["Content-Type"], sent.body, tmp_path)
    other, _ = key_files(identity("ANOTHER", key_type), tmp_path)

    with pytest.raises(AssertionError, match="verif"):
        verified_by_openssl(signature, content, other)


@pytest.mark.parametrize("kind", ["signed", "unsigned"])
def test_openssl_verifies_our_receipt(tmp_path: Path, kind: str) -> None:
    """A positive receipt as a whole message; what it verifies is the report with our MIC."""
    sent = message(want_mdn=kind)
    arrived = read_request(sent.headers, sent.body, me=beta(), partners={"ALPHA": partner(alpha())}, received_at=NOW)
    response = answer(arrived, me=beta(), message_id="<r@beta.example>", date=NOW)
    certificate, _ = key_files(beta(), tmp_path)
    path = whole(response, tmp_path)

    if kind == "unsigned":
        assert response.headers["Content-Type"].startswith("multipart/report")
        assert sent.mic.encode() in response.body
        return
    report = openssl("cms", "-verify", "-in", path, "-CAfile", certificate, "-partial_chain", "-attime", AT)

    assert f"Received-Content-MIC: {sent.mic}, sha-256".encode() in report


def decrypted_by_openssl(data: bytes, certificate: Path, key: Path) -> bytes:
    path = certificate.with_name("smime.p7m")
    path.write_bytes(data)
    return openssl("cms", "-decrypt", "-binary", "-inform", "DER", "-in", path, "-recip", certificate, "-inkey", key)


@pytest.mark.parametrize("key_type", RSA)
@pytest.mark.parametrize("cipher", CIPHER_OIDS)
def test_openssl_decrypts_our_message(tmp_path: Path, cipher: str, key_type: KeyType) -> None:
    """The enveloped-data of a message opens to its multipart/signed, which it verifies in turn; for no other key."""
    recipient = identity("RECIPIENT", key_type)
    certificate, key = key_files(recipient, tmp_path)
    sender_certificate, _ = key_files(alpha(), tmp_path)
    sent = message(receiver=partner(recipient, cipher=cipher))

    opened = decrypted_by_openssl(sent.body, certificate, key)
    inner = read_part(opened)
    content, signature = signed_parts(inner.fields["content-type"], inner.body, tmp_path)

    assert verified_by_openssl(signature, content, sender_certificate).endswith(PAYLOAD)
    with pytest.raises(AssertionError, match=r"(?i)decrypt|recipient"):
        decrypted_by_openssl(sent.body, *key_files(identity("ANOTHER", key_type), tmp_path))


def test_openssl_cannot_take_compression_apart(tmp_path: Path) -> None:
    """It says so by name; were it built with zlib, it would have to give back what we packed."""
    path = tmp_path / "smime.p7z"
    path.write_bytes(cms.compress(PAYLOAD))
    done = subprocess.run(
        ["/usr/bin/openssl", "cms", "-uncompress", "-inform", "DER", "-binary", "-in", path],
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert done.stdout == PAYLOAD if done.returncode == 0 else b"unsupported compression algorithm" in done.stderr


def sign_with_openssl(content: bytes, signer: Identity, folder: Path, *options: str) -> bytes:
    certificate, key = key_files(signer, folder)
    path = folder / "content.bin"
    path.write_bytes(content)
    return openssl(*DETACHED_SIGN, "-in", path, "-signer", certificate, "-inkey", key, *options)


@pytest.mark.parametrize("options", [(), ("-stream",), ("-noattr",), ("-keyid",), ("-nocerts",), ("-stream", "-keyid")])
@pytest.mark.parametrize("digest", DIGEST_OIDS)
@pytest.mark.parametrize("key_type", KEYS)
def test_we_verify_what_openssl_signs(tmp_path: Path, key_type: KeyType, digest: str, options: tuple[str, ...]) -> None:
    """DER and streamed BER (which encloses the content), with and without attributes, certificates, key identifiers.

    Changed content and another's certificate are refused.
    """
    signer = identity("SIGNER", key_type)
    signature = sign_with_openssl(PAYLOAD, signer, tmp_path, "-md", digest.replace("-", ""), *options)
    pinned, others = [signer.certificate], [identity("ANOTHER", key_type).certificate]

    assert cms.verify(signature, PAYLOAD, pinned=pinned, verified_at=NOW).digest == digest
    assert (
        code_of(lambda: cms.verify(signature, PAYLOAD[:-1], pinned=pinned, verified_at=NOW))
        == "as2-integrity-check-failed"
    )
    assert (
        code_of(lambda: cms.verify(signature, PAYLOAD, pinned=others, verified_at=NOW)) == "as2-authentication-failed"
    )
    if "-stream" in options:
        assert signature[1] == 0x80


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("-md", "sha1"), "SHA-1"),
        (("-md", "md5"), "MD5"),
        (("-md", "sha256", "-keyopt", "rsa_padding_mode:pss"), "RSASSA-PSS"),
    ],
)
def test_weak_or_unknown_signatures_of_openssl_are_refused(
    tmp_path: Path, options: tuple[str, ...], named: str
) -> None:
    """SHA-1, MD5 and PSS are not on the allow list, and the refusal says which it was."""
    signature = sign_with_openssl(PAYLOAD, alpha(), tmp_path, *options)

    with pytest.raises(Exception, match=named):
        cms.verify(signature, PAYLOAD, pinned=[alpha().certificate], verified_at=NOW)
    assert (
        code_of(lambda: cms.verify(signature, PAYLOAD, pinned=[alpha().certificate], verified_at=NOW))
        == "as2-insufficient-message-security"
    )


def encrypt_with_openssl(content: bytes, folder: Path, *options: str, to: Identity | None = None) -> bytes:
    certificate, _ = key_files(to or beta(), folder)
    path = folder / "content.bin"
    path.write_bytes(content)
    recipient = ("-recip", str(certificate)) if "-keyopt" in options else (str(certificate),)
    before = ("cms", "-encrypt", "-binary", "-outform", "DER", "-in", path)
    if "-keyopt" in options:
        return openssl(*before, *recipient, *options)
    return openssl(*before, *options, *recipient)


@pytest.mark.parametrize("cipher", ["-aes128", "-aes256"])
@pytest.mark.parametrize("options", [(), ("-stream",), ("-keyid",), ("-stream", "-keyid")])
@pytest.mark.parametrize("size", [0, 5, 16, 200_000])
@pytest.mark.parametrize("key_type", RSA)
def test_we_decrypt_what_openssl_encrypts(
    tmp_path: Path, key_type: KeyType, cipher: str, options: tuple[str, ...], size: int
) -> None:
    """DER and streamed BER in pieces, by issuer and number or key identifier, of several sizes; with no other key."""
    content, recipient = (PAYLOAD * 70)[:size], identity("RECIPIENT", key_type)
    data = encrypt_with_openssl(content, tmp_path, cipher, *options, to=recipient)

    assert cms.decrypt(data, keys=recipient.key_pairs) == content
    assert cms.kind_of(data) == "1.2.840.113549.1.7.3"
    if "-stream" in options:
        assert data[1] == 0x80
    others = identity("ANOTHER", key_type).key_pairs
    assert code_of(lambda: cms.decrypt(data, keys=others)) == "as2-decryption-failed"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("-des3",), "3DES"),
        (("-aes192",), "AES-192-CBC"),
        (("-aes256", "-keyopt", "rsa_padding_mode:oaep"), "RSAES-OAEP"),
    ],
)
def test_other_ciphers_of_openssl_are_refused(tmp_path: Path, options: tuple[str, ...], named: str) -> None:
    """3DES, AES-192 and OAEP are not on the allow list, and the refusal says which it was."""
    data = encrypt_with_openssl(PAYLOAD, tmp_path, *options)

    with pytest.raises(Exception, match=named):
        cms.decrypt(data, keys=beta().key_pairs)
    assert code_of(lambda: cms.decrypt(data, keys=beta().key_pairs)) == "as2-insufficient-message-security"


def test_encryption_to_an_elliptic_key_is_refused(tmp_path: Path) -> None:
    """OpenSSL agrees on a key with the recipient's; such recipients are passed over, so there is none left for us."""
    recipient = identity("RECIPIENT", "p-256")
    data = encrypt_with_openssl(PAYLOAD, tmp_path, "-aes256", to=recipient)

    assert code_of(lambda: cms.decrypt(data, keys=recipient.key_pairs)) == "as2-decryption-failed"


def made_by_openssl(folder: Path, part: bytes, signer: Identity, to: Identity, digest: str, cipher: str) -> bytes:
    """The body of a message that OpenSSL's command signed and encrypted, both as streams."""
    signature = sign_with_openssl(part, signer, folder, "-md", digest.replace("-", ""), "-stream")
    body = (
        b"--edge\r\n" + part + b"\r\n--edge\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(signature) + b"\r\n--edge--\r\n"
    )
    signed = b'Content-Type: multipart/signed; boundary="edge"; micalg=sha256\r\n\r\n' + body
    return encrypt_with_openssl(signed, folder, cipher, "-stream", to=to)


@pytest.mark.parametrize("signer_key", KEYS)
@pytest.mark.parametrize("recipient_key", RSA)
@pytest.mark.parametrize("digest", DIGEST_OIDS)
@pytest.mark.parametrize("cipher", ["-aes128", "-aes256"])
def test_a_message_made_by_openssl_alone_is_opened_and_its_receipt_accepted(
    tmp_path: Path, signer_key: KeyType, recipient_key: KeyType, digest: str, cipher: str
) -> None:
    """Signed, encrypted and streamed by its command, sent under our headers: payload, MIC and receipt hold.

    Changed anywhere, for another or by another it is refused.
    """
    part = b"Content-Type: application/EDI-X12\r\nContent-Transfer-Encoding: binary\r\n\r\n" + PAYLOAD
    sender = replace(identity("SIGNER", signer_key), as2_name="ALPHA")
    me = replace(identity("RECIPIENT", recipient_key), as2_name="BETA CO")
    body, fields = made_by_openssl(tmp_path, part, sender, me, digest, cipher), message().headers
    known = {"ALPHA": partner(sender)}

    found = open_message(fields, body, me=me, partners=known, received_at=NOW)
    response = answer(found, me=me, message_id="<r@b>", date=NOW)
    printed = openssl("dgst", "-" + digest.replace("-", ""), "-binary", content=part)
    mdn = open_mdn(
        response.headers,
        response.body,
        me=sender,
        partner=partner(me),
        received_at=NOW,
        message_id=found.message_id,
        mic=base64.b64encode(printed).decode(),
        mic_algorithm=digest.replace("-", ""),
    )

    assert isinstance(found, ReceivedMessage)
    assert found.payload == PAYLOAD
    assert mdn.disposition.accepted
    changed = bytearray(body)
    changed[len(body) // 2] ^= 1
    assert code_of(lambda: open_message(fields, bytes(changed), me=me, partners=known, received_at=NOW)) in (
        "as2-decryption-failed",
        "as2-integrity-check-failed",
    )
    for_another = replace(identity("ANOTHER", recipient_key), as2_name="BETA CO")
    assert (
        code_of(lambda: open_message(fields, body, me=for_another, partners=known, received_at=NOW))
        == "as2-decryption-failed"
    )
    by_another = {"ALPHA": partner(replace(identity("ANOTHER", signer_key), as2_name="ALPHA"))}
    assert (
        code_of(lambda: open_message(fields, body, me=me, partners=by_another, received_at=NOW))
        == "as2-authentication-failed"
    )


def test_the_fingerprint_is_the_one_that_people_compare(tmp_path: Path) -> None:
    """OpenSSL prints the same SHA-256 fingerprint of our certificate, and finds it well made."""
    certificate, _ = key_files(alpha(), tmp_path)
    printed = openssl("x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").decode()

    assert printed.strip().split("=")[1].replace(":", "").lower() == fingerprint(alpha().certificate)
    assert b"OK" in openssl("verify", "-CAfile", certificate, "-attime", AT, certificate)
