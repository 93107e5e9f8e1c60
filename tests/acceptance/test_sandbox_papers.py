"""What the pages say of the simulated CBP is true: the sixty seconds of the README, the example tests, the scenario."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.samples import SampleBill, manifest_309
from tests.world import free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLES = ROOT / "docs" / "examples"


def surroundings(**more: str) -> dict[str, str]:
    """No settings of the person who runs the tests; ``gateway`` is this working copy's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SANDBOX_"))}
    return kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | more


def needs(*programs: str) -> None:
    """Skip where a program is missing (``.ci/run`` installs it)."""
    for one in programs:
        if shutil.which(one) is None:
            pytest.skip(f"{one} is not installed")


def readme_commands() -> str:
    """The shell commands under "A CBP in a box"."""
    (found,) = (
        block for block in re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) if "sftp" in block
    )
    return str(found)


def test_the_sixty_seconds_of_the_readme(tmp_path: Path) -> None:
    """The commands as they are printed, on free ports: by OpenSSH's client a 309 goes in and both shipments are taken;
    of the one with a bad shipment the transcript says why, as the README shows it.
    """
    needs("sftp", "ssh-keygen", "curl")
    ports = {"8471": free_port(), "8472": free_port(), "8473": free_port()}
    program = tmp_path / "bin" / "gateway"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gateway.cli "$@"\n', "utf-8")
    program.chmod(0o755)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    told = "until curl -s http://127.0.0.1:8472/sandbox/state | grep -q '\"sent\": 2'; do :; done"
    assert "sleep 1\n" in readme_commands()
    commands = readme_commands().replace("sleep 1", told)  # a person waits a second, a test until it is so
    own = f"gateway sandbox --port {ports['8471']} --control-port {ports['8472']}"
    commands = commands.replace("gateway sandbox", own)
    for usual, free in ports.items():
        commands = commands.replace(usual, str(free))
    shell = subprocess.Popen(
        ["bash", "-e"],
        cwd=tmp_path,
        env=surroundings(PATH=f"{program.parent}:{os.environ['PATH']}"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    ending = f"sftp -q -b - -P {ports['8473']} -i var/key -o UserKnownHostsFile=var/hosts gateway@127.0.0.1 <<END\n"
    second = "put docs/examples/309-one-refused.x12 in/.second.part\nrename in/.second.part in/second.x12\n"
    again = told.replace('"sent": 2', '"sent": 4')
    for usual, free in ports.items():
        again = again.replace(usual, str(free))
    asked = f"{again}\ncurl -s -H 'Accept: text/plain' 'http://127.0.0.1:{ports['8472']}/sandbox/transcript?refused=1'"
    try:
        out, err = shell.communicate(
            f"{commands}\n{ending}{second}ls -1 out\nEND\n{asked}\nkill $!\nwait\n", timeout=120
        )
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
    shown = re.findall(r"^```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

    assert re.search(r"out/\S*997-\d+\.x12", out), out + err
    assert re.search(r"out/\S*355-\d+\.x12", out)
    blocks = [block for block in shown if "!! 470" in block or "K3*" in block]
    assert len(blocks) == 2
    for line in "".join(blocks).splitlines():
        assert line in out.splitlines()


def test_the_example_tests_run(tmp_path: Path) -> None:
    """The file of tests to begin with passes, set up as the page says, with warnings as errors."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["sandbox.pytest_plugin"]\n', "utf-8")
    shutil.copy(EXAMPLES / "test_filing.py", tmp_path)
    words = [sys.executable, "-m", "pytest", "-q", "-W", "error", "--strict-markers", "-p", "no:cacheprovider"]
    words += ["-o", "asyncio_default_fixture_loop_scope=function", str(tmp_path)]
    done = subprocess.run(
        words, cwd=tmp_path, env=surroundings(), capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b5 passed\b", done.stdout)


MISTAKES = {
    'clok="2025-03-10"': "'clok' is no key (did you mean 'clock'?). Known keys of the fixture cbp: clock, behaviour",
    'clock="soon"': "'soon' is no instant; write it like 2025-03-10T09:00:00-04:00",
    'behaviour={"anser_delay": 5}': "behaviour: 'anser_delay' is no key (did you mean 'answer_delay'?). Known keys",
    'behaviour={"answer_delay": 10**12}': "answer_delay: no answer takes more than",
    '"2025-03-10"': "takes names alone, as clock=…; not '2025-03-10'",
}


def test_a_mistaken_mark_fails_with_a_sentence(tmp_path: Path) -> None:
    """What the mark cannot mean is told in one sentence with the known keys, without a traceback."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["sandbox.pytest_plugin"]\n', "utf-8")
    cases = [f"@pytest.mark.cbp({told})\ndef test_{n}(cbp):\n    pass\n" for n, told in enumerate(MISTAKES)]
    cases.append("@pytest.mark.cbp(seed=1)\ndef test_server(cbp_server):\n    pass\n")
    (tmp_path / "test_marks.py").write_text("import pytest\n\n" + "\n".join(cases), "utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        words, cwd=tmp_path, env=surroundings(), capture_output=True, text=True, timeout=120, check=False
    )

    for sentence in (
        *MISTAKES.values(),
        "'seed' is no key (did you mean 'speed'?). Known keys of the fixture cbp_server",
    ):
        assert sentence in done.stdout
    assert f"{len(cases)} errors" in done.stdout
    assert "Traceback" not in done.stdout
    assert "TypeError" not in done.stdout


def test_the_fixtures_cost_nothing_before_they_are_asked_for() -> None:
    """Loading the plugin loads none of the sandbox behind it."""
    code = (
        "import sys, pytest; before = set(sys.modules); import sandbox.pytest_plugin;"
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith('encodings')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=surroundings(), capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.strip() == "['sandbox', 'sandbox.pytest_plugin']"


def test_the_scenario_of_the_page_is_the_file_and_is_met(tmp_path: Path) -> None:
    """The small scenario stands in the page as in its file; it is met, and fails as shown when it expects a release."""
    page = (ROOT / "docs" / "scenarios.md").read_text("utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    file = EXAMPLES / "held-at-the-border.toml"
    assert block == file.read_text("utf-8")
    assert play(file)[0] == 0

    wrong = tmp_path / file.name
    wrong.write_text(block.replace('state = "HELD"', 'state = "RELEASED"'), "utf-8")
    status, failures = play(wrong)
    assert status == 1
    (shown,) = re.findall(r"^    (held-at-the-border\.toml, .*?)$\n^    (.*?)$", page, re.MULTILINE)
    assert failures == [" ".join(shown)]


def play(path: Path) -> tuple[int, list[str]]:
    """Exit status and failures of a scenario."""
    words = [sys.executable, "-m", "gateway.cli", "sandbox", "--scenario", str(path), "--json"]
    done = subprocess.run(words, env=surroundings(), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)["failures"]


def test_the_309_of_the_page_is_a_sample() -> None:
    """The example files are what ``sandbox.samples`` makes, one with a shipment of an unknown origin."""
    good = [SampleBill("25031000001", kind="35"), SampleBill("25031000002", kind="35", consignee="LEE FICTION")]
    assert (EXAMPLES / "309-truck.x12").read_bytes() == manifest_309(good)
    one_bad = [
        SampleBill("25031000003", kind="35"),
        SampleBill("25031000004", kind="35", consignee="LEE FICTION", origin="QQ"),
    ]
    path = EXAMPLES / "309-one-refused.x12"
    assert path.read_bytes() == manifest_309(one_bad, trip="TSTC2503100002", control=2)
