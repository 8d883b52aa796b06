"""The messages and frames between the engine and its clients. Types and bytes only; no sockets.

A frame is a 4-byte big-endian length and that many bytes of msgpack. A client says `Hello` first and gets `Welcome`
or a refusal. After `Subscribe(since)` it gets every record after `since`, in order, without gaps: snapshot, tail and
reconnect are one thing. Commands carry an id and get exactly one `Reply` with it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from engine.errors import BadInput
from engine.plan import Plan
from engine.search.events import AnyEvent, Memory, Moment, Record

VERSION = 3
MAX_FRAME = 4 * 1024 * 1024
HEADER = struct.Struct(">I")

Id = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Seen = Annotated[int, Meta(ge=0, le=2**53)]  # the last event the person had on screen; 0 = do not compare
Short = Annotated[str, Meta(max_length=200)]
Long = Annotated[str, Meta(max_length=8000)]
Path = Annotated[str, Meta(max_length=4096)]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """Base of all messages."""


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    version: int
    client: Short = ""


class Subscribe(Message, frozen=True, kw_only=True, tag="subscribe"):
    """Every record of the workspace with a sequence number above `since`."""

    since: Annotated[int, Meta(ge=0)] = 0


class StartRun(Message, frozen=True, kw_only=True, tag="start_run"):
    """Queue a search. Settings not given come from the task file. `researcher`: a model name, "none" or ""."""

    id: Id
    task: Path  # a task folder, absolute
    by: Short = ""
    policy: Short = "uct"
    normaliser: Short = "rank"
    researcher: Short = ""
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    rounds: Annotated[int, Meta(ge=0, le=100_000)] = 0  # 0 = the task's
    wall: Short = ""  # a duration; "" = the task's
    exploration: Annotated[float, Meta(ge=0.0, le=100.0)] = 1.4
    memory: Memory = "task"
    changes: dict[Short, Short] = {}  # of the task: {"budget.rounds": "5"}


class SetFlag(Message, frozen=True, kw_only=True, tag="set_flag"):
    """Pause, prune or pin a node's subtree, or take that back. A run is paused by the flag on its root.

    With `trial`, one trial of the node: paused or pinned. Here and below, a command that somebody else's newer one
    contradicts (its number is above `seen`) is refused.
    """

    id: Id
    run: Short
    node: Short
    flag: Short
    on: bool
    trial: Short = ""
    by: Short = ""
    seen: Seen = 0


class Fork(Message, frozen=True, kw_only=True, tag="fork"):
    """Add a child of `node` that tries its plan with edits: {"training.learning_rate": "1e-4"}, or a whole `plan`.

    The edited configuration is that of `trial`, else of the node's best trial, else of its first.
    """

    id: Id
    run: Short
    node: Short
    trial: Short = ""
    changes: dict[Short, Long] = {}
    plan: Plan | None = None
    first: bool = True  # before the nodes that wait; else after them
    by: Short = ""


class GiveHint(Message, frozen=True, kw_only=True, tag="give_hint"):
    """Advice to the Researcher for plans below `node`; on the root, for all."""

    id: Id
    run: Short
    text: Annotated[str, Meta(min_length=1, max_length=1000)]
    node: Short = "n0"
    by: Short = ""


class WithdrawHint(Message, frozen=True, kw_only=True, tag="withdraw_hint"):
    id: Id
    run: Short
    hint: Short
    by: Short = ""


class ChangeInsight(Message, frozen=True, kw_only=True, tag="change_insight"):
    """Edit, pin or delete an insight of whatever run, or take that back; None leaves a part as it is.

    `text` "" = the words with which it was learned. What is deleted is given to no plan any more, in any run.
    """

    id: Id
    insight: Short
    text: Annotated[str, Meta(max_length=1000)] | None = None
    pinned: bool | None = None
    deleted: bool | None = None
    by: Short = ""
    seen: Seen = 0


class Retry(Message, frozen=True, kw_only=True, tag="retry"):
    """Try again what failed or was cancelled: one trial, or all of the node, its planning and data included."""

    id: Id
    run: Short
    node: Short
    trial: Short = ""
    by: Short = ""
    seen: Seen = 0


class SetBudget(Message, frozen=True, kw_only=True, tag="set_budget"):
    """Change what the run may spend, as in the task's [budget]; None leaves a limit, "none" or 0 lifts it."""

    id: Id
    run: Short
    rounds: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    trials: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    wall: Short | None = None  # "8h" in all, or "until 07:00"
    device: Short | None = None
    disk: Short | None = None
    by: Short = ""
    seen: Seen = 0


class Undo(Message, frozen=True, kw_only=True, tag="undo"):
    """Take back the last thing a person did to the run, or to one insight of it, that can be taken back."""

    id: Id
    run: Short
    insight: Short = ""
    by: Short = ""
    seen: Seen = 0


