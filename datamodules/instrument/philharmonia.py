"""The Philharmonia Orchestra's samples as published: `instrument_pitch_length_dynamic_articulation.mp3`.

Folders are one for each instrument. The samples are free to use; they may not be sold as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datamodules.instrument.clips import prepare
from datamodules.instrument.recording import Augmentation
from datamodules.shared.clips import ClipError, from_recording
from datamodules.shared.library import Reading
from datamodules.shared.pool_worker import NotedResult
from datamodules.shared.pooled_reading import read_all
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.models.instrument.features import (
    ENERGIES,
    FAMILY_OF,
    INSTRUMENTS,
    dynamic_range_of,
    pitch_of,
    place,
    register_of,
)

SOURCE = "philharmonia"
LICENCE = "Philharmonia Orchestra samples: free to use, not to be sold as samples"
_SUFFIXES = (".mp3", ".wav", ".flac")
_LONGEST_S = 60.0
_OTHER_NAMES = {"cor_anglais": "english_horn"}
_DYNAMICS = {
    "molto-pianissimo": "ppp", "pianissimo": "pp", "piano": "p", "mezzo-piano": "mp", "mezzo-forte": "mf", "forte": "f",
    "fortissimo": "ff", "molto-fortissimo": "fff",
}  # fmt: skip
_PLUCKED = ("guitar", "banjo", "mandolin", "harp")
_USUAL = {"brass": "blown", "woodwind_reed": "blown", "woodwind_flute": "blown", "strings_bowed": "bowed"}
_PLAIN = (
    "normal", "nonlegato", "non-vibrato", "mute", "con-sord", "fluttertonguing", "subtone", "tenuto", "sul-ponticello",
    "sul-tasto", "martele", "au-talon", "detache", "col-legno-tratto",
)  # fmt: skip
"""Articulations that leave the sounding as it usually is on the instrument."""
_TECHNIQUES = {
    "staccato": "staccato", "staccatissimo": "staccato", "legato": "legato", "tongued-slur": "legato",
    "slurred": "legato", "tremolo": "tremolo", "trill": "trill", "major-trill": "trill", "minor-trill": "trill",
    "glissando": "glissando", "vibrato": "vibrato", "molto-vibrato": "vibrato", "harmonic": "harmonics",
    "harmonics": "harmonics", "natural-harmonic": "harmonics", "artificial-harmonic": "harmonics",
    "slap-tongue": "slapped", "col-legno-battuto": "hammered",
}  # fmt: skip
_ARTICULATIONS = {
    "normal": "normal", "mute": "con_sordino", "con-sord": "con_sordino", "fluttertonguing": "flutter_tongue",
    "tenuto": "tenuto",
}  # fmt: skip
_VIBRATOS = {"non-vibrato": "none", "vibrato": "moderate", "molto-vibrato": "strong"}


@dataclass(frozen=True)
class Name:
    """What a file name says; `pitch` is empty for percussion."""

    instrument: str
    pitch: str
    length: str
    dynamic: str
    articulation: str


def read_name(stem: str) -> Name:
    """Of `bass-clarinet_A2_025_forte_normal`. Raises ClipError: not as published."""
    parts = stem.rsplit("_", 4)
    if len(parts) != 5 or not parts[0] or (parts[1] and pitch_of(parts[1]) is None):
        raise ClipError("name not as published", stem)
    return Name(parts[0].replace("-", "_"), *parts[1:])


def labels_of(name: Name) -> dict[str, int]:
    """What the name says of each slice. Raises ClipError: an instrument that the vocabulary lacks."""
    instrument = _OTHER_NAMES.get(name.instrument, name.instrument)
    if not name.pitch and instrument not in INSTRUMENTS:
        instrument = "drums"
    if instrument not in FAMILY_OF:
        raise ClipError("instrument not in the vocabulary", name.instrument)
    family = FAMILY_OF[instrument]
    words = {"instrument": instrument, "family": family, **_words(name.articulation, instrument, family)}
    labels = {slice_name: place(slice_name, value) for slice_name, value in words.items()}
    if name.dynamic in _DYNAMICS:
        labels["energy"] = ENERGIES.index(_DYNAMICS[name.dynamic])
        labels["dynamic_range"] = dynamic_range_of(labels["energy"])
    pitch = pitch_of(name.pitch)
    if pitch is not None:
        labels["register"] = register_of(pitch)
    return labels


def _words(words: str, instrument: str, family: str) -> dict[str, str]:
    """Technique, articulation and vibrato as far as the articulation in the name says."""
    word, plucked = words.removeprefix("arco-").removeprefix("pizz-"), words.startswith("pizz-")
    usual = "plucked" if plucked or instrument in _PLUCKED else _USUAL.get(family)
    values = {
        "technique": usual if word in _PLAIN else _TECHNIQUES.get(word),
        "articulation": "pizzicato" if plucked else _ARTICULATIONS.get(word),
        "vibrato": _VIBRATOS.get(word),
    }
    return {name: value for name, value in values.items() if value}


def files(root: Path) -> list[Path]:
    """Every file of a folder of `root/philharmonia`, where percussion has a folder for each instrument of its own."""
    base = root / SOURCE
    paths = (p for p in base.rglob("*") if p.suffix.lower() in _SUFFIXES and p.parent != base)
    return sorted(p for p in paths if not any(part.startswith((".", "__")) for part in p.relative_to(base).parts))


def sound_of(path: Path, augmentation: Augmentation) -> Sound | NotedResult[Sound]:
    """A file's frames and variants; what worker processes do."""
    return from_recording(path, _LONGEST_S, lambda samples: prepare(samples, path.stem, augmentation))


def read(root: Path, augmentation: Augmentation, workers: int = 2, progress: bool = False) -> Reading[Clip]:
    """Every usable sound once; a take is an instrument's pitch in one dynamic, whatever its length and articulation."""
    out: Reading[Clip] = Reading(SOURCE, LICENCE)
    names: dict[Path, tuple[Name, dict[str, int]]] = {}
    for path in files(root):
        try:
            name = read_name(path.stem)
            names[path] = name, labels_of(name)
        except ClipError as error:
            out.skip(path, "", error.reason, error.detail)
    work = partial(sound_of, augmentation=augmentation)
    sounds = read_all(out, list(names), work, workers, progress, "reading Philharmonia")
    first: dict[str, Path] = {}
    for path, sound in sounds.items():
        name, labels = names[path]
        if sound.key in first:
            out.skip(path, "", "same sound as another file", first[sound.key])
            continue
        first[sound.key] = path
        take = f"{SOURCE}:{name.instrument}:{name.pitch}:{name.dynamic}"
        out.items.append(Clip(path.stem, SOURCE, take, {**sound.measured, **labels}, sound))
    return out
