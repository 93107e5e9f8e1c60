"""Scenarios: every fault of a file with its place, files made from few words, and what is seen in the place of what
was expected.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.scenario import ScenarioError, ToSend, shipped
from sandbox.scenario_player import Played, play_alone
from sandbox.scenario_reading import find, read_scenario

HEAD = "clock = { start = 2025-03-10T08:00:00-04:00 }\n"
FILED = """
[[step]]
name = "filed"
send = [
  { manifest = { trip = "TSTC2503100001", arrives = 2025-03-10T12:00:00-04:00, shipments = [
    { scn = "TSTC25031000001", kind = "35" }, { scn = "TSTC25031000002" },
  ] } },
  { entries = [{ shipment = "TSTC25031000002" }] },
]
"""


def written(folder: Path, text: str) -> Path:
    """A scenario file."""
    path = folder / "story.toml"
    path.write_text(text, "utf-8")
    return path


def played(folder: Path, text: str) -> Played:
    """What becomes of a scenario that is played alone."""
    return asyncio.run(play_alone(read_scenario(written(folder, text))))


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", ["step"]),
        ("step = 3", ["step"]),
        ("clock = 5\n[[step]]\narrive = 'T'", ["clock"]),
        ("clock = { start = 'soon', speed = -1 }\n[[step]]\narrive = 'T'", ["clock: start", "clock: speed"]),
        ("colour = 1\n[[step]]\narrive = 'T'", ["colour"]),
        ("filers = [1]\n[[step]]\narrive = 'T'", ["filers"]),
        ("[behaviour]\nkind = true\n[[step]]\narrive = 'T'", ["behaviour.kind"]),
        ("[behaviour]\nanswer_delay = 'long'\n[[step]]\narrive = 'T'", ["behaviour"]),
        ("[[step]]", ["step 1"]),
        ("[[step]]\nname = 'x'\nfoo = 1", ["step 1 “x”: foo"]),
        ("[[step]]\nat = 'later'\narrive = 'T'", ["step 1: at"]),
        ("[[step]]\nat = '+PT'\narrive = 'T'", ["step 1: at"]),
        ("[[step]]\nat = '+PT1M'\nwhen = { trip = 'T', state = 'ARRIVED' }\narrive = 'T'", ["step 1"]),
        ("[[step]]\nhold = []", ["step 1: hold"]),
        ("[[step]]\narrive = 5", ["step 1: arrive"]),
        ("[[step]]\npush = 1", ["step 1: push"]),
        ("[[step]]\nclock = { freeze = true }", ["step 1: clock"]),
        ("[[step]]\nclock = { advance = 'x' }", ["step 1: clock.advance"]),
        ("[[step]]\nfaults = { drop = 2, colour = 1 }", ["step 1: faults.colour", "step 1: faults.drop"]),
        ("[[step]]\nwithin = 'x'\narrive = 'T'", ["step 1: within"]),
        ("[[step]]\nonly = 'mondays'\narrive = 'T'", ["step 1: only"]),
        ("[[step]]\nsend = {}", ["step 1: send"]),
        ("[[step]]\nsend = { file = 'none.x12' }", ["step 1: send"]),
        ("[[step]]\nsend = { file = 'story.toml', filer = 'B' }", ["step 1: send.filer"]),
        ("[[step]]\nsend = { manifest = {} }", ["step 1: send.manifest.trip", "step 1: send.manifest.arrives"]),
        (
            "[[step]]\nsend = [{ entries = [{ shipment = 'TSTC1', repeat = 0, colour = 'x' }] }]",
            ["step 1: send[0].entries[0]: colour", "step 1: send[0].entries[0].repeat"],
        ),
        ("[[step]]\nsend = { entries = [{ shipment = 'TSTC98', repeat = 5 }] }", ["step 1: send"]),
        ("[[step]]\nsend = { entries = [{ shipment = 'T' }] }", ["step 1: send"]),
        ("[[step]]\nexpect = { colour = 'red' }", ["step 1: expect"]),
        ("[[step]]\nexpect = [{ trip = 'T' }]", ["step 1: expect[0]"]),
        ("[[step]]\nexpect = [{ trip = 'T', state = 5 }]", ["step 1: expect[0].state"]),
        ("[[step]]\nexpect = [{ trip = 'T', state = [] }]", ["step 1: expect[0].state"]),
        ("[[step]]\nexpect = { answer = '355', code = ['1'] }", ["step 1: expect.code"]),
        ("[[step]]\nexpect = { count = 'cats', is = 1 }", ["step 1: expect.count"]),
        ("[[step]]\nexpect = { count = 'entries' }", ["step 1: expect"]),
        ("[[step]]\nexpect = { count = 'entries', is = -1 }", ["step 1: expect.is"]),
        ("[[step]]\nexpect = { nothing_due = false }", ["step 1: expect.nothing_due"]),
        ("[[step]]\nexpect = { answer = '355', never = 1 }", ["step 1: expect.never"]),
    ],
)
def test_each_fault_is_told_with_its_place(tmp_path: Path, text: str, places: list[str]) -> None:
    """All of them, each as a sentence; nothing is played."""
    with pytest.raises(ScenarioError) as refused:
        read_scenario(written(tmp_path, text))
    assert [place for place, _ in refused.value.reasons] == places
    assert all(sentence.endswith(".") for _, sentence in refused.value.sentences)


STEP, CONDUCT = "[[step]]\n", "step = [{ push = true }]\n[behaviour]\n"
WORDS = {
    STEP + "expect = { trip = 'T', state = 'COMPLET' }": "expect.state 'COMPLET' is no state here; did you mean",
    STEP + "when = { shipment = 'S', state = ['HELD', 'RELEASD'] }\narrive = 'T'": "when.state 'RELEASD' is no state",
    STEP + "expect = { shipment = 'S', entry = 'ADMISIBLE' }": "did you mean 'ADMISSIBLE'?",
    STEP + "expect = { shipment = 'S', hold = 'EXAMS' }": "did you mean 'EXAM'?",
    STEP + "expect = { shipment = 'S', entry_type = '99' }": "expect.entry_type '99' is no entry type here; known:",
    STEP + "expect = { entry = 'E', state = 'HELD' }": "expect.state 'HELD' is no state here",
    STEP + "expect = { answer = '335' }": "expect.answer '335' is no kind of answer here; did",
    STEP + "expect = { count = 'shipments', state = 'COMPLETE', is = 1 }": "'COMPLETE' is no state here",
    STEP + "expext = { answer = '355' }": "step 1: expext is no key here; did you mean 'expect'?",
    CONDUCT + "anser_delay = 5": "behaviour.anser_delay is no switch of CBP's conduct; did you",
    CONDUCT + "answer_delay = 1000000000000": "answer_delay: no answer takes more than 315,532,800",
    CONDUCT + "hold_seconds = 1e15": "hold_seconds: 1000000000000000.0 is not a number from 0",
    STEP + "at = '+10M'\npush = true": "step 1: at '+10M' is no time after the step before;",
    STEP + "faults = { drp = 0.5 }": "faults.drp cannot be used: unknown key; did you mean 'drop'?",
    STEP + "send = { file = '../other/truck.x12' }": "'../other/truck.x12' leads out of the scenario's folder",
    STEP + "send = { file = '/etc/hostname' }": "'/etc/hostname' leads out of the scenario's folder",
}


@pytest.mark.parametrize("text", WORDS)
def test_a_word_that_nothing_shows_is_told_when_the_file_is_read(tmp_path: Path, text: str) -> None:
    """Each with its place, and with the word that was probably meant."""
    with pytest.raises(ScenarioError) as refused:
        read_scenario(written(tmp_path, text))
    assert WORDS[text] in str(refused.value)


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    """A file beside the scenario is sent; a link to one elsewhere is not."""
    folder = tmp_path / "stories"
    folder.mkdir()
    (tmp_path / "truck.x12").write_bytes(b"ISA")
    (folder / "beside.x12").write_bytes(b"ISA")
    (folder / "linked.x12").symlink_to(tmp_path / "truck.x12")
    assert read_scenario(written(folder, "[[step]]\nsend = { file = 'beside.x12' }")).steps[0].acts
    with pytest.raises(ScenarioError, match="leads out of"):
        read_scenario(written(folder, "[[step]]\nsend = { file = 'linked.x12' }"))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[[step]\n", b"step = [" + b"[" * 2000])
def test_what_is_no_toml_is_told(tmp_path: Path, content: bytes) -> None:
    """Damaged files, and files nested without end, are refused with their name."""
    (tmp_path / "story.toml").write_bytes(content)
    with pytest.raises(ScenarioError) as refused:
        read_scenario(tmp_path / "story.toml")
    assert "story.toml is not TOML" in str(refused.value)


def test_those_that_come_with_it_are_found_by_name() -> None:
    """A name without an ending is looked for among them; a file of that name goes first."""
    assert find("cutover-night") == shipped()["cutover-night"]
    assert find("nowhere/else.toml") == Path("nowhere/else.toml")


def test_few_words_make_the_bytes_of_the_samples(tmp_path: Path) -> None:
    """A manifest and its entries are what ``sandbox.samples`` makes of the same values, entry values taken over."""
    scenario = read_scenario(written(tmp_path, HEAD + FILED))
    manifest, entries = (act.value for act in scenario.steps[0].acts)
    assert isinstance(manifest, ToSend)
    bills = [SampleBill("25031000001", kind="35"), SampleBill("25031000002")]
    assert manifest.payload == manifest_309(bills, time="1200")
    day = datetime(2025, 3, 10, tzinfo=UTC).date()
    entry = SampleEntry("9000001", "25031000002", value=45)
    assert entries.payload == entries_se([entry], day=day, reference="REF-000002")
    assert read_scenario(tmp_path / "story.toml").steps[0].acts[0].value.payload == manifest.payload


def test_a_file_beside_the_scenario_is_sent(tmp_path: Path) -> None:
    """Bytes from a file reach CBP as they are."""
    (tmp_path / "junk.bin").write_bytes(b"\x00junk")
    text = HEAD + "[[step]]\nsend = { file = 'junk.bin' }\nexpect = { count = 'received', state = 'unknown', is = 1 }\n"
    assert played(tmp_path, text).met


@pytest.mark.parametrize(
    ("expect", "seen"),
    [
        ('{ trip = "TSTC2503100001", state = "ARRIVED" }', "trip TSTC2503100001 has state COMPLETE"),
        ('{ trip = "TSTC2503100001", state = ["ARRIVED", "CLOSED"] }', "state ARRIVED or CLOSED, but"),
        ('{ trip = "TSTC9", state = "ARRIVED" }', "trip TSTC9 is not on file"),
        ('{ shipment = "TSTC25031000001", state = "RELEASED" }', "shipment TSTC25031000001 has state ON_FILE"),
        ('{ shipment = "TSTC25031000001", entry = "RELEASED" }', "has entry none"),
        ('{ shipment = "TSTC25031000002", entry_type = "86" }', "has entry type 11"),
        ('{ entry = "XYZ00000000", state = "RELEASED" }', "entry XYZ00000000 is not on file"),
        ('{ count = "shipments", is = 3 }', "expected 3 shipments, but 2 shipments"),
        ('{ count = "shipments", at_least = 3 }', "expected at least 3 shipments, but 2 shipments"),
        ("{ nothing_due = true }", "the next thing is due 2025-03-10T16:00:00+00:00"),
        ('{ answer = "350", shipment = "TSTC25031000002" }', "0 such answers; about it CBP said: SX 02; SO 93 97"),
        ('{ answer = "SO", shipment = "TSTC25031000002", code = "98" }', "0 such answers"),
        ('{ answer = "SO", shipment = "TSTC25031000002", code = "97", never = true }', "1 such answers"),
        ('{ answer = "SO", shipment = "TSTC25031000002", times = 2 }', "1 such answers"),
    ],
)
def test_what_is_seen_is_told_when_it_is_not_what_was_expected(tmp_path: Path, expect: str, seen: str) -> None:
    """The sentence names file and step, and what the books or the answers say instead."""
    result = played(tmp_path, f"{HEAD}{FILED}[[step]]\nname = 'look'\nexpect = {expect}\n")
    (sentence,) = result.failures
    assert sentence.startswith("story.toml, step 2 “look”: expected ")
    assert seen in sentence
    assert sentence.endswith("(at 2025-03-10 08:00:00 EDT).")


def test_expectations_have_time(tmp_path: Path) -> None:
    """``within`` lets the sandbox's time pass until all is seen, and no longer; the next step begins at that time."""
    late = '[[step]]\nwithin = "PT4H30M"\nexpect = { shipment = "TSTC25031000001", state = "RELEASED" }\n'
    result = played(tmp_path, HEAD + FILED + late)
    assert result.met
    assert result.steps[1].ended == datetime(2025, 3, 10, 16, tzinfo=UTC)
    early = played(tmp_path, HEAD + FILED + late.replace("PT4H30M", "PT3H59M"))
    assert not early.met
    assert early.steps[1].ended == datetime(2025, 3, 10, 15, 59, tzinfo=UTC)


