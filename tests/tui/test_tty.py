"""A terminal without a size is given one; one that has a size keeps it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios

import pytest

from trex_tui.tty import give_size


@pytest.mark.parametrize(
    ("columns", "rows", "then"), [(0, 0, (80, 24)), (132, 0, (132, 24)), (0, 50, (80, 50)), (40, 12, (40, 12))]
)
def test_opens_in_a_terminal_that_knows_no_size(columns: int, rows: int, then: tuple[int, int]) -> None:
    keeper, terminal = pty.openpty()
    try:
        fcntl.ioctl(keeper, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        give_size(terminal)
        assert tuple(os.get_terminal_size(terminal)) == then
    finally:
        os.close(keeper)
        os.close(terminal)


def test_leaves_a_pipe_alone() -> None:
    reader, writer = os.pipe()
    give_size(writer)
    os.close(reader)
    os.close(writer)
