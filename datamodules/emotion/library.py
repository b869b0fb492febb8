"""Clips of the first source that is there, split into folds by speaker: whoever is heard in testing was never heard in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from datamodules.emotion import acting, ravdess
from datamodules.shared import engine
from datamodules.shared.augmentation import Augmentation
from datamodules.shared.cache import code_version, data_version
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import SplitLibrary
from datamodules.shared.sources import Source, below, find_sources, packages
from kmidi_lab.audio.clips import Clip
from kmidi_lab.errors import ConfigError, DataError, show

SOURCES = (ravdess.SOURCE, acting.SOURCE)
Folds = int | tuple[tuple[str, ...], ...]
"""How many there are, 0 for as many as speakers, or who is the test of each."""


def checked_folds(folds: int, named: object) -> Folds:
    """What `data.folds` and `data.fold_speakers` ask for. Raises ConfigError."""
    if folds == 1:
        raise ConfigError("data.folds=1 must be 0 (leaves one speaker out) or 2 and more, such as data.folds=5")
    if not named:
        return folds
    if isinstance(named, Sequence) and not isinstance(named, str):
        lists = [part for part in named if isinstance(part, Sequence) and not isinstance(part, str) and len(part)]
        names = [str(name) for part in lists for name in part]
        if len(lists) == len(named) > 1 and len(set(names)) == len(names):
            return tuple(tuple(map(str, part)) for part in lists)
    raise ConfigError(
        f"data.fold_speakers={show(named)} must be two lists of speakers and more, nobody in two of them, such as "
        "'data.fold_speakers=[[actor 01,actor 02],[actor 03]]'"
    )


def load(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    channels: Sequence[str],
    folds: Folds,
    fold: int,
    val_speakers: int,
    augmentation: Augmentation,
    licence: str | None,
    workers: int,
    progress: bool,
    scoring: bool = False,
    whole: bool = False,
) -> SplitLibrary[Clip]:
    """Reads and splits the first of the sources named that is there; human and synthetic speech are never mixed.

    Args:
        licence: of RAVDESS, accepted: fetches it where it is not there.
        scoring: changed copies are not needed.
        whole: all clips are scored, so that folds that can't be made of so few speakers matter to none.

    Raises:
        DataError: none of the sources is there, or holds a usable clip. ConfigError: there is no such fold.
    """
    if licence and ravdess.SOURCE in names:
        there = ravdess.channels_of(ravdess.files(root))
        if missing := [channel for channel in channels if channel not in there]:
            ravdess.fetch(root, licence, missing, progress)
    present, absent = find_sources(sources(root, channels, augmentation, workers, progress), names)
    if not present:
        raise DataError(
            f"{root} holds no RAVDESS; set DATA_ROOT to a folder with ravdess/Actor_01 …, fetch it with {ravdess.HOW}, or "
            "type data=espeak"
        )
    used = present[0]
    content = data_version((used.name, *sorted(channels)) if used.files else (used.name,), used.contents())
    # Where an emotion is learnt from is part of what the data is; how clips are augmented is not.
    version = data_version((folds, fold, val_speakers), [content.encode()])
    readings = [(used, content, augmentation.of_waveforms)]
    rules = SpeakerRules(folds, fold, val_speakers, whole)
    plain = replace(augmentation, variants=0)
    as_recorded, _ = find_sources(sources(root, channels, plain, workers, progress), [used.name])
    enough = {used.name: (as_recorded[0], plain.of_waveforms)} if scoring else None
    return engine.load_readings(cache_dir / "speech", readings, absent, version, code_version(__name__), rules, enough)


def sources(
    root: Path, channels: Sequence[str], augmentation: Augmentation, workers: int, progress: bool
) -> list[Source[Clip]]:
    """All of SOURCES."""
    return [
        Source(
            ravdess.SOURCE,
            partial(ravdess.files, root),
            lambda _: ravdess.read(root, channels, augmentation, workers, progress),
            below(root),
            folders=partial(ravdess.folders, root),
        ),
        Source(
            acting.SOURCE,
            list,
            lambda _: acting.read(augmentation, progress=progress),
            lambda _: packages("espeakng-loader"),
            always=True,
        ),
    ]


@dataclass(frozen=True)
class SpeakerRules(Rules[Clip]):
    """Whoever is heard in testing was never heard in training."""

    folds: Folds
    fold: int
    val_speakers: int
    whole: bool = False
    nothing = "no usable clip of speech was found"
    remedy = "Type data=espeak"

    def split(self, songs: list[Clip]) -> Split:
        female = {clip.group: bool(clip.labels["female"]) for clip in songs}
        try:
            where = split_speakers(female, self.folds, self.fold, self.val_speakers)
        except ConfigError:
            if not self.whole:
                raise
            return _of_few([clip.group for clip in songs])
        count = self.folds if isinstance(self.folds, int) else len(self.folds)
        rule = {"rule": "by speaker", "folds": count or len(female), "fold": self.fold}
        for split in ("test", "val"):
            rule[f"{split} speakers"] = sorted(name for name in where if where[name] == split)
        return Split([where[clip.group] for clip in songs], rule)

    def counts(self, songs: list[Clip]) -> dict[str, Any]:
        return {
            "clips": len(songs),
            "speakers": len({clip.group for clip in songs}),
            "strong": sum(clip.labels["strong"] for clip in songs),
        }

    def stand_in(self, used: list[str]) -> str | None:
        return acting.STAND_IN if used == [acting.SOURCE] else None


def _of_few(speakers: list[str]) -> Split:
    """One speaker is validation and the others train, or every fourth clip of the only one; for baselines alone."""
    names = sorted(set(speakers))
    if len(names) > 1:
        return Split(
            ["val" if name == names[-1] else "train" for name in speakers], {"rule": f"{len(names)} speakers: no folds"}
        )
    return Split(["val" if i % 4 == 3 else "train" for i in range(len(speakers))], {"rule": "one speaker: no folds"})


def split_speakers(female: Mapping[str, bool], folds: Folds, fold: int, val_speakers: int) -> dict[str, str]:
    """`train`, `val` or `test` for every speaker.

    Men, then women, in order of name, are dealt to the folds in turn, where these are not named; one fold is the test,
    and of those in the folds behind it the first ones, men and women in turn, are validation. Who is in no fold that is
    named is never tested.

    Args:
        female: of every speaker.
        folds: 0 is as many as there are speakers: leave one out.
        fold: from 0.

    Raises:
        ConfigError: there is no such fold, it names someone who is not there, or nobody is left to train on.
    """
    speakers = sorted(female, key=lambda name: (female[name], name))
    if isinstance(folds, int):
        count = folds or len(speakers)
        own = {name: place % count for place, name in enumerate(speakers)}
    else:
        count = len(folds)
        own = {name: place for place, names in enumerate(folds) for name in names}
        if strangers := [name for name in own if name not in female]:
            raise ConfigError(
                f"data.fold_speakers names {', '.join(strangers)}, of whom there is no clip; leave them out. There are "
                f"{', '.join(sorted(female))}"
            )
    if not 0 <= fold < count or count > len(speakers):
        raise ConfigError(
            f"data.fold={fold} of {count} folds: there are {len(speakers)} speakers; data.folds is at most that (0 is "
            f"that many), data.fold 0 to {min(count, len(speakers)) - 1}"
        )
    behind = {name: (own[name] - fold) % count if name in own else count for name in speakers}
    waiting = sorted((name for name in speakers if behind[name]), key=lambda name: behind[name])
    val = _in_turn([n for n in waiting if not female[n]], [n for n in waiting if female[n]])[:val_speakers]
    if len(val) >= len(waiting):
        raise ConfigError(f"data.val_speakers={val_speakers} leaves nobody to train on; give a smaller number")
    return {name: "test" if not behind[name] else "val" if name in val else "train" for name in speakers}


def _in_turn(first: list[str], second: list[str]) -> list[str]:
    """One of each as long as there are both, then the rest."""
    both = min(len(first), len(second))
    pairs = [name for pair in zip(first[:both], second[:both], strict=True) for name in pair]
    return pairs + first[both:] + second[both:]
