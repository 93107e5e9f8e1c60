"""A foreign implementation, pyas2lib in a process of its own, understands us and is understood, receipts included."""

from __future__ import annotations

import asyncio
import base64
import itertools
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from filings import sending
from gateway.transports import As2Transport, OutboundFile, Receipt
from schemas.as2 import Identity, Partner
from schemas.as2.algorithms import CIPHER_OIDS, DIGEST_OIDS, normal_digest_name
from schemas.as2.identity import KeyType
from tests.as2_door_kit import Shelf, receiver, serving
from tests.as2_partner import Watched, door_of, opened
from tests.as2_peer import PyAs2Peer, living, peer_of
from tests.filing_kit import parcel, type86
from tests.http_service import identity_files

TEXT = b"ISA*00*          *00*          *02*SFIC           *ZZ*USCBP          ~\r\nGS*FM*SFIC*USCBP~\r\n" * 40
BINARY = bytes(range(256)) * 20
WAYS = [
    {"compress": compress, "sign": sign, "encrypt": encrypt}
    for compress, sign, encrypt in itertools.product((False, True), repeat=3)
]
KEYS: list[KeyType] = ["rsa-2048", "rsa-3072"]


def shown(way: dict[str, Any]) -> str:
    """A way of packing as words."""
    return " ".join(name for name, chosen in way.items() if chosen) or "plain"


def lines(content: bytes) -> list[bytes]:
    """Content up to line ends: pyas2lib rewrites those of text."""
    return content.splitlines()


@pytest.fixture(autouse=True)
def apart() -> Iterator[None]:
    """The peer is another process: whatever is tested here, its library never comes into this one."""
    yield
    assert not [name for name in sys.modules if name.partition(".")[0] in ("pyas2lib", "oscrypto")]


def identities(key_type: KeyType) -> tuple[Identity, Identity]:
    """We and the peer, both with that kind of key."""
    return living("GATEWAY", key_type), living("FOREIGN-PEER", key_type)


async def send(peer: PyAs2Peer, me: Identity, payload: bytes, partner: Partner, number: int) -> tuple[Any, Receipt]:
    """Send by our transport; what was prepared and the receipt."""
    async with aiohttp.ClientSession() as session:
        transport = As2Transport(session, me, partner, peer.url)
        file = OutboundFile("SFIC2503100001.x12", payload, "application/EDI-X12")
        prepared = transport.prepare(file, message_id=f"<m-{number}@gateway.example>", at=datetime.now(UTC))
        end = await transport.send(prepared)
    assert isinstance(end, Receipt)
    return prepared, end


@pytest.mark.parametrize("key_type", KEYS)
async def test_the_peer_opens_what_we_send_and_we_believe_its_receipt(tmp_path: Path, key_type: KeyType) -> None:
    """Every way of compressing, signing and encrypting: payload and MIC arrive, the signed receipt proves it.

    For a message that is not signed pyas2lib gives no MIC, by its own choice.
    """
    me, other = identities(key_type)
    async with peer_of(tmp_path, other, me, "http://127.0.0.1:9/as2") as peer:
        for number, way in enumerate(WAYS):
            partner = Partner(other.as2_name, other.certificate, **way)
            prepared, receipt = await send(peer, me, TEXT, partner, number)
            came = (await peer.received())[-1]
            assert (came["status"], came["error"]) == ("processed", ""), shown(way)
            assert lines(base64.b64decode(came["payload"])) == lines(TEXT), shown(way)
            assert (came["compressed"], came["signed"], came["encrypted"]) == tuple(way.values()), shown(way)
            assert (receipt.refused, receipt.signed) == (False, True), shown(way)
            assert receipt.mic == came["mic"] == (prepared.mic if way["sign"] else ""), shown(way)


async def test_the_peer_knows_our_algorithms(tmp_path: Path) -> None:
    """Every digest and cipher that may be agreed: opened, verified, receipted with that digest; binary content too."""
    me, other = identities("rsa-2048")
    async with peer_of(tmp_path, other, me, "http://127.0.0.1:9/as2") as peer:
        for number, (digest, cipher) in enumerate(itertools.product(DIGEST_OIDS, CIPHER_OIDS)):
            partner = Partner(other.as2_name, other.certificate, cipher=cipher, digest=digest, compress=True)
            prepared, receipt = await send(peer, me, BINARY, partner, number)
            came = (await peer.received())[-1]
            assert base64.b64decode(came["payload"]) == BINARY, (digest, cipher)
            assert normal_digest_name(came["digest"]) == receipt.mic_algorithm == digest
            assert (receipt.refused, receipt.signed, receipt.mic) == (False, True, prepared.mic), (digest, cipher)


