"""General MIDI programs played through SoundFonts: sounds of instruments that no recording here has.

Every program plays takes over its range with velocities, lengths and manners at random. Whole programs are kept for
testing, one of a family that has several: nothing of them is heard in training, and only their family is known. Drum
kits share sounds, so all of them are for training; percussion is tested on other programs and on recordings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.instrument.clips import prepare
from datamodules.instrument.recording import Augmentation
from datamodules.shared.clips import ClipError
from datamodules.shared.library import Reading, shown
from datamodules.shared.rendering import LICENCE, Note, Part, render
from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.mel import RATE
from kmidi_lab.models.instrument.features import FAMILY_OF, dynamic_range_of, energy_of, place, register_of

SOURCE, UNHEARD = "gm", "gm_programs"
"""Programs that training hears, and those kept for testing."""
STAND_IN = (
    "No instrument was recorded: General MIDI programs of one SoundFont (TimGM6mb) stand in; scores on them say little about "
    "real instruments"
)
_SLOT_S, _LEAD_S = 2.6, 0.05
_LENGTHS_S = (0.25, 0.5, 1.0, 1.5)
_SHORT_S, _LONG_S, _HELD_S = 0.1, 1.2, 0.5
_LOUDEST_DB, _RANGE_DB = -3.0, 24.0
"""Peak of a take at full velocity, and how far below it one of no velocity would be: the SoundFont plays so softly that most
of a quiet sound would lie below the floor of the mel frames."""
_BEND_STEP_S = 0.02
_SILENT, _BLEEDING = 1e-5, 0.01
_PLAIN_SHARE = 0.65
_VIBRATO_DEPTHS = {"slight": 0.12, "moderate": 0.35, "strong": 0.8}
"""Semitones to either side."""
_VIBRATO_HZ, _TRILL_HZ, _TREMOLO_HZ = (5.0, 7.0), (7.0, 11.0), (8.0, 13.0)
_DRUMS = range(27, 88)
"""The keys of GS percussion."""
_KITS, _KIT_TAKES = (0, 8, 16, 24, 25, 32, 40, 48), 2
"""Drum kits, and how many times the takes of a program each plays."""
_ROLL_SHARE, _ROLL_HZ, _ROLL_S = 0.25, (6.0, 20.0), (0.4, 1.2)


@dataclass(frozen=True)
class Preset:
    """A program of the SoundFont: what is known of it, its range in MIDI pitches, and whether training hears it.

    `technique` is how a plain note is sounded; None where the program doesn't say.
    """

    program: int
    family: str
    instrument: str | None
    technique: str | None
    low: int
    high: int
    articulation: str | None = "normal"
    drums: bool = False
    heard: bool = True

    @property
    def sustains(self) -> bool:
        """Whether a note lasts as long as it is held, so that bending, trilling and slurring it make sense."""
        return self.technique in ("blown", "bowed", "sustained", None) and not self.drums

    @property
    def still(self) -> bool:
        """Whether its plain notes are surely without vibrato."""
        return self.family in ("piano", "guitar", "strings_plucked", "percussion_tuned")


def _presets() -> Iterator[Preset]:
    def of(
        instrument: str, technique: str | None, low: int, high: int, *programs: int, **more: object
    ) -> Iterator[Preset]:
        for program in programs:
            yield Preset(program, FAMILY_OF[instrument], instrument, technique, low, high, **more)  # type: ignore[arg-type]

    def family(
        name: str, instrument: str | None, technique: str | None, low: int, high: int, *programs: int
    ) -> Iterator[Preset]:
        for program in programs:
            yield Preset(program, name, instrument, technique, low, high)

    pizzicato = {"articulation": "pizzicato"}
    yield from of("piano", "hammered", 28, 96, 0, 1, 2, 3)
    yield from of("electric_piano", "hammered", 36, 91, 4, 5)
    yield from of("harpsichord", "plucked", 36, 84, 6)
    yield from family("piano", None, "hammered", 36, 84, 7)
    yield from of("bells", "hammered", 60, 96, 8, 9, 14, 112)
    yield from of("mallets", "hammered", 48, 91, 11, 12, 13)
    yield from family("percussion_tuned", None, "plucked", 60, 91, 10)
    yield from family("percussion_tuned", None, "hammered", 40, 60, 47)
    yield from family("percussion_tuned", None, "hammered", 48, 79, 114)
    yield from of("organ", "sustained", 36, 91, 16, 17, 18, 19, 20)
    yield from of("accordion", "sustained", 48, 84, 21, 23)
    yield from of("guitar", "plucked", 40, 83, 24, 25)
    yield from of("electric_guitar", "plucked", 40, 84, 26, 27, 29, 30)
    yield from of("electric_guitar", "palm_muted", 40, 72, 28)
    yield from of("electric_guitar", "harmonics", 52, 84, 31)
    yield from of("double_bass", "plucked", 28, 60, 32, **pizzicato)
    yield from of("bass_guitar", "plucked", 28, 60, 33, 35)
    yield from of("bass_guitar", "picked", 28, 60, 34)
    yield from of("bass_guitar", "slapped", 28, 60, 36, 37)
    yield from family("synth_bass", "synthesizer", None, 28, 60, 38, 39)
    yield from of("violin", "bowed", 55, 93, 40)
    yield from of("viola", "bowed", 48, 84, 41)
    yield from of("cello", "bowed", 36, 76, 42)
    yield from of("double_bass", "bowed", 28, 60, 43)
    yield from family("strings_bowed", None, "tremolo", 40, 84, 44)
    yield Preset(45, "strings_bowed", None, "plucked", 36, 84, **pizzicato)  # type: ignore[arg-type]
    yield from of("harp", "plucked", 36, 91, 46)
    yield from family("strings_bowed", None, "bowed", 40, 88, 48, 49)
    yield from of("voice", "sustained", 45, 79, 52, 53)
    yield from of("trumpet", "blown", 54, 84, 56)
    yield from of("trombone", "blown", 40, 72, 57)
    yield from of("tuba", "blown", 28, 60, 58)
    yield from of("trumpet", "blown", 54, 84, 59, articulation="con_sordino")
    yield from of("french_horn", "blown", 40, 77, 60)
    yield from family("brass", None, "blown", 40, 79, 61)
    yield from of("saxophone", "blown", 44, 81, 64, 65, 66, 67)
    yield from of("oboe", "blown", 58, 88, 68)
    yield from of("english_horn", "blown", 52, 79, 69)
    yield from of("bassoon", "blown", 34, 72, 70)
    yield from of("clarinet", "blown", 50, 89, 71)
    yield from family("woodwind_flute", None, "blown", 74, 98, 72)
    yield from of("flute", "blown", 60, 93, 73)
    yield from family("woodwind_flute", None, "blown", 60, 91, 74, 75, 76, 77, 78, 79)
    yield from family("synth_lead", "synthesizer", None, 48, 88, *range(80, 88))
    yield from family("synth_pad", "synthesizer", None, 40, 84, 50, 51, *range(88, 96))
    yield from family("electronic", "synthesizer", None, 40, 84, *range(96, 104))
    yield from family("ethnic", None, "plucked", 45, 81, 104, 106, 107, 108)
    yield from of("banjo", "plucked", 48, 84, 105)
    yield from family("ethnic", None, "blown", 55, 81, 109, 111)
    yield from of("drums", None, 40, 76, 113, 115, 116, 117, 118)
    for kit in _KITS:
        yield Preset(kit, "percussion_untuned", "drums", None, 0, 127, drums=True)


_UNHEARD = {1, 12, 17, 26, 39, 48, 53, 61, 66, 75, 82, 92, 100, 106, 117}
PRESETS = tuple(Preset(**{**vars(p), "heard": p.drums or p.program not in _UNHEARD}) for p in _presets())


@dataclass(frozen=True)
class _Take:
    """What one slot plays, from 0 s on, and what is known of it."""

    pitch: int
    labels: dict[str, int]
    notes: tuple[Note, ...]
    bends: tuple[tuple[float, float], ...] = ()


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
    played = [_take(preset, place_of, takes, rng) for place_of in range(takes)]
    samples = render([_part(preset, played)], sound_font)
    source = SOURCE if preset.heard else UNHEARD
    kind, split = ("kit", "train") if preset.drums else ("program", None if preset.heard else "test")
    for i, take in enumerate(played):
        name = f"{label}{kind}{preset.program}-{i:02d}"
        slot = samples[int(i * _SLOT_S * RATE) : int((i + 1) * _SLOT_S * RATE)]
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
    before = slot[: int(0.9 * _LEAD_S * RATE)]
    return bool(np.abs(before).max(initial=0) > _BLEEDING * np.abs(slot).max(initial=0))


def _levelled(samples: NDArray[np.float32], take: _Take) -> NDArray[np.float32]:
    """With the peak that the take's velocity stands for. Raises ClipError: silent."""
    peak = float(np.abs(samples).max())
    if peak < _SILENT:
        raise ClipError("silent")
    decibels = _LOUDEST_DB - _RANGE_DB * (1 - take.notes[0].velocity / 127)
    return np.asarray(samples * (10 ** (decibels / 20) / peak), np.float32)


