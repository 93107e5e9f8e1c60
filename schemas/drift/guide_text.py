"""Which lines of a guide's text are its own, and which are the page's?

The text of a guide is a printed book: a form feed between pages, a running head, a running foot. Rules:

- A page's first line is a running head when the same line opens at least a third of the pages (and more than one).
- A page's last line is a running foot by the same rule, numbers set aside: the page number changes.
- What is left keeps its line number in the file and its page, so that every finding can be looked up.
- Blank lines at the top and bottom of a page are dropped: a table that runs on is not broken by them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_SHARE_OF_PAGES = 3
_NUMBER = re.compile(r"\d+")
_FIRST_REVISION = re.compile(r"^\s*(\d{1,3})\s{2,}\S")
_VERSION = re.compile(r"\bVersion (\d{1,3})\b")
_CHANGES_HEAD = "Brief Description of Change"
_FRONT_LINES = 80


@dataclass(frozen=True, slots=True)
class Line:
    """One line: number in the file and page (both from 1), text, and whether it is the first of its page."""

    number: int
    page: int
    text: str
    opens_page: bool = False

    @property
    def blank(self) -> bool:
        """Nothing is printed."""
        return not self.text.strip()


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _without_numbers(text: str) -> str:
    return _NUMBER.sub("#", _squeezed(text))


def _running(lines: Iterable[str], pages: int) -> set[str]:
    return {line for line, times in Counter(lines).items() if times > 1 and times * _SHARE_OF_PAGES >= pages}


def _pages(text: str) -> list[list[Line]]:
    pages: list[list[Line]] = []
    number = 1
    for index, page in enumerate(text.replace("\r\n", "\n").split("\f"), start=1):
        lines = [Line(number + row, index, one.expandtabs()) for row, one in enumerate(page.split("\n"))]
        # The form feed stands before the first character of the next page's first line, which so keeps its number.
        number += page.count("\n")
        while lines and lines[0].blank:
            lines.pop(0)
        while lines and lines[-1].blank:
            lines.pop()
        if lines:
            pages.append(lines)
    return pages


def body_lines(text: str) -> tuple[Line, ...]:
    """Every line of a guide but the running heads and feet, in order."""
    pages = _pages(text)
    heads = _running((_squeezed(page[0].text) for page in pages), len(pages))
    feet = _running((_without_numbers(page[-1].text) for page in pages), len(pages))
    body: list[Line] = []
    for page in pages:
        lines = page
        if _squeezed(lines[0].text) in heads:
            lines = lines[1:]
        if lines and _without_numbers(lines[-1].text) in feet:
            lines = lines[:-1]
        while lines and lines[0].blank:
            lines = lines[1:]
        while lines and lines[-1].blank:
            lines = lines[:-1]
        body += [Line(one.number, one.page, one.text, opens_page=row == 0) for row, one in enumerate(lines)]
    return tuple(body)


def version_of(text: str) -> str:
    """The version a guide gives itself: ``Version 40`` in front, or the newest row of its table of changes; else "".

    The newest row is the first: CBP's tables of changes begin with the last change.
    """
    lines = text.split("\n")
    front = _VERSION.search("\n".join(lines[:_FRONT_LINES]))
    if front:
        return front.group(1)
    for number, line in enumerate(lines):
        if _CHANGES_HEAD in line:
            for row in lines[number + 1 : number + 12]:
                found = _FIRST_REVISION.match(row)
                if found:
                    return found.group(1)
            return ""
    return ""