async def test_the_peer_refuses_what_is_not_right(tmp_path: Path) -> None:
    """Encrypted to another key, signed by another: its negative receipts are understood as such."""
    me, other = identities("rsa-2048")
    partner = Partner(other.as2_name, other.certificate)
    stranger = replace(living("STRANGER"), as2_name="GATEWAY")
    async with peer_of(tmp_path, other, me, "http://127.0.0.1:9/as2") as peer:
        _, wrong_key = await send(peer, me, TEXT, replace(partner, encryption_certificate=me.certificate), 1)
        _, wrong_signer = await send(peer, stranger, TEXT, partner, 2)
        refusals = [one["status"] for one in await peer.received()]
    assert [one.refused for one in (wrong_key, wrong_signer)] == [True, True]
    assert [one.problems[0].code for one in (wrong_key, wrong_signer)] == [
        "as2-decryption-failed",
        "as2-authentication-failed",
    ]
    assert [status != "processed" for status in refusals] == [True, True]


@asynccontextmanager
async def peer_before_our_door(folder: Path, me: Identity, other: Identity) -> AsyncIterator[tuple[PyAs2Peer, Shelf]]:
    """The peer in front of our AS2 door; what the door took in stands on the shelf."""
    shelf = Shelf()
    lax = Partner(other.as2_name, other.certificate, require_signature=False, require_encryption=False)
    door = receiver(shelf, identity=me, partners={lax.as2_name: lax}, clock=lambda: datetime.now(UTC))
    async with serving(door.handle) as url, peer_of(folder, other, me, url) as peer:
        yield peer, shelf


@pytest.mark.parametrize("key_type", KEYS)
async def test_we_open_what_the_peer_sends_and_it_believes_our_receipt(tmp_path: Path, key_type: KeyType) -> None:
    """Every way of compressing, signing and encrypting: payload and MIC arrive, and our signed receipt satisfies it."""
    me, other = identities(key_type)
    async with peer_before_our_door(tmp_path, me, other) as (peer, shelf):
        for way in WAYS:
            text = TEXT + shown(way).encode()  # else two of them would have the same signature: a replay
            said = await peer.send(text, enc_alg="aes_256_cbc", mdn_mode="SYNC", mdn_digest_alg="sha256", **way)
            came = shelf.accepted[-1]
            assert (said["http_status"], said["mdn"]) == (200, ["processed", None]), shown(way)
            assert lines(came.payload) == lines(text), shown(way)
            assert (came.compressed, came.signed, came.encrypted) == tuple(way.values()), shown(way)
            assert came.filename == "answer.x12"
            if way["sign"]:
                assert (came.mic, came.mic_algorithm) == (said["mic"], "sha-256"), shown(way)
    assert len(shelf.accepted) == len(WAYS)
    assert shelf.refusals == []


async def test_we_know_the_peers_algorithms(tmp_path: Path) -> None:
    """Every digest and cipher on our list in its spelling: opened, and receipted with that digest; binary too."""
    me, other = identities("rsa-2048")
    async with peer_before_our_door(tmp_path, me, other) as (peer, shelf):
        for digest, cipher in itertools.product(DIGEST_OIDS, CIPHER_OIDS):
            theirs = {"digest_alg": digest.replace("-", ""), "enc_alg": cipher.replace("-", "_")}
            how = {"sign": True, "encrypt": True, "compress": True, "mdn_mode": "SYNC", **theirs}
            payload = BINARY + cipher.encode()  # else its signature would be the one of a moment ago: a replay
            said = await peer.send(
                payload, content_type="application/octet-stream", mdn_digest_alg=theirs["digest_alg"], **how
            )
            came = shelf.accepted[-1]
            assert came.payload == payload
            assert (came.mic, came.mic_algorithm) == (said["mic"], digest), (digest, cipher)
            assert said["mdn"] == ["processed", None], (digest, cipher)


