"""A correction or cancellation that becomes a request is followed to its end, by statuses written by hand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from filings import queries
from filings.store import Store
from filings.store import tables as t
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from schemas.errors import Conflict
from tests.answers import status_so
from tests.filing_kit import TRIP, Desk, informal, parcel

SCN = "TSTC00000000001"
STREET = {"consignee": {"address": {"lines": ["77 Elm Ave"]}}}


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on a day of March 2025."""
    return Desk(filing_store)


class Case:
    """A trip with one entry that CBP has on file and matched, and a request for it that a person there decides on."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.cbp = LoopbackCbp(desk.now, behaviour=Behaviour(arrive_at_eta=False, answer_delay=0, review_seconds=9999))
        self.number = ""

    async def begin(self) -> None:
        """File, and let CBP take it."""
        await self.desk.file(informal(1), parcel(2))
        await self.desk.exchange(self.cbp)
        self.number = (await self.entry()).entry_number

    async def ask(self, what: str) -> None:
        """Correct or cancel the entry; CBP answers SX 04."""
        if what == "correct":
            await self.desk.amend(SCN, STREET, reason_code="03")
        else:
            await self.desk.cancel(SCN, reason_code="01")
        await self.desk.exchange(self.cbp)
        assert (await self.entry()).state == "requested"

    def says(self, code: str, *reasons: str, comment: str = "", minutes: int = 5) -> bytes:
        """A status of the entry, some minutes on."""
        self.desk.later(minutes=minutes)
        return status_so(self.number, SCN, code, self.desk.now, reasons=reasons, comment=comment)

    async def entry(self) -> Any:
        """The entry's filing."""
        return next(row for row in await self.desk.table(t.filings) if row.kind == "entry")

    async def told(self) -> tuple[str, list[tuple[str, str]]]:
        """What the filing says where it stands, and the steps of its timeline that are CBP's decisions."""
        now = self.desk.now
        found = await self.desk.look(lambda conn: queries.filing(conn, self.number, now=now))
        steps = await self.desk.look(lambda conn: queries.timeline(conn, self.number))
        decided = [(one["what"], one["text"]) for one in steps if one["what"] in ("granted", "refused")]
        return found["standing"]["text"], decided

    async def versions(self) -> list[tuple[int, str, bool]]:
        """Number, state, in force."""
        kept = await self.desk.look(lambda conn: queries.versions(conn, self.number))
        return [(one["version"], one["state"], one["in_force"]) for one in kept]


@pytest.fixture
async def case(desk: Desk) -> Case:
    """A case that has begun."""
    made = Case(desk)
    await made.begin()
    return made


async def test_a_granted_correction_puts_the_new_version_in_force(case: Case) -> None:
    """SO 88: version 2 is in force, and an amendment is told once, however often CBP says it; version 1 let it go."""
    await case.ask("correct")
    board = await case.desk.board()
    assert (board["decision"], [one["state"] for one in board["changes"]]) == ("go", ["requested"])
    assert await case.versions() == [(1, "accepted", True), (2, "requested", False)]
    granted = case.says("88")
    await case.desk.hear(granted, granted)
    await case.desk.hear(case.says("88"))
    assert await case.versions() == [(1, "accepted", False), (2, "accepted", True)]
    assert (await case.desk.board())["decision"] == "go"
    text, decided = await case.told()
    said = f"CBP granted the change of entry {case.number} of shipment {SCN} (version 2)"
    assert f"{said} at 10:05 EDT (SO 88)." in text
    assert decided == [("granted", f"{said} (SO 88).")]
    told = [one for one in await case.desk.told("filing.amended") if one.data.get("kind") == "entry"]
    assert len(told) == 1
    assert (told[0].data["version"], told[0].data["in_force"]) == (2, 2)
    assert await case.desk.alerts() == []
    await case.desk.check_books()


@pytest.mark.parametrize(("what", "code"), [("correct", "86"), ("cancel", "87")])
async def test_a_refused_request_leaves_the_version_before_in_force(case: Case, what: str, code: str) -> None:
    """SO 86 or 87 with RSN and CMT: the reason stands in words on the board, and at the version; programs are told."""
    await case.ask(what)
    await case.desk.hear(case.says(code, "09", comment="CALL PORT"))
    entry = await case.entry()
    assert (entry.state, entry.version, entry.accepted_version) == ("accepted", 2, 1)
    assert await case.versions() == [(1, "accepted", True), (2, "refused", False)]
    board = await case.desk.board()
    assert (board["decision"], board["states"]) == ("go", {"on_file": 2})
    (change,) = board["changes"]
    assert (change["state"], change["version"], change["accepted_version"]) == ("refused", 2, 1)
    why = "Entry on hold, resolve before correction request; CALL PORT"
    assert why in change["text"]
    (told,) = await case.desk.told("filing.rejected")
    assert (told.data["version"], told.data["in_force"]) == (2, 1)
    kept = await case.desk.look(lambda conn: queries.versions(conn, case.number))
    assert why in str(kept[-1]["outcome"])
    assert "change_refused" in await case.desk.alerts()
    act = "change" if what == "correct" else "cancellation"
    text, ((step, told_again),) = await case.told()
    said = f"CBP refused the {act} of entry {case.number} of shipment {SCN} (version 2)"
    assert f"{said} at 10:05 EDT (SO {code})." in text
    assert (step, told_again) == ("refused", f"{said} (SO {code}).")


