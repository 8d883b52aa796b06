"""The size of the terminal we are started in, where the terminal does not know it. Nothing else of terminals.

A pseudo-terminal has no rows until somebody sets them (expect, a container's exec, a serial line). Textual takes
another size for it in each of two places, and draws the one over the other for ever.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios

SIZE = (80, 24)  # columns and rows of a terminal that says nothing, as terminfo and everybody else take them


def give_size(fd: int) -> None:
    """Tell the terminal behind `fd` the usual size where it has none. No terminal: nothing to do."""
    try:
        columns, rows = os.get_terminal_size(fd)
        if not (columns and rows):
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows or SIZE[1], columns or SIZE[0], 0, 0))
    except OSError:
        return
