"""`trex verify`: every score in the journal computed again from the rows, and the rows held against the splits.

Reads only. The sealed test split is read for this only where the journal says that it has been opened before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from engine import taskdata
from engine.errors import TrexError
from engine.executor.job import Result
from engine.files import fingerprint
from engine.ftbench import metrics
from engine.report import scoring
from engine.report.gather import recorded
from engine.report.results import read_result
from engine.search import events as ev
from engine.search.tree import Score


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One check: what was looked at, whether it holds, and in a few words what was found."""

    what: str
    ok: bool
    said: str

    @property
    def text(self) -> str:
        """The line for a person: `ok      n2t0 on test: 0.8300 ...` or `WRONG   ...`."""
        return f"{'ok' if self.ok else 'WRONG':<6} {self.what}: {self.said}"


class _Row(msgspec.Struct, frozen=True):
    id: str
    answer: str


def verify(records: Iterable[ev.Record], run_dir: Path, splits_dir: Path) -> list[Line]:
    """One line for the splits and one for each score in the journal, in its order. Never raises for bad files."""
    rows = list(records)
    created = next((r.event for r in rows if isinstance(r.event, ev.RunCreated)), None)
    opened = any(isinstance(r.event, ev.TestOpened) for r in rows)
    golds, lines = _golds(splits_dir, created, opened)
    for claim in filter(None, map(recorded, rows)):
        (trial, split), score, sha256 = claim
        problem = _first(_problems(run_dir, trial, split, score, sha256, golds.get(split), created))
        said = f"{score.value:.4f} [{score.low:.4f}, {score.high:.4f}] over {score.items:,} rows, computed again"
        gold = ", gold answers checked" if split in golds else ""
        lines.append(Line(what=f"{trial} on {split}", ok=not problem, said=problem or said + gold))
    return lines


def _golds(
    folder: Path, created: ev.RunCreated | None, opened: bool
) -> tuple[dict[ev.Split, Mapping[str, str]], list[Line]]:
    """Gold answers by row id per split, and what is wrong with the splits. `test` only where it was opened."""
    try:
        manifest = taskdata.verify(folder)
        if created and created.manifest and fingerprint(manifest) != created.manifest:
            return {}, [Line(what="splits", ok=False, said="not the splits this run began with (manifest differs)")]
        golds = {
            "validation": _answers(taskdata.split_path(folder, "validation")),
            "confirm": _answers(taskdata.split_path(folder, "confirm")),
        }
        if opened:  # on record already; nothing but answers to compare is taken from it, so nothing new is announced
            golds["test"] = _answers(taskdata.open_sealed(folder, announce=lambda: None))
    except (TrexError, OSError, msgspec.MsgspecError) as error:
        return {}, [Line(what="splits", ok=False, said=f"cannot be checked: {error}")]
    return golds, [Line(what="splits", ok=True, said="every file has the hash in its manifest")]  # type: ignore[return-value]


def _answers(path: Path) -> dict[str, str]:
    with path.open("rb") as lines:
        found = (msgspec.json.decode(line, type=_Row) for line in lines if line.strip())
        return {row.id: row.answer for row in found}


def _first(problems: Iterator[str]) -> str:
    return next(filter(None, problems), "")


def _problems(
    run_dir: Path,
    trial: str,
    split: ev.Split,
    score: Score,
    sha256: str,
    golds: Mapping[str, str] | None,
    created: ev.RunCreated | None,
) -> Iterator[str]:
    """What is wrong with one claim of the journal, most fundamental first; empty strings where all is well."""
    reading = read_result(run_dir, trial, split, sha256)
    yield reading.problem.removeprefix(f"{trial} on {split}: ")
    result = reading.result
    if result is None:
        return
    if created and result.metric != created.metric:
        yield f"judged by {result.metric}, not by the run's {created.metric}"
    if created and created.model_sha256 and result.model_sha256 != created.model_sha256:
        yield "judged with another base model than the run's (sha256 differs)"
    yield scoring.disagreement(trial, split, score, scoring.recompute(result)).removeprefix(f"{trial} on {split}: ")
    yield _contributions(result)
    if golds is not None:
        yield _against_split(result, golds)


def _contributions(result: Result) -> str:
    """Each row's worth, from its gold and its answer."""
    for item in result.items:
        if metrics.contribution(result.metric, item.gold, item.answer) != item.correct:
            return f"row {item.id}: {item.answer!r} for {item.gold!r} does not count as {item.correct:g}"
    return ""


def _against_split(result: Result, golds: Mapping[str, str]) -> str:
    """Whether exactly the split's rows were judged, each against its own answer."""
    ids = [item.id for item in result.items]
    if len(set(ids)) != len(ids):
        return "a row was judged twice"
    if strange := set(ids) - set(golds):
        return f"{len(strange)} rows are not of this split, {min(strange)} among them"
    if missing := set(golds) - set(ids):
        return f"{len(missing)} rows of the split were not judged, {min(missing)} among them"
    wrong = next((item for item in result.items if item.gold != golds[item.id]), None)
    return f"row {wrong.id}: the split's answer is {golds[wrong.id]!r}, not {wrong.gold!r}" if wrong else ""
