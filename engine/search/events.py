"""Events: the facts of a search, in the order in which they happened. The tree is a fold over them.

Not telemetry: per-step metrics and log lines stay in files. An event is written and synced to the journal
before anybody acts on it or sees it. `seq` (1, 2, ...) and `time` (Unix seconds) are given by the journal.
Names: a node is `n0` (the base model), `n1`, ...; a trial is `n3t1`, the second trial of `n3`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from engine.plan import Direction, Plan

Outcome = Literal["idea", "resource", "machine", "cancelled"]
Flag = Literal["paused", "pruned", "pinned"]
Purpose = Literal["direction", "plan", "diagnosis"]
Memory = Literal["run", "task", "all"]
Split = Literal["validation", "confirm", "test"]
Moment = Annotated[float, msgspec.Meta(ge=0.0, le=253e9)]
"""Unix seconds that a calendar has a day for, also in a file from elsewhere."""


class Event(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Base of all events."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a run may spend; 0 = no such limit. Time is up to the written report."""

    rounds: int  # nodes that the policy adds; a person's forks do not count
    trials: int = 0  # trials launched, the base model's left out
    wall_seconds: float = 0.0  # without pauses
    until: Moment = 0.0  # Unix seconds, by the clock on the wall
    device_seconds: float = 0.0  # in which a trial had a process
    disk_bytes: int = 0  # of the run's folder


class RunCreated(Event, frozen=True, kw_only=True, tag="run_created"):
    """A search was asked for. `task_path` is where its task.toml stood."""

    task: str
    title: str
    task_path: str
    task_fingerprint: str
    metric: str
    maximize: bool
    base_model: str
    researcher: str  # model name, or "none"
    policy: str
    normaliser: str
    seed: int
    wall_seconds: float
    rounds: int
    trials_per_round: int
    confirm_candidates: int
    exploration: float = 1.4  # c of UCT
    memory: Memory = "task"  # how far insights of other runs are looked at
    by: str = ""
    versions: dict[str, str] = {}
    hardware: str = ""
    splits: str = ""  # folder of the materialised splits
    manifest: str = ""  # fingerprint of their manifest
    model_sha256: str = ""
    trials: int = 0  # the limits that journals before schema 2 do not know; see Limits
    until: Moment = 0.0
    device_seconds: float = 0.0
    disk_bytes: int = 0
    confirm_items: int = 0  # rows of these splits; 0 = not known
    test_items: int = 0

    @property
    def limits(self) -> Limits:
        """What the run was allowed when it was asked for."""
        return Limits(
            rounds=self.rounds,
            trials=self.trials,
            wall_seconds=self.wall_seconds,
            until=self.until,
            device_seconds=self.device_seconds,
            disk_bytes=self.disk_bytes,
        )


class NodeAdded(Event, frozen=True, kw_only=True, tag="node_added"):
    """The policy chose `parent` for a new node. `why`: its terms for every candidate, for the person who asks."""

    node: str
    parent: str
    direction: Direction | None = None  # fixed before planning (the baseline); otherwise the plan says
    why: tuple[Term, ...] = ()


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate as the policy saw it."""

    node: str
    total: float
    value: float
    exploration: float
    visits: int


class Asked(Event, frozen=True, kw_only=True, tag="asked"):
    """A call of the Researcher's language model, kept before its answer is used (the tape)."""

    call: str  # <node>/<purpose>/<attempt>
    node: str
    purpose: Purpose
    attempt: int
    model: str
    prompt: str
    answer: str
    seconds: float
    prompt_tokens: int = 0
    answer_tokens: int = 0
    refused: str = ""  # why the answer was not used; empty where it was (set by the caller's validation)


class Planned(Event, frozen=True, kw_only=True, tag="planned"):
    """The node's plan is settled."""

    node: str
    plan: Plan


class DataReady(Event, frozen=True, kw_only=True, tag="data_ready"):
    """The node's recipe ran. `dropped`: rows dropped per operator, in order."""

    node: str
    rows: int
    dropped: tuple[tuple[str, int], ...] = ()
    seconds: float = 0.0
    sha256: str = ""  # of the rows' file, which every trial of the node checks


class Launched(Event, frozen=True, kw_only=True, tag="launched"):
    """A process is about to be started for this trial (the start follows this event).

    `split` says what it will judge: `validation` is the trial itself, `confirm` and `test` judge its adapter again.
    """

    trial: str
    node: str
    split: Split = "validation"
    attempt: int = 1


class Finished(Event, frozen=True, kw_only=True, tag="finished"):
    """A trial ended with a score on the validation split. `low`, `high`: 95% bootstrap interval over items."""

    trial: str
    node: str
    score: float
    low: float
    high: float
    items: int
    result_sha256: str
    seconds: float  # from the launch to the end
    train_seconds: float = 0.0
    evaluate_seconds: float = 0.0
    examples: int = 0
    reused: bool = False  # the base model's score, taken from an earlier run of the same task and model
    changed: str = ""  # what really ran, where it is not what the plan said
    device: str = ""  # `cpu`, or the card's name


class Failed(Event, frozen=True, kw_only=True, tag="failed"):
    """A trial (or, with an empty `trial`, the node's planning or data) ended without a score."""

    node: str
    trial: str = ""
    split: Split = "validation"
    kind: Outcome = "idea"
    cause: str = ""


class Interrupted(Event, frozen=True, kw_only=True, tag="interrupted"):
    """A trial's process is gone without a result (killed, paused, power lost); it will be queued again."""

    trial: str
    node: str
    cause: str
    split: Split = "validation"
    died: bool = False  # it had begun and was killed by nobody we know: this often is given up


