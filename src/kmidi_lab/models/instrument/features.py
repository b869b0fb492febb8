"""Names of the places of each slice of the `instrument` contract, and labels of a sound as vectors, what is unknown left out.

A clip's labels are a place in each slice of the contract's output for which there is evidence; a slice without is
masked in the loss. Slices without `EVIDENCE` are not trained: their output stays constant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.models.instrument.contract import INSTRUMENT

if TYPE_CHECKING:
    import torch

FAMILIES = (
    "piano", "organ", "guitar", "strings_bowed", "strings_plucked", "brass", "woodwind_reed", "woodwind_flute",
    "percussion_tuned", "percussion_untuned", "synth_lead", "synth_pad", "synth_bass", "voice", "ethnic", "electronic",
)  # fmt: skip
INSTRUMENTS = (
    "piano", "electric_piano", "harpsichord", "organ", "accordion", "guitar", "electric_guitar", "bass_guitar", "banjo",
    "mandolin", "harp", "violin", "viola", "cello", "double_bass", "trumpet", "french_horn", "trombone", "tuba", "flute",
    "oboe", "english_horn", "clarinet", "bass_clarinet", "bassoon", "contrabassoon", "saxophone", "mallets", "bells",
    "drums", "voice", "synthesizer",
)  # fmt: skip
"""Ours to choose: the contract leaves the 32 open."""
TECHNIQUES = (
    "sustained", "staccato", "legato", "tremolo", "trill", "glissando", "vibrato", "bowed", "plucked", "picked",
    "strummed", "hammered", "blown", "slapped", "palm_muted", "harmonics",
)  # fmt: skip
ARTICULATIONS = (
    "normal", "accented", "marcato", "tenuto", "sforzando", "pizzicato", "con_sordino", "flutter_tongue",
)  # fmt: skip
EXPRESSION_STYLES = (
    "aggressive", "gentle", "melancholic", "joyful", "mysterious", "triumphant", "playful", "solemn", "passionate",
    "contemplative", "anxious", "serene",
)  # fmt: skip
ROLES = ("lead_melody", "counter_melody", "harmony", "bass", "rhythm", "pad", "accent", "ambient")
REGISTERS = ("bass", "low_mid", "high_mid", "treble")
BRIGHTNESSES = ("dark", "warm", "bright", "brilliant")
ENERGIES = ("ppp", "pp", "p", "mp", "mf", "f", "ff", "fff")
DYNAMIC_RANGES = ("ppp-pp", "p-mp", "mf-f", "ff-fff")
VIBRATOS = ("none", "slight", "moderate", "strong")
ATTACKS = ("under 8 ms", "8-16 ms", "16-32 ms", "32-64 ms", "64-128 ms", "128-256 ms", "256-512 ms", "over 512 ms")
SUSTAINS = (
    "over 96 dB/s", "48-96 dB/s", "24-48 dB/s", "12-24 dB/s", "6-12 dB/s", "3-6 dB/s", "1.5-3 dB/s", "under 1.5 dB/s",
)  # fmt: skip
GENRES = ("classical", "jazz", "rock", "electronic")

CONDITIONS = (
    "plus_20_db", "minus_20_db", "peak_1", "hum", "room_tone", "pink_10_db", "white_20_db", "telephone",
    "resampled_linearly", "resampled_quickly", "resampled_narrowly", "mp3_32_kbit", "silence_around",
    "room_tone_around",
)  # fmt: skip
"""Recording conditions that recorded clips may be scored in, by their names in `audio.conditions.CHANGES`."""

CLASSES: dict[str, tuple[str, ...]] = {
    "family": FAMILIES,
    "instrument": INSTRUMENTS,
    "technique": TECHNIQUES,
    "articulation": ARTICULATIONS,
    "register": REGISTERS,
    "brightness": BRIGHTNESSES,
    "expression_style": EXPRESSION_STYLES,
    "energy": ENERGIES,
    "role": ROLES,
    "dynamic_range": DYNAMIC_RANGES,
    "vibrato": VIBRATOS,
    "attack": ATTACKS,
    "sustain": SUSTAINS,
    "genre_feel": GENRES,
}
"""Names of the places of each slice that has names; valence, arousal and human feel have none."""
EVIDENCE = {
    "family": "the instrument",
    "instrument": "the file's or program's name",
    "technique": "the word for the articulation in the name, else how the instrument is sounded; how a note was rendered",
    "articulation": "the word for the articulation in the name",
    "register": "the pitch: below C3, C4, C5, and above",
    "brightness": "a measure of the signal, not a judgement: the centroid of its power",
    "energy": "the dynamic in the name, or the velocity in eighths of its range",
    "dynamic_range": "the dynamic in the name, or the velocity in quarters of its range",
    "vibrato": "the word in the name, or how wide the pitch was bent in rendering",
    "attack": "a measure of the signal: time from 10 to 90 % of its peak",
    "sustain": "a measure of the signal: how fast it falls after its peak, before its release",
}
"""What a label of each slice that can be learnt rests on."""
TRAINED = tuple(EVIDENCE)
ORDINAL = ("brightness", "energy", "dynamic_range", "vibrato", "attack", "sustain")
"""Places in order, so that the distance of a mistake counts."""
FAMILY_OF = {
    "piano": "piano", "electric_piano": "piano", "harpsichord": "piano", "organ": "organ", "accordion": "organ",
    "guitar": "guitar", "electric_guitar": "guitar", "bass_guitar": "guitar", "banjo": "strings_plucked",
    "mandolin": "strings_plucked", "harp": "strings_plucked", "violin": "strings_bowed", "viola": "strings_bowed",
    "cello": "strings_bowed", "double_bass": "strings_bowed", "trumpet": "brass", "french_horn": "brass",
    "trombone": "brass", "tuba": "brass", "flute": "woodwind_flute", "oboe": "woodwind_reed",
    "english_horn": "woodwind_reed", "clarinet": "woodwind_reed", "bass_clarinet": "woodwind_reed",
    "bassoon": "woodwind_reed", "contrabassoon": "woodwind_reed", "saxophone": "woodwind_reed",
    "mallets": "percussion_tuned", "bells": "percussion_tuned", "drums": "percussion_untuned", "voice": "voice",
}  # fmt: skip
"""The family of an instrument; a synthesizer's depends on its sound."""
LOSS_WEIGHTS = {
    "family": 1.0, "instrument": 1.0, "technique": 1.0, "articulation": 0.5, "register": 0.5, "brightness": 0.2,
    "energy": 0.3, "dynamic_range": 0.2, "vibrato": 0.3, "attack": 0.2, "sustain": 0.2,
}  # fmt: skip
"""Share of each slice that is trained in the loss."""
Labels = Mapping[str, int]
"""Slice name to place; a slice that is not there is unknown."""

