"""The interface in a browser: textual-serve's server, with a door that is locked.

textual-serve runs one process of the interface for each browser connection and lets anybody in who reaches the port,
from any page. On a machine with other people, or with a browser open, that is not enough: here the first visit must
bring the secret of the printed address, the browser then holds it as a cookie, and the websocket is opened only for
our own page. What cannot be done: no encryption (over a network use `ssh -L`), and who has the address may steer.

Imports aiohttp and textual-serve: only `trex_tui.commands.serve` imports this, when it is asked for.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import signal
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web
from aiohttp.web_runner import GracefulExit
from textual_serve.server import Server

COOKIE = "trex"
CLOSING_SECONDS = 3.0
POLICY = (
    "default-src 'self' 'unsafe-inline' data:; connect-src 'self' ws:; font-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)  # also keeps textual-serve's page from asking the network for a font

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def loopback(host: str) -> bool:
    """Whether a name or an address means this machine only."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Door(Server):  # type: ignore[misc]
    """Serves `command`, a shell line that starts the interface, on one host and port. `said` prints a line."""

    def __init__(self, command: str, host: str, port: int, said: Callable[[str], None]) -> None:
        super().__init__(command, host, port, title="TREX")
        self._secret, self._said = secrets.token_urlsafe(24), said
        self._only_here = loopback(host)

    @property
    def address(self) -> str:
        """What a person opens; it holds the secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/?token={self._secret}"

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM. Raises OSError where the port cannot be had."""
        loop = asyncio.new_event_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.request_exit)
        web.run_app(
            self._make_app(),
            host=self.host,
            port=self.port,
            handle_signals=False,
            loop=loop,
            print=lambda _text: self._announce(),
            shutdown_timeout=CLOSING_SECONDS,
        )

    def request_exit(self) -> None:
        raise GracefulExit

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()

        @web.middleware  # type: ignore[untyped-decorator]
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app.middlewares.append(guard)
        return app

    async def on_startup(self, _app: web.Application) -> None:
        """Nothing yet: the address is said when the port is open."""

    def _announce(self) -> None:
        self._said(f"the interface is at {self.address}")
        self._said("whoever has this address can steer; ctrl-c ends the serving, the engine goes on")

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who brings the secret and comes from our own page; keep the page from talking to anybody else."""
        if refusal := self._refusal(request):
            raise web.HTTPForbidden(text=refusal)
        if request.path == "/" and "token" in request.query:
            answer: web.StreamResponse = web.HTTPFound("/")
            answer.set_cookie(COOKIE, self._secret, httponly=True, samesite="Strict")
        else:
            answer = await handler(request)
        if not answer.prepared:
            answer.headers["Content-Security-Policy"] = POLICY
            answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    def _refusal(self, request: web.Request) -> str:
        """Why somebody is not let in; "" where they are."""
        name = urlsplit(f"//{request.host}").hostname or ""
        if self._only_here and not loopback(name):
            return "this server answers to this machine only; open the address that `trex serve` has printed\n"
        origin = request.headers.get("Origin", "")
        if request.path == "/ws" and urlsplit(origin).netloc != request.host:
            return "the interface is opened by its own page only\n"
        brought = request.query.get("token") or request.cookies.get(COOKIE, "")
        if not hmac.compare_digest(brought.encode(), self._secret.encode()):
            return "open the whole address that `trex serve` has printed, with its token\n"
        return ""

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page. Its addresses are those that the browser came by, so that a forwarded port works."""
        context = {
            "font_size": 16,
            "app_websocket_url": f"ws://{request.host}/ws",
            "config": {"static": {"url": "/static/"}},
            "application": {"name": self.title},
        }
        return aiohttp_jinja2.render_template("app_index.html", request, context)
