"""Models that are no models: for tests of what operators make of answers, not of the answers."""

from __future__ import annotations

from typing import Any


class WordTokens:
    """A token is what white space separates."""

    name = "words"

    def count(self, texts: Any) -> list[int]:
        return [len(text.split()) for text in texts]


class LengthLosses:
    """An answer's loss is its length in letters, and a tenth for each of the prompt's; no answer of more than nine can
    be read."""

    name = "lengths"

    def losses(self, pairs: Any, progress: Any = None) -> list[float]:
        return [len(answer) + len(prompt) / 10 if len(answer) < 10 else float("nan") for prompt, answer in pairs]
