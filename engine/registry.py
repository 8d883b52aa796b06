"""The simple package index (PEP 503, 691, 700) as a source of files: find one, check its hash, keep it.

Not an installer: nothing of a package is ever run or unpacked here. Local files come first: a folder of archives
named by TREX_FIND_LINKS needs no network.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urldefrag, urljoin

import httpx
import msgspec

from engine.download import WAY_OUT, Bytes, client, fetch, public
from engine.errors import BadInput, MachineFailure
from engine.files import disk_errors, sha256_file

Kind = Literal["wheel", "sdist"]

PYPI = "https://pypi.org/simple"
JSON = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
MAX_PAGE = 32 * 1024 * 1024
SDIST = (".tar.gz", ".zip")


class PackageFile(msgspec.Struct, frozen=True):
    """One file of a package as the index lists it. `sha256` empty and `size` 0 where it does not say."""

    filename: str
    url: str
    sha256: str = ""
    size: int = 0


def fetch_package_file(
    package: str,
    version: str,
    kind: Kind,
    cache_dir: Path,
    sha256: str | None = None,
    progress: Bytes = lambda _done, _total: None,
) -> Path:
    """The package's file, verified: from TREX_FIND_LINKS, the cache, or the index, in this order.

    `sha256` is the pinned hash; None trusts the one the index publishes. Raises MachineFailure.
    """
    local = find_local(package, version, kind, sha256)
    if local is not None:
        return local
    cached = find_in(cache_dir, package, version, kind)
    if cached is not None and sha256 and sha256_file(cached) == sha256:
        return cached
    found = choose(list_files(package), package, version, kind)
    if sha256 and found.sha256 and found.sha256 != sha256:
        raise MachineFailure(
            f"the package index publishes another {found.filename} than the one this program knows (sha256 differs)",
            where=public(index_url()),
            hint="use another index (PIP_INDEX_URL) or import the file with `trex models import`",
        )
    wanted = sha256 or found.sha256
    if not wanted:
        raise MachineFailure(
            f"the package index publishes no sha256 for {found.filename}", where=public(index_url()), hint=WAY_OUT
        )
    with disk_errors(cache_dir):
        cache_dir.mkdir(parents=True, exist_ok=True)
    return fetch(found.url, cache_dir / found.filename, wanted, size=found.size or None, progress=progress)


def find_local(package: str, version: str, kind: Kind, sha256: str | None = None) -> Path | None:
    """The file in a TREX_FIND_LINKS folder; one with another hash than the pinned is passed over."""
    for folder in find_links():
        path = find_in(folder, package, version, kind)
        if path is not None and (sha256 is None or sha256_file(path) == sha256):
            return path
    return None


def find_in(folder: Path, package: str, version: str, kind: Kind) -> Path | None:
    """The package's file in a folder, by its name."""
    names = sorted(path.name for path in folder.glob("*")) if folder.is_dir() else []
    return next((folder / name for name in names if matches(name, package, version, kind)), None)


def find_links() -> list[Path]:
    """Folders in TREX_FIND_LINKS, separated as in PATH."""
    return [Path(part).expanduser() for part in os.environ.get("TREX_FIND_LINKS", "").split(os.pathsep) if part]


def index_url() -> str:
    """The person's own index: PIP_INDEX_URL, UV_DEFAULT_INDEX, UV_INDEX_URL, pip's configuration files, or PyPI."""
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if given := os.environ.get(name):
            return given.rstrip("/")
    return (_pip_option("index-url") or PYPI).rstrip("/")


def list_files(package: str) -> list[PackageFile]:
    """Every file of a package. Raises MachineFailure: no such package, no network, not an index."""
    address = f"{index_url()}/{normalised(package)}/"
    if not address.startswith(("https://", "http://")):
        raise BadInput("the package index must be an http(s) address", where=address, hint="set PIP_INDEX_URL")
    try:
        with client() as http, http.stream("GET", address, headers={"Accept": ACCEPT}) as answer:
            if answer.status_code != 200:
                what = f"the package index answered {answer.status_code} for {package}"
                raise MachineFailure(what, where=public(index_url()), hint=WAY_OUT)
            page = _read(answer)
            kind = answer.headers.get("Content-Type", "")
            return parse_page(page, kind, str(answer.url))
    except (httpx.RequestError, httpx.InvalidURL) as error:
        what = f"the package index cannot be reached ({error or type(error).__name__})"
        raise MachineFailure(what, where=public(index_url()), hint=WAY_OUT) from error


