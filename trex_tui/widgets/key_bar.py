"""The last line: the keys that work now, made from the live bindings. What does not fit is in the help."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from trex_tui.keymap import bar_place


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
        shown = Content("")
        for action in sorted(seen, key=bar_place):
            key, label = seen[action]
            part = Content.assemble((f" {key}", "bold $text-accent"), f" {label} ")
            if shown.cell_length + part.cell_length <= self.size.width:
                shown = shown + part
        return shown

    def _works(self, action: str) -> bool:
        works = getattr(self.screen, "works", None)
        return works is None or bool(works(action))

    def _label(self, action: str, label: str) -> str:
        """The screen may say it more exactly: `resume` instead of `pause`."""
        exact = getattr(self.screen, "label_of", None)
        return str(exact(action) or label) if exact else label
