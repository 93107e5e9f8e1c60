"""A message comes out as it went in, its MIC covers what RFC 4130 says, and nothing damaged or weak is taken."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from itertools import product

import pytest
from asn1crypto import cms as oracle
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.as2 import As2Message, ReceivedMessage, Refusal, algorithms, cms, der, open_message, read_request
from schemas.as2.content_info import wrap
from schemas.as2.mime import write_part
from schemas.errors import FormatError
from tests.as2_kit import NOW, PAYLOAD, alpha, beta, code_of, identity, mallory, message, outcome, partner

LAX = {"require_signature": False, "require_encryption": False}


def receive(sent: As2Message, body: bytes | None = None, **settings: object) -> ReceivedMessage:
    known = {"ALPHA": partner(alpha(), **settings)}
    return open_message(sent.headers, sent.body if body is None else body, me=beta(), partners=known, received_at=NOW)


@pytest.mark.parametrize(("sign", "encrypt", "compress"), list(product([False, True], repeat=3)))
@pytest.mark.parametrize("payload", [PAYLOAD, b"", b"\r\n--b--\n\x00", b"\n"])
def test_a_payload_comes_out_as_it_went_in(sign: bool, encrypt: bool, compress: bool, payload: bytes) -> None:
    """Every combination of layers gives back payload, name, type and the sender's own MIC."""
    sent = message(payload, sign=sign, encrypt=encrypt, compress=compress)
    found = receive(sent, **LAX)

    assert found.payload == payload
    assert (found.signed, found.encrypted, found.compressed) == (sign, encrypt, compress)
    assert (found.mic, found.mic_algorithm) == (sent.mic, sent.mic_algorithm)
    assert (found.filename, found.content_type) == ("SFIC2503100001.x12", "application/EDI-X12")
    assert (found.sender, found.recipient, found.message_id) == ("ALPHA", "BETA CO", "<m-1@alpha.example>")
    assert found.payload_digest == hashlib.sha256(payload).hexdigest()
    assert bool(found.signature_digest) is sign
    assert found.signed_at == (NOW if sign else None)
    assert found.problems == ()


def test_the_mic_covers_what_the_standard_says() -> None:
    """Signed or encrypted: the part with its header. Plain: the body alone. Compressed: the part that was signed."""
    part = (
        b"Content-Type: application/EDI-X12\r\nContent-Transfer-Encoding: binary\r\n"
        b'Content-Disposition: attachment; filename="SFIC2503100001.x12"\r\n\r\n' + PAYLOAD
    )
    with_header = base64.b64encode(hashlib.sha256(part).digest()).decode()
    body_alone = base64.b64encode(hashlib.sha256(PAYLOAD).digest()).decode()

    assert message(encrypt=False).mic == with_header
    assert message().mic == with_header
    assert message(sign=False).mic == with_header
    assert message(sign=False, encrypt=False, compress=True).mic == with_header
    assert message(sign=False, encrypt=False).mic == body_alone
    assert message(compress=True).mic not in (with_header, body_alone)


@pytest.mark.parametrize("digest", ["sha-256", "sha-384", "sha-512"])
@pytest.mark.parametrize("key_type", ["rsa-2048", "p-256"])
def test_digests_and_keys(digest: str, key_type: str) -> None:
    """Every allowed digest works with RSA and ECDSA signatures; the MIC uses the signature's digest."""
    signer = identity("SIGNER", key_type)  # type: ignore[arg-type]
    sent = message(sender=signer, receiver=partner(beta(), digest=digest, cipher="aes-128-cbc"))
    found = open_message(sent.headers, sent.body, me=beta(), partners={"SIGNER": partner(signer)}, received_at=NOW)

    assert (found.mic_algorithm, found.mic) == (digest, sent.mic)


