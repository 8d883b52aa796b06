"""What `trex data` asks of its data process, and what that says back. Types only; the process: `engine.aidp.alone`.

One request as JSON on standard input; on standard output one JSON document a line: `Working` about once a second, and
last `Ran`, `Profiled` or `Refused`.
"""

from __future__ import annotations

import msgspec

from engine.aidp.job import DataReport, Limits, ModelPaths, Progress
from engine.aidp.kinds.loading import Encoding, Layout, Rows
from engine.aidp.notes import Broken
from engine.aidp.profile import Lengths, Profile
from engine.aidp.recipe import Recipe
from engine.aidp.samples import Samples


class RunData(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="run"):
    """A recipe to run. Paths are absolute, "" = there is none.

    The rows are those of `file`, or of `train` (a task's split), or those that the recipe loads itself. `load` and
    `mix` read below `root`. `encoding`: of `file`; `rows`: only so many of it, the first; 0 = all. Held out is what
    `guards` (a task's) and the `holdout` files say. The result goes into `result`, what is thrown away into `scratch`;
    `writes`: operators may write files of their own into `result`.
    """

    recipe: Recipe
    result: str
    scratch: str
    file: str = ""
    encoding: Encoding = "utf-8"
    rows: Rows = 0
    train: str = ""
    root: str = ""
    guards: str = ""
    holdout: tuple[str, ...] = ()
    prompt: str = ""
    answer: str = ""
    limits: Limits = Limits()
    models: ModelPaths = ModelPaths()
    cache: str = ""
    kept: str = ""
    writes: bool = False


class ProfileData(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="profile"):
    """A file to look at."""

    file: str
    scratch: str
    layout: Layout = "auto"
    encoding: Encoding = "utf-8"
    models: ModelPaths = ModelPaths()


Request = RunData | ProfileData


class FileProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants to know of a data file.

    `why`: how its layout was told; `remarks`: what else was found out about the file. `broken`: rows that could not be
    read, `reasons`: of the first of them. `unpaired`: rows that were read and have no prompt or no answer. Of the rows
    that were drawn (`profile.looked_at`), `alike`: those written like an earlier one of them; `tokens`: of prompt and
    answer together, by the base model.
    """

    file: str
    bytes: int
    layout: str
    why: str
    columns: tuple[str, ...]
    profile: Profile
    remarks: tuple[str, ...] = ()
    broken: int = 0
    reasons: tuple[Broken, ...] = ()
    unpaired: int = 0
    alike: int = 0
    tokens: Lengths | None = None
    seconds: float = 0.0
    memory: int = 0  # bytes: the greatest that the process had


class Working(msgspec.Struct, frozen=True, tag="working"):
    """How far it is."""

    progress: Progress


WRITING = Progress(operator="writing the result", place=0, of=0)
"""What it is at when all operators are done, and their limit of time with them."""


class Ran(msgspec.Struct, frozen=True, kw_only=True, tag="ran"):
    """The recipe is through. `guarded`: something is held out; `held_out`: rows of the `holdout` files."""

    report: DataReport
    samples: Samples
    broken: tuple[Broken, ...] = ()
    guarded: bool = False
    held_out: int = 0
    memory: int = 0  # bytes: the greatest that the process had


class Profiled(msgspec.Struct, frozen=True, tag="profiled"):
    """The file has been looked at."""

    profile: FileProfile


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """It could not be done: one of `engine.errors`, by its kind."""

    kind: str
    what: str
    where: str = ""
    hint: str = ""


Said = Working | Ran | Profiled | Refused
