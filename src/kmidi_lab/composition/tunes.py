"""Tunes of a section: several are drawn from the melody model, a rule chooses, and phrases return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from kmidi_lab.chords.chord import KEY_SCALES, Chord, Key
from kmidi_lab.composition.bar_chords import Sounding
from kmidi_lab.composition.dissonance import clashes, foreign, leapt_clashes, unresolved
from kmidi_lab.composition.metres import SongMetre
from kmidi_lab.composition.peaks import crested
from kmidi_lab.composition.phrasing import breathing, longest_stretch, sung_bars
from kmidi_lab.composition.playable import folded
from kmidi_lab.song import Note
from kmidi_lab.song.edges import PHRASE

_CANDIDATES = 12
_VELOCITY = 92
SPAN = (57, 81)
"""What a lead part plays in, lowest and highest pitch."""
_LONG = 1.0
"""Quarters of a note that is heard as one of a strong beat is."""
_CHORDAL = 0.5
"""What chord tones on strong beats are worth: so much that tunes have about people's share of them."""
_LOOSE, _LEAPT, _CLASH = 1.5, 1.5, 0.2
"""What notes that nothing resolves cost, clashes that are leapt to, and clashes on strong beats, by their share of the tune's."""
_AGAIN = 0.25
"""Share of notes that may be the one before again: about people's."""
_LEAPING, _FAR = 1.5, 9
"""What leaps of more than so many semitones cost, by their share: tunes that are turned into the span zigzag by octaves."""
_BREATH, _BREATHLESS = 6.0, 0.04
"""Quarters that a tune may sing without a pause, and what each more costs: so people's phrases are about as long."""
_REACH, _OFF = 2.4, 0.65
"""Semitones from note to note, and share of notes off the beat, that a phrase rather has: about people's."""


_ANSWERED = 2
"""Bars with which the second line of a blues begins as the first, though its chords are others."""
Span = tuple[int, int]
Make = Callable[[list[Note]], list[Note]]
Draw = Callable[[str, int, int], Sequence[tuple[float, float, int]]]
"""Chords with `|` between bars, bars and a seed to (onset, duration, pitch) of a tune."""


@dataclass(frozen=True)
class Singer:
    """What all tunes of a song have in common.

    Args:
        draw: asks the model.
        key: of the song.
        rng: chooses the seeds.
        metre: of the song.
        span: lowest and highest pitch.
        heard: a chord as a tune over it is judged, such as with blue notes; None is as it is.
    """

    draw: Draw
    key: Key
    rng: np.random.Generator
    metre: SongMetre
    span: Span = SPAN
    heard: Callable[[Chord], Chord] | None = None


def section_tune(singer: Singer, chords: Sequence[str], lift: float, sung: Sequence[int] = ()) -> list[Note]:
    """A tune over chords by bars, in phrases of four bars: a a' of eight, a a' b a' of sixteen, a a' b of a blues; with one high point.

    Args:
        singer: of the song.
        chords: bars, as a chart writes them.
        lift: 0..1, how high the tune lies within its range.
        sung: bars of each phrase that are sung; without any as `sung_bars` has it.
    """
    bar = singer.metre.bar
    phrases = [list(chords[i : i + PHRASE]) for i in range(0, len(chords), PHRASE)]
    sung = sung or sung_bars(len(chords))
    first = _best(singer, phrases[0][: sung[0]], lift)
    tunes: list[list[Note]] = []
    for number, (whole, bars) in enumerate(zip(phrases, sung, strict=True)):
        over = whole[:bars]
        kept = (_ANSWERED if singer.heard and number == 1 else _returning(over, phrases[0])) * bar
        if number == 0:
            tune = first
        elif number % 4 == 2 or not kept:
            tune = _best(singer, over, min(lift + 0.3, 1.0) if number % 4 == 2 else lift)
        else:
            tune = _best(singer, over, lift, partial(_joined, first, cut=kept))
        tunes.append(breathing(tune, len(over) * bar, len(whole) * bar))
    joined = [t._replace(start=t.start + i * PHRASE * bar) for i, tune in enumerate(tunes) for t in tune]
    return crested(joined, Sounding(chords, bar, singer.heard).at, len(chords) * bar, singer.span[1])


