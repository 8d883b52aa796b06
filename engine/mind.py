"""The Researcher as the loop uses it: facts in, a plan or a lesson out, every call taped in the journal first.

Joins the parts: the language model's worker, the insight index, proposing and diagnosing. Decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.insights import InsightIndex, Insights, Row, kin_of
from engine.journal import Journal
from engine.models import find
from engine.plan import Plan
from engine.researcher.diagnose import diagnose
from engine.researcher.facts import Known, gather
from engine.researcher.model import LanguageModel, LlamaWorker
from engine.researcher.propose import propose
from engine.researcher.remember import remember
from engine.search.events import Asked, Diagnosed, Learned, RunCreated
from engine.search.insights import Insight
from engine.steps.context import Run
from engine.steps.readback import read_round
from engine.workspace import Workspace

GIVEN = 4  # insights that a plan is given


class Minds:
    """The workers that all runs of an engine share: one language model at a time, one index."""

    def __init__(self, workspace: Workspace, journal: Journal) -> None:
        self._workspace, self._journal = workspace, journal
        self.index = Insights((), workspace.cache / "insights", log=workspace.engine_log)
        self._models: dict[str, LlamaWorker] = {}

    def of(self, setup: RunCreated) -> ResearchMind:
        """The Researcher of a run. Raises MachineFailure where its model is not installed."""
        model = None if setup.researcher == "none" else self._model(setup.researcher)
        return ResearchMind(self.index, model, self._journal.insights)

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
    """Plans and reads rounds; `model` None: by sampling and by rule. `insights`: those that stand, of all runs."""

    def __init__(
        self, index: InsightIndex, model: LanguageModel | None, insights: Callable[[], Sequence[Insight]]
    ) -> None:
        self._index, self._model, self._insights = index, model, insights

    async def plan(self, run: Run, node: str) -> Plan:
        known = await self.known(run)
        facts = gather(run.tree, run.task, node, known, run.tree.hints_for(node))
        return await propose(facts, self._model, RunTape(run), direction=run.tree.nodes[node].direction)

    async def known(self, run: Run) -> list[Known]:
        """Within the run's scope of memory: what people have pinned, then what is nearest to the knobs and recipes."""
        setup, there = run.tree.setup, await self._look()
        exclude = {i.insight for i in there if setup.memory == "run" and i.insight not in run.tree.insights}
        task = "" if setup.memory == "all" else run.task.name
        pinned = {insight.insight for insight in there if insight.pinned}
        return await remember(self._index, run.task, GIVEN, only_task=task, exclude=exclude, pinned=pinned)

    async def _look(self) -> Sequence[Insight]:
        """What stands now, and the index told: people edit and delete while the search goes on."""
        there = self._insights()
        await self._index.hold(Row(id=insight.insight, task=insight.task, text=insight.text) for insight in there)
        return there

    async def diagnose(self, run: Run, node: str) -> tuple[Diagnosed, Learned | None]:
        trials = run.tree.nodes[node].trials.values()
        round_ = replace(read_round(run, node), cancelled=frozenset(t.id for t in trials if t.state == "cancelled"))
        lesson = await diagnose(round_, run.task, self._model, RunTape(run), seed=run.tree.setup.seed)
        diagnosed = Diagnosed(node=node, text=lesson.diagnosis, source=lesson.source)
        if not lesson.insight:
            return diagnosed, None
        own = f"{run.name}:{node}"
        await self._look()
        kin = await kin_of(self._index, lesson.insight, own, task=run.task.name)
        learned = Learned(
            insight=own,
            node=node,
            text=lesson.insight,
            supports=(own, *kin.supports),
            contradicts=kin.contradicts,
            source=lesson.source,
            task=run.task.name,
        )
        return diagnosed, learned
