"""Where the time went, on what it ran, and how to repeat and check it."""

from __future__ import annotations

import shlex
from datetime import datetime

from engine.report import plots, words
from engine.report.document import Block, Cell, Code, Column, Heading, Plot, Text, table
from engine.report.model import ReportData
from engine.report.timing import seconds_by_activity
from engine.search.events import RunCreated


def section(data: ReportData) -> list[Block]:
    """Time, hardware and versions, commands."""
    return [
        Heading("Where the time went"),
        *_time(data),
        Heading("Machine and versions"),
        _versions(data),
        Heading("How to repeat it"),
        Text(
            "The same search. Asked again, the Researcher may answer differently; its answers here are in the journal."
        ),
        Code("\n".join(repeat_commands(data))),
        Heading("How to check it", 3),
        Text(
            "Every score here was computed again from the outcome of each row in the trials' result.json, with its "
            "95% interval (percentile bootstrap over rows, 2,000 draws, seed 0). Differences are paired: the same rows "
            "are drawn for both. Beyond noise means that the interval of the difference leaves zero out."
        ),
        Code(f"trex verify {shlex.quote(data.tree.run)}"),
    ]


def _time(data: ReportData) -> list[Block]:
    time = data.time
    if time.wall <= 0:
        return [Text("No time has passed.", "muted")]
    sums = seconds_by_activity(time.spans)
    rows: list[tuple[Cell | str, ...]] = [
        (name, words.duration(sums[activity]), words.share(sums[activity], time.wall))
        for activity, name in plots.ACTIVITIES.items()
        if activity in sums
    ]
    rows.append((Cell("idle", "muted"), words.duration(time.idle), words.share(time.idle, time.wall)))
    columns = (Column("activity"), Column("time", "number"), Column("of the whole", "number"))
    busy = f"The device was busy {words.share(time.device_busy, time.wall)} of {words.duration(time.wall)}"
    note = "activities that run side by side count in each row, idle is what none of them fills"
    return [
        Text(f"{busy}; {note}."),
        Plot(plots.time_strip(time), "The whole run from left to right."),
        table(columns, rows),
    ]


def _versions(data: ReportData) -> Block:
    setup = data.tree.setup
    rows: list[tuple[Cell | str, ...]] = [("hardware", setup.hardware or "not recorded")]
    rows += [("device of the trials", device) for device in data.devices]
    rows += [
        ("base model", f"{setup.base_model}, sha256 {setup.model_sha256}" if setup.model_sha256 else setup.base_model),
        ("Researcher", setup.researcher),
        ("task", f"{setup.task}, fingerprint {setup.task_fingerprint}"),
        ("splits", f"manifest sha256 {setup.manifest}" if setup.manifest else "not recorded"),
        ("seed", str(setup.seed)),
    ]
    rows += [(name, version) for name, version in sorted(data.versions.items())]
    return table((Column("fact"), Column("value", "wide")), rows)


def _budget(setup: RunCreated) -> list[str]:
    """The limits that the run began with; what a person changed later is told where people's deeds are."""
    limits = {
        "budget.trials": str(setup.trials) if setup.trials else "",
        "budget.device": f"{setup.device_seconds:g}s" if setup.device_seconds else "",
        "budget.disk": f"{setup.disk_bytes}B" if setup.disk_bytes else "",
    }
    wall = f"{setup.wall_seconds:g}s" if setup.wall_seconds else f"until {datetime.fromtimestamp(setup.until):%H:%M}"
    changes = [part for name, value in limits.items() if value for part in ("--set", f"{name}={value}")]
    return ["--budget", wall, *changes]


def repeat_commands(data: ReportData) -> list[str]:
    """The same search, its report, and the adapter it found."""
    setup, run = data.tree.setup, data.tree.run
    search = [
        "trex", "run", setup.task_path or setup.task, "--headless",
        "--policy", setup.policy, "--normaliser", setup.normaliser, "--memory", setup.memory,
        "--rounds", str(setup.rounds), *_budget(setup),
        "--researcher", setup.researcher, "--seed", str(setup.seed),
    ]  # fmt: skip
    commands = [shlex.join(search), shlex.join(["trex", "report", run])]
    if data.tree.champion and data.tree.trial(data.tree.champion).config is not None:
        commands.append(shlex.join(["trex", "export", run, data.tree.champion, "--to", "adapter"]))
    return commands
