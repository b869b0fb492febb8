"""Excerpts of every source that is there: cut, rendered through a SoundFont, split by drummer and song.

The test is rendered through a SoundFont of its own where one is given, so that neither its music nor its sounds were
heard in training.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from datamodules.feel import emopia, groove_midi, patterns, pop909
from datamodules.feel.excerpts import AMOUNTS, excerpts, rendered
from datamodules.feel.levels import at_levels
from datamodules.feel.scores import Score
from datamodules.shared import engine, rendering
from datamodules.shared.cache import code_version, data_version
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import Reading, SplitLibrary
from datamodules.shared.sources import Source, below, find_sources, packages
from datamodules.shared.splits import Groups, assign
from kmidi_lab.models.feel.features import CALIBRATION, Excerpt

READERS = (groove_midi, pop909, emopia)
SOURCES = (*(reader.NAME for reader in READERS), patterns.NAME)
_VAL, _TEST = 0.1, 0.15
_PACKAGES = "sf_GMbank is Debian's csound-soundfont, FluidR3 its fluid-soundfont-gm, OPL-3_FM_128M its opl3-soundfont"


class Fonts(NamedTuple):
    """What music is played through: training and validation, each of them, and the test; None is TimGM6mb.

    Validation is played once more through `calibrating`, if there is one.
    """

    heard: tuple[Path | None, ...] = (None,)
    tested: Path | None = None
    calibrating: Path | None = None

    def named(self, tested: bool) -> str:
        """The names of those of training, or of the test."""
        fonts = (self.tested,) if tested else self.heard
        return ", ".join(font.stem if font else rendering.SOUND_FONT for font in fonts)


def load(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    amount: float,
    split_seed: int,
    fonts: Sequence[str],
    test_font: str | None,
    calibration_font: str | None,
    softest: float,
    workers: int,
    progress: bool,
) -> SplitLibrary[Excerpt]:
    """Reads, cuts, renders and splits, or takes the prepared result from the cache.

    Args:
        root: folder that holds the data sets.
        cache_dir: where excerpts are kept.
        names: of SOURCES; music by rule stands in where no other is there, else it is trained on alone.
        amount: how much of `AMOUNTS` is rendered.
        split_seed: of splits and of what is drawn.
        fonts: paths of SoundFonts that training and validation are rendered through beside TimGM6mb.
        test_font: path of the SoundFont of the test; None is TimGM6mb.
        calibration_font: path of the SoundFont of split CALIBRATION; None is no such split.
        softest: decibels below a peak of 1 that an excerpt may be played at.
        workers: processes that render.

    Raises:
        DataError: the SoundFont is not there.
    """
    heard = [rendering.sound_font("fonts", path, _PACKAGES, "[]") for path in fonts]
    tested, calibrating = (
        rendering.sound_font(key, path, _PACKAGES, "null") if path is not None else None
        for key, path in (("test_font", test_font), ("calibration_font", calibration_font))
    )
    played = Fonts((None, *heard), tested, calibrating)
    wanted = [name for name in SOURCES if name in names]
    present, absent = find_sources(sources(root, wanted, amount, split_seed, played, workers, progress), wanted)
    own = [*packages("midirenderer", "pretty_midi"), patterns.VERSION.encode()]
    settings = (
        amount,
        split_seed,
        rendering.SOUND_FONT,
        *((font.name, font.stat().st_size) for font in [tested] if font),
        *(("heard", font.name, font.stat().st_size) for font in heard),
        *(("calibrating", font.name, font.stat().st_size) for font in [calibrating] if font),
    )
    contents = itertools.chain(own, *(p.contents() for p in present))
    version = data_version((tuple(p.name for p in present), *settings), contents)
    rules = FeelRules(split_seed, played)
    loud = engine.load(cache_dir / "feel", present, absent, version, code_version(__name__), rules)
    return replace(loud, songs=at_levels(loud.songs, softest))


def sources(
    root: Path, names: Sequence[str], amount: float, seed: int, fonts: Fonts, workers: int, progress: bool
) -> list[Source[Excerpt]]:
    """All of SOURCES; music by rule is in training alone where one of the others in `names` is there."""

    def played(reading: Reading[Score], alone: bool) -> Reading[Excerpt]:
        return _rendered(reading, amount, seed, fonts, alone, workers, progress)

    made = max(8, round(amount * (AMOUNTS[patterns.NAME].train + 4 * AMOUNTS[patterns.NAME].held_out)))
    real = any(reader.files(root) for reader in READERS if reader.NAME in names)
    return [
        *(
            Source(
                reader.NAME,
                partial(reader.files, root),
                lambda files, reader=reader: played(reader.read(files), True),  # type: ignore[misc]
                below(root),
            )
            for reader in READERS
        ),
        Source(
            patterns.NAME,
            list,
            lambda _: played(patterns.read(made, seed), not real),
            lambda _: [patterns.VERSION.encode()],
            always=True,
        ),
    ]


def _rendered(
    reading: Reading[Score], amount: float, seed: int, fonts: Fonts, held_out: bool, workers: int, progress: bool
) -> Reading[Excerpt]:
    """The excerpts of a source, others through each SoundFont; songs are split here, as the test is rendered otherwise."""
    dealt = reading.items
    if reading.source in (pop909.NAME, emopia.NAME):
        groups = Groups(len(dealt))
        groups.join_equal(score.group for score in dealt)
        places = assign([score.group for score in dealt], groups, seed, _VAL, _TEST)
        dealt = [replace(score, split=place) for score, place in zip(dealt, places, strict=True)]
    if not held_out:
        dealt = [replace(score, split="train") for score in dealt]
    out: Reading[Excerpt] = Reading(reading.source, reading.licence, problems=reading.problems, note=reading.note)
    for n, font in enumerate(fonts.heard):
        cut = list(excerpts(dealt, AMOUNTS[reading.source], amount, seed + n))
        heard = [score for score in cut if score.split != "test"]
        out.items += rendered(heard if font is None else [_named(s, font) for s in heard], font, workers, progress)
        if n == 0:
            out.items += rendered([score for score in cut if score.split == "test"], fonts.tested, workers, progress)
    if fonts.calibrating is not None:
        cut = list(excerpts(dealt, AMOUNTS[reading.source], amount, seed + len(fonts.heard)))
        heard = [replace(_named(s, fonts.calibrating), split=CALIBRATION) for s in cut if s.split == "val"]
        out.items += rendered(heard, fonts.calibrating, workers, progress)
    return out


def _named(score: Score, font: Path) -> Score:
    """An excerpt of the same place of a piece may be heard through each SoundFont."""
    return replace(score, id=f"{score.id}/{font.stem}")


@dataclass(frozen=True)
class FeelRules(Rules[Excerpt]):
    """Every excerpt in the split that it was rendered for."""

    seed: int
    fonts: Fonts
    nothing = "no music was found"
    remedy = "Set DATA_ROOT to a folder with a data set of docs/feel.md, or type data=feel_rules"
    named_licences = True

    def split(self, songs: list[Excerpt]) -> Split:
        rule = {
            "rule": f"by drummer, song and recording; drummers {', '.join(groove_midi.TEST)} in test alone; music by rule in "
            f"training alone where there is other music; trained on {self.fonts.named(False)}, tested on "
            f"{self.fonts.named(True)}"
            + (f", calibrated on validation through {font.stem}" if (font := self.fonts.calibrating) else ""),
            "seed": self.seed,
        }
        return Split([song.split for song in songs], rule)

    def counts(self, songs: list[Excerpt]) -> dict[str, Any]:
        return {"excerpts": len(songs), "groups": len({song.group for song in songs})}

    def stand_in(self, used: list[str]) -> str | None:
        return patterns.STAND_IN if used == [patterns.NAME] else None


def grouped(songs: Sequence[Excerpt]) -> Groups:
    """Excerpts of one drummer, song or recording."""
    groups = Groups(len(songs))
    groups.join_equal((song.source, song.group) for song in songs)
    return groups
