"""Proposals: whatever the model says, a plan is new, affordable, on the grid, and honest about who wrote it."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp.recipe import Recipe, Shuffle, operator_name
from engine.errors import BadInput, MachineFailure
from engine.plan import Plan, TrialConfig, trial_fingerprint
from engine.researcher.asking import Refused
from engine.researcher.facts import Facts, Known
from engine.researcher.model import Answer, Request
from engine.researcher.propose import baseline_plan, offer, propose
from engine.researcher.schema import OPERATORS, direction_schema, offered, plan_schema
from engine.researcher.scripted import ScriptedModel
from engine.researcher.settle import PlanAnswer, settle
from engine.search.events import Asked
from engine.space import affordable, grid_for
from engine.task import Evaluation, Search, Splits
from tests.researcher.scene import BASELINE, FILTERED, SECOND, THIRD, Reel, config, facts, plan, round_of, task

ADJUST = {"reason": "The rate was low.", "direction": "adjust_training"}
HIGHER = {"hypothesis": "A higher rate learns more.", "trials": [["learning_rate=0.0005"], ["rows_x_epochs=512x1"]]}
REPEAT = {"hypothesis": "Once more.", "trials": [["learning_rate=0.0003"]]}
FILTER = [{"op": "dedup_exact", "normalise": True}, {"op": "filter_length", "min_words": 4, "max_words": 80}]


async def test_direction_then_plan() -> None:
    model, tape = ScriptedModel([ADJUST, HIGHER]), Reel()
    found = await propose(facts(), model, tape)
    assert (found.direction, found.source) == ("adjust_training", "researcher")
    assert found.trials == (config(learning_rate=5e-4), config(rows=512))
    assert list(tape.calls) == ["n9/direction/0", "n9/plan/0"]
    assert "The rate was low." in model.asked[1].user


async def test_the_baseline_is_the_tasks_own_and_asks_nobody() -> None:
    model = ScriptedModel()
    found = await propose(facts(), model, Reel(), direction="baseline")
    assert (found.source, found.trials, model.asked) == ("baseline", (task().baseline,), [])


async def test_a_direction_no_sibling_tried_needs_no_question() -> None:
    answer = {"hypothesis": "Short rows are poor.", "recipe": FILTER, "trials": [[], ["rows_x_epochs=512x1"]]}
    found = await propose(facts(BASELINE, SECOND), ScriptedModel([answer]), Reel())
    assert found.direction == "refine_data"
    assert found.trials == (config(), config(rows=512))


async def test_a_plan_starts_from_the_parents_best() -> None:
    found = await propose(facts(BASELINE, THIRD, parent="n3"), ScriptedModel([ADJUST, HIGHER]), Reel())
    assert found.recipe == FILTERED
    assert found.trials[0] == config(rows=512, learning_rate=5e-4)


async def test_a_refused_plan_is_asked_for_again_with_the_reason() -> None:
    model, tape = ScriptedModel([REPEAT, HIGHER]), Reel()
    found = await propose(
        facts(BASELINE, SECOND, round_of("n3", "n0", plan("refine_data"), "x")), model, tape, "adjust_training"
    )
    assert found.source == "researcher"
    assert "learning_rate 0.0001 -> 0.0003 was tried already" in model.asked[1].user
    assert "tried already" in tape.calls["n9/plan/0"].refused and not tape.calls["n9/plan/1"].refused


async def test_after_bounded_retries_the_plan_is_sampled_and_says_why() -> None:
    model = ScriptedModel([ADJUST, REPEAT, REPEAT, REPEAT, HIGHER])
    found = await propose(
        facts(BASELINE, round_of("n2", "n1", plan("adjust_training", config(learning_rate=3e-4)), 0.8)), model, Reel()
    )
    assert found.source == "sampled" and found.direction == "adjust_training"
    assert "refused 3 times" in found.note and len(model.lines) == 1


@pytest.mark.parametrize(
    "garbage", ["", "{", "null", '{"reason": 1}', '{"reason": "x", "direction": "synthesise_data"}']
)
async def test_nonsense_ends_in_a_sampled_plan(garbage: str) -> None:
    found = await propose(facts(), ScriptedModel([garbage] * 5), Reel())
    assert found.source == "sampled" and "direction was refused 2 times" in found.note


async def test_no_model_means_sampled() -> None:
    found = await propose(facts(), None, Reel())
    assert found.source == "sampled" and "no Researcher" in found.note
    assert found == await propose(facts(), None, Reel()), "the same seed and node give the same plan"
    assert found != await propose(facts(seed=1), None, Reel())


async def test_an_unreachable_model_fails_nobodys_idea() -> None:
    with pytest.raises(MachineFailure):
        await propose(facts(), ScriptedModel([ADJUST]), Reel())


async def test_one_known_trial_is_dropped_and_the_rest_runs() -> None:
    mixed = {"hypothesis": "Two rates.", "trials": [["learning_rate=0.0003"], ["learning_rate=0.001"]]}
    found = await propose(
        facts(BASELINE, SECOND, trials_per_round=2), ScriptedModel([mixed]), Reel(), "adjust_training"
    )
    assert found.trials[0] == config(learning_rate=1e-3) and config(learning_rate=3e-4) not in found.trials
    assert "dropped: learning_rate 0.0001 -> 0.0003 was tried already" in found.note


async def test_a_short_plan_is_filled_up_with_one_sample_and_says_so() -> None:
    single = {"hypothesis": "One rate.", "trials": [["learning_rate=0.001"]]}
    found = await propose(facts(trials_per_round=3), ScriptedModel([single]), Reel(), "adjust_training")
    assert len(found.trials) == 2 and found.source == "researcher"
    assert "trial 1 was sampled" in found.note


async def test_a_recipe_without_its_plain_trial_gets_it_where_there_is_room() -> None:
    answer = {"hypothesis": "Short rows are poor.", "recipe": FILTER, "trials": [["learning_rate=0.001"]]}
    found = await propose(facts(), ScriptedModel([answer]), Reel(), "refine_data")
    assert found.trials == (config(learning_rate=1e-3), config())


async def test_what_is_named_is_recorded_by_its_real_id() -> None:
    known = (Known("old-1:n2", "Raising learning_rate helped."), Known("old-1:n3", "Adding shuffle did nothing."))
    model = ScriptedModel([ADJUST, {"builds_on": "i2", **HIGHER}])
    found = await propose(facts(insights=known), model, Reel())
    assert found.insights_named == ("old-1:n3",)
    assert found.insights_given == ("old-1:n2", "old-1:n3")
    assert "i2: Adding shuffle did nothing." in model.asked[1].user


class Unwritable(Reel):
    def record(self, asked: Asked) -> None:
        raise MachineFailure("cannot write: no space left on device")


async def test_no_answer_is_used_before_it_is_on_the_tape() -> None:
    with pytest.raises(MachineFailure):
        await propose(facts(), ScriptedModel([ADJUST, HIGHER]), Unwritable())


async def test_after_a_restart_the_tape_answers() -> None:
    tape = Reel()
    first = await propose(facts(), ScriptedModel([ADJUST, REPEAT, HIGHER]), tape)
    again = await propose(facts(), ScriptedModel(), tape)
    assert first == again


async def test_a_taped_answer_to_another_question_is_not_used() -> None:
    tape = Reel()
    await propose(facts(), ScriptedModel([ADJUST, HIGHER]), tape)
    model = ScriptedModel([ADJUST, HIGHER])
    await propose(facts(hints=("Try a higher rate.",)), model, tape)
    assert len(model.asked) == 2


def answer(trials: list[list[str]], recipe: list[dict[str, object]] | None = None) -> PlanAnswer:
    return msgspec.convert({"hypothesis": "h", "trials": trials, "recipe": recipe or []}, PlanAnswer)


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        ([["learning_rate=0.7"]], "learning_rate cannot be 0.7"),
        ([["rows_x_epochs=512"]], "epochs cannot be"),
        ([["rows_x_epochs=512x4"]], "trains on 2,048 examples, more than the 512 of a trial"),
        ([["lora_rank=8", "lora_rank=4"]], "one knob twice"),
        ([["__class__=1"]], "__class__ cannot be 1"),
        ([[]], "tried already"),
    ],
)
def test_what_the_grammar_cannot_say_is_checked(trials: list[list[str]], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        settle(facts(), "adjust_training", answer(trials))


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ([], "empty"),
        ([{"op": "dedup_exact"}, {"op": "shuffle"}], "is the start recipe"),
        ([{"op": "shuffle"}, {"op": "shuffle"}], "twice"),
        ([{"op": "filter_length", "min_words": 40, "max_words": 25}], "keeps no row"),
    ],
)
def test_recipes_that_cannot_work_are_refused(recipe: list[dict[str, object]], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        settle(facts(), "refine_data", answer([[]], recipe))


def test_a_plan_that_the_tree_holds_is_refused() -> None:
    with pytest.raises(Refused, match="this very plan"):
        settle(facts(BASELINE, SECOND), "adjust_training", answer([["lora_rank=8"], ["learning_rate=0.0003"]]))


def drawn(schema: dict[str, object]) -> st.SearchStrategy[object]:
    """Values under the part of JSON schema that we use."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])  # type: ignore[arg-type]
    if "const" in schema:
        return st.just(schema["const"])
    if "anyOf" in schema:
        return st.one_of([drawn(part) for part in schema["anyOf"]])  # type: ignore[attr-defined]
    if "pattern" in schema:
        return st.from_regex(str(schema["pattern"]).replace("$", r"\Z"))
    if schema["type"] == "array":
        return st.lists(drawn(schema["items"]), min_size=schema.get("minItems", 0), max_size=schema["maxItems"])  # type: ignore[arg-type]
    if schema["type"] == "boolean":
        return st.booleans()
    return st.fixed_dictionaries({name: drawn(part) for name, part in schema["properties"].items()})  # type: ignore[attr-defined]


