"""The process that profiles a task's splits: `python -P -m engine.taskdata.profiling SPLITS OUT`.

OUT may be deleted at any time. Nothing else is written.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from engine.aidp.child import keep_out_of_home
from engine.errors import TrexError
from engine.executor.limits import yield_to_others
from engine.files import write_json
from engine.taskdata.profile import profile_splits


def main(arguments: list[str]) -> int:
    """Exit status: 0 done, 2 bad arguments, else that of the error, which is said in one sentence."""
    if len(arguments) != 2:
        print("usage: python -P -m engine.taskdata.profiling SPLITS OUT", file=sys.stderr)  # noqa: T201
        return 2
    yield_to_others()
    os.nice(10)  # somebody works, or a model trains, on the same cores
    with tempfile.TemporaryDirectory() as folder:
        keep_out_of_home(Path(folder))
        from engine.aidp.languages import languages

        try:
            write_json(Path(arguments[1]), profile_splits(Path(arguments[0]), languages))
        except TrexError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
