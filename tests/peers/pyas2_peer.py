"""A foreign AS2 peer, a process of its own: pyas2lib behind a small HTTP server.

``python pyas2_peer.py CONFIG.json`` prints ``{"port": …}`` when it listens and ends when its standard input does. It
takes messages and receipts at ``/as2``, and is told what to do at ``/control``:

* ``POST /control/send``: build a message as the JSON says and post it; gives what the answer was;
* ``GET /control/received`` and ``GET /control/receipts?wait=N``: what came, as pyas2lib understood it.

pyas2lib is under the GPL: nothing of this project imports it, and nothing of it is distributed with this project.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


def import_pyas2lib() -> Any:
    """pyas2lib, in spite of oscrypto 1.3.0, which cannot read the version of an OpenSSL with two digits at a place."""
    search = re.search

    def with_longer_numbers(pattern: Any, text: Any, flags: int = 0) -> Any:
        if isinstance(pattern, str):
            pattern = pattern.replace(r"(\d\.\d\.\d[a-z]*)", r"(\d+\.\d+\.\d+[a-z]*)")
        return search(pattern, text, flags)

    re.search = with_longer_numbers  # type: ignore[assignment]
    try:
        import pyas2lib
    finally:
        re.search = search
    return pyas2lib


pyas2lib = import_pyas2lib()


class Peer:
    """Keys, partner, and what has come and gone."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.key = Path(config["key"]).read_bytes()
        self.certificate = Path(config["partner_certificate"]).read_bytes()
        self.sent: dict[str, Any] = {}
        self.received: list[dict[str, Any]] = []
        self.receipts: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        self.url = ""

    def organization(self) -> Any:
        """This side."""
        name, key = self.config["name"], self.key
        return pyas2lib.Organization(
            as2_name=name, sign_key=key, decrypt_key=key, mdn_url=f"{self.url}?receipts", domain="peer.example"
        )

    def partner(self, **how: Any) -> Any:
        """The other side; ``how`` it is written to."""
        name, certificate = self.config["partner_name"], self.certificate
        return pyas2lib.Partner(as2_name=name, verify_cert=certificate, encrypt_cert=certificate, **how)

    # ------------------------------------------------------------------ what comes

    def take(self, raw: bytes) -> tuple[dict[str, str], bytes]:
        """A message or a receipt; header fields and body of the answer."""
        mdn = pyas2lib.Mdn()
        status, detail = mdn.parse(raw, lambda message_id, _: self.sent.get(message_id))
        if detail != "mdn-not-found":
            with self.changed:
                self.receipts.append({"about": mdn.orig_message_id, "status": status, "detail": detail})
                self.changed.notify_all()
            return {}, b""
        message = pyas2lib.Message()
        status, (error, _), mdn = message.parse(
            raw,
            find_org_cb=lambda name: self.organization() if name == self.config["name"] else None,
            find_partner_cb=lambda name: self.partner() if name == self.config["partner_name"] else None,
        )
        with self.changed:
            self.received.append(
                {
                    "message_id": message.message_id,
                    "status": status,
                    "error": repr(error) if error else "",
                    "payload": base64.b64encode(message.content).decode(),
                    "signed": message.signed,
                    "encrypted": message.encrypted,
                    "compressed": message.compressed,
                    "mic": message.mic.decode() if message.mic else "",
                    "digest": message.digest_alg or "",
                    "mdn_mode": mdn.mdn_mode if mdn else "",
                }
            )
            self.changed.notify_all()
        if mdn is None:
            return {}, b""
        if mdn.mdn_mode == "SYNC":
            return mdn.headers, mdn.content
        threading.Thread(target=self.post, args=(mdn.mdn_url, mdn.headers, mdn.content), daemon=True).start()
        return {}, b""

    # ------------------------------------------------------------------ what goes

    def post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Post; status of the answer, and the answer with its header as pyas2lib wants it."""
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, bytes(answer.headers) + answer.read()
        except urllib.error.HTTPError as error:
            return error.code, bytes(error.headers) + error.read()

    def send(self, how: dict[str, Any]) -> dict[str, Any]:
        """Build and post one message; what it was and how it was answered."""
        payload = base64.b64decode(how.pop("payload"))
        content_type, filename = how.pop("content_type"), how.pop("filename")
        message = pyas2lib.Message(self.organization(), self.partner(**how))
        message.build(payload, filename=filename, content_type=content_type)
        self.sent[message.message_id] = message
        status, answer = self.post(self.config["partner_url"], message.headers, message.content)
        said: dict[str, Any] = {
            "message_id": message.message_id,
            "mic": message.mic.decode() if message.mic else "",
            "http_status": status,
            "mdn": None,
        }
        if how.get("mdn_mode") == "SYNC":
            said["mdn"] = pyas2lib.Mdn().parse(answer, lambda message_id, _: self.sent.get(message_id))
        return said


class Handler(BaseHTTPRequestHandler):
    """``/as2`` and ``/control``."""

    peer: Peer

    def do_POST(self) -> None:
        """A message, a receipt, or something to send."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if urlsplit(self.path).path == "/control/send":
            self.answer({"Content-Type": "application/json"}, json.dumps(self.peer.send(json.loads(body))).encode())
        else:
            self.answer(*self.peer.take(bytes(self.headers) + body))

    def do_GET(self) -> None:
        """What came."""
        parts = urlsplit(self.path)
        wanted = int(parse_qs(parts.query).get("wait", ["0"])[0])
        things = self.peer.receipts if parts.path == "/control/receipts" else self.peer.received
        with self.peer.changed:
            self.peer.changed.wait_for(lambda: len(things) >= wanted, timeout=30)
            self.answer({"Content-Type": "application/json"}, json.dumps(things).encode())

    def answer(self, headers: dict[str, str], body: bytes) -> None:
        """200."""
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: standard error is for faults."""


def main() -> None:
    """Serve until standard input ends."""
    peer = Peer(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    Handler.peer = peer
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    peer.url = f"http://127.0.0.1:{server.server_port}/as2"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
