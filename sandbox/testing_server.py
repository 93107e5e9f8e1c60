"""How does a test use the sandbox by its real doors? :class:`CbpServer`: AS2, SFTP on demand, and the control port, on
free ports of loopback, in a thread of its own.
"""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sandbox.app import Ports, Running, serving
from sandbox.doors.routes import ROOT
from sandbox.settings import Behaviour, Settings
from sandbox.testing import MARCH

_START_SECONDS: Final = 30.0
_CALL_SECONDS: Final = 60.0


class Refused(Exception):
    """The control API said no to a call (``GET /sandbox/trips/…``); ``status`` and the problem ``document`` say why."""

    def __init__(self, call: str, status: int, document: dict[str, Any]) -> None:
        super().__init__(f"{call}: {status} {document.get('code', '')}: {document.get('detail', '')}")
        self.status, self.document = status, document


class CbpServer:
    """A sandbox with open doors while the ``with`` block runs. Certificates are exchanged in ``folder/exchange``: put
    yours there as ``gateway.pem``, find the sandbox's as ``sandbox.pem``. Its books are in memory.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: str = MARCH,
        frozen: bool = True,
        gateway_url: str = "http://127.0.0.1:9/as2",
        sftp: bool = False,
        behaviour: Behaviour | None = None,
        **settings: Any,
    ) -> None:
        start = Settings(
            data_dir=folder / "sandbox",
            exchange_dir=folder / "exchange",
            memory=True,
            as2_port=0,
            control_port=0,
            sftp_port=0 if sftp else -1,
            gateway_url=gateway_url,
            clock=clock,
            frozen=frozen,
            behaviour=behaviour or Behaviour(),
        )
        self.settings = replace(start, **settings)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cbp-sandbox", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._running: Running | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise TimeoutError("the sandbox did not start")
        if self._error is not None:
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for the start
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with serving(self.settings) as running:
            self._running = running
            self._ready.set()
            await self._stop.wait()

    # ------------------------------------------------------------------ where it is

    @property
    def ports(self) -> Ports:
        """Where it listens."""
        if self._running is None:
            raise RuntimeError("use the server in a with block")
        return self._running.ports

    @property
    def as2_url(self) -> str:
        """Where files are posted."""
        return self.ports.as2_url

    @property
    def control_url(self) -> str:
        """Root of the control API; with a slash behind it, the console."""
        return self.ports.control_url

    @property
    def exchange(self) -> Path:
        """The folder of certificates."""
        return self.settings.exchange_dir

    # ------------------------------------------------------------------ the control API

    def get(self, path: str) -> Any:
        """``GET`` below ``/sandbox``: ``get("/state")``, or ``get("/sandbox/state")`` as the documentation writes it.
        Raises :class:`Refused`.
        """
        return self._call("GET", path, None)

    def post(self, path: str, document: dict[str, Any] | None = None) -> Any:
        """``POST`` below ``/sandbox``, with paths as for :meth:`get`. Raises :class:`Refused`."""
        return self._call("POST", path, document or {})

    def arrive(self, trip: str) -> Any:
        """The truck of a trip is at the border."""
        return self.post(f"/trips/{trip}/arrive")

    def set_clock(self, moment: str) -> Any:
        """Set the clock to an ISO instant."""
        return self.post("/clock", {"set": moment})

    def settled(self) -> bool:
        """Whether everything due has been read and sent."""
        return bool(self.post("/settle")["settled"])

    def _call(self, method: str, path: str, document: dict[str, Any] | None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        below = "/" + path.removeprefix(ROOT + "/").lstrip("/")
        request = urllib.request.Request(  # noqa: S310 - our own port
            self.control_url + below, data=body, method=method, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(f"{method} {ROOT}{below}", error.code, json.load(error)) from None
