"""Do the papers say what the program does? Pages, links, names of commands, and every example that they show.

In an expected output a line ``…`` stands for any lines and ``…`` within a line for any text; blank lines and the
width of the rules under a table's head do not count. Examples run in a scratch folder that sees ``docs/``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.request import Request, urlopen

import pytest
import typer

from filings.lifecycle import EventType
from gateway import docs
from gateway.cli.app import app
from gateway.docs_events import DATA, MEANINGS, NOT_YET

ROOT = Path(__file__).parents[2]
PAPERS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ALL_TEXT = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in PAPERS}
WRITTEN = {name: text for name, text in ALL_TEXT.items() if name not in docs.PAGES}
"""Pages written by hand."""

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FOLDERS = ("schemas", "mappings", "filings", "gateway", "sandbox", "tests", "docs", ".ci")

DEMO_DAY = "2026-11-23"
"""The README shows `make demo` as it ended on this day; here it is run for this day."""
SAYS_NO = ("rows-with-faults.ndjson", "309-damaged.x12")
"""Files whose commands end with 1."""
PATIENCE = 60.0
"""Seconds for which a look at a running gateway is repeated until it shows what the page shows."""


# ---------------------------------------------------------------- pages, links and names


@pytest.mark.parametrize("name", docs.PAGES)
def test_a_made_page_is_current(name: str) -> None:
    """A page that is made from the code says what the code says; else: make docs."""
    assert (ROOT / name).read_text("utf-8") == docs.PAGES[name]()


def test_a_page_that_is_not_current_is_named(tmp_path: Path) -> None:
    """A changed page and a missing page are both found."""
    for name in docs.PAGES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    (tmp_path / "docs/rules.md").write_text("# Nothing\n", "utf-8")
    (tmp_path / "docs/openapi.json").unlink()

    assert [name for name, _ in docs.stale(tmp_path)] == ["docs/openapi.json", "docs/rules.md"]


@pytest.mark.parametrize("name", ALL_TEXT)
def test_every_link_leads_somewhere(name: str) -> None:
    """A link into the repository leads to a file, and its anchor to a heading."""
    lost = []
    for target in LINK.findall(BLOCK.sub("", ALL_TEXT[name])):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / name).parent / path if path else ROOT / name
        if not found.exists() or (anchor and anchor not in _anchors(found.read_text("utf-8"))):
            lost.append(target)

    assert lost == []


@pytest.mark.parametrize("name", WRITTEN)
def test_every_path_named_exists(name: str) -> None:
    """A path of this repository in code type exists; a pattern matches something."""
    lost = []
    for word in CODE.findall(BLOCK.sub("", WRITTEN[name])):
        path = word.strip().rstrip("/")
        if re.fullmatch(r"[\w.*/-]+", path) and path.split("/")[0] in FOLDERS and not any(ROOT.glob(path)):
            lost.append(word)

    assert lost == []


@pytest.mark.parametrize("name", ALL_TEXT)
def test_every_make_target_named_exists(name: str) -> None:
    """`make …` in a page is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {words[1] for words in _commands(ALL_TEXT[name]) if words[0] == "make" and len(words) > 1}

    assert named <= targets


@pytest.mark.parametrize("name", ALL_TEXT)
def test_every_command_named_exists(name: str) -> None:
    """`gateway …` in a page is a command of the program, with options that it has."""
    named = [words for words in _commands(ALL_TEXT[name]) if words[0] == "gateway"]
    unknown = [" ".join(words) for words in named if not _is_command(words[1:])]

    assert unknown == []


def test_the_index_names_every_page() -> None:
    """Whoever begins at docs/index.md finds every page."""
    linked = set(LINK.findall(ALL_TEXT["docs/index.md"]))
    pages = {name.removeprefix("docs/") for name in ALL_TEXT if name.startswith("docs/")} - {"index.md"}

    assert pages - linked == set()


