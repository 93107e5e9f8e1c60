"""The sandbox's control port over HTTP: several books, listings, orders, transcript, feed, and who may not call."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.doors.routes import ROUTES, as_markdown
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Behaviour
from sandbox.views import LISTINGS
from tests.control_kit import Box, box_at

TRIP = "TSTC2503100001"
FREE, PAPS = "TSTC25031000001", "TSTC25031000002"
TRUCK = manifest_309([SampleBill(FREE[4:], kind="35"), SampleBill(PAPS[4:])])
ENTRY = SampleEntry("1234567", PAPS[4:])


# ---------------------------------------------------------------- books


async def test_a_call_reaches_the_books_that_know_what_it_is_about(tmp_path: Path) -> None:
    """Without a filer the trip or shipment decides; with one that filer's books; with an unknown one 404."""
    async with box_at(tmp_path, "ALPHA", "BETA") as box:
        await box.file(manifest_309([SampleBill("BETA0001", kind="35")], trip="TSTCBETA00001"), filer="BETA")
        assert (await box.get("/shipments/TSTCBETA0001"))["state"] == "ON_FILE"
        assert (await box.call("GET", "/shipments/TSTCBETA0001?filer=ALPHA"))[0] == 404
        assert (await box.post("/shipments/TSTCBETA0001/hold"))["books"] == "BETA"
        assert (await box.post("/trips/TSTCBETA00001/arrive"))["books"] == "BETA"
        assert (await box.get("/state"))["shipments"] == {}
        assert (await box.get("/state?filer=BETA"))["shipments"] == {"HELD": 1}
        status, problem = await box.call("GET", "/state?filer=GAMMA")
        assert (status, problem["code"]) == (404, "unknown_filer")
        assert "ALPHA, BETA" in problem["detail"]
        assert {one["name"] for one in (await box.get("/state"))["filers"]} == {"ALPHA", "BETA"}


async def test_faults_are_for_one_filer(tmp_path: Path) -> None:
    """A plan of faults for one filer leaves the other's answers alone."""
    async with box_at(tmp_path, "ALPHA", "BETA") as box:
        await box.post("/faults?filer=BETA", {"drop": 1.0})
        await box.file(TRUCK, filer="BETA")
        await box.file(TRUCK, filer="ALPHA")
        assert {one.partner for one in box.sent} == {"ALPHA"}
        assert (await box.get("/faults?filer=BETA"))["drop"] == 1.0
        assert (await box.get("/faults"))["drop"] == 0.0


async def test_a_reset_empties_what_was_named_and_only_when_confirmed(tmp_path: Path) -> None:
    """Without {"confirm": true} nothing is lost; with a filer only its books; then the same truck may be filed anew."""
    async with box_at(tmp_path, "ALPHA", "BETA") as box:
        for filer in ("ALPHA", "BETA"):
            await box.file(TRUCK, filer=filer)
        for document in ({}, {"confirm": "yes"}, {"confirm": True, "more": 1}):
            status, problem = await box.call("POST", "/reset", document)
            assert (status, problem["code"]) == (422, "not_confirmed")
        assert (await box.post("/reset?filer=BETA", {"confirm": True}))["emptied"] == ["BETA"]
        assert (await box.get("/state?filer=BETA"))["manifests"] == []
        assert len((await box.get("/state?filer=ALPHA"))["manifests"]) == 1
        await box.file(TRUCK, filer="BETA")
        assert (await box.get("/state?filer=BETA"))["shipments"] == {"ON_FILE": 2}
        assert (await box.post("/reset", {"confirm": True}))["emptied"] == ["ALPHA", "BETA"]


# ---------------------------------------------------------------- looking


