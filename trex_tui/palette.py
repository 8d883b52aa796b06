"""Every action in the command palette (ctrl+p), made from the live bindings."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, ClassVar

from textual.command import DiscoveryHit, Hit, Hits, Provider

from trex_tui.keymap import UNBOUND

Run = Callable[[], Coroutine[Any, Any, bool]]


class Actions(Provider):
    """The actions of the screen below the palette, by the sentence that help says of them."""

    SKIPPED: ClassVar[frozenset[str]] = frozenset({"command_palette"})

    def _found(self) -> Iterator[tuple[str, Run, str]]:
        """(name and key, what to run, what it does); the keys of the key bar first."""
        seen = set(self.SKIPPED)
        for active in sorted(self.screen.active_bindings.values(), key=lambda active: not active.binding.show):
            binding = active.binding
            if binding.tooltip and binding.action not in seen:
                seen.add(binding.action)
                name = f"{binding.description} ({binding.key_display or binding.key})"
                yield name, partial(self.app.run_action, binding.action, active.node), binding.tooltip
        for key in UNBOUND:
            yield key.label, partial(self.app.run_action, key.action, self.screen), key.help

    async def discover(self) -> Hits:
        for name, run, said in self._found():
            yield DiscoveryHit(name, run, help=said)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, run, said in self._found():
            score = max(matcher.match(name), matcher.match(said))
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=said)
