"""The search tree drawn: as SVG, left to right by depth, and as fixed-width text for Markdown. Pure."""

from __future__ import annotations

from html import escape

from engine.report import svg, words
from engine.search.tree import ROOT, Node, Tree

BOX, GAP_X, ROW = 160.0, 40.0, 44.0
MARKS = {"done": "", "failed": "failed", "cancelled": "cancelled", "planned": "planned", "queued": "queued"}


def drawn(tree: Tree) -> str:
    """Boxes with score and direction; the champion's outline is thick, a pruned subtree's dashed."""
    places = _places(tree)
    if not places:
        return ""
    deepest = max(tree.nodes[n].depth for n in places)
    width = max(860.0, (deepest + 1) * (BOX + GAP_X) - GAP_X + 4)
    parts = [_link(*places[tree.nodes[n].parent], *places[n]) for n in places if n != ROOT]
    parts += [_box(tree, tree.nodes[n], x, y) for n, (x, y) in places.items()]
    height = max(y for _, y in places.values()) + ROW
    return svg.drawing(width, height, parts, "The search tree")


def written(tree: Tree) -> str:
    """The tree as indented text: node, score, direction, state, source."""
    lines: list[str] = []
    champion = tree.champion.split("t")[0]

    def walk(name: str, indent: str, last: bool) -> None:
        node = tree.nodes[name]
        branch = "" if name == ROOT else ("`- " if last else "|- ")
        score = tree.score(name)
        facts = [words.score(score) if score else node.state, words.DIRECTIONS.get(node.direction or "", "base model")]
        facts += [f"by {node.plan.source}"] if node.plan else []
        facts += [state for state in (_state(tree, node),) if state and score]
        facts += ["CHAMPION"] if name == champion else []
        lines.append(f"{indent}{branch}{name}  " + ", ".join(facts))
        below = indent + ("" if name == ROOT else "   " if last else "|  ")
        stack.extend((child, below, child == node.children[-1]) for child in reversed(node.children))

    stack: list[tuple[str, str, bool]] = [(ROOT, "", True)] if ROOT in tree.nodes else []
    while stack:
        walk(*stack.pop())
    return "\n".join(lines)


def _places(tree: Tree) -> dict[str, tuple[float, float]]:
    """Top-left corner of each node's box: leaves one row each, a parent in the middle of its children."""
    if ROOT not in tree.nodes:
        return {}
    order = list(tree.subtree(ROOT))
    rows: dict[str, float] = {}
    for at, name in enumerate(n for n in order if not tree.nodes[n].children):
        rows[name] = float(at)
    for name in reversed(order):
        if children := tree.nodes[name].children:
            rows[name] = (rows[children[0]] + rows[children[-1]]) / 2
    return {n: (tree.nodes[n].depth * (BOX + GAP_X) + 2, rows[n] * ROW + 4) for n in order}


def _box(tree: Tree, node: Node, x: float, y: float) -> str:
    score, champion = tree.score(node.id), bool(tree.champion) and tree.trial(tree.champion).node == node.id
    colour = "s-bad" if node.state == "failed" else f"s-{node.direction}" if node.direction else "s-soft"
    dashed = " pruned" if tree.flagged(node.id, "pruned") else ""
    thick = " champion" if champion else ""
    state = _state(tree, node)
    tip = f"{node.id}: {words.DIRECTIONS.get(node.direction or '', 'base model')}, {words.score(score)} {state}"
    name = "base" if node.id == ROOT else node.id
    shape = svg.element("rect", x=x, y=y, width=BOX, height=32, rx=6, cls=f"box {colour}{dashed}{thick}")
    value = words.number(score.value) if score else state or node.state
    below = ("champion" if champion else state) if score else ""
    return svg.element(
        "g",
        svg.element("title", escape(tip))
        + shape
        + svg.label(x + 10, y + 20.5, name, "strong")
        + (svg.label(x + 46, y + 20.5, below, "soft") if below else "")
        + svg.label(x + BOX - 10, y + 20.5, value, "end"),
    )


def _state(tree: Tree, node: Node) -> str:
    """What is not ordinary about a node: its state where it is not done, and a person's flags."""
    flags = [f for f in ("pruned", "paused") if tree.flagged(node.id, "pruned" if f == "pruned" else "paused")]
    return ", ".join(filter(None, [MARKS.get(node.state, node.state), *flags, *({"pinned"} & node.flags)]))


def _link(x1: float, y1: float, x2: float, y2: float) -> str:
    """A smooth line from the right of the parent to the left of the child."""
    start, end, middle = x1 + BOX, x2, (x1 + BOX + x2) / 2
    a, b = y1 + 16, y2 + 16
    return svg.element(
        "path", d=f"M{start:.1f} {a:.1f} C{middle:.1f} {a:.1f} {middle:.1f} {b:.1f} {end:.1f} {b:.1f}", cls="link"
    )
