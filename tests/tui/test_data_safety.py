"""`trex data run` and what is not its own: a person's files, an earlier result; and deaths at a bad moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.failpoints import FOLDER
from engine.files import read_jsonl, write_jsonl
from tests.place import until
from trex_tui.cli import main
from trex_tui.commands import data_child, data_json

ROOT = Path(__file__).parents[2]
EXPORT = '[[operators]]\nop = "export"\npath = "data"\n'
NONE = '[[operators]]\nop = "filter_length"\nmin_words = 90\n'
Trex = Callable[..., int]
Tree = dict[str, bytes | str]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the current one, with a recipe that exports to `data`, one that fails, and rows."""
    here = tmp_path / "here"
    here.mkdir()
    (here / "recipe.toml").write_text(EXPORT)
    (here / "none.toml").write_text(NONE)
    (here / "plain.toml").write_text("seed = 1\n")
    write_jsonl(here / "rows.jsonl", [{"prompt": f"say {n} things", "answer": "yes"} for n in range(9)])
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def trex(tmp_path: Path) -> Trex:
    return lambda *words: main(["--workspace", str(tmp_path / "home"), "data", *map(str, words)])


def tree(folder: Path) -> Tree:
    """All that is below the folder: files with their content, links with where they lead."""
    found: Tree = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        found[name] = (
            f"-> {path.readlink()}" if path.is_symlink() else path.read_bytes() if path.is_file() else "folder"
        )
    return found


def persons_file(out: Path) -> None:
    (out / "data").mkdir(parents=True)
    (out / "data" / "mine.txt").write_text("mine")


def file_of_that_name(out: Path) -> None:
    out.mkdir()
    (out / "data").write_text("mine")


def link_elsewhere(out: Path) -> None:
    out.mkdir()
    (out.parent / "elsewhere").mkdir()
    (out.parent / "elsewhere" / "mine.txt").write_text("mine")
    (out / "data").symlink_to("../elsewhere")


def folder_named_as_the_rows(out: Path) -> None:
    (out / "data.jsonl").mkdir(parents=True)
    (out / "data.jsonl" / "mine.txt").write_text("mine")


def rows_of_a_person(out: Path) -> None:
    out.mkdir()
    (out / "data.jsonl").write_text("mine")


@pytest.mark.parametrize(
    "make", [persons_file, file_of_that_name, link_elsewhere, folder_named_as_the_rows, rows_of_a_person]
)
@pytest.mark.parametrize("force", [("--force",), ()])
def test_what_is_a_persons_is_never_replaced(
    trex: Trex, place: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], None], force: tuple[str, ...]
) -> None:
    make(place / "out")
    before = tree(place)
    assert trex("run", "recipe.toml", "rows.jsonl", "--out", "out", *force) == 2
    said = capsys.readouterr()
    assert "earlier result" in said.err and said.err.count("\n") == 1 and not said.out
    assert tree(place) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda out: (out / "data" / "mine.txt").write_text("mine"), "`data`"),
        (lambda out: (out / "data" / "more").mkdir(), "`data`"),
        (lambda out: (out / "mine").mkdir(), "`mine`"),
        (lambda out: (out / "data.jsonl").write_text("changed by hand"), "`data.jsonl`"),
        (lambda out: (out / "broken.jsonl").symlink_to("../rows.jsonl"), "`broken.jsonl`"),
    ],
)
def test_an_earlier_result_in_which_somebody_worked_is_theirs(
    trex: Trex, place: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], object], words: str
) -> None:
    assert trex("run", "recipe.toml", "rows.jsonl", "--out", "out") == 0
    assert trex("run", "recipe.toml", "rows.jsonl", "--out", "out") == 0, "as it was left it is replaced"
    change(place / "out")
    before = tree(place)
    capsys.readouterr()
    assert trex("run", "recipe.toml", "rows.jsonl", "--out", "out") == 2
    assert words in capsys.readouterr().err
    assert tree(place) == before


