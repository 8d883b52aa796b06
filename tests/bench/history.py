"""A long history in real proportions: what a search of thousands of rounds leaves in the journal.

Sizes and shares of the events are those of three quickstart searches (docs/log.md): 760 bytes an event, prompts of
3-5 KB on the tape. Words are made up; nothing here is a result.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from engine.journal import Journal
from engine.search import events as ev
from tests import story

RUN = story.RUN
PARENTS = 400  # rounds that are still being grown from
TERMS = 8  # candidates whose terms a choice records
TEXT = "the rate rank rows loss held out cases were shorter than before and the model said positive where it was not"
WORDS = TEXT.split()


def events(count: int, seed: int = 0) -> Iterator[ev.AnyEvent]:
    """`count` events of a search that a person stopped in the middle of something."""
    rng, number = random.Random(seed), 0
    made: list[ev.AnyEvent] = [story.created(rounds=100_000), *story.base()]
    left = count - 1
    while left > 0:
        yield from made[:left]
        left -= len(made)
        number += 1
        made = _round(f"n{number}", f"n{rng.randrange(max(0, number - PARENTS), number)}", rng)
    yield ev.RunEnded(state="stopped", reason="long enough")


def write(path: Path, count: int) -> int:
    """Make a journal of `count` events; returns the bytes of its file."""
    journal = Journal.open(path)
    try:
        for event in events(count):
            journal.append(RUN, event)
    finally:
        journal.close()
    return path.stat().st_size


def _round(node: str, parent: str, rng: random.Random) -> list[ev.AnyEvent]:
    """One round as a search writes it, with its questions to the Researcher."""
    scores = [rng.uniform(0.5, 0.9) for _ in range(rng.choice((1, 2, 2)))]
    added, *rest = story.node(node, parent, *scores)
    assert isinstance(added, ev.NodeAdded)
    terms = tuple(
        ev.Term(node=f"n{number}", total=rng.random(), value=rng.random(), exploration=rng.random(), visits=number)
        for number in range(TERMS)
    )
    insight = ev.Learned(insight=f"{RUN}:{node}", node=node, text=_text(300, rng), supports=(f"{RUN}:{node}",))
    return [
        ev.NodeAdded(node=node, parent=parent, why=terms),
        _asked(node, "plan", rng),
        *rest[:-1],
        _asked(node, "diagnosis", rng),
        ev.Diagnosed(node=node, text=_text(180, rng)),
        insight,
    ]


def _asked(node: str, purpose: ev.Purpose, rng: random.Random) -> ev.Asked:
    return ev.Asked(
        call=f"{node}/{purpose}/0",
        node=node,
        purpose=purpose,
        attempt=0,
        model="qwen2.5-coder-1.5b",
        prompt=_text(rng.randrange(3000, 4500), rng),
        answer=_text(400, rng),
        seconds=rng.uniform(5, 15),
        prompt_tokens=1000,
        answer_tokens=120,
    )


def _text(length: int, rng: random.Random) -> str:
    """Lines of words, about `length` characters, with the quotes and breaks of a real prompt."""
    line = " ".join(rng.choices(WORDS, k=12))
    return "\n".join(f'- "{line}"' for _ in range(max(1, length // (len(line) + 5))))
