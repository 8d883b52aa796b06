"""A recipe, run: operators in order, with a count of what each did, and decontamination whatever the recipe says.

Deterministic: the same rows, recipe and guards give the same output, with any number of processes, with and without a
cache. (Operators that ask a language model are deterministic as far as the model is.)
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
from datasets import Dataset

from engine.aidp.cache import Entry, StepCache, chained, sums
from engine.aidp.child import Tell, peak
from engine.aidp.completion import asked_for, checked, complete, places
from engine.aidp.context import Context
from engine.aidp.given import taken
from engine.aidp.guards import Guards
from engine.aidp.job import Limits, Progress, Step
from engine.aidp.kinds.base import Need
from engine.aidp.kinds.loading import RESERVED
from engine.aidp.notes import WITHHELD, Broken, Notes
from engine.aidp.operators import APPLY
from engine.aidp.reading.folders import below
from engine.aidp.recipe import (
    Decontaminate,
    Load,
    Operator,
    Recipe,
    Template,
    operator_name,
)
from engine.aidp.rows import BATCH, converted, nbytes
from engine.aidp.samples import Sampler, StepSamples, sampled, telling, withheld
from engine.aidp.services import Services, check
from engine.aidp.text import placeholders
from engine.errors import IdeaFailure, ResourceFailure
from engine.failpoints import reach

MODELS: frozenset[Need] = frozenset({"embeddings", "language_model", "base_model", "tokenizer"})

SHOWN: Literal[8] = 8  # words in a row that a row which is shown may not share with a held-out one


@dataclass(frozen=True)
class Output:
    """What a pipeline gives: rows (`engine.aidp.rows`), one step per operator, and the rows that could not be read."""

    rows: Dataset
    steps: tuple[Step, ...]
    broken: tuple[Broken, ...] = ()


@dataclass(frozen=True)
class Around:
    """What a pipeline works with besides rows; every part may be missing.

    `guards` None: nothing is held out, so nothing is decontaminated. `root`: the folder that `load` and `mix` read.
    `template`: the prompt and answer format for files that have the task's own columns. `scratch`: a folder for rows
    that do not fit in memory; it must outlive the output. `out`: the folder that `export` writes to. `kept`: a folder
    for work that must not be done twice. `models`: what the services' models are, for the fingerprints.
    """

    guards: Guards | None = None
    root: Path | None = None
    template: tuple[str, str] | None = None
    limits: Limits = field(default_factory=Limits)
    services: Services = field(default_factory=Services)
    models: tuple[str, ...] = ()
    cache: StepCache | None = None
    scratch: Path | None = None
    kept: Path | None = None
    out: Path | None = None


class Pipeline:
    """A recipe with what it may use. Keyword arguments are the fields of `Around`."""

    def __init__(
        self,
        recipe: Recipe,
        *,
        guards: Guards | None = None,
        root: Path | None = None,
        template: tuple[str, str] | None = None,
        limits: Limits | None = None,
        around: Around | None = None,
    ) -> None:
        self.recipe = msgspec.structs.replace(recipe, operators=checked(recipe))
        self.around = around or Around(guards=guards, root=root, template=template, limits=limits or Limits())

    def run(
        self,
        rows: Dataset | Iterable[Mapping[str, Any]],
        watch: Sampler | None = None,
        tell: Tell | None = None,
        origin: str = "",
    ) -> Output:
        """All operators over `rows`: with `prompt` and `answer`, or with a file's own columns, which are converted.

        Raises BadInput: rows that are none; IdeaFailure: no rows left, wrong path, something missing; ResourceFailure:
        a limit. `watch` collects examples and changes nothing. `origin`: a fingerprint of `rows`, where there is one.
        """
        current, left = taken(rows, asked_for(self.recipe), self.around.scratch)
        operators = complete(self.recipe, raw=not converted(current))
        check(operators, self._lacking())
        key = (origin or fingerprint(current)) if self.around.cache else ""
        steps: list[Step] = []
        broken: list[Broken] = []
        clock = _Clock(self.around.limits.seconds)
        tells = telling(self.around.guards.at(SHOWN).overlaps) if self.around.guards else None
        for at, (place, operator) in enumerate(zip(places(self.recipe, operators), operators, strict=True)):
            reach("data.operator")
            known, key = key, self._key(key, place, operator) if key else ""
            progress = _told(tell, clock, operator, at, len(operators))
            before = current
            try:
                current, entry = self._step(before, operator, place, key, progress, steps, sample=watch is not None)
            except IdeaFailure as error:
                raise _hinted(error, operator, left) from None
            key = self._keep(key, known, place, operator, current, entry)
            left = frozenset() if isinstance(operator, Load) else left | (_own(before) - _own(current))
            if tells is not None:
                entry = _discreet(entry, tells, files="files" in operator.needs)
            steps.append(entry.step)
            broken += entry.broken
            if watch is not None:
                watch.steps.append(entry.samples)
            clock.check(entry.step.operator)  # also of one that never said how far it was
            _within(self.around.limits, current, steps[-1])
        return Output(current, tuple(steps), tuple(broken))

    def _step(
        self,
        before: Dataset,
        operator: Operator,
        place: int,
        key: str,
        progress: Callable[[int, int], None],
        done: list[Step],
        sample: bool,
    ) -> tuple[Dataset, Entry]:
        cache = self.around.cache
        if key and cache is not None and (kept := cache.get(key)) is not None:
            step = msgspec.structs.replace(kept.entry.step, cached=True)
            return kept.rows, msgspec.structs.replace(kept.entry, step=step)
        started, memory, notes = time.perf_counter(), peak(), Notes()
        progress(0, len(before))
        context = self._context(place, operator, notes, progress, tuple(done))
        after = APPLY[type(operator)](before, operator, context)
        step = _counted(operator, before, after, notes, time.perf_counter() - started, peak() - memory)
        nothing = StepSamples(operator=step.operator, dropped=step.dropped, added=step.added)
        seen = sampled(operator, before, after, notes) if sample or key else nothing
        return after, Entry(step, seen, tuple(notes.broken))

    def _keep(self, key: str, known: str, place: int, operator: Operator, rows: Dataset, entry: Entry) -> str:
        """Put a result into the cache. The fingerprint to go on with: none where a file was changed while it was read,
        for then nobody can say which rows these are. `known`: the fingerprint of the operator's input."""
        cache = self.around.cache
        if not key or cache is None or entry.step.cached:
            return key
        if "files" in operator.needs and self._key(known, place, operator) != key:
            return ""
        if len(rows):
            cache.put(key, rows, entry)
        return key

    def _lacking(self) -> frozenset[Need]:
        nowhere: frozenset[Need] = frozenset() if self.around.out else frozenset({"output"})
        return self.around.services.lacks() | nowhere

    def _context(
        self,
        place: int,
        operator: Operator,
        notes: Notes,
        progress: Callable[[int, int], None],
        done: tuple[Step, ...],
    ) -> Context:
        around = self.around
        return Context(
            rng=random.Random(f"{self.recipe.seed}:{place}"),
            label=f"{operator_name(operator)}:{place}",
            guard=around.guards.at if around.guards else None,
            root=around.root,
            template=around.template,
            processes=around.limits.processes,
            max_rows=around.limits.rows,
            max_broken=around.limits.broken,
            services=around.services,
            scratch=around.scratch,
            kept=around.kept,
            out=around.out,
            recipe=self.recipe,
            done=done,
            notes=notes,
            progress=progress,
        )

    def _key(self, before: str, place: int, operator: Operator) -> str:
        """What decides this operator's result. `made_by` holds the place, so the place is always part of it."""
        around = self.around
        facts: list[str | bytes] = [
            msgspec.json.encode(operator),
            str(place),
            str(around.limits.rows),
            str(around.template),
        ]
        if operator.draws:
            facts.append(str(self.recipe.seed))
        if "held_out" in operator.needs and around.guards is not None:
            facts.append(around.guards.fingerprint)
        if "files" in operator.needs and around.root is not None:
            found = below(around.root, getattr(operator, "path", ""))
            facts += [str(around.limits.broken), *(sums(found) if found else [])]
        if operator.needs & MODELS or (isinstance(operator, Decontaminate) and operator.semantic):
            facts += around.models
        return "" if "output" in operator.needs else chained(before, *facts)


