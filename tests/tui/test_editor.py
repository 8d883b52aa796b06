"""The person's own editor: what it is given, what comes back, what is said where it fails."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App

from engine.control import protocol as p
from engine.errors import BadInput, MachineFailure
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui import editor
from trex_tui.app import TrexApp
from trex_tui.forms import plan_text
from trex_tui.forms.fork import ForkSheet, Known

from . import script
from .fake_engine import FakeEngine
from .person import looking
from .test_steering import go_to, sent

Editor = Callable[[str], Path]


@contextmanager
def no_terminal(_app: App[int]) -> Iterator[None]:
    """There is none to give away in a test."""
    yield


@pytest.fixture
def with_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """$EDITOR is a shell script, `$1` its file. It logs how it was given the file."""
    monkeypatch.setattr(TrexApp, "suspend", no_terminal)
    monkeypatch.delenv("VISUAL", raising=False)

    def use(body: str) -> Path:
        path, log = tmp_path / "my editor", tmp_path / "seen"
        path.write_text(f'#!/bin/sh\nstat -c %a "$1" "$(dirname "$1")" > "{log}"; cat "$1" >> "{log}"\n{body}\n')
        path.chmod(0o755)
        monkeypatch.setenv("EDITOR", f'"{path}"')
        return log

    return use


@pytest.fixture
def roomy(workspace: Workspace, running: script.Script) -> script.Script:
    running.say(ev.BudgetChanged(limits=ev.Limits(rounds=9, wall_seconds=36_000.0), by="ana"), after=0)
    return running


def app(workspace: Workspace) -> TrexApp:
    from trex_tui.client.link import SocketLink

    return TrexApp(workspace, SocketLink(workspace.socket))


def test_the_file_is_private_and_its_new_text_comes_back(workspace: Workspace, with_editor: Editor) -> None:
    log = with_editor('echo "more" >> "$1"')
    assert editor.edit(app(workspace), "one\n", ".toml") == "one\nmore\n"
    assert log.read_text() == "600\n700\none\n"


@pytest.mark.parametrize("body", ["", 'echo >> "$1"'], ids=["untouched", "a last line end"])
def test_what_was_not_changed_is_nothing(workspace: Workspace, with_editor: Editor, body: str) -> None:
    with_editor(body)
    assert editor.edit(app(workspace), "one") is None


@pytest.mark.parametrize(
    ("body", "fault", "said"),
    [
        ("exit 3", MachineFailure, "ended with status 3; nothing was taken over"),
        ("printf '\\377\\376' > \"$1\"", BadInput, "not UTF-8"),
        ('rm "$1"', BadInput, "no such file"),
    ],
)
def test_a_failing_editor_is_one_sentence(
    workspace: Workspace, with_editor: Editor, body: str, fault: type[Exception], said: str
) -> None:
    with_editor(body)
    with pytest.raises(fault, match=said):
        editor.edit(app(workspace), "one")


def test_which_editor_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISUAL", "code --wait")
    monkeypatch.setenv("EDITOR", "ed")
    assert editor.editor() == ["code", "--wait"]
    monkeypatch.setenv("VISUAL", " ")
    assert editor.editor() == ["ed"]
    monkeypatch.setenv("EDITOR", "'open")
    with pytest.raises(BadInput, match=r"\$EDITOR is no command"):
        editor.editor()
    monkeypatch.delenv("EDITOR")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match=r"set \$EDITOR"):
        editor.editor()
    nano = tmp_path / "nano"
    nano.touch()
    nano.chmod(nano.stat().st_mode | stat.S_IXUSR)
    assert editor.editor() == ["nano"]


def test_an_editor_that_is_not_there_is_one_sentence(
    workspace: Workspace, with_editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_editor("")
    monkeypatch.setenv("EDITOR", "/nowhere/editor")
    with pytest.raises(MachineFailure, match="cannot be started"):
        editor.edit(app(workspace), "one")


async def test_without_a_terminal_that_can_be_given_away_it_is_said(
    workspace: Workspace, roomy: script.Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "true")
    async with FakeEngine(workspace, roomy.records), looking(workspace) as one:
        await one.press("e")
        await one.sees("! there is no terminal here that an editor could have; use the forms")


async def test_a_plan_that_is_changed_in_the_editor_becomes_a_fork(
    workspace: Workspace, roomy: script.Script, with_editor: Editor
) -> None:
    log = with_editor(
        'sed -i "s/^learning_rate = .*/learning_rate = 1e-4/; s/^when = \\"now\\"/when = \\"later\\"/" "$1"'
    )
    async with FakeEngine(workspace, roomy.records) as engine, looking(workspace) as one:
        await go_to(one, "n4")
        await one.press("e")
        await one.until(lambda: "n7" in one.app.live.runs["r1"].tree.nodes)
        changes = {"training.learning_rate": "0.0001"}
        assert sent(engine) == [p.Fork(id=0, run="r1", node="n4", trial="n4t1", changes=changes, first=False)]
    assert "learning_rate = 0.0005" in log.read_text() and '{op = "shuffle"' in log.read_text()


async def test_a_plan_left_as_it_is_changes_nothing(
    workspace: Workspace, roomy: script.Script, with_editor: Editor
) -> None:
    with_editor('echo "# a remark" >> "$1"')
    async with FakeEngine(workspace, roomy.records) as engine, looking(workspace) as one:
        await one.press("e")
        await one.sees("nothing was changed")
        assert engine.commands == []


async def test_what_is_wrong_in_the_file_stands_on_top_when_it_opens_again(
    workspace: Workspace, roomy: script.Script, with_editor: Editor
) -> None:
    log = with_editor('grep -q "^# !" "$1" || sed -i "s/^epochs = .*/epochs = many/" "$1"')
    async with FakeEngine(workspace, roomy.records) as engine, looking(workspace) as one:
        await one.press("e")
        await one.sees("nothing was changed")
        assert engine.commands == []
    first, second = log.read_text().splitlines()[2], (log.parent / "seen").read_text()
    assert first.startswith("# ! ") and "not valid TOML" in first, second


async def test_a_line_of_a_form_is_written_in_the_editor(
    workspace: Workspace, roomy: script.Script, with_editor: Editor
) -> None:
    with_editor('printf "Fewer rows.\\nLower rates.\\n" > "$1"')
    async with FakeEngine(workspace, roomy.records) as engine, looking(workspace) as one:
        await one.press("H", "ctrl+e")
        await one.sees("Fewer rows. Lower rates.")
        await one.press("enter")
        await one.until(lambda: engine.commands)
        assert isinstance(engine.commands[0], p.GiveHint) and engine.commands[0].text == "Fewer rows. Lower rates."


def sheet(node: str = "n5", trial: str = "n5t0") -> ForkSheet:
    tree = script.search().tree
    return ForkSheet("r1", lambda: tree, node, trial, "ana", lambda: script.START, Known)


@pytest.mark.parametrize(("node", "trial"), [("n0", "n0t0"), ("n4", "n4t2"), ("n5", "n5t0")])
def test_a_plan_survives_its_file(node: str, trial: str) -> None:
    form = sheet(node, trial)
    read = plan_text.values(plan_text.document(form.title, form.rows), form.rows)
    assert {name: value for name, value in read.items() if name != "recipe.operators"} == {
        row.name: row.value for row in form.rows if row.name != "recipe.operators"
    }
    with pytest.raises(BadInput, match="nothing is changed yet"):
        form.command(read)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[training]\nlearning_rat = 1e-4", "did you mean `training.learning_rate`"),
        ("[recipe]\nseed = ", "not valid TOML"),
        ("x = 1", "unknown name `x`"),
    ],
)
def test_a_wrong_file_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        plan_text.values(text, sheet().rows)


@given(st.text(max_size=80))
def test_any_file_is_a_plan_or_a_sentence(text: str) -> None:
    rows = sheet().rows
    try:
        assert set(plan_text.values(text, rows)) == {row.name for row in rows}
    except BadInput as problem:
        assert "\n" not in str(problem)


def test_a_problem_takes_the_place_of_the_one_before() -> None:
    once = plan_text.with_problem("a = 1\n", "wrong")
    assert plan_text.with_problem(once, "worse\nstill") == "# ! worse still\na = 1\n"
