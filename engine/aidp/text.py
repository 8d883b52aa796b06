"""Text as the data operators see it: normalised prompts, words, word n-grams, filled templates.

Light and pure: shared by the engine (splitting, guards) and the data process (operators). No tokenizer here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b

VOCABULARY = 200_000  # words whose numbers are kept at hand

# A CJK character is a word of its own: those scripts put no space between words.
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
_ASCII_WORD = re.compile(r"\w+", re.ASCII)
_ACCENTS = re.compile(r"[\u0300-\u036f]+")
_SENTENCE = re.compile(r"[!?;\n\u3002\uff01\uff1f\uff1b\uff1a]+|[.:]+(?!\d)")
# `+` and `=` say something wherever they stand; a hyphen or a slash only between numbers.
_BETWEEN = re.compile(r"\d\s*[-/]\s*\d")
_SAID = re.compile(r"\w+|[+*=<>^]|(?<=\d)\s*[-/]\s*(?=\d)")
_UNSAID = {code: None for code in range(128) if not re.match(r"[\w+*=<>^]", chr(code))}
_PART = re.compile(r"\{\{|\}\}|\{(\w[\w .\-]*)\}")


def normalise(text: str) -> str:
    """Equal for texts that differ only in case, white space or Unicode form."""
    if text.isascii():  # Unicode has nothing to say about it, at a third of the time
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def plain(text: str) -> str:
    """Without case, accents and the blank that some data sets write into `is n't`."""
    if text.isascii():
        low = text.lower()
    else:
        apart = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
        low = unicodedata.normalize("NFKC", _ACCENTS.sub("", apart))
    return low.replace(" n't", "n't") if "n't" in low else low


def words(text: str) -> list[str]:
    """Words without case, accents and punctuation: `It's GOOD.` -> ['it', 's', 'good']."""
    return split(plain(text))


def split(text: str) -> list[str]:
    """The words of a text that is `plain` already."""
    return _ASCII_WORD.findall(text) if text.isascii() else _WORD.findall(text)


def sentences(text: str) -> list[str]:
    """What stands between the ends of sentences, colons and lines. `Mr. Smith` is cut too."""
    return _SENTENCE.split(text)


def letters(text: str) -> str:
    """Equal for texts that say the same letters, digits and mathematical signs, however spaced and pointed.

    Where there is none of these, the normalised text.
    """
    low = plain(text)
    if low.isascii() and not _BETWEEN.search(low):
        return low.translate(_UNSAID) or normalise(text)
    return "".join("".join(_SAID.findall(low)).split()) or normalise(text)


def ngrams(text: str, size: int) -> Iterator[bytes]:
    """An 8-byte hash of every run of `size` words, in order; nothing where the text is shorter."""
    found = words(text)
    for start in range(len(found) - size + 1):
        yield digest(" ".join(found[start : start + size]))


def digest(text: str) -> bytes:
    """8 bytes that name a text and do not give it away."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


@lru_cache(VOCABULARY)
def number(word: str) -> int:
    """The same 8 bytes as a number; words come again and again."""
    return int.from_bytes(digest(word), "big")


def placeholders(template: str) -> list[str]:
    """Columns named in single braces: `Review: {text}` -> ['text']. `{{` and `}}` stand for braces."""
    return [part[1] for part in _PART.finditer(template) if part[1]]


def fill(template: str, row: Mapping[str, str]) -> str:
    """`template` with every `{column}` replaced by the row's value. Raises KeyError for a column the row lacks."""

    def value(part: re.Match[str]) -> str:
        return row[part[1]] if part[1] else part[0][0]

    return _PART.sub(value, template)
