"""What got better, by how much, and whether that is beyond noise: in three sentences, then in figures."""

from __future__ import annotations

from engine.report import plots, words
from engine.report.document import Block, Cell, Column, Heading, Listing, Plot, Text, Tone, table
from engine.report.model import SPLITS, Comparison, Contender, ReportData
from engine.search.events import Split
from engine.search.tree import Tree, Trial

SEEN = {
    "test": "sealed test split",
    "confirm": "confirm split",
    "validation": "validation split, which the search itself has used: the best of many looks better than it is",
}


def sentences(data: ReportData) -> list[str]:
    """Three sentences: what got better, by how much against the base, and against the baseline trial."""
    base, best = data.contenders[0], data.challenger
    if data.headline is None or best is None:
        return [_nothing(data), "No model can be compared with the base.", _how_it_stands(data)]
    if best.trial == base.trial:
        return [
            "Nothing got better: no trial beat the untouched base model.",
            f"The base model scores {_scored(base, data.headline)} in {data.tree.setup.metric} "
            f"on the {SEEN[data.headline]}.",
            _how_it_stands(data),
        ]
    return [
        _what(data, best, data.headline),
        _by_how_much(data, best, base, data.headline),
        _beside_baseline(data, best),
    ]


def _what(data: ReportData, best: Contender, split: Split) -> str:
    items = best.judged[split].score.items
    kind = "The champion" if "champion" in best.roles else "No champion was chosen yet; the best trial so far,"
    return (
        f"{kind} {best.trial} scores {_scored(best, split)} in {data.tree.setup.metric} "
        f"on {items:,} rows of the {SEEN[split]}."
    )


def _by_how_much(data: ReportData, best: Contender, base: Contender, split: Split) -> str:
    comparison = data.compared(best.trial, base.trial, split)
    if comparison is None:
        return (
            f"The base model was not judged on the same rows of the {split} split, so there is no difference to state."
        )
    return f"The untouched base model scores {_scored(base, split)}: {_difference(comparison)}."


def _beside_baseline(data: ReportData, best: Contender) -> str:
    baseline = data.contender("baseline")
    if baseline is None:
        return "There is no baseline trial to compare with: none has a score."
    if baseline.trial == best.trial:
        return "The best trial is the baseline itself: the search found nothing better than what one would try by hand."
    for split in reversed(SPLITS):
        if (comparison := data.compared(best.trial, baseline.trial, split)) is not None:
            scored = _scored(baseline, comparison.split)
            return f"The baseline, what one would try by hand, scores {scored} on {split}: {_difference(comparison)}."
    return "The baseline trial was not judged on the same rows, so there is no difference to state."


def _scored(contender: Contender, split: Split) -> str:
    return words.score(contender.judged[split].score) if split in contender.judged else "nothing yet"


def _difference(comparison: Comparison) -> str:
    """`a difference of +0.254 [+0.221, +0.289], better, beyond noise`."""
    return f"a difference of {words.difference(comparison)}, {comparison.verdict}"


def _nothing(data: ReportData) -> str:
    return "There is no result: no trial has a score." if not data.tree.scored() else "There is no result yet."


def _how_it_stands(data: ReportData) -> str:
    tree = data.tree
    if tree.state == "running" and tree.champion:  # the search writes its report as its last step but one
        return f"The search is over: {tree.champion_reason.rstrip('.')}."
    state = {"running": "is still running", "done": "is done", "stopped": "was stopped"}.get(tree.state, tree.state)
    return f"The run {state}" + (f": {tree.reason.rstrip('.')}." if tree.reason else ".")


def section(data: ReportData) -> list[Block]:
    """Contenders on each split, differences with verdicts, openings of the sealed split."""
    blocks: list[Block] = [Heading("Result")]
    if data.headline is not None:
        caption = f"Score on the {data.headline} split. Lines: 95% bootstrap interval over the rows."
        blocks.append(Plot(plots.result(data.contenders, data.headline), caption))
    blocks += [_scores_table(data), _differences_table(data)]
    blocks += _missing(data)
    blocks += [Heading("Confirm and test", 3), *_confirm_and_test(data)]
    return blocks


