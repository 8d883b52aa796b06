"""A picture of the real interface on a recorded run, without an engine.

    python -m trex_tui.picture WORKSPACE RUN OUT.png --size 120x36 --keys j,4
    python -m trex_tui.picture RECORDING.trex OUT.png
    python -m trex_tui.picture --all docs/pictures          those of README and docs, from the shipped recording

An SVG, or a PNG (drawn by resvg-py, with a monospace font of this machine). The same screens and the same store as
live, fed by the journal or by a recording. For the documents and for reports of faults.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from textual.pilot import Pilot

from engine.errors import BadInput, TrexError
from engine.files import write_atomic
from engine.search.events import Record
from engine.workspace import Workspace
from trex_tui.app import TrexApp
from trex_tui.client.replay import Replay, journalled
from trex_tui.commands.replay import recording_meant
from trex_tui.recording import open_recording, unpack
from trex_tui.theme import named
from trex_tui.widgets.scrubber import Scrubber

FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
PATIENCE = 500  # looks, a hundredth of a second apart, whether a key's work is done


class Shot(NamedTuple):
    """A picture: (columns, rows), the keys that are pressed before it is taken, the theme ("" = the usual one), and
    the share of the run's time to go back to (0 = stay at its end)."""

    size: tuple[int, int] = (120, 36)
    keys: tuple[str, ...] = ()
    theme: str = ""
    moment: float = 0.0


SHOTS = {
    "search": Shot(),
    "node": Shot(keys=("4",)),
    "cases": Shot(keys=("5",)),
    "compare": Shot(keys=("g", "j", "space", "j", "j", "space", "c")),
    "data": Shot(keys=("d",)),
    "time-travel": Shot(keys=("4",), moment=0.335),
    "phone": Shot((40, 20)),
    "light": Shot(theme="light"),
}
"""The pictures of README and docs, by the names of their files."""


async def draw(workspace: Workspace, run: str, shot: Shot) -> str:
    """The interface on a run of a workspace, as SVG. Raises BadInput where there is no such run."""
    records = [record for record in journalled(workspace.journal) if record.run == run]
    if not records:
        raise BadInput(f"there is no run `{run}`", where=str(workspace.journal), hint="`trex runs` lists them")
    return await drawn(workspace, records, shot)


async def draw_recording(path: Path, shot: Shot) -> str:
    """The same of a recording. Raises BadInput where it cannot be shown."""
    recording = open_recording(path)
    with tempfile.TemporaryDirectory(prefix="trex-picture-") as folder:
        return await drawn(*unpack(recording, Path(folder)), shot)


async def drawn(workspace: Workspace, records: Sequence[Record], shot: Shot) -> str:
    """The interface on these records, as SVG."""
    run, at = records[-1].run, records[-1].time
    app = TrexApp(workspace, Replay(records, at), run=run, clock=lambda: at, archive=lambda: records)
    async with app.run_test(size=shot.size) as pilot:
        if shot.theme:
            app.theme = named(shot.theme)
        await _settled(app, pilot)
        if shot.moment:
            app.on_scrubber_sought(Scrubber.Sought(records[0].time + shot.moment * (at - records[0].time)))
            await _settled(app, pilot)
        for key in shot.keys:
            await pilot.press(key)
            await _settled(app, pilot)
        return app.export_screenshot(title=f"trex: {run}", simplify=True)


async def _settled(app: TrexApp, pilot: Pilot[int]) -> None:
    """What a key began is done, and what it shows is read and drawn."""
    for _ in range(PATIENCE):
        await pilot.pause(0.01)
        if all(worker.is_finished for worker in app.workers):
            break
    await app.settle()
    await pilot.pause()


def as_png(svg: str) -> bytes:
    """The SVG as PNG. Its own font comes from the web, so one of this machine stands in. Raises BadInput."""
    try:
        import resvg_py
    except ImportError:
        raise BadInput("PNG pictures need the package resvg-py", hint="take an .svg, or install it") from None
    folders = [str(folder) for folder in FONTS if folder.is_dir()]
    if not folders:
        raise BadInput("no fonts were found on this machine", hint="take an .svg, or install DejaVu Sans Mono")
    return bytes(resvg_py.svg_to_bytes(svg_string=svg.replace("Fira Code", "DejaVu Sans Mono"), font_dirs=folders))


def save(svg: str, path: Path) -> None:
    write_atomic(path, as_png(svg) if path.suffix == ".png" else svg.encode(), mode=0o644)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m trex_tui.picture", description=__doc__)
    parser.add_argument("what", nargs="*", help="WORKSPACE RUN OUT, or RECORDING OUT")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="draw those of the documents into a folder")
    parser.add_argument("--size", default="120x36", help="columns x rows")
    parser.add_argument("--keys", default="", help="keys to press first, separated by commas: j,4")
    parser.add_argument("--theme", default="")
    given = parser.parse_args(arguments)
    columns, _, rows = given.size.partition("x")
    if not (columns.isdecimal() and rows.isdecimal()):
        parser.error("--size is columns x rows, such as 120x36")
    if given.all is None and len(given.what) not in (2, 3):
        parser.error("name a workspace, a run and a file to write, or a recording and a file to write")
    try:
        if given.all is not None:
            draw_all(given.all)
        else:
            shot = Shot((int(columns), int(rows)), tuple(filter(None, given.keys.split(","))), given.theme)
            *source, out = given.what
            made = draw(Workspace(Path(source[0])), source[1], shot) if len(source) == 2 else None
            save(asyncio.run(made or draw_recording(Path(source[0]), shot)), Path(out))
    except TrexError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def draw_all(folder: Path) -> None:
    """The pictures of README and docs, from the recording that is shipped."""
    shipped = recording_meant(None)
    assert shipped is not None
    for name, shot in SHOTS.items():
        save(asyncio.run(draw_recording(shipped, shot)), folder / f"{name}.png")
        sys.stderr.write(f"{folder / name}.png\n")


if __name__ == "__main__":
    sys.exit(main())
