"""Every row of the marker table and of the fault table, driven through SFTP: the documented conduct is the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.app import serving
from sandbox.faults import FAULTS
from sandbox.markers import MARKERS
from tests.sandbox_lines import PASSWORD, Line, SftpLine
from tests.sandbox_table import FAULT_DRIVERS, MARKER_DRIVERS, drive, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Line]:
    """A filer at the door of one sandbox for the whole file."""
    folder = tmp_path_factory.mktemp("table-sftp")
    settings = settings_for(folder, sftp_port=0, sftp_accounts=(f"filer/GATEWAY/{PASSWORD}",))
    async with serving(settings) as running, SftpLine("GATEWAY").at(running) as filer:
        yield filer


@pytest.mark.parametrize("marker", list(MARKERS))
async def test_a_marker_does_what_the_table_says(marker: str, line: Line) -> None:
    """The row of the table for this marker, through this door."""
    await drive(MARKER_DRIVERS[marker], line)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_does_what_the_table_says(fault: str, line: Line) -> None:
    """The row of the table for this fault, through this door."""
    await drive(FAULT_DRIVERS[fault], line)
