"""What is said between the chat's process and whoever asks it: one JSON document a line. Types only."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.errors import BadInput
from engine.files import UNREADABLE
from engine.task import Evaluation, Format

MAX_LINE = 1024 * 1024

Who = Literal["tuned", "base"]
End = Literal["end", "length", "halted"]
"""The model was done, the length was reached, somebody stopped it."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """Base of all messages."""


class Opening(Message, frozen=True, kw_only=True, tag="opening"):
    """The first line to the process. `adapter`: its folder, "" = the base model alone; `device`: "cpu", "" = as it is
    best. `lock` is the device's lease, which the chat never takes: whoever holds it goes first."""

    model_dir: str
    cache: str
    lock: str
    format: Format
    evaluation: Evaluation
    adapter: str = ""
    device: Literal["", "cpu"] = ""


class Ask(Message, frozen=True, kw_only=True, tag="ask"):
    """One prompt. Not `raw`: it is put into the task's own template, and judged by its labels where it has some.
    `temperature` 0 = the most likely token each time; `length` in new tokens."""

    id: int
    text: Annotated[str, Meta(max_length=100_000)]
    raw: bool = False
    temperature: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.0
    length: Annotated[int, Meta(ge=1, le=4096)] = 64
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


class Halt(Message, frozen=True, kw_only=True, tag="halt"):
    """Stop the answer that is being given."""


class Ready(Message, frozen=True, kw_only=True, tag="ready"):
    """The models are loaded. `note`: why not on the card, where there is one; else empty."""

    device: str
    note: str = ""


class Piece(Message, frozen=True, kw_only=True, tag="piece"):
    """More of an answer."""

    id: int
    who: Who
    text: str


class Done(Message, frozen=True, kw_only=True, tag="done"):
    """One answer is whole. `judged`: how likely each label is beside the others, as the search judges it."""

    id: int
    who: Who
    tokens: int
    seconds: float
    end: End
    judged: dict[str, float] = {}


class Answered(Message, frozen=True, kw_only=True, tag="answered"):
    """All that there is to an `Ask` has been said."""

    id: int


class Moved(Message, frozen=True, kw_only=True, tag="moved"):
    """The process leaves the card to somebody else and ends; it is to be started again on the CPU."""

    reason: str


class Fault(Message, frozen=True, kw_only=True, tag="fault"):
    """What went wrong, as one sentence. `fatal`: the process ends."""

    text: str
    fatal: bool = False


ToChild = Opening | Ask | Halt
FromChild = Ready | Piece | Done | Answered | Moved | Fault

_to_child: msgspec.json.Decoder[ToChild] = msgspec.json.Decoder(ToChild)
_from_child: msgspec.json.Decoder[FromChild] = msgspec.json.Decoder(FromChild)


def encode(message: ToChild | FromChild) -> bytes:
    """A whole line."""
    return msgspec.json.encode(message) + b"\n"


def to_child(line: bytes) -> ToChild:
    """Raises BadInput for a line that is no message."""
    try:
        return _to_child.decode(line)
    except UNREADABLE as error:
        raise BadInput(f"not a message of the chat: {error}") from None


def from_child(line: bytes) -> FromChild:
    """Raises BadInput for a line that is no message."""
    try:
        return _from_child.decode(line)
    except UNREADABLE as error:
        raise BadInput(f"not a message of the chat: {error}") from None
