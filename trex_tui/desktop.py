"""Showing a file on the person's desktop, where there is one. Not over SSH and not in a bare terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def open_file(path: Path) -> str:
    """Show a file in the desktop's browser; what was done, to be said behind the path, "" where there is no desktop."""
    if sys.platform != "darwin" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return ""
    import webbrowser  # slow to import, and needed here only

    return " (opened in the browser)" if webbrowser.open(path.as_uri()) else ""
