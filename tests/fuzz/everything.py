"""All targets, each with its share of the inputs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from tests.fuzz import harness, places
from tests.fuzz.directories import Directories
from tests.fuzz.frames import Frames, Sockets
from tests.fuzz.journals import Journals
from tests.fuzz.plans import Plans
from tests.fuzz.recordings import Recordings
from tests.fuzz.tasks import Tasks

Maker = Callable[[places.Template, Path], harness.Target]

TARGETS: dict[str, tuple[float, Maker]] = {
    "frames": (0.40, Frames),
    "socket": (0.05, Sockets),
    "tasks": (0.10, lambda _, folder: Tasks(folder)),
    "plans": (0.20, lambda *_: Plans()),
    "directories": (0.15, Directories),
    "journals": (0.08, Journals),
    "recordings": (0.02, Recordings),
}


def fuzz(folder: Path, inputs: int, seed: int, only: tuple[str, ...] = ()) -> Iterator[harness.Outcome]:
    """Run every target in a folder of its own; `only` names some, which then share all inputs."""
    chosen = {name: TARGETS[name] for name in only or TARGETS}
    whole = sum(share for share, _ in chosen.values())
    template = places.Template(folder / "template")
    with places.surroundings(template), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's, of scores like 1e308
        for name, (share, make) in chosen.items():
            with closing(make(template, folder / name)) as target:
                yield harness.run(target, round(inputs * share / whole), seed)
