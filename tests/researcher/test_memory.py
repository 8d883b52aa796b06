"""The memory as text: within its budget, newest last, the constant part constant, nothing that was pruned."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.insights import Row
from engine.insights.plain import PlainIndex
from engine.researcher.facts import Known, reference_of
from engine.researcher.memory import brief, estimate, system
from engine.researcher.prompts import findings, playbook, prompt
from engine.researcher.remember import remember
from engine.researcher.schema import OPERATORS, steps
from engine.space import GRID
from engine.task import Metric
from tests.researcher.scene import BASELINE, FILTERED, SECOND, THIRD, config, facts, plan, round_of, task, tree


def test_path_siblings_and_key_nodes_are_told() -> None:
    text = brief(facts(BASELINE, SECOND, THIRD, parent="n2"))
    assert "n2t0: start configuration: 0.836" in text
    assert "n1t0: learning_rate=0.0001: 0.796 (4.0 points worse than the start)" in text
    assert "n3t0: recipe dedup_exact -> filter_length(min_words=4) -> shuffle" in text
    assert "Best so far: n3t0" in text


def test_a_failure_is_told_with_its_cause() -> None:
    failed = round_of("n4", "n0", plan("adjust_training", config(learning_rate=2e-3)), "diverged at step 3")
    assert "n4t0: learning_rate=0.002: failed (diverged at step 3)" in brief(facts(BASELINE, failed))


def test_pruned_branches_are_not_told() -> None:
    pruned = round_of("n2", "n0", plan("adjust_training", config(lora_rank=64)), 0.99, flags=("pruned",))
    assert "lora_rank=64" not in brief(facts(BASELINE, pruned))


def test_a_pruned_plan_is_still_taken() -> None:
    pruned = round_of("n2", "n0", plan("adjust_training", config(lora_rank=64)), 0.99, flags=("pruned",))
    assert len(facts(BASELINE, pruned).trained) == 2


def test_lower_is_better_is_told_the_right_way_round() -> None:
    lower = task(metric=Metric(direction="minimize"))
    text = brief(facts(BASELINE, SECOND, of=lower, maximize=False))
    assert "n2t1: lora_rank=8: 0.790 (0.6 points better than the start)" in text
    assert "lower is better" in system(lower)


def test_the_constant_part_is_the_same_for_every_node() -> None:
    assert system(facts(BASELINE).task) == system(facts(BASELINE, SECOND, parent="n2").task)


def test_facts_come_before_what_is_asked_so_that_the_models_cache_serves_both_questions() -> None:
    told = brief(facts(BASELINE, SECOND))
    values = {"direction": "refine_data", "reason": "", "findings": "", "ask": ""}
    assert prompt("plan", facts=told, **values).startswith(told)
    assert prompt("direction", facts=told).startswith(told)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40), st.integers(150, 900))
def test_the_brief_keeps_to_its_budget(count: int, budget: int) -> None:
    known = tuple(Known(f"r:n{n}", f"Insight number {n}, " + "which goes on for a while, " * 4) for n in range(count))
    here = facts(BASELINE, SECOND, THIRD, parent="n3", insights=known, hints=("Mind the short rows.",))
    text = brief(here, budget)
    always = brief(facts(BASELINE, SECOND, THIRD, parent="n3", hints=("Mind the short rows.",)), 0)
    assert estimate(text) <= max(budget, estimate(always))
    assert "Mind the short rows." in text and "Start recipe" in text
    assert text.endswith(always[-60:]), "the newest facts stand last"


def test_a_long_hint_or_cause_is_cut_to_one_line() -> None:
    text = brief(facts(hints=("x\n" * 5000,)))
    assert estimate(text) < 500


def test_changes_are_spelt_as_the_schema_spells_them() -> None:
    assert steps(config(), config(rows=128, epochs=4, learning_rate=5e-5)) == "rows_x_epochs=128x4 learning_rate=5e-05"
    assert steps(config(), config()) == "start configuration"


def test_a_child_of_the_root_is_compared_with_the_baseline() -> None:
    here = tree(BASELINE, SECOND, THIRD)
    assert [reference_of(here, node) for node in ("n1", "n2", "n3")] == ["n0t0", "n1t0", "n1t0"]
    assert reference_of(tree(BASELINE, SECOND, parent="n2"), "n9") == "n2t0"


def test_the_playbook_speaks_of_knobs_that_exist_and_names_its_sources() -> None:
    assert len(playbook()) >= 12
    for direction in ("adjust_training", "refine_data"):
        assert len(findings(direction, 0)) == 3
        assert len({*findings(direction, 0), *findings(direction, 1)}) > 3, "they change from round to round"


def test_the_system_prompt_names_every_operator_and_turned_knob() -> None:
    text = system(task())
    assert all(str(kind.__struct_config__.tag) in text for kind in OPERATORS)
    assert all(
        f"- {knob}: " in text
        for knob, values in GRID.items()
        if knob not in ("rows", "epochs", "max_steps", "max_length")
    )


def test_braces_in_a_task_are_only_text() -> None:
    assert "{facts}" in system(task(brief="Return {facts} as {{json}}."))


async def test_insights_on_knobs_and_on_recipes_are_both_remembered() -> None:
    rows = [
        Row("a", "demo", "Raising learning_rate helped: accuracy better by four points with lora_rank lowered"),
        Row("b", "demo", "recipe with filter_length and shuffle: accuracy worse, points lost"),
        Row("c", "demo", "A boat on the river."),
    ]
    found = await remember(PlainIndex(rows), task(), 4)
    assert {known.id for known in found} == {"a", "b"}
    assert await remember(PlainIndex(rows), task(), 4, only_task="other") == []


async def test_what_a_person_has_pinned_is_remembered_first_whatever_it_speaks_of() -> None:
    rows = [
        Row("a", "demo", "Raising learning_rate helped: accuracy better by four points with lora_rank lowered"),
        Row("b", "demo", "recipe with filter_length and shuffle: accuracy worse, points lost"),
        Row("c", "demo", "A boat on the river."),
        Row("d", "other", "A ship at sea."),
    ]
    index, pinned = PlainIndex(rows), {"c", "d"}
    assert [known.id for known in await remember(index, task(), 4, only_task="demo", pinned=pinned)] == ["c", "b", "a"]
    assert [known.id for known in await remember(index, task(), 1, pinned=pinned)] == ["c"]
    assert len(await remember(index, task(), 3, pinned=pinned)) == 3
    assert "c" not in {known.id for known in await remember(index, task(), 4, pinned=pinned, exclude={"c"})}


def test_the_last_insight_is_the_first_to_go() -> None:
    known = tuple(Known(f"r:n{n}", f"Insight number {n} " + "goes on for a while " * 9) for n in range(1, 5))
    whole = estimate(brief(facts(BASELINE, insights=known), 10_000))
    text = brief(facts(BASELINE, insights=known), whole - 30)
    assert "i1: Insight number 1" in text and "Insight number 4" not in text


def test_a_recipe_other_than_the_starts_is_told() -> None:
    assert facts().start.recipe != FILTERED
