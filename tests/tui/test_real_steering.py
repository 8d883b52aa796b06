"""Steering from the keyboard, with a real engine that trains a tiny model at the other end."""

from __future__ import annotations

from tests.place import Place

from .person import LARGE, Person, looking, misplaced


def trial_state(place: Place, name: str) -> str:
    node = place.tree().nodes.get(name.split("t")[0])
    return node.trials[name].state if node and name in node.trials else "not there"


async def choose(one: Person, node: str) -> None:
    await one.press("g")
    while one.selected != node:
        await one.press("j")


async def test_a_person_pauses_a_trial_forks_hints_budgets_pins_and_takes_back(place: Place) -> None:
    async with looking(place.workspace, LARGE) as one:
        await one.until(lambda: trial_state(place, "n1t0") == "running", "the baseline trains")
        await choose(one, "n1")
        await one.press("T")
        await one.until(lambda: trial_state(place, "n1t0") == "interrupted", "the trial gives way")
        await one.sees("‖ t0 paused")

        await one.press("T")

        await one.press("H", *"Fewer rows", "enter")
        await one.until(lambda: place.tree().hints, "the hint is in the journal")
        await one.press("u")
        await one.sees("gave hint h1 for n1: Fewer rows")
        await one.press("y")
        await one.until(lambda: not place.tree().hints, "the hint is taken back")

        await one.press("B", *"3", "enter")
        await one.until(lambda: place.tree().limits.rounds == 3, "the budget is changed")
        await one.press("asterisk")
        await one.until(lambda: "pinned" in place.tree().trial("n1t0").flags, "its adapter is kept")

        await one.press("F", *"5e-3", "ctrl+s")
        await one.until(lambda: any(n.forked_from == "n1" for n in place.tree().nodes.values()), "the fork")
        fork = next(n for n in place.tree().nodes.values() if n.forked_from == "n1")
        assert fork.plan and fork.plan.trials[0].learning_rate == 5e-3
        await one.until(lambda: trial_state(place, "n1t0") in ("running", "done"), "the trial goes on")
        assert misplaced(one.app) == []
