"""Print the lifecycle page: ``python -m filings.lifecycle --markdown > docs/lifecycle.md``."""

from __future__ import annotations

import argparse
import sys

from filings.lifecycle.page import render_markdown


def main() -> int:
    """Write the page to standard output."""
    parser = argparse.ArgumentParser(prog="python -m filings.lifecycle", description="The lifecycle tables as a page.")
    parser.add_argument("--markdown", action="store_true", required=True, help="write Markdown with Mermaid diagrams")
    parser.parse_args()
    sys.stdout.write(render_markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
