"""The `trex` command: reads arguments, calls one function of `trex_tui.commands`, turns errors into sentences.

Imports a command's module only when it is called: `trex` must be at its first screen in a third of a second.
"""

from __future__ import annotations

import sys

INTERRUPTED, STOPPED = 3, "trex: interrupted; what was done is kept"

try:
    import errno
    import importlib
    import io
    import os
    import tempfile
    import traceback
    from collections.abc import Sequence

    from engine.errors import TrexError, one_line
    from engine.workspace import Workspace, workspace_at
    from trex_tui.arguments import parser
except KeyboardInterrupt:  # while this is read, before there is a `main` to hear it
    print(STOPPED, file=sys.stderr)
    sys.exit(INTERRUPTED)

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 done, 1 failed, 2 bad input, 3 interrupted."""
    space: Workspace | None = None
    try:
        _escape_foreign_letters()
        options = parser().parse_args(arguments)
        options.space = space = workspace_at(options.workspace)
        module, function = options.handler.split(":")
        code: int = getattr(importlib.import_module(f"trex_tui.commands.{module}"), function)(options)
        if sys.stdout is not None:
            sys.stdout.flush()  # while a failure can still be said
        return code
    except TrexError as error:
        print(f"trex: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _silence_output()  # the reader (`head`, say) has enough; Python must not complain about it at exit
        return 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            _silence_output()
            where = one_line(str(error.filename or "the output"))
            print(f"trex: cannot write {where}: {error.strerror}; free some space and try again", file=sys.stderr)
            return 1
        said = one_line(f"a defect of TREX: {type(error).__name__}: {error}; details in {_keep_traceback(space)}")
        print(f"trex: {said}", file=sys.stderr)
        return 1


def _escape_foreign_letters() -> None:
    """What the terminal's encoding does not have is shown as its escape, rather than ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _silence_output() -> None:
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _keep_traceback(workspace: Workspace | None) -> str:
    """Where the traceback was put: the workspace's cli.log, else a file of its own in the temporary folder."""
    text = traceback.format_exc()
    try:
        if workspace is not None:
            path = workspace.home / "cli.log"
            path.touch(mode=0o600)
            with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(text)
            return str(path)
    except OSError:
        pass
    try:
        handle, name = tempfile.mkstemp(prefix="trex-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
            log.write(text)
    except OSError:
        return "no file: no disk takes one"
    return name


if __name__ == "__main__":
    sys.exit(main())
