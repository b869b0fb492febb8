"""JSON to dataclasses and back, with the type hints as the schema: what does not fit is named, never guessed."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class MisfitError(ValueError):
    """A value that is not of the type asked for; the message names its place."""


def from_json(kind: type[T], value: Any, place: str = "") -> T:
    """A dataclass from the object that holds its fields.

    Hints may be other dataclasses, plain types, `Any`, unions with None, `list[…]`, `dict[str, …]` and `Mapping[str,
    …]`. A field with a default may be absent; an int stands for a float.

    Args:
        kind: the dataclass.
        value: what `json.loads` gave.
        place: where the value stands, for the message.

    Raises:
        MisfitError: a key that no field has, a field that is missing, or a value of another type.
    """
    if not isinstance(value, Mapping):
        raise MisfitError(f"{place or 'the whole'} is {_show(value)}, not an object")
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    odd = [key for key in value if key not in fields]
    if odd:
        raise MisfitError(f"{_below(place, odd[0])} is no key of a run")
    missing = [
        name
        for name, field in fields.items()
        if name not in value and field.default is field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise MisfitError(f"{_below(place, missing[0])} is missing")
    return kind(**{key: _value(hints[key], part, _below(place, key)) for key, part in value.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _value(hint: Any, value: Any, place: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and types.NoneType in arguments:
            return None
        [hint] = [argument for argument in arguments if argument is not types.NoneType]
        return _value(hint, value, place)
    if origin is list and isinstance(value, list):
        return [_value(arguments[0], part, f"{place}[{at}]") for at, part in enumerate(value)]
    if origin in (dict, Mapping) and isinstance(value, Mapping):
        return {str(key): _value(arguments[1], part, _below(place, key)) for key, part in value.items()}
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast("type[Any]", hint), value, place)
    plain = {float: (int, float)}.get(hint, hint)
    if origin is None and isinstance(value, plain) and (hint is bool or not isinstance(value, bool)):
        return value
    raise MisfitError(f"{place} is {_show(value)}, not {getattr(hint, '__name__', hint)}")


def to_json(value: Any) -> Any:
    """The same as plain dicts and lists, keys in the order of the fields."""
    return dataclasses.asdict(value)


def _below(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
