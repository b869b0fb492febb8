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
    there = in_the_way([target.with_suffix(ending) for ending in endings])
    same = target.parent.resolve() == folder.resolve()  # what is there is of this run
    if there and not same:
        say_apart(target, there, folder, say)
    place = folder if there and not same else target.parent
    return [(place / target.name).with_suffix(ending) for ending in endings]


def in_the_way(beside: Sequence[Path], own: Collection[str] = ()) -> list[str]:
    """Names of the files that are there, without those of `own`. Also a link to a disk that is away just now is there."""
    return [path.name for path in beside if os.path.lexists(path) and path.name not in own]


def say_apart(target: Path, there: Sequence[str], folder: Path, say: Callable[[str], object]) -> None:
    """Tells which files stay, and where the new ones are."""
    stay = "was there before and stays" if len(there) == 1 else "were there before and stay"
    say(f"beside {target}, {', '.join(there)} {stay}; what goes with the new {target.name} is in {folder}")