class Collect(Message, frozen=True, kw_only=True, tag="collect"):
    """Remove adapters and checkpoints of these trials; refused where one of them is needed."""

    id: Id
    run: Short
    trials: Annotated[tuple[Short, ...], Meta(min_length=1, max_length=100_000)]
    by: Short = ""


class StopRun(Message, frozen=True, kw_only=True, tag="stop_run"):
    """End a search now: what is done stays, the rest is cancelled, the champion is chosen among what there is."""

    id: Id
    run: Short
    by: Short = ""


class MakeReport(Message, frozen=True, kw_only=True, tag="make_report"):
    """Write the run's report again (and judge on the test split what was not judged yet)."""

    id: Id
    run: Short
    by: Short = ""


class GetStatus(Message, frozen=True, kw_only=True, tag="get_status"):
    id: Id


class Shutdown(Message, frozen=True, kw_only=True, tag="shutdown"):
    """End the engine. Running trials go on and are adopted by the next engine."""

    id: Id
    by: Short = ""


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    version: int
    engine: str
    pid: int
    workspace: str
    last_seq: int


class Refused(Message, frozen=True, kw_only=True, tag="refused"):
    """The connection ends: another protocol version, or bytes that are no message."""

    reason: str


class Goodbye(Message, frozen=True, kw_only=True, tag="goodbye"):
    """The engine's last word: somebody told it to end. One that says nothing has died, and may be started again."""

    by: Short = ""


class Stored(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A record as the journal keeps it. The engine forwards the event's JSON without decoding it."""

    seq: int
    time: Moment
    run: str
    body: bytes


class Records(Message, frozen=True, kw_only=True, tag="records"):
    stored: tuple[Stored, ...]

    @classmethod
    def of(cls, records: Iterable[Record]) -> Records:
        """These records, as the journal would have kept them."""
        return cls(stored=tuple(Stored(r.seq, r.time, r.run, msgspec.json.encode(r.event)) for r in records))

    @property
    def records(self) -> tuple[Record, ...]:
        """The records, decoded at each call. Raises BadInput for an event that this program does not know."""
        try:
            return tuple([Record(seq=s.seq, time=s.time, run=s.run, event=_event(s.body)) for s in self.stored])
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise BadInput(f"not an event of this protocol: {error}") from None


class Reply(Message, frozen=True, kw_only=True, tag="reply"):
    id: Id
    ok: bool
    text: str = ""  # what was done, or why not and what to do
    run: str = ""
    failed: bool = False  # where not `ok`: the command was right, the machine failed


class Pulse(Message, frozen=True, kw_only=True, tag="pulse"):
    """Sent every second: what the engine is doing. Times in Unix seconds; `eta` 0 = not known."""

    time: float
    run: str = ""  # the run at work; "" = none
    activity: str = "idle"
    since: float = 0.0
    holder: str = ""  # the trial that holds the device
    device: str = ""
    eta: float = 0.0
    online: bool = False
    queued: tuple[str, ...] = ()


Command = (
    StartRun
    | SetFlag
    | Fork
    | GiveHint
    | WithdrawHint
    | ChangeInsight
    | Retry
    | SetBudget
    | Undo
    | Collect
    | StopRun
    | MakeReport
    | GetStatus
    | Shutdown
)
FromClient = Hello | Subscribe | Command
FromEngine = Welcome | Refused | Goodbye | Records | Reply | Pulse

_encoder = msgspec.msgpack.Encoder()
_event = msgspec.json.Decoder(AnyEvent).decode
_from_client: msgspec.msgpack.Decoder[FromClient] = msgspec.msgpack.Decoder(FromClient)
_from_engine: msgspec.msgpack.Decoder[FromEngine] = msgspec.msgpack.Decoder(FromEngine)


def encode(message: FromClient | FromEngine) -> bytes:
    """A whole frame."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise BadInput(f"a message of {len(body):,} bytes is more than the {MAX_FRAME:,} allowed")
    return HEADER.pack(len(body)) + body


def body_length(header: bytes) -> int:
    """Length of the body announced by a frame's header. Raises BadInput where it is over the limit."""
    length: int = HEADER.unpack(header)[0]
    if length > MAX_FRAME:
        raise BadInput(f"a frame of {length:,} bytes is more than the {MAX_FRAME:,} allowed")
    return length


def decode_from_client(body: bytes) -> FromClient:
    """Raises BadInput for anything that is not one of a client's messages."""
    try:
        return _from_client.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadInput(f"not a message of this protocol: {error}") from None


def decode_from_engine(body: bytes) -> FromEngine:
    """Raises BadInput for anything that is not one of the engine's messages."""
    try:
        return _from_engine.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadInput(f"not a message of this protocol: {error}") from None
