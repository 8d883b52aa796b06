"""Lessons: the verdict by rule, the reason by the model, nothing kept that says nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.insights.kin import claim
from engine.insights.plain import PlainIndex
from engine.mind import ResearchMind
from engine.researcher.diagnose import diagnose
from engine.researcher.facts import BASELINE_RECIPE
from engine.researcher.rounds import BadCase, Curve, Paired, Round, facts_of, openings_of, rule_lesson
from engine.researcher.scripted import ScriptedModel
from engine.search import events as ev
from engine.workspace import Workspace
from tests.researcher.scene import BASELINE, FILTERED, Reel, config, plan, round_of, task, tree

HIGHER = Round(
    node="n2",
    best="n2t0",
    hypothesis="A higher learning rate will learn faster.",
    start_recipe=BASELINE_RECIPE,
    recipe=BASELINE_RECIPE,
    start=config(),
    curves=(
        Curve("n2t0", config(learning_rate=3e-4), 0.836, 0.69, 0.38, 3.1),
        Curve("n2t1", config(lora_rank=8), 0.79),
    ),
    against_reference=Paired("n1t0", 0.04, 0.01, 0.07),
    against_base=Paired("n0t0", 0.276, 0.22, 0.33),
    bad_cases=tuple(BadCase("a film " + "very long " * 50, "negative", "positive", True) for _ in range(9)),
)
GOOD = {
    "diagnosis": "The loss fell from 0.69 to 0.38 and mistakes are left on mixed reviews.",
    "insight": "Raising learning_rate helped because 32 steps were too few for the slow rate.",
}


@pytest.mark.parametrize(
    ("low", "high", "maximize", "verdict"),
    [
        (0.01, 0.07, True, "better"),
        (0.01, 0.07, False, "worse"),
        (-0.07, -0.01, True, "worse"),
        (-0.07, -0.01, False, "better"),
        (-0.01, 0.07, True, "tie"),
        (0.0, 0.07, True, "tie"),
    ],
)
def test_the_verdict_needs_an_interval_without_zero(low: float, high: float, maximize: bool, verdict: str) -> None:
    assert Paired("n1t0", (low + high) / 2, low, high).verdict(maximize) == verdict


async def test_the_facts_come_first_and_the_models_reason_behind_them() -> None:
    lesson = await diagnose(HIGHER, task(), ScriptedModel([GOOD]), Reel())
    opening = (
        "learning_rate=0.0003 instead of learning_rate=0.0001: +4.0 points [+1.0, +7.0] "
        "(n2t0 against n1t0, beyond the noise: better)."
    )
    assert lesson.insight == f"{opening} {GOOD['insight']}"
    assert (lesson.source, lesson.verdict, lesson.diagnosis) == ("researcher", "better", GOOD["diagnosis"])
    assert claim(lesson.insight) == ("learning_rate=0.0003 instead of learning_rate=0.0001", "better")


async def test_without_a_model_the_rule_speaks() -> None:
    lesson = await diagnose(HIGHER, task(), None, Reel())
    assert lesson.source == "rule" and "+4.0 points" in lesson.insight and "loss 0.69 to 0.38" in lesson.diagnosis


def test_a_difference_within_the_noise_says_so() -> None:
    tie = replace(HIGHER, against_reference=Paired("n1t0", 0.01, -0.02, 0.04))
    assert "within the noise: no clear difference" in rule_lesson(tie, task()).insight
    assert openings_of(tie, "tie") == ("Raising learning_rate made no clear difference",)


def test_an_opening_for_every_change_knobs_and_operators() -> None:
    changed = replace(
        HIGHER,
        recipe=FILTERED,
        curves=(Curve("n2t0", config(rows=128, target_modules="attention"), 0.7),),
    )
    assert openings_of(changed, "worse") == (
        "Setting target_modules to attention hurt",
        "Lowering rows hurt",
        "Adding filter_length hurt",
    )


async def test_a_round_that_changed_nothing_needs_no_explanation() -> None:
    same = replace(HIGHER, curves=(Curve("n2t0", config(), 0.8),), against_reference=None)
    model = ScriptedModel()
    lesson = await diagnose(same, task(), model, Reel())
    assert lesson.source == "rule" and not model.asked


async def test_when_every_trial_failed_the_cause_is_the_lesson() -> None:
    failed = replace(
        HIGHER,
        best="",
        curves=(Curve("n2t0", config(learning_rate=2e-3), failure="diverged at step 3"),),
        against_reference=None,
    )
    lesson = await diagnose(failed, task(), ScriptedModel(), Reel())
    assert "every trial failed (diverged at step 3)" in lesson.insight and "learning_rate=0.002" in lesson.insight


async def test_nothing_is_learned_from_a_trial_that_never_ran() -> None:
    late = Curve("n2t1", config(learning_rate=1e-3), failure="no time left for it")
    diverged = Curve("n2t0", config(learning_rate=2e-3), failure="diverged at step 3")
    failed = replace(HIGHER, best="", curves=(late, diverged), against_reference=None, cancelled=frozenset({"n2t1"}))
    lesson = await diagnose(failed, task(), ScriptedModel(), Reel())
    assert "learning_rate=0.002" in lesson.insight and "no time" not in lesson.insight
    assert "every trial that was not cancelled failed (diverged at step 3)" in lesson.insight
    assert "n2t1: learning_rate=0.001: cancelled (no time left for it)" in lesson.diagnosis
    none_ran = await diagnose(replace(failed, curves=(late,)), task(), ScriptedModel(), Reel())
    assert none_ran.insight == "" and "cancelled (no time left for it)" in none_ran.diagnosis


async def test_a_round_of_cancelled_trials_is_read_and_leaves_no_insight(tmp_path: Path) -> None:
    last = round_of("n2", "n1", plan("adjust_training", config(learning_rate=3e-4)))
    cancelled = ev.Failed(node="n2", trial="n2t0", kind="cancelled", cause="no time left for it")
    seen = tree(BASELINE, [*last, cancelled], parent="n1")
    run = SimpleNamespace(name="demo-2", tree=seen, task=task(), workspace=Workspace(tmp_path))
    mind = ResearchMind(PlainIndex(), None, lambda: ())
    diagnosed, learned = await mind.diagnose(run, "n2")  # type: ignore[arg-type]
    assert learned is None and "cancelled (no time left for it)" in diagnosed.text


@pytest.mark.parametrize(
    ("insight", "reason"),
    [
        ("Lowering lora_rank hurt because it was too small for the data.", "has to begin with"),
        ("Raising learning_rate helped because 0.836 > 0.796.", "gives no reason"),
        ("Raising learning_rate helped because a higher learning rate will learn faster.", "repeats a sentence"),
    ],
)
async def test_empty_and_parroted_insights_are_refused_then_left_to_the_rule(insight: str, reason: str) -> None:
    model = ScriptedModel([{**GOOD, "insight": insight}] * 2)
    lesson = await diagnose(HIGHER, task(), model, Reel())
    assert lesson.source == "rule" and len(lesson.refusals) == 2 and reason in lesson.refusals[0]
    assert reason in model.asked[1].user


def test_bad_cases_are_few_and_cut_short() -> None:
    text = facts_of(HIGHER, task())
    assert text.count("| new mistake") == 4
    assert max(len(line) for line in text.splitlines()) < 300
