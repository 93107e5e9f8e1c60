"""Which calls does the control port take? One table; the application and the page about it are made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sandbox.views import LISTINGS

ROOT: Final = "/sandbox"
FILER: Final = "`filer`"


@dataclass(frozen=True, slots=True)
class Route:
    """One call: ``handler`` is the name of the method that answers it; ``query`` and ``body`` say what may be given."""

    method: str
    path: str
    handler: str
    does: str
    query: str = ""
    body: str = ""


def _listings() -> Iterator[Route]:
    for one in LISTINGS:
        query = ", ".join(f"`{name}`" for name in (*one.filters, "after", "limit", "filer"))
        yield Route("GET", f"/{one.name}", "listing", f"pages of {one.holds}", query)


ROUTES: Final = (
    Route("GET", "/", "console", "the console: this port in a browser"),
    Route("GET", "/state", "state", "clock, rules in force, newest manifests, counts, next event, filers", FILER),
    Route(
        "POST",
        "/clock",
        "clock",
        "sets, moves or stops the clock, or lets it run faster",
        body='`{"set": "2025-08-29T00:01:00-04:00"}`, `{"advance": "PT30M"}` or seconds, `{"freeze": true}`,'
        ' `{"speed": 60}`',
    ),
    Route("POST", "/trips/{trip}/arrive", "arrive", "the truck is at the border", FILER),
    Route("GET", "/trips/{trip}", "trip", "the manifest of a trip", FILER),
    Route(
        "POST",
        "/shipments/{scn}/{act:hold|exam|release|revoke}",
        "shipment_act",
        "places a hold, orders an exam, lets go, takes a release back; 404 unknown, 409 when the state forbids it",
        FILER,
    ),
    Route(
        "GET",
        "/shipments/{scn}",
        "shipment",
        "a shipment: what the books say, its entries, its orders",
        FILER,
    ),
    Route("GET", "/entries/{number}", "entry", "an entry: state, shipments, what was filed", FILER),
    *_listings(),
    Route("GET", "/answers", "answers", "what CBP will say next, and when: answers and steps", "`limit`, `filer`"),
    Route(
        "POST",
        "/answers/next",
        "push",
        "says the next thing now, or the one named (`pushed`; empty: nothing to say); 409 when nothing is to come",
        FILER,
        '`{}` or `{"id": "answer-12"}`',
    ),
    Route("GET", "/faults", "show_faults", "the plan of faults", FILER),
    Route(
        "POST",
        "/faults",
        "set_faults",
        "puts a plan of faults in the place of the one before; `{}` ends it",
        FILER,
        "[a plan of faults](sandbox.md#faults)",
    ),
    Route(
        "GET",
        "/transcript",
        "transcript",
        "every file both ways: time, direction, kind, digest, verdict with reasons, bytes (base64, and text when"
        " ASCII); with `Accept: text/plain` annotated, for a terminal",
        "`after`, `limit`, `kind` (`355,SX`), `bytes` (1), `annotated` (0), `refused` (0; 1: files and"
        " lines alone in which something was refused), `orders` (0), `lines`, `from_line`, `filer`",
    ),
    Route(
        "GET",
        "/transcript/{id}",
        "transcript_one",
        "one file of it, annotated unless `annotated=0`",
        "`bytes` (0), `annotated` (1), `refused` (0), `lines`, `from_line`, `filer`",
    ),
    Route(
        "GET",
        "/feed",
        "feed",
        "server-sent events: `file` for each line of the transcript, `state` after every change; `Last-Event-ID` goes"
        " on where it stopped",
        "`tail`, `filer`",
    ),
    Route("POST", "/settle", "settle", "waits until everything due is read and sent"),
    Route(
        "POST",
        "/reset",
        "reset",
        "empties the books, all of them or one filer's; clock, faults and numbers go on",
        FILER,
        '`{"confirm": true}`',
    ),
    Route("GET", "/healthz", "health", "whether it runs"),
)


def as_markdown() -> str:
    """The table for the documentation."""
    lines = ["| call | does | query | body |", "|---|---|---|---|"]
    for one in ROUTES:
        path = one.path.replace("{act:hold|exam|release|revoke}", "{hold, exam, release, revoke}")
        lines.append(f"| `{one.method} {ROOT}{path}` | {one.does} | {one.query} | {one.body} |")
    return "\n".join(lines) + "\n"
