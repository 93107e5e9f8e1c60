"""Small parts of the sandbox: settings, rule book, books."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.rulebook import RuleBook
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.settings import Settings, SettingsError, Span, load_settings
from sandbox.store import Store
from sandbox.testing import LoopbackCbp


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


@pytest.mark.parametrize(
    ("text", "meant"), [("0", 0.0), ("2.5", 2.5), ("60-120", Span(60, 120)), ("1.5-1.5", Span(1.5, 1.5))]
)
def test_the_time_of_an_answer_is_a_number_or_a_span(text: str, meant: float | Span) -> None:
    """Seconds, or two numbers between which they are drawn."""
    assert load_settings(None, {"SANDBOX_ANSWER_DELAY": text}).behaviour.answer_delay == meant


@pytest.mark.parametrize("text", ["", "soon", "-1", "120-60", "1-2-3", "nan", "1e3"])
def test_a_time_that_cannot_be_meant_is_refused(text: str) -> None:
    """Neither seconds nor a span, or one that ends before it begins."""
    with pytest.raises(SettingsError, match="answer_delay"):
        load_settings(None, {"SANDBOX_ANSWER_DELAY": text})


def test_a_span_is_drawn_from_the_seed_and_the_number() -> None:
    """The same for the same seed and number, spread over the span for others."""
    span = Span(60, 120)
    drawn = [span.drawn(7, f"file:{number}") for number in range(500)]
    assert drawn == [span.drawn(7, f"file:{number}") for number in range(500)]
    assert drawn != [span.drawn(8, f"file:{number}") for number in range(500)]
    assert 60 <= min(drawn) < 63
    assert 117 < max(drawn) <= 120


@pytest.mark.parametrize("text", ["0", "0.09", "100001", "fast", "nan"])
def test_a_speed_out_of_range_is_refused(text: str) -> None:
    """From 0.1 to 100,000 seconds of the sandbox in a real second."""
    assert load_settings(None, {"SANDBOX_SPEED": "60"}).speed == 60.0
    with pytest.raises(SettingsError, match="speed"):
        load_settings(None, {"SANDBOX_SPEED": text})


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