def test_the_headers_say_what_rfc_4130_asks() -> None:
    """Version, names, Message-ID, date and receipt request stand in the header; a message is one line a field."""
    sent = message()

    assert sent.headers["AS2-Version"] == "1.2"
    assert sent.headers["EDIINT-Features"]
    assert (sent.headers["AS2-From"], sent.headers["AS2-To"]) == ("ALPHA", '"BETA CO"')
    assert sent.headers["Message-ID"] == "<m-1@alpha.example>"
    assert sent.headers["Date"] == "Mon, 02 Mar 2026 15:04:05 +0000"
    assert "pkcs7-signature" in sent.headers["Disposition-Notification-Options"]
    assert not any(c in value for value in sent.headers.values() for c in "\r\n")
    assert message(encrypt=False).headers["Content-Type"].startswith("multipart/signed; protocol=")


def test_a_signed_message_is_a_function_of_its_arguments() -> None:
    """Without encryption nothing is random; with it every message is another."""
    assert message(encrypt=False) == message(encrypt=False)
    assert message().body != message().body


@pytest.mark.parametrize("place", ["payload", "part header", "signature", "boundary", "cut", "closing"])
def test_a_changed_signed_message_is_refused(place: str) -> None:
    """A change anywhere in a signed message is told by the right code."""
    sent = message(encrypt=False)
    body = sent.body
    cut = body.index(b"Content-Type: application/pkcs7-signature")
    value = body.index(b"MII", cut) + 1700  # inside the last 256 bytes, the signature's value
    other = b"B" if body[value : value + 1] == b"A" else b"A"
    changed, expected = {
        "payload": (body.replace(b"SFIC ", b"SFID ", 1), "as2-integrity-check-failed"),
        "part header": (body.replace(b"SFIC2503100001.x12", b"SFIC2503100002.x12", 1), "as2-integrity-check-failed"),
        "signature": (body[:value] + other + body[value + 1 :], "as2-authentication-failed"),
        "boundary": (body.replace(b"--=_", b"--=-"), "as2-unexpected-processing-error"),
        "cut": (body[: len(body) // 2], "as2-unexpected-processing-error"),
        "closing": (body + b"more", "as2-unexpected-processing-error"),
    }[place]

    assert code_of(lambda: receive(sent, changed, **LAX)) == expected


@pytest.mark.parametrize("sample", ["flipped", "cut", "empty", "text"])
def test_a_changed_encrypted_message_is_a_decryption_fault(sample: str) -> None:
    """Whatever is done to the ciphertext, the answer is the same."""
    sent = message()
    middle = len(sent.body) // 2
    body = {
        "flipped": sent.body[:middle] + bytes((sent.body[middle] ^ 1,)) + sent.body[middle + 1 :],
        "cut": sent.body[:middle],
        "empty": b"",
        "text": b"no CMS at all",
    }[sample]

    expected = (
        {"as2-decryption-failed", "as2-integrity-check-failed"} if sample == "flipped" else {"as2-decryption-failed"}
    )
    assert code_of(lambda: receive(sent, body)) in expected


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_no_damage_passes_or_raises_anything_else(data: st.DataObject) -> None:
    """Damage anywhere in body or fields ends in FormatError with an AS2 code, or the very same content is delivered."""
    sent = message(encrypt=data.draw(st.booleans()), compress=data.draw(st.booleans()))
    fields = dict(sent.headers)
    if data.draw(st.booleans()):
        start = data.draw(st.integers(0, len(sent.body)))
        end = data.draw(st.integers(start, min(len(sent.body), start + 30)))
        body = sent.body[:start] + data.draw(st.binary(max_size=30)) + sent.body[end:]
    else:
        name = data.draw(st.sampled_from(["Content-Type", "AS2-From", "AS2-To", "Message-ID"]))
        fields[name] = data.draw(st.text(max_size=60))
        body = sent.body
    try:
        found = open_message(
            fields, body, me=beta(), partners={"ALPHA": partner(alpha(), require_encryption=False)}, received_at=NOW
        )
    except FormatError as error:
        code = error.problems[0].code
    else:
        code = "same" if (found.payload, found.mic) == (PAYLOAD, sent.mic) else "other"

    assert code == "same" or code.startswith("as2-")


def test_signed_by_another_key_and_sealed_to_us() -> None:
    """Anybody can encrypt to us; only the partner's signature counts."""
    assert code_of(lambda: receive(message(sender=mallory()))) == "as2-authentication-failed"


def test_encrypted_to_another() -> None:
    """A message whose key is wrapped for somebody else is a decryption fault."""
    sent = message(receiver=partner(mallory()))
    fields = dict(sent.headers) | {"AS2-To": '"BETA CO"'}

    assert code_of(lambda: receive(As2Message(fields, sent.body, "<x@y>"))) == "as2-decryption-failed"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("AS2-From", "NOBODY", "as2-authentication-failed"),
        ("AS2-From", '"BETA CO"', "as2-authentication-failed"),
        ("AS2-To", "ALPHA", "as2-unexpected-processing-error"),
        ("AS2-To", "", "as2-unexpected-processing-error"),
        ("Message-ID", "", "as2-unexpected-processing-error"),
        ("Content-Type", "application/pkcs7-mime; x", "as2-unexpected-processing-error"),
    ],
)
def test_the_header_must_name_sender_recipient_and_message(field: str, value: str, expected: str) -> None:
    """An unknown sender, another recipient, no Message-ID and an unreadable type are refused."""
    sent = message()

    assert code_of(lambda: receive(As2Message(dict(sent.headers) | {field: value}, sent.body, ""))) == expected


