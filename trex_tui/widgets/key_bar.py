"""The last line: the keys that work now, made from the live bindings. What does not fit is in the help."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from trex_tui.keymap import bar_place

ESSENTIAL = 5  # places that are kept however narrow it is, without their names if need be


def fitted(keys: list[tuple[str, str, int]], width: int) -> Content:
    """(key, label, place) in the order of places, as far as they fit."""
    shown, kept = Content(""), sum(cell_len(key) + 2 for key, _, place in keys if place <= ESSENTIAL)
    for key, label, place in keys:
        bare = Content.assemble((f" {key}", "bold $text-accent"), " ")
        kept -= bare.cell_length if place <= ESSENTIAL else 0
        room = width - kept - shown.cell_length
        if bare.cell_length + cell_len(label) + 1 <= room:
            shown = shown + bare + f"{label} "
        elif place <= ESSENTIAL and bare.cell_length <= room:
            shown = shown + bare
    return shown


class KeyBar(Widget):
    """Shows as many keys as fit, the important ones first; ? always stands at the left."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.refresh())

    def render(self) -> Content:
        seen: dict[str, tuple[str, str]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and bar_place(binding.action) and self._works(binding.action):
                seen[binding.action] = (
                    binding.key_display or binding.key,
                    self._label(binding.action, binding.description),
                )
        return fitted([(*seen[action], bar_place(action)) for action in sorted(seen, key=bar_place)], self.size.width)

    def _works(self, action: str) -> bool:
        asked = (getattr(place, "works", None) for place in (self.screen, self.app))
        return all(works is None or works(action) for works in asked)

    def _label(self, action: str, label: str) -> str:
        """The screen may say it more exactly: `resume` instead of `pause`."""
        exact = getattr(self.screen, "label_of", None)
        return str(exact(action) or label) if exact else label
