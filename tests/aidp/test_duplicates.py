"""Rows that repeat an earlier one go: equal, written alike, meaning the same. The first stays and is named."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp.job import ModelPaths
from engine.aidp.likeness import paraphrases
from engine.aidp.likeness.lookalikes import CAUGHT, Look, alike, bands
from engine.aidp.likeness.shingles import shingles
from engine.aidp.likeness.wording import FEW, SHARED_BY, common, without
from engine.aidp.models import services
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import DedupExact, DedupMinhash, DedupSemantic, Operator, Recipe
from engine.aidp.samples import Sampler
from engine.aidp.services import Services
from engine.aidp.text import words
from engine.errors import IdeaFailure

VOCABULARY = ("the", "film", "was", "a", "good", "bad", "long", "story", "of", "two", "old", "men")
WORDS = st.lists(st.sampled_from(VOCABULARY), max_size=9).map(" ".join)
TEXTS = st.lists(WORDS, min_size=1, max_size=25)
QUIET = settings(max_examples=60, deadline=None)


def run(
    prompts: Sequence[str], operator: Operator, answers: Sequence[str] = (), watch: Sampler | None = None
) -> Output:
    rows = [
        {"id": str(at), "prompt": prompt, "answer": answers[at] if answers else "yes"}
        for at, prompt in enumerate(prompts)
    ]
    around = Around(services=services(ModelPaths()))
    return Pipeline(Recipe(operators=(operator,)), around=around).run(rows, watch)


def left(prompts: Sequence[str], operator: Operator, answers: Sequence[str] = ()) -> list[str]:
    return run(prompts, operator, answers).rows["id"][:]


def why(prompts: Sequence[str], operator: Operator) -> list[str]:
    watch = Sampler()
    run(prompts, operator, watch=watch)
    return [sample.why for sample in watch.steps[0].samples]


def test_equal_prompts_go_but_for_the_first() -> None:
    prompts = ["A  film.", "other", "a film.", "a film", "A  film."]
    assert left(prompts, DedupExact()) == ["0", "1", "3"]
    assert left(prompts, DedupExact(normalise=False)) == ["0", "1", "2", "3"]
    assert why(prompts, DedupExact()) == ["the same prompt as 0"] * 2


def test_a_prompt_with_two_answers_is_no_repeat_of_both() -> None:
    assert left(["a", "a", "a"], DedupExact(part="both"), ["yes", "no", "yes"]) == ["0", "1"]
    assert left(["a", "b", "c"], DedupExact(part="answer"), ["yes", "no", "yes"]) == ["0", "1"]


EDITS = (
    "a long and quiet story of two old men in a small house by the sea",
    "a long and quiet story of two young men in a small house by the sea",
    "a long and quiet story of two old men in a house by the sea",
    "in a small house by the sea, a long and quiet story of two old men!",
    "A LONG and quiet story of old two men in a small house by the sea",
    "a loud comedy about a wedding that nobody in the town was asked to",
)


def test_light_edits_are_written_alike() -> None:
    assert left(EDITS, DedupMinhash()) == ["0", "5"]
    assert why(EDITS, DedupMinhash())[0] == "written like 0 (similarity 0.88)"


def test_misspellings_are_seen_through_by_characters() -> None:
    prompts = ["an unforgettable performance", "an unforgetable perfomance", "a forgettable story"]
    assert left(prompts, DedupMinhash()) == ["0", "1", "2"]
    assert left(prompts, DedupMinhash(unit="characters", size=3, threshold=0.5)) == ["0", "2"]


def test_chinese_is_compared_by_characters() -> None:
    assert left(
        ["这部电影非常好看，值得再看", "这部电影非常好看。值得再看！", "法院判决被告赔偿原告"], DedupMinhash()
    ) == ["0", "2"]


@given(TEXTS, st.sampled_from([0.5, 0.6, 0.8]), st.sampled_from([1, 2]))
@QUIET
def test_whoever_goes_is_alike_and_whoever_stays_is_not(texts: list[str], threshold: float, size: int) -> None:
    """Against all pairs, each counted by itself; a pair may be overlooked, but only one that is just alike enough."""
    found = alike(texts, Look("words", size, threshold, 256), frozenset(), lambda _done, _total: None)
    sets = [runs(text, size) for text in texts]
    gone = {repeat.at for repeat in found}
    for repeat in found:
        assert repeat.first < repeat.at and repeat.first not in gone
        assert repeat.similarity == pytest.approx(similar(sets[repeat.at], sets[repeat.first]))
        assert repeat.similarity >= threshold
    for one, other in combinations(sorted(set(range(len(texts))) - gone), 2):
        assert similar(sets[one], sets[other]) < threshold + 0.2


def runs(text: str, size: int) -> set[tuple[str, ...]]:
    own = words(text)
    own += [""] * (size - len(own)) if own else []
    return {tuple(own[at : at + size]) for at in range(len(own) - size + 1)}


def similar(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / max(1, len(one | other))


@given(TEXTS, st.sampled_from(["words", "characters"]), st.integers(1, 6))
@QUIET
def test_shingles_are_those_of_each_text_alone(texts: list[str], unit: Any, size: int) -> None:
    together = shingles(texts, unit, size)
    for at, text in enumerate(texts):
        own = together.numbers[together.starts[at] : together.starts[at + 1]]
        assert own.tolist() == shingles([text], unit, size).numbers.tolist() == sorted(set(own.tolist()))
        if unit == "words":
            assert len(own) == len(runs(text, size))


def test_a_pair_at_the_threshold_is_hardly_ever_overlooked() -> None:
    rng = random.Random(2)
    vocabulary = [f"word{at}" for at in range(5_000)]
    overlooked = 0
    for _ in range(400):
        own = rng.sample(vocabulary, 24)
        texts = [" ".join(own[:20]), " ".join(own[4:])]  # 16 of 24 words in both
        overlooked += not alike(texts, Look("words", 1, 16 / 24, 128), frozenset(), lambda _done, _total: None)
    assert overlooked <= 400 * (1 - CAUGHT) * 2.5


@given(st.floats(0.3, 1.0), st.sampled_from([64, 128, 256]))
def test_bands_catch_what_they_promise(threshold: float, signature: int) -> None:
    many, wide = bands(threshold, signature)
    assert many * wide <= signature
    assert wide == 1 or 1 - (1 - threshold**wide) ** many >= CAUGHT


FRAME = "Read the following text with care and say in one word what its author thinks. Text: {} Answer:"


def test_an_instruction_in_every_row_makes_no_two_rows_alike() -> None:
    subjects = ["".join(random.Random(at).choices("bcdfghklmnprst", k=9)) for at in range(FEW)]
    prompts = [FRAME.format(f"{subject} {subject[::-1]} {subject[:4]}") for subject in subjects]
    assert len(left(prompts, DedupMinhash())) == FEW
    assert len(left(prompts, DedupSemantic(threshold=0.95))) > FEW * 0.9
    assert len(left([*prompts, prompts[7].lower()], DedupMinhash())) == FEW


def test_instructions_of_many_tasks_in_one_file_make_no_two_rows_alike() -> None:
    rng = random.Random(4)
    tasks = [" ".join("".join(rng.choices("aeioumnrt", k=6)) for _ in range(30)) for _ in range(12)]
    prompts = [f"{tasks[at % 12]}: {' '.join(rng.choices(range_of_words(), k=6))}" for at in range(240)]
    assert len(left(prompts, DedupMinhash())) == 240
    assert len(left([*prompts, prompts[3].upper()], DedupMinhash())) == 240


def range_of_words() -> list[str]:
    return [f"thing{at}" for at in range(3_000)]


def test_wording_is_what_many_rows_have() -> None:
    rows = [f"say it {at}" for at in range(FEW)]
    assert without(["Say it 7", "Say it!"], common(rows)) == ["7", "Say it!"]
    assert common(rows[1:]) == frozenset()
    rows = [f"do this with all of your care {at}" if at < SHARED_BY else f"other {at}" for at in range(FEW)]
    assert without(["Do this with all of your care now", "with all care"], common(rows)) == ["now", "with all care"]


def test_dropping_again_drops_nothing_though_the_wording_has_changed() -> None:
    """Half of these rows are copies, and take their common words with them."""
    rng = random.Random(1)
    vocabulary = [f"w{at}" for at in range(40)]
    prompts = [" ".join(rng.choices(vocabulary, k=8)) for _ in range(140)]
    prompts += [f"once more {prompt}" for prompt in prompts]
    once = run(prompts, DedupMinhash(threshold=0.5)).rows["prompt"][:]
    assert len(left(once, DedupMinhash(threshold=0.5))) == len(once) < len(prompts)


MEANT = (
    "the movie was boring and far too long",
    "A far too long and boring film!",
    "the cook put fresh basil on the pasta",
    "the film was too long and boring by far",
)


def test_paraphrases_mean_the_same() -> None:
    assert left(MEANT, DedupSemantic(threshold=0.8)) == ["0", "2"]
    assert left(MEANT, DedupSemantic(threshold=1.0)) == ["0", "1", "2", "3"]
    assert why(MEANT, DedupSemantic(threshold=0.8))[0].startswith("means what 0 means (cosine 0.")


def test_texts_without_a_known_word_mean_nothing_alike() -> None:
    assert left(["", " ", "the film"], DedupSemantic(threshold=0.5)) == ["0", "1", "2"]


def test_many_rows_are_searched_by_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paraphrases, "EXACT", 100)
    monkeypatch.setattr(paraphrases, "CELLS", 8)
    monkeypatch.setattr(paraphrases, "SAMPLE", 400)
    monkeypatch.setattr(paraphrases, "BLOCK", 64)
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(300, 16)).astype(np.float32)
    vectors[200:250] = vectors[:50] + rng.normal(size=(50, 16)).astype(np.float32) * 0.01
    known = Known(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    found = paraphrases.paraphrases([str(at) for at in range(300)], known, 0.95, frozenset(), lambda *_: None)
    assert [(repeat.at, repeat.first) for repeat in found] == [(at, at - 200) for at in range(200, 250)]


class Known:
    """Vectors by the number that a text is."""

    name = "known"

    def __init__(self, vectors: Any) -> None:
        self.vectors = vectors

    def embed(self, texts: Sequence[str]) -> Any:
        return self.vectors[[int(text or 0) for text in texts]]


def test_without_an_embedding_model_the_recipe_is_refused() -> None:
    recipe = Recipe(operators=(DedupSemantic(),))
    with pytest.raises(IdeaFailure, match="`dedup_semantic` needs the embedding model"):
        Pipeline(recipe, around=Around(services=Services())).run([{"id": "1", "prompt": "a", "answer": "b"}])


def test_vectors_have_length_one_and_a_text_has_the_same_one_every_time() -> None:
    service = cache(services)(ModelPaths()).embedder
    assert service is not None
    one, other = service(), service()
    assert one is other and one.name.startswith("wordllama 0.")
    vectors = one.embed(["a film", "", "a film"])
    assert vectors.shape == (3, 256) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1])
    assert vectors[0].tolist() == vectors[2].tolist()
