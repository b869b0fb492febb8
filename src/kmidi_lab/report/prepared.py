"""What `task=prepare` says of the data: its sources, its splits and what was left out, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kmidi_lab.report.formats import count, text_table

_SPLITS = ("train", "val", "test")
_TOLD = ("id", "version", "stand_in", "licence", "sources", "problems", "absent", "split", "rule")


def prepared_text(data: Mapping[str, Any]) -> str:
    """The `data` object of run.json in tables; keys that it doesn't know are lines of their own."""
    lines = [f"{data['id']}, version {data['version']}"]
    if data.get("stand_in"):
        lines.append(str(data["stand_in"]))
    if data.get("absent"):
        lines.append(f"not there: {', '.join(data['absent'])}")
    lines += _table("source", [row["name"] for row in data.get("sources", [])], data.get("sources", []))
    split = data.get("split", {})
    named = [name for name in _SPLITS if isinstance(split.get(name), Mapping)]
    lines += _table("split", named, [split[name] for name in named])
    if split.get("rule"):
        lines.append(f"split {split['rule']}")
    left_out = data.get("problems") or {}
    if left_out:
        lines += _table("left out, because", list(left_out), [{"": n} for n in left_out.values()])
    lines += [
        f"{key}: {_text(value)}" for key, value in data.items() if key not in _TOLD and value not in (None, "", {}, [])
    ]
    return "\n".join(lines)


def _table(what: str, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row for each name, a column for each key; nothing where there are no rows."""
    keys = [key for key in dict.fromkeys(key for row in rows for key in row) if key != "name"]
    keys = [key for key in keys if any(row.get(key) not in (None, "", {}, []) for row in rows)]
    numeric = [at for at, key in enumerate(keys, 1) if all(isinstance(row.get(key, 0), int | float) for row in rows)]
    cells = [[name, *(_text(row.get(key, "")) for key in keys)] for name, row in zip(names, rows, strict=True)]
    return ["", text_table([what, *(key.replace("_", " ") for key in keys)], cells, numeric)] if rows else []


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, float):
        return f"{value:,.1f}"
    return count(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)
