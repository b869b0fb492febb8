"""Files of the music21 corpus, which is installed with muspy."""

from __future__ import annotations

import importlib.util
from pathlib import Path


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
