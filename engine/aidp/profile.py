"""What rows look like as a whole: labels, lengths, duplicates, empty ones. One pass, in memory that hardly grows.

Pure, and light: rows come as mappings from wherever. Not a task's splits (`engine.taskdata.profile`).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from engine.aidp.text import digest, normalise

ANSWERS = 20  # different answers that are named
EXAMPLES = 5
LONGEST = 400  # characters of an example
NAME = 60  # characters by which an answer is named
BUCKETS = 32


class Lengths(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long texts are. `histogram`: texts per bucket, equally wide from `least` to `p99`; the longer in the last."""

    least: int
    median: int
    p95: int
    p99: int
    most: int
    histogram: tuple[int, ...]


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row, its texts cut."""

    id: str
    prompt: str
    answer: str


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that is said of some rows. `duplicates`: rows whose prompt came before, apart from case and white space;
    `conflicting`: those of them with another answer than the first has."""

    rows: int
    empty: int
    duplicates: int
    conflicting: int
    answers: tuple[tuple[str, int], ...]  # the most frequent first
    different_answers: int
    characters: Lengths
    words: Lengths
    answer_characters: Lengths
    examples: tuple[Example, ...]


def profile(rows: Iterable[Mapping[str, str]]) -> Profile:
    """The profile of rows with `prompt` and `answer`; in about 500 bytes of memory a row."""
    characters, words, answer_characters = array("I"), array("I"), array("I")
    first: dict[bytes, bytes] = {}
    answers: Counter[bytes] = Counter()
    names: dict[bytes, str] = {}
    examples: list[Example] = []
    empty = duplicates = conflicting = 0
    for row in rows:
        prompt, answer = row["prompt"], row["answer"]
        characters.append(len(prompt))
        words.append(len(prompt.split()))
        answer_characters.append(len(answer))
        empty += not prompt.strip() or not answer.strip()
        key, said = digest(normalise(prompt)), digest(answer)
        if (before := first.get(key)) is None:
            first[key] = said
        else:
            duplicates += 1
            conflicting += before != said
        answers[said] += 1
        names.setdefault(said, answer[:NAME])
        if len(examples) < EXAMPLES:
            examples.append(Example(str(row.get("id", "")), prompt[:LONGEST], answer[:LONGEST]))
    return Profile(
        rows=len(characters),
        empty=empty,
        duplicates=duplicates,
        conflicting=conflicting,
        answers=tuple((names[key], count) for key, count in answers.most_common(ANSWERS)),
        different_answers=len(answers),
        characters=lengths(characters),
        words=lengths(words),
        answer_characters=lengths(answer_characters),
        examples=tuple(examples),
    )


def lengths(found: Sequence[int]) -> Lengths:
    """The spread of these lengths; zeros where there are none."""
    if not found:
        return Lengths(least=0, median=0, p95=0, p99=0, most=0, histogram=())
    ordered = array("I", sorted(found))
    least, p99 = ordered[0], _at(ordered, 0.99)
    histogram = [0] * BUCKETS
    span = max(1, p99 - least)
    for length in ordered:
        histogram[min(BUCKETS - 1, (length - least) * BUCKETS // span)] += 1
    return Lengths(
        least=least,
        median=_at(ordered, 0.5),
        p95=_at(ordered, 0.95),
        p99=p99,
        most=ordered[-1],
        histogram=tuple(histogram),
    )


def _at(ordered: Sequence[int], share: float) -> int:
    """The smallest length that so many texts do not exceed."""
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(share * 100) // 100) - 1))]
