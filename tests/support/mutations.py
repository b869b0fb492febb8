"""Random damage to JSON documents and to bytes, for tests that no damage ends in a traceback."""

from __future__ import annotations

import copy
import json
import math
import os
from typing import Any

from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("KMIDI_MUTATIONS", "20"))
"""Examples of one test; KMIDI_MUTATIONS=2000 for a night."""
_DEEP: Any = []
for _ in range(300):
    _DEEP = [_DEEP]
ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 3, 10**30, 1e308, -0.5, math.nan, math.inf, "", "x", "trained", "production", "stub",
    "\ud800", "\x1b[2J\n", "../../x", "/etc/passwd", "golden/x.json", "a" * 5000, "=1+1", "0" * 64, "{}", "${oc.env:HOME}",
    [], {}, [None], [[1], "2"], {"a": {}}, {"": 1}, _DEEP,
]  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inside for place in _places(part, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """The document with one to three parts replaced, removed, renamed, doubled or put into a list."""
    changed = [copy.deepcopy(document)]
    for _ in range(draw(st.integers(1, 3))):
        path = (0, *draw(st.sampled_from(_places(changed[0]))))
        owner: Any = changed
        for key in path[:-1]:
            owner = owner[key]
        key, how = path[-1], draw(st.sampled_from(["replace", "replace", "remove", "rename", "wrap", "double"]))
        if how == "remove" and len(path) > 1:
            owner.pop(key)
        elif how == "rename" and isinstance(owner, dict):
            owner[draw(st.sampled_from(["x", "", "id", "file", f"{key} "]))] = owner.pop(key)
        elif how == "wrap":
            owner[key] = [owner[key]]
        elif how == "double" and isinstance(owner, list) and len(path) > 1:
            owner.append(copy.deepcopy(owner[key]))
        else:
            owner[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
    return changed[0]


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes cut short, with some changed, some lost or some put in."""
    at = draw(st.integers(0, len(data)))
    end = draw(st.integers(at, min(len(data), at + 40)))
    how = draw(st.sampled_from(["cut", "change", "lose", "insert", "nothing"]))
    some = draw(st.binary(min_size=1, max_size=40))
    if how == "cut":
        return data[:at]
    if how == "nothing":
        return b""
    return data[:at] + (b"" if how == "lose" else some) + data[at if how == "insert" else end :]


def json_bytes(document: Any) -> bytes:
    """Also of what JSON has no form for: NaN, infinity, halves of surrogate pairs (escaped)."""
    return json.dumps(document).encode()
