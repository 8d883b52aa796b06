"""`python -m tests.chaos.run` (`make chaos`): one search undisturbed, then the same search under at least 200 deaths.

Every death is written down as it happens, so that a campaign that was broken off goes on where it was: give it the
same `--folder`. Ends with a table of points and hits, and writes docs/benchmarks/chaos.md; exit code 1 where a search
came to anything else than the undisturbed one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, deque
from pathlib import Path

import msgspec

from engine.files import read_jsonl
from tests.chaos import page
from tests.chaos.outline import Repeat, differences, double_results, outline, repeats
from tests.chaos.scene import ROOT, Scene, prepare
from tests.chaos.storm import AT_RANDOM, POINTS, Hit, Order, Storm, boundaries, deck, kinds_of

# Two searches in which every engine dies at the next event: every boundary between two events, from both sides.
SWEEPS = (Order("engine.before_event", 2), Order("engine.after_event", 1))
MOST = 12  # searches
PAGE = ROOT / "docs" / "benchmarks" / "chaos.md"


class Search(msgspec.Struct, frozen=True):
    """What one search under a storm showed. `wrong` is empty where all is as it must be."""

    name: str
    seconds: float
    points: tuple[str, ...]
    repeats: tuple[Repeat, ...]
    wrong: tuple[str, ...]


class Campaign:
    """Searches in one folder, one after the other, and what is known of them."""

    def __init__(self, folder: Path, kills: int, seed: int) -> None:
        self.folder, self.kills, self.seed = folder, kills, seed
        folder.mkdir(parents=True, exist_ok=True)
        prepare(folder, rounds=4, trials=2, candidates=2)

    def undisturbed(self) -> Scene:
        scene = Scene(self.folder, "undisturbed")
        began = time.monotonic()
        Storm(scene, deque(), lambda hit: None).run()
        scene.leave()
        say(f"undisturbed: {len(scene.records())} events in {time.monotonic() - began:.0f} s")
        return scene

    def searches(self) -> list[Search]:
        """Those that have ended."""
        return [msgspec.convert(row, Search) for row in read_jsonl(self.folder / "searches.jsonl")]

    def run(self) -> list[Search]:
        """Searches until there were enough deaths, and one at least at each point."""
        calm = self.undisturbed()
        expected, listed = outline(calm), [*POINTS, *(f"at random: {who}" for who in AT_RANDOM)]
        listed += boundaries(calm.records())
        done = self.searches()
        while sum(self.hits().values()) < self.kills or missing(listed, self.hits()):
            number = len(done) + 1
            assert number <= MOST, f"no process came to {missing(listed, self.hits())} in {len(done)} searches"
            with (self.folder / "searches.jsonl").open("ab") as out:
                out.write(msgspec.json.encode(self.disturbed(number, expected)) + b"\n")
            done = self.searches()
        return done

    def hits(self) -> Counter[str]:
        """Deaths so far, by point and kind of event."""
        return Counter(point for search in self.searches() for point in search.points)

    def disturbed(self, number: int, expected: dict[str, object]) -> Search:
        """The search again, under a storm."""
        scene = Scene(self.folder, f"search-{number}")
        began = time.monotonic()
        struck = scene.workspace.home / "hits.jsonl"

        def told(hit: Hit) -> None:
            with struck.open("ab") as out:
                out.write(msgspec.json.encode(hit) + b"\n")
            say(f"search {number}, event {hit.seq}: {hit.point}")

        hits = self.hits()
        orders = deque(deck(each=2, at_random=2, seed=self.seed + number, hits=hits))
        sweep = SWEEPS[(number - 1) % 2] if number <= 2 or number % 3 else None
        Storm(scene, orders, told, sweep).run()
        scene.leave()
        deaths = [msgspec.convert(row, Hit) for row in read_jsonl(struck)]
        search = Search(
            name=f"search {number}",
            seconds=time.monotonic() - began,
            points=tuple(kinds_of(deaths, scene.records())),
            repeats=tuple(repeats(scene)),
            wrong=tuple(faults(scene, expected)),
        )
        fate = "; ".join(search.wrong) or "as undisturbed"
        say(f"search {number}: {len(deaths)} deaths in {search.seconds:.0f} s; {fate}")
        return search


def missing(listed: list[str], hits: Counter[str]) -> list[str]:
    """Points that nobody died at yet."""
    return [name for name in listed if not any(hit == name or hit.startswith(f"{name}: ") for hit in hits)]


def faults(scene: Scene, expected: dict[str, object]) -> list[str]:
    """What is not as it must be after a storm."""
    verified = scene.trex("verify", scene.name)
    beyond = [r for r in repeats(scene) if not r.within]
    return [
        *differences(expected, outline(scene)),
        *(f"more than one result, {found}" for found in double_results(scene)),
        *(f"{r.trial}: {r.steps} steps of {r.seconds:.2f} s were done again" for r in beyond),
        *([f"trex verify: {verified.stdout} {verified.stderr}"] if verified.returncode else []),
    ]


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keep everything here, and go on here (default: a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trex-chaos-") as scratch:
        searches = Campaign((options.folder or Path(scratch)).resolve(), options.kills, options.seed).run()
    points = Counter(point for search in searches for point in search.points)
    text = page.write(searches, points, options.seed)
    print(text)
    wrong = [fault for search in searches for fault in search.wrong]
    if not wrong:
        PAGE.write_text(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
