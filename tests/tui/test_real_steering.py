"""Steering from the keyboard, with a real engine that trains a tiny model at the other end: every key once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from engine.search.tree import Tree
from tests.place import Place

from .person import LARGE, Person, looking, misplaced

NO_ROWS = '[{op = "filter_length", min_words = 100}]'


def trial_state(place: Place, name: str) -> str:
    node = place.tree().nodes.get(name.split("t")[0])
    return node.trials[name].state if node and name in node.trials else "not there"


async def choose(one: Person, node: str) -> None:
    await one.press("g")
    while one.selected != node:
        before = one.selected
        await one.press("j")
        assert one.selected != before, f"{node} is not in the tree"


async def becomes(one: Person, place: Place, fact: Callable[[Tree], object], *keys: str) -> None:
    """Press the keys; the journal then says so."""
    await one.press(*keys)
    await one.until(lambda: fact(place.tree()), f"what {keys} is for")


def forks(tree: Tree) -> list[str]:
    return [name for name, node in tree.nodes.items() if node.forked_from]


async def test_a_person_takes_the_wheel(place: Place, tmp_path: Path) -> None:
    async with looking(place.workspace, LARGE) as one:
        await one.until(lambda: trial_state(place, "n1t0") == "running", "the baseline trains")
        await choose(one, "n1")
        await pauses_and_resumes(one, place)
        good, bad = await forks_twice(one, place)
        await marks_several(one, place, good, bad)
        await advises_and_budgets(one, place)
        await one.press("g", "x")
        await one.sees("! n0 is the base model, which everything grows from")
        await choose(one, "n2")
        await becomes(one, place, lambda tree: "pruned" in tree.nodes["n2"].flags, "x", "y")
        await becomes(one, place, lambda tree: "pruned" not in tree.nodes["n2"].flags, "x")
        await one.press("x", "y")  # its trials are not needed here
        await becomes(one, place, lambda tree: not tree.paused, "p")

        await one.until(lambda: place.tree().nodes[bad].failed, "a recipe without rows has failed")
        await choose(one, bad)
        await becomes(one, place, lambda tree: tree.nodes[bad].retries == 1, "R")
        await one.until(lambda: trial_state(place, f"{good}t0") == "done", "the fork is trained")
        await keeps_and_cleans(one, place, good)
        await one.press("o")
        await one.sees("of how far it is; the test split stays sealed")
        assert (place.workspace.report("letters-1") / "report.html").is_file()
        await becomes(one, place, lambda tree: tree.stop_by, "s", "y")
        await talks(one)
        await exports(one, tmp_path)
        await one.press("n")
        await one.sees("a new search", "by letters-1")
        await one.press("enter")
        await one.until(lambda: place.tree("letters-2").created, "the second search is in the journal")
        assert misplaced(one.app) == []
    said = talks_on_the_command_line(place)
    assert said.count("n1t0: ") == said.count("base: ") == said.count("judged ") // 2 == 2


def talks_on_the_command_line(place: Place) -> str:
    command = [sys.executable, "-P", "-m", "trex_tui.cli", "--workspace", str(place.workspace.home)]
    asked = [*command, "chat", "letters-1", "n1t0", "--length", "4"]
    done = subprocess.run(asked, input="abba\n\nfeed\n", capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


async def pauses_and_resumes(one: Person, place: Place) -> None:
    """The trial on show, the branch, the run; the run stays paused, so that nothing changes behind one's back."""
    await one.press("T")
    await one.until(lambda: trial_state(place, "n1t0") == "interrupted", "the trial gives way")
    await one.sees("‖ t0 paused")
    await becomes(one, place, lambda tree: tree.paused, "p")
    await becomes(one, place, lambda tree: not tree.trial("n1t0").flags, "T")
    await becomes(one, place, lambda tree: "paused" in tree.nodes["n1"].flags, "b")
    await becomes(one, place, lambda tree: not tree.nodes["n1"].flags, "b")


async def forks_twice(one: Person, place: Place) -> tuple[str, str]:
    """Another rate; and a recipe that leaves no rows, which will fail."""
    await becomes(one, place, lambda tree: len(forks(tree)) == 1, "F", *"5e-3", "ctrl+s")
    await becomes(one, place, lambda tree: len(forks(tree)) == 2, "F", *["up"] * 4, "ctrl+u", *NO_ROWS, "ctrl+s")
    good, bad = forks(place.tree())
    plan = place.tree().nodes[good].plan
    assert plan and plan.trials[0].learning_rate == 5e-3
    return good, bad


async def marks_several(one: Person, place: Place, *nodes: str) -> None:
    for node in nodes:
        await choose(one, node)
        await one.press("space")
    await one.press("b")
    await one.sees("Pause 2 nodes?")
    await becomes(one, place, lambda tree: all("paused" in tree.nodes[n].flags for n in nodes), "y")
    await one.press("b")
    await one.sees("Resume 2 nodes?")
    await becomes(one, place, lambda tree: not any("paused" in tree.nodes[n].flags for n in nodes), "y")
    await one.press("escape")
    await one.until(lambda: not one.search.marked, "the marks are gone")


async def advises_and_budgets(one: Person, place: Place) -> None:
    await choose(one, "n1")
    await becomes(one, place, lambda tree: tree.hints, "H", *"Fewer rows", "enter")
    await one.press("u")
    await one.sees("gave hint h1 for n1: Fewer rows")
    await becomes(one, place, lambda tree: not tree.hints, "y")
    await becomes(one, place, lambda tree: tree.limits.rounds == 3, "B", *"3", "enter")


async def keeps_and_cleans(one: Person, place: Place, fork: str) -> None:
    await choose(one, "n1")
    await becomes(one, place, lambda tree: "pinned" in tree.trial("n1t0").flags, "asterisk")
    await choose(one, fork)
    await becomes(one, place, lambda tree: "pruned" in tree.nodes[fork].flags, "x", "y")
    await one.press("C")
    await one.sees("Remove the adapters of 1 trial?")
    await becomes(one, place, lambda tree: tree.trial(f"{fork}t0").collected, "y")


async def talks(one: Person) -> None:
    """Beside whatever the engine is judging."""
    await choose(one, "n1")
    await one.press("a")
    await one.sees("chat with n1t0 beside base: tiny")
    await one.until(lambda: "on cpu" in one.screen, "the models are loaded")
    await one.press(*"abba", "enter")
    await one.until(lambda: one.screen.count("tokens in") == 2, "two answers")
    assert one.screen.count("judged ") == 2 and misplaced(one.app) == []
    chat = one.app.screen._chat  # type: ignore[attr-defined]
    await one.press("escape")
    await one.until(lambda: chat.pid is None, "the chat's process is gone")


async def exports(one: Person, folder: Path) -> None:
    await one.press("E")
    await one.sees("export an adapter of letters-1")
    await one.press("ctrl+u", *str(folder / "mine"), "enter")
    await one.sees("the adapter of n1t0 lies in")
    assert (folder / "mine" / "adapter_model.safetensors").is_file()
