"""Patterns that nobody vouches for: compiled and searched within limits.

A recipe may come from a model or a stranger. A pattern can be made that takes gigabytes to compile, or longer than
anybody waits to search; both end in one sentence.
"""

from __future__ import annotations

import math
import re
import time

import regex

from engine.errors import IdeaFailure

UNROLLED = 100_000  # times that something may have to be repeated; the compiler writes out what `{1000}` repeats
_LEAST = re.compile(r"\{(\d+)")

SPARE = 1.0  # seconds that the searches may take in all,
EACH = 0.002  # plus so many for each text


class Matcher:
    """A pattern, and the time that is left for searching with it. Raises IdeaFailure for one that does not compile."""

    def __init__(self, pattern: str, *, ignore_case: bool = False) -> None:
        self._shown = pattern if len(pattern) <= 60 else f"{pattern[:60]}..."
        if math.prod(max(1, int(least)) for least in _LEAST.findall(pattern)) > UNROLLED:
            raise self._failure("repeats too much", "write smaller numbers in its braces")
        try:
            self._found = regex.compile(pattern, regex.IGNORECASE if ignore_case else 0).search
        except Exception as error:  # whatever its parser stumbles over: a stranger wrote the pattern
            said = " ".join(str(error).split()) or type(error).__name__
            raise self._failure(f"is not a pattern: {said}", "mend it") from None
        self._left = SPARE

    def __call__(self, text: str) -> bool:
        """Whether the pattern is found anywhere. Raises IdeaFailure where the time is up."""
        began = time.perf_counter()
        try:
            found = self._found(text, timeout=self._left) is not None
        except (TimeoutError, MemoryError, RecursionError):
            raise self._failure("takes too long to search", "write it without nested repeats") from None
        self._left = min(SPARE, self._left + EACH - (time.perf_counter() - began))
        if self._left <= 0:
            raise self._failure("takes too long to search", "write it without nested repeats")
        return found

    def _failure(self, what: str, hint: str) -> IdeaFailure:
        return IdeaFailure(f"`{self._shown}` {what}", where="filter_regex", hint=hint)
