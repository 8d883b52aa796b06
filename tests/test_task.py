"""Task files: right ones load with every default, wrong ones are refused with file, line, field and the way out."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.errors import BadInput
from engine.plan import TrialConfig
from engine.strict import line_of
from engine.task import Budget, Data, Evaluation, Format, Metric, Model, Splits, Task, label_texts, load_task
from engine.workspace import shipped

GOOD = """\
name = "mine"
brief = "Tell good from bad."
[data]
file = "rows.csv"
[splits]
train = 20
[format]
prompt = "{text}:"
answer = " {label}"
[evaluation]
mode = "label_likelihood"
labels = ["good", "bad"]
[baseline]
rows = 64
[budget]
examples_per_trial = 64
"""


def folder_with(tmp_path: Path, text: str, rows: str = "text,label\na,good\n") -> Path:
    (tmp_path / "rows.csv").write_text(rows)
    (tmp_path / "task.toml").write_text(text)
    return tmp_path


def test_a_task_loads_with_defaults(tmp_path: Path) -> None:
    task = load_task(folder_with(tmp_path, GOOD))
    assert (task.metric.name, task.metric.direction, task.splits.test, task.budget.rounds) == (
        "accuracy",
        "maximize",
        1000,
        20,
    )
    assert label_texts(task.evaluation, task.format) == {"good": " good", "bad": " bad"}
    assert load_task(tmp_path / "task.toml") == task


def test_the_shipped_task_loads_and_fits_its_budget() -> None:
    task = load_task(shipped("tasks") / "movie_sentiment")
    sizes = task.splits
    assert (sizes.train, sizes.validation, sizes.confirm, sizes.test) == (2000, 300, 300, 1000)
    assert task.evaluation.labels == ("positive", "negative")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("brief =", "breif =", r"task\.toml:2: unknown field `breif`; did you mean `brief`"),
        ("train = 20", "trian = 20", r"task\.toml:6: unknown field `trian` in \[splits\]; did you mean `train`"),
        ("train = 20", "train = 0", r"task\.toml:6: field `splits\.train`"),
        ('"rows.csv"', '"gone.csv"', r"task\.toml:4: no such data file"),
        ('"rows.csv"', '"../rows.csv"', r"task\.toml:4: `file` must stay inside"),
        ('"rows.csv"', '"extra/rows.csv"', r"task\.toml:4: `file` lies in `extra/`"),
        ('"rows.csv"', '"rows.csv"\ntrain = "rows.csv"', r"task\.toml:3: \[data\] needs exactly one"),
        ('file = "rows.csv"', 'train = "rows.csv"', r"task\.toml:4: \[data\] with `train` needs"),
        ('"rows.csv"', '"rows.csv"\nsha256 = {"rows.csv" = "00"}', r"task\.toml:5: `rows\.csv` is not the file"),
        ('"{text}:"', '"text:"', r"task\.toml:8: \[format\] `prompt` names no column"),
        ('["good", "bad"]', '["good"]', r"task\.toml:12: `label_likelihood` needs at least two"),
        ('["good", "bad"]', '["good", "good "]', r"task\.toml:12: .* stands twice"),
        ("rows = 64", "rows = 65", r"task\.toml:13: the baseline trains on more than"),
        ("[baseline]", "[space]\nlearning_rat = [1e-4]\n[baseline]", r"task\.toml:13: .*knows no knob `learning_rat`"),
        ("name =", "name", r"task\.toml: not valid TOML"),
    ],
)
def test_a_wrong_task_is_refused_at_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(BadInput, match=message) as refused:
        load_task(folder_with(tmp_path, GOOD.replace(old, new, 1)))
    assert refused.value.exit_code == 2


def test_a_label_rule_must_fit(tmp_path: Path) -> None:
    rules = '[data.labels]\ncolumn = "n"\nrules = [{ label = "god", at_least = 1 }]\n[splits]'
    with pytest.raises(BadInput, match=r"task\.toml:7: the rule's label `god`"):
        load_task(folder_with(tmp_path, GOOD.replace("[splits]", rules)))
    with pytest.raises(BadInput, match=r"task\.toml:7: the rule for `good` has no bound"):
        load_task(folder_with(tmp_path, GOOD.replace("[splits]", rules.replace('god", at_least = 1', 'good"'))))


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("text,label\n")
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "rows.csv").symlink_to(tmp_path / "outside.csv")
    (folder / "task.toml").write_text(GOOD)
    with pytest.raises(BadInput, match="leads out of the task's folder"):
        load_task(folder)


def test_other_data_is_another_task_and_another_brief_is_not(tmp_path: Path) -> None:
    first = load_task(folder_with(tmp_path, GOOD)).fingerprint
    assert load_task(folder_with(tmp_path, GOOD.replace("Tell", "Say"))).fingerprint == first
    assert load_task(folder_with(tmp_path, GOOD, rows="text,label\nb,good\n")).fingerprint != first
    assert load_task(folder_with(tmp_path, GOOD.replace("train = 20", "train = 21"))).fingerprint != first


def test_no_task_file_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="trex task new"):
        load_task(tmp_path)


def test_lines_are_found_in_their_own_table() -> None:
    text = 'train = 1\n[data]\ntrain = "x"\n[splits]\n"train" = 3\n[[data.rules]]\nlabel = 1\n'
    assert [line_of(text, path) for path in ("train", "data.train", "splits.train", "data.rules[0].label")] == [
        1,
        3,
        5,
        7,
    ]
    assert line_of(text, "splits.gone") == 4
    assert line_of(text, "gone.gone") == 0


@pytest.mark.parametrize("table", [Task, Metric, Data, Splits, Format, Evaluation, Model, Budget, TrialConfig])
def test_the_documentation_has_every_field_and_default(table: type[msgspec.Struct]) -> None:
    text = (Path(__file__).parents[1] / "docs" / "tasks.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for field in msgspec.structs.fields(table):
        default = field.default
        named = [row for row in rows if f"`{field.encode_name}`" in row or f"[{field.encode_name}" in row]
        assert named, f"{table.__name__}.{field.encode_name} is not in docs/tasks.md"
        if isinstance(default, str) and default:
            assert any(f'"{default}"' in row for row in named), field
        elif isinstance(default, int | float) and not isinstance(default, bool):
            said = [cell.strip(" `") for row in named for cell in row.split("|")[2].split(",")]
            assert any(_number(cell) == default for cell in said), field


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
