"""General MIDI programs played through SoundFonts: sounds of instruments that no recording here has.

Every program plays takes over its range with velocities, lengths and manners at random: single notes, and as a source of
their own chords and phrases. Whole programs are kept for testing, one of a family that has several: nothing of them is
heard in training, and only their family is known. Drum kits share sounds, so all of them are for training; percussion is
tested on other programs and on recordings.

A phrase is in the split of its first pitch. Its other pitches are of the same split or of training, so that training
hears no pitch that is kept for validation or the test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.instrument.clips import prepare
from datamodules.instrument.general_midi_phrases import PHRASE_SLOT_S, Pitches, phrase_of
from datamodules.instrument.general_midi_programs import PRESETS, Preset
from datamodules.instrument.general_midi_takes import LEAD_S, SLOT_S, Take, part_of, take_of
from datamodules.instrument.recording import Augmentation
from datamodules.shared.clips import ClipError
from datamodules.shared.library import Reading, shown
from datamodules.shared.rendering import LICENCE, render
from datamodules.shared.splits import Groups, SplitBy, assign
from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.mel import RATE

SOURCE, UNHEARD, PHRASES = "gm", "gm_programs", "gm_phrases"
"""Programs that training hears, those kept for testing, and chords and phrases of the former."""
STAND_IN = (
    "No instrument was recorded: General MIDI programs of one SoundFont (TimGM6mb) stand in; scores on them say little about "
    "real instruments"
)
_LOUDEST_DB, _RANGE_DB = -3.0, 24.0
"""Peak of a take at full velocity, and how far below it one of no velocity would be: the SoundFont plays so softly that most
of a quiet sound would lie below the floor of the mel frames."""
_SILENT, _BLEEDING = 1e-5, 0.01
_KIT_TAKES = 2
"""How many times the takes of a program a drum kit plays."""
_PHRASE_SEED = 2
"""Beside the 0 of a program's takes and the 1 of a kit's."""


def read(
    takes: int,
    augmentation: Augmentation,
    sound_fonts: Sequence[Path] = (),
    seed: int = 0,
    progress: bool = False,
) -> Reading[Clip]:
    """Every preset's takes in every SoundFont, the same for the same `seed`; a preset's pitch must not cross splits.

    Args:
        takes: of a program.
        augmentation: makes changed copies.
        sound_fonts: beside TimGM6mb.
        seed: of pitches, velocities and manners.
        progress: show a bar.
    """
    out = _reading(SOURCE, sound_fonts)
    for number, font, preset in _players(sound_fonts, PRESETS, "rendering instruments", progress):
        rng = np.random.default_rng([seed, preset.program, preset.drums, *([number] if number else [])])
        count = takes * (_KIT_TAKES if preset.drums else 1)
        played = [take_of(preset, i, count, rng) for i in range(count)]
        out.items += _clips_of(preset, played, font, augmentation, out)
    return out


def read_phrases(
    phrases: int,
    by: SplitBy,
    augmentation: Augmentation,
    sound_fonts: Sequence[Path] = (),
    seed: int = 0,
    progress: bool = False,
) -> Reading[Clip]:
    """Chords and phrases of the presets with pitches that training hears; as `read`.

    Args:
        phrases: of a program.
        by: what pitches are split by.
        augmentation: makes changed copies.
        sound_fonts: beside TimGM6mb.
        seed: of what is played.
        progress: show a bar.
    """
    out = _reading(PHRASES, sound_fonts)
    pitched = [preset for preset in PRESETS if preset.heard and not preset.drums]
    for number, font, preset in _players(sound_fonts, pitched, "rendering phrases", progress):
        rng = np.random.default_rng([seed, preset.program, _PHRASE_SEED, number])
        allowed = partial(beside, preset, by)
        played = [phrase_of(preset, i, phrases, allowed, rng) for i in range(phrases)]
        out.items += _clips_of(preset, played, font, augmentation, out)
    return out


def beside(preset: Preset, by: SplitBy, pitch: int) -> Pitches:
    """Pitches of a program's range that may be heard together with one: of its split, or of training."""
    pitches = range(preset.low, preset.high)
    splits = assign([_group(preset, each) for each in pitches], Groups(len(pitches)), *by)
    own = splits[pitches.index(pitch)]
    return [each for each, split in zip(pitches, splits, strict=True) if split in (own, "train")]


def _reading(source: str, sound_fonts: Sequence[Path]) -> Reading[Clip]:
    others = "".join(f"; {font.stem}: what its package says" for font in sound_fonts)
    return Reading(source, LICENCE + others, note=STAND_IN)


def _players(
    sound_fonts: Sequence[Path], presets: Sequence[Preset], text: str, progress: bool
) -> Iterator[tuple[int, Path | None, Preset]]:
    fonts = list(enumerate([None, *sound_fonts]))
    return iter(shown([(number, font, preset) for number, font in fonts for preset in presets], text, progress))


def _group(preset: Preset, pitch: int) -> str:
    """What must not cross splits."""
    return f"{SOURCE}:{'kit' if preset.drums else 'program'}{preset.program}:{pitch}"


def _clips_of(
    preset: Preset,
    played: Sequence[Take],
    sound_font: Path | None,
    augmentation: Augmentation,
    out: Reading[Clip],
) -> Iterator[Clip]:
    """Takes, or phrases, as clips; what can't be used is counted in `out`."""
    phrases = out.source == PHRASES
    slot_s = PHRASE_SLOT_S if phrases else SLOT_S
    samples = render([part_of(preset, played, slot_s)], sound_font)
    source = out.source if preset.heard else UNHEARD
    kind, split = ("kit", "train") if preset.drums else ("program", None if preset.heard else "test")
    label = f"{sound_font.stem}-" if sound_font else ""
    for i, take in enumerate(played):
        name = f"{label}{'phrase' if phrases else kind}{preset.program}-{i:02d}"
        slot = samples[int(i * slot_s * RATE) : int((i + 1) * slot_s * RATE)]
        try:
            if _rings_on(slot):
                raise ClipError("the take before rings on")
            sound = prepare(_levelled(slot, take), name, augmentation)
        except ClipError as error:
            out.skip(name, "", error.reason, error.detail)
            continue
        measured = {"brightness": sound.measured["brightness"]} if phrases else sound.measured
        labels = {**measured, **take.labels} if preset.heard else {"family": take.labels["family"]}
        yield Clip(name, source, _group(preset, take.pitch), labels, sound, split)


def _rings_on(slot: NDArray[np.float32]) -> bool:
    """Whether there is sound before the take's own first note: a release may outlast its slot."""
    before = slot[: int(0.9 * LEAD_S * RATE)]
    return bool(np.abs(before).max(initial=0) > _BLEEDING * np.abs(slot).max(initial=0))


def _levelled(samples: NDArray[np.float32], take: Take) -> NDArray[np.float32]:
    """With the peak that the take's velocity stands for. Raises ClipError: silent."""
    peak = float(np.abs(samples).max())
    if peak < _SILENT:
        raise ClipError("silent")
    decibels = _LOUDEST_DB - _RANGE_DB * (1 - take.notes[0].velocity / 127)
    return np.asarray(samples * (10 ** (decibels / 20) / peak), np.float32)
