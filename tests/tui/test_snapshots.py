"""What stands on the screen after what a person does, at four sizes, in every theme.

The screens lie as text in tests/tui/snapshots/SIZE/SCENE.txt; scenes are in `scenes.py`. After a change that was meant:

    TREX_SNAPSHOTS=update python -m pytest tests/tui/test_snapshots.py && git diff tests/tui/snapshots

In each theme of ours the text is the same, every character has contrast enough, nothing is outside or covered.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from textual import events
from textual.keys import _character_to_key

from engine.workspace import Workspace
from trex_tui.app import TrexApp
from trex_tui.client import watcher
from trex_tui.widgets import notice

from .contrast import in_sight, unreadable
from .person import Person, misplaced
from .scenes import NOW, STORIES, Scene

HERE = Path(__file__).parent / "snapshots"
SIZES = ((40, 20), (80, 24), (120, 40), (200, 60))
UPDATE = os.environ.get("TREX_SNAPSHOTS") == "update"
COLOURED = (120, 40)  # where every theme is looked at; elsewhere the dark and the light one
PLAIN = ("trex", "trex-light")
CALM, LOOKS = 0.015, 2  # seconds between two looks, and how many more must find the same
READING = frozenset({"sources", "count", "read", "nearest", "look", "hunt", "study"})  # groups of work, not of waiting
PATIENCE = 10.0  # seconds until a screen that should stand still counts as restless


@pytest.fixture
def still_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with the same name everywhere, in a time zone and with a name of its own."""
    for name, value in {"TZ": "UTC", "LOGNAME": "ana", "USER": "ana", "HOME": "/home/ana"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watcher, "time", SimpleNamespace(time=lambda: NOW))
    monkeypatch.setattr(notice, "STAYS", 3_600.0)
    return Workspace(Path("workspace")).create()


@pytest.mark.parametrize("size", SIZES, ids=["40x20", "80x24", "120x40", "200x60"])
@pytest.mark.parametrize("story", STORIES)
async def test_what_stands_on_the_screen(still_life: Workspace, story: str, size: tuple[int, int]) -> None:
    build, scenes = STORIES[story]
    source = build(still_life)
    for file in still_life.home.rglob("*"):
        os.utime(file, (NOW, NOW))
    app = TrexApp(still_life, source, clock=lambda: NOW)
    faults: list[str] = []
    async with app.run_test(size=size) as pilot:
        one = Person(app, pilot)
        await stood_still(one, Scene("begins"))
        for scene in scenes:
            await pressed(one, *scene.keys)
            text = await stood_still(one, scene)
            found = [*compared(text, scene, size), *misplaced(app)]
            found += await faint(one, text, size == COLOURED)
            faults += [f"{scene.name}: {fault}" for fault in found]
    assert not faults, "\n".join(faults)


async def pressed(one: Person, *keys: str) -> None:
    """Press keys one after the other, each when the one before has had its effect. Pilot's own way waits longer."""
    for key in keys:
        one.app.post_message(events.Key(*_named(key)))
        await one.pilot._wait_for_screen()
        await one.app.settle()  # what a node on the way has on the disk is read, or not, by chance otherwise


def _named(key: str) -> tuple[str, str | None]:
    """A key's name and the character that it types."""
    name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
    return name, key if len(key) == 1 else None


async def stood_still(one: Person, scene: Scene) -> str:
    """What stands on the screen when it shows what it should and changes no more."""
    looks: list[str] = []
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        await one.app.settle()
        await asyncio.sleep(CALM)
        await one.pilot._wait_for_screen()
        looks = [*looks[-LOOKS:], in_sight(one.app)]
        if looks.count(looks[-1]) > LOOKS and not busy(one) and all(text in looks[-1] for text in scene.sees):
            return looks[-1]
    raise AssertionError(f"{scene.name}: {scene.sees} never came, or the screen never stood still:\n{looks[-1]}")


def busy(one: Person) -> bool:
    """Whether something is being read or computed. What waits for the person to answer is not work."""
    return any(worker.is_running and worker.group in READING for worker in one.app.workers)


def compared(text: str, scene: Scene, size: tuple[int, int]) -> list[str]:
    """Where the screen differs from what it was; written down anew where that was asked for."""
    file = HERE / "{}x{}".format(*size) / f"{scene.name}.txt"
    now = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if UPDATE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(now, encoding="utf-8")
        return []
    if not file.exists():
        return [f"no snapshot {file.relative_to(HERE)}; see the head of {Path(__file__).name}"]
    was = file.read_text(encoding="utf-8")
    differs = difflib.unified_diff(was.splitlines(), now.splitlines(), lineterm="", n=1)
    return ["\n".join(("another screen", *differs))] if was != now else []


async def faint(one: Person, text: str, every: bool) -> list[str]:
    """In these themes, or every one: characters that cannot be read, or text that depends on the colours."""
    app, kept, faults = one.app, one.app.theme, []
    ours = (name for name in app.available_themes if name.startswith("trex"))
    for theme in sorted(ours) if every else PLAIN:
        app.theme = theme
        await one.pilot._wait_for_screen()
        faults += [f"in {theme}: {fault}" for fault in unreadable(app)]
        faults += [
            f"in {theme} `{now}`, not `{was}`"
            for was, now in zip(text.split("\n"), in_sight(app).split("\n"), strict=True)
            if was != now
        ]
    app.theme = kept
    await one.pilot._wait_for_screen()
    return faults


def test_no_snapshot_is_left_over() -> None:
    names = {scene.name for _, scenes in STORIES.values() for scene in scenes}
    kept = {file.relative_to(HERE).with_suffix("") for file in HERE.rglob("*.txt")}
    assert kept == {Path("{}x{}".format(*size)) / name for size in SIZES for name in names}


def test_scenes_have_names_of_their_own() -> None:
    names = [scene.name for _, scenes in STORIES.values() for scene in scenes]
    assert sorted(set(names)) == sorted(names)
