"""How much memory has a process held at most, and how long has it worked?"""

from __future__ import annotations

import os
import time
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


def cpu_seconds(pid: int | None = None) -> float:
    """Seconds of CPU time this process (or another, by id) has used; 0 where the system does not tell of others."""
    if pid is None:
        return time.process_time()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
