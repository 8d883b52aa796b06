"""Plots of a run as SVG: the result, the score of every node, the best so far, the losses, the use of time.

Each function takes data and returns one drawing, or an empty string where there is nothing to draw. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from engine.report import svg, words
from engine.report.model import Activity, Best, Contender, Curve, Judgement, TimeUse
from engine.report.timing import seconds_by_activity
from engine.search.events import Split
from engine.search.tree import ROOT, Score, Tree

WIDTH = 860.0
POINTS = 400  # of a curve, at most
ROLE_COLOUR = {"base": "soft", "baseline": "baseline"}
ACTIVITIES: dict[Activity, str] = {
    "planning": "Researcher",
    "data": "data",
    "starting": "start-up",
    "training": "training",
    "evaluation": "evaluation",
    "judging": "confirm and test",
    "lost": "lost",
    "paused": "paused",
    "away": "no engine",
}


def result(contenders: Sequence[Contender], split: Split) -> str:
    """One line per contender: its score on the split with its 95% interval."""
    shown = [(c, c.judged[split].score) for c in contenders if split in c.judged]
    if not shown:
        return ""
    low, high = svg.padded([v for _, s in shown for v in (s.low, s.high, s.value)])
    x = svg.Scale(low, high, 190, WIDTH - 90)
    bottom = 24 + 40 * len(shown)
    parts = _vertical_grid(x, 6, bottom)
    for row, (contender, score) in enumerate(shown):
        y, colour = 28 + 40.0 * row, ROLE_COLOUR.get(contender.roles[-1], "accent")
        parts += [
            svg.label(0, y, words.role(contender), "strong"),
            svg.label(0, y + 15, contender.trial, "soft"),
            *_interval(x(score.low), y, x(score.high), y, f"s-{colour}"),
            svg.dot(x(score.value), y, f"f-{colour}", f"{contender.trial} {words.score(score)}", 6),
            svg.label(WIDTH, y + 4, words.number(score.value), "strong end"),
        ]
    return svg.drawing(WIDTH, bottom + 22, parts, f"Scores on the {split} split with 95% intervals")


def scores(tree: Tree, judgements: Sequence[Judgement]) -> str:
    """Each node's validation score in the order of the search, with its interval; the base as a dashed line."""
    checked = {j.trial: j.score for j in judgements if j.split == "validation"}
    found: list[tuple[str, str, Score]] = []
    for node in tree.nodes.values():
        best = node.best(tree.maximize)
        if best and best.score:
            found.append((node.id, node.direction or "", checked.get(best.id, best.score)))
    if len(found) < 2:
        return ""
    low, high = svg.padded([v for _, _, s in found for v in (s.low, s.high, s.value)])
    y, x = svg.Scale(low, high, 240, 14), svg.Scale(-0.5, len(found) - 0.5, 56, WIDTH)
    parts = _horizontal_grid(y, 56, WIDTH)
    if found[0][0] == ROOT:
        base = found[0][2]
        parts += [
            svg.element(
                "rect", x=56, y=y(base.high), width=WIDTH - 56, height=y(base.low) - y(base.high), cls="baseband"
            ),
            svg.line(56, y(base.value), WIDTH, y(base.value), "base"),
        ]
    named = set(svg.thinned(len(found), 24))
    for at, (name, direction, score) in enumerate(found):
        colour = direction or "soft"
        parts += _interval(x(at), y(score.low), x(at), y(score.high), f"s-{colour}")
        parts.append(svg.dot(x(at), y(score.value), f"f-{colour}", f"{name} {words.score(score)}"))
        if at in named:
            parts.append(svg.label(x(at), 262, "base" if name == ROOT else name, "soft mid"))
    directions = dict.fromkeys(d for _, d, _ in found if d)
    parts += _legend([(words.DIRECTIONS[d], f"f-{d}") for d in directions], 56, 290)
    return svg.drawing(WIDTH, 296, parts, "Validation score of each node, with 95% intervals")


def best_so_far(progress: Sequence[Best]) -> str:
    """Every validation score as a dot over time, and the best until then as a step line."""
    if len(progress) < 2:
        return ""
    low, high = svg.padded([p.value for p in progress])
    x, y = svg.Scale(0.0, progress[-1].seconds / 60 or 1.0, 56, WIDTH - 8), svg.Scale(low, high, 190, 14)
    parts = _horizontal_grid(y, 56, WIDTH)
    parts += [svg.label(x(t), 212, f"{t:g}", "soft mid") for t in x.ticks(9)]
    parts.append(svg.label(WIDTH, 230, "minutes since the start", "soft end"))
    corners: list[tuple[float, float]] = []
    for point in progress:
        here = x(point.seconds / 60)
        corners += [(here, corners[-1][1])] if corners else []
        corners.append((here, y(point.best)))
    parts.append(svg.path(corners, "curve s-accent"))
    parts += [
        svg.dot(
            x(p.seconds / 60),
            y(p.value),
            "f-accent" if p.value == p.best else "f-soft",
            f"{p.trial} {p.value:.3f}",
            3.5,
        )
        for p in progress
    ]
    return svg.drawing(WIDTH, 236, parts, "Best validation score so far, over time")


