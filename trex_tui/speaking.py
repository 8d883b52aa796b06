"""Carries out what is said in the command line (`:`). Loaded when the first line is typed.

What a line means is decided in `trex_tui.spoken`; names of keys and screens are taken from where they live.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.binding import ActiveBinding

from engine.errors import BadInput, TrexError
from trex_tui import host, spoken
from trex_tui.everyday import Everyday
from trex_tui.screens.command import Command
from trex_tui.spoken import Order
from trex_tui.theme import THEMES

ON_OFF = ("on", "off")


class Speaker:
    """Hears one line, as often as it is mended, and has `app` do it."""

    def __init__(self, app: Everyday, said: list[str]) -> None:
        self._app, self._said = app, said

    async def listen(self) -> None:
        """Until a line was carried out, or nothing is said."""
        keys, line, wrong = self._keys(), "", ""
        while line := await self._heard(line, wrong, keys):
            if not self._said or self._said[-1] != line:
                self._said.append(line)
            try:
                await self._carry_out(spoken.read(line, self._names(keys)), keys)
                return
            except TrexError as problem:
                wrong = str(problem)

    async def _heard(self, line: str, wrong: str, keys: dict[str, ActiveBinding]) -> str:
        return await self._app.push_screen_wait(
            Command(lambda text: self._complete(text, keys), self._said, line, wrong)
        )

    def _keys(self) -> dict[str, ActiveBinding]:
        """What the keys do that work on the screen below, by name."""
        found: dict[str, ActiveBinding] = {}
        for active in self._app.screen.active_bindings.values():
            if active.binding.tooltip:
                found.setdefault(active.binding.id or active.binding.description.replace(" ", "-"), active)
        return {name: active for name, active in found.items() if active.binding.action != "command_line"}

    def _names(self, keys: dict[str, ActiveBinding]) -> set[str]:
        return {*keys, *host.SCREENS, *spoken.STEERS, *self._own}

    @property
    def _own(self) -> dict[str, Callable[[Order], object]]:
        """Names that are no key's, or that take words where their key has none."""
        return {
            "goto": self._goto,
            "run": self._run,
            "theme": lambda order: self._app.action_theme(*order.words[:1]),
            "notify": self._notify,
            "set": self._set,
            "screenshot": lambda order: self._app.action_picture(order.rest),
        }

    async def _carry_out(self, order: Order, keys: dict[str, ActiveBinding]) -> None:
        """Raises TrexError with why it cannot be done."""
        if order.name in self._own:
            self._own[order.name](order)
        elif order.name in host.SCREENS:
            self._app.action_show(order.name, *order.words)
        elif order.words and order.name in spoken.STEERS:
            self._app.decide(spoken.steer(order, self._app.store, self._app.selection))
        elif order.name in keys and not order.words:
            active = keys[order.name]
            await self._app.run_action(active.binding.action, active.node)
        elif order.name in keys:
            raise BadInput(f"`{order.name}` takes no words", hint=f"write `:{order.name}`")
        else:
            raise BadInput(f"`{order.name}` needs a node", hint=f"write `:{order.name} n3`")

    def _goto(self, order: Order) -> None:
        """`n4`, or `run:n4`."""
        run, _, node = order.rest.rpartition(":")
        view = self._app.store.runs.get(run or self._app.selection.run)
        if view is None:
            raise BadInput(f"no run `{run or self._app.selection.run}`", hint="`:runs` lists them")
        spoken.place(node.strip(), view, run or self._app.selection.run)
        self._app.look_at(run or self._app.selection.run, node.strip().split("t")[0])

    def _run(self, order: Order) -> None:
        if order.rest not in self._app.live.runs:
            known = ", ".join(list(self._app.live.runs)[-3:]) or "none yet"
            raise BadInput(f"no run `{order.rest}`", hint=f"the latest: {known}")
        self._app.look_at(order.rest)

    def _notify(self, order: Order) -> None:
        if order.rest not in ON_OFF:
            raise BadInput("notifications are on or off", hint="write `:notify off`")
        self._app.notify_by_terminal(order.rest == "on")

    def _set(self, order: Order) -> None:
        """`theme light`, `notify off`: as in the file of settings."""
        name, _, value = order.rest.replace("=", " ", 1).partition(" ")
        if name not in ("theme", "notify"):
            where = self._app.around.kept_at or "a file"
            raise BadInput(f"no setting `{name}`", hint=f"theme and notify are set here; keys stand in {where}")
        self._own[name](Order(name, (value.strip(),), value.strip()))

    def _complete(self, line: str, keys: dict[str, ActiveBinding]) -> list[str]:
        return spoken.complete(line, sorted(self._names(keys)), self._words_of)

    def _words_of(self, name: str) -> Sequence[str]:
        """What may stand behind a name."""
        view = self._app.store.runs.get(self._app.selection.run)
        nodes = list(view.tree.nodes) if view else []
        if name == "theme":
            return [theme.removeprefix("trex-") for theme in THEMES]
        if name == "run":
            return list(self._app.live.runs)
        if name == "set":
            return ("theme", "notify")
        if name == "budget":
            return [f"{limit}=" for limit in spoken.LIMITS]
        return ON_OFF if name == "notify" else nodes if name in ("goto", "compare", *spoken.STEERS) else ()
