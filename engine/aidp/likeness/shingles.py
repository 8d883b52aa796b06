"""Texts as sets of shingles: overlapping runs of characters or words, each a number, many texts at once.

The numbers are the same in every process and version of Python. Hashing is done on whole batches in numpy: a run's
number is a polynomial of its characters (or of its words' hashes), mixed so that all bits are good.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np

from engine.aidp.text import number, words

Unit = Literal["characters", "words"]
Numbers = np.ndarray[Any, np.dtype[np.uint64]]
Places = np.ndarray[Any, np.dtype[np.int64]]

BITS = 40  # of a shingle's number; two different ones of a pair of rows are equal once in 10**8 pairs
BATCH = 2_000  # texts; no more than 2 ** (64 - BITS)
_FACTOR, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


class Shingles(NamedTuple):
    """Those of text `n` are `numbers[starts[n]:starts[n + 1]]`, rising."""

    numbers: Numbers
    starts: Places


def shingles(texts: Sequence[str], unit: Unit, size: int) -> Shingles:
    """Of at most BATCH texts. Runs of `size` words, or of `size` characters of the words with a blank around each.

    A shorter text is one run; a text without words has none.
    """
    units, lengths = _characters(texts, size) if unit == "characters" else _padded(texts, size)
    begins = starts_of_runs(lengths, size)
    owners = np.repeat(np.arange(len(texts), dtype=np.uint64), np.maximum(lengths - size + 1, 0))
    keys = np.sort((owners << np.uint64(BITS)) | hashed(units, begins, size))
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys
    starts = np.searchsorted(keys, np.arange(len(texts) + 1, dtype=np.uint64) << np.uint64(BITS))
    return Shingles(keys & np.uint64(2**BITS - 1), starts.astype(np.int64))


def starts_of_runs(lengths: Places, size: int) -> Places:
    """Where runs of `size` begin in texts of these lengths, laid end to end."""
    runs = np.maximum(lengths - size + 1, 0)
    begins: Places = np.arange(runs.sum()) + np.repeat(np.cumsum(lengths - runs) - (lengths - runs), runs)
    return begins


def hashed(units: Numbers, begins: Places, size: int) -> Numbers:
    """The numbers of the runs of `size` units that begin at these places."""
    found = np.zeros(len(begins), np.uint64)
    for at in range(size):
        found = found * _FACTOR + units[begins + at]
    return ((found ^ (found >> np.uint64(31))) * _MIX) >> np.uint64(64 - BITS)


def numbered(found: Sequence[Sequence[str]]) -> tuple[Numbers, Places]:
    """A number for every word, texts laid end to end, and the lengths of the texts in words."""
    numbers = np.fromiter(map(number, chain.from_iterable(found)), dtype=np.uint64)
    return numbers, np.array([len(own) for own in found], dtype=np.int64)


def _characters(texts: Sequence[str], size: int) -> tuple[Numbers, Places]:
    spelt = [f" {' '.join(found)} ".ljust(size) if (found := words(text)) else "" for text in texts]
    codes = np.frombuffer("".join(spelt).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return codes.astype(np.uint64), np.array([len(text) for text in spelt], dtype=np.int64)


def _padded(texts: Sequence[str], size: int) -> tuple[Numbers, Places]:
    return numbered([own + [""] * (size - len(own)) if own else own for own in map(words, texts)])
