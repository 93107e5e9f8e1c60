"""The console of the sandbox in a real browser: what it shows, what its buttons do, and that data stays data."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.doors.console import PAGES
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from tests.chromium_kit import Page, browser_page
from tests.control_kit import Box, box_at

TRIP = "TSTC2503100001"
SCN = "TSTC25031000002"
TRUCK = [SampleBill("25031000001", kind="35"), SampleBill(SCN[4:]), SampleBill("25031000003", kind="35", origin="QQ")]
EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@asynccontextmanager
async def console(folder: Path, *filers: str) -> AsyncIterator[tuple[Box, Page]]:
    """A sandbox, and its console in a browser, connected."""
    async with box_at(folder, *filers) as box, browser_page() as page:
        await page.go(box.url + "/")
        await page.until("document.getElementById('live').textContent === 'live'")
        await page.until("!document.querySelector('main').inert")
        yield box, page


async def click(page: Page, name: str) -> None:
    """Press the button with this text or label."""
    await page.value(
        "[...document.querySelectorAll('button')].find((one) => !one.disabled && one.offsetParent"
        f" && (one.textContent === {name!r} || one.getAttribute('aria-label') === {name!r})).click()"
    )


async def text_of(page: Page, selector: str) -> str:
    """What is read in a part of the page."""
    return str(await page.value(f"document.querySelector({selector!r}).innerText"))


async def shut(page: Page) -> list[str]:
    """Names of the shipments' buttons that cannot be pressed."""
    names = "[...document.querySelectorAll('td.acts button')].filter((one) => one.disabled)"
    found: list[str] = await page.value(f"{names}.map((one) => one.getAttribute('aria-label')).sort()")
    return found


async def test_what_is_not_known_yet_is_loading(tmp_path: Path) -> None:
    """Until the sandbox has spoken the page claims nothing to be empty, and nothing can be pressed."""
    async with box_at(tmp_path) as box, browser_page() as page:
        silent = "window.EventSource = class { addEventListener() {} close() {} };"
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=silent)
        await page.go(box.url + "/")
        await page.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        shown = await text_of(page, "main")
        for claim in ("No manifest is on file", "No file has come", "Nothing waits", "Rules in force: 0", "none"):
            assert claim not in shown
        assert shown.count("loading") >= 6
        pressed = "document.elementFromPoint(...((one) => [one.x + 5, one.y + 5])(document.getElementById('freeze')"
        assert not await page.value(f"{pressed}.getBoundingClientRect())).matches('button')")


async def test_it_is_laid_out_for_a_window_of_1280(tmp_path: Path) -> None:
    """The clock stands on one line, addresses are not broken, and the buttons of what is to come stand in a column."""
    async with console(tmp_path) as (box, page):
        await page.look_like(width=1280, height=900)
        await box.file(manifest_309(TRUCK), name="truck.x12")
        await box.file(entries_se([SampleEntry("1234567", "NOSUCH00001")]), name="entries.txt")
        await page.until("document.querySelectorAll('#pending li').length === 2")
        await page.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        lines = "((one) => one.getClientRects().length)"
        assert await page.value(f"{lines}(document.getElementById('now'))") == 1
        assert await page.value(f"{lines}(document.querySelector('#doors code'))") == 1
        columns = "[...document.querySelectorAll('#pending button')].map((one) => one.getBoundingClientRect().right)"
        assert len(set(await page.value(columns))) == 1
        assert await page.value(
            "[...document.querySelectorAll('section')].every((one) => one.scrollWidth <= one.clientWidth)"
        )


async def test_an_empty_sandbox_says_how_to_begin(tmp_path: Path) -> None:
    """No manifest, no file: the page says so, that it is simulated and not certified, and where files are taken."""
    async with console(tmp_path) as (_, page):
        banner = await text_of(page, ".banner")
        assert "not CBP and not certified" in banner
        assert "No manifest is on file" in await text_of(page, "main")
        assert await text_of(page, "#now") == "2025-03-10 09:00:00 EDT"
        assert await text_of(page, "#zone") == "America/New_York"
        await page.value("document.querySelector('#doors').parentElement.open = true")
        assert "/as2" in await text_of(page, "#doors")
        assert page.complaints == []


