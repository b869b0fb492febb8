"""Music rendered from MIDI: drums, songs as solos, duos and bands, piano, and single General MIDI notes.

Training and validation are played through TimGM6mb and sf_GMbank, the test through FluidR3. ASAP is in the test alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from datamodules.shared import emopia, groove_midi
from datamodules.shared.augmentation import named_rng
from datamodules.shared.rendering import Note, Part, parts_of, render, sound_font
from datamodules.sound_kind.sounds import SECONDS, Amounts, Item, Samples, Sound, Source, drawn, split_of, trimmed
from kmidi_lab.midi.reading import read_piece

_FONTS = Path("/usr/share/sounds/sf2")
_HEARD, _TESTED = "sf_GMbank.sf2", "FluidR3_GM.sf2"
_LEADS, _CHORDS = (0, 6, 11, 22, 26, 40, 56, 65, 68, 73, 80), (0, 1, 4, 5, 16, 19, 24, 27, 46, 48)
_KITS, _PIANOS = (0, 8, 16, 24, 25, 32, 40), (0, 0, 1)
_PROGRAMS, _HITS, _EACH = range(120), range(35, 82), 3
"""General MIDI without its sound effects; keys of percussion; sounds of each."""
_ALONE, _WITH_DRUMS = 0.3, 0.5
_GM = "GPL-2 and what the SoundFonts' packages say"
Play = Callable[[list[Part], np.random.Generator], list[Part]]


def fonts(split: str) -> tuple[Path | None, ...]:
    """What a split is played through; None is TimGM6mb. Raises DataError: one is not there."""
    name, package = (_TESTED, "fluid-soundfont-gm") if split == "test" else (_HEARD, "csound-soundfont")
    path = _FONTS / name
    if not path.is_file():
        sound_font("fonts", str(path), f"Debian's {package}", "[]")
    return (path,) if split == "test" else (None, path)


def sounds(root: Path) -> Iterator[Sound]:
    """Of what is there below the folder that holds the data sets, and of General MIDI."""
    takes = [path for path in groove_midi.files(root) if path.suffix == ".mid"]
    drummers = [f"groove_midi {path.relative_to(root).parts[1]}" for path in takes]
    yield from _pieces(
        Source("music", "drums of groove_midi", "CC BY 4.0"), takes, drummers, _drums, Amounts(90, 40, 40)
    )
    songs = sorted(root.glob("pop909/*/*.mid"))
    band = partial(_band, dict(zip(takes, split_of(drummers), strict=True)))
    names = [f"song {path.stem}" for path in songs]
    yield from _pieces(Source("music", "POP909, songs", "MIT"), songs, names, band, Amounts(140, 50, 60))
    piano = [path for path in emopia.files(root) if path.suffix == ".mid"]
    clips = [path.stem.split("_", 1)[1].rsplit("_", 1)[0] for path in piano]
    yield from _pieces(Source("music", "EMOPIA, piano", emopia.LICENCE), piano, clips, _piano, Amounts(120, 50, 60))
    played = [path for path in sorted(root.glob("asap/**/*.mid")) if path.name != "midi_score.mid"]
    pieces = [path.parent.name for path in played]
    yield from _pieces(Source("music", "ASAP, piano", "CC BY-NC-SA 4.0"), played, pieces, _piano, Amounts(0, 0, 60))
    yield from _single("notes", _PROGRAMS, Amounts(150, 50, 60))
    yield from _single("drum hits", _HITS, Amounts(60, 20, 20))


def _pieces(
    source: Source, paths: Sequence[Path], groups: Sequence[str], play: Callable[..., list[Part]], amounts: Amounts
) -> Iterator[Sound]:
    splits = split_of(groups) if amounts.train else ["test"] * len(paths)
    items = []
    for path, group, split in zip(paths, groups, splits, strict=True):
        name = f"{source.name} {path.parent.name} {path.stem}"
        items.append(Item(group, name, partial(_stretch, path, name, split, partial(play, split))))
    return drawn(source, items, amounts)


def _stretch(path: Path, name: str, split: str, play: Play) -> Samples:
    """A stretch of a MIDI file, played through a SoundFont of its split; empty where nothing is played in it."""
    rng = named_rng(name)
    parts = parts_of(read_piece(path))
    last = max(note.start for part in parts for note in part.notes)
    begin = rng.uniform(0, max(0.0, last - SECONDS - 1))
    cut = [Part(0, _between(part.notes, begin)) for part in parts]
    return _played(play([part for part in cut if part.notes], rng), split, rng)


def _between(notes: Sequence[Note], begin: float) -> list[Note]:
    end = begin + SECONDS + 0.5
    return [n._replace(start=n.start - begin, end=min(n.end, end) - begin) for n in notes if begin <= n.start < end]


def _played(parts: list[Part], split: str, rng: np.random.Generator) -> Samples:
    through = fonts(split)
    font = through[rng.integers(len(through))]
    return trimmed(render(parts, font)) if any(part.notes for part in parts) else np.zeros(0, np.float32)


def _drums(split: str, parts: list[Part], rng: np.random.Generator) -> list[Part]:
    return [Part(int(rng.choice(_KITS)), part.notes, drums=True) for part in parts]


def _piano(split: str, parts: list[Part], rng: np.random.Generator) -> list[Part]:
    return [Part(int(rng.choice(_PIANOS)), part.notes) for part in parts]


def _band(takes: dict[Path, str], split: str, parts: list[Part], rng: np.random.Generator) -> list[Part]:
    """The parts of a song, one of them alone, or with the drums of a take of its split."""
    as_is = [Part(int(rng.choice(_LEADS if i == 0 else _CHORDS)), part.notes) for i, part in enumerate(parts)]
    if as_is and rng.random() < _ALONE:
        return [as_is[rng.integers(len(as_is))]]
    beaten = [take for take, place in takes.items() if place == split]
    if beaten and rng.random() < _WITH_DRUMS:
        for part in parts_of(read_piece(beaten[rng.integers(len(beaten))])):
            as_is.append(Part(int(rng.choice(_KITS)), _between(part.notes, 0.0), drums=True))
    return as_is


def _single(what: str, numbers: Sequence[int], amounts: Amounts) -> Iterator[Sound]:
    splits = split_of([f"{what} {number}" for number in numbers])
    items = []
    for number, split in zip(numbers, splits, strict=True):
        for i in range(_EACH):
            name = f"{what} {number} {i}"
            items.append(Item(f"{what} {number}", name, partial(_note, number, what != "notes", name, split)))
    return drawn(Source("music", f"General MIDI, {what}", _GM), items, amounts)


def _note(number: int, drums: bool, name: str, split: str) -> Samples:
    rng = named_rng(name)
    length, pitch = float(rng.uniform(0.2, 3.0)), int(rng.integers(36, 84))
    note = Note(0.05, 0.05 + length, number if drums else pitch, int(rng.integers(40, 127)))
    return _played([Part(int(rng.choice(_KITS)) if drums else number, [note], drums)], split, rng)
