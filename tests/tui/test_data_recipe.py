"""What a person types for `trex data` and gets wrong: the recipe, the models, the file; each is one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp.kinds.loading import Encoding
from engine.aidp.recipe import Recipe
from engine.errors import BadInput
from engine.files import write_json
from engine.models.store import MANIFEST, Manifest
from trex_tui.cli import main
from trex_tui.commands import data, data_recipe

Trex = Callable[..., int]


@pytest.fixture
def trex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trex:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clean.toml").write_text('[[operators]]\nop = "dedup_exact"\n')
    (tmp_path / "rows.csv").write_text("prompt,answer\n" + "".join(f"say {n} things,yes\n" for n in range(20)))
    return lambda *words: main(["--workspace", str(tmp_path / "home"), "data", *map(str, words)])


JSON_FORM = r'write \{"operators": \[\{"op": "dedup_exact"\}, \.\.\.\]\}'
TOML_FORM = r"write \[\[operators\]\], with two brackets"
FORMS = [
    ("r.json", '{"steps": []}', rf"r\.json: there are no `operators` in it, but `steps`; {JSON_FORM}"),
    ("r.json", '[{"op": "shuffle"}]', rf"a recipe is an object.*{JSON_FORM}"),
    ("r.json", '{"operators": ["shuffle"]}', rf"one here is none; {JSON_FORM}"),
    ("r.toml", '[operators]\nop = "shuffle"', rf"`operators` is no list; {TOML_FORM}"),
    ("r.toml", '[[steps]]\nop = "shuffle"', rf"no `operators` in it, but `steps`; {TOML_FORM}"),
    ("r.json", '{"operators": [\n{"op": "shuffle"},\n{"op": "shufle"}]}', r"r\.json:3: .*did you mean `shuffle`"),
    ("r.json", '{\n"operators": [],\n"sed": 2}', r"r\.json:3: unknown field `sed`; did you mean `seed`"),
    ("r.json", '{"operators": [\n{"op": "cap",\n"rows": 0}]}', r"r\.json:3: field `operators\[0\]\.rows`: must"),
    ("r.json", '{"operators": [\n{"op": "cap"}\n{"op": "cap"}]}', r"r\.json:3: not valid JSON"),
    ("r.json", '{"operators": [{"op": "filter_regex", "pattern": "\\ud83d"}]}', r"r\.json:1: not valid JSON"),
    (
        "r.toml",
        '[[operators]]\nop = "filter_language"\nkeep = ["english"]',
        r'r\.toml:3: field `operators\[0\]\.keep\[0\]`: languages are named by their codes; keep = \["en"\]',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "said"), FORMS)
def test_a_wrong_recipe_is_told_with_its_line_or_with_the_right_form(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=said):
        data_recipe.read(tmp_path / name)


def test_an_empty_recipe_is_one(tmp_path: Path) -> None:
    for name, text in (("r.json", "{}"), ("r.toml", ""), ("s.json", '{"seed": 3}')):
        (tmp_path / name).write_text(text)
        assert data_recipe.read(tmp_path / name, seed=4) == Recipe(seed=4)


VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab,:{}[]\"'", min_size=1), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.sampled_from(["op", "keep", "x"]), VALUES, min_size=1), min_size=1), st.data())
def test_a_fields_line_in_json_is_where_it_stands(operators: list[dict[str, object]], data: st.DataObject) -> None:
    text = json.dumps({"seed": [1], "operators": operators}, indent=1)
    at = data.draw(st.integers(0, len(operators) - 1))
    key = data.draw(st.sampled_from(sorted(operators[at])))
    line = data_recipe.line_of(text, f"operators[{at}].{key}")
    before = text.splitlines()[: line - 1]
    assert text.splitlines()[line - 1].startswith(f'   "{key}": ')
    assert sum(row in ("  {", "  },") for row in before if row.startswith("  {")) == at + 1
    assert data_recipe.line_of(text, f"operators[{at}].gone") <= line


# --- the file and the models -----------------------------------------------------------------------------------


def installed(home: Path, *names: str) -> None:
    for name in names:
        (home / "models" / name).mkdir(parents=True)
        write_json(home / "models" / name / MANIFEST, Manifest(name=name, kind="base", files=()))


REFUSED = [
    (("run", "loss.toml", "rows.csv"), r"`filter_loss` needs the base model.*: --base-model Tiny-1 \(or tiny-2\)"),
    (("run", "write.toml", "rows.csv"), r"needs a local language model.*`trex models pull \S+`.*--language-model"),
    (("run", "loss.toml", "rows.csv", "--base-model", "tiny1"), "tiny1 is not installed; did you mean `Tiny-1`"),
    (("profile", "rows.csv", "--base-model", "tiny1"), "tiny1 is not installed; did you mean `Tiny-1`"),
    (("run", "load.toml", "rows.csv"), r"load\.toml: the recipe begins with `load`, and a file is named too"),
    (("run", "load.toml", "--first", "3"), r"--first takes rows of a file, and none is named"),
    (("run", "clean.toml", "--task", "x", "--first", "3"), r"--first takes rows of a file, and none is named"),
    (("run", "load.toml", "--encoding", "cp1252"), r"--encoding is that of a file, and none is named"),
    (("run", "clean.toml", "rows.csv", "--encoding", "klingon"), r"no encoding `klingon`; one of utf-8, utf-16,"),
    (("profile", "rows.csv", "--encoding", "utf-32"), "no encoding `utf-32`"),
    (("profile", b"caf\xe9.csv".decode(errors="surrogateescape")), "no UTF-8|not UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_what_does_not_go_together_is_refused(
    trex: Trex, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    installed(tmp_path / "home", "Tiny-1", "tiny-2")
    (tmp_path / "loss.toml").write_text('[[operators]]\nop = "filter_loss"\n')
    (tmp_path / "write.toml").write_text('[[operators]]\nop = "paraphrase"\n')
    (tmp_path / "load.toml").write_text('[[operators]]\nop = "load"\npath = "rows.csv"\n')
    (tmp_path / b"caf\xe9.csv".decode(errors="surrogateescape")).write_text("prompt,answer\na,b\n")
    assert trex(*words) == (1 if "installed" in said else 2)
    found = capsys.readouterr()
    with pytest.raises(BadInput, match=said):
        raise BadInput(found.err)
    assert found.err.count("\n") == 1 and not found.out


def test_the_first_rows_of_a_file_in_another_encoding(trex: Trex, capsys: pytest.CaptureFixture[str]) -> None:
    Path("old.csv").write_bytes(b"prompt;answer\n" + "".join(f"{n} €;ja\n" for n in range(9)).encode("cp1252"))
    assert trex("run", "clean.toml", "old.csv", "--first", "4", "--encoding", "windows-1252", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["report"]["rows"] == 4 and answer["report"]["steps"][0]["note"] == "its fields are separated by `;`"
    assert answer["samples"]["steps"][0]["samples"][0]["after"]["prompt"].startswith("0 €")
    assert trex("profile", "old.csv", "--encoding", "CP1252") == 0
    assert "9 rows" in (said := capsys.readouterr().out) and "file: its fields are separated by `;`" in said
    assert trex("profile", "old.csv") == 2
    assert "9 of 9 rows cannot be read, the first: old.csv:2" in (said := capsys.readouterr().err)
    assert "--encoding cp1252" in said
    assert trex("run", "clean.toml", "old.csv") == 1
    assert "--encoding cp1252" in capsys.readouterr().err
    assert trex("run", "clean.toml", "rows.csv", "--holdout", "old.csv") == 2
    assert (said := capsys.readouterr().err).endswith("; save it as UTF-8\n") and "--holdout" in said


def test_an_encodings_other_names() -> None:
    wanted: dict[str, Encoding] = {"": "utf-8", "UTF8": "utf-8", "utf_16": "utf-16", "latin1": "latin-1"}
    for name, meant in {**wanted, "ISO-8859-1": "latin-1", "windows-1252": "cp1252"}.items():
        assert data._encoding(name) == meant
