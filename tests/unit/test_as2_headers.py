"""AS2 names, Message-IDs, receipt requests and header fields are written and read without loss or injection."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.as2 import ReceiptRequest, fold_headers, headers, make_message_id, parse_as2_name, write_as2_name
from schemas.as2.dispositions import disposition_of, parse_disposition, sentence_of
from tests.as2_kit import NOW, code_of


@given(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=128).filter(
        lambda n: n == n.strip()
    )
)
def test_as2_names_come_back(name: str) -> None:
    """Any printable ASCII name is read back as it was written, quoted or not."""
    assert parse_as2_name(write_as2_name(name)) == name


def test_as2_names_are_quoted_only_when_needed() -> None:
    """A space, a quote and a backslash ask for quotes (RFC 4130 section 6.2); case is kept."""
    assert write_as2_name("SFIC-Prod") == "SFIC-Prod"
    assert write_as2_name("US CBP") == '"US CBP"'
    assert write_as2_name('a"b\\c') == '"a\\"b\\\\c"'


@pytest.mark.parametrize("name", ["", " x", "x\r\nBcc: y", "é", "x" * 129])
def test_names_that_are_not_as2_names_are_refused(name: str) -> None:
    """Empty, padded, too long, foreign and line-breaking names are refused both ways."""
    assert code_of(lambda: write_as2_name(name)) == "as2-cannot-build"
    if name != " x":
        assert code_of(lambda: parse_as2_name(name)) == "as2-unexpected-processing-error"


def test_message_ids_get_their_brackets() -> None:
    """Brackets are added when missing; spaces, inner brackets, line ends and too great a length are refused."""
    assert make_message_id("17", "gw.example") == "<17@gw.example>"
    assert headers.check_message_id("17@gw.example") == "<17@gw.example>"
    for bad in ("", "<>", "<a b>", "<a>\r\nX: y", "<a<b>", "<" + "x" * 998 + ">"):
        assert code_of(lambda b=bad: headers.check_message_id(b)) == "as2-cannot-build"  # type: ignore[misc]


def test_a_field_that_decides_stands_once() -> None:
    """Two AS2-From fields could be read differently by two readers; other fields join."""
    assert fold_headers([("Received", "a"), ("received", "b")]) == {"received": "a, b"}
    assert code_of(lambda: fold_headers([("AS2-From", "A"), ("as2-from", "B")])) == "as2-unexpected-processing-error"


def test_parameters_are_read_with_their_quotes() -> None:
    """Quoted values, escapes and spaces are understood; a parameter twice and loose text are refused."""
    value = 'Multipart/Signed; micalg=sha-256 ; boundary="a \\"b\\";c";'

    assert headers.parse_value(value, "x") == ("multipart/signed", {"micalg": "sha-256", "boundary": 'a "b";c'})
    for bad in ("a/b; x", "a/b; x=1; X=2", 'a/b; x="open', "a/b; ; y=1"):
        assert code_of(lambda b=bad: headers.parse_value(b, "x")) == "as2-unexpected-processing-error"  # type: ignore[misc]


def test_a_receipt_request_is_read_as_it_was_written() -> None:
    """Signed, unsigned, asynchronous and none come back."""
    for kind, url in (("signed", ""), ("unsigned", ""), ("signed", "https://gw.example/mdn"), ("none", "")):
        written = headers.write_receipt_request(kind, to="A", digest="sha-384", async_url=url)  # type: ignore[arg-type]
        found = headers.parse_receipt_request(fold_headers(written))

        assert found == ReceiptRequest(kind, ("sha-384",) if kind == "signed" else (), url)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha1, SHA256", "sha-256"),
        ("signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=optional, md5", ""),
        ('signed-receipt-protocol=optional,"pkcs7-signature";signed-receipt-micalg=required,sha512', "sha-512"),
    ],
)
def test_names_of_digests_are_understood_in_every_spelling(options: str, expected: str) -> None:
    """sha256 and SHA-256 are one; digests that are not allowed are passed over while optional."""
    fields = {"disposition-notification-to": "x", "disposition-notification-options": options}

    assert headers.parse_receipt_request(fields) == ReceiptRequest("signed", (expected,) if expected else ())


def test_what_is_required_and_not_allowed_is_refused() -> None:
    """A required SHA-1 receipt or another receipt protocol cannot be given."""
    for options, code in (
        ("signed-receipt-micalg=required, sha1", "as2-unsupported-mic-algorithms"),
        ("signed-receipt-protocol=required, pgp-signature", "as2-unsupported-format"),
    ):
        fields = {"disposition-notification-to": "x", "disposition-notification-options": options}
        assert code_of(lambda f=fields: headers.parse_receipt_request(f)) == code  # type: ignore[misc]


def test_header_values_cannot_carry_a_line_end() -> None:
    """File names, media types, subjects, addresses and dates are checked before they are written."""
    for act in (
        lambda: headers.check_filename("a/b"),
        lambda: headers.check_filename('a".x'),
        lambda: headers.check_filename(".hidden"),
        lambda: headers.check_media_type("text"),
        lambda: headers.check_media_type("text/plain\r\nX: y"),
        lambda: headers.check_text("a\nb", "subject"),
        lambda: headers.write_date(datetime(2026, 1, 1)),  # noqa: DTZ001 - without a zone on purpose
    ):
        assert code_of(act) == "as2-cannot-build"
    assert headers.write_date(NOW) == "Mon, 02 Mar 2026 15:04:05 +0000"


@pytest.mark.parametrize(
    ("text", "accepted", "code"),
    [
        ("automatic-action/MDN-sent-automatically; processed", True, ""),
        (
            "automatic-action/MDN-sent-automatically;processed/Warning: duplicate-document",
            True,
            "as2-duplicate-document",
        ),
        ("manual-action/MDN-sent-manually; processed/error: Decryption-Failed", False, "as2-decryption-failed"),
        (
            "automatic-action/MDN-sent-automatically; failed/Failure: unsupported format",
            False,
            "as2-unsupported-format",
        ),
        ("automatic-action/MDN-sent-automatically; failed", False, "as2-unexpected-processing-error"),
    ],
)
def test_dispositions_are_read(text: str, accepted: bool, code: str) -> None:
    """Type, level and modifier decide whether a message was taken, in any letter case."""
    found = parse_disposition(text)

    assert (found.accepted, found.code) == (accepted, code)


def test_dispositions_that_are_none_are_refused() -> None:
    """A disposition that RFC 4130 does not know is no answer."""
    for bad in ("", "processed", "x; displayed", "x; processed/note: fine"):
        assert code_of(lambda b=bad: parse_disposition(b)) == "as2-unexpected-processing-error"  # type: ignore[misc]


def test_every_code_comes_back_from_its_own_disposition() -> None:
    """What we tell a sender reads as the same code on its side; a code of our own data tells nothing."""
    for code in (
        "as2-decryption-failed",
        "as2-decompression-failed",
        "as2-authentication-failed",
        "as2-integrity-check-failed",
        "as2-insufficient-message-security",
        "as2-unexpected-processing-error",
        "as2-unsupported-format",
        "as2-unsupported-mic-algorithms",
    ):
        assert parse_disposition(f"x; {disposition_of(code)}").code == code
    assert disposition_of("consignee-missing") == "processed/error: unexpected-processing-error"
    assert sentence_of("consignee-missing") == "The message could not be processed."
