"""Do carets stand under what they mean?"""

from __future__ import annotations

from gateway.cli.inspect_places import WIDEST, Mark, drawn, element_span, record_mark


def test_carets_stand_under_the_element() -> None:
    """The span of an element, of the whole segment, and of an element that is missing."""
    assert element_span("N1", ("CN", "JANE DOE"), 2) == (6, 14)
    assert element_span("N1", ("CN", "JANE DOE"), 0) == (0, 14)
    assert element_span("N1", ("CN", "JANE DOE"), 4) == (14, 14)


def test_unprintable_bytes_are_pictures_and_long_lines_are_cut_around_the_carets() -> None:
    """One character stands for each byte; of a long line the part with the carets is shown."""
    lines = [line for line, _ in drawn(Mark("A\x00B\x7fC\x85", 1, 2))]
    assert lines == ["A␀B␡C·", " ^"]
    (line, _), (carets, _) = drawn(Mark("x" * 500 + "BAD" + "y" * 500, 500, 503))
    assert len(line) == WIDEST + 2
    assert line[carets.index("^") : len(carets)] == "BAD"


def test_a_record_has_a_ruler() -> None:
    """The tens of the ruler stand at columns 10, 20, …; a field reaches its last column though it ends with blanks."""
    (ruler, _), (line, _), (carets, _) = drawn(record_mark("SE90".ljust(80), 5, 12))
    assert [column for column, sign in enumerate(ruler, start=1) if sign.isdigit()] == [10]
    assert (line, carets) == ("SE90".ljust(12), "    ^^^^^^^^")