def losses(curves: Sequence[Curve]) -> str:
    """Training loss by optimiser step: thin as logged, thick as a running mean."""
    kept = [(c, [(float(s.step), s.loss) for s in c.steps if math.isfinite(s.loss)]) for c in curves]
    kept = [(c, points) for c, points in kept if len(points) > 1]
    if not kept:
        return ""
    low, high = svg.padded([loss for _, points in kept for _, loss in points])
    last = max(points[-1][0] for _, points in kept)
    x, y = svg.Scale(0.0, last, 56, WIDTH - 8), svg.Scale(max(0.0, low), high, 210, 14)
    parts = _horizontal_grid(y, 56, WIDTH)
    parts += [svg.label(x(t), 232, f"{t:g}", "soft mid") for t in x.ticks(9)]
    parts.append(svg.label(WIDTH, 250, "optimiser steps", "soft end"))
    legend = []
    for curve, points in kept:
        colour = "baseline" if curve.label == "baseline" else "accent"
        chosen = svg.thinned(len(points), POINTS)
        smooth = _running_mean([loss for _, loss in points])
        parts.append(svg.path(((x(points[i][0]), y(points[i][1])) for i in chosen), f"raw s-{colour}"))
        parts.append(svg.path(((x(points[i][0]), y(smooth[i])) for i in chosen), f"curve s-{colour}"))
        legend.append((f"{curve.label} {curve.trial}", f"f-{colour}"))
    parts += _legend(legend, 56, 250)
    return svg.drawing(WIDTH, 256, parts, "Training loss by step")


def time_strip(time: TimeUse) -> str:
    """When the Researcher thought (upper lane) and the device worked (lower lane)."""
    if time.wall <= 0:
        return ""
    x = svg.Scale(0.0, time.wall, 86, WIDTH)
    parts = [svg.label(0, 23, "Researcher", "soft"), svg.label(0, 51, "device", "soft")]
    parts += [svg.element("rect", x=86, y=y, width=WIDTH - 86, height=20, cls="baseband") for y in (8, 36)]
    for span in time.spans:
        lane, height = {"planning": (8, 20), "paused": (8, 48), "away": (8, 48)}.get(span.activity, (36, 20))
        tip = svg.element("title", escape(f"{span.label}: {ACTIVITIES[span.activity]}, {words.duration(span.seconds)}"))
        width = max(0.6, x(span.end) - x(span.start))
        parts.append(
            svg.element("rect", tip, x=x(span.start), y=lane, width=width, height=height, cls=f"f-{span.activity}")
        )
    unit, name = (60.0, "minutes") if time.wall < 7200 else (3600.0, "hours")
    minutes = svg.Scale(0.0, time.wall / unit, 86, WIDTH)
    parts += [svg.label(minutes(t), 74, f"{t:g}", "soft mid") for t in minutes.ticks(9)[:-1]]
    parts.append(svg.label(WIDTH, 74, name, "soft end"))
    used = seconds_by_activity(time.spans)
    parts += _legend([(text, f"f-{activity}") for activity, text in ACTIVITIES.items() if activity in used], 86, 98)
    return svg.drawing(WIDTH, 104, parts, "Use of time")


def _running_mean(values: Sequence[float], window: int = 9) -> list[float]:
    """Mean over the values around each one, the window cut off at the ends."""
    half = min(window, max(1, len(values) // 4)) // 2
    spans = (values[max(0, i - half) : i + half + 1] for i in range(len(values)))
    return [sum(span) / len(span) for span in spans]


def _interval(x1: float, y1: float, x2: float, y2: float, colour: str) -> list[str]:
    return [svg.line(x1, y1, x2, y2, f"whisker {colour}")]


def _horizontal_grid(y: svg.Scale, left: float, right: float) -> list[str]:
    parts = []
    for tick in y.ticks(8):
        parts += [
            svg.line(left, y(tick), right, y(tick), "axis"),
            svg.label(left - 8, y(tick) + 4, f"{tick:g}", "soft end"),
        ]
    return parts


def _vertical_grid(x: svg.Scale, top: float, bottom: float) -> list[str]:
    parts = []
    for tick in x.ticks(8):
        parts += [
            svg.line(x(tick), top, x(tick), bottom, "axis"),
            svg.label(x(tick), bottom + 16, f"{tick:g}", "soft mid"),
        ]
    return parts


def _legend(entries: Iterable[tuple[str, str]], x: float, y: float) -> list[str]:
    """Coloured dots with names, left to right. Widths are estimated: 6.4 units a letter."""
    parts = []
    for text, colour in entries:
        parts += [svg.element("circle", cx=x + 4, cy=y - 4, r=4, cls=colour), svg.label(x + 14, y, text, "soft")]
        x += 14 + 6.4 * len(text) + 18
    return parts
