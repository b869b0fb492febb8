"""Folders of a published layout of which nothing is read: each is a problem that is counted, whoever the reader is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from datamodules.shared.library import Problem
from kmidi_lab.wording import many

REASON = "nothing in this folder is read"
_SOUND = frozenset(
    f".{suffix}"
    for suffix in [
        "aac",
        "aif",
        "aifc",
        "aiff",
        "amr",
        "ape",
        "au",
        "avi",
        "caf",
        "flac",
        "flv",
        "m4a",
        "m4b",
        "mid",
        "midi",
        "mka",
        "mkv",
        "mov",
        "mp2",
        "mp3",
        "mp4",
        "mpc",
        "mpeg",
        "mpg",
        "oga",
        "ogg",
        "opus",
        "rmi",
        "sph",
        "tta",
        "w64",
        "wav",
        "webm",
        "wma",
        "wmv",
        "wv",
    ]
)
"""What is meant to be read: notes on a data set, tables and pictures lie in folders of their own, too."""


def unread(folders: Iterable[Path], read: Iterable[Path], others: Sequence[str] = ()) -> Iterator[Problem]:
    """A problem for each outermost folder below `folders`, or one of them, that holds sound or MIDI none of which is read.

    One of `folders` itself need not hold sound or MIDI: any file will do.

    Args:
        folders: of a published layout.
        read: the files that a reader looks at.
        others: names of folders that belong to the layout and are left alone.
    """
    folders = [folder for folder in folders if folder.is_dir()]
    touched = {folder for path in read for folder in path.parents}
    for top in folders:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            if folder in touched:
                waiting += sorted((p for p in _subfolders(folder) if p.name not in others), reverse=True)
                continue
            files = [path for path in _files(folder, others) if folder == top or path.suffix.lower() in _SOUND]
            if files:
                yield Problem(str(folder), "", REASON, f"{many(len(files), 'file')}, such as {files[0].name}")


def _subfolders(folder: Path) -> Iterator[Path]:
    return (p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


def _files(folder: Path, others: Sequence[str]) -> Iterator[Path]:
    """All that lie below, in order, but hidden ones."""
    for base, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name not in others and not name.startswith((".", "__")))
        yield from (Path(base, name) for name in sorted(files) if not name.startswith("."))
