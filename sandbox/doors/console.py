"""How does the console reach the browser? One page, put together from ``sandbox/pages`` when the sandbox starts, with
style and script inside: nothing is fetched from anywhere else, and the browser is told to allow nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final

from aiohttp import web

PAGES: Final = Path(__file__).parents[1] / "pages"


class Console:
    """The page, ready to be given."""

    def __init__(self) -> None:
        style, script = ((PAGES / name).read_text("utf-8") for name in ("console.css", "console.js"))
        page = (PAGES / "console.html").read_text("utf-8")
        self._page = page.replace("/*style*/", style).replace("/*script*/", script)
        allowed = f"style-src '{_digest(style)}'; script-src '{_digest(script)}'; connect-src 'self'; img-src data:"
        refused = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        self._headers = {
            "Content-Security-Policy": f"{refused}; {allowed}",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }

    async def console(self, _: web.Request) -> web.Response:
        """``GET /sandbox/``."""
        return web.Response(text=self._page, content_type="text/html", charset="utf-8", headers=self._headers)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
