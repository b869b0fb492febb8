"""A song's MIDI file and what goes with it under its name: a set that the next song replaces as a whole.

The trace is the file of the set that knows the others by their hashes. It is written first, with the hashes of what is about to
be replaced beside those of what comes, and again when all is there. So a run that is killed in between leaves no file that the
next one does not know as its own, and a trace that tells that it was killed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from kmidi_lab.errors import FileError
from kmidi_lab.file_sets import alone_in, staged, take_names
from kmidi_lab.files import sync, write_atomic
from kmidi_lab.midi.companions import in_the_way, say_apart

TRACE = ".json"
_FILES = "files"
"""Under which a trace names the files of its set, each with its SHA-256. Of its own file it is that of all else in it."""
_REPLACING = "replacing"
"""Under which it names those that it replaces, until it has."""


def write_song(
    target: Path,
    midi: bytes,
    others: Mapping[str, bytes | None],
    trace: Mapping[str, Any],
    folder: Path,
    say: Callable[[str], object],
) -> list[Path]:
    """Writes a MIDI file and what goes with it, beside it or in the run folder (`midi.companions`).

    Those that an earlier song of this name left and nobody changed since are replaced, or removed where the new song has none.

    Args:
        target: the MIDI file.
        midi: what is in it.
        others: what is in each of the others by its ending, such as `.wav`; None is none.
        trace: what stands in the trace, `.json`.
        folder: of the run.
        say: takes a line.

    Returns:
        The files that were written.

    Raises:
        FileError: one can't be written, or has the name of somebody else's file in the run folder.
    """
    content = {ending: data for ending, data in others.items() if data is not None}
    known, beside = target.with_suffix(TRACE), [target.with_suffix(ending) for ending in others]
    new = {target: midi, **{target.with_suffix(ending): data for ending, data in content.items()}}
    with alone_in(target.parent) as alone, staged(new, alone) as waiting:
        own = _own(target, beside)  # after the new ones are on the disk, which may take seconds
        there = in_the_way([*beside, known], own)
        if there and target.parent.resolve() == folder.resolve():
            raise FileError(
                f"{target}: {', '.join(there)} beside it would be replaced, and no run wrote them with {target.name}, or they were "
                "changed since; choose another name or folder"
            )
        if there:
            say_apart(target, there, folder, say)
            apart = {(folder / target.name).with_suffix(ending): data for ending, data in content.items()}
            for path, data in apart.items():
                write_atomic(path, data)
            known = folder / known.name
            write_atomic(known, _with_files(trace, known, apart))
            take_names({target: waiting[target]}, [*apart, known])
            return [target, *apart, known]
        write_atomic(known, _with_files(trace, known, new, {name: own[name] for name in own if name != known.name}))
        take_names(waiting, [known])
        for path in beside:
            if path not in new and path.name in own:  # it would be taken for this song's
                path.unlink(missing_ok=True)
                say(f"{path.name} of the song before is removed")
        sync(target.parent)
        write_atomic(known, _with_files(trace, known, new))
    return [*new, known]


def _with_files(
    trace: Mapping[str, Any], known: Path, files: Mapping[Path, bytes], replacing: Mapping[str, str] | None = None
) -> bytes:
    """A trace that knows itself, the files beside it, and those that they replace."""
    sums = {path.name: _sum(data) for path, data in files.items()}
    sums[known.name] = _sum(orjson.dumps(trace, option=orjson.OPT_SORT_KEYS))
    more = {} if replacing is None else {_REPLACING: replacing}
    return orjson.dumps({**trace, _FILES: sums, **more}, option=orjson.OPT_INDENT_2)


def _own(target: Path, beside: Iterable[Path]) -> dict[str, str]:
    """Name and SHA-256 of each of the files that a run wrote with this MIDI file and nobody changed since, its trace included.

    The trace must name the MIDI file: `mine.mid` and `mine.midi` share the names of all others, and their owner is one of the two.
    A link is none of a run's files.
    """
    known = target.with_suffix(TRACE)
    try:
        if known.is_symlink():
            return {}
        trace = orjson.loads(known.read_bytes())
        files, replacing = trace.pop(_FILES), trace.pop(_REPLACING, {})
        mark = _sum(orjson.dumps(trace, option=orjson.OPT_SORT_KEYS))
        if target.name not in files or files[known.name] != mark:
            return {}
        there = {p.name: _sum(p.read_bytes()) for p in beside if p.is_file() and not p.is_symlink()}
        unchanged = {name: is_ for name, is_ in there.items() if is_ in (files.get(name), replacing.get(name))}
        return {known.name: mark, **unchanged}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
