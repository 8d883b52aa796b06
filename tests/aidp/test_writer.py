"""The real llama.cpp behind the writer: a tiny model of random weights, and the quickstart's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.aidp.job import ModelPaths
from engine.aidp.models import services
from engine.aidp.models.writer import LlamaWriter
from engine.aidp.pipeline import Around, Pipeline
from engine.aidp.recipe import Generate, Paraphrase, Recipe
from engine.aidp.services import ModelAnswerError, Services
from engine.aidp.writing.asking import record, text
from engine.errors import MachineFailure
from tests.tinymodels import write_tiny_gguf

SCHEMA = record(answer={"enum": ["good", "bad"]}, text=text(4, 12))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def writer(tiny: Path) -> LlamaWriter:
    return LlamaWriter(tiny, threads=1, context=512)


def write(writer: LlamaWriter, prompt: str = "Write a row.", seed: int = 1, tokens: int = 200) -> dict[str, str]:
    return writer.write(prompt, SCHEMA, seed=seed, temperature=1.0, tokens=tokens)


def test_an_answer_fits_its_schema_whatever_the_model_knows(writer: LlamaWriter) -> None:
    for seed in range(5):
        made = write(writer, seed=seed)
        assert list(made) == ["answer", "text"] and made["answer"] in ("good", "bad") and 4 <= len(made["text"]) <= 12


def test_texts_are_of_any_script_and_break_no_json(tiny: Path) -> None:
    """What a model of random weights writes: bytes of any kind, but no raw line break or quote that ends the text."""
    wild = LlamaWriter(tiny, threads=1, context=512)
    fields = record(text=text(25, 40))
    made = [wild.write("x", fields, seed=seed, temperature=1.5, tokens=300)["text"] for seed in range(6)]
    assert any(not said.isascii() for said in made)


def test_an_answer_does_not_depend_on_what_was_asked_before(writer: LlamaWriter, tiny: Path) -> None:
    once = write(writer, seed=7)
    write(writer, prompt="Write a row. And then something else.", seed=8)
    assert write(writer, seed=7) == once == write(LlamaWriter(tiny, threads=1, context=512), seed=7)


def test_an_answer_cut_short_cannot_be_used(writer: LlamaWriter) -> None:
    with pytest.raises(ModelAnswerError, match="tokens were used up"):
        write(writer, tokens=3)
    assert write(writer), "the next question is answered"


def test_a_second_try_has_another_seed(writer: LlamaWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine import llama

    seeds: list[int] = []

    def once(_llama: object, _system: str, _user: str, _schema: object, *, seed: int, **_more: object) -> llama.Reply:
        seeds.append(seed)
        return llama.Reply('{"answer": ' if len(seeds) == 1 else '{"answer": "good"}', 1, 1, False)

    monkeypatch.setattr(llama, "answer", once)
    assert write(writer, seed=5) == {"answer": "good"} and seeds[0] == 5 and seeds[1] != 5


def test_an_answer_that_takes_too_long_is_given_up(tiny: Path) -> None:
    slow = LlamaWriter(tiny, threads=1, context=512, seconds=1e-9)
    with pytest.raises(ModelAnswerError, match="no whole answer in"):
        write(slow)


def test_a_question_beyond_the_context_is_not_cut(writer: LlamaWriter) -> None:
    with pytest.raises(ModelAnswerError, match="takes no such question"):
        write(writer, prompt="word " * 900)
    assert write(writer)


def test_a_file_that_is_no_model_is_the_machines_failure(tmp_path: Path) -> None:
    with pytest.raises(MachineFailure, match="cannot be read"):
        write(LlamaWriter(tmp_path / "none.gguf"))


def test_the_service_is_there_when_a_model_is_named(tiny: Path) -> None:
    assert services(ModelPaths()).writer is None
    made = services(ModelPaths(language_model=str(tiny), language_sha256="abc")).writer
    assert made is not None and made() is made() and made().name == "abc"
    assert LlamaWriter(tiny).name == f"tiny:{tiny.stat().st_size}"


REVIEWS = """
good|a warm and funny story about two brothers who build a boat in their kitchen
bad|the plot makes no sense and the actors seem to wait for their lunch
good|its camera finds beauty in every puddle and its young lead is a discovery
bad|two hours of shouting, and not one joke that works
good|I laughed until the last minute and then I cried a little
bad|a lazy sequel that copies everything except the charm
"""


@pytest.mark.models
@pytest.mark.slow
def test_the_quickstarts_model_writes_reviews() -> None:
    from engine.models import find
    from engine.task import Model
    from engine.workspace import Workspace, default_home

    gguf = find(Model().researcher, Workspace(default_home()).models).path
    pairs = [line.split("|") for line in REVIEWS.split("\n") if line]
    rows = [{"id": str(at), "prompt": said, "answer": answer} for at, (answer, said) in enumerate(pairs)]
    real = LlamaWriter(gguf, threads=1)  # other tests run beside it
    recipe = Recipe(
        operators=(Paraphrase(share=1.0, rows=3), Generate(weakness="reviews with irony", rows=3, calls=24))
    )
    output = Pipeline(recipe, around=Around(services=Services(writer=lambda: real))).run(rows)
    made = [row for row in output.rows.to_list() if row["made_by"]]
    assert len(made) >= 4, output.broken
    assert {row["answer"] for row in made} <= {"good", "bad"}
    for row in made:
        print(row["made_by"], row["answer"], "|", row["prompt"])
