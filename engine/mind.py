"""The Researcher as the loop uses it: facts in, a plan or a lesson out, every call taped in the journal first.

Joins the parts: the language model's worker, the insight index, proposing and diagnosing. Decides nothing itself.
"""

from __future__ import annotations

from engine.insights import Insights, Kin, Row, kin_of
from engine.journal import Journal
from engine.models import find
from engine.plan import Plan
from engine.researcher.diagnose import diagnose
from engine.researcher.facts import Known, gather
from engine.researcher.model import LanguageModel, LlamaWorker
from engine.researcher.propose import propose
from engine.researcher.remember import remember
from engine.search.events import Asked, Diagnosed, Learned, RunCreated
from engine.steps.context import Run
from engine.steps.readback import read_round
from engine.workspace import Workspace

GIVEN = 4  # insights that a plan is given


class Minds:
    """The workers that all runs of an engine share: one language model at a time, one index."""

    def __init__(self, workspace: Workspace, journal: Journal) -> None:
        self._workspace = workspace
        rows = [Row(id=e.insight, task=e.task, text=e.text) for e in journal.insights()]
        self.index = Insights(rows, workspace.cache / "insights", log=workspace.engine_log)
        self._models: dict[str, LlamaWorker] = {}

    def of(self, setup: RunCreated) -> ResearchMind:
        """The Researcher of a run. Raises MachineFailure where its model is not installed."""
        return ResearchMind(self.index, None if setup.researcher == "none" else self._model(setup.researcher))

    def _model(self, name: str) -> LlamaWorker:
        if name not in self._models:
            gguf = find(name, self._workspace.models).path
            self._models[name] = LlamaWorker(gguf, log=self._workspace.home / "researcher.log")
        return self._models[name]

    async def close(self) -> None:
        """End the workers; they start again when asked."""
        for model in self._models.values():
            await model.close()
        await self.index.close()


class RunTape:
    """A run's journal as the tape of answers."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def record(self, asked: Asked) -> None:
        self._run.record(asked)

    def recall(self, call: str) -> Asked | None:
        return self._run.tree.tape.get(call)


class ResearchMind:
    """Plans and reads rounds; `model` None: by sampling and by rule."""

    def __init__(self, index: Insights, model: LanguageModel | None) -> None:
        self._index, self._model = index, model

    async def plan(self, run: Run, node: str) -> Plan:
        known = await self.known(run)
        facts = gather(run.tree, run.task, node, known, run.tree.hints_for(node))
        return await propose(facts, self._model, RunTape(run), direction=run.tree.nodes[node].direction)

    async def known(self, run: Run) -> list[Known]:
        """The insights nearest to the task's knobs and recipes, within the run's scope of memory."""
        setup = run.tree.setup
        own = {id_ for id_ in self._index.rows if id_.split(":")[0] == run.name}
        exclude = set() if setup.memory != "run" else set(self._index.rows) - own
        task = "" if setup.memory == "all" else run.task.name
        return await remember(self._index, run.task, GIVEN, only_task=task, exclude=exclude)

    async def diagnose(self, run: Run, node: str) -> tuple[Diagnosed, Learned | None]:
        lesson = await diagnose(read_round(run, node), run.task, self._model, RunTape(run), seed=run.tree.setup.seed)
        own = f"{run.name}:{node}"
        kin = await kin_of(self._index, lesson.insight, own, task=run.task.name) if lesson.insight else Kin()
        learned = Learned(
            insight=own,
            node=node,
            text=lesson.insight,
            supports=(own, *kin.supports),
            contradicts=kin.contradicts,
            source=lesson.source,
            task=run.task.name,
        )
        await self._index.add(Row(id=learned.insight, task=learned.task, text=learned.text))
        return Diagnosed(node=node, text=lesson.diagnosis, source=lesson.source), learned
