"""The table of operators in docs/data.md, made from the operators' types: `python -m tests.tui.operator_table`."""

from __future__ import annotations

import re
from pathlib import Path

from engine.aidp import manual
from trex_tui.commands import data_text

GUIDE = Path(__file__).parents[2] / "docs" / "data.md"
TABLE = re.compile(r"^\| operator \|.*?\n(?=\n)", re.DOTALL | re.MULTILINE)


def current() -> str:
    """The guide with the table as it should be."""
    return TABLE.sub(lambda _: data_text.markdown(manual.manuals()) + "\n", GUIDE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    GUIDE.write_text(current(), encoding="utf-8")
