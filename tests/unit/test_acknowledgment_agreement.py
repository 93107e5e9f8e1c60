"""Our 997 and pyx12's verdict agree on good and bad interchanges of every set.

Three readers judge each interchange: the gateway's (``build_997`` of ``read_interchange``), the sandbox's (pyx12's walk
and element checks with the maps of ``sandbox/truck/maps``, written apart from the gateway's tables), and pyx12's own
program with the 997 it makes itself. Compared are AK3 (segment, position, code), AK4 (element, data element, code), AK5
and AK9.
"""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

import pytest
from pyx12 import map_if, x12n_document
from pyx12.params import ParamsBase

from sandbox.truck import syntax, x12
from sandbox.truck.answers import acknowledgment
from sandbox.truck.map_maker import MAPS, file_name
from schemas.profile import load_profile
from schemas.x12 import read_interchange
from schemas.x12.acknowledgments import build_997
from schemas.x12.envelope import answer_envelope
from schemas.x12.writer import write_interchange
from tests.acknowledgment_corpus import GROUPS, Case, corpus, good, interchange
from tests.acknowledgment_differences import (
    PYX12,
    PYX12_ACCEPTS,
    PYX12_TRAILERS,
    READING,
    SANDBOX,
    WHOLE_SET,
    Answer,
    Difference,
    Item,
    Rule,
    read_answer,
)


def ours(data: bytes) -> Answer:
    """The gateway's 997."""
    return read_answer([one.id, *one.elements] for one in build_997(read_interchange(data)))


def sandboxes(data: bytes) -> Answer:
    """The sandbox's 997, with characters judged in it."""
    received = x12.take_apart(data)
    assert received.fault is None
    return read_answer(acknowledgment(received, syntax.judge(received, character_faults_in_997=True)))