class Diagnosed(Event, frozen=True, kw_only=True, tag="diagnosed"):
    """What the round showed, in a few sentences."""

    node: str
    text: str
    source: Literal["researcher", "rule"] = "researcher"


class Learned(Event, frozen=True, kw_only=True, tag="learned"):
    """One insight, with the nodes for and against it. Ids are unique in the workspace: `<run>:<node>`."""

    insight: str
    node: str
    text: str
    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    source: Literal["researcher", "rule"] = "researcher"
    task: str = ""


class FlagSet(Event, frozen=True, kw_only=True, tag="flag_set"):
    """A person paused, pruned or pinned a subtree (or one trial, where named), or took that back (`on` false).

    `undoes`, here and below: the number of the event that this one takes back; 0 = none.
    """

    node: str
    flag: Flag
    on: bool
    by: str
    trial: str = ""
    undoes: int = 0


class Forked(Event, frozen=True, kw_only=True, tag="forked"):
    """A person adds a child of `source` with a plan of their own: the source's, edited. `first`: before what waits."""

    node: str
    source: str
    plan: Plan
    by: str
    first: bool = True


class HintGiven(Event, frozen=True, kw_only=True, tag="hint_given"):
    """A person's advice to the Researcher for a subtree (the root's: for the run). `hint`: `h1`, `h2`, ..."""

    hint: str
    node: str
    text: str
    by: str
    undoes: int = 0


class HintWithdrawn(Event, frozen=True, kw_only=True, tag="hint_withdrawn"):
    """The hint holds no more; `text` keeps it, so that it can be given again."""

    hint: str
    node: str
    text: str
    by: str
    undoes: int = 0


class InsightChanged(Event, frozen=True, kw_only=True, tag="insight_changed"):
    """How a person leaves an insight of this run: edited, pinned, deleted, or none of these again.

    Written to the run that learned it, whichever run is at work, and after that run's end too. It holds over a later
    `Learned` of the same id. `text`: the person's own words; empty = as it was learned.
    """

    insight: str
    by: str
    text: str = ""
    pinned: bool = False
    deleted: bool = False
    undoes: int = 0


class Retried(Event, frozen=True, kw_only=True, tag="retried"):
    """A person has a failed or cancelled trial tried again, or (empty `trial`) a node's planning or data."""

    node: str
    by: str
    trial: str = ""


class BudgetChanged(Event, frozen=True, kw_only=True, tag="budget_changed"):
    """What the run may spend from here on, in place of what it might before."""

    limits: Limits
    by: str
    undoes: int = 0


class Collected(Event, frozen=True, kw_only=True, tag="collected"):
    """Adapters and checkpoints of these trials are about to be removed; scores, results and logs stay."""

    trials: tuple[str, ...]
    bytes: int
    by: str


class RunPaused(Event, frozen=True, kw_only=True, tag="run_paused"):
    """Nothing new starts until `RunResumed`. `reason` says who or what asked."""

    by: str
    reason: str = ""


class RunResumed(Event, frozen=True, kw_only=True, tag="run_resumed"):
    by: str


class StopAsked(Event, tag="stop_asked", frozen=True, kw_only=True):
    """A person ends the search: nothing new is tried, what is done is confirmed, tested, reported. Lifts a pause."""

    by: str


class Adopted(Event, frozen=True, kw_only=True, tag="adopted"):
    """An engine took up a run that another process had begun. `idle_seconds` since then count for no budget."""

    idle_seconds: float = 0.0


class Confirmed(Event, frozen=True, kw_only=True, tag="confirmed"):
    """A candidate's score on the confirm split, which no policy or diagnosis has seen."""

    trial: str
    score: float
    low: float
    high: float
    items: int
    result_sha256: str


class ChampionChosen(Event, frozen=True, kw_only=True, tag="champion_chosen"):
    """The best of the confirmed candidates."""

    trial: str
    reason: str


class TestOpened(Event, frozen=True, kw_only=True, tag="test_opened"):
    """The sealed test split is about to be read for these trials. Each opening is a fact."""

    trials: tuple[str, ...]
    by: str


class Tested(Event, frozen=True, kw_only=True, tag="tested"):
    """A trial's score on the sealed test split."""

    trial: str
    score: float
    low: float
    high: float
    items: int
    result_sha256: str


class Noted(Event, frozen=True, kw_only=True, tag="noted"):
    """Something a person should know: a fall-back, a sampled plan, a changed meaning."""

    text: str
    node: str = ""
    kind: Literal["info", "fallback", "warning"] = "info"


class RunEnded(Event, frozen=True, kw_only=True, tag="run_ended"):
    """The search is over: its budget is used (`done`), a person stopped it, or it cannot go on (`failed`)."""

    state: Literal["done", "stopped", "failed"]
    reason: str


AnyEvent = (
    RunCreated
    | NodeAdded
    | Asked
    | Planned
    | DataReady
    | Launched
    | Finished
    | Failed
    | Interrupted
    | Diagnosed
    | Learned
    | FlagSet
    | Forked
    | HintGiven
    | HintWithdrawn
    | InsightChanged
    | Retried
    | BudgetChanged
    | Collected
    | RunPaused
    | RunResumed
    | StopAsked
    | Adopted
    | Confirmed
    | ChampionChosen
    | TestOpened
    | Tested
    | Noted
    | RunEnded
)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the journal holds it."""

    seq: int
    time: Moment
    run: str
    event: AnyEvent
