"""From records and trial directories to `ReportData`: the one reader of a report.

Scores are computed again from the items; what disagrees with the journal becomes a warning, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from engine.errors import BadInput
from engine.executor.job import Result, Step
from engine.files import read_jsonl
from engine.report import history, scoring
from engine.report.model import SPLITS, Comparison, Contender, Curve, Judgement, ReportData, Role
from engine.report.results import read_result
from engine.report.timing import time_use
from engine.search import events as ev
from engine.search.fold import fold
from engine.search.tree import ROOT, ROOT_TRIAL, Score, Tree, Trial

Key = tuple[str, ev.Split]
TRUST: tuple[ev.Split, ...] = SPLITS[::-1]  # least seen by the search first


def gather(
    records: Iterable[ev.Record], run_dir: Path, earlier_insights: Mapping[str, str] | None = None
) -> ReportData:
    """Everything a report says. `earlier_insights`: texts of other runs' insights by id.

    Raises BadInput where the records do not begin with a run.
    """
    rows = list(records)
    tree = fold(rows)
    if tree.created is None:
        raise BadInput("this run has no events", where=str(run_dir), hint="see `trex runs` for the runs there are")
    judged, results = _judgements(rows, run_dir)
    contenders = _contenders(tree, judged)
    curves, curve_problems = _curves(contenders, run_dir)
    comparisons = _comparisons(contenders, results, tree)
    return ReportData(
        tree=tree,
        contenders=contenders,
        comparisons=comparisons,
        headline=_headline(contenders, comparisons),
        judgements=tuple(judged.values()),
        against_parent=_against_parent(tree, results),
        progress=history.progress(rows, tree),
        curves=curves,
        insights=history.insights(tree, earlier_insights or {}),
        incidents=history.incidents(rows),
        # From the journal: the tree keeps the last answer to a question, and one may have been asked again.
        calls=history.calls(r.event for r in rows if isinstance(r.event, ev.Asked)),
        time=time_use(rows),
        devices=tuple(dict.fromkeys(r.device for r in results.values() if r.device)),
        versions={**tree.setup.versions, **_versions(results.values())},
        warnings=(*(j.problem for j in judged.values() if j.problem), *curve_problems),
    )


def recorded(record: ev.Record) -> tuple[Key, Score, str] | None:
    """What a record claims, where it is a score: trial and split, the score, the hash of its result file."""
    event = record.event
    if not isinstance(event, ev.Finished | ev.Confirmed | ev.Tested):
        return None
    split: ev.Split = {ev.Finished: "validation", ev.Confirmed: "confirm", ev.Tested: "test"}[type(event)]  # type: ignore[assignment]
    return (event.trial, split), Score(event.score, event.low, event.high, event.items), event.result_sha256


def _judgements(rows: list[ev.Record], run_dir: Path) -> tuple[dict[Key, Judgement], dict[Key, Result]]:
    """Every claim of the journal with what its items say. The last claim for a trial and split holds."""
    judged: dict[Key, Judgement] = {}
    results: dict[Key, Result] = {}
    for claim in filter(None, map(recorded, rows)):
        (trial, split), score, sha256 = claim
        reading = read_result(run_dir, trial, split, sha256)
        problem, again = reading.problem, None
        if reading.result is not None:
            results[trial, split] = reading.result
            again = scoring.recompute(reading.result)
            problem = problem or scoring.disagreement(trial, split, score, again)
        judged[trial, split] = Judgement(trial=trial, split=split, recorded=score, recomputed=again, problem=problem)
    return judged, results


def _contenders(tree: Tree, judged: Mapping[Key, Judgement]) -> tuple[Contender, ...]:
    """Base, baseline trial, and the champion or else the best so far; a trial with two roles stands once."""
    roles: dict[str, tuple[Role, ...]] = {}
    for role, trial in _roles(tree):
        roles[trial.id] = (*roles.get(trial.id, ()), role)
    return tuple(
        Contender(
            roles=held,
            trial=name,
            node=tree.trial(name).node,
            config=tree.trial(name).config,
            judged={s: judged[name, s] for s in SPLITS if (name, s) in judged},
        )
        for name, held in roles.items()
    )


def _roles(tree: Tree) -> Iterator[tuple[Role, Trial]]:
    yield "base", tree.nodes[ROOT].trials[ROOT_TRIAL]
    if (trial := baseline_trial(tree)) is not None:
        yield "baseline", trial
    if tree.champion:
        yield "champion", tree.trial(tree.champion)
    elif (best := tree.best_trial()) is not None:
        yield "best so far", best


def baseline_trial(tree: Tree) -> Trial | None:
    """The best trial of the first node whose direction is `baseline`."""
    node = next((n for n in tree.nodes.values() if n.direction == "baseline"), None)
    return node.best(tree.maximize) if node else None


def _comparisons(
    contenders: tuple[Contender, ...], results: Mapping[Key, Result], tree: Tree
) -> tuple[Comparison, ...]:
    """Every later contender against every earlier one, on each split that judged both."""
    found = []
    for at, challenger in enumerate(contenders):
        for against in contenders[:at]:
            for split in SPLITS:
                pair = results.get((challenger.trial, split)), results.get((against.trial, split))
                if (comparison := scoring.compare(*pair, maximize=tree.maximize)) is not None:
                    found.append(comparison)
    return tuple(found)


def _headline(contenders: tuple[Contender, ...], comparisons: tuple[Comparison, ...]) -> ev.Split | None:
    """The split least seen by the search on which challenger and base can be compared; else what the base has."""
    base = contenders[0]
    last = next((c for c in contenders if {"champion", "best so far"} & set(c.roles)), base)
    for split in TRUST:
        if any((c.challenger, c.against, c.split) == (last.trial, base.trial, split) for c in comparisons):
            return split
    return next((s for s in TRUST if s in last.judged), None)


def _against_parent(tree: Tree, results: Mapping[Key, Result]) -> dict[str, Comparison]:
    """Each node's best trial against its parent's, paired on validation."""
    found = {}
    for node in tree.nodes.values():
        mine, above = node.best(tree.maximize), tree.nodes[node.parent].best(tree.maximize)
        if node.id == ROOT or mine is None or above is None:
            continue
        pair = results.get((mine.id, "validation")), results.get((above.id, "validation"))
        if (comparison := scoring.compare(*pair, maximize=tree.maximize)) is not None:
            found[node.id] = comparison
    return found


def _curves(contenders: tuple[Contender, ...], run_dir: Path) -> tuple[tuple[Curve, ...], tuple[str, ...]]:
    curves, problems = [], []
    for contender in contenders:
        if contender.config is None:
            continue
        try:
            rows = read_jsonl(run_dir / "trials" / contender.trial / "metrics.jsonl")
            steps = msgspec.convert(rows, tuple[Step, ...], strict=False)
        except (OSError, msgspec.MsgspecError) as error:
            problems.append(f"{contender.trial}: metrics.jsonl cannot be read ({error})")
            continue
        if steps:
            curves.append(Curve(label=" = ".join(contender.roles), trial=contender.trial, steps=steps))
    return tuple(curves), tuple(problems)


def _versions(results: Iterable[Result]) -> dict[str, str]:
    """Package versions that judged the trials; several of one package stand side by side."""
    found: dict[str, list[str]] = {}
    for result in results:
        for name, version in result.versions.items():
            if version not in found.setdefault(name, []):
                found[name].append(version)
    return {name: " and ".join(versions) for name, versions in found.items()}
