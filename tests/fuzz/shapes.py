"""Valid values of msgspec types, as builtins: a new message or event is covered as soon as its type exists.

`words` holds sensible values by the name of a field, so that what is made does not only fit its type but also names
nodes, runs and files that are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import msgspec
from msgspec import inspect

Words = Mapping[str, Sequence[Any]]
USUAL: Words = {
    "keep": (["en"], ["en", "zh"]),  # codes of languages
    "shares": ({"train": 0.9, "validation": 0.1}, {"a": 0.5, "b": 0.5}),  # they add up to one
}
"""Fields whose types ask for more than a kind of value."""


def valid(kind: type[msgspec.Struct], rng: Random, words: Words) -> dict[str, Any]:
    """A value of `kind`, with its tag, as builtins."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return _struct(info, rng, words)


def tag(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)


def _struct(info: inspect.StructType, rng: Random, words: Words) -> dict[str, Any]:
    made: dict[str, Any] = {info.tag_field: info.tag} if info.tag_field else {}
    for field in info.fields:
        if field.required or rng.random() < 0.6:
            made[field.encode_name] = _value(field.type, field.encode_name, rng, words)
    return made


def _value(info: inspect.Type, name: str, rng: Random, words: Words) -> Any:
    if name in USUAL:
        return rng.choice(USUAL[name])
    match info:
        case inspect.StructType():
            return _struct(info, rng, words)
        case inspect.UnionType():
            return _value(rng.choice(info.types), name, rng, words)
        case inspect.LiteralType():
            return rng.choice(info.values)
        case inspect.NoneType():
            return None
        case inspect.BoolType():
            return rng.random() < 0.5
        case inspect.DictType():
            keys = [_value(info.key_type, f"{name} key", rng, words) for _ in range(rng.randrange(3))]
            return {key: _value(info.value_type, f"{name} value", rng, words) for key in keys}
        case inspect.TupleType():
            return [_value(item, name, rng, words) for item in info.item_types]
        case inspect.VarTupleType() | inspect.ListType() | inspect.SetType() | inspect.FrozenSetType():
            least, most = info.min_length or 0, min(info.max_length or 3, 3)
            return [_value(info.item_type, name, rng, words) for _ in range(rng.randint(least, max(least, most)))]
    return rng.choice(words[name]) if name in words else _scalar(info, rng)


def _scalar(info: inspect.Type, rng: Random) -> Any:
    match info:
        case inspect.IntType():
            low = info.ge if info.ge is not None else 0
            return rng.choice((low, low + 1, min(info.le if info.le is not None else 100, low + 100)))
        case inspect.FloatType():
            low = max(x for x in (info.ge, info.gt, 0.0) if x is not None)
            high = min(x for x in (info.le, info.lt, 1000.0) if x is not None)
            return low + (high - low) * rng.choice((0.01, 0.5, 0.9))
        case inspect.StrType():
            return rng.choice(("a", "some text", "n1"))[: info.max_length]
        case inspect.BytesType():
            return b"{}"
    raise TypeError(f"no value for {info}: add it to tests/fuzz/shapes.py")
