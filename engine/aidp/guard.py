"""The question a recipe may ask about held-out rows: does this row overlap one of them?

Asked for every row that comes out of a recipe, so most answers must come quickly. A *sieve* holds 24 bits for each run
of words: the exclusive or of its words' own 24 bits, whatever their order. That is computed for all runs of a row at
once; only what is in the sieve is hashed properly. 24 bits are too few to get words back from.

What counts as an overlap is written in `engine.aidp.guards`, which also makes and keeps the hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from itertools import accumulate, compress, count, repeat
from operator import xor
from typing import TYPE_CHECKING, NamedTuple

from engine.aidp.text import VOCABULARY, digest, letters, number, plain, sentences, split

if TYPE_CHECKING:
    from engine.aidp.meaning import Meanings

ENOUGH = 0.1  # of a held-out row's n-grams: one for a sentence; long dialogues share a run or two by chance
SENTENCE = 3  # words of the shortest held-out text that is looked for inside a row; shorter ones are everywhere
LONGEST = 40  # words of the longest text that is compared as a whole; longer ones have runs of words to spare
NEAR = 24  # letters and words together (six short words, twelve CJK characters) for "the same words but one"
NEAR_WORDS = 5  # of them, at least: of four words, one changed, another thing is said
WIDTH, NARROW = 8, 3  # bytes of a hash, and of one in a sieve
DENSE = 200_000  # entries of a sieve above which a set of them takes more memory
LINES = 2_000  # lines that are kept at hand


class _Part(NamedTuple):
    """A line or a sentence. `held`: part of it is a held-out row's."""

    text: str
    words: list[str]
    held: bool = False


class Guard:
    """The question. `prompts`: hashes of whole texts, joined; without the others: equal texts only."""

    def __init__(self, prompts: bytes, index: Index | None = None, meanings: Meanings | None = None) -> None:
        self._prompts, self._index, self._meanings = frozenset(cut(prompts, WIDTH)), index, meanings

    def overlaps(self, row: Mapping[str, str]) -> bool:
        """Whether the row's prompt or its answer (if it has one) says what a held-out row says, as a whole or in part,
        or both together do. What it means is asked of the prompt."""
        prompt, answer = row["prompt"], row.get("answer", "")
        if digest(letters(prompt)) in self._prompts or (answer and digest(letters(answer)) in self._prompts):
            return True
        whole = f"{prompt}\n{answer}" if answer else prompt
        if self._index is not None and self._index.finds(whole, self._prompts):
            return True
        return self._meanings is not None and self._meanings.near(prompt)


