"""What is a filing waiting for beyond its state: of whom, since when, until when, what goes on by itself, what may a
person do?

Pure: facts and now in, sentences out. Every view (board, filing, command line) takes its sentence from here, so that
all of them say the same. Times in a sentence are by the minute on the port's clock, with its zone. What is said follows
from the facts alone: silence is told as silence, doubt as doubt, and never as an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from filings.asking import Silence, next_ask, over
from filings.deadlines import PATIENCE, Patience, summary_told_from
from filings.lifecycle import FilingState
from filings.patience import RETRIES, RetryPatience
from filings.wording import MANIFEST_SETS
from mappings.decision import eastern_day

NOBODY: Final = "nobody"
GATEWAY: Final = "gateway"
PARTNER: Final = "partner"
CBP: Final = "cbp"
BROKER: Final = "broker"
WHO: Final = (GATEWAY, PARTNER, CBP, BROKER, NOBODY)
"""Who acts next: the gateway by itself, the partner who carries the files, CBP, a person at the broker's, nobody."""
MATTERS: Final = (
    "to_be_sent", "retry", "not_on_file", "sending", "receipt", "in_doubt", "answer", "under_review", "requested",
    "call_cbp", "refused", "bill_left", "package", "handed_over", "summary", "settled",
)  # fmt: skip
CALL_CBP: Final = "Call CBP's client representative."
SOON: Final = timedelta(days=1)
"""The sender's pauses run on the machine's clock: one that lies farther off is of another clock than the business's."""


@dataclass(frozen=True, slots=True)
class File:
    """The file of ours that matters now: the one not yet delivered, else the oldest that is unanswered, else the last.

    ``held_back_by`` is an earlier message about the same manifest that CBP has not answered, or that is to go again.
    """

    id: str
    name: str
    application: str
    state: str
    created_at: datetime
    attempts: int = 0
    doubt_since: datetime | None = None
    delivered_at: datetime | None = None
    next_attempt_at: datetime | None = None
    answered: bool = False
    held_back_by: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """A failure of CBP's own: of which file, how often, since when, and when it goes again (``None``: it has)."""

    name: str
    source: str
    said: str
    failed: int
    first_failed_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decided:
    """What CBP decided on a change: by which statement, and when we came to know; ``ends``: it was a cancellation."""

    version: int
    taken: bool
    at: datetime
    source: str
    code: str
    ends: bool = False
    in_part: bool = False