async def test_a_truck_is_filed_held_arrives_and_is_let_go(tmp_path: Path) -> None:
    """Files appear as they come, a refusal stands under its line, and the buttons tell CBP what to do, kindly refused
    where the state forbids it.
    """
    async with console(tmp_path) as (box, page):
        await box.file(manifest_309(TRUCK), name="truck.x12")
        await box.file(entries_se([SampleEntry("1234567", SCN[4:])]), name="entries.txt")
        await page.until("document.querySelectorAll('.file').length >= 6")
        await page.until("document.querySelector('.manifest')?.innerText.includes('PRELIMINARY')")
        assert "planned 2025-03-10 16:30 EDT (America/New_York)" in await text_of(page, ".manifest")

        await page.value("document.querySelector('.file.refused > button').click()")
        await page.until("document.querySelector('.line .no')")
        refused = "[...document.querySelectorAll('.line')].find((one) => one.querySelector('.no'))"
        assert str(await page.value(f"{refused}.querySelector('pre').textContent")).strip().startswith("N10*")
        assert "470 INV CTRY OF ORIG FOR SHP" in str(await page.value(f"{refused}.innerText"))

        await page.value("document.querySelector('.manifest details').open = true")
        await page.until("document.querySelectorAll('.manifest tbody tr').length === 2")
        assert await shut(page) == [f"release {SCN}", "revoke TSTC25031000001", f"revoke {SCN}"]
        await page.value(f"document.querySelector('[aria-label=\"revoke {SCN}\"]').disabled = false")
        await click(page, f"revoke {SCN}")  # as on a page that has not heard yet
        await page.until("document.querySelector('#said .no-way')")
        assert f"Not now: {SCN} is not released." in await text_of(page, "#said")
        await click(page, f"hold {SCN}")
        await page.until("document.querySelector('.manifest tbody').innerText.includes('HOLD')")
        await click(page, "The truck arrives")
        await page.until("document.querySelector('.manifest').innerText.includes('HELD 1')")
        assert (await box.get(f"/shipments/{SCN}"))["state"] == "HELD"
        await click(page, f"release {SCN}")
        await page.until("document.querySelector('.manifest').innerText.includes('RELEASED 2')")
        await page.until("document.querySelector('.manifest .head button').disabled")
        await page.until("[...document.querySelectorAll('.file')].some((one) => one.innerText.includes('= told'))")
        assert ["409" in one for one in page.complaints] == [True]  # the browser notes what was refused


async def test_clock_pending_and_faults(tmp_path: Path) -> None:
    """The clock is moved, what is to come is said at once, a plan of faults is put in force and a bad one refused."""
    async with console(tmp_path) as (box, page):
        await box.file(manifest_309(TRUCK[:2]), name="truck.x12")
        await page.until("document.querySelectorAll('#pending li').length === 1")
        await click(page, "+10 min")
        await page.until("document.getElementById('now').textContent === '2025-03-10 09:10:00 EDT'")
        await page.value("document.getElementById('set-to').value = '2025-07-01T12:00:00'")
        await page.value("document.querySelector('#set-clock button').click()")
        await page.until("document.getElementById('now').textContent === '2025-07-01 12:00:00 EDT'")
        await page.until("document.querySelector('.manifest').innerText.includes('ARRIVED')")
        await page.until("!document.getElementById('pending-none').hidden")

        await click(page, "Let it run")
        await page.value("document.getElementById('speed').value = '60'")
        await click(page, "Run at this speed")
        await page.until("document.getElementById('pace').textContent === 'running at 60 times'")
        await click(page, "Freeze")

        await page.value("document.querySelector('#faults').closest('details').open = true")
        await page.value("document.querySelector('#faults input[name=drop]').value = '3'")
        await click(page, "Use this plan")
        await page.until("document.querySelector('#said .no-way')")
        assert "drop: a number from 0 to 1" in await text_of(page, "#said")
        await page.value("document.querySelector('#faults input[name=drop]').value = '0.5'")
        await click(page, "Use this plan")
        await page.until("document.getElementById('faults-now').textContent.includes('drop 0.5')")
        assert (await box.get("/faults"))["drop"] == 0.5

        await page.value("document.getElementById('reset-box').open = true")
        await click(page, "Empty the books now")
        await page.until("document.querySelectorAll('.manifest').length === 0")
        assert page.dialogs == ["Empty the books of GATEWAY?"]
        assert (await box.get("/state"))["shipments"] == {}


async def test_what_files_hold_is_never_markup(tmp_path: Path) -> None:
    """Hostile bytes, names, partners and control characters are shown as they are, and run nothing."""
    async with console(tmp_path) as (box, page):
        await box.file(EVIL.encode() + b"\n\x1b[31m\x00\xff", name=EVIL)
        bill = SampleBill("25031000001", kind="35", consignee="<IMG SRC=X ONERROR=A()")
        await box.file(manifest_309([bill]), name="x'\"><b>")
        await page.until("document.querySelectorAll('.file').length >= 4")
        await page.value("[...document.querySelectorAll('.file > button')].forEach((one) => one.click())")
        await page.until(
            "[...document.querySelectorAll('.line pre')].some((one) => one.textContent.includes('onerror'))"
        )
        await page.value("document.querySelector('.manifest details').open = true")
        await page.until("document.querySelector('.manifest tbody').innerText.includes('<IMG SRC=X')")

        assert await page.value("document.title") == "Simulated CBP"
        assert await page.value("document.querySelectorAll('main img, main script, .file b').length") == 0
        assert "\\x1b[31m\\x00" in await text_of(page, "#transcript")
        assert page.complaints == []
        assert page.dialogs == []