class Index:
    """Held-out rows by what may be found of them inside another row. Arguments: fields of `guards.Guards`."""

    def __init__(self, ngram: int, rows: Sequence[bytes], sieve: bytes, bags: bytes, bags_sieve: bytes) -> None:
        import numpy as np  # here: who makes guards does without

        self._ngram = ngram
        self._lines: dict[str, _Part] = {}
        self._sieve, self._bags_sieve = _opened(sieve), _opened(bags_sieve)
        self._bags = frozenset(cut(bags, WIDTH))
        sizes = np.array([len(row) // WIDTH for row in rows], dtype=np.int64)
        self._enough = np.maximum(1, np.ceil(sizes * ENOUGH - 1e-9)).astype(np.int64)
        grams = np.frombuffer(b"".join(rows), dtype=">u8").astype(np.uint64)
        order = np.argsort(grams, kind="stable")
        self._grams, self._owners = grams[order], np.repeat(np.arange(len(rows)), sizes)[order]

    def finds(self, text: str, prompts: Collection[bytes]) -> bool:
        """Whether a part of the text is a held-out row's. `prompts`: hashes of whole held-out texts."""
        lines = [self._line(line, prompts) for line in plain(text).split("\n") if line]
        if any(line.held for line in lines):
            return True
        return self._shares([word for line in lines for word in line.words]) or self._says(lines, prompts, least=2)

    def _line(self, text: str, prompts: Collection[bytes]) -> _Part:
        """A line, looked at for sentences. A task's own wording is the same lines in every row: once is enough."""
        if (line := self._lines.get(text)) is None:
            parts = [_Part(part, found) for part in sentences(text) if (found := split(part))]
            line = _Part(text, [word for part in parts for word in part.words], self._says(parts, prompts))
            if len(self._lines) >= LINES:
                self._lines.clear()
            self._lines[text] = line
        return line

    def _shares(self, found: list[str]) -> bool:
        """Enough runs of words of one held-out row."""
        before = list(accumulate(map(bits, found), xor, initial=0))
        runs = map(self._sieve, map(xor, before, before[self._ngram :]))
        grams = {digest(" ".join(found[start : start + self._ngram])) for start in compress(count(), runs)}
        return bool(grams) and self._owned(grams)

    def _owned(self, grams: Collection[bytes]) -> bool:
        import numpy as np

        asked = np.frombuffer(b"".join(grams), dtype=">u8").astype(np.uint64)
        first, last = (np.searchsorted(self._grams, asked, side) for side in ("left", "right"))
        owners = [self._owners[at:end] for at, end in zip(first, last, strict=True) if at < end]
        if not owners:
            return False
        shared, times = np.unique(np.concatenate(owners), return_counts=True)
        return bool((times >= self._enough[shared]).any())

    def _says(self, parts: Sequence[_Part], prompts: Collection[bytes], least: int = 1) -> bool:
        """Whether `least` or more parts in a row are a held-out text, or all its words but one."""
        known = self._bags_sieve
        for start in range(len(parts)):
            own: list[int] = []
            for end in range(start, len(parts)):
                own += map(bits, parts[end].words)
                if len(own) > LONGEST + 1:
                    break
                if end - start < least - 1 or len(own) < SENTENCE:
                    continue
                whole = reduce(xor, own, 0)
                without = [*compress(count(), map(known, map(xor, own, repeat(whole))))]
                if (without or known(whole)) and self._is_one(parts[start : end + 1], without, prompts):
                    return True
        return False

    def _is_one(self, parts: Sequence[_Part], without: Sequence[int], prompts: Collection[bytes]) -> bool:
        """The same, by proper hashes. `without`: places of the words that may be the one."""
        if digest(letters(" ".join(part.text for part in parts))) in prompts:
            return True
        return not self._bags.isdisjoint(bags([word for part in parts for word in part.words], without))


def near_enough(own: Sequence[str]) -> bool:
    """Whether a text with these words is still the same text when one of them is another."""
    return len(own) >= NEAR_WORDS and len(own) + sum(map(len, own)) >= NEAR


def bags(found: Sequence[str], without: Iterable[int]) -> Iterator[bytes]:
    """Hashes of the words in any order: of all, and of all but the one at each of these places. Numbers stay in."""
    whole = sum(map(number, found))
    yield _hashed(whole)
    for place in without:
        if found[place].isalpha():
            yield _hashed(whole - number(found[place]))


def _hashed(total: int) -> bytes:
    return digest(f"{total % 2**64:x}")


def sieved_bags(found: Sequence[str], spare: bool) -> Iterator[bytes]:
    """Sieve entries of the same. `spare`: also of all but each one."""
    own = [bits(word) for word in found]
    whole = reduce(xor, own, 0)
    yield whole.to_bytes(NARROW, "big")
    for one in own if spare else ():
        yield (whole ^ one).to_bytes(NARROW, "big")


def sieved(run: Sequence[str]) -> bytes:
    """The sieve entry of a run of words."""
    return reduce(xor, map(bits, run), 0).to_bytes(NARROW, "big")


@lru_cache(VOCABULARY)
def bits(word: str) -> int:
    """What a word gives to the sieve."""
    return number(word) >> 8 * (WIDTH - NARROW)


def cut(joined: bytes, width: int) -> Iterable[bytes]:
    """Hashes apart."""
    return (joined[at : at + width] for at in range(0, len(joined), width))


def _opened(sieve: bytes) -> Callable[[int], object]:
    """Whether an entry is in the sieve, as something true or false."""
    entries = (int.from_bytes(entry, "big") for entry in cut(sieve, NARROW))
    if len(sieve) // NARROW < DENSE:
        return frozenset(entries).__contains__
    there = bytearray(2 ** (8 * NARROW))
    for entry in entries:
        there[entry] = 1
    return there.__getitem__
