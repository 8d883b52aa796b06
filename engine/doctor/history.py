"""The journal and its backups as the doctor sees them; what it reads on the way serves the checks of the runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import backups, intact
from engine.doctor.finding import BackUp, Cure, Finding, PutBack, SetAside, counted, fine, note, wrong
from engine.doctor.restore import usable
from engine.errors import TrexError
from engine.journal import Damaged, Journal, examine
from engine.migrations import SCHEMA
from engine.report.gather import Key, recorded
from engine.search.events import Record
from engine.search.fold import apply
from engine.search.tree import Tree
from engine.workspace import Workspace


@dataclass
class Past:
    """What the journal holds, as far as it can be read."""

    findings: list[Finding] = field(default_factory=list)
    trees: dict[str, Tree] = field(default_factory=dict)
    claims: dict[str, dict[Key, str]] = field(default_factory=dict)  # per run: SHA-256 of the result behind a score
    last_seq: int = 0
    whole: bool = False  # read to its end


def read(space: Workspace) -> Past:
    """Check the journal, fold every run."""
    past = Past()
    try:
        if not space.journal.exists() and not backups.latest(space.journal):
            past.findings.append(_nothing_yet(space))
            return past
        schema = examine(space.journal) if space.journal.exists() else 0
        journal = Journal.open_read_only(space.journal)
        try:
            _fold_all(journal, past)
        finally:
            journal.close()
    except Damaged as error:
        past.findings.append(wrong(error.what, error.where, _put_back(space)))
    except TrexError as error:
        past.findings.append(wrong(f"{error.what}; {error.hint}" if error.hint else error.what, error.where))
    else:
        past.whole = True
        size = f"{counted(past.last_seq, 'event')}, {counted(len(past.trees), 'run')}"
        said = f"the journal is whole: {size}, schema {schema or SCHEMA}"
        older = f"{said}; the next engine brings it to schema {SCHEMA}, after a backup"
        past.findings.insert(0, note(older, space.journal) if 0 < schema < SCHEMA else fine(said, space.journal))
    return past


def _nothing_yet(space: Workspace) -> Finding:
    runs = space.home / "runs"
    left = sorted(path.name for path in runs.iterdir() if path.is_dir()) if runs.is_dir() else []
    if not left:
        return fine("there is no journal yet: no run was started", space.journal)
    lost = f"the journal and its backups are gone; results of {', '.join(left[:3])} lie here all the same"
    return wrong(lost, runs)


def _put_back(space: Workspace) -> Cure | None:
    backup = usable(space.journal)
    return PutBack(backup.said) if backup else None


def _fold_all(journal: Journal, past: Past) -> None:
    broken: set[str] = set()
    for record in journal.records():
        past.last_seq = record.seq
        if record.run not in broken:
            try:
                _take(record, past)
            except Exception as error:  # whatever it is, it is the events' fault or ours, and the person must know
                broken.add(record.run)
                what = f"the events of {record.run} make no tree from event {record.seq:,} on"
                past.findings.append(wrong(f"{what} ({type(error).__name__}: {error})", record.run))
    for name in broken:
        past.trees.pop(name, None)


def _take(record: Record, past: Past) -> None:
    past.trees[record.run] = apply(past.trees.get(record.run, Tree()), record)
    if claim := recorded(record):
        key, _, sha256 = claim
        past.claims.setdefault(record.run, {})[key] = sha256


def backups_of(space: Workspace, past: Past) -> list[Finding]:
    """Whether the backups can be read, and how far they reach."""
    kept = backups.all_of(space.journal)
    broken = tuple(backup for backup in kept if not _readable(backup))
    good = [backup for backup in kept if backup not in broken]
    found = []
    if broken:
        what = f"{len(broken):,} of {counted(len(kept), 'backup')} cannot be read"
        found.append(wrong(what, broken[0].path, SetAside(tuple(backup.path for backup in broken))))
    cure = BackUp() if past.whole else None
    if good:
        behind = past.last_seq - good[0].last_seq
        said = f"{counted(len(good), 'backup')} can be read; the last holds {good[0].said}"
        late = behind >= 2 * backups.EVERY_EVENTS
        found.append(note(f"{said}, {behind:,} behind the journal", "", cure) if late else fine(said, good[0].path))
    elif past.last_seq:
        found.append(note("there is no backup of the journal yet", space.journal, cure))
    return found


def _readable(backup: backups.Backup) -> bool:
    try:
        return intact.verify(backup.path).last_seq == backup.last_seq
    except TrexError:
        return False
