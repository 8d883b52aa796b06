"""The languages of texts, as py3langid finds them. Only data processes get here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from engine.aidp.operators.filters_text import language, letters

ENOUGH = 30  # letters below which a text is too short to tell
SHORT = "too short"
LONGEST = 2_000  # characters that are looked at


def languages(texts: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Texts in each language (ISO 639-1), the most frequent first."""
    found = Counter(language(text[:LONGEST]) if letters(text) >= ENOUGH else SHORT for text in texts)
    return tuple(found.most_common())