@pytest.mark.parametrize(("what", "code"), [("correct", "84"), ("cancel", "85")])
async def test_papers_for_a_request_are_asked_of_a_person(case: Case, what: str, code: str) -> None:
    """SO 84 or 85: the request goes on, a person is told to send papers, the goods are not kept back for them."""
    await case.ask(what)
    await case.desk.hear(case.says(code))
    assert (await case.entry()).state == "requested"
    assert "papers_for_request" in await case.desk.alerts()
    assert "documents_required" not in (await case.desk.board())["states"]
    with pytest.raises(Conflict) as pending:
        await case.desk.amend(SCN, STREET, reason_code="03")
    assert "request_pending" in {one.code for one in pending.value.problems}


async def test_a_granted_cancellation_is_told(case: Case) -> None:
    """SO 23: the entry is cancelled; its bill stands on the manifest, so the truck does not go with it."""
    await case.ask("cancel")
    assert (await case.desk.board())["decision"] == "no_go"
    await case.desk.hear(case.says("23"))
    assert (await case.entry()).state == "cancelled"
    assert await case.versions() == [(1, "accepted", False), (2, "accepted", False)]
    assert "filing.cancelled" in {one.type for one in await case.desk.told()}
    text, decided = await case.told()
    assert "CBP granted the cancellation" in text
    assert "(SO 23)" in text
    assert [one[0] for one in decided] == ["granted"]
    board = await case.desk.board()
    assert (board["decision"], board["states"]) == ("no_go", {"cancelling": 1, "on_file": 1})


async def test_a_bill_without_its_entry_is_named_when_the_truck_is_there(case: Case) -> None:
    """The board names the cancelled shipment whose bill stands on the arrived manifest, and what a person does."""
    await case.ask("cancel")
    await case.desk.hear(case.says("23"))
    assert (await case.desk.board())["left_on_manifest"] == []  # before that it blocks the trip
    await case.desk.hear(*(one.payload for one in case.cbp.arrive(TRIP)))
    board = await case.desk.board()
    assert board["arrived_at"]
    (left,) = board["left_on_manifest"]
    assert (left["shipment_id"], left["state"], left["shipment_control_number"]) == ("P-0001", "cancelled", SCN)
    assert "its bill stands on the manifest" in left["why"]
    assert "Settle it with CBP's officers at the port" in left["why"]
    assert board["reason"].endswith("1 cancelled shipment stands on its manifest without an entry.")


async def test_a_shipment_whose_bill_went_too_is_not_left_on_the_manifest(case: Case) -> None:
    """Entry and bill cancelled: nothing of it is aboard, and nothing is said of it when the truck is there."""
    await case.desk.cancel(SCN, reason_code="01", bill="delete", bill_reason_code="03")
    await case.desk.exchange(case.cbp)
    await case.desk.hear(case.says("23"))
    await case.desk.hear(*(one.payload for one in case.cbp.arrive(TRIP)))
    board = await case.desk.board()
    assert board["arrived_at"]
    assert board["states"]["cancelled"] == 1
    assert board["left_on_manifest"] == []
    assert "without an entry" not in board["reason"]


async def test_a_status_that_outruns_the_referral_ends_the_same(filing_store: Store) -> None:
    """SX 04 and SO 86 in both orders, and twice: refused, version 1 in force."""
    desk = Desk(filing_store)
    case = Case(desk)
    await case.begin()
    await desk.amend(SCN, {"importer_of_record": {"number": "98-7654321"}}, reason_code="03")
    (batch,) = await desk.send()
    referral = [one.payload for one in case.cbp.send(batch)]
    for order in itertools.permutations([case.says("86", "09"), *referral]):
        await desk.hear(*order)
    entry = await case.entry()
    assert (entry.state, entry.version, entry.accepted_version) == ("accepted", 2, 1)


async def test_a_second_request_is_not_decided_by_the_word_on_the_first(case: Case) -> None:
    """The refusal of version 2, told once more, says nothing about version 3."""
    await case.ask("correct")
    refused = case.says("86", "09")
    await case.desk.hear(refused)
    await case.desk.amend(SCN, {"consignee": {"name": "Robin Fairly"}}, reason_code="03")
    await case.desk.exchange(case.cbp)
    assert (await case.entry()).state == "requested"
    await case.desk.hear(refused)
    assert (await case.entry()).state == "requested"
    await case.desk.hear(case.says("88"))
    assert (await case.entry()).accepted_version == 3
    assert [one[1] for one in await case.versions()] == ["accepted", "refused", "accepted"]
