"""What the rows of a task have in common: wording around every text, few answers, texts that do not name them.

The language model is asked for the text alone, not for the wording: a model that had to repeat it would change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from engine.aidp.text import fill, placeholders, words

FEW = 20  # distinct answers, and rows with equal wording
LABEL = 60  # characters of an answer that can be one of few
SELDOM = 0.05  # share of rows
LOOKED_AT = 2_000  # rows
_GAP = "\0"


@dataclass(frozen=True)
class Frame:
    """Wording before and after each text; `marks` are those inside it, in order."""

    head: str = ""
    tail: str = ""
    marks: tuple[str, ...] = ()

    def inside(self, prompt: str) -> str:
        return prompt[len(self.head) : len(prompt) - len(self.tail)]

    def around(self, text: str) -> str:
        return f"{self.head}{text}{self.tail}"

    def keeps(self, text: str) -> bool:
        """Whether the wording inside is still there, in order."""
        at = 0
        return all((at := text.find(mark, at) + len(mark)) >= len(mark) for mark in self.marks)

    @property
    def shown(self) -> str:
        """The wording as it looks around a text; "" where there is none."""
        return f"{self.head}...{self.tail}".strip() if self.head.strip() or self.tail.strip() else ""


def frame(prompts: Sequence[str], template: str = "") -> Frame:
    """The wording of the task's template where all prompts have it, else what many of them begin and end with."""
    parts = fill(template, dict.fromkeys(placeholders(template), _GAP)).split(_GAP)
    if len(parts) > 1 and all(prompt.startswith(parts[0]) and prompt.endswith(parts[-1]) for prompt in prompts):
        made = Frame(parts[0], parts[-1], tuple(mark.strip() for mark in parts[1:-1] if mark.strip()))
        if all(made.keeps(made.inside(prompt)) for prompt in prompts):
            return made
    if len(set(prompts)) < FEW:
        return Frame()
    head = _whole_words(_common(prompts))
    tail = _whole_words(_common([prompt[len(head) :][::-1] for prompt in prompts]))[::-1]
    return Frame(head, tail)


def frames(prompts: Sequence[str], sources: Sequence[str], template: str = "") -> dict[str, Frame]:
    """A frame for each source: files have wordings of their own."""
    by: dict[str, list[str]] = {}
    for prompt, source in zip(prompts, sources, strict=True):
        by.setdefault(source, []).append(prompt)
    return {source: frame(found, template) for source, found in by.items()}


def labels(answers: Sequence[str]) -> tuple[str, ...]:
    """The distinct answers in order of their first row, where they are few and come again; else none."""
    found = tuple(dict.fromkeys(answers))
    few = len(found) <= FEW and 2 * len(found) <= len(answers)
    return found if few and all(label and len(label) <= LABEL for label in found) else ()


def names(text: str, label: str) -> bool:
    """Whether the label stands in the text as words. A single letter or digit says nothing."""
    sought, found = words(label), words(text)
    if not sought or (len(label.strip()) == 1 and label.isascii()):
        return False
    return any(found[at : at + len(sought)] == sought for at in range(len(found) - len(sought) + 1))


def shy(texts: Iterable[str], answers: Iterable[str]) -> bool:
    """Whether texts seldom name their answers, so that one that does gives it away."""
    told = [names(text, answer) for text, answer in zip(texts, answers, strict=True)]
    return sum(told) <= SELDOM * len(told)


def foreign(text: str, model: str) -> bool:
    """Whether a text is in another script than its model: words of one character (Chinese, Japanese), or not."""
    return (_dense(text) > 0.5) != (_dense(model) > 0.5)


def _dense(text: str) -> float:
    found = words(text)
    return sum(word > "\u3000" for word in found) / len(found) if found else 0.0


def _common(texts: Sequence[str]) -> str:
    """What all begin with: the first and the last in order have it in common."""
    first, last = min(texts), max(texts)
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return first[: sum(1 for _ in same)]


def _whole_words(affix: str) -> str:
    """Up to the last white space: half a word belongs to the text."""
    return affix[: max((at + 1 for at, letter in enumerate(affix) if letter.isspace()), default=0)]
