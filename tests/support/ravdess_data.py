"""RAVDESS as a test asks for it."""

from __future__ import annotations

from pathlib import Path

from datamodules.emotion.module import ActedSpeech
from datamodules.shared.augmentation import Augmentation

PLAIN = Augmentation(variants=0, gain=0, bands=0, frames=0, mixup=0)


def asked(root: Path, cache: Path, **settings: object) -> ActedSpeech:
    given = {"sources": ["ravdess"], "folds": 3, "batch_size": 4, "frames": 20, "workers": 1, "augment": PLAIN}
    return ActedSpeech(str(root), str(cache), progress=False, **{**given, **settings})  # type: ignore[arg-type]


def ravdess(root: Path, cache: Path, **settings: object) -> ActedSpeech:
    data = asked(root, cache, **settings)
    data.setup("fit")
    return data
