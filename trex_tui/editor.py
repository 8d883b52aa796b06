"""A text in the person's own editor ($VISUAL, $EDITOR, else vi or nano). The terminal is the editor's meanwhile.

The interface stands still until the editor ends, as a shell would. The engine is another process and does not.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textual.app import App, SuspendNotSupported

from engine import strict
from engine.errors import BadInput, MachineFailure
from engine.files import disk_errors

USUAL = ("vi", "nano")


def edit(app: App[int], text: str, suffix: str = ".txt") -> str | None:
    """The text as the person left it; None where it is what it was. `suffix` tells the editor what it is: `.toml`.

    Raises BadInput or MachineFailure, one sentence: no editor, no terminal to give away, the editor failed.
    """
    command = editor()
    with tempfile.TemporaryDirectory(prefix="trex-") as folder:  # 0700: swap and backup files are private too
        path = Path(folder) / f"edit{suffix}"
        with disk_errors(path):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        try:
            with app.suspend(), _deaf_to_ctrl_c():
                code = _run([*command, str(path)])
        except SuspendNotSupported:
            raise BadInput("there is no terminal here that an editor could have", hint="use the forms") from None
        if isinstance(code, OSError):
            raise MachineFailure(f"{command[0]} cannot be started ({code.strerror})", hint="see $EDITOR") from None
        if code:
            raise MachineFailure(f"{command[0]} ended with status {code}", hint="nothing was taken over")
        new = strict.read_text(path, strict.MAX_TOML)
    return None if new.rstrip("\n") == text.rstrip("\n") else new


def _run(command: list[str]) -> int | OSError:
    """Its exit status, or why it was not started. Nothing may be raised while the terminal is given away: Textual would
    not take it back."""
    try:
        return subprocess.run(command, check=False).returncode
    except OSError as error:
        return error


def editor() -> list[str]:
    """The command of the person's editor. Raises BadInput where there is none."""
    for name in ("VISUAL", "EDITOR"):
        if given := os.environ.get(name, "").strip():
            try:
                return shlex.split(given)
            except ValueError:
                raise BadInput(f"${name} is no command: {given[:80]}", hint="mend its quotes") from None
    if found := next(filter(shutil.which, USUAL), None):
        return [found]
    raise BadInput("no editor was found", hint="set $EDITOR to one")


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """ctrl+c is the editor's while it has the terminal. (A handler, not SIG_IGN, which the editor would inherit.)"""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