async def test_a_verdict_that_comes_later_takes_the_place_of_none(tmp_path: Path) -> None:
    """A file that is shown before it was read gets its verdict in the same row, which stays open."""
    async with console(tmp_path) as (box, page):
        cbp, now = box.running.runner.cbp, box.running.offices.clock.now()
        await box.running.runner.stop()  # nobody reads but this test
        received = await asyncio.to_thread(cbp.receive, manifest_309(TRUCK), now)
        await page.until("document.querySelector('.file .verdict')?.textContent === 'received'")
        await page.value("document.querySelector('.file > button').click()")
        await page.until("document.querySelector('.line')")
        await asyncio.to_thread(cbp.digest, received.id, now)
        await page.until("document.querySelector('.file.refused .line .no')")
        assert await page.value("document.querySelectorAll('.file.in').length") == 1


async def test_nothing_is_fetched_from_elsewhere(tmp_path: Path) -> None:
    """Every address the page asks for is the control port's own, and the policy of the page allows nothing else."""
    async with console(tmp_path) as (box, page):
        await page.until("Number(document.getElementById('rule-count').textContent) > 0")
        own = box.url.removesuffix("/sandbox")
        assert [one for one in page.asked if not one.startswith((own, "data:"))] == []
        stopped = "fetch('http://127.0.0.2:1/').then(() => 'fetched', (error) => error.name)"
        assert await page.value(stopped) == "TypeError"
        assert any("Content Security Policy" in one for one in page.complaints)


async def test_books_are_chosen(tmp_path: Path) -> None:
    """With several filers the page shows the books of the one that is chosen."""
    async with console(tmp_path, "ALPHA", "BETA") as (box, page):
        await box.file(manifest_309(TRUCK[:1], trip="TSTCBETA00001"), filer="BETA", name="truck.x12")
        assert not await page.value("document.getElementById('books-choice').hidden")
        await page.value(
            "(() => { const books = document.getElementById('books'); books.value = 'BETA';"
            " books.dispatchEvent(new Event('change')); })()"
        )
        await page.until("document.querySelector('.manifest')?.innerText.includes('TSTCBETA00001')")
        await page.until("document.querySelectorAll('.file').length === 3")
        await click(page, "The truck arrives")
        await page.until("document.querySelector('.manifest').innerText.includes('RELEASED 1')")


async def test_it_can_be_used_by_keyboard(tmp_path: Path) -> None:
    """Everything that can be pressed is reached with Tab, in order, and Enter presses it."""
    async with console(tmp_path) as (box, page):
        await box.file(manifest_309(TRUCK[:2]), name="truck.x12")
        await page.until("document.querySelector('.manifest') && document.querySelector('#pending li')")
        names = "document.activeElement.id || document.activeElement.textContent.slice(0, 20)"
        reached = []
        for _ in range(40):
            await page.press("Tab")
            reached.append(await page.value(names))
        assert reached[0].startswith("To the transcript")
        assert {"freeze", "push", "transcript", "The truck arrives"} <= set(reached)
        await page.value("document.getElementById('freeze').focus()")
        await page.press("Enter")
        await page.until("document.getElementById('freeze').textContent === 'Freeze'")
        assert not (await box.get("/state"))["clock"]["frozen"]


@pytest.mark.parametrize("dark", [False, True])
async def test_it_fits_a_telephone_and_can_be_read_light_and_dark(tmp_path: Path, dark: bool) -> None:
    """Nothing runs out of a narrow window; text stands out from its ground in both schemes."""
    async with console(tmp_path) as (box, page):
        await page.look_like(width=360, height=800, dark=dark)
        await box.file(manifest_309(TRUCK), name="truck.x12")
        await page.until("document.querySelectorAll('.file').length >= 3")
        await page.value("document.querySelector('.file.refused > button').click()")
        await page.until("document.querySelector('.line .no')")
        await page.picture(tmp_path / "console.png")
        assert (tmp_path / "console.png").read_bytes().startswith(b"\x89PNG")
        assert await page.value("document.documentElement.scrollWidth <= window.innerWidth")
        contrasts = await page.value(CONTRASTS)
        assert min(contrasts.values()) >= 4.5, contrasts


CONTRASTS = """(() => {
    const channel = (value) => {
        const c = value / 255;
        return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    };
    const light = (colour) => {
        const [r, g, b] = colour.match(/[0-9.]+/g).map(Number);
        return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    };
    const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const colour = getComputedStyle(one).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const found = {};
    const names = [".banner", ".now", ".zone", ".empty", ".soft", "button", ".live", ".no", ".means", "pre", "th"];
    for (const name of names) {
        const element = document.querySelector(name);
        if (!element) continue;
        const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
        found[name] = (a + 0.05) / (b + 0.05);
    }
    return found;
})()"""


def test_the_script_makes_no_markup_of_text() -> None:
    """The page's script has none of the ways in which text becomes markup, and names no other address."""
    script = (PAGES / "console.js").read_text("utf-8")
    page = (PAGES / "console.html").read_text("utf-8") + (PAGES / "console.css").read_text("utf-8")
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|\beval\b|new Function"
    assert re.findall(ways, script) == []
    assert re.findall(r"https?://|//[a-z0-9.-]+\.[a-z]{2,}/|@import|url\(", script + page) == []
