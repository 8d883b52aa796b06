"""What the language model writes becomes rows only where it is new, fit, and overlaps nothing held out."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp import guards
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import AnyOperator, Generate, Paraphrase, Rationale, Recipe, SelfInstruct
from engine.aidp.services import Schema
from engine.aidp.text import words
from engine.aidp.writing.asking import ANSWERS, WITHHELD, Kept, Line
from engine.aidp.writing.frames import Frame, foreign, frame, labels, names
from engine.aidp.writing.novelty import Known, overlap
from engine.errors import BadInput, IdeaFailure
from engine.strict import from_json
from tests.aidp.writers import StandIn, fresh

HEAD = "Is this review good or bad?\n\nReview: "
HELD = "every minute of it is a quiet wonder to behold and to remember"
Rows = list[dict[str, Any]]


def reviews(count: int = 40) -> Rows:
    draw = random.Random(5)
    nouns, verbs = ("plot", "cast", "score", "camera", "ending", "villain"), ("drags", "sings", "wanders", "shines")
    texts = [f"the {draw.choice(nouns)} {draw.choice(verbs)} while number {at} waits outside" for at in range(count)]
    return [
        {"id": f"r{at}", "prompt": HEAD + text, "answer": "good" if at % 2 else "bad"} for at, text in enumerate(texts)
    ]


def run(
    rows: Rows, *operators: AnyOperator, writer: StandIn | None = None, seed: int = 0, **more: Any
) -> tuple[Rows, Output]:
    around = Around(**{"services": (writer or StandIn()).services, "template": (HEAD + "{text}", "{label}"), **more})
    output = Pipeline(Recipe(operators=operators, seed=seed), around=around).run(rows)
    return output.rows.to_list(), output


def fresh_rows(rows: Rows) -> Rows:
    return [row for row in rows if row["made_by"]]


def always(**fields: Any) -> StandIn:
    return StandIn(lambda _prompt, _schema, _seed: dict(fields))


def shown(asked: str) -> str:
    """The text in a question for a paraphrase."""
    return asked.split("===")[1].strip()


# Paraphrases


def test_a_paraphrase_has_its_parent_its_answer_and_its_wording() -> None:
    rows, output = run(reviews(), Paraphrase(share=0.5, each=2))
    old, new = rows[:40], rows[40:]
    assert [row["prompt"] for row in old] == [row["prompt"] for row in reviews()]
    assert len(new) == 40 and all(row["made_by"] == ["paraphrase:0"] for row in new)
    parents = {row["id"]: row for row in old}
    for number, row in enumerate(new, 1):
        (parent,) = row["parents"]
        assert row["id"] == f"{parent}/paraphrase:0.{number}"
        assert row["answer"] == parents[parent]["answer"] and row["source"] == "train"
        assert row["prompt"].startswith(HEAD) and row["prompt"] != parents[parent]["prompt"]
    assert [row["parents"] for row in new[:20]] == [row["parents"] for row in new[20:]], "all once, then all again"
    assert output.steps[0].added == 40 and output.steps[0].broken == 0


def test_the_model_is_shown_the_text_and_not_asked_to_repeat_the_wording() -> None:
    writer = StandIn()
    run(reviews(), Paraphrase(share=0.1), Rationale(share=0.1), writer=writer)
    for asked in writer.prompts[:4]:
        assert shown(asked).startswith("the ") and "Review" not in asked
    for asked in writer.prompts[4:]:
        assert asked.count("Review: ...") == 1, "where the answer matters it is told what is asked of the text"


def test_only_rows_with_the_given_answers() -> None:
    rows, _ = run(reviews(), Paraphrase(share=1.0, answers=("good",)))
    assert {row["answer"] for row in fresh_rows(rows)} == {"good"} and len(fresh_rows(rows)) == 20
    with pytest.raises(IdeaFailure, match="no row has the answer 'fine'"):
        run(reviews(), Paraphrase(answers=("fine",)))


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (lambda text: text.upper(), "the same as the original"),
        (lambda text: " ".join(reversed(text.split())), "too like a row that is there"),
        (lambda text: text.replace("while", "as"), "too like a row that is there"),
        (lambda text: "so", "too short"),
        (lambda text: f"{text} " + "and then some more of it all happens again " * 4, "too long"),
        (lambda text: "a good film that nobody will see anywhere near here", "it names its answer"),
        (lambda text: "这部电影的结尾非常感人值得再看一遍", "in another script"),
    ],
)
def test_what_is_no_paraphrase_is_counted_with_its_reason(say: Any, why: str) -> None:
    def answer(prompt: str, _schema: Schema, seed: int) -> dict[str, Any]:
        text = shown(prompt)
        return fresh(prompt, _schema, seed) if "number 1 " in text else {"text": say(text)}

    rows, output = run(reviews(), Paraphrase(share=1.0, answers=("good",)), writer=StandIn(answer))
    assert len(fresh_rows(rows)) == 1
    assert output.steps[0].broken == 19 and {broken.why for broken in output.broken} == {why}


def test_new_rows_are_new_among_each_other() -> None:
    rows, output = run(
        reviews(), Paraphrase(share=1.0), writer=always(text="nobody in the hall breathed until it was over")
    )
    assert len(fresh_rows(rows)) == 1 and output.steps[0].broken == 39


def test_nothing_usable_at_all_is_the_idea_that_failed() -> None:
    writer = StandIn(lambda _prompt, _schema, _seed: "no JSON object")
    with pytest.raises(IdeaFailure, match=r"`paraphrase`: 10 of 10 answers could not be used \(10: no JSON object\)"):
        run(reviews(), Paraphrase(share=0.25), writer=writer)


def test_budgets_hold() -> None:
    writer = StandIn()
    rows, _ = run(reviews(), Paraphrase(share=1.0, each=8, calls=7), writer=writer)
    assert len(writer.prompts) == 7 and len(fresh_rows(rows)) == 7
    rows, _ = run(reviews(), Paraphrase(share=1.0, each=8, rows=11))
    assert len(fresh_rows(rows)) == 11
    rows, _ = run(reviews(), SelfInstruct(rows=5))
    assert len(fresh_rows(rows)) == 5


def test_a_time_budget_ends_the_asking_and_keeps_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr("engine.aidp.writing.asking.time.monotonic", lambda: next(clock))
    rows, _ = run(reviews(), SelfInstruct(rows=100, seconds=45))
    assert 1 <= len(fresh_rows(rows)) <= 5


# New rows


def test_new_rows_take_the_answers_of_the_task() -> None:
    writer = StandIn()
    rows, _ = run(reviews(), SelfInstruct(rows=12, examples=3), writer=writer)
    new = fresh_rows(rows)
    assert len(new) == 12 and {row["answer"] for row in new} == {"good", "bad"}
    known = {row["id"] for row in rows if not row["made_by"]}
    assert all(row["prompt"].startswith(HEAD) and set(row["parents"]) <= known for row in new)
    assert len({row["id"] for row in rows}) == len(rows)
    assert any(row["prompt"].removeprefix(HEAD) in asked for row in new for asked in writer.prompts), (
        "new ones are shown"
    )


def test_where_answers_are_many_the_model_writes_them() -> None:
    rows = [{"id": str(at), "prompt": f"what is {at} times {at + 7}", "answer": str(at * (at + 7))} for at in range(30)]
    made = fresh_rows(run(rows, SelfInstruct(rows=5))[0])
    assert len(made) == 5 and not {row["answer"] for row in made} & {row["answer"] for row in rows}


def test_rows_for_a_weakness_are_balanced_over_the_answers() -> None:
    writer = StandIn()
    rows, _ = run(reviews()[:39], Generate(weakness="irony: praise that means blame", rows=10), writer=writer)
    assert Counter(row["answer"] for row in fresh_rows(rows)) == {"good": 5, "bad": 5}
    assert all("irony: praise that means blame" in asked for asked in writer.prompts)
    rows, _ = run(reviews(), Generate(weakness="irony", rows=4, answers=("bad",), examples=0))
    assert [row["answer"] for row in fresh_rows(rows)] == ["bad"] * 4
    twice = ("good", "good", "bad", "good")
    rows, _ = run(reviews(), Generate(weakness="irony", rows=6, answers=twice), writer=writer)
    assert Counter(row["answer"] for row in fresh_rows(rows)) == {"good": 3, "bad": 3}, "named twice, one share"


def test_an_answer_that_the_model_cannot_write_for_does_not_stop_the_others() -> None:
    def answer(prompt: str, schema: Schema, seed: int) -> dict[str, Any] | str:
        return "cut short" if "must be: bad" in prompt else fresh(prompt, schema, seed)

    rows, output = run(reviews(), Generate(weakness="irony", rows=10, calls=30), writer=StandIn(answer))
    assert Counter(row["answer"] for row in fresh_rows(rows)) == {"good": 5}
    assert output.steps[0].broken == 25


def test_columns_that_other_operators_added_stay() -> None:
    from datasets import Dataset

    from engine.aidp.context import Context
    from engine.aidp.operators import APPLY
    from engine.aidp.rows import dataset

    rows: Dataset = dataset(reviews()).add_column("loss", [0.5] * 40)
    made = APPLY[Paraphrase](rows, Paraphrase(share=0.1), Context(rng=random.Random(1), services=StandIn().services))
    assert made.column_names == rows.column_names and made["loss"][:] == [0.5] * 40 + [None] * 4
    changed = APPLY[Rationale](rows, Rationale(), Context(rng=random.Random(1), services=StandIn().services))
    assert changed.features == rows.features and changed["loss"][:] == [0.5] * 40


# Reasons


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("joiner", ["\n", " => "])
def test_the_answer_can_be_told_from_its_reason(place: Any, joiner: str) -> None:
    rows, _ = run(reviews(), Rationale(place=place, joiner=joiner))
    for row, old in zip(rows, reviews(), strict=True):
        parts = row["answer"].partition(joiner) if place == "before" else row["answer"].rpartition(joiner)
        assert (parts[2] if place == "before" else parts[0]) == old["answer"]
        assert row["prompt"] == old["prompt"] and row["id"] == old["id"]
        assert row["made_by"] == ["rationale:0"] and len(words(row["answer"])) == 5


def test_a_reason_that_names_another_answer_is_left_out() -> None:
    rows, output = run(reviews(), Rationale(), writer=always(reason="it says that nothing here is bad at all"))
    for row, old in zip(rows, reviews(), strict=True):
        assert row["answer"] == (
            old["answer"] if old["answer"] == "good" else "it says that nothing here is bad at all\nbad"
        )
    assert output.steps[0].broken == 20


# Nothing held out


@pytest.fixture
def held() -> guards.Guards:
    return guards.build([(HEAD + HELD, (HELD,))])


def test_a_row_that_overlaps_is_never_shown(held: guards.Guards) -> None:
    rows = [*reviews(), {"id": "leak", "prompt": HEAD + HELD, "answer": "good"}]
    for operator in (Paraphrase(share=1.0), SelfInstruct(rows=30), Generate(weakness="x", rows=30), Rationale()):
        writer = StandIn()
        made, _ = run(rows, operator, writer=writer, guards=held)
        assert writer.prompts and not any(HELD in asked for asked in writer.prompts)
        assert not any(HELD in row["prompt"] for row in made)


@pytest.mark.parametrize(
    "operator", [Paraphrase(share=1.0), SelfInstruct(rows=20), Generate(weakness="x", rows=20), Rationale()]
)
def test_an_answer_that_overlaps_is_never_kept_or_told(operator: Any, held: guards.Guards, tmp_path: Path) -> None:
    said = f"I say that {HELD}"

    def answer(prompt: str, schema: Schema, seed: int) -> dict[str, Any]:
        made = fresh(prompt, schema, seed)
        return made if seed % 2 else {**made, ("text" if "text" in made else "reason"): said}

    writer = StandIn(answer)
    rows, output = run(reviews(), operator, writer=writer, guards=held, kept=tmp_path)
    assert not any(HELD in f"{row['prompt']} {row['answer']}" for row in rows)
    assert any(broken.why == WITHHELD and not broken.text for broken in output.broken)
    assert HELD not in (tmp_path / ANSWERS).read_text() and not any(HELD in asked for asked in writer.prompts)


def test_a_weakness_that_quotes_a_held_out_row_is_refused(held: guards.Guards) -> None:
    with pytest.raises(IdeaFailure, match="quotes a held-out row"):
        run(reviews(), Generate(weakness=f"reviews such as: {HELD}"), guards=held)


# Never twice, always the same


@pytest.mark.parametrize("operator", [Paraphrase(share=0.5), SelfInstruct(rows=9), Generate(weakness="x", rows=9)])
def test_a_killed_process_asks_nothing_twice(operator: Any, tmp_path: Path) -> None:
    whole = run(reviews(), operator)[0]

    class Killed(Exception):
        pass

    def until(prompt: str, schema: Schema, seed: int) -> dict[str, Any]:
        if len(first.prompts) == 6:
            raise Killed
        return fresh(prompt, schema, seed)

    first, second, third = StandIn(until), StandIn(), StandIn()
    with pytest.raises(Killed):
        run(reviews(), operator, writer=first, kept=tmp_path)
    with (tmp_path / ANSWERS).open("a") as file:
        file.write('{"key": "torn')
    assert run(reviews(), operator, writer=second, kept=tmp_path)[0] == whole
    assert run(reviews(), operator, writer=third, kept=tmp_path)[0] == whole
    assert not set(first.prompts[:5]) & set(second.prompts) and not third.prompts
    lines = (tmp_path / ANSWERS).read_text().splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == len(lines), "the torn line is gone"


def test_an_unusable_answer_is_not_asked_for_again(tmp_path: Path) -> None:
    def answer(prompt: str, schema: Schema, seed: int) -> dict[str, Any] | str:
        return "cut short" if seed % 2 else fresh(prompt, schema, seed)

    one, two = StandIn(answer), StandIn(answer)
    assert (
        run(reviews(), SelfInstruct(rows=9), writer=one, kept=tmp_path)
        == run(reviews(), SelfInstruct(rows=9), writer=two, kept=tmp_path)
        or not two.prompts
    )


def test_another_seed_writes_other_rows() -> None:
    assert run(reviews(), SelfInstruct(rows=5), seed=1)[0] != run(reviews(), SelfInstruct(rows=5), seed=2)[0]


def test_a_damaged_line_is_asked_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.put(Line("a", {"text": "one"}))
    kept.put(Line("b", refused="cut short"))
    path = tmp_path / ANSWERS
    path.write_bytes(path.read_bytes().replace(b'{"key":"a"', b'{"kex":"a"'))
    again = Kept(tmp_path)
    assert again.get("a") is None and again.get("b") == Line("b", refused="cut short")


def test_what_a_text_says_fills_a_field_and_nothing_else() -> None:
    writer = StandIn()
    run(reviews(), Generate(weakness="{examples} {0} %s", rows=1), writer=writer)
    assert "{examples} {0} %s" in writer.prompts[0]


@pytest.mark.parametrize(
    "wrong",
    [
        '{"op":"paraphrase","each":9}',
        '{"op":"generate"}',
        '{"op":"generate","weakness":""}',
        '{"op":"rationale","calls":0}',
    ],
)
def test_ranges_are_refused_outside(wrong: str) -> None:
    with pytest.raises(BadInput):
        from_json(f'{{"operators":[{wrong}]}}'.encode(), Recipe, source="recipe")


# The pure parts

SAID = st.lists(st.sampled_from(["a", "film", "so", "good", "that", "nobody", "好", "看"]), max_size=9).map(" ".join)


@given(old=st.lists(SAID, max_size=12), new=st.lists(SAID, max_size=4), near=st.floats(0.3, 1.0))
def test_likeness_is_that_of_the_plain_definition(old: list[str], new: list[str], near: float) -> None:
    known = Known(old, near)
    for text in new:
        plain = any(
            " ".join(text.split()) == " ".join(other.split()) or overlap(set(words(text)), set(words(other))) >= near
            for other in old
        )
        assert known.like(text) == plain
        known.add(text)
        old = [*old, text]


@given(texts=st.lists(SAID, min_size=1, max_size=30))
def test_a_frame_gives_every_prompt_back(texts: Sequence[str]) -> None:
    prompts = [f"{HEAD}{text}\nAnswer:" for text in texts]
    for found in (frame(prompts), frame(prompts, f"{HEAD}{{text}}\nAnswer:"), frame(prompts, "another {text}")):
        assert [found.around(found.inside(prompt)) for prompt in prompts] == prompts
    assert [frame(prompts, f"{HEAD}{{text}}\nAnswer:").inside(prompt) for prompt in prompts] == list(texts)


def test_wording_inside_the_text_must_stay() -> None:
    prompts = [f"Context: c{at}\nQuestion: q{at}?" for at in range(30)]
    found = frame(prompts, "Context: {context}\nQuestion: {question}?")
    assert found == Frame("Context: ", "?", ("Question:",))
    assert found.keeps("some\nQuestion: what") and not found.keeps("some what")


def test_few_answers_that_come_again_are_labels() -> None:
    assert labels(["yes", "no", "yes", "no"]) == ("yes", "no")
    assert labels(["yes", "no", "maybe"]) == () and labels([str(at) for at in range(50)] * 2) == ()


def test_names_are_whole_words() -> None:
    assert names("a very Good film", "good") and not names("the goodness of it", "good")
    assert not names("a film", "A"), "a letter of a multiple choice"
    assert names("不是积极的评论", "积极")
    assert foreign("很好看的电影", "a film") and not foreign("très bon film", "a film")
