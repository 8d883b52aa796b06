"""Files to rows: formats, archives, folders; a row that cannot be read is set aside. Not what rows mean (`layouts`)."""

from collections.abc import Callable

MAX_FILE = 1024**3  # bytes of one data file

Alive = Callable[[], None]
"""Called while a file is read, also where no row comes of it for long; it may raise to end the reading."""


def nothing() -> None:
    """An `Alive` of a reader whom nobody hurries."""
