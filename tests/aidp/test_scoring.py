"""Scores are those the model gave, nothing held out is judged, and the top is the top."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp import guards
from engine.aidp.operators.scoring import ranked, spread
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import AnyOperator, KeepTop, Recipe, Score, ScoreLoss
from engine.aidp.samples import Sampler
from engine.aidp.services import Schema, Services
from engine.aidp.writing.asking import ANSWERS
from engine.errors import IdeaFailure
from tests.aidp.writers import StandIn

HELD = "every minute of it is a quiet wonder to behold"
ROWS = [{"id": f"r{at}", "prompt": f"film number {at}", "answer": "yes"} for at in range(10)]


def stars(prompt: str, _schema: Schema, _seed: int) -> dict[str, Any] | str:
    """The row's own number, 1 to 5; nothing for the tenth."""
    number = int(prompt.split("film number ")[1].split("\n")[0])
    return "no JSON object" if number == 9 else {"reason": f"it is film {number}", "score": number % 5 + 1}


def run(*operators: AnyOperator, rows: Any = ROWS, **more: Any) -> Output:
    around = Around(**{"services": StandIn(stars).services, **more})
    return Pipeline(Recipe(operators=operators), around=around).run(rows)


def test_every_row_stays_and_has_its_score() -> None:
    output = run(Score())
    assert output.rows["score"][:] == [1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 2.0, 3.0, 4.0, None]
    assert output.rows["id"][:] == [row["id"] for row in ROWS] and output.steps[0].broken == 1


def test_scoring_again_replaces_the_column() -> None:
    assert run(Score(), Score(rubric="another")).rows.column_names.count("score") == 1


def test_a_budget_is_spread_over_the_rows() -> None:
    scores = run(Score(calls=3)).rows["score"][:]
    assert [at for at, score in enumerate(scores) if score is not None] == [0, 3, 6]


def test_rows_that_overlap_are_not_judged(tmp_path: Path) -> None:
    writer = StandIn(lambda _prompt, _schema, _seed: {"reason": "fine", "score": 3})
    held = guards.build([(HELD, (HELD,))])
    around = Around(services=writer.services, guards=held, kept=tmp_path)
    rows = [*ROWS, {"id": "leak", "prompt": HELD, "answer": "yes"}]
    output = Pipeline(Recipe(operators=(Score(),)), around=around).run(rows)
    assert len(writer.prompts) == 10 and not any(HELD in asked for asked in writer.prompts)
    assert "leak" not in output.rows["id"][:] and len((tmp_path / ANSWERS).read_text().splitlines()) == 10
    with pytest.raises(IdeaFailure, match="quotes a held-out row"):
        Pipeline(Recipe(operators=(Score(rubric=f"like {HELD}"),)), around=around).run(rows)


def test_no_score_at_all_is_the_idea_that_failed() -> None:
    writer = StandIn(lambda _prompt, _schema, _seed: "no JSON object")
    with pytest.raises(IdeaFailure, match="10 of 10 answers could not be used"):
        run(Score(), services=writer.services)


def test_the_reason_is_shown() -> None:
    watch = Sampler()
    around = Around(services=StandIn(stars).services)
    Pipeline(Recipe(operators=(Score(),)), around=around).run(ROWS, watch=watch)
    assert watch.steps[0].samples[0].why == "1 of 5: it is film 0"


def test_the_best_are_kept_in_their_order() -> None:
    output = run(Score(), KeepTop(rows=3))
    assert output.rows["id"][:] == ["r3", "r4", "r8"]
    assert run(Score(), KeepTop(rows=3, order="ascending")).rows["id"][:] == ["r0", "r1", "r5"]
    assert len(run(Score(), KeepTop(share=0.5)).rows) == 5
    assert run(Score(), KeepTop(rows=9)).rows["id"][:] == [f"r{at}" for at in range(9)], "without a score: first to go"
    assert len(run(Score(), KeepTop(rows=99)).rows) == 10


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(IdeaFailure, match="`keep_top` needs the column `loss`; put `score_loss` before it"):
        run(KeepTop(by="loss"))


def test_losses_are_the_base_models() -> None:
    class Losses:
        name = "stand-in"

        def losses(self, pairs: Any, progress: Any = None) -> list[float]:
            return [math.nan if prompt.endswith("7") else float(len(prompt) + len(answer)) for prompt, answer in pairs]

    services = Services(losses=Losses)
    output = run(ScoreLoss(), KeepTop(by="loss", rows=9), services=services)
    assert "r7" not in output.rows["id"][:] and set(output.rows["loss"][:]) == {16.0}


@given(count=st.integers(0, 50), most=st.integers(1, 60))
def test_spread_places_are_apart(count: int, most: int) -> None:
    places = spread(count, most)
    assert len(places) == min(count, most) == len(set(places)) and places == sorted(places)
    assert all(0 <= at < count for at in places)
    gaps = [after - before for before, after in pairwise(places)]
    assert not gaps or max(gaps) - min(gaps) <= 1


VALUES = st.lists(st.one_of(st.none(), st.just(math.nan), st.integers(1, 5).map(float)))


@given(values=VALUES, highest=st.booleans())
def test_ranks_put_the_best_first_and_the_unknown_last(values: list[float | None], highest: bool) -> None:
    places = ranked(values, highest)
    assert sorted(places) == list(range(len(values)))
    known = [(values[at], at) for at in places if values[at] is not None and not math.isnan(values[at])]  # type: ignore
    assert known == sorted(known, key=lambda pair: (-pair[0] if highest else pair[0], pair[1]))  # type: ignore
    assert all(values[at] is None or math.isnan(values[at]) for at in places[len(known) :])  # type: ignore
