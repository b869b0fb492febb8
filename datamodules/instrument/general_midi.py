"""General MIDI programs played through SoundFonts: sounds of instruments that no recording here has.

Every program plays takes over its range with velocities, lengths and manners at random. Whole programs are kept for
testing, one of a family that has several: nothing of them is heard in training, and only their family is known. Drum
kits share sounds, so all of them are for training; percussion is tested on other programs and on recordings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.instrument.clips import prepare
from datamodules.instrument.general_midi_programs import PRESETS, Preset
from datamodules.instrument.general_midi_takes import LEAD_S, SLOT_S, Take, part_of, take_of
from datamodules.instrument.recording import Augmentation
from datamodules.shared.clips import ClipError
from datamodules.shared.library import Reading, shown
from datamodules.shared.rendering import LICENCE, render
from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.mel import RATE

SOURCE, UNHEARD = "gm", "gm_programs"
"""Programs that training hears, and those kept for testing."""
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
    others = "".join(f"; {font.stem}: what its package says" for font in sound_fonts)
    out: Reading[Clip] = Reading(SOURCE, LICENCE + others, note=STAND_IN)
    played = [(number, font, preset) for number, font in enumerate([None, *sound_fonts]) for preset in PRESETS]
    for number, font, preset in shown(played, "rendering instruments", progress):
        rng = np.random.default_rng([seed, preset.program, preset.drums, *([number] if number else [])])
        label = f"{font.stem}-" if font else ""
        out.items += _clips_of(preset, takes * (_KIT_TAKES if preset.drums else 1), rng, font, label, augmentation, out)
    return out


def _clips_of(
    preset: Preset,
    takes: int,
    rng: np.random.Generator,
    sound_font: Path | None,
    label: str,
    augmentation: Augmentation,
    out: Reading[Clip],
) -> Iterator[Clip]:
    played = [take_of(preset, place_of, takes, rng) for place_of in range(takes)]
    samples = render([part_of(preset, played)], sound_font)
    source = SOURCE if preset.heard else UNHEARD
    kind, split = ("kit", "train") if preset.drums else ("program", None if preset.heard else "test")
    for i, take in enumerate(played):
        name = f"{label}{kind}{preset.program}-{i:02d}"
        slot = samples[int(i * SLOT_S * RATE) : int((i + 1) * SLOT_S * RATE)]
        try:
            if _rings_on(slot):
                raise ClipError("the take before rings on")
            sound = prepare(_levelled(slot, take), name, augmentation)
        except ClipError as error:
            out.skip(name, "", error.reason, error.detail)
            continue
        labels = {**sound.measured, **take.labels} if preset.heard else {"family": take.labels["family"]}
        yield Clip(name, source, f"{SOURCE}:{kind}{preset.program}:{take.pitch}", labels, sound, split)


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
