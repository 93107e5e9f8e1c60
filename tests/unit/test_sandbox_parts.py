"""Small parts of the sandbox: clock, faults, settings, rule book, books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.clock import Clock, duration, instant
from sandbox.faults import RATES, Faults, FaultsError, read_faults
from sandbox.rulebook import RuleBook
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Settings, SettingsError, load_settings
from sandbox.store import Store
from sandbox.testing import LoopbackCbp


def test_a_clock_runs_jumps_and_stands_still() -> None:
    """A shifted clock runs on, a frozen one moves only when told, and its state survives."""
    real = [datetime(2026, 1, 1, tzinfo=UTC)]
    clock = Clock(source=lambda: real[0])
    clock.set(instant("2025-03-10T09:00:00-04:00"))
    real[0] += timedelta(seconds=5)
    assert clock.now() == datetime(2025, 3, 10, 13, 0, 5, tzinfo=UTC)
    clock.freeze(True)
    real[0] += timedelta(hours=1)
    assert clock.now() == datetime(2025, 3, 10, 13, 0, 5, tzinfo=UTC)
    clock.advance(duration("PT30M"))
    other = Clock(source=lambda: real[0])
    other.restore(clock.as_dict())
    assert other.now() == clock.now() == datetime(2025, 3, 10, 13, 30, 5, tzinfo=UTC)
    clock.freeze(False)
    real[0] += timedelta(seconds=1)
    assert clock.now() == datetime(2025, 3, 10, 13, 30, 6, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "PT1X", "P1Y"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Only seconds and ISO durations of days and less are durations."""
    with pytest.raises(ValueError, match="duration"):
        duration(text)


def test_faults_follow_the_seed_alone() -> None:
    """The same seed gives the same fates; rates are kept within a few percent; the empty plan does nothing."""
    plan = Faults(seed=7, drop=0.1, duplicate=0.2, delay=0.05)
    fates = [plan.fate(n) for n in range(5000)]
    assert fates == [plan.fate(n) for n in range(5000)]
    assert abs(fates.count("drop") / 5000 - 0.1) < 0.02
    assert abs(fates.count("duplicate") / 5000 - 0.2) < 0.02
    assert {Faults().fate(n) for n in range(100)} == {""}
    for name in RATES:
        assert {Faults(**{name: 1.0}).fate(n) for n in range(20)} == {name}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"drop": -0.1},
        {"drop": True},
        {"seed": 1.5},
        {"outage_from": "soon"},
        {"drop": 0.6, "garble": 0.6},
        {"x": 1},
    ],
)
def test_bad_fault_plans_are_refused(document: object) -> None:
    """A plan that cannot be meant is refused with reasons."""
    with pytest.raises(FaultsError) as caught:
        read_faults(document)
    assert caught.value.reasons


def test_settings_come_from_file_environment_and_arguments(tmp_path: Path) -> None:
    """Arguments win over the environment, which wins over the file; unknown keys are refused by name."""
    file = tmp_path / "sandbox.toml"
    file.write_text('as2_port = 1\ncontrol_port = 2\nhost = "127.0.0.2"\n[behaviour]\nanswer_delay = 3\n', "utf-8")
    environment = {"SANDBOX_CONTROL_PORT": "20", "SANDBOX_MEMORY": "true", "SANDBOX_STATUS_BATCH": "9", "OTHER": "x"}
    settings = load_settings(file, environment, as2_port=0)
    assert (settings.as2_port, settings.control_port, settings.host, settings.memory) == (0, 20, "127.0.0.2", True)
    assert (settings.behaviour.answer_delay, settings.behaviour.status_batch) == (3.0, 9)
    assert load_settings(None, {}) == Settings()
    file.write_text("colour = 1\n", "utf-8")
    with pytest.raises(SettingsError, match="colour"):
        load_settings(file, {})
    with pytest.raises(SettingsError, match="as2_port"):
        load_settings(None, {"SANDBOX_AS2_PORT": "many"})


def test_every_rule_has_a_citation_and_a_start() -> None:
    """The rule book is dated data: each rule is out of force before its start and in force at it."""
    book = RuleBook.load()
    assert len(book.rules) == 19
    for rule in book.rules:
        assert rule.citation
        assert rule.mark in {"confirmed", "private", "reported"}
        before = book.rule(rule.id, rule.start - timedelta(seconds=1))
        assert before is None or before.end == rule.start
        assert book.rule(rule.id, rule.start) == rule


def test_a_transaction_takes_everything_back(tmp_path: Path) -> None:
    """What was written in a failed transaction is gone, also from inner ones."""
    store = Store(tmp_path / "books.db")

    def write_and_fail() -> None:
        with store.transaction():
            store.set_meta("a", 1)
            with store.transaction():
                store.set_meta("b", 2)
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    assert store.get_meta("a") is None
    assert store.get_meta("b") is None
    assert [store.next_number("n") for _ in range(3)] == [1, 2, 3]
    store.close()


def test_books_of_an_older_version_are_given_what_they_lack(tmp_path: Path) -> None:
    """A file without the columns that came later is opened, gets them, and keeps its rows."""
    path = tmp_path / "books.db"
    box = LoopbackCbp("2025-03-10T09:00:00-04:00", path=path)
    box.send(manifest_309([SampleBill("1001")]))
    box.cbp.store.run("alter table entry drop column unmatched_since")
    box.cbp.store.run("alter table bill drop column in_bond")
    box.close()
    again = LoopbackCbp("2025-03-10T09:00:00-04:00", path=path)
    assert [row["in_bond"] for row in again.cbp.store.rows("select in_bond from bill")] == [""]
    assert again.send(entries_se([SampleEntry("1234567", "1001")]))[-1].kind == "SO"
    again.close()


def test_a_file_received_before_a_stop_is_read_after_it(tmp_path: Path) -> None:
    """Books on disk remember what was received, what is to be sent and what will happen."""
    first = LoopbackCbp("2025-03-10T09:00:00-04:00", path=tmp_path / "books.db")
    receipt = first.cbp.receive(manifest_309([SampleBill("25031000001", kind="35")]), first.now)
    first.close()
    second = LoopbackCbp("2025-03-10T09:00:00-04:00", path=tmp_path / "books.db")
    assert second.cbp.undigested() == [receipt.id]
    second.cbp.digest(receipt.id, second.now)
    second.close()
    third = LoopbackCbp("2025-03-10T09:00:00-04:00", path=tmp_path / "books.db")
    assert [a.kind for a in third.collect()] == ["997", "355"]
    assert third.collect() == []
    assert [a.kind for a in third.set_clock("2025-03-10T16:30:00-04:00")] == ["350"]
    third.close()
