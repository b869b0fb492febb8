"""Clips of the first source that is there, prepared once and cached by content, split by speaker."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

from datamodules.emotion import acting, fetch, ravdess
from datamodules.emotion.clips import Clip, Reading
from datamodules.emotion.folds import split_speakers
from datamodules.shared.augmentation import Augmentation
from datamodules.shared.cache import cached, data_version, files_below
from datamodules.shared.code_version import code_version
from datamodules.shared.library import SplitLibrary
from datamodules.shared.problems import counted_reasons, first_of
from datamodules.shared.stored import SUFFIX
from kmidi_lab.errors import DataError

SOURCES = (ravdess.SOURCE, acting.SOURCE)


def load(
    root: Path,
    cache_dir: Path,
    sources: Sequence[str],
    channels: Sequence[str],
    folds: int,
    fold: int,
    val_speakers: int,
    augmentation: Augmentation,
    licence: str | None,
    workers: int,
    progress: bool,
) -> SplitLibrary[Clip]:
    """Reads and splits the first of `sources` that is there; human and synthetic speech are never mixed.

    Args:
        licence: of RAVDESS, accepted: fetches it where it is not there.

    Raises:
        DataError: none of the sources is there, or holds a usable clip. ConfigError: there is no such fold.
    """
    if licence and ravdess.SOURCE in sources:
        there = ravdess.channels_of(ravdess.files(root))
        if missing := [channel for channel in channels if channel not in there]:
            fetch.fetch(root, licence, missing, progress)
    for source in sources:
        found = ravdess.files(root) if source == ravdess.SOURCE else []
        if source == acting.SOURCE or found:
            break
    else:
        raise DataError(
            f"{root} holds no RAVDESS; set DATA_ROOT to a folder with ravdess/Actor_01 …, fetch it with {fetch.HOW}, or "
            "type data=espeak"
        )
    settings = (source, *sorted(channels)) if found else (source,)
    own = files_below(root, found) if found else [importlib.metadata.version("espeakng-loader").encode()]
    contents = data_version(settings, own)

    def make() -> Reading:
        if found:
            return ravdess.read(root, channels, augmentation, workers, progress)
        return acting.read(augmentation, progress=progress)

    prepared = data_version(augmentation.of_waveforms, [contents.encode()])
    key = f"{prepared}-{code_version(__name__)}"
    reading = cached(cache_dir / "speech" / f"{key}{SUFFIX}", Reading, make)
    if not reading.clips:
        raise DataError(f"no usable clip of speech was found.{first_of(reading.problems)} Type data=espeak")
    female = {clip.speaker: clip.female for clip in reading.clips}
    split = split_speakers(female, folds, fold, val_speakers)
    # Where an emotion is learnt from is part of what the data is; how clips are augmented is not.
    version = data_version((folds, fold, val_speakers), [contents.encode()])
    described = {
        "name": source,
        "licence": reading.licence,
        "clips": len(reading.clips),
        "speakers": len(female),
        "strong": sum(c.strong for c in reading.clips),
        "skipped": len(reading.problems),
        "note": reading.note,
    }
    description = {
        "version": f"sha256:{version}",
        "stand_in": reading.stand_in,
        "licence": reading.licence,
        "sources": [described],
        "problems": counted_reasons(reading.problems),
        "absent": list(sources[: sources.index(source)]),
    }
    rule = {
        "rule": "by speaker",
        "folds": folds or len(female),
        "fold": fold,
        "test speakers": sorted(name for name, where in split.items() if where == "test"),
        "val speakers": sorted(name for name, where in split.items() if where == "val"),
    }
    splits = [split[clip.speaker] for clip in reading.clips]
    return SplitLibrary(reading.clips, splits, description, rule, reading.problems)
