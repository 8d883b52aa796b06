"""What others wrote may be anything: the terminal is not steered by it, and nothing waits, ends or falls over."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as tries
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import Static

from engine.search.tree import Score
from engine.workspace import Workspace
from trex_tui import settings
from trex_tui.app import TrexApp
from trex_tui.client.link import SocketLink
from trex_tui.model import format as fmt
from trex_tui.model import telemetry
from trex_tui.model.glance import glance
from trex_tui.model.telemetry import Offsets, TrialView
from trex_tui.pages.intervals import dots
from trex_tui.seal import Seal, sealed
from trex_tui.visit import Visit
from trex_tui.widgets.braille import Series, plot, scale, steps
from trex_tui.widgets.status_now import paired

from . import script

PAYLOAD = "\x1b]52;c;RVZJTA==\x1b\\\x9d0;E\x9c\x1b[31m\u202eE\u2066\u200f\u2028\ud800"
RAW = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
any_float = st.floats() | st.integers().map(float)
scores = st.builds(Score, any_float, any_float, any_float) | st.none()


@example("\u200d\u200f0\u200d")
@given(st.text(alphabet=st.sampled_from([*PAYLOAD, "a", "界", "é", "\u0301", "👩", "\u200d"])))
def test_sealed_text_is_as_wide_as_before(text: str) -> None:
    safe = sealed(text)
    assert not RAW.search(safe) and cell_len(safe) == cell_len(text)
    assert not RAW.search(fmt.clean(text)) and not RAW.search(paired("why", text).plain)


def test_harmless_lines_pass_untouched() -> None:
    line = [Segment("score 0.81 ±0.04"), Segment("界\xa0é ⠿")]
    assert Seal().apply(line, Color.parse("black")) == line
    assert Seal().apply(line[:1], Color.parse("black"))[0] is line[0]


async def test_nothing_raw_leaves_the_application(workspace: Workspace) -> None:
    app = TrexApp(workspace, SocketLink(lambda: workspace.door))
    async with app.run_test(size=(100, 30)) as pilot:
        await _shown(app, pilot)
        said = app.screen._compositor.render_strips()
        assert "harmless" in "".join(strip.text for strip in said)
        assert "titled" in "".join(strip.text for strip in said)
        assert not any(RAW.search(strip.text) for strip in said)


async def _shown(app: App[object], pilot: Pilot[object]) -> None:
    foreign = Static(f"{PAYLOAD}harmless", markup=False)
    foreign.styles.border = ("solid", "red")
    await app.screen.mount(foreign, before=0)
    foreign.border_title = f"titled{PAYLOAD}"
    await pilot.pause()


async def test_the_test_above_would_notice() -> None:
    class Unsealed(App[object]):
        def compose(self) -> ComposeResult:
            yield Static("")

    app = Unsealed()
    async with app.run_test(size=(100, 30)) as pilot:
        await _shown(app, pilot)
        assert any(RAW.search(strip.text) for strip in app.screen._compositor.render_strips())


@pytest.mark.parametrize("name", ["metrics.jsonl", "log.txt", "state.json", "result.json"])
def test_pipes_and_endless_files_in_a_trial_are_not_there(tmp_path: Path, name: str) -> None:
    script.directory(tmp_path, "n1t0", None)
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        (tmp_path / name).unlink(missing_ok=True)
        make(tmp_path / name)
        chunk = telemetry.read(tmp_path, Offsets())
        assert len(glance(tmp_path)) == (0 if name == "metrics.jsonl" else 16)
        assert {"metrics.jsonl": chunk.steps, "log.txt": chunk.lines}.get(name, ()) == ()
        assert {"state.json": chunk.state, "result.json": chunk.result}.get(name) is None


def test_a_pipe_as_a_split_has_no_prompts(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "validation.jsonl")
    assert telemetry._prompts(tmp_path / "validation.jsonl", frozenset({"a"})) == {}


def test_a_visit_is_not_kept_in_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "interface.json"
    os.mkfifo(path)
    visit = Visit(path)
    visit.note(1e9)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    visit.note(2e9)
    assert os.read(reader, 10) == b""
    os.close(reader)


def test_a_visit_that_says_half_a_letter_is_kept(tmp_path: Path) -> None:
    visit = Visit(tmp_path / "interface.json")
    visit.said.append("prune \ud800")
    visit.note(1e9)
    visit.said[:] = ["x"]
    visit.note(2e9)
    assert Visit(tmp_path / "interface.json").said == ["x"]


def test_steps_that_nobody_counts_are_left_out(tmp_path: Path) -> None:
    row = script.step_line("n1t0", 7, 64)
    (tmp_path / "metrics.jsonl").write_text(row + row.replace('"step":7', f'"step":{10**400}') + row)
    view = TrialView()
    view.take(telemetry.read(tmp_path, Offsets()))
    assert view.at == [7]  # run a second time, in one reading


@given(st.floats(), st.floats())
def test_logs_of_odd_times_are_cut_or_whole(near: float, moment: float) -> None:
    lines = ["01:02:03 begun", "no time", "23:59:59 more", "00:00:01 on"]
    found = telemetry._lines_until(lines, moment, near)
    assert found == lines[: len(found)]


@tries(max_examples=300)
@given(st.floats())
def test_any_float_becomes_text(value: float) -> None:
    said = [fmt.clock(value), fmt.clock(value, seconds=True), fmt.day(value), fmt.duration(value), fmt.size(value)]
    said += [fmt.number(value), fmt.figure(value, ",.0f"), fmt.figure(value, ".1f", 2**30)]
    assert all(text and len(text) < 40 for text in said)
    if not math.isfinite(value):
        assert said[:5] == ["?"] * 5
    assert len(fmt.bar(value, 10)) == 10


@given(st.lists(any_float, max_size=30), st.integers(1, 12))
def test_any_floats_become_sparks(values: list[float], width: int) -> None:
    assert len(fmt.sparkline(values, width)) == min(width, len(values))


def test_huge_whole_numbers_are_no_numbers() -> None:
    assert fmt.figure(10**400, ".1f", 2**30) == fmt.size(10**400) == fmt.duration(10**400) == fmt.clock(10**400) == "?"


@given(st.lists(scores, max_size=5), st.integers(1, 80))
def test_any_scores_become_lines(found: list[Score | None], width: int) -> None:
    rows = [(f"n{at}", one) for at, one in enumerate(found)]
    assert len(dots(rows, width)) in (len(rows), len(rows) + 1)


@given(st.lists(st.tuples(any_float, any_float), max_size=40), st.integers(1, 40), st.integers(1, 9))
def test_any_course_becomes_a_chart(points: list[tuple[float, float]], width: int, height: int) -> None:
    picture = plot([Series("a", [y for _, y in points], [x for x, _ in points])], width, height)
    assert [len(row) for row in picture.rows] == [width] * height
    assert len(steps(picture, width)) <= width
    assert all(isinstance(scale(picture, row), str) for row in range(height))


def test_what_is_copied_can_be_encoded() -> None:
    assert fmt.storable("a\ud800b") == "a?b" and fmt.storable("é界") == "é界"


@pytest.mark.parametrize("key", ["nosuchkey", "ctrl+", "crtl+d", "ctrl+ctrl+d", "<any>", "ctrl+?", "\x1b"])
def test_what_is_no_key_is_said(key: str) -> None:
    with pytest.raises(Exception, match="no key"):
        settings.check_keys({"prune": key})


@pytest.mark.parametrize("key", ["D", "é", "?", "$", "slash", "at", "f5", "ctrl+d", "ctrl+shift+left", "space", "-"])
def test_what_terminals_send_is_a_key(key: str) -> None:
    assert settings.is_key(settings.long_name(key))


def test_ctrl_c_always_leaves(tmp_path: Path) -> None:
    kept = settings.checked(settings.Settings(keys={"quit": "f5"}))
    assert kept.keys == {"quit": "f5,ctrl+c"}
    assert settings.checked(kept).keys == kept.keys
    with pytest.raises(Exception, match=r"ctrl\+c"):
        settings.checked(settings.Settings(keys={"quit": "f5", "prune": "ctrl+c"}))
