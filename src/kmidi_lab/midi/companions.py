"""Where the files that go with a MIDI file are written: its sound, its picture, and what else has its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    beside = [target.with_suffix(ending) for ending in endings]
    there = [path.name for path in beside if path.exists()]
    if not there or target.parent.resolve() == folder.resolve():
        return beside
    stay = "was there before and stays" if len(there) == 1 else "were there before and stay"
    say(f"beside {target}, {', '.join(there)} {stay}; what goes with the new {target.name} is in {folder}")
    return [folder / path.name for path in beside]