HERE = facts(BASELINE, SECOND, THIRD, parent="n3", insights=(Known("x:n1", "y"),), trials_per_round=3)
DIRECTIONS = st.sampled_from(["adjust_training", "refine_data"])


def schema_of(here: Facts, direction: str) -> dict[str, object]:
    limit = here.task.budget.examples_per_trial
    return plan_schema(direction, grid_for(here.task.space), here.start.config, limit, here.trials, len(here.insights))  # type: ignore[arg-type]


def sound(here: Facts, found: Plan) -> None:
    grid = grid_for(here.task.space)
    assert found.fingerprint not in here.taken
    assert 1 <= len(found.trials) == len(set(found.trials)) <= here.trials
    for trial in found.trials:
        assert affordable(trial, here.task.budget.examples_per_trial)
        assert trial_fingerprint(found.recipe, trial) not in here.trained
        assert all(value in grid[knob] for knob, value in msgspec.structs.asdict(trial).items())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_answer_under_the_schema_is_a_sound_plan_or_a_reason(data: st.DataObject) -> None:
    direction = data.draw(DIRECTIONS)
    text = json.dumps(data.draw(drawn(schema_of(HERE, direction))))
    try:
        found = settle(HERE, direction, msgspec.json.decode(text, type=PlanAnswer))
    except Refused as refused:
        assert str(refused)
    else:
        sound(HERE, found)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), DIRECTIONS)