def _discreet(entry: Entry, tells: Callable[[str], bool], files: bool) -> Entry:
    """What people are told, less what tells of a held-out row. A row of a file that cannot be read may be one in any
    writing, so its text is not told at all; what a model wrote was asked about before."""
    note = WITHHELD if tells(entry.step.note) else entry.step.note
    broken = tuple(msgspec.structs.replace(one, text="") for one in entry.broken) if files else entry.broken
    step = msgspec.structs.replace(entry.step, note=note)
    return Entry(step, withheld(entry.samples, tells), broken)


def fingerprint(rows: Dataset) -> str:
    """Of all that stands in rows, in order."""
    return chained("", *rows.column_names, *(msgspec.json.encode(batch) for batch in rows.iter(BATCH)))


def _own(rows: Dataset) -> frozenset[str]:
    """A file's own columns."""
    return frozenset(rows.column_names) - set(RESERVED)


def _hinted(error: IdeaFailure, operator: Operator, left: frozenset[str]) -> IdeaFailure:
    """The failure; where the operator asks for a column that `convert` left behind, how to keep it."""
    asked = {getattr(operator, "by", ""), getattr(operator, "column", "")}
    if isinstance(operator, Template):
        asked |= {*placeholders(operator.prompt), *placeholders(operator.answer)}
    if not (gone := sorted(asked & left - set(RESERVED))):
        return error
    names = msgspec.json.encode(gone).decode()
    return IdeaFailure(error.what, where=error.where, hint=f"put `convert` with keep = {names} before it, and it stays")