async def test_listings_show_the_books_and_page(tmp_path: Path) -> None:
    """Manifests, shipments, entries and day totals, filtered by their columns, page after page."""
    async with box_at(tmp_path) as box:
        await box.file(TRUCK)
        await box.file(entries_se([ENTRY]))
        (manifest,) = (await box.get("/manifests"))["items"]
        assert (manifest["trip"], manifest["shipments"]) == (TRIP, {"ENTERED": 1, "ON_FILE": 1})
        assert (await box.get(f"/trips/{TRIP}"))["state"] == "COMPLETE"
        first = await box.get(f"/shipments?trip={TRIP}&limit=1")
        rest = await box.get(f"/shipments?trip={TRIP}&limit=1&after={first['next']}")
        assert [one["shipment_control_number"] for page in (first, rest) for one in page["items"]] == [FREE, PAPS]
        assert rest["next"] is None
        assert (await box.get("/shipments?state=RELEASED"))["items"] == []
        (entry,) = (await box.get("/entries?type=11"))["items"]
        assert (entry["number"], entry["state"], entry["shipments"]) == (ENTRY.number, "ADMISSIBLE", [PAPS])
        assert (await box.get(f"/entries/{ENTRY.number}"))["filed"]["bills"]
        (total,) = (await box.get("/day-totals?day=20250310"))["items"]
        assert (total["total"], total["parts"], total["shipments"]) == ("45.00", 1, [FREE])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/shipments?colour=red", 422),
        ("/manifests?after=x", 422),
        ("/trips/NOBODY", 404),
        ("/entries/NOBODY", 404),
        ("/transcript/99", 404),
        ("/transcript/x", 404),
        ("/transcript?annotated=maybe", 422),
        ("/nowhere", 404),
        ("/shipments/%27%3B%20drop%20table%20bill", 404),
    ],
)
async def test_what_cannot_be_shown_is_a_problem_document(tmp_path: Path, path: str, status: int) -> None:
    """Bad filters and unknown names are told with code and errors."""
    async with box_at(tmp_path) as box:
        got, problem = await box.call("GET", path)
        assert got == status
        assert problem["code"]
        assert problem["title"] != problem["detail"]
        assert problem["errors"][0]["text"]


async def test_who_looks_at_a_door_is_led_to_the_console(tmp_path: Path) -> None:
    """The bare address of the control port leads to the console; a wrong path and the AS2 door's address name it."""
    async with box_at(tmp_path) as box:
        control, as2 = box.url.removesuffix("/sandbox"), box.running.ports.as2_url
        async with box.session.get(control + "/") as answer:
            assert (answer.status, answer.url.path) == (200, "/sandbox/")
        status, problem = await box.call("GET", "/nowhere")
        assert status == 404
        assert problem["detail"].startswith("GET /sandbox/nowhere is no call; the console is at /sandbox/")
        status, problem = await box.call("POST", "/state", {})
        assert (status, problem["detail"]) == (405, "POST /sandbox/state is no call; this path takes GET.")
        async with box.session.get(as2) as answer:
            assert (answer.status, "console" in await answer.text()) == (405, True)


async def test_a_shipment_says_what_may_be_done_with_it_and_what_is_told(tmp_path: Path) -> None:
    """One number, the orders that its state permits, whether its filer hears of it; a release taken back is none."""
    silent, plain = "TSTCSILENT00001", "TSTC25031000001"
    async with box_at(tmp_path) as box:
        await box.file(manifest_309([SampleBill(silent[4:], kind="35"), SampleBill(plain[4:], kind="35")]))
        assert (await box.get(f"/shipments/{plain}"))["may"] == ["hold", "exam", "release"]
        await box.post(f"/trips/{TRIP}/arrive")
        quiet, told = (await box.get("/shipments"))["items"]
        assert (quiet["state"], quiet["told"], told["told"]) == ("RELEASED", False, True)
        assert told["may"] == ["hold", "exam", "revoke"]
        assert told["released_at"]
        await box.post(f"/shipments/{plain}/hold")
        held = await box.get(f"/shipments/{plain}")
        assert (held["state"], held["released_at"], held["may"]) == ("HELD", None, ["hold", "exam", "release"])
        assert (held["shipment_control_number"], "scn" in held) == (plain, False)