def test_a_step_begins_when_something_is_seen(tmp_path: Path) -> None:
    """``when`` waits for it in the sandbox's time, and says so when it does not come within ``wait``."""
    step = '[[step]]\nwhen = { shipment = "TSTC25031000001", state = "RELEASED" }\nhold = "TSTC25031000001"\n'
    result = played(tmp_path, HEAD + FILED + step)
    assert result.met
    assert result.steps[1].began == datetime(2025, 3, 10, 16, tzinfo=UTC)
    missed = played(tmp_path, HEAD + FILED + step + 'wait = "PT1H"\n')
    assert "waited for shipment TSTC25031000001 with state RELEASED, but" in missed.failures[0]
    assert missed.steps[1].did == []


def test_an_order_that_is_not_possible_fails_its_step(tmp_path: Path) -> None:
    """What CBP cannot do is a failure with its reason, and ends the play."""
    result = played(tmp_path, f"{HEAD}{FILED}[[step]]\nrevoke = 'TSTC25031000001'\n[[step]]\narrive = 'TSTC1'\n")
    assert "CBP cannot revoke TSTC25031000001: TSTC25031000001 is not released." in result.failures[0]
    assert len(result.steps) == 2


def test_a_time_that_has_passed_fails_its_step(tmp_path: Path) -> None:
    """Time does not go backwards by itself."""
    text = f"{HEAD}{FILED}[[step]]\nat = 2025-03-10T07:00:00-04:00\narrive = 'TSTC2503100001'\n"
    assert "but the clock has passed that" in played(tmp_path, text).failures[0]


