"""What formats cut of a report, and where a PDF breaks its lines."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from esviewer.reports.document import MOST_BYTES, Column, Document, Section, Table, within
from esviewer.reports.html import html

ROWS = tuple((place,) for place in range(10))


def test_that_a_cut_table_says_how_many_rows_it_lacks_at_which_end() -> None:
    first = Table("t", (Column("n", "number"),), ROWS).shown(7)
    last = Table("t", (Column("n", "number"),), ROWS, keeps_end=True).shown(7)
    assert (first.rows, first.left_out_behind) == (ROWS[:7], "And 3 more rows, which the JSON has.")
    assert last.rows == ROWS[3:] and first.left_out_before is None
    assert last.left_out_before == "Below the last 7; before them 3 earlier rows, which the JSON has."


def test_that_a_page_of_long_rows_is_cut_and_says_so() -> None:
    rows = tuple((f"{place}: " + "<&>" * 700,) for place in range(4_000))
    table = Table("long", (Column("value", "value"),), rows)
    text = html(Document("t", "s", (), (Section("s", (), (table,)),), {}, table))
    assert len(text.encode()) < 9_000_000 and "more rows, which the JSON has." in text
    assert "… and " in text


def test_that_what_is_held_fits_and_the_rest_is_counted() -> None:
    items = ["x" * 1_000_000] * 40
    held, left_out = within(items)
    assert len(held) + left_out == 40 and left_out > 0 and sum(map(len, held)) <= MOST_BYTES
    assert within(["x" * (MOST_BYTES + 1), "y"]) == (["x" * (MOST_BYTES + 1)], 1)


@example(":00000000", 13.0)  # what follows the mark is too wide by itself
@given(st.text(st.characters(codec="utf-8"), max_size=120), st.floats(12, 80))
def test_that_lines_of_a_pdf_fit_and_lose_nothing_but_spaces_at_their_ends(text: str, width: float) -> None:
    cell = _faces().cell
    shown = cell.drawable(text)
    lines = list(cell.lines(shown, width))
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")
    assert all(cell.width(line.rstrip(" ")) <= width or len(line) == 1 for line in lines)


def test_that_letters_that_a_pdf_cannot_show_are_escapes() -> None:
    assert _faces().cell.drawable("łódź → 中\u202e") == r"łódź → \u4e2d\u202e"


@cache
def _faces() -> Any:
    from esviewer.reports.pdf_page import Pages

    return Pages("foot").faces
