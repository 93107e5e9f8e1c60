"""MIME parts are cut without changing a byte, and what is not clearly a part is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.as2.mime import (
    base64_lines,
    canonical,
    choose_boundary,
    read_part,
    split_multipart,
    write_multipart,
    write_part,
)
from tests.as2_kit import code_of, outcome

LINES = st.sampled_from([b"", b"\r\n", b"\n", b"--", b"--b", b"--b--", b"x", b"\r", b"--bb\r\n", b" "])


@given(st.lists(st.binary(max_size=60) | st.lists(LINES, max_size=8).map(b"".join), min_size=1, max_size=4))
def test_parts_come_back_byte_for_byte(parts: list[bytes]) -> None:
    """Whatever the parts hold, a chosen boundary separates them exactly."""
    boundary = choose_boundary("seed", parts)

    assert split_multipart(write_multipart(parts, boundary), boundary) == parts


@given(st.lists(LINES, max_size=12).map(b"".join))
def test_any_body_is_split_or_refused(body: bytes) -> None:
    """Look-alikes of boundaries never raise anything but FormatError."""
    assert outcome(lambda: split_multipart(body, "b")) in ("", "as2-unexpected-processing-error")


def test_a_boundary_counts_only_on_a_line_of_its_own() -> None:
    """Inside a line, or longer than it should be, it is content; bare LF line ends are understood."""
    assert split_multipart(b"--b\r\na --b\r\n--bc\r\n\r\n--b--", "b") == [b"a --b\r\n--bc\r\n"]
    assert split_multipart(b"preamble\n--b\nx\n--b \ny\n--b--\n", "b") == [b"x", b"y"]


@pytest.mark.parametrize(
    "body",
    [b"", b"--b\r\nx", b"--b\r\nx\r\n--b\r\n", b"--b--", b"--b\r\nx\r\n--b--\r\nhidden", b"--b\r\n" * 30 + b"--b--"],
)
def test_a_multipart_that_is_cut_or_goes_on_is_refused(body: bytes) -> None:
    """Without a closing boundary, with bytes after it or with very many parts it is refused."""
    assert code_of(lambda: split_multipart(body, "b")) == "as2-unexpected-processing-error"


@pytest.mark.parametrize("boundary", ["", "x" * 71, "é"])
def test_a_boundary_must_be_usable(boundary: str) -> None:
    """Empty, over-long and foreign boundaries are refused."""
    assert code_of(lambda: split_multipart(b"--x\r\n\r\n--x--", boundary)) == "as2-unexpected-processing-error"


def test_a_boundary_never_occurs_in_a_part() -> None:
    """The same seed gives the same boundary, unless a part holds it."""
    first = choose_boundary("seed", [b""])

    assert choose_boundary("seed", [b"x"]) == first
    assert choose_boundary("seed", [first.encode()]) != first


def test_a_part_keeps_its_raw_bytes() -> None:
    """Fields are unfolded and found without case; the raw bytes stay."""
    raw = b"Content-Type: text/plain;\r\n charset=us-ascii\r\nX-A:  b \r\n\r\nbody\r\n"
    part = read_part(raw)

    assert part.content_type == ("text/plain", {"charset": "us-ascii"})
    assert (part.fields["x-a"], part.body, part.raw) == ("b", b"body\r\n", raw)
    assert write_part({"A": "b"}, b"c") == b"A: b\r\n\r\nc"


def test_a_part_without_fields_begins_with_an_empty_line() -> None:
    """An empty header is a header; no empty line at all is none."""
    assert (read_part(b"\r\nbody").body, read_part(b"\nbody").body) == (b"body", b"body")
    assert read_part(b"\r\nbody").content_type[0] == "text/plain"
    for raw in (
        b"",
        b"A: b",
        b"no field\r\n\r\n",
        b"A: b\r\nA b: c\r\n\r\n",
        b"A: \xff\r\n\r\n",
        b"A: " + b"x" * 70_000,
    ):
        assert code_of(lambda r=raw: read_part(r)) == "as2-unexpected-processing-error"  # type: ignore[misc]


def test_transfer_encodings_are_taken_off() -> None:
    """base64 and quoted-printable are decoded, binary kinds stay, others are refused."""
    data = bytes(range(256))

    assert read_part(b"Content-Transfer-Encoding: BASE64\r\n\r\n" + base64_lines(data)).decoded() == data
    assert read_part(b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc").decoded() == b"a=bc"
    assert read_part(b"Content-Transfer-Encoding: binary\r\n\r\n\x00\n").decoded() == b"\x00\n"
    assert (
        code_of(read_part(b"Content-Transfer-Encoding: base64\r\n\r\na").decoded) == "as2-unexpected-processing-error"
    )
    assert (
        code_of(read_part(b"Content-Transfer-Encoding: base64\r\n\r\n*AAA").decoded)
        == "as2-unexpected-processing-error"
    )
    assert code_of(read_part(b"Content-Transfer-Encoding: x-uu\r\n\r\na").decoded) == "as2-unsupported-format"


def test_the_canonical_form_has_crlf_everywhere() -> None:
    """Bare LF becomes CRLF, CRLF stays."""
    assert canonical(b"\na\r\nb\nc\r\n\n") == b"\r\na\r\nb\r\nc\r\n\r\n"
