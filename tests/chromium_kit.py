"""A real browser for tests: headless Chromium, driven over its DevTools protocol, without another dependency."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS: Final = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-port=0"
).split()
START_SECONDS: Final = 60.0
PATIENCE: Final = 30.0

_WATCH: Final = """new Promise((done, give_up) => {
    const look = () => { try { return (%s); } catch (error) { return null; } };
    let end = 0;
    const eye = new MutationObserver(() => check());
    const check = () => {
        const found = look();
        if (found) { eye.disconnect(); window.clearTimeout(end); done(found); }
    };
    end = window.setTimeout(() => {
        eye.disconnect();
        give_up(new Error("never: " + %s + " in: " + document.body.innerText.slice(0, 3000)));
    }, %d);
    eye.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    check();
})"""


def _is_complaint(told: dict[str, Any]) -> bool:
    """Whether the browser says that something is wrong in the page."""
    if told["method"] == "Runtime.consoleAPICalled":
        return told["params"]["type"] in {"error", "warning"}
    return told["method"] in {"Runtime.exceptionThrown", "Log.entryAdded"}


def chromium() -> str:
    """The program; skips the test where there is none (``.ci/run`` installs it)."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("Chromium is not installed: on Debian, apt-get install chromium")
    return found


class Page:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []
        """What the page's console, its exceptions and the browser's own log said."""
        self.dialogs: list[str] = []
        """What a dialog asked; each was answered with yes."""
        self._tasks: set[asyncio.Task[dict[str, Any]]] = set()
        self.asked: list[str] = []
        """Every address the page asked for."""

    async def read(self) -> None:
        """Take what the browser says until it ends."""
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
            elif _is_complaint(told):
                self.complaints.append(json.dumps(told["params"]))
            elif told["method"] == "Network.requestWillBeSent":
                self.asked.append(told["params"]["request"]["url"])
            elif told["method"] == "Page.javascriptDialogOpening":
                self.dialogs.append(told["params"]["message"])
                self._tasks.add(asyncio.create_task(self.call("Page.handleJavaScriptDialog", accept=True)))

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One DevTools command."""
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        told = await asyncio.wait_for(answer, PATIENCE)
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    async def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives in the page."""
        told = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        fault = told.get("exceptionDetails", {})
        assert not fault, fault.get("exception", {}).get("description", fault)
        return told["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait in the page until the expression is true there; gives its value."""
        return await self.value(_WATCH % (expression, json.dumps(expression), int(PATIENCE * 900)))

    async def go(self, url: str) -> None:
        """Open an address and wait for its document."""
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState !== 'loading'")

    async def press(self, *keys: str) -> None:
        """Keys of the keyboard, one after the other: ``Tab``, ``Enter``, `` ``."""
        codes = {"Tab": 9, "Enter": 13, " ": 32, "ArrowDown": 40}
        for key in keys:
            text = {"Enter": "\r", " ": " "}.get(key, "")
            down = {"key": key, "windowsVirtualKeyCode": codes[key], "text": text}
            await self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **down)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=codes[key])

    async def look_like(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Size of the window, and whether the person prefers dark."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self, path: Path) -> None:
        """A PNG of the page as it is seen."""
        told = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(told["data"]))


@asynccontextmanager
async def browser_page() -> AsyncIterator[Page]:
    """A browser with one empty page."""
    program = chromium()
    folder = Path(tempfile.mkdtemp(prefix="chromium-"))
    process = await asyncio.create_subprocess_exec(
        program, *FLAGS, f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        port = await asyncio.wait_for(_port(process.stderr), START_SECONDS)
        drain = asyncio.create_task(process.stderr.read())
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [one for one in await answer.json() if one["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                reader = asyncio.create_task(page.read())
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await page.call(f"{domain}.enable")
                try:
                    yield page
                finally:
                    reader.cancel()
                    with suppress(asyncio.CancelledError):
                        await reader
        drain.cancel()
        with suppress(asyncio.CancelledError):
            await drain
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def _port(stream: asyncio.StreamReader) -> int:
    """The port that Chromium names on its standard error."""
    seen: list[str] = []
    while line := (await stream.readline()).decode("utf-8", "replace"):
        seen.append(line)
        if line.startswith("DevTools listening on ws://"):
            return int(line.split("/devtools")[0].rsplit(":", 1)[1])
    raise AssertionError("Chromium ended before it listened: " + "".join(seen)[-2000:])
