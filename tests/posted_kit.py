"""A filing desk whose partner posts its receipts: real store and sender, no sockets, no cryptography."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from filings.store import Store
from filings.store import tables as t
from gateway.receipts import Receipts
from gateway.transports import Handover, PreparedTransmission
from schemas.as2 import Mdn
from schemas.as2.dispositions import parse_disposition
from schemas.errors import Problem
from tests.filing_kit import Desk, Road, takes

MIC = "TUlDCg=="
PROCESSED = "automatic-action/MDN-sent-automatically; processed"
REFUSED = "automatic-action/MDN-sent-automatically; processed/error: decryption-failed"
BODY = b"--b\r\nthe receipt as it came\r\n--b--\r\n"


def hands_over(road: Road, prepared: PreparedTransmission) -> Handover:
    """The partner takes the bytes and will post its receipt."""
    takes(road, prepared)
    return Handover(prepared.message_id, "HTTP 200; the receipt is to be posted.")


class PostingRoad(Road):
    """A road to a partner that posts its receipts, as agreed signed and with the MIC."""

    def prepare(self, *given: Any, **more: Any) -> PreparedTransmission:
        """As every road, and the receipt is asked for."""
        made = super().prepare(*given, **more)
        asked = {"expects": "signed", "signed": True, "mic": MIC, "mic_algorithm": "sha-256"}
        return replace(made, receipt_url="http://gateway.example/as2", **asked)

    async def send(self, prepared: PreparedTransmission) -> Any:
        """What the plan says, else a handover."""
        self.tried.append(prepared)
        return (self.plan.pop(0) if self.plan else hands_over)(self, prepared)


class PostedDesk(Desk):
    """A desk whose partner posts its receipts."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.road = PostingRoad()
        self.sender = self.another_sender("desk")
        self.receipts = Receipts(store, self.ctx.partner, self.clock, wall=lambda: self.wall)

    async def row(self) -> Any:
        """The one transmission."""
        (row,) = await self.outgoing()
        return row

    async def comes(self, message_id: str = "", body: bytes = BODY, **changes: Any) -> tuple[Problem, ...]:
        """A receipt whose signature was verified comes in, by default a good one for what was sent last."""
        said = changes.pop("said", PROCESSED)
        mdn = Mdn(
            original_message_id=message_id or self.road.tried[-1].message_id,
            disposition=parse_disposition(said),
            mic=changes.pop("mic", MIC if said == PROCESSED else ""),
            mic_algorithm="sha-256",
            signed_ok=changes.pop("signed", True),
            text=changes.pop("text", "It was received."),
            message_id="<receipt@cbp>",
            sender="CBP",
        )
        assert not changes
        return await self.receipts.came(mdn, {"AS2-From": "CBP"}, body)

    async def kept(self) -> list[str]:
        """Names of what the archive has beside the payload, without the transmission's own name."""
        found = await self.table(t.archive_entries, t.archive_entries.c.position)
        name = (await self.row()).name
        ours = [one for one in found if one.kind == "transmission" and not one.name.startswith("309 to")]
        return [one.name.replace(name, "it") for one in ours]