async def test_every_sampled_plan_is_sound(seed: int, direction: str) -> None:
    here = facts(BASELINE, SECOND, THIRD, parent="n3", seed=seed, trials_per_round=3)
    sound(here, await propose(here, None, Reel(), direction))  # type: ignore[arg-type]


def test_the_grammar_offers_only_what_a_trial_can_afford() -> None:
    here = facts(of=task(budget=msgspec.structs.replace(task().budget, examples_per_trial=300)))
    offered = str(schema_of(here, "adjust_training"))
    assert "rows_x_epochs=128x2" in offered
    assert "512x1" not in offered and "256x2" not in offered


def test_the_start_itself_is_no_change() -> None:
    offered = str(schema_of(facts(), "adjust_training"))
    assert "learning_rate=0.0001'" not in offered and "rows_x_epochs=256x1'" not in offered


async def test_without_operators_nothing_changes_the_data() -> None:
    here = facts(of=task(search=Search(no_operators=True)))
    assert offer(here) == ("adjust_training",) and set(offer(facts())) == {"adjust_training", "refine_data"}
    assert baseline_plan(here.task).recipe == Recipe()
    for seed in range(5):
        found = await propose(replace(here, seed=seed), None, Reel())
        assert found.direction == "adjust_training"


def test_synthesised_data_is_not_offered_yet() -> None:
    assert "synthesise_data" not in str(direction_schema(("adjust_training", "refine_data")))