def parse_page(page: bytes, content_type: str, address: str) -> list[PackageFile]:
    """Files listed by a project page, JSON or HTML. Raises MachineFailure where it is neither."""
    if content_type.partition(";")[0].strip() == JSON:
        return _parse_json(page, address)
    reader = _Links(address)
    reader.feed(page.decode("utf-8", errors="replace"))
    return reader.files


def choose(files: list[PackageFile], package: str, version: str, kind: Kind) -> PackageFile:
    """The file of this version and kind. Raises MachineFailure where the index has none."""
    for file in files:
        if matches(file.filename, package, version, kind):
            return file
    raise MachineFailure(
        f"the package index has no {kind} of {package} {version}", where=public(index_url()), hint=WAY_OUT
    )


def matches(filename: str, package: str, version: str, kind: Kind) -> bool:
    """Whether a file name is this package's: a wheel for any platform, or a source distribution. Names come from the
    index: one with a path in it matches nothing."""
    if not re.fullmatch(r"[\w.+!-]+", filename, re.ASCII):
        return False
    if kind == "wheel":
        parts = filename.removesuffix(".whl").split("-")
        portable = filename.endswith("-none-any.whl") and len(parts) in (5, 6)
        return portable and normalised(parts[0]) == normalised(package) and parts[1] == version
    stem = next((filename.removesuffix(end) for end in SDIST if filename.endswith(end)), "")
    name, _, found = stem.rpartition("-")
    return normalised(name) == normalised(package) and found == version


def normalised(name: str) -> str:
    """A package name as PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


class _JsonFile(msgspec.Struct):
    filename: str
    url: str
    hashes: dict[str, str] = {}
    size: int | None = None


class _JsonPage(msgspec.Struct):
    files: list[_JsonFile]


def _parse_json(page: bytes, address: str) -> list[PackageFile]:
    try:
        listed = msgspec.json.decode(page, type=_JsonPage).files
    except (msgspec.MsgspecError, RecursionError):
        raise MachineFailure("the answer is not a package index's", where=public(address), hint=WAY_OUT) from None
    return [
        PackageFile(file.filename, _absolute(address, file.url), file.hashes.get("sha256", "").lower(), file.size or 0)
        for file in listed
    ]


class _Links(HTMLParser):
    """Collects `<a href="...#sha256=...">name</a>`; `<base href>` moves what links are relative to."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.base = address
        self.files: list[PackageFile] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if not href:
            return
        address = _absolute(self.base, href)
        if tag == "base" and address:
            self.base = address
        elif tag == "a" and address:
            url, fragment = urldefrag(address)
            digest = fragment.removeprefix("sha256=").lower() if fragment.startswith("sha256=") else ""
            name = unquote(url.partition("?")[0].rpartition("/")[2])
            self.files.append(PackageFile(name, url, digest))


def _absolute(base: str, link: str) -> str:
    """A link as an address; empty where it cannot be one."""
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def _read(answer: httpx.Response) -> bytes:
    page = bytearray()
    for block in answer.iter_bytes():
        page += block
        if len(page) > MAX_PAGE:
            raise MachineFailure(f"the page is larger than {MAX_PAGE:,} bytes", where=public(str(answer.url)))
    return bytes(page)


def _pip_option(name: str) -> str:
    """An option of pip's configuration files, the last file winning. Read as files: pip itself may not be installed."""
    value = ""
    for path in _pip_files():
        config = configparser.RawConfigParser(strict=False)
        try:
            config.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError, OSError):
            continue  # pip will say what is wrong with it
        value = config.get("global", name, fallback=value)
    return value.strip()


def _pip_files() -> list[Path]:
    """Where pip looks, least important first; PIP_CONFIG_FILE=/dev/null switches the others off, as for pip."""
    given = os.environ.get("PIP_CONFIG_FILE", "")
    if given == os.devnull:
        return []
    shared = [
        Path(folder) / "pip" for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep) if folder
    ]
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pip"
    folders = [*shared, Path("/etc"), Path.home() / ".pip", own, Path(sys.prefix)]
    return [folder / "pip.conf" for folder in folders] + ([Path(given)] if given else [])
