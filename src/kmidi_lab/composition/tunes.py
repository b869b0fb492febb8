"""Tunes of a section: several are drawn from the melody model, a rule chooses, and phrases return."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.form import PHRASE
from kmidi_lab.composition.metres import SongMetre
from kmidi_lab.song import Note

_CANDIDATES = 12
_VELOCITY = 92
SPAN = (57, 81)
"""What a lead part plays in, lowest and highest pitch."""
_BREATH = 0.5
"""Beats of silence before the next phrase."""


Span = tuple[int, int]
Draw = Callable[[str, int, int], Sequence[tuple[float, float, int]]]
"""Chords a bar each, bars and a seed to (onset, duration, pitch) of a tune."""


def section_tune(
    draw: Draw,
    chords: Sequence[str],
    key: Key,
    lift: float,
    rng: np.random.Generator,
    metre: SongMetre,
    span: Span = SPAN,
) -> list[Note]:
    """A tune over chords of a bar each, in phrases of four bars: a a' of eight, a a' b a' of sixteen.

    Args:
        draw: asks the model.
        chords: symbols, one a bar.
        key: of the song.
        lift: 0..1, how high the tune lies within its range.
        rng: chooses the seeds.
        metre: of the song.
        span: lowest and highest pitch.
    """
    phrases = [list(chords[i : i + PHRASE]) for i in range(0, len(chords), PHRASE)]
    first = _best(draw, phrases[0], key, lift, rng, metre, span)
    tunes: list[list[Note]] = []
    for number, over in enumerate(phrases):
        if number == 0:
            tune = first
        elif number % 4 == 2:
            tune = _best(draw, over, key, min(lift + 0.3, 1.0), rng, metre, span)
        else:
            tune = _varied(first, _best(draw, over, key, lift, rng, metre, span), over, phrases[0], metre.bar)
        tunes.append(_breathing(tune, len(over) * metre.bar))
    return [t._replace(start=t.start + i * PHRASE * metre.bar) for i, tune in enumerate(tunes) for t in tune]


def with_end(
    tune: Sequence[Note],
    draw: Draw,
    chords: Sequence[str],
    key: Key,
    lift: float,
    rng: np.random.Generator,
    metre: SongMetre,
    span: Span = SPAN,
) -> list[Note]:
    """A section's tune with its last two bars drawn anew, since their chords are others; arguments as of `section_tune`."""
    first = (len(chords) - 1) // PHRASE * PHRASE
    other = _best(draw, chords[first:], key, lift, rng, metre, span)
    cut = max(len(chords) - 2, first) * metre.bar
    end = [n._replace(start=n.start + first * metre.bar) for n in other]
    joined = [n for n in tune if n.start < cut] + [n for n in end if n.start >= cut]
    return _breathing(joined, len(chords) * metre.bar)


def _best(
    draw: Draw,
    chords: Sequence[str],
    key: Key,
    lift: float,
    rng: np.random.Generator,
    metre: SongMetre,
    span: Span = SPAN,
) -> list[Note]:
    seeds = rng.integers(1, 2**31 - 1, _CANDIDATES).tolist()
    placed = [
        _placed([Note(*n, _VELOCITY) for n in draw(" | ".join(chords), len(chords), seed)], lift, span)
        for seed in seeds
    ]
    return max(placed, key=lambda tune: merit(tune, [parse_jazz(c) for c in chords], key, lift, metre, span))


def _varied(first: list[Note], other: list[Note], over: Sequence[str], before: Sequence[str], bar: float) -> list[Note]:
    """The first phrase with another end; where its chords return at all. Else the other."""
    kept = next((i for i, (a, b) in enumerate(zip(over, before, strict=False)) if a != b), len(over))
    cut = min(kept, max(1, len(over) // 2)) * bar
    if not kept:
        return other
    return [t for t in first if t.start < cut] + [t for t in other if t.start >= cut]


def _middle(lift: float, span: Span) -> float:
    """Where a tune lies by its `lift`: from 7/24 to 16/24 of the span."""
    low, high = span
    return low + (7 + 9 * lift) * (high - low) / 24


def _placed(tune: list[Note], lift: float, span: Span) -> list[Note]:
    """The tune in the octave that suits the lead, its notes outside the span turned into it."""
    mean = float(np.mean([t.pitch for t in tune]))
    shift = 12 * round((_middle(lift, span) - mean) / 12)
    return [t._replace(pitch=_turned(t.pitch + shift, span)) for t in tune]


def _turned(pitch: int, span: Span) -> int:
    while pitch < span[0]:
        pitch += 12
    while pitch > span[1]:
        pitch -= 12
    return pitch


def _breathing(tune: list[Note], length: float) -> list[Note]:
    """Notes end where the next begins, the last one before the phrase does."""
    if not tune:
        return []
    ends = [*(t.start for t in tune[1:]), length - _BREATH]
    return [t._replace(duration=max(min(t.duration, end - t.start), 0.2)) for t, end in zip(tune, ends, strict=True)]


def merit(
    tune: Sequence[Note], chords: Sequence[Chord], key: Key, lift: float, metre: SongMetre, span: Span = SPAN
) -> float:
    """How good a phrase is, by rules of thumb: higher is better.

    Chord tones on strong beats, steps more than leaps, a range of about an octave, no note again and again, an end on a
    chord tone, and a place in the range as `lift` asks.
    """
    pitch = np.array([t.pitch for t in tune])
    over = [chords[min(int(t.start // metre.bar), len(chords) - 1)] for t in tune]
    strong = [t.pitch % 12 in c.tones for t, c in zip(tune, over, strict=True) if t.start % metre.strong == 0]
    scale = (0, 2, 4, 5, 7, 9, 11) if key.mode >= 0 else (0, 2, 3, 5, 7, 8, 10, 11)
    in_key = np.mean([(p - key.tonic) % 12 in scale or p % 12 in c.tones for p, c in zip(pitch, over, strict=True)])
    steps = np.abs(np.diff(pitch)) if len(pitch) > 1 else np.zeros(1)
    wide = int(np.ptp(pitch))
    close = 1.0 if tune[-1].pitch % 12 in over[-1].tones else 0.0
    return float(
        1.2 * (np.mean(strong) if strong else 0.0)
        + 2 * in_key
        - 0.8 * np.mean(steps == 0)
        - 0.15 * np.mean(np.maximum(steps - 7, 0))
        - 0.1 * max(0, 5 - wide)
        - 0.15 * max(0, wide - 14)
        + 0.5 * close
        - 0.05 * abs(float(pitch.mean()) - _middle(lift, span))
    )
