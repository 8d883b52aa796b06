"""Three charts of one trial: loss, learning rate, gradient norm."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from trex_tui.model import format as fmt
from trex_tui.model.state import phase
from trex_tui.model.telemetry import TrialView
from trex_tui.pages.page import DIM, Subject
from trex_tui.widgets.braille_chart import BrailleChart


class Curves(Vertical):
    """Redrawn from a `Subject`; live while the trial trains."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._head = Static(id="curves-head")
        self._loss = BrailleChart("loss", id="curve-loss")
        self._rate = BrailleChart("learning rate")
        self._norm = BrailleChart("gradient norm")

    def compose(self) -> ComposeResult:
        yield from (self._head, self._loss, self._rate, self._norm)

    def draw(self, about: Subject) -> None:
        course = about.course or TrialView()
        self._head.update(_head(about))
        last = f" at step {course.at[-1]}" if course.at else ""
        charts = ((self._loss, course.loss), (self._rate, course.learning_rate), (self._norm, course.grad_norm))
        for chart, values in charts:
            chart.draw(values, f"{values[-1]:.4g}{last}" if values else "no steps yet")


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
        parts.append(f"{course.last.tokens_per_second:,.0f} tokens/s")
        parts.append(f"{course.last.memory / 2**30:.1f} GiB")
    return Content("  ".join(parts))
