"""How often the policy has been in each branch: `engine.search.policies.tally`, kept up to date node by node.

Each node that counts is one visit of itself and of all above it. What is cancelled or pruned counts nothing.
"""

from __future__ import annotations

from engine.search.tree import ROOT, Tree


class Visits:
    """Ask `of`; tell `see` of every node that is new or has changed, parents before children."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}  # of the node's branch
        self._own: dict[str, bool] = {}
        self._passed: dict[str, int] = {}  # what the branch counts for its parent

    def see(self, tree: Tree, name: str) -> None:
        node = tree.nodes[name]
        own = node.state != "cancelled" if name != ROOT else node.state in ("done", "failed")
        gained = own - self._own.get(name, False)
        self._own[name] = own
        self.of[name] = self.of.get(name, 0) + gained
        self._pass_on(tree, name)

    def forget(self, tree: Tree, name: str, parent: str) -> None:
        """A node was not there yet, at the moment on show. Children before parents."""
        passed = self._passed.pop(name)
        del self._own[name], self.of[name]
        if parent in tree.nodes:
            self.of[parent] -= passed
            self._pass_on(tree, parent)

    def _pass_on(self, tree: Tree, name: str) -> None:
        """Tell the ancestors, as far up as something changes for them."""
        while True:
            node = tree.nodes[name]
            passed = 0 if "pruned" in node.flags else self.of[name]
            gained = passed - self._passed.get(name, 0)
            self._passed[name] = passed
            if name == ROOT or not gained:
                return
            name = node.parent
            self.of[name] += gained
