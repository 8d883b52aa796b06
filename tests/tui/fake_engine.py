"""An engine for tests and for looking at the interface: a real Unix-socket server speaking the real protocol.

It plays a script instead of searching. By hand: `python -m tests.tui.fake_engine WORKSPACE [--live]`, then open the
interface on the same workspace.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from datetime import datetime
from pathlib import Path

import msgspec

from engine import __version__, forking, lessons, limits
from engine.control import protocol as p
from engine.executor.job import State
from engine.files import write_json
from engine.search import events as ev
from engine.search.fold import fold
from engine.search.steering import inverse, last_undoable, retriable
from engine.workspace import Workspace

from . import script


class FakeEngine:
    """Sends `records` to whoever subscribes, answers commands, remembers them in `commands`."""

    def __init__(self, workspace: Workspace, records: list[ev.Record], *, version: int = p.VERSION) -> None:
        self.workspace, self.records, self._version = workspace, list(records), version
        self.commands: list[p.Command] = []
        self.refuse = ""  # the reason to refuse every command with
        self.mute = False  # take commands and never answer
        self.pulse = p.Pulse(time=time.time(), run=script.RUN, activity="training n6t0", holder="n6t0", device="cpu")
        self.subscriptions: list[int] = []
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._subscribed: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> FakeEngine:
        self.workspace.socket.unlink(missing_ok=True)
        self._beating = asyncio.create_task(self._beats())
        self._server = await asyncio.start_unix_server(self._client, self.workspace.socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._beating.cancel()
        self._server.close()
        for writer in list(self._clients):
            writer.close()
        await self._server.wait_closed()
        self.workspace.socket.unlink(missing_ok=True)

    async def say_goodbye(self, by: str) -> None:
        """The last word of an engine that was told to end."""
        await self._send_all(p.Goodbye(by=by))

    async def publish(self, *events: ev.AnyEvent, run: str = script.RUN) -> None:
        """Append events to the journal and send them on."""
        new = []
        for event in events:
            seq = self.records[-1].seq + 1 if self.records else 1
            new.append(ev.Record(seq=seq, time=time.time(), run=run, event=event))
            self.records.append(new[-1])
        await self._send_all(p.Records.of(new))

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(1)
            await self._send_all(msgspec.structs.replace(self.pulse, time=time.time()))

    async def _send_all(self, message: p.FromEngine) -> None:
        for writer in list(self._subscribed):
            writer.write(p.encode(message))
            with contextlib.suppress(ConnectionError):
                await writer.drain()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while True:
                length = p.body_length(await reader.readexactly(p.HEADER.size))
                message = p.decode_from_client(await reader.readexactly(length))
                if not await self._answer(message, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._clients.discard(writer)
            self._subscribed.discard(writer)
            writer.close()

    async def _answer(self, message: p.FromClient, writer: asyncio.StreamWriter) -> bool:
        match message:
            case p.Hello() if message.version != self._version:
                writer.write(p.encode(p.Refused(reason=f"the engine speaks version {self._version}; restart it")))
                return False
            case p.Hello():
                where = str(self.workspace.home)
                last = self.records[-1].seq if self.records else 0
                welcome = p.Welcome(version=p.VERSION, engine=__version__, pid=0, workspace=where, last_seq=last)
                writer.write(p.encode(welcome))
            case p.Subscribe():
                self.subscriptions.append(message.since)
                self._subscribed.add(writer)
                missed = tuple(r for r in self.records if r.seq > message.since)
                for at in range(0, len(missed), 500):
                    writer.write(p.encode(p.Records.of(missed[at : at + 500])))
                writer.write(p.encode(self.pulse))
            case _:
                await self._command(message, writer)
        await writer.drain()
        return True

    async def _command(self, command: p.Command, writer: asyncio.StreamWriter) -> None:
        self.commands.append(command)
        if self.mute:
            return
        if self.refuse:
            writer.write(p.encode(p.Reply(id=command.id, ok=False, text=self.refuse)))
            return
        writer.write(p.encode(p.Reply(id=command.id, ok=True, text="done", run=getattr(command, "run", ""))))
        if (event := self._event(command)) is not None:
            run = getattr(command, "run", "") or getattr(command, "insight", "").split(":")[0]
            await self.publish(event, run=run or script.RUN)

    def _event(self, command: p.Command) -> ev.AnyEvent | None:
        """The event that the real engine would record."""
        tree = fold(r for r in self.records if r.run == getattr(command, "run", ""))
        match command:
            case p.SetFlag(node=node, flag=flag, on=on, by=by, trial=trial):
                return ev.FlagSet(node=node, flag=flag, on=on, by=by, trial=trial)  # type: ignore[arg-type]
            case p.Fork(node=node, trial=trial, changes=changes, by=by, first=first):
                plan = forking.edited(tree, node, trial, changes, tree.nodes["n1"].plan or script.plan("baseline", ""))
                return ev.Forked(node=f"n{len(tree.nodes)}", source=node, plan=plan, by=by, first=first)
            case p.GiveHint(node=node, text=text, by=by):
                return ev.HintGiven(hint=f"h{len(tree.hints) + 1}", node=node, text=text, by=by)
            case p.WithdrawHint(hint=hint, by=by):
                return ev.HintWithdrawn(hint=hint, node=tree.hints[hint].node, text=tree.hints[hint].text, by=by)
            case p.ChangeInsight():
                return self._insight(command)
            case p.Retry(node=node, by=by):
                return ev.Retried(node=node, trial=retriable(tree, node)[0].id, by=by)
            case p.SetBudget(by=by):
                return ev.BudgetChanged(limits=limits.changed(tree.limits, command, datetime.now()), by=by)
            case p.Undo(by=by):
                deed = last_undoable(tree, command.insight)
                return inverse(tree, deed, by) if deed else None
            case p.Collect(trials=trials, by=by):
                return ev.Collected(trials=trials, bytes=1, by=by)
        return None

    def _insight(self, command: p.ChangeInsight) -> ev.InsightChanged:
        """As `engine.lessons` has it; the run is the one that learned it."""
        return lessons.changed(fold(r for r in self.records if r.run == command.insight.split(":")[0]), command)


async def _by_hand(home: Path, live: bool) -> None:
    workspace = Workspace(home).create()
    out = script.search(str(home / "tasks" / "movie_sentiment"), str(home))
    script.directories(workspace, out)
    if not live:
        script.ending(out)
    shift = time.time() - out.time
    moved = [ev.Record(seq=r.seq, time=r.time + shift, run=r.run, event=r.event) for r in out.records]
    async with FakeEngine(workspace, moved) as engine:
        engine.pulse = p.Pulse(time=time.time()) if not live else engine.pulse
        metrics = workspace.trial(script.RUN, "n6t0") / "metrics.jsonl"
        log = workspace.trial(script.RUN, "n6t0") / "log.txt"
        since, step = time.time(), 23
        while True:
            await asyncio.sleep(1)
            if live:
                step += 1
                with metrics.open("a") as out_file, log.open("a") as log_file:
                    out_file.write(script.step_line("n6t0", step, 64))
                    log_file.write(f"step {step}: loss 0.31\n")
                write_json(metrics.parent / "state.json", State(phase="training", step=min(step, 64), steps=64))
                engine.pulse = msgspec.structs.replace(engine.pulse, time=time.time(), since=since, eta=since + 400)


if __name__ == "__main__":
    asyncio.run(_by_hand(Path(sys.argv[1]), "--live" in sys.argv))
