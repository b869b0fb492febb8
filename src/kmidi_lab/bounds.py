"""Ranges of arguments, declared where the argument is: one check and one wording for all that a config sets.

    class Net(Bounded):
        config_key = "model.module"

        def __init__(self, layers: Count = 3, dropout: Share = 0.1, sizes: Sequence[Count] = (64, 32)) -> None: ...

`Net(layers=0)` raises `model.module.layers=0 must be 1 or more, such as model.module.layers=3`, whoever makes it.
Relations between two arguments are the constructor's own to check.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from numbers import Integral, Real
from typing import Annotated, Any, ClassVar, Self

from annotated_types import Ge, GroupedMetadata, Gt, Interval, Le, Lt, MinLen

from kmidi_lab.errors import ConfigError, show

Count = Annotated[int, Ge(1)]
CountOrNone = Annotated[int, Ge(0)]
"""0 is none, or off."""
Share = Annotated[float, Interval(ge=0, le=1)]
Sizes = Annotated[Sequence[Count], MinLen(1)]
LARGEST_SEED = 2**32 - 1
_LIMITS = (Ge, Gt, Le, Lt)


def checked_seed(seed: object) -> int:
    """The seed as a plain number. Raises ConfigError: not a whole number that numpy and torch take as one."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= int(seed) <= LARGEST_SEED:
        raise ConfigError(f"seed={show(seed)} must be a whole number from 0 to {LARGEST_SEED}, such as seed=3")
    return int(seed)


class _ConstructorSignature:
    """What `inspect.signature` and `help` show of a class: the arguments of its constructor, not those of `__new__`."""

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        if instance is not None:
            raise AttributeError("__signature__")
        signature = inspect.signature(owner.__init__)  # type: ignore[misc]
        return signature.replace(parameters=list(signature.parameters.values())[1:])


class Bounded:
    """Arguments of the constructor are checked against their annotations before it runs.

    An argument that a base class bounds is bounded in its subclasses, too, unless they bound it themselves.

    Raises:
        ConfigError: a value out of range.
    """

    config_key: ClassVar[str]
    """Where a config sets the arguments, such as `model.module`."""
    __signature__ = _ConstructorSignature()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Checks the arguments; copies and unpickled objects, which are made without any, pass."""
        check(cls, args, kwargs)
        return super().__new__(cls)


def check(kind: type[Bounded], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Raises ConfigError: an argument out of its range. Makes nothing."""
    signature = inspect.signature(kind)
    try:
        values = signature.bind(*args, **kwargs).arguments
    except TypeError:  # the constructor itself says best which argument is missing or too much
        return
    for name, hint in _hints(kind).items():  # type: ignore[arg-type]  # a class is hashable
        optional = _some(hint) is not hint
        hint = _some(hint)
        if name in values and not (optional and values[name] is None) and not _fits(values[name], hint):
            default = signature.parameters[name].default
            key = f"{kind.config_key}.{name}"
            example = "" if default in (inspect.Parameter.empty, None) else f", such as {key}={_text(default)}"
            raise ConfigError(f"{key}={_text(values[name])} must be {_range(hint, values[name])}{example}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The annotation of each bounded argument, a subclass's before its base's."""
    hints: dict[str, Any] = {}
    for part in reversed(kind.__mro__):
        if part is Bounded or not issubclass(part, Bounded):
            continue
        source = part if is_dataclass(part) else vars(part).get("__init__")
        if source is not None:
            annotations = inspect.get_annotations(source, eval_str=True)
            hints |= {name: hint for name, hint in annotations.items() if _bounded(_some(hint))}
    return hints


def _some(hint: Any) -> Any:
    """Of `X | None`, X; any other annotation as it is."""
    parts = typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else ()
    return parts[0] if len(parts) == 2 and parts[1] is types.NoneType else hint


def _bounded(hint: Any) -> bool:
    return bool(list(_limits(hint))) or any(_bounded(part) for part in _elements(hint))


def _limits(hint: Any) -> Iterator[Any]:
    """The limits that an annotation names for the value itself; a text in it is a remark, such as who checks it."""
    for item in typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ():
        if not isinstance(item, str):
            yield from item if isinstance(item, GroupedMetadata) else [item]


def _elements(hint: Any) -> tuple[Any, ...]:
    """The annotation of a sequence's elements; nothing for a number."""
    plain = typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint
    return typing.get_args(plain) if typing.get_origin(plain) is Sequence else ()


def _fits(value: Any, hint: Any) -> bool:
    limits, elements = list(_limits(hint)), _elements(hint)
    if elements:
        listed = isinstance(value, Sequence) and not isinstance(value, str)
        long_enough = all(len(value) >= limit.min_length for limit in limits) if listed else False
        return long_enough and all(_fits(part, elements[0]) for part in value)
    number = Integral if typing.get_args(hint)[0] is int else Real
    return isinstance(value, number) and all(_within(value, limit) for limit in limits)


def _within(value: Any, limit: Any) -> bool:
    """Whether a number is within a limit; NaN is within none."""
    match limit:
        case Ge(ge=low):
            return bool(value >= low)
        case Gt(gt=low):
            return bool(value > low)
        case Le(le=high):
            return bool(value <= high)
        case Lt(lt=high):
            return bool(value < high)
    raise TypeError(f"{limit} is no limit; give one of {', '.join(kind.__name__ for kind in _LIMITS)}")


def _range(hint: Any, value: Any) -> str:
    """What is allowed, in words."""
    if elements := _elements(hint):
        odd = [part for part in value if not _fits(part, elements[0])] if isinstance(value, Sequence) else []
        least = max((limit.min_length for limit in _limits(hint)), default=0)
        count = f"{least} or more" if least else "any number of"
        return f"a list of {count} values, each {_range(elements[0], odd[0] if odd else 1)}"
    whole = "whole and " if typing.get_args(hint)[0] is int and not isinstance(value, Integral) else ""
    limits = {type(limit): limit for limit in _limits(hint)}
    ge, gt, le, lt = (limits.get(kind) for kind in _LIMITS)
    if ge and le:
        return f"{whole}{ge.ge:g} to {le.le:g}"
    low = f"{ge.ge:g} or more" if ge else f"above {gt.gt:g}" if gt else ""
    high = f"at most {le.le:g}" if le else f"below {lt.lt:g}" if lt else ""
    return whole + " and ".join(part for part in (low, high) if part)


def _text(value: Any) -> str:
    """A value as the command line takes it."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{','.join(map(_text, value))}]"
    return str(value)
