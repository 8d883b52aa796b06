"""All checks of a workspace, in the order in which a person reads them. Reads; changes nothing."""

from __future__ import annotations

import time

from engine.doctor import history, life, machine, places, runs
from engine.doctor.finding import Finding, note, wrong
from engine.workspace import Workspace


def examine(space: Workspace) -> list[Finding]:
    """At least one finding per check. Raises nothing: what cannot be looked at is a finding."""
    try:
        there = space.home.is_dir()
        if there:
            next(space.home.iterdir(), None)
    except OSError as error:
        return [wrong(f"the workspace cannot be looked into ({error.strerror})", space.home), machine.device()]
    about_machine = [machine.room(space), machine.device()]
    if not there:
        return [note("there is no workspace here yet; `trex run TASK` makes one", space.home), *about_machine]
    past = history.read(space)
    found = [*places.privacy(space), life.engine(space), *past.findings, *history.backups_of(space, past)]
    for name, tree in past.trees.items():
        found += runs.run(space, name, tree, past.claims.get(name, {}))
    found += runs.unknown(space, past)
    found += [life.processes(space), places.leftovers(space, time.time()), *about_machine]
    return found