def test_a_lone_trial_keeps_its_type() -> None:
    found = settle(facts(), "adjust_training", answer([["lora_rank=4", "neftune_noise=5"]]))
    assert found.trials == (config(lora_rank=4, neftune_noise=5.0),)
    assert isinstance(found.trials[0], TrialConfig) and found.recipe == Recipe(
        operators=(*found.recipe.operators[:1], Shuffle())
    )


async def test_a_question_beyond_the_models_context_ends_in_a_sampled_plan() -> None:
    class Small(ScriptedModel):
        async def ask(self, request: Request) -> Answer:
            raise BadInput("Requested tokens (5000) exceed context window of 4096")

    found = await propose(facts(), Small(), Reel(), "adjust_training")
    assert found.source == "sampled" and "exceed context window" in found.note


def test_changes_that_only_lost_are_not_offered_those_that_also_won_are() -> None:
    wide, narrow = config(rows=512, lora_rank=64), config(rows=512, lora_rank=4)
    lost = round_of("n4", "n3", plan("adjust_training", narrow, wide), 0.8, 0.9)
    twice = config(rows=512, lora_rank=64, epochs=2)
    again = round_of("n5", "n3", plan("adjust_training", twice, config(rows=256)), "diverged", 0.8)
    here = facts(BASELINE, THIRD, lost, again, parent="n3")
    assert {"lora_rank=4", "rows_x_epochs=256x1"} <= here.poor and "lora_rank=64" not in here.poor
    limit, grid = here.task.budget.examples_per_trial, grid_for(here.task.space)
    offered = str(plan_schema("adjust_training", grid, here.start.config, limit, 2, 0, here.poor))
    assert "'lora_rank=64'" in offered and "'lora_rank=4'" not in offered


NARROW = {knob: [value] for knob, value in msgspec.structs.asdict(config()).items()}
RATES = task(space={**NARROW, "learning_rate": [1e-4, 3e-4, 1e-3]})
ONE = round_of("n2", "n0", plan("adjust_training", config(learning_rate=3e-4)), 0.83)


@pytest.mark.parametrize("seed", range(6))
async def test_sampling_finds_the_one_trial_that_is_left(seed: int) -> None:
    here = facts(BASELINE, ONE, of=RATES, seed=seed, trials_per_round=1)
    assert (await propose(here, None, Reel(), "adjust_training")).trials == (config(learning_rate=1e-3),)


async def test_a_space_with_nothing_new_left_says_so() -> None:
    last = round_of("n3", "n0", plan("adjust_training", config(learning_rate=1e-3)), 0.82)
    here = facts(BASELINE, ONE, last, of=RATES, trials_per_round=2)
    with pytest.raises(BadInput, match="no plan that was not tried"):
        await propose(here, None, Reel(), "adjust_training")


def test_operators_are_offered_that_make_sense_for_the_task() -> None:
    free = task(evaluation=Evaluation(mode="generate"))
    few = task(splits=Splits(train=200))
    names = [{operator_name(kind) for kind in offered(each)} for each in (task(), free, few)]
    assert names[0] - names[1] == names[0] - names[2] == {"filter_label_noise"}
    assert all({"dedup_exact", "dedup_minhash", "filter_length", "shuffle"} <= each for each in names)
    for kind, choice in OPERATORS.items():
        assert not kind.needs - {"embeddings"}, "cheap ones only: no model but the shipped one"
        for field, values in choice.fields.items():
            for value in values:
                assert getattr(msgspec.convert({"op": operator_name(kind), field: value}, kind), field) == value


def test_an_operator_that_is_not_offered_is_refused() -> None:
    strange = answer([["lora_rank=4"]], [{"op": "load", "path": "x.csv"}])
    with pytest.raises(Refused, match="load is not offered"):
        settle(facts(), "refine_data", strange)
