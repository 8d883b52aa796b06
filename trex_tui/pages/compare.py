"""The text of a comparison: who they are, scores, what differs, what it cost, which rows flipped."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from rich.cells import cell_len
from textual.content import Content

from trex_tui.model import compare as cmp
from trex_tui.model import format as fmt
from trex_tui.model.compare import Line, Side
from trex_tui.model.pairing import Reckoning
from trex_tui.pages.flips import listed, summary
from trex_tui.pages.intervals import dots
from trex_tui.pages.page import DIM, NO_TEXT, Page

LETTERS = "abcd"
NAME, LEAST, WIDEST = 18, 13, 34  # cells of a line's name, and of one column


def above(sides: Sequence[Side], width: int, pairing: Reckoning) -> Content:
    """What stands above the curves."""
    out = Page()
    for letter, side in zip(LETTERS, sides, strict=False):
        out.text(fmt.cut(f"{letter} {side.label}  {side.about}", max(width, 20) * 2), "bold")
    out.heading("Scores", "on the validation rows, with 95% intervals")
    for line in dots(
        [(f"{letter} {side.label}", side.score) for letter, side in zip(LETTERS, sides, strict=False)], width
    ):
        out.text(line)
    for one, other in combinations(range(len(sides)), 2):
        out.text(_paired(sides, one, other, pairing), DIM)
    _table("Configuration", cmp.configuration(sides), sides, width, out)
    _table("Recipe", cmp.recipes(sides), sides, width, out)
    return out.content()


def below(sides: Sequence[Side], width: int, whole: bool, pairing: Reckoning) -> Content:
    """What stands below the curves."""
    out = Page()
    _table("Cost", cmp.cost(sides), sides, width, out, marked=False)
    for one, other in combinations(range(len(sides)), 2):
        out.heading(f"{LETTERS[other]} against {LETTERS[one]}", "row by row")
        if reason := cmp.why_not_rows(sides[one], sides[other]):
            out.text(f"not comparable: {reason}", DIM)
            continue
        _rows(sides[other], sides[one], whole, pairing, out)
    return out.content()


def _paired(sides: Sequence[Side], one: int, other: int, pairing: Reckoning) -> str:
    """`b against a: +0.013 [-0.020, 0.047], within the noise`."""
    head = f"{LETTERS[other]} against {LETTERS[one]}: "
    if reason := cmp.why_not_scores(sides[one], sides[other]):
        return f"{head}scores are not comparable: {reason}"
    ours, theirs, maximize = sides[other], sides[one], sides[one].maximize
    if reason := cmp.why_not_rows(theirs, ours):
        return f"{head}{fmt.gain(ours.score, theirs.score, maximize)} gained; {reason}"
    assert ours.result is not None and theirs.result is not None
    gap = pairing.of(ours.result, theirs.result, maximize)
    return head + (gap.said(maximize) if gap else "being reckoned")


def _table(
    title: str, lines: Sequence[Line], sides: Sequence[Side], width: int, out: Page, marked: bool = True
) -> None:
    """A column per side; where they have no room, the values stand under the name."""
    out.heading(title, _note(lines, sides) if marked else "")
    column = min(WIDEST, (width - NAME - 2) // len(sides))
    heads = [f"{letter} {side.label}" for letter, side in zip(LETTERS, sides, strict=False)]
    if column < LEAST:
        for line in lines:
            _stacked(line, marked, width, out)
        return
    out.text(_columns("  ", "", heads, column), DIM)
    for line in lines:
        sign = "* " if marked and line.differs else "  "
        out.text(_columns(sign, line.name, line.values, column), "bold" if marked and line.differs else "")


def _note(lines: Sequence[Line], sides: Sequence[Side]) -> str:
    known = [side.label for n, side in enumerate(sides) if any(line.values[n] != cmp.NONE for line in lines)]
    if len(known) < cmp.LEAST:
        return f"of {known[0]} only" if known else "nobody has one"
    different = sum(line.differs for line in lines)
    return f"{different} of {len(lines)} differ (*)" if different else "all the same"


def _columns(sign: str, name: str, values: Sequence[str], column: int) -> str:
    cells = [fmt.cut(fmt.clean(value), column - 1) for value in values]
    padded = "".join(" " + cell + " " * (column - 1 - cell_len(cell)) for cell in cells)
    return f"{sign}{fmt.cut(name, NAME):<{NAME}}{padded}".rstrip()


def _stacked(line: Line, marked: bool, width: int, out: Page) -> None:
    """`* epochs  1 / 2 / 1`; what is alike stands once."""
    if len(set(line.values)) == 1:
        out.text(fmt.cut(f"  {line.name}  {line.values[0]}", width), DIM)
        return
    marked = marked and line.differs
    sign = "*" if marked else " "
    said = "  ".join(f"{letter} {value}" for letter, value in zip(LETTERS, line.values, strict=False))
    if cell_len(said) + cell_len(line.name) + 4 <= width:
        out.text(f"{sign} {line.name}  {said}", "bold" if marked else "")
        return
    out.text(f"{sign} {line.name}", "bold" if marked else "")
    for letter, value in zip(LETTERS, line.values, strict=False):
        out.text(f"    {letter} {value}", "")


def _rows(ours: Side, theirs: Side, whole: bool, pairing: Reckoning, out: Page) -> None:
    assert ours.result is not None and theirs.result is not None
    found = pairing.flips(ours.result, theirs.result)
    for text in summary(found):
        out.text(text)
    prompts = {row: text for side in (ours, theirs) if side.course for row, text in side.course.prompts.items()}
    listed(found, lambda row: prompts.get(row, NO_TEXT), whole, out)