def test_the_changelog_names_the_version_and_every_command() -> None:
    """The version of the distribution and each command that exists stand in the changelog."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = set(CODE.findall(ALL_TEXT["CHANGELOG.md"]))

    assert project["version"] in ALL_TEXT["CHANGELOG.md"]
    assert set(_tree().commands) - named == set()


def test_every_event_is_described_and_those_not_told_have_no_cause() -> None:
    """No event type is forgotten on its page; one that is said not to be told is caused by nothing in the code."""
    causes = {
        EventType.HANDOFF_ACCEPTED: r"\b(FilingInput|Act)\.HANDED_OVER\b",
    }
    files = [path for room in ("filings", "gateway") for path in (ROOT / room).rglob("*.py")]
    code = "\n".join(path.read_text("utf-8") for path in files if "lifecycle" not in path.parts)

    assert set(MEANINGS) == set(EventType)
    assert set(causes) == set(NOT_YET)
    assert [kind.value for kind, cause in causes.items() if re.search(cause, code)] == []


# ---------------------------------------------------------------- examples


@dataclass(frozen=True, slots=True)
class Example:
    """A command or a piece of Python of a page, and what it should print."""

    page: str
    command: str
    expected: str

    def __str__(self) -> str:
        return f"{self.page}: {self.command.splitlines()[0]}"


def _examples() -> Iterator[Example]:
    for name, text in ALL_TEXT.items():
        blocks = [(found[1], found[2]) for found in BLOCK.finditer(text)]
        for number, (kind, block) in enumerate(blocks):
            if kind == "python":
                after = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
                yield Example(name, block, after[1] if after[0] == "text" else "")
            if kind == "console":
                for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                    command, _, expected = part.partition("\n")
                    yield Example(name, command, expected)


EXAMPLES = list(_examples())


def test_the_readme_has_examples_of_every_kind() -> None:
    """The examples that the next test runs are there: a demonstration, decisions, a filing by hand, files, Python."""
    first = {example.command.split()[0] for example in EXAMPLES if example.page == "README.md"}

    assert {"make", "gateway", "curl", "from"} <= first


@dataclass(frozen=True, slots=True)
class Service:
    """A running gateway with a simulated CBP beside it, and the folder that commands are run in."""

    folder: Path
    url: str
    control: str

    @property
    def environment(self) -> dict[str, str]:
        """What commands see: no settings of the person who runs the tests."""
        ours = ("GATEWAY_", "SANDBOX_", "MAKE", "MFLAGS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | {"NO_COLOR": "1", "COLUMNS": "120", "GATEWAY_URL": self.url, "PYTHONPATH": str(ROOT)}

    def run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder."""
        return subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=180, check=False
        )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`make serve`, on free ports."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "docs").symlink_to(ROOT / "docs")
    (folder / "Makefile").symlink_to(ROOT / "Makefile")
    environment = Service(folder, "", "").environment
    command = [sys.executable, "-m", "gateway.cli", "serve", "--with-sandbox", "--port", "0", "--json"]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        told = _document(process.stdout)
        yield Service(folder, told["url"], told["sandbox"]["control_url"].removesuffix("/sandbox"))
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_examples_of_the_pages_run_as_written(service: Service) -> None:
    """Every console and Python example, in the order of the pages, prints what the page shows."""
    wrong = [f"{example}\n{fault}" for example in EXAMPLES if (fault := _fault(service, example))]
    assert not wrong, "\n\n".join(wrong)

    _events_hold_what_their_page_says(service)


def _events_hold_what_their_page_says(service: Service) -> None:
    key = json.loads((service.folder / "var/gateway/demo-keys.json").read_text("utf-8"))["dispatch"]
    request = Request(f"{service.url}/v1/events?limit=500", headers={"Authorization": f"Bearer {key}"})
    with urlopen(request, timeout=30) as answer:
        events = json.load(answer)["items"]

    assert {"filing.queued", "filing.accepted", "shipment.held", "shipment.released", "trip.clear"} <= {
        event["type"] for event in events
    }
    for event in events:
        assert set(event["data"]) == set(DATA[event["type"].split(".")[0]]), event["type"]


