"""What else reads the same bytes, and how is it asked to?"""

from __future__ import annotations

import io
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from gateway.bench.measure import Work


def pyx12_plain(text: str) -> Work:
    """pyx12's plain reader: segments split, envelope counted; nothing of a segment is checked."""
    from pyx12.x12file import X12Reader

    known = text.replace("00502", "00501", 1)  # the only version of the 5010 family that it knows

    def read() -> int:
        return sum(1 for _ in X12Reader(io.StringIO(known)))

    return read


@contextmanager
def pyx12_validating(text: str, segments: int) -> Iterator[Work]:
    """pyx12's validating read of a 309 with its 997, under the sandbox's map of it.

    pyx12 takes interchange version 00401 with group version 004010 only, so the versions are put in their place.
    """
    from pyx12 import x12n_document
    from pyx12.params import ParamsBase

    errors = logging.getLogger("pyx12.error_handler")
    disabled = errors.disabled
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        folder = Path(name)
        with as_file(files("sandbox") / "truck" / "maps") as maps:
            for file in maps.glob("*.xml"):
                shutil.copy(file, folder)
        control = "x12.control.00401.xml"
        (folder / control).write_bytes(files("pyx12").joinpath("map", control).read_bytes())
        row = '<map vriic="004010" fic="AQ" abbr="309">309.005020.xml</map>'
        (folder / "maps.xml").write_text(f'<maps><version icvn="00401">{row}</version></maps>', "utf-8")
        head = text[:82] + "U*00401" + text[89:106]
        group, rest = text[106:].split("~", 1)
        whole = f"{head}{group.rsplit('*', 1)[0]}*004010~{rest}"

        def read() -> int:
            x12n_document.x12n_document(ParamsBase(), io.StringIO(whole), io.StringIO(), None, map_path=str(folder))
            return segments

        errors.disabled = True
        try:
            yield read
        finally:
            errors.disabled = disabled
