"""Writing a report: one Markdown and one HTML file, each whole or not at all."""

from __future__ import annotations

from pathlib import Path

from engine.files import write_atomic
from engine.report import html, markdown
from engine.report.model import ReportData
from engine.report.sections import document


def write_report(data: ReportData, report_dir: Path) -> tuple[Path, Path]:
    """Write `report.md` and `report.html` below `report_dir`. Raises MachineFailure where that cannot be written."""
    whole = document(data)
    paths = report_dir / "report.md", report_dir / "report.html"
    for path, render in zip(paths, (markdown.render, html.render), strict=True):
        write_atomic(path, render(whole).encode(errors="replace"))
    return paths
