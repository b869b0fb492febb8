"""Prepared data as bytes and back, without pickle: a file can hold values, and run nothing.

Equal things lie together: a list of dataclasses is a column for each field, whose numbers are one array. The file is a
JSON text that says what the columns are, then their arrays as NumPy writes them.

What is kept: None, bool, int, float, str, slices, lists, tuples, sets, dicts, NumPy's arrays and numbers, and the lab's
own dataclasses and named tuples, which are filled without a call of their own code.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import math
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from kmidi_lab.targets import LAB

__all__ = ["SUFFIX", "dumps", "read"]

SUFFIX = ".prepared"
_SLICE = attrgetter("start", "stop", "step")
_INT64 = range(-(2**63), 2**63)
HOLDERS: dict[str, Callable[..., Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
NUMBERS = {"bool": np.dtype("?"), "int": np.dtype("<i8"), "float": np.dtype("<f8")}


def dumps(value: object) -> bytes:
    """Raises TypeError for what is not kept, such as an object of another package."""
    arrays: list[np.ndarray] = []
    plan = orjson.dumps(_write([value], arrays))
    out = io.BytesIO()
    for array in (np.frombuffer(plan, np.uint8), *arrays):
        np.lib.format.write_array(out, array, allow_pickle=False)
    return out.getvalue()


def _kind(value: Any) -> str:
    of = type(value)
    name = of.__name__
    if value is None or of in (bool, float, str, slice, list, tuple, set, frozenset, dict):
        return "none" if value is None else name
    if of is int:
        return "int" if value in _INT64 else "long"
    if of is np.ndarray or isinstance(value, np.generic):
        if value.dtype.hasobject or value.dtype.fields is not None or value.dtype.kind == "V":
            raise TypeError(f"an array of {value.dtype} is not kept")
        return f"{'array' if of is np.ndarray else 'number'} {value.dtype.str}"
    return f"class {of.__module__} {of.__qualname__}"


def _write(values: list[Any], arrays: list[np.ndarray]) -> list[Any]:
    """The plan of a column, whose arrays are added in the order that `_read` wants them in."""
    if len(values) > 1:
        # An object that is there several times is written once, as it is one object afterwards.
        once = {id(value): value for value in values}
        if 2 * len(once) < len(values):
            places = dict(zip(once, range(len(once)), strict=True))
            arrays.append(np.array([places[id(value)] for value in values], "<u4"))
            return ["again", len(once), _write(list(once.values()), arrays)]
    kinds = [_kind(value) for value in values]
    present = list(dict.fromkeys(kinds))
    if len(present) == 1:
        return [present[0], *_write_kind(present[0], values, arrays)]
    number = {kind: n for n, kind in enumerate(present)}
    arrays.append(np.array([number[kind] for kind in kinds], "<u4"))
    parts: list[list[Any]] = [[] for _ in present]
    for value, kind in zip(values, kinds, strict=True):
        parts[number[kind]].append(value)
    return ["mixed", *([len(part), _write(part, arrays)] for part in parts)]


def _write_kind(kind: str, values: list[Any], arrays: list[np.ndarray]) -> list[Any]:
    name, *rest = kind.split(" ")
    if name == "none":
        arrays.append(np.zeros(len(values), np.uint8))
        return []
    if name in NUMBERS:
        arrays.append(np.array(values, NUMBERS[name]))
        return []
    if name in ("str", "long"):
        return _write_texts([str(value) for value in values], arrays)
    if name in ("array", "number"):
        dtype = np.dtype(rest[0])
        shapes = [value.shape for value in values]
        arrays.append(np.concatenate([np.asarray(value).reshape(-1) for value in values], dtype=dtype))
        return [_write(shapes, arrays)] if name == "array" else []
    if name == "slice":
        return _write_fields(values, _SLICE, 3, arrays)
    if name == "dict":
        arrays.append(np.array([len(value) for value in values], "<i8"))
        return [_write([*chain.from_iterable(v if n else v.values() for v in values)], arrays) for n in (1, 0)]
    if name in HOLDERS:
        arrays.append(np.array([len(value) for value in values], "<i8"))
        return [_write([*chain.from_iterable(values)], arrays)]
    of, fields = class_of(*rest)
    if dataclasses.is_dataclass(of) and any(vars(value).keys() != set(fields) for value in values):
        raise TypeError(f"a {of.__qualname__} with other attributes than its fields is not kept")
    return [fields, *_write_fields(values, attrgetter(*fields), len(fields), arrays)]


def _write_fields(values: list[Any], get: Callable[[Any], Any], fields: int, arrays: list[np.ndarray]) -> list[Any]:
    rows = [get(value) if fields > 1 else (get(value),) for value in values]
    return [_write([row[n] for row in rows], arrays) for n in range(fields)]


def _write_texts(texts: list[str], arrays: list[np.ndarray]) -> list[Any]:
    places = {text: n for n, text in enumerate(dict.fromkeys(texts))}
    # Names of files may hold bytes that are no text, which JSON refuses.
    data = [text.encode("utf-8", "surrogatepass") for text in places]
    arrays.append(np.array([len(text) for text in data], "<i8"))
    arrays.append(np.frombuffer(b"".join(data), np.uint8))
    arrays.append(np.array([places[text] for text in texts], "<u4"))
    return []


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
        numbers = _column(file, count)
        if numbers.dtype != NUMBERS[name]:
            raise ValueError(f"{name} of {numbers.dtype}")
        return numbers.tolist()
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
    names, *parts = plan
    if names != fields:
        raise ValueError(f"{of.__qualname__} has other fields now")
    rows = zip(*(_read(part, count, file) for part in parts), strict=True)
    if issubclass(of, tuple):
        return [tuple.__new__(of, row) for row in rows]
    # Not `of(…)`, which would run code of its own, and is slower.
    objects = [object.__new__(of) for _ in range(count)]
    for one, row in zip(objects, rows, strict=True):
        vars(one).update(zip(fields, row, strict=True))
    return objects


def _read_texts(file: BinaryIO, count: int) -> list[str]:
    sizes, data = _array(file).tolist(), _array(file).tobytes()
    texts = [part.decode("utf-8", "surrogatepass") for part in _cut(data, sizes)]
    return [texts[place] for place in _column(file, count).tolist()]


def _read_arrays(shapes: list[Any], count: int, file: BinaryIO) -> list[np.ndarray]:
    flat = _array(file)
    sizes = _read(shapes, count, file)
    parts = _cut(flat, [math.prod(shape) for shape in sizes])
    return [part.reshape(shape) for part, shape in zip(parts, sizes, strict=True)]


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
    array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    return array


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
