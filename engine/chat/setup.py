"""What a chat begins with: the run's base model, a trial's adapter, the task's own template. Loads nothing heavy."""

from __future__ import annotations

from engine import models, strict
from engine.chat.messages import Opening
from engine.errors import BadInput
from engine.export import complete_adapter
from engine.search.tree import Tree
from engine.task import Task
from engine.workspace import Workspace


def opening_for(workspace: Workspace, run: str, tree: Tree, trial: str) -> Opening:
    """`trial`: the one whose adapter answers beside the base model; one without a configuration is the base model.

    Raises TrexError: no such trial, no adapter, the base model or the task is gone.
    """
    known = {name: found for node in tree.nodes.values() for name, found in node.trials.items()}
    if trial not in known:
        raise BadInput(f"no trial `{trial}` in {run}", hint="`trex show` lists its nodes")
    kept = workspace.run(run) / "task.json"
    task = strict.from_json(strict.read_text(kept).encode(), Task, source=str(kept))
    adapter = complete_adapter(workspace.run(run), known[trial]) if known[trial].config else None
    return Opening(
        model_dir=str(models.find(tree.setup.base_model, workspace.models).path),
        cache=str(workspace.cache),
        lock=str(workspace.device_lock),
        format=task.format,
        evaluation=task.evaluation,
        adapter=str(adapter) if adapter else "",
    )
