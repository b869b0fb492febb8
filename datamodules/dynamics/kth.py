"""Performances by rule: published rules of music performance, each with a strength that a made-up performer draws.

A. Friberg, R. Bresin, J. Sundberg, *Overview of the KTH rule system for musical performance* (Advances in Cognitive
Psychology 2, 2006); formulas after A. Friberg, *Generative rules for music performance* (Computer Music Journal 15:2,
1991). Sound level is in dB, durations in milliseconds, at strength 1. The scores are chorales of the music21 corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.shared.layout import chorale_files
from datamodules.shared.library import Reading, shown
from kmidi_lab.midi.score import PHRASE_BARS, Score, make_score, metrical_strength
from kmidi_lab.models.dynamics.targets import Performance, PerformedNotes, at_tempo, nothing_written

LICENCE = "scores in the public domain, encodings per piece; performances made here by rule"
PERFORMERS = 3
_ARCH_DB, _ACCENT_DB = 4.0, 2.0
_PHRASE_END_MS, _REPETITION_MS = 80.0, 35.0
_LEVEL_PER_MS, _DURATION_PER_MS, _PAUSE_PER_MS = 0.075, 1.5, 4.5
_MOTOR_NOISE_MS, _LEVEL_NOISE_DB = 8.0, 0.5
Floats = NDArray[np.float64]
_EVERY = 6


@dataclass(frozen=True)
class Performer:
    """Strengths of the rules, 0 to 2, with a touch of the performer's own: `velocity` at 0 dB, `detached` share of
    every note left silent, `turn` place of the phrase's climax in 0..1, `tempo` in quarter notes a minute.
    """

    high_loud: float
    duration_contrast: float
    phrase_arch: float
    metrical_accent: float
    articulation: float
    noise: float
    velocity: float
    detached: float
    turn: float
    tempo: float

    @classmethod
    def at_random(cls, rng: np.random.Generator) -> Performer:
        loud, contrast, arch, accent, articulation, noise = (float(k) for k in rng.uniform(0.3, 1.7, 6))
        return cls(
            high_loud=loud,
            duration_contrast=contrast,
            phrase_arch=arch,
            metrical_accent=accent,
            articulation=articulation,
            noise=noise,
            velocity=float(rng.normal(64, 8)),
            detached=float(rng.uniform(0, 0.2)),
            turn=float(rng.uniform(0.4, 0.8)),
            tempo=float(rng.uniform(66, 132)),
        )


def high_loud(score: Score) -> Floats:
    """The higher the louder: 3 dB an octave, around the mean pitch."""
    return (score.pitch - score.pitch.mean()) / 4


def shortening(milliseconds: np.ndarray) -> Floats:
    """Duration contrast: what short notes lose, in ms, at most 11 at 200 ms and nothing beyond 30 and 600."""
    return np.interp(milliseconds, [30, 200, 400, 600], [0, -11, -7, 0])


def phrase_arch(score: Score, turn: float) -> Floats:
    """Two parabolas that meet at `turn`: 4 dB softer at both ends of a phrase (shape: Friberg, 1995; amount ours)."""
    place = score.bar / PHRASE_BARS % 1.0
    away = np.where(place < turn, (turn - place) / turn, (place - turn) / (1 - turn))
    return -_ARCH_DB * away**2


def metrical_accent(score: Score) -> Floats:
    """Strong beats louder, by up to 2 dB (amount ours)."""
    return _ACCENT_DB * metrical_strength(score)


def pauses(score: Score) -> Floats:
    """Milliseconds of silence after a note: 80 at the end of a phrase (punctuation), 35 before the same pitch."""
    ends = score.bar + score.duration / score.bar_quarters
    last = ends >= (np.floor(score.bar / PHRASE_BARS) + 1) * PHRASE_BARS - 1e-6
    starts = set(zip(score.pitch.tolist(), score.onset.round(3).tolist(), strict=True))
    until = (score.onset + score.duration).round(3).tolist()
    again = np.array([(p, t) in starts for p, t in zip(score.pitch.tolist(), until, strict=True)])
    return np.maximum(_PHRASE_END_MS * last, _REPETITION_MS * again)


def perform(score: Score, performer: Performer, rng: np.random.Generator) -> PerformedNotes:
    """A performance by rule; no rule knows the pedal, so nothing is known of it."""
    milliseconds = score.duration * 60000 / performer.tempo
    contrast = performer.duration_contrast * shortening(milliseconds)
    level = (
        performer.high_loud * high_loud(score)
        + _LEVEL_PER_MS * contrast
        + performer.phrase_arch * phrase_arch(score, performer.turn)
        + performer.metrical_accent * metrical_accent(score)
        + performer.noise * rng.normal(0, _LEVEL_NOISE_DB, len(score))
    )
    silence = performer.articulation * (pauses(score) - _PAUSE_PER_MS * contrast)
    onsets, at = np.unique(score.onset, return_inverse=True)
    shortest = np.zeros(len(onsets))
    np.minimum.at(shortest, at, contrast)
    early = _DURATION_PER_MS * np.concatenate([[0.0], shortest[:-1]])  # the note after a shortened one comes early
    noise = performer.noise * rng.normal(0, _MOTOR_NOISE_MS, len(score))
    return PerformedNotes(
        # Sound level goes with the square of velocity (R. Dannenberg, The interpretation of MIDI velocity, ICMC 2006).
        velocity=np.clip(np.rint(performer.velocity * 10 ** (level / 40)), 1, 127),
        timing=(early[at] + noise) / 1000,
        articulation=np.clip((1 - performer.detached) - silence / milliseconds, 0.1, 1),
        pedal=np.full(len(score), np.nan),
    )


def read(files: Sequence[Path], progress: bool) -> Reading[Performance]:
    """Every score by `PERFORMERS` performers; the same ones whenever it is read."""
    reading: Reading[Performance] = Reading("kth_rules", LICENCE)
    for path in shown(files, "reading scores", progress):
        score = read_score(path, reading)
        if score is None:
            continue
        for number in range(PERFORMERS):
            rng = np.random.default_rng([number, *path.stem.encode()])
            performer = Performer.at_random(rng)
            played = perform(score, performer, rng)
            name = f"kth_rules/{path.stem}"
            reading.items.append(
                Performance(
                    f"{name}/{number}",
                    name,
                    "kth_rules",
                    at_tempo(score, performer.tempo),
                    played,
                    nothing_written(score),
                )
            )
    return reading


def score_files() -> list[Path]:
    """Every sixth Bach chorale: enough for a stand-in, read in seconds."""
    return chorale_files()[::_EVERY]


def read_score(path: Path, reading: Reading[Performance]) -> Score | None:
    """A MusicXML score, or None with the problem reported."""
    import muspy

    try:
        music = muspy.read_musicxml(path)
    except Exception as error:  # muspy raises whatever its XML parsing meets
        reading.skip(path, path.stem, "muspy can't read it", repr(error))
        return None
    notes = [(n.time, n.duration, n.pitch) for track in music.tracks for n in track.notes]
    if not notes:
        reading.skip(path, path.stem, "no notes")
        return None
    step = float(music.resolution)
    metres = [(t.time / step, int(t.numerator), int(t.denominator)) for t in music.time_signatures]
    onset, duration, pitch = zip(*notes, strict=True)
    return make_score([t / step for t in onset], [d / step for d in duration], pitch, metres)[0]
