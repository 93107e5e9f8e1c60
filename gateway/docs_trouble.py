"""What does the page for the people say when something goes wrong? Words by hand, alerts from their table."""

from __future__ import annotations

from typing import Final

from filings.alert_remedies import REMEDIES
from filings.asking import MOST

_OPENING: Final = """\
# When something goes wrong

Written by `python -m gateway.docs`; the alerts come from `filings/alert_remedies.py`.

Three rules help in every case. **Silence is not an answer**: nothing counts as accepted or refused before CBP has said
so. **Nothing is filed anew by hand** while the gateway does not know what CBP has: a second declaration is worse than a
late one. **The gateway goes on by itself**, also after a crash or when the command that filed was interrupted; when it
does not, it says so and names what a person does.

| who | looks at | sees |
|---|---|---|
| dispatch | `gateway trip TRIP` (`GET /v1/trips/{trip_number}`) | may it go, *what is awaited*, the hour before |
| the broker | `gateway filing ID` (`GET /v1/filings/{id}`) | who acts, what to do, what may be asked, versions |
| everybody on duty | `gateway alerts` (`GET /v1/alerts`) | what a person must look at, and what to do about it |
| the auditor | the same filing, with an auditor's key | questions to CBP, failures of its system, digests of files |

ID is an id, an SCN, an entry number, or for a manifest its trip number. A filing has `inquiries` (each question to CBP:
asked at, how, answered at) and `retries` (each failure of CBP's system: since when, when it went again).

Times in sentences are those of the port of arrival, with their zone; fields that end in `_at` are UTC. How long is
waited for what is set in `[deadlines]` and `[retries]` ([settings.md](settings.md)). Which act is permitted in which
state stands in [lifecycle.md](lifecycle.md); the views show the permitted ones with their commands.

## Where a filing may stand

`standing` of a filing, and each of `open` of a trip, has a `matter`, `who` acts next, a sentence, and `todo` when a
person has to do something.

| matter | what it means | what to do |
|---|---|---|
"""
MEANINGS: Final = {
    "to_be_sent": (
        (
            "It is written and waits: for the line, or for CBP's answer to an earlier message about the same "
            "manifest, since CBP is told one thing about a manifest at a time."
        ),
        ("Wait. If it could not be handed over for a quarter of an hour: ask the partner (the service bureau)."),
    ),
    "sending": (
        ("Its bytes are going out at this moment."),
        ("Wait."),
    ),
    "receipt": (
        ("The partner has taken it and its receipt is out."),
        ("Wait; the same bytes go again if none comes."),
    ),
    "in_doubt": (
        (
            "**In doubt.** It went out, and the receipt did not come back: a line broke, or a machine "
            "stopped. CBP may have it or not. The very same bytes go again under the same Message-ID until "
            "there is a receipt; CBP takes them once."
        ),
        ("Wait, and do not file anew. After half an hour: ask the partner whether it has the file named."),
    ),
    "answer": (
        (
            "CBP has it (the partner has signed for it), and its answer has not come. From *overdue* on the "
            "gateway **asks**: for an entry by a status query (CQ), whose answer (C1) says what CBP has; a "
            f"manifest has no such query, so that the same message goes once more. {MOST} times, with pauses "
            "that double; neither can make a second declaration."
        ),
        ("Wait."),
    ),
    "call_cbp": (
        (f"CBP was asked {MOST} times and has not said a word. It is not asked again."),
        ("**Call CBP's client representative**, with the entry or trip number. Do not file anew."),
    ),
    "under_review": (
        (
            "**Under review.** CBP has it and a decision is to come, or says that it has one of this number "
            "already. It is asked for like an answer, after a longer wait."
        ),
        ("Wait; where it is *already on file*, look who else has filed the shipment."),
    ),
    "requested": (
        (
            "**Requested.** What is released CBP does not change or cancel by itself (SX 04), nor may it cancel an "
            "entry whose bill has matched, or change one that it reviews or whose truck is there: a person there "
            "decides (SO 84 to 88). Until then the version before is in force."
        ),
        ("Give the papers that an alert names. When it is overdue: call CBP; there is no query for a request."),
    ),
    "retry": (
        (
            "**CBP's system failed** (SE90 E90, or a 355 that says so). That is no refusal: the same "
            "declaration goes again by itself under the same entry number, after pauses that double, for an "
            "hour."
        ),
        ("Wait. When an alert says that it does not go again: call CBP."),
    ),
    "not_on_file": (
        ("CBP was asked and says that it does not have it (C1 950)."),
        ("Wait; it goes again at once under its number. Ask the partner why it was lost."),
    ),
    "refused": (
        ("CBP refused it. The reason and the field stand with it."),
        ("Correct it by an amendment, or cancel it."),
    ),
    "bill_left": (
        (
            "An entry is cancelled, and its bill stands on the manifest: the truck is no-go, and turned back where it "
            "is there."
        ),
        (
            "Take the bill off (`gateway cancel TRIP --shipment ID --reason TEXT --reason-code CC`), or file the goods "
            "under another entry (`gateway amend SCN PATCH.json`). Of a truck that is there: settle it with CBP's "
            "officers at the port."
        ),
    ),
    "package": (
        ("A formal entry: the package for a licensed broker is ready."),
        ("Give the package to the broker."),
    ),
    "handed_over": (
        ("The licensed broker has the package."),
        ("Ask the broker for the entry before the truck arrives."),
    ),
    "summary": (
        ("Released; the entry summary is due ten working days after."),
        (
            "File the summary outside the gateway, then settle its alert, which comes two working days before "
            "(`deadlines.summary_days`): `gateway alerts --settle ID --note TEXT`."
        ),
    ),
    "settled": (
        ("On file with CBP, or cancelled and its bill off the truck; nothing is awaited."),
        ("Nothing."),
    ),
}
"""Matter → what it means, and what a person does."""

_COMMANDS: Final = """
## While a command waits

`gateway submit --file` follows a trip until CBP has answered everything. It shows bars at a terminal, elsewhere a line
when a number changes; what CBP refuses is told at once, and when nothing changes, what is awaited. All of that goes to
standard error. An interrupt (Ctrl-C) takes nothing back: the last word says what has been filed and goes on, what has
no answer yet, and that `gateway trip TRIP` shows it; the exit status is 130. After `--timeout` seconds it is 1.

A retry, a question and a resend are made by the service. A service that does not run does none of them: start it, and
it goes on where it was.

A PostgreSQL server that does not answer takes nothing away either: every route says 503 `store_away` and when to ask
again (`/readyz` says `not_ready`, `/healthz` only that the process lives), the log has one line for each worker and
request, and when the server is back everything goes on; commands ask again by themselves for half a minute.

## Alerts

An alert of a deadline or of a refusal ends by itself when what was awaited has come, or what was refused is mended. Of
a missing receipt there is one alert at a time: that it is late gives way to that it is in doubt. Any other alert is
closed by whoever has seen to it, with a word: `gateway alerts --settle ID --note TEXT`.

| kind | what to do |
|---|---|
"""


def page() -> str:
    """The page as Markdown."""
    matters = "".join(f"| `{name}` | {meaning} | {todo} |\n" for name, (meaning, todo) in MEANINGS.items())
    alerts = "".join(f"| `{kind}` | {text} |\n" for kind, text in REMEDIES.items())
    return _OPENING + matters + _COMMANDS + alerts
