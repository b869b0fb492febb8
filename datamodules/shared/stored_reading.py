"""Reads what `stored` has written: values alone, whatever a file says."""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from kmidi_lab.targets import LAB

HOLDERS: dict[str, Callable[..., Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
NUMBERS = {"bool": np.dtype("?"), "int": np.dtype("<i8"), "float": np.dtype("<f8")}


def read(path: Path) -> Any:
    """What `dumps` gave. Raises OSError, or any Exception for a file that is cut short, foreign or of other code."""
    with path.open("rb") as file:
        plan = orjson.loads(_array(file).tobytes())
        [value] = _read(plan, 1, file)
        if file.read(1):
            raise ValueError("more than was written")
    return value


def _read(plan: list[Any], count: int, file: BinaryIO) -> list[Any]:
    """The `count` values of a column."""
    kind, *rest = plan
    if kind == "again":
        places = _column(file, count).tolist()
        once = _read(rest[1], rest[0], file)
        return [once[place] for place in places]
    if kind == "mixed":
        which = _column(file, count).tolist()
        parts = [iter(_read(part, size, file)) for size, part in rest]
        return [next(parts[n]) for n in which]
    name, *of = kind.split(" ")
    if name == "none":
        return [None] * len(_column(file, count))
    if name in NUMBERS:
        found = _column(file, count)
        if found.dtype != NUMBERS[name]:
            raise ValueError(f"{name} of {found.dtype}")
        return found.tolist()
    if name in ("str", "long"):
        texts = _read_texts(file, count)
        return texts if name == "str" else [int(text) for text in texts]
    if name == "number":
        return list(_column(file, count))
    if name == "array":
        return _read_arrays(rest[0], count, file)
    if name == "slice":
        return [slice(*row) for row in zip(*(_read(part, count, file) for part in rest), strict=True)]
    if name == "dict":
        sizes = _column(file, count).tolist()
        keys, values = (_read(part, sum(sizes), file) for part in rest)
        return [dict(pairs) for pairs in _cut([*zip(keys, values, strict=True)], sizes)]
    if name in HOLDERS:
        sizes = _column(file, count).tolist()
        return [HOLDERS[name](part) for part in _cut(_read(rest[0], sum(sizes), file), sizes)]
    return _read_objects(*class_of(*of), rest, count, file)


def _read_objects(of: type, fields: list[str], plan: list[Any], count: int, file: BinaryIO) -> list[Any]:
    told, *parts = plan
    if told != fields:
        raise ValueError(f"{of.__qualname__} has other fields now")
    rows = zip(*(_read(part, count, file) for part in parts), strict=True)
    if issubclass(of, tuple):
        return [tuple.__new__(of, row) for row in rows]
    # Not `of(…)`, which would run code of its own, and is slower.
    made = [object.__new__(of) for _ in range(count)]
    for one, row in zip(made, rows, strict=True):
        vars(one).update(zip(fields, row, strict=True))
    return made


def _read_texts(file: BinaryIO, count: int) -> list[str]:
    sizes, data = _array(file).tolist(), _array(file).tobytes()
    texts = [part.decode("utf-8", "surrogatepass") for part in _cut(data, sizes)]
    return [texts[place] for place in _column(file, count).tolist()]


def _read_arrays(shapes: list[Any], count: int, file: BinaryIO) -> list[np.ndarray]:
    flat = _array(file)
    wanted = _read(shapes, count, file)
    parts = _cut(flat, [math.prod(shape) for shape in wanted])
    return [part.reshape(shape) for part, shape in zip(parts, wanted, strict=True)]


def _cut(whole: Any, sizes: Sequence[int]) -> list[Any]:
    """`whole` in pieces of these sizes, which must be all of it."""
    ends = [*accumulate(sizes, initial=0)]
    if ends[-1] != len(whole) or min(sizes, default=0) < 0:
        raise ValueError("the sizes don't fit")
    return [whole[a:b] for a, b in zip(ends, ends[1:], strict=False)]


def _column(file: BinaryIO, count: int) -> np.ndarray:
    array = _array(file)
    if array.shape != (count,):
        raise ValueError("the lengths don't fit")
    return array


def _array(file: BinaryIO) -> np.ndarray:
    found: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    return found


def class_of(module: str, name: str) -> tuple[type, list[str]]:
    """A class of the lab that only holds values, and its fields. Raises TypeError for any other."""
    of = getattr(importlib.import_module(module), name, None) if module.partition(".")[0] in LAB else None
    if isinstance(of, type) and of.__module__ == module:
        if dataclasses.is_dataclass(of) and hasattr(of, "__dict__"):
            fields = [field.name for field in dataclasses.fields(of)]
        else:
            fields = list(getattr(of, "_fields", ())) if issubclass(of, tuple) else []
        if fields:
            return of, fields
    raise TypeError(f"{module}.{name} is no dataclass or named tuple of the lab with fields")
