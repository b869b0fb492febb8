"""Sounds of every source that is there, split by take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from datamodules.instrument import general_midi, nsynth, philharmonia
from datamodules.instrument.recording import Augmentation
from datamodules.shared import engine, rendering
from datamodules.shared.cache import code_version, data_version
from datamodules.shared.clips import grouped
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import SplitLibrary
from datamodules.shared.sources import Contents, PresentSource, Source, below, find_sources, packages
from datamodules.shared.splits import SplitBy, assign
from kmidi_lab.audio.clips import Clip
from kmidi_lab.errors import DataError

SOURCES = (nsynth.SOURCE, philharmonia.SOURCE, general_midi.SOURCE, general_midi.PHRASES)
RENDERED = (general_midi.SOURCE, general_midi.PHRASES)
_RENDERED_VARIANTS = 2
"""Changed copies of what is rendered, at most: there are many takes."""


def load(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    takes: int,
    phrases: int,
    notes: int,
    by: SplitBy,
    augmentation: Augmentation,
    workers: int,
    progress: bool,
    sound_fonts: Sequence[str] = (),
    scoring: bool = False,
) -> SplitLibrary[Clip]:
    """Reads and splits all of the sources named that are there.

    Args:
        takes: of each rendered program: single notes.
        phrases: of each rendered program, with chords.
        notes: most of each of NSynth's parts.
        sound_fonts: paths of SoundFonts that programs are rendered through beside TimGM6mb.
        scoring: changed copies are not needed.

    Raises:
        DataError: a SoundFont is not there; none of the sources is there, or holds a usable sound.
    """
    fonts = tuple(_found(Path(font)) for font in sound_fonts)

    def find(changes: Augmentation, names: Sequence[str]) -> tuple[list[PresentSource[Clip]], list[str]]:
        return find_sources(sources(root, takes, phrases, notes, by, changes, fonts, workers, progress), names)

    present, absent = find(augmentation, names)
    through = (rendering.SOUND_FONT, *((font.name, font.stat().st_size) for font in fonts))
    settings: dict[str, tuple[object, ...]] = {
        nsynth.SOURCE: (notes,),
        general_midi.SOURCE: (takes, *through),
        general_midi.PHRASES: (phrases, by, *through),
    }
    readings = []
    for source in present:
        content = data_version((source.name, *settings.get(source.name, ())), source.contents())
        readings.append((source, content, augmentation.of_waveforms))
    version = data_version((by.val, by.test, by.seed), ["|".join(content for _, content, _ in readings).encode()])
    rules = TakeRules(by, nothing=f"{root} holds no usable sound of {' or '.join(names)}")
    plain = replace(augmentation, variants=0)
    as_recorded, _ = find(plain, [source.name for source in present])
    enough = {source.name: (source, plain.of_waveforms) for source in as_recorded} if scoring else None
    code = code_version(__name__)
    return engine.load_readings(cache_dir / "instruments", readings, absent, version, code, rules, enough)


def sources(
    root: Path,
    takes: int,
    phrases: int,
    most: int,
    by: SplitBy,
    augmentation: Augmentation,
    sound_fonts: Sequence[Path],
    workers: int,
    progress: bool,
) -> list[Source[Clip]]:
    """All of SOURCES."""
    fewer = replace(augmentation, variants=min(augmentation.variants, _RENDERED_VARIANTS))
    return [
        Source(
            nsynth.SOURCE,
            partial(nsynth.files, root),
            lambda _: nsynth.read(root, augmentation, most, workers, progress),
            partial(_tables_and_sizes, root),
            folders=partial(nsynth.without_table, root),
        ),
        Source(
            philharmonia.SOURCE,
            partial(philharmonia.files, root),
            lambda _: philharmonia.read(root, augmentation, workers, progress),
            below(root),
            folders=lambda: [root / philharmonia.SOURCE],
        ),
        Source(
            general_midi.SOURCE,
            list,
            lambda _: general_midi.read(takes, fewer, sound_fonts, progress=progress),
            lambda _: packages("midirenderer", "pretty_midi"),
            always=True,
        ),
        Source(
            general_midi.PHRASES,
            list,
            lambda _: general_midi.read_phrases(phrases, by, fewer, sound_fonts, progress=progress),
            lambda _: packages("midirenderer", "pretty_midi"),
            always=True,
        ),
    ]


def _found(font: Path) -> Path:
    if not font.is_file():
        raise DataError(
            f"data.sound_fonts: {font} is not there; install it (FluidR3 is Debian's fluid-soundfont-gm) or type "
            "data.sound_fonts=[]"
        )
    return font


def _tables_and_sizes(root: Path, tables: list[Path]) -> Contents:
    """Of the sounds the table and their sizes: reading 20 GB to learn whether they have changed takes too long."""
    return [*below(root)(tables), *_sizes(tables)]


def _sizes(tables: Sequence[Path]) -> Iterator[bytes]:
    for table in tables:
        sounds = sorted((table.parent / "audio").glob("*.wav"))
        yield repr([(p.name, p.stat().st_size) for p in sounds]).encode()


@dataclass(frozen=True)
class TakeRules(Rules[Clip]):
    """Each clip where its publisher put it, else where the hash of its take does."""

    by: SplitBy
    nothing: str
    remedy = "Set DATA_ROOT to a folder with philharmonia/ or nsynth-train/, or type data=gm_instruments"

    def split(self, songs: list[Clip]) -> Split:
        rule = {
            "rule": "by take (instrument, pitch and dynamic of a recording; program and pitch of a rendering, a phrase by its "
            f"first); NSynth as published; programs of {general_midi.UNHEARD} in test alone",
            "val_share": self.by.val,
            "test_share": self.by.test,
            "seed": self.by.seed,
        }
        dealt = assign([clip.group for clip in songs], grouped(songs), *self.by)
        return Split([clip.split or place for clip, place in zip(songs, dealt, strict=True)], rule)

    def counts(self, songs: list[Clip]) -> dict[str, Any]:
        return {
            "clips": len(songs),
            "takes": len({clip.group for clip in songs}),
            "instruments": len({clip.labels["instrument"] for clip in songs if "instrument" in clip.labels}),
        }

    def stand_in(self, used: list[str]) -> str | None:
        return general_midi.STAND_IN if set(used) <= set(RENDERED) else None
