"""Dialogues keep their turns from a file through a recipe to the formats of chats, as long as they are the prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp.chats import Chats, systems
from engine.aidp.kinds.output import ExportFormat
from engine.aidp.layouts.kinds import Turn, joined
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import AnyOperator, Convert, Export, FilterLength, Load, Recipe, Template

TALK = [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"), ("assistant", "See you")]
ASKED = [("user", "Hi"), ("assistant", "Hello")]
TOOL = [("user", "6 x 7?"), ("assistant", None), ("tool", "42"), ("assistant", "It is 42.")]
HUMAN = {"user": "human", "assistant": "gpt"}


def messages(turns: Any) -> dict[str, Any]:
    return {"messages": [{"role": who, "content": text} for who, text in turns]}


def sharegpt(turns: Any) -> dict[str, Any]:
    return {"conversations": [{"from": HUMAN.get(who, who), "value": text} for who, text in turns]}


def run(root: Path, *operators: AnyOperator) -> Output:
    return Pipeline(Recipe(operators=operators), around=Around(root=root, out=root)).run(())


def write(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


ROWS: list[tuple[str, list[dict[str, Any]]]] = [
    ("messages", [messages(TALK), messages(ASKED)]),
    ("sharegpt", [sharegpt(TALK), sharegpt(ASKED)]),
    ("a column", [{"system": "Be kind.", **sharegpt(TALK[1:])}, {"system": "", **sharegpt(ASKED)}]),
    (
        "alpaca",
        [
            {"system": "Be kind.", "instruction": "Bye", "output": "See you", "history": [["Hi", "Hello"]]},
            {"system": "", "instruction": "Hi", "output": "Hello", "history": []},
        ],
    ),
    (
        "completion",
        [
            {"prompt": messages(talk[:-1])["messages"], "completion": messages(talk[-1:])["messages"]}
            for talk in (TALK, ASKED)
        ],
    ),
]


@pytest.mark.parametrize("rows", [rows for _, rows in ROWS], ids=[name for name, _ in ROWS])
def test_turns_go_from_a_file_to_the_formats_of_chats(tmp_path: Path, rows: list[Any]) -> None:
    write(tmp_path / "a.jsonl", rows)
    formats: tuple[ExportFormat, ...] = ("trl_messages", "llamafactory_sharegpt")
    output = run(tmp_path, Load(path="a.jsonl"), *(Export(path=name, format=name) for name in formats))
    assert output.rows["prompt"][:] == ["Be kind.\n\nHi\n\nHello\n\nBye", "Hi"]
    assert json.loads(output.rows["turns"][0]) == [list(turn) for turn in TALK[:-1]] and output.rows["turns"][1] is None
    assert output.steps[1].note.endswith(
        "(2 of 2 rows looked at give a pair, 1 of them with turns before the question)"
    )
    assert [step.note for step in output.steps[-2:]] == ["1 rows keep their turns"] * 2
    assert read(tmp_path / "trl_messages" / "train.jsonl") == [messages(TALK), messages(ASKED)]
    folder = tmp_path / "llamafactory_sharegpt"
    assert read(folder / "train.jsonl") == [
        {**sharegpt(TALK[1:]), "system": "Be kind."},
        {**sharegpt(ASKED), "system": ""},
    ]
    (entry,) = json.loads((folder / "dataset_info.json").read_bytes()).values()
    assert entry["columns"] == {"messages": "conversations", "system": "system"}


def test_files_without_earlier_turns_get_no_column(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [messages(ASKED)] * 3)
    output = run(tmp_path, Load(path="a.jsonl"), Export(format="llamafactory_sharegpt"))
    assert "turns" not in output.rows.column_names and output.steps[-1].note == ""
    (entry,) = json.loads((tmp_path / "data" / "dataset_info.json").read_bytes()).values()
    assert entry["columns"] == {"messages": "conversations"}


def test_turns_hold_as_long_as_the_prompt_is_theirs(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [messages(TALK), messages(TOOL), messages(ASKED)])
    load = Load(path="a.jsonl")
    changed = Template(prompt="{prompt}!", answer="{answer}")
    whole = run(
        tmp_path, load, Export(path="a", format="trl_messages"), Export(path="b", format="llamafactory_sharegpt")
    )
    assert whole.steps[-2].note == "2 rows keep their turns"
    assert whole.steps[-1].note.startswith("1 rows keep their turns; 1 rows have their turns in one of the user's")
    assert read(tmp_path / "a" / "train.jsonl")[1] == messages([TOOL[0], *TOOL[2:]])
    assert read(tmp_path / "b" / "train.jsonl")[1] == {
        **sharegpt([("user", "6 x 7?\n\n42"), ("assistant", "It is 42.")]),
        "system": "",
    }
    anew = run(tmp_path, load, Convert(), changed, Export(path="c", format="trl_messages"))
    assert anew.steps[-1].note.startswith("2 rows have their turns in one of the user's: their prompt was written anew")
    assert read(tmp_path / "c" / "train.jsonl")[2] == messages([("user", "Hi!"), ("assistant", "Hello")])


WHO = st.sampled_from(["system", "user", "assistant", "tool", "judge"])
TURNS = st.lists(st.builds(Turn, WHO, st.text(min_size=1, max_size=5)), min_size=2, max_size=6)


@given(TURNS)
def test_nothing_that_was_said_is_lost_or_said_twice(turns: list[Turn]) -> None:
    row = {"prompt": joined(turns), "answer": "end", "turns": json.dumps(turns)}
    chats = Chats(system=systems([row["turns"]]))
    line = chats.sharegpt(row)
    said = [turn["value"] for turn in line["conversations"]]
    first = [line["system"]] if line.get("system") else []
    assert "\n\n".join([*first, *said]) == f"{row['prompt']}\n\nend"
    assert [turn["from"] for turn in line["conversations"]] == ["human", "gpt"] * (len(said) // 2)
    told = chats.messages(row)["messages"]
    assert "\n\n".join(turn["content"] for turn in told) == f"{row['prompt']}\n\nend"
    assert chats.whole + chats.flat == 2


@pytest.mark.parametrize("text", ["", "x", "{}", "[1]", '[["user"]]', '[["user", 1]]', "[" * 100_000, None])
def test_a_column_that_holds_no_turns_is_none(text: str | None) -> None:
    row = {"prompt": "p", "answer": "a", "turns": text}
    assert Chats().messages(row) == messages([("user", "p"), ("assistant", "a")])
    assert not systems([text])


def test_what_trl_would_put_together_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [{"prompt": "Q: p", "answer": "a"}, {"prompt": "q ", "answer": "b"}])
    write(tmp_path / "b.jsonl", [{"prompt": "r", "answer": "\nc"}])
    export = Export(format="trl_prompt_completion", path="one")
    note = run(tmp_path, Load(path="a.jsonl"), FilterLength(), export).steps[-1].note
    assert note.startswith("1 rows have no white space between prompt and completion") and '" {answer}"' in note
    assert read(tmp_path / "one" / "train.jsonl")[0] == {"prompt": "Q: p", "completion": "a"}
    apart = Template(prompt="{prompt}", answer=" {answer}")
    for path, operators in (("a.jsonl", (apart,)), ("b.jsonl", ())):
        made = Export(format="trl_prompt_completion", path=f"of {path}")
        assert run(tmp_path, Load(path=path), Convert(), *operators, made).steps[-1].note == ""
