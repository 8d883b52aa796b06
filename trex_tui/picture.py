"""A picture of the real interface on a recorded run, without an engine.

    python -m trex_tui.picture WORKSPACE RUN OUT.png --size 120x36

An SVG, or a PNG (drawn by resvg-py, with a monospace font of this machine). The same screens and the same store as
live, fed by the journal. For the README and for reports of faults.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from engine.errors import BadInput, TrexError
from engine.files import write_atomic
from engine.journal import Journal
from engine.workspace import Workspace
from trex_tui.app import TrexApp
from trex_tui.client.replay import Replay

FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")


async def draw(workspace: Workspace, run: str, size: tuple[int, int], keys: tuple[str, ...] = ()) -> str:
    """The interface as SVG, `size` in (columns, rows), after these keys. Raises BadInput where there is no such run."""
    journal = Journal.open_read_only(workspace.journal)
    try:
        records = list(journal.records(run=run))
    finally:
        journal.close()
    if not records:
        raise BadInput(f"there is no run `{run}`", where=str(workspace.journal), hint="`trex runs` lists them")
    at = records[-1].time
    app = TrexApp(workspace, Replay(records, at), run=run, clock=lambda: at)
    async with app.run_test(size=size) as pilot:
        await app.settle()
        for key in keys:
            await pilot.press(key)
            await app.settle()
        await pilot.pause()
        return app.export_screenshot(title=f"trex: {run}", simplify=True)


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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m trex_tui.picture", description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("run")
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="120x36", help="columns x rows")
    parser.add_argument("--keys", default="", help="keys to press first, separated by commas: j,3")
    given = parser.parse_args(arguments)
    columns, _, rows = given.size.partition("x")
    if not (columns.isdecimal() and rows.isdecimal()):
        parser.error("--size is columns x rows, such as 120x36")
    keys = tuple(key for key in given.keys.split(",") if key)
    try:
        svg = asyncio.run(draw(Workspace(given.workspace), given.run, (int(columns), int(rows)), keys))
        write_atomic(given.out, as_png(svg) if given.out.suffix == ".png" else svg.encode(), mode=0o644)
    except TrexError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
