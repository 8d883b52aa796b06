"""Multiple choice: a question, choices in a list or in columns, and which of them is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_uppercase
from typing import Any, NamedTuple

from engine.aidp.layouts.kinds import Columns, Fit, Options, Pair, decoded, named

QUESTIONS = (
    "question",
    "query",
    "question_stem",
    "stem",
    "problem",
    "prompt",
    "ctx",
    "sentence",
    "instruction",
    "input",
)
CHOICES = ("choices", "options", "endings", "answers", "alternatives")
RIGHT = ("answerkey", "answer_key", "answer_idx", "correct_answer", "answer", "label", "target", "gold", "correct")
_SETS = ("{}", "option_{}", "choice_{}", "option{}", "choice{}", "ending{}", "sol{}")
FEWEST, MOST = 2, len(ascii_uppercase)


class Choices(NamedTuple):
    """The choices' texts, and the names that they have in the file (A, B; 1, 2)."""

    texts: list[str]
    names: list[str]


def multiple_choice(columns: Sequence[str], sample: Sequence[Columns], options: Options) -> Fit | None:
    """What the answer is (a name, a number from 0 or from 1, the text) is decided once for the whole file."""
    read, where = _reader(columns)
    used = {*where}
    question = named([column for column in columns if column not in used], QUESTIONS)
    right = named([column for column in columns if column not in used and column != question], RIGHT)
    if not where or not question or not right:
        return None
    seen = [(choices, (row.get(right) or "").strip()) for row in sample if (choices := read(row))]
    if sample and not seen:
        return None
    way, shown, sure = _way(seen)

    def convert(row: Columns) -> Pair | str:
        choices = read(row)
        if choices is None:
            return "no choices in it"
        if not (row[question] or "").strip():
            return "the question is empty"
        at = way(choices, (row[right] or "").strip())
        if at is None:
            return f"`{right}` names none of the {len(choices.texts)} choices"
        listed = "\n".join(f"{letter}. {text}" for letter, text in zip(ascii_uppercase, choices.texts, strict=False))
        return f"{row[question]}\n\n{listed}", ascii_uppercase[at] if options.choice == "letter" else choices.texts[at]

    return Fit(convert, f"`{question}` with the choices in {_listed(where)}; `{right}` {shown}", sure)


def _listed(columns: Sequence[str]) -> str:
    return f"`{columns[0]}`" if len(columns) == 1 else f"`{columns[0]}` to `{columns[-1]}`"


def _reader(columns: Sequence[str]) -> tuple[Callable[[Columns], Choices | None], tuple[str, ...]]:
    """How a row's choices are read, and from which columns; none of them where there are no choices."""
    if listed := named(columns, CHOICES):
        return lambda row: _choices(decoded(row.get(listed))), (listed,)
    for pattern in _SETS:
        for names in (ascii_uppercase, "0123456789", "123456789"):
            found = []
            for name in names:
                if not (column := named(columns, (pattern.format(name).casefold(),))):
                    break
                found.append(column)
            if len(found) >= FEWEST:
                return lambda row, found=tuple(found), names=names: _of_columns(row, found, names), tuple(found)
    return lambda _row: None, ()


def _of_columns(row: Columns, columns: tuple[str, ...], names: str) -> Choices | None:
    """The columns that are filled: some questions have fewer choices than others."""
    texts = [text for column in columns if (text := (row.get(column) or "").strip())]
    return Choices(texts, list(names[: len(texts)])) if len(texts) >= FEWEST else None


def _choices(value: Any) -> Choices | None:
    """Of a list of texts, {"text": [...], "label": [...]}, {"A": "..."}, or [{"label": "A", "text": "..."}]."""
    texts: Any
    names: Any = []
    if isinstance(value, dict):
        texts = value.get("text", value.get("texts"))
        names = value.get("label", value.get("labels", []))
        if texts is None:
            texts, names = list(value.values()), list(value)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        texts = [item.get("text", item.get("content")) for item in value]
        names = [item.get("label", item.get("key")) for item in value]
    else:
        texts = value
    if not isinstance(texts, list) or not FEWEST <= len(texts) <= MOST:
        return None
    if not all(isinstance(text, str | int | float) for text in texts):
        return None
    fitting = isinstance(names, list) and len(names) == len(texts) and all(isinstance(n, str | int) for n in names)
    return Choices([str(text) for text in texts], [str(n) for n in names] if fitting else [])


Way = Callable[[Choices, str], int | None]
"""From choices and what stands for the right one to its place."""


def _way(seen: Sequence[tuple[Choices, str]]) -> tuple[Way, str, bool]:
    """The way that most rows allow, and whether no other does as well. Of equal ones the first: numbers from 0."""
    ways: tuple[tuple[Way, str], ...] = (
        (_by_name, "is the letter or name of the right one"),
        (_by_text, "is the text of the right one"),
        (_by_number, "counts them from 0"),
        (lambda choices, right: _by_number(choices, right, 1), "counts them from 1"),
    )
    counts = [sum(way(choices, right) is not None for choices, right in seen) for way, _ in ways]
    best = counts.index(max(counts))
    unclear = bool(seen) and best == 2 and counts[2] == counts[3]
    return *ways[best], not unclear


def _by_name(choices: Choices, right: str) -> int | None:
    if choices.names and right in choices.names:
        return choices.names.index(right)
    letter = right.strip("()[]. ").upper()
    return at if len(letter) == 1 and 0 <= (at := ascii_uppercase.find(letter)) < len(choices.texts) else None


def _by_text(choices: Choices, right: str) -> int | None:
    texts = [" ".join(text.split()).casefold() for text in choices.texts]
    wanted = " ".join(right.split()).casefold()
    return texts.index(wanted) if wanted in texts else None


def _by_number(choices: Choices, right: str, first: int = 0) -> int | None:
    at = int(right) - first if right.isascii() and right.isdigit() and len(right) < 4 else -1
    return at if 0 <= at < len(choices.texts) else None