def with_end(
    singer: Singer,
    tune: Sequence[Note],
    chords: Sequence[str],
    lift: float,
    sung_of: Sequence[int] = (),
    anew: int = 2,
) -> list[Note]:
    """A section's tune with the last `anew` bars that are sung drawn anew; other arguments as of `section_tune`."""
    bar = singer.metre.bar
    first, sung = (len(chords) - 1) // PHRASE * PHRASE, (sung_of or sung_bars(len(chords)))[-1]
    begun = [n._replace(start=n.start - first * bar) for n in tune if n.start >= first * bar]
    cut = max(sung - anew, 0) * bar
    end = _best(singer, chords[first : first + sung], lift, partial(_joined, begun, cut=cut))
    end = breathing(end, sung * bar, (len(chords) - first) * bar)
    return [n for n in tune if n.start < first * bar] + [n._replace(start=n.start + first * bar) for n in end]


def _best(singer: Singer, chords: Sequence[str], lift: float, made: Make = list) -> list[Note]:
    """The best of several tunes that are drawn, each as `made` uses it."""
    draw, span = singer.draw, singer.span
    seeds = singer.rng.integers(1, 2**31 - 1, _CANDIDATES).tolist()
    placed = [
        made(_placed([Note(*n, _VELOCITY) for n in draw(" | ".join(chords), len(chords), seed)], lift, span))
        for seed in seeds
    ]
    over = Sounding(chords, singer.metre.bar, singer.heard)
    return max(placed, key=lambda tune: merit(tune, over, singer.key, lift, singer.metre, span))


def _returning(over: Sequence[str], before: Sequence[str]) -> int:
    """Bars of a phrase that may be those of another: where its chords are the same, up to half of it."""
    kept = next((i for i, (a, b) in enumerate(zip(over, before, strict=False)) if a != b), len(over))
    return min(kept, max(1, len(over) // 2))


def _joined(first: Sequence[Note], other: Sequence[Note], cut: float) -> list[Note]:
    """A phrase up to a place, and another from there on."""
    return [t for t in first if t.start < cut] + [t for t in other if t.start >= cut]


def _middle(lift: float, span: Span) -> float:
    """Where a tune lies by its `lift`: from 7/24 to 16/24 of the span."""
    low, high = span
    return low + (7 + 9 * lift) * (high - low) / 24


def _placed(tune: list[Note], lift: float, span: Span) -> list[Note]:
    """The tune in the octave that suits the lead, its notes outside the span turned into it."""
    mean = float(np.mean([t.pitch for t in tune]))
    shift = 12 * round((_middle(lift, span) - mean) / 12)
    return [t._replace(pitch=folded(t.pitch + shift, *span)) for t in tune]


def merit(tune: Sequence[Note], chords: Sounding, key: Key, lift: float, metre: SongMetre, span: Span = SPAN) -> float:
    """How good a phrase is, by rules of thumb: higher is better.

    What is not of its chord is resolved by step where it is heard, few leaps, a range of about an octave, few notes again and
    again, many off the beat, pauses, an end on a chord tone, and a place in the range as `lift` asks.
    """
    pitch = np.array([t.pitch for t in tune])
    over = [chords.at(t.start) for t in tune]
    strong = np.array([t.start % metre.strong == 0 for t in tune])
    heard = strong | np.array([t.duration >= _LONG for t in tune])
    loose, leapt = unresolved(tune, over), leapt_clashes(tune, over)
    scale = KEY_SCALES[1 if key.mode >= 0 else -1]
    in_key = np.mean([(p - key.tonic) % 12 in scale or p % 12 in c.tones for p, c in zip(pitch, over, strict=True)])
    steps = np.abs(np.diff(pitch)) if len(pitch) > 1 else np.zeros(1)
    wide = int(np.ptp(pitch))
    close = 1.0 if tune[-1].pitch % 12 in over[-1].tones else 0.0
    return float(
        _CHORDAL * (1.0 - np.mean(foreign(tune, over)[strong]) if strong.any() else 0.0)
        - _LOOSE * (np.mean(loose) + np.mean(loose & heard))
        - _LEAPT * np.mean(leapt & heard)
        - _CLASH * (np.mean(clashes(tune, over)[strong]) if strong.any() else 0.0)
        + 2 * in_key
        - 0.8 * max(0.0, float(np.mean(steps == 0)) - _AGAIN)
        - 0.2 * max(0.0, _REACH - float(steps.mean()))
        - 1.2 * max(0.0, _OFF - float(np.mean([t.start % 1 != 0 for t in tune])))
        - _BREATHLESS * max(0.0, longest_stretch(tune, chords.stop) - _BREATH)
        - 0.25 * np.mean(np.maximum(steps - 7, 0))
        - _LEAPING * np.mean(steps > _FAR)
        - 0.1 * max(0, 5 - wide)
        - 0.15 * max(0, wide - 14)
        + 0.5 * close
        - 0.05 * abs(float(pitch.mean()) - _middle(lift, span))
    )
