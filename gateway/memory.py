"""How much memory has a process held at most?"""

from __future__ import annotations

import os
from pathlib import Path


def peak_mb(pid: int | None = None) -> int | None:
    """The most memory this process (or another, by id) has held, in MB; ``None`` where the system does not tell.

    Read from the process's own status: the figure of ``getrusage`` is inherited from whoever started it.
    """
    try:
        status = Path(f"/proc/{os.getpid() if pid is None else pid}/status").read_text("ascii", "replace")
    except OSError:
        return None
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return round(int(peaks[0]) / 1024) if peaks else None
