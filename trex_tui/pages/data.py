"""The data as pages: the task's splits as a whole, and what the selected node's recipe made of the train split."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from engine.aidp.job import Step
from engine.aidp.profile import Lengths, Profile
from engine.aidp.recipe import describe
from engine.aidp.samples import Sample, StepSamples
from engine.search.tree import ROOT, Node, Tree
from engine.taskdata.profile import DataProfile, SplitProfile
from trex_tui.model import format as fmt
from trex_tui.model.profile import Prepared
from trex_tui.pages.page import BAD, DIM, Page
from trex_tui.pages.recipe import facts

WIDE = 60  # cells from which on shares stand beside counts
TEXT = 200  # characters of a row on the screen
SEALED = {"confirm": "counts only: it chooses the champion", "test": "counts only: sealed until the report"}
MARKS = {"dropped": "-", "changed": "~", "added": "+"}


def task_page(data: DataProfile, tree: Tree, width: int) -> Content:
    """Splits, labels, lengths, faults, overlaps, a few rows of train."""
    out = Page()
    out.heading("Splits")
    out.table([["", "rows", "sha256"], *([s.name, f"{s.rows:,}", s.sha256[:8]] for s in data.splits)])
    for split in data.splits:
        if split.changed:
            out.text(f"{split.name} is not what its hash says: somebody has changed the file", BAD)
        elif split.profile is None:
            out.text(f"{split.name}: {SEALED.get(split.name, 'counts only')}", DIM)
    _labels(data.splits, out, width)
    for split in data.splits:
        if split.profile is not None:
            _lengths(split.name, split.profile, out, width)
    _languages(data.splits, out)
    _faults(data.splits, out)
    _overlaps(tree, out)
    for note in data.notes:
        out.text(note, DIM)
    _examples(data.splits, out)
    return out.content()


def _labels(splits: Sequence[SplitProfile], out: Page, width: int) -> None:
    """Labels by split; for free answers, the most frequent of train."""
    names = list(dict.fromkeys(name for split in splits for name in split.labels))
    if names:
        out.heading("Labels")
        wide = width >= WIDE
        head = ["", *(split.name if wide else split.name[:5] for split in splits)]
        out.table([head, *([fmt.cut(name, 16), *(_share(s, name, wide) for s in splits)] for name in names)])
        return
    train = next((s.profile for s in splits if s.name == "train" and s.profile), None)
    if train is not None:
        out.heading("Answers of train", f"{train.different_answers:,} different")
        room = max(8, width - 10)
        shown = train.answers[:8]
        out.table([[fmt.cut(fmt.clean(answer.strip()) or "(empty)", room), f"{count:,}"] for answer, count in shown])


def _share(split: SplitProfile, label: str, wide: bool) -> str:
    count = split.labels.get(label, 0)
    return f"{count:,} {100 * count / split.rows:.0f}%" if wide and split.rows else f"{count:,}"


def _lengths(name: str, found: Profile, out: Page, width: int) -> None:
    out.heading(f"Lengths of {name}", "least, median, 95%, most")
    for title, spread in (
        ("words", found.words),
        ("letters", found.characters),
        ("in answer", found.answer_characters),
    ):
        figures = " ".join(f"{value:>5,}" for value in (spread.least, spread.median, spread.p95, spread.most))
        out.text(f"{title:<9} {figures}  {_shape(spread, width - 36)}".rstrip())


def _shape(spread: Lengths, width: int) -> str:
    return fmt.sparkline([float(count) for count in spread.histogram], min(32, width)) if spread.most else ""


def _languages(splits: Sequence[SplitProfile], out: Page) -> None:
    """Of train: what its prompts are written in."""
    train = next((split.profile for split in splits if split.name == "train" and split.profile), None)
    if train is None or not train.languages:
        return
    out.heading("Languages of train", f"{train.looked_at:,} prompts drawn")
    shares = [f"{name} {100 * count / train.looked_at:.0f}%" for name, count in train.languages[:6]]
    out.text(", ".join(shares))


def _faults(splits: Sequence[SplitProfile], out: Page) -> None:
    """Rows that teach nothing, or two things at once."""
    looked = [split for split in splits if split.profile is not None]
    rows = [["", *(split.name for split in looked)]]
    for title, name in (
        ("same prompt again", "duplicates"),
        ("with another answer", "conflicting"),
        ("empty", "empty"),
    ):
        rows.append([title, *(f"{getattr(split.profile, name):,}" for split in looked)])
    out.heading("Faults")
    out.table(rows)


def _overlaps(tree: Tree, out: Page) -> None:
    """What `decontaminate` found in each node's rows."""
    found = [(node.id, dict(node.dropped).get("decontaminate")) for node in tree.nodes.values() if node.dropped]
    counted = [(name, count) for name, count in found if count is not None]
    out.heading("Overlaps with held-out rows", "dropped by decontaminate")
    if not counted:
        out.text("no recipe has run yet", DIM)
    elif not any(count for _, count in counted):
        out.text(f"none in {fmt.plural(len(counted), 'recipe')}")
    else:
        out.text(", ".join(f"{name} {count:,}" for name, count in counted if count))


