"""`trex replay` shows a search that has been, without an engine and without models; `trex record` makes such a file."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.errors import BadInput
from engine.journal import Journal
from engine.search.events import Record
from engine.workspace import Workspace, shipped
from trex_tui.commands.interface import terminal
from trex_tui.recording import open_recording, unpack

SHIPPED = "movie_sentiment.trex"


def replay(options: argparse.Namespace) -> int:
    """Show a run of the workspace, a recording, or the recording that is shipped."""
    if not terminal():
        raise BadInput("a replay needs a terminal", hint="`trex show RUN` says what came out")
    path = recording_meant(options.what)
    if path is None:
        records = history(options.space, options.what)
        return _show(options.space, records, options.what, options.speed)
    recording = open_recording(path)
    with tempfile.TemporaryDirectory(prefix="trex-replay-") as folder:
        workspace, records = unpack(recording, Path(folder))
        return _show(workspace, records, recording.header.run, options.speed)


def recording_meant(what: str | None) -> Path | None:
    """The recording's file; None where a run of the workspace is meant."""
    if what is None:
        return shipped("assets") / "recordings" / SHIPPED
    path = Path(what)
    return path if path.suffix == ".trex" or path.name != what or path.is_file() else None


def history(workspace: Workspace, run: str) -> list[Record]:
    """All records of the workspace, in which there must be this run. Raises BadInput."""
    journal = Journal.open_read_only(workspace.journal)
    try:
        if run not in journal.runs():
            hint = "`trex runs` lists the runs; `trex replay` alone shows the recording that is shipped"
            raise BadInput(f"no run `{run}` in this workspace, and no such file", hint=hint)
        return list(journal.records())
    finally:
        journal.close()


def record(options: argparse.Namespace) -> int:
    """Make a recording of a run."""
    from trex_tui import recorder

    records = [one for one in history(options.space, options.run) if one.run == options.run]
    print(recorder.record(options.space, records, options.to))
    return 0


def _show(workspace: Workspace, records: Sequence[Record], run: str, speed: float) -> int:
    from trex_tui import settings
    from trex_tui.app import TrexApp, present
    from trex_tui.around import Around
    from trex_tui.client.replay import Replay

    last = max(record.time for record in records if record.run == run)
    kept = settings.place()
    liked, complaint = settings.load(kept)
    around = Around(settings=liked, complaint=complaint, kept_at=kept)
    app = TrexApp(workspace, Replay(records, last), run=run, clock=lambda: last, archive=lambda: records, around=around)
    app.play_at(speed)
    return present(app)