def test_clock_faults_and_push(tmp_path: Path) -> None:
    """A jump of the clock skips nothing that was due, faults are felt, and the next thing is said when pushed."""
    text = """
[[step]]
faults = { drop = 1.0 }
send = { manifest = { trip = "TSTC2503100002", arrives = 2025-03-10T12:00:00-04:00, shipments = [
  { scn = "TSTC25031000009", kind = "35" },
] } }
expect = { answer = "355", trip = "TSTC2503100002", never = true }
[[step]]
faults = {}
push = true
expect = { trip = "TSTC2503100002", state = ["ARRIVED", "CLOSED"] }
[[step]]
clock = { advance = "PT1H" }
expect = { nothing_due = true }
"""
    result = played(tmp_path, HEAD + text)
    assert result.met, result.failures
    assert result.steps[-1].ended == datetime(2025, 3, 10, 13, tzinfo=UTC)


def test_filers_have_books_of_their_own(tmp_path: Path) -> None:
    """Each file goes into the books of the filer that it names."""
    text = HEAD + "filers = ['A', 'B']\n" + FILED.replace("] } },\n  { entries", "] }, filer = 'B' },\n  { entries")
    result = played(tmp_path, text + "[[step]]\nexpect = { shipment = 'TSTC25031000002', entry = 'ADMISSIBLE' }\n")
    assert not result.met  # the bill is in B's books, the entry in A's


def test_the_same_scenario_tells_the_same(tmp_path: Path) -> None:
    """Two plays differ in nothing but how long they took."""
    documents = []
    for _ in range(2):
        document = asyncio.run(play_alone(read_scenario(shipped()["march-2025-day"]))).as_dict()
        document.pop("seconds")
        documents.append(document)
    assert documents[0] == documents[1]


def test_a_step_for_the_other_mode_is_left_out(tmp_path: Path) -> None:
    """``only`` names the mode in which a step is played; one that is left out takes no time."""
    result = played(tmp_path, f"{HEAD}{FILED}[[step]]\nonly = 'attached'\nat = '+PT9H'\narrive = 'TSTC1'\n")
    assert result.met
    assert result.steps[1].result == "left out"
    assert result.steps[0].step.wait == timedelta(days=1)
