"""Somebody types faster than the interface opens what the keys ask for, or a slow line brings many keys at once."""

from __future__ import annotations

from textual import events
from textual.keys import _character_to_key
from textual.widgets import Input

from engine.workspace import Workspace

from . import script
from .fake_engine import FakeEngine
from .person import Person, looking


def at_once(one: Person, keys: str) -> None:
    for key in keys:
        name = {"\r": "enter"}.get(key) or (key if key.isalnum() else _character_to_key(key))
        one.app.post_message(events.Key(name, key))


async def test_filters_with_words_that_are_keys_too(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        at_once(one, "/pruned")
        await one.until(lambda: isinstance(one.app.focused, Input) and one.app.focused.value == "pruned")
        assert engine.commands == []


async def test_says_a_whole_command_at_once(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        at_once(one, ":goto n1\r")
        await one.until(lambda: one.selected == "n1")
        assert engine.commands == []


async def test_writes_a_hint_before_its_form_is_there(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        at_once(one, "Hpause less, prune more")
        await one.until(lambda: any(field.value == "pause less, prune more" for field in one.app.screen.query(Input)))
        assert engine.commands == []


async def test_moves_as_often_as_the_key_was_pressed(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        at_once(one, "gjjjk")
        await one.until(lambda: one.selected == "n2")
