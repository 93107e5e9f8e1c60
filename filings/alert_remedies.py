"""What does a person do about an alert? One sentence for each kind, shown wherever the alert is.

The kinds are those that the lifecycle's tables name, the deadlines, and what the gateway raises beside them; a test
holds that none is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_ENDS: Final = "It ends by itself when that has come."

REMEDIES: Final[Mapping[str, str]] = {
    "receipt_overdue": f"Ask the partner whether its door is open; do not file anew. {_ENDS}",
    "in_doubt": "Nothing is to be filed anew: the same bytes go again by themselves until the partner signs for them.",
    "doubt_too_long": f"Ask the partner whether it has the file; do not file anew. {_ENDS}",
    "not_delivered": "See that the partner's door can be reached; the gateway goes on trying.",
    "transmission_refused": "Read the partner's reason, mend it with the partner; the gateway tries again by itself.",
    "answer_overdue": f"`gateway filing ID` says when CBP is asked next; where it is told to call, call. {_ENDS}",
    "lost_after_receipt": "CBP does not have it: it goes again by itself. Ask the partner why it was lost.",
    "arrival_near": "Keep the truck back, or note its new arrival: gateway trip TRIP --eta INSTANT.",
    "arrival_unheard": "If the truck comes later, note it: gateway trip TRIP --eta INSTANT. If it was there, ask CBP.",
    "release_overdue": "Ask CBP's officers at the port about the goods named.",
    "declaration_refused": (
        "`gateway filing ID` says why. Correct it (gateway amend ID PATCH.json --dry-run shows what goes), or take it "
        'off the truck: gateway amend TRIP PATCH.json with {"shipments": {"ID": null}}. It ends by itself then.'
    ),
    "entry_summary_due": "File the entry summary, then say so: gateway alerts --settle ID --note TEXT.",
    "system_failure_persists": "Call CBP's client representative; then amend the filing, or file the goods anew.",
    "cannot_send_again": "File the goods anew, or amend the filing; what it says keeps it from going again.",
    "answers_contradict": "CBP has said two things: ask CBP which holds. The state shown is the one that was proved.",
    "answer_unexpected": "Read the answer in the filing's timeline, and ask CBP if it does not explain itself.",
    "answer_said_again": (
        f"Wait for CBP's answer to the file named. {_ENDS} If none comes, ask CBP what it has on file of the trip."
    ),
    "answer_matches_nothing": "Find out whose answer it is: another system may file under the same names.",
    "unreadable_answer": "Ask the partner to send the answer again; `gateway inspect` shows what is damaged.",
    "message_refused": "Ask the partner what it sent, and compare certificates and names.",
    "already_on_file": "Look whether somebody else has filed this shipment, and wait for CBP's decision.",
    "change_refused": (
        "The version before stays in force. Read CBP's reason, then ask for the change or the cancellation again (of a "
        "manifest only before its truck is there), or leave it."
    ),
    "completion_refused": "The manifest stays preliminary: mend what CBP names, and amend the trip.",
    "papers_for_request": "Give CBP the papers it asks for; the request stays open until then.",
    "step_not_possible": "Read the timeline of the filing: something came in an order that cannot be.",
    "trip_not_plannable": "Mend what it names, then file the trip again.",
    "arrived_unfiled": "Call the carrier and CBP's officers at the port: nothing of this trip was filed.",
    "arrived_before_clear": "Call CBP's officers at the port about what was still open.",
    "pathway_lapsed": "File anew what has lapsed: gateway refile TRIP. What cannot be goes off the truck.",
    "arrived_under_other_law": "A licensed broker must look at it: the goods arrived under another law than declared.",
    "receipt_unknown": "Ask the partner what it has a receipt for.",
    "receipt_contradicts": "Ask the partner which of its two receipts holds.",
    "receipt_not_valid": "Ask the partner for a receipt that is signed with the key agreed and names our bytes.",
    "receipt_not_given": "Ask the partner where it takes receipts; it may send the same message again.",
    "partner_not_usable": "See that the partner's certificate, key or folder is where the settings say it is.",
}
"""Kind of alert → what a person does."""


def remedy(kind: str) -> str:
    """What a person does about an alert of this kind."""
    return REMEDIES.get(kind, "Look at what it names.")
