"""Three charts of one trial: loss, learning rate, gradient norm."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from trex_tui.model import format as fmt
from trex_tui.model.state import phase
from trex_tui.pages.page import DIM, Subject
from trex_tui.widgets.braille_chart import BrailleChart


class Curves(Vertical):
    """Redrawn from a `Subject`; live while the trial trains."""

    def compose(self) -> ComposeResult:
        yield Static(id="curves-head")
        yield BrailleChart("loss", id="curve-loss")
        yield BrailleChart("learning rate", id="curve-rate")
        yield BrailleChart("gradient norm", id="curve-norm")

    def draw(self, about: Subject) -> None:
        course = about.course
        self.query_one("#curves-head", Static).update(_head(about))
        curves = (
            ("#curve-loss", course.loss if course else []),
            ("#curve-rate", course.learning_rate if course else []),
            ("#curve-norm", course.grad_norm if course else []),
        )
        for name, values in curves:
            last = f"{values[-1]:.4g} at step {course.at[-1]}" if course and values else "no steps yet"
            self.query_one(name, BrailleChart).draw(values, last)


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
