"""Attaching to a long history: everything arrives, decoded, and the collector is back at work afterwards."""

import asyncio
import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.journal import Journal
from engine.search.fold import fold
from tests.bench import history
from tests.bench.attach import attach
from tests.control.test_server import serving
from trex_tui.client.link import SocketLink
from trex_tui.model.store import Store

EVENTS = 1500


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not fact():  # noqa: ASYNC110 - facts are not events
            await asyncio.sleep(0)


async def test_the_store_holds_what_the_journal_holds(tmp_path: Path) -> None:
    history.write(tmp_path / "journal.db", EVENTS)
    store = Store()
    async with serving(tmp_path) as (_, journal, socket):
        feed = asyncio.create_task(SocketLink(socket).feed(store))
        await until(lambda: store.last_seq > 0)
        assert store.last_seq == EVENTS or not gc.isenabled()
        await until(lambda: store.last_seq == EVENTS and gc.isenabled())
        feed.cancel()
        await asyncio.gather(feed, return_exceptions=True)
        held, whole = store.runs[history.RUN].tree, fold(journal.records())
        assert held.tape.keys() == whole.tape.keys()
        # The Researcher's words are not held by every interface; they are read where somebody asks for them.
        assert replace(held, tape=whole.tape) == whole
    assert not store.unreadable


async def test_the_collector_works_again_where_the_engine_goes_away_in_the_middle(tmp_path: Path) -> None:
    history.write(tmp_path / "journal.db", EVENTS)
    store = Store()
    async with serving(tmp_path) as (_, _, socket):
        feed = asyncio.create_task(SocketLink(socket).feed(store))
        await until(lambda: store.last_seq > 0)
    await until(lambda: store.link.kind == "down")
    assert gc.isenabled()
    feed.cancel()
    await asyncio.gather(feed, return_exceptions=True)


async def test_the_measurement_measures(tmp_path: Path) -> None:
    history.write(tmp_path / "journal.db", EVENTS)
    async with serving(tmp_path) as (_, _, socket):
        found = await attach(socket, EVENTS)
    assert 0 < found.longest_wait <= found.all


def test_a_history_has_as_many_events_as_asked_for_and_folds(tmp_path: Path) -> None:
    history.write(tmp_path / "journal.db", 1000)
    journal = Journal.open_read_only(tmp_path / "journal.db")
    tree = fold(journal.records())
    assert (journal.last_seq, tree.state) == (1000, "stopped")
    assert len(tree.nodes) > 50 and tree.tape
    journal.close()
