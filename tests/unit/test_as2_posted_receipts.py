"""Receipts that do not travel in the answer: where they are posted, how they are known, what is believed of them."""

from __future__ import annotations

import pytest

from schemas.as2 import (
    As2Message,
    Mdn,
    ReceivedMessage,
    Refusal,
    answer,
    build_mdn,
    carry,
    check_mdn,
    is_receipt,
    may_post,
    read_receipt,
    read_request,
)
from tests.as2_kit import NOW, alpha, beta, code_of, mallory, message, partner

AGREED = "https://alpha.example:4443/as2"
POSTED = "https://alpha.example:4443/receipts?of=1"
MDN = {"message_id": "<r-1@beta.example>", "date": NOW}


def arrived(url: str = POSTED, body: bytes | None = None, **changes: object) -> ReceivedMessage | Refusal:
    """How BETA CO reads a message of ALPHA that wants its receipt at ``url``."""
    sent = message(async_url=url, **changes)
    known = {"ALPHA": partner(alpha(), address=AGREED)}
    return read_request(sent.headers, sent.body if body is None else body, me=beta(), partners=known, received_at=NOW)


def came(mdn: As2Message, body: bytes | None = None, **fields: str) -> Mdn | Refusal:
    """How ALPHA reads what was posted to it as a receipt."""
    known = {"BETA CO": partner(beta())}
    headers = dict(mdn.headers) | {name.replace("_", "-"): value for name, value in fields.items()}
    return read_receipt(headers, mdn.body if body is None else body, me=alpha(), partners=known, received_at=NOW)


@pytest.mark.parametrize(
    ("url", "agreed", "may"),
    [
        ("https://alpha.example/x", "https://alpha.example/as2", True),
        ("https://alpha.example:443/x", "https://ALPHA.example/as2", True),
        ("http://127.0.0.1:8471/as2", "http://127.0.0.1:8471/other", True),
        ("http://[::1]:80/x", "http://[::1]/as2", True),
        ("http://alpha.example/x", "https://alpha.example/as2", False),
        ("https://alpha.example:444/x", "https://alpha.example/as2", False),
        ("https://alpha.example.evil/x", "https://alpha.example/as2", False),
        ("https://alpha.example@evil.example/x", "https://alpha.example/as2", False),
        ("https://user@alpha.example/x", "https://alpha.example/as2", False),
        ("https://evil.example\\@alpha.example/x", "https://alpha.example/as2", False),
        ("https://alpha.example/x#y", "https://alpha.example/as2", False),
        ("https://alpha.example/x\r\nHost: evil", "https://alpha.example/as2", False),
        ("https://alpha.example/ x", "https://alpha.example/as2", False),
        ("https://alpha.example:99999/x", "https://alpha.example/as2", False),
        ("https://alpha.example:x/", "https://alpha.example/as2", False),
        ("https://[alpha/", "https://alpha.example/as2", False),
        ("//alpha.example/x", "https://alpha.example/as2", False),
        ("mailto:edi@alpha.example", "https://alpha.example/as2", False),
        ("file:///etc/passwd", "https://alpha.example/as2", False),
        ("https://alpha.example/" + "x" * 2000, "https://alpha.example/as2", False),
        ("https://alpha.example/x", "", False),
        ("", "", False),
    ],
)
def test_receipts_are_posted_to_the_agreed_host_and_port_only(url: str, agreed: str, may: bool) -> None:
    """Scheme, host and port are those of the agreed address, the path is free; nothing else is an address."""
    assert may_post(url, agreed) is may


def test_a_receipt_that_is_to_be_posted_is_owed() -> None:
    """The answer is 200 and empty, and names the receipt and where it goes."""
    found = arrived()
    response = answer(found, me=beta(), **MDN)

    assert isinstance(found, ReceivedMessage)
    assert (response.status, response.body, response.post_to) == (200, b"", POSTED)
    assert response.mdn is not None
    again = carry(response.mdn)
    assert (again.body, again.post_to) == (response.mdn.body, "")


@pytest.mark.parametrize("url", ["https://evil.example/mdn", "https://alpha.example/mdn", "mailto:a@alpha.example"])
def test_a_receipt_for_another_place_is_refused_in_the_answer(url: str) -> None:
    """A message that wants its receipt where nothing was agreed is not taken, and is told so where it came from."""
    found = arrived(url)
    response = answer(found, me=beta(), **MDN)

    assert isinstance(found, Refusal)
    assert found.problems[0].path == "headers.receipt-delivery-option"
    assert (response.post_to, response.status) == ("", 200)
    assert b"unexpected-processing-error" in response.body


@pytest.mark.parametrize(
    ("url", "post_to"), [(POSTED, POSTED), ("https://evil.example/mdn", "")], ids=["agreed", "another"]
)
def test_a_refusal_goes_the_way_the_receipt_would(url: str, post_to: str) -> None:
    """What cannot be decrypted is told by the agreed way; nobody can have it sent to a third party."""
    found = arrived(url, body=message().body[:-40])
    response = answer(found, me=beta(), **MDN)

    assert isinstance(found, Refusal)
    assert response.post_to == post_to
    assert response.mdn is not None
    assert b"decryption-failed" in response.mdn.body


