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
from typing import Literal

import msgspec
from datasets import Dataset

from engine.aidp.cache import Entry, StepCache, chained, sums
from engine.aidp.child import Tell, peak
from engine.aidp.context import Context
from engine.aidp.guards import Guards
from engine.aidp.job import Limits, Progress, Step
from engine.aidp.kinds.base import Need
from engine.aidp.notes import Broken, Notes
from engine.aidp.operators import APPLY
from engine.aidp.reading.folders import below
from engine.aidp.recipe import Convert, Decontaminate, Load, Operator, Recipe, Template, operator_name
from engine.aidp.rows import TEXTS, dataset
from engine.aidp.samples import Sampler, StepSamples, sampled, withheld
from engine.aidp.services import Services, check
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
        self.recipe = recipe
        self.around = around or Around(guards=guards, root=root, template=template, limits=limits or Limits())

    def run(
        self,
        rows: Dataset | Iterable[Mapping[str, str]],
        watch: Sampler | None = None,
        tell: Tell | None = None,
        origin: str = "",
    ) -> Output:
        """All operators over `rows` (at least `prompt` and `answer`).

        Raises IdeaFailure: no rows left, wrong path, something missing; ResourceFailure: a limit. `watch` collects
        examples and changes nothing. `origin` is a fingerprint of `rows`, where the caller has one.
        """
        operators = complete(self.recipe)
        check(operators, self._lacking())
        current = dataset({"source": "train", **row} for row in rows)
        key = (origin or fingerprint(current)) if self.around.cache else ""
        steps: list[Step] = []
        broken: list[Broken] = []
        clock = _Clock(self.around.limits.seconds)
        overlaps = self.around.guards.at(SHOWN).overlaps if self.around.guards and watch is not None else None
        for place, operator in enumerate(operators):
            reach("data.operator")
            key = self._key(key, place, operator) if key else ""
            progress = _told(tell, clock, operator, place, len(operators))
            current, entry = self._step(current, operator, place, key, progress, steps, sample=watch is not None)
            steps.append(entry.step)
            broken += entry.broken
            if watch is not None:
                watch.steps.append(withheld(entry.samples, overlaps))
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
        entry = Entry(step, seen, tuple(notes.broken))
        if key and cache is not None and len(after):
            cache.put(key, after, entry)
        return after, entry

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


def complete(recipe: Recipe) -> tuple[Operator, ...]:
    """The recipe's operators, with the steps that it cannot do without.

    Loaded rows are converted before anything touches them that cannot do with raw ones. Decontamination comes last
    unless it is listed and no rows come in after it; nothing is written before it.
    """
    done: list[Operator] = []
    listed: Decontaminate | None = None
    clean = False
    raw = False
    for operator in recipe.operators:
        if raw and not operator.raw:
            done.append(Convert())
            raw = False
        raw = isinstance(operator, Load) or (raw and not isinstance(operator, Convert | Template))
        if isinstance(operator, Decontaminate):
            listed, clean = operator, True
        elif operator.brings:
            clean = False
        elif "output" in operator.needs and not clean:
            done.append(listed or Decontaminate())
            clean = True
        done.append(operator)
    if raw:
        done.append(Convert())
    return tuple(done) if clean else (*done, listed or Decontaminate())


def fingerprint(rows: Dataset) -> str:
    """Of the texts of rows, in order."""
    return chained("", *(msgspec.json.encode(batch) for batch in rows.select_columns(list(TEXTS)).iter(10_000)))


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
        note=notes.note,
        memory=memory,
    )


def _within(limits: Limits, rows: Dataset, step: Step) -> None:
    """Raises IdeaFailure where nothing is left, ResourceFailure where there is too much."""
    if not len(rows):
        raise IdeaFailure(f"the recipe leaves no rows: `{step.operator}` dropped all {step.rows_in:,}")
    if len(rows) > limits.rows:
        raise ResourceFailure(f"`{step.operator}` made {len(rows):,} rows, more than the {limits.rows:,} allowed")
    if limits.bytes and rows.data.nbytes > limits.bytes:
        raise ResourceFailure(f"`{step.operator}` left {rows.data.nbytes:,} bytes, more than {limits.bytes:,} allowed")


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
