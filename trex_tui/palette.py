"""Every action in the command palette (ctrl+p), made from the live bindings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from textual.command import DiscoveryHit, Hit, Hits, Provider


class Actions(Provider):
    """The actions of the screen below the palette, by the sentence that help says of them."""

    SKIPPED: ClassVar[frozenset[str]] = frozenset({"command_palette"})

    def _found(self) -> Iterator[tuple[str, str, str]]:
        seen = set(self.SKIPPED)
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.tooltip and binding.action not in seen:
                seen.add(binding.action)
                yield f"{binding.description} ({binding.key_display or binding.key})", binding.action, binding.tooltip

    async def discover(self) -> Hits:
        for name, action, said in self._found():
            yield DiscoveryHit(name, partial(self._do, action), help=said)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, action, said in self._found():
            score = max(matcher.match(name), matcher.match(said))
            if score > 0:
                yield Hit(score, matcher.highlight(name), partial(self._do, action), help=said)

    async def _do(self, action: str) -> None:
        await self.screen.run_action(action) if hasattr(
            self.screen, f"action_{action.split('(')[0]}"
        ) else await self.app.run_action(action)
