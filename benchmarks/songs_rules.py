"""How much of what harmony and melody draw for songs the rules of composition change.

    python benchmarks/songs_rules.py [SEED ...]

Composes the sentences of `songs.py`, 64 bars each, without playing them. Chords: the share that is of the key where the
harmony model draws alone, where each draw is weighed by `progressions`, and in the rounds that are kept. Tunes: what
`songs_tunes.py` measures of all phrases that the melody model draws, and of those that are kept.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from songs import SENTENCES
from songs_tunes import Line, measures

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition import kind_chords, progressions, song, tunes
from kmidi_lab.composition.bar_chords import Sounding
from kmidi_lab.composition.functions import in_key
from kmidi_lab.composition.performance import Performed
from kmidi_lab.song import Note

_ALONE = 8
"""Rounds that the harmony model draws alone, for each that is kept."""
_SHOWN = ("chord tone on strong beats", "no chord tone on strong beats, and nothing resolves it", "the same note again")

Rounds = list[tuple[Sequence[str], Key]]


class Spy:
    """What was drawn and what was kept."""

    def __init__(self) -> None:
        self.rounds: dict[str, Rounds] = {"the model alone": [], "drawn by the rules' weights": [], "kept": []}
        self.lines: dict[str, list[Line]] = {"drawn": [], "kept": []}
        self._draw, self._progression, self._best = progressions._draw, kind_chords.progression, tunes._best
        progressions._draw, kind_chords.progression, tunes._best = self.draw, self.progression, self.best
        song.performed = lambda *_: Performed(b"", "", [])

    def draw(self, ask: Any, taste: Any, rhythm: Sequence[int], rng: Any) -> Any:
        drawn = self._draw(ask, taste, rhythm, rng)
        self.rounds["drawn by the rules' weights"].append(([chord for _, chord in drawn.drawn], taste.key))
        return drawn

    def progression(self, ask: Any, taste: Any, rhythm: Sequence[int], *others: Any) -> Any:
        kept = self._progression(ask, taste, rhythm, *others)
        rng = np.random.default_rng(len(self.rounds["kept"]))
        for _ in range(_ALONE):
            chords: list[str] = []
            for _ in rhythm:
                names, p = zip(*ask(progressions.asked(chords)), strict=True)
                chords.append(names[int(rng.choice(len(p), p=np.array(p) / sum(p)))])
            self.rounds["the model alone"].append((chords, taste.key))
        self.rounds["kept"].append(([chord for _, chord in kept.drawn], taste.key))
        return kept

    def best(self, singer: Any, chords: Sequence[str], *rest: Any) -> list[Note]:
        def drawing(*asked: Any) -> Any:
            notes = singer.draw(*asked)
            self._add("drawn", [Note(*n, 1) for n in notes], chords, singer)
            return notes

        kept = self._best(replace(singer, draw=drawing), chords, *rest)
        self._add("kept", kept, chords, singer)
        return kept

    def _add(self, which: str, tune: Sequence[Note], chords: Sequence[str], singer: Any) -> None:
        onset, duration, pitch = (np.array([getattr(n, k) for n in tune]) for k in ("start", "duration", "pitch"))
        if len(tune) < 2 or not (onset % 2 == 0).any():
            return
        tones = np.zeros((len(tune), 12), bool)
        under = Sounding(chords, singer.metre.bar)
        for row, at in zip(tones, onset, strict=True):
            row[list(under.at(at).tones)] = True
        self.lines[which].append(Line(onset, duration, pitch, tones, singer.key.tonic, singer.key.mode))


def main() -> None:
    spy = Spy()
    for seed in map(int, sys.argv[1:] or ["0"]):
        for number, text in enumerate(SENTENCES, 1):
            song.compose(text, seed=number + 10 * seed, bars=64)
    for name, rounds in spy.rounds.items():
        inside = [in_key(parse_jazz(chord), key) for chords, key in rounds for chord in chords]
        print(f"chords of the key, {name}: {np.mean(inside):.3f} of {len(inside)}")
    for name, lines in spy.lines.items():
        every = [measures(line) for line in lines]
        print(f"phrases {name}: {len(lines)}", *(f"{k} {np.mean([m[k] for m in every]):.3f}" for k in _SHOWN), sep="; ")


if __name__ == "__main__":
    main()
