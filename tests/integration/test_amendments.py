"""A person amends what has been filed: what is sent, what CBP has on file, what is kept, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from filings import queries
from filings.amendments.forbids import BILL_REASON_SOURCE
from filings.store import Store
from filings.store import tables as t
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from schemas.errors import Conflict, NotFound, ShipmentError
from schemas.x12 import CODES
from tests import samples
from tests.filing_kit import TRIP, Desk, informal, marked, parcel, type86
from tests.mapping_samples import line

DRIVER = samples.trip()["crew"][0]
TRAILER = samples.trip()["equipment"][0]
IMPORTER = samples.shipment()["importer_of_record"]
STREET = {"consignee": {"address": {"lines": ["77 Elm Ave", "Unit 9"]}}}


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """A desk on a day of March 2025, when Section 321 is lawful."""
    return Desk(filing_store)


def cbp_of(desk: Desk, **conduct: Any) -> LoopbackCbp:
    """A CBP with the desk's clock; the truck comes when told."""
    usual = {"arrive_at_eta": False, "answer_delay": 0, "review_seconds": 30}
    return LoopbackCbp(desk.now, behaviour=Behaviour(**(usual | conduct)))


async def filed(desk: Desk, cbp: LoopbackCbp, *raws: Any) -> None:
    """A trip with these shipments, filed and answered."""
    await desk.file(*raws)
    await desk.exchange(cbp)
    desk.road.sent.clear()


def hidden(payload: bytes) -> str:
    """What was sent as a dry run shows it: without the password of a batch."""
    return payload.decode().replace("PASSWD", "******")


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
    assert sorted(hidden(one) for one in sent) == sorted(one["text"] for one in shown["messages"])
    assert "PASSWD" not in str(shown)
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


async def answered(desk: Desk, cbp: LoopbackCbp) -> list[bytes]:
    """Send what is due and hear CBP; gives what was sent."""
    sent: list[bytes] = []
    while payloads := await desk.send():
        for payload in payloads:
            sent.append(payload)
            await desk.hear(*(one.payload for one in cbp.send(payload)))
    return sent


async def think(desk: Desk, cbp: LoopbackCbp, minutes: float = 2) -> None:
    """Both clocks go on, and what becomes due at CBP is heard."""
    desk.later(minutes=minutes)
    await desk.hear(*(one.payload for one in cbp.advance(minutes=minutes)))


async def filing_of(desk: Desk, kind: str, scn: str = "") -> Any:
    """The newest filing of a kind, of one shipment if it is named."""
    rows = [row for row in await desk.table(t.filings, t.filings.c.id) if row.kind == kind and scn in ("", row.scn)]
    return rows[-1]


async def versions(desk: Desk, name: str) -> list[tuple[int, str, bool]]:
    """Number, state and whether it is in force, of each version."""
    kept = await desk.look(lambda conn: queries.versions(conn, name))
    return [(one["version"], one["state"], one["in_force"]) for one in kept]


