"""`trex serve`: the interface in a browser, behind a door that opens for its own page and the printed address only."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from engine.workspace import Workspace

from . import script
from .fake_engine import FakeEngine

aiohttp = pytest.importorskip("aiohttp", reason="the extra `serve` is not installed")
pytest.importorskip("textual_serve", reason="the extra `serve` is not installed")

PATIENCE = 30.0


class Served(NamedTuple):
    process: asyncio.subprocess.Process
    base: str  # http://127.0.0.1:PORT
    token: str


@asynccontextmanager
async def served(workspace: Workspace) -> AsyncIterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (sys.executable, "-m", "trex_tui.cli", "--workspace", str(workspace.home), "serve", "--port", str(port))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=dict(os.environ))
    try:
        assert process.stdout is not None
        said = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
        found = re.search(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)", said)
        assert found, said
        yield Served(process, found[1], found[2])
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), PATIENCE)


async def steered(engine: FakeEngine) -> None:
    while not engine.commands:  # noqa: ASYNC110 - the fake engine tells nobody
        await asyncio.sleep(0.05)


async def test_sees_the_search_in_a_browser_and_steers_it(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, served(workspace) as at:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            async with browser.get(f"{at.base}/?token={at.token}") as page:
                text = await page.text()
                assert page.status == 200 and "/static/js/textual.js" in text
                assert "token" not in str(page.url)
                assert "connect-src 'self'" in page.headers["Content-Security-Policy"]
            path = f"{at.base}/ws?width=120&height=40"
            async with browser.ws_connect(path, headers={"Origin": at.base}) as socket_:
                shown = b""
                while b"movie_sentiment" not in shown or b"n6t0" not in shown:
                    shown += (await asyncio.wait_for(socket_.receive(), PATIENCE)).data
                await socket_.send_json(["stdin", "p"])
                await asyncio.wait_for(steered(engine), PATIENCE)
        at.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(at.process.wait(), PATIENCE) == 0


async def test_lets_nobody_else_in(workspace: Workspace) -> None:
    async with FakeEngine(workspace, []), served(workspace) as at, aiohttp.ClientSession() as stranger:
        secret = {"Cookie": f"trex={at.token}"}
        evil = {"Origin": "http://evil.example", **secret}
        rebound = {"Host": "evil.example", "Origin": "http://evil.example", **secret}
        for path, headers in (
            ("/", {}),
            ("/?token=guessed", {}),
            ("/static/js/textual.js", {}),
            ("/ws", {"Origin": at.base}),
            ("/ws", secret),
            ("/ws", evil),
            ("/ws", rebound),
            ("/", rebound),
        ):
            async with stranger.get(at.base + path, headers=headers) as answer:
                assert answer.status == 403, (path, headers)


def test_refuses_to_listen_where_others_can_reach_it(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    from trex_tui.cli import main

    assert main(["--workspace", str(workspace.home), "serve", "--host", "0.0.0.0"]) == 2
    assert "0.0.0.0 can be reached from elsewhere" in capsys.readouterr().err


def test_says_that_the_port_is_taken(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    from trex_tui.cli import main

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["--workspace", str(workspace.home), "serve", "--port", port]) == 2
    assert "choose another --port" in capsys.readouterr().err
