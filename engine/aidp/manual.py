"""What every operator is, as facts made from its type: for `trex data schema` and for the guide's table.

Nothing here is written by hand beside the types (`engine.aidp.kinds`), so nothing can be out of date. Light.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from msgspec import inspect

from engine.aidp.kinds.base import Operator, operator_name
from engine.aidp.recipe import AnyOperator, Recipe
from engine.aidp.services import WORDS

DRAFT = "https://json-schema.org/draft/2020-12/schema"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One field. `takes`: what it may be, in words. `default`: as JSON; "" where it has to be given."""

    name: str
    takes: str
    default: str = ""


class Manual(msgspec.Struct, frozen=True, kw_only=True):
    """One operator. `needs`: models, files and places, in words; `reads` and `gives`: columns beside ours."""

    name: str
    family: str
    text: str
    parameters: tuple[Parameter, ...] = ()
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    draws: bool = False
    brings: bool = False


def manuals() -> tuple[Manual, ...]:
    """All operators, those of a family together."""
    return tuple(map(manual, kinds()))


def kinds() -> tuple[type[Operator], ...]:
    """The types of all operators, in the order of the recipe's union."""

    def each(union: Any) -> Iterator[type[Operator]]:
        if parts := get_args(union):
            for part in parts:
                yield from each(part)
        else:
            yield union

    return tuple(each(AnyOperator))


def manual(kind: type[Operator]) -> Manual:
    """What one operator is."""
    return Manual(
        name=operator_name(kind),
        family=kind.__module__.rpartition(".")[2],
        text=" ".join((kind.__doc__ or "").split()),
        parameters=tuple(_parameter(field) for field in _fields(kind)),
        needs=tuple(WORDS[need][0] for need in sorted(kind.needs)),
        reads=kind.reads,
        gives=kind.gives,
        draws=kind.draws,
        brings=kind.brings,
    )


def schema() -> dict[str, Any]:
    """The JSON schema of a whole recipe."""
    return {"$schema": DRAFT, **msgspec.json.schema(Recipe)}


def schema_of(kind: type[Operator]) -> dict[str, Any]:
    """The JSON schema of one operator."""
    return {"$schema": DRAFT, **msgspec.json.schema(kind)}


def _fields(kind: type[Operator]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return info.fields


def _parameter(field: inspect.Field) -> Parameter:
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    told = "" if default is msgspec.NODEFAULT else msgspec.json.encode(default).decode()
    return Parameter(name=field.encode_name, takes=_takes(field.type), default=told)


def _takes(info: inspect.Type) -> str:
    """`a whole number from 1 to 10,000,000`."""
    match info:
        case inspect.Metadata(type=inner):
            return _takes(inner)
        case inspect.BoolType():
            return "true or false"
        case inspect.NoneType():
            return "null"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values))
        case inspect.IntType(ge=low, le=high, gt=over, lt=under):
            return f"a whole number{_range(low, high, over, under)}"
        case inspect.FloatType(ge=low, le=high, gt=over, lt=under):
            return f"a number{_range(low, high, over, under)}"
        case inspect.StrType(max_length=most):
            return "a text" + (f" of at most {most:,} characters" if most else "")
        case inspect.UnionType(types=types):
            return ", or ".join(map(_takes, types))
        case inspect.VarTupleType(item_type=item, min_length=least, max_length=most):
            size = f" of {least:,} to {most:,}" if least and most else f" of at most {most:,}" if most else ""
            return f"a list{size}, each {_takes(item)}"
        case inspect.DictType(value_type=value):
            return f"a table, each value {_takes(value)}"
        case _:
            raise TypeError(f"a recipe has no parameters of this type: {info}")


def _range(low: float | None, high: float | None, over: float | None, under: float | None) -> str:
    parts = (
        (low, "from"),
        (over, "more than"),
        (high, "to" if low is not None or over is not None else "at most"),
        (under, "less than"),
    )
    return "".join(f" {word} {_number(bound)}" for bound, word in parts if bound is not None)


def _number(bound: float) -> str:
    return f"{int(bound):,}" if float(bound).is_integer() else f"{bound:g}"