def test_with_force_an_earlier_result_among_other_things_is_replaced(trex: Trex, place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / "mine.txt").write_text("mine")
    (place / "rows.jsonl").write_text((place / "rows.jsonl").read_text() + "{torn\n")
    run = ("run", "recipe.toml", "rows.jsonl", "--out", "out", "--force", "--limit-broken", "0.5")
    assert trex(*run) == 0 and trex(*run) == 0
    there = {"data", "data.jsonl", "mine.txt", "report.json", "samples.json"}
    assert {path.name for path in (place / "out").iterdir()} == there | {"broken.jsonl"}
    write_jsonl(place / "rows.jsonl", [{"prompt": "one row", "answer": "no"}])
    assert trex(*run) == 0
    assert {path.name for path in (place / "out").iterdir()} == there, "no row is broken any more"
    assert len(read_jsonl(place / "out" / "data.jsonl")) == 1 and (place / "out" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("words", [(), ("--force",)])
@pytest.mark.parametrize("out", ["work", ".", "..", "/"])
def test_a_result_is_never_laid_around_what_it_is_made_from(
    trex: Trex, place: Path, capsys: pytest.CaptureFixture[str], out: str, words: tuple[str, ...]
) -> None:
    assert trex("run", "plain.toml", "rows.jsonl", "--out", "work") == 0
    (place / "mix.toml").write_text('[[operators]]\nop = "mix"\npath = "work/data.jsonl"\n')
    before = tree(place)
    for run in (
        ("plain.toml", "work/data.jsonl"),
        ("mix.toml", "rows.jsonl"),
        ("plain.toml", "rows.jsonl", "--holdout", "work/data.jsonl"),
    ):
        capsys.readouterr()
        assert trex("run", *run, "--out", out, *words) == 2
        said = capsys.readouterr().err
        assert "lies in the folder that --out names" in said or "the folder of everything" in said
        assert tree(place) == before


def test_a_file_of_the_result_cannot_be_exported_to(
    trex: Trex, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "recipe.toml").write_text(EXPORT.replace('"data"', '"./data.jsonl"'))
    assert trex("run", "recipe.toml", "rows.jsonl", "--out", "out") == 2
    assert "a file of the result has this name" in capsys.readouterr().err
    assert not (place / "out").exists()


@pytest.mark.parametrize("then", ["none.toml", "recipe.toml"])
@pytest.mark.parametrize("signal_name", ["KILL", "TERM"])
def test_a_kill_amid_the_exchange_loses_no_earlier_result(
    trex: Trex, place: Path, tmp_path: Path, then: str, signal_name: str
) -> None:
    assert trex("run", "recipe.toml", "rows.jsonl", "--out", "out") == 0
    before = tree(place / "out")
    points = tmp_path / "points"
    points.mkdir()
    (points / "data.exchange").write_text(f"0 {signal_name}")
    command = [sys.executable, "-P", "-m", "trex_tui.cli", "--workspace", str(tmp_path / "home"), "data", "run"]
    words = [*command, "plain.toml", "rows.jsonl", "--out", "out"]
    killed = subprocess.run(words, env={**os.environ, FOLDER: str(points)}, capture_output=True, check=False)
    if signal_name == "KILL":
        assert killed.returncode == -signal.SIGKILL and tree(place / "out") != before
    else:
        assert killed.returncode == 3 and tree(place / "out") == before
    assert trex("run", then, "rows.jsonl", "--out", "out") == (1 if then == "none.toml" else 0)
    assert tree(place / "out").keys() == before.keys()
    assert then == "recipe.toml" or tree(place / "out") == before
    assert not list(place.glob(".*")), "nothing is left beside it"


# --- the data process ------------------------------------------------------------------------------------------

SPEAKS = """
import os, signal, sys, msgspec
from engine.aidp.job import Progress
from engine.aidp.request import Working
sys.stdin.buffer.read()
print(msgspec.json.encode(Working(Progress(operator="slow", place=0, of=1))).decode(), flush=True)
"""
DIES = SPEAKS + "if os.fork(): os.kill(os.getpid(), signal.SIGKILL)\nsignal.pause()\n"
SILENT = SPEAKS + "signal.pause()\n"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a program the data process."""

    def write(program: str) -> None:
        (tmp_path / "stand_in.py").write_text(program)

    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.setattr(data_child, "MODULE", "stand_in")
    return write


def test_a_killed_process_whose_workers_hold_its_pipe_is_noticed(
    trex: Trex, place: Path, stand_in: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(DIES)
    assert trex("run", "plain.toml", "rows.jsonl") == 1
    assert "the data process was killed" in capsys.readouterr().err


def test_a_step_that_says_nothing_does_not_outlast_the_limit_of_time(
    trex: Trex, place: Path, stand_in: Callable[[str], None], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    stand_in(SILENT)
    monkeypatch.setattr(data_child, "GRACE", 0.0)
    assert trex("run", "plain.toml", "rows.jsonl", "--limit-time", "1s") == 1
    assert "the recipe took longer than 1 s, in `slow`; raise the limit" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_whoever_is_told_to_end_leaves_nothing_behind(tmp_path: Path, place: Path, number: signal.Signals) -> None:
    (tmp_path / "stand_in.py").write_text("import os\nprint(os.getpid(), file=open('pid', 'w'), flush=True)\n" + SILENT)
    program = "import sys; from trex_tui import cli; from trex_tui.commands import data_child as child; "
    program += "child.MODULE = 'stand_in'; sys.exit(cli.main())"
    words = ["--workspace", str(tmp_path / "home"), "data", "run", "plain.toml", "rows.jsonl", "--out", "out"]
    trex = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        preexec_fn=partial(signal.signal, number, signal.SIG_DFL),
    )
    until(lambda: (place / "pid").is_file() and (place / "pid").read_text().strip())
    trex.send_signal(number)
    _, said = trex.communicate(timeout=60)
    assert trex.returncode == 3 and "interrupted" in said and "Traceback" not in said
    assert not Path(f"/proc/{(place / 'pid').read_text().strip()}").exists()
    assert not (place / "out").exists() and not list(place.glob(".*"))
    assert list((tmp_path / "home" / "cache" / "data-work").iterdir()) == []


# --- what is said ----------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)) | st.sampled_from("\x7f\x85\x9b\u202e\u2066\u2028")))
def test_json_for_programs_says_the_same_and_steers_no_terminal(text: str) -> None:
    said = data_json.encoded({"text": text})
    assert json.loads(said) == {"text": text}
    turning = {"RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI", "B"}
    assert not any(unicodedata.category(char) == "Cc" or unicodedata.bidirectional(char) in turning for char in said)


@pytest.mark.parametrize("words", [("--limit-memory", "1"), ("--limit-bytes", "many")])
def test_an_amount_that_is_none_is_called_what_it_is(
    trex: Trex, place: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert trex("run", "plain.toml", "rows.jsonl", *words) == 2
    said = capsys.readouterr().err
    assert words[0] in said and f"`{words[1]}`" in said and "disk" not in said


@pytest.mark.parametrize(
    "words", [("rows.jsonl", "--out", "b\udce4d"), ("b\udce4d.jsonl",), ("rows.jsonl", "--out", "\0")]
)
def test_a_name_that_is_no_text_is_refused_in_one_sentence(
    trex: Trex, place: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    (place / "b\udce4d.jsonl").write_text((place / "rows.jsonl").read_text())
    before = tree(place)
    assert trex("run", "plain.toml", *words) == 2
    said = capsys.readouterr().err
    assert "defect" not in said and said.count("\n") == 1
    assert tree(place) == before


def test_a_neighbour_with_such_a_name_harms_nothing(
    trex: Trex, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "b\udce4d.jsonl").write_text("")
    (place / "mix.toml").write_text('[[operators]]\nop = "mix"\npath = "gone.jsonl"\n')
    assert trex("run", "mix.toml", "rows.jsonl") == 1
    assert "no file `gone.jsonl`" in capsys.readouterr().err


def test_work_that_failed_leaves_no_empty_folders(trex: Trex, place: Path, tmp_path: Path) -> None:
    assert trex("run", "none.toml", "rows.jsonl") == 1
    kept = tmp_path / "home" / "cache" / "aidp-kept"
    assert not kept.exists() or not list(kept.iterdir())


def test_an_interrupt_while_the_command_is_being_read_is_heard(tmp_path: Path) -> None:
    """The module that is read first strikes: no `main` has begun."""
    program = "import sys, signal, os\n"
    program += "sys.meta_path.insert(0, type('Strikes', (), {'find_spec': staticmethod(lambda name, *_: "
    program += "os.kill(os.getpid(), signal.SIGINT) if name == 'engine.workspace' else None)}))\n"
    program += "signal.signal(signal.SIGINT, signal.default_int_handler)\nfrom trex_tui.cli import main\n"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert done.returncode == 3 and done.stderr.decode() == "trex: interrupted; what was done is kept\n"


def test_each_run_writes_into_a_folder_of_its_own(
    trex: Trex, place: Path, tmp_path: Path, stand_in: Callable[[str], None]
) -> None:
    """What a process of a command that was killed still writes comes into no other command's result."""
    told = tmp_path / "told"
    stand_in(f"import sys\nopen({str(told)!r}, 'ab').write(sys.stdin.buffer.read() + b'\\n')\n")
    assert trex("run", "plain.toml", "rows.jsonl", "--out", "out") == 1
    assert trex("run", "plain.toml", "rows.jsonl", "--out", "out") == 1
    first, second = (json.loads(line)["result"] for line in told.read_text().splitlines())
    assert first != second and Path(first).parents[1] == Path(second).parents[1] == place / ".out.trex-part"
