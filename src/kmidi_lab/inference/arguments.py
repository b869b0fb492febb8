"""Arguments of `predict`, from Python: the names that a model's request takes, and values of the kinds that it is annotated with."""

from __future__ import annotations

import inspect
import os
import types
import typing
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from kmidi_lab.errors import ConfigError, one_of, show

_KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a text"),
    bytes: ((bytes,), "bytes"),
    int: ((Real,), "a number"),
    float: ((Real,), "a number"),
    Path: ((os.PathLike,), "a path"),
}
"""By annotation: the types of values that fit, and how they are named."""
_FILE = "out"
"""The file that the command line writes; from Python nothing is written."""


def check_arguments(request: type, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Whether `request(*args, **kwargs)` can be made at all; ranges are the request's own to check.

    Raises:
        ConfigError: a name that it does not take, too many or too few arguments, a value of another kind, or a file to write.
    """
    signature = inspect.signature(request)
    names = [name for name in (*signature.parameters, "seed") if name != _FILE]
    for name in kwargs:
        if name not in (*names, _FILE):
            raise ConfigError(one_of("predict", name, names))
    try:
        values = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise ConfigError(f"predict: {error}; it takes {', '.join(names)}") from None
    if values.get(_FILE) is not None:
        raise ConfigError(f"predict.{_FILE}={show(values[_FILE])}: Python writes no file; write .midi of the answer")
    check_kinds(request, values)


def check_kinds(request: type, values: Mapping[str, Any]) -> None:
    """Whether values are of the kinds that the request's constructor is annotated with. Raises ConfigError."""
    hints = inspect.get_annotations(request.__init__, eval_str=True)  # type: ignore[misc]  # of the class, not of one object
    for name, value in values.items():
        parts = _parts(hints.get(name, Any))
        if not any(_fits(value, part) for part in parts):
            kinds = " or ".join(dict.fromkeys(filter(None, map(_told, parts))))
            raise ConfigError(f"predict.{name}={show(value)} must be {kinds}")


def _parts(hint: Any) -> tuple[Any, ...]:
    """The members of a union; of any other annotation itself."""
    return typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the kind; `Annotated` ones are checked with their bounds or by the request, and others take anything."""
    origin = typing.get_origin(hint)
    if origin is None and hint in _KINDS:
        return isinstance(value, _KINDS[hint][0])
    if origin is Sequence:
        within = typing.get_args(hint)[0]
        return (
            isinstance(value, Sequence) and not isinstance(value, str | bytes) and all(_fits(v, within) for v in value)
        )
    if origin is np.ndarray:
        numbers = isinstance(value, Sequence) and all(isinstance(v, Real) for v in value)
        return numbers or (isinstance(value, np.ndarray) and value.dtype.kind in "biuf")
    return value is None if hint is types.NoneType else True


def _told(hint: Any) -> str:
    if typing.get_origin(hint) is Sequence:
        return f"several, each {_told(typing.get_args(hint)[0])}"
    return "samples" if typing.get_origin(hint) is np.ndarray else _KINDS.get(hint, ((), ""))[1]
