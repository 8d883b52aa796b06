"""The help and the palette know every key, because they are made from the live bindings."""

from __future__ import annotations

from engine.workspace import Workspace
from trex_tui import keymap
from trex_tui.screens.help import KEYS

from . import script
from .fake_engine import FakeEngine
from .person import SMALL, looking, misplaced

ON_SEARCH = (*keymap.APP, *keymap.SEARCH, *keymap.TREE, *keymap.DETAIL, *keymap.LOG)


async def test_help_lists_every_binding_of_the_search_screen(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, (200, 100)) as one:
        await one.press("question_mark")
        await one.sees("help: every key", "Leaving the interface")
        for key in ON_SEARCH:
            names = {KEYS.get(name, name) for name in key.keys.split(",")}
            rows = [row for row in one.screen.splitlines() if key.help in row]
            listed = {name.strip() for row in rows for name in row.split(key.help)[0].split("│")[-1].split(",")}
            assert names <= listed, f"{key.keys} ({key.help}) is not in the help"


async def test_every_binding_of_ours_explains_itself(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        ours = [active.binding for active in one.app.screen.active_bindings.values()]
        textuals = {"screen.copy_text"}  # bound by Textual to ctrl+c, where ours comes first, and super+c
        silent = [b.key for b in ours if not b.tooltip and b.action not in textuals]
        assert silent == []


async def test_help_fits_a_small_terminal_and_scrolls(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("question_mark")
        await one.sees("Everywhere", "esc back")
        assert misplaced(one.app) == []
        await one.press("end")
        await one.sees("Leaving the interface")
        await one.press("escape")
        await one.sees("base model")


async def test_the_palette_finds_an_action_by_its_name(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await one.press("ctrl+p", *"pause the search")
        await one.sees("pause (p)")
        await one.press("enter")
        await one.until(lambda: engine.commands)


def test_no_key_means_two_things_on_one_screen() -> None:
    for pane in (keymap.TREE, keymap.DETAIL, keymap.LOG):
        table = [key for key in (*keymap.APP, *keymap.SEARCH, *pane) if key.action not in keymap.FIRST]
        keys = [name for key in table for name in key.keys.split(",") if name]
        assert sorted(set(keys)) == sorted(keys)