def test_less_security_than_agreed_is_refused() -> None:
    """Unsigned or plain messages are refused unless the partner may send them."""
    assert code_of(lambda: receive(message(encrypt=False))) == "as2-insufficient-message-security"
    assert (
        code_of(lambda: receive(message(sign=False, encrypt=False), require_encryption=False))
        == "as2-insufficient-message-security"
    )
    assert receive(message(encrypt=False), require_encryption=False).payload == PAYLOAD


def test_an_unsigned_content_inside_encryption_tells_nothing() -> None:
    """Where a signature is required, the absence of one behind a decryption is told as a decryption fault only."""
    with pytest.raises(FormatError) as caught:
        receive(message(sign=False))

    assert caught.value.problems[0].code == "as2-decryption-failed"
    assert "not signed" in caught.value.problems[0].text


def test_a_stranger_cannot_learn_whether_the_padding_was_right() -> None:
    """Changed copies of a captured message, whether their padding is right or wrong, give one and the same code.

    The test plays the attacker with one liberty, the content key, to make plaintexts that a thousand tries would find.
    """
    sent = message()
    info = oracle.ContentInfo.load(sent.body)["content"]
    recipients = info["recipient_infos"]
    key = beta().private_key.decrypt(recipients[0].chosen["encrypted_key"].native, padding.PKCS1v15())  # type: ignore[union-attr]
    vector = info["encrypted_content_info"]["content_encryption_algorithm"]["parameters"].native
    content = info["encrypted_content_info"]["encrypted_content"].native
    opener = Cipher(AES(key), CBC(vector)).decryptor()
    plain = opener.update(content) + opener.finalize()
    plain = plain[: -plain[-1]]

    def sealed(text: bytes) -> As2Message:
        writer = Cipher(AES(key), CBC(vector)).encryptor()
        data = writer.update(text) + writer.finalize()
        body = wrap(
            algorithms.ID_ENVELOPED_DATA,
            der.sequence(
                der.integer(0),
                recipients.dump(),
                der.sequence(
                    der.oid(algorithms.ID_DATA),
                    der.sequence(der.oid(algorithms.CIPHER_OIDS["aes-256-cbc"]), der.octet_string(vector)),
                    der.write(der.IMPLICIT_0, data),
                ),
            ),
        )
        return As2Message(sent.headers, body, sent.message_id)

    def padded(text: bytes) -> bytes:
        size = 16 - len(text) % 16
        return text + bytes((size,)) * size

    noise = bytes(range(200, 216))
    tries = {
        "padding wrong": plain[: len(plain) // 16 * 16 - 16] + noise,
        "padding right, garbage after the end": padded(plain + noise * 2),
        "padding right, cut in the part": padded(plain[:640]),
        "padding right, cut in the header": padded(plain[:32]),
        "padding right, nothing": padded(b""),
        "padding right, another type": padded(b"Content-Type: a/b\r\n\r\n" + plain),
        "padding right, no fields": padded(noise + plain),
        "padding right, an empty first line": padded(b"\r\n" + plain),
        "padding right, a nested CMS value": padded(
            b"Content-Type: application/pkcs7-mime\r\n\r\n" + cms.compress(b"x")
        ),
    }
    codes = {what: code_of(lambda t=text: receive(sealed(t))) for what, text in tries.items()}  # type: ignore[misc]

    assert receive(sealed(padded(plain))).payload == PAYLOAD
    assert set(codes.values()) == {"as2-decryption-failed"}, codes


def test_layers_in_an_order_that_as2_does_not_know_are_refused() -> None:
    """Encryption inside a signature, a compression in a compression and a bare signed-data value are refused."""
    once = message(sign=False, encrypt=False, compress=True)
    twice = write_part({"Content-Type": "application/pkcs7-mime"}, once.body)
    fields = dict(once.headers)

    def plain(body: bytes) -> ReceivedMessage:
        return receive(As2Message(fields, body, ""), **LAX)

    opaque = cms.sign(
        PAYLOAD, certificate=alpha().certificate, private_key=alpha().private_key, signed_at=NOW, detached=False
    )
    envelope = write_part(
        {"Content-Type": "application/pkcs7-mime"}, cms.encrypt(b"\r\n", certificate=beta().certificate)
    )
    assert code_of(lambda: plain(cms.compress(twice))) == "as2-unsupported-format"
    assert code_of(lambda: plain(cms.compress(envelope))) == "as2-unsupported-format"
    assert code_of(lambda: plain(opaque)) == "as2-unsupported-format"


def test_a_signature_part_must_be_one() -> None:
    """A second part of another type, three parts and undecodable base64 are refused."""
    sent = message(encrypt=False)
    other = sent.body.replace(b"application/pkcs7-signature; name", b"text/plain; name")
    broken = sent.body.replace(b"\r\nMII", b"\r\n*II")
    boundary = sent.body.split(b"\r\n", 1)[0]
    three = boundary + b"\r\n\r\nx\r\n" + sent.body

    assert code_of(lambda: receive(sent, other, **LAX)) == "as2-unsupported-format"
    assert code_of(lambda: receive(sent, broken, **LAX)) == "as2-integrity-check-failed"
    assert code_of(lambda: receive(sent, three, **LAX)) == "as2-unexpected-processing-error"


def test_text_that_lost_its_line_ends_on_the_way_is_delivered_as_signed() -> None:
    """A 7bit part signed with CRLF and carried with LF verifies in its signed form; a binary one does not."""
    part = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n\r\na\r\nb\r\n"
    for encoding, expected in ((b"7bit", ""), (b"binary", "as2-integrity-check-failed")):
        content = part.replace(b"7bit", encoding)
        signature = cms.sign(content, certificate=alpha().certificate, private_key=alpha().private_key, signed_at=NOW)
        signature_part = write_part(
            {"Content-Type": "application/pkcs7-signature", "Content-Transfer-Encoding": "base64"},
            base64.b64encode(signature),
        )
        body = b"--b\n" + content.replace(b"\r\n", b"\n") + b"\n--b\n" + signature_part + b"\n--b--\n"
        fields = dict(message().headers) | {"Content-Type": "multipart/signed; boundary=b"}
        sent = As2Message(fields, body, "")

        assert outcome(lambda s=sent: receive(s, **LAX)) == expected  # type: ignore[misc]
        if not expected:
            assert receive(sent, **LAX).payload == b"a\r\nb\r\n"


def test_a_base64_body_is_understood() -> None:
    """Some peers encode the encrypted body for HTTP; it is decoded first."""
    sent = message()
    fields = dict(sent.headers) | {"Content-Transfer-Encoding": "base64"}

    assert receive(As2Message(fields, base64.encodebytes(sent.body), "")).payload == PAYLOAD


def test_an_untidy_file_name_is_left_out_with_a_warning() -> None:
    """A name with a path in it is not handed on; the message is taken."""
    sent = message(sign=False, encrypt=False)
    fields = dict(sent.headers) | {"Content-Disposition": 'attachment; filename="../../etc/passwd"'}
    found = receive(As2Message(fields, sent.body, ""), **LAX)

    assert (found.filename, found.payload) == ("", PAYLOAD)
    assert [(p.code, p.severity) for p in found.problems] == [("as2-filename", "warning")]


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "no id"},
        {"filename": "a/b"},
        {"content_type": "x"},
        {"subject": "a\r\nb"},
        {"date": NOW + timedelta(days=400)},
        {"receiver": partner(beta(), digest="sha-1")},
        {"receiver": partner(beta(), cipher="tripledes")},
        {"receiver": partner(identity("EC", "p-256"))},
    ],
)
def test_arguments_that_make_no_message_are_refused(change: dict[str, object]) -> None:
    """Bad names, expired certificates and algorithms that are not allowed end before anything is made."""
    assert code_of(lambda: message(**change)) == "as2-cannot-build"


