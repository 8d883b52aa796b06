"""The header of a GGUF file, read with suspicion: enough to say what it is and that no byte of it is missing.

Every count is checked before it is believed. Not a reader of weights (llama.cpp and transformers do that).
Format: magic, version, counts, key-value pairs, tensor infos, padding, data (little-endian).
"""

from __future__ import annotations

import math
import stat
import struct
from functools import cache
from pathlib import Path
from typing import BinaryIO

import msgspec

from engine.errors import BadInput, one_line

MAX_HEADER = 256 * 1024 * 1024  # bytes; vocabularies of 256,000 tokens take some 20 MB
MAX_KEYS, MAX_TENSORS, MAX_STRING, MAX_DEPTH = 10_000, 100_000, 16 * 1024 * 1024, 4
HINT = "get the file again, or another one"

_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
Scalar = int | float | bool | str


class Header(msgspec.Struct, frozen=True):
    """What a GGUF file says of itself. `values` holds single values; lists (vocabularies) are skipped."""

    version: int
    architecture: str
    parameters: int
    values: dict[str, Scalar]

    def text(self, key: str) -> str:
        """A value as a line of text; empty where the file does not have it."""
        return one_line(str(self.values.get(key, "")))[:200]


def read_header(path: Path) -> Header:
    """Check that `path` is a whole GGUF language model and describe it. Raises BadInput with one sentence."""
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):  # a pipe would keep us waiting, a device would never end
            raise BadInput("not a file", where=str(path), hint="name a GGUF file, or a folder with safetensors")
        with path.open("rb") as source:
            return _read(_Reader(source, str(path)), info.st_size)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", where=str(path), hint="check the path") from None


def _read(reader: _Reader, size: int) -> Header:
    if reader.take(4) != b"GGUF":
        raise reader.bad("not a GGUF file: its first four bytes are not `GGUF`")
    version = int(reader.number("<I"))
    if version not in (2, 3):
        raise reader.bad(f"GGUF version {version} is not known (2 and 3 are)")
    tensors, keys = int(reader.number("<Q")), int(reader.number("<Q"))
    if tensors > MAX_TENSORS or keys > MAX_KEYS:
        raise reader.bad(f"a damaged GGUF file: it claims {tensors:,} tensors and {keys:,} keys")
    values: dict[str, Scalar] = {}
    for _ in range(keys):
        key = reader.string()
        value = reader.value(int(reader.number("<I")))
        if value is not None:
            values[key] = value
    shapes = [_tensor(reader) for _ in range(tensors)]
    _check_whole(reader, size, shapes, values)
    architecture = str(values.get("general.architecture", ""))
    if not architecture or not shapes:
        raise reader.bad("this GGUF file holds no language model")
    if _integer(values, "split.count", 0) > 1:
        raise BadInput("one piece of a split GGUF file", where=reader.where, hint="merge it with `llama-gguf-split`")
    return Header(version, architecture, sum(count for count, _, _ in shapes), values)


def _tensor(reader: _Reader) -> tuple[int, int, int]:
    """(elements, bytes, offset in the data) of one tensor."""
    reader.string()
    dimensions = int(reader.number("<I"))
    if dimensions > 8:
        raise reader.bad(f"a damaged GGUF file: a tensor of {dimensions} dimensions")
    count = math.prod(int(reader.number("<Q")) for _ in range(dimensions))
    kind, offset = int(reader.number("<I")), int(reader.number("<Q"))
    if kind not in _block_sizes():
        raise reader.bad(f"a tensor type that is not known ({kind})")
    block, width = _block_sizes()[kind]
    return count, -(-count // block) * width, offset


@cache
def _block_sizes() -> dict[int, tuple[int, int]]:
    """Tensor type -> (elements, bytes) of one block. Imported late: 0.3 s that only an import needs."""
    from gguf.constants import GGML_QUANT_SIZES

    return {int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items()}


def _check_whole(reader: _Reader, size: int, shapes: list[tuple[int, int, int]], values: dict[str, Scalar]) -> None:
    alignment = max(1, _integer(values, "general.alignment", 32))
    start = -(-reader.taken // alignment) * alignment
    needed = start + max((offset + width for _, width, offset in shapes), default=0)
    if size < needed:
        raise reader.bad(f"the GGUF file is cut short: {size:,} bytes of at least {needed:,}")


def _integer(values: dict[str, Scalar], key: str, default: int) -> int:
    value = values.get(key, default)
    return value if isinstance(value, int) else default


class _Reader:
    """Takes values off a stream, never more than the limits allow."""

    def __init__(self, source: BinaryIO, where: str) -> None:
        self.source, self.where, self.taken = source, where, 0

    def take(self, count: int) -> bytes:
        if count > MAX_STRING or self.taken + count > MAX_HEADER:
            raise self.bad("a damaged GGUF file: its header is larger than any real one")
        data = self.source.read(count)
        if len(data) < count:
            raise self.bad("the GGUF file is cut short in its header")
        self.taken += count
        return data

    def number(self, code: str) -> int | float | bool:
        found: int | float | bool = struct.unpack(code, self.take(struct.calcsize(code)))[0]
        return found

    def string(self) -> str:
        return self.take(int(self.number("<Q"))).decode("utf-8", errors="replace")

    def value(self, kind: int, depth: int = 0) -> Scalar | None:
        """One value; None for a list, which is only stepped over."""
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY or depth > MAX_DEPTH:
            raise self.bad(f"a damaged GGUF file: value type {kind}")
        inner, count = int(self.number("<I")), int(self.number("<Q"))
        if inner in _NUMBERS:
            self.skip(count * struct.calcsize(_NUMBERS[inner]))
            return None
        for _ in range(count):
            self.value(inner, depth + 1)
        return None

    def skip(self, count: int) -> None:
        while count > 0:
            count -= len(self.take(min(count, MAX_STRING)))

    def bad(self, what: str) -> BadInput:
        return BadInput(what, where=self.where, hint=HINT)