def _examples(splits: Sequence[SplitProfile], out: Page) -> None:
    train = next((split.profile for split in splits if split.name == "train" and split.profile), None)
    if train is None:
        return
    out.heading("The first rows of train")
    for row in train.examples:
        out.text(f"{row.id}  {_told(row.prompt)} => {row.answer.strip() or '(empty)'}")


def recipe_page(node: Node, rows: int | None, found: Prepared) -> Content:
    """Each operator: rows before and after, and examples of what it did. `rows`: of the train split."""
    out = Page()
    if node.id == ROOT:
        out.text("The base model is judged as it is: no recipe, no rows of train.", DIM)
        return out.content()
    if node.plan is None:
        out.text("The plan is being written; its recipe is shown then.", DIM)
        return out.content()
    out.heading(f"Recipe of {node.id}", f"seed {node.plan.recipe.seed}{_whole(node, rows)}")
    if found.trouble:
        out.text(found.trouble, BAD)
    if found.report is None:
        _planned(node, out, found.trouble)
        return out.content()
    if found.samples is None and not found.trouble:
        out.text("These rows were made before examples were kept: there are counts only.", DIM)
    told = found.samples.steps if found.samples else ()
    for number, step in enumerate(found.report.steps):
        same = number < len(told) and told[number].operator == step.operator
        _step(number + 1, step, told[number] if same else None, out)
    if found.report.answers:
        out.heading("Answers of the rows", f"{found.report.rows:,} rows, {found.report.sha256[:8]}")
        out.table([[fmt.cut(fmt.clean(a.strip()) or "(empty)", 40), f"{n:,}"] for a, n in found.report.answers.items()])
    return out.content()


def _whole(node: Node, rows: int | None) -> str:
    if node.rows is None:
        return ""
    return f", {node.rows:,} rows" + (f" of {rows:,}" if rows is not None else "")


def _planned(node: Node, out: Page, trouble: str) -> None:
    """The steps without their counts: the folder is not there or cannot be read, or nothing has run."""
    assert node.plan is not None
    for number, step in enumerate(describe(node.plan.recipe).split(" -> "), 1):
        out.text(f"{number}. {step}")
    if node.dropped:
        out.text("dropped: " + ", ".join(f"{name} {count:,}" for name, count in node.dropped), DIM)
    if node.rows is not None and not trouble:
        out.text("The folder with these rows is gone; the journal has kept the counts.", DIM)
    elif node.rows is None:
        out.text("It has not run yet.", DIM)


def _step(number: int, step: Step, told: StepSamples | None, out: Page) -> None:
    changes = [f"{sign}{count:,}" for sign, count in (("-", step.dropped), ("+", step.added)) if count]
    counts = f"{step.rows_in:,} -> {step.rows_out:,}  {' '.join(changes)}".rstrip()
    cost = f"{step.seconds:.2f} s" + (f", {fmt.size(step.memory)}" if step.memory else "")
    out.heading(f"{number}. {step.operator}", f"{counts}  {cost}")
    for fact in facts(step):
        out.text(fact, DIM)
    if told is None:
        return
    if not told.samples:
        moved = step.operator == "shuffle"
        out.text("a new order; no row changed" if moved else "no row changed", DIM)
    for sample in told.samples:
        _sample(sample, out)
    shown = sum(sample.kind != "changed" for sample in told.samples)
    if (more := told.dropped + told.added - shown) > 0:
        out.text(f"  and {more:,} more", DIM)


def _sample(sample: Sample, out: Page) -> None:
    out.text(f"{MARKS[sample.kind]} {sample.kind} {sample.id}" + (f": {sample.why}" if sample.why else ""))
    for sign, row in (("was", sample.before), ("is", sample.after)):
        if row is not None:
            answer = f" => {row.answer.strip()}" if row.answer.strip() else ""
            mark = f"{sign} " if sample.kind == "changed" else ""
            out.text(f"    {mark}{_told(row.prompt)}{answer}", DIM)


def _told(text: str) -> str:
    return fmt.cut(" ".join(text.split()), TEXT)
