"""What holds for every test: nothing is skipped where everything is installed."""

from __future__ import annotations

import os

import pytest

pytest.register_assert_rewrite("tests.sandbox_table", "tests.sandbox_case", "tests.crash.crash_points")

os.environ.pop("COLUMNS", None)  # the width of whoever runs the tests is not what they are about

_SKIPPED: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what was skipped."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _SKIPPED.append(f"{report.nodeid}: {report.longrepr}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In continuous integration a skipped test is a failure: the script there installs what they need."""
    if os.environ.get("CI") and _SKIPPED:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which."""
    if os.environ.get("CI") and _SKIPPED:
        terminalreporter.section("skipped, which continuous integration does not allow")
        for line in _SKIPPED:
            terminalreporter.write_line(line)
