"""Text as the data operators see it: normalised prompts, words, word n-grams, filled templates.

Light and pure: shared by the engine (splitting, guards) and the data process (operators). No tokenizer here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from hashlib import blake2b

# A CJK character is a word of its own: those scripts put no space between words.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)
_PART = re.compile(r"\{\{|\}\}|\{(\w[\w .\-]*)\}")


def normalise(text: str) -> str:
    """Equal for texts that differ only in case, white space or Unicode form."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """Words without case and punctuation: `It's GOOD.` -> ['it', 's', 'good']."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def ngrams(text: str, size: int) -> Iterator[bytes]:
    """An 8-byte hash of every run of `size` words, in order; nothing where the text is shorter."""
    found = words(text)
    for start in range(len(found) - size + 1):
        yield digest(" ".join(found[start : start + size]))


def digest(text: str) -> bytes:
    """8 bytes that name a text and do not give it away."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def placeholders(template: str) -> list[str]:
    """Columns named in single braces: `Review: {text}` -> ['text']. `{{` and `}}` stand for braces."""
    return [part[1] for part in _PART.finditer(template) if part[1]]


def fill(template: str, row: Mapping[str, str]) -> str:
    """`template` with every `{column}` replaced by the row's value. Raises KeyError for a column the row lacks."""

    def value(part: re.Match[str]) -> str:
        return row[part[1]] if part[1] else part[0][0]

    return _PART.sub(value, template)
