"""`trex serve`: the interface in a browser on this machine, one process of it for each connection."""

from __future__ import annotations

import argparse
import shlex
import sys
from importlib.util import find_spec

from engine.errors import BadInput

EXTRA = "pip install 'trex-tui[serve]'"
PLAIN = "others could read along; from another machine use `ssh -L {port}:127.0.0.1:{port}`, or give --anywhere"


def serve(options: argparse.Namespace) -> int:
    """Serve until ctrl-c. Raises BadInput where the extra is missing, the host is not ours alone or the port taken."""
    if find_spec("textual_serve") is None:
        raise BadInput("`trex serve` needs the package textual-serve, which is not installed", hint=EXTRA)
    from trex_tui.web import Door, loopback

    if not loopback(options.host) and not options.anywhere:
        raise BadInput(f"{options.host} can be reached from elsewhere", hint=PLAIN.format(port=options.port))
    words = [sys.executable, "-P", "-m", "trex_tui.cli", "--workspace", str(options.space.home), "attach"]
    command = shlex.join([*words, *([options.run] if options.run else [])])
    try:
        Door(command, options.host, options.port, lambda text: print(text, flush=True)).run()
    except OSError as problem:
        where = f"{options.host}:{options.port}"
        said = f"cannot listen at {where}: {problem.strerror}"
        raise BadInput(said, hint="choose another --port") from None
    return 0