_PITCH = re.compile(r"([A-G])(s|b|#)?(-?\d)")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_REGISTER_PITCHES = (48, 60, 72)


def place(name: str, value: str) -> int:
    """Of a value in a slice's vocabulary. Raises ValueError."""
    return CLASSES[name].index(value)


def encode(labels: Labels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One-hot targets `[160]` and a mask `[160]`, 1 over every slice that is known."""
    target, mask = (np.zeros(INSTRUMENT.output_size, np.float32) for _ in range(2))
    for name, value in labels.items():
        part = INSTRUMENT.output(name)
        if not 0 <= value < part.size:
            raise ValueError(f"{name} has places 0 to {part.size - 1}, not {value}")
        target[part.start + value] = 1
        mask[part.index] = 1
    return target, mask


def pitch_of(name: str) -> int | None:
    """MIDI pitch of a name such as `As3` or `C#4` (C4 is 60); None where it is none."""
    match = _PITCH.fullmatch(name)
    if not match:
        return None
    letter, sign, octave = match.groups()
    shift = {"s": 1, "#": 1, "b": -1}.get(sign or "", 0)
    return 12 * (int(octave) + 1) + _SEMITONES[letter] + shift


def register_of(pitch: int) -> int:
    """Place of a MIDI pitch: below C3 (48) bass, below C4 low_mid, below C5 high_mid, then treble."""
    return sum(pitch >= limit for limit in _REGISTER_PITCHES)


def energy_of(velocity: int) -> int:
    """Place of a MIDI velocity: eighths of its range."""
    return min(7, velocity // 16)


def dynamic_range_of(energy: int) -> int:
    """Place of a dynamic's energy: two dynamics a place."""
    return energy // 2


class InstrumentBatch(NamedTuple):
    """Clips.

    `x` `[B, T, 128]` mel frames with `weight` `[B, T]` 1 where there was one, else 0; shares `target` `[B, 160]`
    of each slice's places, and `mask` `[B, 160]`, 1 over slices with evidence, else 0. `heard` `[C, H]`: of clips that
    are not there themselves, as in feedback, the mean of what all layers but the last say; their rows of `target` and
    `mask` stand below those of `x`. None: no such.
    """

    x: torch.Tensor
    weight: torch.Tensor
    target: torch.Tensor
    mask: torch.Tensor
    heard: torch.Tensor | None = None
