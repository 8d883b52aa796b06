"""What rows look like as a whole: labels, lengths, duplicates, empty ones. One pass, in memory that hardly grows.

Pure, and light: rows come as mappings from wherever. Not a task's splits (`engine.taskdata.profile`).
"""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from engine.aidp.text import digest, normalise, spaced

if TYPE_CHECKING:
    import numpy as np

ANSWERS = 20  # different answers that are named
EXAMPLES = 5
LONGEST = 400  # characters of an example
NAME = 60  # characters by which an answer is named
BUCKETS = 32
NAMES = 100_000  # different answers of which the beginnings are kept


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
    `conflicting`: those of them with another answer than the first has. `languages`: prompts in each, the most frequent
    first, of `looked_at` that were drawn; none where nobody looked.
    """

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
    languages: tuple[tuple[str, int], ...] = ()
    looked_at: int = 0


def profile(rows: Iterable[Mapping[str, str]]) -> Profile:
    """The profile of rows with `prompt` and `answer`; in about 40 bytes of memory a row, while they are sorted."""
    characters, words, answer_characters = array("I"), array("I"), array("I")
    prompts, answers = array("Q"), array("Q")
    names = _Names()
    examples: list[Example] = []
    empty = 0
    for row in rows:
        prompt, answer = row["prompt"], row["answer"]
        characters.append(len(prompt))
        words.append(spaced(prompt))
        answer_characters.append(len(answer))
        empty += not prompt.strip() or not answer.strip()
        prompts.append(_number(normalise(prompt)))
        answers.append(said := _number(answer))
        names.see(said, answer)
        if len(examples) < EXAMPLES:
            examples.append(Example(str(row.get("id", "")), prompt[:LONGEST], answer[:LONGEST]))
    duplicates, conflicting = _repeats(prompts, answers)
    counted, different = _most_frequent(answers, names.known)
    return Profile(
        rows=len(characters),
        empty=empty,
        duplicates=duplicates,
        conflicting=conflicting,
        answers=counted,
        different_answers=different,
        characters=lengths(characters),
        words=lengths(words),
        answer_characters=lengths(answer_characters),
        examples=tuple(examples),
    )


class _Names:
    """How answers begin, by their numbers. Of very many the frequent ones are kept: those seen most often so far."""

    def __init__(self) -> None:
        self.known: dict[int, str] = {}
        self._seen: Counter[int] = Counter()

    def see(self, answer: int, text: str) -> None:
        self._seen[answer] += 1
        if answer not in self.known:
            self.known[answer] = text[:NAME]
            if len(self.known) > NAMES:
                self._seen = Counter(dict(self._seen.most_common(NAMES // 2)))
                self.known = {name: self.known[name] for name in self._seen}


def _number(text: str) -> int:
    return int.from_bytes(digest(text), "little")


def _repeats(prompts: array[int], answers: array[int]) -> tuple[int, int]:
    """Rows whose prompt came before, and those of them whose answer is not the first one's."""
    if not prompts:
        return 0, 0
    import numpy as np

    values, said = np.frombuffer(prompts, dtype=np.uint64), np.frombuffer(answers, dtype=np.uint64)
    order = np.argsort(values, kind="stable")
    ordered, given = values[order], said[order]
    begins = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    first = np.maximum.accumulate(np.where(begins, np.arange(len(ordered)), 0))
    return int((~begins).sum()), int((given != given[first]).sum())


def _most_frequent(answers: array[int], names: Mapping[int, str]) -> tuple[tuple[tuple[str, int], ...], int]:
    """The answers that are named with their counts, the most frequent first and of equal ones the earlier; how many
    different ones there are."""
    if not answers:
        return (), 0
    import numpy as np

    values, firsts, counts = np.unique(np.frombuffer(answers, dtype=np.uint64), return_index=True, return_counts=True)
    best = np.lexsort((firsts, -counts))[:ANSWERS]
    told = tuple((names[int(values[at])], int(counts[at])) for at in best if int(values[at]) in names)
    return told, len(values)


class Drawn:
    """A few of very many rows, each with the same chance; the same ones every time."""

    def __init__(self, size: int) -> None:
        self.rows: list[Mapping[str, str]] = []
        self._size, self._rng, self._met = size, random.Random(0), 0

    def of(self, rows: Iterable[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
        """The rows as they come; those that are drawn stay in `rows`."""
        for row in rows:
            self._met += 1
            if len(self.rows) < self._size:
                self.rows.append(row)
            elif (place := self._rng.randrange(self._met)) < self._size:
                self.rows[place] = row
            yield row


def lengths(found: Sequence[int]) -> Lengths:
    """The spread of these lengths; zeros where there are none."""
    if not found:
        return Lengths(least=0, median=0, p95=0, p99=0, most=0, histogram=())
    import numpy as np

    ordered = np.sort(np.asarray(found, dtype=np.int64))
    least, p99 = int(ordered[0]), _at(ordered, 0.99)
    buckets = np.minimum(BUCKETS - 1, (ordered - least) * BUCKETS // max(1, p99 - least))
    histogram = np.bincount(buckets, minlength=BUCKETS).tolist()
    return Lengths(
        least=least,
        median=_at(ordered, 0.5),
        p95=_at(ordered, 0.95),
        p99=p99,
        most=int(ordered[-1]),
        histogram=tuple(histogram),
    )


def _at(ordered: np.ndarray[Any, np.dtype[np.int64]], share: float) -> int:
    """The smallest length that so many texts do not exceed."""
    return int(ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(share * 100) // 100) - 1))])
