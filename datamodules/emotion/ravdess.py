"""RAVDESS (S. Livingstone, F. Russo, PLoS ONE 2018; CC BY-NC-SA 4.0): fetched for those who accept its licence, and read.

A name is modality-channel-emotion-intensity-statement-repetition-actor, two digits each, such as
`03-01-05-02-01-01-12.wav`, in `Actor_12/`, which may lie in `Audio_Speech_Actors_01-24/` or `Audio_Song_Actors_01-24/`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from datamodules.emotion.clips import prepare
from datamodules.shared.augmentation import Augmentation
from datamodules.shared.clips import ClipError, from_recording
from datamodules.shared.fetch import download
from datamodules.shared.library import Reading
from datamodules.shared.pool_worker import NotedResult
from datamodules.shared.pooled_reading import read_all
from datamodules.shared.unpack import unpack
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.emotion.features import EMOTIONS

SOURCE = "ravdess"
LICENCE = "CC BY-NC-SA 4.0"
CHANNELS = ("speech", "song")
_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
_AUDIO_ONLY = 3
_SUFFIXES = (".wav", ".flac")
_LONGEST_S = 30.0
LICENCE_ID = "CC-BY-NC-SA-4.0"
DOI = "10.5281/zenodo.1188976"
HOW = f"task=prepare model=emotion data=ravdess data.fetch={LICENCE_ID}"
_ARCHIVES = {"speech": "Audio_Speech_Actors_01-24", "song": "Audio_Song_Actors_01-24"}
_MAX_UNPACKED = 4 * 2**30


@dataclass(frozen=True)
class Name:
    """What a file name says; codes count from 1 there and from 0 here, but for the actor."""

    channel: str
    emotion: int
    strong: bool
    statement: int
    actor: int


def read_name(stem: str) -> Name:
    """Of `03-01-05-02-01-01-12`. Raises ClipError: not as published, or a modality with video."""
    match = _NAME.fullmatch(stem)
    if not match:
        raise ClipError("name not as published", stem)
    modality, channel, emotion, intensity, statement, repetition, actor = map(int, match.groups())
    if modality in (1, 2):
        raise ClipError("not an audio-only recording", stem)
    ranges = ((channel, 2), (emotion, len(EMOTIONS)), (intensity, 2), (statement, 2), (repetition, 2), (actor, 99))
    if modality != _AUDIO_ONLY or any(not 1 <= code <= most for code, most in ranges):
        raise ClipError("name not as published", stem)
    return Name(CHANNELS[channel - 1], emotion - 1, intensity == 2, statement - 1, actor)


def folders(root: Path) -> list[Path]:
    """What may hold the published folders, or those in `root` itself."""
    return [root / "ravdess", *sorted(p for glob in ("Actor_*", "Audio_*_Actors_*") for p in root.glob(glob))]


def files(root: Path) -> list[Path]:
    """Every file below an actor's folder in `root/ravdess` or in `root` itself, which may hold a channel each."""
    folders = [
        folder
        for base in (root / "ravdess", root)
        for glob in ("Actor_*", "Audio_*_Actors_*/Actor_*")
        for folder in base.glob(glob)
        if folder.is_dir()
    ]
    return sorted(p for folder in folders for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES)


def channels_of(paths: Sequence[Path]) -> set[str]:
    """The channels that the names of files tell of."""
    channels = set()
    for path in paths:
        with suppress(ClipError):
            channels.add(read_name(path.stem).channel)
    return channels


def sound_of(path: Path, augmentation: Augmentation) -> Sound | NotedResult[Sound]:
    """A file's frames and variants; what worker processes do."""
    return from_recording(path, _LONGEST_S, lambda samples: prepare(samples, path.stem, augmentation, path.parent.name))


def read(
    root: Path, channels: Sequence[str], augmentation: Augmentation, workers: int = 2, progress: bool = False
) -> Reading[Clip]:
    """The clips of `channels` that lie where they belong, each sound once; everything else is a problem by reason."""
    out: Reading[Clip] = Reading(SOURCE, LICENCE)
    named: dict[Path, Name] = {}
    for path in files(root):
        try:
            name = read_name(path.stem)
        except ClipError as error:
            out.skip(path, "", error.reason, error.detail)
            continue
        if path.parent.name != f"Actor_{name.actor:02d}":
            out.skip(path, "", "in another actor's folder", f"the name says actor {name.actor:02d}")
        elif name.channel in channels:
            named[path] = name
    work = partial(sound_of, augmentation=augmentation)
    sounds = read_all(out, list(named), work, workers, progress, "reading RAVDESS")
    for path in _each_once(sounds, named, out):
        n = named[path]
        labels = {"emotion": n.emotion, "strong": n.strong, "female": n.actor % 2 == 0}
        out.items.append(Clip(path.stem, SOURCE, f"actor {n.actor:02d}", labels, sounds[path]))
    return out


def _each_once(sounds: dict[Path, Sound], named: dict[Path, Name], out: Reading[Clip]) -> list[Path]:
    """Of copies of one sound the first where their names agree, and none where they don't: whose it is can't be known."""
    same: dict[str, list[Path]] = defaultdict(list)
    for path, sound in sounds.items():
        same[sound.key].append(path)
    unique: set[Path] = set()
    for copies in same.values():
        agree = len({named[path] for path in copies}) == 1
        if agree:
            unique.add(copies[0])
        for path in copies[agree:]:
            reason = "same sound as another file" if agree else "same sound as a file with another name"
            out.skip(path, "", reason, copies[0] if path != copies[0] else copies[1])
    return [path for path in sounds if path in unique]


def fetch(root: Path, licence: str, channels: Sequence[str], progress: bool = True) -> None:
    """The archives of `channels` (some 220 MB each) into `root/ravdess`, checked against their published checksums.

    Goes on where it broke off; the archives stay, so that nothing is fetched twice.

    Args:
        licence: must be LICENCE: whoever fetches accepts it.

    Raises:
        ConfigError: another licence. DataError: the archive can't be reached, or gives other bytes than it should.
    """
    if licence != LICENCE_ID:
        raise ConfigError(
            f"data.fetch={licence}: RAVDESS may be used under {LICENCE_ID} only; data.fetch={LICENCE_ID} accepts that"
        )
    listed = published_files(DOI)
    for channel in channels:
        name = f"{_ARCHIVES[channel]}.zip"
        if name not in listed:
            raise DataError(f"doi:{DOI} no longer lists {name}; fetch it by hand and unpack it in {root}/ravdess")
        url, checksum, size = listed[name]
        download(url, root / "ravdess" / name, checksum, size, progress=progress)
        unpack(root / "ravdess" / name, root / "ravdess" / _ARCHIVES[channel], _MAX_UNPACKED, progress)


def published_files(doi: str) -> dict[str, tuple[str, str, int]]:
    """(address, checksum, size in bytes) by name of the files behind a DOI, as the repository tells them now.

    Raises:
        DataError: it can't be reached.
    """
    import requests
    from pooch.downloaders import doi_to_repository

    try:
        repository: Any = doi_to_repository(doi)
        listing = SimpleNamespace(registry={})
        repository.populate_registry(listing)
        sizes = {
            f.get("key") or f["filename"]: int(f.get("size") or f["filesize"]) for f in repository.api_response["files"]
        }
        return {name: (repository.download_url(name), listing.registry[name], size) for name, size in sizes.items()}
    except (requests.RequestException, ValueError, KeyError) as error:
        raise DataError(
            f"doi:{doi} can't be looked up ({str(error)[:200]}); try again later, or fetch it by hand"
        ) from error