def test_an_ec_partner_can_name_another_certificate_for_encryption() -> None:
    """Signatures by P-256 and encryption to RSA go together."""
    from dataclasses import replace

    signer = identity("SIGNER", "p-256")
    both = replace(signer, decryption_keys=beta().key_pairs)
    receiver = partner(signer, encryption_certificate=beta().certificate)
    sent = message(receiver=receiver)
    found = open_message(sent.headers, sent.body, me=both, partners={"ALPHA": partner(alpha())}, received_at=NOW)

    assert found.payload == PAYLOAD


def test_a_message_from_another_maker_of_envelopes_opens() -> None:
    """The same layers made by the cryptography library alone are opened."""
    inner = message(encrypt=False)
    content = write_part({"Content-Type": inner.headers["Content-Type"]}, inner.body)
    builder = PKCS7EnvelopeBuilder().set_data(content).add_recipient(alpha().certificate)
    data = builder.add_recipient(beta().certificate).encrypt(Encoding.DER, [PKCS7Options.Binary])

    assert receive(As2Message(message().headers, data, "")).mic == inner.mic


def test_a_request_becomes_a_message_or_a_refusal() -> None:
    """read_request never raises: a refusal keeps what the header still tells."""
    known = {"ALPHA": partner(alpha())}
    sent = message()
    cut = read_request(sent.headers, sent.body[:-20], me=beta(), partners=known, received_at=NOW)
    bare = read_request([("AS2-From", "A"), ("AS2-From", "B")], b"", me=beta(), partners=known, received_at=NOW)

    assert isinstance(
        read_request(sent.headers, sent.body, me=beta(), partners=known, received_at=NOW), ReceivedMessage
    )
    assert isinstance(cut, Refusal)
    assert (cut.code, cut.sender, cut.message_id) == ("as2-decryption-failed", "ALPHA", "<m-1@alpha.example>")
    assert cut.receipt.kind == "signed"
    assert isinstance(bare, Refusal)
    assert (bare.code, bare.message_id, bare.recipient) == ("as2-unexpected-processing-error", "", "")


def test_a_message_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Size limits hold on both sides, before anything is opened."""
    sent = message()
    monkeypatch.setattr("schemas.as2.message.MAX_MESSAGE_BYTES", len(sent.body) - 1)
    monkeypatch.setattr("schemas.as2.message.MAX_PAYLOAD_BYTES", 10)

    assert code_of(lambda: receive(sent)) == "as2-unexpected-processing-error"
    assert code_of(message) == "as2-cannot-build"
