"""Questions to the local language model on behalf of an operator: within a budget, never twice, nothing held out.

`answers.jsonl`, in the folder that outlives the process, has one line for every question that was answered: its key
(hash of model, prompt, schema, seed) and the answer, or why there is none. A process that goes on after a kill asks
only what is not there. An answer that overlaps a held-out row is neither kept nor told: its line says just that.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.aidp.context import Context
from engine.aidp.kinds.base import Operator, operator_name
from engine.aidp.kinds.duplicates import Decontaminate
from engine.aidp.services import ModelAnswerError, Schema
from engine.errors import IdeaFailure
from engine.files import UNREADABLE, disk_errors

ANSWERS = "answers.jsonl"
WITHHELD = "it overlaps a held-out row"


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of `answers.jsonl`."""

    key: str
    answer: dict[str, Any] | None = None
    refused: str = ""


class Kept:
    """The answers there are; without a folder, those of this process."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / ANSWERS if folder else None
        self._lines: dict[str, Line] = {}
        if self._path and self._path.is_file():
            self._read(self._path)

    def get(self, key: str) -> Line | None:
        return self._lines.get(key)

    def put(self, line: Line) -> None:
        """On the disk when this returns."""
        self._lines[line.key] = line
        if self._path:
            with disk_errors(self._path), self._path.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
                file.flush()
                os.fsync(file.fileno())

    def _read(self, path: Path) -> None:
        """Whole lines; a torn last one goes from the file too, or the next would be written onto it."""
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(path, whole)
        for text in data[:whole].splitlines():
            try:
                line = msgspec.json.decode(text, type=Line)
            except UNREADABLE:
                continue  # damaged: its question is asked again
            self._lines[line.key] = line


class Asker:
    """One operator's way to the language model. Everything that could not be used is counted, with its reason."""

    def __init__(
        self, op: Operator, context: Context, *, calls: int, seconds: float, temperature: float = 0.0, planned: int = 0
    ) -> None:
        """`planned`: questions that there are to ask, for the progress; `calls` where that is not known."""
        assert context.services.writer is not None, "the pipeline refuses a recipe whose needs are not met"
        self._name, self._context = operator_name(op), context
        self._calls, self._planned = calls, min(calls, planned or calls)
        self._temperature = temperature
        self._until = time.monotonic() + seconds if seconds else 0.0
        self._writer = context.services.writer()
        self._kept = Kept(context.kept)
        self._guard = context.guard(Decontaminate().ngram) if context.guard else None
        self._draw = context.rng.getrandbits(31) if op.draws else 0
        self.asked = 0
        self._late = False
        self._refused: Counter[str] = Counter()

    @property
    def goes_on(self) -> bool:
        """Whether there is budget for one more question."""
        self._late = self._late or bool(self._until and time.monotonic() > self._until)
        return self.asked < self._calls and not self._late

    def seed(self, *facts: object) -> int:
        """For a question: from the recipe's seed, the operator's place, and what the question is about."""
        name = "\0".join(map(str, (self._draw, self._context.label, *facts)))
        return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:4]) >> 1

    def overlaps(self, *texts: str) -> bool:
        """Whether a text overlaps a held-out row: then it is not to be shown, kept or asked about."""
        return self._guard is not None and any(self._guard.overlaps({"prompt": text}) for text in texts)

    def ask(
        self, prompt: str, schema: Schema, *, seed: int, tokens: int, around: Callable[[str], str] = str
    ) -> dict[str, str] | None:
        """An answer's fields as text; None where none can be used. `around` makes a row's prompt of a text."""
        self._context.progress(self.asked, self._planned)
        self.asked += 1
        key = self._key(prompt, schema, seed, tokens)
        line = self._kept.get(key)
        if line is None:
            line = self._answered(key, prompt, schema, seed, tokens, around)
            self._kept.put(line)
        if line.answer is None:
            self.refuse(line.refused)
            return None
        return {name: _one_form(value) for name, value in line.answer.items()}

    def refuse(self, why: str, text: str = "") -> None:
        """Count an answer that cannot be used. `text` is shown to people: never one that overlaps."""
        self._refused[why] += 1
        self._context.notes.sets_aside(f"{self._context.label}, answer {self.asked}", why, text)

    def close(self, made: int) -> None:
        """Note what could not be used: `12 of 80 answers could not be used (7: too short, 5: it names its answer)`.

        Raises IdeaFailure where questions were asked and nothing was `made` of their answers.
        """
        lost = self._refused.total()
        reasons = ", ".join(f"{count}: {why}" for why, count in self._refused.most_common(6))
        told = f"{lost} of {self.asked} answers could not be used" + (f" ({reasons})" if lost else "")
        if self.asked and not made:
            raise IdeaFailure(f"`{self._name}`: {told}", hint="use another language model, or leave it out")
        if self._late:
            told += "; then the time was up"
        self._context.notes.note = told if self.asked else "no row could be shown to the language model"

    def _answered(
        self, key: str, prompt: str, schema: Schema, seed: int, tokens: int, around: Callable[[str], str]
    ) -> Line:
        try:
            answer = self._writer.write(prompt, schema, seed=seed, temperature=self._temperature, tokens=tokens)
        except ModelAnswerError as error:
            return Line(key, refused=str(error))
        if answer.keys() != schema["properties"].keys():
            return Line(key, refused="other fields than were asked for")
        texts = [_one_form(value) for value in answer.values()]
        if self.overlaps(*texts, *map(around, texts)):
            return Line(key, refused=WITHHELD)
        return Line(key, answer)

    def _key(self, prompt: str, schema: Schema, seed: int, tokens: int) -> str:
        facts = (self._writer.name, prompt, schema, seed, tokens, self._temperature)
        return hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).hexdigest()


def _one_form(value: object) -> str:
    return value.strip() if isinstance(value, str) else str(value)


def record(**fields: Mapping[str, Any]) -> Schema:
    """An object with all of these fields, in this order, and no other."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def text(least: int = 2, most: int = 0) -> Schema:
    """A string in any script, line breaks and quotes escaped (llama.cpp's own rule lets raw ones through, which are
    no JSON). `most` 0: as long as the tokens allow, since a text that a limit cuts short would pass for a whole one."""
    return {"type": "string", "pattern": f'^([^"\\\\\\x00-\\x1F]|\\\\["\\\\nt]){{{least},{most or ""}}}$'}