@dataclass(frozen=True, slots=True)
class BillLeft:
    """The bill of a cancelled entry that stands on the manifest: of which shipment, and what becomes of it.

    ``going``: its deletion is asked for. ``there``: its truck has arrived, so that no bill can be taken off any more.
    """

    trip: str
    shipment: str
    scn: str
    going: bool
    there: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a filing, or of ``count`` filings in one file that stand alike.

    ``ends``: the newest version is a cancellation. ``decided``: what CBP said of the last change that it answered.
    """

    state: FilingState
    name: str
    version: int
    changed_at: datetime
    accepted_version: int | None = None
    count: int = 1
    file: File | None = None
    retry: Retry | None = None
    asked: int = 0
    asked_at: datetime | None = None
    said: str = ""
    ends: bool = False
    summary_due: datetime | None = None
    decided: Decided | None = None
    bill: BillLeft | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where it stands. ``due_at``: from then on it is overdue; ``next_at``: what goes on by itself goes on then;
    ``until``: the gateway goes on by itself until then. ``todo`` is what a person does, empty where nobody has to.
    """

    matter: str
    who: str
    text: str
    since: datetime | None = None
    due_at: datetime | None = None
    next_at: datetime | None = None
    until: datetime | None = None
    overdue: bool = False
    todo: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; instants in UTC."""
        times = {name: getattr(self, name) for name in ("since", "due_at", "next_at", "until")}
        return {
            "matter": self.matter,
            "who": self.who,
            "text": self.text,
            **{name: at.isoformat() if at is not None else None for name, at in times.items()},
            "overdue": self.overdue,
            "todo": self.todo,
        }


@dataclass(frozen=True, slots=True)
class Watch:
    """By what a standing is judged: now, the port's zone, and how long what is waited for."""

    now: datetime
    zone: ZoneInfo
    patience: Patience = PATIENCE
    retries: RetryPatience = RETRIES

    def clock(self, at: datetime) -> str:
        """An instant by the minute as it is read at the port; its day where that is not today."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone).date()
        return f"{local:%H:%M %Z}" if local.date() == today else f"{local:%Y-%m-%d %H:%M %Z}"


def standing(facts: Facts, watch: Watch) -> Standing:
    """Where a filing stands."""
    state, file = facts.state, facts.file
    if state is FilingState.QUEUED:
        return _queued(facts, watch)
    if state is FilingState.IN_DOUBT:
        return _in_doubt(facts, watch)
    if state in {FilingState.SENT, FilingState.UNDER_REVIEW} and file is not None:
        return _silent(facts, file, watch)
    if state is FilingState.REQUESTED:
        return _requested(facts, watch)
    return _settled(facts, watch)


def _queued(facts: Facts, watch: Watch) -> Standing:
    file, retry = facts.file, facts.retry
    if retry is not None and retry.due_at is not None:
        return _fails(retry, retry.due_at, watch)
    if file is None:
        return Standing("to_be_sent", GATEWAY, f"{_capital(facts.name)} is to be written.", facts.changed_at)
    before = ""
    if retry is not None:
        before = f" It goes again because CBP's system failed at {watch.clock(retry.first_failed_at)} ({retry.said})."
    since = watch.clock(file.created_at)
    if file.state == "awaiting_receipt":
        again = ""
        if file.next_attempt_at is not None and _soon(file, watch):
            again = f"; if none has come by {watch.clock(file.next_attempt_at)}, the same bytes go again"
        text = f"The partner has taken {file.name} (queued {since}), and posts its receipt by itself{again}.{before}"
        due = file.created_at + watch.patience.receipt
        return Standing("receipt", PARTNER, text, file.created_at, due, file.next_attempt_at, overdue=watch.now > due)
    if file.state == "sending":
        return Standing("sending", GATEWAY, f"{file.name} is being sent.{before}", file.created_at)
    due = file.created_at + watch.patience.receipt
    if file.held_back_by:
        text = (
            f"{file.name} waits since {since}: it goes when CBP has answered {file.held_back_by}, since CBP is told "
            f"one thing about a manifest at a time.{before}"
        )
        return Standing("to_be_sent", GATEWAY, text, file.created_at)
    if not file.attempts:
        return Standing("to_be_sent", GATEWAY, f"{file.name} waits to be sent, since {since}.{before}", file.created_at)
    text = (
        f"{file.name} could not be handed over since {since} ({_times(file.attempts)} tried); the gateway goes on "
        f"trying{_next_try(file, watch)}.{before}"
    )
    overdue = watch.now > due
    todo = "Ask the partner whether its door is open; nothing is to be filed anew." if overdue else ""
    return Standing("to_be_sent", GATEWAY, text, file.created_at, due, file.next_attempt_at, overdue=overdue, todo=todo)


def _fails(retry: Retry, due_at: datetime, watch: Watch) -> Standing:
    if retry.source == "C1":
        text = f"CBP says that it does not have what {retry.name} said; it goes again under the same number."
        return Standing("not_on_file", GATEWAY, text, retry.first_failed_at, next_at=due_at)
    until = retry.first_failed_at + watch.retries.give_up
    text = (
        f"CBP's system failed on {retry.name} ({retry.said}), {_times(retry.failed)} since "
        f"{watch.clock(retry.first_failed_at)}. The same declaration goes again at {watch.clock(due_at)}, and is tried "
        f"until {watch.clock(until)}. It is no refusal."
    )
    return Standing("retry", GATEWAY, text, retry.first_failed_at, next_at=due_at, until=until)


def _in_doubt(facts: Facts, watch: Watch) -> Standing:
    file = facts.file
    since = (file.doubt_since if file is not None else None) or facts.changed_at
    due = since + watch.patience.doubt
    overdue = watch.now > due
    name = file.name if file is not None else facts.name
    tried = f" ({_times(file.attempts)} tried{_next_try(file, watch)})" if file is not None and file.attempts else ""
    text = (
        f"In doubt since {watch.clock(since)}: no receipt came for {name}, so it is not known whether CBP has it. It "
        f"is settled by itself: the very same bytes go again{tried}, and CBP takes them once."
    )
    todo = f"Ask the partner whether it has {name}; do not file it anew." if overdue else ""
    next_at = file.next_attempt_at if file is not None and _soon(file, watch) else None
    return Standing("in_doubt", BROKER if overdue else GATEWAY, text, since, due, next_at, overdue=overdue, todo=todo)


def _silent(facts: Facts, file: File, watch: Watch) -> Standing:
    """CBP has it, and its answer or decision has not come."""
    review = facts.state is FilingState.UNDER_REVIEW
    sent = file.delivered_at or file.created_at
    since = facts.changed_at if review else sent
    due = since + (watch.patience.review if review else watch.patience.answer)
    overdue = watch.now > due
    which = _answer_to(file.application, facts)
    text = f"{which}, sent {watch.clock(sent)}"
    text += f", under review at CBP since {watch.clock(since)}" if review else ""
    text += f", overdue since {watch.clock(due)}." if overdue else f", is awaited; overdue at {watch.clock(due)}."
    matter = "under_review" if review else "answer"
    of_manifest = file.application in MANIFEST_SETS
    how = "by the same message once more" if of_manifest else "by a status query (CQ)"
    if of_manifest and file.answered:  # CBP has answered the message, and knows no query about a manifest
        todo = CALL_CBP if overdue else ""
        return Standing(matter, BROKER if overdue else CBP, text, since, due, overdue=overdue, todo=todo)
    if facts.asked_at is not None:
        text += f" CBP was asked {how} {_times(facts.asked)}, last at {watch.clock(facts.asked_at)}."
    silence = Silence(sent, facts.asked, facts.asked_at)
    next_at = next_ask(silence, watch.patience, facts.state)
    if next_at is not None:
        text += f" CBP is asked {'again' if facts.asked else how} at {watch.clock(max(next_at, watch.now))}."
    elif over(silence, watch.patience, facts.state, watch.now):
        text += " It is not asked again by itself."
        return Standing("call_cbp", BROKER, text, since, due, overdue=True, todo=f"{CALL_CBP} Do not file it anew.")
    return Standing(matter, CBP, text, since, due, next_at, overdue=overdue)


def _answer_to(application: str, facts: Facts) -> str:
    answer = "355" if application in MANIFEST_SETS else "SX"
    return f"The {answer} for {facts.name}"


def _requested(facts: Facts, watch: Watch) -> Standing:
    due = facts.changed_at + watch.patience.review
    overdue = watch.now > due
    stays = (
        f"version {facts.accepted_version} is in force until then" if facts.accepted_version else "nothing is in force"
    )
    tail = f"; overdue {'since' if overdue else 'at'} {watch.clock(due)}"
    text = (
        f"Requested since {watch.clock(facts.changed_at)}: a person at CBP decides on the "
        f"{'cancellation' if facts.ends else 'change'} of {facts.name} (version {facts.version}); {stays}{tail}."
    )
    todo = f"{CALL_CBP} A request has no query that would hasten it." if overdue else ""
    return Standing("requested", BROKER if overdue else CBP, text, facts.changed_at, due, overdue=overdue, todo=todo)


def decided_text(decided: Decided, name: str, at: str = "") -> str:
    """CBP's decision on a change as a sentence. A person there grants (SO); what goes by itself is taken (SX, 355)."""
    verb = ("granted" if decided.source == "SO" else "took") if decided.taken else "refused"
    what = "cancellation" if decided.ends else "change"
    part = " in part" if decided.in_part else ""
    when = f" at {at}" if at else ""
    said = " ".join(one for one in (decided.source, decided.code) if one)
    return f"CBP {verb} the {what} of {name} (version {decided.version}){part}{when} ({said})."


