"""Published layouts: MIDI files with what the tables of a set say of them, and files of the music21 corpus, installed with muspy."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from datamodules.shared.library import Report

MAX_TABLE_BYTES = 64 * 2**20
SPLIT_NAMES = {"train": "train", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class MidiFile:
    """`group` is what must stay in one split (song, piece, drummer's session …); `split` as published, else None."""

    path: Path
    group: str
    split: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Layout(Report):
    """One set: `files` is empty where its folder is not there; `get` says where it comes from."""

    get: str
    files: list[MidiFile] = field(default_factory=list)

    def listed(self, base: Path, name: str) -> bool:
        """Whether a file that a table lists is there and below `base`; a problem if it isn't."""
        path = base / name
        try:
            inside, there = path.resolve().is_relative_to(base.resolve()), path.is_file()
        except (OSError, ValueError) as error:
            self.skip(name, "", "listed under an impossible name", error)
            return False
        if not name or not inside:
            self.skip(name, "", "listed outside its folder")
        elif not there:
            self.skip(name, "", "listed but not there")
        return bool(name) and inside and there

    def add(self, base: Path, name: str, group: str, split: str | None, about: Mapping[str, str]) -> None:
        """A file that a table lists, if it is there and below `base`."""
        if self.listed(base, name):
            self.files.append(MidiFile(base / name, group, split, about))

    def table(self, path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
        """The rows of a CSV file that have all `columns`; a problem for each that has not, or for the file."""
        try:
            if path.stat().st_size > MAX_TABLE_BYTES:
                self.skip(path, "", "table too large")
                return
            with path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file)
                missing = set(columns) - set(reader.fieldnames or ())
                if missing:
                    self.skip(path, "", "table lacks columns", ", ".join(sorted(missing)))
                    return
                for row in reader:
                    if any(row[column] is None for column in columns):
                        self.skip(path, f"line {reader.line_num}", "table row cut short")
                    else:
                        yield {column: row[column] for column in columns}
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            self.skip(path, "", "table cannot be read", error)

    def split(self, name: str, file: str) -> str | None:
        """`train`, `val` or `test` of a published split's name."""
        if name not in SPLIT_NAMES:
            self.skip(file, "", "unknown split", name)
        return SPLIT_NAMES.get(name)


def folder_of(root: Path, *names: str) -> Path:
    """The first of `names` that is a folder below `root`, else the first."""
    return next((root / name for name in names if (root / name).is_dir()), root / names[0])


def corpus_folder() -> Path | None:
    """The corpus inside the installed music21, found without importing it."""
    spec = importlib.util.find_spec("music21")
    return Path(spec.origin).parent / "corpus" if spec and spec.origin else None


def analysis_files() -> list[Path]:
    base = corpus_folder()
    return sorted(base.rglob("*.rntxt")) if base else []


def chorale_files() -> list[Path]:
    base = corpus_folder()
    return sorted([*(base / "bach").glob("*.mxl"), *(base / "bach").glob("*.xml")]) if base else []