@pytest.mark.parametrize(
    ("patch", "segments", "absent"),
    [
        ({"crew": [{**DRIVER, "first_name": "Odile"}]}, ("VEH*", "NM1*", "ODILE", "LX*1~"), ("M11*", "M13*")),
        ({"conveyance": {"plate": {"number": "ZZ9"}}}, ("VEH*", "ZZ9", "LX*1~"), ("M11*", "M13*")),
        ({"estimated_arrival": "2025-03-10T18:45:00-04:00"}, ("*1845~", "LX*1~"), ("M11*", "VEH*", "NM1*")),
        ({"equipment": [{**TRAILER, "seals": ["SEAL0009"]}]}, ("SEAL0009", "LX*3~", "M13*"), ("VEH*", "SEAL0001")),
    ],
    ids=["crew", "truck", "time", "seals"],
)
async def test_a_patch_of_the_trip_says_what_differs(
    desk: Desk, patch: dict[str, Any], segments: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    """Crew, truck and time stand in the header; seals stand under every bill. No entry names any of them."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), informal(2), parcel(3))
    shown = await desk.dry_run(TRIP, patch, reason_code="03")
    await desk.amend(TRIP, patch, reason_code="03")
    assert (await desk.board())["decision"] == "wait"
    sent = [one.decode() for one in await answered(desk, cbp)]
    await desk.rejudge()
    assert sent == [one["text"] for one in shown["messages"]]
    assert len(sent) == 1
    assert all(one in sent[0] for one in segments), sent[0]
    assert not any(one in sent[0] for one in absent), sent[0]
    board = await desk.board()
    assert (board["decision"], board["states"]) == ("go", {"on_file": 3})
    assert await versions(desk, TRIP) == [(1, "accepted", False), (2, "accepted", True)]
    await desk.check_books()


async def test_another_port_updates_the_entries(desk: Desk) -> None:
    """The port stands in the header of the manifest and in each entry: one 309, one batch of SE U, taken at once.

    The block still names the filer's own port, so a CBP that looks at the districts of both would refuse the U.
    """
    cbp = cbp_of(desk, check_block_district=False)
    await filed(desk, cbp, parcel(1), informal(2), informal(3))
    patch = {"port_of_arrival": "0901"}
    with pytest.raises(Conflict) as nothing:
        await desk.amend(TRIP, patch, reason_code="03")
    assert nothing.value.problems[0].code == "nothing_changes"
    shown = await desk.dry_run(TRIP, {"port_of_arrival": "0712"}, reason_code="03")
    assert sorted(one["says"] for one in shown["messages"]) == ["309 type Y", "SE action U"]
    assert {one["expected"] for one in shown["expected"]} == {"automatic"}
    await desk.amend(TRIP, {"port_of_arrival": "0712"}, reason_code="03")
    sent = b"\n".join(await answered(desk, cbp)).decode()
    assert (sent.count("SE10U"), sent.count("SE30"), sent.count("M11*")) == (2, 0, 0)
    entry = await filing_of(desk, "entry", "TSTC00000000002")
    assert (entry.state, entry.version, entry.accepted_version) == ("accepted", 2, 2)


async def test_another_date_is_refused_with_the_way_out(desk: Desk) -> None:
    """CBP knows a manifest by its date: nothing is sent, and the refusal names both ways out."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1))
    with pytest.raises(ShipmentError) as refused:
        await desk.amend(TRIP, {"estimated_arrival": "2025-03-11T09:00:00-04:00"}, reason_code="03")
    problem = refused.value.problems[0]
    assert (problem.code, problem.path) == ("arrival_date_is_fixed", "estimated_arrival")
    assert "--eta" in problem.remedy
    assert "gateway cancel" in problem.remedy
    assert await desk.send() == []


async def test_what_says_nothing_else_is_a_version_that_is_not_sent(desk: Desk) -> None:
    """The order number stands in no message: the version is kept, nothing goes, the board stays."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1))
    begun = await desk.amend("TSTC00000000001", {"order_id": "O-9999"})
    assert (begun["sent"], begun["version"]) == (False, 2)
    assert await desk.send() == []
    assert await versions(desk, "TSTC00000000001") == [(1, "accepted", True), (2, "not_sent", False)]
    assert (await desk.shipment("P-0001")).order_id == "O-9999"
    assert (await desk.board())["decision"] == "go"
    await desk.amend("TSTC00000000001", STREET, reason_code="03")
    await answered(desk, cbp)
    assert (await versions(desk, "TSTC00000000001"))[-1] == (3, "requested", False)


async def test_a_number_of_packages_is_an_update(desk: Desk) -> None:
    """Only the bill of the entry differs, so SE U says it: taken by the system, never a request."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1))
    await desk.amend("TSTC00000000001", {"packages": {"count": 2}}, reason_code="16")
    sent = b"\n".join(await answered(desk, cbp)).decode()
    assert (sent.count("SE10U"), sent.count("SE10R"), sent.count("M13*TSTC*0901*R*00000000001*2*16*2**TSTC~")) == (
        1,
        0,
        1,
    )
    entry = await filing_of(desk, "entry")
    assert (entry.state, entry.accepted_version) == ("accepted", 2)


async def test_a_value_that_needs_an_entry_changes_the_pathway(desk: Desk) -> None:
    """Worth more than the exemption: the bill becomes a regular one, an entry of type 11 is filed, and it may cross."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), parcel(2))
    patch = {"lines": [line(value="1200.00")], "fair_retail_value": "1200.00"}
    shown = await desk.dry_run("TSTC00000000001", patch, reason_code="03")
    assert [(one["from"], one["to"], one["entry_type"]) for one in shown["pathways"]] == [
        ("section321", "informal", "11")
    ]
    assert shown["pathways"][0]["does"] == ["its bill is replaced on the manifest", "an entry of type 11 is filed"]
    assert [one["says"] for one in shown["messages"]] == ["309 type Y", "SE action A"]
    await desk.amend("TSTC00000000001", patch, reason_code="03")
    assert (await desk.board())["decision"] == "wait"
    sent = await answered(desk, cbp)
    assert sorted(hidden(one) for one in sent) == sorted(one["text"] for one in shown["messages"])
    board = await desk.board()
    assert (board["decision"], board["pathways"], board["states"]) == (
        "go",
        {"informal": 1, "section321": 1},
        {"on_file": 2},
    )
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    assert set((await desk.states()).values()) == {"released"}
    await desk.check_books()


async def test_a_pathway_asked_for_withdraws_the_entry(desk: Desk) -> None:
    """Asked to go by the exemption, an informal shipment loses its entry, whose cancellation must say why."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1, pathway="informal"))
    patch = {"pathway": "section321"}
    with pytest.raises(ShipmentError) as asked:
        await desk.amend("TSTC00000000001", patch, reason_code="03")
    assert [one.code for one in asked.value.problems] == ["entry_reason_code_missing"]
    assert "01 Clerical error" in asked.value.problems[0].remedy
    shown = await desk.dry_run("TSTC00000000001", patch, reason_code="03", entry_reason_code="01")
    assert shown["expected"][-1]["expected"] == "request"
    await desk.amend("TSTC00000000001", patch, reason_code="03", entry_reason_code="01")
    sent = b"\n".join(await answered(desk, cbp)).decode()
    assert (sent.count("SE10D"), sent.count("M11*")) == (1, 1)
    assert (await desk.shipment("P-0001")).state == "on_file"
    assert (await desk.shipment("P-0001")).entry_filing_id is None
    await think(desk, cbp)
    assert (await filing_of(desk, "entry")).state == "cancelled"
    assert (await desk.board())["decision"] == "go"


async def test_what_needs_a_broker_after_a_patch_comes_off_the_truck(desk: Desk) -> None:
    """Without an importer of record no entry can be made: bill deleted, entry cancelled, in review by name."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    await desk.amend("TSTC00000000001", {"importer_of_record": None}, reason_code="03")
    await answered(desk, cbp)
    assert await desk.states() == {"P-0001": "in_review", "P-0002": "on_file"}
    assert (await desk.board())["decision"] == "no_go"
    await think(desk, cbp)
    assert (await filing_of(desk, "entry")).state == "cancelled"
    assert "answer_unexpected" not in await desk.alerts()
    await desk.amend("TSTC00000000001", {"importer_of_record": IMPORTER}, reason_code="11")
    assert (await desk.board())["states"] == {"staged": 1, "on_file": 1}


async def test_a_refused_amendment_leaves_the_version_before_in_force(desk: Desk) -> None:
    """CBP refuses the bill: version 1 stands, the board says so, the next patch is compared with version 1."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), parcel(2))
    await desk.amend("TSTC00000000001", {"consignee": {"name": "Pat REJ Testwell"}}, reason_code="03")
    await answered(desk, cbp)
    manifest = await filing_of(desk, "manifest")
    assert (manifest.state, manifest.version, manifest.accepted_version) == ("accepted", 2, 1)
    assert await versions(desk, TRIP) == [(1, "accepted", True), (2, "refused", False)]
    board = await desk.board()
    assert (board["decision"], board["states"]) == ("go", {"on_file": 2})
    assert [(one["state"], one["version"], one["accepted_version"]) for one in board["changes"]] == [("refused", 2, 1)]
    assert "version 1 is in force" in board["changes"][0]["text"]
    assert "change_refused" in await desk.alerts()
    assert "filing.rejected" in {one.type for one in await desk.told()}
    shown = await desk.dry_run("TSTC00000000001", {"consignee": {"name": "Pat Testwell B1"}}, reason_code="03")
    assert not shown["sent"]
    await desk.amend("TSTC00000000001", {"consignee": {"name": "Pat Otherwise"}}, reason_code="03")
    await answered(desk, cbp)
    assert (await versions(desk, TRIP))[-1] == (3, "accepted", True)
    assert "change_refused" not in await desk.alerts()
    assert (await desk.board())["changes"] == []


async def test_a_shipment_comes_off_by_its_bill(desk: Desk) -> None:
    """Null takes one off: its bill is deleted and its entry cancelled as not arriving; the truck waits for that."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    shown = await desk.dry_run(TRIP, {"shipments": {"P-0001": None}}, reason_code="01")
    assert [one["says"] for one in shown["messages"]] == ["309 type Y", "SE action D"]
    assert "gone_for_good" in {one["code"] for one in shown["warnings"]}
    await desk.amend(TRIP, {"shipments": {"P-0001": None}}, reason_code="01")
    assert (await desk.states())["P-0001"] == "cancelling"
    assert (await desk.board())["decision"] == "no_go"
    manifest, entry = sorted(await desk.send(), key=lambda one: not one.startswith(b"ISA"))
    assert b"M13*TSTC*0901*D*00000000001**01*3**TSTC~" in manifest
    assert entry.count(b"SE10D") == 1
    for payload in (entry, manifest):
        await desk.hear(*(one.payload for one in cbp.send(payload)))
    assert (await filing_of(desk, "entry")).state == "requested"
    assert (await desk.states())["P-0001"] == "cancelling"
    assert (await desk.board())["decision"] == "no_go"
    await think(desk, cbp)
    assert await desk.states() == {"P-0001": "cancelled", "P-0002": "on_file"}
    assert (await desk.board())["decision"] == "go"


async def test_a_truck_whose_cancellation_is_under_review_does_not_go(desk: Desk) -> None:
    """Entry cancelled before arrival: no-go until the request is decided, and as long after as the bill stands."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    begun = await desk.cancel("TSTC00000000001", reason_code="01")
    assert "bill_without_entry" in {one["code"] for one in begun["warnings"]}
    await answered(desk, cbp)
    assert (await filing_of(desk, "entry")).state == "requested"
    board = await desk.board()
    assert (board["decision"], board["states"]) == ("no_go", {"cancelling": 1, "on_file": 1})
    assert board["blocking"][0]["shipment_id"] == "P-0001"
    assert "trip.blocked" in {one.type for one in await desk.told()}
    with pytest.raises(Conflict) as pending:
        await desk.amend("TSTC00000000001", STREET, reason_code="03")
    assert "request_pending" in {one.code for one in pending.value.problems}
    await think(desk, cbp)
    assert (await filing_of(desk, "entry")).state == "cancelled"
    assert (await desk.states())["P-0001"] == "cancelling"
    assert (await desk.board())["decision"] == "no_go"
    await desk.cancel("TSTC00000000001", reason_code="01", bill="delete")
    await answered(desk, cbp)
    assert await desk.states() == {"P-0001": "cancelled", "P-0002": "on_file"}
    assert (await desk.board())["decision"] == "go"
    assert "filing.cancelled" in {one.type for one in await desk.told()}


async def test_a_manifest_is_deleted_with_its_entries(desk: Desk) -> None:
    """309 type 3 and SE D for each entry; the trip is over, and its number cannot be amended or filed again."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), informal(2))
    with pytest.raises(ShipmentError) as asked:
        await desk.cancel(TRIP)
    assert [one.code for one in asked.value.problems] == ["entry_reason_code_missing"]
    await desk.cancel(TRIP, entry_reason_code="08")
    assert (await desk.board())["decision"] == "no_go"
    sent = b"\n".join(await answered(desk, cbp)).decode()
    assert "*3***TSTC2503100001*03~" in sent
    assert sent.count("SE10D") == 1
    board = await desk.board()
    assert (board["state"], board["decision"], board["manifest_filing"]["cbp_state"]) == (
        "cancelled",
        "no_go",
        "deleted",
    )
    await think(desk, cbp)
    assert set((await desk.states()).values()) == {"cancelled"}
    with pytest.raises(Conflict) as over:
        await desk.amend(TRIP, {"crew": []}, reason_code="03")
    assert over.value.problems[0].code == "trip_cancelled"


async def test_every_step_may_be_repeated_after_a_crash(desk: Desk) -> None:
    """A process that dies before a commit loses control numbers and nothing else; what is sent is sent once."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), informal(2), informal(3))
    patch = {"port_of_arrival": "0712", "shipments": {"P-0003": None}}
    await desk.amend(TRIP, patch, plan=False, reason_code="03")
    await desk.makes_despite_crashes()
    sent = await answered(desk, cbp)
    assert len(sent) == 3
    assert (await desk.states())["P-0002"] == "on_file"
    await desk.check_books()


@pytest.mark.parametrize(
    ("name", "patch", "code"),
    [
        ("TSTC00000000001", {"shipment_id": "P-7"}, "identity_is_fixed"),
        ("TSTC00000000001", {"shipment_control_number": "TSTC00000000009"}, "identity_is_fixed"),
        ("TSTC00000000001", {"consignee": {"address": {"region": "ZZ"}}, "colour": "red"}, "unknown_state"),
        ("TSTC00000000001", {"lines": []}, "too_few"),
        (TRIP, {"trip_number": "TSTC9999"}, "identity_is_fixed"),
        (TRIP, {"crew": []}, "too_few"),
        (TRIP, {"shipments": {"P-0009": {}}}, "shipment_unknown"),
        (TRIP, {"shipments": {"P-0001": 7}}, "wrong_shape"),
        (TRIP, {"shipments": {"P-0001": {}, "TSTC00000000001": {}}}, "shipment_twice"),
    ],
)
async def test_a_patch_with_faults_is_refused_with_all_of_them(
    desk: Desk, name: str, patch: dict[str, Any], code: str
) -> None:
    """Nothing is kept and nothing is sent; the faults are those of the patched record, at their paths."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), parcel(2))
    with pytest.raises(ShipmentError) as refused:
        await desk.amend(name, patch, reason_code="03")
    assert code in {one.code for one in refused.value.problems}
    if "colour" in patch:
        assert {one.code for one in refused.value.problems} == {"unknown_state", "unknown_key"}
    assert await desk.send() == []
    assert await desk.table(t.amendments) == []


async def test_the_state_forbids_with_its_reason(desk: Desk) -> None:
    """Not filed, unanswered, seen otherwise, arrived: each refused by name before anything is sent."""
    cbp = cbp_of(desk)
    await desk.put_trip()
    await desk.stage(parcel(1), informal(2))

    async def code(name: str = "TSTC00000000001", **said: Any) -> set[str]:
        with pytest.raises(Conflict) as refused:
            await desk.amend(name, STREET, reason_code="03", **said)
        return {one.code for one in refused.value.problems}

    assert await code() == {"trip_not_filed"}
    await desk.request()
    assert await code() == {"trip_being_filed"}
    await desk.plan()
    assert await code() == {"answer_awaited"}
    assert await code("TSTC00000000002") == {"answer_awaited", "entry_answer_awaited"}
    await answered(desk, cbp)
    assert await code(version=7) == {"version_conflict"}
    await desk.amend("TSTC00000000001", STREET, reason_code="03")
    assert await code(TRIP, version=1) == {"version_conflict"}
    await answered(desk, cbp)
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    with pytest.raises(Conflict) as there:
        await desk.amend("TSTC00000000002", STREET, reason_code="03")
    assert {one.code for one in there.value.problems} == {"trip_arrived", "entry_refuses_change"}
    with pytest.raises(NotFound):
        await desk.amend("TSTC99999999999", STREET)


async def test_nobody_is_told_to_take_a_bill_off_a_truck_that_is_there(desk: Desk) -> None:
    """Cancelling an entry: before arrival its bill may go too; after, what is advised is no act that is refused."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))

    async def advice() -> str:
        shown = await desk.dry_run_cancel("TSTC00000000001", reason_code="01")
        (found,) = (one for one in shown["warnings"] if one["code"] == "bill_without_entry")
        return f"{found['text']} {found['remedy']}"

    assert "delete or delink" in await advice()
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    with pytest.raises(Conflict) as there:
        await desk.cancel("TSTC00000000001", reason_code="01", bill="delete")
    assert {one.code for one in there.value.problems} == {"trip_arrived"}
    told = await advice()
    assert "delink" not in told
    assert "with CBP at the port" in told


async def test_the_timeline_tells_a_cancellation_with_its_code(desk: Desk) -> None:
    """As it does of an amendment: what was given, by code and in words."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    await desk.cancel("TSTC00000000001", "Sent twice", reason_code="01")
    steps = await desk.look(lambda conn: queries.timeline(conn, "TSTC00000000001"))
    (asked,) = (step["text"] for step in steps if step["what"] == "cancellation_asked")
    assert asked.endswith("(01, Sent twice)")


async def test_a_code_that_is_missing_is_told_with_what_gives_it(desk: Desk) -> None:
    """The list that is named can be looked up, and the option that takes a number is named."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    (need,) = (await desk.dry_run("TSTC00000000002", STREET))["needs"]
    assert "gateway codes x12.amendment_reason" in need["reference"]
    assert "amendment_reason" in CODES
    shown = await desk.dry_run_cancel("TSTC00000000001", reason_code="03")
    (need,) = shown["needs"]
    assert "?" * 11 in shown["messages"][0]["text"]
    assert (need["code"], "--replaced-by" in need["remedy"]) == ("replaced_by_missing", True)


async def packages(desk: Desk) -> int:
    """How many packages for the licensed broker have been kept."""
    return sum(row.name.startswith("handoff package") for row in await desk.table(t.archive_entries))


async def test_a_value_that_needs_a_formal_entry_makes_a_package(desk: Desk) -> None:
    """Informal to formal: the entry goes, the broker gets a package, anew when it changes; back when asked."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    dear = {"lines": [{**(await desk.shipment("P-0001")).document["lines"][0], "value": "4000.00"}]}
    with pytest.raises(ShipmentError) as asked:
        await desk.amend("TSTC00000000001", dear, reason_code="03")
    assert [one.code for one in asked.value.problems] == ["entry_reason_code_missing"]
    begun = await desk.amend("TSTC00000000001", dear, reason_code="03", entry_reason_code="01")
    assert [one["to"] for one in begun["pathways"]] == ["formal"]
    await answered(desk, cbp)
    await think(desk, cbp)
    handoff = await filing_of(desk, "handoff")
    assert (handoff.state, (await desk.shipment("P-0001")).pathway, await packages(desk)) == ("ready", "formal", 1)
    assert (await filing_of(desk, "entry")).state == "cancelled"
    again = await desk.amend("TSTC00000000001", {"order_id": "O-77"})
    assert (again["sent"], again["does"]) == (True, ["the package for the licensed broker is made again"])
    assert await desk.send() == []
    handoff = await filing_of(desk, "handoff")
    assert (handoff.state, handoff.version, await packages(desk)) == ("ready", 2, 2)
    cheap = {"lines": [{**dear["lines"][0], "value": "1200.00"}], "pathway": "informal"}
    await desk.amend("TSTC00000000001", cheap, reason_code="03")
    await answered(desk, cbp)
    assert (await filing_of(desk, "handoff")).state == "cancelled"
    entry = await filing_of(desk, "entry")
    assert (entry.state, entry.version) == ("accepted", 1)
    board = await desk.board()
    assert (board["decision"], board["states"]) == ("go", {"on_file": 2})
    await desk.check_books()


async def test_a_pathway_that_stays_was_not_asked_for(desk: Desk) -> None:
    """Another address alone: the filing says that the pathway stays as declared, and not that somebody asked for it."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), type86(2))
    for number in ("TSTC00000000001", "TSTC00000000002"):
        await desk.amend(number, STREET, reason_code="03")
        await answered(desk, cbp)
    kept = (await desk.look(lambda conn: queries.filing(conn, "TSTC00000000001")))["decided_by"]["reasons"]
    assert kept[0] == "Its pathway stays as declared: informal entry, which is open to it."
    assert (await desk.shipment("P-0001")).decision["requested"] is None
    asked = (await desk.look(lambda conn: queries.filing(conn, "TSTC00000000002")))["decided_by"]["reasons"]
    assert asked[0] == "The shipment asks for entry type 86, which is open to it."


async def test_what_is_odd_after_a_patch_is_said(desk: Desk) -> None:
    """A VIN whose check digit became wrong is a warning of the dry run; one that was odd before is not told again."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1))
    wrong = {"conveyance": {"vin": "1M8GDM9A0KP042788"}}
    shown = await desk.dry_run(TRIP, wrong, reason_code="03")
    assert [one["code"] for one in shown["warnings"]] == ["vin_check_digit"]
    await desk.amend(TRIP, wrong, reason_code="03")
    await answered(desk, cbp)
    shown = await desk.dry_run(TRIP, {"conveyance": {"plate": {"number": "ZZ9"}}}, reason_code="03")
    assert shown["warnings"] == []


async def test_the_hour_that_begins_again_is_said(desk: Desk) -> None:
    """An amendment within the hour before the truck: until when it may not come."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1))
    desk.later(hours=6)
    shown = await desk.dry_run("TSTC00000000001", STREET, reason_code="03")
    (warning,) = shown["warnings"]
    assert (warning["code"], warning["reference"]) == ("hour_begins_again", "19 CFR 123.92")
    assert "17:00" in warning["remedy"]


async def test_what_is_shown_without_a_reason_is_what_goes_with_it(desk: Desk) -> None:
    """The difference and the bytes come first, with ?? for the code; begun without it nothing is, and it is named."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, parcel(1), parcel(2))
    patch = {"consignee": {"address": {"lines": ["77 Elm Ave"]}}}
    before = await desk.dry_run("TSTC00000000001", patch)
    after = await desk.dry_run("TSTC00000000001", patch, reason_code="03")
    assert ([one["code"] for one in before["needs"]], after["needs"]) == (["reason_code_missing"], [])
    assert before["difference"] == after["difference"] != []
    shown, real = before["messages"][0]["text"], after["messages"][0]["text"]
    assert "*??" in shown
    assert shown.replace("??", "03") == real
    with pytest.raises(ShipmentError) as asked:
        await desk.amend("TSTC00000000001", patch)
    assert [one.code for one in asked.value.problems] == ["reason_code_missing"]
    assert await desk.table(t.amendments) == []


async def test_a_cancellation_is_shown_without_its_reasons(desk: Desk) -> None:
    """Neither in words nor by a code: it is shown with both asked for, and an unknown code is refused at once."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    shown = await desk.dry_run_cancel("TSTC00000000001", reason="")
    assert {one["code"] for one in shown["needs"]} == {"reason_missing", "entry_reason_code_missing"}
    assert [one["says"] for one in shown["messages"]] == ["SE action D"]
    with pytest.raises(ShipmentError) as unknown:
        await desk.dry_run_cancel("TSTC00000000001", reason="", reason_code="ZZ")
    assert "entry_reason_code_unknown" in {one.code for one in unknown.value.problems}


async def test_a_reason_that_only_another_type_gives_is_neither_offered_nor_taken(desk: Desk) -> None:
    """Reason 12 is that of weekly entries of type 06: an entry of type 11 is not offered it, and refused with it."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    needs = (await desk.dry_run_cancel("TSTC00000000001"))["needs"]
    offered = {
        part.split()[0] for part in needs[0]["remedy"].removeprefix("Give one of: ").split("; ") if part[:2].isdigit()
    }
    assert offered == {"01", "03", "05", "06", "07", "08", "09", "10", "11"}
    with pytest.raises(ShipmentError) as refused:
        await desk.dry_run_cancel("TSTC00000000001", reason_code="12")
    (fault,) = refused.value.problems
    assert (fault.code, fault.path) == ("entry_reason_of_other_type", "reason_code")
    assert "type 06 alone" in fault.text


async def test_a_reason_that_nobody_gave_is_explained(desk: Desk) -> None:
    """Taken off the truck, the entry goes for reason 08: the preview says so and why; given, it is not explained."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    patch = {"shipments": {"P-0001": None}}
    shown = await desk.dry_run(TRIP, patch, reason_code="03")
    (warning,) = [one for one in shown["warnings"] if one["code"] == "entry_reason_chosen"]
    assert "reason 08" in warning["text"]
    assert "because its goods come off the truck" in warning["text"]
    assert "--entry-reason-code" in warning["remedy"]
    assert any("(reason 08, " in act for act in shown["does"])
    given = await desk.dry_run(TRIP, patch, reason_code="03", entry_reason_code="01")
    assert "entry_reason_chosen" not in {one["code"] for one in given["warnings"]}
    assert any("(reason 01, " in act for act in given["does"])


SAID: dict[str, str] = {"reason": "Because.", BILL_REASON_SOURCE: "03", "CBP CATAIR Cargo Release v40, SE13": "01"}
"""What is given for each thing that is asked for, by its reference."""


@pytest.mark.parametrize(
    ("name", "asked", "names"),
    [
        ("TSTC00000000001", {}, ["reason", "reason_code"]),
        ("TSTC00000000001", {"bill": "delete"}, ["reason", "bill_reason_code", "reason_code"]),
        ("TSTC00000000001", {"bill": "delete", "bill_reason_code": "11"}, ["reason", "reason_code"]),
        ("TSTC00000000001", {"bill": "delete", "entry_reason_code": "05"}, ["reason", "bill_reason_code"]),
        ("TSTC00000000002", {}, ["reason", "reason_code"]),
        (TRIP, {"shipments": ["P-0001"]}, ["reason", "reason_code", "entry_reason_code"]),
        (TRIP, {}, ["reason", "entry_reason_code"]),
    ],
)
async def test_a_cancellation_takes_what_it_asks_for_and_shows_what_it_was_given(
    desk: Desk, name: str, asked: dict[str, Any], names: list[str]
) -> None:
    """What the preview says is needed is said under the very names that it names, and stands in the next answer."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    needs = (await desk.dry_run_cancel(name, **{"reason": "", **asked}))["needs"]
    assert [one["path"] for one in needs] == names
    given = {one["path"]: SAID[one.get("reference") or one["path"]] for one in needs}
    shown = await desk.dry_run_cancel(name, **{**asked, **given})
    assert shown["needs"] == []
    for said, value in {**asked, **given}.items():
        if said in ("reason", "reason_code", "entry_reason_code", "bill_reason_code"):
            assert shown[said] == value
    begun = await desk.cancel(name, **{**asked, **given})
    assert {key: begun[key] for key in given} == given


async def test_a_wrong_code_is_refused_under_the_name_it_was_given_by(desk: Desk) -> None:
    """The path of the fault is the member of the request that holds the code."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), parcel(2))
    for name, said in (
        ("TSTC00000000001", {"reason_code": "ZZ"}),
        ("TSTC00000000001", {"entry_reason_code": "ZZ"}),
        ("TSTC00000000001", {"reason_code": "01", "bill": "delete", "bill_reason_code": "ZZ"}),
        ("TSTC00000000002", {"reason_code": "ZZ"}),
        (TRIP, {"reason_code": "ZZ"}),
    ):
        with pytest.raises(ShipmentError) as unknown:
            await desk.dry_run_cancel(name, **said)
        assert [said.get(one.path) for one in unknown.value.problems] == ["ZZ"], said


async def also_changed(desk: Desk, name: str) -> dict[int, list[tuple[str, int, list[str]]]]:
    """By version of a filing: kind, version and files of the others that the same amendment changed."""
    kept = await desk.look(lambda conn: queries.versions(conn, name))
    assert all(one["also_changed_count"] == len(one["also_changed"]) for one in kept)
    return {
        one["version"]: [(other["filing_id"], other["version"], other["messages"]) for other in one["also_changed"]]
        for one in kept
    }


async def test_an_entry_names_the_bill_that_its_amendment_changed_too(desk: Desk) -> None:
    """And the manifest the entry: id, version and file of the other; the filing that stayed names nothing."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, informal(1), informal(2))
    await desk.amend("TSTC00000000001", STREET, reason_code="03")
    await answered(desk, cbp)
    manifest, entry = await filing_of(desk, "manifest"), await filing_of(desk, "entry", "TSTC00000000001")
    sent = sorted((row.id, row.name) for row in await desk.table(t.transmissions) if row.direction == "out")
    names = {name[:3]: name for _, name in sent}  # the newest of each kind
    assert await also_changed(desk, entry.id) == {1: [], 2: [(manifest.id, 2, [names["309"]])]}
    assert await also_changed(desk, manifest.id) == {1: [], 2: [(entry.id, 2, [names["SE-"]])]}
    assert await also_changed(desk, "TSTC00000000002") == {1: []}


async def test_an_entry_that_took_the_place_of_another_names_it_and_the_bill(desk: Desk) -> None:
    """Of a changed pathway each of the three filings names the two others, the new one at its first version."""
    cbp = cbp_of(desk)
    await filed(desk, cbp, type86(1), parcel(2))
    await desk.amend("TSTC00000000001", OTHER_TYPE, reason_code="03")
    await answered(desk, cbp)
    manifest = await filing_of(desk, "manifest")
    old, new = sorted((row for row in await desk.table(t.filings) if row.kind == "entry"), key=lambda row: row.id)

    def named(found: dict[int, list[tuple[str, int, list[str]]]]) -> dict[int, list[tuple[str, int]]]:
        return {version: [one[:2] for one in others] for version, others in found.items()}

    bill, gone, made = (manifest.id, 2), (old.id, 2), (new.id, 1)
    assert named(await also_changed(desk, new.id)) == {1: [bill, gone]}
    assert named(await also_changed(desk, old.id)) == {1: [], 2: [bill, made]}
    assert named(await also_changed(desk, manifest.id)) == {1: [], 2: [gone, made]}
