"""The chat's process: `python -P -m engine.chat`. JSON lines in, JSON lines out; it ends when its input closes.

It takes no lease: on the card it works only while nobody holds that, and leaves at once when somebody does. Beside a
training on the CPU it uses one thread. What libraries print goes to standard error.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import IO

from engine.chat.messages import MAX_LINE, Ask, Fault, FromChild, Halt, Moved, Opening, Ready, encode, to_child
from engine.errors import BadInput, TrexError
from engine.executor import limits
from engine.executor.__main__ import ENVIRONMENT
from engine.workspace import lock_holder

NICENESS = 10
LOOK = 0.3  # seconds between two looks at the lease; whoever takes it waits longer for the memory to be back


def main() -> int:
    """Returns the exit code: 0 the other end is gone, 1 it failed, 2 a wrong first line."""
    os.environ.update(ENVIRONMENT)
    os.nice(NICENESS)
    limits.yield_to_others()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    voice = _Mouth(out)
    try:
        opening = to_child(sys.stdin.buffer.readline(MAX_LINE))
        if not isinstance(opening, Opening):
            raise BadInput("the first line must be the opening")
    except BadInput as error:
        voice.say(Fault(text=str(error), fatal=True))
        return error.exit_code
    try:
        serve(opening, voice)
    except Exception as error:
        traceback.print_exc()
        said = str(error) if isinstance(error, TrexError) else f"{type(error).__name__}: {error}"
        voice.say(_moved(opening) if _no_room_on_the_card(error) else Fault(text=said[:1000], fatal=True))
    return 1


def serve(opening: Opening, voice: _Mouth) -> None:
    """Load, then answer until the input closes. Raises what cannot be mended here."""
    halt, questions = threading.Event(), queue.SimpleQueue[Ask]()
    threading.Thread(target=_listen, args=(questions, halt, voice), daemon=True).start()
    import torch  # not before the input is watched: whoever asks may leave while it loads

    from engine.chat.speaker import Speaker
    from engine.executor.loading import choose_device, device_name

    held = lock_holder(Path(opening.lock))
    device = choose_device("cpu" if held or opening.device else "")
    if device.type == "cuda":
        threading.Thread(target=_give_way, args=(opening, voice), daemon=True).start()
    else:
        limits.cap_memory()
    threads = torch.get_num_threads()
    speaker = Speaker(opening, device, halt)
    beside = "a trial holds the card" if torch.cuda.is_available() else "a trial is at work, so one thread is used"
    voice.say(Ready(device=device_name(device), note=beside if held else ""))
    while True:
        ask = questions.get()
        if device.type == "cpu":
            torch.set_num_threads(1 if lock_holder(Path(opening.lock)) else threads)
        try:
            speaker.answer(ask, voice.say)
        except BadInput as error:
            voice.say(Fault(text=str(error)))


class _Mouth:
    """Whole lines from several threads. A reader that is gone ends the process."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._turn = out, threading.Lock()

    def say(self, message: FromChild) -> None:
        with self._turn:
            try:
                self._out.write(encode(message))
                self._out.flush()
            except OSError:
                os._exit(0)


def _listen(questions: queue.SimpleQueue[Ask], halt: threading.Event, voice: _Mouth) -> None:
    while line := sys.stdin.buffer.readline(MAX_LINE):
        try:
            message = to_child(line)
        except BadInput as error:
            voice.say(Fault(text=str(error)))
            continue
        if isinstance(message, Halt):
            halt.set()
        elif isinstance(message, Ask):
            questions.put(message)
    os._exit(0)


def _give_way(opening: Opening, voice: _Mouth) -> None:
    """Leave the card, all of it, to whoever takes its lease."""
    while not lock_holder(Path(opening.lock)):
        time.sleep(LOOK)
    voice.say(Moved(reason="a trial has taken the card"))
    os._exit(0)


def _no_room_on_the_card(error: Exception) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError)


def _moved(opening: Opening) -> FromChild:
    if opening.device == "cpu":
        return Fault(text="there is not enough memory for this model", fatal=True)
    return Moved(reason="the card has not enough memory left")


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking torch apart in good order needs seconds