def _part(preset: Preset, takes: Sequence[_Take]) -> Part:
    """The takes one slot after the other; every slot begins unbent."""
    notes, bends = [], []
    for i, take in enumerate(takes):
        at = i * _SLOT_S + _LEAD_S
        notes += [note._replace(start=at + note.start, end=at + note.end) for note in take.notes]
        bends += [(i * _SLOT_S, 0.0), *((at + seconds, semitones) for seconds, semitones in take.bends)]
    return Part(preset.program, notes, preset.drums, bends=bends)


def _take(preset: Preset, index: int, takes: int, rng: np.random.Generator) -> _Take:
    velocity = int(rng.integers(20, 128))
    labels = {"family": place("family", preset.family), "energy": energy_of(velocity)}
    labels["dynamic_range"] = dynamic_range_of(labels["energy"])
    if preset.instrument:
        labels["instrument"] = place("instrument", preset.instrument)
    if preset.drums:
        pitch = _DRUMS[int((index + rng.random()) * len(_DRUMS) / takes)]
        if rng.random() >= _ROLL_SHARE:
            return _Take(pitch, labels, (Note(0, 0.5, pitch, velocity),))
        gap = 1 / rng.uniform(*_ROLL_HZ)
        starts = np.arange(max(2, int(rng.uniform(*_ROLL_S) / gap))) * gap
        softer = rng.uniform(0.7, 1.0, len(starts))
        softer[0] = 1.0
        return _Take(
            pitch,
            labels,
            tuple(Note(s, s + gap, pitch, max(1, int(velocity * g))) for s, g in zip(starts, softer, strict=True)),
        )
    # Evenly over the range, so that few takes cover it.
    pitch = int(preset.low + (index + rng.random()) * (preset.high - preset.low) / takes)
    labels["register"] = register_of(pitch)
    manner = _manner(preset, rng)
    if manner == "plain":
        return _plain(preset, pitch, velocity, labels, rng)
    notes, bends = _play(manner, pitch, velocity, rng)
    labels["technique"] = place("technique", manner.split()[0])
    if manner.startswith("vibrato"):
        labels["vibrato"] = place("vibrato", manner.split()[1])
    return _Take(pitch, labels, notes, bends)


