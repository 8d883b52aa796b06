"""The loss in a line of the tree, and the keys in a narrow bar."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from trex_tui.model.glance import POINTS, glance
from trex_tui.widgets.key_bar import fitted
from trex_tui.widgets.node_row import HEAD, columns, head, levels

from . import script

KEYS = [
    ("?", "help", 1),
    ("q", "quit", 2),
    ("p", "pause", 3),
    ("x", "prune", 4),
    ("enter", "open", 5),
    ("R", "retry", 6),
]


def test_a_glance_shows_the_course_from_the_first_step_to_the_last(tmp_path: Path) -> None:
    script.directory(tmp_path, "n1t0", 0.8)
    loss = glance(tmp_path)
    assert len(loss) == POINTS
    assert loss[0] > loss[POINTS // 2] > 0.2


@pytest.mark.parametrize(("text", "points"), [("", 0), (script.step_line("n1t0", 1, 2), 1), ("{torn\n", 0)])
def test_a_glance_at_a_short_or_torn_file_shows_what_there_is(tmp_path: Path, text: str, points: int) -> None:
    (tmp_path / "metrics.jsonl").write_text(text)
    assert len(glance(tmp_path)) == points


def test_a_glance_at_a_trial_that_is_gone_shows_nothing(tmp_path: Path) -> None:
    assert len(glance(tmp_path / "n1t0")) == 0


@pytest.mark.parametrize("width", range(24, 70))
def test_a_narrow_key_bar_keeps_the_essential_keys(width: int) -> None:
    shown = fitted(KEYS, width)
    assert shown.cell_length <= width
    assert [key for key, _, _ in KEYS[:5] if f" {key} " in shown.plain] == ["?", "q", "p", "x", "enter"]


@pytest.mark.parametrize("width", [30, 39, 57, 79, 95, 130, 300])
def test_the_columns_stand_below_their_names_and_leave_room_for_the_node(width: int) -> None:
    assert cell_len(head(width)) <= max(width, 30)
    assert head(width).index("node") == 4 and HEAD.score in head(width)
    assert 2 <= levels(width) <= 8


def test_the_wider_the_pane_the_more_it_says() -> None:
    rooms = [sum(bool(value) for value in columns(width)) for width in range(20, 200)]
    assert rooms == sorted(rooms)
