"""Rows written like an earlier one: MinHash signatures and LSH buckets find candidates, exact Jaccard decides.

Signatures can overlook a pair (`bands` says how rarely), not invent one. Memory: 8 bytes for each band and row, a byte
for each hash of a signature, and the shingles of rows that stay and share a bucket with another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from rensa import RMinHash

from engine.aidp.likeness.shingles import BATCH, Places, Shingles, Unit, shingles
from engine.aidp.likeness.wording import Repeat, without

SEED = 1  # of the signatures; another one overlooks other pairs
CAUGHT = 0.98  # of the pairs that are just alike enough; of those more alike nearly all
MANY = 16  # candidates from which on it pays to look at signatures first
CLEAR = 4  # standard deviations of a signature's estimate that tell a pair apart without counting
_SPREAD, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)

Buckets = np.ndarray[Any, np.dtype[np.int32]]
Sketches = np.ndarray[Any, np.dtype[np.uint8]]  # the low byte of each hash of a signature, shape (rows, hashes)


class Look(NamedTuple):
    """How rows are compared. `signature`: hashes of a signature."""

    unit: Unit
    size: int
    threshold: float
    signature: int

    def shingles(self, texts: Sequence[str], wording: frozenset[int]) -> Shingles:
        return shingles(without(texts, wording), self.unit, self.size)


def alike(
    texts: Sequence[str], look: Look, wording: frozenset[int], progress: Callable[[int, int], None]
) -> list[Repeat]:
    """Rows that are at least `threshold` alike to an earlier row that stays, each with the first such row."""
    buckets, sketches = _signed(texts, look, wording, progress)
    members: dict[int, list[int]] = {}
    kept: dict[int, frozenset[int]] = {}
    found: list[Repeat] = []
    for at, own in _sets(texts, look, wording, np.flatnonzero((buckets >= 0).any(axis=1))):
        mine = [bucket for bucket in buckets[at].tolist() if bucket >= 0]
        others = sorted({other for bucket in mine for other in members.get(bucket, ())})
        if len(others) >= MANY:
            others = _close(at, others, sketches, look.threshold)
        if (first := _first(own, others, kept, look.threshold)) is not None:
            found.append(Repeat(at, *first))
            continue
        kept[at] = own
        for bucket in mine:
            members.setdefault(bucket, []).append(at)
    return found


def _close(at: int, others: list[int], sketches: Sketches, least: float) -> list[int]:
    """Those of the others whose signatures leave it open whether they are alike enough."""
    places = np.array(others)
    equal = (sketches[places] == sketches[at]).mean(axis=1)
    spread = math.sqrt(least * (1 - least) / sketches.shape[1])
    return places[equal >= least - CLEAR * spread].tolist()  # type: ignore[no-any-return]


def _first(
    own: frozenset[int], others: list[int], kept: dict[int, frozenset[int]], least: float
) -> tuple[int, float] | None:
    for other in others:
        theirs = kept[other]
        both = len(own & theirs)
        if both >= least * (len(own) + len(theirs) - both):
            return other, both / (len(own) + len(theirs) - both)
    return None


def bands(threshold: float, signature: int) -> tuple[int, int]:
    """(bands, hashes of a band): the longest bands with which CAUGHT of the pairs at the threshold share one."""
    for wide in range(signature, 1, -1):
        if 1 - (1 - threshold**wide) ** (signature // wide) >= CAUGHT:
            return signature // wide, wide
    return signature, 1


def _signed(
    texts: Sequence[str], look: Look, wording: frozenset[int], progress: Callable[[int, int], None]
) -> tuple[Buckets, Sketches]:
    """For every row and band the number of its bucket, -1 where it is alone there or has no shingle; and sketches."""
    many, wide = bands(look.threshold, look.signature)
    keys = np.zeros((len(texts), many), np.uint64)
    bare = np.zeros(len(texts), np.bool_)
    sketches = np.zeros((len(texts), look.signature), np.uint8)
    for at in range(0, len(texts), BATCH):
        progress(at, len(texts))
        found = look.shingles(texts[at : at + BATCH], wording)
        signed = RMinHash.digest_matrix_from_flat_token_hashes(
            found.numbers * _SPREAD, found.starts.astype(np.uint64), look.signature, SEED
        )
        signatures = np.array(signed.to_rows(), dtype=np.uint64).reshape(-1, look.signature)
        bare[at : at + BATCH] = np.diff(found.starts) == 0
        sketches[at : at + BATCH] = signatures.astype(np.uint8)
        for band in range(many):
            keys[at : at + BATCH, band] = _key(signatures[:, band * wide : (band + 1) * wide])
    return _numbered(keys, bare), sketches


def _key(signatures: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    key = np.zeros(len(signatures), np.uint64)
    for part in signatures.T:
        key = (key ^ part) * _MIX
        key ^= key >> np.uint64(29)
    return key


def _numbered(keys: np.ndarray[Any, np.dtype[np.uint64]], bare: np.ndarray[Any, np.dtype[np.bool_]]) -> Buckets:
    buckets = np.full(keys.shape, -1, np.int32)
    used = 0
    for band in range(keys.shape[1]):
        _, place, rows = np.unique(keys[:, band], return_inverse=True, return_counts=True)
        shared = rows > 1
        numbers = np.where(shared, np.cumsum(shared) - 1 + used, -1)
        buckets[:, band] = np.where(bare, -1, numbers[place])
        used += int(shared.sum())
    return buckets


def _sets(
    texts: Sequence[str], look: Look, wording: frozenset[int], places: Places
) -> Iterator[tuple[int, frozenset[int]]]:
    """The shingles of the rows at these places, one row after the other."""
    left = iter(places.tolist())
    while batch := list(islice(left, BATCH)):
        numbers, starts = look.shingles([texts[at] for at in batch], wording)
        for n, at in enumerate(batch):
            yield at, frozenset(numbers[starts[n] : starts[n + 1]].tolist())
