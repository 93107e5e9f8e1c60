"""``python -m schemas.drift FOLDER [--partial] [--json] [--reasons]``: our tables beside CBP's guides in a folder.

Read are the guides' texts (``*.txt``: record layouts and usage maps) and the error dictionary (``*.xlsx``: codes).

Exit status: 0 when only accepted differences are left, 1 when there are others (or stale accepted ones), when a guide
that is expected is missing (unless ``--partial``), or when a table of ours is not sound; 2 for wrong usage, a folder
that cannot be read, or a folder without guides.

Our tables are read when the modules that hold them are imported. So this module imports them inside its functions: a
slip in a table is told as a sentence.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from schemas.errors import FormatError

_CLEAN, _DIFFERENT, _WRONG = 0, 1, 2


def _texts(folder: Path) -> dict[str, str]:
    """Every text of the folder by name; OSError or ValueError naming the one that cannot be read."""
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.txt")):
        try:
            texts[path.name] = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path.name} is not UTF-8: byte {error.start + 1}") from error
    return texts


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m schemas.drift",
        description="Compare the CATAIR tables with CBP's guides (*.txt) and error dictionary (*.xlsx) in a folder.",
    )
    parser.add_argument("folder", type=Path, help="the folder with the guides' texts")
    parser.add_argument("--partial", action="store_true", help="pass without the guides that are missing")
    parser.add_argument("--json", action="store_true", help="write the report as one JSON document")
    parser.add_argument("--reasons", action="store_true", help="list the accepted differences with their reasons")
    chosen = parser.parse_args(arguments)
    if not chosen.folder.is_dir():
        print(f"{chosen.folder} is not a folder", file=sys.stderr)
        return _WRONG
    try:
        return _compare(chosen.folder, partial=chosen.partial, reasons=chosen.reasons, as_json=chosen.json)
    except FormatError as error:
        for one in error.problems:
            print(f"A table of ours is not sound. {one.path}: {one.text} {one.remedy}".rstrip(), file=sys.stderr)
        return _DIFFERENT
    except (OSError, ValueError) as error:
        print(f"{chosen.folder} cannot be read: {error}", file=sys.stderr)
        return _WRONG


def _compare(folder: Path, *, partial: bool, reasons: bool, as_json: bool) -> int:
    """Compare and tell. FormatError for an unsound table of ours, OSError or ValueError for what cannot be read."""
    from schemas.catair.codes import code_lists
    from schemas.catair.layouts import RECORDS
    from schemas.catair.usage import usage_maps
    from schemas.drift.accepted import load_accepted
    from schemas.drift.check import check_texts
    from schemas.drift.report import as_document, as_lines, nothing_found

    workbooks = {path.name: path.read_bytes() for path in sorted(folder.glob("*.xlsx"))}
    texts = _texts(folder)
    findings = check_texts(texts, RECORDS, load_accepted(), maps=usage_maps(), workbooks=workbooks, lists=code_lists())
    if not findings.guides:
        unread = [path.name for path in sorted(folder.iterdir()) if path.suffix not in (".txt", ".xlsx")]
        print("\n".join(nothing_found(str(folder), findings, unread)), file=sys.stderr)
        return _WRONG
    if as_json:
        print(json.dumps(as_document(findings, partial=partial), indent=2, ensure_ascii=False))
    else:
        print("\n".join(as_lines(findings, reasons=reasons, partial=partial)))
    return _CLEAN if findings.passes(partial=partial) else _DIFFERENT


if __name__ == "__main__":
    sys.exit(main())
