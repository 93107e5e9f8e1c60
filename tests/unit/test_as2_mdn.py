"""A receipt proves what it says to the sender it is for, and says no to everything else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.as2 import (
    As2Message,
    As2Response,
    Mdn,
    ReceivedMessage,
    Refusal,
    answer,
    build_mdn,
    open_mdn,
    read_request,
)
from schemas.as2.dispositions import DUPLICATE
from tests.as2_kit import NOW, alpha, beta, code_of, mallory, message, outcome, partner

SENT = message()


def arrived(sent: As2Message = SENT, body: bytes | None = None) -> ReceivedMessage | Refusal:
    known = {"ALPHA": partner(alpha(), require_signature=False, require_encryption=False)}
    return read_request(sent.headers, sent.body if body is None else body, me=beta(), partners=known, received_at=NOW)


def respond(about: ReceivedMessage | Refusal, **changes: str) -> As2Response:
    return answer(about, me=beta(), message_id="<r-1@beta.example>", date=NOW, **changes)


def check(response: As2Response | As2Message, sent: As2Message = SENT, **changes: object) -> Mdn:
    arguments: dict[str, object] = {
        "me": alpha(),
        "partner": partner(beta()),
        "received_at": NOW,
        "message_id": sent.message_id,
        "mic": sent.mic,
        "mic_algorithm": sent.mic_algorithm,
    }
    return open_mdn(response.headers, response.body, **(arguments | changes))  # type: ignore[arg-type]


def test_a_positive_receipt_proves_the_delivery() -> None:
    """Signed, about this message, with the MIC that we computed ourselves."""
    response = respond(arrived())
    found = check(response)

    assert response.status == 200
    assert found.disposition.accepted
    assert found.signed_ok
    assert (found.original_message_id, found.mic) == (SENT.message_id, SENT.mic)
    assert found.message_id == "<r-1@beta.example>"
    assert found.text.startswith("The message was received")
    assert response.headers["AS2-From"] == '"BETA CO"'


def test_an_unsigned_receipt_passes_only_where_it_was_asked_for() -> None:
    """A peer that leaves out the signature is not believed."""
    plain = message(want_mdn="unsigned")
    response = respond(arrived(plain))

    assert check(response, plain, require_signed=False).signed_ok is False
    assert code_of(lambda: check(response, plain)) == "as2-insufficient-message-security"


def test_a_receipt_for_another_message_is_refused() -> None:
    """A replayed receipt does not stand for a message it never saw."""
    other = message(message_id="<m-2@alpha.example>")

    assert code_of(lambda: check(respond(arrived()), other)) == "as2-unexpected-processing-error"


def test_another_mic_is_an_integrity_fault() -> None:
    """A receipt whose MIC is not ours tells of other bytes; so does another digest or none."""
    response = respond(arrived())
    unsigned = message(sign=False)
    refusal = build_mdn(
        Refusal(unsigned.message_id, "ALPHA", "BETA CO", (), arrived().receipt),
        me=beta(),
        message_id="<r@b>",
        date=NOW,
        disposition="processed",
        signed=True,
    )

    assert code_of(lambda: check(response, mic="AAAA")) == "as2-integrity-check-failed"
    assert code_of(lambda: check(response, mic_algorithm="sha-512")) == "as2-integrity-check-failed"
    assert code_of(lambda: check(refusal, unsigned)) == "as2-integrity-check-failed"
    assert check(refusal, unsigned, require_mic=False).disposition.accepted


def test_the_spelling_of_the_digest_does_not_matter() -> None:
    """sha256 and sha-256 name one digest."""
    response = respond(arrived(message(want_mdn="unsigned")))
    body = response.body.replace(b", sha-256", b", SHA256")
    other = As2Response(200, response.headers, body)

    assert check(other, require_signed=False, mic="").mic_algorithm == "sha-256"


def test_a_negative_receipt_is_an_answer() -> None:
    """A refusal comes back signed, with the code of its reason and a sentence that gives nothing else away."""
    found = check(respond(arrived(body=SENT.body[:-40])))

    assert not found.disposition.accepted
    assert found.disposition.code == "as2-decryption-failed"
    assert found.signed_ok
    assert found.mic == ""
    assert found.text.startswith("The message could not be decrypted.")


def test_a_duplicate_is_taken_with_a_remark() -> None:
    """A warning counts as taken and is told."""
    found = check(respond(arrived(), disposition=DUPLICATE))

    assert found.disposition.accepted
    assert [(p.code, p.severity) for p in found.problems] == [("as2-duplicate-document", "warning")]


def test_without_a_request_there_is_no_receipt() -> None:
    """200 and nothing for a message, 400 and one sentence for a refusal."""
    quiet = message(want_mdn="none")

    assert (respond(arrived(quiet)).status, respond(arrived(quiet)).body) == (200, b"")
    refused = respond(arrived(quiet, quiet.body[:-40]))
    assert (refused.status, refused.mdn) == (400, None)
    assert refused.body == b"The message could not be decrypted.\r\n"


def test_a_request_that_cannot_be_named_gets_no_receipt() -> None:
    """Without a readable sender or Message-ID there is nothing to repeat: 400."""
    for field in ("AS2-From", "Message-ID"):
        sent = As2Message(dict(SENT.headers) | {field: "\x00"}, SENT.body, "")

        assert respond(arrived(sent)).status == 400


def test_a_receipt_that_was_required_and_cannot_be_given_is_refused_unsigned() -> None:
    """A required SHA-1 receipt: the refusal says that no such digest is supported, in the one form that is left."""
    options = "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, sha1"
    sent = As2Message(dict(SENT.headers) | {"Disposition-Notification-Options": options}, SENT.body, "")
    found = check(respond(arrived(sent)), require_signed=False)

    assert found.disposition.code == "as2-unsupported-mic-algorithms"
    assert found.signed_ok is False


def test_a_receipt_signed_by_another_is_refused() -> None:
    """Somebody in the middle cannot make a receipt."""
    forged = build_mdn(arrived(), me=mallory(), message_id="<r@b>", date=NOW)
    fields = dict(forged.headers) | {"AS2-From": '"BETA CO"'}

    assert code_of(lambda: check(As2Message(fields, forged.body, ""))) == "as2-authentication-failed"
    assert code_of(lambda: check(forged)) == "as2-authentication-failed"


def test_a_receipt_after_the_certificates_end_is_refused() -> None:
    """The partner's certificate must be valid when the receipt is read; ours when it is made."""
    late = NOW + timedelta(days=400)

    assert code_of(lambda: check(respond(arrived()), received_at=late)) == "as2-authentication-failed"
    assert code_of(lambda: build_mdn(arrived(), me=beta(), message_id="<r@b>", date=late)) == "as2-cannot-build"


