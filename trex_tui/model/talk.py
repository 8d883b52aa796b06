"""A conversation as it is on show: prompts, and what each model has said so far. Plain data; the process fills it."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.chat.messages import Answered, Done, Fault, FromChild, Moved, Piece, Ready, Who
from trex_tui.model.format import clean

KEPT = 200  # turns
ENDS = {"end": "", "length": ", cut at the length", "halted": ", stopped"}


@dataclass(slots=True)
class Turn:
    """One prompt and its answers."""

    id: int
    prompt: str
    said: dict[Who, str] = field(default_factory=dict)
    done: dict[Who, Done] = field(default_factory=dict)
    problem: str = ""


@dataclass(slots=True)
class Talk:
    """`state`: what the process is at; `busy`: an answer is being given."""

    turns: list[Turn] = field(default_factory=list)
    state: str = "loading the models"
    problem: str = ""  # why nothing more will come
    busy: bool = False
    changes: int = 0

    def begin(self, prompt: str) -> Turn:
        """A new prompt."""
        turn = Turn(self.turns[-1].id + 1 if self.turns else 1, prompt)
        self.turns = [*self.turns[-KEPT + 1 :], turn]
        self.busy = True
        self.changes += 1
        return turn

    def take(self, message: FromChild) -> None:
        """What the process has said."""
        self.changes += 1
        match message:
            case Ready():
                self.state = f"on {message.device}" + (f" ({message.note})" if message.note else "")
            case Piece():
                turn = self._turn(message.id)
                turn.said[message.who] = turn.said.get(message.who, "") + lines(message.text)
            case Done():
                self._turn(message.id).done[message.who] = message
            case Answered():
                self.busy = False
            case Moved():
                self.state = f"{message.reason}; starting again on the processor"
                if self.busy and self.turns:
                    self.turns[-1].said.clear()
                    self.turns[-1].done.clear()
            case Fault(fatal=True):
                self.end(message.text)
            case Fault():
                self.busy = False
                if self.turns:
                    self.turns[-1].problem = message.text

    def end(self, problem: str) -> None:
        """The process is gone."""
        self.problem, self.busy, self.state = problem, False, "ended"
        self.changes += 1

    def _turn(self, id: int) -> Turn:
        return next((turn for turn in reversed(self.turns) if turn.id == id), self.turns[-1])


def lines(text: str) -> str:
    """Text of a model: its lines, without what would steer the terminal."""
    return "\n".join(clean(line) for line in text.split("\n"))


def verdict(done: Done) -> str:
    """`judged yes 0.93, no 0.07; 12 tokens in 1.2 s`."""
    ranked = sorted(done.judged.items(), key=lambda item: -item[1])[:4]
    judged = "judged " + ", ".join(f"{clean(label)} {share:.2f}" for label, share in ranked) if ranked else ""
    written = f"{done.tokens} token{'s' if done.tokens != 1 else ''} in {done.seconds:.1f} s{ENDS[done.end]}"
    return f"{judged}; {written}" if judged else written