@pytest.mark.parametrize(("stops", "state"), [(False, "ARRIVED"), (True, "PRELIMINARY")])
async def test_a_truck_on_a_preliminary_manifest_is_told_as_such(tmp_path: Path, stops: bool, state: str) -> None:
    """The order to arrive answers with what became of the truck, and says that its manifest was not complete."""
    async with box_at(tmp_path, behaviour=Behaviour(stop_preliminary_trucks=stops)) as box:
        await box.file(manifest_309([SampleBill(FREE[4:], kind="35")], kind="P"))
        told = await box.post(f"/trips/{TRIP}/arrive")
        assert told["state"] == state
        assert "stop_preliminary_trucks" in told["note"]
        order = (await box.get("/transcript?orders=1&kind=arrive"))["items"][0]
        assert order["verdict"]["result"].startswith("1 shipment at the border; the manifest")
        assert (await box.get(f"/shipments/{FREE}"))["state"] == ("HELD" if stops else "RELEASED")


async def test_a_speed_for_a_clock_that_stands_still_is_no_secret(tmp_path: Path) -> None:
    """The answer says that the speed counts later; a running clock has no such note."""
    async with box_at(tmp_path) as box:
        assert "counts from when it runs" in (await box.post("/clock", {"speed": 60}))["note"]
        assert "note" not in await box.post("/clock", {"speed": 60, "freeze": False})


async def test_every_listing_can_be_asked_for(tmp_path: Path) -> None:
    """Each of the table, empty, and with each of its filters."""
    async with box_at(tmp_path) as box:
        for one in LISTINGS:
            for name in one.filters:
                assert (await box.get(f"/{one.name}?{name}=x")) == {"items": [], "next": None}


async def test_what_is_to_come_is_said_when_pushed(tmp_path: Path) -> None:
    """The list says what CBP will say next and when; a push says it now; nothing to come is 409."""
    async with box_at(tmp_path) as box:
        assert (await box.call("POST", "/answers/next", {}))[0] == 409
        await box.file(TRUCK)
        (one,) = (await box.get("/answers"))["items"]
        assert (one["kind"], one["about"]) == ("arrive", [TRIP])
        pushed = await box.post("/answers/next")
        assert {answer["kind"] for answer in pushed["pushed"]} == {"350"}
        assert await box.running.offices.settled()
        assert [answer.kind for answer in box.sent][:3] == ["997", "355", "350"]
        assert (await box.call("POST", "/answers/next", {"id": "answer-1"}))[0] == 404
        assert (await box.call("POST", "/answers/next", {"id": 1}))[0] == 422
        assert (await box.call("POST", "/answers/next", {"name": "x"}))[0] == 422


# ---------------------------------------------------------------- transcript


async def test_the_transcript_is_annotated_on_demand(tmp_path: Path) -> None:
    """As JSON line by line, as text for a terminal, one file alone, and orders when asked for."""
    async with box_at(tmp_path) as box:
        await box.file(manifest_309([SampleBill("1000001", kind="35", origin="QQ")]))
        await box.post("/faults", {"drop": 1.0})
        page = await box.get("/transcript?annotated=1&bytes=0")
        assert "base64" not in page["items"][0]
        assert any(line["refused"] for line in page["items"][0]["annotated"]["lines"])
        one = await box.get(f"/transcript/{page['items'][0]['id']}?from_line=3&lines=2")
        assert [line["line"] for line in one["annotated"]["lines"]] == [3, 4]
        assert one["annotated"]["left"] > 0
        with_orders = await box.get("/transcript?orders=1")
        assert [(i["direction"], i["kind"]) for i in with_orders["items"]][-1] == ("told", "faults")
        async with box.session.get(box.url + "/transcript", headers={"Accept": "text/plain"}) as answer:
            text = await answer.text()
            assert answer.content_type == "text/plain"
        assert "!! 470 INV CTRY OF ORIG FOR SHP" in text
        assert "-> x12" in text
        assert "<- 355" in text


