"""The form of hints: one line of advice to the Researcher, and the advice that holds already."""

from __future__ import annotations

from collections.abc import Callable

from engine.control import protocol as p
from engine.errors import BadInput
from engine.search.tree import ROOT, Tree
from trex_tui.forms.sheet import Remarks, Row, Sheet, Values
from trex_tui.model.format import clean

LONGEST = 1000  # letters of a hint


class HintSheet(Sheet):
    """For the selected node and what grows below it; for the whole run from the base model on."""

    kind, verb = "hint", "send"
    first = "hint"

    def __init__(self, run: str, now: Callable[[], Tree], node: str, by: str) -> None:
        self._run, self._by, self._tree = run, by, now
        tree = now()
        path = tree.path(node)
        self._here = [hint for hint in tree.hints.values() if hint.node in path]
        others = len(tree.hints) - len(self._here)
        self.title = "advice to the Researcher"
        nobody = " This run has no Researcher to read it." if tree.setup.researcher == "none" else ""
        held = [
            f"{hint.hint} (for {_where(hint.node)}, by {clean(hint.by)}): {clean(hint.text)}" for hint in self._here
        ]
        head = f"It is given with every plan below the node; n0 is the whole run.{nobody}"
        more = [f"{others} more for other branches."] if others else []
        self.lead = "\n".join([head, *(["It holds here already:", *held] if held else []), *more])
        rows = [Row("hint", "hint", ""), Row("node", "for node", node, tuple(reversed(path)))]
        self.rows = (*rows, Row("withdraw", "withdraw", "", ("", *tree.hints))) if tree.hints else tuple(rows)

    def remarks(self, values: Values) -> Remarks:
        node = values["node"].strip()
        reach = "the whole run" if node == ROOT else f"{node} and what grows below it"
        there = ", ".join(self._tree().hints)
        return Remarks({"node": reach if node in self._tree().nodes else "no such node", "withdraw": f"one of {there}"})

    def command(self, values: Values) -> p.Command:
        tree = self._tree()
        text, node, away = (values.get(name, "").strip() for name in ("hint", "node", "withdraw"))
        if away:
            if text:
                raise BadInput("one thing at a time", hint="empty the line `hint`, or the line `withdraw`")
            if away not in tree.hints:
                raise BadInput(f"no hint `{away[:40]}`", hint=f"hints: {', '.join(tree.hints) or 'none'}")
            return p.WithdrawHint(id=0, run=self._run, hint=away, by=self._by)
        if not text:
            raise BadInput("the hint is empty", hint="write what the Researcher should know or try")
        if len(text) > LONGEST:
            raise BadInput(f"the hint has {len(text):,} letters, {LONGEST:,} are allowed", hint="shorten it")
        if node not in tree.nodes:
            raise BadInput(f"no node `{node[:40]}`", hint=f"nodes: n0 to n{len(tree.nodes) - 1}")
        return p.GiveHint(id=0, run=self._run, text=text, node=node, by=self._by)


def _where(node: str) -> str:
    return "the run" if node == ROOT else node
