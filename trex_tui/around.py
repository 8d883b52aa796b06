"""What stands around the interface: the person's settings, the machine, the terminal, the engine's process.

Given to the application from outside, so that tests and pictures have a quiet room: none of it by default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trex_tui.client.machine import MachineWatch
from trex_tui.settings import Settings
from trex_tui.visit import Visit

READ_ONLY = "this interface only looks (--read-only); `trex attach` without it steers"


@dataclass
class Around:
    """`start_engine` blocks, and raises TrexError where no engine can be started."""

    settings: Settings = field(default_factory=Settings)
    complaint: str = ""  # why the settings could not be used
    kept_at: Path | None = None  # where changed settings are kept; None = nowhere
    machine: MachineWatch = field(default_factory=MachineWatch)
    sampling: bool = False  # whether the machine is looked at
    visit: Visit | None = None  # when this person last looked; None = nobody asks
    terminal: dict[str, str] | None = None  # the environment by which a terminal says what it is; None = stay quiet
    start_engine: Callable[[], None] | None = None
    read_only: bool = False
