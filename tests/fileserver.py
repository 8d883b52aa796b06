"""An HTTP server on 127.0.0.1 for tests, as unreliable as told: cuts, ignores Range, answers with errors."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass
class Served:
    """One address. `cuts` and `statuses` are used up, one per request; then the server behaves."""

    body: bytes
    content_type: str = "application/octet-stream"
    ranges: bool = True
    chunked: bool = False  # no Content-Length
    cuts: list[int] = field(default_factory=list)  # bytes sent before the connection is dropped
    statuses: list[int] = field(default_factory=list)
    shift: list[int] = field(default_factory=list)  # bytes by which a Range answer is off


@dataclass
class Asked:
    path: str
    range: str
    accept: str


class FileServer:
    """`with FileServer() as server: server.put("/a", b"...")`; `server.asked` holds every request."""

    def __init__(self) -> None:
        self.served: dict[str, Served] = {}
        self.asked: list[Asked] = []
        self._http = _Quiet(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def put(self, path: str, body: bytes, **behaviour: object) -> str:
        self.served[path] = Served(body, **behaviour)  # type: ignore[arg-type]
        return self.url + path

    def ranges(self, path: str) -> list[str]:
        return [request.range for request in self.asked if request.path == path]

    def __enter__(self) -> FileServer:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


def _handler(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Range", "")
            server.asked.append(Asked(self.path, given, self.headers.get("Accept", "")))
            served = server.served.get(self.path)
            if served is None:
                return self.send_error(404)
            if served.statuses:
                return self.send_error(served.statuses.pop(0))
            start = int(given.removeprefix("bytes=").rstrip("-")) if given and served.ranges else 0
            if start and start >= len(served.body):
                return self.send_error(416)
            return self.answer(served, start, bool(start))

        def answer(self, served: Served, start: int, partial: bool) -> None:
            if partial and served.shift:
                start -= served.shift.pop(0)
            body = served.body[start:]
            self.send_response(206 if partial else 200)
            self.send_header("Content-Type", served.content_type)
            if partial:
                self.send_header("Content-Range", f"bytes {start}-{len(served.body) - 1}/{len(served.body)}")
            if not served.chunked:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.cuts.pop(0)] if served.cuts else body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Tests look at `asked`."""

    return Handler
