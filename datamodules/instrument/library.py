"""Sounds of every source that is there, prepared once and cached by content, split by take."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from datamodules.instrument import general_midi, nsynth, philharmonia
from datamodules.instrument.augmentation import Augmentation
from datamodules.instrument.clips import Clip, Reading
from datamodules.shared import rendering
from datamodules.shared.cache import cached, data_version, files_below
from datamodules.shared.code_version import code_version
from datamodules.shared.library import SplitLibrary
from datamodules.shared.problems import counted_reasons, first_of
from datamodules.shared.splits import Groups, assign
from datamodules.shared.stored import SUFFIX
from kmidi_lab.errors import DataError

SOURCES = (nsynth.SOURCE, philharmonia.SOURCE, general_midi.SOURCE)


def load(
    root: Path,
    cache_dir: Path,
    sources: Sequence[str],
    takes: int,
    most: int,
    val_share: float,
    test_share: float,
    split_seed: int,
    augmentation: Augmentation,
    workers: int,
    progress: bool,
) -> SplitLibrary[Clip]:
    """Reads and splits all of `sources` that are there.

    Args:
        takes: of each rendered program. most: notes of each of NSynth's parts.

    Raises:
        DataError: none of the sources is there, or holds a usable sound.
    """
    readings: list[Reading] = []
    contents: list[str] = []
    for source in sources:
        prepared = _prepare(source, root, takes, most, augmentation, workers, progress)
        if prepared is None:
            continue
        content, make = prepared
        # What is rendered is kept as it is; nothing of it depends on how recordings are changed.
        changed = None if source == general_midi.SOURCE else augmentation.of_waveforms
        key = f"{data_version(changed, [content.encode()])}-{code_version(__name__)}"
        readings.append(cached(cache_dir / "instruments" / f"{source}-{key}{SUFFIX}", Reading, make))
        contents.append(content)
    problems = [p for reading in readings for p in reading.problems]
    clips = [clip for reading in readings for clip in reading.clips]
    if not clips:
        raise DataError(
            f"{root} holds no usable sound of {' or '.join(sources)}.{first_of(problems)} Set DATA_ROOT to a folder with "
            "philharmonia/ or nsynth-train/, or type data=gm_instruments"
        )
    used = [reading.source for reading in readings]
    description = {
        "version": f"sha256:{data_version((val_share, test_share, split_seed), ['|'.join(contents).encode()])}",
        "stand_in": general_midi.STAND_IN if used == [general_midi.SOURCE] else None,
        "licence": "; ".join(dict.fromkeys(reading.licence for reading in readings)),
        "sources": [_described(reading) for reading in readings],
        "problems": counted_reasons(problems),
        "absent": [source for source in sources if source not in used],
    }
    rule = {
        "rule": "by take (instrument, pitch and dynamic of a recording; program and pitch of a rendering); NSynth as published; "
        f"programs of {general_midi.UNHEARD} in test alone",
        "val_share": val_share,
        "test_share": test_share,
        "seed": split_seed,
    }
    return SplitLibrary(clips, split(clips, split_seed, val_share, test_share), description, rule, problems)


def grouped(clips: Sequence[Clip]) -> Groups:
    """Clips of one take, and those with the same samples."""
    groups = Groups(len(clips))
    groups.join_equal(clip.take for clip in clips)
    groups.join_equal(clip.sound.key for clip in clips)
    return groups


def split(clips: Sequence[Clip], seed: int, val: float, test: float) -> list[str]:
    """Where each clip belongs, else where the hash of its take puts it."""
    dealt = assign([clip.take for clip in clips], grouped(clips), seed, val, test)
    return [clip.split or place for clip, place in zip(clips, dealt, strict=True)]


def _prepare(
    source: str, root: Path, takes: int, most: int, augmentation: Augmentation, workers: int, progress: bool
) -> tuple[str, Callable[[], Reading]] | None:
    """Version of the content and how to read it; None where it is not there."""
    if source == general_midi.SOURCE:
        packages = [importlib.metadata.version(name).encode() for name in ("midirenderer", "pretty_midi")]
        content = data_version((source, takes, rendering.SOUND_FONT), packages)
        return content, lambda: general_midi.read(takes, progress=progress)
    if source == philharmonia.SOURCE:
        found = philharmonia.files(root)
        content = data_version((source,), files_below(root, found))
        return (content, lambda: philharmonia.read(root, augmentation, workers, progress)) if found else None
    tables = nsynth.files(root)
    # Of the sounds the table and their sizes: reading 20 GB to learn whether they have changed takes too long.
    content = data_version((source, most), [*files_below(root, tables), *_sizes(tables)])
    return (content, lambda: nsynth.read(root, augmentation, most, workers, progress)) if tables else None


def _sizes(tables: Sequence[Path]) -> Iterator[bytes]:
    for table in tables:
        sounds = sorted((table.parent / "audio").glob("*.wav"))
        yield repr([(p.name, p.stat().st_size) for p in sounds]).encode()


def _described(reading: Reading) -> dict[str, Any]:
    clips = reading.clips
    return {
        "name": reading.source,
        "licence": reading.licence,
        "clips": len(clips),
        "takes": len({clip.take for clip in clips}),
        "instruments": len({clip.labels["instrument"] for clip in clips if "instrument" in clip.labels}),
        "skipped": len(reading.problems),
        "note": reading.note,
    }