@pytest.mark.parametrize("old", [b"processed", b"<m-1@", b"Received-Content-MIC", b"The message was"])
def test_a_changed_receipt_is_an_integrity_fault(old: bytes) -> None:
    """A word changed anywhere in the report breaks the signature."""
    response = respond(arrived())
    body = response.body.replace(old, old.swapcase(), 1)
    assert body != response.body

    assert code_of(lambda: check(As2Response(200, response.headers, body))) == "as2-integrity-check-failed"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"<h1>It works</h1>"),
        ("multipart/report; boundary=b", b"--b\r\n\r\nx\r\n--b--"),
        ("multipart/report", b"--b\r\n\r\nx\r\n--b--"),
        ("multipart/report; boundary=b", b"--b\r\nContent-Type: message/disposition-notification\r\n\r\nA: b\r\n--b--"),
        (
            "multipart/report; boundary=b",
            b"--b\r\nContent-Type: message/disposition-notification\r\n\r\nnot fields\r\n--b--",
        ),
        ("", b""),
    ],
)
def test_what_is_no_receipt_is_refused(content_type: str, body: bytes) -> None:
    """A web page, a report without its fields and nothing at all are no receipts."""
    response = As2Response(200, {"Content-Type": content_type}, body)

    assert code_of(lambda: check(response, require_signed=False)) == "as2-unexpected-processing-error"


def test_a_receipt_that_is_too_large_is_refused() -> None:
    """A receipt has a bounded size."""
    response = As2Response(200, {}, b"x" * (1024 * 1024 + 1))

    assert code_of(lambda: check(response)) == "as2-unexpected-processing-error"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_passes_for_a_receipt(data: st.DataObject) -> None:
    """A damaged receipt ends in FormatError with an AS2 code, or says what it said."""
    response = respond(arrived())
    start = data.draw(st.integers(0, len(response.body)))
    end = data.draw(st.integers(start, min(len(response.body), start + 30)))
    body = response.body[:start] + data.draw(st.binary(max_size=30)) + response.body[end:]
    damaged = As2Response(200, response.headers, body)

    code = outcome(lambda: check(damaged))

    assert code.startswith("as2-") or check(damaged).disposition == check(response).disposition
