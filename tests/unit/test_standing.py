"""Each way a filing can stand: who acts, since when, until when, what a person does; at both sides of each edge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from filings.asking import MOST
from filings.deadlines import PATIENCE
from filings.lifecycle import FilingState
from filings.patience import RETRIES
from filings.standing import MATTERS, WHO, Facts, File, Retry, Watch, receipt_out, standing

T0 = datetime(2025, 3, 10, 14, 2, tzinfo=UTC)
"""10:02 in Buffalo."""
TICK = timedelta(microseconds=1)
ZONE = ZoneInfo("America/New_York")
SENT = File("t-1", "SE-XYZ-B1.txt", "SE", "delivered", T0, 1, delivered_at=T0)
ENTRY = Facts(FilingState.SENT, "entry XYZ00000031 of shipment S1", 1, T0, file=SENT)


def at(now: datetime) -> Watch:
    """A look at an instant."""
    return Watch(now, ZONE)


def test_an_answer_is_awaited_until_it_is_overdue() -> None:
    """What, sent when, overdue when, on the port's clock; and when CBP is asked."""
    due = T0 + PATIENCE.answer
    before, after = standing(ENTRY, at(due)), standing(ENTRY, at(due + TICK))
    assert (before.matter, before.who, before.due_at, before.overdue) == ("answer", "cbp", due, False)
    assert before.text == (
        "The SX for entry XYZ00000031 of shipment S1, sent 10:02 EDT, is awaited; overdue at 11:02 EDT. CBP is asked "
        "by a status query (CQ) at 11:02 EDT."
    )
    assert after.overdue
    assert "overdue since 11:02 EDT" in after.text


def test_a_manifest_waits_for_its_355_and_is_repeated() -> None:
    """For a manifest there is no query: the same message goes once more."""
    manifest = replace(SENT, name="309-1.x12", application="309")
    found = standing(replace(ENTRY, name="the manifest of trip X", file=manifest), at(T0))
    assert "The 355 for the manifest of trip X, sent 10:02 EDT" in found.text
    assert "by the same message once more" in found.text


def test_asking_that_ended_in_vain_is_a_persons_matter() -> None:
    """Three times asked: as long as the last may still be answered CBP acts, then a person calls."""
    last = T0 + timedelta(hours=7)
    facts = replace(ENTRY, asked=MOST, asked_at=last)
    before, after = standing(facts, at(last + PATIENCE.answer)), standing(facts, at(last + PATIENCE.answer + TICK))
    assert (before.matter, before.who) == ("answer", "cbp")
    assert "asked by a status query (CQ) 3 times, last at 17:02 EDT" in before.text
    assert (after.matter, after.who, after.overdue) == ("call_cbp", "broker", True)
    assert "not asked again by itself" in after.text
    assert after.todo.startswith("Call CBP's client representative.")


def test_doubt_says_that_it_settles_itself_until_a_person_should_ask() -> None:
    """Since when, how often tried, when next; after the patience for doubt a person asks the partner."""
    file = replace(SENT, state="in_doubt", attempts=3, doubt_since=T0, next_attempt_at=T0 + timedelta(seconds=8))
    facts = replace(ENTRY, state=FilingState.IN_DOUBT, file=file)
    found = standing(facts, at(T0))
    assert (found.matter, found.who, found.todo) == ("in_doubt", "gateway", "")
    assert found.text.startswith("In doubt since 10:02 EDT: no receipt came for SE-XYZ-B1.txt")
    assert "(3 times tried, next at 10:02:08 EDT)" in found.text
    late = standing(facts, at(T0 + PATIENCE.doubt + TICK))
    assert (late.who, late.overdue) == ("broker", True)
    assert "do not file it anew" in late.todo


def test_a_failure_of_cbp_is_no_refusal() -> None:
    """It says what failed, when it goes again, and until when that is tried; a lost entry goes at once."""
    retry = Retry("SE-XYZ-B1.txt", "SX", "SX E90 ACE SYSTEM FAILURE", 2, T0, T0 + timedelta(minutes=15))
    facts = replace(ENTRY, state=FilingState.QUEUED, retry=retry)
    found = standing(facts, at(T0 + timedelta(minutes=5)))
    assert (found.matter, found.who, found.until) == ("retry", "gateway", T0 + RETRIES.give_up)
    assert "(SX E90 ACE SYSTEM FAILURE), twice since 10:02 EDT" in found.text
    assert "goes again at 10:17 EDT, and is tried until 11:02 EDT. It is no refusal." in found.text
    lost = standing(replace(facts, retry=replace(retry, source="C1")), at(T0))
    assert lost.matter == "not_on_file"
    going = replace(facts, retry=replace(retry, due_at=None), file=replace(SENT, state="queued", attempts=0))
    assert "It goes again because CBP's system failed at 10:02 EDT" in standing(going, at(T0)).text


