"""Insights as lines: one in the list, and all that is known of one. A line may lead to a node."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from engine.search.insights import Insight
from trex_tui.model import format as fmt
from trex_tui.model.knowledge import Lesson, Use, Witness, marks
from trex_tui.pages.page import BAD, DIM, HEADING

SOURCES = {"researcher": "by the Researcher", "rule": "by rule"}


@dataclass(frozen=True)
class Line:
    """`run` and `node`: where it leads, if anywhere. `still`: nobody stops at it."""

    text: Content
    run: str = ""
    node: str = ""
    still: bool = False


def row(lesson: Lesson, width: int, similarity: float | None = None) -> Content:
    """The sentence, cut to about two lines, and below it what there is to know of it at a glance."""
    insight = lesson.insight
    near = [f"near {similarity:.2f}"] if similarity is not None else []
    origin = (insight.insight, SOURCES[insight.source], fmt.day(lesson.learned_at))
    told = ", ".join((*near, *marked(insight), *_counts(lesson), *origin))
    sentence = fmt.cut(fmt.clean(insight.text), 2 * width - width // 4)
    return Content.assemble((sentence, DIM if insight.deleted else ""), "\n", (fmt.cut(f"  {told}", width), DIM))


def marked(insight: Insight) -> list[str]:
    """`▪ pinned`: what people have done to it, with the sign that states have everywhere."""
    signs = {"pinned": f"{fmt.GLYPHS['pinned']} ", "deleted": f"{fmt.GLYPHS['pruned']} "}
    return [signs.get(mark, "") + mark for mark in marks(insight)]


def lines(lesson: Lesson) -> list[Line]:
    """The sentence in full, where it comes from, what speaks for and against it, what plans made of it."""
    insight = lesson.insight
    head = [Line(Content.styled(fmt.clean(insight.text), "bold"))]
    if insight.original:
        head.append(Line(Content.styled(f"learned as: {fmt.clean(insight.original)}", DIM)))
    head.append(Line(Content.styled(_origin(lesson), DIM)))
    if insight.by:
        when = f", {fmt.day(lesson.changed_at)}" if lesson.changed_at else ""
        head.append(Line(Content.styled(f"{' and '.join(marked(insight))} by {fmt.clean(insight.by)}{when}", BAD)))
    return [
        *head,
        *_witnesses("For it", lesson.supports),
        *_witnesses("Against it", lesson.contradicts),
        *_used(lesson),
    ]


def _origin(lesson: Lesson) -> str:
    insight: Insight = lesson.insight
    task = f", on {fmt.clean(insight.task)}" if insight.task else ""
    return f"{insight.insight}, {SOURCES[insight.source]}{task}, {fmt.day(lesson.learned_at)}"


def _counts(lesson: Lesson) -> list[str]:
    found = [f"for {len(lesson.supports)} against {len(lesson.contradicts)}"]
    if lesson.uses:
        found.append(f"given {len(lesson.uses)} named {lesson.named}")
    if lesson.gain is not None:
        found.append(f"gain {lesson.gain:+.3f}")
    return found


def _witnesses(title: str, witnesses: tuple[Witness, ...]) -> list[Line]:
    if not witnesses:
        return [_heading(title, "no node")]
    return [_heading(title, fmt.plural(len(witnesses), "node")), *map(_witness, witnesses)]


def _witness(witness: Witness) -> Line:
    gain = f"  {witness.gain:+.3f}" if witness.gain is not None else ""
    score = fmt.score(witness.score) if witness.here else "of a run that is not here:"
    return Line(Content(f"  {witness.node:<5} {score}{gain}  {witness.run}"), witness.run, witness.node)


def _used(lesson: Lesson) -> list[Line]:
    """The plans that were given it, those that named it first."""
    if not lesson.uses:
        return [_heading("Given to", "no plan yet")]
    gained = f", which gained {lesson.gain:+.3f} on average" if lesson.gain is not None else ""
    note = f"{fmt.plural(len(lesson.uses), 'plan')}, named by {lesson.named}{gained}"
    ordered = sorted(lesson.uses, key=lambda use: not use.named)
    return [_heading("Given to", note), *map(_use, ordered)]


def _use(use: Use) -> Line:
    gain = f"{use.gain:+.3f}" if use.gain is not None else "not judged"
    return Line(Content(f"  {use.node:<5} {'named' if use.named else 'given'}  {gain}  {use.run}"), use.run, use.node)


def _heading(title: str, note: str) -> Line:
    return Line(Content.assemble((title, HEADING), (f"  {note}", DIM)), still=True)
