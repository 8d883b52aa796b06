"""The report's sections: `ReportData` in, blocks of text, tables and plots out. Pure; one content for both formats."""

from __future__ import annotations

from engine.report import words
from engine.report.document import Block, Document, Text
from engine.report.model import ReportData
from engine.report.sections import learning, machine, recipe, result, search


def document(data: ReportData) -> Document:
    """The whole report, the result first."""
    setup = data.tree.setup
    blocks: list[Block] = [Text(sentence, "lead") for sentence in result.sentences(data)]
    blocks += [Text(warning, "warning") for warning in data.warnings]
    blocks += result.section(data)
    blocks += search.section(data)
    blocks += recipe.section(data)
    blocks += learning.section(data)
    blocks += machine.section(data)
    return Document(
        title=setup.title or setup.task,
        subtitle=f"Run {data.tree.run}, task {setup.task}, base model {setup.base_model}, "
        f"begun {words.moment(data.tree.started_at)}",
        blocks=tuple(blocks),
    )