async def test_a_page_of_large_files_ends_early_and_leads_on(tmp_path: Path) -> None:
    """Files whose lines are more than a page holds come on several pages, none is lost."""
    async with box_at(tmp_path) as box:
        for number in range(3):
            bills = [SampleBill(f"{number}{n:06d}", kind="35") for n in range(700)]
            await box.file(manifest_309(bills, trip=f"TSTC250310000{number}", control=number + 1))
        seen: list[int] = []
        after: int | None = 0
        pages = 0
        while after is not None:
            page = await box.get(f"/transcript?annotated=1&bytes=0&lines=20000&after={after}")
            seen += [item["id"] for item in page["items"]]
            after, pages = page["next"], pages + 1
        assert pages > 1
        assert seen == [item["id"] for item in (await box.get("/transcript?bytes=0"))["items"]]


# ---------------------------------------------------------------- who may call


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Host": "evil.example"}, b"{}", 403),
        ({"Host": "evil.example:80"}, b"", 403),
        ({"Host": "127.0.0.1.evil.example"}, b"{}", 403),
        ({"Host": ""}, b"{}", 403),
        ({"Origin": "https://evil.example"}, b"{}", 403),
        ({"Origin": "null"}, b"{}", 403),
        ({"Origin": "http://127.0.0.1:1"}, b"{}", 403),
        ({"Origin": "https://evil.example"}, b"", 403),
        ({"Sec-Fetch-Site": "cross-site"}, b"", 403),
        ({"Content-Type": "text/plain"}, b"{}", 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"{}", 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"{}", 415),
        ({"Content-Type": "application/json"}, b"{}", 200),
        ({"Content-Type": "application/json; charset=utf-8"}, b"{}", 200),
        ({"Host": "localhost:8472"}, b"", 200),
        ({"Host": "[::1]:8472"}, b"", 200),
        ({}, b"", 200),
    ],
)
async def test_pages_of_other_sites_cannot_change_anything(
    tmp_path: Path, headers: dict[str, str], body: bytes, status: int
) -> None:
    """A foreign host name, a foreign origin, a body that a form can send: refused; programs and our own page: not."""
    async with box_at(tmp_path) as box:
        skip = ("Content-Type",) if "Content-Type" not in headers and not body else ()
        sent = headers if "Content-Type" in headers or not body else headers | {"Content-Type": "application/json"}
        async with box.session.post(box.url + "/settle", data=body, headers=sent, skip_auto_headers=skip) as answer:
            assert answer.status == status, await answer.text()
        own = {"Origin": box.url.removesuffix("/sandbox"), "Sec-Fetch-Site": "same-origin"}
        assert (await box.call("POST", "/settle", {}, **own))[0] == 200


async def test_a_foreign_name_may_not_even_look(tmp_path: Path) -> None:
    """A name that leads here from outside (DNS rebinding) is refused on every call, also the page and the feed."""
    async with box_at(tmp_path) as box:
        for path in ("/state", "/", "/feed", "/transcript"):
            async with box.session.get(box.url + path, headers={"Host": "evil.example"}) as answer:
                assert answer.status == 403


# ---------------------------------------------------------------- feed


class Listener:
    """Reads server-sent events."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.id = ""

    async def event(self) -> tuple[str, dict[str, Any]]:
        """The next event: its kind and document."""
        kind, data = "", ""
        async with asyncio.timeout(30):
            async for raw in self.answer.content:
                line = raw.decode().rstrip("\n")
                name, _, value = line.partition(": ")
                if name == "id":
                    self.id = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    data = value
                elif not line and data:
                    return kind, json.loads(data)
        raise AssertionError("the feed ended")

    async def until_state(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The files up to the next state, and that state."""
        files: list[dict[str, Any]] = []
        while True:
            kind, document = await self.event()
            if kind == "state":
                return files, document
            files.append(document)

    async def kinds(self, *wanted: str) -> list[str]:
        """Kinds of files until all that are wanted have come."""
        seen: list[str] = []
        while not set(wanted) <= set(seen):
            kind, document = await self.event()
            seen += [document["kind"]] if kind == "file" else []
        return seen


def listen(box: Box, query: str = "", last: str = "") -> Any:
    """Open the feed."""
    headers = {"Last-Event-ID": last} if last else {}
    return box.session.get(box.url + "/feed" + query, headers=headers)


