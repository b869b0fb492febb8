"""Where the files that go with a MIDI file are written: its sound, its picture, and what else has its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path


def companions(target: Path, endings: Sequence[str], folder: Path, say: Callable[[str], object]) -> list[Path]:
    """A file of the MIDI file's name for each ending: all of them beside it, or all in the run folder.

    A file that was there before may be anybody's: it stays. One of them is enough that none of the new ones goes beside it, since
    a page and a sound of two songs under one name would be taken for one.

    Args:
        target: the MIDI file.
        endings: such as `.wav`.
        folder: of the run.
        say: takes a line.
    """
    place = place_of(target, [target.with_suffix(ending) for ending in endings], (), folder, say)
    return [(place / target.name).with_suffix(ending) for ending in endings]


def place_of(
    target: Path, beside: Sequence[Path], own: Collection[str], folder: Path, say: Callable[[str], object]
) -> Path:
    """The folder of what goes with a MIDI file: its own, or that of the run where a file of such a name is somebody else's.

    Args:
        target: the MIDI file.
        beside: what would be written there.
        own: names of those that may be replaced.
        folder: of the run.
        say: takes a line.
    """
    # Also a link to a disk that is away just now is somebody's.
    there = [path.name for path in beside if os.path.lexists(path) and path.name not in own]
    if not there or target.parent.resolve() == folder.resolve():
        return target.parent
    stay = "was there before and stays" if len(there) == 1 else "were there before and stay"
    say(f"beside {target}, {', '.join(there)} {stay}; what goes with the new {target.name} is in {folder}")
    return folder
