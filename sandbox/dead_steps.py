"""Which planned steps can no longer happen? The truck is here already, the hold has been ended, the entry is cancelled:
such a step is taken off the pile, so that nothing is announced that will never be said.

A step is dead when what it waits for cannot come back without another step being planned for it. After each event the
soonest steps are looked at, by the books alone; those behind them when they have come forward.
"""

from __future__ import annotations

from typing import Final

from sandbox.store import Store

_LOOKED_AT: Final = 100
_BILL: Final = "exists (select 1 from json_each(step.body, '$.scns') one join bill on bill.scn = one.value where {})"
_ENTRY: Final = (
    "exists (select 1 from json_each(step.body, '$.entries') one join entry on entry.number = one.value where {})"
)
_ALIVE: Final = {
    "arrive": "exists (select 1 from manifest m where m.id = json_extract(step.body, '$.manifest') and m.eta ="
    " json_extract(step.body, '$.eta') and m.stopped_at is null and m.state in ('PRELIMINARY', 'COMPLETE'))",
    "unhold": _BILL.format("bill.state = 'HELD'"),
    "unexam": _BILL.format("bill.state = 'EXAM'"),
    "revoke": _BILL.format("bill.state = 'RELEASED'"),
    "bills-cut-over": _BILL.format(
        "bill.state = 'RELEASED' and not exists (select 1 from manifest m where m.id = bill.manifest_id and m.state in"
        " ('ARRIVED', 'CLOSED'))"
    ),
    "match": _ENTRY.format("entry.state not in ('CANCELLED', 'RELEASED')"),
    "oneusg": _ENTRY.format("entry.state = 'RELEASED'"),
    "unmatched": _ENTRY.format(
        "entry.state <> 'CANCELLED' and entry.unmatched_since = json_extract(step.body, '$.since')"
    ),
    "agency": "exists (select 1 from entry where number = json_extract(step.body, '$.entry') and state <> 'CANCELLED')",
    "review": "exists (select 1 from entry_version where number = json_extract(step.body, '$.entry') and version ="
    " json_extract(step.body, '$.version') and state = 'ASKED')",
    "cut-over": "exists (select 1 from entry where type = '86' and state <> 'CANCELLED')",
}
"""For each kind of step what must be so in the books for it to have something to do; kinds not named always may."""
_DEAD: Final = (
    f"select id from (select * from step order by due_at, id limit {_LOOKED_AT}) step where case kind "
    + " ".join(f"when '{kind}' then not {alive}" for kind, alive in _ALIVE.items())
    + " else 0 end"
)


def forget_dead_steps(store: Store) -> int:
    """Take dead steps off the pile, as far as they are among the soonest; gives how many. In a transaction."""
    gone = 0
    while dead := store.rows(_DEAD):
        store.run_many("delete from step where id = ?", [(row["id"],) for row in dead])
        gone += len(dead)
    return gone
