"""What task=predict says of whole sounds, asked of an instrument model: the tables of docs/instrument.md beside its test.

    DATA_ROOT=… python benchmarks/instrument_sounds.py MODELS_ROOT recordings
    DATA_ROOT=… python benchmarks/instrument_sounds.py MODELS_ROOT cut
    DATA_ROOT=… python benchmarks/instrument_sounds.py MODELS_ROOT others
    python benchmarks/instrument_sounds.py MODELS_ROOT font /usr/share/sounds/sf2/sf_GMbank.sf2
    DATA_ROOT=… python benchmarks/instrument_sounds.py MODELS_ROOT pieces /usr/share/sounds/sf2/sf_GMbank.sf2
    python benchmarks/instrument_sounds.py MODELS_ROOT drums FOLDER [FOLDER …]

`recordings` are the validation and test takes of the Philharmonia: how many are unsure, and why. A model that has heard
them (`data.train_on=all`) says nothing of itself by them. `cut` are the validation takes, cut short behind their onset:
those that are so long. `others` are sounds of the test of the head that hears speech,
20 of a source, up to 4 s, at a peak of 0.3: none of them was trained on. `font` are General MIDI programs through a
SoundFont, single notes and phrases: the training's are TimGM6mb and FluidR3. `pieces` are stretches of 4 s of pieces for
piano as people played them, through a SoundFont's piano. `drums` are folders of recordings of percussion, such as the kits of
Debian's hydrogen-drumkits: 24 of a folder at most, evenly by name.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

import kmidi_lab
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
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.recognition import Recognition
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.instrument.features import CLASSES
from kmidi_lab.report.formats import table

_LONGEST_S, _OTHER_S, _PEAK, _EACH, _OF_A_FOLDER, _TAKES, _SEED = 60.0, 4.0, 0.3, 20, 24, 4, 28
_PIECES = 40
_CUTS_S, _ONSET, _FADE = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0), 0.05, RATE // 100
_REASONS = {
    "no instrument stands out": "no instrument",
    "too short": "too short",
    "sounds like speech, or neither": "sounds like",
}
_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff")
Samples = np.ndarray


class Asked(NamedTuple):
    """One sound: its source, what it is as far as that is known, and the answer."""

    source: str
    instrument: str
    family: str
    answer: Recognition

    def is_right(self, question: str) -> bool:
        return self.answer.summary.answers[question][0] == getattr(self, question)


def recordings(root: Path) -> Iterator[tuple[str, str, str, Samples]]:
    """Source, instrument, family and samples of the validation and test takes."""
    named = [(path, philharmonia.read_name(path.stem)) for path in philharmonia.files(root)]
    takes = [f"{philharmonia.SOURCE}:{name.instrument}:{name.pitch}:{name.dynamic}" for _, name in named]
    same = Groups(len(takes))
    same.join_equal(takes)
    for (path, name), split in zip(named, assign(takes, same, 0, 0.1, 0.2), strict=True):
        if split != "train":
            yield split, *_names(philharmonia.labels_of(name)), _read(path)


def cut(root: Path) -> Iterator[tuple[str, str, str, Samples]]:
    """The validation takes from 10 ms before their onset, faded out in 10 ms at each of some lengths, then a pause."""
    for split, instrument, family, samples in recordings(root):
        loud = np.abs(samples)
        begun = samples[max(0, int(np.argmax(loud > _ONSET * loud.max())) - _FADE) :]
        for seconds in _CUTS_S if split == "val" else ():
            if len(begun) >= (length := round(seconds * RATE)):
                fade = np.minimum(1, np.arange(length, 0, -1) / _FADE)
                yield f"{seconds:g} s", instrument, family, np.pad(begun[:length] * fade, (0, RATE // 4))


def others(root: Path) -> Iterator[tuple[str, str, str, Samples]]:
    """Sounds of the test of `audio/kind.py`, 20 of a source."""
    taken: dict[str, int] = defaultdict(int)
    for sound in sounds(root):
        if sound.split != "test" or taken[sound.source.name] == _EACH:
            continue
        samples = sound.samples()
        if len(samples) >= RATE // 2:
            taken[sound.source.name] += 1
            yield sound.source.name, "", "", (_PEAK * samples / np.abs(samples).max())[: round(_OTHER_S * RATE)]


def through(font: Path) -> Iterator[tuple[str, str, str, Samples]]:
    """Takes of every program and kit, then phrases of the programs that training hears."""
    for preset in PRESETS:
        rng = np.random.default_rng([_SEED, preset.program, preset.drums])
        source = f"{'kits' if preset.drums else 'programs' if preset.heard else 'programs kept for the test'}"
        takes = [take_of(preset, i, _TAKES, rng) for i in range(_TAKES)]
        yield from _played(preset, takes, SLOT_S, source, font)
    for preset in (each for each in PRESETS if each.heard and not each.drums):
        rng, pitches = np.random.default_rng([_SEED, preset.program, 2]), range(preset.low, preset.high)
        takes = [phrase_of(preset, i, _TAKES, lambda _, own=pitches: own, rng) for i in range(_TAKES)]  # type: ignore[misc]
        kind = "phrases with chords" if preset.chords else "phrases without chords"
        yield from _played(preset, takes, PHRASE_SLOT_S, kind, font)


def _played(
    preset: Preset, takes: list[Take], slot_s: float, source: str, font: Path
) -> Iterator[tuple[str, str, str, Samples]]:
    samples = render([part_of(preset, takes, slot_s)], font)
    for i, take in enumerate(takes):
        slot = samples[int(i * slot_s * RATE) : int((i + 1) * slot_s * RATE)]
        if np.abs(slot).max(initial=0) > 0:
            instrument, family = _names(take.labels)
            yield source, instrument if preset.heard else "", family, _PEAK * slot / np.abs(slot).max()


def pieces(root: Path, font: Path) -> Iterator[tuple[str, str, str, Samples]]:
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


def drums(folders: list[Path]) -> Iterator[tuple[str, str, str, Samples]]:
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
    return tuple(CLASSES[name][labels[name]] if name in labels else "" for name in ("instrument", "family"))  # type: ignore[return-value]


def _read(path: Path) -> Samples:
    return np.asarray(read_recording(path, RATE, _LONGEST_S).samples, np.float32)


def row(asked: list[Asked]) -> list[str]:
    """What the table says of the sounds of one source."""
    unsure = np.array([bool(one.answer.unsure) for one in asked])
    because = [np.mean([reason in one.answer.unsure for one in asked]) for reason in _REASONS.values()]
    cells = [f"{share:.1%}" for share in (*because, unsure.mean())]
    for question in ("instrument", "family"):
        known = np.array([bool(getattr(one, question)) for one in asked])
        right = np.array([one.is_right(question) for one in asked])
        cells += [
            _share(right[known]),
            *([_share(right[known & unsure]), _share(right[known & ~unsure])] if question == "instrument" else []),
            *([_share((~right & ~unsure)[known])] if question == "instrument" else []),
        ]
    return cells


def _share(right: np.ndarray) -> str:
    return f"{right.mean():.1%} of {len(right)}" if len(right) else "–"


def main() -> int:
    root, what, *rest = sys.argv[1:]
    data = Path(os.environ.get("DATA_ROOT", ""))
    ways: dict[str, Callable[[], Iterator[tuple[str, str, str, Samples]]]] = {
        "recordings": lambda: recordings(data),
        "cut": lambda: cut(data),
        "others": lambda: others(data),
        "font": lambda: through(Path(rest[0])),
        "pieces": lambda: pieces(data, Path(rest[0])),
        "drums": lambda: drums([Path(folder) for folder in rest]),
    }
    model = kmidi_lab.load("instrument", models_root=root)
    by_source: dict[str, list[Asked]] = defaultdict(list)
    unread = 0
    for source, instrument, family, samples in ways[what]():
        try:
            answer = model.predict(np.asarray(samples, np.float32), rate=RATE)
        except ConfigError:  # silent, or hardly longer than a frame
            unread += 1
            continue
        by_source[source].append(Asked(source, instrument, family, answer))
    headings = ["", "sounds", *_REASONS, "unsure", "instrument right", "… where unsure", "… where not"]
    headings += ["surely wrong", "family right"]
    everything = [one for asked in by_source.values() for one in asked]
    rows = [[name, str(len(asked)), *row(asked)] for name, asked in {**by_source, "all": everything}.items()]
    print(table(headings, rows, range(1, len(headings))))
    print(f"{unread} more sounds had nothing to read")
    for source, asked in islice(by_source.items(), 2) if what == "recordings" else ():
        p = [one.answer.summary.answers["instrument"][1] for one in asked]
        print(f"{source}: 5 % are below a probability of {np.quantile(p, 0.05):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