def _fault(service: Service, example: Example) -> str:
    """What is wrong with an example, or nothing."""
    words, status, again = _to_run(service, example)
    if not words:
        return ""
    end = time.monotonic() + PATIENCE
    while True:
        done = service.run(words)
        if done.returncode == status and _matches(example.expected, done.stdout, loose="demo" in words):
            return ""
        if not again or time.monotonic() > end:
            return f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"


def _to_run(service: Service, example: Example) -> tuple[list[str], int, bool]:
    """Words to run, the exit status they end with, and whether a look is repeated until it matches."""
    if "\n" in example.command:  # Python
        return [sys.executable, "-c", example.command], 0, False
    words = shlex.split(example.command)
    status = 1 if any(word.endswith(SAYS_NO) for word in words) else 0
    program = [sys.executable, "-m", "gateway.cli"]
    if words == ["make", "demo"]:
        return [*program, "demo", "--arrival", DEMO_DAY], 0, False
    if words[0] == "make":
        assert words == ["make", "help"], f"{example}: only make help and make demo are run from here"
        return words, 0, False
    if words[0] == "curl":
        assert words[1:4] == ["-s", "-X", "POST"], example
        path = words[4].removeprefix("http://127.0.0.1:8472")
        urlopen(Request(service.control + path, method="POST"), timeout=30).close()
        return [], 0, False
    assert words[0] == "gateway", example
    return [*program, *words[1:]], status, words[1] in ("trip", "filing")


def _matches(expected: str, printed: str, *, loose: bool) -> bool:
    """Whether the output is as shown; ``loose``: any number stands for any other (a day's demonstration)."""
    lines = [line.rstrip() for line in expected.splitlines() if line.strip()]
    pattern = ""
    for line in lines:
        if line == "…":
            pattern += r"(?:.*\n)*?"
            continue
        made = re.escape(line).replace("…", ".*")
        if loose:
            made = re.sub(r"(?:\\?\s)*\d+(?:\\\.\d+)?", r"\\s*[\\d.]+", made)
        pattern += made + r"\n"
    text = "".join(f"{line.rstrip()}\n" for line in printed.splitlines() if line.strip())
    return re.fullmatch(pattern, text) is not None


def test_an_output_that_differs_is_seen() -> None:
    """The comparison can fail: another word, a line too few, a line too many."""
    shown = "…\ntotal  3\n ──…\nend\n"

    assert _matches(shown, "first\n\ntotal  3\n ─────\nend  \n", loose=False)
    assert not _matches(shown, "total  4\n ─────\nend\n", loose=False)
    assert not _matches(shown, "total  3\nend\n", loose=False)
    assert not _matches(shown, "total  3\n ─────\nend\nmore\n", loose=False)
    assert _matches(shown, "total 12\n ──\nend\n", loose=True)


# ---------------------------------------------------------------- reading the pages


def _document(stream: IO[str]) -> dict[str, Any]:
    """The JSON document at the beginning of a stream."""
    text = ""
    for line in stream:
        text += line
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError:
            continue
        return found
    raise AssertionError(f"the service ended before it listened: {text!r}")


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ +(.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _commands(text: str) -> Iterator[list[str]]:
    """Every command line in code type, as words: in a line of text, and after `$` in a console block."""
    lines = CODE.findall(BLOCK.sub("", text))
    for found in BLOCK.finditer(text):
        lines += re.findall(r"^\$ (.+)$", found[2], re.MULTILINE) if found[1] == "console" else []
        lines += re.findall(r"^ *Example: (.+)$", found[2], re.MULTILINE)
    for line in lines:
        words = line.split()
        if words and words[0] in ("gateway", "make"):
            yield words


def _tree() -> Any:
    return typer.main.get_command(app)


def _is_command(words: list[str]) -> bool:
    command = _tree()
    rest = list(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    if getattr(command, "commands", None):  # a group alone, or a word that is no command of it
        return not rest or rest in (["…"], ["--help"])
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return all(word.split("=")[0] in options | {"--help"} for word in rest if word.startswith("--"))
