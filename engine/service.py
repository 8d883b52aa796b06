"""The engine: one per workspace. Owns the journal, serves clients, works on the runs in the order they were asked for.

What happens inside a run is `engine.loop`; what clients may say is `engine.control.protocol`.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import time
from pathlib import Path
from typing import IO

from engine import __version__, backups, commands, strict
from engine.clock import Clock
from engine.control import protocol as p
from engine.control.server import Server
from engine.errors import BadInput, MachineFailure, TrexError
from engine.executor.supervise import LocalProcesses
from engine.failpoints import reach
from engine.files import disk_errors
from engine.hardware import gpus
from engine.journal import Journal
from engine.loop import search
from engine.mind import Minds
from engine.models import find
from engine.room import collect
from engine.search import budget
from engine.search.events import Adopted, AnyEvent, Noted, Record, RunEnded, RunPaused
from engine.search.fold import apply
from engine.search.tree import Tree
from engine.steps import restore
from engine.steps.context import Run
from engine.steps.trials import last_life
from engine.task import Task
from engine.workspace import PLACE, Workspace

LINGER_SECONDS = 120.0  # without work and without clients, the engine ends
LOOK_AGAIN_SECONDS = 20.0  # while every run waits

log = logging.getLogger(__name__)


class Engine:
    """All runs of a workspace and the one that is being worked on."""

    def __init__(self, workspace: Workspace, journal: Journal) -> None:
        self.workspace, self.journal = workspace, journal
        self.clock = journal.clock = Clock(journal.last_time)
        self.trees: dict[str, Tree] = {}
        for record in journal.records():
            self._fold(record)
        # Beside a training on the CPU, a process that imports torch would take the cores it trains on.
        self.processes = LocalProcesses(standby="engine.executor" if gpus() else "", log=workspace.engine_log)
        self.minds = Minds(workspace, journal)
        self.server = Server(workspace.socket, journal, self.handle, self.pulse, self.welcome)
        self.active: Run | None = None
        self.activity, self.since = "idle", self.clock()
        self.device = (gpus() or ["CPU"])[0]
        self.work = asyncio.Event()
        self.closing = asyncio.Event()
        self.told_by = ""  # who told the engine to end
        self.run_ended = asyncio.Event()
        self.queued: dict[str, float] = {}  # seconds that a run has waited for its turn since it last had it

    # --- history -----------------------------------------------------------------------------------------------

    def record(self, run: str, event: AnyEvent) -> Record:
        """Journal an event, fold it, tell the clients. The active run folds its own copy of the tree."""
        reach("engine.before_event")
        record = self.journal.append(run, event)
        reach("engine.after_event")
        if self.active is not None and self.active.name == run:
            self.active.see(record)
            self.trees[run] = self.active.tree
        else:
            self._fold(record)
        if isinstance(event, RunEnded):
            self.run_ended.set()
        self.work.set()
        self.server.announce()
        return record

    def _fold(self, record: Record) -> None:
        self.trees[record.run] = apply(self.trees.get(record.run, Tree()), record)

    # --- work --------------------------------------------------------------------------------------------------

    async def work_through(self) -> None:
        """Search on one run after the other; wait where all have ended or wait for a person."""
        adopt = set(self.unfinished())
        while not self.closing.is_set():
            self.work.clear()
            waits_for = ""
            for name in self.unfinished():
                waits_for = await self._work_on(name, adopt=name in adopt) or waits_for
                adopt.discard(name)
            self.doing(waits_for or "idle")
            await self.minds.close()  # gigabytes that nobody needs now; asked again, they load again
            with contextlib.suppress(TimeoutError):  # a run that waits for a person may meanwhile run out of time
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await self.work.wait()

    async def _work_on(self, name: str, *, adopt: bool) -> str:
        """Search on one run; returns what it waits for, where it has not ended."""
        try:
            self.active = self._open(name)
            if adopt:
                self._adopt(name)
            elif (queued := self.queued.pop(name, 0.0)) >= 1.0 and self.trees[name].begun:
                self.record(name, Adopted(idle_seconds=queued))
            turn = self.now()
            waits_for = await search(self.active)
            self._count_queue(name, self.now() - turn)
            return "" if self.active.tree.over else waits_for
        except TrexError as error:
            self._pause(name, str(error))
        except Exception as error:
            log.exception("run %s", name)
            self._pause(name, f"a defect of TREX: {type(error).__name__}: {error}; see {self.workspace.engine_log}")
        finally:
            self.active = None
        return ""

    def _count_queue(self, name: str, seconds: float) -> None:
        """While one run was worked on, the others' time stood still."""
        for other in self.unfinished():
            if other != name:
                self.queued[other] = self.queued.get(other, 0.0) + seconds

    def _pause(self, name: str, reason: str) -> None:
        """Leave the run to a person. Where even that cannot be written, the engine ends with the reason in its log."""
        log.error("run %s pauses: %s", name, reason)
        if self.trees[name].state == "running":
            self.record(name, RunPaused(by="engine", reason=reason))

    def _adopt(self, name: str) -> None:
        """An engine worked on this run before. Time in which nobody did counts for no budget (a trial may have)."""
        tree = self.trees[name]
        alive = last_life(self.workspace, name, tree)
        self.record(name, Adopted(idle_seconds=max(0.0, self.now() - max(alive, tree.last_time))))
        if self.active is not None:
            restore.every_node(self.active)

    def task_of(self, name: str) -> Task:
        """The run's task as it was when the run was asked for. Raises BadInput where it cannot be read."""
        kept = self.workspace.run(name) / "task.json"
        return strict.from_json(strict.read_text(kept).encode(), Task, source=str(kept))

    def _open(self, name: str) -> Run:
        """The run's context, from the tree and its directory."""
        tree = self.trees[name]
        setup = tree.setup
        task = self.task_of(name)
        base = find(setup.base_model, self.workspace.models)
        return Run(
            name=name,
            workspace=self.workspace,
            task=task,
            task_folder=Path(setup.task_path),
            splits=Path(setup.splits),
            model_dir=Path(base.path),
            tree=tree,
            processes=self.processes,
            mind=self.minds.of(setup),
            write=self.record,
            doing=self.doing,
            clock=self.clock,
        )

    def unfinished(self) -> list[str]:
        """Runs that have not ended, in the order in which they were asked for."""
        return [name for name, tree in self.trees.items() if not tree.over]

    def doing(self, what: str) -> None:
        """What is being done, with how far it is after a colon: that does not begin anew."""
        if what.partition(": ")[0] != self.activity.partition(": ")[0]:
            self.since = self.now()
        self.activity = what

    # --- clients -----------------------------------------------------------------------------------------------

    async def handle(self, command: p.Command) -> p.Reply:
        """Carry out a client's command. Raises TrexError, which the server turns into a refusal."""
        if isinstance(command, p.Shutdown):
            self.told_by = command.by or "somebody"
            self.closing.set()
            return p.Reply(id=command.id, ok=True, text="the engine ends; running trials go on")
        return await commands.carry_out(self, command)

    def now(self) -> float:
        return self.clock()

    def remove_adapters(self, run: str, trials: tuple[str, ...], by: str) -> int:
        """Take away these trials' adapters and checkpoints; returns the bytes freed."""
        return collect(self.workspace, run, trials, by, self.record)

    def tree(self, run: str) -> Tree:
        """Raises BadInput for a run that is not in this workspace."""
        if run not in self.trees:
            raise BadInput(f"no run `{run}` in this workspace", hint="`trex runs` lists them")
        return self.trees[run]

    def welcome(self) -> p.Welcome:
        return p.Welcome(
            version=p.VERSION,
            engine=__version__,
            pid=os.getpid(),
            workspace=str(self.workspace.home),
            last_seq=self.journal.last_seq,
        )

    def pulse(self) -> p.Pulse:
        """What is going on now."""
        run, now = self.active, self.now()
        tree = run.tree if run else None
        running = tree.running() if tree else []
        judging = f"{tree.judging.trial} ({tree.judging.split})" if tree and tree.judging else ""
        others = [n for n in self.unfinished() if run is None or n != run.name]
        return p.Pulse(
            time=now,
            run=run.name if run else "",
            activity=self.activity,
            since=self.since,
            holder=running[0].id if running else judging,
            device=self.device,
            eta=budget.finish_estimate(tree, now) if tree and tree.created else 0.0,
            queued=tuple(others),
        )

    # --- life --------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Serve and work until told to end, or until nobody needs an engine."""
        await self.server.start()
        worker = asyncio.create_task(self.work_through())
        linger = asyncio.create_task(self._linger())
        ends = asyncio.create_task(self.closing.wait())
        keeper = asyncio.create_task(self._keep_backups())
        try:
            await asyncio.wait({worker, linger, ends}, return_when=asyncio.FIRST_COMPLETED)
            if worker.done():
                worker.result()
        except asyncio.CancelledError:
            self.told_by = self.told_by or "a signal"
            raise
        finally:
            for task in (worker, linger, ends, keeper):
                task.cancel()
            await asyncio.gather(worker, linger, ends, keeper, return_exceptions=True)
            await self.minds.close()
            self.processes.close()
            await self.server.close(self.told_by)
            self.journal.close()

    async def _keep_backups(self) -> None:
        journal = self.workspace.journal
        await backups.keep(journal, lambda: self.journal.last_seq, self.clock, self.run_ended, self._no_backup)

    def _no_backup(self, why: str) -> None:
        log.warning("%s", why)
        if self.active is not None:
            with contextlib.suppress(TrexError):  # a disk that takes no backup may take no event
                self.record(self.active.name, Noted(kind="warning", text=why))

    async def _linger(self) -> None:
        """Return once there was neither work nor a client for a while."""
        quiet = time.monotonic()
        while time.monotonic() - quiet < LINGER_SECONDS:
            await asyncio.sleep(1.0)
            if self.active is not None or self.server.clients:
                quiet = time.monotonic()


def hold_workspace(workspace: Workspace) -> IO[str]:
    """The lock of the one engine. Raises BadInput where another engine has it."""
    with disk_errors(workspace.engine_lock, PLACE):
        handle = workspace.engine_lock.open("a+")
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise BadInput("another engine works in this workspace", where=str(workspace.home)) from None
        handle.truncate(0)
        # The second line: whoever starts with another $XDG_RUNTIME_DIR (cron, su) finds the engine all the same.
        handle.write(f"{os.getpid()}\n{workspace.socket}\n")
        handle.flush()
    return handle


async def serve(workspace: Workspace) -> None:
    """Run the engine of a workspace until it is told to end. Raises BadInput, MachineFailure."""
    try:
        with hold_workspace(workspace.create()):
            await Engine(workspace, Journal.open(workspace.journal)).live()
    except TrexError:
        raise
    except OSError as error:
        raise MachineFailure(f"the engine cannot go on ({error.strerror})", where=str(workspace.home)) from None
    except Exception as error:
        log.exception("the engine")
        raise MachineFailure(f"a defect of TREX: {type(error).__name__}: {error}", where=str(workspace.home)) from None
