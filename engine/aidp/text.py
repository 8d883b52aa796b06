"""Text as the data operators see it: normalised prompts, words, word n-grams, filled templates.

Light and pure: shared by the engine (splitting, guards) and the data process (operators). No tokenizer here.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b

VOCABULARY = 200_000  # words whose numbers are kept at hand

# A CJK character is a word of its own: those scripts put no space between words.
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")
_ASCII_WORD = re.compile(r"[a-z0-9]+", re.IGNORECASE | re.ASCII)
_SPACED = re.compile(rf"[{_CJK}]|[^\s{_CJK}]+")
_MARKS = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]{0,200})?/?>|\*\*|^>+ ", re.MULTILINE)  # of HTML and Markdown
_LOOKS = str.maketrans(  # letters of other scripts that look like Latin ones, and small capitals
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d"
    "\u03bf\u03b1\u03bd\u03c1\u03c4\u03c5\u03b9\u03ba"
    "\u1d00\u0299\u1d04\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b\u029f\u1d0d\u0274\u1d0f\u1d18\u0280\ua731\u1d1b\u1d1c\u1d20\u1d21\u028f\u1d22",
    "aeopcyxijshdqwoavptuikabcdefghijklmnoprstuvwyz",
)
_ACCENTS = re.compile(r"[\u0300-\u036f]+")
_SENTENCE = re.compile(r"[!?;\n\u3002\uff01\uff1f\uff1b\uff1a]+|[.:]+(?!\d)")
# `+` and `=` say something wherever they stand; a hyphen or a slash only between numbers.
_BETWEEN = re.compile(r"\d\s*[-/]\s*\d")
_SAID = re.compile(r"[^\W_]+|[+*=<>^]|(?<=\d)\s*[-/]\s*(?=\d)")
_UNSAID = {code: None for code in range(128) if not re.match(r"[^\W_]|[+*=<>^]", chr(code))}
_PART = re.compile(r"\{\{|\}\}|\{(\w[\w .\-]*)\}")


def normalise(text: str) -> str:
    """Equal for texts that differ only in case, white space or Unicode form."""
    if text.isascii():  # Unicode has nothing to say about it, at a third of the time
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def plain(text: str) -> str:
    """Without case, accents, marks of HTML and Markdown, letters that only look like others, and the blank that some
    data sets write into `is n't`."""
    if "&" in text:
        text = html.unescape(text)
    if "<" in text or ">" in text or "**" in text:
        text = _MARKS.sub("", text)
    if text.isascii():
        low = text.lower()
    else:
        apart = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
        low = unicodedata.normalize("NFKC", _ACCENTS.sub("", apart)).translate(_LOOKS)
    return low.replace(" n't", "n't") if "n't" in low else low


def words(text: str) -> list[str]:
    """Words without case, accents and punctuation: `It's GOOD.` -> ['it', 's', 'good']."""
    return split(plain(text))


def split(text: str) -> list[str]:
    """The words of a text that is `plain` already."""
    return _ASCII_WORD.findall(text) if text.isascii() else _WORD.findall(text)


def spaced(text: str) -> int:
    """How many words there are between white space; a CJK character is one."""
    return len(text.split()) if text.isascii() else len(_SPACED.findall(text))


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