def _manner(preset: Preset, rng: np.random.Generator) -> str:
    """`plain`, or how a take departs from a plain note; vibrato with how wide."""
    if preset.technique in ("palm_muted", "harmonics", "slapped", "tremolo") or rng.random() < _PLAIN_SHARE:
        return "plain"
    if preset.sustains:
        vibratos = [f"vibrato {width}" for width in _VIBRATO_DEPTHS]
        return str(rng.choice(["staccato", "legato", "trill", "glissando", "tremolo", rng.choice(vibratos)]))
    if preset.family == "guitar" and preset.instrument != "bass_guitar":
        return str(rng.choice(["plain", "strummed", "tremolo"]))
    return str(rng.choice(["plain", "plain", "tremolo"]))


def _plain(preset: Preset, pitch: int, velocity: int, labels: dict[str, int], rng: np.random.Generator) -> _Take:
    length = float(rng.choice(_LENGTHS_S))
    if preset.technique and (preset.technique != "sustained" or length >= _HELD_S):
        labels["technique"] = place("technique", preset.technique)
    if preset.articulation:
        labels["articulation"] = place("articulation", preset.articulation)
    if preset.still:
        labels["vibrato"] = place("vibrato", "none")
    return _Take(pitch, labels, (Note(0, length, pitch, velocity),))


def _play(
    manner: str, pitch: int, velocity: int, rng: np.random.Generator
) -> tuple[tuple[Note, ...], tuple[tuple[float, float], ...]]:
    """Notes and bends of a manner other than plain."""
    steps = np.arange(0, _LONG_S, _BEND_STEP_S)
    held = (Note(0, _LONG_S, pitch, velocity),)
    if manner == "staccato":
        return (Note(0, _SHORT_S, pitch, velocity),), ()
    if manner == "legato":
        way = int(rng.choice([-2, -1, 1, 2]))
        starts = (0.0, 0.45, 0.9)
        return tuple(Note(s, s + 0.48, pitch + way * i, velocity) for i, s in enumerate(starts)), ()
    if manner == "trill":
        step, gap = int(rng.integers(1, 3)), 1 / rng.uniform(*_TRILL_HZ) / 2
        count = int(_LONG_S / gap)
        return tuple(Note(i * gap, (i + 1) * gap, pitch + step * (i % 2), velocity) for i in range(count)), ()
    if manner == "tremolo":
        gap = 1 / rng.uniform(*_TREMOLO_HZ)
        return tuple(Note(i * gap, (i + 0.9) * gap, pitch, velocity) for i in range(int(_LONG_S / gap))), ()
    if manner == "strummed":
        gap = rng.uniform(0.012, 0.035)
        chord = (0, 7, 12, 16, 19)
        return tuple(Note(i * gap, 1.0, pitch + tone, velocity) for i, tone in enumerate(chord)), ()
    if manner == "glissando":
        first, last = rng.permutation([-2.0, 2.0])
        ramp = np.clip((steps - 0.15) / (_LONG_S - 0.4), 0, 1)
        return held, tuple(zip(steps, first + (last - first) * ramp, strict=True))
    depth, speed = _VIBRATO_DEPTHS[manner.split()[1]], rng.uniform(*_VIBRATO_HZ)
    return held, tuple(zip(steps, depth * np.sin(2 * np.pi * speed * steps), strict=True))
