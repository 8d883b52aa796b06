"""The language of the tree's filter: text to terms and back. Pure; what a term means for a node is in `match`.

    score>0.6 state:failed          both: blank means AND
    lr<1e-4 OR (rank=16 NOT has:insight)
    shuffle "two words"             words that stand anywhere in what is known of a node

Names are known ones; a value may be shortened (`state:run`). Whatever is typed, only QueryError is raised.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import BadInput

LONGEST = 400  # characters
DEEPEST = 20  # brackets and NOTs inside each other

KNOBS = {
    "lr": "learning_rate",
    "rank": "lora_rank",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "epochs": "epochs",
    "steps": "max_steps",
    "batch": "batch_size",
    "accumulation": "gradient_accumulation",
    "warmup": "warmup_ratio",
    "decay": "weight_decay",
    "neftune": "neftune_noise",
    "length": "max_length",
    "rows": "rows",
}
"""Short names of the figures in a trial's configuration."""

FIGURES = ("score", "gain", "trials", "depth", "children", "data", "minutes", *KNOBS)
"""What can be compared with a number. `data`: rows that the recipe left; `minutes`: of the device."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "state": ("planned", "queued", "running", "interrupted", "done", "failed", "cancelled", "paused", "pruned"),
    "direction": ("baseline", "refine_data", "synthesise_data", "adjust_training"),
    "is": ("best", "pruned", "pinned", "paused", "fork", "leaf", "cleaned", "retried"),
    "has": ("insight", "hint", "plan", "score", "diagnosis", "note", "failure"),
    "schedule": ("constant", "linear", "cosine"),
    "targets": ("attention", "all-linear"),
    "by": (),
}
"""Names whose value is a word; () = any word."""

OPERATORS = ("<", "<=", ">", ">=", "=", "!=")
_TERM = re.compile(r"([A-Za-z_]\w*)(<=|>=|!=|<|>|=|:)(.*)", re.DOTALL)
_TOKEN = re.compile(r'\s*(?:([()])|((?:"[^"]*"|[^\s()"])+))')
_JOINTS = ("AND", "OR", "NOT")
_SMALL = ("and", "or", "not")


class QueryError(BadInput):
    """The text is no query; the message says in one sentence why."""


@dataclass(frozen=True, slots=True)
class Text:
    """A word, or several, that stands somewhere in what is known of the node."""

    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """`score>0.6`: a figure of the node, or of one of its trials."""

    name: str
    operator: str
    value: float


@dataclass(frozen=True, slots=True)
class Word:
    """`state:failed`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    part: Query


@dataclass(frozen=True, slots=True)
class All:
    """All of these; of none at all: every node."""

    parts: tuple[Query, ...] = ()


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Query, ...]


Query = Text | Figure | Word | Not | All | Any


def parse(text: str) -> Query:
    """The query that a text asks for; every node for an empty one. Raises QueryError."""
    if len(text) > LONGEST:
        raise QueryError(f"the filter may have {LONGEST} characters")
    return _Parser(_tokens(text)).whole()


def settled(text: str) -> str:
    """The text less the word at its end that may become a name: `n1 OR n2 sco` is on the way to `score>0.6`."""
    last = re.search(r"(?:^|(?<=[\s(]))[A-Za-z_]+$", text)
    begun = last is not None and any(name.startswith(last[0].lower()) for name in (*FIGURES, *WORDS, *_SMALL))
    return (
        re.sub(r"(?:\s*\b(?:OR|AND|NOT)\b|\s|\()+$", "", text[: last.start()], flags=re.I) if last and begun else text
    )


def unparse(query: Query) -> str:
    """The text of a query: `parse` makes an equal query of it."""
    match query:
        case Text(text):
            return _quoted(text)
        case Figure(name, operator, value):
            return f"{name}{operator}{value!r}"
        case Word(name, value):
            return f"{name}:{_quoted(value)}"
        case Not(part):
            return f"NOT {_bracketed(part)}"
        case All(parts):
            return " ".join(map(_bracketed, parts))
        case Any(parts):
            return " OR ".join(map(_bracketed, parts))