async def test_the_feed_tells_files_and_state_as_they_happen(tmp_path: Path) -> None:
    """Who watches gets the newest files, the state, and then each new file and the state after it."""
    async with box_at(tmp_path) as box:
        await box.file(TRUCK)
        async with listen(box) as answer:
            assert answer.content_type == "text/event-stream"
            feed = Listener(answer)
            files, state = await feed.until_state()
            assert [one["kind"] for one in files] == ["x12", "997", "355"]
            assert "base64" not in files[0]
            assert state["books"]["GATEWAY"]["shipments"] == {"ON_FILE": 2}
            await box.post(f"/trips/{TRIP}/arrive")
            assert await feed.kinds("350") == ["arrive", "350"]
            while True:
                _, state = await feed.until_state()
                if state["books"]["GATEWAY"]["shipments"].get("RELEASED"):
                    break


async def test_who_comes_back_gets_what_was_missed(tmp_path: Path) -> None:
    """Last-Event-ID goes on behind the last file told, in every set of books; of another sandbox it counts nothing."""
    async with box_at(tmp_path, "ALPHA", "BETA") as box:
        await box.file(TRUCK, filer="ALPHA")
        async with listen(box) as answer:
            feed = Listener(answer)
            await feed.until_state()
        await box.file(TRUCK, filer="BETA")
        await box.post("/clock", {"advance": "PT1M"})
        async with listen(box, last=feed.id) as answer:
            files, state = await Listener(answer).until_state()
        assert [(one["books"], one["kind"]) for one in files] == [
            ("ALPHA", "clock"), ("BETA", "x12"), ("BETA", "997"), ("BETA", "355"), ("BETA", "clock"),
        ]  # fmt: skip
        assert state["books"]["BETA"]["clock"]["now"] == "2025-03-10T13:01:00+00:00"
        async with listen(box, "?filer=BETA", last="another;ALPHA:99;BETA:99") as answer:
            files, state = await Listener(answer).until_state()
        assert {one["books"] for one in files} == set(state["books"]) == {"BETA"}
        async with listen(box, last="no id of ours;x") as answer:
            assert answer.status == 422


async def test_a_file_is_told_again_when_its_verdict_stands(tmp_path: Path) -> None:
    """A file that is told before it was read comes once more under its number, also to who was away meanwhile."""
    async with box_at(tmp_path) as box:
        cbp, now = box.running.runner.cbp, box.running.offices.clock.now()
        await box.running.runner.stop()  # nobody reads but this test
        received = await asyncio.to_thread(cbp.receive, TRUCK, now)
        await box.post("/faults", {})
        async with listen(box) as answer:
            feed = Listener(answer)
            files, _ = await feed.until_state()
            assert [(one["id"], one["verdict"]["stage"]) for one in files] == [(1, "received"), (2, "control")]
            away = feed.id
            await asyncio.to_thread(cbp.digest, received.id, now)
            while True:
                files, _ = await feed.until_state()
                if files:
                    break
            assert (files[0]["id"], files[0]["verdict"]["result"]) == (1, "355 accepted 2, rejected 0")
        async with listen(box, last=away) as answer:
            files, _ = await Listener(answer).until_state()
            assert (files[0]["id"], files[0]["verdict"]["result"]) == (1, "355 accepted 2, rejected 0")


async def test_the_feed_ends_with_the_sandbox(tmp_path: Path) -> None:
    """A watcher does not keep the sandbox from stopping."""
    async with aiohttp.ClientSession() as session:
        async with box_at(tmp_path) as box:
            answer = await session.get(box.url + "/feed")
            await Listener(answer).until_state()
            begin = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begin < 5
        answer.close()


def test_the_table_of_calls_names_every_path_once() -> None:
    """The page about the calls is made from the table: no call stands in it twice, each with what it does."""
    calls = [(one.method, one.path) for one in ROUTES]
    assert len(calls) == len(set(calls))
    for one in ROUTES:
        assert one.does in as_markdown()
