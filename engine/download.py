"""One file over HTTP: resumed where it stopped, verified, and in place all at once or not at all.

`<target>.part` holds what has arrived, `<target>.lock` keeps other processes and threads out meanwhile; both are
gone once `<target>` stands. Not a package index (`engine.registry`) and not the choice of a source (`engine.models`).
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from engine.errors import MachineFailure
from engine.files import disk_errors, sha256_file

Bytes = Callable[[int, int], None]  # bytes there, bytes in all (0 = not known)
Progress = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all (0 = not known)

TRIES = 4  # in a row without a new byte
WAY_OUT = "check the network or import the file with `trex models import`"
PASSING = {408, 425, 429, 500, 502, 503, 504}
CERTIFICATES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")


def fetch(
    url: str,
    target: Path,
    sha256: str,
    *,
    size: int | None = None,
    progress: Bytes = lambda _done, _total: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """`target`, holding the bytes with this hash; fetched only where it does not hold them yet.

    `size` in bytes, where known, stops an endless answer and lets a full disk be seen before the first byte.
    Raises MachineFailure: no network, refused, wrong content, no space.
    """
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target):
            if target.is_file() and sha256_file(target) == sha256:
                return target
            part = target.with_name(f"{target.name}.part")
            _Transfer(url, part, size or 0, progress, sleep).run(sha256)
            part.replace(target)
            return target


def client(timeout: float = 30.0) -> httpx.Client:
    """An HTTP client with the person's proxies and certificate authorities. `timeout`: seconds of silence."""
    limits = httpx.Timeout(timeout, connect=15.0)
    headers = {"User-Agent": "trex-tui"}
    return httpx.Client(follow_redirects=True, timeout=limits, headers=headers, verify=_tls())


def public(url: str) -> str:
    """The address without a password in it, for messages."""
    return re.sub(r"//[^/@]*@", "//", url)


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold `<target>.lock` (waits for another holder); the file is gone afterwards. flock, because two threads of one
    process must exclude each other too."""
    path = target.with_name(f"{target.name}.lock")
    while True:
        handle = path.open("a")
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _same_file(handle.fileno(), path):
            break
        handle.close()  # the last holder removed it while we waited
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        handle.close()


class _Transfer:
    """One download: the part file and what is known about the whole."""

    def __init__(self, url: str, part: Path, size: int, progress: Bytes, sleep: Callable[[float], None]) -> None:
        self.url, self.part, self.size = url, part, size
        self.progress, self.sleep = progress, sleep
        self.resumed = False  # whether the part file was put together from several answers

    def run(self, sha256: str) -> None:
        """Leave a verified part file. A wrong one that was resumed is fetched once more from its start."""
        if self.size and self.here() > self.size:
            self.restart()
        self.resumed = self.here() > 0
        self.complete()
        if sha256_file(self.part) != sha256 and self.resumed:
            self.restart()
            self.complete()
        if sha256_file(self.part) != sha256:
            self.part.unlink()
            raise MachineFailure(
                "the server sent other bytes than the published file (sha256 differs); nothing was kept",
                where=public(self.url),
                hint="try again later, or import the file with `trex models import`",
            )

    def complete(self) -> None:
        """Ask until everything is there; give up after TRIES answers in a row that brought nothing new."""
        best, failures = self.here(), 0
        while not (self.size and self.here() == self.size):
            try:
                self.ask()
                return
            except (httpx.UnsupportedProtocol, httpx.InvalidURL):
                raise self.failure("this is not an http(s) address") from None
            except (httpx.RequestError, _Passing) as error:
                failures = failures + 1 if self.here() <= best else 1
                best = max(best, self.here())
                if failures >= TRIES:
                    raise self.failure(f"the download failed ({_reason(error)})") from error
                self.sleep(0.5 * 2 ** (failures - 1))

    def ask(self) -> None:
        """One request for what is missing. Returns when the answer has been received to its end."""
        start = self.here()
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        with client() as http, http.stream("GET", self.url, headers=headers) as answer:
            status = answer.status_code
            if status == 416:  # nothing after `start`: complete, or too long and then the hash says so
                return
            if status in PASSING:
                raise _Passing(f"the server answered {status}")
            if status not in (200, 206):
                raise self.failure(f"the server answered {status} {answer.reason_phrase}".rstrip())
            if start and not (status == 206 and _starts_at(answer, start)):
                self.restart()
                if status == 206:
                    raise _Passing("the server answered with another range than asked for")
            self.receive(answer)

    def receive(self, answer: httpx.Response) -> None:
        """Append the answer's body to the part file."""
        have = self.here()
        self.resumed = self.resumed or have > 0
        total = self.size or _announced(answer, have)
        self.check_space(total - have)
        self.progress(have, total)
        with self.part.open("ab") as out:
            for block in answer.iter_raw():  # as it arrives: what waits in a buffer is lost when the line is cut
                have += len(block)
                if self.size and have > self.size:
                    self.part.unlink()
                    raise self.failure(f"the server sends more than the {self.size:,} bytes of this file")
                out.write(block)
                self.progress(have, total)
        if have < total:
            raise _Passing("the answer ended early")

    def check_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.part.parent).free
        if needed > free:
            raise MachineFailure(
                f"not enough disk space: {needed:,} bytes needed, {free:,} free",
                where=str(self.part.parent),
                hint="free some space and start again; what has arrived is kept",
            )

    def restart(self) -> None:
        self.part.unlink(missing_ok=True)
        self.resumed = False

    def here(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def failure(self, what: str) -> MachineFailure:
        return MachineFailure(what, where=public(self.url), hint=WAY_OUT)


class _Passing(Exception):
    """An answer that may be better next time."""


def _starts_at(answer: httpx.Response, start: int) -> bool:
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {start}-")


def _announced(answer: httpx.Response, have: int) -> int:
    """Bytes of the whole file by the server's word; 0 = not said."""
    whole = str(answer.headers.get("Content-Range", "")).rpartition("/")[2]
    if answer.status_code == 206 and whole.isdecimal():
        return int(whole)
    length = str(answer.headers.get("Content-Length", ""))
    return have + int(length) if length.isdecimal() else 0


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _tls() -> ssl.SSLContext | bool:
    """The certificate authorities that pip would use; httpx's own where none are named."""
    for name in CERTIFICATES:
        given = Path(os.environ.get(name) or "")
        if given.is_file():
            return ssl.create_default_context(cafile=str(given))
        if os.environ.get(name) and given.is_dir():
            return ssl.create_default_context(capath=str(given))
    return True
