"""Where the files that go with a MIDI file are written: its sound, its picture, and what else has its name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from kmidi_lab.files import write_atomic

_FILES = "files"
"""Under which a trace names the files that were written with it, each with its SHA-256."""


def companions(
    target: Path, endings: Sequence[str], folder: Path, say: Callable[[str], object], trace: str = ""
) -> list[Path]:
    """A file of the MIDI file's name for each ending: all of them beside it, or all in the run folder.

    A file that was there before may be anybody's: it stays. One of them is enough that none of the new ones goes beside it, since
    a page and a sound of two songs under one name would be taken for one. Those that an earlier run wrote, and nobody changed
    since, are replaced.

    Args:
        target: the MIDI file.
        endings: such as `.wav`.
        folder: of the run.
        say: takes a line.
        trace: the ending of the file that knows those of an earlier run (`write_trace`); empty where none does.
    """
    beside = [target.with_suffix(ending) for ending in endings]
    own = written_before(target.with_suffix(trace)) if trace else set()
    there = [path.name for path in beside if path.exists() and path not in own]
    if not there or target.parent.resolve() == folder.resolve():
        return beside
    stay = "was there before and stays" if len(there) == 1 else "were there before and stay"
    say(f"beside {target}, {', '.join(there)} {stay}; what goes with the new {target.name} is in {folder}")
    return [folder / path.name for path in beside]


def write_trace(path: Path, trace: Mapping[str, Any], written: Sequence[Path]) -> None:
    """Writes a trace that knows itself and the files beside it that were written with it.

    Args:
        path: the trace.
        trace: what stands in it.
        written: the other files; those in another folder are not named.
    """
    files = {file.name: _sum(file.read_bytes()) for file in written if file.parent == path.parent}
    files[path.name] = _sum(orjson.dumps(trace, option=orjson.OPT_SORT_KEYS))
    write_atomic(path, orjson.dumps({**trace, _FILES: files}, option=orjson.OPT_INDENT_2))


def written_before(path: Path) -> set[Path]:
    """The trace and the files that it names, without those that were changed since; none where it is no such trace."""
    try:
        trace = orjson.loads(path.read_bytes())
        files = trace.pop(_FILES)
        own = {path.with_name(name) for name in files}
        if files[path.name] != _sum(orjson.dumps(trace, option=orjson.OPT_SORT_KEYS)):
            return set()
        return {p for p in own if p == path or (p.is_file() and _sum(p.read_bytes()) == files[p.name])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
