"""Three charts of a node's trials, and the validation scores that led to it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from trex_tui.model import format as fmt
from trex_tui.model.state import phase
from trex_tui.model.telemetry import TrialView
from trex_tui.pages import lineage
from trex_tui.pages.page import DIM, Subject
from trex_tui.widgets.braille import LETTERS, Series
from trex_tui.widgets.braille_chart import BrailleChart

NARROW = 60  # cells: less have no room for two charts side by side


class Curves(VerticalScroll):
    """Redrawn from a `Subject`; live while the trial trains."""

    DEFAULT_CSS = """
    Curves { scrollbar-size-vertical: 1; scrollbar-background: $background; scrollbar-color: $faint; }
    Curves > #curves-small { layout: horizontal; }
    Curves.-narrow > #curves-small { layout: vertical; }
    Curves > #curves-validation { height: auto; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, can_focus=False)
        self._head = Static(id="curves-head")
        self._loss = BrailleChart("loss", id="curve-loss")
        self._rate = BrailleChart("learning rate")
        self._norm = BrailleChart("gradient norm")
        self._small = Container(self._rate, self._norm, id="curves-small")
        self._validation = Static(id="curves-validation")
        self._below = 1  # rows of what stands below the charts

    def compose(self) -> ComposeResult:
        yield from (self._head, self._loss, self._small, self._validation)

    def draw(self, about: Subject) -> None:
        course = about.course or TrialView()
        self.set_class(about.width < NARROW, "-narrow")
        self._head.update(_head(about))
        last = f" at step {course.at[-1]}" if course.at else ""
        own = ((self._loss, course.loss), (self._rate, course.learning_rate), (self._norm, course.grad_norm))
        for chart, values in own:
            series = [Series(about.trial_name, values, course.at), *(_others(about) if chart is self._loss else ())]
            short = last if chart is self._loss else ""
            chart.draw(series, f"{values[-1]:.4g}{short}" if values else "no steps yet")
        below = lineage.page(about)
        self._validation.update(below)
        self._below = len(below.plain.splitlines())
        self._share()

    def on_resize(self) -> None:
        self._share()  # the first time it is on show it had no size when it was drawn

    def _share(self) -> None:
        """Give the charts the rows that are left, and what can be read even where there are none: then it scrolls."""
        left = self.size.height - 1 - self._below
        small = max(8 if self.has_class("-narrow") else 4, left // 3)
        self._small.styles.height = small
        self._loss.styles.height = max(6, left - small)


def _others(about: Subject) -> list[Series]:
    """The losses of the node's other trials, as far as they have been read."""
    names = [name for name in about.node.trials if name != about.trial_name][: len(LETTERS) - 1]
    courses = [(name, about.store.trials.get((about.run, name))) for name in names]
    return [Series(name, course.loss, course.at) for name, course in courses if course and course.at]


def _head(about: Subject) -> Content:
    trial, course = about.trial, about.course
    if trial is None:
        return Content.styled("no trial yet", DIM)
    if trial.config is None:
        return Content.styled(f"{trial.id}: the base model is not trained, so it has no curves", DIM)
    parts = [trial.id, fmt.state(trial.state)]
    if course and course.state and trial.state == "running":
        now = course.state
        parts.append(phase(now.phase, now.step, now.steps, now.judged, now.items))
    if course and course.last:
        parts.append(f"{fmt.figure(course.last.tokens_per_second, ',.0f')} tokens/s")
        parts.append(f"{fmt.figure(course.last.memory, '.1f', 2**30)} GiB")
    return Content("  ".join(parts))