def _counted(operator: Operator, before: Dataset, after: Dataset, notes: Notes, seconds: float, memory: int) -> Step:
    """Counts by row, not by size: `load` drops all rows and brings in others."""
    if notes.counts is not None:
        dropped, added = notes.counts
    elif isinstance(operator, Load):
        dropped, added = len(before), len(after)
    else:
        dropped, added = max(0, len(before) - len(after)), max(0, len(after) - len(before))
    return Step(
        operator=operator_name(operator),
        rows_in=len(before),
        rows_out=len(after),
        dropped=dropped,
        added=added,
        seconds=round(seconds, 4),
        broken=notes.broken_rows,
        note=notes.whole(),
        memory=memory,
    )


def _within(limits: Limits, rows: Dataset, step: Step) -> None:
    """Raises IdeaFailure where nothing is left, ResourceFailure where there is too much."""
    if not len(rows):
        raise IdeaFailure(f"the recipe leaves no rows: `{step.operator}` dropped all {step.rows_in:,}")
    if len(rows) > limits.rows:
        raise ResourceFailure(f"`{step.operator}` made {len(rows):,} rows, more than the {limits.rows:,} allowed")
    if limits.bytes and (found := nbytes(rows)) > limits.bytes:
        raise ResourceFailure(f"`{step.operator}` left {found:,} bytes, more than {limits.bytes:,} allowed")


class _Clock:
    """The time of all operators together."""

    def __init__(self, limit: float) -> None:
        self._limit, self._began = limit, time.monotonic()

    def check(self, name: str) -> None:
        if self._limit and time.monotonic() - self._began > self._limit:
            raise ResourceFailure(f"the recipe took longer than {self._limit:g} s, in `{name}`", hint="raise the limit")


def _told(tell: Tell | None, clock: _Clock, operator: Operator, place: int, of: int) -> Callable[[int, int], None]:
    name = operator_name(operator)

    def progress(done: int, total: int) -> None:
        clock.check(name)
        if tell is not None:
            tell(Progress(operator=name, place=place, of=of, done=done, total=total))

    return progress


__all__ = ["Around", "Output", "Pipeline", "complete", "fingerprint"]
