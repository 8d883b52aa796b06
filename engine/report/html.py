"""A document as one HTML file: inline style (`report.css`) and drawings, no script, nothing loaded from anywhere."""

from __future__ import annotations

from html import escape
from pathlib import Path

from engine.report.document import Block, Cell, Code, Column, Document, Heading, Listing, Plot, Table, Text

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # a page that could load nothing if it tried


def render(document: Document) -> str:
    """The whole page."""
    title, subtitle = escape(document.title), escape(document.subtitle)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{_style()}</style>
</head>
<body>
<main>
<header>
<h1>{title}</h1>
<p class="muted">{subtitle}</p>
</header>
{chr(10).join(map(_block, document.blocks))}
</main>
</body>
</html>
"""


def _style() -> str:
    return Path(__file__).with_name("report.css").read_text(encoding="utf-8")


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Text(text, tone):
            return f'<p class="{tone}">{escape(text)}</p>' if tone else f"<p>{escape(text)}</p>"
        case Listing(items):
            return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
        case Code(text):
            return f"<pre><code>{escape(text)}</code></pre>"
        case Plot(svg, caption, _):
            return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col" class="{c.kind}">{escape(c.name)}</th>' for c in table.columns)
    rows = "\n".join("<tr>" + "".join(map(_cell, row, table.columns)) + "</tr>" for row in table.rows)
    width = ' class="full"' if any(c.kind == "wide" for c in table.columns) else ""
    return (
        f'<div class="scroll"><table{width}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'
    )


def _cell(cell: Cell, column: Column) -> str:
    classes = f"{column.kind} {cell.tone}".strip()
    return f'<td class="{classes}">{escape(cell.text)}</td>'
