"""What does the sandbox remember? One SQLite file (or memory): files received, answers to send, steps to come,
manifests, bills, entries.

Every public step of the core is one transaction; ``synchronous=FULL`` and WAL, so that what was receipted survives a
SIGKILL.
Instants are stored as UTC text of fixed width, so that comparing texts compares instants. A lock makes the connection
safe to share between the
threads of the door, the reader and the sender.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

_TABLES: Final = """
create table if not exists meta (key text primary key, value text not null);
create table if not exists received (
  id integer primary key autoincrement, partner text not null, message_id text not null, digest text not null,
  identity text not null, format text not null,
  name text not null, payload blob not null, received_at text not null, digested_at text, verdict text not null
    default '', repeats integer,
  transcript_id integer
);
create index if not exists received_identity on received (identity);
create index if not exists received_message on received (message_id);
create index if not exists received_open on received (id) where digested_at is null;
create table if not exists answer (
  id integer primary key autoincrement, partner text not null, received_id integer, kind text not null,
  name text not null, payload blob not null,
  created_at text not null, due_at text not null, state text not null default 'pending', sent_at text, attempts
    integer not null default 0,
  message_id text not null default '', note text not null default '', copy_of integer
);
create index if not exists answer_pending on answer (due_at, id) where state = 'pending';
create index if not exists answer_received on answer (received_id);
create table if not exists struck (answer_id integer primary key, fate text not null, at text not null);
create table if not exists laid (
  number integer primary key autoincrement, answer_id integer not null, copy integer not null, unique (answer_id, copy)
);
create table if not exists chain (subject text primary key, ends_at text not null, count integer not null);
create table if not exists step (
  id integer primary key autoincrement, due_at text not null, kind text not null, body text not null
);
create index if not exists step_due on step (due_at, id);
create table if not exists manifest (
  id integer primary key, trip text not null, arrival_date text not null, partner text not null, scac text not null,
    port text not null, eta text,
  state text not null, filed_at text not null, arrived_at text, addresses text not null, header text not null,
    port_segment text not null,
  unique (trip, arrival_date)
);
create table if not exists bill (
  scn text primary key, manifest_id integer not null, state text not null, kind text not null, scac text not null,
    number text not null,
  quantity text not null, unit text not null, consignee text not null, consignee_name text not null, value text not
    null, marks text not null,
  over_limit integer not null default 0, hold text not null default '', released_at text
);
create index if not exists bill_manifest on bill (manifest_id);
create table if not exists used_scn (scn text primary key, used_at text not null);
create table if not exists entry (
  number text primary key, partner text not null, type text not null, state text not null, filed_at text not null,
    a_header text not null,
  b_header text not null, body text not null, consignee text not null, value integer not null, day text not null,
    marks text not null,
  over_limit integer not null default 0, matched integer not null default 0, released_at text
);
create table if not exists entry_version (
  number text not null, version integer not null, action text not null, state text not null, asked_at text not null,
    decided_at text,
  reason text not null, refs text not null, why text not null default '', content text not null, primary key (number,
    version)
) without rowid;
create table if not exists entry_bill (scn text not null, number text not null, primary key (scn, number)) without
  rowid;
create index if not exists entry_bill_number on entry_bill (number);
create table if not exists told (
  id integer primary key, number text not null, notice integer not null, level text not null, subject text not null,
    code text not null,
  at text not null, detail text not null
);
create index if not exists told_number on told (number, id);
create table if not exists bill_told (
  id integer primary key, scn text not null, code text not null, remark text not null, quantity text not null, at text
    not null
);
create index if not exists bill_told_scn on bill_told (scn, id);
create table if not exists day_value (
  consignee text not null, day text not null, reference text not null, cents integer not null, primary key (consignee,
    day, reference)
) without rowid;
create index if not exists day_value_reference on day_value (reference);
create table if not exists in_bond (
  number text primary key, kind text not null, destination text not null, carrier text not null, arrived_at text,
    exported_at text
);
create table if not exists bill_failure (scn text primary key, at text not null);
create table if not exists bill_first (scn text primary key, quantity text not null);
create trigger if not exists bill_amended after update of quantity on bill when old.quantity <> new.quantity begin
  insert or ignore into bill_first (scn, quantity) values (old.scn, old.quantity);
end;
create trigger if not exists bill_replaced before insert on bill begin
  insert or ignore into bill_first (scn, quantity)
    select scn, quantity from bill where scn = new.scn and quantity <> new.quantity;