@pytest.mark.parametrize(
    "how",
    [
        {"enc_alg": "tripledes_192_cbc"},
        {"enc_alg": "aes_192_cbc"},
        {"digest_alg": "sha1"},
        {"sign_alg": "rsassa_pss"},
    ],
)
async def test_what_the_peer_would_also_do_is_refused(tmp_path: Path, how: dict[str, str]) -> None:
    """3DES, AES-192, SHA-1 and PSS are not on our list: a negative receipt that it understands, nothing taken in."""
    me, other = identities("rsa-2048")
    async with peer_before_our_door(tmp_path, me, other) as (peer, shelf):
        given = {"sign": True, "encrypt": True, "enc_alg": "aes_256_cbc"} | how
        said = await peer.send(TEXT, mdn_mode="SYNC", mdn_digest_alg="sha256", **given)
    assert said["mdn"] == ["processed/error", "insufficient-message-security"]
    assert shelf.accepted == []


# ------------------------------------------------------------------------------- receipts that are posted


@asynccontextmanager
async def gateway_and_peer(
    folder: Path, key_type: KeyType, *, asynchronous: bool
) -> AsyncIterator[tuple[Watched, PyAs2Peer]]:
    """A whole gateway and the peer, each the other's partner."""
    watched, other = Watched(), living("FOREIGN-PEER", key_type)
    door = door_of(watched)
    we = _gateway_identity()
    async with peer_of(folder, other, we, watched.gateway_url) as peer:
        receipt_url = watched.gateway_url if asynchronous else ""
        async with opened(watched, folder, door, url=peer.url, them=other, receipt_url=receipt_url, compress=True):
            yield watched, peer


def _gateway_identity() -> Identity:
    """The gateway's own pair, as the tests lay it out."""
    key, certificate = identity_files()
    return Identity("GATEWAY", x509.load_pem_x509_certificate(certificate), load_pem_private_key(key, None))  # type: ignore[arg-type]


@pytest.mark.parametrize("key_type", KEYS)
async def test_the_peer_posts_its_receipts_to_us(tmp_path: Path, key_type: KeyType) -> None:
    """What the gateway files is delivered by the receipts that the peer posts, and by nothing before."""
    async with gateway_and_peer(tmp_path, key_type, asynchronous=True) as (watched, peer):
        await watched.file(parcel(1), type86(2))
        while await watched.worker("sender").turn():
            pass
        assert [one["mdn_mode"] for one in await peer.received(2)] == ["ASYNC"] * 2
        async with asyncio.timeout(30):
            while {row.state for row in await watched.rows("out")} != {"delivered"}:
                await watched.gateway.moved.wait()
                watched.gateway.moved.clear()
        rows = await watched.rows("out")
        assert [row.receipt["mic"] for row in rows] == [row.prepared["mic"] for row in rows]
        assert {row.receipt["signed"] for row in rows} == {True}
        assert {row.attempts for row in rows} == {1}
        assert await watched.alerts() == []


@pytest.mark.parametrize("key_type", KEYS)
async def test_we_post_our_receipts_to_the_peer(tmp_path: Path, key_type: KeyType) -> None:
    """It gets 200 and nothing, and then by post the signed receipt that it takes for the message it sent."""
    async with gateway_and_peer(tmp_path, key_type, asynchronous=False) as (watched, peer):
        how = {"sign": True, "encrypt": True, "enc_alg": "aes_256_cbc", "mdn_mode": "ASYNC", "mdn_digest_alg": "sha256"}
        said = await peer.send(TEXT, **how)
        assert (said["http_status"], said["mdn"]) == (200, None)
        assert await peer.receipts() == []
        assert await watched.worker("receipts").turn()
        assert await peer.receipts(1) == [{"about": said["message_id"], "status": "processed", "detail": None}]
        (row,) = await watched.rows("in")
        assert row.receipt["mic"] == said["mic"]
        assert [one.state for one in await watched.owed()] == ["given"]
        assert sending.AWAITING not in {one.state for one in await watched.rows("out")}


async def test_our_refusal_is_posted_to_the_peer(tmp_path: Path) -> None:
    """A message that is not as agreed (not encrypted) is refused by post; the peer understands why."""
    async with gateway_and_peer(tmp_path, "rsa-2048", asynchronous=False) as (watched, peer):
        said = await peer.send(TEXT, sign=True, mdn_mode="ASYNC", mdn_digest_alg="sha256")
        assert await watched.worker("receipts").turn()
        ((receipt),) = await peer.receipts(1)
        assert (receipt["about"], receipt["status"]) == (said["message_id"], "processed/error")
        assert receipt["detail"] == "insufficient-message-security"
        assert await watched.rows("in") == []
