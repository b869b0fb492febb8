"""Sounds that an instrument model is asked about by `instrument_sounds.py`.

`recordings` are the validation and test takes of the Philharmonia. `cut` are its validation takes, cut short behind
their onset: those that are so long. `others` are sounds of the test of the head that hears speech, 20 of a source, up
to 4 s, at a peak of 0.3: none of them was trained on. `through` are General MIDI programs through a SoundFont, single
notes and phrases: the training's are TimGM6mb and FluidR3. `pieces` are stretches of 4 s of pieces for piano as people
played them, through a SoundFont's piano. `drums` are folders of recordings of percussion, such as the kits of Debian's
hydrogen-drumkits: 24 of a folder at most, evenly by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from datamodules.instrument import philharmonia
from datamodules.instrument.general_midi_phrases import PHRASE_SLOT_S, phrase_of
from datamodules.instrument.general_midi_programs import PRESETS, Preset
from datamodules.instrument.general_midi_takes import SLOT_S, Take, part_of, take_of
from datamodules.shared import emopia
from datamodules.shared.rendering import Note, Part, parts_of, render
from datamodules.shared.splits import Groups, assign
from datamodules.sound_kind.__main__ import sounds
from kmidi_lab.audio.io import AudioError, read_recording
from kmidi_lab.audio.mel import RATE
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.instrument.features import CLASSES

_LONGEST_S, _OTHER_S, _PEAK, _EACH, _OF_A_FOLDER, _TAKES, _SEED = 60.0, 4.0, 0.3, 20, 24, 4, 28
_PIECES = 40
_CUTS_S, _ONSET, _FADE = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0), 0.05, RATE // 100
_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff")
Samples = np.ndarray
Sound = tuple[str, str, str, Samples]
"""Source, instrument, family (empty where not known), and samples in -1..1 at 16 kHz."""


def recordings(root: Path) -> Iterator[Sound]:
    """Source, instrument, family and samples of the validation and test takes."""
    named = [(path, philharmonia.read_name(path.stem)) for path in philharmonia.files(root)]
    takes = [f"{philharmonia.SOURCE}:{name.instrument}:{name.pitch}:{name.dynamic}" for _, name in named]
    same = Groups(len(takes))
    same.join_equal(takes)
    for (path, name), split in zip(named, assign(takes, same, 0, 0.1, 0.2), strict=True):
        if split != "train":
            yield split, *_names(philharmonia.labels_of(name)), _read(path)


def cut(root: Path) -> Iterator[Sound]:
    """The validation takes from 10 ms before their onset, faded out in 10 ms at each of some lengths, then a pause."""
    for split, instrument, family, samples in recordings(root):
        loud = np.abs(samples)
        begun = samples[max(0, int(np.argmax(loud > _ONSET * loud.max())) - _FADE) :]
        for seconds in _CUTS_S if split == "val" else ():
            if len(begun) >= (length := round(seconds * RATE)):
                fade = np.minimum(1, np.arange(length, 0, -1) / _FADE)
                yield f"{seconds:g} s", instrument, family, np.pad(begun[:length] * fade, (0, RATE // 4))


def others(root: Path) -> Iterator[Sound]:
    """Sounds of the test of `audio/kind.py`, 20 of a source."""
    taken: dict[str, int] = defaultdict(int)
    for sound in sounds(root):
        if sound.split != "test" or taken[sound.source.name] == _EACH:
            continue
        samples = sound.samples()
        if len(samples) >= RATE // 2:
            taken[sound.source.name] += 1
            yield sound.source.name, "", "", (_PEAK * samples / np.abs(samples).max())[: round(_OTHER_S * RATE)]


def through(font: Path) -> Iterator[Sound]:
    """Takes of every program and kit, then phrases of the programs that training hears."""
    for preset in PRESETS:
        rng = np.random.default_rng([_SEED, preset.program, preset.drums])
        source = f"{'kits' if preset.drums else 'programs' if preset.heard else 'programs kept for the test'}"
        takes = [take_of(preset, i, _TAKES, rng) for i in range(_TAKES)]
        yield from _played(preset, takes, SLOT_S, source, font)
    for preset in (each for each in PRESETS if each.heard and not each.drums):
        rng, pitches = np.random.default_rng([_SEED, preset.program, 2]), range(preset.low, preset.high)
        takes = [phrase_of(preset, i, _TAKES, partial(_all_of, pitches), rng) for i in range(_TAKES)]
        kind = "phrases with chords" if preset.chords else "phrases without chords"
        yield from _played(preset, takes, PHRASE_SLOT_S, kind, font)


def _all_of(pitches: range, _: int) -> range:
    return pitches


def _played(preset: Preset, takes: list[Take], slot_s: float, source: str, font: Path) -> Iterator[Sound]:
    samples = render([part_of(preset, takes, slot_s)], font)
    for i, take in enumerate(takes):
        slot = samples[int(i * slot_s * RATE) : int((i + 1) * slot_s * RATE)]
        if np.abs(slot).max(initial=0) > 0:
            instrument, family = _names(take.labels)
            yield source, instrument if preset.heard else "", family, _PEAK * slot / np.abs(slot).max()


def pieces(root: Path, font: Path) -> Iterator[Sound]:
    """From the middle of pieces for piano, evenly by name."""
    played = [path for path in sorted(root.glob("asap/**/*.mid")) if path.name != "midi_score.mid"]
    clips = [path for path in emopia.files(root) if path.suffix == ".mid"]
    for name, paths in (("EMOPIA", clips), ("ASAP", played)):
        for i in np.linspace(0, len(paths) - 1, _PIECES).round().astype(int):
            notes = [Note(*note) for part in parts_of(read_piece(paths[i])) for note in part.notes]
            begin = float(np.median([note.start for note in notes]))
            cut = [
                note._replace(start=note.start - begin, end=min(note.end - begin, _OTHER_S))
                for note in notes
                if begin <= note.start < begin + _OTHER_S
            ]
            samples = render([Part(0, cut)], font)[: round(_OTHER_S * RATE)]
            yield name, "piano", "piano", _PEAK * samples / np.abs(samples).max()


def drums(folders: list[Path]) -> Iterator[Sound]:
    """Recordings of percussion, by folder."""
    for folder in folders:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
        for i in np.unique(np.linspace(0, len(files) - 1, _OF_A_FOLDER).round().astype(int)):
            try:
                samples = _read(files[i])[: round(_OTHER_S * RATE)]
            except AudioError:  # silent
                continue
            yield folder.name, "drums", "percussion_untuned", samples


def _names(labels: dict[str, int]) -> tuple[str, str]:
    instrument, family = (CLASSES[n][labels[n]] if n in labels else "" for n in ("instrument", "family"))
    return instrument, family


def _read(path: Path) -> Samples:
    return np.asarray(read_recording(path, RATE, _LONGEST_S).samples, np.float32)
