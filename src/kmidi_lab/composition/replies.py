"""What the band answers where the tune rests: an echo of what was sung, a run, a broken chord or a fill of the drums."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kmidi_lab.chords.chord import Chord
from kmidi_lab.composition.bar_chords import Sounding
from kmidi_lab.composition.metres import SongMetre
from kmidi_lab.composition.themes import above, nearest
from kmidi_lab.song import Note

ECHO, RUN, BROKEN, FILL = "echo", "run", "broken", "fill"
"""Kinds of replies."""
_LEAST = 1.5
"""Quarters of a rest that is answered."""
_STEP = 0.5
_FEW, _MANY = 2, 4
"""Notes that an echo has, at least and at most."""
_HELD = 1.0
"""Quarters that the last note of an echo is held at most."""
_VELOCITY = 78
_MIDDLE = 72
"""C5: around it runs lie."""
_LOW, _HIGH = 60, 88
_RUNS = ((0, 1, 2, 3, 4, 5), (1, 2, 3, 4, 5), (0, 2, 3, 4, 5), (0, 1, 2, 4))
"""Eighths of a rest that a run may have."""

Rest = tuple[float, float]
"""Where it begins and ends, in quarters."""


class Reply(NamedTuple):
    """What answers in a rest: its kind, and its notes; a fill has none, since the drums' pattern has it."""

    kind: str
    rest: Rest
    notes: tuple[Note, ...] = ()


def rests(tune: Sequence[Note], length: float) -> list[Rest]:
    """Rests of a tune that are long enough for an answer, behind a note of it.

    Args:
        tune: of a section, by start, in quarters from its start on.
        length: of the section, in quarters.
    """
    starts = [*(n.start for n in tune), length][1:]
    return [(n.stop, after) for n, after in zip(tune, starts, strict=True) if after - n.stop >= _LEAST]


def replies(
    tune: Sequence[Note], chords: Sequence[str], metre: SongMetre, shares: Mapping[str, float], rng: np.random.Generator
) -> list[Reply]:
    """The band's answers in the rests of a section, of which some stay empty; all but an echo in the last bar of a rest.

    Args:
        tune: of the section, from its start on.
        chords: of the section by bars.
        metre: of the song.
        shares: how often a rest has each kind of reply, 0..1; what is left has none.
        rng: chooses.
    """
    over, length = Sounding(chords, metre.bar), len(chords) * metre.bar
    kinds, likely = [*shares, ""], [*shares.values(), max(0.0, 1.0 - sum(shares.values()))]
    out = []
    for whole in rests(tune, length):
        rest = max(whole[0], whole[1] - metre.bar), whole[1]
        kind = kinds[int(rng.choice(len(kinds), p=np.array(likely) / sum(likely)))]
        notes: list[Note] = []
        if kind == ECHO:
            notes = echo(tune, whole, over, metre.bar)
        elif kind == RUN:
            notes = run(tune, rest, over, _RUNS[int(rng.integers(len(_RUNS)))])
        if kind == BROKEN or (kind in (ECHO, RUN) and not notes):
            kind, notes = BROKEN, broken(rest, over)
        out += [Reply(kind, rest, tuple(notes))] if kind else []
    return out


def echo(tune: Sequence[Note], rest: Rest, over: Sounding, bar: float) -> list[Note]:
    """The last notes that were sung, a bar later and higher than the chords, as far as they fall into the rest."""
    start, stop = rest
    later = [n._replace(start=n.start + bar) for n in tune if start <= n.start + bar < stop][-_MANY:]
    if len(later) < _FEW:
        return []
    moved = [
        n._replace(pitch=nearest(n.pitch, over.at(n.start).tones)) if n.start % 1 == 0 or n.duration >= _HELD else n
        for n in later
    ]
    return [n._replace(velocity=_VELOCITY, duration=min(n.duration, _HELD, stop - n.start)) for n in above(moved)]


def run(tune: Sequence[Note], rest: Rest, over: Sounding, eighths: Sequence[int]) -> list[Note]:
    """Steps through the tune's own scale that begin on a tone of the chord and lead to one of the next."""
    start, stop = rest
    first = -(-start // _STEP) * _STEP
    places = [first + _STEP * n for n in eighths if first + _STEP * n < stop - _STEP / 2]
    if len(places) < _FEW:
        return []
    classes = {n.pitch % 12 for n in tune} | {tone % 12 for tone in over.at(first).tones}
    ladder = [pitch for pitch in range(_LOW, _HIGH + 1) if pitch % 12 in classes]
    goal = ladder.index(min(ladder, key=lambda p: (p % 12 not in over.at(stop).tones, abs(p - _MIDDLE), p)))
    starts = [goal + way * (len(places) + more) for way in (-1, 1) for more in (0, 1, -1)]
    begin = min(starts, key=lambda step: _strange(step, ladder, over.at(places[0])))
    way = 1 if begin < goal else -1
    line = [ladder[min(max(begin + way * n, 0), len(ladder) - 1)] for n in range(len(places))]
    stops = [*places[1:], min(places[-1] + _STEP, stop)]
    return [Note(at, end - at, pitch, _VELOCITY) for at, end, pitch in zip(places, stops, line, strict=True)]


def _strange(step: int, ladder: Sequence[int], chord: Chord) -> int:
    """How ill a run begins on a step of a ladder of pitches: 2 outside of it, 1 on no tone of the chord."""
    return 2 if not 0 <= step < len(ladder) else int(ladder[step] % 12 not in chord.tones)


def broken(rest: Rest, over: Sounding) -> list[Note]:
    """Tones of the chord one by one, upward, the last one held to the rest's end."""
    start, stop = rest
    first = -(-start // _STEP) * _STEP
    out: list[Note] = []
    pitch = _LOW - 1
    for at in np.arange(first, stop - _STEP, _STEP).tolist():
        tones = over.at(at).tones
        pitch = next((p for p in range(pitch + 1, _HIGH + 1) if p % 12 in tones), pitch)
        out.append(Note(at, _STEP, pitch, _VELOCITY))
    if out:
        out[-1] = out[-1]._replace(duration=stop - out[-1].start)
    return out


def thinned(strokes: Sequence[Note], answers: Collection[Reply], changes: Collection[float]) -> list[Note]:
    """Strokes of whoever plays the answers: while these sound, only those that begin a chord, or come early to one.

    Args:
        strokes: of a section.
        answers: in it, by who plays the strokes.
        changes: where chords begin, in quarters, the next section's first, too.
    """
    spans = [(a.notes[0].start, a.notes[-1].stop) for a in answers if a.notes]
    return [
        n
        for n in strokes
        if n.start in changes
        or not any(a <= n.start < b for a, b in spans)
        or any(n.start < change < n.stop for change in changes)
    ]
