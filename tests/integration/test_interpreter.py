"""How a process that serves for long is set up: what it changes is seen in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CHILD = """
import ctypes, gc, json, sys, threading
from gateway import interpreter
if sys.argv[2] == "set":
    interpreter.serve_long()
gate = threading.Barrier(8)
def work():
    gate.wait()
    held = [bytes(2_000) for _ in range(2_000)]
    gate.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.fclose.argtypes = [ctypes.c_void_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
print(json.dumps({"gc": gc.get_threshold()[0], "frozen": gc.get_freeze_count() > 0,
    "switch": sys.getswitchinterval(), "stores": open(sys.argv[1]).read().count("<heap ")}))
"""


def _child(folder: Path, how: str) -> dict[str, float]:
    command = [sys.executable, "-c", CHILD, str(folder / how), how]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def test_a_process_that_serves_looks_less_for_cycles_and_shares_its_memory(tmp_path: Path) -> None:
    """Fewer searches, quicker turns, and few stores of memory however many threads allocate at once."""
    plain, set_up = _child(tmp_path, "plain"), _child(tmp_path, "set")
    assert plain["stores"] > 2 >= set_up["stores"]
    assert set_up["gc"] > plain["gc"]
    assert (plain["frozen"], set_up["frozen"]) == (False, True)
    assert set_up["switch"] < plain["switch"]