def _last_decision(facts: Facts, watch: Watch) -> str:
    if facts.decided is None:
        return ""
    return f" {decided_text(facts.decided, facts.name, watch.clock(facts.decided.at))}"


def receipt_out(file: File, watch: Watch) -> Standing:
    """A file whose receipt is out, where nothing else is: CBP has answered what it carries, or it only asks."""
    since = file.doubt_since or file.created_at
    text = (
        f"The receipt for {file.name} is out since {watch.clock(since)}; nothing waits for it. The same bytes go "
        f"again by themselves until it comes{_next_try(file, watch)}."
    )
    next_at = file.next_attempt_at if _soon(file, watch) else None
    return Standing("receipt", GATEWAY, text, since, None, next_at)


def _settled(facts: Facts, watch: Watch) -> Standing:
    state, name, file = facts.state, facts.name, facts.file
    if state is FilingState.REJECTED:
        said = f" ({facts.said})" if facts.said else ""
        text = f"CBP refused {name} at {watch.clock(facts.changed_at)}{said}: nothing of this version is on file."
        return Standing("refused", BROKER, text, facts.changed_at, todo="Correct it by an amendment, or cancel it.")
    if state is FilingState.READY:
        text = f"The package of {name} is ready since {watch.clock(facts.changed_at)}."
        return Standing("package", BROKER, text, facts.changed_at, todo="Give the package to the licensed broker.")
    if state is FilingState.HANDED_OVER:
        text = f"A licensed broker has the package of {name}, since {watch.clock(facts.changed_at)}."
        todo = "Ask the broker for the entry; it must be on file before the truck arrives."
        return Standing("handed_over", BROKER, text, facts.changed_at, todo=todo)
    if facts.summary_due is not None:
        day = eastern_day(facts.summary_due - timedelta(microseconds=1))
        overdue = watch.now >= facts.summary_due
        text = f"Released. The entry summary {'was' if overdue else 'is'} due on {day}.{_last_decision(facts, watch)}"
        todo = "File the entry summary, and note that: gateway alerts --settle ID --note TEXT"
        told = summary_told_from(facts.summary_due, watch.patience)
        alert = "its alert" if watch.now >= told else f"the alert that comes on {eastern_day(told)}"
        todo += f" (the ID of {alert}: gateway alerts --kind entry_summary_due)."
        return Standing("summary", BROKER, text, None, facts.summary_due, overdue=overdue, todo=todo)
    if state is FilingState.ACCEPTED:
        text = f"CBP has {name} on file; no answer is awaited.{_last_decision(facts, watch)}"
        if file is not None and file.state in ("sending", "awaiting_receipt", "in_doubt"):
            text += f" {receipt_out(file, watch).text}"
        return Standing("settled", NOBODY, text, facts.changed_at)
    if state is FilingState.CANCELLED:
        text = f"{_capital(name)} is cancelled.{_last_decision(facts, watch)}"
        if facts.bill is not None:
            return _bill_left(facts.bill, text, facts.changed_at)
        return Standing("settled", NOBODY, text, facts.changed_at)
    return Standing("answer", CBP, f"CBP's answer about {name} is awaited.", facts.changed_at)


