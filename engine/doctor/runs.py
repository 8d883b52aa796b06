"""One run as it lies on the disk, against what the journal says of it: what it needs to go on, what it has won."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from engine import models, strict, taskdata
from engine.doctor.finding import Finding, counted, fine, listed, note, wrong
from engine.doctor.history import Past
from engine.errors import TrexError
from engine.executor import checkpoints
from engine.files import fingerprint, sha256_file
from engine.report.gather import Key
from engine.report.results import result_path
from engine.search.tree import Tree, Trial
from engine.task import Task
from engine.workspace import Workspace

WEIGHTS = "adapter_model.safetensors"


def run(space: Workspace, name: str, tree: Tree, claims: Mapping[Key, str]) -> list[Finding]:
    """The run's needs, results, adapters, and folders that no event knows."""
    if tree.created is None:
        return [wrong(f"the events of {name} do not begin with its start", name)]
    return [
        *(_needs(space, name, tree) or [fine(f"{name}: its task, splits and base model are there")]),
        _results(space.run(name), name, claims),
        _adapters(space, name, tree),
        *_strays(space.run(name), name, tree),
    ]


def _needs(space: Workspace, name: str, tree: Tree) -> list[Finding]:
    """What the run cannot go on without; once it is over, only chatting, exporting and verifying miss it."""
    say = note if tree.over else wrong
    checks: tuple[Callable[[], str], ...] = (
        lambda: _task(space.run(name) / "task.json"),
        lambda: _splits(tree),
        lambda: _model(space, tree),
    )
    found = []
    for check in checks:
        try:
            problem = check()
        except TrexError as error:
            problem = str(error)
        if problem:
            found.append(say(f"{name}: {problem}"))
    return found


def _task(kept: Path) -> str:
    strict.from_json(strict.read_text(kept).encode(), Task, source=str(kept))
    return ""


def _splits(tree: Tree) -> str:
    if not tree.setup.splits:
        return "where its splits lie is not recorded"
    manifest = taskdata.verify(Path(tree.setup.splits))
    if tree.setup.manifest and fingerprint(manifest) != tree.setup.manifest:
        return f"{tree.setup.splits}: the splits are not those the run began with"
    return ""


def _model(space: Workspace, tree: Tree) -> str:
    base = models.find(tree.setup.base_model, space.models)
    if tree.setup.model_sha256 and base.weights_sha256 != tree.setup.model_sha256:
        return f"{base.path}: the base model is not the one the run began with"
    return ""


def _results(folder: Path, name: str, claims: Mapping[Key, str]) -> Finding:
    """Every score in the journal rests on a `result.json` with the hash that was recorded."""
    paths = {key: result_path(folder, *key) for key in claims}
    bad = [key for key, path in paths.items() if not _is(path, claims[key])]
    if not bad:
        return fine(f"{name}: {counted(len(claims), 'result')}, each as it was recorded")
    said = listed(trial if split == "validation" else f"{trial}.{split}" for trial, split in bad)
    what = f"{name}: {len(bad):,} of {counted(len(claims), 'result')} missing or not as recorded: {said}"
    return wrong(what, paths[bad[0]])


def _is(path: Path, sha256: str) -> bool:
    try:
        return sha256_file(path) == sha256
    except OSError:
        return False


def _adapters(space: Workspace, name: str, tree: Tree) -> Finding:
    """Adapters of trained trials, but for those that were collected. That of the champion, or of a trial that may
    become it, is needed; another one is missed by whoever wants to export it."""
    trained = [t for n in tree.nodes.values() for t in n.trials.values() if t.config and t.score and not t.collected]
    missing = [t.id for t in trained if not _has_adapter(space.trial(name, t.id))]
    if not missing:
        return fine(f"{name}: {counted(len(trained), 'adapter')}, none missing")
    needed = sorted(_wanted(tree) & {*missing})
    what = f"{name}: {len(missing):,} of {counted(len(trained), 'adapter')} missing or damaged"
    if needed:
        return wrong(f"{what}, among them of a champion or candidate: {listed(needed)}", space.trial(name, needed[0]))
    return note(f"{what}, none of a champion or candidate: {listed(missing)}", space.trial(name, missing[0]))


def _has_adapter(trial: Path) -> bool:
    """Whether an adapter is there, and as training left it, where training says how that was."""
    if not (trial / checkpoints.ADAPTER / WEIGHTS).is_file():
        return False
    return checkpoints.trained(trial) is not None or not (trial / checkpoints.TRAINED).exists()


def _wanted(tree: Tree) -> set[str]:
    """Trials whose adapters a report, an export or a judgement to come needs."""
    sign = 1.0 if tree.maximize else -1.0
    value: Callable[[Trial], float] = lambda t: sign * t.score.value if t.score else 0.0  # noqa: E731
    ranked = sorted((t for t in tree.scored() if t.config), key=value, reverse=True)
    ahead = [] if tree.over else ranked[: tree.setup.confirm_candidates]
    return {tree.champion, *(t.id for t in ahead), *(t.id for t in ranked if t.confirm or t.test)}


def _strays(folder: Path, name: str, tree: Tree) -> Iterator[Finding]:
    """Folders of nodes and trials that the journal knows nothing of: what came after a backup that was put back."""
    trials = {trial for node in tree.nodes.values() for trial in node.trials}
    strays = [path for path in _folders(folder / "trials") if path.name.partition(".")[0] not in trials]
    strays += [path for path in _folders(folder / "nodes") if path.name not in tree.nodes]
    if strays:
        what = f"{name}: no event knows {counted(len(strays), 'folder')} of trials or nodes"
        yield note(f"{what}; they are left: where plans lead there, the engine takes their results up again", strays[0])


def unknown(space: Workspace, past: Past) -> list[Finding]:
    """Folders of runs that the journal does not know; nothing can be said where the journal cannot be read."""
    strays = [path for path in _folders(space.home / "runs") if path.name not in past.trees] if past.whole else []
    if not strays:
        return []
    what = f"the journal knows nothing of {counted(len(strays), 'run')} that lie here"
    return [note(f"{what}; they are left: move them away where you do not want them", strays[0])]


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_dir() and not path.name.startswith("."))
