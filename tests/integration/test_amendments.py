"""A person amends what has been filed: what is sent, what CBP has on file, what is kept, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from filings.store import Store
from filings.store import tables as t
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from schemas.errors import Conflict
from tests import samples
from tests.filing_kit import Desk, informal, marked, parcel, type86

STREET = {"consignee": {"address": {"lines": ["77 Elm Ave", "Unit 9"]}}}


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on a day of March 2025, when Section 321 is lawful."""
    return Desk(filing_store)


def cbp_of(desk: Desk) -> LoopbackCbp:
    """A CBP with the desk's clock; the truck comes when told."""
    return LoopbackCbp(desk.now, behaviour=Behaviour(arrive_at_eta=False, answer_delay=0, review_seconds=30))


async def filed(desk: Desk, cbp: LoopbackCbp, *raws: Any) -> None:
    """A trip with these shipments, filed and answered."""
    await desk.file(*raws)
    await desk.exchange(cbp)
    desk.road.sent.clear()


async def test_an_address_sends_one_309_with_one_bill(desk: Desk) -> None:
    """A consignee's street on a Section 321 shipment: one 309 of type Y, one M13, one bill, nothing else."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, *(parcel(number) for number in range(1, 6)))
    shown = await desk.dry_run("TSTC00000000003", STREET, reason_code="03", reason="Moved.")
    assert [(one["name"], one["old"], one["new"]) for one in shown["difference"]] == [
        ("consignee: street, line 1", "12 Sample Ave", "77 Elm Ave"),
        ("consignee: street, line 2", "Apt 4", "Unit 9"),
    ]
    assert len(await desk.outgoing()) == 1
    begun = await desk.amend("TSTC00000000003", STREET, reason_code="03", reason="Moved.")
    assert (begun["sent"], begun["version"]) == (True, 2)
    assert (await desk.board())["decision"] == "wait"
    sent = await desk.send()
    assert [one.decode() for one in sent] == [shown["messages"][0]["text"]]
    text = sent[0].decode()
    assert (text.count("M13*"), text.count("M11*"), text.count("LX*"), text.count("VEH*")) == (1, 1, 1, 0)
    assert "*Y*" in text
    assert "77 ELM AVE" in text.upper()
    for payload in sent:
        await desk.hear(*(one.payload for one in cbp.send(payload)))
    board = await desk.board()
    assert (board["decision"], board["states"]) == ("go", {"on_file": 5})
    assert await desk.send() == []
    assert "filing.amended" in {one.type for one in await desk.told()}
    await desk.check_books()


async def test_a_type_11_entry_is_replaced_as_well(desk: Desk) -> None:
    """The same for an informal entry: one bill, and exactly one SE R, since the entry names the consignee."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), informal(2))
    shown = await desk.dry_run("TSTC00000000001", STREET, reason_code="03")
    assert [one["says"] for one in shown["messages"]] == ["309 type Y", "SE action R"]
    await desk.amend("TSTC00000000001", STREET, reason_code="03")
    sent = await desk.send()
    assert sorted(one.decode() for one in sent) == sorted(one["text"] for one in shown["messages"])
    assert b"".join(sent).count(b"SE10R") == 1
    for payload in sent:
        await desk.hear(*(one.payload for one in cbp.send(payload)))
    entry = next(row for row in await desk.table(t.filings) if row.scn == "TSTC00000000001")
    assert (entry.state, entry.version, entry.accepted_version) == ("requested", 2, 1)


OTHER_TYPE = {
    "lines": [{**samples.shipment()["lines"][0], "value": "1200.00"}],
    "fair_retail_value": "1200.00",
    "pathway": "informal",
}


@pytest.mark.parametrize("patch", [OTHER_TYPE, None], ids=["declared otherwise", "called off"])
async def test_an_unanswered_entry_is_neither_replaced_nor_left_behind(desk: Desk, patch: Any) -> None:
    """CBP may have it on file: before it has answered there is no second entry, and no bill taken away under it."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, marked(type86(1), "SILENT"), parcel(2))
    (entry,) = [one for one in await desk.table(t.filings) if one.kind == "entry"]
    assert entry.state == "sent"
    asked = (
        desk.amend(entry.scn, patch, reason_code="03", reason="It was worth more.")
        if patch is not None
        else desk.cancel(entry.scn, bill="delete", bill_reason_code="03", entry_reason_code="08")
    )
    with pytest.raises(Conflict) as refused:
        await asked
    assert "entry_answer_awaited" in {one.code for one in refused.value.problems}
    assert await desk.send() == []
