"""The help, the palette and docs/interface.md know every key, because they are made from the live bindings."""

from __future__ import annotations

import pytest
from textual.screen import Screen
from textual.widget import Widget

from engine.workspace import Workspace
from trex_tui import host, keymap
from trex_tui.actions import STEERING
from trex_tui.screens.help import KEYS, PANES, sections, text

from . import script
from .fake_engine import FakeEngine
from .interface_doc import TABLES, page, path
from .person import SMALL, Person, looking, misplaced

PHONE = (40, 20)
ON_SEARCH = (*keymap.APP, *keymap.SEARCH, *keymap.TREE, *keymap.DETAIL, *keymap.LOG)
SCREENS = sorted(set(host.SCREENS) - {"chat"})  # which starts a process; its keys are compared with its table below


def names(key: keymap.Key) -> set[str]:
    return {KEYS.get(name, name) for name in key.keys.split(",") if name}


async def test_help_lists_every_binding_of_the_search_screen(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        shown = [row for _, rows in sections(one.app.screen, one.app) for row in rows]
        for key in ON_SEARCH:
            listed = {name for keys, said in shown if said == key.help for name in keys.split(", ")}
            assert names(key) <= listed, f"{key.keys} ({key.help}) is not in the help"


@pytest.mark.parametrize("name", SCREENS)
async def test_help_lists_every_binding_of_every_screen(
    workspace: Workspace, running: script.Script, name: str
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await opened(one, name)
        screen = one.app.screen
        said = " ".join(text(screen, one.app, 300).plain.split())
        for widget in (screen, *screen.walk_children()):
            for binding in ours(widget):
                assert binding.tooltip in said, f"{binding.key} of {widget} is not in the help of {name}"
        await one.press("question_mark")
        await one.sees("help: every key")


async def opened(one: Person, name: str) -> None:
    one.app.action_show(name)
    await one.until(lambda: one.app.screen.id == name, f"the screen {name}")
    await one.pilot.pause()


def ours(widget: object) -> list:  # type: ignore[type-arg]
    assert isinstance(widget, Widget)
    return [b for bound in widget._bindings.key_to_bindings.values() for b in bound if b.tooltip]


@pytest.mark.parametrize("name", ["", *SCREENS])
async def test_every_pane_has_its_title_and_no_key_two_meanings(
    workspace: Workspace, running: script.Script, name: str
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        if name:
            await opened(one, name)
        screen = one.app.screen
        panes = [w for w in screen.walk_children() if not isinstance(w, Screen) and ours(w)]
        assert {type(pane).__name__ for pane in panes} <= set(PANES)
        around = {b.key: b.action for w in (*([] if screen.is_modal else [one.app]), screen) for b in bound(w)}
        for pane in panes:
            for binding in ours(pane):
                elsewhere = around.get(binding.key, binding.action)
                same = elsewhere.split(".")[-1] == binding.action.split(".")[-1]
                assert same or allowed(one.app, pane, binding.key), f"{binding.key}: {elsewhere}, {binding.action}"


def bound(widget: object) -> list:  # type: ignore[type-arg]
    return (
        ours(widget)
        if isinstance(widget, Widget)
        else [
            b
            for found in widget._bindings.key_to_bindings.values()
            for b in found
            if b.tooltip  # type: ignore[attr-defined]
        ]
    )


def allowed(app: object, pane: Widget, key: str) -> bool:
    """In a line for text every key may mean something else; esc and end lead one step out, wherever one is."""
    return hasattr(pane, "value") or key in ("escape", "end")


async def test_every_binding_of_ours_explains_itself(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        ours = [active.binding for active in one.app.screen.active_bindings.values()]
        textuals = {"screen.copy_text"}  # bound by Textual to ctrl+c, where ours comes first, and super+c
        silent = [b.key for b in ours if not b.tooltip and b.action not in textuals]
        assert silent == []


def test_every_steering_action_has_a_key_and_a_sentence() -> None:
    keys = {key.action: key for key in keymap.SEARCH}
    for name in STEERING:
        key = keys[f"steer('{name}')"]
        assert key.keys and key.help and key.label


async def test_the_palette_has_every_steering_action(workspace: Workspace, running: script.Script) -> None:
    from trex_tui.palette import Actions

    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        found = {said for _, _, said in Actions(one.app.screen)._found()}
        keys = {key.action: key.help for key in keymap.SEARCH}
        assert {keys[f"steer('{name}')"] for name in STEERING} <= found


async def test_help_fits_a_small_terminal_and_scrolls(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("question_mark")
        await one.sees("Everywhere", "esc back")
        assert misplaced(one.app) == []
        await one.press("end")
        await one.sees("Leaving the interface")
        await one.press("escape")
        await one.sees("base model")


async def test_finds_a_key_in_the_help_on_a_phone(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, PHONE) as one:
        await one.press("question_mark", "slash", *"prune the")
        await one.sees("Prune the selected")
        assert "Everywhere" not in one.screen and misplaced(one.app) == []
        await one.press("escape")
        await one.sees("Everywhere")
        await one.press("slash", *"xyzzy")
        await one.sees("no key says `xyzzy`")
        await one.press("escape", "escape")
        await one.sees("base model")


async def test_the_palette_finds_an_action_by_its_name(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await one.press("ctrl+p", *"pause the search")
        await one.sees("pause (p)")
        await one.press("enter")
        await one.until(lambda: engine.commands)


def test_no_key_means_two_things_in_one_table() -> None:
    for name, table in TABLES.items():
        keys = [key for row in table for key in row.keys.split(",") if key]
        assert sorted(set(keys)) == sorted(keys), name


def test_no_key_means_two_things_on_the_search_screen() -> None:
    for pane in (keymap.TREE, keymap.DETAIL, keymap.LOG):
        keys = [name for key in (*keymap.APP, *keymap.SEARCH, *pane) for name in key.keys.split(",") if name]
        assert (
            sorted({*keys, "end"}) == sorted({*keys}) and len(keys) - len(set(keys)) <= 1
        )  # `end` is also: back to now


def test_the_documentation_lists_every_screen_and_every_key() -> None:
    said = path().read_text(encoding="utf-8")
    assert said == page(), "docs/interface.md is not what the tables say: python -m tests.tui.interface_doc"