def _quoted(text: str) -> str:
    plain = bool(text) and text.upper() not in _JOINTS and not re.search(r'[\s()"]', text) and not _TERM.match(text)
    return text if plain else f'"{text}"'


def _bracketed(query: Query) -> str:
    return f"({unparse(query)})" if isinstance(query, (All, Any)) else unparse(query)


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while text[at:].strip():
        token = _TOKEN.match(text, at)
        if token is None:
            raise QueryError("a quote is not closed", hint='end it with "')
        found.append(token[1] or token[2])
        at = token.end()
    return found


class _Parser:
    """Reads tokens from the left; OR binds less than AND, NOT binds most."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0

    def whole(self) -> Query:
        if not self._tokens:
            return All()
        query = self._either()
        if self._at < len(self._tokens):
            raise QueryError("a bracket is closed that was not opened")
        return query

    @property
    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, joint: str) -> bool:
        """Go past this word, where it is the next one."""
        if self._next.upper() != joint:
            return False
        self._at += 1
        return True

    def _either(self) -> Query:
        parts = [self._both()]
        while self._take("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _both(self) -> Query:
        parts = [self._single()]
        while self._take("AND") or (self._next not in ("", ")") and self._next.upper() != "OR"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _single(self) -> Query:
        if self._take("NOT"):
            return Not(self._deeper(self._single))
        if self._take("("):
            inside = self._deeper(self._either)
            if not self._take(")"):
                raise QueryError("a bracket is not closed", hint="end it with )")
            return inside
        if self._next in ("", ")") or self._next.upper() in _JOINTS:
            before = self._tokens[self._at - 1] if self._at else "the beginning"
            raise QueryError(f"something must stand behind {before}", hint="such as score>0.6")
        self._at += 1
        return _term(self._tokens[self._at - 1])

    def _deeper(self, read: Callable[[], Query]) -> Query:
        self._depth += 1
        if self._depth > DEEPEST:
            raise QueryError(f"more than {DEEPEST} brackets inside each other")
        query = read()
        self._depth -= 1
        return query


def _term(token: str) -> Query:
    split = None if token.startswith('"') else _TERM.fullmatch(token)
    if split is None:
        text = token.replace('"', "")
        if not text:
            raise QueryError("there is nothing between the quotes")
        return Text(text)
    name, operator, value = split[1].lower(), split[2], split[3].replace('"', "")
    name = next((short for short, long in KNOBS.items() if long == name), name)
    if name in WORDS:
        return _word(name, operator, value)
    if name in FIGURES:
        return Figure(name, "=" if operator == ":" else operator, _number(name, operator, value))
    hint = nearest(name, (*FIGURES, *WORDS)) or f"known are {', '.join((*FIGURES[:3], *WORDS))}, lr, rank and more"
    raise QueryError(f"there is no `{name}`", hint=hint)


def _word(name: str, operator: str, value: str) -> Query:
    if operator not in (":", "=", "!="):
        raise QueryError(f"{name} is a word and cannot be compared", hint=f"write {name}:{_example(name)}")
    if not value:
        raise QueryError(f"{name}: needs a word", hint=", ".join(WORDS[name]) or "such as by:person")
    if WORDS[name] and not meant(name, value):
        near = nearest(value.lower(), WORDS[name])
        raise QueryError(f"there is no {name}:{value}", hint=near or f"known are {', '.join(WORDS[name])}")
    word = Word(name, value)
    return Not(word) if operator == "!=" else word


def _number(name: str, operator: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise QueryError(f"{name}{operator} needs a number", hint=f"such as {name}>{_example(name)}")
    return number


def _example(name: str) -> str:
    return WORDS[name][0] if WORDS.get(name) else {"score": "0.6", "gain": "0.01", "lr": "1e-4"}.get(name, "8")


def meant(name: str, value: str) -> frozenset[str]:
    """The known words that a value may stand for: the one it is, else all that begin so."""
    known, said = WORDS[name], value.lower()
    return frozenset({said} if said in known else {word for word in known if word.startswith(said)})


def nearest(word: str, known: Sequence[str]) -> str:
    """`did you mean ...?`, or "" where nothing is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else ""
