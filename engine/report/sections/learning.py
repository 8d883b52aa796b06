"""What was learned, who used it, what failed or fell back, and what the Researcher cost."""

from __future__ import annotations

from collections import Counter

from engine.report import words
from engine.report.document import Block, Cell, Column, Heading, Listing, Text, table
from engine.report.model import Insight, ReportData


def section(data: ReportData) -> list[Block]:
    """Insights, incidents and the Researcher's calls."""
    return [
        Heading("Insights"),
        *_insights(data),
        Heading("What failed or fell back"),
        *_incidents(data),
        Heading("Researcher"),
        *_researcher(data),
    ]


def _insights(data: ReportData) -> list[Block]:
    if not data.insights:
        return [Text("None.", "muted")]
    columns = (
        Column("insight", "wide"),
        Column("from"),
        Column("for"),
        Column("against"),
        Column("given to"),
        Column("named by"),
    )
    own = [i for i in data.insights if not i.earlier]
    earlier = [i for i in data.insights if i.earlier]
    blocks: list[Block] = [table(columns, [_insight_row(i) for i in own])] if own else []
    if earlier:
        named = sum(bool(i.named_by) for i in earlier)
        blocks.append(Heading("From earlier runs", 3))
        blocks.append(
            Text(f"{words.count(len(earlier), 'insight')} of earlier runs given to plans, {named} named by one.")
        )
        few = (Column("insight", "wide"), Column("from"), Column("given to"), Column("named by"))
        rows = [(_said(i), i.id, ", ".join(i.given_to), Cell(", ".join(i.named_by), "strong")) for i in earlier]
        blocks.append(table(few, list(rows)))
    return blocks


def _insight_row(insight: Insight) -> tuple[Cell | str, ...]:
    return (
        _said(insight),
        f"{insight.node}, {insight.source}",
        ", ".join(insight.supports),
        ", ".join(insight.contradicts),
        ", ".join(insight.given_to),
        Cell(", ".join(insight.named_by), "strong"),
    )


def _said(insight: Insight) -> str:
    return insight.text or "its text is not in this run's journal"


def _incidents(data: ReportData) -> list[Block]:
    if not data.incidents:
        return [Text("Nothing.", "muted")]
    columns = (Column("after", "number"), Column("where", "code"), Column("kind"), Column("what", "wide"))
    return [
        table(
            columns,
            [
                (words.duration(i.seconds), i.where, Cell(i.kind, "bad" if i.kind.startswith("failed") else ""), i.text)
                for i in data.incidents
            ],
        )
    ]


def _researcher(data: ReportData) -> list[Block]:
    if not data.calls:
        return [Text(f"The Researcher ({data.tree.setup.researcher}) was not called.", "muted")]
    total, refused = sum(c.calls for c in data.calls), sum(c.refused for c in data.calls)
    seconds = sum(c.seconds for c in data.calls)
    said = (
        f"{data.tree.setup.researcher}: {words.count(total, 'call')} in {words.duration(seconds)}, "
        f"{refused} of the answers refused ({words.share(refused, total)})."
    )
    columns = tuple(
        Column(name, "number" if at else "text")
        for at, name in enumerate(("purpose", "calls", "refused", "seconds", "prompt tokens", "answer tokens"))
    )
    rows: list[tuple[Cell | str, ...]] = [
        (c.purpose, f"{c.calls}", f"{c.refused}", f"{c.seconds:.1f}", f"{c.prompt_tokens:,}", f"{c.answer_tokens:,}")
        for c in data.calls
    ]
    counts = Counter(reason for c in data.calls for reason in c.refusals)
    why = [f"{reason} ({n} times)" if n > 1 else reason for reason, n in counts.items()]
    blocks: list[Block] = [Text(said), table(columns, rows)]
    return [*blocks, Heading("Refused", 3), Listing(tuple(why))] if why else blocks