@pytest.fixture(scope="module")
def pyx12s(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Callable[[bytes], Answer]]:
    """pyx12's own 997: its program with our maps, under the only versions that it takes (ISA12 00401, GS08 004010)."""
    folder = tmp_path_factory.mktemp("maps")
    for file in MAPS.glob("*.xml"):
        shutil.copy(file, folder)
    control = "x12.control.00401.xml"
    (folder / control).write_bytes(files("pyx12").joinpath("map", control).read_bytes())
    rows = "".join(f'<map vriic="004010" fic="{g}" abbr="{s}">{file_name(s)}</map>' for s, g in GROUPS.items())
    (folder / "maps.xml").write_text(f'<maps><version icvn="00401">{rows}</version></maps>', "utf-8")
    loaded = cache(map_if.load_map_file)
    parameters = ParamsBase()

    def run(data: bytes) -> Answer:
        text = data.decode("latin-1")
        head = text[:82] + "U*00401" + text[89:106]
        group, rest = text[106:].split("~", 1)
        out = io.StringIO()
        whole = f"{head}{group.rsplit('*', 1)[0]}*004010~{rest}"
        x12n_document.x12n_document(parameters, io.StringIO(whole), out, None, map_path=str(folder))
        return read_answer(line.strip().split("*") for line in out.getvalue().split("~"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.getLogger("pyx12.error_handler"), "disabled", True)
        patch.setattr(map_if, "load_map_file", lambda name, _parameters, path: loaded(name, parameters, path))
        yield run


CASES = [case for case in corpus() if case.set_id != "997"]


def unexplained(case: Case, mine: Answer, theirs: Answer, rules: dict[str, Rule], used: set[str]) -> list[str]:
    """What no rule explains, as text; the rules that explained something are put into ``used``."""
    left = []
    for item in sorted(mine.notes ^ theirs.notes):
        difference = Difference(case, item in mine.notes, item, mine, theirs)
        names = [name for name, rule in rules.items() if rule(difference)]
        used.update(names)
        if not names and not difference.follows(rules):
            left.append(f"{'only we' if difference.mine else 'only they'} say {' '.join(item)}")
    return left


def results_differ(mine: Answer, theirs: Answer) -> list[str]:
    """AK5 and AK9 compared. E and R are both lawful where notes stand: the sandbox refuses every fault (CBP's own
    practice is not known), we accept with E what is wrong only in elements that need not be sent.
    """
    left = []
    if bool(mine.notes) != bool(theirs.notes):  # explained by a rule: the results then follow the notes
        return [
            f"{name} accepts what it complains of"
            for name, one in (("ours", mine), ("theirs", theirs))
            if (one.set_result == "A") is bool(one.notes or one.set_codes)
        ]
    if mine.set_codes != theirs.set_codes or mine.group_codes != theirs.group_codes:
        left.append(f"codes {mine.set_codes} {mine.group_codes}, {theirs.set_codes} {theirs.group_codes}")
    if mine.counts[:2] != theirs.counts[:2]:
        left.append(f"counts {mine.counts}, {theirs.counts}")
    for a, b in ((mine.set_result, theirs.set_result), (mine.group_result, theirs.group_result)):
        if a != b and not (a == "E" and b == "R" and mine.notes):
            left.append(f"results {a}, {b}")
    left += [
        f"AK904 {one.counts[2]} with AK901 {one.group_result}"
        for one in (mine, theirs)
        if (one.counts[2] == "1") is (one.group_result == "R")
    ]
    return left


def test_the_corpus_is_large_and_various() -> None:
    """Enough cases of every set, most of them bad."""
    assert len(CASES) >= 1500
    assert {case.set_id for case in CASES} == set(GROUPS) - {"997"}
    assert len({case.kind for case in CASES}) >= 30


def test_our_997_and_the_sandboxes_agree() -> None:
    """AK3, AK4, AK5 and AK9 are the same but for the listed differences, and every listed difference occurs."""
    used: set[str] = set()
    wrong: dict[str, list[str]] = {}
    for case in CASES:
        mine, theirs = ours(case.data), sandboxes(case.data)
        if case.kind in WHOLE_SET:
            left = [] if (mine.group_result, theirs.group_result) == ("R", "R") else ["not both reject"]
        else:
            left = unexplained(case, mine, theirs, SANDBOX, used) + results_differ(mine, theirs)
        if left:
            wrong[str(case)] = left
    assert wrong == {}
    assert set(SANDBOX) - used == set()


def test_our_997_and_pyx12s_own_agree(pyx12s: Callable[[bytes], Answer]) -> None:
    """The notes are the same but for the listed differences, and so is what is accepted and what is not."""
    used: set[str] = set()
    wrong: dict[str, list[str]] = {}
    for case in CASES:
        if case.kind == "too many components":
            continue  # pyx12 4.0 ends with an IndexError
        mine, theirs = ours(case.data), pyx12s(case.data)
        left = []
        if case.kind not in {"ST01 unknown", "ST01 of another group"}:
            left = unexplained(case, mine, theirs, PYX12, used)
        if case.kind in PYX12_TRAILERS:
            if case.kind != "GE02 with zeros" and case.kind not in PYX12_ACCEPTS:
                left += [] if (mine.group_result, theirs.group_result) == ("R", "R") else ["not both reject"]
        else:
            left += results_differ(mine, theirs)
        if left:
            wrong[str(case)] = left
    assert wrong == {}
    assert set(PYX12) - used == set()


def _read_notes(data: bytes) -> frozenset[Item]:
    """What reading a 997 finds, as the notes of an answer that nobody sends: a 997 is never acknowledged."""
    notes: set[Item] = set()
    for one in read_interchange(data).problems:
        if one.severity != "error" or one.level not in ("segment", "element") or not one.number:
            continue
        if one.level == "segment":
            notes.add(("AK3", one.segment, str(one.number), one.acknowledgment))
        else:
            number = one.data_element if one.data_element.isdigit() else ""
            notes.add(("AK3", one.segment, str(one.number), "8"))
            notes.add(("AK4", one.segment, str(one.number), str(one.element), number, one.acknowledgment))
    return frozenset(notes)


def test_reading_a_997_finds_what_the_map_finds() -> None:
    """A 997 that we receive is judged like the map judges it, component by component or element by element."""
    wrong: dict[str, list[str]] = {}
    kinds = 0
    for case in corpus():
        if case.set_id != "997" or case.kind in {*PYX12_TRAILERS, "lower-case segment", "segment name too long"}:
            continue
        kinds += 1
        nothing = Answer(_read_notes(case.data), "", frozenset(), "", (), frozenset())
        left = unexplained(case, nothing, sandboxes(case.data), READING, set())
        if left:
            wrong[str(case)] = left
    assert kinds > 100
    assert wrong == {}


def test_good_messages_are_accepted_by_all_three(pyx12s: Callable[[bytes], Answer]) -> None:
    """Nobody finds anything in the good message of each set."""
    for set_id in GROUPS:
        data = interchange(set_id, good(set_id))
        assert sandboxes(data) == Answer(frozenset(), "A", frozenset(), "A", ("1", "1", "1"), frozenset())
        if set_id != "997":
            assert ours(data) == pyx12s(data) == sandboxes(data)


def test_every_997_is_itself_a_good_message() -> None:
    """pyx12 finds nothing in the 997s that the gateway and the sandbox answer with, whatever they complain of."""
    profile = load_profile()
    separators = (
        profile.element_separator,
        profile.repetition_separator,
        profile.component_separator,
        profile.segment_terminator,
    )
    when = datetime(2025, 3, 10, 13, 5, tzinfo=UTC)
    wrong: dict[str, list[object]] = {}
    for case in CASES[::3]:
        read, taken = read_interchange(case.data), x12.take_apart(case.data)
        assert read.envelope is not None
        envelope = answer_envelope(read.envelope, "997", profile, control_number=7, written_at=when)
        mine = write_interchange(envelope, "997", build_997(read), profile)
        theirs = x12.put_together(
            x12.Addresses.back_to(taken, separators),
            control_number=7,
            written_at=when,
            group="FA",
            release=taken.elements(0)[8],
            interchange_version="00502",
            body=acknowledgment(taken, syntax.judge(taken)),
        )
        faults = [
            fault
            for data in (mine, theirs)
            for fault in syntax.judge(x12.take_apart(data), set_id="997", character_faults_in_997=True).faults
        ]
        if faults:
            wrong[str(case)] = list(faults)
    assert wrong == {}