def _bill_left(bill: BillLeft, text: str, since: datetime) -> Standing:
    """An entry is cancelled, and its bill says that the goods are aboard."""
    text += f" The bill of shipment {bill.shipment} stands on the manifest without an entry"
    if bill.there:
        text += " of a truck that is there: it cannot be taken off any more."
        todo = "Settle it with CBP's officers at the port: goods that are aboard go back or need another entry."
        return Standing("bill_left", BROKER, text, since, todo=todo)
    if bill.going:
        return Standing("bill_left", CBP, f"{text}; it is being taken off, and CBP's answer is awaited.", since)
    todo = (
        f"Take the bill off (gateway cancel {bill.trip} --shipment {bill.shipment} --reason TEXT --reason-code CC), or "
        f"file the goods under another entry (gateway amend {bill.scn} PATCH.json; the empty patch {{}} does it)."
    )
    return Standing("bill_left", BROKER, f"{text}: the truck must not go.", since, todo=todo)


def _soon(file: File, watch: Watch) -> bool:
    return file.next_attempt_at is not None and abs(file.next_attempt_at - watch.now) <= SOON


def _next_try(file: File, watch: Watch) -> str:
    if file.next_attempt_at is None or not _soon(file, watch):
        return ""
    at = file.next_attempt_at.astimezone(watch.zone)
    return f", next at {at:%H:%M:%S %Z}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