def test_a_request_waits_for_a_person_at_cbp() -> None:
    """Which version is in force meanwhile, and from when on one calls."""
    facts = replace(ENTRY, state=FilingState.REQUESTED, version=3, accepted_version=2)
    found = standing(facts, at(T0))
    assert found.who == "cbp"
    assert "a person at CBP decides on the change of entry XYZ00000031 of shipment S1 (version 3)" in found.text
    assert "decides on the cancellation of entry" in standing(replace(facts, ends=True), at(T0)).text
    assert "version 2 is in force until then; overdue at 14:02 EDT" in found.text
    assert standing(facts, at(T0 + PATIENCE.review + TICK)).todo.startswith("Call CBP")


def test_what_waits_to_be_sent_says_why() -> None:
    """Fresh, not handed over, behind another message of its manifest, or waiting for a posted receipt."""
    queued = replace(SENT, state="queued", attempts=0, delivered_at=None)
    facts = replace(ENTRY, state=FilingState.QUEUED, file=queued)
    assert "waits to be sent, since 10:02 EDT" in standing(facts, at(T0)).text
    tried = replace(facts, file=replace(queued, attempts=4))
    late = standing(tried, at(T0 + PATIENCE.receipt + TICK))
    assert "could not be handed over since 10:02 EDT (4 times tried)" in late.text
    assert late.overdue
    behind = replace(facts, file=replace(queued, application="309", held_back_by="309-0.x12"))
    assert "it goes when CBP has answered 309-0.x12" in standing(behind, at(T0)).text
    posted = replace(facts, file=replace(queued, state="awaiting_receipt", next_attempt_at=T0 + timedelta(minutes=5)))
    found = standing(posted, at(T0))
    assert (found.who, found.matter) == ("partner", "receipt")
    assert "if none has come by 10:07 EDT, the same bytes go again" in found.text


def test_what_is_settled_says_who_acts_if_anybody() -> None:
    """Refused: correct it; a package: give it on; released: the summary; on file: nobody."""
    refused = standing(replace(ENTRY, state=FilingState.REJECTED, said="SX 470 INV CTRY"), at(T0))
    assert (refused.who, refused.matter) == ("broker", "refused")
    assert "(SX 470 INV CTRY)" in refused.text
    assert standing(replace(ENTRY, state=FilingState.READY), at(T0)).matter == "package"
    assert standing(replace(ENTRY, state=FilingState.HANDED_OVER), at(T0)).matter == "handed_over"
    on_file = replace(ENTRY, state=FilingState.ACCEPTED)
    assert standing(on_file, at(T0)).who == "nobody"
    due = datetime(2025, 3, 25, tzinfo=ZONE)
    summary = standing(replace(on_file, summary_due=due), at(T0))
    assert (summary.matter, summary.who) == ("summary", "broker")
    assert "due on 2025-03-24" in summary.text
    assert "the alert that comes on 2025-03-20" in summary.todo
    told = standing(replace(on_file, summary_due=due), at(datetime(2025, 3, 20, tzinfo=ZONE)))
    assert "the ID of its alert" in told.todo
    assert standing(replace(on_file, summary_due=due), at(due)).overdue


def test_a_receipt_that_nothing_waits_for_is_told_as_that() -> None:
    """CBP has answered, the receipt is out: not a doubt about the filing."""
    file = replace(SENT, state="in_doubt", doubt_since=T0)
    assert "nothing waits for it" in receipt_out(file, at(T0)).text
    on_file = standing(replace(ENTRY, state=FilingState.ACCEPTED, file=file), at(T0))
    assert on_file.matter == "settled"
    assert "nothing waits for it" in on_file.text


@pytest.mark.parametrize("state", list(FilingState))
@pytest.mark.parametrize("file", [None, SENT])
def test_every_state_has_a_sentence(state: FilingState, file: File | None) -> None:
    """Whatever the state, somebody is named, and the sentence ends."""
    found = standing(replace(ENTRY, state=state, file=file), at(T0 + timedelta(days=1)))
    assert found.who in WHO
    assert found.matter in MATTERS
    assert found.text.endswith(".")
    assert "2025-03-10" in found.text or found.matter in ("settled", "to_be_sent", "answer")