def _scores_table(data: ReportData) -> Block:
    columns = (
        Column(""),
        Column("trial", "code"),
        *(Column(split, "number") for split in reversed(SPLITS)),
        Column("rows", "number"),
    )
    rows: list[tuple[Cell | str, ...]] = []
    for contender in data.contenders:
        judged = [contender.judged.get(split) for split in reversed(SPLITS)]
        counts = " / ".join(f"{j.score.items:,}" if j else words.score(None) for j in judged)
        rows.append(
            (words.role(contender), contender.trial, *(words.score(j.score if j else None) for j in judged), counts)
        )
    return table(columns, rows)


def _differences_table(data: ReportData) -> Block:
    """Every paired difference, the most trustworthy split first."""
    if not data.comparisons:
        return Text("No two of them were judged on the same rows.", "muted")
    names = {c.trial: words.role(c) for c in data.contenders}
    columns = (Column("difference"), Column("split"), Column("paired, 95%", "number"), Column("verdict"))
    order = [c.trial for c in data.contenders]
    ordered = sorted(
        data.comparisons, key=lambda c: (-SPLITS.index(c.split), -order.index(c.challenger), order.index(c.against))
    )
    rows: list[tuple[Cell | str, ...]] = [
        (
            f"{names[c.challenger]} {words.MINUS} {names[c.against]}",
            c.split,
            words.difference(c),
            Cell(c.verdict, tone(c)),
        )
        for c in ordered
    ]
    return table(columns, rows)


def tone(comparison: Comparison | None) -> Tone:
    """Green or red only where the difference is beyond noise."""
    if comparison is None or not comparison.beyond:
        return "muted"
    return "good" if comparison.better else "bad"


def _missing(data: ReportData) -> list[Block]:
    """What a reader would look for and not find."""
    gaps = []
    if not data.tree.champion:
        gaps.append("No champion has been chosen.")
    if data.contender("baseline") is None:
        gaps.append("No baseline trial has a score.")
    if not any("test" in c.judged for c in data.contenders):
        gaps.append(
            "The test split has not been judged, so every figure here comes from rows that the search has used."
        )
    if not data.tree.maximize:
        gaps.append(f"Lower is better in {data.tree.setup.metric}: a negative difference is an improvement.")
    return [Text(" ".join(gaps), "muted")] if gaps else []


def _confirm_and_test(data: ReportData) -> list[Block]:
    tree = data.tree
    confirmed = [t for n in tree.nodes.values() for t in n.trials.values() if t.confirm]
    blocks: list[Block] = []
    if confirmed:
        columns = (Column("candidate", "code"), Column("validation", "number"), Column("confirm", "number"), Column(""))
        rows: list[tuple[Cell | str, ...]] = [
            (
                t.id,
                words.score(t.score),
                words.score(t.confirm),
                Cell("champion", "strong") if t.id == tree.champion else "",
            )
            for t in confirmed
        ]
        blocks.append(table(columns, rows))
    if tree.champion:
        blocks.append(Text(f"{_choice(data.tree, confirmed)} No policy or diagnosis sees the confirm split."))
    openings = tuple(
        f"{words.moment(time)}: opened for {words.listed(event.trials)}, by {event.by}"
        for time, event in tree.test_openings
    )
    times = {0: "never opened", 1: "opened once"}.get(len(openings), f"opened {len(openings)} times")
    blocks.append(Text(f"The sealed test split was {times}."))
    return [*blocks, Listing(openings)] if openings else blocks


def _choice(tree: Tree, confirmed: list[Trial]) -> str:
    """How the champion came to be it, as the scores on confirm have it."""
    scores = [t.confirm.value for t in confirmed if t.confirm]
    chosen = tree.trial(tree.champion).confirm
    if chosen is None:
        return f"The champion {tree.champion} was not judged on confirm."
    if any(tree.better(value, chosen.value) for value in scores):
        return f"The champion {tree.champion} is not the candidate with the best score on confirm."
    return f"The champion {tree.champion} has the best score on confirm of {words.count(len(scores), 'candidate')}."
