"""OpenSSL's command reads what we make, and we read what it makes: signatures, envelopes, receipts, DER and BER.

OpenSSL reads multipart messages line by line and rewrites line ends; binary content is therefore given to it as the
part and the signature that stand in our message, text content as the whole message.
"""

from __future__ import annotations

import base64
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
from schemas.as2.identity import KeyType
from schemas.as2.mime import read_part, split_multipart, write_part
from tests.as2_kit import NOW, PAYLOAD, alpha, beta, code_of, identity, key_files, message, openssl, partner

TEXT = b"ISA*00*          *00*~\r\nGS*FM*SFIC*USCBP~\r\n"
AT = str(int(NOW.timestamp()))
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


@pytest.mark.parametrize("key_type", ["rsa-2048", "p-256"])
@pytest.mark.parametrize("digest", ["sha-256", "sha-512"])
def test_openssl_verifies_our_signed_part(tmp_path: Path, key_type: KeyType, digest: str) -> None:
    """The exact part of a binary message, RSA and ECDSA."""
    signer = identity("SIGNER", key_type)
    certificate, _ = key_files(signer, tmp_path)
    sent = message(sender=signer, encrypt=False, receiver=partner(beta(), digest=digest))
    content, signature = signed_parts(sent.headers["Content-Type"], sent.body, tmp_path)

    assert verified_by_openssl(signature, content, certificate) == content.read_bytes()
    assert content.read_bytes().endswith(PAYLOAD)


@pytest.mark.parametrize("command", ["cms", "smime"])
def test_openssl_verifies_our_whole_message(tmp_path: Path, command: str) -> None:
    """A text message as multipart/signed, through both of its commands."""
    certificate, _ = key_files(alpha(), tmp_path)
    path = whole(message(TEXT, encrypt=False), tmp_path)

    content = openssl(
        command, "-verify", "-in", path, "-CAfile", certificate, "-partial_chain", "-attime", AT, "-purpose", "any"
    )

    assert content.endswith(TEXT)


def test_openssl_refuses_our_message_when_it_is_changed(tmp_path: Path) -> None:
    """The check above can fail: one byte changed and OpenSSL says no."""
    certificate, _ = key_files(alpha(), tmp_path)
    content, signature = signed_parts(*_type_and_body(message(encrypt=False)), tmp_path)
    content.write_bytes(content.read_bytes() + b" ")

    with pytest.raises(AssertionError, match="verif"):
        verified_by_openssl(signature, content, certificate)


def _type_and_body(sent: As2Message) -> tuple[str, bytes]:
    return sent.headers["Content-Type"], sent.body


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


@pytest.mark.parametrize("cipher", ["aes-128-cbc", "aes-256-cbc"])
def test_openssl_decrypts_our_message(tmp_path: Path, cipher: str) -> None:
    """The enveloped-data of a message opens to its multipart/signed, which it verifies in turn."""
    certificate, key = key_files(beta(), tmp_path)
    sender_certificate, _ = key_files(alpha(), tmp_path)
    sent = message(receiver=partner(beta(), cipher=cipher))
    data = tmp_path / "smime.p7m"
    data.write_bytes(sent.body)

    opened = openssl("cms", "-decrypt", "-binary", "-inform", "DER", "-in", data, "-recip", certificate, "-inkey", key)
    inner = read_part(opened)
    content, signature = signed_parts(inner.fields["content-type"], inner.body, tmp_path)

    assert verified_by_openssl(signature, content, sender_certificate).endswith(PAYLOAD)


def sign_with_openssl(content: bytes, signer: Identity, folder: Path, *options: str) -> bytes:
    certificate, key = key_files(signer, folder)
    path = folder / "content.bin"
    path.write_bytes(content)
    return openssl(*DETACHED_SIGN, "-in", path, "-signer", certificate, "-inkey", key, *options)


@pytest.mark.parametrize("options", [(), ("-stream",), ("-noattr",), ("-keyid",), ("-nocerts",), ("-stream", "-keyid")])
@pytest.mark.parametrize("key_type", ["rsa-2048", "p-256"])
def test_we_verify_what_openssl_signs(tmp_path: Path, key_type: KeyType, options: tuple[str, ...]) -> None:
    """DER and streamed BER (which encloses the content), with and without attributes, certificates, key identifiers."""
    signer = identity("SIGNER", key_type)
    signature = sign_with_openssl(PAYLOAD, signer, tmp_path, "-md", "sha256", *options)
    pinned = [signer.certificate]

    assert cms.verify(signature, PAYLOAD, pinned=pinned, verified_at=NOW).digest == "sha-256"
    assert (
        code_of(lambda: cms.verify(signature, PAYLOAD[:-1], pinned=pinned, verified_at=NOW))
        == "as2-integrity-check-failed"
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


def encrypt_with_openssl(content: bytes, folder: Path, *options: str) -> bytes:
    certificate, _ = key_files(beta(), folder)
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
def test_we_decrypt_what_openssl_encrypts(tmp_path: Path, cipher: str, options: tuple[str, ...], size: int) -> None:
    """DER and streamed BER in pieces, by issuer and number or key identifier, of several sizes."""
    content = (PAYLOAD * 70)[:size]
    data = encrypt_with_openssl(content, tmp_path, cipher, *options)

    assert cms.decrypt(data, keys=beta().key_pairs) == content
    assert cms.kind_of(data) == "1.2.840.113549.1.7.3"


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


def test_a_message_made_by_openssl_alone_is_opened_and_its_receipt_accepted(tmp_path: Path) -> None:
    """Signed, streamed and encrypted by its command, sent under our headers: payload, MIC and receipt hold."""
    part = b"Content-Type: application/EDI-X12\r\nContent-Transfer-Encoding: binary\r\n\r\n" + PAYLOAD
    signature = sign_with_openssl(part, alpha(), tmp_path, "-stream")
    body = (
        b"--edge\r\n" + part + b"\r\n--edge\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(signature) + b"\r\n--edge--\r\n"
    )
    signed = b'Content-Type: multipart/signed; boundary="edge"; micalg=sha256\r\n\r\n' + body
    sent = As2Message(message().headers, encrypt_with_openssl(signed, tmp_path, "-aes256", "-stream"), "")
    known = {"ALPHA": partner(alpha())}

    found = open_message(sent.headers, sent.body, me=beta(), partners=known, received_at=NOW)
    response = answer(found, me=beta(), message_id="<r@b>", date=NOW)
    digest = openssl("dgst", "-sha256", "-binary", content=part)
    mdn = open_mdn(
        response.headers,
        response.body,
        me=alpha(),
        partner=partner(beta()),
        received_at=NOW,
        message_id=found.message_id,
        mic=base64.b64encode(digest).decode(),
        mic_algorithm="sha256",
    )

    assert isinstance(found, ReceivedMessage)
    assert found.payload == PAYLOAD
    assert mdn.disposition.accepted


def test_the_fingerprint_is_the_one_that_people_compare(tmp_path: Path) -> None:
    """OpenSSL prints the same SHA-256 fingerprint of our certificate, and finds it well made."""
    certificate, _ = key_files(alpha(), tmp_path)
    printed = openssl("x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").decode()

    assert printed.strip().split("=")[1].replace(":", "").lower() == fingerprint(alpha().certificate)
    assert b"OK" in openssl("verify", "-CAfile", certificate, "-attime", AT, certificate)
