"""What `trex data` prints: plain lines for a terminal or a pipe, no colours. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from engine.aidp.job import Step
from engine.aidp.manual import Manual, Parameter
from engine.aidp.notes import Broken
from engine.aidp.profile import Lengths
from engine.aidp.request import FileProfile, Ran
from engine.aidp.samples import Row, Sample, StepSamples
from trex_tui.model import format as fmt

SHOWN = 8  # different answers, languages, bars
REASONS = 3  # of one operator, of a file's broken rows
LONG_WORD = 20  # letters: where words are longer, nobody puts spaces between them
LINES = 3  # of a row's prompt
NARROW, WIDE = 20, 160  # cells
MARKS = {"dropped": "-", "changed": "~", "added": "+"}
PLAIN = str.maketrans("█▉▊▋▌▍▎▏░▁▂▃▄▅▆▇…", "########.__--==#.")  # where there is no Unicode


def operators(manuals: Iterable[Manual], width: int) -> str:
    """Every operator with its parameters, by family."""
    lines: list[str] = []
    family = ""
    for each in manuals:
        if each.family != family:
            family = each.family
            lines += ["", family.upper()] if lines else [family.upper()]
        lines += ["", *_operator(each, min(width, 110))]
    return "\n".join(lines)


def _operator(about: Manual, width: int) -> Iterator[str]:
    yield about.name
    yield from textwrap.wrap(about.text, width - 2, initial_indent="  ", subsequent_indent="  ")
    longest = max((len(parameter.name) for parameter in about.parameters), default=0)
    for parameter in about.parameters:
        head = f"  {parameter.name.ljust(longest)}  "
        yield from textwrap.wrap(
            taken(parameter), width - 2, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
        )
    if facts := _facts(about):
        yield from textwrap.wrap("; ".join(facts), width - 2, initial_indent="  ", subsequent_indent="  ")


def taken(parameter: Parameter) -> str:
    """`a whole number from 0 to 100,000; 0 unless given`."""
    return f"{parameter.takes}; {f'{parameter.default} unless given' if parameter.default else 'has to be given'}"


def _facts(about: Manual) -> list[str]:
    facts = [f"needs {', '.join(about.needs)}"] if about.needs else []
    facts += [f"reads {_columns(about.reads)}"] if about.reads else []
    facts += [f"adds {_columns(about.gives)}"] if about.gives else []
    facts += ["draws by the recipe's seed"] if about.draws else []
    return facts + (["what comes in is decontaminated after it"] if about.brings else [])


def _columns(names: Sequence[str]) -> str:
    return f"the column{'s' if len(names) > 1 else ''} {', '.join(f'`{name}`' for name in names)}"


def markdown(manuals: Iterable[Manual]) -> str:
    """The table of docs/data.md."""
    rows = ["| operator | what it does | parameters | |", "|---|---|---|---|"]
    for each in manuals:
        parameters = "<br>".join(f"`{p.name}`: {_escaped(taken(p))}" for p in each.parameters)
        rows.append(f"| `{each.name}` | {_escaped(each.text)} | {parameters} | {_escaped('; '.join(_facts(each)))} |")
    return "\n".join(rows)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def profile(found: FileProfile, width: int) -> str:
    """A data file, as a person looks at it."""
    width = max(NARROW, min(width, WIDE))
    whole = found.profile
    lines = [
        f"{fmt.clean(found.file)}: {fmt.size(found.bytes)}, {fmt.plural(whole.rows, 'row')}",
        *_folded(f"layout {found.layout}: {found.why}", width),
        *_folded(f"columns: {', '.join(found.columns)}", width),
        *(line for remark in found.remarks for line in _folded(f"file: {remark}", width)),
        "",
        *_faults(found, width),
    ]
    if whole.languages:
        lines += ["", f"Languages of {fmt.plural(whole.looked_at, 'prompt')} drawn"]
        lines += _bars(whole.languages[:SHOWN], whole.looked_at, width)
    lines += ["", f"Answers, {whole.different_answers:,} different"]
    if whole.different_answers < whole.rows:
        lines += _bars([(_named(answer), count) for answer, count in whole.answers[:SHOWN]], whole.rows, width)
    lines += ["", *_lengths(found, width), ""]
    spaced = whole.characters.median < LONG_WORD * max(1, whole.words.median)
    unit, spread = ("Words", whole.words) if spaced else ("Letters", whole.characters)
    lines += [f"{unit} of a prompt", *_histogram(spread, width)]
    lines += ["", "The first rows"]
    for row in whole.examples:
        lines += _row(Row(row.prompt, row.answer), "  ", width)
    lines += ["", f"in {found.seconds:.1f} s, with {fmt.size(found.memory)} of memory at most"]
    return "\n".join(fmt.cut(line, width) for line in lines)


def _faults(found: FileProfile, width: int) -> list[str]:
    whole = found.profile
    again = f"{whole.duplicates:,}{_share(whole.duplicates, whole.rows)}"
    table = [
        ("broken", f"{found.broken:,}"),
        ("without a pair", f"{found.unpaired:,}"),
        ("empty", f"{whole.empty:,}"),
        ("same prompt again", f"{again}, {whole.conflicting:,} of them with another answer"),
        ("written alike", f"{found.alike:,} of {fmt.plural(whole.looked_at, 'row')} drawn, among themselves"),
    ]
    lines = [f"{name:<18} {said}" for name, said in table]
    lines[1:1] = [fmt.cut(f"  {_broken(row)}", width) for row in found.reasons[:REASONS]]
    return lines


def _lengths(found: FileProfile, width: int) -> list[str]:
    whole = found.profile
    rows = [("words", whole.words), ("letters", whole.characters), ("in the answer", whole.answer_characters)]
    if found.tokens is not None:
        rows.append(("tokens, drawn", found.tokens))
    table = [["Lengths", "least", "median", "95%", "99%", "most"]]
    for name, spread in rows:
        figures = (spread.least, spread.median, spread.p95, spread.p99, spread.most)
        table.append([f"  {name}", *(f"{value:,}" for value in figures)])
    lines = _table(table)
    room = min(32, width - len(lines[0]) - 2)
    shapes = ["", *(fmt.sparkline([float(n) for n in spread.histogram], room) for _, spread in rows)]
    return [f"{line}  {shape}".rstrip() for line, shape in zip(lines, shapes, strict=True)]


def _histogram(spread: Lengths, width: int) -> list[str]:
    """SHOWN bars, the buckets joined; the last one has the longer texts too."""
    if not spread.histogram:
        return []
    each = len(spread.histogram) // SHOWN
    span = max(1, spread.p99 - spread.least)
    counts = [sum(spread.histogram[at * each : (at + 1) * each]) for at in range(SHOWN)]
    starts = [spread.least + -(-span * at // SHOWN) for at in range(SHOWN)]
    ends = [start - 1 for start in starts[1:]]
    named = [
        (f"{start:,}" if start == end else f"{start:,} to {end:,}", count)
        for start, end, count in zip(starts, ends, counts, strict=False)
        if start <= end
    ]
    return _bars([*named, (f"{starts[-1]:,} or more", counts[-1])], sum(counts), width)


def _bars(counted: Sequence[tuple[str, int]], whole: int, width: int) -> list[str]:
    names = [fmt.cut(name, 24) for name, _ in counted]
    table = _table(
        [[f"  {n}", f"{c:,}", f"{100 * c / (whole or 1):.0f}%"] for n, (_, c) in zip(names, counted, strict=True)]
    )
    most = max((count for _, count in counted), default=1) or 1
    room = max(0, min(40, width - max(map(len, table), default=0) - 2))
    return [f"{line}  {_bar(count / most, room)}".rstrip() for line, (_, count) in zip(table, counted, strict=True)]


def _bar(fraction: float, width: int) -> str:
    return fmt.bar(fraction, width).rstrip("░")


def ran(answer: Ran, width: int, preview: int, out: str) -> str:
    """What a recipe did, operator by operator; with `preview`, so many rows of each."""
    width = max(NARROW, min(width, WIDE))
    report = answer.report
    lines = _steps(report.steps, width)
    for at, (step, told) in enumerate(zip(report.steps, answer.samples.steps, strict=True)):
        if step.note and not preview:
            lines += _folded(f"{at + 1} {step.operator}: {step.note}", width)
        lines += _preview(at, step, told, preview, width) if preview else _reasons(at, step, told, width)
    lines += [fmt.cut(f"broken  {_broken(row)}", width) for row in answer.broken[:REASONS]]
    if not answer.guarded:
        lines += _folded("nothing is held out, so no row was checked for overlap; --holdout FILE names what is", width)
    elif answer.held_out:
        lines.append(f"held out: {fmt.plural(answer.held_out, 'row')}")
    if report.answers:
        shown = ", ".join(f"{_named(name)} {count:,}" for name, count in list(report.answers.items())[:SHOWN])
        lines.append(fmt.cut(f"answers: {shown}", width))
    end = (
        f"{fmt.plural(report.rows, 'row')} in {report.seconds:.1f} s, with {fmt.size(answer.memory)} of memory at most"
    )
    where = f"; in {fmt.clean(out)}" if out else "; nothing is written without --out"
    return "\n".join(fmt.cut(line, width) for line in (*lines, *_folded(end + where, width)))


def _steps(steps: Sequence[Step], width: int) -> list[str]:
    """A line for each operator; columns without a value are left out, and the least telling where there is no room."""
    columns: dict[str, list[str]] = {
        "": [str(number) for number in range(1, len(steps) + 1)],
        "operator": [step.operator for step in steps],
        "before": [f"{step.rows_in:,}" for step in steps],
        "after": [f"{step.rows_out:,}" for step in steps],
        "dropped": [_some(step.dropped) for step in steps],
        "added": [_some(step.added) for step in steps],
        "broken": [_some(step.broken) for step in steps],
        "seconds": [f"{step.seconds:.2f}" for step in steps],
        "memory": [fmt.size(step.memory) if step.memory else "" for step in steps],
        " ": ["cached" if step.cached else "" for step in steps],
    }
    shown = [name for name, cells in columns.items() if any(cells)]
    for spare in (None, "memory", "before", "added", " ", "seconds"):
        shown = [name for name in shown if name != spare]
        rows = zip(*([name.strip(), *columns[name]] for name in shown), strict=True)
        lines = _table([list(row) for row in rows], left=tuple(shown.index(n) for n in ("operator", " ") if n in shown))
        if max(map(len, lines)) <= width:
            break
    return lines


def _some(count: int) -> str:
    return f"{count:,}" if count else ""


def _reasons(at: int, step: Step, told: StepSamples, width: int) -> list[str]:
    """Why rows went: the first different reasons."""
    whys = list(dict.fromkeys(sample.why for sample in told.samples if sample.kind == "dropped" and sample.why))
    if not whys or not step.dropped:
        return []
    more = "; ..." if len(whys) > REASONS else ""
    return [fmt.cut(fmt.clean(f"{at + 1} {step.operator} dropped: {'; '.join(whys[:REASONS])}{more}"), width)]


def _preview(at: int, step: Step, told: StepSamples, most: int, width: int) -> list[str]:
    lines = ["", f"{at + 1} {step.operator}: {step.rows_in:,} -> {step.rows_out:,}"]
    lines += [f"  {line}" for line in _folded(step.note, width - 2)] if step.note else []
    if not told.samples:
        lines.append("  a new order; no row changed" if step.operator == "shuffle" else "  no row changed")
    for sample in told.samples[:most]:
        lines += _sample(sample, width)
    return lines


def _sample(sample: Sample, width: int) -> Iterator[str]:
    why = f": {fmt.clean(sample.why)}" if sample.why else ""
    yield from _wrapped(f"{MARKS[sample.kind]} {sample.kind} {fmt.clean(sample.id)}{why}", "  ", width)
    for word, row in (("was", sample.before), ("is", sample.after)):
        if row is not None:
            yield from _row(row, f"      {word} " if sample.kind == "changed" else "      ", width)


def _row(row: Row, head: str, width: int) -> Iterator[str]:
    """The prompt in at most LINES lines, and the answer in one."""
    yield from _wrapped(fmt.clean(row.prompt), head, width)
    if row.answer.strip():
        yield fmt.cut(f"{' ' * len(head)}=> {_named(row.answer)}", width)


def _wrapped(text: str, head: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=head, subsequent_indent=" " * len(head), max_lines=LINES, placeholder=" …"
    )


def _broken(row: Broken) -> str:
    return fmt.clean(f"{row.where}: {row.why}" + (f": {row.text}" if row.text else ""))


def _named(answer: str) -> str:
    return fmt.clean(answer.strip()) or "(empty)"


def _share(count: int, whole: int) -> str:
    return f" ({100 * count / whole:.1f}%)" if whole and count else ""


def _folded(text: str, width: int) -> list[str]:
    return textwrap.wrap(fmt.clean(text), width, subsequent_indent="  ") or [""]


def _table(rows: Sequence[Sequence[str]], left: tuple[int, ...] = (0,)) -> list[str]:
    """Columns two cells apart; numbers to the right."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell + " " * (width - cell_len(cell)) if at in left else " " * (width - cell_len(cell)) + cell
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
