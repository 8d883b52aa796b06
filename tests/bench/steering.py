"""How quickly the engine obeys, on a real engine and a real trial.

    python -m tests.bench.steering [--model tiny|quickstart] [--rounds 3] [--events 100000] [--out docs/benchmarks]

Each round is a fresh workspace: a trial that would train for long is paused, killed, and killed again after another
engine has adopted it, twice each, then pruned. After that: attaching to a long history, and a trial's fixed cost beside
a plain trl script. `quickstart` is SmolLM2-135M-Instruct from the default workspace, which must have been fetched.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from engine import hardware, models
from engine.workspace import Workspace, default_home
from tests.bench import attach, fixed_cost
from tests.bench.acts import measured
from tests.place import Place

QUICKSTART = "SmolLM2-135M-Instruct"


class Aim(NamedTuple):
    """What is measured, and at most how many seconds it should take."""

    what: str
    seconds: float


AIMS = {
    "pause": Aim("pause to the process gone and its memory free", 5.0),
    "resume": Aim("resume to the next optimiser step", 0.0),
    "prune": Aim("prune to the process gone", 2.0),
    "death": Aim("kill -9 of a trial to `interrupted` in the journal", 2.0),
    "adopted death": Aim("the same, of a trial that another engine has started", 2.0),
    "attach": Aim("attach to {events:,} events", 1.0),
    "longest wait": Aim("longest time without a turn for a key while attaching", 0.0),
    "plain": Aim("beside it: read and fold the journal in one process", 0.0),
}


def steered(rounds: int, installed: Path | None) -> dict[str, list[float]]:
    """All acts, `rounds` times over; with the tiny model, or an installed one."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="trex-bench-") as folder:
            place = Place(Path(folder))
            if installed is not None:
                (place.workspace.models / installed.name).symlink_to(installed)
                file = place.task / "task.toml"
                file.write_text(file.read_text().replace('"tiny"', f'"{installed.name}"'))
            for act, seconds in asyncio.run(_all(place)):
                found.setdefault(act, []).append(seconds)
    return found


async def _all(place: Place) -> list[tuple[str, float]]:
    return [act async for act in measured(place)]


def attached(events: int, repeat: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory(prefix="trex-bench-") as folder:
        clients, plain = attach.measure(Workspace(Path(folder).resolve()).create(), events, repeat)
    return {
        "attach": [client.all for client in clients],
        "longest wait": [client.longest_wait for client in clients],
        "plain": plain,
    }


def table(found: dict[str, list[float]], events: int) -> Iterable[str]:
    """Markdown: median, worst and number of each, beside its aim."""
    yield "| seconds | aim | median | worst | times |"
    yield "|---|---|---|---|---|"
    for act, times in found.items():
        aim = AIMS[act]
        wanted = f"{aim.seconds:g}" if aim.seconds else ""
        figures = f"{statistics.median(times):.3f} | {max(times):.3f} | {len(times)}"
        yield f"| {aim.what.format(events=events)} | {wanted} | {figures} |"


def load() -> str:
    """Of the last 1, 5 and 15 minutes: what else the machine was doing."""
    return "load average " + ", ".join(f"{figure:.2f}" for figure in os.getloadavg())


def report(options: argparse.Namespace) -> list[str]:
    installed = _installed() if options.model == "quickstart" else None
    before = load()
    found = {**steered(options.rounds, installed), **attached(options.events, options.repeat)}
    lines = [f"# Steering, {installed.name if installed else 'tiny model'}", ""]
    lines += [*table(found, options.events), "", "Before the first optimiser step (batch 8, 64 rows):", ""]
    with tempfile.TemporaryDirectory(prefix="trex-bench-") as folder:
        model = installed or Place(Path(folder) / "place").workspace.models / "tiny"
        lines += fixed_cost.table(fixed_cost.measure(model, Path(folder), options.repeat))
    versions = ", ".join(f"{name} {version}" for name, version in hardware.versions().items())
    return [
        *lines,
        "",
        f"{hardware.describe()}; at the start {before}, at the end {load()}.",
        "",
        f"Versions: {versions}",
    ]


def _installed() -> Path:
    """The folder of the quickstart's base model. From here on, every workspace has models of its own."""
    found = models.find(QUICKSTART, Workspace(default_home()).models).path.resolve()
    os.environ.pop("TREX_MODELS", None)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["tiny", "quickstart"], default="tiny")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=5, help="of attaching and of the fixed cost")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    lines = report(options)
    print("\n".join(lines))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"steering-{options.model}.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