def test_no_receipt_is_posted_that_was_not_asked_for() -> None:
    """A delivery address without a request for a receipt asks for nothing."""
    sent = message(want_mdn="none")
    fields = dict(sent.headers) | {"Receipt-Delivery-Option": POSTED}
    known = {"ALPHA": partner(alpha(), address=AGREED)}
    for body in (sent.body, sent.body[:-40]):
        found = read_request(fields, body, me=beta(), partners=known, received_at=NOW)
        response = answer(found, me=beta(), **MDN)
        assert (response.mdn, response.post_to) == (None, "")


@pytest.mark.parametrize("signed", [True, False])
def test_a_receipt_is_told_from_a_message(signed: bool) -> None:
    """By the type of the whole, or of the first part it signs; a message is none, however it is packed."""
    mdn = build_mdn(arrived(), me=beta(), signed=signed, **MDN)

    assert is_receipt(mdn.headers, mdn.body)
    for sign, encrypt, compress in ((True, True, True), (True, False, False), (False, False, True), (False,) * 3):
        sent = message(sign=sign, encrypt=encrypt, compress=compress)
        assert not is_receipt(sent.headers, sent.body)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", b""),
        ("multipart/signed", b"--b\r\nContent-Type: multipart/report\r\n\r\n"),
        ("multipart/signed; boundary=b", b""),
        ("multipart/signed; boundary=b", b"--b"),
        ("multipart/signed; boundary=b", b"--b\r\nContent-Type: multipart/report"),
        ("multipart/signed; boundary=b", b"--b\r\n" + b"X: y\r\n" * 20_000 + b"Content-Type: multipart/report\r\n\r\n"),
        ("multipart/signed; boundary=b; boundary=c", b"--b\r\nContent-Type: multipart/report\r\n\r\n"),
        ('multipart/signed; boundary="\udcff"', b"--b\r\nContent-Type: multipart/report\r\n\r\n"),
        ("multipart/signed; boundary=b", b"--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n"),
        ("multipart/mixed; boundary=b", b"--b\r\nContent-Type: multipart/report\r\n\r\n"),
    ],
)
def test_what_only_looks_like_a_receipt_is_none(content_type: str, body: bytes) -> None:
    """No boundary, no end, a header without end, layers that receipts have not: not a receipt, and no error."""
    assert not is_receipt({"Content-Type": content_type}, body)


def test_whose_a_receipt_is_is_known_before_what_it_is_about() -> None:
    """It is opened with its signature verified, names its message, and then has to fit what was sent."""
    sent = message()
    found = came(build_mdn(arrived(), me=beta(), **MDN))

    assert isinstance(found, Mdn)
    assert (found.sender, found.original_message_id, found.signed_ok) == ("BETA CO", sent.message_id, True)
    about = {"message_id": sent.message_id, "mic_algorithm": "sha256", "require_signed": True}
    check_mdn(found, mic=message(async_url=POSTED).mic, **about)  # type: ignore[arg-type]
    assert code_of(lambda: check_mdn(found, mic="AAAA", **about)) == "as2-integrity-check-failed"  # type: ignore[arg-type]
    assert code_of(lambda: check_mdn(found, message_id="<other@x>")) == "as2-unexpected-processing-error"


def test_an_unsigned_receipt_is_read_and_then_not_believed() -> None:
    """It names its message; where a signed one was agreed it does not fit."""
    found = came(build_mdn(arrived(), me=beta(), signed=False, **MDN))

    assert isinstance(found, Mdn)
    assert found.signed_ok is False
    check_mdn(found, message_id=found.original_message_id)
    assert code_of(lambda: check_mdn(found, require_signed=True)) == "as2-insufficient-message-security"


def test_receipts_that_are_nobodys_are_refused() -> None:
    """Another's signature, a stranger, another recipient, our own name, a changed word: no receipt, and none for it."""
    good = build_mdn(arrived(), me=beta(), **MDN)
    forged = build_mdn(arrived(), me=mallory(), **MDN)
    cases = {
        "as2-authentication-failed": [
            came(forged, AS2_From='"BETA CO"'),
            came(good, AS2_From="GAMMA"),
            came(good, AS2_From="ALPHA"),
        ],
        "as2-unexpected-processing-error": [came(good, AS2_To="GAMMA"), came(good, AS2_From="")],
        "as2-integrity-check-failed": [came(good, good.body.replace(b"processed", b"Processed"))],
    }
    for code, found in cases.items():
        for one in found:
            assert isinstance(one, Refusal)
            assert one.code == code
            response = answer(one, me=alpha(), **MDN)
            assert (response.status, response.mdn) == (400, None)