end;
create table if not exists transcript (
  id integer primary key autoincrement, at text not null, direction text not null, kind text not null,
  name text not null, partner text not null,
  size integer not null, digest text not null, verdict text not null, payload blob
);
"""

_ADDED: Final = (
    ("manifest", "created_by", "text not null default '309'"),
    ("manifest", "gaps", "text not null default '{}'"),
    ("manifest", "fast", "integer not null default 0"),
    ("manifest", "stopped_at", "text"),
    ("manifest", "arrival_order", "integer"),
    ("bill", "linked", "integer not null default 0"),
    ("bill", "release_order", "integer"),
    ("bill", "told", "text not null default '[]'"),
    ("bill", "in_bond", "text not null default ''"),
    ("bill", "equipment", "text not null default '[]'"),
    ("bill", "origins", "text not null default '[]'"),
    ("entry", "unmatched_since", "text"),
)
"""Columns that came after the first version of a table: a file written before is given them when it is opened."""

FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


def stamp(moment: datetime) -> str:
    """An instant as the books write it."""
    return moment.astimezone(UTC).strftime(FORMAT)


def moment(text: str) -> datetime:
    """Read back :func:`stamp`."""
    return datetime.fromisoformat(text)


class Store:
    """The books. ``path`` ``None`` keeps them in memory."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            ":memory:" if path is None else str(path), check_same_thread=False, isolation_level=None
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("pragma busy_timeout = 10000")
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = full")
        self._connection.executescript(_TABLES)
        self._add_columns()
        self._lock = threading.RLock()
        self._depth = 0
        self.watchers: list[Callable[[], None]] = []
        """Called after every commit, in the thread that made it."""

    def _add_columns(self) -> None:
        """Give a file of an older version the columns it lacks."""
        for table, column, kind in _ADDED:
            present = {row["name"] for row in self._connection.execute(f"pragma table_info({table})")}
            if column not in present:
                self._connection.execute(f"alter table {table} add column {column} {kind}")

    def close(self) -> None:
        """Close the file; nothing more can be asked."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction; an inner one belongs to the outer. An exception takes everything back."""
        with self._lock:
            if self._depth:
                yield
                return
            self._connection.execute("begin immediate")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._connection.execute("rollback")
                raise
            else:
                self._connection.execute("commit")
            finally:
                self._depth = 0
        for watcher in tuple(self.watchers):
            watcher()

    def run(self, sql: str, *values: Any) -> int:
        """Write one statement; gives the row number of an insert."""
        with self.transaction():
            return int(self._connection.execute(sql, values).lastrowid or 0)

    def run_many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write one statement for many rows."""
        with self.transaction():
            self._connection.executemany(sql, rows)

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a question."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a question."""
        with self._lock:
            found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
            return found

    def count(self, sql: str, *values: Any) -> int:
        """The number a question answers with."""
        found = self.row(sql, *values)
        return int(found[0] or 0) if found is not None else 0

    def rows_for(self, sql: str, keys: Iterable[str]) -> list[sqlite3.Row]:
        """Rows for many keys: ``sql`` has ``({})`` where the keys go."""
        out: list[sqlite3.Row] = []
        wanted = list(keys)
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            out += self.rows(sql.format(",".join("?" * len(some))), *some)
        return out

    def next_number(self, name: str) -> int:
        """The next value of a counter; never given twice."""
        with self.transaction():
            self._connection.execute(
                "insert into meta (key, value) values (?, '1') on conflict (key) do update set value ="
                " cast(value as integer) + 1",
                (name,),
            )
            return self.count("select value from meta where key = ?", name)

    def next_numbers(self, name: str, how_many: int) -> range:
        """The next values of a counter, as :meth:`next_number` gives one."""
        with self.transaction():
            self._connection.execute(
                "insert into meta (key, value) values (?, ?) on conflict (key) do update set value ="
                " cast(value as integer) + cast(excluded.value as integer)",
                (name, str(how_many)),
            )
            last = self.count("select value from meta where key = ?", name)
            return range(last - how_many + 1, last + 1)

    def get_meta(self, key: str) -> Any:
        """A remembered JSON value, or ``None``."""
        row = self.row("select value from meta where key = ?", key)
        return None if row is None else json.loads(row["value"])

    def set_meta(self, key: str, value: Any) -> None:
        """Remember a JSON value."""
        self.run(
            "insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value",
            key,
            json.dumps(value),
        )

    def note(
        self,
        at: datetime,
        direction: str,
        kind: str,
        name: str,
        partner: str,
        digest: str,
        verdict: Any,
        payload: bytes,
        *,
        keep: int = 1 << 62,
    ) -> int:
        """One line of the transcript; ``keep`` bytes of the payload are kept. Verdict is any JSON value. Gives its
        number.
        """
        return self.run(
            "insert into transcript (at, direction, kind, name, partner, size, digest, verdict, payload) values"
            " (?,?,?,?,?,?,?,?,?)",
            stamp(at), direction, kind, name, partner, len(payload), digest, json.dumps(verdict), payload[:keep],
        )  # fmt: skip
